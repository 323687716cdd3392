/* SPDX-License-Identifier: MIT */
#include "harness/cmd_probe.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "deadmx/scenario.h"
#include "harness/probe/probe.h"
#include "harness/probe/probe_json.h"
#include "harness/probe/probe_text.h"

enum {
	PROBE_EXIT_REACHABLE = 0,
	PROBE_EXIT_NOT = 1,
	PROBE_EXIT_USAGE = 2,
	PROBE_EXIT_MACHINE = 3,
	PROBE_EXIT_FAILED = 4,
};

static const char help_head[] =
	"Usage: deadmx probe [OPTION...] ADDRESS\n"
	"\n"
	"Go the way that an MTA would take to ADDRESS: MX records, each host\n"
	"in its order by IPv6 and IPv4, STARTTLS and certificate, up to RCPT.\n"
	"No message is sent. Each step is told with its time, and at the end\n"
	"what an MTA would report.\n"
	"\n"
	"  --dns HOST[:PORT]  ask this resolver (default: the system's)\n"
	"  --from ADDRESS     sender (default: <>, the null reverse-path)\n"
	"  --helo NAME        name for EHLO (default: this host's, if it has "
	"a\n"
	"                     dot, else the address that it connects from)\n"
	"  --port N           SMTP port (default 25)\n"
	"  -4, -6             only IPv4, only IPv6\n"
	"  --timeout TIME     for each step (default 30s)\n"
	"  --max-time TIME    for everything (default 10m)\n"
	"  --tls LEVEL        how much TLS is asked for (default may):\n";

static const char help_tail[] =
	"  --no-starttls      the same as --tls none\n"
	"  --ca FILE          trust these roots (PEM), not the system's\n"
	"  --all              try all hosts, though one has settled the case\n"
	"  --json             print the result as JSON (docs/json.md)\n"
	"  --help             this text\n"
	"\n"
	"Exit status: 0 reachable, 1 not, 2 usage, 3 this machine can't do "
	"it,\n"
	"4 interrupted or deadmx itself failed. More: docs/probe.md.\n";

static volatile sig_atomic_t cmd_probe_stopped;

static void cmd_probe_on_signal(int signo)
{
	(void)signo;
	cmd_probe_stopped = 1;
}

static void cmd_probe_help(void)
{
	fputs(help_head, stdout);
	for (int i = 0; i < PROBE_TLS_COUNT; i++)
		printf("                       %-8s %s\n",
		       probe_tls_level_word((enum probe_tls_level)i),
		       probe_tls_level_doc((enum probe_tls_level)i));
	fputs(help_tail, stdout);
}

struct cmd_probe {
	struct probe_options options;
	struct probe_address from;
	const char *dns, *ca;
	int64_t max_time_ns;
	bool as_json;
	struct probe_text text;
};

static int cmd_probe_usage(const char *what, const char *expected,
			   const char *got)
{
	fprintf(stderr, "deadmx probe: %s: expected %s, got '%s'\n", what,
		expected, got);
	return PROBE_EXIT_USAGE;
}

static int cmd_probe_set_time(const char *option, const char *text,
			      int64_t *ret_ns)
{
	int64_t ns;

	if (deadmx_duration_parse(text, &ns) < 0 || ns <= 0)
		return cmd_probe_usage(option, "a time like 30s or 5m", text);
	*ret_ns = ns;
	return 0;
}

static int cmd_probe_set_port(struct cmd_probe *c, const char *text)
{
	char *end;
	long port;

	errno = 0;
	port = strtol(text, &end, 10);
	if (errno || end == text || *end || port < 1 || port > 65535)
		return cmd_probe_usage("--port", "1 to 65535", text);
	c->options.port = (uint16_t)port;
	return 0;
}

static int cmd_probe_set_from(struct cmd_probe *c, const char *text)
{
	const char *why;

	c->options.from = "";
	if (!*text || strcmp(text, "<>") == 0)
		return 0;
	why = probe_address_parse(text, &c->from);
	c->options.from = c->from.mailbox;
	return why ? cmd_probe_usage("--from", "an address or <>", text) : 0;
}

static int cmd_probe_set_helo(struct cmd_probe *c, const char *text)
{
	struct probe_address literal;
	char mailbox[300];

	c->options.helo = text;
	if (!probe_address_domain(text))
		return 0;
	/* An address literal will do, too. */
	snprintf(mailbox, sizeof(mailbox), "a@%s", text);
	if (text[0] == '[' && !probe_address_parse(mailbox, &literal))
		return 0;
	return cmd_probe_usage("--helo", "a host name or [192.0.2.1]", text);
}

static int cmd_probe_set_tls(struct cmd_probe *c, const char *text)
{
	if (probe_tls_level_parse(text, &c->options.tls) < 0)
		return cmd_probe_usage("--tls", "none, may, encrypt or verify",
				       text);
	return 0;
}

/* 0, or the exit status. */
static int cmd_probe_option(struct cmd_probe *c, int option)
{
	switch (option) {
	case 'd':
		c->dns = optarg;
		return 0;
	case 'f':
		return cmd_probe_set_from(c, optarg);
	case 'e':
		return cmd_probe_set_helo(c, optarg);
	case 'p':
		return cmd_probe_set_port(c, optarg);
	case '4':
		c->options.v6 = false;
		c->options.v4 = true;
		return 0;
	case '6':
		c->options.v4 = false;
		c->options.v6 = true;
		return 0;
	case 't':
		return cmd_probe_set_time("--timeout", optarg,
					  &c->options.net.timeout_ns);
	case 'm':
		return cmd_probe_set_time("--max-time", optarg,
					  &c->max_time_ns);
	case 'T':
		return cmd_probe_set_tls(c, optarg);
	case 'n':
		c->options.tls = PROBE_TLS_NONE;
		return 0;
	case 'c':
		c->ca = optarg;
		return 0;
	case 'a':
		c->options.all = true;
		return 0;
	case 'j':
		c->as_json = true;
		return 0;
	default:
		fputs("Try 'deadmx probe --help'.\n", stderr);
		return PROBE_EXIT_USAGE;
	}
}

