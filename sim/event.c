/* SPDX-License-Identifier: MIT */
/* The event writer: see deadmx/event.h. */
#include "deadmx/event.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct deadmx_event_log {
	int64_t (*virtual_now_ns)(void *arg);
	deadmx_event_sink_cb sink;
	void *arg;
};

/* clang-format off */
static const char *const event_words[] = {
#define XX(uc, word, members) [DEADMX_EVENT_##uc] = word,
	DEADMX_EVENT_MAP(XX)
#undef XX
};
/* clang-format on */

const char *deadmx_event_word(enum deadmx_event_type type)
{
	assert((unsigned)type < DEADMX_EVENT_COUNT);
	return event_words[type];
}

struct deadmx_event_log *
deadmx_event_log_new(int64_t (*virtual_now_ns)(void *arg),
		     deadmx_event_sink_cb sink, void *arg)
{
	struct deadmx_event_log *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	log->virtual_now_ns = virtual_now_ns;
	log->sink = sink;
	log->arg = arg;
	return log;
}

void deadmx_event_log_free(struct deadmx_event_log *log)
{
	free(log);
}

/* Whole microseconds, to nearest: a double then prints without noise. */
static double event_seconds(int64_t ns)
{
	int64_t us = ns / 1000, rest = ns % 1000;

	if (rest >= 500)
		us++;
	else if (rest <= -500)
		us--;
	return (double)us / 1e6;
}

void deadmx_event_emit(struct deadmx_event_log *log,
		       enum deadmx_event_type type, json_t *members)
{
	json_t *line;
	char *text;
	int rc;

	assert(members);
	line = json_pack("{s:f,s:s}", "t",
			 event_seconds(log->virtual_now_ns(log->arg)), "type",
			 deadmx_event_word(type));
	assert(line);
	rc = json_object_update(line, members);
	assert(rc == 0);
	/* 15 digits hold a microsecond for 31 years and are exact in binary. */
	text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(15));
	assert(text);
	log->sink(log->arg, text, strlen(text));
	free(text);
	json_decref(line);
	json_decref(members);
}

/*
 * Length of the valid UTF-8 sequence at @s (RFC 3629: no overlong forms, no
 * surrogates, at most U+10FFFF), or 0. NUL counts as invalid: JSON readers
 * refuse it in strings.
 */
static size_t utf8_sequence(const unsigned char *s, size_t len)
{
	unsigned char min = 0x80, max = 0xbf;
	size_t n;

	if (s[0] < 0x80)
		return s[0] != 0;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		min = 0xa0;
	else if (s[0] == 0xed)
		max = 0x9f;
	else if (s[0] == 0xf0)
		min = 0x90;
	else if (s[0] == 0xf4)
		max = 0x8f;
	if (len < n || s[1] < min || s[1] > max)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

json_t *deadmx_event_text(const char *bytes, size_t len)
{
	static const char replacement[3] = "\xef\xbf\xbd";
	const unsigned char *in = (const unsigned char *)bytes;
	char *out = malloc(3 * len + 1);
	size_t used = 0;
	json_t *ret;

	assert(out);
	for (size_t i = 0; i < len;) {
		size_t n = utf8_sequence(in + i, len - i);

		if (n) {
			memcpy(out + used, in + i, n);
			used += n;
			i += n;
		} else {
			memcpy(out + used, replacement, 3);
			used += 3;
			i++;
		}
	}
	ret = json_stringn_nocheck(out, used);
	assert(ret);
	free(out);
	return ret;
}
