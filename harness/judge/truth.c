/* SPDX-License-Identifier: MIT */
/* What reports say, against what happened: see truth.h. */
#include "harness/judge/truth.h"

#include <gmime/gmime.h>
#include <string.h>
#include <strings.h>

#include "harness/judge/findings.h"

/* A date of a report as virtual seconds; false when it is none. */
static bool truth_seconds(const struct attempts *a, const char *date,
			  int64_t *ret_s)
{
	GDateTime *parsed = date && a->start_unix_s
				    ? g_mime_utils_header_decode_date(date)
				    : NULL;

	if (!parsed)
		return false;
	*ret_s = g_date_time_to_unix(parsed) - a->start_unix_s;
	g_date_time_unref(parsed);
	return true;
}

static int64_t whole_seconds(int64_t t_ns)
{
	return t_ns / DEADMX_NS_PER_S;
}

/* Is @s within @from_s … @until_s, give or take the slack? */
static bool truth_within(int64_t s, int64_t from_s, int64_t until_s)
{
	return s >= from_s - TRUTH_SLACK_S && s <= until_s + TRUTH_SLACK_S;
}

/* RFC 3464 2.2.5: when the mail came; any one that the sender had sent. */
static void truth_arrival(const struct attempts *a,
			  const struct attempts_notice *n, struct verdict *v)
{
	bool any = false;
	int64_t s;

	if (!truth_seconds(a, n->arrival_date, &s))
		return;
	for (size_t i = 0; i < a->party_count; i++) {
		const struct attempts_party *p = &a->parties[i];

		for (size_t k = 0; k < p->injected_count; k++) {
			int64_t at_s = whole_seconds(p->injected_ns[k]);

			any |= strcasecmp(p->from, n->party->from) == 0 &&
			       truth_within(s, at_s, at_s);
		}
	}
	if (!any)
		FIND(v, ARRIVAL_DATE_WRONG, SEVERITY_SHOULD, n->file,
		     "the time at which the mail was handed in",
		     "Arrival-Date: %s, %lld s after the first mail",
		     n->arrival_date, (long long)s);
}

/* RFC 3464 2.3.7. A queue run without an attempt may count as one. */
static void truth_last_attempt(const struct attempts *a,
			       const struct attempts_notice *n,
			       struct verdict *v)
{
	const struct attempts_try *last = attempts_last(a, n->party, n->t_ns);
	int64_t s;

	if (!last || !truth_seconds(a, n->last_attempt, &s) ||
	    truth_within(s, whole_seconds(last->t_ns), whole_seconds(n->t_ns)))
		return;
	FIND(v, LAST_ATTEMPT_WRONG, SEVERITY_SHOULD, n->file,
	     "the time of the last attempt, or no Last-Attempt-Date",
	     "Last-Attempt-Date: %s, %lld s after the first mail; it was at "
	     "%lld s",
	     n->last_attempt, (long long)s,
	     (long long)whole_seconds(last->t_ns));
}

/* RFC 3464 2.3.9: when the mail is given up, by the target's own rule. */
static void truth_retry_until(const struct attempts *a,
			      const struct target *target,
			      const struct attempts_notice *n,
			      struct verdict *v)
{
	int64_t lifetime_s =
		whole_seconds(target_lifetime_ns(target, a->scenario));
	int64_t slack_s = whole_seconds(target->documented.expires_slack_ns);
	bool any = false;
	int64_t s;

	if (lifetime_s <= 0 || !n->is_delay ||
	    !truth_seconds(a, n->retry_until, &s))
		return;
	for (size_t k = 0; k < n->party->injected_count; k++) {
		int64_t end_s =
			whole_seconds(n->party->injected_ns[k]) + lifetime_s;

		any |= truth_within(s, end_s, end_s + slack_s);
	}
	if (!any)
		FIND(v, RETRY_UNTIL_WRONG, SEVERITY_SHOULD, n->file,
		     "the time at which this MTA gives the mail up",
		     "Will-Retry-Until: %s, %lld s after the first mail; its "
		     "lifetime is %lld s",
		     n->retry_until, (long long)s, (long long)lifetime_s);
}

/*
 * RFC 3464 2.2.2: "the client's domain name will appear in the Reporting-MTA
 * field", and that is the name it gives in EHLO.
 */
static void truth_reporter(const struct attempts *a,
			   const struct target *target,
			   const struct attempts_notice *n, struct verdict *v)
{
	const char *name = n->reporting_mta;
	size_t len;
	bool any;

	if (!name || strncasecmp(name, "dns;", 4) != 0 || !a->name_count)
		return;
	name += 4 + strspn(name + 4, " \t");
	len = strcspn(name, " \t(");
	any = target->hostname && strlen(target->hostname) == len &&
	      strncasecmp(target->hostname, name, len) == 0;
	for (size_t i = 0; i < a->name_count; i++)
		any |= strlen(a->names[i]) == len &&
		       strncasecmp(a->names[i], name, len) == 0;
	if (!any)
		FIND(v, REPORTING_MTA_WRONG, SEVERITY_SHOULD, n->file,
		     "the name by which the MTA greets other servers",
		     "Reporting-MTA: %s; it greets as %s", n->reporting_mta,
		     a->names[0]);
}

