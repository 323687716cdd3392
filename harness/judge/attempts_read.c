/* SPDX-License-Identifier: MIT */
/*
 * The one pass through the event log that fills struct attempts.
 *
 * Each event type has one function here. What a connection is for is known
 * only when its RCPT comes; a refused one is booked for the first recipient
 * of the server's domains that is still open.
 */
#include <assert.h>
#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/judge/attempts.h"
#include "harness/judge/attempts_bounce.h"
#include "harness/judge/attempts_dns.h"
#include "harness/judge/event_log.h"
#include "harness/judge/findings.h"
#include "harness/judge/judge.h"
#include "harness/judge/route.h"
#include "harness/judge/wire.h"

enum { READER_SMTP = 25 };

/* What the pass knows of one address of a server. */
struct reader_door {
	const char *state; /* connect-level fault in force, or NULL */
	size_t pair_from;  /* tries before this can't be paired any more */
	size_t unpaired;   /* index + 1 of the newest unpaired; 0 = none */
};

struct reader_server {
	bool is_relevant;	     /* takes mail for a recipient */
	struct reader_door doors[2]; /* IPv4, IPv6 */
};

struct reader {
	struct attempts *a;
	struct verdict *v;
	const char *dir;
	struct reader_server *servers; /* as the scenario's */
	struct attempts_dns *dns;
	struct wire *wire;
	/* number → index of its try + 1; 0: from a frontend of the world */
	GHashTable *sessions;
	char *log_lines[ATTEMPTS_LOG_LINES]; /* a ring */
	uint64_t log_count;
	size_t run_findings;
	bool is_stopping;
	bool has_failed_injection;
	bool *is_waiting; /* of each mail: not taken so far, tried again */
	bool is_flooded;  /* more attempts than are kept */
	/* Of a run in real time nobody sees connections that are refused. */
	bool is_real_time;
	bool has_shut_door; /* a server has had such a fault */
};

static char *reader_copy(const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	assert(copy || !text);
	return copy;
}

/* The table's own string for @word: it outlives the event. */
static const char *reader_stage(const char *word)
{
	enum deadmx_stage stage;

	return word && deadmx_stage_parse(word, &stage) == 0
		       ? deadmx_stage_word(stage)
		       : NULL;
}

static const char *reader_action(const char *word)
{
	enum deadmx_action action;

	return word && deadmx_action_parse(word, &action) == 0
		       ? deadmx_action_word(action)
		       : NULL;
}

/* Index of the server that @member of an event names; the number of servers
 * when unknown. */
static size_t reader_server(const struct reader *r, const struct event *e,
			    const char *member)
{
	const struct deadmx_world *w = &r->a->scenario->world;
	const char *name = event_text(e, member);
	size_t i;

	for (i = 0; i < w->server_count; i++)
		if (name && strcasecmp(w->servers[i].name, name) == 0)
			break;
	return i;
}

/* The address an event names; IPv4 in an IPv6 socket is IPv4. */
static const char *reader_address(const struct event *e)
{
	static const char mapped[] = "::ffff:";
	const char *address = event_text(e, "address");

	if (address && strncasecmp(address, mapped, sizeof(mapped) - 1) == 0)
		address += sizeof(mapped) - 1;
	return address;
}

static bool reader_is_ip6(const struct event *e)
{
	const char *address = reader_address(e);

	return address && strchr(address, ':');
}

static size_t reader_server_at(const struct reader *r, const struct event *e)
{
	const struct deadmx_world *w = &r->a->scenario->world;
	const char *address = reader_address(e);
	int64_t port = event_integer(e, "port", 0);
	const struct deadmx_server *server =
		address && port > 0 && port <= UINT16_MAX
			? deadmx_scenario_server_at(r->a->scenario, address,
						    (uint16_t)port)
			: NULL;

	return server ? (size_t)(server - w->servers) : w->server_count;
}

/* --- attempts ------------------------------------------------------------ */

/*
 * The first recipient still open that @server takes mail for, or NULL; in
 * *ret_count how many there are in its domain.
 */
