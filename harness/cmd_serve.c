/* SPDX-License-Identifier: MIT */
/* deadmx serve: where everything listens, and what the user is told. */
#include "harness/cmd_serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deadmx/scenario.h"
#include "deadmx/world.h"
#include "deadmx/yaml.h"
#include "harness/control.h"
#include "harness/serve.h"
#include "harness/serve_place.h"
#include "harness/serve_ports.h"

enum {
	STATUS_OK = 0,
	STATUS_USAGE = 2,
	STATUS_MACHINE = 3,
	STATUS_HARNESS = 4,
};

struct cmd_serve {
	struct deadmx_scenario *scenario;
	const char *path, *case_name;
	struct serve_place place;
	int64_t control_port;
	int64_t lifetime_ns; /* 0: the scenario's */
	struct serve_options options;
	char *inject; /* HOST:PORT, cut in two */
};

static const char help[] =
	"Usage: deadmx serve [OPTION...] SCENARIO\n"
	"\n"
	"Run a scenario's world in real time: its mail servers and its DNS, "
	"to\n"
	"point an MTA or swaks at. Ctrl-C ends it.\n"
	"\n"
	"  --case NAME       the case to run of a scenario with a matrix, "
	"such as\n"
	"                    mail-451\n"
	"  --bind ADDRESS    servers listen here instead of on loopback; "
	"given\n"
	"                    again for the next server, the last one is "
	"shared\n"
	"  --own-network     this network namespace is the world's alone: "
	"servers\n"
	"                    keep the scenario's addresses, IPv6 too\n"
	"  --port N          SMTP port (default: 25 if it can be had, else "
	"2525;\n"
	"                    0: any that is free)\n"
	"  --dns-port N      DNS port (default: 53 if it can be had, else "
	"5300;\n"
	"                    0: any that is free)\n"
	"  --speed N         the timeline runs N times as fast as the clock: "
	"with\n"
	"                    60 a minute of it is a second; what a client "
	"meets\n"
	"                    (a stall, a drip) is never faster (default: 1)\n"
	"  --lifetime TIME   how long the MTA tries: `expiry` in the scenario "
	"(default:\n"
	"                    the scenario's setting, else 5d)\n"
	"  --inject HOST[:PORT]\n"
	"                    give the scenario's mail to this MTA (default: "
	"no\n"
	"                    mail is sent; port 25)\n"
	"  --control PORT|PATH|none\n"
	"                    the control API: HTTP on 127.0.0.1, or on a Unix\n"
	"                    socket (default: port 2580, or another that is "
	"free)\n"
	"  --out FILE        write the event log, a JSON object a line\n"
	"  --messages DIR    store received messages as msg-N.eml\n"
	"  --ca FILE         write the root of the servers' certificates, "
	"PEM\n"
	"  --quiet           no live log\n"
	"  --help            this text\n"
	"\n"
	"192.0.2.10 of a scenario is 127.0.2.10 here, 198.51.100.10 is\n"
	"127.51.100.10, 203.0.113.10 is 127.0.113.10; DNS says so, too.\n"
	"\n"
	"While it runs (docs/serve.md has all of it):\n"
	"  A=http://127.0.0.1:2580\n"
	"  curl $A/servers                                  # what holds now\n"
	"  curl -X POST $A/servers/mx.dest.example/down     # and /up\n"
	"  curl -X PUT -d 'rcpt: 451 4.7.1 Later' "
	"$A/servers/mx.dest.example/state\n"
	"  curl -X DELETE $A/servers/mx.dest.example/state  # as the scenario "
	"says\n"
	"  curl \"$A/messages?to=bob@dest.example&wait=30\"   # wait for a "
	"message\n"
	"  curl $A/messages/1                               # as it came\n"
	"  curl -d 'to: 30h' $A/time                        # go on 30 h "
	"later\n"
	"  curl -X POST $A/reset                            # all as at the "
	"start\n"
	"\n"
	"Exit status: 0 ended by Ctrl-C or SIGTERM, 2 usage or scenario "
	"error,\n"
	"3 this machine can't do it, 4 deadmx itself failed.\n";

/* --- options ------------------------------------------------------------- */

static int bad_option(const char *option, const char *expected, const char *got)
{
	fprintf(stderr, "deadmx serve: %s: expected %s, got '%s'\n", option,
		expected, got);
	return -EINVAL;
}

static int parse_speed(struct cmd_serve *c, const char *text)
{
	if (deadmx_number_parse(text, DEADMX_WORLD_SPEED_MAX,
				&c->options.speed) == 0 &&
	    c->options.speed)
		return 0;
	return bad_option("--speed", "a whole number from 1 to 1000000", text);
}

static int parse_lifetime(struct cmd_serve *c, const char *text)
{
	if (deadmx_duration_parse(text, &c->lifetime_ns) == 0 &&
	    c->lifetime_ns > 0)
		return 0;
	return bad_option("--lifetime", "a time such as 10m or 5d", text);
}

