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

struct fault_row {
	regex_t *sender, *recipient; /* NULL: no regular expression */
	int64_t window;		     /* the one that `turns` counts in */
	uint32_t turns;		     /* for `first`: fired or not */
	uint32_t fired;		     /* for `times`: in all */
	uint64_t lots;		     /* drawn so far */
};

bool deadmx_fault_is_plain(const struct deadmx_fault *f)
{
	return !f->every_ns && !f->first && !f->times && !f->sender.text &&
	       !f->recipient.text && !f->connection.set && !f->attempt.set &&
	       !f->probability_ppm && !f->spf && !f->ip_version;
}

/* --- the table ----------------------------------------------------------- */

static int regex_new(const struct deadmx_text *text, regex_t **ret)
{
	regex_t *re;

	if (!text->text || !text->is_regex)
		return 0;
	re = malloc(sizeof(*re));
	if (!re)
		return -ENOMEM;
	if (regcomp(re, text->text, REG_EXTENDED | REG_NOSUB | REG_ICASE)) {
		free(re);
		return -EINVAL;
	}
	*ret = re;
	return 0;
}

static void regex_free(regex_t *re)
{
	if (re)
		regfree(re);
	free(re);
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
		regex_free(t->rows[i].sender);
		regex_free(t->rows[i].recipient);
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

/* --- windows ------------------------------------------------------------- */

/* The number of the window that @now_ns lies in, from 0; -1: none. */
static int64_t window_at(const struct deadmx_fault *f, int64_t now_ns)
{
	int64_t since = now_ns - f->from_ns;

	if (since < 0 ||
	    (f->until_ns != DEADMX_FOREVER_NS && now_ns >= f->until_ns))
		return -1;
	if (!f->every_ns)
		return 0;
	return since % f->every_ns < f->for_ns ? since / f->every_ns : -1;
}

static int64_t window_edge(const struct deadmx_fault *f, int64_t now_ns)
{
	int64_t since = now_ns - f->from_ns, edge = f->until_ns;

	if (since < 0)
		return f->from_ns;
	if (now_ns >= f->until_ns)
		return DEADMX_FOREVER_NS;
	if (f->every_ns) {
		edge = now_ns - since % f->every_ns;
		edge += since % f->every_ns < f->for_ns ? f->for_ns
							: f->every_ns;
	}
	return edge < f->until_ns ? edge : f->until_ns;
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
		edge = window_edge(f, now_ns);
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
static bool address_fits(const struct deadmx_text *want, const regex_t *re,
			 const char *address)
{
	const char *at;

	if (!want->text)
		return true;
	if (!address)
		return false;
	if (re)
		return regexec(re, address, 0, NULL, 0) == 0;
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

/* It is the row's turn: all holds but what the lot will say. */
static bool has_turn(const struct fault_table *t, size_t i,
		     const struct fault_context *c)
{
	const struct deadmx_fault *f = &t->server->faults[i];
	const struct fault_row *row = &t->rows[i];
	int64_t window;

	if (f->stage != c->stage)
		return false;
	window = window_at(f, c->now_ns);
	if (window < 0 || (f->times && row->fired >= f->times))
		return false;
	if (f->first && row->window == window && row->turns >= f->first)
		return false;
	return conditions_hold(f, row, c);
}

const struct deadmx_fault *fault_peek(const struct fault_table *t,
				      const struct fault_context *c)
{
	for (size_t i = 0; i < t->server->fault_count; i++)
		if (has_turn(t, i, c) && lot_wins(t, i))
			return &t->server->faults[i];
	return NULL;
}

/* Only counted rows count: the others could wrap in a long run. */
static void count_turn(const struct deadmx_fault *f, struct fault_row *row,
		       int64_t now_ns)
{
	int64_t window = window_at(f, now_ns);

	if (row->window != window)
		row->turns = 0;
	row->window = window;
	row->turns += f->first > 0;
	row->lots++;
}

const struct deadmx_fault *fault_take(struct fault_table *t,
				      const struct fault_context *c)
{
	for (size_t i = 0; i < t->server->fault_count; i++) {
		const struct deadmx_fault *f = &t->server->faults[i];
		bool wins;

		if (!has_turn(t, i, c))
			continue;
		wins = lot_wins(t, i);
		count_turn(f, &t->rows[i], c->now_ns);
		if (!wins)
			continue;
		t->rows[i].fired += f->times > 0;
		return f;
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
