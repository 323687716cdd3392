/* SPDX-License-Identifier: MIT */
/*
 * What a fault makes of a reply that is due.
 *
 * In two steps: smtp_fault_begin() settles what will be said and tells the
 * log; then, after a silence if there is to be one, smtp_fault_go_on() says it
 * or breaks the conversation off.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/smtp_reply.h"
#include "sim/smtp_session_priv.h"

enum {
	/* RFC 5321 4.5.3.1.5 has 512 for a reply line; MTAs take up to some
	 * 8000. */
	LONG_LINE_BYTES = 10000,
	GARBAGE_BYTES = 256,
};

/* --- what is said -------------------------------------------------------- */

static void say(struct smtp_session *s, char *wire, size_t len)
{
	assert(wire);
	free(s->reply);
	s->reply = wire;
	s->reply_len = len;
}

/* All bytes but LF, in a fixed disorder, as one line. No code begins so. */
static void say_garbage(struct smtp_session *s)
{
	char *wire = malloc(GARBAGE_BYTES + 3);
	size_t len = 0;

	assert(wire);
	for (int i = 0; i < GARBAGE_BYTES; i++) {
		char c = (char)(i * 167 + 200);

		if (c != '\n' && c != '\r')
			wire[len++] = c;
	}
	memcpy(wire + len, "\r\n", 3);
	say(s, wire, len + 2);
}

/* Its last line goes on and on. */
static void say_long_line(struct smtp_session *s)
{
	size_t len = s->reply_len - 2;
	char *wire = malloc(len + LONG_LINE_BYTES + 3);

	assert(wire);
	memcpy(wire, s->reply, len);
	wire[len] = ' ';
	memset(wire + len + 1, 'x', LONG_LINE_BYTES - 1);
	memcpy(wire + len + LONG_LINE_BYTES, "\r\n", 3);
	say(s, wire, len + LONG_LINE_BYTES + 2);
}

static void say_bare_lf(struct smtp_session *s)
{
	size_t len = 0;

	for (size_t i = 0; i < s->reply_len; i++)
		if (s->reply[i] != '\r')
			s->reply[len++] = s->reply[i];
	s->reply[len] = '\0';
	s->reply_len = len;
}

/* 354 belongs to DATA alone, and DATA gets nothing but it (RFC 5321 4.3.2). */
static void say_wrong_code(struct smtp_session *s)
{
	char *wire = strdup(s->fault->stage == DEADMX_STAGE_DATA
				    ? "250 Ok\r\n"
				    : "354 Go ahead\r\n");

	say(s, wire, wire ? strlen(wire) : 0);
}

/* RFC 5321 4.2.1: the code must be the same in all lines. */
static void say_mixed_codes(struct smtp_session *s)
{
	char *wire = NULL;
	int rc = asprintf(&wire, "%s451 Not so\r\n", s->reply);

	assert(rc > 0);
	/* What was the last line is not the last any more. */
	for (char *line = wire, *next; *line; line = next) {
		next = strstr(line, "\r\n") + 2;
		if (*next)
			line[3] = '-';
	}
	say(s, wire, (size_t)rc);
}

static void say_reply(struct smtp_session *s)
{
	char *wire = smtp_reply_format(s->fault->reply, s->server, s->client);

	say(s, wire, wire ? strlen(wire) : 0);
}

static void say_raw(struct smtp_session *s)
{
	char *wire = strdup(s->fault->reply);

	say(s, wire, wire ? strlen(wire) : 0);
}

