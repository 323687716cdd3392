/* SPDX-License-Identifier: MIT */
#include "harness/judge/documented.h"

#include <stdlib.h>
#include <string.h>

#include "harness/judge/expect.h"
#include "harness/judge/expect_ndr.h"
#include "harness/judge/expect_text.h"
#include "harness/judge/findings.h"
#include "harness/judge/laws.h"
#include "harness/judge/schedule.h"

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
			       const struct target_documented *d,
			       const struct attempts_party *p,
			       struct verdict *v)
{
	const struct attempts_try *last;
	int64_t lifetime = d->expires_after_ns;
	int64_t after = p->first_bounced_ns - laws_injected_ns(p, 0);
	/* It may be over when the next attempt would come too late. */
	int64_t early =
		schedule_longest_ns(&d->retry, lifetime) + lifetime / 10;
	struct expect_text at, whole;

	if (!p->bounced_count || p->mails != 1 || p->mail->by)
		return;
	last = documented_all_temporary(a, p);
	if (!last)
		return;
	/* Who changes the setting does not want to hear of it. */
	if (lifetime && lifetime < 4 * DAY_NS &&
	    !deadmx_scenario_lifetime(a->scenario))
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
			      const struct target_documented *d,
			      const struct attempts_party *p, struct verdict *v)
{
	int64_t lifetime = d->expires_after_ns;
	int64_t age = a->end_ns - laws_injected_ns(p, p->mails);
	struct expect_text at, whole;

	/* An NDR that was asked for and is missing says it already. */
	if (p->is_closed || !p->injected_count || !lifetime ||
	    a->scenario->expect.ndr == DEADMX_WANTED_YES ||
	    laws_rest(a, target, p) != LAWS_REST_QUEUED ||
	    age <= lifetime + d->expires_slack_ns +
			    schedule_longest_ns(&d->retry, lifetime))
		return;
	FIND(v, DOC_STILL_QUEUED, SEVERITY_MUST, NULL,
	     expect_time(lifetime, &whole), "the mail to %s is queued after %s",
	     p->to, expect_time(age, &at));
}

/* --- delay notices ------------------------------------------------------- */

/* Does the scenario itself say something of them? */
static bool documented_notice_is_asked(const struct attempts *a)
{
	const struct deadmx_expect *e = &a->scenario->expect;

	for (size_t i = 0; i < e->ndr_count; i++)
		if (e->ndrs[i].action.text &&
		    strcasecmp(e->ndrs[i].action.text, "delayed") == 0)
			return true;
	return e->delay_notice != DEADMX_WANTED_ANY;
}

/* Is one for @p due by all but its time, and would it arrive? */
static bool documented_may_be_told(const struct attempts *a,
				   const struct attempts_party *p)
{
	const char *at = strrchr(p->from, '@');

	return at && p->injected_count && !p->mail->by &&
	       (!p->mail->notify || strcasestr(p->mail->notify, "DELAY")) &&
	       !a->scenario->mta_step_count &&
	       !expect_is_broken(a->scenario, at + 1);
}

/* Was the mail tried after a notice? A last word that calls itself a delay is
 * another matter. */
static bool documented_was_told(const struct attempts *a,
				const struct attempts_party *p)
{
	const struct attempts_try *last = attempts_last(a, p, a->end_ns);

	return p->delayed_count && last && last->t_ns > p->first_delayed_ns;
}

static void documented_no_notice(const struct attempts *a,
				 const struct attempts_party *p,
				 struct verdict *v)
{
	struct expect_text at;

	if (documented_was_told(a, p))
		FIND(v, DOC_DELAY_NOTICE, SEVERITY_SHOULD, NULL,
		     "no delay notice", "%zu for %s, the first after %s",
		     p->delayed_count, p->to,
		     expect_time(p->first_delayed_ns - laws_injected_ns(p, 0),
				 &at));
}

/* Until when it comes: with the first attempt that fails when it is due, or
 * the queue run after it; 0 = nobody knows. */
static int64_t documented_notice_limit(const struct target_documented *d,
				       int64_t due_ns,
				       const struct schedule_round *rounds,
				       size_t count)
{
	int64_t tick_ns = 0;

	for (size_t i = 0; i < d->retry.count; i++)
		if (d->retry.steps[i].tick_ns > tick_ns)
			tick_ns = d->retry.steps[i].tick_ns;
	for (size_t i = 0; i < count; i++)
		if (rounds[i].start_ns >= due_ns)
			return rounds[i].end_max_ns + tick_ns +
			       DOCUMENTED_NOTICE_NS;
	return 0;
}

