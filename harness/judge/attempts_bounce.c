/* SPDX-License-Identifier: MIT */
#include "harness/judge/attempts_bounce.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/judge/findings.h"
#include "harness/judge/judge.h"
#include "harness/judge/ndr.h"

static char *bounce_copy(const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	assert(copy || !text);
	return copy;
}

struct attempts_party *bounce_party(const struct attempts *a, const char *from,
				    const char *to)
{
	for (size_t i = 0; i < a->party_count; i++)
		if (strcasecmp(a->parties[i].to, to) == 0 &&
		    strcasecmp(a->parties[i].from, from) == 0)
			return &a->parties[i];
	return NULL;
}

struct attempts_party *bounce_party_to(const struct attempts *a, const char *to)
{
	struct attempts_party *found = NULL;

	for (size_t i = 0; i < a->party_count; i++) {
		struct attempts_party *p = &a->parties[i];

		if (strcasecmp(p->to, to) == 0 &&
		    (!found || (found->is_closed && !p->is_closed)))
			found = p;
	}
	return found;
}

bool bounce_is_sender(const struct attempts *a, const char *address)
{
	for (size_t i = 0; i < a->party_count; i++)
		if (a->parties[i].from[0] &&
		    strcasecmp(a->parties[i].from, address) == 0)
			return true;
	return false;
}

/* One more outcome of @p: has it now had as many as it has mails? */
static void bounce_settle(struct attempts_party *p, int64_t t_ns)
{
	size_t expected = p->injected_count ? p->injected_count : p->mails;

	if (p->is_closed || p->delivered_count + p->bounced_count < expected)
		return;
	p->is_closed = true;
	p->closed_ns = t_ns;
}

/* --- deliveries ---------------------------------------------------------- */

static void bounce_delivered(struct attempts *a, struct attempts_party *p,
			     const struct deadmx_server *server, int64_t t_ns)
{
	struct attempts_delivery *d;

	if (p->delivered_count++ == 0)
		p->first_delivered_ns = t_ns;
	if (p->is_closed && p->bounced_count && !p->has_late_delivery) {
		p->has_late_delivery = true;
		p->late_delivery_ns = t_ns;
	}
	bounce_settle(p, t_ns);
	if (a->delivery_count >= ATTEMPTS_DELIVERIES_MAX)
		return;
	a->deliveries =
		attempts_grow(a->deliveries, a->delivery_count, sizeof(*d));
	d = &a->deliveries[a->delivery_count++];
	d->t_ns = t_ns;
	d->party = p;
	d->server = server;
}

/* Book one recipient of a message that is no bounce. */
static void bounce_deliver(struct attempts *a, struct verdict *v,
			   const struct event *e,
			   const struct deadmx_server *server, const char *from,
			   const char *to)
{
	struct attempts_party *p = bounce_party(a, from, to);

	/* Some MTAs rewrite the reverse-path on the way. */
	if (!p)
		p = bounce_party_to(a, to);
	if (!p || !attempts_serves(server, p->domain)) {
		FIND(v, LAW_UNEXPECTED, SEVERITY_NOTE, event_text(e, "file"),
		     "mails of the scenario and bounces",
		     "a mail from <%s> to <%s> at %s", from, to, server->name);
		return;
	}
	if (json_is_true(json_object_get(e->members, "unacknowledged")))
		p->unacknowledged_count++;
	else
		bounce_delivered(a, p, server, e->t_ns);
}

/* --- bounces ------------------------------------------------------------- */

/* White space as single spaces: MTAs wrap their lines as they like. */
static char *bounce_collapse(const char *text)
{
	char *out = malloc(strlen(text) + 1), *at = out;
	bool space = false;

	assert(out);
	for (; *text; text++) {
		if (isspace((unsigned char)*text)) {
			space = at > out;
			continue;
		}
		if (space)
			*at++ = ' ';
		space = false;
		*at++ = *text;
	}
	*at = '\0';
	return out;
}

static bool bounce_text_asked(const struct deadmx_expect *expect)
{
	for (size_t i = 0; i < expect->ndr_count; i++)
		if (expect->ndrs[i].text.text)
			return true;
	return false;
}

