/* SPDX-License-Identifier: MIT */
/* Servers and faults as JSON: see control_row.h. */
#include "harness/control_row.h"

#include <string.h>

#include "deadmx/event.h"

static void put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static void put_text(json_t *object, const char *key, const char *text)
{
	if (text)
		put(object, key, deadmx_event_text(text, strlen(text)));
}

/* Seconds; FOREVER is null. */
static json_t *seconds(int64_t ns)
{
	if (ns == DEADMX_FOREVER_NS)
		return json_null();
	if (ns % DEADMX_NS_PER_S == 0)
		return json_integer(ns / DEADMX_NS_PER_S);
	return json_real((double)(ns / 1000) / 1e6);
}

static void put_window(json_t *row, const struct deadmx_window *w,
		       int64_t since_ns)
{
	int64_t until = w->until_ns;

	if (until != DEADMX_FOREVER_NS)
		until += since_ns;
	put(row, "from", seconds(w->from_ns + since_ns));
	put(row, "until", seconds(until));
	if (w->every_ns) {
		put(row, "every", seconds(w->every_ns));
		put(row, "for", seconds(w->for_ns));
	}
	if (w->first)
		put(row, "first", json_integer(w->first));
	if (w->times)
		put(row, "times", json_integer(w->times));
}

static void put_pattern(json_t *row, const char *key,
			const struct deadmx_text *t)
{
	if (!t->text)
		return;
	if (t->is_regex)
		put(row, key, json_sprintf("/%s/", t->text));
	else
		put_text(row, key, t->text);
}

static void put_range(json_t *row, const char *key,
		      const struct deadmx_range *r)
{
	if (!r->set)
		return;
	if (r->max == INT64_MAX)
		put(row, key, json_sprintf(">=%jd", (intmax_t)r->min));
	else if (r->min == r->max)
		put(row, key, json_integer(r->min));
	else
		put(row, key,
		    json_sprintf("%jd..%jd", (intmax_t)r->min,
				 (intmax_t)r->max));
}

static void put_spf(json_t *row, unsigned spf)
{
	static const char *const words[] = {
#define XX(uc, word, doc) [DEADMX_SPF_##uc] = word,
		DEADMX_SPF_MAP(XX)
#undef XX
	};
	json_t *list = json_array();

	for (unsigned i = 0; i < DEADMX_SPF_COUNT; i++)
		if (spf & 1u << i)
			json_array_append_new(list, json_string(words[i]));
	put(row, "spf", list);
}

static void put_conditions(json_t *row, const struct deadmx_fault *f)
{
	put_pattern(row, "sender", &f->sender);
	put_pattern(row, "recipient", &f->recipient);
	put_range(row, "connection", &f->connection);
	put_range(row, "attempt", &f->attempt);
	if (f->probability_ppm)
		put(row, "probability",
		    json_sprintf("%g%%", (double)f->probability_ppm / 1e4));
	if (f->spf)
		put_spf(row, f->spf);
	if (f->ip_version)
		put(row, "ip", json_integer(f->ip_version));
}

static void put_action(json_t *row, const struct deadmx_fault *f)
{
	put_text(row, "action", deadmx_action_word(f->action));
	put_text(row, "reply", f->reply);
	put_text(row, "reply_name", f->reply_name);
	if (f->close)
		put(row, "close", json_true());
	if (f->action == DEADMX_ACTION_STALL || f->stall_ns)
		put(row, "stall", seconds(f->stall_ns));
	if (f->drip_ns)
		put(row, "drip", seconds(f->drip_ns));
	if (f->after_bytes)
		put(row, "after_bytes",
		    json_integer((json_int_t)f->after_bytes));
}

json_t *control_row_json(const struct deadmx_world_row *row)
{
	const struct deadmx_fault *f = row->fault;
	json_t *object = json_object();

	put_text(object, "stage", deadmx_stage_word(f->stage));
	put_action(object, f);
	put(object, "by_hand", json_boolean(row->by_hand));
	put(object, "open", json_boolean(row->open));
	put_window(object, &f->window, row->since_ns);
	put_conditions(object, f);
	if (!row->by_hand)
		put(object, "line", json_integer(f->place.line));
	return object;
}

