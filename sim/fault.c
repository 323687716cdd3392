/* SPDX-License-Identifier: MIT */
/* Which fault holds when, and for whom: see fault.h. */
#include "sim/fault.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "deadmx/pattern.h"

struct fault_row {
	struct deadmx_pattern *sender,
		*recipient; /* NULL: no regular expression */
	struct window_count count;
	uint64_t lots; /* drawn so far */
};

bool deadmx_fault_is_for_all(const struct deadmx_fault *f)
{
	return !f->sender.text && !f->recipient.text && !f->connection.set &&
	       !f->attempt.set && !f->probability_ppm && !f->spf &&
	       !f->ip_version;
}

bool deadmx_fault_is_plain(const struct deadmx_fault *f)
{
	return deadmx_fault_is_for_all(f) && !f->window.every_ns &&
	       !f->window.first && !f->window.times;
}

/* --- the table ----------------------------------------------------------- */

static int regex_new(const struct deadmx_text *text,
		     struct deadmx_pattern **ret)
{
	if (!text->text || !text->is_regex)
		return 0;
	return deadmx_pattern_new(text->text, DEADMX_PATTERN_ANY_CASE, NULL,
				  ret);
}

int fault_table_init(struct fault_table *t, const struct deadmx_server *server,
		     uint64_t seed)
{
	int rc = 0;

	*t = (struct fault_table){.server = server, .seed = seed};
	seen_init(&t->attempts);
	t->rows = calloc(server->fault_count + 1, sizeof(*t->rows));
	if (!t->rows)
		return -ENOMEM;
	for (size_t i = 0; i < server->fault_count && rc == 0; i++) {
		const struct deadmx_fault *f = &server->faults[i];

		t->counts_attempts |= f->attempt.set;
		rc = regex_new(&f->sender, &t->rows[i].sender);
		if (rc == 0)
			rc = regex_new(&f->recipient, &t->rows[i].recipient);
	}
	if (rc < 0)
		fault_table_release(t);
	return rc;
}

void fault_table_release(struct fault_table *t)
{
	for (size_t i = 0; t->rows && i < t->server->fault_count; i++) {
		deadmx_pattern_free(t->rows[i].sender);
		deadmx_pattern_free(t->rows[i].recipient);
	}
	free(t->rows);
	t->rows = NULL;
	if (t->server)
		seen_release(&t->attempts);
}

void fault_table_clear(struct fault_table *t)
{
	for (size_t i = 0; i < t->server->fault_count; i++) {
		struct fault_row *row = &t->rows[i];

		*row = (struct fault_row){.sender = row->sender,
					  .recipient = row->recipient};
	}
	seen_clear(&t->attempts);
}

int64_t fault_next_edge(const struct fault_table *t, enum deadmx_stage stage,
			int64_t now_ns)
{
	int64_t next = DEADMX_FOREVER_NS;

	for (size_t i = 0; i < t->server->fault_count; i++) {
		const struct deadmx_fault *f = &t->server->faults[i];
		int64_t edge;

		if (f->stage != stage)
			continue;
		edge = window_next_edge(&f->window, now_ns);
		next = edge < next ? edge : next;
	}
	return next;
}

/* --- conditions ---------------------------------------------------------- */

static bool in_range(const struct deadmx_range *range, uint64_t n)
{
	return !range->set ||
	       (n && (int64_t)n >= range->min && (int64_t)n <= range->max);
}

/* Domains have no case, and nobody tells local parts apart by it. */
static bool address_fits(const struct deadmx_text *want,
			 const struct deadmx_pattern *re, const char *address)
{
	const char *at;

	if (!want->text)
		return true;
	if (!address)
		return false;
	if (re)
		return deadmx_pattern_matches(re, address);
	if (want->text[0] != '@')
		return strcasecmp(want->text, address) == 0;
	at = strrchr(address, '@');
	return at && strcasecmp(want->text, at) == 0;
}

