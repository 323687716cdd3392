/* SPDX-License-Identifier: MIT */
/* When a row of a timeline holds: see window.h. */
#include "sim/window.h"

#include <assert.h>

/* Which opening @now_ns falls into, from 0; at or after from_ns only. */
static int64_t window_opening(const struct deadmx_window *w, int64_t now_ns)
{
	return w->every_ns ? (now_ns - w->from_ns) / w->every_ns : 0;
}

bool window_is_open(const struct deadmx_window *w, int64_t now_ns)
{
	if (now_ns < w->from_ns || now_ns >= w->until_ns)
		return false;
	return !w->every_ns || (now_ns - w->from_ns) % w->every_ns < w->for_ns;
}

bool window_holds(const struct deadmx_window *w, const struct window_count *c,
		  int64_t now_ns)
{
	if (!window_is_open(w, now_ns))
		return false;
	if (w->times && c->total >= w->times)
		return false;
	return !w->first || c->used < w->first ||
	       c->opening != window_opening(w, now_ns);
}

void window_pass(const struct deadmx_window *w, struct window_count *c,
		 int64_t now_ns)
{
	int64_t opening = window_opening(w, now_ns);

	if (c->opening != opening) {
		c->opening = opening;
		c->used = 0;
	}
	/* Only counted rows count: the others could wrap in a long run. */
	if (w->first)
		c->used++;
}

void window_take(const struct deadmx_window *w, struct window_count *c,
		 int64_t now_ns)
{
	window_pass(w, c, now_ns);
	if (w->times)
		c->total++;
}

int64_t window_next_edge(const struct deadmx_window *w, int64_t now_ns)
{
	int64_t start, next;

	if (now_ns < w->from_ns)
		return w->from_ns;
	if (now_ns >= w->until_ns)
		return DEADMX_FOREVER_NS;
	if (!w->every_ns)
		return w->until_ns;
	start = now_ns - (now_ns - w->from_ns) % w->every_ns;
	next = now_ns < start + w->for_ns ? start + w->for_ns
					  : start + w->every_ns;
	return next < w->until_ns ? next : w->until_ns;
}

bool window_covers(const struct deadmx_window *a, const struct deadmx_window *b)
{
	if (a->first || a->times || a->from_ns > b->from_ns ||
	    a->until_ns < b->until_ns)
		return false;
	if (!a->every_ns)
		return true;
	return a->every_ns == b->every_ns && a->from_ns == b->from_ns &&
	       a->for_ns >= b->for_ns;
}
