/* SPDX-License-Identifier: MIT */
/* One SMTP server of the world: see smtp_server.h. */
#include "sim/smtp_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/fault.h"
#include "sim/net_fault.h"
#include "sim/sim_timer.h"

#define LISTEN_BACKLOG 128

/* Apart from the server: it lives on until libuv has closed it. */
struct listener {
	uv_tcp_t tcp;
	struct smtp_server *server;
};

struct smtp_server {
	struct smtp_server_shared *shared;
	const struct deadmx_server *config;
	struct sockaddr_in addr;
	struct fault_table faults;

	struct listener *listener; /* NULL while connections are refused */
	uv_timer_t edge;	   /* the next change at the connect stage */
	const struct deadmx_fault *state; /* what holds there; NULL: none */
	bool muted, unreachable;
	int fill[2]; /* net_fault_fill()'s, or -1 */

	struct connection *connections;
	size_t connection_count;
	size_t handles; /* of libuv, not yet closed, connections' apart */
	bool closing;
	void (*close_cb)(void *arg);
	void *close_arg;
};

struct connection {
	uv_tcp_t tcp;
	uv_timer_t timer; /* a stall or drip */
	uv_shutdown_t shutdown;
	struct smtp_server *server;
	struct smtp_session *session;
	struct connection *prev, *next;
	uint64_t number;
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
	char in[SMTP_SERVER_INPUT_MAX];
};

static void emit(struct smtp_server *s, enum deadmx_event_type type,
		 json_t *members)
{
	deadmx_event_emit(s->shared->log, type, members);
}

/* deadmx or the machine is at fault: the harness makes the run an error. */
static void emit_error(struct smtp_server *s, const char *what, int rc)
{
	char text[256];

	snprintf(text, sizeof(text), "%s: %s: %s", s->config->name, what,
		 strerror(-rc));
	emit(s, DEADMX_EVENT_ERROR,
	     json_pack("{s:o}", "what", deadmx_event_text(text, strlen(text))));
}

static json_t *session_event(const struct connection *c)
{
	return json_pack("{s:I,s:s}", "session", (json_int_t)c->number,
			 "server", c->server->config->name);
}

static void set_text(json_t *event, const char *key, const char *text)
{
	int rc = json_object_set_new(
		event, key,
		text ? deadmx_event_text(text, strlen(text)) : json_null());

	assert(rc == 0);
}

/* The end of closing: connections and handles are gone. */
static void server_closed(struct smtp_server *s)
{
	if (!s->closing || s->handles || s->connection_count)
		return;
	fault_table_release(&s->faults);
	if (s->close_cb)
		s->close_cb(s->close_arg);
	free(s);
}

/* Connections. */

static void connection_closed(uv_handle_t *handle)
{
	struct connection *c = handle->data;
	struct smtp_server *s = c->server;

	if (--c->open_handles)
		return;
	if (c->prev)
		c->prev->next = c->next;
	else
		s->connections = c->next;
	if (c->next)
		c->next->prev = c->prev;
	s->connection_count--;
	smtp_session_free(c->session);
	free(c->out);
	free(c);
	server_closed(s);
}

static void connection_close(struct connection *c, bool reset)
{
	c->ended = true;
	if (uv_is_closing((uv_handle_t *)&c->tcp))
		return;
	uv_close((uv_handle_t *)&c->timer, connection_closed);
	/* A reset isn't possible any more behind our own FIN. */
	if (!reset || uv_tcp_close_reset(&c->tcp, connection_closed) < 0)
		uv_close((uv_handle_t *)&c->tcp, connection_closed);
}

static void connection_flush(struct connection *c);

static void connection_on_shutdown(uv_shutdown_t *req, int status)
{
	struct connection *c = req->handle->data;

	/* The client's FIN is awaited: closing with input unread would send
	 * an RST that can overtake our last reply. */
	if (status < 0 || c->eof)
		connection_close(c, false);
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
		connection_close(c, false);
}

