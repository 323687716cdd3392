/* SPDX-License-Identifier: MIT */
/*
 * TLS of a probe, by OpenSSL: handshake with a deadline, and everything that
 * can be said about the server's certificate.
 *
 * The certificate is always verified and never ends the handshake: what to
 * make of a bad one is the caller's policy.
 */
#ifndef HARNESS_PROBE_TLS_H
#define HARNESS_PROBE_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "deadmx/arena.h"
#include "harness/probe/probe_net.h"

/* XX(ENUM, "word", "line for help and reference") */
#define PROBE_TLS_MAP(XX)                                                      \
	XX(NONE, "none", "no STARTTLS at all")                                 \
	XX(MAY, "may", "when it is offered; plain text when it fails")         \
	XX(ENCRYPT, "encrypt", "TLS or nothing, whatever the certificate")     \
	XX(VERIFY, "verify", "TLS with a certificate that can be trusted")

enum probe_tls_level {
#define XX(uc, word, doc) PROBE_TLS_##uc,
	PROBE_TLS_MAP(XX)
#undef XX
		PROBE_TLS_COUNT
};

/* 0, or -EINVAL when no row has @word. */
int probe_tls_level_parse(const char *word, enum probe_tls_level *ret);
const char *probe_tls_level_doc(enum probe_tls_level level);
const char *probe_tls_level_word(enum probe_tls_level level);

enum { PROBE_TLS_NAMES_MAX = 100, PROBE_TLS_PROBLEMS_MAX = 16 };

struct probe_tls_peer {
	const char *version, *cipher; /* "TLSv1.3", … */
	const char *subject, *issuer; /* NULL without a certificate */
	const char *key;	      /* "RSA 2048" */
	const char *from, *until;     /* "2030-01-01T00:00:00Z" */
	int days_left;		      /* until @until; negative: over */
	const char *names[PROBE_TLS_NAMES_MAX]; /* that it is for */
	size_t name_count;
	bool names_cut; /* there are more */
	const char *problems[PROBE_TLS_PROBLEMS_MAX];
	size_t problem_count; /* 0: verified */
};

/*
 * Roots from the file @ca, NULL: the system's. 0; -EINVAL: @ca can't be read
 * or holds none, told on @errors; -ENOMEM.
 */
int probe_tls_context_new(const char *ca, FILE *errors, SSL_CTX **ret);
/* The system has root certificates where OpenSSL looks for them. */
bool probe_tls_has_roots(void);

/*
 * Handshake on @fd with the server @host (a name, or an IP address), whose
 * name goes into the SNI. 0: *@ret_ssl is the caller's to free, and @peer is
 * filled in. Negative errno; then @why says more when it is -EPROTO.
 */
int probe_tls_connect(SSL_CTX *ctx, const struct probe_net *net, int fd,
		      const char *host, int64_t deadline_ns,
		      struct deadmx_arena *arena, struct probe_tls_peer *peer,
		      const char **why, SSL **ret_ssl);
/* As probe_net_read() and probe_net_write(). */
ssize_t probe_tls_read(const struct probe_net *net, SSL *ssl, void *buf,
		       size_t len, int64_t deadline_ns);
int probe_tls_write(const struct probe_net *net, SSL *ssl, const void *buf,
		    size_t len, int64_t deadline_ns);

#endif
