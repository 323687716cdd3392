/* SPDX-License-Identifier: MIT */
#include "harness/ndr/ndr_story.h"

#include <assert.h>
#include <ctype.h>
#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>

#include "harness/ndr/ndr_text.h"

/* clang-format off */
const char *ndr_cause_word(enum ndr_cause cause)
{
	static const char *const words[] = {
#define XX(uc, word, doc) [NDR_CAUSE_##uc] = word,
		NDR_CAUSE_MAP(XX)
#undef XX
	};

	return words[cause];
}

const char *ndr_cause_text(enum ndr_cause cause)
{
	static const char *const texts[] = {
#define XX(uc, word, doc) [NDR_CAUSE_##uc] = doc,
		NDR_CAUSE_MAP(XX)
#undef XX
	};

	return texts[cause];
}

const char *ndr_fault_word(enum ndr_fault fault)
{
	static const char *const words[] = {
#define XX(uc, word, doc) [NDR_FAULT_##uc] = word,
		NDR_FAULT_MAP(XX)
#undef XX
	};

	return words[fault];
}

const char *ndr_fault_text(enum ndr_fault fault)
{
	static const char *const texts[] = {
#define XX(uc, word, doc) [NDR_FAULT_##uc] = doc,
		NDR_FAULT_MAP(XX)
#undef XX
	};

	return texts[fault];
}
/* clang-format on */

/* A form of words, and what it tells. */
struct story_word {
	const char *text;
	int means;
};

/* The first row of @words whose text stands in @text; -1 when none does. */
static int story_find(const struct story_word *words, size_t count,
		      const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (strcasestr(text, words[i].text))
			return words[i].means;
	return -1;
}

#define STORY_FIND(words, text)                                                \
	story_find(words, sizeof(words) / sizeof((words)[0]), text)

/*
 * Words of MTAs for what went wrong. The first that fits counts: the more
 * special ones stand before the more general ones.
 */
static const struct story_word story_causes[] = {
	{"10061", NDR_CAUSE_REFUSED}, /* Winsock's numbers, by Exchange */
	{"connection refused", NDR_CAUSE_REFUSED},
	{"10060", NDR_CAUSE_NO_ANSWER},
	{"10054", NDR_CAUSE_DROPPED},
	{"dns query failed. the error was: smtpsend.dns.nonexistentdomain",
	 NDR_CAUSE_NO_DOMAIN},
	{"nonexistentdomain", NDR_CAUSE_NO_DOMAIN},
	{"domain does not exist", NDR_CAUSE_NO_DOMAIN},
	{"does not accept mail (nullmx)", NDR_CAUSE_NO_DOMAIN},
	{"couldn't find any host", NDR_CAUSE_NO_DOMAIN},
	{"host not found, try again", NDR_CAUSE_DNS_FAILED},
	{"host or domain name not found. name service error",
	 NDR_CAUSE_NO_DOMAIN},
	{"host or domain name not found", NDR_CAUSE_NO_DOMAIN},
	{"host unknown", NDR_CAUSE_NO_DOMAIN},
	{"dns query failed", NDR_CAUSE_DNS_FAILED},
	{"name server: ", NDR_CAUSE_DNS_FAILED},
	{"name server can't answer", NDR_CAUSE_DNS_FAILED}, /* the model's */
	{"no answer from the name server", NDR_CAUSE_DNS_FAILED},
	{"no such domain: ", NDR_CAUSE_NO_DOMAIN},
	{"accepts no mail (null mx)", NDR_CAUSE_NO_DOMAIN},
	{"lost the connection", NDR_CAUSE_DROPPED},
	{"host lookup did not complete", NDR_CAUSE_DNS_FAILED},
	{"cname_lookup_failed", NDR_CAUSE_DNS_FAILED},
	{"too many hops", NDR_CAUSE_LOOP},
	{"loops back to myself", NDR_CAUSE_LOOP},
	{"hop count exceeded", NDR_CAUSE_LOOP},
	{"tls handshake", NDR_CAUSE_TLS},
	{"tls is required", NDR_CAUSE_TLS},
	{"starttls is required", NDR_CAUSE_TLS},
	{"certificate", NDR_CAUSE_TLS},
	{"lost connection with", NDR_CAUSE_DROPPED},
	{"connection dropped", NDR_CAUSE_DROPPED},
	{"connection died", NDR_CAUSE_DROPPED},
	{"connection reset", NDR_CAUSE_DROPPED},
	{"connection closed", NDR_CAUSE_DROPPED},
	{"read error from", NDR_CAUSE_DROPPED},
	{"greeting failed", NDR_CAUSE_DROPPED},
	{"network error on destination mxs", NDR_CAUSE_NO_ANSWER},
	{"did not accept our requests to connect", NDR_CAUSE_NO_ANSWER},
	{"connect to", NDR_CAUSE_NO_ANSWER},
	{"can't connect", NDR_CAUSE_NO_ANSWER},
	{"unable to connect", NDR_CAUSE_NO_ANSWER},
	{"failed to connect", NDR_CAUSE_NO_ANSWER},
	{"connect failed", NDR_CAUSE_NO_ANSWER},
	{"cannot connect", NDR_CAUSE_NO_ANSWER},
	{"establish an smtp connection", NDR_CAUSE_NO_ANSWER},
	{"no route to host", NDR_CAUSE_NO_ANSWER},
	{"is unreachable", NDR_CAUSE_NO_ANSWER},
	{"tried all mxs", NDR_CAUSE_NO_ANSWER},
	{"timed out while", NDR_CAUSE_TIMEOUT},
	{"timeout while", NDR_CAUSE_TIMEOUT},
	{"connection timed out with", NDR_CAUSE_NO_ANSWER},
	{"retry timeout exceeded", NDR_CAUSE_UNKNOWN}, /* Exim's expiry */
	{"timed out", NDR_CAUSE_TIMEOUT},
	{"timeout", NDR_CAUSE_TIMEOUT},
};

