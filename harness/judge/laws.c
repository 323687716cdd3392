/* SPDX-License-Identifier: MIT */
#include "harness/judge/laws.h"

#include <stdlib.h>
#include <string.h>

#include "deadmx/pattern.h"
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
	if (strspn(queue, " \t\r\n") == strlen(queue))
		return true;
	return target->queue_empty &&
	       deadmx_pattern_is_in(target->queue_empty, DEADMX_PATTERN_LINES,
				    queue);
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

/* Was nothing tried after the last delay notice? Then it was no delay. */
static bool laws_was_delayed_for_good(const struct attempts *a,
				      const struct attempts_party *p)
{
	const struct attempts_try *last = attempts_last(a, p, a->end_ns);

	return p->delayed_count && last && last->t_ns <= p->last_delayed_ns;
}

/* Are the sender's own servers such that no bounce may get there? */
static bool laws_is_sender_dead(const struct attempts *a,
				const struct attempts_party *p)
{
	const char *at = strrchr(p->from, '@');

	return at && p->return_tries && expect_is_broken(a->scenario, at + 1);
}

static void laws_one_end(const struct attempts *a, const struct target *target,
			 const struct attempts_party *p, struct verdict *v)
{
	struct expect_text at;

	if (p->is_closed || laws_rest(a, target, p) != LAWS_REST_GONE ||
	    !laws_wants_ndr(p) || p->astray_count)
		return;
	if (laws_was_delayed_for_good(a, p)) {
		FIND(v, DELAYED_FOR_GOOD, SEVERITY_MUST, NULL,
		     "Action: failed when the mail is given up",
		     "Action: delayed for %s at %s, and the mail is gone",
		     p->to, expect_time(p->last_delayed_ns, &at));
		return;
	}
	if (laws_is_sender_dead(a, p)) {
		FIND(v, LAW_NDR_IN_VAIN, SEVERITY_NOTE, NULL,
		     "the sender's own server takes the NDR",
		     "%zu connections to it, and no NDR about %s arrived",
		     p->return_tries, p->to);
		return;
	}
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

/*
 * RFC 5321 4.2.1: what was refused for good is not to be repeated. Another
 * server of the same round may be asked; 552 to RCPT is a 452 to those who
 * know (4.5.3.1.10).
 */
static bool laws_is_refusal(const struct attempts_try *try,
			    const struct attempts_party *p)
{
	const char *reply = attempts_reply(try, p);

	return try->server && try->rcpt_count && reply && reply[0] == '5' &&
	       strncmp(reply, "552", 3) != 0;
}

static void laws_refused(const struct attempts *a,
			 const struct attempts_party *p, struct verdict *v)
{
	size_t count, again = 0;
	struct attempts_step *steps = attempts_steps(a, p, &count);
	const struct attempts_step *first = NULL;
	struct expect_text refused, next = {""};

	/* With several mails it is not known which one is tried. */
	for (size_t i = 0; i < count && p->mails == 1; i++) {
		if (first && steps[i].round > first->round &&
		    steps[i].try->rcpt_count && !again++)
			expect_time(steps[i].try->t_ns, &next);
		if (!first && laws_is_refusal(steps[i].try, p))
			first = &steps[i];
	}
	if (again)
		FIND(v, REPEATED_5YZ, SEVERITY_SHOULD, NULL,
		     "no attempt after a refusal for good",
		     "%zu for %s, the first at %s; refused at %s: %s", again,
		     p->to, next.text, expect_time(first->try->t_ns, &refused),
		     attempts_reply(first->try, p));
	free(steps);
}

/*
 * RFC 2852: with mode R the mail is returned when its time is over; it is not
 * relayed to a server that knows no DELIVERBY, as none of the world does.
 */
static void laws_deliver_by(const struct attempts *a,
			    const struct attempts_party *p, struct verdict *v)
{
	const char *by = p->mail->by;
	int64_t until = laws_injected_ns(p, 0), end;
	struct expect_text at, limit;
	char *mode;

	if (!by || !p->has_deliverby || p->mails != 1)
		return;
	until += strtoll(by, &mode, 10) * DEADMX_NS_PER_S;
	end = until + LAWS_DELIVER_BY_SLACK_NS;
	expect_time(until, &limit);
	if (strncmp(mode, ";R", 2) == 0 && p->delivered_count)
		FIND(v, DELIVER_BY, SEVERITY_MUST, NULL,
		     "returned: the server does no DELIVERBY",
		     "delivered to %s at %s, BY=%s", p->to,
		     expect_time(p->first_delivered_ns, &at), by);
	else if (strncmp(mode, ";R", 2) == 0 && laws_wants_ndr(p) &&
		 a->end_ns > end &&
		 (!p->bounced_count || p->first_bounced_ns > end))
		FIND(v, DELIVER_BY, SEVERITY_MUST, NULL,
		     "returned when the time that BY= gives is over",
		     "not for %s at %s, BY=%s", p->to, limit.text, by);
	else if (strncmp(mode, ";N", 2) == 0 && p->from[0] && a->end_ns > end &&
		 !p->delayed_count && (!p->is_closed || p->closed_ns > end) &&
		 (!p->mail->notify || strcasestr(p->mail->notify, "DELAY")))
		FIND(v, DELIVER_BY, SEVERITY_MUST, NULL,
		     "a delay notice when the time that BY= gives is over",
		     "none for %s at %s, BY=%s", p->to, limit.text, by);
}

/* RFC 3464 2.3.6: what the server said is what the sender needs to know. */
static void laws_diagnostics(const struct attempts *a, struct verdict *v)
{
	for (size_t i = 0; i < a->notice_count; i++) {
		const struct attempts_notice *n = &a->notices[i];
		const struct attempts_try *last =
			n->party && n->action && n->is_final && !n->diagnostic
				? attempts_last(a, n->party, n->t_ns)
				: NULL;
		const char *reply =
			last ? attempts_reply(last, n->party) : NULL;

		if (reply && (reply[0] == '4' || reply[0] == '5'))
			FIND(v, DIAGNOSTIC_CODE, SEVERITY_SHOULD, n->file,
			     "a Diagnostic-Code with the server's reply",
			     "none for %s; the server said: %s", n->recipient,
			     reply);
	}
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
		laws_refused(a, p, v);
		laws_deliver_by(a, p, v);
	}
	laws_diagnostics(a, v);
}
