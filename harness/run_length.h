/* SPDX-License-Identifier: MIT */
/*
 * How long a run will take, roughly and on the virtual clock: what side by
 * side is to begin first.
 */
#ifndef HARNESS_RUN_LENGTH_H
#define HARNESS_RUN_LENGTH_H

#include "harness/target.h"

/*
 * When the last thing happens that @scenario has on its timelines or expects,
 * in virtual nanoseconds. A bounce for which it names no time is taken to come
 * when mail expires on @target: for one that comes at once that is far too
 * long, which costs nothing; a long run that is begun last costs minutes.
 */
int64_t run_length_ns(const struct target *target,
		      const struct deadmx_scenario *scenario);

#endif
