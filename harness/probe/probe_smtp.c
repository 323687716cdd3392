/* SPDX-License-Identifier: MIT */
#include "harness/probe/probe_smtp.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "harness/probe/probe_reply.h"

#define NS_PER_S INT64_C(1000000000)

enum { QUIT_WAIT_S = 5 }; /* all is said; its answer is a courtesy */

struct session {
	const struct probe_options *options;
	struct probe_net net;
	struct probe_report *report;
	const char *host, *address;
	enum probe_tls_level tls;
	int fd;				 /* -1: not connected */
	SSL *ssl;			 /* NULL: plain text */
	bool is_dead;			 /* nobody to say QUIT to */
	bool has_starttls, has_smtputf8; /* of the last EHLO */
	int64_t step_from_ns;
	struct probe_end end; /* NONE: goes on */
	struct probe_reply reply;
	size_t in_len;
	char in[PROBE_REPLY_LINE_MAX + 2]; /* read, not yet taken as a line */
};

static const char *session_copy(struct session *s, const char *text)
{
	return deadmx_arena_copy(s->report->arena, text, strlen(text));
}

/* A step is done: into the report. */
static void session_add(struct session *s, struct probe_step *step)
{
	const struct probe_step *added;

	step->host = s->host;
	step->address = s->address;
	step->took_ns = probe_net_now_ns() - s->step_from_ns;
	added = probe_report_add(s->report, step);
	if (s->options->on_step)
		s->options->on_step(s->options->arg, s->report, added);
}

static void session_step(struct session *s, enum probe_step_kind kind,
			 enum probe_mark mark, const char *text)
{
	struct probe_step step = {.kind = kind, .mark = mark, .text = text};

	session_add(s, &step);
}

/* The same with the reply at hand. */
static void session_step_reply(struct session *s, enum probe_step_kind kind,
			       enum probe_mark mark, const char *text)
{
	struct probe_step step = {
		.kind = kind,
		.mark = mark,
		.code = s->reply.code,
		.status = s->reply.has_status ? session_copy(s, s->reply.status)
					      : NULL,
		.reply = session_copy(s, s->reply.text),
		.text = text,
	};

	session_add(s, &step);
}

/* The session ended at @kind for another reason than a reply. */
static void session_fail(struct session *s, enum probe_step_kind kind,
			 enum probe_end_kind end, const char *text)
{
	s->end = probe_end_make(end, kind, text);
	session_step(s, kind,
		     kind == PROBE_STEP_QUIT ? PROBE_MARK_WARNING
					     : PROBE_MARK_FAILED,
		     text);
}

static int session_write(struct session *s, const char *line,
			 int64_t deadline_ns)
{
	size_t len = strlen(line);

	return s->ssl ? probe_tls_write(&s->net, s->ssl, line, len, deadline_ns)
		      : probe_net_write(&s->net, s->fd, line, len, deadline_ns);
}

/* The socket failed at @kind with @rc. */
static void session_lost(struct session *s, enum probe_step_kind kind, int rc)
{
	s->is_dead = true;
	/* Somebody may still listen: as much of a QUIT as goes out at once. */
	if ((rc == -EINTR || rc == -ETIMEDOUT) && kind != PROBE_STEP_TLS &&
	    kind != PROBE_STEP_QUIT)
		session_write(s, "QUIT\r\n", 0);
	if (rc == -EINTR)
		session_fail(s, kind, PROBE_END_INTERRUPTED, "stopped");
	else if (rc == -ETIMEDOUT)
		session_fail(s, kind, PROBE_END_TIMEOUT, "no answer in time");
	else if (rc == 0)
		session_fail(s, kind, PROBE_END_LOST, "connection closed");
	else
		session_fail(s, kind, PROBE_END_LOST,
			     session_copy(s, uv_strerror(rc)));
}

static ssize_t session_read(struct session *s, int64_t deadline_ns)
{
	char *to = s->in + s->in_len;
	size_t room = sizeof(s->in) - s->in_len;

	return s->ssl ? probe_tls_read(&s->net, s->ssl, to, room, deadline_ns)
		      : probe_net_read(&s->net, s->fd, to, room, deadline_ns);
}

