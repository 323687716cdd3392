/* SPDX-License-Identifier: MIT */
/* The socket side of one SMTP session: see connection.h. */
#include "sim/connection.h"

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "sim/net_fault.h"
#include "sim/sim_timer.h"

enum { OUT_KEPT = 256 }; /* bytes for replies, kept while nothing is said */

/* What lies between socket and lines. */
enum layer {
	LAYER_PLAIN,   /* nothing */
	LAYER_AWAITED, /* nothing yet: the client may begin TLS */
	LAYER_MUTE,    /* nothing ever: what comes is swallowed */
	LAYER_HELD,    /* TLS, when the timer has run out */
	LAYER_TLS,
};

struct connection {
	uv_tcp_t tcp;
	uv_timer_t timer; /* a stall or drip, or the wait before TLS */
	uv_shutdown_t shutdown;
	const struct connection_ops *ops;
	void *arg;
	struct smtp_session *session; /* NULL before connection_run() */
	int open_handles;
	bool ended; /* the session is over: input is swallowed */
	bool eof;   /* the client sends no more */
	bool quits; /* it said QUIT before that, and waits for replies */
	bool shut;  /* our FIN is under way */
	bool reading;
	bool deaf; /* nothing is taken from the socket any more */
	enum layer layer;
	struct tls *tls;  /* HELD and TLS */
	bool discard;	  /* what came in until now */
	const char *drip; /* what is left of a dripped reply */
	size_t drip_len;
	int64_t drip_ns;
	char *out; /* said, not yet written; kept for the next when small */
	size_t out_len, out_size;
	/* What came in. Ten thousand clients that wait have nothing here. */
	char *in;
	size_t in_len, in_size;
	char **spare;	 /* see connection_new() */
	int64_t slow_ns; /* pause before each KiB of it; 0 = none */
	size_t admitted; /* with slow_ns: so much of it may be fed */
};

/* Closing. */

