/* SPDX-License-Identifier: MIT */
/*
 * model: the small MTA that comes with deadmx, and its switches.
 *
 * It takes mail by SMTP, keeps it in a queue on disk, tries it by a rule,
 * tells of delays, and in the end returns a non-delivery report. Two profiles
 * speak as others do; a mutant is wrong in one way, so that the judge can be
 * judged. It is a program of its own (`deadmx _model`) that shares nothing
 * with the world's servers: a mistake made twice would hide itself.
 *
 * Times are unix time in milliseconds: it is an MTA, and its queue outlives
 * its process.
 */
#ifndef HARNESS_MODEL_MODEL_H
#define HARNESS_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* XX(ENUM, "word", "whom it speaks like") */
#define MODEL_PROFILE_MAP(XX)                                                  \
	XX(RFC, "rfc", "as the RFCs have it, 4.4.7 when mail expires")         \
	XX(EXCHANGE, "exchange", "retries and bounces in Exchange's words")

enum model_profile {
#define XX(uc, word, doc) MODEL_PROFILE_##uc,
	MODEL_PROFILE_MAP(XX)
#undef XX
		MODEL_PROFILE_COUNT
};

/* XX(ENUM, "word", "what it asks of servers in TLS") */
/* clang-format off */
#define MODEL_TLS_MAP(XX) \
	XX(NONE, "none", "nothing: mail goes in clear") \
	XX(MAY, "may", "TLS where it can be had, else mail goes in clear") \
	XX(ENCRYPT, "encrypt", "TLS, with any certificate") \
	XX(VERIFY, "verify", \
	   "TLS, with a trusted certificate that names the server") \
	XX(SECURE, "secure", \
	   "TLS, with a trusted certificate that names the recipient's " \
	   "domain or a host in it")
/* clang-format on */

enum model_tls {
#define XX(uc, word, doc) MODEL_TLS_##uc,
	MODEL_TLS_MAP(XX)
#undef XX
		MODEL_TLS_COUNT
};