static int parse_inject(struct cmd_serve *c, const char *text)
{
	struct in_addr in;
	int64_t port = SERVE_PORTS_SMTP;
	char *colon;

	free(c->inject);
	c->inject = strdup(text);
	colon = c->inject ? strchr(c->inject, ':') : NULL;
	if (colon)
		*colon = '\0';
	if (!c->inject || inet_pton(AF_INET, c->inject, &in) != 1 ||
	    (colon && (deadmx_number_parse(colon + 1, UINT16_MAX, &port) < 0 ||
		       port == 0)))
		return bad_option("--inject",
				  "an IPv4 address, and a port if it is not 25",
				  text);
	c->options.inject_host = c->inject;
	c->options.inject_port = (uint16_t)port;
	return 0;
}

static int parse_control(struct cmd_serve *c, const char *text)
{
	struct serve_options *o = &c->options;

	o->control = strcmp(text, "none") != 0;
	o->control_path = strchr(text, '/') ? text : NULL;
	if (!o->control || o->control_path)
		return 0;
	if (deadmx_number_parse(text, UINT16_MAX, &c->control_port) < 0)
		return bad_option("--control",
				  "a port, a path with a slash, or none", text);
	return 0;
}

static int parse_option(struct cmd_serve *c, int option)
{
	switch (option) {
	case 'n':
		c->case_name = optarg;
		return 0;
	case 'b':
		return serve_place_bind(&c->place, optarg);
	case 'N':
		c->options.own_network = c->place.own_network = true;
		return 0;
	case 'p':
		return serve_place_port(&c->place, "--port", optarg,
					&c->place.port);
	case 'd':
		return serve_place_port(&c->place, "--dns-port", optarg,
					&c->place.dns_port);
	case 's':
		return parse_speed(c, optarg);
	case 'l':
		return parse_lifetime(c, optarg);
	case 'i':
		return parse_inject(c, optarg);
	case 'c':
		return parse_control(c, optarg);
	case 'o':
		c->options.out = optarg;
		return 0;
	case 'm':
		c->options.message_dir = optarg;
		return 0;
	case 'C':
		c->options.ca_file = optarg;
		return 0;
	case 'q':
		c->options.quiet = true;
		return 0;
	default:
		fputs("Try \"deadmx serve --help\".\n", stderr);
		return -EINVAL;
	}
}

