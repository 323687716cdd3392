/* SPDX-License-Identifier: MIT */
/* One SMTP server of the world: see smtp_server.h. */
#include "sim/smtp_server.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/connection.h"
#include "sim/fault.h"
#include "sim/listener.h"
#include "sim/override.h"
#include "sim/policy.h"
#include "sim/sim_timer.h"
#include "sim/spf_zone.h"
#include "sim/starttls.h"

enum { DOORS = 2 }; /* IPv4, IPv6 */

/* One of the server's addresses. */
struct door {
	struct smtp_server *server;
	struct listener *listener; /* or NULL */
	const char *address;
	int ip_version;
	const struct deadmx_fault *state; /* what holds; NULL: none */
};

struct smtp_server {
	struct smtp_server_shared *shared;
	const struct deadmx_server *config;
	struct fault_table faults;
	struct override *override; /* rows above them, or NULL */
	struct override *retired;  /* no more in force; sessions point there */
	size_t retired_count;
	struct policy policy;
	struct relay_route route; /* of a frontend */

	struct door doors[DOORS]; /* those without listener are not used */
	uv_timer_t edge;	  /* the next change at the connect stage */

	struct peer *peers;
	size_t peer_count;
	char *spare;	   /* input buffer: see connection_new() */
	uint64_t accepted; /* connections, since the timeline began */
	size_t parts;	   /* not yet closed, peers apart; relays, too */
	bool closing;
	void (*close_cb)(void *arg);
	void *close_arg;
};

/* One client: its connection and its session. */
struct peer {
	struct smtp_server *server;
	const struct door *door; /* by which it came */
	struct connection *connection;
	struct smtp_session *session;
	struct peer *prev, *next;
	struct relay *relay;		      /* of a frontend */
	const struct deadmx_server *frontend; /* that the client is, or NULL */
	bool knows_spf;			      /* of this mail */
	enum deadmx_spf spf;
	bool over;	 /* its close event is written */
	uint64_t number; /* of the world's sessions */
	uint64_t nth;	 /* of the server's connections, from 1 */
	char address[INET6_ADDRSTRLEN];
};

static void emit(struct smtp_server *s, enum deadmx_event_type type,
		 json_t *members)
{
	deadmx_event_emit(s->shared->log, type, members);
}

static struct deadmx_event_member text_member(const char *key, const char *text,
					      size_t len)
{
	return (struct deadmx_event_member){
		.key = key, .text = text, .len = len};
}

/* The text, without the NUL; NULL is null. */
static struct deadmx_event_member word_member(const char *key, const char *text)
{
	return text_member(key, text, text ? strlen(text) : 0);
}

static struct deadmx_event_member number_member(const char *key, int64_t number)
{
	return (struct deadmx_event_member){
		.key = key, .is_number = true, .number = number};
}

enum { EVENT_MEMBERS_MAX = 7 }; /* beside session and server */

