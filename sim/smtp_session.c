/* SPDX-License-Identifier: MIT */
/* One SMTP conversation: see smtp_session.h. */
#include "sim/smtp_session.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/smtp_param.h"
#include "sim/smtp_reply.h"

/* Not a stage: replies that no fault can sit at. */
#define NO_STAGE (-1)

struct smtp_session {
	const struct deadmx_server *server;
	const struct smtp_session_ops *ops;
	void *arg;
	size_t *budget;
	enum smtp_state state;
	bool esmtp;    /* greeted by EHLO: extensions may be used */
	int errors;    /* lines that were no command */
	bool overlong; /* in the rest of a command line that is too long */

	/* The reply that is due, and what happens when it is given. */
	char *reply;
	int reply_stage;
	bool reply_close;
	bool held;    /* a stall or drip holds it back */
	bool dripped; /* sent already when the hold ends */
	/* What takes effect with the reply. */
	char *next_path; /* HELO, EHLO, MAIL, RCPT */
	uint32_t next_attempt;
	bool next_esmtp;

	char *helo; /* the client's name, NULL before it said so */

	struct smtp_envelope envelope;
	char *data;
	size_t data_len, data_size;
	bool data_too_big, data_no_room;
	bool line_begins; /* in DATA: the last line ended in CRLF */
};

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

/* The only place that assigns s->state. */
static void smtp_session_enter(struct smtp_session *s, enum smtp_state next)
{
	assert(s->state != SMTP_STATE_CLOSED);
	s->state = next;
}