enum story_stage {
	STAGE_BANNER,
	STAGE_EHLO,
	STAGE_STARTTLS,
	STAGE_MAIL,
	STAGE_RCPT,
	STAGE_DATA,
	STAGE_BODY,
	STAGE_DOT,
	STAGE_COUNT,
};

/* As the language calls them (docs/scenarios.md). */
static const char *const story_stage_words[STAGE_COUNT] = {
	"banner", "ehlo", "starttls", "mail", "rcpt", "data", "body", "dot",
};

/* "In reply to", "after", ">>>": Postfix, Exim, Sendmail and Courier. */
static const struct story_word story_stages[] = {
	{"end of data", STAGE_DOT},
	{"message body", STAGE_BODY},
	{"in reply to rcpt", STAGE_RCPT},
	{"after rcpt", STAGE_RCPT},
	{"sending rcpt", STAGE_RCPT},
	{">>> rcpt", STAGE_RCPT},
	{"pipelined rcpt", STAGE_RCPT},
	{"not like recipient", STAGE_RCPT},
	{"in reply to mail", STAGE_MAIL},
	{"after mail", STAGE_MAIL},
	{"sending mail from", STAGE_MAIL},
	{">>> mail", STAGE_MAIL},
	{"after pipelined mail", STAGE_MAIL},
	{"in reply to data", STAGE_DATA},
	{"after data", STAGE_DATA},
	{"sending data", STAGE_DATA},
	{">>> data", STAGE_DATA},
	{"server greeting", STAGE_BANNER},
	{"initial connection", STAGE_BANNER},
	{"greeting failed", STAGE_BANNER},
	{"read error from", STAGE_BANNER},
	{"helo handshake", STAGE_EHLO},
	{"ehlo handshake", STAGE_EHLO},
	{"in reply to ehlo", STAGE_EHLO},
	{"in reply to helo", STAGE_EHLO},
	{"after ehlo", STAGE_EHLO},
	{"after helo", STAGE_EHLO},
	{">>> ehlo", STAGE_EHLO},
	{"starttls", STAGE_STARTTLS},
};

/* It was tried until time was over: words for that. */
static const struct story_word story_expiries[] = {
	{"queue.expired", 1},
	{"message expired", 1},
	{"envelope expired", 1},
	{"retry timeout exceeded", 1},
	{"in the queue too long", 1},
	{"could not be delivered for", 1},
	{"could not deliver for", 1},
	{"has stopped trying", 1},
	{"too many failures", 1},
	{"transient failures", 1},
	{"gave up", 1},
};

