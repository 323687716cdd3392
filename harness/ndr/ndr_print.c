/* SPDX-License-Identifier: MIT */
#include "harness/ndr/ndr_print.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "deadmx/event.h"
#include "deadmx/scenario.h"
#include "harness/judge/findings.h"
#include "harness/ndr/ndr_words.h"
#include "harness/report/text.h"

enum {
	PRINT_WIDTH = 78,
	PRINT_INDENT = 15, /* "  Whose fault: " */
};

/* "  Label:       text", broken at blanks. */
static void print_field(FILE *out, const char *label, const char *text)
{
	size_t room = PRINT_WIDTH - PRINT_INDENT;
	char *safe = NULL;
	size_t len;
	FILE *buffer = open_memstream(&safe, &len);

	assert(buffer);
	report_text_plain(buffer, text);
	fclose(buffer);
	fprintf(out, "  %-*s", PRINT_INDENT - 2, label);
	for (const char *at = safe; *at;) {
		size_t n = strlen(at);

		if (n > room) {
			n = room;
			while (n && at[n] != ' ')
				n--;
			if (!n)
				n = strcspn(at, " ");
		}
		fprintf(out, "%.*s\n", (int)n, at);
		at += n + strspn(at + n, " ");
		if (*at)
			fprintf(out, "%*s", PRINT_INDENT, "");
	}
	if (!*safe)
		fputc('\n', out);
	free(safe);
}