/* 1: the help was asked for. */
static int parse(struct cmd_serve *c, int argc, char **argv)
{
	static const struct option options[] = {
		{"case", required_argument, NULL, 'n'},
		{"bind", required_argument, NULL, 'b'},
		{"own-network", no_argument, NULL, 'N'},
		{"port", required_argument, NULL, 'p'},
		{"dns-port", required_argument, NULL, 'd'},
		{"speed", required_argument, NULL, 's'},
		{"lifetime", required_argument, NULL, 'l'},
		{"inject", required_argument, NULL, 'i'},
		{"control", required_argument, NULL, 'c'},
		{"out", required_argument, NULL, 'o'},
		{"messages", required_argument, NULL, 'm'},
		{"ca", required_argument, NULL, 'C'},
		{"quiet", no_argument, NULL, 'q'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option, rc = 0;

	optind = 0; /* getopt begins anew: main has used it */
	while (rc == 0 &&
	       (option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h')
			return 1;
		rc = parse_option(c, option);
	}
	if (rc < 0)
		return rc;
	if (argc - optind != 1) {
		fprintf(stderr,
			"deadmx serve: expected one scenario, got %d; try "
			"\"deadmx serve --help\"\n",
			argc - optind);
		return -EINVAL;
	}
	c->path = argv[optind];
	if (c->options.own_network &&
	    (c->place.bind_count || c->place.port != SERVE_PLACE_AUTO)) {
		fputs("deadmx serve: --own-network has the scenario's own "
		      "addresses and ports: leave --bind and --port out\n",
		      stderr);
		return -EINVAL;
	}
	return 0;
}

/* Nobody needs to know the control API's port in advance. */
static void place_control(struct cmd_serve *c)
{
	const char *address = "127.0.0.1", *unused;
	uint16_t port = CONTROL_PORT;

	if (c->control_port != SERVE_PLACE_AUTO)
		port = (uint16_t)c->control_port;
	else if (serve_ports_try(&address, 1, false, &port, &unused) < 0)
		port = 0;
	c->options.control_port = port;
}

/* --- what the user is told ----------------------------------------------- */

static void print_hints(const struct serve_options *o)
{
	const struct deadmx_scenario *s = o->scenario;
	const struct deadmx_server *server = &s->world.servers[0];

	printf("Try   dig @%s -p %u %s MX\n", o->dns_address, o->dns_port,
	       server->mx_for_count ? server->mx_for[0] : server->name);
	printf("      swaks --server %s --port %u", server->address,
	       server->port);
	if (s->mail_count)
		printf(" --from '%s' --to '%s'",
		       *s->mails[0].from ? s->mails[0].from : "<>",
		       s->mails[0].to[0]);
	printf("\n");
	if (o->dns_port != SERVE_PORTS_DNS)
		printf("Note  resolv.conf can't name a port: an MTA finds this "
		       "DNS at port 53 only\n");
	if (server->port != SERVE_PORTS_SMTP)
		printf("Note  an MX record can't name a port: tell the MTA to "
		       "use %u (Postfix: smtp_tcp_port)\n",
		       server->port);
}

static void print_control(const struct serve_options *o, uint16_t port)
{
	if (!o->control)
		return;
	if (o->control_path)
		printf("API   curl --unix-socket %s http://world/servers\n",
		       o->control_path);
	else
		printf("API   curl http://127.0.0.1:%u/servers\n", port);
}

static void on_ready(const struct serve_options *o, uint16_t control_port)
{
	printf("%s: %s\n\n", o->scenario->name, o->scenario->description);
	serve_place_print(stdout, o->place, &o->scenario->world);
	print_control(o, control_port);
	print_hints(o);
	printf("Ready. Ctrl-C ends it.\n\n");
}

/* --- the whole ----------------------------------------------------------- */

/* By hand there is no MTA whose sendmail command could be called. */
static void inject_by_smtp(struct deadmx_scenario *s)
{
	for (size_t i = 0; i < s->mail_count; i++)
		s->mails[i].via_sendmail = false;
}

/* Messages of an earlier world would be taken for those of this one. */
static int check_message_dir(const char *path)
{
	char *first = NULL;
	struct stat st;
	int rc = stat(path, &st) < 0   ? -errno
		 : S_ISDIR(st.st_mode) ? 0
				       : -ENOTDIR;

	if (rc < 0) {
		fprintf(stderr, "deadmx serve: %s: %s\n", path, strerror(-rc));
		return rc;
	}
	if (asprintf(&first, "%s/msg-1.eml", path) < 0)
		return -ENOMEM;
	if (access(first, F_OK) == 0) {
		fprintf(stderr,
			"deadmx serve: %s: messages of another time are in "
			"there; choose another folder, or empty it\n",
			path);
		rc = -EINVAL;
	}
	free(first);
	return rc;
}

static int set_lifetime(struct cmd_serve *c)
{
	char why[512];

	if (!c->lifetime_ns ||
	    deadmx_scenario_set_expiry(c->scenario, c->lifetime_ns, why,
				       sizeof(why)))
		return 0;
	fprintf(stderr, "deadmx serve: --lifetime: %s\n", why);
	return -EINVAL;
}

static int make_message_dir(const char *path)
{
	if (!path || mkdir(path, 0755) == 0)
		return 0;
	if (errno == EEXIST)
		return check_message_dir(path);
	fprintf(stderr, "deadmx serve: %s: %s\n", path, strerror(errno));
	return -errno;
}

static int exit_status(int rc)
{
	switch (-rc) {
	case 0:
		return STATUS_OK;
	case EINVAL:
	case ENOENT:
	case ENOTDIR:
	case ERANGE:
		return STATUS_USAGE;
	case EACCES:
	case EPERM:
	case EADDRINUSE:
	case EADDRNOTAVAIL:
	case ENOTSUP:
		return STATUS_MACHINE;
	default:
		return STATUS_HARNESS;
	}
}

static int serve(struct cmd_serve *c)
{
	int rc = deadmx_scenario_load_case(c->path, c->case_name, stderr,
					   &c->scenario);

	if (rc < 0)
		return STATUS_USAGE;
	c->options.scenario = c->scenario;
	c->options.on_ready = on_ready;
	inject_by_smtp(c->scenario);
	rc = set_lifetime(c);
	if (rc == 0)
		rc = make_message_dir(c->options.message_dir);
	if (rc == 0)
		rc = serve_place(&c->place, c->scenario);
	if (rc == 0) {
		c->options.place = &c->place;
		c->options.dns_address = c->place.dns_address;
		c->options.dns_port = c->place.dns_taken;
		place_control(c);
		rc = serve_run(&c->options);
	}
	return exit_status(rc);
}

int cmd_serve(int argc, char **argv)
{
	struct cmd_serve c = {
		.place = {.who = "deadmx serve",
			  .port = SERVE_PLACE_AUTO,
			  .dns_port = SERVE_PLACE_AUTO},
		.control_port = SERVE_PLACE_AUTO,
		.options = {.speed = 1, .control = true},
	};
	int rc = parse(&c, argc, argv), status = STATUS_USAGE;

	if (rc == 0)
		status = serve(&c);
	else if (rc > 0)
		status = fputs(help, stdout) < 0 ? STATUS_HARNESS : STATUS_OK;
	deadmx_scenario_free(c.scenario);
	free(c.inject);
	return status;
}
