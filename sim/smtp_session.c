/* SPDX-License-Identifier: MIT */
/* One SMTP conversation: see smtp_session.h, smtp_session_priv.h. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/smtp_reply.h"
#include "sim/smtp_session_priv.h"

/* clang-format off */
const char *smtp_state_name(enum smtp_state state)
{
	static const char *const name[] = {
#define XX(uc, lc) [SMTP_STATE_##uc] = lc,
		SMTP_STATE_MAP(XX)
#undef XX
	};

	_Static_assert(sizeof(name) / sizeof(name[0]) == SMTP_STATE_COUNT,
		       "every state has a name");
	assert((unsigned)state < SMTP_STATE_COUNT);
	return name[state];
}
/* clang-format on */

void smtp_session_enter(struct smtp_session *s, enum smtp_state next)
{
	assert(s->state != SMTP_STATE_CLOSED);
	s->state = next;
}

enum smtp_state smtp_session_state(const struct smtp_session *s)
{
	return s->state;
}

bool smtp_session_has_quit(const struct smtp_session *s)
{
	return s->quit;
}

bool smtp_session_mute_quit(const struct smtp_session *s)
{
	return s->state == SMTP_STATE_MUTE && s->mute_quit;
}

bool smtp_session_held(const struct smtp_session *s)
{
	return s->held;
}

struct smtp_session *smtp_session_new(const struct deadmx_server *server,
				      const struct smtp_session_ops *ops,
				      void *arg, size_t *budget)
{
	struct smtp_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->server = server;
	s->ops = ops;
	s->arg = arg;
	s->budget = budget;
	return s;
}

void smtp_session_set_client(struct smtp_session *s, const char *address)
{
	s->client = address;
}

void smtp_session_forget(struct smtp_session *s)
{
	for (size_t i = 0; i < s->envelope.to_count; i++)
		free(s->envelope.to[i]);
	free(s->envelope.to);
	free(s->envelope.attempts);
	free(s->envelope.from);
	s->envelope = (struct smtp_envelope){0};
	s->utf8 = false;
	smtp_data_clear(s);
	if (s->ops->relay_forget)
		s->ops->relay_forget(s->arg);
}

void smtp_session_free(struct smtp_session *s)
{
	if (!s)
		return;
	s->slow = false; /* the caller's part may be gone */
	smtp_session_forget(s);
	free(s->reply);
	free(s->next_path);
	free(s->helo);
	free(s);
}

void smtp_session_close(struct smtp_session *s, bool reset)
{
	smtp_session_enter(s, SMTP_STATE_CLOSED);
	s->ops->close(s->arg, reset);
}

bool smtp_session_offers(const struct smtp_session *s,
			 enum deadmx_extension extension)
{
	return s->esmtp && (s->server->extensions & (1u << extension)) != 0;
}

/* --- what a reply does --------------------------------------------------- */

static void take_name(struct smtp_session *s)
{
	smtp_session_forget(s);
	free(s->helo);
	s->helo = s->next_path;
	s->next_path = NULL;
	s->esmtp = s->next_esmtp;
	smtp_session_enter(s, SMTP_STATE_READY);
}

static void take_sender(struct smtp_session *s)
{
	s->envelope.from = s->next_path;
	s->next_path = NULL;
	s->utf8 = s->next_utf8;
	smtp_session_enter(s, SMTP_STATE_MAIL);
}

static void take_recipient(struct smtp_session *s)
{
	struct smtp_envelope *e = &s->envelope;
	size_t count = e->to_count + 1;

	e->to = realloc(e->to, count * sizeof(*e->to));
	e->attempts = realloc(e->attempts, count * sizeof(*e->attempts));
	assert(e->to && e->attempts);
	e->to[e->to_count] = s->next_path;
	e->attempts[e->to_count] = s->next_attempt;
	e->to_count = count;
	s->next_path = NULL;
	smtp_session_enter(s, SMTP_STATE_RCPT);
}

/* RFC 3207 4.2: what was said in the clear is forgotten. */
static void take_tls(struct smtp_session *s)
{
	smtp_session_forget(s);
	free(s->helo);
	s->helo = NULL;
	s->esmtp = s->authenticated = false;
	s->tls = true;
	smtp_session_enter(s, SMTP_STATE_GREETING);
	s->ops->start_tls(s->arg);
}

static void take_data(struct smtp_session *s, int code)
{
	/* To BDAT, whose bytes are in already; DATA's are yet to come. */
	if (s->state == SMTP_STATE_BDAT) {
		if (code / 100 == 2)
			return;
		smtp_session_forget(s);
		smtp_session_enter(s, SMTP_STATE_READY);
	} else if (code / 100 == 3) {
		smtp_session_enter(s, SMTP_STATE_DATA);
		smtp_data_begin(s);
	}
}

static void take_end(struct smtp_session *s, bool good)
{
	s->messages += good;
	smtp_session_forget(s);
	smtp_session_enter(s, SMTP_STATE_READY);
}

/*
 * What a reply of @code at the stage does to the conversation: the command
 * takes effect when the client was told so, whoever wrote the reply.
 */
