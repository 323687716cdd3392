/* SPDX-License-Identifier: MIT */
/* The model MTA as a program: `deadmx _model run|queue|mutants`. */
#include <arpa/inet.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "deadmx/scenario.h"
#include "harness/model/model_run.h"
#include "harness/model/model_smtpd.h"
#include "harness/model/model_tls.h"

#define DAY_MS (INT64_C(86400) * 1000)

static const char help[] =
	"Usage: deadmx _model run|queue|mutants [OPTION...]\n"
	"\n"
	"The small MTA that comes with deadmx. It is the target `model`, and "
	"is\n"
	"started by its target file.\n"
	"\n"
	"  --queue DIR         the queue (default: /var/spool/deadmx-model)\n"
	"  --port N            takes mail at 127.0.0.1 (default: 25)\n"
	"  --hostname NAME     (default: model.deadmx.example)\n"
	"  --dns ADDRESS       name server, IPv4 (default: 127.0.0.1)\n"
	"  --dns-port N        its port (default: 53)\n"
	"  --smtp-port N       port of the servers that mail goes to (default: "
	"25)\n"
	"  --profile rfc|exchange\n"
	"  --lifetime TIME     bounced after this (default: 5d; exchange 2d)\n"
	"  --retry TIME        tried so often (default: the profile's rule)\n"
	"  --delay TIME        delay notice after this; 0 never (default: 4h)\n"
	"  --ip ipv4|ipv6|all  which addresses it connects to (default: all)\n"
	"  --tls none|may|encrypt|verify|secure\n"
	"                      what it asks of servers (default: none)\n"
	"  --ca FILE           roots to trust, PEM (default: none)\n"
	"  --mutant NAME       be wrong in this way; `mutants` lists them\n";

