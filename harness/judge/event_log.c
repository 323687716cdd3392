/* SPDX-License-Identifier: MIT */
#include "harness/judge/event_log.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "deadmx/scenario.h"
#include "harness/judge/judge.h"

struct event_log {
	FILE *file;
	char *line; /* JUDGE_EVENT_LINE_MAX bytes */
	size_t line_len;
	json_t *current;
	uint64_t line_number;
	uint64_t events, max_events;
	int64_t seq; /* of the last event that had one */
	struct event_log_damage damage;
};

int event_log_open(const char *path, uint64_t max_events,
		   struct event_log **ret)
{
	struct event_log *log = calloc(1, sizeof(*log));
	int rc;

	if (!log)
		return -ENOMEM;
	log->line = malloc(JUDGE_EVENT_LINE_MAX);
	log->file = log->line ? fopen(path, "re") : NULL;
	if (!log->file) {
		rc = log->line ? -errno : -ENOMEM;
		event_log_close(log);
		return rc;
	}
	log->max_events = max_events;
	*ret = log;
	return 0;
}

void event_log_close(struct event_log *log)
{
	if (!log)
		return;
	json_decref(log->current);
	if (log->file)
		fclose(log->file);
	free(log->line);
	free(log);
}

const struct event_log_damage *event_log_damage(const struct event_log *log)
{
	return &log->damage;
}

static void event_log_damaged(struct event_log *log, const char *what)
{
	if (log->damage.count++)
		return;
	log->damage.line = log->line_number;
	log->damage.what = what;
}

/* 1 with a line in @log->line, 0 at the end, negative errno. */
static int event_log_line(struct event_log *log)
{
	bool too_long = false;
	int c;

	log->line_len = 0;
	while ((c = getc_unlocked(log->file)) != EOF && c != '\n') {
		if (log->line_len < JUDGE_EVENT_LINE_MAX)
			log->line[log->line_len++] = (char)c;
		else
			too_long = true;
	}
	if (ferror(log->file))
		return -EIO;
	if (c == EOF && log->line_len == 0)
		return 0;
	log->line_number++;
	if (too_long) {
		log->line_len = 0;
		event_log_damaged(log, "a line that is too long");
	} else if (c == EOF) {
		/* The writer ends each line: this one was cut. */
		event_log_damaged(log, "a line without its end");
	}
	return 1;
}

static bool event_type(const char *word, enum deadmx_event_type *ret)
{
	for (int i = 0; word && i < DEADMX_EVENT_COUNT; i++)
		if (strcmp(word,
			   deadmx_event_word((enum deadmx_event_type)i)) == 0) {
			*ret = (enum deadmx_event_type)i;
			return true;
		}
	return false;
}

/* Numbers run from 1 without a gap; a log by hand may have none at all. */
static void event_log_check_seq(struct event_log *log)
{
	const json_t *seq = json_object_get(log->current, "seq");

	if (!seq)
		return;
	if (json_integer_value(seq) != log->seq + 1)
		event_log_damaged(log, "a sequence number that doesn't follow");
	log->seq = json_integer_value(seq);
}

/* True when the current line is an event, in *ret. */
static bool event_log_parse(struct event_log *log, struct event *ret)
{
	const json_t *t;
	double seconds;

	json_decref(log->current);
	log->current = json_loadb(log->line, log->line_len, 0, NULL);
	t = json_object_get(log->current, "t");
	seconds = json_number_value(t);
	/* 1e9 s are 31 years; a virtual run is some days. */
	if (!json_is_number(t) || !(seconds > -1e9 && seconds < 1e9) ||
	    !event_type(
		    json_string_value(json_object_get(log->current, "type")),
		    &ret->type)) {
		event_log_damaged(log, "a line that is no event");
		return false;
	}
	event_log_check_seq(log);
	ret->t_ns =
		(int64_t)(seconds * 1e6 + (seconds < 0 ? -0.5 : 0.5)) * 1000;
	ret->members = log->current;
	return true;
}

int event_log_next(struct event_log *log, struct event *ret)
{
	int rc;

	while ((rc = event_log_line(log)) > 0) {
		if (log->line_len == 0)
			continue;
		if (log->events >= log->max_events) {
			event_log_damaged(log, "more events than are read");
			return 0;
		}
		log->events++;
		if (event_log_parse(log, ret))
			return 1;
	}
	return rc;
}

const char *event_text(const struct event *e, const char *key)
{
	return json_string_value(json_object_get(e->members, key));
}

int64_t event_integer(const struct event *e, const char *key, int64_t fallback)
{
	const json_t *value = json_object_get(e->members, key);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

double event_real(const struct event *e, const char *key, double fallback)
{
	const json_t *value = json_object_get(e->members, key);

	return json_is_number(value) ? json_number_value(value) : fallback;
}