static void smtp_session_apply(struct smtp_session *s, enum deadmx_stage stage,
			       int code)
{
	bool good = code / 100 == 2;

	switch (stage) {
	case DEADMX_STAGE_BANNER:
		smtp_session_enter(s, good ? SMTP_STATE_GREETING
					   : SMTP_STATE_REJECTED);
		return;
	case DEADMX_STAGE_EHLO:
	case DEADMX_STAGE_HELO:
		if (good)
			take_name(s);
		return;
	case DEADMX_STAGE_STARTTLS:
		if (good && s->ops->start_tls)
			take_tls(s);
		return;
	case DEADMX_STAGE_AUTH:
		s->authenticated = good;
		smtp_session_enter(s, SMTP_STATE_READY);
		return;
	case DEADMX_STAGE_MAIL:
		if (good)
			take_sender(s);
		return;
	case DEADMX_STAGE_RCPT:
		if (good)
			take_recipient(s);
		return;
	case DEADMX_STAGE_DATA:
		take_data(s, code);
		return;
	case DEADMX_STAGE_BODY:
		s->answered = true;
		s->answered_good = good;
		return;
	case DEADMX_STAGE_DOT:
		take_end(s, good);
		return;
	case DEADMX_STAGE_RSET:
		if (!good || !s->envelope.from)
			return;
		smtp_session_forget(s);
		smtp_session_enter(s, SMTP_STATE_READY);
		return;
	case DEADMX_STAGE_QUIT:
		s->quit = s->reply_close = true;
		return;
	case DEADMX_STAGE_CONNECT:
	case DEADMX_STAGE_TLS:
	case DEADMX_STAGE_COUNT:
		break;
	}
	assert(!"a stage without a reply");
}

/* --- replies ------------------------------------------------------------- */

void smtp_session_finish(struct smtp_session *s)
{
	char *reply = s->reply, *plain;
	int code;

	s->fault = NULL;
	if (!reply)
		return;
	s->reply = NULL;
	plain = smtp_reply_plain(reply, s->reply_len);
	assert(plain);
	code = smtp_reply_last_code(reply, s->reply_len);
	/* Stored before it is acknowledged, as RFC 5321 6.1 has it. */
	if (s->reply_stage == DEADMX_STAGE_DOT && code / 100 == 2)
		s->ops->message(s->arg, &s->envelope, s->data, s->data_len,
				true);
	if (!s->dripped)
		s->ops->send(s->arg, reply, s->reply_len);
	s->ops->on_reply(s->arg, s->reply_stage, plain);
	if (s->reply_stage != SMTP_NO_STAGE)
		smtp_session_apply(s, (enum deadmx_stage)s->reply_stage, code);
	free(reply);
	free(plain);
	free(s->next_path);
	s->next_path = NULL;
	if (s->reply_close)
		smtp_session_close(s, false);
}

void smtp_session_resume(struct smtp_session *s)
{
	assert(s->held);
	s->held = false;
	if (s->fault)
		smtp_fault_go_on(s);
	else
		smtp_session_finish(s);
	smtp_data_resume(s);
}

/* What is known of the mail at @stage, for rows with conditions. */
static struct fault_context smtp_session_context(const struct smtp_session *s,
						 enum deadmx_stage stage)
{
	struct fault_context c = {.stage = stage,
				  .helo = s->helo,
				  .sender = s->envelope.from,
				  .recipients = s->envelope.to,
				  .attempts = s->envelope.attempts,
				  .recipient_count = s->envelope.to_count,
				  .messages = s->messages,
				  .accepted = s->envelope.to_count};

	if (stage == DEADMX_STAGE_EHLO || stage == DEADMX_STAGE_HELO)
		c.helo = s->next_path;
	if (stage == DEADMX_STAGE_DOT)
		c.bytes = s->data_total;
	if (stage == DEADMX_STAGE_MAIL) {
		c.sender = s->next_path;
		c.bytes = s->next_size;
	}
	if (stage == DEADMX_STAGE_RCPT) {
		c.recipients = &s->next_path;
		c.attempts = &s->next_attempt;
		c.recipient_count = 1;
	}
	return c;
}

const struct deadmx_fault *smtp_session_fault(struct smtp_session *s,
					      enum deadmx_stage stage)
{
	struct fault_context context = smtp_session_context(s, stage);
	const struct deadmx_fault *fault = s->ops->fault_at(s->arg, &context);

	return fault && fault->action != DEADMX_ACTION_ACCEPT ? fault : NULL;
}

static void smtp_session_say(struct smtp_session *s, char *wire)
{
	assert(wire && !s->held);
	free(s->reply);
	s->reply = wire;
	s->reply_len = strlen(wire);
}

/* @fault: what becomes of the reply that is due. */
static void smtp_session_give(struct smtp_session *s,
			      const struct deadmx_fault *fault)
{
	if (fault)
		smtp_fault_begin(s, fault);
	else
		smtp_session_finish(s);
}

/* What a backend says takes the place of the reply that is due. A fault that
 * would speak well in its place has nothing to say of a refusal. */