static struct attempts_party *
reader_open_party(const struct reader *r, const struct deadmx_server *server,
		  unsigned *ret_count)
{
	struct attempts_party *first = NULL;

	*ret_count = 0;
	for (size_t i = 0; i < r->a->party_count; i++) {
		struct attempts_party *p = &r->a->parties[i];

		if (p->is_closed || !attempts_serves(server, p->domain))
			continue;
		first = first ? first : p;
		*ret_count += strcasecmp(first->domain, p->domain) == 0;
	}
	return first;
}

/* The domain itself, of those that @server serves, for a try nobody needs. */
static const char *reader_any_domain(const struct reader *r,
				     const struct deadmx_server *server)
{
	for (size_t i = 0; i < r->a->party_count; i++)
		if (attempts_serves(server, r->a->parties[i].domain))
			return r->a->parties[i].domain;
	return NULL;
}

static struct attempts_try *reader_try_new(struct reader *r, int64_t t_ns,
					   size_t server_index, bool is_ip6)
{
	struct attempts *a = r->a;
	const struct deadmx_server *server =
		&a->scenario->world.servers[server_index];
	const struct attempts_party *open;
	struct attempts_try *try;
	unsigned rivals;

	if (a->try_count >= ATTEMPTS_MAX) {
		r->is_flooded = true;
		return NULL;
	}
	a->tries = attempts_grow(a->tries, a->try_count, sizeof(*a->tries));
	open = reader_open_party(r, server, &rivals);
	try = &a->tries[a->try_count++];
	memset(try, 0, sizeof(*try));
	try->rivals = rivals;
	try->t_ns = t_ns;
	try->server = server;
	try->address = is_ip6 ? server->address6 : server->address;
	try->stage = deadmx_stage_word(DEADMX_STAGE_CONNECT);
	try->domain = open ? open->domain : reader_any_domain(r, server);
	try->recipient = open ? reader_copy(open->to) : NULL;
	attempts_dns_connected(r->dns, server, t_ns);
	return try;
}

/* A connection to a server of senders: perhaps it brings them a bounce. */
static void reader_return(struct reader *r, const struct deadmx_server *server)
{
	for (size_t i = 0; i < r->a->party_count; i++) {
		struct attempts_party *p = &r->a->parties[i];
		const char *at = strrchr(p->from, '@');

		if (!p->is_closed && at && attempts_serves(server, at + 1))
			p->return_tries++;
	}
}

static void reader_connect(struct reader *r, const struct event *e)
{
	size_t i = reader_server_at(r, e);
	bool is_ip6 = reader_is_ip6(e);
	struct attempts_try *try;
	struct reader_door *door;

	if (reader_address(e) && event_integer(e, "port", 0) == READER_SMTP)
		route_connected(r->a, reader_address(e), r->v);
	if (i == r->a->scenario->world.server_count)
		return;
	door = &r->servers[i].doors[is_ip6];
	/* A sender's server that is down is a fault of the scenario, too. */
	if (door->state)
		r->a->faults_fired++;
	reader_return(r, &r->a->scenario->world.servers[i]);
	if (!r->servers[i].is_relevant)
		return;
	try = reader_try_new(r, e->t_ns, i, is_ip6);
	if (!try)
		return;
	try->fault = door->state;
	door->unpaired = r->a->try_count;
}

/*
 * The CONNECT that an ACCEPT belongs to: the oldest unpaired one of just now,
 * else the newest of the last minutes (a SYN that waited for a blackhole to
 * end). NULL: the log has none, for it was made without a tracer.
 */
static struct attempts_try *reader_pair(struct reader *r, size_t server,
					bool is_ip6, int64_t t_ns)
{
	struct reader_door *door = &r->servers[server].doors[is_ip6];
	const struct deadmx_server *config =
		&r->a->scenario->world.servers[server];
	const char *address = is_ip6 ? config->address6 : config->address;
	struct attempts_try *tries = r->a->tries;

	while (door->pair_from < r->a->try_count) {
		struct attempts_try *try = &tries[door->pair_from];

		if (try->server == config && try->address == address &&
		    !try->is_accepted && t_ns - try->t_ns <= ATTEMPTS_PAIR_NS)
			return try;
		door->pair_from++;
	}
	if (!door->unpaired || tries[door->unpaired - 1].is_accepted ||
	    t_ns - tries[door->unpaired - 1].t_ns > ATTEMPTS_LATE_PAIR_NS)
		return NULL;
	return &tries[door->unpaired - 1];
}

