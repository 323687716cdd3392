/* SPDX-License-Identifier: MIT */
/* The memory of a world by hand: see control_store.h. */
#include "harness/control_store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "deadmx/event.h"

/* A line, NUL-terminated, in the bytes of the store. */
struct event {
	size_t start, len;
};

struct message {
	uint64_t number;
	char *event; /* its line, and behind its NUL */
	char *data;  /* the message; NULL until it comes */
	size_t len;
};

/*
 * Two rings: the oldest is first, the next goes behind the last. The lines lie
 * one behind the other in one piece of memory: a loaded world writes a hundred
 * thousand a second, and memory that is allocated for each is cold when it is
 * used again (measured: a quarter of the world's time).
 */
struct control_store {
	uint64_t next_seq; /* of the event that comes next */
	size_t first_event, event_count;
	size_t first_message, message_count, message_bytes;
	size_t end; /* of the newest line with its NUL, in bytes */
	struct event events[CONTROL_STORE_EVENTS_MAX];
	struct message messages[CONTROL_STORE_MESSAGES_MAX];
	char bytes[CONTROL_STORE_EVENT_BYTES_MAX];
};

struct control_store *control_store_new(void)
{
	struct control_store *s = calloc(1, sizeof(*s));

	assert(s);
	s->next_seq = 1;
	return s;
}

void control_store_free(struct control_store *s)
{
	if (!s)
		return;
	control_store_clear(s);
	free(s);
}

/* --- lines --------------------------------------------------------------- */

const char *control_store_type(const char *line, size_t *ret_len)
{
	static const char key[] = "\"type\":\"";
	const char *type = strstr(line, key);

	/* "type" stands before all that a client could have a say in. */
	assert(type);
	type += sizeof(key) - 1;
	*ret_len = strcspn(type, "\"");
	return type;
}

static bool has_type(const char *line, const char *want)
{
	size_t len;
	const char *type = control_store_type(line, &len);

	return strlen(want) == len && strncmp(type, want, len) == 0;
}

/* Inside of strings quotes are escaped: this is the member, or nothing. */
static bool has_session(const char *line, int64_t session)
{
	char text[64];

	snprintf(text, sizeof(text), "\"session\":%jd,", (intmax_t)session);
	return strstr(line, text) != NULL;
}

static json_t *parse(const char *line)
{
	json_t *event = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);

	assert(event);
	return event;
}

/* --- events -------------------------------------------------------------- */

static struct event *event_at(const struct control_store *s, size_t i)
{
	size_t at = (s->first_event + i) % CONTROL_STORE_EVENTS_MAX;

	return (struct event *)&s->events[at];
}

static struct message *message_at(const struct control_store *s, size_t i)
{
	size_t at = (s->first_message + i) % CONTROL_STORE_MESSAGES_MAX;

	return (struct message *)&s->messages[at];
}

static const char *line_at(const struct control_store *s, size_t i)
{
	return s->bytes + event_at(s, i)->start;
}

static void forget_event(struct control_store *s)
{
	s->first_event = (s->first_event + 1) % CONTROL_STORE_EVENTS_MAX;
	s->event_count--;
}

/* Where @size bytes go; the oldest lines make room. */
static size_t make_room(struct control_store *s, size_t size)
{
	size_t start = s->end;

	if (size > sizeof(s->bytes) - start) {
		/* The rest up to the end of the memory stays unused. */
		while (s->event_count && event_at(s, 0)->start >= start)
			forget_event(s);
		start = 0;
	}
	while (s->event_count && event_at(s, 0)->start >= start &&
	       event_at(s, 0)->start < start + size)
		forget_event(s);
	if (s->event_count == CONTROL_STORE_EVENTS_MAX)
		forget_event(s);
	return start;
}

static void free_message(struct control_store *s, struct message *m)
{
	s->message_bytes -= m->len;
	free(m->event);
	*m = (struct message){0};
}

static void forget_message(struct control_store *s)
{
	free_message(s, message_at(s, 0));
	s->first_message = (s->first_message + 1) % CONTROL_STORE_MESSAGES_MAX;
	s->message_count--;
}

/* N of "file":"msg-N.eml", a member as in has_session(). */
static uint64_t message_number(const char *line)
{
	static const char key[] = "\"file\":\"msg-";
	const char *file = strstr(line, key);

	return file ? strtoull(file + sizeof(key) - 1, NULL, 10) : 0;
}

static void remember_message(struct control_store *s, const char *line,
			     size_t len)
{
	struct message *m;

	if (s->message_count == CONTROL_STORE_MESSAGES_MAX)
		forget_message(s);
	m = message_at(s, s->message_count++);
	m->number = message_number(line);
	m->event = strndup(line, len);
	assert(m->event);
}

