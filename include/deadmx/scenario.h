/* SPDX-License-Identifier: MIT */
/*
 * A scenario: what is broken (world), what is sent (mail), what must happen
 * (expect), as one immutable tree in memory.
 *
 * Parsed by sim/scenario.c from YAML, read by the world, the driver and the
 * judge. It holds no clock and no socket. Times are virtual, in nanoseconds
 * since the scenario's first injection (`mail.at` 0) unless the name says
 * otherwise; DEADMX_FOREVER_NS stands for "no end".
 */
#ifndef DEADMX_SCENARIO_H
#define DEADMX_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define DEADMX_FOREVER_NS INT64_MAX
#define DEADMX_NS_PER_S	  INT64_C(1000000000)

struct reply_catalogue_entry; /* sim/reply_catalogue.h */

/* A place in a file that a person wrote; line and column count from 1. */
struct deadmx_place {
	const char *file; /* owned by the scenario or target */
	int line;
	int column;
};

/*
 * When a row of a timeline holds: from one time to another, and with `every`
 * only for a while each time it comes round.
 */
struct deadmx_window {
	/* Written as "expiry+2h": so long after mail expires, maybe negative;
	 * else not set, and the time below is as it was written. */
	struct deadmx_moment {
		bool is_set;
		int64_t offset_ns;
	} from_expiry, until_expiry;
	int64_t from_ns;  /* start, inclusive */
	int64_t until_ns; /* end, exclusive; DEADMX_FOREVER_NS = open */
	int64_t every_ns; /* opens again so long after it opened; 0 = never */
	int64_t for_ns;	  /* with every_ns: open for so long each time */
	uint32_t first;	  /* applies N times each time it is open; 0 = always */
	uint32_t times;	  /* applies N times in all; 0 = no limit */
};

/*
 * Where in a conversation a fault sits.
 * XX(ENUM, "yaml word", "one line for the reference")
 */
#define DEADMX_STAGE_MAP(XX)                                                   \
	XX(CONNECT, "connect", "the TCP connection, before any byte")          \
	XX(BANNER, "banner", "the greeting that the server sends first")       \
	XX(EHLO, "ehlo", "the reply to EHLO")                                  \
	XX(HELO, "helo", "the reply to HELO")                                  \
	XX(STARTTLS, "starttls", "the reply to STARTTLS")                      \
	XX(TLS, "tls", "the TLS handshake, after the reply to STARTTLS")       \
	XX(AUTH, "auth", "the reply to AUTH, when the credentials are in")     \
	XX(MAIL, "mail", "the reply to MAIL FROM")                             \
	XX(RCPT, "rcpt", "the reply to RCPT TO")                               \
	XX(DATA, "data",                                                       \
	   "the reply to DATA, before the message; to the first BDAT")         \
	XX(BODY, "body", "the message, while it comes in")                     \
	XX(DOT, "dot",                                                         \
	   "the reply to the final dot, after the message; to BDAT LAST")      \
	XX(RSET, "rset", "the reply to RSET")                                  \
	XX(QUIT, "quit", "the reply to QUIT")

enum deadmx_stage {
#define XX(uc, word, doc) DEADMX_STAGE_##uc,
	DEADMX_STAGE_MAP(XX)
#undef XX
		DEADMX_STAGE_COUNT
};

/*
 * Those of the TLS handshake, part of the table below. In a switch:
 * DEADMX_ACTION_TLS_MAP(DEADMX_ACTION_CASE)
 */
#define DEADMX_ACTION_TLS_MAP(XX)                                              \
	XX(EXPIRED, "expired", "tls only: a certificate that has expired")     \
	XX(NOT_YET_VALID, "not_yet_valid",                                     \
	   "tls only: a certificate whose time has not come")                  \
	XX(WRONG_NAME, "wrong_name",                                           \
	   "tls only: a certificate of another host")                          \
	XX(UNTRUSTED, "untrusted",                                             \
	   "tls only: a certificate of an authority that nobody knows")        \
	XX(SELF_SIGNED, "self_signed",                                         \
	   "tls only: a certificate that the server signed itself")            \
	XX(CERTIFICATE, "certificate", "tls only: the given certificate")      \
	XX(NO_SHARED_CIPHER, "no_shared_cipher",                               \
	   "tls only: no cipher that the client may use")                      \
	XX(OLD_VERSION, "old_version", "tls only: TLS 1.0 and nothing newer")

/*
 * What a server does at a stage.
 * XX(ENUM, "yaml word", "one line for the reference")
 */
