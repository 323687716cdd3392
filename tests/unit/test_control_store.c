/* SPDX-License-Identifier: MIT */
/* Unit tests of harness/control_store.c: what a world by hand remembers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/control_store.h"

struct fixture {
	struct control_store *store;
	uint64_t seq;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->store = control_store_new();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	control_store_free(f->store);
	free(f);
	return 0;
}

/* An event of @type with these further @members, ",…" or "". */
static void add(struct fixture *f, const char *type, const char *members)
{
	char line[512];
	int n = snprintf(line, sizeof(line),
			 "{\"seq\":%ju,\"t\":1,\"type\":\"%s\"%s}\n",
			 (uintmax_t)++f->seq, type, members);

	control_store_event(f->store, f->seq, line, (size_t)n - 1);
}

static void add_message(struct fixture *f, int number, const char *to,
			const char *data)
{
	char members[256];

	snprintf(members, sizeof(members),
		 ",\"session\":1,\"server\":\"mx.test\",\"from\":\"a@b\","
		 "\"to\":[\"%s\"],\"file\":\"msg-%d.eml\",\"bytes\":1",
		 to, number);
	add(f, "message", members);
	control_store_message(f->store, data, strlen(data));
}

/* The answer as text: the easiest to compare. Frees @object. */
static void expect(json_t *object, const char *want)
{
	char *got = json_dumps(object, JSON_COMPACT);

	assert_string_equal(got, want);
	free(got);
	json_decref(object);
}

static json_t *events(const struct fixture *f,
		      const struct control_store_events *which)
{
	size_t count;
	json_t *all = control_store_events(f->store, which, &count);

	assert_int_equal(count,
			 json_array_size(json_object_get(all, "events")));
	return all;
}

/* Which events: all, behind a number, of a session or type, at most so many. */
static void test_control_store_events(void **state)
{
	struct fixture *f = *state;

	expect(events(f, &(struct control_store_events){0}),
	       "{\"events\":[],\"next\":0,\"lost\":0}");
	add(f, "dns", "");
	add(f, "accept", ",\"session\":1,\"server\":\"x\"");
	add(f, "accept", ",\"session\":12,\"server\":\"x\"");
	expect(events(f, &(struct control_store_events){.since = 2}),
	       "{\"events\":[{\"seq\":3,\"t\":1,\"type\":\"accept\","
	       "\"session\":"
	       "12,\"server\":\"x\"}],\"next\":3,\"lost\":0}");
	expect(events(f, &(struct control_store_events){.type = "dns"}),
	       "{\"events\":[{\"seq\":1,\"t\":1,\"type\":\"dns\"}],\"next\":3,"
	       "\"lost\":0}");
	expect(events(f, &(struct control_store_events){.session = 1}),
	       "{\"events\":[{\"seq\":2,\"t\":1,\"type\":\"accept\","
	       "\"session\":"
	       "1,\"server\":\"x\"}],\"next\":3,\"lost\":0}");
	expect(events(f, &(struct control_store_events){.limit = 1}),
	       "{\"events\":[{\"seq\":1,\"t\":1,\"type\":\"dns\"}],\"next\":1,"
	       "\"lost\":0}");
	expect(events(f, &(struct control_store_events){.since = 99}),
	       "{\"events\":[],\"next\":3,\"lost\":0}");
}

/* What a client says can't pass for a member of the event. */
static void test_control_store_hostile_line(void **state)
{
	struct fixture *f = *state;

	add(f, "command",
	    ",\"session\":1,\"line\":\"\\\"session\\\":2,\\\"type\\\":\\\"dns"
	    "\\\",\\\"file\\\":\\\"msg-7.eml\"");
	expect(events(f, &(struct control_store_events){.session = 2}),
	       "{\"events\":[],\"next\":1,\"lost\":0}");
	expect(events(f, &(struct control_store_events){.type = "dns"}),
	       "{\"events\":[],\"next\":1,\"lost\":0}");
}

/* The oldest are forgotten, and it is told how many. */
static void test_control_store_events_max(void **state)
{
	struct fixture *f = *state;
	json_t *all;

	for (int i = 0; i < CONTROL_STORE_EVENTS_MAX + 3; i++)
		add(f, "dns", "");
	all = events(f, &(struct control_store_events){.since = 1});
	assert_int_equal(json_integer_value(json_object_get(all, "lost")), 2);
	assert_int_equal(json_array_size(json_object_get(all, "events")),
			 CONTROL_STORE_EVENTS_MAX);
	json_decref(all);
	all = events(f, &(struct control_store_events){.limit = 1});
	assert_int_equal(json_integer_value(json_object_get(all, "next")), 4);
	json_decref(all);
}