enum smtp_state smtp_session_state(const struct smtp_session *s)
{
	return s->state;
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

static void envelope_clear(struct smtp_session *s)
{
	for (size_t i = 0; i < s->envelope.to_count; i++)
		free(s->envelope.to[i]);
	free(s->envelope.to);
	free(s->envelope.attempts);
	free(s->envelope.from);
	s->envelope = (struct smtp_envelope){0};
	free(s->data);
	*s->budget += s->data_size;
	s->data = NULL;
	s->data_len = s->data_size = 0;
	s->data_too_big = s->data_no_room = false;
}

void smtp_session_free(struct smtp_session *s)
{
	if (!s)
		return;
	envelope_clear(s);
	free(s->reply);
	free(s->next_path);
	free(s->helo);
	free(s);
}

static void session_close(struct smtp_session *s, bool reset)
{
	smtp_session_enter(s, SMTP_STATE_CLOSED);
	s->ops->close(s->arg, reset);
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

static void take_sender(struct smtp_session *s)
{
	s->envelope.from = s->next_path;
	s->next_path = NULL;
	smtp_session_enter(s, SMTP_STATE_MAIL);
}

static void take_data(struct smtp_session *s)
{
	s->line_begins = true;
	smtp_session_enter(s, SMTP_STATE_DATA);
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
		if (!good)
			return;
		envelope_clear(s);
		free(s->helo);
		s->helo = s->next_path;
		s->next_path = NULL;
		s->esmtp = s->next_esmtp;
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
		if (code / 100 == 3)
			take_data(s);
		return;
	case DEADMX_STAGE_DOT:
		envelope_clear(s);
		smtp_session_enter(s, SMTP_STATE_READY);
		return;
	case DEADMX_STAGE_RSET:
		if (!good || !s->envelope.from)
			return;
		envelope_clear(s);
		smtp_session_enter(s, SMTP_STATE_READY);
		return;
	case DEADMX_STAGE_QUIT:
		s->reply_close = true;
		return;
	case DEADMX_STAGE_CONNECT:
	case DEADMX_STAGE_COUNT:
		break;
	}
	assert(!"a stage without a reply");
}

/* Give the reply that is due, and let it take effect. */
static void smtp_session_finish(struct smtp_session *s)
{
	char *reply = s->reply, *plain = smtp_reply_plain(reply);
	int code = smtp_reply_code(reply);

	assert(plain);
	s->reply = NULL;
	/* Stored before it is acknowledged, as RFC 5321 6.1 has it. */
	if (s->reply_stage == DEADMX_STAGE_DOT && code / 100 == 2)
		s->ops->message(s->arg, &s->envelope, s->data, s->data_len,
				true);
	if (!s->dripped)
		s->ops->send(s->arg, reply, strlen(reply));
	s->ops->on_reply(s->arg, s->reply_stage, plain);
	if (s->reply_stage != NO_STAGE)
		smtp_session_apply(s, (enum deadmx_stage)s->reply_stage, code);
	free(reply);
	free(plain);
	free(s->next_path);
	s->next_path = NULL;
	if (s->reply_close)
		session_close(s, false);
}

void smtp_session_resume(struct smtp_session *s)
{
	assert(s->held);
	s->held = false;
	smtp_session_finish(s);
}

static void fault_reply(struct smtp_session *s,
			const struct deadmx_fault *fault)
{
	char *wire = smtp_reply_format(fault->reply, s->server), *plain;

	assert(wire);
	free(s->reply);
	s->reply = wire;
	s->reply_close = fault->close || smtp_reply_code(wire) == 421;
	plain = smtp_reply_plain(wire);
	assert(plain);
	s->ops->on_fault(s->arg, fault, plain);
	free(plain);
	smtp_session_finish(s);
}

static void fault_stall(struct smtp_session *s,
			const struct deadmx_fault *fault)
{
	s->ops->on_fault(s->arg, fault, NULL);
	if (fault->stall_ns == DEADMX_FOREVER_NS) {
		envelope_clear(s);
		smtp_session_enter(s, SMTP_STATE_MUTE);
		return;
	}
	s->held = true;
	s->ops->stall(s->arg, fault->stall_ns);
}

static void fault_close(struct smtp_session *s,
			const struct deadmx_fault *fault)
{
	s->ops->on_fault(s->arg, fault, NULL);
	/* The healthy server had taken the message; only its word is lost. */
	if (s->reply_stage == DEADMX_STAGE_DOT &&
	    smtp_reply_code(s->reply) / 100 == 2)
		s->ops->message(s->arg, &s->envelope, s->data, s->data_len,
				false);
	session_close(s, fault->action == DEADMX_ACTION_RESET);
}

/* A healthy reply is due: give it, or what a fault makes of it. */
static void smtp_session_execute(struct smtp_session *s,
				 const struct deadmx_fault *fault)
{
	switch (fault->action) {
	case DEADMX_ACTION_REPLY:
		fault_reply(s, fault);
		return;
	case DEADMX_ACTION_STALL:
		fault_stall(s, fault);
		return;
	case DEADMX_ACTION_DRIP:
		s->ops->on_fault(s->arg, fault, NULL);
		s->held = s->dripped = true;
		s->ops->drip(s->arg, s->reply, strlen(s->reply),
			     fault->drip_ns);
		return;
	case DEADMX_ACTION_DROP:
	case DEADMX_ACTION_RESET:
		fault_close(s, fault);
		return;
	case DEADMX_ACTION_ACCEPT:
	case DEADMX_ACTION_REFUSE:
	case DEADMX_ACTION_BLACKHOLE:
	case DEADMX_ACTION_UNREACHABLE:
	case DEADMX_ACTION_COUNT:
		/* The last three are the listener's and mean nothing here. */
		smtp_session_finish(s);
		return;
	}
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
				  .recipient_count = s->envelope.to_count};

	if (stage == DEADMX_STAGE_EHLO)
		c.helo = s->next_path;
	if (stage == DEADMX_STAGE_MAIL)
		c.sender = s->next_path;
	if (stage == DEADMX_STAGE_RCPT) {
		c.recipients = &s->next_path;
		c.attempts = &s->next_attempt;
		c.recipient_count = 1;
	}
	return c;
}