void control_store_event(struct control_store *s, uint64_t seq,
			 const char *line, size_t len)
{
	struct event *e;
	size_t start;

	assert(len < sizeof(s->bytes));
	start = make_room(s, len + 1);
	e = event_at(s, s->event_count++);
	*e = (struct event){.start = start, .len = len};
	memcpy(s->bytes + start, line, len);
	s->bytes[start + len] = '\0';
	s->end = start + len + 1;
	s->next_seq = seq + 1;
	if (has_type(s->bytes + start, deadmx_event_word(DEADMX_EVENT_MESSAGE)))
		remember_message(s, line, len);
}

void control_store_message(struct control_store *s, const char *data,
			   size_t len)
{
	struct message *m;
	size_t head;

	if (!s->message_count)
		return;
	m = message_at(s, s->message_count - 1);
	if (m->data)
		return;
	while (s->message_count > 1 &&
	       s->message_bytes + len > CONTROL_STORE_MESSAGE_BYTES_MAX)
		forget_message(s);
	head = strlen(m->event) + 1;
	m->event = realloc(m->event, head + len + 1);
	assert(m->event);
	m->data = m->event + head;
	memcpy(m->data, data, len);
	m->data[len] = '\0';
	m->len = len;
	s->message_bytes += len;
}

void control_store_clear(struct control_store *s)
{
	while (s->event_count)
		forget_event(s);
	while (s->message_count)
		forget_message(s);
}

json_t *control_store_events(const struct control_store *s,
			     const struct control_store_events *which,
			     size_t *ret_count)
{
	uint64_t first = s->next_seq - s->event_count, next = s->next_seq - 1;
	uint64_t seq = which->since + 1 > first ? which->since + 1 : first;
	uint64_t lost = seq - (which->since + 1);
	json_t *list = json_array();

	for (; seq < s->next_seq; seq++) {
		const char *line = line_at(s, (size_t)(seq - first));

		if (which->limit && json_array_size(list) == which->limit) {
			next = seq - 1;
			break;
		}
		if ((which->session && !has_session(line, which->session)) ||
		    (which->type && !has_type(line, which->type)))
			continue;
		json_array_append_new(list, parse(line));
	}
	*ret_count = json_array_size(list);
	return json_pack("{s:o,s:I,s:I}", "events", list, "next",
			 (json_int_t)next, "lost", (json_int_t)lost);
}

/* --- sessions ------------------------------------------------------------ */

/* What stands between < and >: an address of MAIL or RCPT. */
static json_t *path_of(const char *command)
{
	const char *start = strchr(command, '<');
	const char *end = start ? strchr(start, '>') : NULL;

	return end ? json_stringn(start + 1, (size_t)(end - start - 1)) : NULL;
}

static void session_command(json_t *session, const char *line)
{
	json_t *path = NULL;

	if (strncasecmp(line, "EHLO ", 5) == 0 ||
	    strncasecmp(line, "HELO ", 5) == 0)
		json_object_set_new(session, "helo", json_string(line + 5));
	else if (strncasecmp(line, "MAIL FROM:", 10) == 0)
		json_object_set_new(session, "from", path_of(line));
	else if (strncasecmp(line, "RCPT TO:", 8) == 0)
		path = path_of(line);
	if (path)
		json_array_append_new(json_object_get(session, "to"), path);
	json_object_set_new(session, "last_command", json_string(line));
}

static void copy(json_t *to, const char *name, const json_t *event,
		 const char *key)
{
	json_t *value = json_object_get(event, key);

	if (value)
		json_object_set(to, name, value);
}

static void session_fault(json_t *session, const json_t *event)
{
	json_t *fault = json_object();

	copy(fault, "stage", event, "stage");
	copy(fault, "action", event, "action");
	copy(fault, "line", event, "line");
	json_object_set_new(session, "last_fault", fault);
}

static void session_message(json_t *session, const json_t *event)
{
	const char *file = json_string_value(json_object_get(event, "file"));
	uintmax_t number;

	if (file && sscanf(file, "msg-%ju.eml", &number) == 1)
		json_array_append_new(json_object_get(session, "messages"),
				      json_integer((json_int_t)number));
}

static void session_close(json_t *session, const json_t *event)
{
	json_object_set_new(session, "open", json_false());
	copy(session, "closed", event, "t");
	copy(session, "closed_by", event, "by");
	copy(session, "how", event, "how");
}

static void session_add(json_t *session, const char *type, const json_t *event)
{
	const char *line = json_string_value(json_object_get(event, "line"));

	if (!strcmp(type, "accept"))
		copy(session, "peer", event, "peer");
	else if (!strcmp(type, "command") && line)
		session_command(session, line);
	else if (!strcmp(type, "reply"))
		copy(session, "last_reply", event, "text");
	else if (!strcmp(type, "fault"))
		session_fault(session, event);
	else if (!strcmp(type, "message"))
		session_message(session, event);
	else if (!strcmp(type, "close"))
		session_close(session, event);
}

