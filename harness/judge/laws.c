/* SPDX-License-Identifier: MIT */
#include "harness/judge/laws.h"

#include <regex.h>
#include <string.h>

#include "harness/judge/expect.h"
#include "harness/judge/expect_text.h"
#include "harness/judge/findings.h"

int64_t laws_injected_ns(const struct attempts_party *p, size_t n)
{
	if (!p->injected_count)
		return p->mail->at_ns;
	return p->injected_ns[n < p->injected_count ? n
						    : p->injected_count - 1];
}

bool laws_wants_ndr(const struct attempts_party *p)
{
	return p->from[0] &&
	       (!p->mail->notify || strcasestr(p->mail->notify, "FAILURE"));
}

static bool laws_queue_is_empty(const struct target *target, const char *queue)
{
	regex_t re;
	bool empty;

	if (strspn(queue, " \t\r\n") == strlen(queue))
		return true;
	if (!target->queue_empty ||
	    regcomp(&re, target->queue_empty,
		    REG_EXTENDED | REG_NOSUB | REG_NEWLINE) != 0)
		return false;
	empty = regexec(&re, queue, 0, NULL, 0) == 0;
	regfree(&re);
	return empty;
}

enum laws_rest laws_rest(const struct attempts *a, const struct target *target,
			 const struct attempts_party *p)
{
	if (!a->queue)
		return LAWS_REST_UNKNOWN;
	if (strcasestr(a->queue, p->to))
		return LAWS_REST_QUEUED;
	if (laws_queue_is_empty(target, a->queue))
		return LAWS_REST_GONE;
	return LAWS_REST_QUEUED;
}

static void laws_one_end(const struct attempts *a, const struct target *target,
			 const struct attempts_party *p, struct verdict *v)
{
	struct expect_text at;

	if (p->is_closed || laws_rest(a, target, p) != LAWS_REST_GONE ||
	    !laws_wants_ndr(p))
		return;
	FIND(v, LAW_LOST, SEVERITY_MUST, NULL,
	     "delivered, bounced or still queued",
	     "the mail to %s is none of them after %s: it is lost", p->to,
	     expect_time(a->end_ns, &at));
	if (a->scenario->expect.ndr != DEADMX_WANTED_YES)
		expect_missing_ndr(a, target, p, NULL, v);
}

static void laws_two_ends(const struct attempts_party *p, struct verdict *v)
{
	struct expect_text bounced, other;

	if (p->has_late_delivery)
		FIND(v, LAW_DELIVERY_AFTER_NDR, SEVERITY_MUST, NULL,
		     "no delivery after the final NDR",
		     "delivered to %s at %s, bounced at %s", p->to,
		     expect_time(p->late_delivery_ns, &other),
		     expect_time(p->first_bounced_ns, &bounced));
	if (p->has_late_bounce)
		FIND(v, LAW_TWO_OUTCOMES, SEVERITY_MUST, NULL,
		     "no NDR for what was delivered",
		     "delivered to %s at %s, bounced at %s", p->to,
		     expect_time(p->first_delivered_ns, &other),
		     expect_time(p->late_bounce_ns, &bounced));
	if (p->bounced_count > p->mails)
		FIND(v, LAW_NDR_TWICE, SEVERITY_MUST, NULL,
		     "one final NDR for each mail",
		     "%zu from %s to %s, mails sent: %zu", p->bounced_count,
		     p->from, p->to, p->mails);
}

/* An address in a listing, not as a part of a longer one. */
static bool laws_lists(const char *queue, const char *address)
{
	size_t len = strlen(address);
	const char *p = queue;

	while ((p = strcasestr(p, address))) {
		const char *after = p + len;

		if ((p == queue || strchr(" \t\n<:,", p[-1])) &&
		    (!*after || strchr(" \t\n>:,", *after)))
			return true;
		p++;
	}
	return false;
}

static void laws_queue(const struct attempts *a, const struct target *target,
		       const struct attempts_party *p, struct verdict *v)
{
	struct expect_text at;

	if (!p->is_closed || !p->bounced_count || !a->queue ||
	    laws_queue_is_empty(target, a->queue) ||
	    !laws_lists(a->queue, p->to))
		return;
	FIND(v, LAW_QUEUED_AFTER_NDR, SEVERITY_MUST, NULL,
	     "what has been bounced is no longer queued",
	     "the mail to %s, bounced at %s, is still in the queue", p->to,
	     expect_time(p->first_bounced_ns, &at));
}

static void laws_attempts(const struct attempts_party *p, struct verdict *v)
{
	struct expect_text first, bounced;

	if (!p->late_tries)
		return;
	FIND(v, LAW_ATTEMPT_AFTER_NDR, SEVERITY_MUST, NULL,
	     "no attempt after the final NDR",
	     "%zu for %s, the first at %s; the NDR came at %s", p->late_tries,
	     p->to, expect_time(p->late_try_ns, &first),
	     expect_time(p->first_bounced_ns, &bounced));
}

/* A mail whose reply was lost may rightly come again (RFC 5321 §4.5.3.2.6). */
static void laws_duplicates(const struct attempts *a,
			    const struct attempts_party *p, struct verdict *v)
{
	/* What the scenario says of duplicates is judged there. */
	if (p->delivered_count <= p->mails ||
	    a->scenario->expect.duplicates.set)
		return;
	FIND(v, LAW_DUPLICATE,
	     p->unacknowledged_count ? SEVERITY_NOTE : SEVERITY_MUST, NULL,
	     "one delivery for each mail",
	     "%zu to %s, mails sent: %zu, replies lost: %zu",
	     p->delivered_count, p->to, p->mails, p->unacknowledged_count);
}

void laws_check(const struct attempts *a, const struct target *target,
		struct verdict *v)
{
	for (size_t i = 0; i < a->party_count; i++) {
		const struct attempts_party *p = &a->parties[i];

		/* What the MTA never took is not its to answer for. */
		if (p->injected_count)
			laws_one_end(a, target, p, v);
		laws_two_ends(p, v);
		laws_queue(a, target, p, v);
		laws_attempts(p, v);
		laws_duplicates(a, p, v);
	}
}