static const struct option options[] = {
	{"queue", required_argument, NULL, 'q'},
	{"port", required_argument, NULL, 'p'},
	{"hostname", required_argument, NULL, 'n'},
	{"dns", required_argument, NULL, 'd'},
	{"dns-port", required_argument, NULL, 'D'},
	{"smtp-port", required_argument, NULL, 's'},
	{"tls", required_argument, NULL, 't'},
	{"ca", required_argument, NULL, 'c'},
	{"profile", required_argument, NULL, 'P'},
	{"lifetime", required_argument, NULL, 'l'},
	{"retry", required_argument, NULL, 'r'},
	{"delay", required_argument, NULL, 'w'},
	{"ip", required_argument, NULL, 'i'},
	{"mutant", required_argument, NULL, 'm'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static bool time_read(const char *text, int64_t *ret_ms)
{
	int64_t ns;

	if (deadmx_duration_parse(text, &ns) < 0)
		return false;
	*ret_ms = ns / 1000000;
	return true;
}

static bool port_read(const char *text, uint16_t *ret)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	*ret = (uint16_t)port;
	return !*end && port > 0 && port <= UINT16_MAX;
}

static bool dns_read(const char *text, const char **ret)
{
	struct in_addr in;

	*ret = text;
	return inet_pton(AF_INET, text, &in) == 1;
}

static bool option_read(struct model_config *config, int option)
{
	switch (option) {
	case 'q':
		config->queue_dir = optarg;
		return true;
	case 'p':
		return port_read(optarg, &config->port);
	case 'n':
		config->hostname = optarg;
		return strlen(optarg) < 200;
	case 'd':
		return dns_read(optarg, &config->dns);
	case 'D':
		return port_read(optarg, &config->dns_port);
	case 's':
		return port_read(optarg, &config->smtp_port);
	case 't':
		return model_tls_parse(optarg, &config->tls) == 0;
	case 'c':
		config->ca = optarg;
		return true;
	case 'P':
		return model_profile_parse(optarg, &config->profile) == 0;
	case 'l':
		/* "default" is the profile's own. */
		return strcmp(optarg, "default") == 0 ||
		       (time_read(optarg, &config->lifetime_ms) &&
			config->lifetime_ms > 0);
	case 'r':
		return time_read(optarg, &config->retry_ms) &&
		       config->retry_ms > 0;
	case 'w':
		return time_read(optarg, &config->delay_ms);
	case 'i':
		config->no_ip6 = strcmp(optarg, "ipv4") == 0;
		config->no_ip4 = strcmp(optarg, "ipv6") == 0;
		return config->no_ip4 || config->no_ip6 ||
		       strcmp(optarg, "all") == 0;
	case 'm':
		return model_mutant_parse(optarg, &config->mutant) == 0;
	}
	return false;
}

static void config_finish(struct model_config *config)
{
	bool is_exchange = config->profile == MODEL_PROFILE_EXCHANGE;

	if (!config->lifetime_ms)
		config->lifetime_ms = is_exchange ? 2 * DAY_MS : 5 * DAY_MS;
	config->retry_for_ms = is_exchange && config->lifetime_ms > DAY_MS
				       ? DAY_MS
				       : config->lifetime_ms;
	if (model_is(config, MODEL_MUTANT_EXPIRES_LATE))
		config->retry_for_ms *= 2;
}

static void on_signal(uv_signal_t *handle, int signo)
{
	uv_stop(handle->loop);
}

static int run(struct model_config *config)
{
	struct model_run *run;
	struct model_smtpd *smtpd;
	uv_signal_t term, interrupt;
	uv_loop_t loop;

	/* Each attempt has a thread that mostly waits. */
	setenv("UV_THREADPOOL_SIZE", "64", 1);
	_Static_assert(MODEL_DELIVERIES_MAX == 64, "as said here");
	signal(SIGPIPE, SIG_IGN);
	openlog("model", LOG_PID, LOG_MAIL);
	if (config->tls != MODEL_TLS_NONE &&
	    model_tls_context_new(config->ca, &config->tls_context) < 0)
		return 1;
	uv_loop_init(&loop);
	uv_signal_init(&loop, &term);
	uv_signal_init(&loop, &interrupt);
	if (model_run_new(&loop, config, &run) < 0 ||
	    model_smtpd_new(&loop, config, run, &smtpd) < 0)
		return 1;
	uv_signal_start(&term, on_signal, SIGTERM);
	uv_signal_start(&interrupt, on_signal, SIGINT);
	uv_run(&loop, UV_RUN_DEFAULT);
	/* What is under way is on disk as it was before the attempt; threads
	 * that wait for a server are not waited for. */
	closelog();
	_exit(0);
}

static int queue_show(const struct model_config *config)
{
	struct model_queue queue;

	if (model_queue_open(&queue, config) < 0)
		return 1;
	model_queue_print(&queue, stdout);
	model_queue_release(&queue);
	return 0;
}

static int mutants_show(void)
{
	for (int i = 1; i < MODEL_MUTANT_COUNT; i++)
		printf("%-20s %s\n", model_mutant_word((enum model_mutant)i),
		       model_mutant_doc((enum model_mutant)i));
	return 0;
}

int model_main(int argc, char **argv)
{
	struct model_config config = {
		.queue_dir = "/var/spool/deadmx-model",
		.hostname = "model.deadmx.example",
		.port = 25,
		.dns = "127.0.0.1",
		.dns_port = 53,
		.smtp_port = 25,
		.delay_ms = DAY_MS / 6,
	};
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (!option_read(&config, option)) {
			fputs(help, stderr);
			return 2;
		}
	}
	config_finish(&config);
	if (optind == argc - 1 && !strcmp(argv[optind], "run"))
		return run(&config);
	if (optind == argc - 1 && !strcmp(argv[optind], "queue"))
		return queue_show(&config);
	if (optind == argc - 1 && !strcmp(argv[optind], "mutants"))
		return mutants_show();
	fputs(help, stderr);
	return 2;
}
