/* SPDX-License-Identifier: MIT */
/*
 * The checks of a bounce against RFC 3464 and RFC 6522, each one function of
 * what has been read. Only rules whose text was read stand here.
 */
#include <assert.h>
#include <ctype.h>
#include <gmime/gmime.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deadmx/pattern.h"
#include "harness/judge/ndr.h"

void ndr_find(struct deadmx_ndr *ndr, enum finding_id id,
	      enum deadmx_ndr_severity severity, const char *expected,
	      const char *observed, ...)
{
	struct deadmx_ndr_finding *f;
	va_list ap;
	int rc;

	if (ndr->finding_count >= DEADMX_NDR_FINDINGS_MAX) {
		ndr->is_truncated = true;
		return;
	}
	f = realloc(ndr->findings, (ndr->finding_count + 1) * sizeof(*f));
	assert(f);
	ndr->findings = f;
	f += ndr->finding_count++;
	f->id = finding_id(id);
	f->severity = severity;
	f->expected = strdup(expected);
	assert(f->expected);
	va_start(ap, observed);
	rc = vasprintf(&f->observed, observed, ap);
	va_end(ap);
	assert(rc >= 0);
}

static bool ndr_status_number(const char **at)
{
	const char *start = *at;
	size_t digits = 0;

	while (digits < 4 && isdigit((unsigned char)start[digits]))
		digits++;
	if (digits < 1 || digits > 3 || (digits > 1 && start[0] == '0'))
		return false;
	*at = start + digits;
	return true;
}

bool deadmx_ndr_status_valid(const char *status)
{
	const char *at = status;

	if (!*at || !strchr("245", *at++) || *at++ != '.')
		return false;
	if (!ndr_status_number(&at) || *at++ != '.')
		return false;
	return ndr_status_number(&at) && *at == '\0';
}

/* RFC 822 5.1 with the years of RFC 1123 5.2.14 and RFC 3464 2.2.5's zone. */
bool deadmx_ndr_date_valid(const char *date)
{
	static const char form[] =
		"^((Mon|Tue|Wed|Thu|Fri|Sat|Sun), *)?"
		"(0?[1-9]|[12][0-9]|3[01]) +"
		"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +"
		"[0-9]{2}([0-9]{2})? +"
		"([01][0-9]|2[0-3]):[0-5][0-9](:([0-5][0-9]|60))? +"
		"[-+][0-9]{2}[0-5][0-9] *([(].*[)])?$";

	return deadmx_pattern_is_in(form, DEADMX_PATTERN_ANY_CASE, date);
}

static void ndr_lint_date(struct deadmx_ndr *ndr, enum finding_id id,
			  const char *field, const char *date)
{
	if (date && !deadmx_ndr_date_valid(date))
		ndr_find(ndr, id, DEADMX_NDR_MUST,
			 "a date such as Tue, 01 Jan 2030 00:00:00 +0000",
			 "%s: %s", field, date);
}

static const char *ndr_who(const struct deadmx_ndr_recipient *r)
{
	return r->final_recipient      ? r->final_recipient
	       : r->original_recipient ? r->original_recipient
				       : "a recipient without an address";
}

static void ndr_lint_final_recipient(struct deadmx_ndr *ndr,
				     const struct deadmx_ndr_recipient *r)
{
	static const char expected[] = "Final-Recipient: address-type; address";

	if (!r->final_recipient)
		ndr_find(ndr, FINDING_FINAL_RECIPIENT, DEADMX_NDR_MUST,
			 expected, "no Final-Recipient for %s", ndr_who(r));
	else if (!r->final_type || !r->final_type[0] || !r->final_recipient[0])
		ndr_find(ndr, FINDING_FINAL_RECIPIENT, DEADMX_NDR_MUST,
			 expected, "\"%s\" without an address type",
			 r->final_recipient);
}

/* Nothing but blanks, or a comment whose parentheses are in pairs. */
static bool ndr_only_comment(const char *rest)
{
	int depth = 0;

	rest += strspn(rest, " \t");
	if (*rest && *rest != '(')
		return false;
	for (; *rest; rest++) {
		depth += *rest == '(' ? 1 : *rest == ')' ? -1 : 0;
		if (depth == 0 && rest[1])
			return rest[1 + strspn(rest + 1, " \t")] == '\0';
	}
	return depth == 0;
}

static void ndr_lint_action(struct deadmx_ndr *ndr,
			    const struct deadmx_ndr_recipient *r)
{
	static const char expected[] =
		"Action: failed, delayed, delivered, relayed or expanded";

	if (!r->action_text)
		ndr_find(ndr, FINDING_ACTION, DEADMX_NDR_MUST, expected,
			 "no Action for %s", ndr_who(r));
	else if (r->action == DEADMX_NDR_ACTION_NONE ||
		 !ndr_only_comment(r->action_text +
				   strcspn(r->action_text, " \t(")))
		ndr_find(ndr, FINDING_ACTION, DEADMX_NDR_MUST, expected,
			 "\"%s\" for %s", r->action_text, ndr_who(r));
}

