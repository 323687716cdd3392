/* SPDX-License-Identifier: MIT */
/*
 * A non-delivery report or delay notice, read from one message: what it says
 * and which rules of RFC 3464 (RFC 6522, RFC 6533, RFC 3463) it breaks.
 *
 * Reading is a pure function of the bytes. Whatever arrives is read as far as
 * it goes: a bounce that is no DSN at all still yields its plain text. The
 * envelope is not in the message; checks that need it stand in
 * deadmx_ndr_lint_envelope().
 */
#ifndef DEADMX_NDR_H
#define DEADMX_NDR_H

#include <stdbool.h>
#include <stddef.h>

/* Limits, reached in tests/unit/test_ndr.c. What lies beyond is not read. */
enum {
	DEADMX_NDR_BYTES_MAX = 8 << 20,	       /* bytes of the message */
	DEADMX_NDR_STATUS_BYTES_MAX = 1 << 20, /* of the delivery-status part */
	DEADMX_NDR_TEXT_MAX = 64 << 10,	       /* bytes of human text kept */
	DEADMX_NDR_VALUE_MAX = 4096,	       /* bytes of one value kept */
	DEADMX_NDR_DEPTH_MAX = 16,	       /* nested multiparts */
	DEADMX_NDR_PARTS_MAX = 256,	       /* parts looked at */
	DEADMX_NDR_FIELDS_MAX = 20000,	       /* fields of the status part */
	DEADMX_NDR_RECIPIENTS_MAX = 1000,      /* per-recipient groups */
	DEADMX_NDR_FINDINGS_MAX = 200,
};

/* XX(ENUM, "Action word", "what it means") */
#define DEADMX_NDR_ACTION_MAP(XX)                                              \
	XX(NONE, "", "no Action, or a word that RFC 3464 doesn't know")        \
	XX(FAILED, "failed", "final: it will not be delivered")                \
	XX(DELAYED, "delayed", "not yet delivered, more attempts follow")      \
	XX(DELIVERED, "delivered", "it was delivered")                         \
	XX(RELAYED, "relayed", "handed to a host that gives no DSNs")          \
	XX(EXPANDED, "expanded", "delivered to a list and sent on")

enum deadmx_ndr_action {
#define XX(uc, word, doc) DEADMX_NDR_ACTION_##uc,
	DEADMX_NDR_ACTION_MAP(XX)
#undef XX
		DEADMX_NDR_ACTION_COUNT
};

/* What the whole message is. XX(ENUM, "word", "when") */
#define DEADMX_NDR_KIND_MAP(XX)                                                \
	XX(NONE, "none", "no bounce: it neither is nor looks like one")        \
	XX(FAILED, "failed", "at least one recipient has failed for good")     \
	XX(DELAYED, "delayed", "a delay notice: none failed, some delayed")    \
	XX(OTHER, "other", "a report of success only")

enum deadmx_ndr_kind {
#define XX(uc, word, doc) DEADMX_NDR_KIND_##uc,
	DEADMX_NDR_KIND_MAP(XX)
#undef XX
		DEADMX_NDR_KIND_COUNT
};

const char *deadmx_ndr_kind_word(enum deadmx_ndr_kind kind);

/* What of the original message is returned. */
enum deadmx_ndr_original {
	DEADMX_NDR_ORIGINAL_NONE,
	DEADMX_NDR_ORIGINAL_HEADERS,
	DEADMX_NDR_ORIGINAL_FULL,
};

/* One per-recipient group; every text is NULL when the field is absent. */
struct deadmx_ndr_recipient {
	char *final_type, *final_recipient;	  /* "rfc822", "bob@…" */
	char *original_type, *original_recipient; /* the same */
	char *action_text;			  /* as written */
	enum deadmx_ndr_action action;
	char *status;	       /* "4.4.1", without its comment */
	char *remote_type;     /* "dns" */
	char *remote_mta;      /* without its type */
	char *diagnostic_type; /* "smtp" */
	char *diagnostic_code; /* the text, unfolded */
	char *last_attempt;
	char *will_retry_until;
	char *languages;	 /* of Localized-Diagnostic: "en;de;" */
	bool has_bad_language;	 /* one without a tag, or the same twice */
	bool has_repeated_field; /* one that may stand once */
	bool is_out_of_order;	 /* fields not in the order of the grammar */
};