/* Take one line out of what was read: as probe_reply_line(), -EAGAIN: none. */
static int session_take_line(struct session *s)
{
	char *lf = memchr(s->in, '\n', s->in_len);
	size_t used, len;
	int rc;

	if (!lf && s->in_len < sizeof(s->in))
		return -EAGAIN;
	used = lf ? (size_t)(lf + 1 - s->in) : s->in_len;
	len = lf ? used - 1 : used;
	if (len && lf && s->in[len - 1] == '\r')
		len--;
	rc = probe_reply_line(&s->reply, s->in, len);
	s->in_len -= used;
	memmove(s->in, s->in + used, s->in_len);
	return rc;
}

/*
 * Wait for the reply of @kind. True: it is in s->reply, whatever its code.
 * False: the session has ended.
 */
static bool session_await(struct session *s, enum probe_step_kind kind)
{
	int64_t deadline = probe_net_deadline(&s->net);

	probe_reply_clear(&s->reply);
	for (;;) {
		int rc = session_take_line(s);
		ssize_t n;

		if (rc == 1)
			return true;
		if (rc == -EPROTO) {
			s->end = probe_end_make(PROBE_END_PROTOCOL, kind,
						s->reply.wrong);
			session_step_reply(s, kind,
					   kind == PROBE_STEP_QUIT
						   ? PROBE_MARK_WARNING
						   : PROBE_MARK_FAILED,
					   s->reply.wrong);
			return false;
		}
		if (rc == 0)
			continue;
		n = session_read(s, deadline);
		if (n <= 0) {
			session_lost(s, kind, (int)n);
			return false;
		}
		s->in_len += (size_t)n;
	}
}

static bool session_send(struct session *s, enum probe_step_kind kind,
			 const char *line)
{
	int rc = session_write(s, line, probe_net_deadline(&s->net));

	if (rc < 0)
		session_lost(s, kind, rc);
	return rc == 0;
}

/* Send a command and have its reply, as session_await(). */
__attribute__((format(printf, 3, 4))) static bool
session_command(struct session *s, enum probe_step_kind kind,
		const char *format, ...)
{
	char *line = NULL;
	va_list ap;
	bool ok;
	int len;

	va_start(ap, format);
	len = vasprintf(&line, format, ap);
	va_end(ap);
	assert(len >= 0);
	s->step_from_ns = probe_net_now_ns();
	/* What came unasked before is no answer to this. */
	s->in_len = 0;
	ok = session_send(s, kind, line) && session_await(s, kind);
	free(line);
	return ok;
}

/* The reply at hand ends the session. */
static void session_end_reply(struct session *s, enum probe_step_kind kind,
			      enum probe_end_kind end)
{
	s->end = probe_end_make(end, kind, session_copy(s, s->reply.text));
	s->end.code = s->reply.code;
	s->end.status = session_copy(s, s->reply.status);
	session_step_reply(s, kind,
			   end == PROBE_END_ACCEPTED ? PROBE_MARK_OK
						     : PROBE_MARK_FAILED,
			   NULL);
	if (s->reply.code == 421)
		s->is_dead = true; /* it closes, RFC 5321 3.8 */
}

/* The reply at hand is a no; 3yz is none that could be given here. */
static void session_refused(struct session *s, enum probe_step_kind kind)
{
	if (s->reply.code / 100 != 3) {
		session_end_reply(s, kind, PROBE_END_REPLY);
		return;
	}
	s->end = probe_end_make(PROBE_END_PROTOCOL, kind, "a reply of class 3");
	session_step_reply(s, kind, PROBE_MARK_FAILED, s->end.text);
}

/* A reply that must be of class 2. True: go on. */
static bool session_must(struct session *s, enum probe_step_kind kind)
{
	if (s->reply.code / 100 == 2) {
		session_step_reply(s, kind, PROBE_MARK_OK, NULL);
		return true;
	}
	session_refused(s, kind);
	return false;
}

static bool session_connect(struct session *s,
			    const struct sockaddr_storage *addr)
{
	int rc;

	s->step_from_ns = probe_net_now_ns();
	rc = probe_net_connect(&s->net, SOCK_STREAM, addr,
			       probe_net_deadline(&s->net), &s->fd);
	if (rc == 0) {
		session_step(s, PROBE_STEP_CONNECT, PROBE_MARK_OK, "connected");
		return true;
	}
	s->is_dead = true;
	if (rc == -EINTR)
		session_fail(s, PROBE_STEP_CONNECT, PROBE_END_INTERRUPTED,
			     "stopped");
	else if (rc == -ECONNRESET)
		/* It was accepted, and reset before we could look. */
		session_lost(s, PROBE_STEP_CONNECT, rc);
	else
		session_fail(s, PROBE_STEP_CONNECT, PROBE_END_CONNECT,
			     rc == -ETIMEDOUT
				     ? "no answer in time"
				     : session_copy(s, uv_strerror(rc)));
	return false;
}

