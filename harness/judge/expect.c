/* SPDX-License-Identifier: MIT */
#include "harness/judge/expect.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/attempts_dns.h"
#include "harness/judge/expect_failover.h"
#include "harness/judge/expect_ndr.h"
#include "harness/judge/expect_text.h"
#include "harness/judge/findings.h"
#include "harness/judge/laws.h"

/* --- attempts ------------------------------------------------------------ */

bool expect_is_broken(const struct deadmx_scenario *s, const char *domain)
{
	if (attempts_dns_is_broken(s, domain))
		return true;
	for (size_t i = 0; i < s->world.server_count; i++)
		if (s->world.servers[i].fault_count &&
		    attempts_serves(&s->world.servers[i], domain))
			return true;
	return false;
}

static void expect_count(const struct deadmx_expect *e,
			 const struct attempts_party *p, size_t count,
			 struct verdict *v)
{
	struct expect_text where, range;

	if (expect_in_counts(&e->attempts, (int64_t)count))
		return;
	FIND(v, EXPECT_ATTEMPTS, SEVERITY_MUST,
	     expect_where(&e->attempts_place, &where),
	     expect_counts(&e->attempts, &range), "%zu round%s for %s", count,
	     count == 1 ? "" : "s", p->to);
}

/* The first gap that is wrong, and how many are. */
static void expect_gaps(const struct deadmx_expect *e,
			const struct attempts_party *p, const int64_t *starts,
			size_t count, struct verdict *v)
{
	struct expect_text where, range, gap, at;
	size_t wrong = 0, first = 0;

	for (size_t i = 1; i < count; i++)
		if (!expect_in_times(&e->gaps_ns, starts[i] - starts[i - 1]) &&
		    !wrong++)
			first = i;
	if (!wrong)
		return;
	FIND(v, EXPECT_GAPS, SEVERITY_MUST,
	     expect_where(&e->gaps_place, &where),
	     expect_times(&e->gaps_ns, &range),
	     "%s between rounds %zu and %zu for %s, at %s; %zu of %zu gaps are "
	     "outside",
	     expect_time(starts[first] - starts[first - 1], &gap), first,
	     first + 1, p->to, expect_time(starts[first - 1], &at), wrong,
	     count - 1);
}

static void expect_firsts(const struct deadmx_expect *e,
			  const struct attempts_party *p, const int64_t *starts,
			  size_t count, struct verdict *v)
{
	struct expect_text where, wanted, grace, got;
	int64_t origin = laws_injected_ns(p, 0);
	char expected[2 * EXPECT_TEXT_MAX];

	for (size_t i = 0; i < e->first_attempt_count; i++) {
		int64_t want = e->first_attempts_ns[i];
		int64_t late = i < count ? starts[i] - origin - want : 0;

		if (i < count && llabs(late) <= e->first_attempts_tolerance_ns +
							EXPECT_WHOLE_SECOND_NS)
			continue;
		snprintf(expected, sizeof(expected),
			 "round %zu for %s at %s, give or take %s", i + 1,
			 p->to, expect_time(want, &wanted),
			 expect_time(e->first_attempts_tolerance_ns, &grace));
		FIND(v, EXPECT_FIRST_ATTEMPTS, SEVERITY_MUST,
		     expect_where(&e->first_attempts_place, &where), expected,
		     "%s%s", i < count ? "at " : "no such round",
		     i < count ? expect_time(starts[i] - origin, &got) : "");
		return; /* those after it are off for the same reason */
	}
}

static void expect_rounds(const struct attempts *a,
			  const struct attempts_party *p, struct verdict *v)
{
	const struct deadmx_expect *e = &a->scenario->expect;
	size_t count;
	int64_t *starts = attempts_rounds(a, p, &count);

	expect_count(e, p, count, v);
	expect_gaps(e, p, starts, count, v);
	expect_firsts(e, p, starts, count, v);
	free(starts);
}

/*
 * Each recipient in a domain whose servers the scenario breaks; every one
 * when it breaks none.
 */
