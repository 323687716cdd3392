/* SPDX-License-Identifier: MIT */
#include "harness/judge/attempts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void *attempts_grow(void *rows, size_t count, size_t size)
{
	/* It is full whenever the count is a power of two. */
	if ((count & (count - 1)) == 0) {
		rows = realloc(rows, (count ? count * 2 : 1) * size);
		assert(rows);
	}
	return rows;
}

bool attempts_serves(const struct deadmx_server *server, const char *domain)
{
	if (deadmx_server_takes(server, domain))
		return true;
	/* No MX record: the domain's own address takes its mail. */
	return server->mx_for_count == 0 &&
	       strcasecmp(server->name, domain) == 0;
}

/* Addresses tried in the round that is being built. */
struct attempts_round {
	const char **addresses; /* borrowed */
	size_t count, size;
	int64_t last_ns;
	unsigned rivals; /* the most that a connection of it may be for */
	bool is_dns;	 /* the last one was questions only */
	int number;
};

/*
 * Several connections to an address at once, each for a recipient of its own,
 * are one round; but for one recipient a second one is the next round.
 */
static bool attempts_is_rival(const struct attempts_round *round,
			      const struct attempts_try *try, size_t same)
{
	unsigned rivals =
		round->rivals > try->rivals ? round->rivals : try->rivals;

	return !try->rcpt_count && same < rivals &&
	       try->t_ns - round->last_ns <= ATTEMPTS_PAIR_NS;
}

/*
 * Without an address to tell that it is tried again, only the time does:
 * questions are asked right before a connection, or when the one before has
 * failed.
 */
static int64_t attempts_round_gap(const struct attempts_round *round,
				  const struct attempts_try *try)
{
	return round->is_dns || !try->server ? ATTEMPTS_DNS_ROUND_GAP_NS
					     : ATTEMPTS_ROUND_GAP_NS;
}

/* True when @try begins a new round. */
static bool attempts_round_next(struct attempts_round *round,
				const struct attempts_try *try)
{
	/* Without a server: it got no further than DNS, or failed there. */
	const char *address = try->address ? try->address : "";
	size_t same = 0;
	bool is_new;

	for (size_t i = 0; i < round->count; i++)
		same += strcmp(round->addresses[i], address) == 0;
	is_new = round->number == 0 ||
		 try->t_ns - round->last_ns > attempts_round_gap(round, try) ||
		 (same && !attempts_is_rival(round, try, same));
	if (is_new) {
		round->count = 0;
		round->rivals = 0;
		round->number++;
	}
	if (try->rivals > round->rivals)
		round->rivals = try->rivals;
	if (round->count == round->size) {
		round->size = round->size ? round->size * 2 : 8;
		round->addresses =
			realloc(round->addresses,
				round->size * sizeof(*round->addresses));
		assert(round->addresses);
	}
	round->addresses[round->count++] = address;
	round->last_ns = try->t_ns;
	round->is_dns = !try->server;
	return is_new;
}

static bool attempts_is_for(const struct attempts_try *try, const char *domain)
{
	return !try->is_return && try->domain &&
	       strcasecmp(try->domain, domain) == 0;
}

/* Number the rounds of @domain from its first try at @from on. */
static void attempts_number(struct attempts *a, size_t from, const char *domain)
{
	struct attempts_round round = {0};

	for (size_t i = from; i < a->try_count; i++)
		if (attempts_is_for(&a->tries[i], domain)) {
			attempts_round_next(&round, &a->tries[i]);
			a->tries[i].round = round.number;
		}
	free(round.addresses);
}

void attempts_number_rounds(struct attempts *a)
{
	for (size_t i = 0; i < a->try_count; i++) {
		const struct attempts_try *try = &a->tries[i];

		if (try->round == 0 && try->domain && !try->is_return)
			attempts_number(a, i, try->domain);
	}
}

static const struct attempts_rcpt *
attempts_find_rcpt(const struct attempts_try *try, const char *address)
{
	for (size_t i = 0; i < try->rcpt_count; i++)
		if (strcasecmp(try->rcpts[i].address, address) == 0)
			return &try->rcpts[i];
	return NULL;
}

bool attempts_had_ended(const struct attempts_party *p, int64_t t_ns)
{
	return p->is_closed && p->closed_ns + ATTEMPTS_INSTANT_NS < t_ns;
}

/* Did the MTA have mail for @p then? */
static bool attempts_was_open(const struct attempts_party *p, int64_t t_ns)
{
	return t_ns >= p->sent_ns && !attempts_had_ended(p, t_ns);
}

/*
 * Without RCPT nobody can tell for whom a connection was, but only that it was
 * not for those whose mail had not come yet, or was gone, while there was mail
 * for others.
 */
static bool attempts_concerns(const struct attempts_try *try,
			      const struct attempts_party *p)
{
	if (try->rcpt_count)
		return attempts_find_rcpt(try, p->to) != NULL;
	return attempts_is_for(try, p->domain) &&
	       (!try->rivals || attempts_was_open(p, try->t_ns));
}

