/* SPDX-License-Identifier: MIT */
/*
 * When a row of a timeline holds.
 *
 * The window is the scenario's and stays as it is; the count beside it holds
 * what changes in a run. It knows no clock; the caller says what time it is.
 */
#ifndef SIM_WINDOW_H
#define SIM_WINDOW_H

#include <stdbool.h>

#include "deadmx/scenario.h"

/* How often a row has applied; all zero at the start. */
struct window_count {
	int64_t opening; /* the one that @used counts in */
	uint32_t used;	 /* turns since the window opened */
	uint32_t total;	 /* how often it applied */
};

/* Is it open at @now_ns, whatever has been counted? */
bool window_is_open(const struct deadmx_window *w, int64_t now_ns);
/* Is it open, and `first` and `times` not used up? */
bool window_holds(const struct deadmx_window *w, const struct window_count *c,
		  int64_t now_ns);
/* It was the row's turn, but a lot said no: for `first`, not for `times`. */
void window_pass(const struct deadmx_window *w, struct window_count *c,
		 int64_t now_ns);
/* The row applies at @now_ns, at which it holds. */
void window_take(const struct deadmx_window *w, struct window_count *c,
		 int64_t now_ns);
/* The next time after @now_ns at which it opens or ends; FOREVER: none. */
int64_t window_next_edge(const struct deadmx_window *w, int64_t now_ns);
/* Does @a hold whenever @b does? */
bool window_covers(const struct deadmx_window *a,
		   const struct deadmx_window *b);

#endif