#define DEADMX_ACTION_MAP(XX)                                                  \
	XX(ACCEPT, "accept", "answer as a healthy server does")                \
	XX(REFUSE, "refuse", "connect only: connection refused (RST)")         \
	XX(BLACKHOLE, "blackhole", "connect only: SYNs vanish, no answer")     \
	XX(UNREACHABLE, "unreachable", "connect only: host unreachable")       \
	XX(NET_UNREACHABLE, "net_unreachable",                                 \
	   "connect only: network unreachable")                                \
	XX(PORT_UNREACHABLE, "port_unreachable",                               \
	   "connect only: refused by ICMP, port unreachable")                  \
	XX(PROHIBITED, "prohibited",                                           \
	   "connect only: refused by ICMP, administratively prohibited")       \
	XX(QUEUE_FULL, "queue_full",                                           \
	   "connect only: the server accepts no more, its queue is full")      \
	XX(REPLY, "reply", "answer with the given reply")                      \
	XX(RAW, "raw", "answer with the given bytes, as they are")             \
	XX(STALL, "stall", "say nothing, for a time or for ever")              \
	XX(DRIP, "drip",                                                       \
	   "send the reply a byte at a time; take the body a KiB at a time")   \
	XX(DROP, "drop", "close the connection (FIN) without a reply")         \
	XX(RESET, "reset", "reset the connection (RST) without a reply")       \
	XX(GARBAGE, "garbage", "answer with bytes that are no reply")          \
	XX(LONG_LINE, "long_line",                                             \
	   "the healthy reply, in a line far too long")                        \
	XX(BARE_LF, "bare_lf",                                                 \
	   "the healthy reply, its lines ended by LF alone")                   \
	XX(WRONG_CODE, "wrong_code",                                           \
	   "a code that the stage never gives: 354, at data 250")              \
	XX(MIXED_CODES, "mixed_codes",                                         \
	   "a reply of two lines, the healthy code and then 451")              \
	XX(HALF_OPEN, "half_open",                                             \
	   "from here on the network swallows everything")                     \
	XX(STOP_READING, "stop_reading",                                       \
	   "body only: take no more from the connection (zero window)")        \
	DEADMX_ACTION_TLS_MAP(XX)

enum deadmx_action {
#define XX(uc, word, doc) DEADMX_ACTION_##uc,
	DEADMX_ACTION_MAP(XX)
#undef XX
		DEADMX_ACTION_COUNT
};

/* For a switch that treats a part of the table alike. */
#define DEADMX_ACTION_CASE(uc, word, doc) case DEADMX_ACTION_##uc:

const char *deadmx_stage_word(enum deadmx_stage stage);
const char *deadmx_action_word(enum deadmx_action action);
/* Look a word up; 0, or -EINVAL when no row has it. */
int deadmx_stage_parse(const char *word, enum deadmx_stage *ret);
int deadmx_action_parse(const char *word, enum deadmx_action *ret);

/* How an action is written at a stage. */
enum deadmx_action_form {
	DEADMX_ACTION_NEVER,	 /* it has no sense there */
	DEADMX_ACTION_WORD,	 /* its word: drop */
	DEADMX_ACTION_TIME,	 /* its word and a time: drip 20s */
	DEADMX_ACTION_WORD_TIME, /* with or without: stall, stall 10m */
	DEADMX_ACTION_OTHER,	 /* in a form of its own: a reply */
};

enum deadmx_action_form deadmx_action_form(enum deadmx_stage stage,
					   enum deadmx_action action);

/*
 * What SPF says of a sender (RFC 7208 2.6).
 * XX(ENUM, "yaml word", "one line for the reference")
 */
#define DEADMX_SPF_MAP(XX)                                                     \
	XX(NONE, "none", "the domain has no record, or is no domain")          \
	XX(NEUTRAL, "neutral", "the record says nothing of this client")       \
	XX(PASS, "pass", "the client may send for the domain")                 \
	XX(FAIL, "fail", "the client may not")                                 \
	XX(SOFTFAIL, "softfail", "the client probably may not")                \
	XX(TEMPERROR, "temperror", "the record can't be had for now")          \
	XX(PERMERROR, "permerror", "the record is faulty")

enum deadmx_spf {
#define XX(uc, word, doc) DEADMX_SPF_##uc,
	DEADMX_SPF_MAP(XX)
#undef XX
		DEADMX_SPF_COUNT
};

/* An expected range; either end may be open. Both inclusive. */
struct deadmx_range {
	bool set;
	int64_t min, max; /* counts, or ns for times */
};

/* An expected text: exact, or a POSIX extended regular expression. */
struct deadmx_text {
	char *text; /* NULL = not asked */
	bool is_regex;
};

#define DEADMX_PPM 1000000 /* parts per million: certain */

