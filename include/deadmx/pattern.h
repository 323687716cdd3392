/* SPDX-License-Identifier: MIT */
/*
 * Regular expressions, as people write them in scenario and target files.
 *
 * They are POSIX extended ones, compiled and matched by PCRE2: glibc's
 * regcomp() takes minutes and gigabytes for some of a few dozen bytes
 * (a++++++++…, ($|^|)*($|^|)*…), and these come from anybody.
 * Here the time to compile grows with the length, and a search that has not
 * ended after DEADMX_PATTERN_STEPS_MAX steps has found nothing. Bytes, not
 * UTF-8; a dot matches a line feed, too.
 */
#ifndef DEADMX_PATTERN_H
#define DEADMX_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

struct deadmx_pattern; /* private */

enum deadmx_pattern_flag {
	DEADMX_PATTERN_ANY_CASE = 1 << 0,
	/* ^ and $ at each line, and no dot matches a line feed. */
	DEADMX_PATTERN_LINES = 1 << 1,
};

enum {
	DEADMX_PATTERN_WHY_MAX = 160, /* bytes of what is wrong, with its NUL */
	DEADMX_PATTERN_STEPS_MAX = 1000 * 1000, /* of one search: some 20 ms */
	DEADMX_PATTERN_HEAP_MAX_KIB = 32 << 10, /* of one search */
};

/*
 * Compile @regex; @flags are deadmx_pattern_flags. 0 and *ret, for
 * deadmx_pattern_free(), or -EINVAL with a sentence in @why
 * (DEADMX_PATTERN_WHY_MAX bytes; may be NULL), -E2BIG for one that is too large
 * when its repetitions are written out (the same), -ENOMEM.
 */
int deadmx_pattern_new(const char *regex, unsigned int flags, char *why,
		       struct deadmx_pattern **ret);
void deadmx_pattern_free(struct deadmx_pattern *p);

/* How many bytes it takes, compiled: what it costs. */
size_t deadmx_pattern_size(const struct deadmx_pattern *p);

/* Is there a match anywhere in @text? */
bool deadmx_pattern_matches(const struct deadmx_pattern *p, const char *text);

/* The first match: its bounds in @text, in bytes. */
bool deadmx_pattern_find(const struct deadmx_pattern *p, const char *text,
			 size_t *ret_start, size_t *ret_end);

/* Compiled, matched and freed; false for a @regex that is none. */
bool deadmx_pattern_is_in(const char *regex, unsigned int flags,
			  const char *text);

#endif
