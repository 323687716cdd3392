/* SPDX-License-Identifier: MIT */
/* The socket side of one SMTP session: see connection.h. */
#include "sim/connection.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sim_timer.h"

struct connection {
	uv_tcp_t tcp;
	uv_timer_t timer; /* a stall or drip */
	uv_shutdown_t shutdown;
	const struct connection_ops *ops;
	void *arg;
	struct smtp_session *session; /* NULL before connection_run() */
	int open_handles;
	bool ended; /* the session is over: input is swallowed */
	bool eof;   /* the client sends no more */
	bool shut;  /* our FIN is under way */
	bool reading;
	const char *drip; /* what is left of a dripped reply */
	size_t drip_len;
	int64_t drip_ns;
	char *out; /* said, not yet written */
	size_t out_len;
	size_t in_len;
	char in[CONNECTION_INPUT_MAX];
};

/* Closing. */

static void connection_closed(uv_handle_t *handle)
{
	struct connection *c = handle->data;
	void (*on_closed)(void *arg) = c->ops->on_closed;
	void *arg = c->arg;

	if (--c->open_handles)
		return;
	free(c->out);
	free(c);
	on_closed(arg);
}

static void close_handles(struct connection *c, bool reset)
{
	c->ended = true;
	if (uv_is_closing((uv_handle_t *)&c->tcp))
		return;
	uv_close((uv_handle_t *)&c->timer, connection_closed);
	/* A reset isn't possible any more behind our own FIN. */
	if (!reset || uv_tcp_close_reset(&c->tcp, connection_closed) < 0)
		uv_close((uv_handle_t *)&c->tcp, connection_closed);
}

void connection_close(struct connection *c)
{
	close_handles(c, false);
}

static void connection_flush(struct connection *c);

static void connection_on_shutdown(uv_shutdown_t *req, int status)
{
	struct connection *c = req->handle->data;

	/* The client's FIN is awaited: closing with input unread would send
	 * an RST that can overtake our last reply. */
	if (status < 0 || c->eof)
		connection_close(c);
}

/* Send what is left, and FIN. */
static void connection_finish(struct connection *c)
{
	c->ended = true;
	if (c->shut || uv_is_closing((uv_handle_t *)&c->tcp))
		return;
	uv_timer_stop(&c->timer);
	connection_flush(c);
	c->shut = true;
	if (uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp,
			connection_on_shutdown) < 0)
		connection_close(c);
}

void connection_end(struct connection *c, bool reset)
{
	if (reset) {
		/* What was said before comes first, as far as there is room. */
		connection_flush(c);
		close_handles(c, true);
	} else {
		connection_finish(c);
	}
}

void connection_turn_away(struct connection *c, const char *text, size_t len)
{
	uv_buf_t buf = uv_buf_init((char *)text, (unsigned)len);

	uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);
	connection_close(c);
}

/* Output. */

static void connection_process(struct connection *c);

static void connection_on_written(uv_write_t *req, int status)
{
	struct connection *c = req->handle->data;

	free(req->data);
	free(req);
	if (status >= 0)
		connection_process(c);
}

/*
 * Write what was said since the last time in one go: a pipelining client
 * gets its replies together, as RFC 2920 3.2 wants, and wakes once.
 */
static void connection_flush(struct connection *c)
{
	uv_write_t *req;
	uv_buf_t buf = uv_buf_init(c->out, (unsigned)c->out_len);

	if (!c->out_len || uv_is_closing((uv_handle_t *)&c->tcp))
		return;
	req = malloc(sizeof(*req));
	assert(req);
	req->data = c->out;
	c->out = NULL;
	c->out_len = 0;
	/* A broken connection is seen by the reader. */
	if (uv_write(req, (uv_stream_t *)&c->tcp, &buf, 1,
		     connection_on_written) < 0) {
		free(req->data);
		free(req);
	}
}

void connection_send(struct connection *c, const char *text, size_t len)
{
	c->out = realloc(c->out, c->out_len + len);
	assert(c->out);
	memcpy(c->out + c->out_len, text, len);
	c->out_len += len;
}

static void connection_on_stalled(uv_timer_t *timer)
{
	struct connection *c = timer->data;

	smtp_session_resume(c->session);
	connection_process(c);
}

void connection_stall(struct connection *c, int64_t ns)
{
	sim_timer_start(&c->timer, connection_on_stalled, ns);
}

void connection_resume(struct connection *c)
{
	connection_process(c);
}

static void connection_on_drip(uv_timer_t *timer)
{
	struct connection *c = timer->data;

	connection_send(c, c->drip, 1);
	connection_flush(c);
	c->drip++;
	c->drip_len--;
	if (c->drip_len)
		sim_timer_start(timer, connection_on_drip, c->drip_ns);
	else
		connection_on_stalled(timer);
}

void connection_drip(struct connection *c, const char *text, size_t len,
		     int64_t byte_ns)
{
	c->drip = text;
	c->drip_len = len;
	c->drip_ns = byte_ns;
	sim_timer_start(&c->timer, connection_on_drip, byte_ns);
}

