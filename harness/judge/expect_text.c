/* SPDX-License-Identifier: MIT */
#include "harness/judge/expect_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "deadmx/pattern.h"
#include "harness/judge/expect.h"

const char *expect_where(const struct deadmx_place *place,
			 struct expect_text *buf)
{
	if (!place->file || place->line <= 0)
		return NULL;
	snprintf(buf->text, sizeof(buf->text), "%s:%d", place->file,
		 place->line);
	return buf->text;
}

const char *expect_time(int64_t ns, struct expect_text *buf)
{
	/* To the nearest second: the rest is scheduling, not the MTA. */
	int64_t s = (ns + (ns < 0 ? -1 : 1) * (DEADMX_NS_PER_S / 2)) /
		    DEADMX_NS_PER_S;

	return deadmx_duration_format(s * DEADMX_NS_PER_S, buf->text,
				      sizeof(buf->text));
}

const char *expect_times(const struct deadmx_range *range,
			 struct expect_text *buf)
{
	char min[64], max[64];

	deadmx_duration_format(range->min, min, sizeof(min));
	deadmx_duration_format(range->max, max, sizeof(max));
	if (range->max == DEADMX_FOREVER_NS)
		snprintf(buf->text, sizeof(buf->text), "at least %s", min);
	else if (range->min <= 0)
		snprintf(buf->text, sizeof(buf->text), "at most %s", max);
	else
		snprintf(buf->text, sizeof(buf->text), "%s to %s", min, max);
	return buf->text;
}

const char *expect_counts(const struct deadmx_range *range,
			  struct expect_text *buf)
{
	if (range->min == range->max)
		snprintf(buf->text, sizeof(buf->text), "%" PRId64, range->min);
	else if (range->max == INT64_MAX)
		snprintf(buf->text, sizeof(buf->text), "at least %" PRId64,
			 range->min);
	else if (range->min <= 0)
		snprintf(buf->text, sizeof(buf->text), "at most %" PRId64,
			 range->max);
	else
		snprintf(buf->text, sizeof(buf->text),
			 "%" PRId64 " to %" PRId64, range->min, range->max);
	return buf->text;
}

const char *expect_wanted(const struct deadmx_text *text,
			  struct expect_text *buf)
{
	snprintf(buf->text, sizeof(buf->text),
		 text->is_regex ? "/%s/" : "\"%s\"", text->text);
	return buf->text;
}

bool expect_in_counts(const struct deadmx_range *range, int64_t count)
{
	return !range->set || (count >= range->min && count <= range->max);
}

bool expect_in_times(const struct deadmx_range *range, int64_t ns)
{
	if (!range->set)
		return true;
	/* Subtract, not add: an open end is INT64_MAX. */
	return ns + EXPECT_WHOLE_SECOND_NS >= range->min &&
	       ns - EXPECT_WHOLE_SECOND_NS <= range->max;
}

bool expect_matches(const struct deadmx_text *wanted, const char *observed,
		    bool anywhere)
{
	if (!wanted->text)
		return true;
	if (!observed)
		return false;
	if (!wanted->is_regex)
		return anywhere ? strcasestr(observed, wanted->text) != NULL
				: strcasecmp(observed, wanted->text) == 0;
	return deadmx_pattern_is_in(wanted->text, 0, observed);
}