static void reader_accept(struct reader *r, const struct event *e)
{
	int64_t session = event_integer(e, "session", -1);
	bool is_ip6 = reader_is_ip6(e);
	size_t i = reader_server(r, e, "server");
	struct attempts_try *try;

	/* From a frontend of the world: no attempt of the MTA. */
	if (session >= 0 && event_text(e, "frontend")) {
		g_hash_table_insert(r->sessions,
				    GSIZE_TO_POINTER((gsize)session), NULL);
		return;
	}
	if (i == r->a->scenario->world.server_count ||
	    !r->servers[i].is_relevant || session < 0)
		return;
	try = reader_pair(r, i, is_ip6, e->t_ns);
	if (!try)
		try = reader_try_new(r, e->t_ns, i, is_ip6);
	if (!try)
		return;
	try->is_accepted = true;
	try->awaited = 1; /* the greeting */
	try->fault = NULL;
	g_hash_table_insert(r->sessions, GSIZE_TO_POINTER((gsize)session),
			    GSIZE_TO_POINTER((gsize)(try - r->a->tries) + 1));
}

static struct attempts_try *reader_session(const struct reader *r,
					   const struct event *e)
{
	int64_t session = event_integer(e, "session", -1);
	gsize index;

	if (session < 0)
		return NULL;
	index = GPOINTER_TO_SIZE(g_hash_table_lookup(
		r->sessions, GSIZE_TO_POINTER((gsize)session)));
	return index ? &r->a->tries[index - 1] : NULL;
}

static void reader_state(struct reader *r, const struct event *e)
{
	size_t i = reader_server(r, e, "server");
	const char *action = reader_action(event_text(e, "action"));

	if (i == r->a->scenario->world.server_count)
		return;
	if (action && strcmp(action, "accept") == 0)
		action = NULL;
	r->has_shut_door |= action != NULL;
	/* Without an address, as once: of all that the server has. */
	for (int ip6 = 0; ip6 < 2; ip6++)
		if (!reader_address(e) || reader_is_ip6(e) == ip6)
			r->servers[i].doors[ip6].state = action;
}

/* Replies to these say nothing about the mail. */
static bool reader_is_aside(const char *stage)
{
	return !stage || strcmp(stage, "rset") == 0 ||
	       strcmp(stage, "quit") == 0;
}

static bool reader_is_bad(const char *reply)
{
	return reply && (reply[0] == '4' || reply[0] == '5');
}

static void reader_set_reply(struct attempts_try *try, const char *stage,
			     const char *reply)
{
	struct attempts_rcpt *rcpt;

	free(try->reply);
	try->reply = reader_copy(reply);
	if (strcmp(stage, "rcpt") == 0 && try->rcpt_count) {
		rcpt = &try->rcpts[try->rcpt_count - 1];
		free(rcpt->reply);
		rcpt->reply = reader_copy(reply);
	}
}

static void reader_fault(struct reader *r, const struct event *e)
{
	const char *action = reader_action(event_text(e, "action"));
	const char *stage = reader_stage(event_text(e, "stage"));
	const char *reply = event_text(e, "reply");
	struct attempts_try *try = reader_session(r, e);

	if (!action || !stage || strcmp(action, "accept") == 0)
		return;
	/* At connect the attempt has shown that it fired: see STATE. */
	r->a->faults_fired += strcmp(stage, "connect") != 0;
	/* A fault in the farewell doesn't hide what came before. */
	if (!try || (reader_is_aside(stage) && try->fault))
		return;
	try->fault = action;
	try->stage = stage;
	if (reply)
		reader_set_reply(try, stage, reply);
}

/* After 354 the message has to be answered, after STARTTLS the handshake. */
static void reader_answered(struct attempts_try *try, const char *stage,
			    const char *text, int64_t t_ns)
{
	bool goes_on = text[0] == '3' || (text[0] == '2' && stage &&
					  strcmp(stage, "starttls") == 0);

	try->reply_ns = t_ns;
	if (try->awaited && !goes_on)
		try->awaited--;
}

