/* SPDX-License-Identifier: MIT */
/*
 * One side of one TLS session: ciphertext in, plaintext out, and the reverse.
 *
 * OpenSSL over memory BIOs. It has no socket and no clock: certificates are
 * looked at by the client, on the client's clock. Nothing is resumed and
 * nothing renegotiated, so that each connection shows its certificate anew.
 * Make it when a client begins its handshake, not before: a session costs
 * some 11 KiB, and some 50 more during the handshake.
 *
 * Servers are the world's, which MTAs meet. The client is the sender's, who
 * hands mail to the MTA.
 */
#ifndef SIM_TLS_H
#define SIM_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "sim/tls_cert.h"

/* Limits, tested in tests/unit/test_tls.c. */
enum {
	/* Bytes of ciphertext that a session holds and hasn't looked at. */
	TLS_INPUT_MAX = 16 << 10,
};

/* What the server can do. */
enum tls_profile {
	TLS_PROFILE_MODERN,    /* TLS 1.2 and 1.3 */
	TLS_PROFILE_NO_CIPHER, /* TLS 1.2 without encryption, nothing else */
	TLS_PROFILE_OLD,       /* TLS 1.0, nothing else */
};

enum tls_state {
	TLS_STATE_HANDSHAKE,
	TLS_STATE_OPEN,
	TLS_STATE_CLOSED, /* nothing more comes from the peer */
	TLS_STATE_FAILED, /* see tls_error(); an alert may be in the output */
};

struct tls_context; /* what all sessions of a world share */
struct tls;

/* NULL: OpenSSL is out of memory, or can't do what we need. */
struct tls_context *tls_context_new(void);
void tls_context_free(struct tls_context *ctx);

/* A server's. @cert must outlive the session. NULL as above. */
struct tls *tls_new(struct tls_context *ctx, const struct tls_cert *cert,
		    enum tls_profile profile);
/*
 * A client's, which has begun: see tls_output(). It takes any certificate, for
 * it is to test how the MTA sends, not how it is reached. NULL as above.
 */
struct tls *tls_new_client(struct tls_context *ctx);
void tls_free(struct tls *t);

/* How much ciphertext may be fed: 0 while plaintext has to be read. */
size_t tls_room(const struct tls *t);
/* Ciphertext from the peer, at most tls_room(). */
void tls_feed(struct tls *t, const void *bytes, size_t len);
/* Plaintext from the peer; bytes read, 0 when there is none. */
size_t tls_read(struct tls *t, void *buf, size_t len);
/* Plaintext for the peer; nobody hears it before the handshake is done. */
void tls_write(struct tls *t, const void *bytes, size_t len);
/* Nothing more will be written: tell the peer so. */
void tls_end(struct tls *t);
/* The peer hung up, which is an error in the handshake only. */
void tls_hangup(struct tls *t);

/* What is to be sent: how much, and take @len of it. */
size_t tls_output(const struct tls *t);
void tls_take(struct tls *t, void *buf, size_t len);

enum tls_state tls_state(const struct tls *t);
/* "TLSv1.3" and "TLS_AES_256_GCM_SHA384"; NULL before they are agreed on. */
const char *tls_version(const struct tls *t);
const char *tls_cipher(const struct tls *t);
/* The host that the client asked for (RFC 6066 3), or NULL. */
const char *tls_server_name(const struct tls *t);
/* Why it failed, in OpenSSL's words or ours, or NULL. */
const char *tls_error(const struct tls *t);

#endif
