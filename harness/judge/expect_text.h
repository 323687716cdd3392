/* SPDX-License-Identifier: MIT */
/*
 * Ranges, places and texts of a scenario: said in words, and compared.
 */
#ifndef HARNESS_JUDGE_EXPECT_TEXT_H
#define HARNESS_JUDGE_EXPECT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "deadmx/scenario.h"

enum {
	EXPECT_TEXT_MAX = 512, /* bytes of one phrase, longer ones are cut */
};

/* A buffer for one phrase. */
struct expect_text {
	char text[EXPECT_TEXT_MAX];
};

/* "file:line", or NULL when the place is unknown. */
const char *expect_where(const struct deadmx_place *place,
			 struct expect_text *buf);
/* A time in words, to the second; ranges of counts and of times. */
const char *expect_time(int64_t ns, struct expect_text *buf);
const char *expect_times(const struct deadmx_range *range,
			 struct expect_text *buf);
const char *expect_counts(const struct deadmx_range *range,
			  struct expect_text *buf);
/* "\"text\"" or "/regex/". */
const char *expect_wanted(const struct deadmx_text *text,
			  struct expect_text *buf);

bool expect_in_counts(const struct deadmx_range *range, int64_t count);
/* With EXPECT_WHOLE_SECOND_NS of grace at either end. */
bool expect_in_times(const struct deadmx_range *range, int64_t ns);

/*
 * Is @observed the wanted text? An exact text must be equal but for case
 * (@anywhere: must stand somewhere in it), a regular expression must match
 * somewhere. Absent (NULL) never matches.
 */
bool expect_matches(const struct deadmx_text *wanted, const char *observed,
		    bool anywhere);

#endif
