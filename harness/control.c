/* SPDX-License-Identifier: MIT */
/* The control API: see control.h. */
#include "harness/control.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "deadmx/arena.h"
#include "deadmx/yaml.h"
#include "harness/control_row.h"
#include "harness/control_store.h"

enum {
	ROWS_MAX = 2 * DEADMX_SCENARIO_FAULTS_MAX,
	EVENTS_LIMIT = 1000, /* in one answer, unless told */
};

struct control {
	struct control_options options;
	struct http_server *http;
	struct control_store *store;
	uint64_t seq; /* of the last event */
	void (*close_cb)(void *arg);
	void *close_arg;
};

/* One request, and what its path says. */
struct control_call {
	struct control *control;
	const struct http_request *request;
	struct http_response *response;
	size_t server;	/* NAME, as an index */
	int64_t number; /* N */
};

/* --- answers ------------------------------------------------------------- */

/* Takes @object. Always 0, which means: answered. */
static int answer(const struct control_call *call, unsigned status,
		  json_t *object)
{
	struct http_response *r = call->response;
	char *text =
		json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(15));

	assert(text);
	json_decref(object);
	r->status = status;
	r->len = strlen(text);
	/* A terminal's prompt goes on a line of its own. */
	r->body = realloc(text, r->len + 2);
	assert(r->body);
	r->body[r->len++] = '\n';
	r->body[r->len] = '\0';
	return 0;
}

/* "error" is the first line of @text, "details" are all the others. */
static int answer_error(const struct control_call *call, unsigned status,
			const char *text)
{
	size_t len = strcspn(text, "\n");
	json_t *error =
		json_pack("{s:o}", "error", deadmx_event_text(text, len));
	json_t *details = json_array();

	while (text[len]) {
		text += len + 1;
		len = strcspn(text, "\n");
		if (len)
			json_array_append_new(details,
					      deadmx_event_text(text, len));
	}
	if (json_array_size(details))
		json_object_set(error, "details", details);
	json_decref(details);
	return answer(call, status, error);
}

static unsigned status_of(int rc)
{
	switch (-rc) {
	case EINVAL:
	case ERANGE:
		return 400;
	case ENOTSUP: /* right, but not here */
	case EBUSY:
		return 409;
	default:
		return 500;
	}
}

/* A parameter of the query: a number, or @otherwise when it isn't there. */
static int query_number(const struct control_call *call, const char *key,
			int64_t max, int64_t otherwise, int64_t *ret)
{
	const char *text = http_query(call->request, key);
	char error[128];

	*ret = otherwise;
	if (!text || deadmx_number_parse(text, max, ret) == 0)
		return 0;
	snprintf(error, sizeof(error),
		 "%s, expected a number from 0 to %jd, got \"%.40s\"", key,
		 (intmax_t)max, text);
	answer_error(call, 400, error);
	return -EINVAL;
}

/* A slip in a filter must not give all there is. */
static int query_check(const struct control_call *call, const char *known)
{
	const char *key = http_query_unknown(call->request, known);
	char error[160];

	if (!key)
		return 0;
	snprintf(error, sizeof(error),
		 "no parameter \"%.40s\" here; there is: %.60s", key,
		 *known ? known : "none");
	answer_error(call, 400, error);
	return -EINVAL;
}

/* --- servers ------------------------------------------------------------- */

static json_t *server_json(const struct control *c, size_t index)
{
	const struct deadmx_server *s =
		&c->options.scenario->world.servers[index];
	struct deadmx_world_row *rows = calloc(ROWS_MAX, sizeof(*rows));
	json_t *list = json_array(), *mx_for = json_array(), *object;
	size_t count;

	assert(rows);
	count = deadmx_world_rows(c->options.world, index, rows, ROWS_MAX);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, control_row_json(&rows[i]));
	for (size_t i = 0; i < s->mx_for_count; i++)
		json_array_append_new(mx_for, json_string(s->mx_for[i]));
	object = json_pack(
		"{s:s,s:s,s:s,s:i,s:o,s:i,s:b,s:I,s:o}", "name", s->name,
		"state", control_state_word(control_state_of(rows, count)),
		"address", s->address, "port", s->port, "mx_for", mx_for,
		"preference", s->preference, "by_hand",
		count && rows[0].by_hand, "connections",
		(json_int_t)deadmx_world_connections(c->options.world, index),
		"rows", list);
	free(rows);
	return object;
}