static void smtp_session_take_relayed(struct smtp_session *s, const char *reply,
				      const struct deadmx_fault *fault)
{
	int code = smtp_reply_code(reply);

	smtp_session_say(s, smtp_reply_format(reply, s->server, s->client));
	s->reply_close = code == 421;
	if (fault && code / 100 > 3 && smtp_fault_replaces(fault))
		fault = NULL;
	smtp_session_give(s, fault);
}

/* True: a backend was asked, and has answered or will do so. */
static bool smtp_session_relay(struct smtp_session *s,
			       const struct deadmx_fault *fault)
{
	enum deadmx_stage stage = (enum deadmx_stage)s->reply_stage;
	const char *reply = NULL;

	if (!s->ops->relay || s->reply_stage == SMTP_NO_STAGE ||
	    smtp_reply_code(s->reply) / 100 > 3 ||
	    (fault && !smtp_fault_spares(fault)))
		return false;
	/* Chunks are the frontend's own: the message is handed on whole. */
	if (stage == DEADMX_STAGE_DATA && s->state == SMTP_STATE_BDAT)
		return false;
	if (!s->ops->relay(s->arg, stage, &s->envelope, s->next_path, s->data,
			   s->data_len, &reply))
		return false;
	if (reply) {
		smtp_session_take_relayed(s, reply, fault);
	} else {
		s->held = true;
		s->fault = fault;
	}
	return true;
}

void smtp_session_relayed(struct smtp_session *s, const char *reply)
{
	const struct deadmx_fault *fault = s->fault;

	assert(s->held);
	s->held = false;
	s->fault = NULL;
	smtp_session_take_relayed(s, reply, fault);
	smtp_data_resume(s);
}

void smtp_session_due_with(struct smtp_session *s, int stage, char *wire,
			   const struct deadmx_fault *fault)
{
	smtp_session_say(s, wire);
	s->reply_stage = stage;
	s->reply_close = false;
	s->dripped = false;
	if (!smtp_session_relay(s, fault))
		smtp_session_give(s, fault);
}

void smtp_session_due(struct smtp_session *s, int stage, char *wire)
{
	const struct deadmx_fault *fault = NULL;

	if (stage != SMTP_NO_STAGE)
		fault = smtp_session_fault(s, (enum deadmx_stage)stage);
	smtp_session_due_with(s, stage, wire, fault);
}

char *smtp_session_text(const struct smtp_session *s, int code,
			const char *status, const char *text)
{
	bool shown = status && smtp_session_offers(
				       s, DEADMX_EXTENSION_ENHANCEDSTATUSCODES);
	char *wire = NULL;
	int rc;

	/* RFC 2034 4: in all 2xx, 4xx and 5xx but to the greeting and HELO. */
	if (shown)
		rc = asprintf(&wire, "%d %s %s\r\n", code, status, text);
	else
		rc = asprintf(&wire, "%d %s\r\n", code, text);
	assert(rc > 0);
	return wire;
}

void smtp_session_answer(struct smtp_session *s, int stage, int code,
			 const char *status, const char *text)
{
	smtp_session_due(s, stage, smtp_session_text(s, code, status, text));
}

void smtp_session_complain(struct smtp_session *s, int code, const char *status,
			   const char *text)
{
	smtp_session_answer(s, SMTP_NO_STAGE, code, status, text);
}

void smtp_session_start(struct smtp_session *s)
{
	char *wire = NULL;
	int rc = asprintf(&wire, "220 %s %s\r\n", s->server->name,
			  s->server->helo_only ? "SMTP" : "ESMTP");

	assert(rc > 0 && s->state == SMTP_STATE_CONNECT);
	smtp_session_due(s, DEADMX_STAGE_BANNER, wire);
}

/* --- input --------------------------------------------------------------- */

void smtp_session_line(struct smtp_session *s, const char *line, size_t len,
		       enum smtp_line_end end)
{
	assert(!s->held && !smtp_session_chunk(s));
	switch (s->state) {
	case SMTP_STATE_GREETING:
	case SMTP_STATE_REJECTED:
	case SMTP_STATE_READY:
	case SMTP_STATE_AUTH:
	case SMTP_STATE_MAIL:
	case SMTP_STATE_RCPT:
	case SMTP_STATE_BDAT:
		smtp_command_line(s, line, len, end);
		return;
	case SMTP_STATE_DATA:
		smtp_data_line(s, line, len, end);
		return;
	case SMTP_STATE_MUTE:
		s->mute_quit = len == strlen("QUIT") &&
			       strncasecmp(line, "QUIT", len) == 0;
		return;
	case SMTP_STATE_CLOSED:
		return;
	case SMTP_STATE_CONNECT:
	case SMTP_STATE_COUNT:
		break;
	}
	assert(!"fed before the greeting");
}

uint64_t smtp_session_chunk(const struct smtp_session *s)
{
	if (s->state == SMTP_STATE_MUTE || s->state == SMTP_STATE_CLOSED)
		return 0;
	return s->chunk_open ? s->chunk_left : 0;
}

void smtp_session_bytes(struct smtp_session *s, const char *bytes, size_t len)
{
	assert(!s->held && len <= smtp_session_chunk(s));
	smtp_data_bytes(s, bytes, len);
}
