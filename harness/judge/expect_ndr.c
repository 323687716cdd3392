/* SPDX-License-Identifier: MIT */
#include "harness/judge/expect_ndr.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "harness/judge/attempts_dns.h"
#include "harness/judge/expect.h"
#include "harness/judge/expect_text.h"
#include "harness/judge/findings.h"
#include "harness/judge/laws.h"

/* --- missing ------------------------------------------------------------- */

void expect_missing_ndr(const struct attempts *a, const struct target *target,
			const struct attempts_party *p, const char *where,
			struct verdict *v)
{
	static const char *const rest[] = {
		[LAWS_REST_QUEUED] = "the message is still queued",
		[LAWS_REST_GONE] = "the message is gone",
		[LAWS_REST_UNKNOWN] = "the queue's listing is not known",
	};
	struct expect_text at;

	FIND(v, NDR_MISSING, SEVERITY_MUST, where,
	     "a non-delivery report to the envelope sender",
	     "no NDR for %s within %s; %s", p->to, expect_time(a->end_ns, &at),
	     rest[laws_rest(a, target, p)]);
}

/* --- status -------------------------------------------------------------- */

bool expect_enhanced(const char *reply, char *buf)
{
	size_t len;

	for (int i = 0; i < 3; i++)
		if (!isdigit((unsigned char)reply[i]))
			return false;
	if (reply[3] != ' ' && reply[3] != '-')
		return false;
	reply += 4;
	len = strspn(reply, "0123456789.");
	if (len >= 12 || (reply[len] && !isspace((unsigned char)reply[len])))
		return false;
	memcpy(buf, reply, len);
	buf[len] = '\0';
	return deadmx_ndr_status_valid(buf);
}

/* The codes that a documented rule allows. */
struct expect_status {
	char code[12];	/* "" = any of the class */
	bool any_class; /* class 5 for 4 is fine: it has expired */
	char any_of;	/* '4' or '5' when code is "" */
	const char *why;
};

static void expect_status_from_reply(const char *reply,
				     struct expect_status *ret)
{
	if (expect_enhanced(reply, ret->code)) {
		ret->any_class = true;
		ret->why = "the code of the last attempt's reply";
	} else {
		ret->code[0] = '\0';
		ret->any_of = reply[0] == '5' ? '5' : '4';
		ret->why = "the last attempt's reply had no enhanced code";
	}
}

/* RFC 3463 gives DNS that fails a code; what it says has several. */
static bool expect_status_of_dns(const struct attempts_try *last,
				 struct expect_status *ret)
{
	enum deadmx_dns_action action = DEADMX_DNS_ACTION_ACCEPT;

	if (last->fault)
		deadmx_dns_action_parse(last->fault, &action);
	if (!attempts_dns_is_temporary(action))
		return false;
	memcpy(ret->code, "4.4.3", sizeof("4.4.3"));
	ret->why = "DNS failed at the last attempt";
	return true;
}

/* False when nothing can be said: no attempt, or one without a fault. */
static bool expect_status_of_last(const struct attempts *a,
				  const struct attempts_party *p, int64_t until,
				  struct expect_status *ret)
{
	const struct attempts_try *last = attempts_last(a, p, until);
	const char *reply = last ? attempts_reply(last, p) : NULL;
	enum deadmx_action action = DEADMX_ACTION_ACCEPT;

