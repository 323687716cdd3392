/* SPDX-License-Identifier: MIT */
/* Which scenarios are run: see filter.h. */
#include "harness/filter.h"

#include <assert.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* The next pattern of the list, malloc'd, or NULL; without its "!". */
static char *pattern_next(const char **expression, bool *ret_not)
{
	size_t len = strcspn(*expression, ",");
	const char *start = *expression;
	char *pattern;

	if (!*start)
		return NULL;
	*expression += len + (start[len] == ',');
	*ret_not = *start == '!';
	pattern = strndup(start + *ret_not, len - *ret_not);
	assert(pattern);
	return pattern;
}

bool filter_is_valid(const char *expression)
{
	size_t len = strlen(expression);
	bool is_valid = len && expression[len - 1] != ',', is_not;
	char *pattern;

	while (is_valid && (pattern = pattern_next(&expression, &is_not))) {
		is_valid = *pattern != '\0';
		free(pattern);
	}
	return is_valid;
}

/* Whole parts of "a/b/c": a, a/b, a/b/c, b, b/c, c. */
static bool name_fits(const char *pattern, const char *name)
{
	bool fits = false;

	for (const char *from = name; from && !fits;) {
		for (const char *to = from; to && !fits;) {
			char *part;

			to = strchr(to + 1, '/');
			part = to ? strndup(from, (size_t)(to - from))
				  : strdup(from);
			assert(part);
			fits = fnmatch(pattern, part, 0) == 0;
			free(part);
		}
		from = strchr(from, '/');
		from = from ? from + 1 : NULL;
	}
	return fits;
}

static bool pattern_fits(const char *pattern, const struct deadmx_scenario *s)
{
	for (size_t i = 0; i < s->tag_count; i++)
		if (fnmatch(pattern, s->tags[i], 0) == 0)
			return true;
	return name_fits(pattern, s->name);
}

bool filter_takes(const char *expression, const struct deadmx_scenario *s)
{
	bool any = false, fits = false, is_not;
	char *pattern;

	while ((pattern = pattern_next(&expression, &is_not))) {
		bool hit = pattern_fits(pattern, s);

		free(pattern);
		if (hit && is_not)
			return false;
		any |= !is_not;
		fits |= hit && !is_not;
	}
	return fits || !any;
}