/* XX(ENUM, "word", "what is wrong with it") */
/* clang-format off */
#define MODEL_MUTANT_MAP(XX) \
	XX(NONE, "none", "nothing") \
	XX(NO_NDR, "no-ndr", "mail expires and nobody is told") \
	XX(NDR_TWICE, "ndr-twice", "the NDR is sent twice") \
	XX(NDR_WRONG_ADDRESS, "ndr-wrong-address", \
	   "the NDR goes to the postmaster of the sender's domain") \
	XX(NDR_REVERSE_PATH, "ndr-reverse-path", \
	   "the NDR is sent from an address instead of <>") \
	XX(NDR_NULL_SENDER, "ndr-null-sender", \
	   "mail from <> is bounced, to the postmaster") \
	XX(NDR_NEVER, "ndr-never", "NOTIFY=NEVER does not keep the NDR back") \
	XX(DELAY_NEVER, "delay-never", \
	   "NOTIFY without DELAY does not keep the delay notice back") \
	XX(DELAY_MISSING, "delay-missing", "no delay notice is ever sent") \
	XX(EXPIRES_EARLY, "expires-early", "gives up at half of the lifetime") \
	XX(EXPIRES_LATE, "expires-late", "gives up at twice the lifetime") \
	XX(NEVER_EXPIRES, "never-expires", "tries for ever") \
	XX(STAYS_QUEUED, "stays-queued", \
	   "bounced mail stays in the queue") \
	XX(SAYS_DELAYED, "says-delayed", "the final NDR says Action: delayed") \
	XX(STATUS_WRONG, "status-wrong", "expired mail gets Status 4.2.2") \
	XX(STATUS_CLASS, "status-class", "the final NDR has Status 2.4.7") \
	XX(STATUS_SYNTAX, "status-syntax", "Status is 4.04.7") \
	XX(STATUS_MISSING, "status-missing", "there is no Status") \
	XX(ACTION_WORD, "action-word", "Action is «expired»") \
	XX(RECIPIENT_WRONG, "recipient-wrong", \
	   "the NDR is about somebody else") \
	XX(RECIPIENT_TYPE, "recipient-type", \
	   "Final-Recipient lacks its address type") \
	XX(RECIPIENT_CASE, "recipient-case", \
	   "Final-Recipient is in small letters") \
	XX(RECIPIENT_TWICE, "recipient-twice", \
	   "the NDR names each recipient twice") \
	XX(ALL_NAMED, "all-named", \
	   "the NDR names recipients who got their mail, too") \
	XX(REPORTING_MTA, "reporting-mta", "Reporting-MTA is missing") \
	XX(REPORTING_MTA_WRONG, "reporting-mta-wrong", \
	   "Reporting-MTA is localhost.localdomain") \
	XX(REMOTE_INVENTED, "remote-invented", \
	   "Remote-MTA where DNS led to no server") \
	XX(DATE_WRONG, "date-wrong", \
	   "Arrival-Date and Last-Attempt-Date are a day late") \
	XX(DATE_ZONE, "date-zone", "dates have no numeric zone") \
	XX(RETRY_UNTIL, "retry-until", "the final NDR has Will-Retry-Until") \
	XX(RETRY_UNTIL_WRONG, "retry-until-wrong", \
	   "the delay notice has a Will-Retry-Until of a day later") \
	XX(NO_STATUS_PART, "no-status-part", \
	   "the NDR holds no delivery status") \
	XX(MIXED, "mixed", "the NDR is multipart/mixed") \
	XX(NO_TEXT, "no-text", "the NDR has no part for people") \
	XX(REMOTE_MISSING, "remote-missing", "there is no Remote-MTA") \
	XX(DELAY_FULL, "delay-full", "the delay notice returns the whole mail") \
	XX(DIAGNOSTIC_FORM, "diagnostic-form", \
	   "a Diagnostic-Code of type smtp without the reply's code") \
	XX(DIAGNOSTIC_LOST, "diagnostic-lost", \
	   "the NDR does not tell what the server said") \
	XX(ORIGINAL_MISSING, "original-missing", \
	   "nothing of the mail is returned") \
	XX(RET_IGNORED, "ret-ignored", "RET=HDRS returns the whole mail") \
	XX(AUTO_SUBMITTED, "auto-submitted", \
	   "the NDR says Auto-Submitted: auto-generated") \
	XX(TO_HEADER, "to-header", "the To of the NDR is not its recipient") \
	XX(ENVID_DROPPED, "envid-dropped", "the NDR lacks the envelope id") \
	XX(ENVID_INVENTED, "envid-invented", \
	   "the NDR has an envelope id that nobody gave") \
	XX(ORCPT_DROPPED, "orcpt-dropped", "the NDR lacks the ORCPT") \
	XX(ORCPT_INVENTED, "orcpt-invented", \
	   "the NDR has an ORCPT that nobody gave") \
	XX(RELAY_DSN_DROPPED, "relay-dsn-dropped", \
	   "ENVID, NOTIFY and ORCPT are not passed on") \
	XX(ORCPT_CHANGED, "orcpt-changed", \
	   "ORCPT is passed on in small letters") \
	XX(NDR_RET, "ndr-ret", "the NDR itself is sent with RET=FULL") \
	XX(RELAY_DSN_UNASKED, "relay-dsn-unasked", \
	   "DSN parameters go to a server that does not offer DSN") \
	XX(RELAYED_MISSING, "relayed-missing", \
	   "NOTIFY=SUCCESS has no effect") \
	XX(RELAYED_UNASKED, "relayed-unasked", \
	   "success is told to who did not ask for it") \
	XX(RETRIES_FAST, "retries-fast", "tries every second") \
	XX(NEVER_BACKS_OFF, "never-backs-off", "tries every five minutes") \
	XX(BACKS_OFF_WRONG, "backs-off-wrong", \
	   "each pause is three times the one before, not twice") \
	XX(GIVES_UP_N, "gives-up-n", "gives up after five attempts") \
	XX(GIVES_UP_4XX, "gives-up-4xx", "takes 4xx for 5xx") \
	XX(RETRIES_5XX, "retries-5xx", "takes 5xx for 4xx") \
	XX(ONE_MX, "one-mx", "knows the first MX only") \
	XX(MX_ORDER, "mx-order", "begins with the least preferred MX") \
	XX(MX_IGNORED, "mx-ignored", "uses the address although an MX exists") \
	XX(NULL_MX_IGNORED, "null-mx-ignored", "retries a null MX for days") \
	XX(DNS_5XX, "dns-5xx", "takes SERVFAIL for no such domain") \
	XX(DELIVERS_AFTER_NDR, "delivers-after-ndr", \
	   "tries once more after the NDR") \
	XX(DELIVERS_TWICE, "delivers-twice", "delivers twice") \
	XX(LOSES_MAIL, "loses-mail", "forgets mail after its third attempt") \
	XX(LOSES_ON_RESTART, "loses-on-restart", \
	   "begins with an empty queue") \
	XX(LOSES_UNSAVED, "loses-unsaved", \
	   "forgets mail whose attempt it can't write down") \
	XX(TAKES_UNSAVED, "takes-unsaved", \
	   "says 250 for mail that it can't write down") \
	XX(DOUBLE_BOUNCE, "double-bounce", "bounces bounces") \
	XX(SHORT_BANNER, "short-banner", "waits 30 s for the greeting") \
	XX(SHORT_MAIL, "short-mail", "waits 30 s for the reply to MAIL") \
	XX(SHORT_RCPT, "short-rcpt", "waits 30 s for the reply to RCPT") \
	XX(SHORT_DATA, "short-data", "waits 30 s for the reply to DATA") \
	XX(SHORT_BLOCK, "short-block", \
	   "waits 30 s for a part of the message to be taken") \
	XX(SHORT_DOT, "short-dot", "waits 30 s for the reply to the dot") \
	XX(DELIVERBY_IGNORED, "deliverby-ignored", "BY= has no effect") \
	XX(DELIVERBY_STATUS, "deliverby-status", \
	   "the end of BY='s time has the status of any expiry") \
	XX(DELIVERBY_RELAYED, "deliverby-relayed", \
	   "of BY=…;N nothing is told when the next server knows no DELIVERBY") \
	XX(DELIVERBY_NOTIFY, "deliverby-notify", \
	   "of BY=…;N no delays are asked for where it goes")