static bool session_banner(struct session *s)
{
	s->step_from_ns = probe_net_now_ns();
	return session_await(s, PROBE_STEP_BANNER) &&
	       session_must(s, PROBE_STEP_BANNER);
}

/* RFC 5321 4.1.4: a name of one's own, else an address literal. */
static const char *session_helo(struct session *s)
{
	struct sockaddr_storage local = {0};
	socklen_t len = sizeof(local);
	char ip[INET6_ADDRSTRLEN], name[UV_MAXHOSTNAMESIZE];
	size_t name_len = sizeof(name);

	if (s->options->helo)
		return s->options->helo;
	if (uv_os_gethostname(name, &name_len) == 0 && strchr(name, '.') &&
	    !probe_address_domain(name))
		return session_copy(s, name);
	if (getsockname(s->fd, (struct sockaddr *)&local, &len) < 0)
		return "localhost";
	probe_net_addr_text(&local, ip, sizeof(ip));
	return deadmx_arena_printf(s->report->arena, "[%s%s]",
				   local.ss_family == AF_INET6 ? "IPv6:" : "",
				   ip);
}

/* EHLO, or HELO with servers that have no EHLO (RFC 5321 3.2). */
static bool session_ehlo(struct session *s)
{
	const char *helo = session_helo(s);

	s->report->helo = helo;
	if (!session_command(s, PROBE_STEP_EHLO, "EHLO %s\r\n", helo))
		return false;
	s->has_starttls = probe_reply_offers(&s->reply, "STARTTLS");
	s->has_smtputf8 = probe_reply_offers(&s->reply, "SMTPUTF8");
	if (s->reply.code / 100 != 5 || s->ssl)
		return session_must(s, PROBE_STEP_EHLO);
	session_step_reply(s, PROBE_STEP_EHLO, PROBE_MARK_WARNING,
			   "no EHLO here, HELO is tried");
	return session_command(s, PROBE_STEP_HELO, "HELO %s\r\n", helo) &&
	       session_must(s, PROBE_STEP_HELO);
}

/* The handshake failed with @rc. */
static void session_no_handshake(struct session *s, int rc, const char *why)
{
	s->is_dead = true;
	if (rc == -EINTR)
		session_lost(s, PROBE_STEP_TLS, rc);
	else if (rc == -ETIMEDOUT)
		session_fail(s, PROBE_STEP_TLS, PROBE_END_TLS,
			     "no answer in time");
	else
		session_fail(s, PROBE_STEP_TLS, PROBE_END_TLS,
			     rc == -EPROTO ? why
					   : session_copy(s, uv_strerror(rc)));
}

static bool session_handshake(struct session *s)
{
	struct probe_tls_peer *peer =
		deadmx_arena_alloc(s->report->arena, sizeof(*peer));
	struct probe_step step = {.kind = PROBE_STEP_TLS, .peer = peer};
	const char *why = NULL;
	int rc;

	s->step_from_ns = probe_net_now_ns();
	rc = probe_tls_connect(s->options->tls_context, &s->net, s->fd, s->host,
			       probe_net_deadline(&s->net), s->report->arena,
			       peer, &why, &s->ssl);
	if (rc < 0) {
		session_no_handshake(s, rc, why);
		return false;
	}
	if (peer->problem_count && s->tls == PROBE_TLS_VERIFY) {
		step.mark = PROBE_MARK_FAILED;
		s->end = probe_end_make(PROBE_END_CERTIFICATE, PROBE_STEP_TLS,
					peer->problems[0]);
	} else if (peer->problem_count) {
		step.mark = PROBE_MARK_WARNING;
	}
	session_add(s, &step);
	return s->end.kind == PROBE_END_NONE;
}