/* Long lines are bounded by their bytes. */
static void test_control_store_event_bytes_max(void **state)
{
	struct fixture *f = *state;
	static const char head[] =
		"{\"seq\":1,\"t\":1,\"type\":\"dns\",\"name\":\"";
	const size_t size = (1 << 20) - 1,
		     most = CONTROL_STORE_EVENT_BYTES_MAX / (size + 1);
	char *line = malloc(size + 1);
	json_t *all;

	memset(line, 'x', size);
	memcpy(line, head, strlen(head));
	memcpy(line + size - 2, "\"}", 3);
	for (uint64_t seq = 1; seq <= most + 2; seq++)
		control_store_event(f->store, seq, line, size);
	all = events(f, &(struct control_store_events){.limit = 1});
	assert_int_equal(json_integer_value(json_object_get(all, "next")), 3);
	json_decref(all);
	free(line);
}

/* Lines of all lengths, round and round: what is kept is whole, in order. */
static void test_control_store_event_ring(void **state)
{
	struct fixture *f = *state;
	static char line[300000];
	json_t *answer, *all, *event;
	size_t i;

	for (uint64_t seq = 1; seq <= 500; seq++) {
		size_t pad = (size_t)(seq * 7919 % 250000);
		int n = snprintf(
			line, sizeof(line),
			"{\"seq\":%ju,\"t\":1,\"type\":\"dns\",\"pad\":"
			"%zu,\"name\":\"%0*d\"}",
			(uintmax_t)seq, pad, (int)pad + 1, 0);

		control_store_event(f->store, seq, line, (size_t)n);
	}
	answer = events(f, &(struct control_store_events){0});
	i = (size_t)json_integer_value(json_object_get(answer, "lost"));
	assert_in_range(i, 400, 480);
	all = json_object_get(answer, "events");
	assert_int_equal(json_array_size(all), 500 - i);
	for (size_t k = 0; k < json_array_size(all); k++) {
		event = json_array_get(all, k);
		assert_int_equal(
			json_integer_value(json_object_get(event, "seq")), ++i);
		assert_int_equal(
			json_string_length(json_object_get(event, "name")),
			json_integer_value(json_object_get(event, "pad")) + 1);
	}
	json_decref(answer);
}

/* A session is put together from its events. */
static void test_control_store_session(void **state)
{
	struct fixture *f = *state;
	json_t *all;

	add(f, "accept",
	    ",\"session\":1,\"server\":\"mx.test\",\"peer\":\"127.0.0.1\"");
	add(f, "command", ",\"session\":1,\"line\":\"ehlo me\"");
	add(f, "command", ",\"session\":1,\"line\":\"MAIL FROM:<a@b> SIZE=1\"");
	add(f, "command", ",\"session\":1,\"line\":\"RCPT TO:<c@d>\"");
	add(f, "command", ",\"session\":1,\"line\":\"RCPT TO:nobody\"");
	add(f, "fault",
	    ",\"session\":1,\"stage\":\"rcpt\",\"action\":\"drop\",\"line\":7");
	add(f, "reply", ",\"session\":1,\"text\":\"250 Ok\"");
	add_message(f, 3, "c@d", "x");
	add(f, "accept",
	    ",\"session\":2,\"server\":\"mx.test\",\"peer\":\"::1\"");
	add(f, "close", ",\"session\":1,\"by\":\"client\",\"how\":\"fin\"");
	expect(control_store_sessions(f->store, 1),
	       "[{\"session\":1,\"server\":\"mx.test\",\"peer\":\"127.0.0.1\","
	       "\"open\":false,\"opened\":1,\"closed\":1,\"closed_by\":"
	       "\"client\",\"how\":\"fin\",\"helo\":\"me\",\"from\":\"a@b\","
	       "\"to\":[\"c@d\"],\"last_command\":\"RCPT TO:nobody\","
	       "\"last_reply\":\"250 Ok\",\"last_fault\":{\"stage\":\"rcpt\","
	       "\"action\":\"drop\",\"line\":7},\"messages\":[3]}]");
	expect(control_store_sessions(f->store, 3), "[]");
	all = control_store_sessions(f->store, 0);
	assert_int_equal(json_array_size(all), 2);
	json_decref(all);
}