static bool story_is_expiry(const char *text)
{
	return STORY_FIND(story_expiries, text) == 1;
}

/* --- what was said last ------------------------------------------------ */

/* "550 5.4.300 Message expired -> 451 …": what comes behind the arrows. */
static char *story_behind_arrow(char *reply)
{
	char *at = reply, *next;

	while (story_is_expiry(at) && (next = strstr(at, "-> ")) != NULL &&
	       !story_is_expiry(next))
		at = next + 3;
	memmove(reply, at, strlen(at) + 1);
	return reply;
}

/*
 * Exchange's "… returned '451 …'", the last one that is more than an expiry.
 */
static char *story_returned(const char *text)
{
	char *best = NULL, *reply;
	const char *at = text, *end;

	while ((at = strstr(at, "returned '")) != NULL) {
		at += 10;
		/* A reply may hold quotes; one at the end of a line ends it. */
		end = at;
		do
			end = strchr(end + 1, '\'');
		while (end && end[1] && !strchr("\r\n\t ", end[1]));
		if (!end)
			break;
		reply = story_behind_arrow(
			ndr_text_line(at, (size_t)(end - at)));
		if (!best || !story_is_expiry(reply)) {
			free(best);
			best = reply;
		} else {
			free(reply);
		}
	}
	return best;
}

/* In the words of Exchange, in all the forms that are known. */
static char *story_exchange_reply(const char *text)
{
	char *reply = ndr_text_between(text, "{LED=", "}");

	if (!reply)
		reply = story_returned(text);
	if (!reply)
		reply = ndr_text_between(text, "Last error: ", "");
	if (!reply)
		reply = ndr_text_between(text, "#", "##");
	return reply;
}

/* A reply in the text of others: from its code to the end of the line. */
static char *story_text_reply(const char *text)
{
	char *said = ndr_text_between(text, "Remote host said: ", "");
	const char *at;
	int code;

	if (said)
		return said;
	at = ndr_text_reply(text, &code);
	return at ? ndr_text_line(at, strcspn(at, "\r\n")) : NULL;
}

