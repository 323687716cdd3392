/* SPDX-License-Identifier: MIT */
/*
 * The MTAs of one command: loaded from their files, and had from where they
 * are.
 */
#ifndef HARNESS_RUN_TARGETS_H
#define HARNESS_RUN_TARGETS_H

#include "harness/target.h"
#include "harness/target_fetch.h"

enum {
	RUN_TARGETS_MAX = 100,
};

/* --target all */
#define RUN_TARGETS_ALL "all"

struct run_target {
	char *file;
	struct target *target;
	struct target_layers layers;
	char *root;    /* a tree of the user's own; malloc'd, or NULL */
	bool may_miss; /* one of "all": without it the others are run */
	char *missing; /* why it can't be had; NULL: it is there */
};

/* All zero: none. */
struct run_targets {
	struct run_target list[RUN_TARGETS_MAX];
	size_t count;
	bool has_one; /* the last --target was no "all" */
};

/*
 * By name or file; "all": each that `deadmx targets` lists, that is not
 * elsewhere and that has not been added under its name. 0, or a negative errno
 * with a line on @errors.
 */
int run_targets_add(struct run_targets *targets, const char *name,
		    FILE *errors);
/* A tree that the user has built, for the one that was added last. */
int run_targets_set_root(struct run_targets *targets, const char *dir,
			 FILE *errors);
/*
 * Fetch what is not there. What can't be had gets its reason in ->missing when
 * it is one of "all"; else a negative errno. Both with a line on @errors.
 */
int run_targets_fetch(struct run_targets *targets, FILE *errors);
void run_targets_release(struct run_targets *targets);

#endif
