/* SPDX-License-Identifier: MIT */
/* The client's side of SMTP: see smtp_client.h. */
#include "sim/smtp_client.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/sim_timer.h"
#include "sim/smtp_reply.h"

enum {
	CLIENT_WIRE_MAX = 4096, /* bytes of ciphertext read at once */
};

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
	char *user, *password;
	struct tls_context *tls_context;
	struct tls *tls;  /* from the handshake on */
	char *extensions; /* the last answer to EHLO, or NULL */
	size_t in_len;
	char in[SMTP_CLIENT_REPLY_MAX + 1]; /* one reply as it comes in */
	char wire[CLIENT_WIRE_MAX];	    /* its ciphertext */
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
	tls_free(c->tls);
	free(c->helo);
	free(c->user);
	free(c->password);
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

/* Write @text, malloc'd. A broken connection is seen by the reader. */
static void client_write(struct smtp_client *c, char *text, size_t len)
{
	struct write *w = calloc(1, sizeof(*w));
	uv_buf_t buf = uv_buf_init(text, (unsigned)len);

	assert(w && text);
	w->text = text;
	w->req.data = w;
	if (uv_write(&w->req, (uv_stream_t *)&c->tcp, &buf, 1,
		     client_on_written) < 0)
		client_on_written(&w->req, 0);
}

/* What TLS has to say. */
static void client_flush(struct smtp_client *c)
{
	size_t len = tls_output(c->tls);
	char *text;

	if (!len)
		return;
	text = malloc(len);
	assert(text);
	tls_take(c->tls, text, len);
	client_write(c, text, len);
}

