/* SPDX-License-Identifier: MIT */
#include "harness/judge/documented.h"

#include <stdlib.h>
#include <string.h>

#include "harness/judge/expect.h"
#include "harness/judge/expect_ndr.h"
#include "harness/judge/expect_text.h"
#include "harness/judge/findings.h"
#include "harness/judge/laws.h"

#define MINUTE_NS (60 * DEADMX_NS_PER_S)
#define DAY_NS	  (24 * 60 * MINUTE_NS)

static bool documented_has(const struct verdict *v, enum finding_id id)
{
	for (size_t i = 0; i < v->finding_count; i++)
		if (strcmp(v->findings[i].id, finding_id(id)) == 0)
			return true;
	return false;
}

/* --- the end ------------------------------------------------------------- */

/* Does the scenario itself say when the NDR for @p comes? */
static bool documented_is_asked(const struct attempts *a,
				const struct attempts_party *p)
{
	const struct deadmx_expect *e = &a->scenario->expect;

	for (size_t i = 0; i < e->ndr_count; i++)
		if (e->ndrs[i].after_ns.set &&
		    (!e->ndrs[i].recipient ||
		     strcasecmp(e->ndrs[i].recipient, p->to) == 0))
			return true;
	return false;
}

/*
 * The last attempt before the NDR, when all of them had to be repeated;
 * NULL: there was none, or another one.
 */
static const struct attempts_try *
documented_all_temporary(const struct attempts *a,
			 const struct attempts_party *p)
{
	size_t count;
	struct attempts_step *steps = attempts_steps(a, p, &count);
	const struct attempts_try *last = NULL;
	bool all = true;

	for (size_t i = 0; i < count; i++)
		if (steps[i].try->t_ns <= p->first_bounced_ns) {
			last = steps[i].try;
			all &= expect_is_temporary(last, p);
		}
	free(steps);
	return all ? last : NULL;
}

/* With FORMERR and the like resolvers see no use in asking again. */
static bool documented_dns_may_recover(const struct attempts_try *try)
{
	enum deadmx_dns_action action = DEADMX_DNS_ACTION_ACCEPT;

	if (try->fault)
		deadmx_dns_action_parse(try->fault, &action);
	return action == DEADMX_DNS_ACTION_SERVFAIL ||
	       action == DEADMX_DNS_ACTION_TIMEOUT ||
	       action == DEADMX_DNS_ACTION_DROP;
}

static void documented_gave_up(const struct attempts *a,
			       const struct target *target,
			       const struct attempts_party *p,
			       struct verdict *v)
{
	const struct attempts_try *last;
	int64_t lifetime = target_lifetime_ns(target, a->scenario);
	int64_t after = p->first_bounced_ns - laws_injected_ns(p, 0);
	/* It may be over when the next attempt would come too late. */
	int64_t early = target->documented.retry_max_ns + lifetime / 10;
	struct expect_text at, whole;

	if (!p->bounced_count || p->mails != 1 || p->mail->by)
		return;
	last = documented_all_temporary(a, p);
	if (!last)
		return;
	/* Who changes the setting does not want to hear of it. */
	if (lifetime && lifetime < 4 * DAY_NS &&
	    lifetime == target->documented.expires_after_ns)
		FIND(v, GIVE_UP_TIME, SEVERITY_NOTE, NULL,
		     "4 days at least before mail is given up", "%s for %s",
		     expect_time(after, &at), p->to);
	if (!lifetime || after + early >= lifetime ||
	    documented_is_asked(a, p) ||
	    documented_has(v, FINDING_EXPECT_NDR_AFTER))
		return;
	expect_time(after, &at);
	if (!last->server && documented_dns_may_recover(last))
		FIND(v, DNS_TEMPORARY, SEVERITY_MUST, NULL,
		     "mail is queued while DNS fails for now",
		     "an NDR for %s after %s; DNS: %s", p->to, at.text,
		     last->fault ? last->fault : "no answer");
	else if (last->server)
		FIND(v, DOC_GAVE_UP, SEVERITY_MUST, NULL,
		     expect_time(lifetime, &whole),
		     "an NDR for %s after %s; all failures were temporary, the "
		     "last one: %s",
		     p->to, at.text,
		     attempts_reply(last, p) ? attempts_reply(last, p)
		     : last->fault	     ? last->fault
					     : last->stage);
}

static void documented_queued(const struct attempts *a,
			      const struct target *target,
			      const struct attempts_party *p, struct verdict *v)
{
	int64_t lifetime = target_lifetime_ns(target, a->scenario);
	int64_t age = a->end_ns - laws_injected_ns(p, p->mails);
	struct expect_text at, whole;

	/* An NDR that was asked for and is missing says it already. */
	if (p->is_closed || !p->injected_count || !lifetime ||
	    a->scenario->expect.ndr == DEADMX_WANTED_YES ||
	    laws_rest(a, target, p) != LAWS_REST_QUEUED ||
	    age <= lifetime + target->documented.expires_slack_ns +
			    target->documented.retry_max_ns)
		return;
	FIND(v, DOC_STILL_QUEUED, SEVERITY_MUST, NULL,
	     expect_time(lifetime, &whole), "the mail to %s is queued after %s",
	     p->to, expect_time(age, &at));
}