/*
 * Who signed a server's certificate.
 * XX(ENUM, "yaml word", "one line for the reference")
 */
#define DEADMX_ISSUER_MAP(XX)                                                  \
	XX(TRUSTED, "trusted", "the root that the MTA is given")               \
	XX(UNTRUSTED, "untrusted", "a root that nobody has")                   \
	XX(SELF, "self", "the certificate itself")

enum deadmx_issuer {
#define XX(uc, word, doc) DEADMX_ISSUER_##uc,
	DEADMX_ISSUER_MAP(XX)
#undef XX
		DEADMX_ISSUER_COUNT
};

/* A certificate that a server shows, made when it is first asked for. */
struct deadmx_certificate {
	struct deadmx_place place;
	char **names; /* host names, *.domain too; default: the server's */
	size_t name_count;
	int64_t from_ns, until_ns; /* on the timeline, may be negative;
				    * DEADMX_FOREVER_NS = it never ends */
	enum deadmx_issuer issuer;
};

/*
 * One fault: a row of a server's timeline restricted to one stage. Rows are
 * tried in the order of the file; the first whose window and conditions hold
 * and whose counts are not used up applies.
 */
struct deadmx_fault {
	struct deadmx_place place;
	enum deadmx_stage stage;
	enum deadmx_action action;
	/* `first` counts turns: when all but probability holds and no row
	 * above has fired, whether this one then fires or not. */
	struct deadmx_window window;
	/* Conditions. Addresses: exact, "@domain", or a regex; in any case. */
	struct deadmx_text sender, recipient;
	struct deadmx_range connection; /* nth that the server accepted */
	struct deadmx_range attempt;	/* nth RCPT of sender and recipient */
	uint32_t probability_ppm;	/* 0 = always */
	unsigned spf;	  /* 1 << enum deadmx_spf, or'ed; 0 = any */
	int ip_version;	  /* 4 or 6; 0 = any */
	int64_t stall_ns; /* STALL: then go on healthily; FOREVER = never.
			   * Others: a silence before; 0 = none */
	int64_t drip_ns;  /* DRIP, REPLY, RAW: pause before each byte;
			   * DRIP at body: before each KiB of the message */
	/* DROP, RESET: so many bytes come first: at body of the message, else
	 * of the healthy reply, which is never sent whole. */
	uint64_t after_bytes;
	char *reply;	  /* REPLY: whole text with code, lines split by \n;
			   * catalogue names are resolved by the parser;
			   * may hold {address}, {host}, {client}.
			   * RAW: the bytes */
	char *reply_name; /* catalogue name it came from, or NULL */
	bool close;	  /* REPLY, RAW: close then (421 always does) */
	struct deadmx_certificate *certificate; /* CERTIFICATE */
};

/* Has it no condition but its window? */
bool deadmx_fault_is_for_all(const struct deadmx_fault *fault);
/* And does it then fire every time from the window's start to its end? */
bool deadmx_fault_is_plain(const struct deadmx_fault *fault);

/*
 * Records that a name can be given.
 * XX(ENUM, "yaml word", "yaml type", "one line for the reference")
 */
#define DEADMX_RECORD_MAP(XX)                                                  \
	XX(MX, "mx", "word|list word",                                         \
	   "its mail servers, each as 10 mx.dest.example; a dot alone says "   \
	   "that it takes no mail (RFC 7505)")                                 \
	XX(A, "a", "ip4|list ip4", "its IPv4 addresses")                       \
	XX(AAAA, "aaaa", "ip6|list ip6", "its IPv6 addresses")                 \
	XX(CNAME, "cname", "domain",                                           \
	   "the name that it is an alias of; it has no other records then")    \
	XX(TXT, "txt", "word|list word", "its texts, such as an SPF record")

enum deadmx_record_type {
#define XX(uc, word, type, doc) DEADMX_RECORD_##uc,
	DEADMX_RECORD_MAP(XX)
#undef XX
		DEADMX_RECORD_COUNT
};

struct deadmx_record {
	enum deadmx_record_type type;
	uint16_t preference; /* MX */
	char *value;	     /* address, name ("." = the root) or text */
};

struct deadmx_records {
	/* Bit of each type that was given, if only as an empty list: it takes
	 * the place of what the zone would hold by itself. */
	unsigned given;
	struct deadmx_record *list;
	size_t count;
};

/*
 * What DNS does with a question.
 * XX(ENUM, "yaml word", "one line for the reference")
 */