/* Put into s->reply what the fault says; true when the log shows it. */
static bool smtp_fault_say(struct smtp_session *s)
{
	/* At body there is no healthy reply to spoil. */
	assert(s->reply ||
	       deadmx_action_form(s->fault->stage, s->fault->action) !=
		       DEADMX_ACTION_NEVER);
	switch (s->fault->action) {
	case DEADMX_ACTION_REPLY:
		say_reply(s);
		return true;
	case DEADMX_ACTION_RAW:
		say_raw(s);
		return true;
	case DEADMX_ACTION_WRONG_CODE:
		say_wrong_code(s);
		return true;
	case DEADMX_ACTION_MIXED_CODES:
		say_mixed_codes(s);
		return true;
	case DEADMX_ACTION_GARBAGE:
		say_garbage(s);
		return false;
	case DEADMX_ACTION_LONG_LINE:
		say_long_line(s);
		return false;
	case DEADMX_ACTION_BARE_LF:
		say_bare_lf(s);
		return false;
	case DEADMX_ACTION_ACCEPT:
	case DEADMX_ACTION_REFUSE:
	case DEADMX_ACTION_BLACKHOLE:
	case DEADMX_ACTION_UNREACHABLE:
	case DEADMX_ACTION_NET_UNREACHABLE:
	case DEADMX_ACTION_PORT_UNREACHABLE:
	case DEADMX_ACTION_PROHIBITED:
	case DEADMX_ACTION_QUEUE_FULL:
	case DEADMX_ACTION_STALL:
	case DEADMX_ACTION_DRIP:
	case DEADMX_ACTION_DROP:
	case DEADMX_ACTION_RESET:
	case DEADMX_ACTION_HALF_OPEN:
	case DEADMX_ACTION_STOP_READING:
		DEADMX_ACTION_TLS_MAP(DEADMX_ACTION_CASE)
	case DEADMX_ACTION_COUNT:
		break;
	}
	return false;
}

static void smtp_fault_log(struct smtp_session *s, bool shown)
{
	char *plain = NULL;

	if (shown) {
		plain = smtp_reply_plain(s->reply, s->reply_len);
		assert(plain);
	}
	s->ops->on_fault(s->arg, s->fault, plain);
	free(plain);
}

static void hold(struct smtp_session *s, int64_t ns)
{
	s->held = true;
	s->ops->stall(s->arg, ns);
}

void smtp_fault_begin(struct smtp_session *s, const struct deadmx_fault *fault)
{
	bool shown;

	s->fault = fault;
	shown = smtp_fault_say(s);
	if (s->reply && smtp_reply_last_code(s->reply, s->reply_len) == 421)
		s->reply_close = true;
	s->reply_close |= fault->close;
	smtp_fault_log(s, shown);
	if (fault->stall_ns && fault->stall_ns != DEADMX_FOREVER_NS)
		hold(s, fault->stall_ns);
	else
		smtp_fault_go_on(s);
}

/* --- frontends ----------------------------------------------------------- */

static bool is_good(const char *reply)
{
	int code = smtp_reply_code(reply);

	return code / 100 == 2 || code / 100 == 3;
}

bool smtp_fault_replaces(const struct deadmx_fault *fault)
{
	return fault->action == DEADMX_ACTION_REPLY ||
	       fault->action == DEADMX_ACTION_RAW;
}

bool smtp_fault_spares(const struct deadmx_fault *fault)
{
	switch (fault->action) {
	case DEADMX_ACTION_REPLY:
	case DEADMX_ACTION_RAW:
		return is_good(fault->reply);
	case DEADMX_ACTION_STALL:
		return fault->stall_ns != DEADMX_FOREVER_NS;
	case DEADMX_ACTION_DRIP:
	case DEADMX_ACTION_DROP:
	case DEADMX_ACTION_RESET:
	case DEADMX_ACTION_LONG_LINE:
	case DEADMX_ACTION_BARE_LF:
	case DEADMX_ACTION_ACCEPT:
	case DEADMX_ACTION_REFUSE:
	case DEADMX_ACTION_BLACKHOLE:
	case DEADMX_ACTION_UNREACHABLE:
	case DEADMX_ACTION_NET_UNREACHABLE:
	case DEADMX_ACTION_PORT_UNREACHABLE:
	case DEADMX_ACTION_PROHIBITED:
	case DEADMX_ACTION_QUEUE_FULL:
		DEADMX_ACTION_TLS_MAP(DEADMX_ACTION_CASE)
		return true;
	case DEADMX_ACTION_GARBAGE:
	case DEADMX_ACTION_WRONG_CODE:
	case DEADMX_ACTION_MIXED_CODES:
	case DEADMX_ACTION_HALF_OPEN:
	case DEADMX_ACTION_STOP_READING:
	case DEADMX_ACTION_COUNT:
		break;
	}
	return false;
}