/* @wire is malloc'd and becomes the session's. */
static void smtp_session_due(struct smtp_session *s, int stage, char *wire)
{
	const struct deadmx_fault *fault = NULL;
	struct fault_context context;

	assert(wire && !s->held);
	free(s->reply);
	s->reply = wire;
	s->reply_stage = stage;
	s->reply_close = false;
	s->dripped = false;
	if (stage != NO_STAGE) {
		context = smtp_session_context(s, (enum deadmx_stage)stage);
		fault = s->ops->fault_at(s->arg, &context);
	}
	if (fault)
		smtp_session_execute(s, fault);
	else
		smtp_session_finish(s);
}

/* A one-line reply; @status is shown when enhanced codes are announced. */
static void answer(struct smtp_session *s, int stage, int code,
		   const char *status, const char *text)
{
	char *wire = NULL;
	int rc;

	/* RFC 2034 4: in all 2xx, 4xx and 5xx but to the greeting and HELO. */
	if (s->server->enhanced_codes && s->esmtp && status)
		rc = asprintf(&wire, "%d %s %s\r\n", code, status, text);
	else
		rc = asprintf(&wire, "%d %s\r\n", code, text);
	assert(rc > 0);
	smtp_session_due(s, stage, wire);
}

/* An error of the client, told at no stage. */
static void complain(struct smtp_session *s, int code, const char *status,
		     const char *text)
{
	answer(s, NO_STAGE, code, status, text);
}

void smtp_session_start(struct smtp_session *s)
{
	char *wire = NULL;
	int rc = asprintf(&wire, "220 %s ESMTP\r\n", s->server->name);

	assert(rc > 0 && s->state == SMTP_STATE_CONNECT);
	smtp_session_due(s, DEADMX_STAGE_BANNER, wire);
}

/* The name ends at a blank: some clients put a comment behind it. */
static void take_name(struct smtp_session *s, const char *args, bool esmtp)
{
	s->next_path = strndup(args, strcspn(args, " \t"));
	assert(s->next_path);
	s->next_esmtp = esmtp;
}

static void command_helo(struct smtp_session *s, const char *args)
{
	char *wire = NULL;
	int rc;

	if (!*args) {
		complain(s, 501, "5.5.4", "HELO needs a host name");
		return;
	}
	take_name(s, args, false);
	rc = asprintf(&wire, "250 %s\r\n", s->server->name);
	assert(rc > 0);
	smtp_session_due(s, DEADMX_STAGE_EHLO, wire);
}

static void command_ehlo(struct smtp_session *s, const char *args)
{
	const struct deadmx_server *server = s->server;
	char *text = NULL;
	int rc;

	_Static_assert(SMTP_MESSAGE_BYTES_MAX == 10485760, "as told here");
	if (!*args) {
		complain(s, 501, "5.5.4", "EHLO needs a host name");
		return;
	}
	take_name(s, args, true);
	rc = asprintf(&text, "250 %s%s%s%s%s%s", server->name,
		      server->pipelining ? "\nPIPELINING" : "",
		      server->eightbitmime ? "\n8BITMIME" : "",
		      server->enhanced_codes ? "\nENHANCEDSTATUSCODES" : "",
		      server->dsn ? "\nDSN" : "",
		      server->size ? "\nSIZE 10485760" : "");
	assert(rc > 0);
	smtp_session_due(s, DEADMX_STAGE_EHLO, smtp_reply_format(text, server));
	free(text);
}

static unsigned smtp_session_extensions(const struct smtp_session *s)
{
	const struct deadmx_server *server = s->server;

	if (!s->esmtp)
		return 0;
	return (server->size ? SMTP_PARAM_SIZE : 0u) |
	       (server->eightbitmime ? SMTP_PARAM_BODY : 0u) |
	       (server->dsn ? SMTP_PARAM_DSN : 0u);
}

