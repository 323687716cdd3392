/* SPDX-License-Identifier: MIT */
/*
 * The message itself: DATA with its dot (RFC 5321 4.1.1.4) and BDAT with its
 * chunks (RFC 3030).
 *
 * BDAT has one reply a chunk. A fault of stage data sits at the reply to the
 * first chunk, one of stage dot at that to the LAST one; when that is the
 * first, too, the fault at data goes before. The chunk is taken in any case
 * before it is answered, for the client sends it unasked.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/smtp_session_priv.h"

/* The message is over, and with it what made it slow. */
static void data_hurry(struct smtp_session *s)
{
	if (s->slow)
		s->ops->slow(s->arg, 0);
	s->slow = false;
}

void smtp_data_clear(struct smtp_session *s)
{
	data_hurry(s);
	free(s->data);
	*s->budget += s->data_size;
	s->data = NULL;
	s->data_len = s->data_size = 0;
	s->data_total = 0;
	s->data_too_big = s->data_no_room = s->answered = false;
	s->body_fault = NULL;
}

/* --- storing ------------------------------------------------------------- */

static bool data_reserve(struct smtp_session *s, size_t more)
{
	size_t need = s->data_len + more, size = s->data_size;
	char *data;

	if (need <= size)
		return true;
	size = size ? size : 4096;
	while (size < need)
		size *= 2;
	if (size - s->data_size > *s->budget)
		return false;
	data = realloc(s->data, size);
	if (!data)
		return false;
	*s->budget -= size - s->data_size;
	s->data = data;
	s->data_size = size;
	return true;
}

static void data_append(struct smtp_session *s, const char *bytes, size_t len)
{
	s->data_total += len;
	if (s->data_len + len > SMTP_MESSAGE_BYTES_MAX)
		s->data_too_big = true;
	else if (!data_reserve(s, len))
		s->data_no_room = true;
	if (s->data_too_big || s->data_no_room || !len)
		return;
	memcpy(s->data + s->data_len, bytes, len);
	s->data_len += len;
}

/* A fault at body comes when its bytes are in. */
static void body_check(struct smtp_session *s)
{
	const struct deadmx_fault *fault = s->body_fault;

	if (!fault || s->data_total < fault->after_bytes)
		return;
	s->body_fault = NULL;
	free(s->reply);
	s->reply = NULL;
	s->reply_len = 0;
	s->reply_stage = DEADMX_STAGE_BODY;
	s->reply_close = s->dripped = false;
	smtp_fault_begin(s, fault);
}

/* The reply to the whole message, as far as storing it goes. */
static char *end_text(const struct smtp_session *s)
{
	if (s->data_too_big)
		return smtp_session_text(s, 552, "5.3.4",
					 "Message size exceeds limit");
	if (s->data_no_room)
		return smtp_session_text(s, 452, "4.3.1",
					 "Insufficient system storage");
	return smtp_session_text(s, 250, "2.0.0", "Message accepted");
}

/* Replied to already, by a fault at body: what it said now holds. */
static void end_answered(struct smtp_session *s)
{
	if (s->answered_good) {
		s->messages++;
		s->ops->message(s->arg, &s->envelope, s->data, s->data_len,
				true);
	}
	smtp_session_forget(s);
	smtp_session_enter(s, SMTP_STATE_READY);
}

/* --- DATA ---------------------------------------------------------------- */

void smtp_data_begin(struct smtp_session *s)
{
	s->line_begins = true;
	s->body_fault = smtp_session_fault(s, DEADMX_STAGE_BODY);
}

/*
 * Only CRLF ends a line of the message (RFC 5321 2.3.8): a dot between bare
 * line feeds is text, and what came is stored as it came.
 */
void smtp_data_line(struct smtp_session *s, const char *line, size_t len,
		    enum smtp_line_end end)
{
	bool begins = s->line_begins;