static json_t *servers_json(const struct control *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->options.scenario->world.server_count; i++)
		json_array_append_new(list, server_json(c, i));
	return list;
}

static int get_servers(const struct control_call *call)
{
	return answer(
		call, 200,
		json_pack("{s:o}", "servers", servers_json(call->control)));
}

static int get_server(const struct control_call *call)
{
	return answer(call, 200, server_json(call->control, call->server));
}

/* Rows in the language of scenarios. An error is answered. */
static int set_rows(const struct control_call *call, const char *rows,
		    size_t len)
{
	char *text = NULL;
	size_t text_len = 0;
	FILE *errors = open_memstream(&text, &text_len);
	int rc;

	assert(errors);
	rc = deadmx_world_set_rows(call->control->options.world, call->server,
				   rows, len, errors);
	if (rc == -EBUSY)
		fputs("too many changes while the same connection is open",
		      errors);
	else if (rc < 0 && ftell(errors) == 0)
		fputs(strerror(-rc), errors);
	fclose(errors);
	if (rc < 0)
		answer_error(call, status_of(rc), text);
	free(text);
	return rc;
}

static int put_state(const struct control_call *call)
{
	if (set_rows(call, call->request->body, call->request->body_len) < 0)
		return 0;
	return get_server(call);
}

static int delete_state(const struct control_call *call)
{
	int rc = deadmx_world_clear_rows(call->control->options.world,
					 call->server);

	return rc < 0 ? answer_error(call, status_of(rc), strerror(-rc))
		      : get_server(call);
}

static int post_down(const struct control_call *call)
{
	static const char row[] = "connect: refuse";

	if (set_rows(call, row, strlen(row)) < 0)
		return 0;
	deadmx_world_disconnect(call->control->options.world, call->server);
	return get_server(call);
}

/* Whatever the timeline says: an exception at each stage. */
static int post_up(const struct control_call *call)
{
	static const char rows[] =
#define XX(uc, word, doc) word ": accept\n"
		DEADMX_STAGE_MAP(XX)
#undef XX
		;

	if (set_rows(call, rows, strlen(rows)) < 0)
		return 0;
	return get_server(call);
}

/* --- messages ------------------------------------------------------------ */

static struct control_store_messages
messages_asked(const struct control_call *call)
{
	return (struct control_store_messages){
		.number = (uint64_t)call->number,
		.to = http_query(call->request, "to"),
		.from = http_query(call->request, "from"),
		.server = http_query(call->request, "server"),
	};
}

static int get_messages(const struct control_call *call)
{
	const struct control_store_messages which = messages_asked(call);
	int64_t wait, count;
	json_t *list;

	if (query_number(call, "wait", HTTP_WAIT_MAX_S, 0, &wait) < 0 ||
	    query_number(call, "count", CONTROL_STORE_MESSAGES_MAX, 1, &count) <
		    0)
		return 0;
	list = control_store_messages(call->control->store, &which, false);
	if (!call->request->last && wait &&
	    (int64_t)json_array_size(list) < count) {
		json_decref(list);
		return (int)wait;
	}
	return answer(call, 200, json_pack("{s:o}", "messages", list));
}

static int delete_messages(const struct control_call *call)
{
	const struct control_store_messages which = messages_asked(call);

	return answer(call, 200,
		      json_pack("{s:o}", "messages",
				control_store_take_messages(
					call->control->store, &which)));
}

static int get_message(const struct control_call *call)
{
	struct http_response *r = call->response;
	const char *data = control_store_data(call->control->store,
					      (uint64_t)call->number, &r->len);

	if (!data)
		return answer_error(call, 404, "no such message is remembered");
	r->status = 200;
	r->type = "message/rfc822";
	r->body = malloc(r->len + 1);
	assert(r->body);
	memcpy(r->body, data, r->len);
	return 0;
}

/* --- sessions and events ------------------------------------------------- */

static int get_sessions(const struct control_call *call)
{
	json_t *list = control_store_sessions(call->control->store, 0);

	return answer(call, 200, json_pack("{s:o}", "sessions", list));
}