#define DEADMX_DNS_ACTION_MAP(XX)                                              \
	XX(ACCEPT, "accept", "answer as a healthy server does")                \
	XX(NXDOMAIN, "nxdomain", "no such name")                               \
	XX(NODATA, "nodata", "the name exists, but has no such records")       \
	XX(SERVFAIL, "servfail", "the server has failed")                      \
	XX(REFUSED, "refused", "the server will not answer this client")       \
	XX(NOTIMP, "notimp", "the server does not know such questions")        \
	XX(FORMERR, "formerr", "the server does not understand the question")  \
	XX(LAME, "lame",                                                       \
	   "the server does not hold the zone, and points to the root")        \
	XX(TIMEOUT, "timeout",                                                 \
	   "no answer; by TCP the connection stays open and silent")           \
	XX(DROP, "drop", "no answer; a TCP connection is closed")              \
	XX(TRUNCATE, "truncate",                                               \
	   "by UDP an empty answer that says: ask again by TCP")               \
	XX(TRUNCATE_PARTIAL, "truncate_partial",                               \
	   "by UDP half of the records, and: ask again by TCP")                \
	XX(WRONG_ID, "wrong_id", "the answer to a question of another id")     \
	XX(WRONG_QUESTION, "wrong_question",                                   \
	   "the answer to a question for another name")                        \
	XX(WRONG_OWNER, "wrong_owner",                                         \
	   "the question is repeated rightly, the records are another name's") \
	XX(MALFORMED, "malformed", "an answer that breaks off in a record")    \
	XX(GARBAGE, "garbage", "bytes that are no DNS message")                \
	XX(RECORDS, "records", "the records that the row gives")

enum deadmx_dns_action {
#define XX(uc, word, doc) DEADMX_DNS_ACTION_##uc,
	DEADMX_DNS_ACTION_MAP(XX)
#undef XX
		DEADMX_DNS_ACTION_COUNT
};

const char *deadmx_dns_action_word(enum deadmx_dns_action action);
int deadmx_dns_action_parse(const char *word, enum deadmx_dns_action *ret);

enum deadmx_transport {
	DEADMX_TRANSPORT_ANY,
	DEADMX_TRANSPORT_UDP,
	DEADMX_TRANSPORT_TCP,
};

/* How long an answer may be kept. */
struct deadmx_ttl {
	bool set;
	bool until_change; /* no longer than to the next edge of a window */
	uint32_t s;
};

/* A row of a name's timeline: the first that holds for a question applies. */
struct deadmx_name_row {
	struct deadmx_place place;
	struct deadmx_window window;
	uint16_t *types; /* of questions, IANA's numbers; none = all */
	size_t type_count;
	enum deadmx_transport transport;
	bool below; /* names below this one, too */
	enum deadmx_dns_action action;
	int64_t delay_ns; /* the answer comes so much later */
	struct deadmx_records records;
	struct deadmx_ttl ttl; /* not set: the name's */
};

/*
 * A name of DNS. What it is given takes the place of what the zone derives
 * from the servers' mx_for and address, type by type.
 */
struct deadmx_name {
	struct deadmx_place place;
	char *name;
	struct deadmx_records records;
	struct deadmx_ttl ttl; /* not set: DNS_TTL_S */
	struct deadmx_name_row *rows;
	size_t row_count;
};

/*
 * ESMTP extensions that a server can offer.
 * XX(ENUM, "EHLO word", offered unless the file says otherwise)
 */
#define DEADMX_EXTENSION_MAP(XX)                                               \
	XX(PIPELINING, "PIPELINING", true)		     /* RFC 2920 */    \
	XX(EIGHTBITMIME, "8BITMIME", true)		     /* RFC 6152 */    \
	XX(SIZE, "SIZE", true)				     /* RFC 1870 */    \
	XX(ENHANCEDSTATUSCODES, "ENHANCEDSTATUSCODES", true) /* RFC 2034 */    \
	XX(DSN, "DSN", true)				     /* RFC 3461 */    \
	XX(SMTPUTF8, "SMTPUTF8", true)			     /* RFC 6531 */    \
	XX(CHUNKING, "CHUNKING", true)			     /* RFC 3030 */    \
	XX(STARTTLS, "STARTTLS", false)			     /* RFC 3207 */    \
	XX(AUTH, "AUTH", false)				     /* RFC 4954 */

enum deadmx_extension {
#define XX(uc, word, offered) DEADMX_EXTENSION_##uc,
	DEADMX_EXTENSION_MAP(XX)
#undef XX
		DEADMX_EXTENSION_COUNT
};

const char *deadmx_extension_word(enum deadmx_extension extension);

enum {
	DEADMX_EXTENSIONS_DEFAULT = 0
#define XX(uc, word, offered) | (offered) << DEADMX_EXTENSION_##uc
	DEADMX_EXTENSION_MAP(XX)
#undef XX
};