	if (!last)
		return false;
	if (!last->server)
		return expect_status_of_dns(last, ret);
	/* RFC 3463 has 4.7.5 for cryptography, and 4.4.2 for a handshake that
	 * breaks off is as good. */
	if (strcmp(last->stage, deadmx_stage_word(DEADMX_STAGE_TLS)) == 0)
		return false;
	if (last->fault)
		deadmx_action_parse(last->fault, &action);
	switch (action) {
	case DEADMX_ACTION_REFUSE:
	case DEADMX_ACTION_BLACKHOLE:
	case DEADMX_ACTION_UNREACHABLE:
	case DEADMX_ACTION_NET_UNREACHABLE:
	case DEADMX_ACTION_PORT_UNREACHABLE:
	case DEADMX_ACTION_PROHIBITED:
	case DEADMX_ACTION_QUEUE_FULL:
		memcpy(ret->code, "4.4.1", sizeof("4.4.1"));
		ret->why = "the last attempt got no connection";
		return true;
	case DEADMX_ACTION_STALL:
	case DEADMX_ACTION_DRIP:
	case DEADMX_ACTION_DROP:
	case DEADMX_ACTION_RESET:
	case DEADMX_ACTION_HALF_OPEN:
	case DEADMX_ACTION_STOP_READING:
		memcpy(ret->code, "4.4.2", sizeof("4.4.2"));
		ret->why = "the last attempt's connection broke";
		return true;
	case DEADMX_ACTION_ACCEPT:
	case DEADMX_ACTION_REPLY:
	case DEADMX_ACTION_RAW:
	case DEADMX_ACTION_GARBAGE:
	case DEADMX_ACTION_LONG_LINE:
	case DEADMX_ACTION_BARE_LF:
	case DEADMX_ACTION_WRONG_CODE:
	case DEADMX_ACTION_MIXED_CODES:
		DEADMX_ACTION_TLS_MAP(DEADMX_ACTION_CASE)
	case DEADMX_ACTION_COUNT:
		break;
	}
	if (!reply || (reply[0] != '4' && reply[0] != '5'))
		return false;
	expect_status_from_reply(reply, ret);
	return true;
}

static bool expect_status_holds(const struct expect_status *want,
				const char *status)
{
	if (!want->code[0])
		return status[0] == want->any_of;
	if (strcmp(status, want->code) == 0)
		return true;
	return want->any_class && status[0] == '5' &&
	       strcmp(status + 1, want->code + 1) == 0;
}

bool expect_is_temporary(const struct attempts_try *try,
			 const struct attempts_party *p)
{
	enum deadmx_dns_action dns = DEADMX_DNS_ACTION_ACCEPT;
	enum deadmx_action action = DEADMX_ACTION_ACCEPT;
	const char *reply = attempts_reply(try, p);

	if (try->fault && !try->server)
		deadmx_dns_action_parse(try->fault, &dns);
	if (!try->server)
		return attempts_dns_is_temporary(dns);
	if (try->fault)
		deadmx_action_parse(try->fault, &action);
	switch (action) {
	case DEADMX_ACTION_REFUSE:
	case DEADMX_ACTION_BLACKHOLE:
	case DEADMX_ACTION_UNREACHABLE:
	case DEADMX_ACTION_NET_UNREACHABLE:
	case DEADMX_ACTION_PORT_UNREACHABLE:
	case DEADMX_ACTION_PROHIBITED:
	case DEADMX_ACTION_QUEUE_FULL:
	case DEADMX_ACTION_DROP:
	case DEADMX_ACTION_RESET:
	case DEADMX_ACTION_HALF_OPEN:
		return true;
	case DEADMX_ACTION_REPLY:
		return reply && reply[0] == '4';
	case DEADMX_ACTION_ACCEPT:
	case DEADMX_ACTION_STALL:
	case DEADMX_ACTION_DRIP:
	case DEADMX_ACTION_STOP_READING:
	case DEADMX_ACTION_RAW:
	case DEADMX_ACTION_GARBAGE:
	case DEADMX_ACTION_LONG_LINE:
	case DEADMX_ACTION_BARE_LF:
	case DEADMX_ACTION_WRONG_CODE:
	case DEADMX_ACTION_MIXED_CODES:
		/* What these are to an MTA is not that clear. */
		DEADMX_ACTION_TLS_MAP(DEADMX_ACTION_CASE)
	case DEADMX_ACTION_COUNT:
		break;
	}
	return false;
}