/* A server that offers no TLS, or takes the offer back. True: go on. */
static bool session_no_tls(struct session *s, const char *text)
{
	if (s->tls == PROBE_TLS_MAY) {
		session_step(s, PROBE_STEP_STARTTLS, PROBE_MARK_WARNING, text);
		return true;
	}
	session_fail(s, PROBE_STEP_STARTTLS, PROBE_END_NO_TLS, text);
	return false;
}

static bool session_starttls(struct session *s)
{
	if (s->tls == PROBE_TLS_NONE)
		return true;
	s->step_from_ns = probe_net_now_ns();
	if (!s->has_starttls)
		return session_no_tls(s, "not offered: plain text");
	if (!session_command(s, PROBE_STEP_STARTTLS, "STARTTLS\r\n"))
		return false;
	if (s->reply.code / 100 != 2 && s->reply.code != 421 &&
	    s->tls == PROBE_TLS_MAY) {
		session_step_reply(s, PROBE_STEP_STARTTLS, PROBE_MARK_WARNING,
				   "refused: plain text");
		return true;
	}
	if (!session_must(s, PROBE_STEP_STARTTLS))
		return false;
	/* RFC 3207 6 and CVE-2011-0411: whatever follows the reply in plain
	 * text could be anybody's. */
	if (s->in_len) {
		s->is_dead = true;
		session_fail(s, PROBE_STEP_TLS, PROBE_END_TLS,
			     "plain text behind the reply to STARTTLS");
		return false;
	}
	return session_handshake(s) && session_ehlo(s);
}

static bool session_mail(struct session *s)
{
	bool utf8 = s->options->to.is_utf8;

	s->step_from_ns = probe_net_now_ns();
	if (utf8 && !s->has_smtputf8) {
		session_fail(s, PROBE_STEP_MAIL, PROBE_END_NO_SMTPUTF8,
			     "SMTPUTF8 is not offered");
		return false;
	}
	return session_command(s, PROBE_STEP_MAIL, "MAIL FROM:<%s>%s\r\n",
			       s->options->from, utf8 ? " SMTPUTF8" : "") &&
	       session_must(s, PROBE_STEP_MAIL);
}

static void session_rcpt(struct session *s)
{
	if (!session_command(s, PROBE_STEP_RCPT, "RCPT TO:<%s>\r\n",
			     s->options->to.mailbox))
		return;
	if (s->reply.code / 100 == 2)
		session_end_reply(s, PROBE_STEP_RCPT, PROBE_END_ACCEPTED);
	else
		session_refused(s, PROBE_STEP_RCPT);
}

/* Whatever comes of it, the end of the session stands already. */
static void session_quit(struct session *s)
{
	struct probe_end end = s->end;

	if (s->is_dead)
		return;
	if (s->net.timeout_ns > QUIT_WAIT_S * NS_PER_S)
		s->net.timeout_ns = QUIT_WAIT_S * NS_PER_S;
	if (session_command(s, PROBE_STEP_QUIT, "QUIT\r\n"))
		session_step_reply(s, PROBE_STEP_QUIT,
				   s->reply.code / 100 == 2
					   ? PROBE_MARK_OK
					   : PROBE_MARK_WARNING,
				   NULL);
	if (s->end.kind != PROBE_END_INTERRUPTED)
		s->end = end;
}

static void session_close(struct session *s)
{
	if (s->ssl) {
		/* One call: our close_notify, and no waiting for theirs. */
		if (!s->is_dead)
			SSL_shutdown(s->ssl);
		SSL_free(s->ssl);
	}
	if (s->fd >= 0)
		close(s->fd);
}

struct probe_end probe_smtp_run(const struct probe_options *options,
				struct probe_report *report,
				const struct probe_host *host,
				const struct sockaddr_storage *addr,
				enum probe_tls_level tls)
{
	struct session *s = calloc(1, sizeof(*s));
	char ip[INET6_ADDRSTRLEN];
	struct probe_end end;

	assert(s);
	probe_net_addr_text(addr, ip, sizeof(ip));
	s->options = options;
	s->net = options->net;
	s->report = report;
	s->host = host->name;
	s->address = session_copy(s, ip);
	s->tls = tls;
	s->fd = -1;
	if (session_connect(s, addr) && session_banner(s) && session_ehlo(s) &&
	    session_starttls(s) && session_mail(s))
		session_rcpt(s);
	session_quit(s);
	session_close(s);
	end = s->end;
	free(s);
	return end;
}
