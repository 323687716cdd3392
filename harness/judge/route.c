/* SPDX-License-Identifier: MIT */
#include "harness/judge/route.h"

#include <stdlib.h>
#include <string.h>

#include "harness/judge/expect_failover.h"
#include "harness/judge/expect_ndr.h"
#include "harness/judge/expect_text.h"
#include "harness/judge/findings.h"

/* --- MX and address ------------------------------------------------------ */

static bool route_has_address(const struct deadmx_name *name,
			      const char *address)
{
	for (size_t i = 0; name && i < name->records.count; i++) {
		const struct deadmx_record *r = &name->records.list[i];

		if ((r->type == DEADMX_RECORD_A ||
		     r->type == DEADMX_RECORD_AAAA) &&
		    strcmp(r->value, address) == 0)
			return true;
	}
	return false;
}

/* Has @domain an MX for the whole run, and which is not null? */
static bool route_has_mx(const struct deadmx_scenario *s, const char *domain)
{
	const struct deadmx_name *name = deadmx_scenario_name(s, domain);

	for (size_t i = 0; name && i < name->records.count; i++)
		if (name->records.list[i].type == DEADMX_RECORD_MX)
			return strcmp(name->records.list[i].value, ".") != 0;
	if (name && (name->records.given & 1u << DEADMX_RECORD_MX))
		return false;
	for (size_t i = 0; i < s->world.server_count; i++)
		if (deadmx_server_takes(&s->world.servers[i], domain))
			return true;
	return false;
}

static bool route_is_mx(const struct deadmx_scenario *s,
			const struct deadmx_server *server, const char *domain)
{
	const struct deadmx_name *name = deadmx_scenario_name(s, domain);

	for (size_t i = 0; i < server->mx_for_count; i++)
		if (strcasecmp(server->mx_for[i], domain) == 0)
			return true;
	for (size_t i = 0; name && i < name->records.count; i++)
		if (name->records.list[i].type == DEADMX_RECORD_MX &&
		    strcasecmp(name->records.list[i].value, server->name) == 0)
			return true;
	return false;
}

/* May mail for @domain, of a recipient or a sender, go to @server? */
static bool route_may_take(const struct deadmx_scenario *s,
			   const struct deadmx_server *server,
			   const char *domain)
{
	return route_has_mx(s, domain) ? route_is_mx(s, server, domain)
				       : attempts_serves(server, domain);
}

/* Is there a server at @address that takes mail for anybody in the run? */
static bool route_is_used(const struct attempts *a, const char *address)
{
	for (size_t i = 0; i < a->scenario->world.server_count; i++) {
		const struct deadmx_server *s = &a->scenario->world.servers[i];

		if (strcmp(s->address, address) != 0 &&
		    (!s->address6 || strcmp(s->address6, address) != 0))
			continue;
		for (size_t k = 0; k < a->party_count; k++) {
			const char *at = strrchr(a->parties[k].from, '@');

			if (route_may_take(a->scenario, s,
					   a->parties[k].domain) ||
			    (at && route_may_take(a->scenario, s, at + 1)))
				return true;
		}
	}
	return false;
}

void route_connected(struct attempts *a, const char *address, struct verdict *v)
{
	for (size_t i = 0; i < a->party_count; i++) {
		struct attempts_party *p = &a->parties[i];
		const struct deadmx_name *name =
			deadmx_scenario_name(a->scenario, p->domain);

		if (p->is_misrouted || !name || name->row_count ||
		    !route_has_address(name, address) ||
		    !route_has_mx(a->scenario, p->domain) ||
		    route_is_used(a, address))
			continue;
		p->is_misrouted = true;
		FIND(v, ADDRESS_DESPITE_MX, SEVERITY_MUST, NULL,
		     "connections to the hosts of the MX records only",
		     "one to %s, the address of %s itself", address, p->domain);
	}
}

/* --- null MX ------------------------------------------------------------- */