static void print_fieldf(FILE *out, const char *label, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void print_fieldf(FILE *out, const char *label, const char *format, ...)
{
	char *text = NULL;
	va_list ap;
	int rc;

	va_start(ap, format);
	rc = vasprintf(&text, format, ap);
	va_end(ap);
	assert(rc >= 0);
	print_field(out, label, text);
	free(text);
}

/* "5 d 2 h 20 min"; a bounce may say anything, so it is bounded. */
static const char *print_span(int64_t s, char buf[64])
{
	const int64_t max_s = (int64_t)DEADMX_DURATION_MAX_D * 86400;

	return deadmx_duration_format((s < max_s ? s : max_s) * DEADMX_NS_PER_S,
				      buf, 64);
}

/* Is there nothing any more that could still be delivered? */
static bool is_over(const struct ndr_story *story)
{
	bool over = true;

	for (size_t i = 0; i < story->case_count; i++)
		over &= story->cases[i].is_expired;
	return over;
}

static void print_kind(FILE *out, const struct ndr_story *story)
{
	switch (story->ndr->kind) {
	case DEADMX_NDR_KIND_FAILED:
		fputs("A bounce: the mail was not delivered, and will not be "
		      "tried any more.\n",
		      out);
		break;
	case DEADMX_NDR_KIND_DELAYED:
		if (is_over(story)) {
			fputs("A bounce in the form of a delay notice: it says "
			      "\"delayed\", but the time of\nthe mail is over, "
			      "and it will not be tried any more.\n",
			      out);
			break;
		}
		fputs("A delay notice: the mail is still waiting, and will be "
		      "tried again.\nNobody has to send it again now.\n",
		      out);
		break;
	case DEADMX_NDR_KIND_OTHER:
		fputs("A report of success: nothing has failed.\n", out);
		break;
	case DEADMX_NDR_KIND_NONE:
	case DEADMX_NDR_KIND_COUNT:
		break;
	}
}

static void print_message(FILE *out, const struct ndr_story *story)
{
	const struct deadmx_ndr *ndr = story->ndr;
	char buf[64];

	if (story->sender)
		print_field(out, "Sender:", story->sender);
	if (ndr->original_subject)
		print_field(out, "Subject:", ndr->original_subject);
	if (ndr->original_date)
		print_field(out, "Sent:", ndr->original_date);
	if (story->reporter)
		print_fieldf(out, "Told by:", "%s%s%s", story->reporter,
			     ndr->date ? ", " : "", ndr->date ? ndr->date : "");
	if (story->tried_s >= 0 && story->attempts >= 0)
		print_fieldf(out, "Tried:", "for %s, %" PRId64 " times",
			     print_span(story->tried_s, buf), story->attempts);
	else if (story->tried_s > 0)
		print_fieldf(out, "Tried:", "for %s",
			     print_span(story->tried_s, buf));
	else if (story->attempts >= 0)
		print_fieldf(out, "Tried:", "%" PRId64 " times",
			     story->attempts);
	if (ndr->kind == DEADMX_NDR_KIND_DELAYED && story->left_s >= 0)
		print_fieldf(out, "Goes on:", "for %s more",
			     print_span(story->left_s, buf));
	if (!ndr->has_status)
		print_field(out, "Form:",
			    "text for people only, read as far as it can be");
}

static const char *case_end(const struct ndr_case *c)
{
	switch (c->kind) {
	case DEADMX_NDR_KIND_FAILED:
		return c->is_expired ? "not delivered: time was over"
		       : c->cause == NDR_CAUSE_REPLY_NEVER
			       ? "not delivered: refused"
			       : "not delivered";
	case DEADMX_NDR_KIND_DELAYED:
		return c->is_expired
			       ? "said to be delayed, but its time is over"
			       : "not delivered yet";
	case DEADMX_NDR_KIND_OTHER:
		return "no failure";
	case DEADMX_NDR_KIND_NONE:
	case DEADMX_NDR_KIND_COUNT:
		break;
	}
	return "";
}

/* What the status means here; malloc'd, or NULL. */
static char *case_meaning(const struct ndr_case *c)
{
	char *late;

	/* Exchange's delay notices have the code of mail that has expired. */
	if (c->kind != DEADMX_NDR_KIND_DELAYED || c->is_expired || !c->status ||
	    strcmp(c->status, "4.4.7") != 0)
		return ndr_words_status(c->status);
	late = strdup("the code of mail whose time is over; in a delay notice "
		      "it says no more than that the mail is late");
	assert(late);
	return late;
}

/* A key of a timeline, for people. */
static const char *stage_text(const char *stage)
{
	static const char *const texts[][2] = {
		{"banner", "the greeting, before a word about the mail"},
		{"ehlo", "EHLO, when the two servers introduce themselves"},
		{"starttls", "STARTTLS, when encryption is agreed on"},
		{"mail", "MAIL, when the sender was named"},
		{"rcpt", "RCPT, when the recipient was named"},
		{"data", "DATA, before the mail itself was sent"},
		{"body", "the mail itself, while it was sent"},
		{"dot", "the end of the mail, when all of it was sent"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(texts[i][0], stage) == 0)
			return texts[i][1];
	return stage;
}

static void print_where(FILE *out, const struct ndr_case *c)
{
	char port[32] = "";

	if (!c->host && !c->address)
		return;
	if (c->port)
		snprintf(port, sizeof(port), ", port %u", c->port);
	if (c->host && c->address)
		print_fieldf(out, "Last tried:", "%s [%s]%s%s%s", c->host,
			     c->address, port, c->last_attempt ? ", " : "",
			     c->last_attempt ? c->last_attempt : "");
	else
		print_fieldf(out, "Last tried:", "%s%s%s%s",
			     c->host ? c->host : c->address, port,
			     c->last_attempt ? ", " : "",
			     c->last_attempt ? c->last_attempt : "");
}

static void print_case(FILE *out, const struct ndr_case *c)
{
	char *meaning = case_meaning(c);

	fputc('\n', out);
	report_text_plain(out, c->recipient ? c->recipient
					    : "(an unnamed recipient)");
	fprintf(out, ": %s\n", case_end(c));
	if (c->kind != DEADMX_NDR_KIND_OTHER)
		print_field(out, "Why:", ndr_cause_text(c->cause));
	if (c->is_behind)
		print_field(out, "",
			    "it is a frontend, and passes on what a server "
			    "behind it did");
	if (c->reply)
		print_field(out, "Said:", c->reply);
	if (c->stage)
		print_field(out, "At:", stage_text(c->stage));
	if (meaning)
		print_fieldf(out, "Code:", "%s, %s", c->status, meaning);
	print_where(out, c);
	if (c->kind != DEADMX_NDR_KIND_OTHER)
		print_fieldf(out, "Whose fault:", "%s%s",
			     c->fault == NDR_FAULT_UNKNOWN ? "" : "probably ",
			     ndr_fault_text(c->fault));
	free(meaning);
}

/* --- the letter of the RFCs -------------------------------------------- */

static const char *const print_severities[] = {"must", "should", "note"};

/* By RFC and section, and within these as they were found. */
static int print_compare(const void *a, const void *b)
{
	const struct deadmx_ndr_finding *const *x = a, *const *y = b;
	int order = strverscmp((*x)->id, (*y)->id);

	return order ? order : (*x > *y) - (*x < *y);
}

static void print_finding(FILE *out, const struct deadmx_ndr_finding *f)
{
	const char *section = strchr(f->id, '/');

	fprintf(out, "  %-6s %s: expected ", print_severities[f->severity],
		section ? section + 1 : f->id);
	report_text_plain(out, f->expected);
	fputs(", observed ", out);
	report_text_plain(out, f->observed);
	fputc('\n', out);
	print_field(out, "", finding_why(f->id));
}

static void print_findings(FILE *out, const struct deadmx_ndr *ndr)
{
	size_t count = ndr->finding_count;
	const struct deadmx_ndr_finding *rows[DEADMX_NDR_FINDINGS_MAX];
	char rfc[32] = "";

	fputc('\n', out);
	if (!count) {
		fputs("By the letter of the RFCs nothing is wrong with this "
		      "message.\n",
		      out);
		return;
	}
	fputs("By the letter of the RFCs:\n", out);
	for (size_t i = 0; i < count; i++)
		rows[i] = &ndr->findings[i];
	qsort(rows, count, sizeof(rows[0]), print_compare);
	for (size_t i = 0; i < count; i++) {
		size_t len = strcspn(rows[i]->id, "/");

		if (strncmp(rfc, rows[i]->id, len) != 0 || rfc[len]) {
			snprintf(rfc, sizeof(rfc), "%.*s", (int)len,
				 rows[i]->id);
			fprintf(out, " RFC %s\n", rfc + 3);
		}
		print_finding(out, rows[i]);
	}
}

void ndr_print(FILE *out, const struct ndr_story *story)
{
	print_kind(out, story);
	print_message(out, story);
	for (size_t i = 0; i < story->case_count; i++)
		print_case(out, &story->cases[i]);
	print_findings(out, story->ndr);
	if (story->ndr->is_truncated)
		fputs("\nThe message is too large or too deep: a part of it "
		      "was not read.\n",
		      out);
}

/* --- JSON -------------------------------------------------------------- */

static json_t *json_text(const char *text)
{
	return text ? deadmx_event_text(text, strlen(text)) : json_null();
}

static json_t *json_number(int64_t n)
{
	return n >= 0 ? json_integer(n) : json_null();
}

static json_t *json_case(const struct ndr_case *c)
{
	char *meaning = case_meaning(c);
	json_t *json = json_pack(
		"{s:o,s:s,s:b,s:o,s:o,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,"
		"s:b,s:s,s:s}",
		"recipient", json_text(c->recipient), "kind",
		deadmx_ndr_kind_word(c->kind), "expired", c->is_expired,
		"status", json_text(c->status), "meaning", json_text(meaning),
		"cause", ndr_cause_word(c->cause), "cause_text",
		ndr_cause_text(c->cause), "reply", json_text(c->reply), "code",
		json_number(c->code ? c->code : -1), "stage",
		json_text(c->stage), "host", json_text(c->host), "address",
		json_text(c->address), "port",
		json_number(c->port ? (int64_t)c->port : -1), "last_attempt",
		json_text(c->last_attempt), "behind", c->is_behind, "fault",
		ndr_fault_word(c->fault), "fault_text",
		ndr_fault_text(c->fault));

	free(meaning);
	assert(json);
	return json;
}

static json_t *json_findings(const struct deadmx_ndr *ndr)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ndr->finding_count; i++) {
		const struct deadmx_ndr_finding *f = &ndr->findings[i];

		json_array_append_new(
			list,
			json_pack("{s:s,s:s,s:o,s:o,s:s}", "id", f->id,
				  "severity", print_severities[f->severity],
				  "expected", json_text(f->expected),
				  "observed", json_text(f->observed), "why",
				  finding_why(f->id)));
	}
	return list;
}

int ndr_print_json(FILE *out, const struct ndr_story *story)
{
	const struct deadmx_ndr *ndr = story->ndr;
	json_t *recipients = json_array(), *top;
	int rc;

	for (size_t i = 0; i < story->case_count; i++)
		json_array_append_new(recipients, json_case(&story->cases[i]));
	top = json_pack(
		"{s:s,s:{s:s,s:b,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,"
		"s:o,s:b}}",
		"deadmx", DEADMX_VERSION, "ndr", "kind",
		deadmx_ndr_kind_word(ndr->kind), "dsn", ndr->has_status,
		"exchange", story->is_exchange, "reporter",
		json_text(story->reporter), "from", json_text(ndr->from),
		"date", json_text(ndr->date), "sender",
		json_text(story->sender), "subject",
		json_text(ndr->original_subject), "sent",
		json_text(ndr->original_date), "tried_seconds",
		json_number(story->tried_s), "left_seconds",
		json_number(story->left_s), "attempts",
		json_number(story->attempts), "recipients", recipients,
		"findings", json_findings(ndr), "truncated", ndr->is_truncated);
	assert(top);
	rc = json_dumpf(top, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	fputc('\n', out);
	json_decref(top);
	return rc || ferror(out) ? -EIO : 0;
}
