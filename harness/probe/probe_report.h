/* SPDX-License-Identifier: MIT */
/*
 * What a probe found: hosts, steps, and where it ended, as one tree in
 * memory. The printers read nothing else.
 *
 * Strings live in the report's arena and may hold whatever a server sent;
 * making them safe to look at is the printers' business.
 */
#ifndef HARNESS_PROBE_REPORT_H
#define HARNESS_PROBE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deadmx/arena.h"
#include "harness/probe/probe_tls.h"

/* XX(ENUM, "word", "what it is") */
#define PROBE_STEP_MAP(XX)                                                     \
	XX(MX, "mx", "the question for the domain's mail servers")             \
	XX(ADDRESS, "address", "the question for a server's addresses")        \
	XX(CONNECT, "connect", "the TCP connection")                           \
	XX(BANNER, "banner", "the greeting that the server sends first")       \
	XX(EHLO, "ehlo", "the reply to EHLO; a second one under TLS")          \
	XX(HELO, "helo", "the reply to HELO, when EHLO was refused")           \
	XX(STARTTLS, "starttls", "the reply to STARTTLS")                      \
	XX(TLS, "tls", "the TLS handshake and the certificate")                \
	XX(MAIL, "mail", "the reply to MAIL FROM")                             \
	XX(RCPT, "rcpt", "the reply to RCPT TO")                               \
	XX(QUIT, "quit", "the reply to QUIT")

enum probe_step_kind {
#define XX(uc, word, doc) PROBE_STEP_##uc,
	PROBE_STEP_MAP(XX)
#undef XX
		PROBE_STEP_COUNT
};

const char *probe_step_word(enum probe_step_kind kind);

/*
 * How the way to one address, host or domain ended, and what an MTA would
 * report of it. docs/probe.md has this table with the sources.
 * XX(ENUM, "word", reply code, "X.Y.Z", "what it means"); 0 and NULL: those of
 * the server's reply, or none.
 */
#define PROBE_END_MAP(XX)                                                      \
	XX(NONE, "none", 0, NULL, "not tried")                                 \
	XX(ACCEPTED, "accepted", 0, NULL, "the recipient was accepted")        \
	XX(REPLY, "reply", 0, NULL, "the server said no")                      \
	XX(NO_DOMAIN, "no_domain", 550, "5.1.2", "there is no such domain")    \
	XX(NULL_MX, "null_mx", 556, "5.1.10", "the domain takes no mail")      \
	XX(NO_ADDRESS, "no_address", 550, "5.4.4",                             \
	   "there is no address to connect to")                                \
	XX(DNS, "dns", 451, "4.4.3", "the DNS gave no usable answer")          \
	XX(CONNECT, "connect", 421, "4.4.1", "no connection came about")       \
	XX(LOST, "lost", 421, "4.4.2", "the connection broke off")             \
	XX(TIMEOUT, "timeout", 421, "4.4.2", "the server did not answer")      \
	XX(PROTOCOL, "protocol", 451, "4.5.0",                                 \
	   "the server said something that is no SMTP reply")                  \
	XX(NO_TLS, "no_tls", 454, "4.7.4", "TLS is asked for, not offered")    \
	XX(TLS, "tls", 454, "4.7.5", "the TLS handshake failed")               \
	XX(CERTIFICATE, "certificate", 454, "4.7.5",                           \
	   "the certificate is not to be trusted")                             \
	XX(NO_SMTPUTF8, "no_smtputf8", 550, "5.6.7",                           \
	   "the address needs SMTPUTF8, which is not offered")                 \
	XX(INTERRUPTED, "interrupted", 0, NULL, "stopped by a signal")

enum probe_end_kind {
#define XX(uc, word, code, status, doc) PROBE_END_##uc,
	PROBE_END_MAP(XX)
#undef XX
		PROBE_END_COUNT
};

const char *probe_end_word(enum probe_end_kind kind);
const char *probe_end_doc(enum probe_end_kind kind);

struct probe_end {
	enum probe_end_kind kind;
	enum probe_step_kind step; /* at which it ended */
	int code;		   /* 0: none */
	const char *status;	   /* NULL: none */
	const char *text;	   /* the reply, or what happened */
};

/* The end of @kind with the codes of its row. */
struct probe_end probe_end_make(enum probe_end_kind kind,
				enum probe_step_kind step, const char *text);
/* An MTA would send the message back at once. */
bool probe_end_is_permanent(const struct probe_end *end);
/* No other host is tried: a yes, or a no that is about the message. */
bool probe_end_is_final(const struct probe_end *end);

enum probe_mark {
	PROBE_MARK_OK,
	PROBE_MARK_WARNING, /* an admin should know; mail goes through */
	PROBE_MARK_FAILED,
};

struct probe_step {
	enum probe_step_kind kind;
	enum probe_mark mark;
	const char *host;    /* NULL at the domain's own steps */
	const char *address; /* NULL before there is one */
	int64_t took_ns;
	int code;	    /* of the server's reply; 0: none */
	const char *status; /* in the reply; NULL: none */
	const char *reply;  /* lines split by \n, or NULL */
	const char *text;   /* what else is to be said, or NULL */
	const struct probe_tls_peer *peer; /* of TLS, or NULL */
};

struct probe_target {
	const char *address; /* IP address as text */
	struct probe_end end;
};

struct probe_host {
	const char *name; /* or the IP address of an address literal */
	int preference;	  /* -1: no MX record */
	struct probe_target *targets;
	size_t target_count;
	struct probe_end end; /* without targets: why; else NONE */
};

struct probe_report {
	struct deadmx_arena *arena;
	const char *address, *domain;
	const char *from, *helo; /* helo: NULL until one was sent */
	struct probe_host *hosts;
	size_t host_count;
	struct probe_end domain_end; /* no hosts: why; else NONE */
	bool time_over; /* not all was tried that an MTA would try */
	int64_t took_ns;
	struct probe_step *steps; /* doubles as it grows */
	size_t step_count;
};

void probe_report_init(struct probe_report *report);
void probe_report_release(struct probe_report *report);
/* A copy of @step at the end; returns it, valid until the next one. */
const struct probe_step *probe_report_add(struct probe_report *report,
					  const struct probe_step *step);

struct probe_verdict {
	struct probe_end end;
	const struct probe_host *host;	   /* NULL: the domain's own end */
	const struct probe_target *target; /* NULL: the host's own end */
};

/*
 * The end that counts: the first final one; else the last temporary one,
 * because of which an MTA would keep the message; else the last.
 */
struct probe_verdict probe_report_verdict(const struct probe_report *report);

#endif
