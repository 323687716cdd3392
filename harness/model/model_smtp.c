/* SPDX-License-Identifier: MIT */
/* One attempt of the model MTA: see model_smtp.h. */
#include "harness/model/model_smtp.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "harness/model/model_dns.h"
#include "harness/model/model_tls.h"

/* RFC 5321 4.5.3.2; it has no value for connecting, EHLO, TLS and QUIT. */
enum {
	WAIT_CONNECT_S = 120,
	WAIT_BANNER_S = 5 * 60,
	WAIT_EHLO_S = 5 * 60,
	WAIT_MAIL_S = 5 * 60,
	WAIT_RCPT_S = 5 * 60,
	WAIT_TLS_S = 5 * 60, /* for the reply to STARTTLS, and the handshake */
	WAIT_DATA_S = 2 * 60,
	WAIT_BLOCK_S = 3 * 60,
	WAIT_DOT_S = 10 * 60,
	WAIT_QUIT_S = 30,
	WAIT_SHORT_S = 30, /* what the impatient mutants wait */
};

enum { SEND_BUFFER = 32 << 10 }; /* bytes that the kernel may hold */

struct session {
	struct model_job *job;
	const struct model_host *host;
	int fd;
	SSL *ssl;	 /* NULL: in clear */
	bool in_clear;	 /* TLS isn't even tried */
	bool is_tls_bad; /* it broke before mail could be spoken of */
	char in[MODEL_REPLY_MAX];
	size_t in_len;
	int code;
	char reply[MODEL_REPLY_MAX];
	bool is_broken; /* no reply: @reply is our own words */
	const char *broken_status;
	bool dsn, size, eightbit, utf8, deliverby, starttls;
	long long by_min_s; /* of DELIVERBY */
};

/* Jobs. */

static char *copy_of(const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	assert(copy || !text);
	return copy;
}

struct model_job *model_job_new(const struct model_config *config,
				const struct model_message *m,
				const char *domain, char *data, size_t len)
{
	struct model_job *job = calloc(1, sizeof(*job));

	assert(job);
	job->config = config;
	job->domain = copy_of(domain);
	job->from = copy_of(m->from);
	job->ret = copy_of(m->ret);
	job->envid = copy_of(m->envid);
	job->is_utf8 = m->is_utf8;
	job->by_mode = m->by_mode;
	job->by_trace = m->by_trace;
	job->by_ms = m->by_ms;
	job->data = data;
	job->len = len;
	return job;
}

void model_job_add(struct model_job *job, const struct model_recipient *r)
{
	struct model_target *t;

	job->targets =
		realloc(job->targets, (job->count + 1) * sizeof(*job->targets));
	assert(job->targets);
	t = &job->targets[job->count++];
	*t = (struct model_target){.to = copy_of(r->to),
				   .orcpt = copy_of(r->orcpt),
				   .notify = copy_of(r->notify)};
}

void model_job_free(struct model_job *job)
{
	for (size_t i = 0; i < job->count; i++) {
		struct model_target *t = &job->targets[i];

		free(t->to);
		free(t->orcpt);
		free(t->notify);
		free(t->status);
		free(t->diagnostic);
		free(t->remote);
		free(t->address);
	}
	free(job->targets);
	free(job->domain);
	free(job->from);
	free(job->ret);
	free(job->envid);
	free(job->data);
	free(job);
}

/* What a target comes to. */

static void target_set(struct model_target *t, enum model_outcome outcome,
		       const char *status, const char *diagnostic,
		       bool is_reply, const struct model_host *host)
{
	t->outcome = outcome;
	t->is_reply = is_reply;
	t->is_done = outcome != MODEL_OUTCOME_LATER;
	model_set(&t->status, status);
	model_set(&t->diagnostic, diagnostic);
	model_set(&t->remote, host ? host->name : NULL);
	model_set(&t->address, host ? host->text : NULL);
}