/* Rows of no condition: nothing below them at the stage can apply. */
static bool is_plain(const struct deadmx_fault *f)
{
	return !f->sender.text && !f->recipient.text && !f->connection.set &&
	       !f->attempt.set && !f->probability_ppm && !f->spf &&
	       !f->ip_version;
}

/* As the language writes it: "1d6h", "250ms". */
static void print_duration(FILE *out, int64_t ns)
{
	static const struct {
		const char *unit;
		int64_t ns;
	} units[] = {{"d", 86400 * DEADMX_NS_PER_S},
		     {"h", 3600 * DEADMX_NS_PER_S},
		     {"m", 60 * DEADMX_NS_PER_S},
		     {"s", DEADMX_NS_PER_S},
		     {"ms", DEADMX_NS_PER_S / 1000}};

	if (ns < units[4].ns)
		fputs("0s", out);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (ns >= units[i].ns)
			fprintf(out, "%jd%s", (intmax_t)(ns / units[i].ns),
				units[i].unit);
		ns %= units[i].ns;
	}
}

static void print_time(FILE *out, const char *word, int64_t ns)
{
	fprintf(out, ", %s ", word);
	print_duration(out, ns);
}

static void print_window(FILE *out, const struct deadmx_window *w)
{
	if (w->from_ns)
		print_time(out, "from", w->from_ns);
	if (w->until_ns != DEADMX_FOREVER_NS)
		print_time(out, "until", w->until_ns);
	if (w->every_ns) {
		print_time(out, "every", w->every_ns);
		print_time(out, "for", w->for_ns);
	}
	if (w->first)
		fprintf(out, ", first %u", w->first);
	if (w->times)
		fprintf(out, ", %u times", w->times);
}

/* A reply's first line tells enough. */
static void print_action(FILE *out, const struct deadmx_fault *f)
{
	if (f->action == DEADMX_ACTION_REPLY)
		fprintf(out, "%.*s%s", (int)strcspn(f->reply, "\n"), f->reply,
			strchr(f->reply, '\n') ? " …" : "");
	else
		fputs(deadmx_action_word(f->action), out);
	if (f->stall_ns && f->stall_ns != DEADMX_FOREVER_NS)
		print_time(out,
			   f->action == DEADMX_ACTION_STALL ? "lasting"
							    : "stalled",
			   f->stall_ns);
	if (f->drip_ns)
		print_time(out,
			   f->stage == DEADMX_STAGE_BODY ? "a KiB every"
							 : "a byte every",
			   f->drip_ns);
}

void control_row_print(FILE *out, const struct deadmx_fault *f)
{
	fprintf(out, "%s: ", deadmx_stage_word(f->stage));
	print_action(out, f);
	print_window(out, &f->window);
	if (!is_plain(f))
		fputs(", on conditions", out);
	fprintf(out, " (line %d)", f->place.line);
}

static bool never_connects(enum deadmx_action action)
{
	return action == DEADMX_ACTION_REFUSE ||
	       action == DEADMX_ACTION_BLACKHOLE ||
	       action == DEADMX_ACTION_UNREACHABLE;
}

enum control_state control_state_of(const struct deadmx_world_row *rows,
				    size_t count)
{
	enum control_state state = CONTROL_STATE_HEALTHY;
	bool decided[DEADMX_STAGE_COUNT] = {0};

	for (size_t i = 0; i < count; i++) {
		const struct deadmx_fault *f = rows[i].fault;

		if (!rows[i].open || decided[f->stage])
			continue;
		decided[f->stage] = is_plain(f);
		if (f->action == DEADMX_ACTION_ACCEPT)
			continue;
		if (never_connects(f->action) && decided[f->stage])
			return CONTROL_STATE_DOWN;
		state = CONTROL_STATE_FAULTY;
	}
	return state;
}

const char *control_state_word(enum control_state state)
{
	static const char *const words[] = {
#define XX(uc, word) [CONTROL_STATE_##uc] = word,
		CONTROL_STATE_MAP(XX)
#undef XX
	};

	return words[state];
}