static void connection_log_close(struct connection *c, const char *by,
				 const char *how)
{
	json_t *event = session_event(c);

	set_text(event, "by", by);
	set_text(event, "how", how);
	emit(c->server, DEADMX_EVENT_CLOSE, event);
}

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

static void connection_send(struct connection *c, const char *text, size_t len)
{
	c->out = realloc(c->out, c->out_len + len);
	assert(c->out);
	memcpy(c->out + c->out_len, text, len);
	c->out_len += len;
}

/* What the session asks for. */

static const struct deadmx_fault *on_fault_at(void *arg,
					      enum deadmx_stage stage)
{
	struct connection *c = arg;
	struct smtp_server *s = c->server;

	return fault_take(&s->faults, stage, s->shared->now_ns(s->shared->arg));
}

static void on_send(void *arg, const char *text, size_t len)
{
	connection_send(arg, text, len);
}

static void connection_on_stalled(uv_timer_t *timer)
{
	struct connection *c = timer->data;

	smtp_session_resume(c->session);
	connection_process(c);
}

static void on_stall(void *arg, int64_t ns)
{
	struct connection *c = arg;

	sim_timer_start(&c->timer, connection_on_stalled, ns);
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

static void on_drip(void *arg, const char *text, size_t len, int64_t byte_ns)
{
	struct connection *c = arg;

	c->drip = text;
	c->drip_len = len;
	c->drip_ns = byte_ns;
	sim_timer_start(&c->timer, connection_on_drip, byte_ns);
}

static void on_close(void *arg, bool reset)
{
	struct connection *c = arg;

	connection_log_close(c, "server", reset ? "reset" : "fin");
	if (reset)
		connection_close(c, true);
	else
		connection_finish(c);
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Store as msg-N.eml; @ret_name is set in any case. */
static int message_store(struct smtp_server_shared *shared, const char *data,
			 size_t len, char *ret_name, size_t size)
{
	char path[4096];
	int fd, rc;

	snprintf(ret_name, size, "msg-%ju.eml", (uintmax_t)++shared->messages);
	if (!shared->message_dir)
		return 0;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", shared->message_dir,
			     ret_name) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, data, len);
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	return rc;
}

static void on_message(void *arg, const struct smtp_envelope *envelope,
		       const char *data, size_t len, bool acknowledged)
{
	struct connection *c = arg;
	struct smtp_server_shared *shared = c->server->shared;
	json_t *event = session_event(c), *to = json_array();
	char name[32];
	int rc = message_store(shared, data, len, name, sizeof(name));

	if (rc < 0)
		emit_error(c->server, "can't store a message", rc);
	for (size_t i = 0; i < envelope->to_count; i++)
		json_array_append_new(
			to, deadmx_event_text(envelope->to[i],
					      strlen(envelope->to[i])));
	set_text(event, "from", envelope->from);
	json_object_set_new(event, "to", to);
	set_text(event, "file", name);
	json_object_set_new(event, "bytes", json_integer((json_int_t)len));
	if (!acknowledged)
		json_object_set_new(event, "unacknowledged", json_true());
	emit(c->server, DEADMX_EVENT_MESSAGE, event);
	if (shared->on_message)
		shared->on_message(shared->arg, c->server->config, envelope,
				   data, len, acknowledged);
}

static void on_command(void *arg, const char *line, size_t len)
{
	struct connection *c = arg;
	json_t *event = session_event(c);

	json_object_set_new(event, "line", deadmx_event_text(line, len));
	emit(c->server, DEADMX_EVENT_COMMAND, event);
}

static void on_reply(void *arg, int stage, const char *text)
{
	struct connection *c = arg;
	json_t *event = session_event(c);

	set_text(event, "stage",
		 stage < 0 ? NULL
			   : deadmx_stage_word((enum deadmx_stage)stage));
	set_text(event, "text", text);
	emit(c->server, DEADMX_EVENT_REPLY, event);
}