/* clang-format on */

enum model_mutant {
#define XX(uc, word, doc) MODEL_MUTANT_##uc,
	MODEL_MUTANT_MAP(XX)
#undef XX
		MODEL_MUTANT_COUNT
};

const char *model_mutant_word(enum model_mutant mutant);
const char *model_mutant_doc(enum model_mutant mutant);
const char *model_profile_word(enum model_profile profile);
/* 0, or -EINVAL when no row has the word. */
int model_mutant_parse(const char *word, enum model_mutant *ret);
int model_profile_parse(const char *word, enum model_profile *ret);
int model_tls_parse(const char *word, enum model_tls *ret);

/* Limits, tested in tests/unit/test_model.c. */
enum {
	MODEL_LINE_MAX = 2048,	     /* bytes of a command with CRLF */
	MODEL_RECIPIENTS_MAX = 1000, /* of a message */
	MODEL_MESSAGE_BYTES_MAX = 10 << 20,
	MODEL_SESSIONS_MAX = 50,     /* clients at once */
	MODEL_QUEUE_MAX = 10 * 1000, /* messages */
	MODEL_HOSTS_MAX = 100,	     /* addresses tried for a domain */
	MODEL_REPLY_MAX = 4096,	     /* bytes kept of a reply */
	MODEL_REPLY_LINES_MAX = 200,
	MODEL_DELIVERIES_MAX = 64,	   /* under way at once */
	MODEL_RETURN_BYTES_MAX = 64 << 10, /* of the mail in an NDR */
};

struct model_config {
	const char *queue_dir;
	const char *hostname;
	uint16_t port; /* of 127.0.0.1 */
	enum model_profile profile;
	enum model_mutant mutant;
	int64_t lifetime_ms;
	int64_t retry_for_ms; /* after that it only waits for its end */
	int64_t retry_ms;     /* the pause between attempts; 0: the profile's */
	int64_t delay_ms;     /* delay notice after this; 0: never */
	const char *dns;      /* IPv4 address of the name server */
	uint16_t dns_port;
	uint16_t smtp_port;  /* of all servers; a record can't tell another */
	bool no_ip4, no_ip6; /* addresses of the kind are left out */
	enum model_tls tls;
	const char *ca;			/* roots to trust, PEM; NULL: none */
	struct ssl_ctx_st *tls_context; /* NULL with NONE */
};

bool model_is(const struct model_config *config, enum model_mutant mutant);

/* Unix time in ms. */
int64_t model_now_ms(void);

/* `deadmx _model …` */
int model_main(int argc, char **argv);

#endif