/* With all that was said. */
static int get_session(const struct control_call *call)
{
	const struct control_store_events which = {.session = call->number};
	json_t *list =
		control_store_sessions(call->control->store, call->number);
	json_t *session = json_array_get(list, 0), *events;
	size_t unused;

	if (!session) {
		json_decref(list);
		return answer_error(call, 404, "no such session is remembered");
	}
	json_incref(session);
	json_decref(list);
	events = control_store_events(call->control->store, &which, &unused);
	json_object_set(session, "events", json_object_get(events, "events"));
	json_decref(events);
	return answer(call, 200, session);
}

static int get_events(const struct control_call *call)
{
	struct control_store_events which = {
		.type = http_query(call->request, "type")};
	int64_t since, limit, wait;
	size_t count;
	json_t *events;

	if (query_number(call, "since", INT64_MAX - 1, 0, &since) < 0 ||
	    query_number(call, "limit", CONTROL_STORE_EVENTS_MAX, EVENTS_LIMIT,
			 &limit) < 0 ||
	    query_number(call, "session", INT64_MAX, 0, &which.session) < 0 ||
	    query_number(call, "wait", HTTP_WAIT_MAX_S, 0, &wait) < 0)
		return 0;
	which.since = (uint64_t)since;
	which.limit = (size_t)limit;
	events = control_store_events(call->control->store, &which, &count);
	if (!count && wait && !call->request->last) {
		json_decref(events);
		return (int)wait;
	}
	return answer(call, 200, events);
}

/* --- time and reset ------------------------------------------------------ */

static json_t *time_json(const struct control *c)
{
	int64_t now = deadmx_world_now_ns(c->options.world);
	char text[64];

	return json_pack(
		"{s:f,s:s,s:I}", "now", (double)(now / 1000) / 1e6, "text",
		deadmx_duration_format(now, text, sizeof(text)), "speed",
		(json_int_t)deadmx_world_speed(c->options.world));
}

static int get_time(const struct control_call *call)
{
	return answer(call, 200, time_json(call->control));
}

/* What POST /time asks for. */
struct time_change {
	int64_t to_ns, by_ns, speed;
	bool jump;
};

static void time_to(struct deadmx_yaml *doc,
		    const struct deadmx_yaml_node *node, void *arg)
{
	struct time_change *t = arg;

	t->jump |= deadmx_yaml_duration(doc, node, &t->to_ns);
}

static void time_by(struct deadmx_yaml *doc,
		    const struct deadmx_yaml_node *node, void *arg)
{
	struct time_change *t = arg;

	t->jump |= deadmx_yaml_duration(doc, node, &t->by_ns);
}

static void time_speed(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	struct time_change *t = arg;

	deadmx_yaml_count(doc, node, 1, DEADMX_WORLD_SPEED_MAX, &t->speed);
}

static const struct deadmx_yaml_key time_keys[] = {
	{"to", time_to, "go on at this time", false, "duration"},
	{"by", time_by, "go on so much later", false, "duration"},
	{"speed", time_speed, "so many seconds of the timeline a second", false,
	 "count 1..1000000"},
	{0},
};

static int time_parse(const struct control_call *call,
		      struct deadmx_arena *arena, FILE *errors,
		      struct time_change *ret)
{
	struct deadmx_yaml doc;
	int rc = deadmx_yaml_parse(&doc, arena, "time", call->request->body,
				   call->request->body_len, errors);

	if (rc < 0)
		return rc;
	deadmx_yaml_map(&doc, doc.root, "time", time_keys, ret);
	if (deadmx_yaml_get(doc.root, "to") && deadmx_yaml_get(doc.root, "by"))
		deadmx_yaml_error(&doc, &doc.root->place, "leave one out",
				  "to and by exclude each other");
	return deadmx_yaml_finish(&doc);
}

