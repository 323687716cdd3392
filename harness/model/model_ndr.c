/* SPDX-License-Identifier: MIT */
/* What the model MTA tells a sender: see model_ndr.h. */
#include "harness/model/model_ndr.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "deadmx/scenario.h"
#include "deadmx/utf8.h"

#define BOUNDARY "=_deadmx-model"
#define DAY_MS	 ((int64_t)24 * 3600 * 1000)

/* All that the parts of one report are made of. */
struct report {
	const struct model_config *config;
	const struct model_message *m;
	const char *to; /* whom it goes to */
	const bool *names;
	enum model_report kind;
	const char *data;
	size_t len;
	bool is_utf8; /* some address has more than ASCII */
	FILE *out;
};

static bool is(const struct report *r, enum model_mutant mutant)
{
	return model_is(r->config, mutant);
}

static bool is_exchange(const struct report *r)
{
	return r->config->profile == MODEL_PROFILE_EXCHANGE;
}

const char *model_ndr_date(int64_t unix_ms, char buf[64])
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed",
					   "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr",
					     "May", "Jun", "Jul", "Aug",
					     "Sep", "Oct", "Nov", "Dec"};
	time_t s = (time_t)(unix_ms / 1000);
	struct tm t;

	gmtime_r(&s, &t);
	snprintf(buf, 64, "%s, %02d %s %d %02d:%02d:%02d +0000",
		 days[t.tm_wday], t.tm_mday, months[t.tm_mon], t.tm_year + 1900,
		 t.tm_hour, t.tm_min, t.tm_sec);
	return buf;
}

static const char *date(const struct report *r, int64_t unix_ms, char buf[64])
{
	model_ndr_date(unix_ms, buf);
	if (is(r, MODEL_MUTANT_DATE_ZONE))
		memcpy(buf + strlen(buf) - 5, "GMT", 4);
	return buf;
}

/* "2 d 0 h", or "about 2 days" in the words of Exchange's readers. */
static const char *span(int64_t ms, char buf[64])
{
	return deadmx_duration_format(ms / 1000 * DEADMX_NS_PER_S, buf, 64);
}

/* Has this recipient failed because its time was over? */
static bool is_expired(const struct model_recipient *r)
{
	return r->state == MODEL_STATE_PENDING;
}

/* Header. */

static const char *subject(const struct report *r)
{
	switch (r->kind) {
	case MODEL_REPORT_FAILED:
		return is_exchange(r) ? "Undeliverable: your message"
				      : "Undelivered mail returned to sender";
	case MODEL_REPORT_DELAYED:
		return is_exchange(r) ? "Delivery delayed: your message"
				      : "Mail delivery is delayed";
	case MODEL_REPORT_RELAYED:
		return "Your mail was relayed";
	}
	return "";
}

static void put_header(const struct report *r)
{
	const char *host = r->config->hostname;
	int64_t now = model_now_ms();
	char when[64];

	fprintf(r->out,
		"Date: %s\r\nFrom: MAILER-DAEMON@%s (Mail Delivery System)\r\n"
		"To: %s\r\nSubject: %s\r\nMessage-ID: <%s.%d.%lld@%s>\r\n",
		date(r, now, when), host,
		is(r, MODEL_MUTANT_TO_HEADER) ? "somebody@else.example" : r->to,
		subject(r), r->m->id, r->kind, (long long)now, host);
	if (is(r, MODEL_MUTANT_AUTO_SUBMITTED))
		fputs("Auto-Submitted: auto-generated\r\n", r->out);
	else
		fputs("Auto-Submitted: auto-replied\r\n", r->out);
	fputs("MIME-Version: 1.0\r\n", r->out);
	if (is(r, MODEL_MUTANT_MIXED))
		fputs("Content-Type: multipart/mixed; boundary=\"" BOUNDARY
		      "\"\r\n\r\n",
		      r->out);
	else
		fputs("Content-Type: multipart/report; "
		      "report-type=delivery-status;\r\n\tboundary=\"" BOUNDARY
		      "\"\r\n\r\n",
		      r->out);
}

/* The part for people. */

