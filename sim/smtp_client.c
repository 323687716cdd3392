/* SPDX-License-Identifier: MIT */
/* A sender's SMTP client: see smtp_client.h. */
#include "sim/smtp_client.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/sim_timer.h"
#include "sim/smtp_reply.h"

struct smtp_client {
	uv_tcp_t tcp;
	uv_timer_t timer;
	uv_connect_t connect;
	struct inject inject;
	enum smtp_client_state state;
	int open_handles;
	bool decided; /* the result was told */
	bool dsn, eightbitmime, deliverby;
	size_t next_to; /* of the recipients */
	size_t in_len;
	char in[INJECT_REPLY_MAX + 1]; /* one reply as it comes in */
};

/* clang-format off */
static const char *state_name(enum smtp_client_state state)
{
	static const char *const names[] = {
#define XX(uc, lc) [SMTP_CLIENT_##uc] = lc,
		SMTP_CLIENT_MAP(XX)
#undef XX
	};

	return names[state];
}
/* clang-format on */

/* The only place that assigns c->state. */
static void smtp_client_enter(struct smtp_client *c,
			      enum smtp_client_state next)
{
	assert(c->state != SMTP_CLIENT_CLOSED);
	c->state = next;
}

static void client_closed(uv_handle_t *handle)
{
	struct smtp_client *c = handle->data;

	if (--c->open_handles)
		return;
	c->inject.on_closed(c->inject.arg);
	free(c);
}

void smtp_client_close(struct smtp_client *c)
{
	if (c->state == SMTP_CLIENT_CLOSED)
		return;
	smtp_client_enter(c, SMTP_CLIENT_CLOSED);
	uv_close((uv_handle_t *)&c->tcp, client_closed);
	uv_close((uv_handle_t *)&c->timer, client_closed);
}

static void client_decide(struct smtp_client *c, enum inject_status status,
			  const char *reply)
{
	if (c->decided)
		return;
	c->decided = true;
	c->inject.on_result(c->inject.arg, status, reply, c->dsn);
}

/* The MTA gave no answer: say where that was. */
static void client_fail(struct smtp_client *c, const char *what)
{
	char text[128];

	snprintf(text, sizeof(text), "%s (waiting at %s)", what,
		 state_name(c->state));
	client_decide(c, INJECT_FAILED, text);
	smtp_client_close(c);
}

static void client_on_timeout(uv_timer_t *timer)
{
	client_fail(timer->data, "no answer in time");
}

struct write {
	uv_write_t req;
	char *text;
};

static void client_on_written(uv_write_t *req, int status)
{
	struct write *w = req->data;

	free(w->text);
	free(w);
}

/* Send @text, malloc'd, and wait for the reply of @next. */
static void client_send(struct smtp_client *c, enum smtp_client_state next,
			char *text, size_t len)
{
	struct write *w = calloc(1, sizeof(*w));
	uv_buf_t buf = uv_buf_init(text, (unsigned)len);

	assert(w && text);
	smtp_client_enter(c, next);
	w->text = text;
	w->req.data = w;
	sim_timer_start(&c->timer, client_on_timeout,
			INJECT_WAIT_S * DEADMX_NS_PER_S);
	/* A broken connection is seen by the reader. */
	if (uv_write(&w->req, (uv_stream_t *)&c->tcp, &buf, 1,
		     client_on_written) < 0)
		client_on_written(&w->req, 0);
}

__attribute__((format(printf, 3, 4))) static void
client_command(struct smtp_client *c, enum smtp_client_state next,
	       const char *format, ...)
{
	char *text = NULL;
	va_list ap;
	int len;

	va_start(ap, format);
	len = vasprintf(&text, format, ap);
	va_end(ap);
	assert(len >= 0);
	client_send(c, next, text, (size_t)len);
}

static void client_mail(struct smtp_client *c)
{
	const struct deadmx_mail *m = c->inject.mail;
	const char *ret = c->dsn ? m->ret : NULL;
	const char *envid = c->dsn ? m->envid : NULL;
	bool eightbit = false;

	for (size_t i = 0; i < c->inject.len; i++)
		eightbit |= (unsigned char)c->inject.data[i] >= 0x80;
	client_command(
		c, SMTP_CLIENT_MAIL, "MAIL FROM:<%s>%s%s%s%s%s%s%s\r\n",
		m->from, eightbit && c->eightbitmime ? " BODY=8BITMIME" : "",
		ret ? " RET=" : "", ret ? ret : "", envid ? " ENVID=" : "",
		envid ? envid : "", c->deliverby && m->by ? " BY=" : "",
		c->deliverby && m->by ? m->by : "");
}

static void client_rcpt(struct smtp_client *c)
{
	const struct deadmx_mail *m = c->inject.mail;
	const char *notify = c->dsn ? m->notify : NULL;
	const char *orcpt = c->dsn ? m->orcpt : NULL;

	client_command(c, SMTP_CLIENT_RCPT, "RCPT TO:<%s>%s%s%s%s\r\n",
		       m->to[c->next_to++], notify ? " NOTIFY=" : "",
		       notify ? notify : "", orcpt ? " ORCPT=" : "",
		       orcpt ? orcpt : "");
}

/* Dots stuffed, lines in CRLF, the final dot. */
static void client_message(struct smtp_client *c)
{
	size_t used = 0;
	char *text = malloc(3 * c->inject.len + 8);
	bool begins = true;

	assert(text);
	for (size_t i = 0; i < c->inject.len; i++) {
		char ch = c->inject.data[i];

		if (begins && ch == '.')
			text[used++] = '.';
		if (ch == '\n')
			text[used++] = '\r';
		text[used++] = ch;
		begins = ch == '\n';
	}
	memcpy(text + used, begins ? ".\r\n" : "\r\n.\r\n", begins ? 3 : 5);
	client_send(c, SMTP_CLIENT_DOT, text, used + (begins ? 3 : 5));
}

