/* SPDX-License-Identifier: MIT */
/*
 * Which fault of a server holds at a stage and a time.
 *
 * The rows are the scenario's and stay as they are; the table adds what
 * changes in a run: how often each counted row has applied. It knows no
 * clock; the caller says what time it is.
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include "deadmx/scenario.h"

struct fault_table {
	const struct deadmx_server *server;
	uint32_t *used; /* per row of server->faults */
};

/* 0 or -ENOMEM. @server must outlive the table. */
int fault_table_init(struct fault_table *t, const struct deadmx_server *server);
void fault_table_release(struct fault_table *t);
/* Forget what was counted: the timeline starts again. */
void fault_table_clear(struct fault_table *t);

/* The first row that holds, or NULL. Row "accept" is a row like any other. */
const struct deadmx_fault *fault_peek(const struct fault_table *t,
				      enum deadmx_stage stage, int64_t now_ns);
/* The same, and count it: the caller applies it. */
const struct deadmx_fault *fault_take(struct fault_table *t,
				      enum deadmx_stage stage, int64_t now_ns);
/* The next time after @now_ns at which a window of @stage opens or ends. */
int64_t fault_next_edge(const struct fault_table *t, enum deadmx_stage stage,
			int64_t now_ns);

#endif