/* Cuts the comment off; false when anything else follows the code. */
static bool ndr_status_cut(char *status)
{
	size_t len = strcspn(status, " \t(");
	const char *rest = status + len;
	bool ok;

	ok = ndr_only_comment(rest);
	status[len] = '\0';
	return ok;
}

static void ndr_lint_status(struct deadmx_ndr *ndr,
			    struct deadmx_ndr_recipient *r)
{
	static const char expected[] =
		"Status: three numbers such as 4.4.7, then at most a comment "
		"in parentheses";
	char *whole, class;
	bool ok;

	if (!r->status) {
		ndr_find(ndr, FINDING_STATUS, DEADMX_NDR_MUST, expected,
			 "no Status for %s", ndr_who(r));
		return;
	}
	whole = strdup(r->status);
	assert(whole);
	ok = ndr_status_cut(r->status) && deadmx_ndr_status_valid(r->status);
	if (!ok)
		ndr_find(ndr, FINDING_STATUS, DEADMX_NDR_MUST, expected,
			 "\"%s\" for %s", whole, ndr_who(r));
	free(whole);
	if (!ok)
		return;
	/* "failed" with class 4 is fine: RFC 3464 §2.3.4 says so. */
	class = r->status[0];
	if ((r->action == DEADMX_NDR_ACTION_FAILED && class == '2') ||
	    (r->action == DEADMX_NDR_ACTION_DELAYED && class != '4'))
		ndr_find(ndr, FINDING_STATUS_CLASS, DEADMX_NDR_SHOULD,
			 r->action == DEADMX_NDR_ACTION_FAILED
				 ? "class 4 or 5 with Action: failed"
				 : "class 4 with Action: delayed",
			 "%s for %s", r->status, ndr_who(r));
}

/* The first "451 4.7.1" of @text whose code is more than X.4.7 or X.0.0. */
static const char *ndr_better_code(const char *text)
{
	static const char form[] =
		"[45][0-5][0-9][- #]+[45][.][0-9]{1,3}[.][0-9]{1,3}";
	const char *code = NULL;
	struct deadmx_pattern *p;
	size_t start, end;

	if (deadmx_pattern_new(form, 0, NULL, &p) < 0)
		return NULL;
	for (; !code && deadmx_pattern_find(p, text, &start, &end); text += end)
		if (strncmp(text + end - 4, ".4.7", 4) != 0 &&
		    strncmp(text + end - 4, ".0.0", 4) != 0)
			code = text + start;
	deadmx_pattern_free(p);
	return code;
}

/*
 * RFC 3463 3.5: X.4.7 says that time is over, not what was wrong. A diagnostic
 * that says the same ("550 4.4.7 QUEUE.Expired") knows nothing better; then
 * the text for people may, @better.
 */
static void ndr_lint_better_status(struct deadmx_ndr *ndr,
				   const struct deadmx_ndr_recipient *r,
				   const char *better)
{
	const char *known = r->diagnostic_code;

	if (r->action != DEADMX_NDR_ACTION_FAILED || !r->status ||
	    !*r->status || strcmp(r->status + 1, ".4.7") != 0)
		return;
	if (!known || strstr(known, ".4.7"))
		known = better;
	if (known)
		ndr_find(ndr, FINDING_BETTER_STATUS, DEADMX_NDR_NOTE,
			 "the code of the problem that kept the mail back",
			 "%s for %s, though this is known: %.*s", r->status,
			 ndr_who(r), (int)strcspn(known, "\r\n"), known);
}

static void ndr_lint_optional(struct deadmx_ndr *ndr,
			      const struct deadmx_ndr_recipient *r)
{
	if (r->remote_mta &&
	    (!*r->remote_mta || !r->remote_type || !*r->remote_type))
		ndr_find(ndr, FINDING_REMOTE_MTA, DEADMX_NDR_MUST,
			 "Remote-MTA: name-type; name", "\"%s\" for %s",
			 r->remote_mta, ndr_who(r));
	if (r->diagnostic_code && (!r->diagnostic_type || !*r->diagnostic_type))
		ndr_find(ndr, FINDING_DIAGNOSTIC_CODE, DEADMX_NDR_MUST,
			 "Diagnostic-Code: type; text",
			 "\"%s\" without a type for %s", r->diagnostic_code,
			 ndr_who(r));
	ndr_lint_date(ndr, FINDING_LAST_ATTEMPT_DATE, "Last-Attempt-Date",
		      r->last_attempt);
	ndr_lint_date(ndr, FINDING_RETRY_DATE, "Will-Retry-Until",
		      r->will_retry_until);
	if (r->has_repeated_field)
		ndr_find(ndr, FINDING_FIELD_REPEATED, DEADMX_NDR_MUST,
			 "each field at most once", "one twice for %s",
			 ndr_who(r));
	/* The grammar has an order; the text nowhere says that it matters. */
	if (r->is_out_of_order)
		ndr_find(ndr, FINDING_FIELD_ORDER, DEADMX_NDR_NOTE,
			 "Original-Recipient, Final-Recipient, Action, Status, "
			 "…",
			 "another order for %s", ndr_who(r));
}

