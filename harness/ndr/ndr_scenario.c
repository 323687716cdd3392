/* SPDX-License-Identifier: MIT */
#include "harness/ndr/ndr_scenario.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/ndr/ndr_text.h"
#include "harness/report/text.h"

enum {
	DAY_S = 86400,
	HOUR_S = 3600,
	REPAIRED_AFTER_S = 4 * HOUR_S, /* the destination, after a notice */
	TRIED_MIN_S = HOUR_S, /* less was a queue made short for a test */
	TRIED_MAX_S = 30 * DAY_S,
	REPLY_LEN_MAX = 400,
	ADDRESS_LEN_MAX = 200,
};

/* What is written, worked out first. */
struct plan {
	const struct ndr_story *story;
	const struct ndr_case *c; /* the recipient that is replayed */
	char to[ADDRESS_LEN_MAX + 1], from[ADDRESS_LEN_MAX + 1];
	const char *domain; /* in @to */
	char host[ADDRESS_LEN_MAX + 8];
	int64_t lifetime_s;
	bool to_guessed, from_guessed, host_guessed, time_guessed;
	bool is_delay;
};

static bool is_domain(const char *name)
{
	size_t len = strlen(name), label = 0;
	unsigned char bytes[16];

	if (!len || len > 120 || !strchr(name, '.') ||
	    inet_pton(AF_INET, name, bytes) == 1)
		return false;
	for (size_t i = 0; i <= len; i++) {
		bool is_end = name[i] == '.' || !name[i];

		if (!is_end && !isalnum((unsigned char)name[i]) &&
		    name[i] != '-')
			return false;
		if (is_end && (!label || name[i - 1] == '-'))
			return false;
		if (label == 0 && name[i] == '-')
			return false;
		label = is_end ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return true;
}

/* Only what needs no thought in YAML, in DNS and in SMTP. */
static bool is_plain_address(const char *address)
{
	const char *at = address ? strrchr(address, '@') : NULL;

	if (!at || at == address || strlen(address) > ADDRESS_LEN_MAX ||
	    at - address > 64 || !is_domain(at + 1))
		return false;
	for (const char *c = address; c < at; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-_+=.", *c))
			return false;
	return address[0] != '.' && at[-1] != '.' && !strstr(address, "..");
}

/* The recipient that failed; else the first one. */
static const struct ndr_case *plan_case(const struct ndr_story *story)
{
	for (size_t i = 0; i < story->case_count; i++)
		if (story->cases[i].kind == DEADMX_NDR_KIND_FAILED)
			return &story->cases[i];
	return &story->cases[0];
}

static void plan_addresses(struct plan *p)
{
	const char *from = p->story->sender;

	p->to_guessed = !is_plain_address(p->c->recipient);
	snprintf(p->to, sizeof(p->to), "%s",
		 p->to_guessed ? "bob@dest.example" : p->c->recipient);
	p->domain = strrchr(p->to, '@') + 1;
	/* The bounce has to find a way back that is not broken as well. */
	p->from_guessed = !is_plain_address(from) ||
			  strcasecmp(strrchr(from, '@') + 1, p->domain) == 0;
	snprintf(p->from, sizeof(p->from), "%s",
		 p->from_guessed ? "alice@sender.example" : from);
}

static bool plan_host_fits(const struct plan *p, const char *host)
{
	const char *from_domain = strrchr(p->from, '@') + 1;
	size_t len = strlen(from_domain), host_len = host ? strlen(host) : 0;

	return host && is_domain(host) && strcasecmp(host, from_domain) != 0 &&
	       !(host_len > len &&
		 strcasecmp(host + host_len - len, from_domain) == 0) &&
	       !(p->story->reporter &&
		 strcasecmp(host, p->story->reporter) == 0);
}

static void plan_make(struct plan *p, const struct ndr_story *story)
{
	int64_t tried = story->tried_s;

	memset(p, 0, sizeof(*p));
	p->story = story;
	p->c = plan_case(story);
	p->is_delay =
		p->c->kind == DEADMX_NDR_KIND_DELAYED && !p->c->is_expired;
	plan_addresses(p);
	p->host_guessed = !plan_host_fits(p, p->c->host);
	if (p->host_guessed)
		snprintf(p->host, sizeof(p->host), "mx.%s", p->domain);
	else
		snprintf(p->host, sizeof(p->host), "%s", p->c->host);
	p->time_guessed = tried < TRIED_MIN_S || tried > TRIED_MAX_S;
	if (p->time_guessed)
		tried = p->is_delay	     ? 4 * HOUR_S
			: story->is_exchange ? 2 * DAY_S
					     : 5 * DAY_S;
	/* To whole minutes: the bounce comes a moment after the end. */
	p->lifetime_s = tried / 60 * 60;
}

/* Does the failure come at once, without any retry? */
static bool is_at_once(const struct plan *p)
{
	return !p->is_delay && !p->c->is_expired &&
	       (p->c->cause == NDR_CAUSE_REPLY_NEVER ||
		p->c->cause == NDR_CAUSE_NO_DOMAIN ||
		p->c->cause == NDR_CAUSE_LOOP ||
		(p->c->cause == NDR_CAUSE_UNKNOWN && p->c->status &&
		 p->c->status[0] == '5'));
}

/* "2d", "26h", "90m": for the language, which people also read. */
static void put_span(FILE *out, int64_t s)
{
	if (s % DAY_S == 0)
		fprintf(out, "%" PRId64 "d", s / DAY_S);
	else if (s % HOUR_S == 0)
		fprintf(out, "%" PRId64 "h", s / HOUR_S);
	else
		fprintf(out, "%" PRId64 "m", s / 60);
}

static void put_comment(FILE *out, const char *indent, const char *text)
{
	fprintf(out, "%s# ", indent);
	report_text_plain(out, text);
	fputc('\n', out);
}

static void put_head(FILE *out, const struct plan *p, const char *origin)
{
	char *cause = NULL;
	int rc = asprintf(&cause, "Why, as far as it tells: %s.",
			  ndr_cause_text(p->c->cause));

	assert(rc >= 0);
	fputs("# Replays the failure that a bounce tells of: ", out);
	report_text_plain(out, origin);
	fputs("\n", out);
	put_comment(out, "", cause);
	if (p->c->reply) {
		fputs("# It says: ", out);
		report_text_plain(out, p->c->reply);
		fputc('\n', out);
	}
	fputs("# Made by \"deadmx ndr --scenario\". Run it with\n"
	      "#     deadmx run --target model FILE\n"
	      "# What was guessed is marked so.\n",
	      out);
	free(cause);
}

/*
 * How long mail is kept, so that a delay notice is none of a bounce; 0: as the
 * model's profile has it. Judged is by the profile rfc, unless it is said.
 */
static int64_t delay_lifetime_s(const struct plan *p)
{
	int64_t usual_s = p->story->is_exchange ? 2 * DAY_S : 5 * DAY_S;
	int64_t left_s = p->story->left_s;

	if (left_s > REPAIRED_AFTER_S && left_s < TRIED_MAX_S)
		return (p->lifetime_s + left_s) / 60 * 60;
	if (p->lifetime_s + 2 * REPAIRED_AFTER_S > usual_s)
		return p->lifetime_s + 2 * DAY_S;
	return p->story->is_exchange ? usual_s : 0;
}

static void put_settings(FILE *out, const struct plan *p)
{
	int64_t kept_s = p->is_delay ? delay_lifetime_s(p) : 0;

	if (is_at_once(p) && !p->story->is_exchange)
		return;
	fputs("settings:\n", out);
	if (p->story->is_exchange)
		fputs("  profile: exchange   # of the target model; others "
		      "don't have it\n",
		      out);
	if (is_at_once(p))
		return;
	if (kept_s) {
		fputs("  lifetime: ", out);
		put_span(out, kept_s);
		fputc('\n', out);
	}
	if (p->is_delay)
		fputs("  delay_warning: ", out);
	else
		fputs("  lifetime: ", out);
	put_span(out, p->lifetime_s);
	if (p->time_guessed && p->story->tried_s >= 0 &&
	    p->story->tried_s < TRIED_MIN_S)
		fprintf(out,
			"   # guessed: the bounce came after %" PRId64
			" s, as in a test",
			p->story->tried_s);
	else if (p->time_guessed)
		fputs("   # guessed: the bounce doesn't say for how long", out);
	else
		fputs("   # as long as in the bounce", out);
	fputc('\n', out);
}

/* The bounce's reply as the language takes it: one line, a code that fits. */
static void put_reply(FILE *out, const struct plan *p, int code_else,
		      const char *text_else)
{
	const char *said = p->c->reply ? p->c->reply : "", *text;
	int code, class;
	char line[REPLY_LEN_MAX + 1];
	size_t n = 0;

	text = ndr_text_reply(said, &code);
	class = code_else / 100;
	if (!text || code / 100 != class) {
		fprintf(out, "%d %s   # guessed: no such reply in the bounce",
			code_else, text_else);
		return;
	}
	text += 4 + strspn(text + 4, " ");
	/* A code of success is no part of a reply that says no. */
	while (isdigit((unsigned char)text[0]) && text[1] == '.' &&
	       text[0] != '4' && text[0] != '5') {
		text += strcspn(text, " ");
		text += strspn(text, " ");
	}
	for (; *text && n < REPLY_LEN_MAX; text++)
		line[n++] =
			*text >= ' ' && *text <= '~' && !strchr("{}$", *text)
				? *text
				: '?';
	line[n] = '\0';
	fprintf(out, "\"%d ", code);
	report_text_quoted(out, n ? line : "no text");
	fputc('"', out);
}

static const char *stage_or(const struct plan *p, const char *stage)
{
	return p->c->stage ? p->c->stage : stage;
}

/* "# guessed" behind a stage of which the bounce is silent. */
static void put_stage_guess(FILE *out, const struct plan *p)
{
	if (!p->c->stage)
		fputs("          # guessed: at which step it was, the bounce "
		      "doesn't say\n",
		      out);
}

/* What a server does; "        - " stands already. */
static void put_fault(FILE *out, const struct plan *p)
{
	switch (p->c->cause) {
	case NDR_CAUSE_REFUSED:
		fputs("connect: refuse\n", out);
		return;
	case NDR_CAUSE_NO_ANSWER:
		fputs("connect: blackhole\n", out);
		return;
	case NDR_CAUSE_TIMEOUT:
		fprintf(out, "%s: stall\n", stage_or(p, "banner"));
		put_stage_guess(out, p);
		return;
	case NDR_CAUSE_DROPPED:
		fprintf(out, "%s: drop\n", stage_or(p, "banner"));
		put_stage_guess(out, p);
		return;
	case NDR_CAUSE_TLS:
		/* The model asks for no TLS: refuse where others refuse it. */
		fputs("mail: ", out);
		put_reply(out, p, 454, "4.7.0 TLS not available");
		fputs("\n          # guessed: refused at MAIL, so that it "
		      "happens without TLS, too\n",
		      out);
		return;
	case NDR_CAUSE_LOOP:
		fprintf(out, "%s: ", stage_or(p, "dot"));
		put_reply(out, p, 554, "5.4.6 Too many hops");
		fputc('\n', out);
		return;
	case NDR_CAUSE_REPLY_LATER:
		fprintf(out, "%s: ", stage_or(p, "rcpt"));
		put_reply(out, p, 451, "4.3.0 Try again later");
		fputc('\n', out);
		put_stage_guess(out, p);
		return;
	case NDR_CAUSE_REPLY_NEVER:
		fprintf(out, "%s: ", stage_or(p, "rcpt"));
		put_reply(out, p, 550, "5.0.0 Refused");
		fputc('\n', out);
		put_stage_guess(out, p);
		return;
	case NDR_CAUSE_UNKNOWN:
	case NDR_CAUSE_DNS_FAILED:
	case NDR_CAUSE_NO_DOMAIN:
	case NDR_CAUSE_COUNT:
		break;
	}
	if (is_at_once(p))
		fprintf(out,
			"rcpt: 550 %s Refused   # guessed: the bounce gives no "
			"reason\n",
			p->c->status && p->c->status[0] == '5' ? p->c->status
							       : "5.0.0");
	else
		fputs("connect: refuse   # guessed: the bounce gives no "
		      "reason\n",
		      out);
}

static void put_server(FILE *out, const struct plan *p)
{
	fprintf(out, "  servers:\n    %s:%s\n      mx_for: %s\n", p->host,
		p->host_guessed ? "   # guessed: the bounce names no server"
				: "",
		p->domain);
	fputs("      timeline:\n        - ", out);
	if (p->is_delay) {
		fputs("until: ", out);
		put_span(out, p->lifetime_s + REPAIRED_AFTER_S);
		fputs("   # guessed: then it is repaired\n          ", out);
	}
	put_fault(out, p);
}

static void put_world(FILE *out, const struct plan *p)
{
	bool is_dns = p->c->cause == NDR_CAUSE_DNS_FAILED ||
		      p->c->cause == NDR_CAUSE_NO_DOMAIN;

	fputs("world:\n  until: ", out);
	put_span(out, is_at_once(p) ? DAY_S : p->lifetime_s + DAY_S);
	fputc('\n', out);
	if (!is_dns) {
		put_server(out, p);
		return;
	}
	fprintf(out, "  names:\n    %s:\n      timeline:\n        - ",
		p->domain);
	if (p->is_delay) {
		fputs("until: ", out);
		put_span(out, p->lifetime_s + REPAIRED_AFTER_S);
		fputs("   # guessed: then it is repaired\n          ", out);
	}
	fprintf(out, "answer: %s\n",
		p->c->cause == NDR_CAUSE_DNS_FAILED ? "servfail" : "nxdomain");
	/* Somebody has to be there when DNS works again. */
	if (p->is_delay)
		fprintf(out, "  servers:\n    %s:\n      mx_for: %s\n", p->host,
			p->domain);
}

static void put_expect(FILE *out, const struct plan *p)
{
	fputs("expect:\n", out);
	if (p->is_delay) {
		fputs("  delay_notice: yes\n  ndr: none\n  delivered: yes\n",
		      out);
		return;
	}
	fprintf(out, "  ndr: {recipient: %s, action: failed%s}\n", p->to,
		is_at_once(p) ? ", status: '/^5[.]/'" : "");
	fputs("  delivered: none\n", out);
}

void ndr_scenario_print(FILE *out, const struct ndr_story *story,
			const char *origin)
{
	struct plan p;

	plan_make(&p, story);
	put_head(out, &p, origin);
	fprintf(out, "description: >-\n  What a bounce told of: %s.\n",
		ndr_cause_text(p.c->cause));
	put_settings(out, &p);
	put_world(out, &p);
	fprintf(out, "mail:\n  from: %s%s\n  to: %s%s\n", p.from,
		p.from_guessed ? "   # guessed" : "", p.to,
		p.to_guessed ? "   # guessed" : "");
	put_expect(out, &p);
}