/* @to in small letters; to its next call. */
static const char *small(const char *to)
{
	static char buf[512];
	size_t len = 0;

	for (; to[len] && len < sizeof(buf) - 1; len++)
		buf[len] = (char)tolower((unsigned char)to[len]);
	buf[len] = '\0';
	return buf;
}

static const char *recipient_name(const struct report *r, size_t i)
{
	return is(r, MODEL_MUTANT_RECIPIENT_WRONG) ? "nobody@dest.example"
						   : r->m->recipients[i].to;
}

static bool tells_diagnostic(const struct report *r,
			     const struct model_recipient *rcpt)
{
	return rcpt->diagnostic && !is(r, MODEL_MUTANT_DIAGNOSTIC_LOST);
}

/* A server may say anything; RFC 3464 2.3.6 and 6533 4.1 have ASCII here. */
static void put_ascii(const struct report *r, const char *text)
{
	for (; *text; text++)
		fputc((unsigned char)*text < 0x80 ? *text : '?', r->out);
}

static void put_text_rfc(const struct report *r)
{
	char buf[64];

	fprintf(r->out, "This is the mail system at %s.\r\n\r\n",
		r->config->hostname);
	if (r->kind == MODEL_REPORT_DELAYED)
		fprintf(r->out,
			"Your message has not been delivered yet. It is "
			"tried for %s\r\nin all; you need not send it "
			"again.\r\n\r\n",
			span(r->config->lifetime_ms, buf));
	else if (r->kind == MODEL_REPORT_RELAYED)
		fputs("Your message was handed to a server that sends no "
		      "reports.\r\n\r\n",
		      r->out);
	else
		fputs("Your message could not be delivered. It will not be "
		      "tried any more.\r\n\r\n",
		      r->out);
	for (size_t i = 0; i < r->m->recipient_count; i++) {
		const struct model_recipient *rcpt = &r->m->recipients[i];

		if (!r->names[i])
			continue;
		fprintf(r->out, "<%s>:", recipient_name(r, i));
		if (r->kind == MODEL_REPORT_FAILED && is_expired(rcpt))
			fprintf(r->out, " tried for %s, %u times;",
				span(model_now_ms() - r->m->arrival_ms, buf),
				r->m->attempts);
		fputc(' ', r->out);
		put_ascii(r, tells_diagnostic(r, rcpt) ? rcpt->diagnostic
						       : "no reason is known");
		fputs("\r\n", r->out);
	}
}

static void put_text_exchange_recipient(const struct report *r, size_t i)
{
	const struct model_recipient *rcpt = &r->m->recipients[i];
	char buf[64];

	fprintf(r->out, "%s\r\n", recipient_name(r, i));
	if (r->kind == MODEL_REPORT_DELAYED) {
		fputs("#400 4.4.7 Message delayed ##\r\n", r->out);
	} else if (is_expired(rcpt)) {
		fputs("#550 4.4.7 QUEUE.Expired; message expired ##\r\n",
		      r->out);
	} else {
		fputc('#', r->out);
		put_ascii(r, tells_diagnostic(r, rcpt) ? rcpt->diagnostic
						       : "550 5.0.0 failed");
		fputs(" ##\r\n", r->out);
	}
	if (tells_diagnostic(r, rcpt)) {
		fputs("Last error: ", r->out);
		put_ascii(r, rcpt->diagnostic);
		fputs("\r\n", r->out);
	}
	if (rcpt->address)
		fprintf(r->out, "The last endpoint attempted was %s\r\n",
			rcpt->address);
	fprintf(r->out, "Attempts: %u, for %s\r\n\r\n", r->m->attempts,
		span(model_now_ms() - r->m->arrival_ms, buf));
}