static void ndr_lint_recipient(struct deadmx_ndr *ndr,
			       struct deadmx_ndr_recipient *r,
			       const char *better)
{
	ndr_lint_final_recipient(ndr, r);
	ndr_lint_action(ndr, r);
	ndr_lint_status(ndr, r);
	ndr_lint_better_status(ndr, r, better);
	ndr_lint_optional(ndr, r);
	if (r->will_retry_until && r->action_text &&
	    r->action != DEADMX_NDR_ACTION_DELAYED)
		ndr_find(ndr, FINDING_WILL_RETRY_UNTIL, DEADMX_NDR_MUST,
			 "Will-Retry-Until only with Action: delayed",
			 "\"%s\" with Action: %s for %s", r->will_retry_until,
			 r->action_text, ndr_who(r));
}

/* What holds for every message, and for every bounce by a program. */
static void ndr_lint_header(struct deadmx_ndr *ndr)
{
	if (!ndr->from || !ndr->has_date)
		ndr_find(ndr, FINDING_MESSAGE_HEADER, DEADMX_NDR_MUST,
			 "From and Date", "no %s", ndr->from ? "Date" : "From");
	if (ndr->long_lines)
		ndr_find(ndr, FINDING_LINE_LENGTH, DEADMX_NDR_MUST,
			 "lines of at most 998 bytes in header and status",
			 "%u longer ones", ndr->long_lines);
	if (!ndr->has_message_id)
		ndr_find(ndr, FINDING_MESSAGE_ID, DEADMX_NDR_SHOULD,
			 "a Message-ID", "none");
	if (ndr->auto_submitted_count > 1)
		ndr_find(ndr, FINDING_AUTO_SUBMITTED_TWICE, DEADMX_NDR_MUST,
			 "Auto-Submitted at most once", "%u times",
			 ndr->auto_submitted_count);
	/* RFC 3834 5.2 speaks of DSNs by name, though 1.1 leaves them else to
	 * RFC 3464; auto-replied may stand there, and need not. */
	if (ndr->auto_submitted &&
	    strncasecmp(ndr->auto_submitted, "auto-generated", 14) == 0)
		ndr_find(ndr, FINDING_AUTO_SUBMITTED, DEADMX_NDR_MUST,
			 "auto-replied, or no Auto-Submitted at all",
			 "Auto-Submitted: %s", ndr->auto_submitted);
}

/* Is there an address in the header text @header to which one can write? */
static bool ndr_has_mailbox(const char *header)
{
	const char *at = strchr(header, '@');

	return at && at > header && !strchr("< \"", at[-1]) &&
	       isalnum((unsigned char)at[1]);
}

/* RFC 6522 3: text for people, then the status, then perhaps the mail. */
static void ndr_lint_parts(struct deadmx_ndr *ndr)
{
	if (!ndr->has_mime_version)
		ndr_find(ndr, FINDING_MIME_VERSION, DEADMX_NDR_MUST,
			 "MIME-Version: 1.0", "none");
	if (!ndr->has_text)
		ndr_find(ndr, FINDING_REPORT_TEXT, DEADMX_NDR_MUST,
			 "text for people as the first part", "none");
	else if (!ndr->is_status_second)
		ndr_find(ndr, FINDING_REPORT_ORDER, DEADMX_NDR_MUST,
			 "the delivery status as the second part",
			 "it is another one");
	if (ndr->report_parts > 3)
		ndr_find(ndr, FINDING_REPORT_PARTS, DEADMX_NDR_MUST,
			 "two or three parts", "%u", ndr->report_parts);
	if (ndr->from && !ndr_has_mailbox(ndr->from))
		ndr_find(ndr, FINDING_FROM, DEADMX_NDR_SHOULD,
			 "the address of whoever runs the mail system",
			 "From: %s", ndr->from);
	if (ndr->original == DEADMX_NDR_ORIGINAL_NONE)
		ndr_find(ndr, FINDING_ORIGINAL_MISSING, DEADMX_NDR_SHOULD,
			 "the original message or its headers", "neither");
	if (ndr->kind != DEADMX_NDR_KIND_FAILED &&
	    ndr->original == DEADMX_NDR_ORIGINAL_FULL)
		ndr_find(ndr, FINDING_HEADERS_ONLY, DEADMX_NDR_SHOULD,
			 "the header of the mail only: nothing has failed",
			 "the whole mail");
}