struct attempts_step *attempts_steps(const struct attempts *a,
				     const struct attempts_party *p,
				     size_t *ret_count)
{
	struct attempts_step *steps = calloc(a->try_count + 1, sizeof(*steps));
	struct attempts_round round = {0};
	size_t count = 0;

	assert(steps);
	for (size_t i = 0; i < a->try_count; i++) {
		if (!attempts_concerns(&a->tries[i], p))
			continue;
		attempts_round_next(&round, &a->tries[i]);
		steps[count++] = (struct attempts_step){
			.try = &a->tries[i], .round = (size_t)round.number};
	}
	free(round.addresses);
	*ret_count = count;
	return steps;
}

int64_t *attempts_rounds(const struct attempts *a,
			 const struct attempts_party *p, size_t *ret_count)
{
	int64_t *starts = calloc(a->try_count + 1, sizeof(*starts));
	size_t step_count, count = 0;
	struct attempts_step *steps = attempts_steps(a, p, &step_count);

	assert(starts);
	for (size_t i = 0; i < step_count; i++)
		if (steps[i].round > count)
			starts[count++] = steps[i].try->t_ns;
	free(steps);
	*ret_count = count;
	return starts;
}

const struct attempts_try *attempts_last(const struct attempts *a,
					 const struct attempts_party *p,
					 int64_t until_ns)
{
	const struct attempts_try *last = NULL;

	for (size_t i = 0; i < a->try_count; i++) {
		if (a->tries[i].t_ns > until_ns)
			break;
		if (attempts_concerns(&a->tries[i], p))
			last = &a->tries[i];
	}
	return last;
}

const char *attempts_reply(const struct attempts_try *try,
			   const struct attempts_party *p)
{
	const struct attempts_rcpt *rcpt = attempts_find_rcpt(try, p->to);

	if (rcpt && rcpt->reply &&
	    (rcpt->reply[0] == '4' || rcpt->reply[0] == '5'))
		return rcpt->reply;
	return try->reply;
}

static char *attempts_copy(const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	assert(copy || !text);
	return copy;
}

static void attempts_report_tries(const struct attempts *a, struct verdict *v)
{
	v->attempts = calloc(a->try_count + 1, sizeof(*v->attempts));
	assert(v->attempts);
	for (size_t i = 0; i < a->try_count; i++) {
		const struct attempts_try *try = &a->tries[i];
		struct attempt *to;

		if (try->is_return)
			continue;
		to = &v->attempts[v->attempt_count++];
		to->at_s = (double)try->t_ns / 1e9;
		to->recipient = attempts_copy(try->recipient);
		if (try->server) {
			to->host = attempts_copy(try->server->name);
			to->address = attempts_copy(try->address);
		}
		to->fault = attempts_copy(try->fault);
		to->stage = attempts_copy(try->stage);
		to->reply = attempts_copy(try->reply);
		to->round = try->round;
	}
}

void attempts_report(const struct attempts *a, struct verdict *v)
{
	attempts_report_tries(a, v);
	v->ndrs = calloc(a->notice_count + 1, sizeof(*v->ndrs));
	assert(v->ndrs);
	for (size_t i = 0; i < a->notice_count; i++) {
		const struct attempts_notice *n = &a->notices[i];
		struct ndr_record *to = &v->ndrs[v->ndr_count++];

		to->at_s = (double)n->t_ns / 1e9;
		to->file = attempts_copy(n->file);
		to->envelope_from = attempts_copy(n->envelope_from);
		to->envelope_to = attempts_copy(n->envelope_to);
		to->action = attempts_copy(n->action);
		to->status = attempts_copy(n->status);
		to->recipient = attempts_copy(n->recipient);
		to->diagnostic = attempts_copy(n->diagnostic);
	}
	v->deliveries = calloc(a->delivery_count + 1, sizeof(*v->deliveries));
	assert(v->deliveries);
	for (size_t i = 0; i < a->delivery_count; i++) {
		const struct attempts_delivery *d = &a->deliveries[i];
		struct delivery *to = &v->deliveries[v->delivery_count++];

		to->at_s = (double)d->t_ns / 1e9;
		to->recipient = attempts_copy(d->party->to);
		to->host = attempts_copy(d->server->name);
	}
	v->target_version = attempts_copy(a->target_version);
	v->virtual_seconds = a->virtual_s;
	v->host_seconds = a->host_s;
}

void attempts_free(struct attempts *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->party_count; i++)
		free(a->parties[i].injected_ns);
	for (size_t i = 0; i < a->try_count; i++) {
		struct attempts_try *try = &a->tries[i];

		for (size_t k = 0; k < try->rcpt_count; k++) {
			free(try->rcpts[k].address);
			free(try->rcpts[k].reply);
		}
		free(try->rcpts);
		free(try->recipient);
		free(try->reply);
	}
	for (size_t i = 0; i < a->notice_count; i++) {
		struct attempts_notice *n = &a->notices[i];

		free(n->recipient);
		free(n->file);
		free(n->envelope_from);
		free(n->envelope_to);
		free(n->action);
		free(n->status);
		free(n->diagnostic);
		free(n->text);
		free(n->reporting_mta);
		free(n->arrival_date);
		free(n->last_attempt);
		free(n->retry_until);
		free(n->remote_mta);
		free(n->final_recipient);
	}
	free(a->parties);
	free(a->tries);
	free(a->notices);
	free(a->deliveries);
	free(a->queue);
	free(a->target_version);
	for (size_t i = 0; i < a->name_count; i++)
		free(a->names[i]);
	free(a);
}