static void put_text_exchange(const struct report *r)
{
	const char *head =
		r->kind == MODEL_REPORT_DELAYED
			? "Delivery is delayed to these recipients or groups:"
			: "Delivery has failed to these recipients or groups:";

	fprintf(r->out, "%s\r\n\r\n", head);
	for (size_t i = 0; i < r->m->recipient_count; i++)
		if (r->names[i])
			fprintf(r->out, "%s\r\n", recipient_name(r, i));
	if (r->kind == MODEL_REPORT_FAILED)
		fputs("The server has tried to deliver this message, without "
		      "success, and has stopped\r\ntrying. Please try sending "
		      "this message again. If the problem continues, "
		      "contact\r\nyour helpdesk.\r\n",
		      r->out);
	else
		fputs("This message hasn't been delivered yet. Delivery will "
		      "continue to be attempted.\r\n",
		      r->out);
	fprintf(r->out,
		"\r\nDiagnostic information for administrators:\r\n\r\n"
		"Generating server: %s\r\n\r\n",
		r->config->hostname);
	for (size_t i = 0; i < r->m->recipient_count; i++)
		if (r->names[i])
			put_text_exchange_recipient(r, i);
	fputs("(Made by the model MTA of deadmx, in the words of Exchange.)"
	      "\r\n",
	      r->out);
}

static void put_text(const struct report *r)
{
	if (is(r, MODEL_MUTANT_NO_TEXT))
		return;
	fprintf(r->out,
		"--" BOUNDARY "\r\nContent-Type: text/plain; charset=%s\r\n"
		"Content-Transfer-Encoding: 8bit\r\n\r\n",
		r->is_utf8 ? "utf-8" : "us-ascii");
	if (is_exchange(r) && r->kind != MODEL_REPORT_RELAYED)
		put_text_exchange(r);
	else
		put_text_rfc(r);
	fputs("\r\n", r->out);
}

/* The part for programs. */

/* xtext (RFC 3461 4) decoded: "bob+2Bx" is bob+x. */
static void put_xtext(const struct report *r, const char *text)
{
	unsigned byte;

	for (; *text; text++) {
		if (*text == '+' && text[1] && text[2] &&
		    sscanf(text + 1, "%2X", &byte) == 1 && byte >= ' ' &&
		    byte != 0x7f) {
			fputc((int)byte, r->out);
			text += 2;
		} else {
			fputc(*text, r->out);
		}
	}
}

static int64_t late_ms(const struct report *r)
{
	return is(r, MODEL_MUTANT_DATE_WRONG) ? DAY_MS : 0;
}

static void put_per_message(const struct report *r)
{
	char when[64];

	if (!is(r, MODEL_MUTANT_REPORTING_MTA))
		fprintf(r->out, "Reporting-MTA: dns; %s\r\n",
			is(r, MODEL_MUTANT_REPORTING_MTA_WRONG)
				? "localhost.localdomain"
				: r->config->hostname);
	if (r->m->envid && !is(r, MODEL_MUTANT_ENVID_DROPPED)) {
		fputs("Original-Envelope-Id: ", r->out);
		put_xtext(r, r->m->envid);
		fputs("\r\n", r->out);
	}
	if (!r->m->envid && is(r, MODEL_MUTANT_ENVID_INVENTED))
		fprintf(r->out, "Original-Envelope-Id: %s\r\n", r->m->id);
	fprintf(r->out, "Arrival-Date: %s\r\n",
		date(r, r->m->arrival_ms + late_ms(r), when));
	if (r->m->by_mode) /* RFC 2852 5 */
		fprintf(r->out, "Deliver-By-Date: %s\r\n",
			date(r, r->m->by_ms, when));
	if (is_exchange(r))
		fputs("X-Generated-By: deadmx model, profile exchange\r\n",
		      r->out);
}

static const char *action(const struct report *r)
{
	if (r->kind == MODEL_REPORT_RELAYED)
		return "relayed";
	if (r->kind == MODEL_REPORT_DELAYED || is(r, MODEL_MUTANT_SAYS_DELAYED))
		return "delayed";
	return is(r, MODEL_MUTANT_ACTION_WORD) ? "expired" : "failed";
}

/*
 * Was it kept for want of security, by our own judgement? Of mail that expires
 * the sender then has to hear that, not that time has passed.
 */
static bool is_insecure(const struct report *r,
			const struct model_recipient *rcpt)
{
	return !is_exchange(r) && !rcpt->is_reply && rcpt->status &&
	       strncmp(rcpt->status, "4.7.", 4) == 0;
}

