/* SPDX-License-Identifier: MIT */
/*
 * One run against a server that deadmx can't run: Exchange, an appliance.
 *
 * In real time, without a sandbox and without root: the world listens where
 * that server can reach it, the scenario's mails are given to it by SMTP, and
 * the run ends when all have ended, or when its time is over. What is left is
 * a run folder like any other, for the same judge.
 */
#ifndef HARNESS_REMOTE_H
#define HARNESS_REMOTE_H

#include "harness/run.h"
#include "harness/serve_place.h"

/* Watched on after all mail has ended, when the user says nothing else. */
#define REMOTE_SETTLE_NS (60 * DEADMX_NS_PER_S)

struct remote_options {
	struct serve_place place;
	bool is_used;	   /* an option of these was given */
	const char *at;	   /* smtp://HOST:PORT; NULL: the target file's */
	int64_t within_ns; /* the run's end at the latest; 0: the scenario's */
	int64_t settle_ns; /* at most; the scenario may say less */
};

/*
 * What can't be had without a sandbox: steps of the MTA, and connections that
 * are counted although nobody here sees them. False with one line in @why.
 */
bool remote_supports(const struct deadmx_scenario *scenario, char *why,
		     size_t why_len);

/*
 * As run_one(), in a process of its own. @scenario is @job's, and is moved to
 * where its servers listen. *ret_machine: the server can't be reached, or the
 * world can't listen.
 */
int remote_one(const struct run_job *job, struct deadmx_scenario *scenario,
	       struct remote_options *options, bool *ret_machine);

#endif
