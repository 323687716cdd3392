/* SPDX-License-Identifier: MIT */
/*
 * What a bounce tells a person: who did not get the mail, why, where it was
 * tried last, for how long, and whose fault it probably is.
 *
 * Made from what the reader (deadmx/ndr.h) found: the delivery-status part
 * where there is one, and the text for people, whose forms are known of
 * Exchange, Exchange Online, Postfix, Exim, Sendmail, Courier, qmail and dma.
 * A story may be wrong: every guess is one, and the printer says "probably".
 */
#ifndef HARNESS_NDR_NDR_STORY_H
#define HARNESS_NDR_NDR_STORY_H

#include <stdint.h>

#include "deadmx/ndr.h"

/* XX(ENUM, "word", "in plain words") */
/* clang-format off */
#define NDR_CAUSE_MAP(XX) \
	XX(UNKNOWN, "unknown", "the bounce doesn't say what was wrong") \
	XX(REFUSED, "refused", \
	   "the server's machine refused the connection: nothing listens on " \
	   "its mail port, or a firewall says no") \
	XX(NO_ANSWER, "no_answer", \
	   "nothing answered at the server's address") \
	XX(TIMEOUT, "timeout", \
	   "the server took the connection, and then said nothing in time") \
	XX(DROPPED, "dropped", \
	   "the connection broke in the middle of the conversation") \
	XX(DNS_FAILED, "dns_failed", \
	   "the name servers of the domain could not be asked") \
	XX(NO_DOMAIN, "no_domain", \
	   "DNS knows no such domain, or no mail server for it") \
	XX(TLS, "tls", "no encrypted connection could be agreed on") \
	XX(LOOP, "loop", "the mail went round in circles") \
	XX(REPLY_LATER, "reply_later", "the server said: not now") \
	XX(REPLY_NEVER, "reply_never", "the server said no, for good")

enum ndr_cause {
#define XX(uc, word, doc) NDR_CAUSE_##uc,
	NDR_CAUSE_MAP(XX)
#undef XX
		NDR_CAUSE_COUNT
};

/* Whose fault it probably is. XX(ENUM, "word", "in plain words") */
#define NDR_FAULT_MAP(XX) \
	XX(UNKNOWN, "unknown", "can't be told from this bounce") \
	XX(DESTINATION, "destination", \
	   "the recipient's side: whoever runs the mail servers of that domain") \
	XX(NETWORK, "network", \
	   "the recipient's side or the network between; if it happens with " \
	   "many domains, your own") \
	XX(RECIPIENT, "recipient", \
	   "the recipient's: something about that mailbox") \
	XX(SENDER, "sender", \
	   "the sender's: look at how the address is written") \
	XX(POLICY, "policy", \
	   "both sides': the recipient's server doesn't want mail like this, " \
	   "or from this server") \
	XX(CONTENT, "content", \
	   "both sides': the mail itself is not what that server takes")

enum ndr_fault {
#define XX(uc, word, doc) NDR_FAULT_##uc,
	NDR_FAULT_MAP(XX)
#undef XX
		NDR_FAULT_COUNT
};
/* clang-format on */

const char *ndr_cause_word(enum ndr_cause cause);
const char *ndr_cause_text(enum ndr_cause cause);
const char *ndr_fault_word(enum ndr_fault fault);
const char *ndr_fault_text(enum ndr_fault fault);

/* About one recipient; texts are NULL when the bounce doesn't tell. */
struct ndr_case {
	char *recipient;
	enum deadmx_ndr_kind kind;
	char *status;	 /* X.Y.Z, for the whole */
	bool is_expired; /* it was tried until its time was over */
	enum ndr_cause cause;
	char *reply;	      /* what the server or the MTA said at last */
	int code;	      /* of that reply, or 0 */
	const char *stage;    /* key of a timeline ("rcpt"), static */
	char *host, *address; /* tried last */
	unsigned port;	      /* or 0 */
	char *last_attempt;   /* as written */
	bool is_behind;	      /* a frontend passed on what another said */
	enum ndr_fault fault;
};

struct ndr_story {
	const struct deadmx_ndr *ndr; /* borrowed; outlives the story */
	bool is_exchange;	      /* in the words of Exchange */
	char *reporter;		      /* the server that made it */
	char *sender;		      /* to whom it came back */
	int64_t tried_s;	      /* from arrival to the end; -1 unknown */
	int64_t left_s;		      /* a delay: tried for so much longer */
	int64_t attempts;	      /* -1 unknown */
	struct ndr_case *cases;
	size_t case_count;
};

/* Caller releases. @story is complete at all events. */
void ndr_story_read(const struct deadmx_ndr *ndr, struct ndr_story *story);
void ndr_story_release(struct ndr_story *story);

#endif