/* RFC 2852 4.1.3: it was the sender who gave it no more time. */
static const char *status_by(const struct report *r)
{
	if (!r->m->by_mode || model_now_ms() < r->m->by_ms ||
	    is(r, MODEL_MUTANT_DELIVERBY_STATUS))
		return NULL;
	if (r->kind == MODEL_REPORT_FAILED && r->m->by_mode == 'R')
		return "5.4.7";
	return r->kind == MODEL_REPORT_DELAYED && r->m->by_mode == 'N' ? "4.4.7"
								       : NULL;
}

static const char *status(const struct report *r,
			  const struct model_recipient *rcpt)
{
	bool is_failed = r->kind == MODEL_REPORT_FAILED;

	if (r->kind == MODEL_REPORT_RELAYED)
		return "2.0.0";
	if (is_failed && is(r, MODEL_MUTANT_STATUS_CLASS))
		return "2.4.7";
	if (is_failed && is(r, MODEL_MUTANT_STATUS_SYNTAX))
		return "4.04.7";
	if (is_failed && is(r, MODEL_MUTANT_STATUS_WRONG))
		return "4.2.2";
	if ((!is_failed || is_expired(rcpt)) && status_by(r))
		return status_by(r);
	if (is_failed && is_expired(rcpt) && !is_insecure(r, rcpt))
		return "4.4.7";
	if (!is_failed && is_exchange(r))
		return "4.4.7";
	return rcpt->status ? rcpt->status : is_failed ? "5.0.0" : "4.0.0";
}

/* "rfc822;bob+2Bx@…", decoded as RFC 3464 2.3.1 wants it. */
static void put_original(const struct report *r,
			 const struct model_recipient *rcpt)
{
	const char *semicolon = rcpt->orcpt ? strchr(rcpt->orcpt, ';') : NULL;
	if (!semicolon && is(r, MODEL_MUTANT_ORCPT_INVENTED))
		fprintf(r->out, "Original-Recipient: rfc822; %s\r\n", rcpt->to);
	if (!semicolon || is(r, MODEL_MUTANT_ORCPT_DROPPED))
		return;
	fprintf(r->out, "Original-Recipient: %.*s; ",
		(int)(semicolon - rcpt->orcpt), rcpt->orcpt);
	put_xtext(r, semicolon + 1);
	fputs("\r\n", r->out);
}

static void put_diagnostic(const struct report *r,
			   const struct model_recipient *rcpt)
{
	bool is_ended = r->kind == MODEL_REPORT_FAILED && is_expired(rcpt);
	bool is_delay = r->kind == MODEL_REPORT_DELAYED;

	if (is_exchange(r) && (is_ended || is_delay)) {
		fprintf(r->out, "Diagnostic-Code: smtp; %s\r\n",
			is_ended ? "550 4.4.7 QUEUE.Expired; message expired"
				 : "400 4.4.7 Message delayed");
		return;
	}
	if (!tells_diagnostic(r, rcpt))
		return;
	fprintf(r->out, "Diagnostic-Code: %s; ",
		rcpt->is_reply ? "smtp" : "X-deadmx-model");
	put_ascii(r, is(r, MODEL_MUTANT_DIAGNOSTIC_FORM) ? "the server said no"
							 : rcpt->diagnostic);
	fputs("\r\n", r->out);
}

