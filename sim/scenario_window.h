/* SPDX-License-Identifier: MIT */
/*
 * The head of a row of a timeline: when it holds.
 *
 * A table of row keys begins with SCENARIO_WINDOW_KEYS; what its handlers get
 * as @arg begins with a struct scenario_window.
 */
#ifndef SIM_SCENARIO_WINDOW_H
#define SIM_SCENARIO_WINDOW_H

#include "deadmx/scenario.h"
#include "deadmx/yaml.h"

struct scenario_window {
	struct deadmx_window window;
	/* The keys that were given, or NULL. */
	const struct deadmx_yaml_node *until, *span, *every, *first, *times;
};

/* clang-format off */
#define SCENARIO_WINDOW_KEYS \
	{"from", scenario_window_from, "start of the window (default 0s)", \
	 false, "moment"}, \
	{"until", scenario_window_until, "end of the window (default never)", \
	 false, "moment"}, \
	{"for", scenario_window_for, \
	 "length of the window, instead of until", false, "duration"}, \
	{"every", scenario_window_every, \
	 "the window opens again and again, this long after it opened, each " \
	 "time with the length of for", \
	 false, "duration"}, \
	{"first", scenario_window_first, \
	 "only the first N occasions each time the window is open, whether " \
	 "the row fires on them or not", \
	 false, "count 1..4294967295"}, \
	{"times", scenario_window_times, \
	 "fires at most N times in all, however often the window opens", \
	 false, "count 1..4294967295"}
/* clang-format on */

/*
 * A duration, or "expiry", "expiry+2h", "expiry-1h": then *ret_moment is set,
 * and *ret_ns untouched until deadmx_scenario_set_expiry().
 */
bool scenario_moment_read(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, int64_t *ret_ns,
			  struct deadmx_moment *ret_moment);

/* Before the row's map is read. */
void scenario_window_init(struct scenario_window *w);
/* After it: check that the keys fit together, fill in the window. */
void scenario_window_finish(struct deadmx_yaml *doc, struct scenario_window *w);

void scenario_window_from(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg);
void scenario_window_until(struct deadmx_yaml *doc,
			   const struct deadmx_yaml_node *node, void *arg);
void scenario_window_for(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, void *arg);
void scenario_window_every(struct deadmx_yaml *doc,
			   const struct deadmx_yaml_node *node, void *arg);
void scenario_window_first(struct deadmx_yaml *doc,
			   const struct deadmx_yaml_node *node, void *arg);
void scenario_window_times(struct deadmx_yaml *doc,
			   const struct deadmx_yaml_node *node, void *arg);

#endif