/* --- what is done -------------------------------------------------------- */

static void mute(struct smtp_session *s, void (*op)(void *arg))
{
	smtp_session_forget(s);
	smtp_session_enter(s, SMTP_STATE_MUTE);
	if (op)
		op(s->arg);
}

static void break_off(struct smtp_session *s)
{
	const struct deadmx_fault *fault = s->fault;
	size_t part = fault->after_bytes < s->reply_len
			      ? (size_t)fault->after_bytes
			      : s->reply_len - 1;

	/* The healthy server had taken the message; only its word is lost. */
	if (fault->stage == DEADMX_STAGE_DOT &&
	    smtp_reply_code(s->reply) / 100 == 2)
		s->ops->message(s->arg, &s->envelope, s->data, s->data_len,
				false);
	if (s->reply && fault->stage != DEADMX_STAGE_BODY && part)
		s->ops->send(s->arg, s->reply, part);
	smtp_session_close(s, fault->action == DEADMX_ACTION_RESET);
}

static void drip(struct smtp_session *s)
{
	s->held = s->dripped = true;
	s->ops->drip(s->arg, s->reply, s->reply_len, s->fault->drip_ns);
}

/* The same the other way round: there is no reply, but a message. */
static void slow_down(struct smtp_session *s)
{
	s->slow = s->ops->slow != NULL;
	if (s->slow)
		s->ops->slow(s->arg, s->fault->drip_ns);
}

void smtp_fault_go_on(struct smtp_session *s)
{
	switch (s->fault->action) {
	case DEADMX_ACTION_STALL:
		if (s->fault->stall_ns == DEADMX_FOREVER_NS)
			mute(s, NULL);
		else
			smtp_session_finish(s);
		return;
	case DEADMX_ACTION_DROP:
	case DEADMX_ACTION_RESET:
		break_off(s);
		return;
	case DEADMX_ACTION_HALF_OPEN:
		mute(s, s->ops->pull);
		return;
	case DEADMX_ACTION_STOP_READING:
		mute(s, s->ops->stop_reading);
		return;
	case DEADMX_ACTION_REPLY:
	case DEADMX_ACTION_RAW:
	case DEADMX_ACTION_DRIP:
	case DEADMX_ACTION_GARBAGE:
	case DEADMX_ACTION_LONG_LINE:
	case DEADMX_ACTION_BARE_LF:
	case DEADMX_ACTION_WRONG_CODE:
	case DEADMX_ACTION_MIXED_CODES:
	case DEADMX_ACTION_ACCEPT:
	case DEADMX_ACTION_REFUSE:
	case DEADMX_ACTION_BLACKHOLE:
	case DEADMX_ACTION_UNREACHABLE:
	case DEADMX_ACTION_NET_UNREACHABLE:
	case DEADMX_ACTION_PORT_UNREACHABLE:
	case DEADMX_ACTION_PROHIBITED:
	case DEADMX_ACTION_QUEUE_FULL:
		DEADMX_ACTION_TLS_MAP(DEADMX_ACTION_CASE)
	case DEADMX_ACTION_COUNT:
		/* The last are the listener's and mean nothing here. */
		break;
	}
	if (s->fault->drip_ns && s->fault->stage == DEADMX_STAGE_BODY)
		slow_down(s);
	if (s->reply && s->fault->drip_ns && !s->dripped)
		drip(s);
	else
		smtp_session_finish(s);
}