/* What one bounce is, while its recipients are booked. */
struct bounce {
	struct attempts *a;
	struct verdict *v;
	const struct deadmx_ndr *ndr;
	const char *file, *from, *to; /* of the envelope */
	int64_t t_ns;
};

static struct attempts_notice *bounce_notice_new(const struct bounce *b)
{
	struct attempts *a = b->a;
	struct attempts_notice *n;

	if (a->notice_count >= ATTEMPTS_NOTICES_MAX)
		return NULL;
	a->notices = attempts_grow(a->notices, a->notice_count, sizeof(*n));
	n = &a->notices[a->notice_count++];
	memset(n, 0, sizeof(*n));
	n->t_ns = b->t_ns;
	n->file = bounce_copy(b->file);
	n->envelope_from = bounce_copy(b->from);
	n->envelope_to = bounce_copy(b->to);
	n->reporting_mta = bounce_copy(b->ndr->reporting_mta);
	n->arrival_date = bounce_copy(b->ndr->arrival_date);
	n->is_final = b->ndr->kind == DEADMX_NDR_KIND_FAILED;
	n->is_delay = b->ndr->kind == DEADMX_NDR_KIND_DELAYED;
	if (bounce_text_asked(&a->scenario->expect))
		n->text = bounce_collapse(b->ndr->text);
	return n;
}

static char *bounce_diagnostic(const struct deadmx_ndr_recipient *row)
{
	char *text = NULL;

	if (!row->diagnostic_code)
		return NULL;
	if (!row->diagnostic_type)
		return bounce_copy(row->diagnostic_code);
	if (asprintf(&text, "%s; %s", row->diagnostic_type,
		     row->diagnostic_code) < 0)
		text = NULL;
	assert(text);
	return text;
}

static void bounce_fill(struct attempts_notice *n,
			const struct deadmx_ndr_recipient *row)
{
	n->action = bounce_copy(row->action_text);
	n->status = bounce_copy(row->status);
	n->diagnostic = bounce_diagnostic(row);
	n->last_attempt = bounce_copy(row->last_attempt);
	n->retry_until = bounce_copy(row->will_retry_until);
	n->remote_mta = bounce_copy(row->remote_mta);
	n->final_recipient = bounce_copy(row->final_recipient);
	if (row->action == DEADMX_NDR_ACTION_NONE)
		return; /* as the whole report */
	n->is_final = row->action == DEADMX_NDR_ACTION_FAILED;
	n->is_delay = row->action == DEADMX_NDR_ACTION_DELAYED;
	n->is_success = !n->is_final && !n->is_delay;
}

/* NOTIFY, RFC 3461 §4.1; absent stands for FAILURE, and DELAY is allowed. */
static bool bounce_notify_has(const struct deadmx_mail *mail, const char *word)
{
	return !mail->notify || strcasestr(mail->notify, word) != NULL;
}

static void bounce_check_notify(const struct bounce *b,
				const struct attempts_party *p, bool is_final)
{
	const char *word = is_final ? "FAILURE" : "DELAY";

	if (bounce_notify_has(p->mail, word))
		return;
	verdict_find(b->v,
		     finding_id(is_final ? FINDING_NDR_NOT_WANTED
					 : FINDING_DELAY_NOT_WANTED),
		     SEVERITY_MUST, b->file,
		     is_final ? "no failed NDR without NOTIFY=FAILURE"
			      : "no delay notice without NOTIFY=DELAY",
		     "one for %s, NOTIFY=%s", p->to, p->mail->notify);
}

/* xtext (RFC 3461 4) decoded; malloc'd. */
static char *bounce_xtext(const char *text)
{
	char *out = bounce_copy(text), *at = out;
	unsigned byte;

	for (; *text; text++) {
		if (*text == '+' && isxdigit((unsigned char)text[1]) &&
		    isxdigit((unsigned char)text[2]) &&
		    sscanf(text + 1, "%2x", &byte) == 1 && byte) {
			*at++ = (char)byte;
			text += 2;
		} else {
			*at++ = *text;
		}
	}
	*at = '\0';
	return out;
}