/* What a greylist tells a delivery by; each is one bit. */
enum {
	DEADMX_GREYLIST_IP = 1,
	DEADMX_GREYLIST_SENDER = 2,
	DEADMX_GREYLIST_RECIPIENT = 4,
};

/* RFC 6647: who is not known yet is put off at RCPT. */
struct deadmx_greylist {
	struct deadmx_place place;
	int64_t delay_ns;  /* from the first attempt on; 0 = no greylist */
	int64_t forget_ns; /* not seen for longer: not known any more */
	unsigned by;	   /* DEADMX_GREYLIST_…, or'ed */
	char *reply;
};

/* What a server takes at most; 0 = no limit. */
struct deadmx_limits {
	struct deadmx_place place;
	uint32_t connections; /* open at once */
	uint32_t per_minute;  /* connections within any 60 s */
	uint32_t messages;    /* accepted in one connection */
	uint32_t recipients;  /* of one message */
	char *reply;	      /* to all but recipients; NULL = one of its own */
};

/*
 * How a frontend words that no backend could be had.
 * XX(ENUM, "yaml word", "one line for the reference")
 */
#define DEADMX_WRAP_MAP(XX)                                                    \
	XX(EXCHANGE, "exchange",                                               \
	   "451 4.4.0 with the error in quotes, as Exchange 2010 to 2013")     \
	XX(EXCHANGE_PROXY, "exchange_proxy",                                   \
	   "the same within 450 4.7.0 Proxy session setup failed on Frontend") \
	XX(EXCHANGE2016, "exchange2016",                                       \
	   "451 4.4.397 with the error behind an arrow, as Exchange 2016 on")  \
	XX(PLAIN, "plain", "451 4.4.1, the backend's address, the error")      \
	XX(OWN, "", "a reply of the scenario's")

enum deadmx_wrap {
#define XX(uc, word, doc) DEADMX_WRAP_##uc,
	DEADMX_WRAP_MAP(XX)
#undef XX
		DEADMX_WRAP_COUNT
};

/* A backend: a server of the world by its name, or an address of nobody. */
struct deadmx_backend {
	char *name;    /* or NULL */
	char *address; /* IPv4 or IPv6 literal; of no meaning with a name */
	uint16_t port; /* of the address */
};

/* A row of a relay's timeline; its last row is the relay's own `to`. */
struct deadmx_relay_row {
	struct deadmx_place place;
	struct deadmx_window window;
	struct deadmx_backend *backends; /* tried in this order */
	size_t backend_count;
};

/* A frontend hands mail on at once: it has no queue and no mailboxes. */
struct deadmx_relay {
	struct deadmx_place place;
	enum deadmx_stage at; /* MAIL, RCPT, DATA, DOT: from here on */
	int64_t timeout_ns;   /* for a connection and for each reply */
	enum deadmx_wrap wrap;
	char *reply; /* wrap OWN: with {error} and {endpoint} in it */
	struct deadmx_relay_row *rows;
	size_t row_count;
};

struct deadmx_server {
	struct deadmx_place place;
	char *name;	/* host name, e.g. mx1.dest.example */
	char *address;	/* IPv4 literal; assigned when the file has none */
	char *address6; /* IPv6 literal; NULL = it has none */
	uint16_t port;	/* 25 unless told */
	char **mx_for;	/* domains whose MX it is */
	size_t mx_for_count;
	/* Domains whose mail world.names leads here, now or then, beside
	 * those of mx_for. */
	char **led_here;
	size_t led_here_count;
	uint16_t preference; /* MX preference */
	unsigned extensions; /* 1 << enum deadmx_extension, or'ed */
	bool helo_only;	     /* refuses EHLO */
	/* What it shows in TLS; NULL: a good one with its own name. */
	struct deadmx_certificate *certificate;
	uint64_t size; /* bytes of the largest message; 0 = not told */
	struct deadmx_place size_place;
	struct deadmx_greylist greylist;
	struct deadmx_limits limits;
	struct deadmx_fault *faults;
	size_t fault_count;
	struct deadmx_relay *relay; /* a frontend; NULL: none */
	bool implicit; /* made by the parser: a sender's own MX, healthy */
};

struct deadmx_world {
	int64_t start_unix_s; /* virtual date of the first injection's world */
	int64_t until_ns;     /* the run ends here at the latest */
	struct deadmx_moment until_expiry; /* as in a window */
	struct deadmx_place until_place;   /* when it is given */
	int64_t settle_ns; /* watched on after all mail has ended */
	uint64_t seed;	   /* of all that is left to chance */
	struct deadmx_server *servers;
	size_t server_count;
	struct deadmx_name *names;
	size_t name_count;
};