static void expect_attempts(const struct attempts *a, struct verdict *v)
{
	bool any_broken = false;

	for (size_t i = 0; i < a->party_count; i++)
		any_broken |=
			expect_is_broken(a->scenario, a->parties[i].domain);
	for (size_t i = 0; i < a->party_count; i++)
		if (!any_broken ||
		    expect_is_broken(a->scenario, a->parties[i].domain))
			expect_rounds(a, &a->parties[i], v);
}

/* --- delay notices ------------------------------------------------------- */

static void expect_delay_notice(const struct attempts *a,
				const struct attempts_party *p,
				struct verdict *v)
{
	const struct deadmx_expect *e = &a->scenario->expect;
	struct expect_text where, at, range;
	const char *place = expect_where(&e->delay_notice_place, &where);
	int64_t after = p->first_delayed_ns - laws_injected_ns(p, 0);

	if (!p->from[0] || e->delay_notice == DEADMX_WANTED_ANY)
		return;
	if (e->delay_notice == DEADMX_WANTED_NONE && p->delayed_count)
		FIND(v, EXPECT_DELAY_NOTICE, SEVERITY_MUST, place,
		     "no delay notice", "%zu for %s, the first after %s",
		     p->delayed_count, p->to, expect_time(after, &at));
	if (e->delay_notice != DEADMX_WANTED_YES)
		return;
	if (!p->delayed_count)
		FIND(v, EXPECT_DELAY_NOTICE, SEVERITY_MUST, place,
		     "a delay notice", "none for %s within %s", p->to,
		     expect_time(a->end_ns, &at));
	else if (!expect_in_times(&e->delay_notice_after_ns, after))
		FIND(v, EXPECT_DELAY_NOTICE_AFTER, SEVERITY_MUST, place,
		     expect_times(&e->delay_notice_after_ns, &range),
		     "after %s for %s", expect_time(after, &at), p->to);
}

/* --- deliveries ---------------------------------------------------------- */

static void expect_delivery(const struct attempts *a,
			    const struct attempts_party *p, struct verdict *v)
{
	const struct deadmx_expect *e = &a->scenario->expect;
	struct expect_text where, at, range;
	const char *place = expect_where(&e->delivered_place, &where);
	int64_t after = p->first_delivered_ns - laws_injected_ns(p, 0);

	if (e->delivered == DEADMX_WANTED_NONE && p->delivered_count)
		FIND(v, EXPECT_DELIVERED, SEVERITY_MUST, place, "no delivery",
		     "delivered to %s after %s", p->to,
		     expect_time(after, &at));
	if (e->delivered != DEADMX_WANTED_YES)
		return;
	if (!p->delivered_count)
		FIND(v, EXPECT_DELIVERED, SEVERITY_MUST, place, "a delivery",
		     "none to %s within %s", p->to,
		     expect_time(a->end_ns, &at));
	else if (!expect_in_times(&e->delivered_after_ns, after))
		FIND(v, EXPECT_DELIVERED_AFTER, SEVERITY_MUST, place,
		     expect_times(&e->delivered_after_ns, &range),
		     "after %s to %s", expect_time(after, &at), p->to);
}

static void expect_delivered_count(const struct attempts *a, struct verdict *v)
{
	const struct deadmx_expect *e = &a->scenario->expect;
	struct expect_text where, range;

	if (e->delivered == DEADMX_WANTED_YES &&
	    !expect_in_counts(&e->delivered_count, (int64_t)a->delivery_count))
		FIND(v, EXPECT_DELIVERED_COUNT, SEVERITY_MUST,
		     expect_where(&e->delivered_place, &where),
		     expect_counts(&e->delivered_count, &range), "%zu in all",
		     a->delivery_count);
}

void expect_check(const struct attempts *a, const struct target *target,
		  struct verdict *v)
{
	expect_attempts(a, v);
	for (size_t i = 0; i < a->party_count; i++)
		expect_delay_notice(a, &a->parties[i], v);
	expect_ndrs(a, target, v);
	for (size_t i = 0; i < a->party_count; i++)
		expect_delivery(a, &a->parties[i], v);
	expect_delivered_count(a, v);
	expect_failover(a, v);
	expect_duplicates(a, v);
}