static void ndr_lint_status_part(struct deadmx_ndr *ndr)
{
	if (ndr->is_status_encoded)
		ndr_find(ndr, FINDING_STATUS_ENCODING, DEADMX_NDR_MUST, "7bit",
			 "another transfer encoding");
	if (ndr->has_8bit_status)
		ndr_find(ndr, FINDING_STATUS_UTF8, DEADMX_NDR_MUST,
			 "message/global-delivery-status for more than ASCII",
			 "message/delivery-status");
	if (ndr->is_status_unlabelled)
		ndr_find(ndr, FINDING_UNLABELLED, DEADMX_NDR_MUST,
			 "Content-Transfer-Encoding: 8bit, or an encoded part",
			 "bytes beyond ASCII in a part that is 7bit");
	if (ndr->has_bad_utf8)
		ndr_find(ndr, FINDING_BAD_UTF8, DEADMX_NDR_MUST, "UTF-8",
			 "bytes that are none");
	if (ndr->bad_folds)
		ndr_find(ndr, FINDING_FOLDING, DEADMX_NDR_MUST,
			 "folded lines only behind a field, and empty lines "
			 "without blanks",
			 "%u other lines", ndr->bad_folds);
	if (ndr->lacks_blank_line)
		ndr_find(ndr, FINDING_BLANK_LINE, DEADMX_NDR_MUST,
			 "an empty line before each recipient's fields",
			 "none before the first one's");
	if (ndr->bad_lines)
		ndr_find(ndr, FINDING_STATUS_LINES, DEADMX_NDR_MUST,
			 "fields: name, colon, value", "%u lines without colon",
			 ndr->bad_lines);
	ndr_lint_date(ndr, FINDING_ARRIVAL_DATE, "Arrival-Date",
		      ndr->arrival_date);
}

void ndr_lint(struct deadmx_ndr *ndr)
{
	const char *better;

	if (ndr->kind == DEADMX_NDR_KIND_NONE)
		return;
	ndr_lint_header(ndr);
	if (!ndr->has_status) {
		ndr_find(ndr, FINDING_NOT_A_DSN, DEADMX_NDR_MUST,
			 "multipart/report with a message/delivery-status part",
			 "%s",
			 ndr->is_report
				 ? "no delivery-status part in the report"
				 : "text for people only");
		return;
	}
	if (!ndr->is_report)
		ndr_find(ndr, FINDING_REPORT_TYPE, DEADMX_NDR_MUST,
			 "multipart/report; report-type=delivery-status",
			 "a delivery-status part in something else");
	ndr_lint_parts(ndr);
	ndr_lint_status_part(ndr);
	if (ndr->recipient_count == 0)
		ndr_find(ndr, FINDING_NO_RECIPIENT, DEADMX_NDR_MUST,
			 "one group of fields per recipient", "none");
	better = ndr_better_code(ndr->text);
	for (size_t i = 0; i < ndr->recipient_count; i++)
		ndr_lint_recipient(ndr, &ndr->recipients[i], better);
	ndr_lint_fields(ndr);
}

/* Is @address among the mailboxes of the header text @header? */
static bool ndr_header_has(const char *header, const char *address)
{
	InternetAddressList *list;
	bool found = false;
	int count;

	list = header ? internet_address_list_parse(NULL, header) : NULL;
	if (!list)
		return false;
	count = internet_address_list_length(list);
	for (int i = 0; i < count && !found; i++) {
		InternetAddress *a = internet_address_list_get_address(list, i);
		const char *text =
			INTERNET_ADDRESS_IS_MAILBOX(a)
				? internet_address_mailbox_get_addr(
					  INTERNET_ADDRESS_MAILBOX(a))
				: NULL;

		found = text && strcasecmp(text, address) == 0;
	}
	g_object_unref(list);
	return found;
}

void deadmx_ndr_lint_envelope(struct deadmx_ndr *ndr, const char *from,
			      const char *to)
{
	if (from[0])
		ndr_find(ndr, FINDING_NULL_REVERSE_PATH, DEADMX_NDR_MUST,
			 "MAIL FROM:<>", "MAIL FROM:<%s>", from);
	if (!ndr_header_has(ndr->to, to))
		ndr_find(ndr, FINDING_DSN_ADDRESS, DEADMX_NDR_MUST,
			 "a To header with the address it was sent to",
			 "To: %s, sent to %s", ndr->to ? ndr->to : "(none)",
			 to);
}
