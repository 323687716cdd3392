/* SPDX-License-Identifier: MIT */
#include "harness/judge/judge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/attempts.h"
#include "harness/judge/documented.h"
#include "harness/judge/expect.h"
#include "harness/judge/findings.h"
#include "harness/judge/known.h"
#include "harness/judge/laws.h"
#include "harness/judge/route.h"
#include "harness/judge/truth.h"

static char *judge_copy(const char *text)
{
	char *copy = strdup(text ? text : "");

	assert(copy);
	return copy;
}

/* A mail with `by`, and an MTA that does no DELIVERBY. */
static bool judge_is_unsupported(const struct attempts *a, struct verdict *v)
{
	for (size_t i = 0; i < a->party_count; i++) {
		const struct attempts_party *p = &a->parties[i];

		if (!p->mail->by || !p->injected_count || p->has_deliverby)
			continue;
		FIND(v, RUN_UNSUPPORTED, SEVERITY_NOTE, NULL,
		     "an MTA that offers DELIVERBY (RFC 2852)",
		     "it does not; BY=%s was not sent", p->mail->by);
		return true;
	}
	return false;
}

int judge_run(const struct deadmx_scenario *scenario,
	      const struct target *target, const char *dir, FILE *errors,
	      struct verdict *ret)
{
	struct verdict v = {0};
	struct attempts *a;
	bool is_whole;
	int rc;

	rc = attempts_read(scenario, dir, errors, &v, &a);
	if (rc < 0) {
		verdict_release(&v);
		return rc;
	}
	v.scenario = judge_copy(scenario->name);
	v.target = judge_copy(target->name);
	/*
	 * What was not asked for can't be expected, and of a run that was cut
	 * short nothing can.
	 */
	if (judge_is_unsupported(a, &v)) {
		v.kind = VERDICT_UNSUPPORTED;
	} else if (a->is_ended && a->injected_count) {
		expect_check(a, target, &v);
		laws_check(a, target, &v);
		documented_check(a, target, &v);
		route_check(a, &v);
		truth_check(a, target, &v);
	}
	is_whole = v.kind != VERDICT_UNSUPPORTED && a->is_ended &&
		   a->injected_count;
	attempts_report(a, &v);
	attempts_free(a);
	findings_weigh(scenario, &v);
	known_mark(scenario, target, is_whole, &v);
	verdict_settle(&v);
	*ret = v;
	return 0;
}