/* What the sender gave must come back as it was, and nothing else. */
static void bounce_check_given(const struct bounce *b, enum finding_id id,
			       const char *what, const char *given,
			       const char *got)
{
	char *plain = given ? bounce_xtext(given) : NULL;

	if (plain && !got)
		verdict_find(b->v, finding_id(id), SEVERITY_MUST, b->file,
			     plain, "no %s", what);
	else if (plain && strcmp(plain, got) != 0)
		verdict_find(b->v, finding_id(id), SEVERITY_MUST, b->file,
			     plain, "%s: %s", what, got);
	else if (!plain && got)
		verdict_find(b->v, finding_id(id), SEVERITY_MUST, b->file,
			     "nothing: the sender gave none", "%s: %s", what,
			     got);
	free(plain);
}

/* RFC 3461 4.3 and 6.2: RET is about failures; else the header is enough. */
static void bounce_check_ret(const struct bounce *b,
			     const struct attempts_party *p,
			     const struct attempts_notice *n)
{
	const char *ret = p->mail->ret;
	enum deadmx_ndr_original original = b->ndr->original;

	if (!ret || !n->is_final)
		return;
	if (strcmp(ret, "HDRS") == 0 && original == DEADMX_NDR_ORIGINAL_FULL)
		verdict_find(b->v, finding_id(FINDING_RET), SEVERITY_SHOULD,
			     b->file, "the header only (RET=HDRS)",
			     "the whole message");
	if (strcmp(ret, "FULL") == 0 && original == DEADMX_NDR_ORIGINAL_HEADERS)
		verdict_find(b->v, finding_id(FINDING_RET), SEVERITY_SHOULD,
			     b->file, "the whole message (RET=FULL)",
			     "the header only");
}

/* Only where the MTA took the parameters, and it is clear whose they are. */
static void bounce_check_dsn(const struct bounce *b,
			     const struct attempts_party *p,
			     const struct attempts_notice *n,
			     const struct deadmx_ndr_recipient *row)
{
	const char *semicolon =
		p->mail->orcpt ? strchr(p->mail->orcpt, ';') : NULL;

	if (!p->has_dsn || p->mails != 1)
		return;
	bounce_check_given(b, FINDING_ENVELOPE_ID, "Original-Envelope-Id",
			   p->mail->envid, b->ndr->envelope_id);
	/* Some MTAs name the recipient as it came where no ORCPT did. */
	if (semicolon || (row->original_recipient &&
			  strcasecmp(row->original_recipient, p->to) != 0))
		bounce_check_given(b, FINDING_ORIGINAL_RECIPIENT,
				   "Original-Recipient",
				   semicolon ? semicolon + 1 : NULL,
				   row->original_recipient);
	else if (row->original_recipient && !semicolon)
		verdict_find(b->v, finding_id(FINDING_ORIGINAL_RECIPIENT),
			     SEVERITY_NOTE, b->file,
			     "nothing: the sender gave no ORCPT",
			     "Original-Recipient: %s", row->original_recipient);
	bounce_check_ret(b, p, n);
}

static void bounce_booked(const struct bounce *b, struct attempts_party *p,
			  const struct attempts_notice *n)
{
	if (n->is_delay && p->delayed_count++ == 0)
		p->first_delayed_ns = n->t_ns;
	if (n->is_delay)
		p->last_delayed_ns = n->t_ns;
	if (n->is_delay || n->is_final)
		bounce_check_notify(b, p, n->is_final);
	p->success_count += n->is_success;
	if (!n->is_final)
		return;
	if (p->is_closed && !p->bounced_count && !p->has_late_bounce) {
		p->has_late_bounce = true;
		p->late_bounce_ns = n->t_ns;
	}
	if (p->bounced_count++ == 0)
		p->first_bounced_ns = n->t_ns;
	bounce_settle(p, n->t_ns);
}

/*
 * A bounce went astray: it may be the one that these lack. @about: the
 * recipient it speaks of, or NULL: one that is nobody's, to a sender.
 */
static void bounce_astray(const struct bounce *b, const char *about)
{
	for (size_t i = 0; i < b->a->party_count; i++) {
		struct attempts_party *p = &b->a->parties[i];

		if (!p->is_closed && (about ? strcasecmp(p->to, about) == 0
					    : strcasecmp(p->from, b->to) == 0))
			p->astray_count++;
	}
}