/* Messages by number, address in any case, and server; with their bytes. */
static void test_control_store_messages(void **state)
{
	static const char first[] =
		"[{\"number\":1,\"at\":1,\"server\":\"mx.test\",\"session\":1,"
		"\"from\":\"a@b\",\"to\":[\"c@d\"],\"bytes\":1,\"file\":"
		"\"msg-1.eml\"}]";
	struct fixture *f = *state;
	size_t len;

	add_message(f, 1, "c@d", "one");
	add_message(f, 2, "e@f", "two");
	expect(control_store_messages(
		       f->store, &(struct control_store_messages){.to = "C@D"},
		       false),
	       first);
	expect(control_store_messages(
		       f->store, &(struct control_store_messages){.number = 1},
		       false),
	       first);
	expect(control_store_messages(
		       f->store,
		       &(struct control_store_messages){.server = "mx.test",
							.from = "x@y"},
		       false),
	       "[]");
	assert_string_equal(control_store_data(f->store, 2, &len), "two");
	assert_int_equal(len, 3);
	assert_null(control_store_data(f->store, 3, &len));
}

/* Those that are taken are given back once; the others stay in order. */
static void test_control_store_take(void **state)
{
	struct fixture *f = *state;
	size_t len;

	add_message(f, 1, "c@d", "one\xff");
	add_message(f, 2, "e@f", "two");
	add_message(f, 3, "c@d", "three");
	add_message(f, 4, "e@f", "four");
	expect(control_store_take_messages(
		       f->store, &(struct control_store_messages){.to = "c@d"}),
	       "[{\"number\":1,\"at\":1,\"server\":\"mx.test\",\"session\":1,"
	       "\"from\":\"a@b\",\"to\":[\"c@d\"],\"bytes\":1,\"file\":"
	       "\"msg-1.eml\",\"data\":\"one\xef\xbf\xbd\"},{\"number\":3,"
	       "\"at\":1,\"server\":\"mx.test\",\"session\":1,\"from\":"
	       "\"a@b\",\"to\":[\"c@d\"],\"bytes\":1,\"file\":\"msg-3.eml\","
	       "\"data\":\"three\"}]");
	assert_null(control_store_data(f->store, 1, &len));
	assert_string_equal(control_store_data(f->store, 2, &len), "two");
	assert_string_equal(control_store_data(f->store, 4, &len), "four");
	add_message(f, 5, "c@d", "five");
	assert_string_equal(control_store_data(f->store, 5, &len), "five");
	control_store_clear(f->store);
	assert_null(control_store_data(f->store, 5, &len));
	add_message(f, 6, "c@d", "six");
	expect(events(f, &(struct control_store_events){.since = f->seq}),
	       "{\"events\":[],\"next\":6,\"lost\":0}");
}

/* Messages are bounded in number and bytes; the newest is always kept. */
static void test_control_store_messages_max(void **state)
{
	const size_t size = CONTROL_STORE_MESSAGE_BYTES_MAX / 2 + 1;
	struct fixture *f = *state;
	char *data = malloc(size + 1);
	size_t len;

	for (int i = 1; i <= CONTROL_STORE_MESSAGES_MAX + 1; i++)
		add_message(f, i, "c@d", "x");
	assert_null(control_store_data(f->store, 1, &len));
	assert_non_null(control_store_data(f->store, 2, &len));
	memset(data, 'x', size);
	data[size] = '\0';
	add_message(f, 20001, "c@d", data);
	assert_non_null(control_store_data(f->store, 3, &len));
	add_message(f, 20002, "c@d", data);
	assert_null(control_store_data(f->store, 20001, &len));
	assert_non_null(control_store_data(f->store, 20002, &len));
	assert_int_equal(len, size);
	free(data);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_control_store_events),
		T(test_control_store_hostile_line),
		T(test_control_store_events_max),
		T(test_control_store_event_bytes_max),
		T(test_control_store_event_ring),
		T(test_control_store_session),
		T(test_control_store_messages),
		T(test_control_store_take),
		T(test_control_store_messages_max),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