static void on_fault(void *arg, const struct deadmx_fault *fault,
		     const char *reply)
{
	struct connection *c = arg;
	json_t *event = session_event(c);

	set_text(event, "stage", deadmx_stage_word(fault->stage));
	set_text(event, "action", deadmx_action_word(fault->action));
	set_text(event, "reply", reply);
	json_object_set_new(event, "line", json_integer(fault->place.line));
	emit(c->server, DEADMX_EVENT_FAULT, event);
}

static const struct smtp_session_ops session_ops = {
	.fault_at = on_fault_at,
	.send = on_send,
	.drip = on_drip,
	.stall = on_stall,
	.close = on_close,
	.message = on_message,
	.on_command = on_command,
	.on_reply = on_reply,
	.on_fault = on_fault,
};

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
		connection_log_close(c, "client", reset ? "reset" : "fin");
	if (reset || c->shut)
		connection_close(c, false);
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
		       SMTP_SERVER_OUTPUT_MAX;
}

/* Feed one line, or a part of one that fills all room. Bytes used. */
static size_t connection_feed(struct connection *c, const char *in, size_t len)
{
	const char *lf = memchr(in, '\n', len);
	enum smtp_line_end end = SMTP_LINE_LF;
	size_t used;

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

static void connection_log_accept(struct connection *c)
{
	struct sockaddr_in peer = {0};
	int len = sizeof(peer);
	char text[INET_ADDRSTRLEN] = "";
	json_t *event = session_event(c);

	/* Without the port, which differs from run to run. */
	if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&peer, &len) == 0)
		uv_ip4_name(&peer, text, sizeof(text));
	set_text(event, "address", c->server->config->address);
	json_object_set_new(event, "port",
			    json_integer(c->server->config->port));
	set_text(event, "peer", text);
	emit(c->server, DEADMX_EVENT_ACCEPT, event);
}

static struct connection *connection_new(struct smtp_server *s)
{
	struct connection *c = calloc(1, sizeof(*c));

	assert(c);
	c->server = s;
	c->tcp.data = c->timer.data = c;
	uv_tcp_init(s->shared->loop, &c->tcp);
	uv_timer_init(s->shared->loop, &c->timer);
	c->open_handles = 2;
	c->next = s->connections;
	if (c->next)
		c->next->prev = c;
	s->connections = c;
	s->connection_count++;
	return c;
}

static void connection_turn_away(struct connection *c)
{
	static const char text[] = "421 4.7.0 Too many connections\r\n";
	uv_buf_t buf = uv_buf_init((char *)text, sizeof(text) - 1);

	uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);
	on_reply(c, -1, "421 4.7.0 Too many connections");
	on_close(c, false);
	connection_close(c, false);
}

static void server_on_connection(uv_stream_t *stream, int status)
{
	struct listener *l = stream->data;
	struct smtp_server *s = l->server;
	struct connection *c;

	if (status < 0) {
		emit_error(s, "can't accept", status);
		return;
	}
	c = connection_new(s);
	status = uv_accept(stream, (uv_stream_t *)&c->tcp);
	if (status < 0) {
		emit_error(s, "can't accept", status);
		connection_close(c, false);
		return;
	}
	uv_tcp_nodelay(&c->tcp, 1);
	c->number = ++s->shared->sessions;
	connection_log_accept(c);
	if (s->connection_count > SMTP_SERVER_CONNECTIONS_MAX) {
		connection_turn_away(c);
		return;
	}
	c->session = smtp_session_new(s->config, &session_ops, c,
				      &s->shared->budget);
	assert(c->session);
	smtp_session_start(c->session);
	connection_process(c);
}

/* The listener and the connect stage. */

static void handle_closed(struct smtp_server *s)
{
	s->handles--;
	server_closed(s);
}

static void listener_closed(uv_handle_t *handle)
{
	struct listener *l = handle->data;
	struct smtp_server *s = l->server;

	free(l);
	handle_closed(s);
}

static void edge_closed(uv_handle_t *handle)
{
	handle_closed(handle->data);
}