/* What delay notices say to everybody is no reason. */
static bool story_is_farewell(const char *about)
{
	static const char *const words[] = {
		"no action is required on your part", /* Exim */
		"delivery attempts will continue",
	};

	about += strspn(about, " \t\r\n:>.");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncasecmp(about, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

/* @about: what is said of this recipient, or "" and then of @all. */
static void story_reply(const struct ndr_story *story, struct ndr_case *c,
			const char *diagnostic, const char *about,
			const char *all)
{
	char *said = NULL;

	if (story->is_exchange)
		said = story_exchange_reply(all);
	if (diagnostic && *diagnostic && (!said || story_is_expiry(said))) {
		free(said);
		said = story_behind_arrow(
			ndr_text_line(diagnostic, strlen(diagnostic)));
	}
	if (!said)
		said = story_text_reply(all);
	if (!said && story_is_farewell(about))
		about = "";
	if (!said && *about && strspn(about, " \t\r\n:>") != strlen(about)) {
		about += strspn(about, " \t\r\n:>.");
		said = ndr_text_line(about, strlen(about));
	}
	c->reply = said;
	if (said)
		ndr_text_reply(said, &c->code);
}

/* --- why --------------------------------------------------------------- */

/* What Exchange quotes: Primary target IP address responded with: "…" */
static const char *story_inner(const char *reply)
{
	const char *inner = strstr(reply, "responded with: ");

	if (!inner)
		return reply;
	inner += 16;
	return inner + (*inner == '"');
}

static enum ndr_cause story_cause(const struct ndr_story *story,
				  const struct ndr_case *c, bool is_remote,
				  const char *about)
{
	const char *reply = c->reply ? c->reply : "";
	int code = c->code, cause;

	/* What another server has said is its reply, whatever its words. */
	if (code && is_remote && !story->is_exchange)
		return code >= 500 ? NDR_CAUSE_REPLY_NEVER
				   : NDR_CAUSE_REPLY_LATER;
	cause = STORY_FIND(story_causes, story_inner(reply));
	if (cause < 0)
		cause = STORY_FIND(story_causes, about);
	if (cause >= 0 &&
	    (story->is_exchange || !code || cause != NDR_CAUSE_TLS))
		return (enum ndr_cause)cause;
	if (reply != story_inner(reply))
		ndr_text_reply(story_inner(reply), &code);
	if (code && !story_is_expiry(reply))
		return code >= 500 ? NDR_CAUSE_REPLY_NEVER
				   : NDR_CAUSE_REPLY_LATER;
	return NDR_CAUSE_UNKNOWN;
}

/*
 * By RFC 3463 2: under whose control each subject is; of X.0 and X.5 it says
 * nothing. X.1 is the sender's to put right, but X.1.7 and X.1.8 are about his
 * own address, which that server does not like.
 */
static enum ndr_fault story_fault_of_status(const char *status)
{
	bool is_code = status && deadmx_ndr_status_valid(status);

	switch (is_code && status[3] == '.' ? status[2] : 0) {
	case '1':
		return strcmp(status + 2, "1.8") == 0 ||
				       strcmp(status + 2, "1.7") == 0
			       ? NDR_FAULT_POLICY
			       : NDR_FAULT_SENDER;
	case '2':
		return NDR_FAULT_RECIPIENT;
	case '3':
		return NDR_FAULT_DESTINATION;
	case '4':
		return NDR_FAULT_NETWORK;
	case '6':
		return NDR_FAULT_CONTENT;
	case '7':
		return NDR_FAULT_POLICY;
	default:
		return NDR_FAULT_UNKNOWN;
	}
}

static enum ndr_fault story_fault(const struct ndr_case *c)
{
	const char *at = c->reply ? strpbrk(c->reply, "45") : NULL;
	char code[8] = "";

	switch (c->cause) {
	case NDR_CAUSE_REFUSED:
	case NDR_CAUSE_TIMEOUT:
	case NDR_CAUSE_DROPPED:
	case NDR_CAUSE_DNS_FAILED:
	case NDR_CAUSE_LOOP:
	case NDR_CAUSE_TLS:
		return NDR_FAULT_DESTINATION;
	case NDR_CAUSE_NO_ANSWER:
		return NDR_FAULT_NETWORK;
	case NDR_CAUSE_NO_DOMAIN:
		return NDR_FAULT_SENDER;
	case NDR_CAUSE_REPLY_LATER:
	case NDR_CAUSE_REPLY_NEVER:
		/* The enhanced code of the reply knows best. */
		while (at && *at) {
			if (at[1] == '.' && isdigit((unsigned char)at[2]) &&
			    at[3] == '.') {
				memcpy(code, at, 5);
				break;
			}
			at = strpbrk(at + 1, "45");
		}
		if (c->is_behind)
			return NDR_FAULT_DESTINATION;
		if (story_fault_of_status(code) != NDR_FAULT_UNKNOWN)
			return story_fault_of_status(code);
		break;
	case NDR_CAUSE_UNKNOWN:
	case NDR_CAUSE_COUNT:
		break;
	}
	if (c->status && story_fault_of_status(c->status) != NDR_FAULT_UNKNOWN)
		return story_fault_of_status(c->status);
	return c->cause == NDR_CAUSE_REPLY_LATER ? NDR_FAULT_DESTINATION
						 : NDR_FAULT_UNKNOWN;
}

/* --- where ------------------------------------------------------------- */

/* "mx.dest.example. (192.0.2.25, the server for …)": Gmail has a comment. */
static void story_remote(struct ndr_case *c, const char *remote)
{
	const char *comment = strchr(remote, '(');
	size_t len = strcspn(remote, " \t(");

	while (len > 1 && remote[len - 1] == '.')
		len--;
	c->host = ndr_text_line(remote, len);
	if (!c->address && comment)
		ndr_text_address_port(comment + 1, &c->address, &c->port);
}

/*
 * @about: what is said of this recipient; else of @all. Any host with an
 * address will do in @about only: elsewhere it may be the client's.
 */
static void story_endpoint(struct ndr_case *c, const char *about,
			   const char *all, const char *text,
			   const char *remote)
{
	static const char *const befores[] = {
		"while talking to ", "timed out with ", "refused by ",
		"read error from ",  "connection to ",
	};
	const char *last = strcasestr(all, "endpoint attempted was ");
	char *ip = ndr_text_between(all, "LastAttemptedServerIP=", "]");

	if (last)
		ndr_text_address_port(last + 23, &c->address, &c->port);
	if (!c->address && ip)
		ndr_text_address_port(ip, &c->address, &c->port);
	free(ip);
	c->host = ndr_text_between(all, "LastAttemptedServerName=", "]");
	if (!c->host)
		c->host = ndr_text_between(all, "{FQDN=", "}");
	if (!c->address)
		c->address = ndr_text_between(all, "{IP=", "}");
	if (!c->host && !c->address)
		ndr_text_endpoint(about, &c->host, &c->address, &c->port);
	if (!c->host && !c->address && c->reply)
		ndr_text_endpoint(c->reply, &c->host, &c->address, &c->port);
	if (!c->host && remote && *remote)
		story_remote(c, remote);
	for (size_t i = 0; !c->host && !c->address &&
			   i < sizeof(befores) / sizeof(befores[0]);
	     i++)
		c->host = ndr_text_host(text, befores[i]);
}

/* --- one recipient ----------------------------------------------------- */

static enum deadmx_ndr_kind story_kind(const struct deadmx_ndr *ndr,
				       const struct deadmx_ndr_recipient *r)
{
	switch (r ? r->action : DEADMX_NDR_ACTION_NONE) {
	case DEADMX_NDR_ACTION_FAILED:
		return DEADMX_NDR_KIND_FAILED;
	case DEADMX_NDR_ACTION_DELAYED:
		return DEADMX_NDR_KIND_DELAYED;
	case DEADMX_NDR_ACTION_DELIVERED:
	case DEADMX_NDR_ACTION_RELAYED:
	case DEADMX_NDR_ACTION_EXPANDED:
		return DEADMX_NDR_KIND_OTHER;
	case DEADMX_NDR_ACTION_NONE:
	case DEADMX_NDR_ACTION_COUNT:
		break;
	}
	return ndr->kind;
}

/* "(#4.4.1)" of qmail, "#4.4.7" of old Exchanges, "550 5.1.1 …". */
static char *story_status_in(const char *text)
{
	for (const char *at = text; (at = strpbrk(at, "245")) != NULL; at++) {
		size_t len = 2 + strspn(at + 1, ".0123456789") - 1;
		char code[12];

		if (at[1] != '.' || len > 9 ||
		    (at > text && isalnum((unsigned char)at[-1])) ||
		    (at > text && at[-1] == '.'))
			continue;
		memcpy(code, at, len);
		code[len] = '\0';
		if (code[len - 1] == '.')
			code[len - 1] = '\0';
		if (deadmx_ndr_status_valid(code))
			return strdup(code);
	}
	return NULL;
}

/* Was it tried until time was over, rather than refused at once? */
static bool story_expired(const struct ndr_case *c, const char *text,
			  const char *diagnostic)
{
	/* nullmailer has no delay notices: its one word is the last. */
	if (c->kind == DEADMX_NDR_KIND_DELAYED &&
	    strcasestr(text, "the nullmailer delivery system"))
		return true;
	if (c->kind != DEADMX_NDR_KIND_FAILED)
		return c->status && strcmp(c->status, "4.4.7") == 0 &&
		       story_is_expiry(text);
	if (c->code >= 500 && c->cause == NDR_CAUSE_REPLY_NEVER)
		return false;
	if (c->cause == NDR_CAUSE_NO_DOMAIN)
		return false;
	return (c->status && c->status[0] == '4') || story_is_expiry(text) ||
	       (diagnostic && story_is_expiry(diagnostic)) ||
	       c->cause != NDR_CAUSE_UNKNOWN;
}

#define STORY_NO_TEXT " \t\r\n>:.-"

/* The text about one recipient, "" when there is none. */
static char *story_about(const struct ndr_story *story,
			 const struct ndr_case *c, const char *text)
{
	const char *to = c->recipient ? c->recipient : "";
	char *about = ndr_text_about(text, to, story->is_exchange), *end;
	size_t start;

	assert(about);
	if (strspn(about, STORY_NO_TEXT) < strlen(about))
		return about;
	/* dma puts an empty line between the address and the reason. */
	free(about);
	about = ndr_text_about(text, to, true);
	assert(about);
	start = strspn(about, STORY_NO_TEXT);
	end = strstr(about + start, "\n\n");
	if (end)
		*end = '\0';
	/* A rule of dashes parts what is about the address from the rest. */
	if (memchr(about, '-', start))
		start = strlen(about);
	memmove(about, about + start, strlen(about + start) + 1);
	return about;
}

/*
 * Sendmail sends RCPT and DATA at once and tells the last command only: of two
 * replies behind ">>> DATA" the first is that to RCPT.
 */
static bool story_is_pipelined(const char *session)
{
	const char *data = strcasestr(session, ">>> data");
	const char *first = data ? strstr(data, "\n<<< ") : NULL;

	return first && strstr(first + 1, "\n<<< ");
}

static void story_case(struct ndr_story *story, struct ndr_case *c,
		       const struct deadmx_ndr_recipient *r, const char *text)
{
	const char *diagnostic = r ? r->diagnostic_code : NULL;
	bool is_remote = r && r->diagnostic_type &&
			 strcasecmp(r->diagnostic_type, "smtp") == 0;
	char *about = story_about(story, c, text);
	/* Said of all recipients, as Sendmail does. */
	const char *all = *about ? about : text;
	/* A transcript elsewhere is about this one if it is the only one. */
	const char *session = story->ndr->recipient_count == 1 ? text : all;
	int stage;

	c->kind = story_kind(story->ndr, r);
	story_reply(story, c, diagnostic, about, all);
	if (r && r->status && deadmx_ndr_status_valid(r->status))
		c->status = strdup(r->status);
	else
		c->status = story_status_in(c->reply ? c->reply : all);
	c->is_behind = c->reply && is_remote && !story->is_exchange &&
		       story_inner(c->reply) != c->reply;
	c->cause = story_cause(story, c, is_remote, all);
	/* Sendmail names only the last state of the connection. */
	if (c->cause == NDR_CAUSE_NO_ANSWER &&
	    strcasestr(session, "read error from"))
		c->cause = NDR_CAUSE_TIMEOUT;
	stage = STORY_FIND(story_stages, all);
	if (stage < 0)
		stage = STORY_FIND(story_stages, session);
	if (stage == STAGE_DATA && story_is_pipelined(session))
		stage = STAGE_RCPT;
	c->stage = stage < 0 ? NULL : story_stage_words[stage];
	story_endpoint(c, about, all, session, r ? r->remote_mta : NULL);
	c->last_attempt = r && r->last_attempt
				  ? strdup(r->last_attempt)
				  : ndr_text_between(all, "{LRT=", "}");
	c->is_expired = story_expired(c, text, diagnostic);
	c->fault = story_fault(c);
	free(about);
}

/* --- the whole --------------------------------------------------------- */

static void story_add(struct ndr_story *story, char *recipient,
		      const struct deadmx_ndr_recipient *r, const char *text)
{
	struct ndr_case *c;

	story->cases =
		realloc(story->cases, (story->case_count + 1) * sizeof(*c));
	assert(story->cases);
	c = &story->cases[story->case_count++];
	memset(c, 0, sizeof(*c));
	c->recipient = recipient;
	story_case(story, c, r, text);
}

static bool story_has(const struct ndr_story *story, const char *recipient)
{
	for (size_t i = 0; i < story->case_count; i++)
		if (story->cases[i].recipient &&
		    strcasecmp(story->cases[i].recipient, recipient) == 0)
			return true;
	return false;
}

/* "<bob@dest.example>" without its brackets. */
static char *story_bare(const char *address)
{
	size_t len = strlen(address);

	if (len > 1 && address[0] == '<' && address[len - 1] == '>')
		return strndup(address + 1, len - 2);
	return strdup(address);
}

static void story_cases(struct ndr_story *story, const char *text)
{
	const struct deadmx_ndr *ndr = story->ndr;
	char *recipient;

	for (size_t i = 0; i < ndr->recipient_count; i++) {
		const struct deadmx_ndr_recipient *r = &ndr->recipients[i];
		const char *to = r->final_recipient ? r->final_recipient
						    : r->original_recipient;

		story_add(story, to ? story_bare(to) : NULL, r, text);
	}
	for (size_t n = 0; !ndr->recipient_count && n < NDR_TEXT_RECIPIENTS_MAX;
	     n++) {
		recipient = ndr_text_recipient(text, n);
		if (!recipient)
			break;
		if (story_has(story, recipient))
			free(recipient);
		else
			story_add(story, recipient, NULL, text);
	}
	if (!story->case_count)
		story_add(story, NULL, NULL, text);
}

/* Seconds from one date of a mail to another; -1 when that can't be told. */
static int64_t story_seconds(const char *from, const char *to)
{
	GDateTime *a = from ? g_mime_utils_header_decode_date(from) : NULL;
	GDateTime *b = to ? g_mime_utils_header_decode_date(to) : NULL;
	int64_t s = -1;

	if (a && b)
		s = g_date_time_difference(b, a) / G_TIME_SPAN_SECOND;
	if (a)
		g_date_time_unref(a);
	if (b)
		g_date_time_unref(b);
	return s < 0 || s > 366 * 86400 ? -1 : s;
}

static void story_times(struct ndr_story *story)
{
	const struct deadmx_ndr *ndr = story->ndr;
	const char *end = ndr->date;

	story->tried_s = ndr_text_number(ndr->text, "for the last ");
	if (story->tried_s < 0)
		story->tried_s = story_seconds(ndr->arrival_date, end);
	/* Nullmailer's Arrival-Date is that of the bounce. */
	if (story->tried_s <= 0 && story_seconds(ndr->original_date, end) > 0)
		story->tried_s = story_seconds(ndr->original_date, end);
	if (story->tried_s < 0)
		story->tried_s =
			ndr_text_span(ndr->text, "could not be delivered for");
	story->left_s = ndr_text_span(ndr->text, "for the next ");
	if (story->left_s < 0 && ndr->recipient_count)
		story->left_s =
			story_seconds(end, ndr->recipients[0].will_retry_until);
	story->attempts = ndr_text_number(ndr->text, "retry attempts: ");
	if (story->attempts < 0)
		story->attempts = ndr_text_number(ndr->text, "Attempts: ");
}

static char *story_reporter(const struct deadmx_ndr *ndr)
{
	char *server = ndr_text_between(ndr->text, "Generating server: ", "");
	const char *name;

	if (server || !ndr->reporting_mta)
		return server;
	name = strchr(ndr->reporting_mta, ';');
	name = name ? name + 1 : ndr->reporting_mta;
	return ndr_text_line(name, strlen(name));
}

/* The address in a header field such as To. */
static char *story_mailbox(const char *header)
{
	InternetAddressList *list =
		header ? internet_address_list_parse(NULL, header) : NULL;
	char *found = NULL;
	int count = list ? internet_address_list_length(list) : 0;

	for (int i = 0; i < count && !found; i++) {
		InternetAddress *a = internet_address_list_get_address(list, i);

		if (INTERNET_ADDRESS_IS_MAILBOX(a) &&
		    internet_address_mailbox_get_addr(
			    INTERNET_ADDRESS_MAILBOX(a)))
			found = strdup(internet_address_mailbox_get_addr(
				INTERNET_ADDRESS_MAILBOX(a)));
	}
	if (list)
		g_object_unref(list);
	return found;
}

void ndr_story_read(const struct deadmx_ndr *ndr, struct ndr_story *story)
{
	char *text = ndr_text_report(ndr->text);

	assert(text);
	memset(story, 0, sizeof(*story));
	story->ndr = ndr;
	story->is_exchange =
		strstr(ndr->text,
		       "Diagnostic information for administrators") ||
		strstr(ndr->text, "{LED=") ||
		strstr(ndr->text, "QUEUE.Expired");
	story->reporter = story_reporter(ndr);
	story->sender = story_mailbox(ndr->to);
	if (!story->sender)
		story->sender = story_mailbox(ndr->original_from);
	story_times(story);
	story_cases(story, text);
	free(text);
}

void ndr_story_release(struct ndr_story *story)
{
	for (size_t i = 0; i < story->case_count; i++) {
		free(story->cases[i].recipient);
		free(story->cases[i].status);
		free(story->cases[i].reply);
		free(story->cases[i].host);
		free(story->cases[i].address);
		free(story->cases[i].last_attempt);
	}
	free(story->cases);
	free(story->reporter);
	free(story->sender);
}
