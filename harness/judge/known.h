/* SPDX-License-Identifier: MIT */
/*
 * What of a verdict's findings the target file names as known.
 */
#ifndef HARNESS_JUDGE_KNOWN_H
#define HARNESS_JUDGE_KNOWN_H

#include "harness/judge/verdict.h"
#include "harness/target.h"

/*
 * Put the reason to each finding that is known, whatever its severity; faults
 * of deadmx or of the run ("error") never are. With @is_whole, when all of the
 * run was judged: an entry that has this scenario's whole name and found
 * nothing is told in a note.
 */
void known_mark(const struct deadmx_scenario *scenario,
		const struct target *target, bool is_whole, struct verdict *v);

#endif