static void connection_closed(uv_handle_t *handle)
{
	struct connection *c = handle->data;
	void (*on_closed)(void *arg) = c->ops->on_closed;
	void *arg = c->arg;

	if (--c->open_handles)
		return;
	tls_free(c->tls);
	free(c->out);
	free(c->in);
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

static void connection_encrypt(struct connection *c);
static void connection_flush(struct connection *c);
static void connection_on_eof(struct connection *c, bool reset);

static void connection_on_shutdown(uv_shutdown_t *req, int status)
{
	struct connection *c = req->handle->data;

	/* The client's FIN is awaited: closing with input unread would send
	 * an RST that can overtake our last reply. */
	if (status < 0 || c->eof)
		connection_close(c);
}

/* The client has said QUIT and been told 221: it sends no more that could
 * make us answer with RST, and its FIN need not be awaited. */
static bool connection_is_done(const struct connection *c)
{
	const uv_stream_t *stream = (const uv_stream_t *)&c->tcp;

	return c->layer == LAYER_PLAIN && c->session &&
	       smtp_session_has_quit(c->session) &&
	       uv_stream_get_write_queue_size(stream) == 0;
}

/* Send what is left, and FIN. */
static void connection_finish(struct connection *c)
{
	c->ended = true;
	if (c->shut || uv_is_closing((uv_handle_t *)&c->tcp))
		return;
	uv_timer_stop(&c->timer);
	c->slow_ns = 0;
	connection_encrypt(c);
	if (c->tls)
		tls_end(c->tls);
	connection_flush(c);
	if (connection_is_done(c)) {
		connection_close(c);
		return;
	}
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

static void out_reserve(struct connection *c, size_t size)
{
	if (size <= c->out_size)
		return;
	if (size < OUT_KEPT)
		size = OUT_KEPT;
	c->out = realloc(c->out, size);
	assert(c->out);
	c->out_size = size;
}

/* The buffer is used up, or has become another's. */
static void out_forget(struct connection *c)
{
	c->out = NULL;
	c->out_len = c->out_size = 0;
}

/* What was said so far becomes ciphertext, in the session's own buffer. */
static void connection_encrypt(struct connection *c)
{
	if (c->layer != LAYER_TLS)
		return;
	tls_write(c->tls, c->out, c->out_len);
	c->out_len = 0;
}

/* The ciphertext is what goes out. */
static void connection_take_tls(struct connection *c)
{
	size_t len;

	if (c->layer != LAYER_TLS)
		return;
	connection_encrypt(c);
	len = tls_output(c->tls);
	if (!len)
		return;
	out_reserve(c, len);
	tls_take(c->tls, c->out, len);
	c->out_len = len;
}

/*
 * Write what was said since the last time in one go: a pipelining client
 * gets its replies together, as RFC 2920 3.2 wants, and wakes once.
 */
static void connection_flush(struct connection *c)
{
	uv_write_t *req;
	uv_buf_t buf;
	int n;

	connection_take_tls(c);
	buf = uv_buf_init(c->out, (unsigned)c->out_len);
	if (!c->out_len || uv_is_closing((uv_handle_t *)&c->tcp))
		return;
	/* Nearly always the socket takes all; a request costs libuv a system
	 * call more each time. */
	n = uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);
	if (n == (int)c->out_len) {
		c->out_len = 0;
		if (c->out_size > OUT_KEPT) {
			free(c->out);
			out_forget(c);
		}
		return;
	}
	if (n > 0) {
		c->out_len -= (size_t)n;
		memmove(c->out, c->out + n, c->out_len);
		buf.len = c->out_len;
	}
	req = malloc(sizeof(*req));
	assert(req);
	req->data = c->out;
	out_forget(c);
	/* A broken connection is seen by the reader. */
	if (uv_write(req, (uv_stream_t *)&c->tcp, &buf, 1,
		     connection_on_written) < 0) {
		free(req->data);
		free(req);
	}
}

void connection_send(struct connection *c, const char *text, size_t len)
{
	out_reserve(c, c->out_len + len);
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

/* Memory for what comes in. */

static void connection_reserve(struct connection *c)
{
	if (c->in_size == CONNECTION_INPUT_MAX)
		return;
	if (!c->in && *c->spare) {
		c->in = *c->spare;
		c->in_size = CONNECTION_INPUT_MAX;
		*c->spare = NULL;
		return;
	}
	c->in = realloc(c->in, CONNECTION_INPUT_MAX);
	assert(c->in);
	c->in_size = CONNECTION_INPUT_MAX;
}

/* Keep no more than half of it for nothing. */
static void connection_trim(struct connection *c)
{
	if (!c->in_len) {
		if (c->in_size == CONNECTION_INPUT_MAX && !*c->spare)
			*c->spare = c->in;
		else
			free(c->in);
		c->in = NULL;
		c->in_size = 0;
	} else if (c->in_len < c->in_size / 2) {
		c->in = realloc(c->in, c->in_len);
		assert(c->in);
		c->in_size = c->in_len;
	}
}

/* Slow reading. */

/* What may be fed of what came in. */
static size_t connection_visible(const struct connection *c)
{
	return c->slow_ns ? c->admitted : c->in_len;
}

/* How much may be added to it. */
static size_t connection_space(const struct connection *c)
{
	size_t space = CONNECTION_INPUT_MAX - c->in_len;
	size_t waiting = c->in_len - c->admitted;

	if (!c->slow_ns)
		return space;
	if (waiting >= CONNECTION_SLOW_BYTES)
		return 0;
	return space < CONNECTION_SLOW_BYTES - waiting
		       ? space
		       : CONNECTION_SLOW_BYTES - waiting;
}

/*
 * Is QUIT the last that came? Behind it a FIN is no hang-up: Exim sends both
 * together with the message, shuts its side only, and reads the replies. What
 * the kernel still has is the end of it. TLS has no such ends.
 */
static bool connection_quits(const struct connection *c)
{
	static const char quit[] = "\nQUIT\r\n";
	enum { LEN = sizeof(quit) - 1 };
	char text[LEN + CONNECTION_INPUT_MAX] = "\n";
	size_t n = c->in_len < LEN ? c->in_len : LEN;
	size_t len = 1 + n;
	uv_os_fd_t fd;
	ssize_t more = 0;

	if (c->layer != LAYER_PLAIN)
		return false;
	if (n)
		memcpy(text + 1, c->in + c->in_len - n, n);
	if (!c->eof && !uv_fileno((const uv_handle_t *)&c->tcp, &fd))
		more = recv(fd, text + len, sizeof(text) - len,
			    MSG_PEEK | MSG_DONTWAIT);
	len += more > 0 ? (size_t)more : 0;
	return len >= LEN && strncasecmp(text + len - LEN, quit, LEN) == 0;
}

/* Its end is behind all that it sent, and would be met at our pace. */
static bool connection_has_left(const struct connection *c, bool *ret_reset)
{
	struct pollfd p = {.events = POLLRDHUP};

	if (uv_fileno((const uv_handle_t *)&c->tcp, &p.fd) < 0 ||
	    poll(&p, 1, 0) != 1)
		return false;
	*ret_reset = (p.revents & POLLERR) != 0;
	return *ret_reset || !(c->quits || connection_quits(c));
}

/* Is what came in held back by us, and not by the client? */
static bool connection_is_behind(const struct connection *c)
{
	return smtp_session_held(c->session) ||
	       smtp_session_mute_quit(c->session) ||
	       (c->slow_ns && c->in_len > c->admitted);
}

static void connection_on_slow(uv_timer_t *timer)
{
	struct connection *c = timer->data;
	size_t waiting = c->in_len - c->admitted;
	bool reset;

	if (connection_has_left(c, &reset)) {
		uv_read_stop((uv_stream_t *)&c->tcp);
		connection_on_eof(c, reset);
		return;
	}
	c->admitted += waiting < CONNECTION_SLOW_BYTES ? waiting
						       : CONNECTION_SLOW_BYTES;
	connection_process(c);
}

/* The pause is due as soon as there is something to take. */
static void connection_pause(struct connection *c)
{
	if (c->slow_ns && c->in_len > c->admitted && !c->ended &&
	    !smtp_session_held(c->session) &&
	    !uv_is_active((uv_handle_t *)&c->timer))
		sim_timer_start(&c->timer, connection_on_slow, c->slow_ns);
}

void connection_slow(struct connection *c, int64_t ns)
{
	if (c->slow_ns)
		uv_timer_stop(&c->timer);
	c->slow_ns = ns;
	c->admitted = 0;
}

/* TLS. */

void connection_expect_tls(struct connection *c)
{
	assert(c->layer == LAYER_PLAIN);
	c->layer = LAYER_AWAITED;
	c->discard = true;
}

/* Tell the caller when the handshake is over, or TLS. */
static void connection_tls_moved(struct connection *c, enum tls_state before)
{
	enum tls_state now = tls_state(c->tls);

	if (now == before || c->ended)
		return;
	if (before == TLS_STATE_HANDSHAKE || now == TLS_STATE_FAILED)
		c->ops->on_tls_done(c->arg, c->tls);
}

/* Ciphertext, which lies behind the plaintext that waits in c->in. */
static void connection_feed_tls(struct connection *c, size_t len)
{
	enum tls_state before = tls_state(c->tls);

	tls_feed(c->tls, c->in + c->in_len, len);
	connection_tls_moved(c, before);
}

/* Plaintext as far as there is room; true when there was any. */
static bool connection_pull_tls(struct connection *c)
{
	enum tls_state before;
	size_t n;

	if (c->layer != LAYER_TLS || c->ended)
		return false;
	before = tls_state(c->tls);
	connection_reserve(c);
	n = tls_read(c->tls, c->in + c->in_len, connection_space(c));
	c->in_len += n;
	connection_tls_moved(c, before);
	return n > 0;
}

static void connection_begin_tls(struct connection *c)
{
	size_t len = c->in_len;

	c->layer = LAYER_TLS;
	c->in_len = 0;
	connection_feed_tls(c, len);
}

static void connection_on_tls_held(uv_timer_t *timer)
{
	struct connection *c = timer->data;

	connection_begin_tls(c);
	connection_process(c);
}

void connection_tls(struct connection *c, struct tls *tls, int64_t ns)
{
	assert(c->layer == LAYER_MUTE && !c->tls);
	c->tls = tls;
	c->layer = LAYER_HELD;
	if (ns > 0)
		sim_timer_start(&c->timer, connection_on_tls_held, ns);
	else
		connection_begin_tls(c);
}

/* The client's first bytes are there: what shall it meet? */
static void connection_on_hello(struct connection *c)
{
	c->layer = LAYER_MUTE;
	c->ops->on_tls(c->arg);
	if (c->layer == LAYER_MUTE)
		c->in_len = 0;
}

/* Input. */

/* How much can be read: of ciphertext, as much as TLS takes. */
static size_t connection_room(const struct connection *c)
{
	size_t room = CONNECTION_INPUT_MAX - c->in_len;

	if (c->layer != LAYER_TLS || c->ended)
		return connection_space(c);
	return tls_room(c->tls) < room ? tls_room(c->tls) : room;
}

static void connection_alloc(uv_handle_t *handle, size_t suggested,
			     uv_buf_t *buf)
{
	struct connection *c = handle->data;

	connection_reserve(c);
	*buf = uv_buf_init(c->in + c->in_len, (unsigned)connection_room(c));
}

/* The client is gone, or sends no more: nobody waits for a held reply. */
static void connection_on_eof(struct connection *c, bool reset)
{
	enum tls_state before;

	c->eof = true;
	c->quits = !reset && !c->ended && c->session &&
		   (smtp_session_mute_quit(c->session) || connection_quits(c));
	connection_process(c);
	if (c->quits)
		return;
	if (!c->ended && c->layer == LAYER_TLS) {
		before = tls_state(c->tls);
		tls_hangup(c->tls);
		connection_tls_moved(c, before);
	}
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
		if (c->layer == LAYER_TLS && !c->ended)
			connection_feed_tls(c, (size_t)n);
		else
			c->in_len += (size_t)n;
		connection_process(c);
	} else if (n < 0) {
		uv_read_stop(stream);
		connection_on_eof(c, n != UV_EOF);
	} else {
		connection_trim(c);
	}
}

static void connection_read(struct connection *c, bool on)
{
	uv_stream_t *stream = (uv_stream_t *)&c->tcp;

	if (c->eof || (on && c->deaf) || on == c->reading ||
	    uv_is_closing((uv_handle_t *)stream))
		return;
	c->reading = on;
	if (on)
		uv_read_start(stream, connection_alloc, connection_on_read);
	else
		uv_read_stop(stream);
}

void connection_stop_reading(struct connection *c)
{
	/* What was said before still gets through. */
	connection_flush(c);
	c->deaf = true;
	connection_read(c, false);
}

int connection_pull(struct connection *c)
{
	uv_os_fd_t fd;
	int rc;

	connection_stop_reading(c);
	rc = uv_fileno((uv_handle_t *)&c->tcp, &fd);
	return rc < 0 ? rc : net_fault_mute(fd);
}

/* The client doesn't read what it is told. */
static bool connection_is_full(const struct connection *c)
{
	return uv_stream_get_write_queue_size((const uv_stream_t *)&c->tcp) >
	       CONNECTION_OUTPUT_MAX;
}

/* Lines must wait: for a held reply, or for a client that doesn't read. */
static bool connection_must_wait(const struct connection *c)
{
	if (smtp_session_held(c->session))
		return true;
	/* Behind its FIN it gets no more than what it has sent. */
	return !c->eof && connection_is_full(c);
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
	const char *lf;
	enum smtp_line_end end = SMTP_LINE_LF;
	size_t used;

	if (smtp_session_chunk(c->session))
		return connection_feed_chunk(c, in, len);
	lf = memchr(in, '\n', len);
	if (lf) {
		used = (size_t)(lf - in) + 1;
		len = used - 1;
		if (len && in[len - 1] == '\r') {
			end = SMTP_LINE_CRLF;
			len--;
		}
	} else if (len == CONNECTION_INPUT_MAX) {
		/* A CR at the end may belong to the LF that comes next. */
		used = len = len - (in[len - 1] == '\r');
		end = SMTP_LINE_MORE;
	} else {
		return 0;
	}
	smtp_session_line(c->session, in, len, end);
	return used;
}

/* Feed all lines that there are. */
static void connection_feed_lines(struct connection *c)
{
	size_t start = 0, used = 1;

	while (used && !c->ended && !c->discard && !connection_must_wait(c) &&
	       connection_visible(c) > start) {
		used = connection_feed(c, c->in + start,
				       connection_visible(c) - start);
		start += used;
	}
	if (c->ended || c->discard)
		start = c->in_len;
	c->discard = false;
	if (!start)
		return;
	c->in_len -= start;
	c->admitted -= start < c->admitted ? start : c->admitted;
	memmove(c->in, c->in + start, c->in_len);
}

/* What has come in goes as far as it can. */
static void connection_move(struct connection *c)
{
	switch (c->layer) {
	case LAYER_PLAIN:
		connection_feed_lines(c);
		return;
	case LAYER_AWAITED:
		if (c->discard)
			connection_feed_lines(c);
		else if (c->in_len)
			connection_on_hello(c);
		if (c->layer == LAYER_TLS)
			connection_move(c);
		return;
	case LAYER_MUTE:
		c->in_len = 0;
		return;
	case LAYER_HELD:
		return;
	case LAYER_TLS:
		do
			connection_feed_lines(c);
		while (connection_pull_tls(c));
		return;
	}
}

/* The client has closed its TLS, as before a FIN (RFC 8446 6.1). */
static void connection_on_tls_closed(struct connection *c)
{
	c->ops->on_hangup(c->arg, false);
	connection_finish(c);
}

static void connection_process(struct connection *c)
{
	if (uv_is_closing((uv_handle_t *)&c->tcp))
		return;
	connection_move(c);
	if (c->layer == LAYER_TLS && !c->ended && !c->eof &&
	    tls_state(c->tls) == TLS_STATE_CLOSED)
		connection_on_tls_closed(c);
	connection_flush(c);
	if (c->quits && !c->ended && !connection_is_behind(c)) {
		/* That was no QUIT after all. */
		c->ops->on_hangup(c->arg, false);
		connection_finish(c);
		return;
	}
	connection_pause(c);
	connection_trim(c);
	/* TLS answers of its own accord: who reads nothing isn't read from. */
	connection_read(c, connection_room(c) > 0 &&
				   (c->layer != LAYER_TLS || c->ended ||
				    !connection_is_full(c)));
}

/* Beginning. */

struct connection *connection_new(uv_loop_t *loop, char **spare,
				  const struct connection_ops *ops, void *arg)
{
	struct connection *c = calloc(1, sizeof(*c));

	assert(c);
	c->spare = spare;
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
	return uv_accept(listening, (uv_stream_t *)&c->tcp);
}

int connection_peer_name(const struct connection *c,
			 struct sockaddr_storage *ret)
{
	int size = sizeof(*ret);

	return uv_tcp_getpeername(&c->tcp, (struct sockaddr *)ret, &size);
}

void connection_run(struct connection *c, struct smtp_session *session)
{
	c->session = session;
	connection_process(c);
}