/* RFC 3464 2.3.2: as it was in the envelope, to the letter. */
static void truth_recipient(const struct attempts_notice *n, struct verdict *v)
{
	if (n->final_recipient &&
	    strcasecmp(n->final_recipient, n->party->to) == 0 &&
	    strcmp(n->final_recipient, n->party->to) != 0)
		FIND(v, RECIPIENT_CASE, SEVERITY_MUST, n->file, n->party->to,
		     "Final-Recipient: %s", n->final_recipient);
}

/* May there have been somebody to ask? Records may lead to no server of ours.
 */
static bool truth_was_somewhere(const struct attempts_try *try,
				const struct attempts_notice *n)
{
	const char *records = deadmx_dns_action_word(DEADMX_DNS_ACTION_RECORDS);

	if (try->t_ns > n->t_ns)
		return false;
	if (try->server)
		return attempts_serves(try->server, n->party->domain);
	return try->fault && strcmp(try->fault, records) == 0;
}

/* RFC 3464 2.3.5: DNS led nowhere, so no server can have said a word. */
static void truth_remote(const struct attempts *a,
			 const struct attempts_notice *n, struct verdict *v)
{
	bool any = false;

	if (!n->remote_mta || !attempts_last(a, n->party, n->t_ns))
		return;
	for (size_t i = 0; i < a->try_count; i++)
		any |= truth_was_somewhere(&a->tries[i], n);
	if (!any)
		FIND(v, REMOTE_MTA_UNINVOLVED, SEVERITY_MUST, n->file,
		     "no Remote-MTA: none was ever reached for",
		     "Remote-MTA: %s for %s", n->remote_mta, n->recipient);
}

/* RFC 3461 6.3 h, of an MTA that does DSN; RFC 3464 leaves it open. */
static void truth_remote_missing(const struct attempts *a,
				 const struct attempts_notice *n,
				 struct verdict *v)
{
	const struct attempts_try *last = attempts_last(a, n->party, n->t_ns);
	const char *reply = last ? attempts_reply(last, n->party) : NULL;

	if (n->action && !n->is_success && !n->remote_mta &&
	    n->party->has_dsn && reply && (reply[0] == '4' || reply[0] == '5'))
		FIND(v, NO_REMOTE_MTA, SEVERITY_SHOULD, n->file,
		     "a Remote-MTA: it had an answer",
		     "none for %s; the server said: %s", n->recipient, reply);
}

/*
 * RFC 2852 4.1.4: mode N and a trace may ask for a report of success that
 * NOTIFY does not ask for, as long as it is not NEVER.
 */
static bool truth_by_reports(const struct deadmx_mail *mail)
{
	const char *mode = mail->by ? strchr(mail->by, ';') : NULL;

	return mode && strpbrk(mode, "NT") &&
	       (!mail->notify || strcasecmp(mail->notify, "NEVER") != 0);
}

/*
 * RFC 3461 5.2.2: who asked for SUCCESS is told "relayed" when the mail went
 * to a server that sends no reports itself; who did not is told nothing.
 */
static void truth_relayed(const struct attempts_party *p, struct verdict *v)
{
	const char *notify = p->mail->notify;

	if (p->relayed_due_count && !p->success_count)
		FIND(v, RELAYED_MISSING, SEVERITY_MUST, NULL,
		     "a report with Action: relayed (NOTIFY=SUCCESS, and the "
		     "next server does no DSN)",
		     "none for %s", p->to);
	if (p->success_count && !truth_by_reports(p->mail) &&
	    (!notify || !strcasestr(notify, "SUCCESS")))
		FIND(v, SUCCESS_NOT_WANTED, SEVERITY_MUST, NULL,
		     "no report of success without NOTIFY=SUCCESS",
		     "one for %s, NOTIFY=%s", p->to,
		     notify ? notify : "(none)");
}

void truth_check(const struct attempts *a, const struct target *target,
		 struct verdict *v)
{
	const char *file = NULL;

	for (size_t i = 0; i < a->notice_count; i++) {
		const struct attempts_notice *n = &a->notices[i];

		if (!n->party)
			continue;
		/* Once for each report, though it may name many. */
		if (!file || !n->file || strcmp(file, n->file) != 0) {
			truth_arrival(a, n, v);
			truth_reporter(a, target, n, v);
		}
		file = n->file;
		truth_last_attempt(a, n, v);
		truth_retry_until(a, target, n, v);
		truth_recipient(n, v);
		truth_remote(a, n, v);
		truth_remote_missing(a, n, v);
	}
	for (size_t i = 0; i < a->party_count; i++)
		truth_relayed(&a->parties[i], v);
}
