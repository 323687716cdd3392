/* SPDX-License-Identifier: MIT */
/*
 * A scenario that replays the failure a bounce tells of: the same domain,
 * fault, stage, reply and time, as far as the bounce says; what had to be
 * guessed stands as a comment beside it. It passes `deadmx check`, and
 * `deadmx run --target model`.
 */
#ifndef HARNESS_NDR_NDR_SCENARIO_H
#define HARNESS_NDR_NDR_SCENARIO_H

#include <stdio.h>

#include "harness/ndr/ndr_story.h"

/* @origin: where the bounce came from, for a comment. */
void ndr_scenario_print(FILE *out, const struct ndr_story *story,
			const char *origin);

#endif
