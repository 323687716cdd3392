/* SPDX-License-Identifier: MIT */
/*
 * Commands, and the healthy server's answers to them.
 *
 * Credentials of AUTH are taken whatever they are, and never logged.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/smtp_param.h"
#include "sim/smtp_reply.h"
#include "sim/smtp_session_priv.h"

/* --- greeting ------------------------------------------------------------ */

/* The name ends at a blank: some clients put a comment behind it. */
static void next_name(struct smtp_session *s, const char *args, bool esmtp)
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
		smtp_session_complain(s, 501, "5.5.4",
				      "HELO needs a host name");
		return;
	}
	next_name(s, args, false);
	rc = asprintf(&wire, "250 %s\r\n", s->server->name);
	assert(rc > 0);
	smtp_session_due(s, DEADMX_STAGE_HELO, wire);
}

/* One line of EHLO's reply for each extension; STARTTLS not twice. */
static void extension_print(FILE *out, const struct smtp_session *s,
			    enum deadmx_extension extension)
{
	uint64_t size =
		s->server->size ? s->server->size : SMTP_MESSAGE_BYTES_MAX;

	if (!(s->server->extensions & (1u << extension)) ||
	    (extension == DEADMX_EXTENSION_STARTTLS && s->tls))
		return;
	fprintf(out, "\n%s", deadmx_extension_word(extension));
	if (extension == DEADMX_EXTENSION_SIZE)
		fprintf(out, " %llu", (unsigned long long)size);
	if (extension == DEADMX_EXTENSION_AUTH)
		fprintf(out, " PLAIN LOGIN");
}

static void command_ehlo(struct smtp_session *s, const char *args)
{
	char *text = NULL;
	size_t len;
	FILE *out;

	if (s->server->helo_only) {
		smtp_session_complain(s, 502, "5.5.1",
				      "Command not implemented");
		return;
	}
	if (!*args) {
		smtp_session_complain(s, 501, "5.5.4",
				      "EHLO needs a host name");
		return;
	}
	next_name(s, args, true);
	out = open_memstream(&text, &len);
	assert(out);
	fprintf(out, "250 %s", s->server->name);
	for (int i = 0; i < DEADMX_EXTENSION_COUNT; i++)
		extension_print(out, s, (enum deadmx_extension)i);
	fclose(out);
	smtp_session_due(s, DEADMX_STAGE_EHLO,
			 smtp_reply_format(text, s->server, s->client));
	free(text);
}

static void command_starttls(struct smtp_session *s, const char *args)
{
	if (!smtp_session_offers(s, DEADMX_EXTENSION_STARTTLS))
		smtp_session_complain(s, 502, "5.5.1",
				      "Command not implemented");
	else if (*args)
		smtp_session_complain(s, 501, "5.5.4",
				      "STARTTLS takes no parameters");
	else if (s->tls)
		smtp_session_complain(s, 503, "5.5.1", "TLS is on already");
	else if (!s->ops->start_tls)
		smtp_session_answer(s, DEADMX_STAGE_STARTTLS, 454, "4.7.0",
				    "TLS not available");
	else
		smtp_session_answer(s, DEADMX_STAGE_STARTTLS, 220, "2.0.0",
				    "Ready to start TLS");
}

/* --- AUTH ---------------------------------------------------------------- */

static bool is_base64(const char *text)
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789+/");
	size_t pad = strspn(text + len, "=");

	/* "=" alone is the empty initial response (RFC 4954 4). */
	return !text[len + pad] &&
	       ((len == 0 && pad == 1) || (pad <= 2 && (len + pad) % 4 == 0));
}

static void auth_fail(struct smtp_session *s, const char *status,
		      const char *text)
{
	smtp_session_enter(s, SMTP_STATE_READY);
	smtp_session_complain(s, 501, status, text);
}

/* One thing more is known; "Username:" and "Password:" are in base64. */
static void auth_step(struct smtp_session *s, const char *response)
{
	bool more = s->auth_login && !s->auth_password;

	if (!is_base64(response)) {
		auth_fail(s, "5.5.2", "Cannot decode response");
		return;
	}
	s->auth_password = true;
	if (more)
		smtp_session_complain(s, 334, NULL, "UGFzc3dvcmQ6");
	else
		smtp_session_answer(s, DEADMX_STAGE_AUTH, 235, "2.7.0",
				    "Authentication succeeded");
}

static void auth_line(struct smtp_session *s, const char *line)
{
	s->ops->on_command(s->arg, "*", 1);
	if (strcmp(line, "*") == 0)
		auth_fail(s, "5.0.0", "Authentication cancelled");
	else
		auth_step(s, line);
}