static void route_null_mx(const struct attempts *a,
			  const struct attempts_party *p, struct verdict *v)
{
	const struct deadmx_name *name =
		deadmx_scenario_name(a->scenario, p->domain);
	bool is_null = false;
	size_t count;

	if (!name || name->row_count || p->mails != 1)
		return;
	for (size_t i = 0; i < name->records.count; i++)
		is_null |= name->records.list[i].type == DEADMX_RECORD_MX &&
			   strcmp(name->records.list[i].value, ".") == 0;
	if (!is_null)
		return;
	free(attempts_rounds(a, p, &count));
	if (count > 1)
		FIND(v, NULL_MX, SEVERITY_SHOULD, NULL,
		     "mail to a domain that takes none fails at once",
		     "%zu rounds for %s", count, p->to);
}

/* --- several servers ----------------------------------------------------- */

/* Is all said of the servers of @domain by the servers themselves? */
static bool route_is_plain(const struct attempts *a, const char *domain)
{
	const struct deadmx_scenario *s = a->scenario;

	if (deadmx_scenario_name(s, domain))
		return false;
	for (size_t i = 0; i < s->world.server_count; i++)
		if (attempts_serves(&s->world.servers[i], domain) &&
		    deadmx_scenario_name(s, s->world.servers[i].name))
			return false;
	return true;
}

static size_t route_servers(const struct attempts *a, const char *domain)
{
	size_t count = 0;

	for (size_t i = 0; i < a->scenario->world.server_count; i++)
		count +=
			attempts_serves(&a->scenario->world.servers[i], domain);
	return count;
}

/* The least, that is the best, preference of them. */
static unsigned route_best(const struct attempts *a, const char *domain)
{
	unsigned best = UINT16_MAX;

	for (size_t i = 0; i < a->scenario->world.server_count; i++) {
		const struct deadmx_server *s = &a->scenario->world.servers[i];

		if (attempts_serves(s, domain) && s->preference < best)
			best = s->preference;
	}
	return best;
}

/*
 * Only the first round: later an MTA may know that a server is down, and pass
 * it over.
 */
static void route_order(const struct attempts *a,
			const struct attempts_party *p,
			const struct attempts_step *steps, size_t count,
			struct verdict *v)
{
	unsigned last = route_best(a, p->domain);

	for (size_t i = 0; i < count && steps[i].round == 1; i++) {
		const struct deadmx_server *s = steps[i].try->server;

		if (!s)
			return;
		if (i ? s->preference < last : s->preference > last) {
			FIND(v, MX_ORDER, SEVERITY_MUST, NULL,
			     "the servers by rising preference",
			     "%s, of preference %u, %s%s for %s", s->name,
			     s->preference, i ? "after " : "first",
			     i ? steps[i - 1].try->server->name : "", p->to);
			return;
		}
		last = s->preference;
	}
}

/* Was the connection of no use at all, so that any MTA should go on? */
static bool route_is_down(const struct attempts_try *try)
{
	return try->server && !try->is_accepted && try->fault &&
	       strcmp(try->stage, deadmx_stage_word(DEADMX_STAGE_CONNECT)) == 0;
}

static void route_second(const struct attempts *a,
			 const struct attempts_party *p,
			 const struct attempts_step *steps, size_t count,
			 struct verdict *v)
{
	for (size_t i = 0; i < count; i++)
		if (!route_is_down(steps[i].try) ||
		    steps[i].try->server != steps[0].try->server)
			return;
	if (count < 2 || steps[count - 1].round < 2)
		return;
	FIND(v, SECOND_ADDRESS, SEVERITY_SHOULD, NULL,
	     "two servers at least when the first is down",
	     "%zu rounds for %s, all to %s; the domain has %zu servers",
	     steps[count - 1].round, p->to, steps[0].try->server->name,
	     route_servers(a, p->domain));
}

void route_check(const struct attempts *a, struct verdict *v)
{
	for (size_t i = 0; i < a->party_count; i++) {
		const struct attempts_party *p = &a->parties[i];
		struct attempts_step *steps;
		size_t count;

		route_null_mx(a, p, v);
		/* Who asks for an order is told by the expectation. */
		if (a->scenario->expect.failover != DEADMX_WANTED_ANY ||
		    !route_is_plain(a, p->domain) ||
		    route_servers(a, p->domain) < 2 || a->party_count != 1 ||
		    p->mails != 1)
			continue;
		steps = attempts_steps(a, p, &count);
		route_order(a, p, steps, count, v);
		route_second(a, p, steps, count, v);
		free(steps);
	}
}