static int listen_socket(const struct sockaddr_in *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, rc;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

static void server_unlisten(struct smtp_server *s)
{
	if (s->listener)
		uv_close((uv_handle_t *)&s->listener->tcp, listener_closed);
	s->listener = NULL;
}

static int server_listen(struct smtp_server *s)
{
	int fd, rc;

	if (s->listener)
		return 0;
	fd = listen_socket(&s->addr);
	if (fd < 0)
		return fd;
	s->listener = calloc(1, sizeof(*s->listener));
	assert(s->listener);
	s->listener->server = s;
	s->listener->tcp.data = s->listener;
	uv_tcp_init(s->shared->loop, &s->listener->tcp);
	s->handles++;
	rc = uv_tcp_open(&s->listener->tcp, fd);
	if (rc < 0)
		close(fd);
	else
		rc = uv_listen((uv_stream_t *)&s->listener->tcp, LISTEN_BACKLOG,
			       server_on_connection);
	if (rc < 0)
		server_unlisten(s);
	return rc;
}

/* Back to a server that listens and can be reached. */
static int server_heal(struct smtp_server *s)
{
	uv_os_fd_t fd;
	int rc = 0;

	if (s->unreachable)
		rc = net_fault_unreachable(&s->addr.sin_addr, false);
	s->unreachable = false;
	for (int i = 0; i < 2; i++) {
		if (s->fill[i] >= 0)
			close(s->fill[i]);
		s->fill[i] = -1;
	}
	if (s->muted && uv_fileno((uv_handle_t *)&s->listener->tcp, &fd) == 0)
		rc = net_fault_unmute(fd);
	s->muted = false;
	return rc < 0 ? rc : server_listen(s);
}

static int server_blackhole(struct smtp_server *s)
{
	uv_os_fd_t fd;
	int rc = uv_fileno((uv_handle_t *)&s->listener->tcp, &fd);

	if (rc < 0)
		return rc;
	rc = net_fault_mute(fd);
	s->muted = rc == 0;
	if (rc != -EPERM)
		return rc;
	server_unlisten(s);
	return net_fault_fill(&s->addr, s->fill);
}

/* @fault: what holds at the connect stage from now on; NULL: nothing. */
static int server_set_state(struct smtp_server *s,
			    const struct deadmx_fault *fault)
{
	int rc = server_heal(s);

	s->state = fault;
	if (rc < 0 || !fault)
		return rc;
	switch (fault->action) {
	case DEADMX_ACTION_REFUSE:
		server_unlisten(s);
		return 0;
	case DEADMX_ACTION_BLACKHOLE:
		return server_blackhole(s);
	case DEADMX_ACTION_UNREACHABLE:
		rc = net_fault_unreachable(&s->addr.sin_addr, true);
		s->unreachable = rc == 0;
		return rc;
	case DEADMX_ACTION_ACCEPT:
		return 0;
	case DEADMX_ACTION_REPLY:
	case DEADMX_ACTION_STALL:
	case DEADMX_ACTION_DRIP:
	case DEADMX_ACTION_DROP:
	case DEADMX_ACTION_RESET:
	case DEADMX_ACTION_COUNT:
		break;
	}
	assert(!"smtp_server_check() lets none of these pass");
	return -EINVAL;
}

static void server_log_state(struct smtp_server *s)
{
	const struct deadmx_fault *f = s->state;
	bool healthy = !f || f->action == DEADMX_ACTION_ACCEPT;
	json_t *event = json_pack("{s:s,s:s}", "server", s->config->name,
				  "stage", "connect");

	set_text(event, "action",
		 healthy ? NULL : deadmx_action_word(f->action));
	json_object_set_new(event, "line",
			    f ? json_integer(f->place.line) : json_null());
	emit(s, DEADMX_EVENT_STATE, event);
}

static void server_on_edge(uv_timer_t *timer);

static void server_await_edge(struct smtp_server *s, int64_t now)
{
	int64_t next = fault_next_edge(&s->faults, DEADMX_STAGE_CONNECT, now);

	uv_timer_stop(&s->edge);
	if (next != DEADMX_FOREVER_NS)
		sim_timer_start(&s->edge, server_on_edge, next - now);
}

static void server_on_edge(uv_timer_t *timer)
{
	struct smtp_server *s = timer->data;
	int64_t now = s->shared->now_ns(s->shared->arg);
	const struct deadmx_fault *f =
		fault_peek(&s->faults, DEADMX_STAGE_CONNECT, now);
	int rc;

	if (f != s->state) {
		rc = server_set_state(s, f);
		server_log_state(s);
		if (rc < 0)
			emit_error(s, "can't change the connect stage", rc);
	}
	server_await_edge(s, now);
}

int smtp_server_restart(struct smtp_server *s, bool report)
{
	int64_t now = s->shared->now_ns(s->shared->arg);
	int rc;

	fault_table_clear(&s->faults);
	rc = server_set_state(
		s, fault_peek(&s->faults, DEADMX_STAGE_CONNECT, now));
	if (report)
		server_log_state(s);
	if (report && rc < 0)
		emit_error(s, "can't set the connect stage", rc);
	server_await_edge(s, now);
	return rc;
}

/* What this machine, or the connect stage, can't do. */
static int server_check(const struct smtp_server_shared *shared,
			const struct deadmx_server *config, FILE *errors)
{
	for (size_t i = 0; i < config->fault_count; i++) {
		const struct deadmx_fault *f = &config->faults[i];
		const char *why = NULL;

		if (f->stage != DEADMX_STAGE_CONNECT)
			continue;
		if (f->first)
			why = "connections that never come about can't be "
			      "counted: `first` needs stage banner or later";
		else if (f->action == DEADMX_ACTION_UNREACHABLE &&
			 !shared->manage_network)
			why = "unreachable needs a sandbox, for its routes";
		else if (f->action > DEADMX_ACTION_UNREACHABLE)
			why = "this action needs stage banner or later";
		if (!why)
			continue;
		fprintf(errors, "%s:%d: server %s, stage connect: %s\n",
			f->place.file ? f->place.file : "scenario",
			f->place.line, config->name, why);
		return -ENOTSUP;
	}
	return 0;
}

size_t smtp_server_connections(const struct smtp_server *s)
{
	return s->connection_count;
}

int smtp_server_new(struct smtp_server_shared *shared,
		    const struct deadmx_server *config, FILE *errors,
		    struct smtp_server **ret)
{
	struct smtp_server *s;
	int rc = server_check(shared, config, errors);

	if (rc < 0)
		return rc;
	s = calloc(1, sizeof(*s));
	assert(s);
	s->shared = shared;
	s->config = config;
	s->fill[0] = s->fill[1] = -1;
	s->edge.data = s;
	uv_timer_init(shared->loop, &s->edge);
	s->handles++;
	rc = fault_table_init(&s->faults, config);
	if (rc == 0)
		rc = uv_ip4_addr(config->address, config->port, &s->addr);
	if (rc == 0)
		rc = server_listen(s);
	if (rc < 0) {
		fprintf(errors, "server %s: can't listen on %s port %u: %s\n",
			config->name, config->address, config->port,
			strerror(-rc));
		smtp_server_close(s, NULL, NULL);
		return rc;
	}
	*ret = s;
	return 0;
}

void smtp_server_close(struct smtp_server *s, void (*cb)(void *arg), void *arg)
{
	assert(!s->closing);
	s->closing = true;
	s->close_cb = cb;
	s->close_arg = arg;
	if (s->unreachable)
		net_fault_unreachable(&s->addr.sin_addr, false);
	for (int i = 0; i < 2; i++)
		if (s->fill[i] >= 0)
			close(s->fill[i]);
	server_unlisten(s);
	uv_close((uv_handle_t *)&s->edge, edge_closed);
	for (struct connection *c = s->connections; c; c = c->next)
		connection_close(c, false);
}
