/* SPDX-License-Identifier: MIT */
/* Regular expressions by PCRE2: see pattern.h. */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "deadmx/pattern.h"

#include <ctype.h>
#include <errno.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct deadmx_pattern {
	pcre2_code *code;
	pcre2_match_context *limits;
	size_t size; /* bytes of @code */
};

/* Behind the bracket expression that begins at @p; at its NUL if none ends. */
static const char *pattern_skip_bracket(const char *p)
{
	p += p[1] == '^' ? 2 : 1;
	if (*p == ']')
		p++;
	for (; *p && *p != ']'; p++)
		if (*p == '[' && p[1] && strchr(":.=", p[1])) {
			const char end[] = {p[1], ']', '\0'};
			const char *close = strstr(p + 2, end);

			p = close ? close + 1 : p;
		}
	return *p ? p + 1 : p;
}

/* What PCRE2 would take for more than an extended expression; NULL: nothing. */
static const char *pattern_beyond_posix(const char *regex)
{
	const char *next;

	for (const char *p = regex; *p; p = next) {
		next = p + 1;
		if (*p == '\\' && isdigit((unsigned char)p[1]))
			return "\\1 has no meaning";
		if (*p == '(' && (p[1] == '?' || p[1] == '*'))
			return "a ? or * behind ( repeats nothing";
		if (*p == '[')
			next = pattern_skip_bracket(p);
		else if (*p == '\\' && p[1])
			next = p + 2;
	}
	return NULL;
}

static int pattern_refuse(char *why, int rc, const char *text)
{
	if (why)
		snprintf(why, DEADMX_PATTERN_WHY_MAX, "%s", text);
	return rc;
}

static int pattern_refuse_code(char *why, int code)
{
	PCRE2_UCHAR text[DEADMX_PATTERN_WHY_MAX];

	if (code == PCRE2_ERROR_HEAP_FAILED)
		return -ENOMEM;
	if (pcre2_get_error_message(code, text, sizeof(text)) < 0)
		text[sizeof(text) - 1] = '\0';
	return pattern_refuse(
		why, code == PCRE2_ERROR_PATTERN_TOO_LARGE ? -E2BIG : -EINVAL,
		(const char *)text);
}

int deadmx_pattern_new(const char *regex, unsigned int flags, char *why,
		       struct deadmx_pattern **ret)
{
	uint32_t options = PCRE2_NEVER_UTF | PCRE2_NEVER_UCP |
			   PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE;
	const char *beyond = pattern_beyond_posix(regex);
	PCRE2_SIZE at;
	struct deadmx_pattern *p;
	int rc;

	if (beyond)
		return pattern_refuse(why, -EINVAL, beyond);
	options |= flags & DEADMX_PATTERN_LINES
			   ? PCRE2_MULTILINE
			   : PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY;
	if (flags & DEADMX_PATTERN_ANY_CASE)
		options |= PCRE2_CASELESS;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->limits = pcre2_match_context_create(NULL);
	if (!p->limits) {
		deadmx_pattern_free(p);
		return -ENOMEM;
	}
	pcre2_set_match_limit(p->limits, DEADMX_PATTERN_STEPS_MAX);
	pcre2_set_heap_limit(p->limits, DEADMX_PATTERN_HEAP_MAX_KIB);
	p->code = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED,
				options, &rc, &at, NULL);
	if (!p->code) {
		deadmx_pattern_free(p);
		return pattern_refuse_code(why, rc);
	}
	pcre2_pattern_info(p->code, PCRE2_INFO_SIZE, &p->size);
	*ret = p;
	return 0;
}

void deadmx_pattern_free(struct deadmx_pattern *p)
{
	if (!p)
		return;
	pcre2_match_context_free(p->limits);
	pcre2_code_free(p->code);
	free(p);
}

size_t deadmx_pattern_size(const struct deadmx_pattern *p)
{
	return p->size;
}

bool deadmx_pattern_find(const struct deadmx_pattern *p, const char *text,
			 size_t *ret_start, size_t *ret_end)
{
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	int rc = PCRE2_ERROR_NOMEMORY;

	if (data)
		rc = pcre2_match(p->code, (PCRE2_SPTR)text, strlen(text), 0, 0,
				 data, p->limits);
	if (rc >= 0) {
		const PCRE2_SIZE *bounds = pcre2_get_ovector_pointer(data);

		*ret_start = bounds[0];
		*ret_end = bounds[1];
	}
	pcre2_match_data_free(data);
	return rc >= 0;
}

bool deadmx_pattern_matches(const struct deadmx_pattern *p, const char *text)
{
	size_t start, end;

	return deadmx_pattern_find(p, text, &start, &end);
}

bool deadmx_pattern_is_in(const char *regex, unsigned int flags,
			  const char *text)
{
	struct deadmx_pattern *p;
	bool is_in;

	if (deadmx_pattern_new(regex, flags, NULL, &p) < 0)
		return false;
	is_in = deadmx_pattern_matches(p, text);
	deadmx_pattern_free(p);
	return is_in;
}