/* The session of @event in @list; made anew at its first event. */
static json_t *session_of(json_t *list, json_t *index, const json_t *event)
{
	json_int_t number =
		json_integer_value(json_object_get(event, "session"));
	json_t *session;
	char key[32];

	snprintf(key, sizeof(key), "%jd", (intmax_t)number);
	session = json_object_get(index, key);
	if (session)
		return session;
	/* All members, in an order that can be read. */
	session = json_pack(
		"{s:I,s:O?,s:n,s:b,s:O?,s:n,s:n,s:n,s:n,s:n,s:[],"
		"s:n,s:n,s:n,s:[]}",
		"session", number, "server", json_object_get(event, "server"),
		"peer", "open", 1, "opened", json_object_get(event, "t"),
		"closed", "closed_by", "how", "helo", "from", "to",
		"last_command", "last_reply", "last_fault", "messages");
	assert(session);
	json_object_set(index, key, session);
	json_array_append_new(list, session);
	return session;
}

json_t *control_store_sessions(const struct control_store *s, int64_t session)
{
	json_t *list = json_array(), *index = json_object();

	for (size_t i = 0; i < s->event_count; i++) {
		const char *line = line_at(s, i);
		json_t *event;

		if (session ? !has_session(line, session)
			    : !strstr(line, "\"session\":"))
			continue;
		event = parse(line);
		if (json_is_integer(json_object_get(event, "session")))
			session_add(session_of(list, index, event),
				    json_string_value(
					    json_object_get(event, "type")),
				    event);
		json_decref(event);
	}
	json_decref(index);
	return list;
}

/* --- messages ------------------------------------------------------------ */

static bool member_is(const json_t *event, const char *key, const char *want)
{
	const char *text = json_string_value(json_object_get(event, key));

	return !want || (text && strcasecmp(text, want) == 0);
}

static bool is_to(const json_t *event, const char *want)
{
	const json_t *to = json_object_get(event, "to");

	for (size_t i = 0; want && i < json_array_size(to); i++) {
		const char *text = json_string_value(json_array_get(to, i));

		if (text && strcasecmp(text, want) == 0)
			return true;
	}
	return !want;
}

static bool message_fits(const struct message *m, const json_t *event,
			 const struct control_store_messages *which)
{
	return (!which->number || which->number == m->number) &&
	       is_to(event, which->to) &&
	       member_is(event, "from", which->from) &&
	       member_is(event, "server", which->server);
}

/* Its event, with a number for a type. */
static json_t *message_json(const struct message *m, const json_t *event,
			    bool with_data)
{
	json_t *object = json_pack("{s:I}", "number", (json_int_t)m->number);

	copy(object, "at", event, "t");
	copy(object, "server", event, "server");
	copy(object, "session", event, "session");
	copy(object, "from", event, "from");
	copy(object, "to", event, "to");
	copy(object, "bytes", event, "bytes");
	copy(object, "file", event, "file");
	copy(object, "unacknowledged", event, "unacknowledged");
	if (with_data)
		json_object_set_new(object, "data",
				    m->data ? deadmx_event_text(m->data, m->len)
					    : json_null());
	return object;
}

json_t *control_store_messages(const struct control_store *s,
			       const struct control_store_messages *which,
			       bool with_data)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->message_count; i++) {
		const struct message *m = message_at(s, i);
		json_t *event = parse(m->event);

		if (message_fits(m, event, which))
			json_array_append_new(
				list, message_json(m, event, with_data));
		json_decref(event);
	}
	return list;
}

json_t *control_store_take_messages(struct control_store *s,
				    const struct control_store_messages *which)
{
	json_t *list = json_array();
	size_t kept = 0;

	for (size_t i = 0; i < s->message_count; i++) {
		struct message *m = message_at(s, i);
		json_t *event = parse(m->event);

		if (message_fits(m, event, which)) {
			json_array_append_new(list,
					      message_json(m, event, true));
			free_message(s, m);
		} else {
			/* The slot of an earlier one, or its own. */
			struct message moved = *m;

			*m = (struct message){0};
			*message_at(s, kept++) = moved;
		}
		json_decref(event);
	}
	s->message_count = kept;
	return list;
}

const char *control_store_data(const struct control_store *s, uint64_t number,
			       size_t *ret_len)
{
	for (size_t i = 0; i < s->message_count; i++) {
		const struct message *m = message_at(s, i);

		if (m->number != number || !m->data)
			continue;
		*ret_len = m->len;
		return m->data;
	}
	return NULL;
}