static void command_auth(struct smtp_session *s, const char *args)
{
	size_t len = strcspn(args, " ");
	const char *initial = args + len + strspn(args + len, " ");
	bool login = len == 5 && strncasecmp(args, "LOGIN", len) == 0;
	bool plain = len == 5 && strncasecmp(args, "PLAIN", len) == 0;

	if (!smtp_session_offers(s, DEADMX_EXTENSION_AUTH)) {
		smtp_session_complain(s, 502, "5.5.1",
				      "Command not implemented");
	} else if (s->authenticated) {
		smtp_session_complain(s, 503, "5.5.1", "Authenticated already");
	} else if (!login && !plain) {
		smtp_session_complain(s, 504, "5.5.4",
				      "Mechanism not supported");
	} else {
		s->auth_login = login;
		s->auth_password = false;
		smtp_session_enter(s, SMTP_STATE_AUTH);
		if (*initial)
			auth_step(s, initial);
		else
			smtp_session_complain(s, 334, NULL,
					      login ? "VXNlcm5hbWU6" : "");
	}
}

/* --- mail ---------------------------------------------------------------- */

static unsigned param_extensions(const struct smtp_session *s)
{
	unsigned params = 0;

	if (smtp_session_offers(s, DEADMX_EXTENSION_SIZE))
		params |= SMTP_PARAM_SIZE;
	if (smtp_session_offers(s, DEADMX_EXTENSION_EIGHTBITMIME))
		params |= SMTP_PARAM_BODY;
	if (smtp_session_offers(s, DEADMX_EXTENSION_DSN))
		params |= SMTP_PARAM_DSN;
	if (smtp_session_offers(s, DEADMX_EXTENSION_SMTPUTF8))
		params |= SMTP_PARAM_UTF8;
	return params;
}

static void command_mail(struct smtp_session *s, const char *args)
{
	struct smtp_param_error error;
	struct smtp_param_mail mail;

	if (s->state == SMTP_STATE_MAIL || s->state == SMTP_STATE_RCPT) {
		smtp_session_complain(s, 503, "5.5.1", "Nested MAIL command");
		return;
	}
	if (smtp_param_mail(args, param_extensions(s), &mail, &error) < 0) {
		smtp_session_complain(s, error.code, error.status, error.text);
		return;
	}
	s->next_path = mail.path;
	s->next_size = mail.size;
	s->next_utf8 = mail.utf8;
	if (mail.size > SMTP_MESSAGE_BYTES_MAX) {
		smtp_session_complain(s, 552, "5.3.4",
				      "Message size exceeds limit");
		return;
	}
	smtp_session_answer(s, DEADMX_STAGE_MAIL, 250, "2.1.0", "Sender ok");
}

static void command_rcpt(struct smtp_session *s, const char *args)
{
	struct smtp_param_error error;

	if (!s->envelope.from) {
		smtp_session_complain(s, 503, "5.5.1", "Need MAIL command");
		return;
	}
	if (smtp_param_rcpt(args, param_extensions(s), s->utf8, &s->next_path,
			    &error) < 0) {
		smtp_session_complain(s, error.code, error.status, error.text);
		return;
	}
	if (s->envelope.to_count >= SMTP_RECIPIENTS_MAX) {
		smtp_session_complain(s, 452, "4.5.3", "Too many recipients");
		return;
	}
	s->next_attempt =
		s->ops->attempt(s->arg, s->envelope.from, s->next_path);
	smtp_session_answer(s, DEADMX_STAGE_RCPT, 250, "2.1.5", "Recipient ok");
}

static void command_data(struct smtp_session *s, const char *args)
{
	if (*args)
		smtp_session_complain(s, 501, "5.5.4",
				      "DATA takes no parameters");
	else if (!s->envelope.from)
		smtp_session_complain(s, 503, "5.5.1", "Need MAIL command");
	else if (!s->envelope.to_count)
		/* A pipelining client asks although all RCPTs failed. */
		smtp_session_complain(s, 554, "5.5.1", "No valid recipients");
	else
		smtp_session_answer(s, DEADMX_STAGE_DATA, 354, NULL,
				    "End data with <CR><LF>.<CR><LF>");
}

static void command_bdat(struct smtp_session *s, const char *args)
{
	if (smtp_session_offers(s, DEADMX_EXTENSION_CHUNKING))
		smtp_data_chunk(s, args);
	else
		smtp_session_complain(s, 502, "5.5.1",
				      "Command not implemented");
}

/* --- aside --------------------------------------------------------------- */

static void command_rset(struct smtp_session *s, const char *args)
{
	smtp_session_answer(s, DEADMX_STAGE_RSET, 250, "2.0.0", "Ok");
}

static void command_noop(struct smtp_session *s, const char *args)
{
	smtp_session_complain(s, 250, "2.0.0", "Ok");
}

static void command_vrfy(struct smtp_session *s, const char *args)
{
	smtp_session_complain(s, 252, "2.1.5",
			      "Send some mail, it will be tried");
}

static void command_expn(struct smtp_session *s, const char *args)
{
	smtp_session_complain(s, 502, "5.5.1", "Command not implemented");
}