static void reader_reply(struct reader *r, const struct event *e)
{
	const char *stage = reader_stage(event_text(e, "stage"));
	const char *text = event_text(e, "text");
	struct attempts_try *try = reader_session(r, e);

	if (!try || !text)
		return;
	reader_answered(try, stage, text, e->t_ns);
	if (reader_is_aside(stage))
		return;
	if (try->backend_failed && reader_is_bad(text)) {
		try->fault = "relay";
		try->stage = stage;
	}
	if (try->fault && !reader_is_bad(text))
		return;
	if (!try->fault)
		try->stage = stage;
	reader_set_reply(try, stage, text);
}

/* A handshake that failed is where an attempt ended, whoever is at fault. */
static void reader_tls(struct reader *r, const struct event *e)
{
	struct attempts_try *try = reader_session(r, e);

	if (try && try->awaited)
		try->awaited--;
	if (try && !try->fault && event_text(e, "error"))
		try->stage = deadmx_stage_word(DEADMX_STAGE_TLS);
}

/* "RCPT TO:<a@b> NOTIFY=…" → "a@b", malloc'd; NULL: another command. */
static char *reader_path(const char *line, const char *verb)
{
	size_t len = strlen(verb);
	const char *start, *end;

	if (strncasecmp(line, verb, len) != 0)
		return NULL;
	start = line + len;
	start += strspn(start, " \t");
	if (*start == '<') {
		end = strchr(++start, '>');
		len = end ? (size_t)(end - start) : strlen(start);
	} else {
		len = strcspn(start, " \t");
	}
	return strndup(start, len);
}

static void reader_rcpt(struct reader *r, struct attempts_try *try,
			char *address)
{
	const struct attempts_party *p;

	if (try->rcpt_count >= ATTEMPTS_RCPTS_MAX) {
		free(address);
		return;
	}
	try->rcpts =
		attempts_grow(try->rcpts, try->rcpt_count, sizeof(*try->rcpts));
	try->rcpts[try->rcpt_count].address = address;
	try->rcpts[try->rcpt_count].reply = NULL;
	if (try->rcpt_count++)
		return;
	p = bounce_party_to(r->a, address);
	free(try->recipient);
	try->recipient = reader_copy(address);
	if (p)
		try->domain = p->domain;
	else if (bounce_is_sender(r->a, address))
		try->is_return = true;
}

/* By what name does the MTA greet others? */
static void reader_greeting(struct reader *r, const struct event *e,
			    const char *line)
{
	gpointer key = GSIZE_TO_POINTER((gsize)event_integer(e, "session", -1));
	struct attempts *a = r->a;
	gpointer index;

	if ((strncasecmp(line, "EHLO ", 5) != 0 &&
	     strncasecmp(line, "HELO ", 5) != 0) ||
	    (g_hash_table_lookup_extended(r->sessions, key, NULL, &index) &&
	     !index))
		return;
	for (size_t i = 0; i < a->name_count; i++)
		if (strcasecmp(a->names[i], line + 5) == 0)
			return;
	if (a->name_count < ATTEMPTS_NAMES_MAX)
		a->names[a->name_count++] = reader_copy(line + 5);
}

static void reader_command(struct reader *r, const struct event *e)
{
	struct attempts_try *try = reader_session(r, e);
	const char *line = event_text(e, "line");
	char *address;

	if (line)
		reader_greeting(r, e, line);
	if (!try || !line)
		return;
	if (!try->has_quit && strcasecmp(line, "QUIT") == 0) {
		try->has_quit = true;
		try->done_ns = try->awaited ? e->t_ns : try->reply_ns;
	}
	try->awaited++;
	address = reader_path(line, "RCPT TO:");
	if (!address)
		return;
	/* Perhaps over a connection that was there before the questions. */
	if (strrchr(address, '@'))
		attempts_dns_recipient(r->dns, strrchr(address, '@') + 1,
				       e->t_ns);
	reader_rcpt(r, try, address);
}

static void reader_close(struct reader *r, const struct event *e)
{
	struct attempts_try *try = reader_session(r, e);

	if (try)
		try->end_ns = e->t_ns;
}

/* --- the run ------------------------------------------------------------- */

