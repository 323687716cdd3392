/* SPDX-License-Identifier: MIT */
/* The event writer: see deadmx/event.h. */
#include "deadmx/event.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

struct deadmx_event_log {
	int64_t (*virtual_now_ns)(void *arg);
	deadmx_event_sink_cb sink;
	void *arg;
	char *line; /* under way, of emit_flat() */
	size_t len, size;
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
	if (log)
		free(log->line);
	free(log);
}

static int64_t event_us(int64_t ns)
{
	int64_t us = ns / 1000, rest = ns % 1000;

	if (rest >= 500)
		us++;
	else if (rest <= -500)
		us--;
	return us;
}

/* Whole microseconds, to nearest: a double then prints without noise. */
static double event_seconds(int64_t ns)
{
	return (double)event_us(ns) / 1e6;
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
			memcpy(out + used, UTF8_REPLACEMENT, 3);
			used += 3;
			i++;
		}
	}
	ret = json_stringn_nocheck(out, used);
	assert(ret);
	free(out);
	return ret;
}

/* --- the short way ------------------------------------------------------- */

enum {
	/* Below, jansson writes 1e-5; above, 15 digits have no microseconds. */
	EVENT_PLAIN_US_MIN = 100,
	EVENT_PLAIN_S_MAX = 1000 * 1000 * 1000,
};

static char *line_room(struct deadmx_event_log *log, size_t more)
{
	if (log->len + more > log->size) {
		log->size = 2 * (log->len + more);
		log->line = realloc(log->line, log->size);
		assert(log->line);
	}
	return log->line + log->len;
}

static void line_put(struct deadmx_event_log *log, const char *text, size_t len)
{
	memcpy(line_room(log, len), text, len);
	log->len += len;
}

static void line_put_word(struct deadmx_event_log *log, const char *word)
{
	line_put(log, word, strlen(word));
}

/* By hand: an event has four numbers, and printf() took a quarter of all the
 * time that one costs. */
size_t deadmx_event_digits(uint64_t n, char *buf)
{
	char reverse[DEADMX_EVENT_DIGITS_MAX];
	size_t len = 0;

	do
		reverse[len++] = (char)('0' + n % 10);
	while (n /= 10);
	for (size_t i = 0; i < len; i++)
		buf[i] = reverse[len - 1 - i];
	return len;
}

static void line_put_digits(struct deadmx_event_log *log, uint64_t n)
{
	char text[DEADMX_EVENT_DIGITS_MAX];

	line_put(log, text, deadmx_event_digits(n, text));
}

static void line_put_number(struct deadmx_event_log *log, int64_t number)
{
	if (number < 0)
		line_put(log, "-", 1);
	line_put_digits(log, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

/* As jansson writes a double with 15 digits. */
static void line_put_time(struct deadmx_event_log *log, int64_t ns)
{
	int64_t us = event_us(ns), whole = us < 0 ? -us : us;
	char text[6]; /* the digits behind the point */
	size_t len = sizeof(text);

	if ((whole && whole < EVENT_PLAIN_US_MIN) ||
	    whole / 1000000 >= EVENT_PLAIN_S_MAX) {
		json_t *real = json_real(event_seconds(ns));
		char *slow = json_dumps(real, JSON_ENCODE_ANY |
						      JSON_REAL_PRECISION(15));

		assert(slow);
		line_put_word(log, slow);
		free(slow);
		json_decref(real);
		return;
	}
	if (us < 0)
		line_put(log, "-", 1);
	line_put_digits(log, (uint64_t)whole / 1000000);
	for (size_t i = len; i--; whole /= 10)
		text[i] = (char)('0' + whole % 10);
	while (len > 1 && text[len - 1] == '0')
		len--;
	line_put(log, ".", 1);
	line_put(log, text, len);
}

/* A byte that JSON has an escape for (RFC 8259 7), in jansson's way. */
static void line_put_escaped(struct deadmx_event_log *log, unsigned char c)
{
	static const char plain[] = "\"\\\b\f\n\r\t", word[] = "\"\\bfnrt";
	const char *at = c ? strchr(plain, c) : NULL;
	char text[8] = {'\\'};

	if (at) {
		text[1] = word[at - plain];
		line_put(log, text, 2);
	} else {
		snprintf(text, sizeof(text), "\\u%04X", c);
		line_put(log, text, 6);
	}
}

static void line_put_text(struct deadmx_event_log *log, const char *text,
			  size_t len)
{
	const unsigned char *in = (const unsigned char *)text;
	size_t begun = 0, i = 0;

	line_put(log, "\"", 1);
	while (i < len) {
		size_t n = in[i] >= 0x20 && in[i] < 0x80 && in[i] != '"' &&
					   in[i] != '\\'
				   ? 1
				   : 0;

		if (!n && in[i] >= 0x80)
			n = utf8_sequence(in + i, len - i);
		if (n) {
			i += n;
			continue;
		}
		line_put(log, text + begun, i - begun);
		if (!in[i] || in[i] >= 0x80)
			line_put_word(log, UTF8_REPLACEMENT);
		else
			line_put_escaped(log, in[i]);
		begun = ++i;
	}
	line_put(log, text + begun, i - begun);
	line_put(log, "\"", 1);
}

static void line_put_list(struct deadmx_event_log *log, char *const *list,
			  size_t count)
{
	line_put_word(log, "[");
	for (size_t i = 0; i < count; i++) {
		if (i)
			line_put_word(log, ",");
		line_put_text(log, list[i], strlen(list[i]));
	}
	line_put_word(log, "]");
}

void deadmx_event_emit_flat(struct deadmx_event_log *log,
			    enum deadmx_event_type type,
			    const struct deadmx_event_member *members,
			    size_t count)
{
	log->len = 0;
	line_put_word(log, "{\"t\":");
	line_put_time(log, log->virtual_now_ns(log->arg));
	line_put_word(log, ",\"type\":\"");
	line_put_word(log, deadmx_event_word(type));
	line_put_word(log, "\"");
	for (size_t i = 0; i < count; i++) {
		const struct deadmx_event_member *m = &members[i];

		line_put_word(log, ",\"");
		line_put_word(log, m->key);
		line_put_word(log, "\":");
		if (m->text)
			line_put_text(log, m->text, m->len);
		else if (m->list)
			line_put_list(log, m->list, m->list_len);
		else if (m->is_true)
			line_put_word(log, "true");
		else if (m->is_number)
			line_put_number(log, m->number);
		else
			line_put_word(log, "null");
	}
	line_put(log, "}", 2); /* and its NUL */
	log->sink(log->arg, log->line, log->len - 1);
}
