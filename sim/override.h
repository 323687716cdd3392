/* SPDX-License-Identifier: MIT */
/*
 * Rows that a tester puts above a server's timeline while it runs.
 *
 * They are read by the parser of scenarios and are rows like any other; only
 * their windows count from the moment at which they were set.
 */
#ifndef SIM_OVERRIDE_H
#define SIM_OVERRIDE_H

#include <stdio.h>

#include "deadmx/scenario.h"
#include "sim/fault.h"

struct override;

/* Whose rows they are. */
struct override_owner {
	const struct deadmx_server *server; /* outlives them */
	uint64_t seed;
	const struct reply_catalogue_entry *replies; /* the scenario's own */
	size_t reply_count;
	int64_t expiry_ns; /* `expiry`, counted from when they are set */
};

/*
 * @text is one row or a list of rows, YAML or JSON; their place is line 0.
 * -EINVAL with all errors on @errors.
 */
int override_new(const struct override_owner *owner, const char *text,
		 size_t len, int64_t now_ns, FILE *errors,
		 struct override **ret);
void override_free(struct override *o);

/* A list of those that are out of force, but may still be gone by. */
void override_set_next(struct override *o, struct override *next);
struct override *override_next(const struct override *o);

/* The server as it would be with these rows alone. */
const struct deadmx_server *override_server(const struct override *o);
const struct fault_table *override_faults(const struct override *o);
/* When they were set: their windows' 0. */
int64_t override_since_ns(const struct override *o);

/* As fault.h says; all times are the timeline's. @o may be NULL: no row. */
const struct deadmx_fault *override_peek(const struct override *o,
					 const struct fault_context *c);
const struct deadmx_fault *override_take(struct override *o,
					 const struct fault_context *c);
int64_t override_next_edge(const struct override *o, enum deadmx_stage stage,
			   int64_t now_ns);
uint32_t override_attempt(struct override *o, const char *sender,
			  const char *recipient, int64_t now_ns);

#endif
