/* SPDX-License-Identifier: MIT */
/* The head of a row of a timeline: see scenario_window.h. */
#include "sim/scenario_window.h"

#include <string.h>

#include "sim/scenario_read.h"

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

/* What follows the word: nothing, or a sign and a duration. */
static bool offset_parse(const char *text, int64_t *ret_ns)
{
	int64_t ns;
	char sign;

	text += strspn(text, " ");
	sign = *text;
	if (!sign) {
		*ret_ns = 0;
		return true;
	}
	text++;
	text += strspn(text, " ");
	if ((sign != '+' && sign != '-') ||
	    deadmx_duration_parse(text, &ns) < 0)
		return false;
	*ret_ns = sign == '-' ? -ns : ns;
	return true;
}

bool scenario_moment_read(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, int64_t *ret_ns,
			  struct deadmx_moment *ret_moment)
{
	struct scenario_reader *reader = doc->user;
	const char word[] = "expiry";
	int64_t offset_ns;

	if (node->kind != DEADMX_YAML_TEXT ||
	    strncmp(node->text, word, strlen(word)) != 0)
		return deadmx_yaml_duration(doc, node, ret_ns);
	reader->uses_expiry = true;
	if (!reader->has_expiry)
		deadmx_yaml_error(doc, &node->place, NULL,
				  "%s, expected a duration: no mail expires "
				  "here",
				  deadmx_yaml_name(node));
	else if (offset_parse(node->text + strlen(word), &offset_ns))
		*ret_moment = (struct deadmx_moment){true, offset_ns};
	else
		deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node),
				  "expiry, expiry+2h or expiry-1h", NULL);
	return ret_moment->is_set;
}

void scenario_window_from(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg)
{
	struct scenario_window *w = arg;

	scenario_moment_read(doc, node, &w->window.from_ns,
			     &w->window.from_expiry);
}

void scenario_window_until(struct deadmx_yaml *doc,
			   const struct deadmx_yaml_node *node, void *arg)
{
	struct scenario_window *w = arg;

	if (scenario_moment_read(doc, node, &w->window.until_ns,
				 &w->window.until_expiry))
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

/* Is its end before its start, whenever mail may expire? */
static bool is_backward(const struct deadmx_window *w)
{
	if (w->from_expiry.is_set != w->until_expiry.is_set)
		return false; /* scenario_check() will tell */
	if (w->from_expiry.is_set)
		return w->from_expiry.offset_ns >= w->until_expiry.offset_ns;
	return w->from_ns >= w->until_ns;
}

void scenario_window_finish(struct deadmx_yaml *doc, struct scenario_window *w)
{
	struct deadmx_window *window = &w->window;

	if (w->every)
		every_check(doc, w);
	else if (w->until && w->span)
		deadmx_yaml_error(doc, &w->span->key->place, "leave one out",
				  "until and for exclude each other");
	else if (w->span) {
		window->until_ns = window->from_ns + window->for_ns;
		window->until_expiry = window->from_expiry;
		window->until_expiry.offset_ns += window->for_ns;
	}
	if (w->until && is_backward(window))
		deadmx_yaml_wrong(doc, w->until, "until", "a time after from",
				  NULL);
}
