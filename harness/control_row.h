/* SPDX-License-Identifier: MIT */
/*
 * Servers and their faults as JSON, for those who look at a running world.
 *
 * Pure: from the scenario's structures and the world's answers to objects.
 */
#ifndef HARNESS_CONTROL_ROW_H
#define HARNESS_CONTROL_ROW_H

#include <jansson.h>
#include <stdio.h>

#include "deadmx/world.h"

/* A row: stage, action, window in seconds, conditions. New reference. */
json_t *control_row_json(const struct deadmx_world_row *row);

/* The same in a few words on one line: "rcpt: 451 Later, until 30h (line 7)".
 */
void control_row_print(FILE *out, const struct deadmx_fault *fault);

/*
 * XX(ENUM, "word"): what a tester wants to know first.
 */
#define CONTROL_STATE_MAP(XX)                                                  \
	XX(HEALTHY, "healthy") /* no fault can apply now */                    \
	XX(FAULTY, "faulty") /* it takes connections, and some fault holds */  \
	XX(DOWN, "down")     /* no connection comes about */

enum control_state {
#define XX(uc, word) CONTROL_STATE_##uc,
	CONTROL_STATE_MAP(XX)
#undef XX
};

enum control_state control_state_of(const struct deadmx_world_row *rows,
				    size_t count);
const char *control_state_word(enum control_state state);

#endif