struct deadmx_mail {
	struct deadmx_place place;
	int64_t at_ns;
	int64_t retry_ns; /* handed over again so long after it was not
			   * taken, until it is; 0 = once only */
	char *from; /* reverse-path without <>; "" is the null reverse-path */
	char **to;  /* forward-paths */
	size_t to_count;
	char *subject;
	char *body;	   /* text; CRLF and dots are the sender's business */
	uint64_t size;	   /* bytes that lines are added to it for; 0 = none */
	bool via_sendmail; /* by the target's sendmail command, else SMTP */
	bool via_said;	   /* the scenario asks for just this way */
	char *notify;	   /* DSN NOTIFY value, or NULL */
	char *ret;	   /* FULL or HDRS, or NULL */
	char *envid;	   /* or NULL */
	char *orcpt;	   /* ORCPT of every recipient, as sent, or NULL */
	char *by;	   /* DELIVERBY value such as 600;R, or NULL */
};

struct deadmx_expect_ndr {
	struct deadmx_place place;
	char *recipient; /* NULL = every recipient of the mail */
	struct deadmx_text action;
	struct deadmx_text status;
	struct deadmx_text diagnostic;
	struct deadmx_text text; /* somewhere in the human-readable part */
	struct deadmx_range after_ns;
};

/*
 * How much a check of the judge counts in a scenario.
 * XX(ENUM, "yaml word", "one line for the reference")
 */
#define DEADMX_CHECK_MAP(XX)                                                   \
	XX(OFF, "off", "nothing is said of it")                                \
	XX(NOTE, "note", "for information")                                    \
	XX(SHOULD, "should", "reported; fails with --strict")                  \
	XX(MUST, "must", "makes the verdict fail")

enum deadmx_check_severity {
#define XX(uc, word, doc) DEADMX_CHECK_##uc,
	DEADMX_CHECK_MAP(XX)
#undef XX
		DEADMX_CHECK_COUNT
};

const char *deadmx_check_word(enum deadmx_check_severity severity);

/* A check that counts otherwise than the judge has it. */
struct deadmx_check {
	struct deadmx_place place;
	char *id; /* rfc3464/2.3.4/status-class; the judge knows which are */
	enum deadmx_check_severity severity;
	char *reason;
};

/* What the scenario asks of something that may or must not come. */
enum deadmx_wanted {
	DEADMX_WANTED_ANY,  /* nothing said */
	DEADMX_WANTED_NONE, /* must not come */
	DEADMX_WANTED_YES,  /* must come */
};

struct deadmx_expect {
	struct deadmx_place place;
	struct deadmx_range attempts;
	struct deadmx_place attempts_place;
	struct deadmx_range gaps_ns; /* each gap between two attempts */
	struct deadmx_place gaps_place;
	int64_t *first_attempts_ns; /* the first N attempt times */
	size_t first_attempt_count;
	int64_t first_attempts_tolerance_ns; /* 60 s unless told */
	struct deadmx_place first_attempts_place;
	enum deadmx_wanted delay_notice;
	struct deadmx_range delay_notice_after_ns;
	struct deadmx_place delay_notice_place;
	enum deadmx_wanted ndr;
	struct deadmx_place ndr_place;
	struct deadmx_expect_ndr *ndrs; /* when YES: one or more rows */
	size_t ndr_count;
	enum deadmx_wanted delivered;
	struct deadmx_range delivered_after_ns;
	struct deadmx_range delivered_count;
	struct deadmx_place delivered_place;
	/* NONE: no round goes on to a second host. YES: from host to host in
	 * the order of preference, or in that of failover_hosts. */
	enum deadmx_wanted failover;
	char **failover_hosts; /* server names, or none */
	size_t failover_host_count;
	struct deadmx_place failover_place;
	struct deadmx_range duplicates; /* surplus deliveries of one mail */
	struct deadmx_place duplicates_place;
	bool no_fault_ok; /* a control: no fault is meant to fire */
	struct deadmx_check *checks;
	size_t check_count;
};

/*
 * What is done to the MTA itself in mid-run.
 * XX(ENUM, "yaml word", "one line for the reference")
 */
#define DEADMX_MTA_MAP(XX)                                                     \
	XX(RESTART, "restart", "stopped in good order, and started again")     \
	XX(KILL, "kill",                                                       \
	   "all its processes killed (SIGKILL), and started again")            \
	XX(STOP, "stop", "stopped in good order")                              \
	XX(START, "start", "started after a stop")                             \
	XX(DISK_FULL, "disk_full",                                             \
	   "left with no room on the disk that holds its queue (/var/spool)")  \
	XX(DISK_FREE, "disk_free", "given that room back")

