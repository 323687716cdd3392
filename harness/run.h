/* SPDX-License-Identifier: MIT */
/*
 * One run: a scenario on a target, in a sandbox, on the virtual clock, into a
 * run folder that holds all the judge needs.
 */
#ifndef HARNESS_RUN_H
#define HARNESS_RUN_H

#include <stdbool.h>

#include "harness/judge/verdict.h"
#include "harness/target.h"

enum {
	RUN_LAYERS_MAX = 3, /* Debian's packages, npm's, the user's own tree */
};

struct run_job {
	const struct deadmx_scenario *scenario;
	const struct target *target;
	const char *target_file;
	/* Folders that are laid over the sandbox's root, one after another;
	 * the first NULL is the end. */
	const char *layers[RUN_LAYERS_MAX];
	const char *dir;	 /* run folder; made, emptied of an old run */
	int cpu;		 /* -1: any */
	bool live;		 /* a progress line on standard error */
	const char *live_prefix; /* its first words */
};

/* Names in a run folder. */
#define RUN_EVENTS_NAME	 "events.ndjson"
#define RUN_VERDICT_NAME "verdict.json"

/*
 * Run it, judge it, and leave DIR/verdict.json. To be called in a process of
 * its own, single-threaded: the tracer. Always makes a verdict, "error" when
 * the run could not be done. Returns 0, or -EIO when not even a verdict could
 * be written (a line on standard error); *ret_machine is set when this
 * machine can't do it (exit status 3).
 */
int run_one(const struct run_job *job, bool *ret_machine);

/* Make folder @dir and those above it; 0, also when it is there, or -errno. */
int run_make_folder(const char *dir);

/*
 * The two ends of a run, for whoever runs it another way: make the folder,
 * with the scenario, the target and an empty log; judge what is in it, and
 * leave verdict.json. 0, or a negative errno with a line on standard error.
 */
int run_folder_prepare(const struct run_job *job, FILE **ret_events);
int run_folder_judge(const struct run_job *job);

#endif
