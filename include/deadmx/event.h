/* SPDX-License-Identifier: MIT */
/*
 * The event log: one JSON object a line, the spine of a run.
 *
 * Writers build a jansson object and hand it to deadmx_event_emit(), which
 * adds "t" (virtual seconds since the first injection, microsecond
 * resolution; negative before it) and passes the line to the sink. Inside a
 * run the sink is a pipe to the harness, which adds "seq" (from 1, gapless)
 * and appends the line to events.ndjson. Nobody else numbers events.
 *
 * Each event has "type", one word of DEADMX_EVENT_MAP. Its other members are
 * listed in docs/events.md; a test keeps map and page in step.
 */
#ifndef DEADMX_EVENT_H
#define DEADMX_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* XX(ENUM, "word", "members") */
#define DEADMX_EVENT_MAP(XX)                                                   \
	XX(RUN, "run",                                                         \
	   "scenario scenario_file target target_version start_unix_s "        \
	   "clock? (real) deadmx")                                             \
	XX(PHASE, "phase",                                                     \
	   "name (setup start ready inject settled stop end reset)")           \
	XX(INJECT, "inject", "mail from to[] via status reply dsn again?")     \
	XX(CONNECT, "connect", "address port")                                 \
	XX(ACCEPT, "accept", "session server address port peer frontend?")     \
	XX(COMMAND, "command", "session server line")                          \
	XX(REPLY, "reply", "session server stage text")                        \
	XX(TLS, "tls",                                                         \
	   "session server version|null cipher|null server_name|null "         \
	   "error|null")                                                       \
	XX(FAULT, "fault", "session|null server stage action reply|null line") \
	XX(STATE, "state", "server stage action|null line address")            \
	XX(CLOSE, "close", "session server by (client server) how")            \
	XX(MESSAGE, "message",                                                 \
	   "session server from to[] file bytes backend? frontend? "           \
	   "unacknowledged?")                                                  \
	XX(RELAY, "relay",                                                     \
	   "session server backend|null address port error|null reply|null")   \
	XX(SPF, "spf", "session server sender result explanation")             \
	XX(DNS, "dns",                                                         \
	   "name qtype rcode|null answers transport delay action|null line")   \
	XX(JUMP, "jump", "to")                                                 \
	XX(LOG, "log", "line")                                                 \
	XX(QUEUE, "queue", "text")                                             \
	XX(TARGET, "target", "what (exit output) status text")                 \
	XX(CLOCK, "clock", "finding (call that the clock can't handle) count") \
	XX(ERROR, "error", "what (deadmx or the machine is at fault)")         \
	XX(STATS, "stats", "jumps stops host_s virtual_s rss_kib")

enum deadmx_event_type {
#define XX(uc, word, members) DEADMX_EVENT_##uc,
	DEADMX_EVENT_MAP(XX)
#undef XX
		DEADMX_EVENT_COUNT
};

const char *deadmx_event_word(enum deadmx_event_type type);

/* Takes one whole line without its newline. */
typedef void (*deadmx_event_sink_cb)(void *arg, const char *line, size_t len);

struct deadmx_event_log;

/*
 * @virtual_now_ns: the time of "now" in ns since the first injection, asked
 * once per event. Both callbacks get @arg.
 */
struct deadmx_event_log *
deadmx_event_log_new(int64_t (*virtual_now_ns)(void *arg),
		     deadmx_event_sink_cb sink, void *arg);
void deadmx_event_log_free(struct deadmx_event_log *log);

/*
 * Emit an event. Steals @members (a JSON object, as made by json_pack; NULL
 * when out of memory is fatal by assert). Strings that are not UTF-8 must
 * have gone through deadmx_event_text().
 */
void deadmx_event_emit(struct deadmx_event_log *log,
		       enum deadmx_event_type type, json_t *members);

/* A member of an event: the first that is given, else null. */
struct deadmx_event_member {
	const char *key;
	const char *text; /* any bytes */
	size_t len;
	char *const *list; /* of texts; may have none */
	size_t list_len;
	bool is_true;
	bool is_number;
	int64_t number;
};

/*
 * Emit an event without jansson: a busy server writes ten a message. The line
 * is the same, to the byte, as that of deadmx_event_emit().
 */
void deadmx_event_emit_flat(struct deadmx_event_log *log,
			    enum deadmx_event_type type,
			    const struct deadmx_event_member *members,
			    size_t count);

enum { DEADMX_EVENT_DIGITS_MAX = 20 };
/* @n in decimal into @buf, of DIGITS_MAX bytes, without NUL; its length. */
size_t deadmx_event_digits(uint64_t n, char *buf);

/* A JSON string of any bytes: invalid UTF-8 becomes U+FFFD. New reference. */
json_t *deadmx_event_text(const char *bytes, size_t len);

#endif