static int time_change(const struct control *c, const struct time_change *t,
		       FILE *errors)
{
	struct deadmx_world_run *world = c->options.world;
	int64_t now = deadmx_world_now_ns(world);
	int64_t to = t->by_ns ? now + t->by_ns : t->to_ns;

	if (t->jump && to < now) {
		fputs("to, expected a time that is still to come; hint: POST "
		      "/reset begins again at 0",
		      errors);
		return -ERANGE;
	}
	if (t->speed)
		deadmx_world_set_speed(world, t->speed);
	if (!t->jump)
		return 0;
	deadmx_event_emit(c->options.log, DEADMX_EVENT_JUMP,
			  json_pack("{s:f}", "to", (double)to / 1e9));
	return deadmx_world_jump(world, to);
}

static int post_time(const struct control_call *call)
{
	struct deadmx_arena *arena = deadmx_arena_new();
	struct time_change change = {0};
	char *text = NULL;
	size_t len = 0;
	FILE *errors = open_memstream(&text, &len);
	int rc;

	assert(errors);
	rc = time_parse(call, arena, errors, &change);
	if (rc == 0)
		rc = time_change(call->control, &change, errors);
	fclose(errors);
	if (rc < 0)
		answer_error(call, status_of(rc), text);
	else
		get_time(call);
	free(text);
	deadmx_arena_free(arena);
	return 0;
}

/* As it was at the start; the numbers of events and messages go on. */
static int post_reset(const struct control_call *call)
{
	struct control *c = call->control;
	struct deadmx_world_run *world = c->options.world;
	uint64_t since;

	for (size_t i = 0; i < c->options.scenario->world.server_count; i++) {
		deadmx_world_disconnect(world, i);
		deadmx_world_clear_rows(world, i);
	}
	deadmx_event_emit(c->options.log, DEADMX_EVENT_PHASE,
			  json_pack("{s:s}", "name", "reset"));
	control_store_clear(c->store);
	since = c->seq;
	deadmx_world_set_origin(world);
	return answer(call, 200,
		      json_pack("{s:I}", "since", (json_int_t)since));
}

/* --- routes -------------------------------------------------------------- */

static int get_overview(const struct control_call *call)
{
	const struct control_options *o = &call->control->options;
	json_t *routes = json_array();

	for (const struct control_route *r = control_routes; r->method; r++)
		json_array_append_new(
			routes,
			json_sprintf("%s %s: %s", r->method, r->path, r->doc));
	return answer(call, 200,
		      json_pack("{s:s,s:s,s:s,s:o,s:{s:s,s:i},s:o,s:o}",
				"deadmx", DEADMX_VERSION, "scenario",
				o->scenario->name, "description",
				o->scenario->description, "time",
				time_json(call->control), "dns", "address",
				o->dns_address, "port", o->dns_port, "servers",
				servers_json(call->control), "routes", routes));
}

/* clang-format off */
const struct control_route control_routes[] = {
	{"GET", "/", "", get_overview, "what is served, and this list"},
	{"GET", "/servers", "", get_servers,
	 "all servers: state, rows, connections"},
	{"GET", "/servers/NAME", "", get_server, "one of them"},
	{"GET", "/servers/NAME/state", "", get_server, "the same"},
	{"PUT", "/servers/NAME/state", "", put_state,
	 "put rows above the timeline, from now on"},
	{"DELETE", "/servers/NAME/state", "", delete_state,
	 "back to the timeline"},
	{"POST", "/servers/NAME/down", "", post_down,
	 "refuse connections, and close those that are open"},
	{"POST", "/servers/NAME/up", "", post_up,
	 "be healthy, whatever the timeline says"},
	{"GET", "/messages", "to from server wait count", get_messages,
	 "received messages; wait so many seconds for count of them"},
	{"GET", "/messages/N", "", get_message, "message N as it came"},
	{"DELETE", "/messages", "to from server", delete_messages,
	 "forget messages, and give them back"},
	{"DELETE", "/messages/N", "", delete_messages,
	 "the same with message N"},
	{"GET", "/sessions", "", get_sessions,
	 "connections that servers accepted"},
	{"GET", "/sessions/N", "", get_session,
	 "connection N with all that was said"},
	{"GET", "/events", "since limit type session wait", get_events,
	 "the event log; wait so many seconds for something new"},
	{"GET", "/time", "", get_time, "the timeline's time and speed"},
	{"POST", "/time", "", post_time,
	 "move it to a time, by a time, or change its speed"},
	{"POST", "/reset", "", post_reset,
	 "begin again: timeline, rows, messages, connections"},
	{0},
};
/* clang-format on */