	s->line_begins = end == SMTP_LINE_CRLF;
	if (begins && end == SMTP_LINE_CRLF && len == 1 && line[0] == '.') {
		data_hurry(s);
		if (s->answered)
			end_answered(s);
		else
			smtp_session_due(s, DEADMX_STAGE_DOT, end_text(s));
		return;
	}
	if (begins && len && line[0] == '.') {
		line++;
		len--;
	}
	data_append(s, line, len);
	if (end == SMTP_LINE_CRLF)
		data_append(s, "\r\n", 2);
	else if (end == SMTP_LINE_LF)
		data_append(s, "\n", 1);
	body_check(s);
}

/* --- BDAT ---------------------------------------------------------------- */

/* "1000" or "1000 LAST" (RFC 3030 2). */
static bool chunk_parse(const char *args, uint64_t *ret_len, bool *ret_last)
{
	size_t digits = strspn(args, "0123456789");
	uint64_t len = 0;

	if (!digits || digits > 20)
		return false;
	for (size_t i = 0; i < digits; i++) {
		uint64_t digit = (uint64_t)(args[i] - '0');

		if (len > (UINT64_MAX - digit) / 10)
			return false;
		len = len * 10 + digit;
	}
	args += digits;
	*ret_last = strcasecmp(args + strspn(args, " "), "LAST") == 0;
	*ret_len = len;
	return !*args || (*args == ' ' && *ret_last);
}

static void chunk_refused(struct smtp_session *s)
{
	smtp_session_complain(s, 503, "5.5.1", s->chunk_refusal);
}

/* All its bytes are in: now it is answered. */
static void chunk_end(struct smtp_session *s)
{
	const struct deadmx_fault *fault = s->chunk_fault;
	bool last = s->chunk_last;

	if (last)
		data_hurry(s);
	s->chunk_open = false;
	s->chunk_fault = NULL;
	if (s->chunk_refusal) {
		chunk_refused(s);
		return;
	}
	if (s->answered) {
		if (last || !s->answered_good)
			end_answered(s);
		s->answered = false; /* that was this chunk's reply */
		return;
	}
	if (last && !fault)
		fault = smtp_session_fault(s, DEADMX_STAGE_DOT);
	if (last || s->data_too_big || s->data_no_room)
		smtp_session_due_with(s, DEADMX_STAGE_DOT, end_text(s), fault);
	else
		smtp_session_due_with(
			s, fault ? (int)DEADMX_STAGE_DATA : SMTP_NO_STAGE,
			smtp_session_text(s, 250, "2.0.0", "Chunk received"),
			fault);
}

static void chunk_begin(struct smtp_session *s)
{
	smtp_session_enter(s, SMTP_STATE_BDAT);
	s->chunk_fault = smtp_session_fault(s, DEADMX_STAGE_DATA);
	if (!s->chunk_fault)
		smtp_data_begin(s);
}

void smtp_data_chunk(struct smtp_session *s, const char *args)
{
	uint64_t len;

	if (!chunk_parse(args, &len, &s->chunk_last)) {
		smtp_session_complain(s, 501, "5.5.4",
				      "BDAT takes a length and LAST");
		return;
	}
	s->chunk_open = true;
	s->chunk_left = len;
	s->chunk_refusal = NULL;
	if (!s->envelope.from)
		s->chunk_refusal = "Need MAIL command";
	else if (!s->envelope.to_count)
		s->chunk_refusal = "No valid recipients";
	else if (s->state != SMTP_STATE_BDAT)
		chunk_begin(s);
	if (!s->chunk_left)
		chunk_end(s);
}

void smtp_data_bytes(struct smtp_session *s, const char *bytes, size_t len)
{
	s->chunk_left -= len;
	if (!s->chunk_refusal) {
		data_append(s, bytes, len);
		body_check(s);
	}
	smtp_data_resume(s);
}

void smtp_data_resume(struct smtp_session *s)
{
	if (s->state == SMTP_STATE_MUTE || s->state == SMTP_STATE_CLOSED ||
	    s->held)
		return;
	if (s->chunk_open && !s->chunk_left)
		chunk_end(s);
}
