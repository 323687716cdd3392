/* SPDX-License-Identifier: MIT */
/* The head of a row of a timeline: see scenario_window.h. */
#include "sim/scenario_window.h"

static bool above_zero(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, int64_t *ret_ns)
{
	if (!deadmx_yaml_duration(doc, node, ret_ns))
		return false;
	if (*ret_ns == 0)
		deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node),
				  "a time above 0", NULL);
	return *ret_ns > 0;
}

static bool count_read(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, uint32_t *ret)
{
	int64_t count;

	if (!deadmx_yaml_count(doc, node, 1, UINT32_MAX, &count))
		return false;
	*ret = (uint32_t)count;
	return true;
}

void scenario_window_from(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg)
{
	struct scenario_window *w = arg;

	deadmx_yaml_duration(doc, node, &w->window.from_ns);
}

void scenario_window_until(struct deadmx_yaml *doc,
			   const struct deadmx_yaml_node *node, void *arg)
{
	struct scenario_window *w = arg;

	if (deadmx_yaml_duration(doc, node, &w->window.until_ns))
		w->until = node;
}

void scenario_window_for(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, void *arg)
{
	struct scenario_window *w = arg;

	if (above_zero(doc, node, &w->window.for_ns))
		w->span = node;
}

void scenario_window_every(struct deadmx_yaml *doc,
			   const struct deadmx_yaml_node *node, void *arg)
{
	struct scenario_window *w = arg;

	if (above_zero(doc, node, &w->window.every_ns))
		w->every = node;
}

void scenario_window_first(struct deadmx_yaml *doc,
			   const struct deadmx_yaml_node *node, void *arg)
{
	struct scenario_window *w = arg;

	if (count_read(doc, node, &w->window.first))
		w->first = node;
}

void scenario_window_times(struct deadmx_yaml *doc,
			   const struct deadmx_yaml_node *node, void *arg)
{
	struct scenario_window *w = arg;

	if (count_read(doc, node, &w->window.times))
		w->times = node;
}

void scenario_window_init(struct scenario_window *w)
{
	*w = (struct scenario_window){
		.window = {.until_ns = DEADMX_FOREVER_NS}};
}

static void every_check(struct deadmx_yaml *doc, struct scenario_window *w)
{
	if (!w->span)
		deadmx_yaml_error(doc, &w->every->key->place,
				  "add for: how long it is open each time",
				  "every needs for");
	else if (w->window.for_ns >= w->window.every_ns)
		deadmx_yaml_wrong(doc, w->every, "every",
				  "a time longer than for", NULL);
}

void scenario_window_finish(struct deadmx_yaml *doc, struct scenario_window *w)
{
	struct deadmx_window *window = &w->window;

	if (w->every)
		every_check(doc, w);
	else if (w->until && w->span)
		deadmx_yaml_error(doc, &w->span->key->place, "leave one out",
				  "until and for exclude each other");
	else if (w->span)
		window->until_ns = window->from_ns + window->for_ns;
	if (w->until && window->from_ns >= window->until_ns)
		deadmx_yaml_wrong(doc, w->until, "until", "a time after from",
				  NULL);
}