/* -1: go on; else the exit status. */
static int cmd_probe_parse(struct cmd_probe *c, int argc, char **argv)
{
	static const struct option options[] = {
		{"dns", required_argument, NULL, 'd'},
		{"from", required_argument, NULL, 'f'},
		{"helo", required_argument, NULL, 'e'},
		{"port", required_argument, NULL, 'p'},
		{"timeout", required_argument, NULL, 't'},
		{"max-time", required_argument, NULL, 'm'},
		{"tls", required_argument, NULL, 'T'},
		{"no-starttls", no_argument, NULL, 'n'},
		{"ca", required_argument, NULL, 'c'},
		{"all", no_argument, NULL, 'a'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *why;
	int option, status;

	optind = 0; /* main() has used getopt before */
	while ((option = getopt_long(argc, argv, "46h", options, NULL)) != -1) {
		if (option == 'h') {
			cmd_probe_help();
			return 0;
		}
		status = cmd_probe_option(c, option);
		if (status)
			return status;
	}
	if (argc - optind != 1) {
		fprintf(stderr, "deadmx probe: %s; try 'deadmx probe --help'\n",
			argc > optind ? "one address only" : "which address?");
		return PROBE_EXIT_USAGE;
	}
	why = probe_address_parse(argv[optind], &c->options.to);
	if (why) {
		fprintf(stderr,
			"deadmx probe: expected an address like "
			"user@dest.example, got '%s': %s\n",
			argv[optind], why);
		return PROBE_EXIT_USAGE;
	}
	return -1;
}

static int cmd_probe_tls(struct cmd_probe *c)
{
	if (c->options.tls == PROBE_TLS_NONE)
		return 0;
	if (!c->ca && !probe_tls_has_roots()) {
		fputs("deadmx probe: this machine has no root certificates; "
		      "install ca-certificates, or name a --ca FILE\n",
		      stderr);
		/* Without them no certificate can be told from another. */
		if (c->options.tls == PROBE_TLS_VERIFY)
			return PROBE_EXIT_MACHINE;
	}
	switch (probe_tls_context_new(c->ca, stderr, &c->options.tls_context)) {
	case 0:
		return 0;
	case -EINVAL:
		return PROBE_EXIT_USAGE;
	default:
		fputs("deadmx probe: OpenSSL can't be started\n", stderr);
		return PROBE_EXIT_FAILED;
	}
}

/* From here on a signal ends a wait, and nothing else. */
static void cmd_probe_catch_signals(sigset_t *ret_mask)
{
	struct sigaction action = {.sa_handler = cmd_probe_on_signal};
	sigset_t blocked;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, ret_mask);
	sigdelset(ret_mask, SIGINT);
	sigdelset(ret_mask, SIGTERM);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static void cmd_probe_on_step(void *arg, const struct probe_report *report,
			      const struct probe_step *step)
{
	struct cmd_probe *c = arg;

	if (!c->as_json)
		probe_text_step(&c->text, report, step);
}

static int cmd_probe_finish(struct cmd_probe *c,
			    const struct probe_report *report)
{
	struct probe_verdict v = probe_report_verdict(report);

	if (c->as_json)
		probe_json(stdout, report);
	else
		probe_text_end(&c->text, report);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("deadmx probe: standard output");
		return PROBE_EXIT_FAILED;
	}
	if (v.end.kind == PROBE_END_INTERRUPTED)
		return PROBE_EXIT_FAILED;
	return v.end.kind == PROBE_END_ACCEPTED ? PROBE_EXIT_REACHABLE
						: PROBE_EXIT_NOT;
}

static int cmd_probe_run(struct cmd_probe *c)
{
	struct probe_net *net = &c->options.net;
	struct probe_report report;
	struct probe_dns dns;
	sigset_t mask;
	int status;

	status = cmd_probe_tls(c);
	if (status)
		return status;
	probe_report_init(&report);
	if (probe_dns_init(&dns, net, report.arena, c->dns, stderr) < 0) {
		status = PROBE_EXIT_USAGE;
	} else {
		cmd_probe_catch_signals(&mask);
		net->stop = &cmd_probe_stopped;
		net->mask = &mask;
		net->end_ns = probe_net_now_ns() + c->max_time_ns;
		probe_run(&c->options, &dns, &report);
		status = cmd_probe_finish(c, &report);
	}
	probe_report_release(&report);
	SSL_CTX_free(c->options.tls_context);
	return status;
}

int cmd_probe(int argc, char **argv)
{
	struct cmd_probe c = {
		.options = {.from = "",
			    .port = 25,
			    .v4 = true,
			    .v6 = true,
			    .tls = PROBE_TLS_MAY,
			    .on_step = cmd_probe_on_step,
			    .net.timeout_ns = 30 * DEADMX_NS_PER_S},
		.max_time_ns = 600 * DEADMX_NS_PER_S,
	};
	int status = cmd_probe_parse(&c, argc, argv);

	if (status >= 0)
		return status;
	c.options.arg = &c;
	c.text.out = stdout;
	c.text.port = c.options.port;
	return cmd_probe_run(&c);
}