static void reader_inject_to(struct reader *r, const char *from, const char *to,
			     const struct event *e)
{
	struct attempts_party *p = bounce_party(r->a, from, to);

	if (!p || p->injected_count >= p->mails)
		return;
	/* Who tries again may have brought it before, and not heard so. */
	if (p->injected_count == 0 && !p->mail->retry_ns)
		p->sent_ns = (int64_t)(event_real(e, "sent", 0) * 1e9);
	p->injected_ns[p->injected_count++] = e->t_ns;
	p->has_dsn = json_is_true(json_object_get(e->members, "dsn"));
	p->has_deliverby =
		json_is_true(json_object_get(e->members, "deliverby"));
	p->is_closed =
		p->delivered_count + p->bounced_count >= p->injected_count;
}

/* Its sender has the mail still, and will try again. */
static bool reader_inject_again(struct reader *r, const struct event *e)
{
	int64_t index = event_integer(e, "mail", -1);
	bool again = json_is_true(json_object_get(e->members, "again"));

	if (index >= 0 && (size_t)index < r->a->scenario->mail_count)
		r->is_waiting[index] = again;
	return again;
}

static void reader_inject(struct reader *r, const struct event *e)
{
	const json_t *to = json_object_get(e->members, "to");
	const char *from = event_text(e, "from");
	const char *reply = event_text(e, "reply");
	const char *status = event_text(e, "status");

	if (reader_inject_again(r, e))
		return;
	if (!status || strcmp(status, "accepted") != 0) {
		r->has_failed_injection = true;
		FIND(r->v, RUN_INJECTION_FAILED, SEVERITY_ERROR, NULL,
		     "the MTA accepts the mail", "the mail from <%s>: %s, %s",
		     from ? from : "", status ? status : "no status",
		     reply ? reply : "no reply");
		return;
	}
	r->a->injected_count++;
	for (size_t i = 0; from && i < json_array_size(to); i++) {
		const char *address = json_string_value(json_array_get(to, i));

		if (address)
			reader_inject_to(r, from, address, e);
	}
}

static void reader_log(struct reader *r, const struct event *e)
{
	const char *line = event_text(e, "line");
	char **slot = &r->log_lines[r->log_count % ATTEMPTS_LOG_LINES];

	if (!line)
		return;
	free(*slot);
	*slot = reader_copy(line);
	r->log_count++;
}

static void reader_target(struct reader *r, const struct event *e)
{
	const char *what = event_text(e, "what");
	const char *text = event_text(e, "text");
	char *lines = NULL, at[64];
	size_t len;
	FILE *out;

	if (!what || strcmp(what, "exit") != 0 || r->is_stopping)
		return;
	out = open_memstream(&lines, &len);
	assert(out);
	for (uint64_t i = 0; i < ATTEMPTS_LOG_LINES; i++) {
		const char *line =
			r->log_lines[(r->log_count + i) % ATTEMPTS_LOG_LINES];

		if (line)
			fprintf(out, "; %s", line);
	}
	fclose(out);
	FIND(r->v, RUN_TARGET_DIED, SEVERITY_ERROR, NULL,
	     "the MTA runs until it is stopped",
	     "it ended with status %lld at %s%s%s%s%s",
	     (long long)event_integer(e, "status", -1),
	     deadmx_duration_format(e->t_ns, at, sizeof(at)),
	     text && *text ? ": " : "", text ? text : "",
	     lines[0] ? "; its last log lines" : "", lines);
	free(lines);
}

static void reader_trouble(struct reader *r, const struct event *e)
{
	const char *what = event_text(
		e, e->type == DEADMX_EVENT_CLOCK ? "finding" : "what");
	long long count = event_integer(e, "count", 1);

	if (r->run_findings++ >= ATTEMPTS_RUN_FINDINGS_MAX)
		return;
	what = what ? what : "not told what";
	if (e->type == DEADMX_EVENT_CLOCK)
		FIND(r->v, RUN_CLOCK, SEVERITY_ERROR, NULL,
		     "every timed call is on the virtual clock",
		     "%s, %lld times", what, count);
	else
		FIND(r->v, RUN_ERROR, SEVERITY_ERROR, NULL, NULL, "%s", what);
}

static void reader_phase(struct reader *r, const struct event *e)
{
	const char *name = event_text(e, "name");

	if (name && strcmp(name, "stop") == 0)
		r->is_stopping = true;
	if (name && strcmp(name, "end") == 0)
		r->a->is_ended = true;
}

