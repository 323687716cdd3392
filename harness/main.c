/* SPDX-License-Identifier: MIT */
/*
 * deadmx: what does a mail server do when the destination is dead?
 */
#include <stdio.h>
#include <string.h>

#include "harness/cmd_check.h"
#include "harness/cmd_clock.h"
#include "harness/cmd_judge.h"
#include "harness/cmd_ndr.h"
#include "harness/cmd_probe.h"
#include "harness/cmd_run.h"
#include "harness/cmd_serve.h"
#include "harness/cmd_targets.h"
#include "harness/inner.h"
#include "harness/model/model.h"

static const struct command {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *help; /* NULL: not for people */
} commands[] = {
	{"run", cmd_run, "run scenarios against mail servers, and judge them"},
	{"serve", cmd_serve, "run a scenario's world in real time, by hand"},
	{"check", cmd_check, "validate scenario files"},
	{"judge", cmd_judge, "the verdict again, from a stored run"},
	{"ndr", cmd_ndr, "what a bounce means, and whether it is well made"},
	{"clock", cmd_clock, "run any process tree on the virtual clock"},
	{"probe", cmd_probe,
	 "the way an MTA would take to one address, up to RCPT"},
	{"targets", cmd_targets, "the MTAs it knows, and which are here"},
	{"_inner", inner_main, NULL},
	{"_model", model_main, NULL},
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static void print_help(FILE *to)
{
	fputs("Usage: deadmx COMMAND [ARG...]\n\n"
	      "What does a mail server do when the destination is dead? deadmx "
	      "gives an\nunmodified MTA a simulated internet and a virtual "
	      "clock on which five days\ntake seconds, and judges its retries "
	      "and bounces.\n\nCommands:\n",
	      to);
	for (int i = 0; i < COMMAND_COUNT; i++)
		if (commands[i].help)
			fprintf(to, "  %-8s %s\n", commands[i].name,
				commands[i].help);
	fputs("\n`deadmx COMMAND --help` tells more; `deadmx --version` "
	      "which one this is.\n",
	      to);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return 2;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_help(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("deadmx " DEADMX_VERSION);
		return 0;
	}
	for (int i = 0; i < COMMAND_COUNT; i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].main(argc - 1, argv + 1);
	fprintf(stderr, "deadmx: no command '%s'; try 'deadmx --help'\n",
		argv[1]);
	return 2;
}