static void put_per_recipient(const struct report *r, size_t i)
{
	const struct model_recipient *rcpt = &r->m->recipients[i];
	const char *to = recipient_name(r, i);
	char when[64];

	if (is(r, MODEL_MUTANT_RECIPIENT_CASE))
		to = small(to);
	fputs("\r\n", r->out);
	put_original(r, rcpt);
	if (is(r, MODEL_MUTANT_RECIPIENT_TYPE))
		fprintf(r->out, "Final-Recipient: %s\r\n", to);
	else
		fprintf(r->out, "Final-Recipient: %s; %s\r\n",
			deadmx_utf8_is_ascii(to) ? "rfc822" : "utf-8", to);
	fprintf(r->out, "Action: %s\r\n", action(r));
	if (!is(r, MODEL_MUTANT_STATUS_MISSING))
		fprintf(r->out, "Status: %s\r\n", status(r, rcpt));
	if (is(r, MODEL_MUTANT_REMOTE_INVENTED))
		fputs("Remote-MTA: dns; mx.dest.example\r\n", r->out);
	else if (rcpt->remote && !is(r, MODEL_MUTANT_REMOTE_MISSING))
		fprintf(r->out, "Remote-MTA: dns; %s\r\n", rcpt->remote);
	put_diagnostic(r, rcpt);
	if (rcpt->last_ms)
		fprintf(r->out, "Last-Attempt-Date: %s\r\n",
			date(r, rcpt->last_ms + late_ms(r), when));
	if (r->kind == MODEL_REPORT_DELAYED || is(r, MODEL_MUTANT_RETRY_UNTIL))
		fprintf(r->out, "Will-Retry-Until: %s\r\n",
			date(r,
			     r->m->arrival_ms + r->config->lifetime_ms +
				     (is(r, MODEL_MUTANT_RETRY_UNTIL_WRONG)
					      ? DAY_MS
					      : 0),
			     when));
}

static void put_status(const struct report *r)
{
	int times = is(r, MODEL_MUTANT_RECIPIENT_TWICE) ? 2 : 1;

	if (is(r, MODEL_MUTANT_NO_STATUS_PART))
		return;
	fprintf(r->out, "--" BOUNDARY "\r\nContent-Type: message/%s\r\n%s\r\n",
		r->is_utf8 ? "global-delivery-status" : "delivery-status",
		r->is_utf8 ? "Content-Transfer-Encoding: 8bit\r\n" : "");
	put_per_message(r);
	for (size_t i = 0; i < r->m->recipient_count; i++)
		for (int k = 0; r->names[i] && k < times; k++)
			put_per_recipient(r, i);
	fputs("\r\n", r->out);
}

/* The original. */

static size_t header_length(const char *data, size_t len)
{
	const char *end = memmem(data, len, "\r\n\r\n", 4);

	return end ? (size_t)(end - data) + 2 : len;
}

/* RFC 3461 4.3: RET is about failures only; other reports return headers. */
static bool returns_all(const struct report *r)
{
	if (is(r, MODEL_MUTANT_RET_IGNORED) || is(r, MODEL_MUTANT_DELAY_FULL))
		return true;
	if (r->kind != MODEL_REPORT_FAILED || r->len > MODEL_RETURN_BYTES_MAX)
		return false;
	return !r->m->ret || strcasecmp(r->m->ret, "FULL") == 0;
}

static void put_original_message(const struct report *r)
{
	bool all = returns_all(r);
	size_t len = all ? r->len : header_length(r->data, r->len);
	bool is_8bit = false;

	if (is(r, MODEL_MUTANT_ORIGINAL_MISSING))
		return;
	for (size_t i = 0; i < len; i++)
		is_8bit |= (unsigned char)r->data[i] >= 0x80;
	fprintf(r->out, "--" BOUNDARY "\r\nContent-Type: %s\r\n%s\r\n",
		r->is_utf8 ? (all ? "message/global" : "message/global-headers")
		: all	   ? "message/rfc822"
			   : "text/rfc822-headers",
		is_8bit ? "Content-Transfer-Encoding: 8bit\r\n" : "");
	fwrite(r->data, 1, len, r->out);
	fputs("\r\n", r->out);
}

char *model_ndr_make(const struct model_config *config,
		     const struct model_message *m, const char *to,
		     const bool *names, enum model_report report,
		     const char *data, size_t len, size_t *ret_len)
{
	char *text = NULL;
	struct report r = {.config = config,
			   .m = m,
			   .to = to,
			   .names = names,
			   .kind = report,
			   .data = data,
			   .len = len,
			   .out = open_memstream(&text, ret_len)};

	assert(r.out);
	r.is_utf8 = !deadmx_utf8_is_ascii(m->from);
	for (size_t i = 0; i < m->recipient_count; i++)
		r.is_utf8 |=
			names[i] && !deadmx_utf8_is_ascii(m->recipients[i].to);
	put_header(&r);
	put_text(&r);
	put_status(&r);
	put_original_message(&r);
	fputs("--" BOUNDARY "--\r\n", r.out);
	fclose(r.out);
	return text;
}