static void reader_queue(struct reader *r, const struct event *e)
{
	const char *text = event_text(e, "text");

	/* The listing that counts is the last one of the living MTA. */
	if (!text || (r->is_stopping && r->a->queue))
		return;
	free(r->a->queue);
	r->a->queue = reader_copy(text);
}

static void reader_stats(struct reader *r, const struct event *e)
{
	r->a->virtual_s = event_real(e, "virtual_s", r->a->virtual_s);
	r->a->host_s = event_real(e, "host_s", r->a->host_s);
}

static void reader_run(struct reader *r, const struct event *e)
{
	const char *clock;

	free(r->a->target_version);
	r->a->target_version = reader_copy(event_text(e, "target_version"));
	r->a->start_unix_s = event_integer(e, "start_unix_s", 0);
	clock = event_text(e, "clock");
	r->is_real_time = clock && strcmp(clock, "real") == 0;
}

/*
 * A frontend has turned to a backend. What the backend has at its connect
 * stage is seen by nobody else, and an address may be nobody's.
 */
static void reader_relay(struct reader *r, const struct event *e)
{
	struct attempts_try *try = reader_session(r, e);
	size_t backend = reader_server(r, e, "backend");
	const char *error = event_text(e, "error");
	bool left = error && strcmp(error, "left") == 0;

	/* A client may leave for reasons of its own. */
	if (left && backend < r->a->scenario->world.server_count)
		r->a->faults_fired +=
			r->servers[backend].doors[reader_is_ip6(e)].state !=
			NULL;
	else
		r->a->faults_fired += error != NULL;
	if (try)
		try->backend_failed = error != NULL;
}

/*
 * Who asked for SUCCESS is due a report when this server will send none; what
 * BY= asks for nobody minds behind a server that does no DELIVERBY.
 */
static void reader_relayed(struct reader *r, const struct event *e)
{
	bool lacks_dsn = wire_lacks_dsn(r->wire, e);
	bool lacks_by = wire_lacks_deliverby(r->wire, e);
	const json_t *list = json_object_get(e->members, "to");
	const char *from = event_text(e, "from");

	if (!from || event_text(e, "frontend") ||
	    json_is_true(json_object_get(e->members, "unacknowledged")))
		return;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *to = json_string_value(json_array_get(list, i));
		struct attempts_party *p =
			to ? bounce_party(r->a, from, to) : NULL;

		if (!p || p->mails != 1)
			continue;
		if (lacks_by && p->has_deliverby && !p->by_relayed_count++)
			p->by_relayed_ns = e->t_ns;
		if (lacks_dsn && *p->from && p->has_dsn && p->mail->notify &&
		    strcasestr(p->mail->notify, "SUCCESS"))
			p->relayed_due_count++;
	}
}

static void reader_message(struct reader *r, const struct event *e)
{
	/* At a backend: what it tells is between frontend and sender. */
	const char *where = event_text(e, "frontend") ? "frontend" : "server";
	size_t i = reader_server(r, e, where);

	if (i < r->a->scenario->world.server_count)
		bounce_message(r->a, r->v, r->dir, e,
			       &r->a->scenario->world.servers[i]);
	reader_relayed(r, e);
}

static void reader_dns(struct reader *r, const struct event *e)
{
	r->a->faults_fired += attempts_dns_question(r->dns, e);
}

static void reader_event(struct reader *r, const struct event *e)
{
	switch (e->type) {
	case DEADMX_EVENT_RUN:
		return reader_run(r, e);
	case DEADMX_EVENT_PHASE:
		return reader_phase(r, e);
	case DEADMX_EVENT_INJECT:
		return reader_inject(r, e);
	case DEADMX_EVENT_CONNECT:
		return reader_connect(r, e);
	case DEADMX_EVENT_ACCEPT:
		return reader_accept(r, e);
	case DEADMX_EVENT_COMMAND:
		return reader_command(r, e);
	case DEADMX_EVENT_REPLY:
		return reader_reply(r, e);
	case DEADMX_EVENT_FAULT:
		return reader_fault(r, e);
	case DEADMX_EVENT_TLS:
		return reader_tls(r, e);
	case DEADMX_EVENT_STATE:
		return reader_state(r, e);
	case DEADMX_EVENT_MESSAGE:
		return reader_message(r, e);
	case DEADMX_EVENT_RELAY:
		return reader_relay(r, e);
	case DEADMX_EVENT_LOG:
		return reader_log(r, e);
	case DEADMX_EVENT_QUEUE:
		return reader_queue(r, e);
	case DEADMX_EVENT_TARGET:
		return reader_target(r, e);
	case DEADMX_EVENT_CLOCK:
	case DEADMX_EVENT_ERROR:
		return reader_trouble(r, e);
	case DEADMX_EVENT_STATS:
		return reader_stats(r, e);
	case DEADMX_EVENT_DNS:
		return reader_dns(r, e);
	case DEADMX_EVENT_CLOSE:
		return reader_close(r, e);
	case DEADMX_EVENT_SPF:
	case DEADMX_EVENT_JUMP:
	case DEADMX_EVENT_COUNT:
		break;
	}
}