static void command_help(struct smtp_session *s, const char *args)
{
	smtp_session_complain(s, 214, "2.0.0", "See RFC 5321");
}

static void command_quit(struct smtp_session *s, const char *args)
{
	smtp_session_answer(s, DEADMX_STAGE_QUIT, 221, "2.0.0", "Bye");
}

/* --- which --------------------------------------------------------------- */

#define IN(state)  (1u << SMTP_STATE_##state)
#define IN_SESSION (IN(READY) | IN(MAIL) | IN(RCPT))
#define ANY_TIME   (IN(GREETING) | IN_SESSION | IN(BDAT))

static const struct smtp_command {
	const char *verb;
	void (*run)(struct smtp_session *s, const char *args);
	unsigned states; /* elsewhere it gets 503 */
} smtp_commands[] = {
	{"HELO", command_helo, IN(GREETING) | IN_SESSION},
	{"EHLO", command_ehlo, IN(GREETING) | IN_SESSION},
	{"STARTTLS", command_starttls, IN(READY)},
	{"AUTH", command_auth, IN(READY)},
	{"MAIL", command_mail, IN_SESSION},
	{"RCPT", command_rcpt, IN_SESSION},
	{"DATA", command_data, IN_SESSION},
	{"BDAT", command_bdat, IN_SESSION | IN(BDAT)},
	{"RSET", command_rset, ANY_TIME},
	{"NOOP", command_noop, ANY_TIME},
	{"VRFY", command_vrfy, ANY_TIME},
	{"EXPN", command_expn, ANY_TIME},
	{"HELP", command_help, ANY_TIME},
	{"QUIT", command_quit, ANY_TIME | IN(REJECTED)},
};

/* Who sends nonsense for ever is cut off: time and log stay bounded. */
static void bad_command(struct smtp_session *s, int code, const char *text)
{
	s->errors++;
	if (s->errors < SMTP_ERRORS_MAX) {
		smtp_session_complain(s, code, "5.5.2", text);
		return;
	}
	smtp_session_complain(s, 421, "4.7.0", "Too many errors");
	if (s->state != SMTP_STATE_CLOSED)
		smtp_session_close(s, false);
}

/* "AUTH PLAIN AGFsaWNlAHNlY3JldA==" → "AUTH PLAIN *". */
static void command_log(struct smtp_session *s, const char *line, size_t len)
{
	size_t secret = 4;
	char masked[64];

	if (strncasecmp(line, "AUTH", 4) != 0 || !strchr(" \t", line[4])) {
		s->ops->on_command(s->arg, line, len);
		return;
	}
	secret += strspn(line + secret, " \t");
	secret += strcspn(line + secret, " \t");
	if (line[secret + strspn(line + secret, " \t")])
		snprintf(masked, sizeof(masked), "%.*s *",
			 secret < 32 ? (int)secret : 32, line);
	else
		snprintf(masked, sizeof(masked), "%.32s", line);
	s->ops->on_command(s->arg, masked, strlen(masked));
}

static const struct smtp_command *command_find(const char *line, size_t verb)
{
	const size_t count = sizeof(smtp_commands) / sizeof(*smtp_commands);

	for (size_t i = 0; i < count; i++)
		if (strlen(smtp_commands[i].verb) == verb &&
		    strncasecmp(smtp_commands[i].verb, line, verb) == 0)
			return &smtp_commands[i];
	return NULL;
}

static void smtp_command(struct smtp_session *s, char *line, size_t len)
{
	size_t verb = strcspn(line, " \t");
	const char *args = line + verb;
	const struct smtp_command *c;

	command_log(s, line, len);
	if (strlen(line) != len) {
		bad_command(s, 500, "NUL in command");
		return;
	}
	while (len > verb && strchr(" \t", line[len - 1]))
		line[--len] = '\0';
	args += strspn(args, " \t");
	c = command_find(line, verb);
	if (!c)
		bad_command(s, 500, "Command unrecognized");
	else if (c->states & (1u << s->state))
		c->run(s, args);
	else
		smtp_session_complain(s, 503, "5.5.1",
				      "Bad sequence of commands");
}

/* A line too long to be one is swallowed, then answered once. */
void smtp_command_line(struct smtp_session *s, const char *line, size_t len,
		       enum smtp_line_end end)
{
	char text[SMTP_LINE_MAX];

	if (end == SMTP_LINE_MORE) {
		s->overlong = true;
		return;
	}
	if (s->overlong || len + 2 > SMTP_LINE_MAX) {
		s->overlong = false;
		if (s->state == SMTP_STATE_AUTH)
			smtp_session_enter(s, SMTP_STATE_READY);
		bad_command(s, 500, "Line too long");
		return;
	}
	memcpy(text, line, len);
	text[len] = '\0';
	if (s->state == SMTP_STATE_AUTH)
		auth_line(s, text);
	else
		smtp_command(s, text, len);
}