static void command_mail(struct smtp_session *s, const char *args)
{
	struct smtp_param_error error;
	uint64_t size = 0;

	if (s->state == SMTP_STATE_MAIL || s->state == SMTP_STATE_RCPT) {
		complain(s, 503, "5.5.1", "Nested MAIL command");
		return;
	}
	if (smtp_param_mail(args, smtp_session_extensions(s), &s->next_path,
			    &size, &error) < 0) {
		complain(s, error.code, error.status, error.text);
		return;
	}
	if (size > SMTP_MESSAGE_BYTES_MAX) {
		complain(s, 552, "5.3.4", "Message size exceeds limit");
		return;
	}
	answer(s, DEADMX_STAGE_MAIL, 250, "2.1.0", "Sender ok");
}

static void command_rcpt(struct smtp_session *s, const char *args)
{
	struct smtp_param_error error;

	if (!s->envelope.from) {
		complain(s, 503, "5.5.1", "Need MAIL command");
		return;
	}
	if (smtp_param_rcpt(args, smtp_session_extensions(s), &s->next_path,
			    &error) < 0) {
		complain(s, error.code, error.status, error.text);
		return;
	}
	if (s->envelope.to_count >= SMTP_RECIPIENTS_MAX) {
		complain(s, 452, "4.5.3", "Too many recipients");
		return;
	}
	s->next_attempt =
		s->ops->attempt(s->arg, s->envelope.from, s->next_path);
	answer(s, DEADMX_STAGE_RCPT, 250, "2.1.5", "Recipient ok");
}

static void command_data(struct smtp_session *s, const char *args)
{
	if (*args)
		complain(s, 501, "5.5.4", "DATA takes no parameters");
	else if (!s->envelope.from)
		complain(s, 503, "5.5.1", "Need MAIL command");
	else if (!s->envelope.to_count)
		/* A pipelining client asks although all RCPTs failed. */
		complain(s, 554, "5.5.1", "No valid recipients");
	else
		answer(s, DEADMX_STAGE_DATA, 354, NULL,
		       "End data with <CR><LF>.<CR><LF>");
}

static void command_rset(struct smtp_session *s, const char *args)
{
	answer(s, DEADMX_STAGE_RSET, 250, "2.0.0", "Ok");
}

static void command_noop(struct smtp_session *s, const char *args)
{
	answer(s, NO_STAGE, 250, "2.0.0", "Ok");
}

static void command_vrfy(struct smtp_session *s, const char *args)
{
	answer(s, NO_STAGE, 252, "2.1.5", "Send some mail, it will be tried");
}

static void command_expn(struct smtp_session *s, const char *args)
{
	complain(s, 502, "5.5.1", "Command not implemented");
}

static void command_help(struct smtp_session *s, const char *args)
{
	answer(s, NO_STAGE, 214, "2.0.0", "See RFC 5321");
}

static void command_quit(struct smtp_session *s, const char *args)
{
	answer(s, DEADMX_STAGE_QUIT, 221, "2.0.0", "Bye");
}

#define IN(state)  (1u << SMTP_STATE_##state)
#define IN_SESSION (IN(READY) | IN(MAIL) | IN(RCPT))

static const struct smtp_command {
	const char *verb;
	void (*run)(struct smtp_session *s, const char *args);
	unsigned states; /* elsewhere it gets 503 */
} smtp_commands[] = {
	{"HELO", command_helo, IN(GREETING) | IN_SESSION},
	{"EHLO", command_ehlo, IN(GREETING) | IN_SESSION},
	{"MAIL", command_mail, IN_SESSION},
	{"RCPT", command_rcpt, IN_SESSION},
	{"DATA", command_data, IN_SESSION},
	{"RSET", command_rset, IN(GREETING) | IN_SESSION},
	{"NOOP", command_noop, IN(GREETING) | IN_SESSION},
	{"VRFY", command_vrfy, IN(GREETING) | IN_SESSION},
	{"EXPN", command_expn, IN(GREETING) | IN_SESSION},
	{"HELP", command_help, IN(GREETING) | IN_SESSION},
	{"QUIT", command_quit, IN(GREETING) | IN(REJECTED) | IN_SESSION},
};

