/* SPDX-License-Identifier: MIT */
/*
 * The model MTA at work: when each message is tried, told of, and ended.
 *
 * One timer wakes it for whatever comes next: an attempt, a delay notice, the
 * end of a queue life. Attempts run in worker threads; all state is changed
 * on the loop's thread, and is on disk before anything follows from it.
 */
#ifndef HARNESS_MODEL_MODEL_RUN_H
#define HARNESS_MODEL_MODEL_RUN_H

#include <uv.h>

#include "harness/model/model_queue.h"

struct model_run;

/* On error a negative errno, and a line on stderr. */
int model_run_new(uv_loop_t *loop, const struct model_config *config,
		  struct model_run **ret);
/* Take a message; on error as model_queue_add(). */
int model_run_accept(struct model_run *run, struct model_message *m,
		     const char *data, size_t len);
/* No new attempts; the loop ends when those under way have. */
void model_run_stop(struct model_run *run);
void model_run_free(struct model_run *run);

/* The pause behind the @attempts-th attempt, in ms; 0: no further one. */
int64_t model_run_pause_ms(const struct model_config *config, unsigned attempts,
			   int64_t age_ms);

#endif
