/* SPDX-License-Identifier: MIT */
#include "harness/judge/laws.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "deadmx/pattern.h"
#include "harness/judge/expect.h"
#include "harness/judge/expect_ndr.h"
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

int64_t laws_by_ns(const struct attempts_party *p, char *ret_mode)
{
	char *mode;
	int64_t seconds;

	if (!p->mail->by || !p->has_deliverby || p->mails != 1)
		return INT64_MAX;
	seconds = strtoll(p->mail->by, &mode, 10);
	*ret_mode = mode[0] == ';' ? mode[1] : '\0';
	return laws_injected_ns(p, 0) + seconds * DEADMX_NS_PER_S;
}

/*
 * The notice that tells of the time @until: one with @status where any has it,
 * else the first; NULL: none.
 */
static const struct attempts_notice *
laws_by_notice(const struct attempts *a, const struct attempts_party *p,
	       int64_t until, bool is_final, const char *status)
{
	const struct attempts_notice *first = NULL;

	for (size_t i = 0; i < a->notice_count; i++) {
		const struct attempts_notice *n = &a->notices[i];

		if (n->party != p || n->t_ns < until - LAWS_BY_EARLY_NS ||
		    !(is_final ? n->is_final : n->is_delay))
			continue;
		if (n->status && strcmp(n->status, status) == 0)
			return n;
		first = first ? first : n;
	}
	return first;
}

static void laws_by_status(const struct attempts_notice *n, const char *status,
			   const char *by, struct verdict *v)
{
	if (n->status && strcmp(n->status, status) != 0)
		FIND(v, BY_STATUS, SEVERITY_MUST, n->file, status,
		     "%s for %s, BY=%s", n->status, n->recipient, by);
}

/*
 * RFC 2852 4.1.3 and 4.1.4.1: with mode R the mail is returned when its time is
 * over, if not before; it is not relayed to a server without DELIVERBY.
 */
static void laws_by_return(const struct attempts *a,
			   const struct attempts_party *p, int64_t until,
			   struct verdict *v)
{
	int64_t end = until + LAWS_DELIVER_BY_SLACK_NS;
	const struct attempts_notice *n =
		laws_by_notice(a, p, until, true, "5.4.7");
	struct expect_text at;

	if (p->by_relayed_count)
		FIND(v, DELIVER_BY, SEVERITY_MUST, NULL,
		     "returned: the server does no DELIVERBY",
		     "delivered to %s at %s, BY=%s", p->to,
		     expect_time(p->by_relayed_ns, &at), p->mail->by);
	else if (laws_wants_ndr(p) && a->end_ns > end && !p->delivered_count &&
		 (!p->bounced_count || p->first_bounced_ns > end))
		FIND(v, DELIVER_BY, SEVERITY_MUST, NULL,
		     "returned when the time that BY= gives is over",
		     "not for %s at %s, BY=%s", p->to, expect_time(until, &at),
		     p->mail->by);
	else if (n && !expect_is_refused(a, p, n->t_ns))
		laws_by_status(n, "5.4.7", p->mail->by, v);
}

/*
 * RFC 2852 4.1.3 and 4.1.4.2: with mode N the sender is told when the time is
 * over, and before that when it goes to a server without DELIVERBY.
 */
static void laws_by_notify(const struct attempts *a,
			   const struct attempts_party *p, int64_t until,
			   struct verdict *v)
{
	const char *notify = p->mail->notify;
	int64_t end = until + LAWS_DELIVER_BY_SLACK_NS;
	const struct attempts_notice *n =
		laws_by_notice(a, p, until, false, "4.4.7");
	struct expect_text at;

	if (!p->from[0])
		return;
	if (p->by_relayed_count && p->by_relayed_ns < until &&
	    !p->success_count && (!notify || strcasecmp(notify, "NEVER") != 0))
		FIND(v, BY_RELAYED_MISSING, SEVERITY_MUST, NULL,
		     "a report with Action: relayed (the next server does no "
		     "DELIVERBY)",
		     "none for %s, relayed at %s, BY=%s", p->to,
		     expect_time(p->by_relayed_ns, &at), p->mail->by);
	if (notify && !strcasestr(notify, "DELAY"))
		return;
	if (n)
		laws_by_status(n, "4.4.7", p->mail->by, v);
	else if (a->end_ns > end && (!p->is_closed || p->closed_ns > end))
		FIND(v, DELIVER_BY, SEVERITY_MUST, NULL,
		     "a delay notice when the time that BY= gives is over",
		     "none for %s at %s, BY=%s", p->to, expect_time(until, &at),
		     p->mail->by);
}

static void laws_deliver_by(const struct attempts *a,
			    const struct attempts_party *p, struct verdict *v)
{
	char mode = '\0';
	int64_t until = laws_by_ns(p, &mode);

	if (mode == 'R')
		laws_by_return(a, p, until, v);
	if (mode == 'N')
		laws_by_notify(a, p, until, v);
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