/* Who sends nonsense for ever is cut off: time and log stay bounded. */
static void bad_command(struct smtp_session *s, int code, const char *text)
{
	s->errors++;
	if (s->errors < SMTP_ERRORS_MAX) {
		complain(s, code, "5.5.2", text);
		return;
	}
	complain(s, 421, "4.7.0", "Too many errors");
	if (s->state != SMTP_STATE_CLOSED)
		session_close(s, false);
}

static void smtp_session_command(struct smtp_session *s, char *line, size_t len)
{
	size_t verb = strcspn(line, " \t");
	const char *args = line + verb;

	s->ops->on_command(s->arg, line, len);
	if (strlen(line) != len) {
		bad_command(s, 500, "NUL in command");
		return;
	}
	while (len > verb && strchr(" \t", line[len - 1]))
		line[--len] = '\0';
	args += strspn(args, " \t");
	for (size_t i = 0; i < sizeof(smtp_commands) / sizeof(*smtp_commands);
	     i++) {
		const struct smtp_command *c = &smtp_commands[i];

		if (strlen(c->verb) != verb ||
		    strncasecmp(c->verb, line, verb) != 0)
			continue;
		if (c->states & (1u << s->state))
			c->run(s, args);
		else
			complain(s, 503, "5.5.1", "Bad sequence of commands");
		return;
	}
	bad_command(s, 500, "Command unrecognized");
}

/* A command line too long to be one is swallowed, then answered once. */
static void command_line(struct smtp_session *s, const char *line, size_t len,
			 enum smtp_line_end end)
{
	char text[SMTP_LINE_MAX];

	if (end == SMTP_LINE_MORE) {
		s->overlong = true;
		return;
	}
	if (s->overlong || len + 2 > SMTP_LINE_MAX) {
		s->overlong = false;
		bad_command(s, 500, "Line too long");
		return;
	}
	memcpy(text, line, len);
	text[len] = '\0';
	smtp_session_command(s, text, len);
}

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
	if (s->data_len + len > SMTP_MESSAGE_BYTES_MAX)
		s->data_too_big = true;
	else if (!data_reserve(s, len))
		s->data_no_room = true;
	if (s->data_too_big || s->data_no_room || !len)
		return;
	memcpy(s->data + s->data_len, bytes, len);
	s->data_len += len;
}

static void data_end(struct smtp_session *s)
{
	if (s->data_too_big)
		answer(s, DEADMX_STAGE_DOT, 552, "5.3.4",
		       "Message size exceeds limit");
	else if (s->data_no_room)
		answer(s, DEADMX_STAGE_DOT, 452, "4.3.1",
		       "Insufficient system storage");
	else
		answer(s, DEADMX_STAGE_DOT, 250, "2.0.0", "Message accepted");
}

/*
 * Only CRLF ends a line of the message (RFC 5321 2.3.8): a dot between bare
 * line feeds is text, and what came is stored as it came.
 */
static void data_line(struct smtp_session *s, const char *line, size_t len,
		      enum smtp_line_end end)
{
	bool begins = s->line_begins;

	s->line_begins = end == SMTP_LINE_CRLF;
	if (begins && end == SMTP_LINE_CRLF && len == 1 && line[0] == '.') {
		data_end(s);
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
}

void smtp_session_line(struct smtp_session *s, const char *line, size_t len,
		       enum smtp_line_end end)
{
	assert(!s->held);
	switch (s->state) {
	case SMTP_STATE_GREETING:
	case SMTP_STATE_REJECTED:
	case SMTP_STATE_READY:
	case SMTP_STATE_MAIL:
	case SMTP_STATE_RCPT:
		command_line(s, line, len, end);
		return;
	case SMTP_STATE_DATA:
		data_line(s, line, len, end);
		return;
	case SMTP_STATE_MUTE:
	case SMTP_STATE_CLOSED:
		return;
	case SMTP_STATE_CONNECT:
	case SMTP_STATE_COUNT:
		break;
	}
	assert(!"fed before the greeting");
}
