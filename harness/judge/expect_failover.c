/* SPDX-License-Identifier: MIT */
/* Expectations about several servers: see expect_failover.h. */
#include "harness/judge/expect_failover.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "harness/judge/expect_text.h"
#include "harness/judge/findings.h"

/* The servers of one round for one recipient, each once, as they came. */
struct expect_round {
	const struct attempts_step *steps;
	size_t count;	    /* connections */
	bool is_last;	    /* no round follows */
	bool has_succeeded; /* it brought the mail */
};

/* Was this connection to a server other than the one before it? */
static bool round_moves(const struct expect_round *r, size_t i)
{
	return i == 0 || r->steps[i].try->server != r->steps[i - 1].try->server;
}

static size_t round_hosts(const struct expect_round *r)
{
	size_t hosts = 0;

	for (size_t i = 0; i < r->count; i++)
		hosts += round_moves(r, i);
	return hosts;
}

/* "mx1.dest.example, mx2.dest.example" */
static void round_text(const struct expect_round *r, struct expect_text *ret)
{
	size_t len = 0;

	ret->text[0] = '\0';
	for (size_t i = 0; i < r->count && len < sizeof(ret->text); i++)
		if (round_moves(r, i))
			len += (size_t)snprintf(ret->text + len,
						sizeof(ret->text) - len, "%s%s",
						len ? ", " : "",
						r->steps[i].try->server->name);
}

static size_t domain_hosts(const struct attempts *a, const char *domain)
{
	size_t hosts = 0;

	for (size_t i = 0; i < a->scenario->world.server_count; i++)
		hosts +=
			attempts_serves(&a->scenario->world.servers[i], domain);
	return hosts;
}

/* What DNS says of it for @domain: names first, then the server itself. */
static unsigned preference(const struct attempts *a, const char *domain,
			   const struct deadmx_server *server)
{
	const struct deadmx_name *name =
		deadmx_scenario_name(a->scenario, domain);

	for (size_t i = 0; name && i < name->records.count; i++) {
		const struct deadmx_record *r = &name->records.list[i];

		if (r->type == DEADMX_RECORD_MX &&
		    strcasecmp(r->value, server->name) == 0)
			return r->preference;
	}
	return server->preference;
}

static bool rises(const struct attempts *a, const char *domain,
		  const struct expect_round *r)
{
	for (size_t i = 1; i < r->count; i++)
		if (preference(a, domain, r->steps[i].try->server) <
		    preference(a, domain, r->steps[i - 1].try->server))
			return false;
	return true;
}

static bool follows(const struct deadmx_expect *e, const struct expect_round *r)
{
	size_t host = 0;

	for (size_t i = 0; i < r->count; i++) {
		if (!round_moves(r, i))
			continue;
		if (host == e->failover_host_count ||
		    strcasecmp(e->failover_hosts[host],
			       r->steps[i].try->server->name) != 0)
			return false;
		host++;
	}
	return host == e->failover_host_count || r->has_succeeded;
}

/* What is wrong with the round, in words; NULL: nothing. */
static const char *round_wrong(const struct attempts *a,
			       const struct attempts_party *p,
			       const struct expect_round *r,
			       struct expect_text *buf)
{
	const struct deadmx_expect *e = &a->scenario->expect;
	size_t len = 0;

	if (e->failover == DEADMX_WANTED_NONE)
		return round_hosts(r) > 1 ? "one server in each round" : NULL;
	if (!e->failover_host_count) {
		if (!rises(a, p->domain, r))
			return "servers tried by rising preference";
		if (!r->has_succeeded && round_hosts(r) < 2 &&
		    domain_hosts(a, p->domain) > 1)
			return "a second server after the first one failed";
		return NULL;
	}
	if (follows(e, r))
		return NULL;
	for (size_t i = 0;
	     i < e->failover_host_count && len < sizeof(buf->text); i++)
		len += (size_t)snprintf(buf->text + len,
					sizeof(buf->text) - len, "%s%s",
					i ? ", " : "", e->failover_hosts[i]);
	return buf->text;
}

/* The round that begins at @steps; false when there is none. */
static bool round_take(const struct attempts_party *p,
		       const struct attempts_step *steps, size_t count,
		       struct expect_round *ret)
{
	*ret = (struct expect_round){.steps = steps};
	while (ret->count < count && steps[ret->count].round == steps->round)
		ret->count++;
	if (!ret->count)
		return false;
	ret->is_last = ret->count == count;
	ret->has_succeeded =
		p->delivered_count &&
		p->first_delivered_ns >= steps->try->t_ns &&
		(ret->is_last ||
		 p->first_delivered_ns < steps[ret->count].try->t_ns);
	return true;
}

/* Leave those out in which DNS led to no server; how many there are then. */
static size_t only_servers(struct attempts_step *steps, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (steps[i].try->server)
			steps[kept++] = steps[i];
	return kept;
}

/* The first round that is wrong, and how many are. */
static void failover_of(const struct attempts *a,
			const struct attempts_party *p, struct verdict *v)
{
	size_t count, wrong = 0, rounds = 0;
	struct attempts_step *steps = attempts_steps(a, p, &count);
	struct expect_round r, first = {0};
	struct expect_text wanted, where, hosts, at;
	const char *expected = NULL, *what;

	count = only_servers(steps, count);
	for (size_t i = 0; round_take(p, steps + i, count - i, &r);
	     i += r.count) {
		rounds++;
		/* The run may have ended in the middle of it. */
		if (r.is_last && !p->is_closed)
			continue;
		what = round_wrong(a, p, &r, &wanted);
		if (!what || wrong++)
			continue;
		first = r;
		expected = what;
	}
	if (wrong) {
		round_text(&first, &hosts);
		FIND(v, EXPECT_FAILOVER, SEVERITY_MUST,
		     expect_where(&a->scenario->expect.failover_place, &where),
		     expected,
		     "%s in round %zu for %s, at %s; %zu of %zu rounds are "
		     "wrong",
		     hosts.text, first.steps->round, p->to,
		     expect_time(first.steps->try->t_ns, &at), wrong, rounds);
	}
	free(steps);
}

void expect_failover(const struct attempts *a, struct verdict *v)
{
	if (a->scenario->expect.failover == DEADMX_WANTED_ANY)
		return;
	for (size_t i = 0; i < a->party_count; i++)
		failover_of(a, &a->parties[i], v);
}

void expect_duplicates(const struct attempts *a, struct verdict *v)
{
	const struct deadmx_expect *e = &a->scenario->expect;
	struct expect_text where, range;

	if (!e->duplicates.set)
		return;
	for (size_t i = 0; i < a->party_count; i++) {
		const struct attempts_party *p = &a->parties[i];
		/* What the recipient found, whether the MTA could know. */
		size_t copies = p->delivered_count + p->unacknowledged_count;
		size_t surplus = copies > p->mails ? copies - p->mails : 0;

		if (expect_in_counts(&e->duplicates, (int64_t)surplus))
			continue;
		FIND(v, EXPECT_DUPLICATES, SEVERITY_MUST,
		     expect_where(&e->duplicates_place, &where),
		     expect_counts(&e->duplicates, &range),
		     "%zu: %s got %zu cop%s, mails sent: %zu", surplus, p->to,
		     copies, copies == 1 ? "y" : "ies", p->mails);
	}
}