/* The bounce speaks of @address, but did not go to a sender of its mails. */
static void bounce_misdirected(const struct bounce *b, const char *address)
{
	const struct attempts_party *p = NULL;

	for (size_t i = 0; i < b->a->party_count; i++) {
		const struct attempts_party *q = &b->a->parties[i];

		if (strcasecmp(q->to, address) == 0 &&
		    (!p || (!p->from[0] && q->from[0])))
			p = q;
	}
	bounce_astray(b, p ? p->to : NULL);
	if (!p && bounce_is_sender(b->a, address))
		FIND(b->v, BOUNCED_BOUNCE, SEVERITY_MUST, b->file,
		     "no bounce about a bounce",
		     "one to <%s> about mail to %s, a sender", b->to, address);
	else if (p && !p->from[0])
		FIND(b->v, LAW_NDR_NULL_SENDER, SEVERITY_MUST, b->file,
		     "no NDR for a mail with a null reverse-path",
		     "one about %s to <%s>", address, b->to);
	else if (!p && bounce_is_sender(b->a, b->to))
		FIND(b->v, LAW_NDR_UNKNOWN, SEVERITY_MUST, b->file,
		     "an NDR about a recipient of the mail",
		     "one about %s to <%s>", address, b->to);
	else
		FIND(b->v, LAW_NDR_WRONG_ADDRESS, SEVERITY_MUST, b->file,
		     p ? p->from : "NDRs to the envelope sender only",
		     "an NDR about %s to <%s>", address, b->to);
}

static void bounce_row(const struct bounce *b,
		       const struct deadmx_ndr_recipient *row)
{
	const char *names[] = {row->original_recipient, row->final_recipient};
	struct attempts_party *p = NULL;
	const char *address = NULL;
	struct attempts_notice *n;

	/* An alias changes the final address: the original one comes first. */
	for (size_t i = 0; i < 2; i++) {
		if (names[i] && !p)
			p = bounce_party(b->a, b->to, names[i]);
		if (names[i] && (!address || bounce_party_to(b->a, names[i])))
			address = names[i];
	}
	n = bounce_notice_new(b);
	if (!n)
		return;
	n->party = p;
	n->recipient = bounce_copy(p ? p->to : address);
	bounce_fill(n, row);
	if (!p) {
		bounce_misdirected(b, address ? address : "nobody");
		return;
	}
	bounce_booked(b, p, n);
	bounce_check_dsn(b, p, n, row);
}

/* A bounce without groups: whose addresses does it hold? */
static void bounce_plain(const struct bounce *b)
{
	const char *other = NULL;
	bool found = false;

	for (size_t i = 0; i < b->a->party_count; i++) {
		struct attempts_party *p = &b->a->parties[i];
		struct attempts_notice *n;

		if (!deadmx_ndr_names(b->ndr, p->to))
			continue;
		if (strcasecmp(p->from, b->to) != 0) {
			other = p->to;
			continue;
		}
		found = true;
		n = bounce_notice_new(b);
		if (!n)
			return;
		n->party = p;
		n->recipient = bounce_copy(p->to);
		bounce_booked(b, p, n);
	}
	if (!found) {
		bounce_notice_new(b);
		bounce_misdirected(b, other ? other : "nobody");
	}
}

static enum severity bounce_severity(enum deadmx_ndr_severity severity)
{
	switch (severity) {
	case DEADMX_NDR_MUST:
		return SEVERITY_MUST;
	case DEADMX_NDR_SHOULD:
		return SEVERITY_SHOULD;
	case DEADMX_NDR_NOTE:
		break;
	}
	return SEVERITY_NOTE;
}

/* RFC 2852 4.1.3: mail with BY=…;R comes back as 5.4.7, whatever held it. */
static bool bounce_is_timed(const struct attempts *a, const char *sender)
{
	for (size_t i = 0; i < a->party_count; i++)
		if (a->parties[i].has_deliverby && a->parties[i].mail->by &&
		    strstr(a->parties[i].mail->by, ";R") &&
		    strcasecmp(a->parties[i].from, sender) == 0)
			return true;
	return false;
}