bool expect_is_refused(const struct attempts *a, const struct attempts_party *p,
		       int64_t until)
{
	const struct attempts_try *last = attempts_last(a, p, until);
	const char *reply = last ? attempts_reply(last, p) : NULL;
	enum deadmx_dns_action action = DEADMX_DNS_ACTION_ACCEPT;

	if (!last || last->server)
		return reply && reply[0] == '5';
	if (last->fault)
		deadmx_dns_action_parse(last->fault, &action);
	return !attempts_dns_is_temporary(action);
}

/* The scenario names no status: what does the target document? */
static void expect_documented_status(const struct attempts *a,
				     const struct target *target,
				     const struct attempts_notice *n,
				     const char *where, struct verdict *v)
{
	struct target_documented doc = target_documented(target, a->scenario);
	const struct target_documented *d = &doc;
	struct expect_status want = {.why = "documented"};
	char text[160], mode = '\0';

	if (!n->status || !deadmx_ndr_status_valid(n->status))
		return; /* a finding of the reader already */
	/* RFC 2852 4.1.3 has a status of its own for it: laws.c. */
	if (laws_by_ns(n->party, &mode) <= n->t_ns + LAWS_BY_EARLY_NS &&
	    mode == 'R')
		return;
	switch (d->status_rule) {
	case TARGET_STATUS_LAST_ATTEMPT:
		if (!expect_status_of_last(a, n->party, n->t_ns, &want))
			return;
		break;
	case TARGET_STATUS_FIXED:
		/* It is about mail that has expired. */
		if (expect_is_refused(a, n->party, n->t_ns) || mode == 'R' ||
		    !d->status || strlen(d->status) >= sizeof(want.code))
			return;
		memcpy(want.code, d->status, strlen(d->status) + 1);
		break;
	case TARGET_STATUS_ANY:
	case TARGET_STATUS_COUNT:
		return;
	}
	if (expect_status_holds(&want, n->status))
		return;
	if (want.code[0])
		snprintf(text, sizeof(text), "%s (%s)", want.code, want.why);
	else
		snprintf(text, sizeof(text), "%c.x.x (%s)", want.any_of,
			 want.why);
	FIND(v, EXPECT_NDR_STATUS, SEVERITY_MUST, where, text, "%s for %s",
	     n->status, n->recipient);
}

/* --- when ---------------------------------------------------------------- */

/* No mail gets past these. EHLO that is refused has HELO behind it. */
static bool expect_is_on_the_way(const struct deadmx_fault *f)
{
	switch (f->stage) {
	case DEADMX_STAGE_CONNECT:
	case DEADMX_STAGE_BANNER:
	case DEADMX_STAGE_MAIL:
	case DEADMX_STAGE_RCPT:
	case DEADMX_STAGE_DATA:
	case DEADMX_STAGE_BODY:
	case DEADMX_STAGE_DOT:
		return true;
	case DEADMX_STAGE_EHLO:
		return f->action != DEADMX_ACTION_REPLY;
	case DEADMX_STAGE_HELO:
	case DEADMX_STAGE_STARTTLS:
	case DEADMX_STAGE_TLS:
	case DEADMX_STAGE_AUTH:
	case DEADMX_STAGE_RSET:
	case DEADMX_STAGE_QUIT:
	case DEADMX_STAGE_COUNT:
		break;
	}
	return false;
}