/* --- before and after the pass ------------------------------------------- */

static void reader_parties(struct attempts *a)
{
	const struct deadmx_scenario *s = a->scenario;
	size_t max = 0;

	for (size_t i = 0; i < s->mail_count; i++)
		max += s->mails[i].to_count;
	a->parties = calloc(max + 1, sizeof(*a->parties));
	assert(a->parties);
	for (size_t i = 0; i < s->mail_count; i++)
		for (size_t k = 0; k < s->mails[i].to_count; k++) {
			const struct deadmx_mail *mail = &s->mails[i];
			struct attempts_party *p =
				bounce_party(a, mail->from, mail->to[k]);

			if (!p) {
				const char *at = strrchr(mail->to[k], '@');

				p = &a->parties[a->party_count++];
				p->mail = mail;
				p->from = mail->from;
				p->to = mail->to[k];
				p->domain = at ? at + 1 : "";
			}
			p->mails++;
		}
	for (size_t i = 0; i < a->party_count; i++) {
		struct attempts_party *p = &a->parties[i];

		p->injected_ns = calloc(p->mails, sizeof(*p->injected_ns));
		assert(p->injected_ns);
	}
}

static void reader_init(struct reader *r)
{
	const struct deadmx_world *w = &r->a->scenario->world;

	reader_parties(r->a);
	r->servers = calloc(w->server_count + 1, sizeof(*r->servers));
	assert(r->servers);
	for (size_t i = 0; i < w->server_count; i++)
		r->servers[i].is_relevant =
			reader_any_domain(r, &w->servers[i]) != NULL;
	r->is_waiting =
		calloc(r->a->scenario->mail_count + 1, sizeof(*r->is_waiting));
	assert(r->is_waiting);
	r->sessions = g_hash_table_new(g_direct_hash, g_direct_equal);
	r->dns = attempts_dns_new(r->a);
}

static void reader_release(struct reader *r)
{
	for (int i = 0; i < ATTEMPTS_LOG_LINES; i++)
		free(r->log_lines[i]);
	g_hash_table_destroy(r->sessions);
	attempts_dns_free(r->dns);
	free(r->is_waiting);
	free(r->servers);
}

/* May @try, with @address or without one, have been for @p? */
static bool reader_may_be_for(const struct attempts_try *try,
			      const char *address,
			      const struct attempts_party *p)
{
	if (address)
		return strcasecmp(p->to, address) == 0;
	return try->server ? attempts_serves(try->server, p->domain)
			   : strcasecmp(try->domain, p->domain) == 0;
}

/* Do bounces go to @domain? Then questions for it may be for them. */
static bool reader_is_sender_domain(const struct attempts *a,
				    const char *domain)
{
	for (size_t i = 0; i < a->party_count; i++) {
		const char *at = strrchr(a->parties[i].from, '@');

		if (at && strcasecmp(at + 1, domain) == 0)
			return true;
	}
	return false;
}

/* The party whose end @try came after, if all it can be for have ended. */
static struct attempts_party *reader_late(const struct attempts *a,
					  const struct attempts_try *try,
					  const char *address)
{
	struct attempts_party *late = NULL;

	for (size_t i = 0; i < a->party_count; i++) {
		struct attempts_party *p = &a->parties[i];

		if (!reader_may_be_for(try, address, p))
			continue;
		if (!attempts_had_ended(p, try->t_ns))
			return NULL;
		if (p->bounced_count && !late)
			late = p;
	}
	return late;
}

