/* SPDX-License-Identifier: MIT */
#include "harness/cmd_clock.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/clock/clock.h"

static volatile sig_atomic_t cmd_clock_stopped;

static void cmd_clock_on_signal(int signo)
{
	(void)signo;
	cmd_clock_stopped = 1;
}

static bool cmd_clock_should_stop(void *arg)
{
	(void)arg;
	return cmd_clock_stopped;
}

static void cmd_clock_unhandled(void *arg, const char *call)
{
	*(bool *)arg = true;
	fprintf(stderr,
		"deadmx clock: %s: not on the virtual clock, runs in host "
		"time\n",
		call);
}

static const char cmd_clock_help[] =
	"Usage: deadmx clock [--start TIME] [--stats] [--trace] -- COMMAND "
	"[ARG...]\n"
	"\n"
	"Run COMMAND and all its children on a virtual clock: time stands\n"
	"still while anything runs and jumps when everything waits.\n"
	"\n"
	"  --start TIME   virtual date at the start, 2030-01-01T00:00:00Z\n"
	"                 (UTC, years 1970 to 2100); default 2030-01-01\n"
	"  --stats        print jumps, stops and times to standard error\n"
	"  --trace        a line per jump on standard error: when, how far, "
	"and\n"
	"                 which task's call (by number) it ends\n"
	"  --help         this text\n"
	"\n"
	"Exit status: that of COMMAND; 2 usage, 3 this machine can't do it,\n"
	"4 a timed call ran in host time, 128+N COMMAND died of signal N.\n";

static int cmd_clock_start(const char *text, int64_t *ret_ns)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (!end)
		end = strptime(text, "%Y-%m-%d", &tm);
	if (!end || (*end && strcmp(end, "Z")) || tm.tm_year < 70 ||
	    tm.tm_year > 200)
		return -EINVAL;
	*ret_ns = timegm(&tm) * INT64_C(1000000000);
	return 0;
}

static int cmd_clock_child(char **argv)
{
	int err = clock_traceme();

	if (err) {
		fprintf(stderr,
			"deadmx clock: no seccomp filter: %s; hint: run as "
			"root\n",
			strerror(-err));
		_exit(3);
	}
	execvp(argv[0], argv);
	fprintf(stderr, "deadmx clock: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void cmd_clock_print_stats(const struct clock *c)
{
	struct clock_stats s;

	clock_stats(c, &s);
	fprintf(stderr,
		"deadmx clock: virtual %.3f s, host %.3f s, %llu jumps, "
		"%llu stops, %llu looks, %llu forks, %llu execs, %.1f us a "
		"stop\n",
		(double)s.virtual_ns / 1e9, (double)s.host_ns / 1e9,
		(unsigned long long)s.jumps, (unsigned long long)s.stops,
		(unsigned long long)s.looks, (unsigned long long)s.forks,
		(unsigned long long)s.execs,
		s.stops ? (double)s.host_ns / 1e3 / (double)s.stops : 0.0);
	for (size_t i = 0; s.calls && i < clock_call_count(); i++)
		if (s.calls[i])
			fprintf(stderr, "  %-18s %llu\n", clock_call_name(i),
				(unsigned long long)s.calls[i]);
}

static int cmd_clock_run(int64_t start_ns, bool stats, bool trace, char **argv)
{
	bool unhandled = false;
	struct clock_options options = {
		.start_unix_ns = start_ns,
		.external = true,
		.count_calls = stats,
		.trace = trace ? stderr : NULL,
		.cpu = -1,
		.should_stop = cmd_clock_should_stop,
		.on_unhandled = cmd_clock_unhandled,
		.arg = &unhandled,
	};
	struct sigaction action = {.sa_handler = cmd_clock_on_signal};
	struct clock *c = NULL;
	int status = 0, err;
	pid_t pid = fork();

	if (pid < 0) {
		fprintf(stderr, "deadmx clock: fork: %s\n", strerror(errno));
		return 4;
	}
	if (pid == 0)
		return cmd_clock_child(argv);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	err = clock_new(&options, pid, stderr, &c);
	if (err) {
		kill(pid, SIGKILL);
		return 3;
	}
	err = clock_run(c, &status);
	if (stats)
		cmd_clock_print_stats(c);
	clock_free(c);
	if (err == -ECANCELED)
		return 130;
	if (err) {
		fprintf(stderr, "deadmx clock: the clock stopped: %s\n",
			strerror(-err));
		return 4;
	}
	if (unhandled)
		return 4;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int cmd_clock(int argc, char **argv)
{
	static const struct option options[] = {
		{"start", required_argument, NULL, 's'},
		{"stats", no_argument, NULL, 'S'},
		{"trace", no_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int64_t start_ns = INT64_C(1893456000) * 1000000000;
	bool stats = false, trace = false;
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		switch (option) {
		case 's':
			if (cmd_clock_start(optarg, &start_ns)) {
				fprintf(stderr,
					"deadmx clock: --start: expected a "
					"date like 2030-01-01T00:00:00Z "
					"(1970 to 2100), got '%s'\n",
					optarg);
				return 2;
			}
			break;
		case 'S':
			stats = true;
			break;
		case 't':
			trace = true;
			break;
		case 'h':
			fputs(cmd_clock_help, stdout);
			return 0;
		default:
			fputs("Try 'deadmx clock --help'.\n", stderr);
			return 2;
		}
	}
	if (optind >= argc) {
		fputs("deadmx clock: expected a command after --; try "
		      "'deadmx clock --help'\n",
		      stderr);
		return 2;
	}
	return cmd_clock_run(start_ns, stats, trace, argv + optind);
}