/* Extensions stand one a line behind the code. */
static bool has_extension(const char *reply, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = strchr(reply, '\n'); p; p = strchr(p, '\n')) {
		p++;
		if (strlen(p) >= 4 + len &&
		    strncasecmp(p + 4, word, len) == 0 &&
		    strchr(" \n", p[4 + len]))
			return true;
	}
	return false;
}

static void client_quit(struct smtp_client *c)
{
	client_command(c, SMTP_CLIENT_QUIT, "QUIT\r\n");
}

/* The good reply that was waited for is here. */
static void client_go_on(struct smtp_client *c, const char *reply)
{
	switch (c->state) {
	case SMTP_CLIENT_BANNER:
		client_command(c, SMTP_CLIENT_EHLO, "EHLO [127.0.0.1]\r\n");
		return;
	case SMTP_CLIENT_EHLO:
		c->dsn = has_extension(reply, "DSN");
		c->eightbitmime = has_extension(reply, "8BITMIME");
		c->deliverby = has_extension(reply, "DELIVERBY");
		client_mail(c);
		return;
	case SMTP_CLIENT_HELO:
		client_mail(c);
		return;
	case SMTP_CLIENT_MAIL:
		client_rcpt(c);
		return;
	case SMTP_CLIENT_RCPT:
		if (c->next_to < c->inject.mail->to_count)
			client_rcpt(c);
		else
			client_command(c, SMTP_CLIENT_DATA, "DATA\r\n");
		return;
	case SMTP_CLIENT_DATA:
		client_message(c);
		return;
	case SMTP_CLIENT_DOT:
		client_decide(c, INJECT_ACCEPTED, reply);
		client_quit(c);
		return;
	case SMTP_CLIENT_CONNECT:
	case SMTP_CLIENT_QUIT:
	case SMTP_CLIENT_CLOSED:
	case SMTP_CLIENT_COUNT:
		return;
	}
}

static void client_on_reply(struct smtp_client *c, const char *reply)
{
	int want = c->state == SMTP_CLIENT_DATA ? 3 : 2;
	int code = smtp_reply_code(reply);

	if (c->state == SMTP_CLIENT_QUIT) {
		smtp_client_close(c);
	} else if (!code) {
		client_fail(c, "an answer that is no SMTP reply");
	} else if (code / 100 == want) {
		client_go_on(c, reply);
	} else if (c->state == SMTP_CLIENT_EHLO && code / 100 == 5) {
		client_command(c, SMTP_CLIENT_HELO, "HELO [127.0.0.1]\r\n");
	} else {
		/* One recipient refused is all refused: half a mail would
		 * make a half-true scenario. */
		client_decide(c, INJECT_REJECTED, reply);
		client_quit(c);
	}
}

/* Length of the whole reply at the head of @c->in, 0 when not there yet. */
static size_t client_reply_length(const struct smtp_client *c)
{
	const char *line = c->in, *end = c->in + c->in_len, *lf;

	while ((lf = memchr(line, '\n', (size_t)(end - line)))) {
		if (lf - line < 4 || line[3] != '-')
			return (size_t)(lf + 1 - c->in);
		line = lf + 1;
	}
	return 0;
}

static void client_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct smtp_client *c = handle->data;

	*buf = uv_buf_init(c->in + c->in_len,
			   (unsigned)(INJECT_REPLY_MAX - c->in_len));
}

static void client_on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct smtp_client *c = stream->data;
	size_t len;

	if (n == UV_ENOBUFS) {
		client_fail(c, "an answer without end");
		return;
	}
	if (n < 0) {
		client_fail(c, n == UV_EOF ? "connection closed"
					   : uv_strerror((int)n));
		return;
	}
	c->in_len += (size_t)n;
	c->in[c->in_len] = '\0';
	len = client_reply_length(c);
	/* Nothing is pipelined: what follows a reply is thrown away. */
	if (len) {
		char *plain;

		c->in[len] = '\0';
		plain = smtp_reply_plain(c->in, len);
		assert(plain);
		c->in_len = 0;
		client_on_reply(c, plain);
		free(plain);
	}
}

static void client_on_connected(uv_connect_t *connect, int status)
{
	struct smtp_client *c = connect->data;

	if (status == UV_ECANCELED)
		return;
	if (status < 0) {
		client_fail(c, uv_strerror(status));
		return;
	}
	smtp_client_enter(c, SMTP_CLIENT_BANNER);
	uv_read_start((uv_stream_t *)&c->tcp, client_alloc, client_on_read);
}

/* A connect that failed at once: told from the loop, as all else is. */
static void client_on_no_connect(uv_timer_t *timer)
{
	client_fail(timer->data, "can't connect");
}

struct smtp_client *smtp_client_new(uv_loop_t *loop,
				    const struct sockaddr_in *addr,
				    const struct inject *inject)
{
	struct smtp_client *c = calloc(1, sizeof(*c));

	assert(c);
	c->inject = *inject;
	c->tcp.data = c->timer.data = c->connect.data = c;
	uv_tcp_init(loop, &c->tcp);
	uv_timer_init(loop, &c->timer);
	c->open_handles = 2;
	uv_tcp_nodelay(&c->tcp, 1);
	if (uv_tcp_connect(&c->connect, &c->tcp, (const struct sockaddr *)addr,
			   client_on_connected) < 0)
		sim_timer_start(&c->timer, client_on_no_connect, 0);
	else
		sim_timer_start(&c->timer, client_on_timeout,
				INJECT_WAIT_S * DEADMX_NS_PER_S);
	return c;
}