enum deadmx_mta_action {
#define XX(uc, word, doc) DEADMX_MTA_##uc,
	DEADMX_MTA_MAP(XX)
#undef XX
		DEADMX_MTA_COUNT
};

const char *deadmx_mta_word(enum deadmx_mta_action action);

struct deadmx_mta_step {
	struct deadmx_place place;
	int64_t at_ns;
	struct deadmx_moment at_expiry; /* as in a window */
	enum deadmx_mta_action action;
};

struct deadmx_scenario {
	char *file;	 /* as the user named it */
	char *name;	 /* e.g. offline/refused_expires: last folder + stem,
			  * and /CASE behind it when the file has a matrix */
	char *case_name; /* mail-451, or NULL */
	char *description;
	char **tags;
	size_t tag_count;
	struct deadmx_world world;
	struct deadmx_mail *mails;
	size_t mail_count;
	struct deadmx_mta_step *mta_steps; /* in the order of time */
	size_t mta_step_count;
	struct deadmx_expect expect;
	/* Overrides of the target by name, e.g. delay_warning: 4h. */
	struct deadmx_setting {
		char *name;
		char *value;
		struct deadmx_place place;
	} * settings;
	size_t setting_count;
	int64_t expiry_ns; /* see deadmx_scenario_set_expiry() */
	/* Replies that the file names itself, for rows that come later. */
	const struct reply_catalogue_entry *replies;
	size_t reply_count;
	void *arena; /* private to the parser: strings and place files */
	const struct deadmx_scenario_origin *origin; /* private, for storing */
};

/* The cases of a scenario file; one when it has no matrix. */
struct deadmx_scenario_list {
	struct deadmx_scenario **cases;
	size_t count;
};

/* Limits. All are tested in tests/unit/test_scenario.c. */
enum {
	DEADMX_SCENARIO_BYTES_MAX = 1 << 20, /* one file */
	DEADMX_INCLUDE_FILES_MAX = 32, /* of one scenario, each use counted */
	DEADMX_INCLUDE_DEPTH_MAX = 8,
	DEADMX_MATRIX_NAMES_MAX = 8,
	DEADMX_MATRIX_CASES_MAX = 500,
	DEADMX_MATRIX_LABEL_LEN_MAX = 40,	   /* bytes of a value's name */
	DEADMX_MATRIX_NODES_MAX = 250 * 1000,	   /* of all cases together */
	DEADMX_MATRIX_BYTES_MAX = 4 * 1024 * 1024, /* the same, texts */
	DEADMX_SCENARIO_DEPTH_MAX = 32,		   /* nesting of YAML nodes */
	DEADMX_SCENARIO_ERRORS_MAX = 50, /* printed, then it gives up */
	DEADMX_SCENARIO_SERVERS_MAX = 200,
	DEADMX_SCENARIO_FAULTS_MAX = 500, /* per server; rows per name */
	DEADMX_SCENARIO_NAMES_MAX = 200,
	DEADMX_SCENARIO_RECORDS_MAX = 2000, /* of all names and their rows */
	DEADMX_SCENARIO_TYPES_MAX = 20, /* of questions, per row of a name */
	DEADMX_RECORD_TEXT_MAX = 4000,	/* bytes of one TXT record */
	DEADMX_SCENARIO_MAILS_MAX = 1000,
	DEADMX_SCENARIO_MTA_STEPS_MAX = 100,
	DEADMX_SCENARIO_CHECKS_MAX = 200,
	DEADMX_SCENARIO_RECIPIENTS_MAX = 1000, /* per mail */
	DEADMX_SCENARIO_SIZES_MAX = 64 << 20,  /* sum of all mails' sizes */
	DEADMX_RELAY_ROWS_MAX = 100,	       /* per frontend */
	DEADMX_RELAY_BACKENDS_MAX = 20,	       /* of one row */
	DEADMX_REPLY_LEN_MAX = 4096,	       /* bytes of one reply */
	DEADMX_MESSAGE_BYTES_MAX = 10 << 20,   /* that a server takes */
	DEADMX_LIMIT_MAX = 10000,	       /* connections and the like */
	DEADMX_DURATION_MAX_D = 36500,	       /* days; keeps sums in int64 */
	DEADMX_ADDRESS_LEN_MAX = 320,	       /* bytes of a mail address */
	DEADMX_CERTIFICATE_NAMES_MAX = 100,    /* of one certificate */
	DEADMX_REGEX_LEN_MAX = 1000,	       /* bytes */
	DEADMX_REGEX_SIZE_MAX = 60 * 1000,     /* bytes, compiled */
	DEADMX_REGEX_COST_MAX = 8000 * 1000,   /* of all in a document */
};