/* "4.7.1" out of "451 4.7.1 …", of the reply's own class; else X.0.0. */
static void reply_status(const char *reply, char status[16])
{
	size_t len = strlen(reply) > 4 ? strspn(reply + 4, "0123456789.") : 0;
	unsigned a, b, c;
	char rest;

	if (len >= 5 && len < 12 &&
	    sscanf(reply + 4, "%1u.%3u.%3u%c", &a, &b, &c, &rest) >= 3 &&
	    reply[4] == reply[0])
		snprintf(status, 16, "%u.%u.%u", a, b, c);
	else
		snprintf(status, 16, "%c.0.0", reply[0]);
}

/* What the server's last word, or its silence, means for a target. */
static void target_judge(const struct session *s, struct model_target *t)
{
	const struct model_config *config = s->job->config;
	bool never = s->code / 100 == 5;
	char status[16];

	if (s->is_broken) {
		target_set(t, MODEL_OUTCOME_LATER, s->broken_status, s->reply,
			   false, s->host);
		return;
	}
	if (model_is(config, MODEL_MUTANT_GIVES_UP_4XX))
		never = true;
	if (model_is(config, MODEL_MUTANT_RETRIES_5XX))
		never = false;
	reply_status(s->reply, status);
	target_set(t, never ? MODEL_OUTCOME_NEVER : MODEL_OUTCOME_LATER, status,
		   s->reply, true, s->host);
}

/*
 * The same for all that are not done. A 5xx to a greeting or EHLO is about
 * this client and this moment, not about the mail: another server may take it,
 * or this one later, as Postfix and Sendmail see it, too.
 */
static void targets_judge(const struct session *s, bool is_final)
{
	for (size_t i = 0; i < s->job->count; i++) {
		struct model_target *t = &s->job->targets[i];

		if (t->is_done)
			continue;
		target_judge(s, t);
		if (is_final)
			continue;
		t->is_done = false;
		t->outcome = MODEL_OUTCOME_LATER;
		if (t->status && t->status[0] == '5')
			t->status[0] = '4';
	}
}

/* Reading and writing, with time-outs. */

static bool broken(struct session *s, const char *status, const char *what)
{
	s->is_broken = true;
	s->broken_status = status;
	snprintf(s->reply, sizeof(s->reply), "%s", what);
	return false;
}

static bool wait_for(struct session *s, short events, int wait_s)
{
	struct pollfd p = {.fd = s->fd, .events = events};
	int n;

	do
		n = poll(&p, 1, wait_s * 1000);
	while (n < 0 && errno == EINTR);
	return n > 0;
}