static void documented_notice(const struct attempts *a,
			      const struct target_documented *d,
			      const struct attempts_party *p,
			      const struct schedule_round *rounds, size_t count,
			      struct verdict *v)
{
	int64_t injected_ns = laws_injected_ns(p, 0);
	int64_t due_ns = injected_ns + d->delay_notice_ns, limit_ns, end_ns;
	struct deadmx_range range = {.set = true, .min = d->delay_notice_ns};
	struct expect_text wanted, at;

	if (!(d->says & TARGET_SAYS_NOTICE) || !documented_may_be_told(a, p) ||
	    documented_notice_is_asked(a))
		return;
	if (!d->delay_notice_ns) {
		documented_no_notice(a, p, v);
		return;
	}
	limit_ns = documented_notice_limit(d, due_ns, rounds, count);
	end_ns = p->is_closed ? p->closed_ns : a->end_ns;
	range.max = limit_ns - injected_ns + DEADMX_NS_PER_S - 1;
	range.max -= range.max % DEADMX_NS_PER_S; /* people read seconds */
	expect_time(p->first_delayed_ns - injected_ns, &at);
	if (documented_was_told(a, p) &&
	    p->first_delayed_ns + EXPECT_WHOLE_SECOND_NS < due_ns)
		FIND(v, DOC_DELAY_NOTICE, SEVERITY_SHOULD, NULL,
		     expect_time(d->delay_notice_ns, &wanted),
		     "a delay notice for %s after %s already", p->to, at.text);
	else if (limit_ns && end_ns > limit_ns &&
		 (!p->delayed_count || p->first_delayed_ns > limit_ns))
		FIND(v, DOC_DELAY_NOTICE, SEVERITY_SHOULD, NULL,
		     expect_times(&range, &wanted),
		     p->delayed_count ? "a delay notice for %s after %s"
				      : "no delay notice for %s%.0s",
		     p->to, at.text);
}

/* --- retries ------------------------------------------------------------- */

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

static void documented_rfc(const struct attempts_party *p,
			   const struct schedule_round *rounds, size_t count,
			   struct verdict *v)
{
	size_t restless = 0, gaps = count ? count - 1 : 0;
	int64_t mean_ns;
	struct expect_text mean;

	if (gaps < DOCUMENTED_GAPS_MIN)
		return;
	for (size_t i = 0; i < gaps; i++)
		restless += rounds[i + 1].start_ns - rounds[i].start_ns <
			    DOCUMENTED_NO_PAUSE_S * DEADMX_NS_PER_S;
	mean_ns = (rounds[gaps].start_ns - rounds[0].start_ns) / (int64_t)gaps;
	expect_time(mean_ns, &mean);
	if (restless * 2 > gaps)
		FIND(v, RETRY_DELAY, SEVERITY_MUST, NULL,
		     "a pause between two attempts",
		     "%zu of %zu gaps for %s are less than %d s, on average %s",
		     restless, gaps, p->to, DOCUMENTED_NO_PAUSE_S, mean.text);
	else if (mean_ns < 30 * MINUTE_NS)
		FIND(v, RETRY_INTERVAL, SEVERITY_NOTE, NULL,
		     "30 min at least between two attempts",
		     "%s on average for %s", mean.text, p->to);
}

void documented_check(const struct attempts *a, const struct target *target,
		      struct verdict *v)
{
	struct target_documented d = target_documented(target, a->scenario);

	for (size_t i = 0; i < a->party_count; i++) {
		const struct attempts_party *p = &a->parties[i];
		struct schedule_round *rounds;
		size_t count;

		documented_gave_up(a, &d, p, v);
		documented_queued(a, target, &d, p, v);
		if (!documented_is_alone(a, p))
			continue;
		rounds = schedule_rounds(a, p, &count);
		if (!rounds)
			continue;
		if (!target_is_hurried(target, a->scenario)) {
			schedule_check(a, target, p, &d, rounds, count, v);
			documented_rfc(p, rounds, count, v);
		}
		documented_notice(a, &d, p, rounds, count, v);
		free(rounds);
	}
}