static bool expect_is_deadly(const struct deadmx_fault *f)
{
	if (f->window.until_ns != DEADMX_FOREVER_NS ||
	    !deadmx_fault_is_plain(f) || !expect_is_on_the_way(f))
		return false;
	switch (f->action) {
	case DEADMX_ACTION_REFUSE:
	case DEADMX_ACTION_BLACKHOLE:
	case DEADMX_ACTION_UNREACHABLE:
	case DEADMX_ACTION_NET_UNREACHABLE:
	case DEADMX_ACTION_PORT_UNREACHABLE:
	case DEADMX_ACTION_PROHIBITED:
	case DEADMX_ACTION_QUEUE_FULL:
	case DEADMX_ACTION_DROP:
	case DEADMX_ACTION_RESET:
	case DEADMX_ACTION_HALF_OPEN:
		return !f->after_bytes;
	case DEADMX_ACTION_REPLY:
		return f->reply && f->reply[0] == '4';
	case DEADMX_ACTION_STALL:
		return f->stall_ns == DEADMX_FOREVER_NS;
	case DEADMX_ACTION_ACCEPT:
	case DEADMX_ACTION_DRIP:
	case DEADMX_ACTION_STOP_READING:
	case DEADMX_ACTION_RAW:
	case DEADMX_ACTION_GARBAGE:
	case DEADMX_ACTION_LONG_LINE:
	case DEADMX_ACTION_BARE_LF:
	case DEADMX_ACTION_WRONG_CODE:
	case DEADMX_ACTION_MIXED_CODES:
		/* What an MTA makes of these is the scenario's to say. */
		DEADMX_ACTION_TLS_MAP(DEADMX_ACTION_CASE)
	case DEADMX_ACTION_COUNT:
		break;
	}
	return false;
}

/* Is every server of @domain dead to the end, so that the mail must expire? */
static bool expect_stays_dead(const struct deadmx_scenario *s,
			      const char *domain)
{
	bool any = false;

	if (attempts_dns_stays_dead(s, domain))
		return true;
	for (size_t i = 0; i < s->world.server_count; i++) {
		const struct deadmx_server *server = &s->world.servers[i];
		bool dead = false;

		if (!attempts_serves(server, domain))
			continue;
		for (size_t k = 0; k < server->fault_count; k++)
			dead |= expect_is_deadly(&server->faults[k]);
		if (!dead)
			return false;
		any = true;
	}
	return any;
}

static void expect_ndr_after(const struct attempts *a,
			     const struct target *target,
			     const struct attempts_notice *n,
			     const struct deadmx_range *asked,
			     const char *where, struct verdict *v)
{
	struct target_documented d = target_documented(target, a->scenario);
	int64_t lifetime = d.expires_after_ns;
	struct deadmx_range range = *asked;
	struct expect_text expected, at;
	/* A delayed row is the first notice; a final one the first NDR. */
	int64_t after = n->t_ns - laws_injected_ns(n->party, 0);
	char mode = '\0';

	/* With BY=…;R it is the sender who says when: laws.c. */
	laws_by_ns(n->party, &mode);
	if (!range.set && n->is_final && lifetime > 0 && mode != 'R' &&
	    expect_stays_dead(a->scenario, n->party->domain)) {
		range.set = true;
		range.min = lifetime;
		range.max = lifetime + d.expires_slack_ns;
	}
	if (!expect_in_times(&range, after))
		FIND(v, EXPECT_NDR_AFTER, SEVERITY_MUST, where,
		     expect_times(&range, &expected), "after %s for %s",
		     expect_time(after, &at), n->recipient);
}

/* --- rows ---------------------------------------------------------------- */

/* The diagnostic with or without its type: "smtp; 451 …" or "451 …". */
static bool expect_diagnostic_matches(const struct deadmx_text *wanted,
				      const char *observed)
{
	const char *semicolon = observed ? strstr(observed, "; ") : NULL;

	return expect_matches(wanted, observed, false) ||
	       (semicolon && expect_matches(wanted, semicolon + 2, false));
}

static void expect_row_texts(const struct deadmx_expect_ndr *row,
			     const struct attempts_notice *n, const char *where,
			     struct verdict *v)
{
	static const char none[] = "none";
	struct expect_text text;

	if (row->action.text && !expect_matches(&row->action, n->action, false))
		FIND(v, EXPECT_NDR_ACTION, SEVERITY_MUST, where,
		     expect_wanted(&row->action, &text), "\"%s\" for %s",
		     n->action ? n->action : none, n->recipient);
	if (row->status.text && !expect_matches(&row->status, n->status, false))
		FIND(v, EXPECT_NDR_STATUS, SEVERITY_MUST, where,
		     expect_wanted(&row->status, &text), "\"%s\" for %s",
		     n->status ? n->status : none, n->recipient);
	if (row->diagnostic.text &&
	    !expect_diagnostic_matches(&row->diagnostic, n->diagnostic))
		FIND(v, EXPECT_NDR_DIAGNOSTIC, SEVERITY_MUST, where,
		     expect_wanted(&row->diagnostic, &text), "\"%s\" for %s",
		     n->diagnostic ? n->diagnostic : none, n->recipient);
	if (row->text.text && !expect_matches(&row->text, n->text, true))
		FIND(v, EXPECT_NDR_TEXT, SEVERITY_MUST, where,
		     expect_wanted(&row->text, &text),
		     "not in the text of %s for %s", n->file, n->recipient);
}