/* As model_tls_write(). */
static ssize_t socket_write(struct session *s, const char *data, size_t len,
			    short *ret_events)
{
	ssize_t n;

	if (s->ssl)
		return model_tls_write(s->ssl, data, len, ret_events);
	do
		n = send(s->fd, data, len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	*ret_events = POLLOUT;
	return n < 0 ? -errno : n;
}

/* As model_tls_read(). */
static ssize_t socket_read(struct session *s, void *buf, size_t len,
			   short *ret_events)
{
	ssize_t n;

	if (s->ssl)
		return model_tls_read(s->ssl, buf, len, ret_events);
	do
		n = recv(s->fd, buf, len, 0);
	while (n < 0 && errno == EINTR);
	*ret_events = POLLIN;
	return n < 0 ? -errno : n;
}

static bool say(struct session *s, const char *data, size_t len, int wait_s)
{
	while (len) {
		short events;
		ssize_t n = socket_write(s, data, len, &events);

		if (n == -EAGAIN) {
			if (!wait_for(s, events, wait_s))
				return broken(s, "4.4.2",
					      "timed out while sending");
			continue;
		}
		if (n <= 0)
			return broken(s, "4.4.2",
				      "lost the connection while sending");
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* More input; false with the reason when there is none. */
static bool hear(struct session *s, int wait_s)
{
	short events;
	ssize_t n;

	if (s->in_len == sizeof(s->in))
		return broken(s, "4.5.0", "a reply line is too long");
	while ((n = socket_read(s, s->in + s->in_len, sizeof(s->in) - s->in_len,
				&events)) == -EAGAIN)
		if (!wait_for(s, events, wait_s))
			return broken(s, "4.4.2",
				      "timed out while waiting for a reply");
	if (n <= 0)
		return broken(s, "4.4.2", "lost the connection");
	s->in_len += (size_t)n;
	return true;
}

/* The next line, without its end, into @line. */
static bool read_line(struct session *s, char line[MODEL_REPLY_MAX], int wait_s)
{
	char *lf;
	size_t len;

	while (!(lf = memchr(s->in, '\n', s->in_len)))
		if (!hear(s, wait_s))
			return false;
	len = (size_t)(lf - s->in);
	memcpy(line, s->in, len);
	line[len] = '\0';
	if (len && line[len - 1] == '\r')
		line[len - 1] = '\0';
	s->in_len -= len + 1;
	memmove(s->in, lf + 1, s->in_len);
	return true;
}

/* "DELIVERBY 240": the shortest time that it takes with R (RFC 2852 2). */
static void note_deliverby(struct session *s, const char *value)
{
	s->deliverby = true;
	s->by_min_s = strtoll(value, NULL, 10);
}

static void note_extension(struct session *s, const char *word)
{
	if (strcasecmp(word, "DSN") == 0)
		s->dsn = true;
	else if (strncasecmp(word, "SIZE", 4) == 0)
		s->size = true;
	else if (strcasecmp(word, "8BITMIME") == 0)
		s->eightbit = true;
	else if (strcasecmp(word, "SMTPUTF8") == 0)
		s->utf8 = true;
	else if (strncasecmp(word, "DELIVERBY", 9) == 0)
		note_deliverby(s, word + 9);
	else if (strcasecmp(word, "STARTTLS") == 0)
		s->starttls = true;
}

static bool is_reply_line(const char *line)
{
	return line[0] >= '2' && line[0] <= '5' && line[1] >= '0' &&
	       line[1] <= '9' && line[2] >= '0' && line[2] <= '9' &&
	       (!line[3] || line[3] == ' ' || line[3] == '-');
}

/* A whole reply: its lines joined by blanks in s->reply, its code in s->code.
 */
static bool read_reply(struct session *s, int wait_s, bool is_ehlo)
{
	char line[MODEL_REPLY_MAX];
	size_t len = 0;

	s->reply[0] = '\0';
	for (int lines = 0; lines < MODEL_REPLY_LINES_MAX; lines++) {
		const char *text;
		int n;

		if (!read_line(s, line, wait_s))
			return false;
		if (!is_reply_line(line))
			return broken(s, "4.5.0", "what came is no reply");
		text = lines && line[3] ? line + 4 : line;
		n = snprintf(s->reply + len, sizeof(s->reply) - len, "%s%s",
			     lines ? " " : "", text);
		if (n > 0 && len + (size_t)n < sizeof(s->reply))
			len += (size_t)n;
		if (is_ehlo && lines)
			note_extension(s, text);
		if (line[3] == '-')
			continue;
		s->code = (line[0] - '0') * 100 + (line[1] - '0') * 10 +
			  (line[2] - '0');
		return true;
	}
	return broken(s, "4.5.0", "a reply has no end");
}

__attribute__((format(printf, 3, 4))) static bool
ask(struct session *s, int wait_s, const char *format, ...)
{
	char *line = NULL;
	va_list ap;
	bool ok;
	int n;

	va_start(ap, format);
	n = vasprintf(&line, format, ap);
	va_end(ap);
	assert(n >= 0);
	ok = say(s, line, (size_t)n, wait_s) && read_reply(s, wait_s, false);
	free(line);
	return ok;
}

static int patience(const struct session *s, enum model_mutant impatient,
		    int wait_s)
{
	return model_is(s->job->config, impatient) ? WAIT_SHORT_S : wait_s;
}

/* The stages. Each true when the session can go on. */

static bool stage_connect(struct session *s)
{
	const struct sockaddr *address =
		(const struct sockaddr *)&s->host->address;
	socklen_t len = address->sa_family == AF_INET6
				? sizeof(struct sockaddr_in6)
				: sizeof(struct sockaddr_in);
	char why[128];
	int error = 0;

	s->fd = socket(address->sa_family,
		       SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return broken(s, "4.3.0", strerror(errno));
	/* A server that stops reading is to be noticed while the message is
	 * sent; the kernel would take some MiB of it. */
	setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &(int){SEND_BUFFER},
		   sizeof(int));
	if (connect(s->fd, address, len) == 0)
		return true;
	if (errno != EINPROGRESS)
		error = errno;
	else if (!wait_for(s, POLLOUT, WAIT_CONNECT_S))
		error = ETIMEDOUT;
	else
		getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error,
			   &(socklen_t){sizeof(error)});
	if (!error)
		return true;
	snprintf(why, sizeof(why), "can't connect: %s", strerror(error));
	return broken(s, "4.4.1", why);
}

static void forget_extensions(struct session *s)
{
	s->dsn = s->size = s->eightbit = s->utf8 = s->deliverby = s->starttls =
		false;
}

static bool stage_banner(struct session *s)
{
	return read_reply(s,
			  patience(s, MODEL_MUTANT_SHORT_BANNER, WAIT_BANNER_S),
			  false) &&
	       s->code / 100 == 2;
}

static bool stage_greet(struct session *s)
{
	const char *name = s->job->config->hostname;
	char line[512];
	int n;

	forget_extensions(s);
	n = snprintf(line, sizeof(line), "EHLO %.400s\r\n", name);
	if (!say(s, line, (size_t)n, WAIT_EHLO_S) ||
	    !read_reply(s, WAIT_EHLO_S, true))
		return false;
	if (s->code / 100 == 2)
		return true;
	/* RFC 5321 3.2: a server that knows no EHLO is greeted by HELO. */
	forget_extensions(s);
	return s->code / 100 == 5 && ask(s, WAIT_EHLO_S, "HELO %s\r\n", name) &&
	       s->code / 100 == 2;
}

/* For now no mail goes to this server, whom we can still say goodbye. */
static bool decline(struct session *s, const char *status, const char *why)
{
	for (size_t i = 0; i < s->job->count; i++)
		if (!s->job->targets[i].is_done)
			target_set(&s->job->targets[i], MODEL_OUTCOME_LATER,
				   status, why, false, s->host);
	return false;
}

static bool tls_shake_hands(struct session *s)
{
	SSL *ssl = model_tls_new(s->job->config, s->fd, s->host->name,
				 s->job->domain);
	short events;
	ssize_t n;

	while ((n = model_tls_connect(ssl, &events)) == -EAGAIN &&
	       wait_for(s, events, WAIT_TLS_S))
		;
	if (n == 1) {
		s->ssl = ssl;
		return true;
	}
	SSL_free(ssl);
	return broken(s, "4.7.5",
		      n == -EAGAIN ? "timed out in the TLS handshake"
				   : "the TLS handshake failed");
}

/* After the handshake: is it the server that we mean? */
static bool tls_trusts(struct session *s)
{
	enum model_tls level = s->job->config->tls;
	const char *why = model_tls_distrust(s->ssl);
	char text[256];

	if (!why || (level != MODEL_TLS_VERIFY && level != MODEL_TLS_SECURE))
		return true;
	snprintf(text, sizeof(text),
		 "the server's certificate is not trusted: %s", why);
	return decline(s, "4.7.5", text);
}

/*
 * RFC 3207. Whatever breaks from STARTTLS to the end of the handshake is TLS's
 * fault; where it is not asked for, the session is begun anew without (RFC
 * 7435 3: opportunistic means that mail is not held back for it).
 */
static bool stage_tls(struct session *s)
{
	bool may = s->job->config->tls == MODEL_TLS_MAY;

	if (s->in_clear || s->job->config->tls == MODEL_TLS_NONE)
		return true;
	if (!s->starttls)
		return may || decline(s, "4.7.4",
				      "TLS is asked for, and the server does "
				      "not offer it");
	if (!ask(s, WAIT_TLS_S, "STARTTLS\r\n")) {
		s->is_tls_bad = true;
		return false;
	}
	if (s->code != 220) {
		if (!may)
			targets_judge(s, false);
		return may && s->code != 421;
	}
	/* What came in clear behind the reply may be anybody's (CVE-2011-0411).
	 */
	s->in_len = 0;
	if (!tls_shake_hands(s)) {
		s->is_tls_bad = true;
		return false;
	}
	if (!tls_trusts(s))
		return false;
	if (stage_greet(s))
		return true;
	targets_judge(s, false);
	return false;
}

static bool has_8bit(const struct model_job *job)
{
	for (size_t i = 0; i < job->len; i++)
		if ((unsigned char)job->data[i] >= 0x80)
			return true;
	return false;
}

/* May DSN parameters go to this server? */
static bool passes_dsn(const struct session *s)
{
	if (model_is(s->job->config, MODEL_MUTANT_RELAY_DSN_UNASKED))
		return true;
	return s->dsn &&
	       !model_is(s->job->config, MODEL_MUTANT_RELAY_DSN_DROPPED);
}

static bool stage_mail(struct session *s)
{
	const struct model_job *job = s->job;
	bool dsn = passes_dsn(s);
	char by[64] = "", size[64] = "";
	const char *ret = job->ret;

	if (!*job->from && model_is(job->config, MODEL_MUTANT_NDR_RET))
		ret = "FULL";
	if (job->by_mode && s->deliverby)
		snprintf(by, sizeof(by), " BY=%lld;%c%s",
			 (long long)(job->by_ms - model_now_ms()) / 1000,
			 job->by_mode, job->by_trace ? "T" : "");
	if (s->size)
		snprintf(size, sizeof(size), " SIZE=%zu", job->len);
	return ask(s, patience(s, MODEL_MUTANT_SHORT_MAIL, WAIT_MAIL_S),
		   "MAIL FROM:<%s>%s%s%s%s%s%s%s%s\r\n", job->from, size,
		   s->eightbit && has_8bit(job) ? " BODY=8BITMIME" : "",
		   s->utf8 && job->is_utf8 ? " SMTPUTF8" : "",
		   dsn && ret ? " RET=" : "", dsn && ret ? ret : "",
		   dsn && job->envid ? " ENVID=" : "",
		   dsn && job->envid ? job->envid : "", by) &&
	       s->code / 100 == 2;
}

static const char *orcpt(const struct session *s, struct model_target *t)
{
	if (model_is(s->job->config, MODEL_MUTANT_ORCPT_CHANGED))
		for (char *c = t->orcpt; *c; c++)
			*c = (char)tolower((unsigned char)*c);
	return t->orcpt;
}

/*
 * What NOTIFY says to this server; "": nothing. A server without DELIVERBY is
 * asked to tell of delays in its place (RFC 2852 4.1.4.2).
 */
static void notify_of(const struct session *s, const struct model_target *t,
		      char buf[64])
{
	const char *given = t->notify ? t->notify : "";

	snprintf(buf, 64, "%s", given);
	if (s->job->by_mode != 'N' || s->deliverby ||
	    strcasecmp(given, "NEVER") == 0 ||
	    model_is(s->job->config, MODEL_MUTANT_DELIVERBY_NOTIFY))
		return;
	if (!*given)
		snprintf(buf, 64, "FAILURE,DELAY");
	else if (!strcasestr(given, "DELAY"))
		snprintf(buf, 64, "%s,DELAY", given);
}

/* True when at least one recipient was accepted. */
static bool stage_rcpt(struct session *s)
{
	bool dsn = passes_dsn(s), any = false;
	char notify[64];

	for (size_t i = 0; i < s->job->count; i++) {
		struct model_target *t = &s->job->targets[i];

		t->is_sent = false;
		if (t->is_done)
			continue;
		notify_of(s, t, notify);
		if (!ask(s, patience(s, MODEL_MUTANT_SHORT_RCPT, WAIT_RCPT_S),
			 "RCPT TO:<%s>%s%s%s%s\r\n", t->to,
			 dsn && *notify ? " NOTIFY=" : "", dsn ? notify : "",
			 dsn && t->orcpt ? " ORCPT=" : "",
			 dsn && t->orcpt ? orcpt(s, t) : ""))
			return false;
		t->is_sent = s->code / 100 == 2;
		any |= t->is_sent;
		if (!t->is_sent)
			target_judge(s, t);
		if (s->code == 421)
			return false;
	}
	return any;
}

/* The message with dots stuffed (RFC 5321 4.5.2) and the final dot. */
static bool say_message(struct session *s)
{
	const char *data = s->job->data, *end = data + s->job->len;
	int wait_s = patience(s, MODEL_MUTANT_SHORT_BLOCK, WAIT_BLOCK_S);

	while (data < end) {
		const char *lf = memchr(data, '\n', (size_t)(end - data));
		size_t len =
			lf ? (size_t)(lf - data) + 1 : (size_t)(end - data);

		if (*data == '.' && !say(s, ".", 1, wait_s))
			return false;
		if (!say(s, data, len, wait_s))
			return false;
		data += len;
	}
	return say(s, ".\r\n", 3, wait_s);
}

static bool stage_data(struct session *s)
{
	if (!ask(s, patience(s, MODEL_MUTANT_SHORT_DATA, WAIT_DATA_S),
		 "DATA\r\n"))
		return false;
	if (s->code / 100 != 3)
		return false;
	return say_message(s) &&
	       read_reply(s, patience(s, MODEL_MUTANT_SHORT_DOT, WAIT_DOT_S),
			  false) &&
	       s->code / 100 == 2;
}

/* RFC 2852 4.1.4.2: nobody looks at the sender's time from here on. */
static bool is_by_lost(const struct session *s)
{
	return s->job->by_mode == 'N' && !s->deliverby &&
	       model_now_ms() < s->job->by_ms &&
	       !model_is(s->job->config, MODEL_MUTANT_DELIVERBY_RELAYED);
}

/* The server took it: for those whose RCPT it had accepted. */
static void delivered(struct session *s)
{
	bool is_by_due = is_by_lost(s);

	for (size_t i = 0; i < s->job->count; i++) {
		struct model_target *t = &s->job->targets[i];

		if (!t->is_sent || t->is_done)
			continue;
		t->is_by_due = is_by_due;
		target_set(t,
			   s->dsn && !is_by_due ? MODEL_OUTCOME_DELIVERED
						: MODEL_OUTCOME_RELAYED,
			   "2.0.0", s->reply, true, s->host);
	}
}

/* DATA, or its end, went wrong: for the same ones. */
static void not_delivered(struct session *s)
{
	for (size_t i = 0; i < s->job->count; i++) {
		struct model_target *t = &s->job->targets[i];

		if (t->is_sent && !t->is_done)
			target_judge(s, t);
	}
}

/* What this server can't do at all; NULL: it can. */
static const char *incapable(const struct session *s, const char **ret_status)
{
	if (s->job->is_utf8 && !s->utf8) {
		*ret_status = "5.6.7";
		return "the server does not do SMTPUTF8";
	}
	if (s->job->by_mode != 'R' ||
	    model_is(s->job->config, MODEL_MUTANT_DELIVERBY_IGNORED))
		return NULL;
	/* RFC 2852 4.1.4.1. */
	*ret_status = "5.3.3";
	if (!s->deliverby)
		return "the server does not do DELIVERBY";
	if ((s->job->by_ms - model_now_ms()) / 1000 < s->by_min_s)
		return "the server wants more time than DELIVERBY leaves";
	return NULL;
}

static void session_talk(struct session *s)
{
	const char *status, *why;

	if (!stage_connect(s) || !stage_banner(s) || !stage_greet(s)) {
		targets_judge(s, false);
		return;
	}
	if (!stage_tls(s)) {
		if (s->is_tls_bad || s->code == 421)
			targets_judge(s, false);
		return;
	}
	why = incapable(s, &status);
	if (why) {
		for (size_t i = 0; i < s->job->count; i++)
			if (!s->job->targets[i].is_done)
				target_set(&s->job->targets[i],
					   MODEL_OUTCOME_NEVER, status, why,
					   false, s->host);
		return;
	}
	if (!stage_mail(s)) {
		targets_judge(s, true);
		return;
	}
	if (!stage_rcpt(s)) {
		if (s->is_broken || s->code == 421)
			targets_judge(s, false);
		return;
	}
	if (stage_data(s))
		delivered(s);
	else
		not_delivered(s);
}

/* False: TLS broke, and without it there may be a way. */
static bool session_once(struct model_job *job, const struct model_host *host,
			 bool in_clear)
{
	struct session *s = calloc(1, sizeof(*s));
	bool again;

	assert(s);
	s->job = job;
	s->host = host;
	s->fd = -1;
	s->in_clear = in_clear;
	session_talk(s);
	if (s->fd >= 0 && !s->is_broken)
		ask(s, WAIT_QUIT_S, "QUIT\r\n");
	if (s->ssl && !s->is_broken)
		SSL_shutdown(s->ssl);
	SSL_free(s->ssl);
	if (s->fd >= 0)
		close(s->fd);
	again = s->is_tls_bad && job->config->tls == MODEL_TLS_MAY;
	free(s);
	return !again;
}

static void session_run(struct model_job *job, const struct model_host *host)
{
	if (!session_once(job, host, false))
		session_once(job, host, true);
}

static bool all_done(const struct model_job *job)
{
	for (size_t i = 0; i < job->count; i++)
		if (!job->targets[i].is_done)
			return false;
	return true;
}

static void no_hosts(struct model_job *job, const struct model_hosts *hosts)
{
	enum model_outcome outcome = hosts->result == MODEL_DNS_NEVER
					     ? MODEL_OUTCOME_NEVER
					     : MODEL_OUTCOME_LATER;

	for (size_t i = 0; i < job->count; i++)
		target_set(&job->targets[i], outcome, hosts->status, hosts->why,
			   false, NULL);
}

/* The mutant that doesn't trust its own ears. */
static void deliver_again(struct model_job *job, const struct model_host *host)
{
	for (size_t i = 0; i < job->count; i++)
		job->targets[i].is_done =
			job->targets[i].outcome == MODEL_OUTCOME_NEVER;
	session_run(job, host);
}

void model_job_run(struct model_job *job)
{
	struct model_hosts hosts;

	model_dns_hosts(job->config, job->domain, &hosts);
	if (hosts.result != MODEL_DNS_FOUND)
		no_hosts(job, &hosts);
	for (size_t i = 0; hosts.result == MODEL_DNS_FOUND && i < hosts.count &&
			   !all_done(job);
	     i++)
		session_run(job, &hosts.hosts[i]);
	if (model_is(job->config, MODEL_MUTANT_DELIVERS_TWICE) && hosts.count)
		deliver_again(job, &hosts.hosts[0]);
	model_hosts_release(&hosts);
}