static void reader_find_late(struct attempts *a)
{
	for (size_t i = 0; i < a->try_count; i++) {
		const struct attempts_try *try = &a->tries[i];
		struct attempts_party *p = NULL;

		if (try->is_return ||
		    (!try->server && reader_is_sender_domain(a, try->domain)))
			continue;
		for (size_t k = 0; k < try->rcpt_count && !p; k++)
			p = reader_late(a, try, try->rcpts[k].address);
		if (!try->rcpt_count)
			p = reader_late(a, try, NULL);
		if (p && !p->late_tries++)
			p->late_try_ns = try->t_ns;
	}
}

static void reader_finish(struct reader *r, const struct event_log *log)
{
	const struct event_log_damage *damage = event_log_damage(log);
	struct attempts *a = r->a;

	r->is_flooded |= !attempts_dns_finish(r->dns);
	attempts_number_rounds(a);
	reader_find_late(a);
	if (a->virtual_s == 0)
		a->virtual_s = (double)a->end_ns / 1e9;
	if (damage->count)
		FIND(r->v, RUN_LOG_DAMAGED, SEVERITY_ERROR, NULL,
		     "one event a line, numbered without a gap",
		     "%llu damaged, first events.ndjson:%llu: %s",
		     (unsigned long long)damage->count,
		     (unsigned long long)damage->line, damage->what);
	if (!a->is_ended)
		FIND(r->v, RUN_INCOMPLETE, SEVERITY_ERROR, NULL,
		     "a log up to the phase \"end\"", "the run was cut short");
	for (size_t i = 0; i < a->scenario->mail_count; i++)
		if (r->is_waiting[i])
			FIND(r->v, RUN_INJECTION_FAILED, SEVERITY_ERROR, NULL,
			     "the MTA accepts the mail in the end",
			     "the mail from <%s> at line %d was never taken",
			     a->scenario->mails[i].from,
			     a->scenario->mails[i].place.line);
	if (a->injected_count == 0 && !r->has_failed_injection)
		FIND(r->v, RUN_NOTHING_INJECTED, SEVERITY_ERROR, NULL,
		     "at least one mail is handed to the MTA", "none was");
	if (a->injected_count && a->faults_fired == 0 &&
	    !(r->is_real_time && r->has_shut_door) &&
	    !a->scenario->expect.no_fault_ok)
		FIND(r->v, RUN_NO_FAULT, SEVERITY_ERROR, NULL,
		     "at least one fault of the scenario fires",
		     "none did in %zu attempts", a->try_count);
	if (r->is_flooded)
		FIND(r->v, RETRY_DELAY, SEVERITY_MUST, NULL,
		     "a pause between two attempts",
		     "more than %d attempts within %.0f s", ATTEMPTS_MAX,
		     (double)a->end_ns / 1e9);
}

int attempts_read(const struct deadmx_scenario *scenario, const char *dir,
		  FILE *errors, struct verdict *v, struct attempts **ret)
{
	struct attempts *a = calloc(1, sizeof(*a));
	struct reader r = {
		.a = a, .v = v, .dir = dir, .wire = wire_new(scenario)};
	struct event_log *log = NULL;
	struct event e = {0};
	char path[4096];
	int rc = -ENAMETOOLONG;

	assert(a);
	a->scenario = scenario;
	if ((size_t)snprintf(path, sizeof(path), "%s/events.ndjson", dir) <
	    sizeof(path))
		rc = event_log_open(path, JUDGE_EVENTS_MAX, &log);
	if (rc == 0) {
		reader_init(&r);
		while ((rc = event_log_next(log, &e)) > 0) {
			a->end_ns = e.t_ns > a->end_ns ? e.t_ns : a->end_ns;
			reader_event(&r, &e);
			wire_event(r.wire, &e);
		}
		wire_finish(r.wire, v);
		reader_finish(&r, log);
		reader_release(&r);
		event_log_close(log);
	}
	wire_free(r.wire);
	if (rc < 0) {
		fprintf(errors, "%s/events.ndjson: %s\n", dir, strerror(-rc));
		attempts_free(a);
		return rc;
	}
	*ret = a;
	return 0;
}
