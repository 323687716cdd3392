/* SPDX-License-Identifier: MIT */
/*
 * --filter: which scenarios are run.
 *
 * An expression is a list of shell patterns with commas between them. A
 * scenario is taken when one of them fits, and none that begins with "!"; a
 * list of those alone takes all others. A pattern fits a tag, or whole parts
 * of the name: tempfail/stages/rcpt-451 is found by itself, by "tempfail", by
 * "stages" and by "rcpt-*", not by "temp".
 */
#ifndef HARNESS_FILTER_H
#define HARNESS_FILTER_H

#include <stdbool.h>

#include "deadmx/scenario.h"

/* False when there is an empty pattern in it. */
bool filter_is_valid(const char *expression);
bool filter_takes(const char *expression, const struct deadmx_scenario *s);

#endif