/* A server by its name or its address. */
static bool find_server(const struct control *c, const char *text, size_t len,
			size_t *ret)
{
	const struct deadmx_world *world = &c->options.scenario->world;

	for (size_t i = 0; i < world->server_count; i++) {
		const struct deadmx_server *s = &world->servers[i];

		if ((strlen(s->name) == len &&
		     strncasecmp(s->name, text, len) == 0) ||
		    (strlen(s->address) == len &&
		     strncmp(s->address, text, len) == 0)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

/* "12" or "12.eml". */
static bool find_number(const char *text, size_t len, int64_t *ret)
{
	char digits[32];

	if (len > 4 && strncmp(text + len - 4, ".eml", 4) == 0)
		len -= 4;
	if (!len || len >= sizeof(digits))
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	return deadmx_number_parse(digits, INT64_MAX, ret) == 0 && *ret > 0;
}

/* Does @path fit the route's, with NAME and N in it? */
static bool path_fits(struct control_call *call, const char *route,
		      const char *path)
{
	while (*route && *path) {
		size_t want = strcspn(route + 1, "/") + 1;
		size_t got = strcspn(path + 1, "/") + 1;

		if (strncmp(route, "/NAME", want) == 0 && want == 5) {
			if (!find_server(call->control, path + 1, got - 1,
					 &call->server))
				return false;
		} else if (strncmp(route, "/N", want) == 0 && want == 2) {
			if (!find_number(path + 1, got - 1, &call->number))
				return false;
		} else if (want != got || strncmp(route, path, want) != 0) {
			return false;
		}
		route += want;
		path += got;
	}
	return !*route && !*path;
}

/* The path is right, or not even that. */
static int answer_unknown(const struct control_call *call)
{
	char text[256];

	if (*call->response->allow)
		snprintf(text, sizeof(text), "%.80s can't be asked by %.20s",
			 call->request->path, call->request->method);
	else
		snprintf(text, sizeof(text),
			 "there is no %.100s; hint: GET / lists what there is",
			 call->request->path);
	return answer_error(call, *call->response->allow ? 405 : 404, text);
}

static void allow(struct http_response *r, const char *method)
{
	size_t len = strlen(r->allow);

	snprintf(r->allow + len, sizeof(r->allow) - len, "%s%s",
		 len ? ", " : "", method);
}

static int on_request(void *arg, const struct http_request *request,
		      struct http_response *ret)
{
	struct control_call call = {
		.control = arg, .request = request, .response = ret};

	for (const struct control_route *r = control_routes; r->method; r++) {
		if (!path_fits(&call, r->path, request->path))
			continue;
		if (strcmp(r->method, request->method) == 0)
			return query_check(&call, r->query) < 0
				       ? 0
				       : r->handle(&call);
		allow(ret, r->method);
	}
	return answer_unknown(&call);
}

/* --- the whole ----------------------------------------------------------- */

int control_new(uv_loop_t *loop, const struct control_options *options,
		FILE *errors, struct control **ret)
{
	struct control *c = calloc(1, sizeof(*c));
	int rc;

	assert(c);
	c->options = *options;
	rc = http_server_new(loop, options->path, options->port, on_request, c,
			     errors, &c->http);
	if (rc < 0) {
		free(c);
		return rc;
	}
	c->store = control_store_new();
	*ret = c;
	return 0;
}

uint16_t control_port(const struct control *c)
{
	return http_server_port(c->http);
}

void control_event(struct control *c, uint64_t seq, const char *line,
		   size_t len)
{
	c->seq = seq;
	control_store_event(c->store, seq, line, len);
	http_server_wake(c->http);
}

void control_message(struct control *c, const char *data, size_t len)
{
	control_store_message(c->store, data, len);
}

static void control_closed(void *arg)
{
	struct control *c = arg;

	control_store_free(c->store);
	if (c->close_cb)
		c->close_cb(c->close_arg);
	free(c);
}

void control_close(struct control *c, void (*cb)(void *arg), void *arg)
{
	c->close_cb = cb;
	c->close_arg = arg;
	http_server_close(c->http, control_closed, c);
}