/* Send @text, malloc'd, and wait for the reply of @next. */
static void client_send(struct smtp_client *c, enum smtp_client_state next,
			char *text, size_t len)
{
	assert(text);
	smtp_client_enter(c, next);
	sim_timer_start(&c->timer, client_on_timeout, c->wait_ns);
	if (!c->tls) {
		client_write(c, text, len);
		return;
	}
	tls_write(c->tls, text, len);
	free(text);
	client_flush(c);
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

/* What stands behind @name in the answer to EHLO, to the end of its line. */
static const char *client_extension(const struct smtp_client *c,
				    const char *name)
{
	size_t len = strlen(name);

	if (!c->extensions)
		return NULL;
	/* They stand one a line behind the code, from the second line on. */
	for (const char *p = strchr(c->extensions, '\n'); p;
	     p = strchr(p, '\n')) {
		p++;
		if (strlen(p) >= 4 + len &&
		    strncasecmp(p + 4, name, len) == 0 &&
		    strchr(" \n", p[4 + len]))
			return p + 4 + len;
	}
	return NULL;
}

bool smtp_client_offers(const struct smtp_client *c, const char *extension)
{
	return client_extension(c, extension) != NULL;
}

/* "AUTH LOGIN PLAIN" (RFC 4954 3). */
static bool client_offers_plain(const struct smtp_client *c)
{
	const char *word = client_extension(c, "AUTH");

	while (word && *word == ' ') {
		size_t len = strcspn(++word, " \n");

		if (len == 5 && strncasecmp(word, "PLAIN", len) == 0)
			return true;
		word += len;
	}
	return false;
}

static void client_not_offered(struct smtp_client *c,
			       enum smtp_client_state wanted)
{
	smtp_client_enter(c, wanted);
	client_fail(c, UV_ENOTSUP);
}

/* RFC 4616: no authorization identity, the user, the password. */
static void client_auth(struct smtp_client *c)
{
	unsigned char plain[2 * SMTP_CLIENT_LOGIN_MAX + 2];
	char text[4 * (sizeof(plain) / 3 + 1) + 1];
	size_t user = strlen(c->user), password = strlen(c->password);

	assert(user <= SMTP_CLIENT_LOGIN_MAX &&
	       password <= SMTP_CLIENT_LOGIN_MAX);
	plain[0] = plain[1 + user] = '\0';
	memcpy(plain + 1, c->user, user);
	memcpy(plain + 2 + user, c->password, password);
	EVP_EncodeBlock((unsigned char *)text, plain,
			(int)(2 + user + password));
	client_command(c, SMTP_CLIENT_AUTH, "AUTH PLAIN %s\r\n", text);
}

/* A good reply to EHLO or HELO: what is wanted before the mail? */
static void client_greeted(struct smtp_client *c, int code, const char *reply)
{
	if (c->tls_context && !c->tls) {
		if (smtp_client_offers(c, "STARTTLS"))
			client_command(c, SMTP_CLIENT_STARTTLS, "STARTTLS\r\n");
		else
			client_not_offered(c, SMTP_CLIENT_STARTTLS);
	} else if (c->user) {
		if (client_offers_plain(c))
			client_auth(c);
		else
			client_not_offered(c, SMTP_CLIENT_AUTH);
	} else {
		c->ops->on_reply(c->arg, c->state, code, reply);
	}
}

static void client_begin_tls(struct smtp_client *c)
{
	c->tls = tls_new_client(c->tls_context);
	if (!c->tls) {
		client_fail(c, UV_ENOMEM);
		return;
	}
	smtp_client_enter(c, SMTP_CLIENT_TLS);
	sim_timer_start(&c->timer, client_on_timeout, c->wait_ns);
	client_flush(c);
}

/* A good reply: what comes next? */
static void client_on_good(struct smtp_client *c, int code, const char *reply)
{
	switch (c->state) {
	case SMTP_CLIENT_BANNER:
		client_command(c, SMTP_CLIENT_EHLO, "EHLO %s\r\n", c->helo);
		return;
	case SMTP_CLIENT_EHLO:
		free(c->extensions);
		c->extensions = strdup(reply);
		client_greeted(c, code, reply);
		return;
	case SMTP_CLIENT_HELO:
		client_greeted(c, code, reply);
		return;
	case SMTP_CLIENT_STARTTLS:
		client_begin_tls(c);
		return;
	case SMTP_CLIENT_AUTH:
	case SMTP_CLIENT_MAIL:
	case SMTP_CLIENT_RCPT:
	case SMTP_CLIENT_DATA:
	case SMTP_CLIENT_DOT:
		c->ops->on_reply(c->arg, c->state, code, reply);
		return;
	case SMTP_CLIENT_CONNECT:
	case SMTP_CLIENT_TLS:
	case SMTP_CLIENT_QUIT:
	case SMTP_CLIENT_CLOSED:
	case SMTP_CLIENT_COUNT:
		break;
	}
	assert(!"nothing was said that this could answer");
}

static void client_on_reply(struct smtp_client *c, const char *reply)
{
	int code = smtp_reply_code(reply);

	uv_timer_stop(&c->timer);
	if (c->state == SMTP_CLIENT_QUIT)
		smtp_client_close(c);
	else if (!code)
		client_fail(c, UV_EPROTO);
	else if (code / 100 == 2)
		client_on_good(c, code, reply);
	else if (c->state == SMTP_CLIENT_EHLO && code / 100 == 5)
		client_command(c, SMTP_CLIENT_HELO, "HELO %s\r\n", c->helo);
	else
		c->ops->on_reply(c->arg, c->state, code, reply);
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

	size_t room = SMTP_CLIENT_REPLY_MAX - c->in_len;

	if (!c->tls) {
		*buf = uv_buf_init(c->in + c->in_len, (unsigned)room);
		return;
	}
	room = tls_room(c->tls);
	*buf = uv_buf_init(
		c->wire,
		(unsigned)(room < sizeof(c->wire) ? room : sizeof(c->wire)));
}

/* More of a reply has come in. */
static void client_look(struct smtp_client *c)
{
	size_t len;
	char *plain;

	c->in[c->in_len] = '\0';
	len = client_reply_length(c);
	if (!len)
		return;
	/* Nothing is pipelined: what follows a reply is thrown away, and so is
	 * what was said in the clear behind the one to STARTTLS. */
	c->in[len] = '\0';
	c->in_len = 0;
	plain = smtp_reply_plain(c->in, len);
	assert(plain);
	client_on_reply(c, plain);
	free(plain);
}

/* All the plaintext that there is. */
static void client_pull(struct smtp_client *c)
{
	char rest[1024];
	size_t n;

	while ((n = tls_read(c->tls, c->in + c->in_len,
			     SMTP_CLIENT_REPLY_MAX - c->in_len)))
		c->in_len += n;
	c->in[c->in_len] = '\0';
	while (client_reply_length(c) && tls_read(c->tls, rest, sizeof(rest)))
		; /* behind a reply: thrown away, as without TLS */
	client_look(c);
}

static void client_on_tls(struct smtp_client *c)
{
	bool shaking = c->state == SMTP_CLIENT_TLS;

	client_flush(c);
	if (tls_state(c->tls) == TLS_STATE_HANDSHAKE)
		return;
	if (tls_state(c->tls) != TLS_STATE_FAILED && shaking)
		client_command(c, SMTP_CLIENT_EHLO, "EHLO %s\r\n", c->helo);
	else if (tls_state(c->tls) != TLS_STATE_FAILED)
		client_pull(c);
	if (c->state == SMTP_CLIENT_CLOSED)
		return;
	if (tls_state(c->tls) == TLS_STATE_FAILED)
		client_fail(c, UV_EPROTO);
	else if (tls_state(c->tls) == TLS_STATE_CLOSED)
		client_fail(c, UV_EOF);
	else if (c->in_len == SMTP_CLIENT_REPLY_MAX)
		client_fail(c, UV_EMSGSIZE);
}

static void client_on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct smtp_client *c = stream->data;

	if (n < 0) {
		client_fail(c, n == UV_ENOBUFS ? UV_EMSGSIZE : (int)n);
	} else if (c->tls) {
		tls_feed(c->tls, c->wire, (size_t)n);
		client_on_tls(c);
	} else {
		c->in_len += (size_t)n;
		client_look(c);
	}
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
	c->tls_context = options->tls;
	if (options->user) {
		c->user = strdup(options->user);
		c->password = strdup(options->password);
		assert(c->user && c->password);
	}
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