/* Asks the row for a delay notice rather than for a final NDR? */
static bool expect_row_is_delay(const struct deadmx_expect_ndr *row)
{
	return row->action.text && !row->action.is_regex &&
	       strcasecmp(row->action.text, "delayed") == 0;
}

static const struct attempts_notice *expect_find(const struct attempts *a,
						 const struct attempts_party *p,
						 bool is_delay)
{
	for (size_t i = 0; i < a->notice_count; i++) {
		const struct attempts_notice *n = &a->notices[i];

		if (n->party == p && (is_delay ? n->is_delay : n->is_final))
			return n;
	}
	return NULL;
}

static void expect_row(const struct attempts *a, const struct target *target,
		       const struct deadmx_expect_ndr *row,
		       const struct attempts_party *p, struct verdict *v)
{
	bool is_delay = expect_row_is_delay(row);
	const struct attempts_notice *n = expect_find(a, p, is_delay);
	struct expect_text buf, at;
	const char *where = expect_where(&row->place, &buf);

	if (!n) {
		/* Who has got his mail is owed none, whatever is expected. */
		if (!is_delay && p->delivered_count < (size_t)p->mails)
			expect_missing_ndr(a, target, p, where, v);
		FIND(v, EXPECT_NDR, SEVERITY_MUST, where,
		     is_delay ? "a delay notice" : "an NDR",
		     "none for %s within %s", p->to,
		     expect_time(a->end_ns, &at));
		return;
	}
	expect_row_texts(row, n, where, v);
	if (!row->status.text && !is_delay)
		expect_documented_status(a, target, n, where, v);
	expect_ndr_after(a, target, n, &row->after_ns, where, v);
}

/* One row holds for its recipient, or for all who can get an NDR at all. */
static void expect_row_parties(const struct attempts *a,
			       const struct target *target,
			       const struct deadmx_expect_ndr *row,
			       struct verdict *v)
{
	for (size_t i = 0; i < a->party_count; i++) {
		const struct attempts_party *p = &a->parties[i];

		if (row->recipient ? strcasecmp(row->recipient, p->to) == 0
				   : laws_wants_ndr(p))
			expect_row(a, target, row, p, v);
	}
}

static void expect_no_ndr(const struct attempts *a, struct verdict *v)
{
	struct expect_text where, at;

	for (size_t i = 0; i < a->party_count; i++) {
		const struct attempts_party *p = &a->parties[i];

		if (p->bounced_count)
			FIND(v, EXPECT_NDR, SEVERITY_MUST,
			     expect_where(&a->scenario->expect.ndr_place,
					  &where),
			     "no NDR", "one for %s at %s", p->to,
			     expect_time(p->first_bounced_ns, &at));
	}
}

void expect_ndrs(const struct attempts *a, const struct target *target,
		 struct verdict *v)
{
	const struct deadmx_expect *e = &a->scenario->expect;
	/* "ndr: yes" asks for any final one. */
	const struct deadmx_expect_ndr plain = {.place = e->ndr_place};

	if (e->ndr == DEADMX_WANTED_NONE)
		expect_no_ndr(a, v);
	if (e->ndr != DEADMX_WANTED_YES)
		return;
	for (size_t i = 0; i < e->ndr_count; i++)
		expect_row_parties(a, target, &e->ndrs[i], v);
	if (!e->ndr_count)
		expect_row_parties(a, target, &plain, v);
}
