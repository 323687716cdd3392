/* SPDX-License-Identifier: MIT */
/*
 * What a world by hand remembers: its last events and messages.
 *
 * Events are kept as the lines of the event log, messages as their event and
 * their bytes; both in bounded memory, of which the oldest go first. Sessions
 * are what the events tell of them.
 */
#ifndef HARNESS_CONTROL_STORE_H
#define HARNESS_CONTROL_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits, tested in tests/unit/test_control_store.c. */
enum {
	CONTROL_STORE_EVENTS_MAX = 20 * 1000,
	CONTROL_STORE_EVENT_BYTES_MAX = 8 << 20,
	CONTROL_STORE_MESSAGES_MAX = 10 * 1000,
	CONTROL_STORE_MESSAGE_BYTES_MAX = 64 << 20,
};

struct control_store;

struct control_store *control_store_new(void);
void control_store_free(struct control_store *s);

/* An event: its line with "seq". The numbers follow one another. */
void control_store_event(struct control_store *s, uint64_t seq,
			 const char *line, size_t len);
/* The bytes of the message whose event came last. */
void control_store_message(struct control_store *s, const char *data,
			   size_t len);
/* Forget all events and messages. */
void control_store_clear(struct control_store *s);

/* Which events; zero and NULL: any. */
struct control_store_events {
	uint64_t since; /* only those behind this number */
	int64_t session;
	const char *type;
	size_t limit; /* so many at most */
};

/*
 * {"events": […], "next": N, "lost": N}: @next is the number to go on from,
 * @lost how many behind @since are not remembered any more. @ret_count: how
 * many events it holds.
 */
json_t *control_store_events(const struct control_store *s,
			     const struct control_store_events *which,
			     size_t *ret_count);
/* [{"session": 1, …}, …], the oldest first; @session 0: all. */
json_t *control_store_sessions(const struct control_store *s, int64_t session);

/* Which messages; zero and NULL: any. Addresses in any case. */
struct control_store_messages {
	uint64_t number;
	const char *to, *from, *server;
};

/* [{"number": 1, …}, …]; @with_data: with the bytes, as text. */
json_t *control_store_messages(const struct control_store *s,
			       const struct control_store_messages *which,
			       bool with_data);
/* The same, and forget them. */
json_t *control_store_take_messages(struct control_store *s,
				    const struct control_store_messages *which);
/* The bytes of message @number, or NULL. Valid until the next change. */
const char *control_store_data(const struct control_store *s, uint64_t number,
			       size_t *ret_len);

/* The value of "type" in an event's line; not NUL-terminated. */
const char *control_store_type(const char *line, size_t *ret_len);

#endif