/* An event of a session. */
static void emit_session(const struct peer *p, enum deadmx_event_type type,
			 const struct deadmx_event_member *members,
			 size_t count)
{
	struct deadmx_event_member all[2 + EVENT_MEMBERS_MAX] = {
		number_member("session", (int64_t)p->number),
		word_member("server", p->server->config->name),
	};

	assert(count <= EVENT_MEMBERS_MAX);
	memcpy(all + 2, members, count * sizeof(*members));
	deadmx_event_emit_flat(p->server->shared->log, type, all, 2 + count);
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

static json_t *session_event(const struct peer *p)
{
	return json_pack("{s:I,s:s}", "session", (json_int_t)p->number,
			 "server", p->server->config->name);
}

static void set_text(json_t *event, const char *key, const char *text)
{
	int rc = json_object_set_new(
		event, key,
		text ? deadmx_event_text(text, strlen(text)) : json_null());

	assert(rc == 0);
}

/* Nobody goes by rows of the past once the last session has ended. */
static void server_free_retired(struct smtp_server *s)
{
	while (s->retired) {
		struct override *next = override_next(s->retired);

		override_free(s->retired);
		s->retired = next;
	}
	s->retired_count = 0;
}

/* The end of closing: peers and handles are gone. */
static void server_closed(struct smtp_server *s)
{
	if (!s->closing || s->parts || s->peer_count)
		return;
	fault_table_release(&s->faults);
	override_free(s->override);
	server_free_retired(s);
	policy_release(&s->policy);
	free(s->spare);
	relay_route_release(&s->route);
	if (s->close_cb)
		s->close_cb(s->close_arg);
	free(s);
}

static void server_part_closed(struct smtp_server *s)
{
	s->parts--;
	server_closed(s);
}

/* SPF. */

struct spf_question {
	struct peer *peer;
	const struct fault_context *context;
};

static void peer_log_spf(const struct peer *p, const char *sender,
			 const char *explanation)
{
	json_t *event = session_event(p);

	set_text(event, "sender", sender);
	set_text(event, "result", spf_word(p->spf));
	set_text(event, "explanation", explanation);
	emit(p->server, DEADMX_EVENT_SPF, event);
}

/* Once a mail, as a server does it: at the first row that wants to know. */
static enum deadmx_spf on_spf(void *arg)
{
	const struct spf_question *q = arg;
	const struct smtp_server_shared *shared = q->peer->server->shared;
	struct peer *p = q->peer;
	struct spf_query query = {.ip = p->address,
				  .helo = q->context->helo,
				  .sender = q->context->sender,
				  .receiver = p->server->config->name};
	char explanation[SPF_EXPLANATION_MAX];

	if (!query.sender || !shared->zone)
		return DEADMX_SPF_NONE;
	if (p->knows_spf)
		return p->spf;
	p->spf = spf_zone_check(shared->zone, q->context->now_ns, &query,
				explanation, sizeof(explanation));
	p->knows_spf = true;
	peer_log_spf(p, query.sender, explanation);
	return p->spf;
}

/* What the session asks for. */

static const struct deadmx_fault *on_fault_at(void *arg,
					      struct fault_context *context)
{
	struct peer *p = arg;
	struct smtp_server *s = p->server;
	struct spf_question spf = {.peer = p, .context = context};
	const struct deadmx_fault *f;

	if (context->stage == DEADMX_STAGE_MAIL)
		p->knows_spf = false;
	context->spf = on_spf;
	context->spf_arg = &spf;
	context->now_ns = s->shared->now_ns(s->shared->arg);
	context->connection = p->nth;
	context->ip = p->address;
	context->ip_version = p->door->ip_version;
	context->connections = s->peer_count;
	f = override_take(s->override, context);
	f = f ? f : fault_take(&s->faults, context);
	if (f && f->action != DEADMX_ACTION_ACCEPT)
		return f;
	return policy_refuses(&s->policy, context);
}

static uint32_t on_attempt(void *arg, const char *sender, const char *recipient)
{
	struct peer *p = arg;
	struct smtp_server *s = p->server;

	int64_t now = s->shared->now_ns(s->shared->arg);
	uint32_t n = fault_attempt(&s->faults, sender, recipient, now);
	uint32_t own = override_attempt(s->override, sender, recipient, now);

	return n ? n : own;
}

static void on_send(void *arg, const char *text, size_t len)
{
	const struct peer *p = arg;

	connection_send(p->connection, text, len);
}

static void on_stall(void *arg, int64_t ns)
{
	const struct peer *p = arg;

	connection_stall(p->connection, ns);
}

static void on_drip(void *arg, const char *text, size_t len, int64_t byte_ns)
{
	const struct peer *p = arg;

	connection_drip(p->connection, text, len, byte_ns);
}

static void peer_log_close(struct peer *p, const char *by, bool reset)
{
	const struct deadmx_event_member members[] = {
		word_member("by", by),
		word_member("how", reset ? "reset" : "fin"),
	};

	p->over = true;
	emit_session(p, DEADMX_EVENT_CLOSE, members, 2);
}

static void on_close(void *arg, bool reset)
{
	struct peer *p = arg;

	peer_log_close(p, "server", reset);
	connection_end(p->connection, reset);
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

static void peer_log_message(const struct peer *p,
			     const struct smtp_envelope *envelope,
			     const char *file, size_t len, bool acknowledged)
{
	struct deadmx_event_member members[EVENT_MEMBERS_MAX] = {
		word_member("from", envelope->from),
		{.key = "to",
		 .list = envelope->to,
		 .list_len = envelope->to_count},
		word_member("file", file),
		number_member("bytes", (int64_t)len),
	};
	size_t count = 4;

	if (p->relay)
		members[count++] =
			word_member("backend", relay_backend(p->relay));
	if (p->frontend)
		members[count++] = word_member("frontend", p->frontend->name);
	if (!acknowledged)
		members[count++] = (struct deadmx_event_member){
			.key = "unacknowledged", .is_true = true};
	emit_session(p, DEADMX_EVENT_MESSAGE, members, count);
}

static void on_message(void *arg, const struct smtp_envelope *envelope,
		       const char *data, size_t len, bool acknowledged)
{
	struct peer *p = arg;
	struct smtp_server_shared *shared = p->server->shared;
	char name[32];
	int rc;

	/* Whether the sender learns of it is with the frontend, which then
	 * says that the message is there. */
	if (p->frontend && acknowledged)
		return;
	rc = message_store(shared, data, len, name, sizeof(name));
	if (rc < 0)
		emit_error(p->server, "can't store a message", rc);
	peer_log_message(p, envelope, name, len, acknowledged);
	if (shared->on_message)
		shared->on_message(shared->arg, p->server->config, envelope,
				   data, len, acknowledged);
}

static void on_command(void *arg, const char *line, size_t len)
{
	const struct deadmx_event_member member =
		text_member("line", line, len);

	emit_session(arg, DEADMX_EVENT_COMMAND, &member, 1);
}

static void on_reply(void *arg, int stage, const char *text)
{
	const struct deadmx_event_member members[] = {
		word_member("stage",
			    stage < 0 ? NULL
				      : deadmx_stage_word(
						(enum deadmx_stage)stage)),
		word_member("text", text),
	};

	emit_session(arg, DEADMX_EVENT_REPLY, members, 2);
}

static void on_fault(void *arg, const struct deadmx_fault *fault,
		     const char *reply)
{
	const struct deadmx_event_member members[] = {
		word_member("stage", deadmx_stage_word(fault->stage)),
		word_member("action", deadmx_action_word(fault->action)),
		word_member("reply", reply),
		number_member("line", fault->place.line),
	};

	emit_session(arg, DEADMX_EVENT_FAULT, members, 4);
}

static void on_start_tls(void *arg)
{
	const struct peer *p = arg;

	connection_expect_tls(p->connection);
}

static void on_pull(void *arg)
{
	struct peer *p = arg;
	int rc = connection_pull(p->connection);

	if (rc < 0)
		emit_error(p->server, "half_open needs CAP_NET_ADMIN here", rc);
}

static void on_stop_reading(void *arg)
{
	const struct peer *p = arg;

	connection_stop_reading(p->connection);
}

static void on_slow(void *arg, int64_t ns)
{
	const struct peer *p = arg;

	connection_slow(p->connection, ns);
}

/* Frontends. */

static bool on_relay(void *arg, enum deadmx_stage stage,
		     const struct smtp_envelope *envelope, const char *path,
		     const char *data, size_t len, const char **ret_reply)
{
	struct peer *p = arg;
	const struct smtp_server_shared *shared = p->server->shared;
	const struct relay_question question = {
		.stage = stage,
		.now_ns = shared->now_ns(shared->arg),
		.envelope = envelope,
		.path = path,
		.data = data,
		.len = len,
	};

	return p->relay && relay_ask(p->relay, &question, ret_reply);
}

static void on_relay_forget(void *arg)
{
	struct peer *p = arg;

	if (p->relay)
		relay_forget(p->relay);
}

static void peer_on_relay_reply(void *arg, const char *reply)
{
	struct peer *p = arg;

	smtp_session_relayed(p->session, reply);
	connection_resume(p->connection);
}

static void peer_on_relay_try(void *arg, const struct relay_try *t)
{
	const struct peer *p = arg;
	json_t *event = session_event(p);
	bool failed = t->error != RELAY_ERROR_NONE;

	set_text(event, "backend", t->backend ? t->backend->name : NULL);
	set_text(event, "address", t->address);
	json_object_set_new(event, "port", json_integer(t->port));
	set_text(event, "error", failed ? relay_error_word(t->error) : NULL);
	set_text(event, "reply", t->reply);
	emit(p->server, DEADMX_EVENT_RELAY, event);
}

static const struct relay_ops relay_ops = {
	.on_reply = peer_on_relay_reply,
	.on_try = peer_on_relay_try,
};

static void peer_open_relay(struct peer *p)
{
	struct smtp_server *s = p->server;
	const struct relay_options options = {
		.loop = s->shared->loop,
		.world = s->shared->world,
		.frontend = s->config,
		.route = &s->route,
		.links = &s->shared->links,
	};

	if (!s->config->relay)
		return;
	p->relay = relay_new(&options, &relay_ops, p);
	s->parts++;
}

static void server_on_relay_closed(void *arg)
{
	server_part_closed(arg);
}

/* The world's end doesn't wait for a backend's farewell. */
static void peer_close_relay(struct peer *p)
{
	struct smtp_server *s = p->server;

	if (!p->relay)
		return;
	relay_close(p->relay, server_on_relay_closed, s);
	p->relay = NULL;
	if (s->closing)
		relay_links_abort(&s->shared->links, s->config);
}

static const struct smtp_session_ops session_ops = {
	.fault_at = on_fault_at,
	.attempt = on_attempt,
	.send = on_send,
	.drip = on_drip,
	.stall = on_stall,
	.close = on_close,
	.message = on_message,
	.start_tls = on_start_tls,
	.pull = on_pull,
	.stop_reading = on_stop_reading,
	.slow = on_slow,
	.relay = on_relay,
	.relay_forget = on_relay_forget,
	.on_command = on_command,
	.on_reply = on_reply,
	.on_fault = on_fault,
};

/* TLS. */

/* The server's side of a handshake as planned; NULL: OpenSSL fails us. */
static struct tls *peer_tls_new(const struct peer *p,
				const struct starttls_plan *plan)
{
	const struct smtp_server_shared *shared = p->server->shared;
	const struct tls_cert *cert;

	if (tls_authority_issue(shared->authority, &plan->certificate, &cert) <
	    0)
		return NULL;
	return tls_new(shared->tls, cert, plan->profile);
}

static void peer_shake_hands(struct peer *p, const struct starttls_plan *plan)
{
	struct tls *tls = peer_tls_new(p, plan);

	if (tls) {
		connection_tls(p->connection, tls, plan->delay_ns);
		return;
	}
	emit_error(p->server, "can't begin TLS", -EIO);
	on_close(p, false);
}

static void peer_on_tls(void *arg)
{
	struct peer *p = arg;
	struct smtp_server *s = p->server;
	struct fault_context context = {.stage = DEADMX_STAGE_TLS};
	struct deadmx_fault fault = {.stage = DEADMX_STAGE_TLS};
	const struct deadmx_fault *row = on_fault_at(p, &context);
	const struct starttls_clock clock = {.now_ns = context.now_ns,
					     .unix_s = s->shared->unix_s,
					     .arg = s->shared->arg};
	struct starttls_plan plan;

	starttls_plan(s->config, row, &clock, &plan);
	fault.action = plan.action;
	fault.place.line = plan.line;
	if (plan.action != DEADMX_ACTION_ACCEPT)
		on_fault(p, &fault, NULL);
	if (plan.action == DEADMX_ACTION_DROP ||
	    plan.action == DEADMX_ACTION_RESET)
		on_close(p, plan.action == DEADMX_ACTION_RESET);
	else if (plan.action == DEADMX_ACTION_GARBAGE)
		connection_send(p->connection, STARTTLS_GARBAGE,
				STARTTLS_GARBAGE_LEN);
	else if (plan.delay_ns != DEADMX_FOREVER_NS)
		peer_shake_hands(p, &plan);
}

static void peer_on_tls_done(void *arg, const struct tls *tls)
{
	struct peer *p = arg;
	json_t *event = session_event(p);

	set_text(event, "version", tls_version(tls));
	set_text(event, "cipher", tls_cipher(tls));
	set_text(event, "server_name", tls_server_name(tls));
	set_text(event, "error", tls_error(tls));
	emit(p->server, DEADMX_EVENT_TLS, event);
	if (tls_state(tls) == TLS_STATE_FAILED)
		on_close(p, false);
}

/* Clients. */

static void peer_on_hangup(void *arg, bool reset)
{
	/* Nobody waits for the backend any more. */
	on_relay_forget(arg);
	peer_log_close(arg, "client", reset);
}

static void peer_on_closed(void *arg)
{
	struct peer *p = arg;
	struct smtp_server *s = p->server;

	if (p->prev)
		p->prev->next = p->next;
	else
		s->peers = p->next;
	if (p->next)
		p->next->prev = p->prev;
	/* While the peer counts: the server must outlive this. */
	peer_close_relay(p);
	s->peer_count--;
	s->shared->connections--;
	smtp_session_free(p->session);
	free(p);
	if (!s->peer_count)
		server_free_retired(s);
	server_closed(s);
}

static const struct connection_ops peer_ops = {
	.on_hangup = peer_on_hangup,
	.on_tls = peer_on_tls,
	.on_tls_done = peer_on_tls_done,
	.on_closed = peer_on_closed,
};

static struct peer *peer_new(struct smtp_server *s, const struct door *door)
{
	struct peer *p = calloc(1, sizeof(*p));

	assert(p);
	p->server = s;
	p->door = door;
	p->connection =
		connection_new(s->shared->loop, &s->spare, &peer_ops, p);
	p->next = s->peers;
	if (p->next)
		p->next->prev = p;
	s->peers = p;
	s->peer_count++;
	s->shared->connections++;
	return p;
}

static void peer_log_accept(const struct peer *p)
{
	const struct deadmx_event_member members[] = {
		word_member("address", p->door->address),
		number_member("port", p->server->config->port),
		/* Without the client's port, which differs between runs. */
		word_member("peer", p->address),
		word_member("frontend", p->frontend ? p->frontend->name : NULL),
	};

	emit_session(p, DEADMX_EVENT_ACCEPT, members, p->frontend ? 4 : 3);
}

static void peer_turn_away(struct peer *p)
{
	static const char text[] = "421 4.7.0 Too many connections\r\n";

	on_reply(p, -1, "421 4.7.0 Too many connections");
	peer_log_close(p, "server", false);
	connection_turn_away(p->connection, text, sizeof(text) - 1);
}

static void door_on_error(void *arg, int rc)
{
	const struct door *d = arg;

	emit_error(d->server, "can't accept", rc);
}

/* Accepted, and closed before a word is said. */
static void peer_hang_up(struct peer *p, const struct deadmx_fault *fault)
{
	bool reset = fault->action == DEADMX_ACTION_RESET;

	on_fault(p, fault, NULL);
	peer_log_close(p, "server", reset);
	connection_end(p->connection, reset);
}

static bool hangs_up(const struct deadmx_fault *fault)
{
	return fault && (fault->action == DEADMX_ACTION_DROP ||
			 fault->action == DEADMX_ACTION_RESET);
}

static void peer_greet(struct peer *p)
{
	struct smtp_server *s = p->server;

	p->session = smtp_session_new(s->config, &session_ops, p,
				      &s->shared->budget);
	assert(p->session);
	smtp_session_set_client(p->session, p->address);
	peer_open_relay(p);
	smtp_session_start(p->session);
	connection_run(p->connection, p->session);
}

/* Its address as text, "" when it has gone, and whether it is a frontend. */
static void peer_know_client(struct peer *p)
{
	struct sockaddr_storage name = {0};
	const struct sockaddr *addr = (const struct sockaddr *)&name;

	if (connection_peer_name(p->connection, &name) < 0)
		return;
	uv_ip_name(addr, p->address, sizeof(p->address));
	p->frontend = relay_frontend_at(&p->server->shared->links, addr);
}

static size_t server_connections_max(const struct smtp_server *s)
{
	return s->shared->connections_max ? s->shared->connections_max
					  : SMTP_SERVER_CONNECTIONS_MAX;
}

static void door_on_connection(void *arg, uv_stream_t *stream)
{
	const struct door *d = arg;
	struct smtp_server *s = d->server;
	struct peer *p = peer_new(s, d);
	int rc = connection_accept(p->connection, stream);

	if (rc < 0) {
		door_on_error(arg, rc);
		connection_close(p->connection);
		return;
	}
	p->number = ++s->shared->sessions;
	p->nth = ++s->accepted;
	policy_connection(&s->policy, s->shared->now_ns(s->shared->arg));
	peer_know_client(p);
	peer_log_accept(p);
	if (s->shared->connections > server_connections_max(s))
		peer_turn_away(p);
	else if (hangs_up(d->state))
		peer_hang_up(p, d->state);
	else
		peer_greet(p);
}

/* The connect stage. */

static void door_on_closed(void *arg)
{
	const struct door *d = arg;

	server_part_closed(d->server);
}

static const struct listener_ops listener_ops = {
	.on_connection = door_on_connection,
	.on_error = door_on_error,
	.on_closed = door_on_closed,
};

static void edge_closed(uv_handle_t *handle)
{
	server_part_closed(handle->data);
}

/* @fault: what holds at the connect stage from now on; NULL: nothing. */
static int door_set_state(struct door *d, const struct deadmx_fault *fault)
{
	d->state = fault;
	return listener_set(d->listener,
			    fault ? fault->action : DEADMX_ACTION_ACCEPT);
}

static void door_log_state(const struct door *d)
{
	const struct deadmx_fault *f = d->state;
	bool healthy = !f || f->action == DEADMX_ACTION_ACCEPT;
	json_t *event = json_pack("{s:s,s:s}", "server",
				  d->server->config->name, "stage", "connect");

	set_text(event, "action",
		 healthy ? NULL : deadmx_action_word(f->action));
	json_object_set_new(event, "line",
			    f ? json_integer(f->place.line) : json_null());
	set_text(event, "address", d->address);
	emit(d->server, DEADMX_EVENT_STATE, event);
}

static void server_on_edge(uv_timer_t *timer);

static void server_await_edge(struct smtp_server *s, int64_t now)
{
	const struct smtp_server_shared *shared = s->shared;
	int64_t next = fault_next_edge(&s->faults, DEADMX_STAGE_CONNECT, now);
	int64_t above =
		override_next_edge(s->override, DEADMX_STAGE_CONNECT, now);

	if (above < next)
		next = above;
	uv_timer_stop(&s->edge);
	if (next != DEADMX_FOREVER_NS)
		sim_timer_start(&s->edge, server_on_edge,
				shared->wait_ns
					? shared->wait_ns(shared->arg, next)
					: next - now);
}

/* What holds at the connect stage. */
static const struct deadmx_fault *door_fault(const struct door *d, int64_t now)
{
	const struct smtp_server *s = d->server;
	const struct fault_context context = {.now_ns = now,
					      .stage = DEADMX_STAGE_CONNECT,
					      .ip_version = d->ip_version};
	const struct deadmx_fault *f = override_peek(s->override, &context);

	return f ? f : fault_peek(&s->faults, &context);
}

/* Apply what holds at the connect stage, if that has changed. */
static int door_update(struct door *d, int64_t now)
{
	const struct deadmx_fault *f;
	int rc;

	if (!d->listener)
		return 0;
	f = door_fault(d, now);
	if (f == d->state)
		return 0;
	rc = door_set_state(d, f);
	door_log_state(d);
	if (rc < 0)
		emit_error(d->server, "can't change the connect stage", rc);
	return rc;
}

static int server_update(struct smtp_server *s)
{
	int64_t now = s->shared->now_ns(s->shared->arg);
	int rc = 0;

	for (int i = 0; i < DOORS; i++) {
		int r = door_update(&s->doors[i], now);

		rc = rc < 0 ? rc : r;
	}
	server_await_edge(s, now);
	return rc;
}

static void server_on_edge(uv_timer_t *timer)
{
	server_update(timer->data);
}

void smtp_server_retime(struct smtp_server *s)
{
	server_update(s);
}

static int door_restart(struct door *d, int64_t now, bool report)
{
	int rc;

	if (!d->listener)
		return 0;
	rc = door_set_state(d, door_fault(d, now));
	if (report)
		door_log_state(d);
	if (report && rc < 0)
		emit_error(d->server, "can't set the connect stage", rc);
	return rc;
}

int smtp_server_restart(struct smtp_server *s, bool report)
{
	int64_t now = s->shared->now_ns(s->shared->arg);
	int rc = 0;

	fault_table_clear(&s->faults);
	policy_clear(&s->policy);
	s->accepted = 0;
	for (int i = 0; i < DOORS; i++) {
		int r = door_restart(&s->doors[i], now, report);

		rc = rc < 0 ? rc : r;
	}
	server_await_edge(s, now);
	return rc;
}

/* What this machine, or the connect stage, can't do. */
static const char *connect_problem(const struct smtp_server_shared *shared,
				   enum deadmx_action action)
{
	switch (listener_check(action, shared->manage_network)) {
	case 0:
		return NULL;
	case -EINVAL:
		return "this action needs stage banner or later";
	default:
		return "it is told by ICMP, which only root may speak (or who "
		       "has CAP_NET_RAW)";
	}
}

static int server_check(const struct smtp_server_shared *shared,
			const struct deadmx_server *config, FILE *errors)
{
	for (size_t i = 0; i < config->fault_count; i++) {
		const struct deadmx_fault *f = &config->faults[i];
		const char *why = NULL;

		if (f->stage != DEADMX_STAGE_CONNECT)
			continue;
		if (f->window.first)
			why = "connections that never come about can't be "
			      "counted: `first` needs stage banner or later";
		else
			why = connect_problem(shared, f->action);
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
	return s->peer_count;
}

size_t smtp_server_open_sessions(const struct smtp_server *s)
{
	size_t n = 0;

	for (const struct peer *p = s->peers; p; p = p->next)
		n += !p->over;
	return n;
}

void smtp_server_disconnect(struct smtp_server *s)
{
	for (struct peer *p = s->peers, *next; p; p = next) {
		next = p->next;
		if (!p->over)
			peer_log_close(p, "server", false);
		connection_close(p->connection);
	}
}

/* Rows above the timeline. */

static void server_retire_override(struct smtp_server *s)
{
	if (!s->override)
		return;
	override_set_next(s->override, s->retired);
	s->retired = s->override;
	s->retired_count++;
	s->override = NULL;
}

static int server_set_override(struct smtp_server *s, struct override *o)
{
	int rc;

	server_retire_override(s);
	s->override = o;
	/* Before what is retired goes: the state may be a row of it. */
	rc = server_update(s);
	if (!s->peer_count)
		server_free_retired(s);
	return rc;
}

int smtp_server_override(struct smtp_server *s, const char *text, size_t len,
			 FILE *errors)
{
	const struct override_owner owner = {
		.server = s->config,
		.seed = s->shared->seed,
		.replies = s->shared->replies,
		.reply_count = s->shared->reply_count,
		.expiry_ns = s->shared->expiry_ns,
	};
	struct override *o = NULL;
	int rc;

	if (s->retired_count == SMTP_SERVER_OVERRIDES_MAX)
		return -EBUSY;
	rc = override_new(&owner, text, len, s->shared->now_ns(s->shared->arg),
			  errors, &o);
	if (rc < 0)
		return rc;
	rc = server_check(s->shared, override_server(o), errors);
	if (rc == 0)
		return server_set_override(s, o);
	override_free(o);
	return rc;
}

int smtp_server_override_clear(struct smtp_server *s)
{
	return server_set_override(s, NULL);
}

/* Add the rows of @t to the @n that are there. */
static size_t add_rows(const struct fault_table *t, int64_t now_ns,
		       struct deadmx_world_row row, size_t n,
		       struct deadmx_world_row *rows, size_t max)
{
	for (size_t i = 0; i < t->server->fault_count; i++, n++) {
		row.fault = &t->server->faults[i];
		row.open = fault_is_open(t, i, now_ns - row.since_ns);
		if (n < max)
			rows[n] = row;
	}
	return n;
}

size_t smtp_server_rows(const struct smtp_server *s,
			struct deadmx_world_row *rows, size_t max)
{
	int64_t now = s->shared->now_ns(s->shared->arg);
	struct deadmx_world_row row = {.by_hand = true};
	size_t n = 0;

	if (s->override) {
		row.since_ns = override_since_ns(s->override);
		n = add_rows(override_faults(s->override), now, row, n, rows,
			     max);
	}
	row = (struct deadmx_world_row){0};
	return add_rows(&s->faults, now, row, n, rows, max);
}

/* Is it ever to matter how fast it reads? */
static bool server_reads_badly(const struct deadmx_server *config)
{
	for (size_t i = 0; i < config->fault_count; i++) {
		const struct deadmx_fault *f = &config->faults[i];

		if (f->stage == DEADMX_STAGE_BODY &&
		    (f->action == DEADMX_ACTION_STOP_READING || f->drip_ns))
			return true;
	}
	return false;
}

static int door_open(struct smtp_server *s, int ip_version, const char *address)
{
	struct door *d = &s->doors[ip_version == 6];
	struct sockaddr_storage addr = {0};
	uint16_t port = s->config->port;
	int rc = ip_version == 6 ? uv_ip6_addr(address, port, (void *)&addr)
				 : uv_ip4_addr(address, port, (void *)&addr);

	if (rc < 0)
		return rc;
	d->server = s;
	d->address = address;
	d->ip_version = ip_version;
	d->listener = listener_new(s->shared->loop, (struct sockaddr *)&addr,
				   s->shared->manage_network, &listener_ops, d);
	s->parts++;
	if (server_reads_badly(s->config))
		listener_set_small_window(d->listener);
	return listener_set(d->listener, DEADMX_ACTION_ACCEPT);
}

/* @ret_address: where it went wrong. */
static int server_open(struct smtp_server *s, const char **ret_address)
{
	int rc = fault_table_init(&s->faults, s->config, s->shared->seed);

	*ret_address = s->config->address;
	if (rc == 0)
		rc = policy_init(&s->policy, s->config);
	if (rc == 0 && s->config->relay)
		relay_route_init(&s->route, s->config->relay);
	if (rc == 0)
		rc = door_open(s, 4, s->config->address);
	if (rc < 0 || !s->config->address6)
		return rc;
	*ret_address = s->config->address6;
	return door_open(s, 6, s->config->address6);
}

int smtp_server_new(struct smtp_server_shared *shared,
		    const struct deadmx_server *config, FILE *errors,
		    struct smtp_server **ret)
{
	struct smtp_server *s;
	const char *address;
	int rc = server_check(shared, config, errors);

	if (rc < 0)
		return rc;
	s = calloc(1, sizeof(*s));
	assert(s);
	s->shared = shared;
	s->config = config;
	s->edge.data = s;
	uv_timer_init(shared->loop, &s->edge);
	s->parts++;
	rc = server_open(s, &address);
	if (rc < 0) {
		fprintf(errors, "server %s: can't listen on %s port %u: %s\n",
			config->name, address, config->port, strerror(-rc));
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
	for (struct peer *p = s->peers; p; p = p->next)
		connection_close(p->connection);
	relay_links_abort(&s->shared->links, s->config);
	uv_close((uv_handle_t *)&s->edge, edge_closed);
	/* They may be gone at once, the last one with the server. */
	s->parts++;
	for (int i = 0; i < DOORS; i++)
		if (s->doors[i].listener)
			listener_close(s->doors[i].listener);
	server_part_closed(s);
}