/* @reported: so many of its findings were told with another recipient. */
static void bounce_book(struct attempts *a, struct verdict *v,
			const struct event *e, struct deadmx_ndr *ndr,
			size_t reported, const char *from, const char *to)
{
	struct bounce b = {.a = a,
			   .v = v,
			   .ndr = ndr,
			   .file = event_text(e, "file"),
			   .from = from,
			   .to = to,
			   .t_ns = e->t_ns};

	deadmx_ndr_lint_envelope(ndr, from, to);
	for (size_t i = reported; i < ndr->finding_count; i++) {
		const struct deadmx_ndr_finding *f = &ndr->findings[i];

		if (strcmp(f->id, finding_id(FINDING_BETTER_STATUS)) == 0 &&
		    bounce_is_timed(a, to))
			continue;
		verdict_find(v, f->id, bounce_severity(f->severity), b.file,
			     f->expected, "%s", f->observed);
	}
	if (ndr->recipient_count == 0)
		bounce_plain(&b);
	for (size_t i = 0; i < ndr->recipient_count; i++)
		bounce_row(&b, &ndr->recipients[i]);
}

/* --- messages ------------------------------------------------------------ */

/* Could it be one? Only then is the file read at all. */
static bool bounce_is_candidate(const struct attempts *a, const char *from,
				const json_t *to)
{
	if (!from[0])
		return true;
	for (size_t i = 0; i < json_array_size(to); i++) {
		const char *address = json_string_value(json_array_get(to, i));

		if (address && (bounce_is_sender(a, address) ||
				!bounce_party_to(a, address)))
			return true;
	}
	return false;
}

/* NULL, with a finding, when the file isn't there or is too large. */
static struct deadmx_ndr *bounce_read(struct verdict *v, const char *dir,
				      const char *file)
{
	struct deadmx_ndr *ndr = NULL;
	const char *why = NULL;
	char path[4096];
	struct stat st;
	int rc = -EINVAL;

	/* The name is from the log: it must stay in the folder. */
	if (!file || !file[0] || strchr(file, '/') || file[0] == '.' ||
	    (size_t)snprintf(path, sizeof(path), "%s/%s", dir, file) >=
		    sizeof(path))
		why = "no plain file name";
	else if (stat(path, &st) < 0)
		rc = -errno;
	else if (!S_ISREG(st.st_mode))
		why = "no regular file";
	else if (st.st_size > JUDGE_MESSAGE_BYTES_MAX)
		why = "too large";
	else
		rc = deadmx_ndr_read(path, &ndr);
	if (rc < 0)
		FIND(v, RUN_MESSAGE_UNREADABLE, SEVERITY_ERROR, file,
		     "a message file beside the log", "%s",
		     why ? why : strerror(-rc));
	return ndr;
}

/*
 * With a null reverse-path it is a bounce, unless the scenario's own mails
 * have none, too; with another one it must look like a bounce.
 */
static bool bounce_is_one(const struct attempts *a, struct deadmx_ndr *ndr,
			  const char *from, const char *to)
{
	if (ndr->kind != DEADMX_NDR_KIND_NONE)
		return true;
	if (from[0] || bounce_party(a, from, to) || !bounce_is_sender(a, to))
		return false;
	ndr->kind = DEADMX_NDR_KIND_FAILED;
	ndr_find(ndr, FINDING_NOT_A_DSN, DEADMX_NDR_MUST,
		 "multipart/report with a message/delivery-status part",
		 "a mail with a null reverse-path that is no report");
	return true;
}

void bounce_message(struct attempts *a, struct verdict *v, const char *dir,
		    const struct event *e, const struct deadmx_server *server)
{
	const json_t *list = json_object_get(e->members, "to");
	const char *from = event_text(e, "from");
	struct deadmx_ndr *ndr = NULL;
	size_t reported = 0;

	if (!from)
		return;
	if (bounce_is_candidate(a, from, list)) {
		ndr = bounce_read(v, dir, event_text(e, "file"));
		if (!ndr)
			return;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *to = json_string_value(json_array_get(list, i));

		if (!to)
			continue;
		if (!ndr || !bounce_is_one(a, ndr, from, to))
			bounce_deliver(a, v, e, server, from, to);
		else if (!json_is_true(json_object_get(e->members,
						       "unacknowledged"))) {
			bounce_book(a, v, e, ndr, reported, from, to);
			reported = ndr->finding_count;
		}
	}
	deadmx_ndr_free(ndr);
}