/*
 * Read a scenario file with all its cases. On success 0 and *ret, for
 * deadmx_scenario_list_release(). On a faulty file -EINVAL, and every error
 * has been written to @errors as "file:line:column: what, expected, got; hint"
 * with the line shown. Other negative errno: the file could not be read (also
 * written to @errors). What the file may include: docs/scenarios.md.
 */
int deadmx_scenario_load_all(const char *path, FILE *errors,
			     struct deadmx_scenario_list *ret);
void deadmx_scenario_list_release(struct deadmx_scenario_list *list);
/*
 * The same for one case: that called @name, or the only one there is when it
 * is NULL; else -EINVAL, and a line on @errors that names the cases. Free with
 * deadmx_scenario_free().
 */
int deadmx_scenario_load_case(const char *path, const char *name, FILE *errors,
			      struct deadmx_scenario **ret);
int deadmx_scenario_load(const char *path, FILE *errors,
			 struct deadmx_scenario **ret);
/* The same from memory; @name stands for the path. It can include nothing. */
int deadmx_scenario_parse(const char *name, const char *text, size_t len,
			  FILE *errors, struct deadmx_scenario **ret);
void deadmx_scenario_free(struct deadmx_scenario *scenario);

/*
 * Write into the folder @dir what deadmx_scenario_load_stored() reads as the
 * same scenario again, places and all, whatever files it came from. 0 or a
 * negative errno with a line on @errors.
 */
int deadmx_scenario_store(const struct deadmx_scenario *s, const char *dir,
			  FILE *errors);
/* @file: what the scenario's file was called then; NULL = DIR/scenario.yml. */
int deadmx_scenario_load_stored(const char *dir, const char *file, FILE *errors,
				struct deadmx_scenario **ret);

/*
 * Mail expires @expiry_ns after it was sent: what is written as "expiry" is
 * moved there. A scenario is loaded with the one that it sets (lifetime in its
 * settings), else with DEADMX_EXPIRY_DEFAULT_NS. False, with what is wrong in
 * @why, when a window is then empty or the run over before it.
 */
#define DEADMX_EXPIRY_DEFAULT_NS (5 * 86400 * DEADMX_NS_PER_S)
bool deadmx_scenario_set_expiry(struct deadmx_scenario *s, int64_t expiry_ns,
				char *why, size_t why_len);
/* Its own lifetime setting; 0 = none, -EINVAL = not a duration. */
int64_t deadmx_scenario_lifetime(const struct deadmx_scenario *s);

/* The language as a JSON Schema (draft 7) for editors; 0 or -EIO. */
int deadmx_scenario_schema(FILE *out);

/*
 * "4h30m" → ns. Units d h m s ms, each at most once, the largest first; a
 * bare number other than 0 is -EINVAL, more than DEADMX_DURATION_MAX_D days
 * are -ERANGE.
 */
int deadmx_duration_parse(const char *text, int64_t *ret_ns);
/* ns → "5 d 0 h 20 min" style text for people, into @buf; returns @buf. */
const char *deadmx_duration_format(int64_t ns, char *buf, size_t len);
/*
 * "2030-01-01T00:00:00Z" or "2030-01-01" → seconds since 1970, UTC. Years
 * 1970 to 2100; -EINVAL for another form, -ERANGE for no such date.
 */
int deadmx_date_parse(const char *text, int64_t *ret_unix_s);

/* May mail for @domain come to @server, by mx_for or by a name? */
bool deadmx_server_takes(const struct deadmx_server *server,
			 const char *domain);
/* Is it more than an exception: does it change what DNS says? */
bool deadmx_name_row_is_fault(const struct deadmx_name_row *row);
/* The entry of world.names called @name; NULL when none. */
const struct deadmx_name *deadmx_scenario_name(const struct deadmx_scenario *s,
					       const char *name);
/*
 * What is wrong with @certificate, shown by @server at @now_ns: EXPIRED,
 * NOT_YET_VALID, UNTRUSTED, SELF_SIGNED or WRONG_NAME, the first that holds;
 * ACCEPT when nothing is. In what unit times are doesn't matter.
 */
enum deadmx_action
deadmx_certificate_fault(const struct deadmx_server *server,
			 const struct deadmx_certificate *certificate,
			 int64_t now_ns);

/* The server that is called @name or has @address; NULL when none. */
const struct deadmx_server *
deadmx_scenario_server(const struct deadmx_scenario *s, const char *name);
const struct deadmx_server *
deadmx_scenario_server_at(const struct deadmx_scenario *s, const char *address,
			  uint16_t port);

#endif