/* --- retries ------------------------------------------------------------- */

/* Gaps between rounds, each with how long the earlier one may have lasted. */
struct documented_gaps {
	int64_t *gap_ns, *round_ns;
	size_t count;
};

static void documented_gaps_release(struct documented_gaps *g)
{
	free(g->gap_ns);
	free(g->round_ns);
}

/* Can an attempt have been for anybody else, or for another mail? */
static bool documented_is_alone(const struct attempts *a,
				const struct attempts_party *p)
{
	for (size_t i = 0; i < a->party_count; i++)
		if (&a->parties[i] != p &&
		    strcasecmp(a->parties[i].domain, p->domain) == 0)
			return false;
	return p->mails == 1;
}

static bool documented_gaps_read(const struct attempts *a,
				 const struct attempts_party *p,
				 struct documented_gaps *ret)
{
	size_t count, start = 0;
	struct attempts_step *steps = attempts_steps(a, p, &count);
	bool ok = true;

	*ret = (struct documented_gaps){
		.gap_ns = calloc(count + 1, sizeof(int64_t)),
		.round_ns = calloc(count + 1, sizeof(int64_t))};
	for (size_t i = 0; i < count; i++) {
		ok &= steps[i].try->server != NULL;
		if (steps[i].round == steps[start].round)
			continue;
		ret->gap_ns[ret->count] =
			steps[i].try->t_ns - steps[start].try->t_ns;
		ret->round_ns[ret->count++] =
			steps[i - 1].try->t_ns - steps[start].try->t_ns;
		start = i;
	}
	free(steps);
	if (ok)
		return true;
	documented_gaps_release(ret);
	return false;
}

static bool documented_gap_holds(const struct target_documented *d,
				 const struct documented_gaps *g, size_t i)
{
	return g->gap_ns[i] + EXPECT_WHOLE_SECOND_NS >= d->retry_min_ns &&
	       g->gap_ns[i] <=
		       d->retry_max_ns + g->round_ns[i] + DOCUMENTED_ROUND_NS;
}

/* One odd gap has many reasons, such as TLS that is tried and given up. */
static void documented_rule(const struct attempts_party *p,
			    const struct target_documented *d,
			    const struct documented_gaps *g, struct verdict *v)
{
	struct deadmx_range range = {
		.set = true, .min = d->retry_min_ns, .max = d->retry_max_ns};
	struct expect_text wanted, gap;
	size_t wrong = 0, first = 0;

	for (size_t i = 0; d->retry_max_ns && i < g->count; i++)
		if (!documented_gap_holds(d, g, i) && !wrong++)
			first = i;
	if (wrong < 2 || wrong * 4 < g->count)
		return;
	FIND(v, DOC_RETRY, SEVERITY_SHOULD, NULL, expect_times(&range, &wanted),
	     "%s between rounds %zu and %zu for %s; %zu of %zu gaps are "
	     "outside",
	     expect_time(g->gap_ns[first], &gap), first + 1, first + 2, p->to,
	     wrong, g->count);
}

static void documented_rfc(const struct attempts_party *p,
			   const struct documented_gaps *g, struct verdict *v)
{
	size_t restless = 0;
	int64_t sum = 0;
	struct expect_text mean;

	if (g->count < DOCUMENTED_GAPS_MIN)
		return;
	for (size_t i = 0; i < g->count; i++) {
		sum += g->gap_ns[i];
		restless +=
			g->gap_ns[i] < DOCUMENTED_NO_PAUSE_S * DEADMX_NS_PER_S;
	}
	expect_time(sum / (int64_t)g->count, &mean);
	if (restless * 2 > g->count)
		FIND(v, RETRY_DELAY, SEVERITY_MUST, NULL,
		     "a pause between two attempts",
		     "%zu of %zu gaps for %s are less than %d s, on average %s",
		     restless, g->count, p->to, DOCUMENTED_NO_PAUSE_S,
		     mean.text);
	else if (sum / (int64_t)g->count < 30 * MINUTE_NS)
		FIND(v, RETRY_INTERVAL, SEVERITY_NOTE, NULL,
		     "30 min at least between two attempts",
		     "%s on average for %s", mean.text, p->to);
}

void documented_check(const struct attempts *a, const struct target *target,
		      struct verdict *v)
{
	for (size_t i = 0; i < a->party_count; i++) {
		const struct attempts_party *p = &a->parties[i];
		struct documented_gaps gaps;

		documented_gave_up(a, target, p, v);
		documented_queued(a, target, p, v);
		if (!documented_is_alone(a, p) ||
		    !documented_gaps_read(a, p, &gaps))
			continue;
		documented_rule(p, &target->documented, &gaps, v);
		documented_rfc(p, &gaps, v);
		documented_gaps_release(&gaps);
	}
}