/* Input. */

static void connection_alloc(uv_handle_t *handle, size_t suggested,
			     uv_buf_t *buf)
{
	struct connection *c = handle->data;

	*buf = uv_buf_init(c->in + c->in_len,
			   (unsigned)(sizeof(c->in) - c->in_len));
}

/* The client is gone, or sends no more: nobody waits for a held reply. */
static void connection_on_eof(struct connection *c, bool reset)
{
	c->eof = true;
	connection_process(c);
	if (!c->ended)
		c->ops->on_hangup(c->arg, reset);
	if (reset || c->shut)
		connection_close(c);
	else
		connection_finish(c);
}

static void connection_on_read(uv_stream_t *stream, ssize_t n,
			       const uv_buf_t *buf)
{
	struct connection *c = stream->data;

	if (n > 0) {
		c->in_len += (size_t)n;
		connection_process(c);
	} else if (n < 0) {
		uv_read_stop(stream);
		connection_on_eof(c, n != UV_EOF);
	}
}

static void connection_read(struct connection *c, bool on)
{
	uv_stream_t *stream = (uv_stream_t *)&c->tcp;

	if (c->eof || on == c->reading || uv_is_closing((uv_handle_t *)stream))
		return;
	c->reading = on;
	if (on)
		uv_read_start(stream, connection_alloc, connection_on_read);
	else
		uv_read_stop(stream);
}

/* Lines must wait: for a held reply, or for a client that doesn't read. */
static bool connection_must_wait(const struct connection *c)
{
	if (smtp_session_held(c->session))
		return true;
	/* Behind its FIN it gets no more than what it has sent. */
	return !c->eof &&
	       uv_stream_get_write_queue_size((const uv_stream_t *)&c->tcp) >
		       CONNECTION_OUTPUT_MAX;
}

/* Feed bytes of a chunk: no lines in these. Bytes used. */
static size_t connection_feed_chunk(struct connection *c, const char *in,
				    size_t len)
{
	uint64_t chunk = smtp_session_chunk(c->session);

	len = chunk < len ? (size_t)chunk : len;
	if (len)
		smtp_session_bytes(c->session, in, len);
	return len;
}

/* Feed one line, or a part of one that fills all room. Bytes used. */
static size_t connection_feed(struct connection *c, const char *in, size_t len)
{
	const char *lf = memchr(in, '\n', len);
	enum smtp_line_end end = SMTP_LINE_LF;
	size_t used;

	if (smtp_session_chunk(c->session))
		return connection_feed_chunk(c, in, len);
	if (lf) {
		used = (size_t)(lf - in) + 1;
		len = used - 1;
		if (len && in[len - 1] == '\r') {
			end = SMTP_LINE_CRLF;
			len--;
		}
	} else if (len == sizeof(c->in)) {
		/* A CR at the end may belong to the LF that comes next. */
		used = len = len - (in[len - 1] == '\r');
		end = SMTP_LINE_MORE;
	} else {
		return 0;
	}
	smtp_session_line(c->session, in, len, end);
	return used;
}

static void connection_process(struct connection *c)
{
	size_t start = 0, used;

	if (uv_is_closing((uv_handle_t *)&c->tcp))
		return;
	while (!c->ended && !connection_must_wait(c)) {
		used = connection_feed(c, c->in + start, c->in_len - start);
		if (!used)
			break;
		start += used;
	}
	if (c->ended)
		start = c->in_len;
	c->in_len -= start;
	memmove(c->in, c->in + start, c->in_len);
	connection_flush(c);
	connection_read(c, c->in_len < sizeof(c->in));
}

/* Beginning. */

struct connection *connection_new(uv_loop_t *loop,
				  const struct connection_ops *ops, void *arg)
{
	struct connection *c = calloc(1, sizeof(*c));

	assert(c);
	c->ops = ops;
	c->arg = arg;
	c->tcp.data = c->timer.data = c;
	uv_tcp_init(loop, &c->tcp);
	uv_timer_init(loop, &c->timer);
	c->open_handles = 2;
	return c;
}

int connection_accept(struct connection *c, uv_stream_t *listening)
{
	int rc = uv_accept(listening, (uv_stream_t *)&c->tcp);

	if (rc == 0)
		uv_tcp_nodelay(&c->tcp, 1);
	return rc;
}

int connection_peer_name(const struct connection *c,
			 struct sockaddr_storage *ret)
{
	int size = sizeof(*ret);

	return uv_tcp_getpeername(&c->tcp, (struct sockaddr *)ret, &size);
}

void connection_peer(const struct connection *c, char *buf, size_t len)
{
	struct sockaddr_storage peer = {0};

	buf[0] = '\0';
	if (connection_peer_name(c, &peer) == 0)
		uv_ip_name((const struct sockaddr *)&peer, buf, len);
}

void connection_run(struct connection *c, struct smtp_session *session)
{
	c->session = session;
	connection_process(c);
}