enum deadmx_ndr_severity {
	DEADMX_NDR_MUST,   /* breaks a MUST */
	DEADMX_NDR_SHOULD, /* breaks a SHOULD */
	DEADMX_NDR_NOTE,
};

struct deadmx_ndr_finding {
	const char *id; /* static, e.g. "rfc3464/2.3.4/status" */
	enum deadmx_ndr_severity severity;
	char *expected, *observed;
};

struct deadmx_ndr {
	bool is_report;	  /* multipart/report; report-type=delivery-status */
	bool has_status;  /* holds a delivery-status part, in what ever */
	bool from_daemon; /* From is MAILER-DAEMON, postmaster or empty */
	bool has_mime_version, has_date, has_message_id; /* in the header */
	bool has_text;		/* a part for people comes first */
	bool is_status_second;	/* the status part comes behind it */
	bool is_status_encoded; /* other than 7bit, and not global */
	bool has_8bit_status; /* more than ASCII in a part that is not global */
	bool is_status_unlabelled; /* more than ASCII, yet said to be 7bit */
	bool has_bad_utf8;	   /* in a global status part */
	bool is_global;		   /* message/global-delivery-status */
	unsigned report_parts;	   /* of the multipart/report; else 0 */
	unsigned long_lines;	   /* of header and status, above 998 bytes */
	unsigned bad_lines;	 /* of the status part: no field, not folded */
	unsigned bad_folds;	 /* go on where nothing began, or hold blanks */
	bool has_repeated_field; /* a per-message one */
	bool is_out_of_order;	 /* per-message fields */
	bool lacks_blank_line;	 /* recipient fields in the first group */
	unsigned auto_submitted_count;
	enum deadmx_ndr_original original;
	bool is_truncated; /* a limit above was met */
	enum deadmx_ndr_kind kind;
	char *from, *to, *subject, *date, *auto_submitted; /* header, or NULL */
	char *text; /* human-readable part, UTF-8; never NULL */
	char *reporting_mta, *arrival_date;    /* or NULL */
	char *deliver_by_date;		       /* RFC 2852 5; or NULL */
	char *dsn_gateway, *received_from_mta; /* or NULL */
	char *extension; /* first field neither of the RFCs nor X-, or NULL */
	/* Header of the message that is returned, or NULL. */
	char *original_from, *original_to, *original_subject, *original_date;
	char *envelope_id; /* Original-Envelope-Id, or NULL */
	struct deadmx_ndr_recipient *recipients;
	size_t recipient_count;
	struct deadmx_ndr_finding *findings;
	size_t finding_count;
};

/*
 * Read a message of @len bytes. 0 with *ret (deadmx_ndr_free), or -ENOMEM.
 * There is no message that can't be read: at worst nothing is found in it.
 */
int deadmx_ndr_parse(const char *bytes, size_t len, struct deadmx_ndr **ret);
/* The same from a file; also a negative errno when it can't be read. */
int deadmx_ndr_read(const char *path, struct deadmx_ndr **ret);
void deadmx_ndr_free(struct deadmx_ndr *ndr);

/* Add the findings that need the envelope the report came in. */
void deadmx_ndr_lint_envelope(struct deadmx_ndr *ndr, const char *from,
			      const char *to);

/*
 * Does the report speak of @address? In a recipient group, or, when it has
 * none, as a whole address in the human text, before the mail that comes back.
 */
bool deadmx_ndr_names(const struct deadmx_ndr *ndr, const char *address);

/* RFC 822 as amended: a day, a date, a time and a numeric zone. */
bool deadmx_ndr_date_valid(const char *date);

/* "4.4.1": digit 2, 4 or 5, then twice 1 to 3 digits, no leading zeros. */
bool deadmx_ndr_status_valid(const char *status);

#endif