/* One of them must fit in all respects. */
static bool recipients_fit(const struct deadmx_fault *f,
			   const struct fault_row *row,
			   const struct fault_context *c)
{
	if (!f->recipient.text && !f->attempt.set)
		return true;
	for (size_t i = 0; i < c->recipient_count; i++)
		if (address_fits(&f->recipient, row->recipient,
				 c->recipients[i]) &&
		    in_range(&f->attempt, c->attempts ? c->attempts[i] : 0))
			return true;
	return false;
}

static bool spf_fits(const struct deadmx_fault *f,
		     const struct fault_context *c)
{
	return !f->spf ||
	       (c->spf && (f->spf & (1u << c->spf(c->spf_arg))) != 0);
}

static bool conditions_hold(const struct deadmx_fault *f,
			    const struct fault_row *row,
			    const struct fault_context *c)
{
	return in_range(&f->connection, c->connection) &&
	       (!f->ip_version || f->ip_version == c->ip_version) &&
	       address_fits(&f->sender, row->sender, c->sender) &&
	       recipients_fit(f, row, c) && spf_fits(f, c);
}

/* --- lots ---------------------------------------------------------------- */

/* splitmix64: a good hash of a number, made to be a random generator. */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9E3779B97F4A7C15);
	x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
	return x ^ x >> 31;
}

/*
 * The next lot of a row. It hangs on seed, server, row and number only, so
 * that rows and servers don't disturb one another.
 */
static bool lot_wins(const struct fault_table *t, size_t i)
{
	const struct deadmx_fault *f = &t->server->faults[i];
	uint64_t lot = mix(t->seed);

	if (!f->probability_ppm)
		return true;
	for (const char *p = t->server->name; *p; p++)
		lot = mix(lot ^ (unsigned char)*p);
	lot = mix(lot ^ i);
	lot = mix(lot ^ t->rows[i].lots);
	return lot % DEADMX_PPM < f->probability_ppm;
}

/* --- which row ----------------------------------------------------------- */

bool fault_is_open(const struct fault_table *t, size_t i, int64_t now_ns)
{
	return window_holds(&t->server->faults[i].window, &t->rows[i].count,
			    now_ns);
}

/* It is the row's turn: all holds but what the lot will say. */
static bool has_turn(const struct fault_table *t, size_t i,
		     const struct fault_context *c)
{
	const struct deadmx_fault *f = &t->server->faults[i];

	return f->stage == c->stage && fault_is_open(t, i, c->now_ns) &&
	       conditions_hold(f, &t->rows[i], c);
}

const struct deadmx_fault *fault_peek(const struct fault_table *t,
				      const struct fault_context *c)
{
	for (size_t i = 0; i < t->server->fault_count; i++)
		if (has_turn(t, i, c) && lot_wins(t, i))
			return &t->server->faults[i];
	return NULL;
}

const struct deadmx_fault *fault_take(struct fault_table *t,
				      const struct fault_context *c)
{
	for (size_t i = 0; i < t->server->fault_count; i++) {
		const struct deadmx_fault *f = &t->server->faults[i];
		struct fault_row *row = &t->rows[i];
		bool wins;

		if (!has_turn(t, i, c))
			continue;
		wins = lot_wins(t, i);
		row->lots++;
		if (wins) {
			window_take(&f->window, &row->count, c->now_ns);
			return f;
		}
		window_pass(&f->window, &row->count, c->now_ns);
	}
	return NULL;
}

uint32_t fault_attempt(struct fault_table *t, const char *sender,
		       const char *recipient, int64_t now_ns)
{
	const struct seen_entry *e;
	char *key = NULL;
	int rc;

	if (!t->counts_attempts)
		return 0;
	rc = asprintf(&key, "%s\n%s", sender, recipient);
	assert(rc > 0);
	for (char *p = key; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	e = seen_note(&t->attempts, key, now_ns, INT64_MAX);
	free(key);
	return e->count;
}
