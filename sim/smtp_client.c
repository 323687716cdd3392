/* SPDX-License-Identifier: MIT */
/* The client's side of SMTP: see smtp_client.h. */
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
	const struct smtp_client_ops *ops;
	void *arg;
	enum smtp_client_state state;
	int open_handles;
	int connect_rc; /* a connection that failed at once: why */
	int64_t wait_ns;
	char *helo;
	char *extensions; /* the answer to EHLO, or NULL */
	size_t in_len;
	char in[SMTP_CLIENT_REPLY_MAX + 1]; /* one reply as it comes in */
};

/* clang-format off */
const char *smtp_client_state_name(enum smtp_client_state state)
{
	static const char *const names[] = {
#define XX(uc, lc) [SMTP_CLIENT_##uc] = lc,
		SMTP_CLIENT_MAP(XX)
#undef XX
	};

	assert((unsigned)state < SMTP_CLIENT_COUNT);
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
	c->ops->on_closed(c->arg);
	free(c->helo);
	free(c->extensions);
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

/* No answer: say where that was. After QUIT nobody cares. */
static void client_fail(struct smtp_client *c, int rc)
{
	enum smtp_client_state state = c->state;

	smtp_client_close(c);
	if (state != SMTP_CLIENT_QUIT)
		c->ops->on_failed(c->arg, state, rc);
}

static void client_on_timeout(uv_timer_t *timer)
{
	client_fail(timer->data, UV_ETIMEDOUT);
}

/* --- out ----------------------------------------------------------------- */

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
	sim_timer_start(&c->timer, client_on_timeout, c->wait_ns);
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

void smtp_client_mail(struct smtp_client *c, const char *from,
		      const char *parameters)
{
	client_command(c, SMTP_CLIENT_MAIL, "MAIL FROM:<%s>%s\r\n", from,
		       parameters);
}

void smtp_client_rcpt(struct smtp_client *c, const char *to,
		      const char *parameters)
{
	client_command(c, SMTP_CLIENT_RCPT, "RCPT TO:<%s>%s\r\n", to,
		       parameters);
}

void smtp_client_data(struct smtp_client *c)
{
	client_command(c, SMTP_CLIENT_DATA, "DATA\r\n");
}

void smtp_client_quit(struct smtp_client *c)
{
	client_command(c, SMTP_CLIENT_QUIT, "QUIT\r\n");
}

/* Only CRLF ends a line (RFC 5321 2.3.8): dots behind it are doubled. */
void smtp_client_message(struct smtp_client *c, const char *data, size_t len)
{
	size_t used = 0;
	char *text = malloc(2 * len + 8);
	bool begins = true;

	assert(text);
	for (size_t i = 0; i < len; i++) {
		if (begins && data[i] == '.')
			text[used++] = '.';
		text[used++] = data[i];
		begins = data[i] == '\n' && i && data[i - 1] == '\r';
	}
	memcpy(text + used, begins ? ".\r\n" : "\r\n.\r\n", begins ? 3 : 5);
	client_send(c, SMTP_CLIENT_DOT, text, used + (begins ? 3 : 5));
}

/* --- in ------------------------------------------------------------------ */

bool smtp_client_offers(const struct smtp_client *c, const char *extension)
{
	size_t len = strlen(extension);

	if (!c->extensions)
		return false;
	/* They stand one a line behind the code, from the second line on. */
	for (const char *p = strchr(c->extensions, '\n'); p;
	     p = strchr(p, '\n')) {
		p++;
		if (strlen(p) >= 4 + len &&
		    strncasecmp(p + 4, extension, len) == 0 &&
		    strchr(" \n", p[4 + len]))
			return true;
	}
	return false;
}

static void client_on_reply(struct smtp_client *c, const char *reply)
{
	int code = smtp_reply_code(reply);

	uv_timer_stop(&c->timer);
	if (c->state == SMTP_CLIENT_QUIT) {
		smtp_client_close(c);
	} else if (!code) {
		client_fail(c, UV_EPROTO);
	} else if (c->state == SMTP_CLIENT_BANNER && code / 100 == 2) {
		client_command(c, SMTP_CLIENT_EHLO, "EHLO %s\r\n", c->helo);
	} else if (c->state == SMTP_CLIENT_EHLO && code / 100 == 5) {
		client_command(c, SMTP_CLIENT_HELO, "HELO %s\r\n", c->helo);
	} else {
		if (c->state == SMTP_CLIENT_EHLO)
			c->extensions = strdup(reply);
		c->ops->on_reply(c->arg, c->state, code, reply);
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
			   (unsigned)(SMTP_CLIENT_REPLY_MAX - c->in_len));
}

static void client_on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct smtp_client *c = stream->data;
	size_t len;
	char *plain;

	if (n < 0) {
		client_fail(c, n == UV_ENOBUFS ? UV_EMSGSIZE : (int)n);
		return;
	}
	c->in_len += (size_t)n;
	c->in[c->in_len] = '\0';
	len = client_reply_length(c);
	if (!len)
		return;
	/* Nothing is pipelined: what follows a reply is thrown away. */
	c->in[len] = '\0';
	c->in_len = 0;
	plain = smtp_reply_plain(c->in, len);
	assert(plain);
	client_on_reply(c, plain);
	free(plain);
}

/* --- the connection ------------------------------------------------------ */

static void client_on_connected(uv_connect_t *connect, int status)
{
	struct smtp_client *c = connect->data;

	if (status == UV_ECANCELED)
		return;
	if (status < 0) {
		client_fail(c, status);
		return;
	}
	smtp_client_enter(c, SMTP_CLIENT_BANNER);
	sim_timer_start(&c->timer, client_on_timeout, c->wait_ns);
	uv_read_start((uv_stream_t *)&c->tcp, client_alloc, client_on_read);
}

/* A connection that failed at once: told from the loop, as all else is. */
static void client_on_no_connect(uv_timer_t *timer)
{
	struct smtp_client *c = timer->data;

	client_fail(c, c->connect_rc);
}

int smtp_client_from(const struct smtp_client *c, struct sockaddr_storage *ret)
{
	int len = sizeof(*ret);

	return uv_tcp_getsockname(&c->tcp, (struct sockaddr *)ret, &len);
}

struct smtp_client *smtp_client_new(const struct smtp_client_options *options,
				    const struct smtp_client_ops *ops,
				    void *arg)
{
	struct smtp_client *c = calloc(1, sizeof(*c));

	assert(c);
	c->ops = ops;
	c->arg = arg;
	c->wait_ns = options->wait_ns;
	c->helo = strdup(options->helo);
	assert(c->helo);
	c->tcp.data = c->timer.data = c->connect.data = c;
	uv_tcp_init(options->loop, &c->tcp);
	uv_timer_init(options->loop, &c->timer);
	c->open_handles = 2;
	if (options->from)
		c->connect_rc = uv_tcp_bind(&c->tcp, options->from, 0);
	if (c->connect_rc == 0)
		c->connect_rc =
			uv_tcp_connect(&c->connect, &c->tcp, options->address,
				       client_on_connected);
	if (c->connect_rc < 0) {
		sim_timer_start(&c->timer, client_on_no_connect, 0);
		return c;
	}
	uv_tcp_nodelay(&c->tcp, 1);
	sim_timer_start(&c->timer, client_on_timeout, c->wait_ns);
	return c;
}
