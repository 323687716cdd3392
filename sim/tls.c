/* SPDX-License-Identifier: MIT */
/* One side of one TLS session: see tls.h. */
#include "sim/tls.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

enum {
	FRAGMENT_MAX = 4096, /* bytes of a record that we send */
};

struct tls_context {
	SSL_CTX *ssl_ctx;
};

struct tls {
	SSL *ssl;
	BIO *in, *out; /* the session's */
	enum tls_state state;
	const char *error; /* OpenSSL's or ours, static */
};

/*
 * The machine's openssl.cnf stays out of it: a server of the world is the
 * same everywhere.
 */
struct tls_context *tls_context_new(void)
{
	struct tls_context *ctx = calloc(1, sizeof(*ctx));

	assert(ctx);
	OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	ctx->ssl_ctx = SSL_CTX_new(TLS_method());
	if (!ctx->ssl_ctx) {
		free(ctx);
		return NULL;
	}
	SSL_CTX_set_options(ctx->ssl_ctx, SSL_OP_NO_RENEGOTIATION |
						  SSL_OP_NO_TICKET |
						  SSL_OP_NO_COMPRESSION);
	/* Without tickets TLS 1.3 would hand out keys to the session cache. */
	SSL_CTX_set_num_tickets(ctx->ssl_ctx, 0);
	SSL_CTX_set_session_cache_mode(ctx->ssl_ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx->ssl_ctx, SSL_MODE_RELEASE_BUFFERS);
	/* A reply is short: no need for a buffer of 16 KiB. */
	SSL_CTX_set_max_send_fragment(ctx->ssl_ctx, FRAGMENT_MAX);
	return ctx;
}

void tls_context_free(struct tls_context *ctx)
{
	if (!ctx)
		return;
	SSL_CTX_free(ctx->ssl_ctx);
	free(ctx);
}

/*
 * Level 0 allows what is too weak today: that is what the client has to
 * refuse, not we.
 */
static bool set_profile(SSL *ssl, enum tls_profile profile)
{
	switch (profile) {
	case TLS_PROFILE_MODERN:
		return SSL_set_min_proto_version(ssl, TLS1_2_VERSION);
	case TLS_PROFILE_NO_CIPHER:
		SSL_set_security_level(ssl, 0);
		return SSL_set_min_proto_version(ssl, TLS1_2_VERSION) &&
		       SSL_set_max_proto_version(ssl, TLS1_2_VERSION) &&
		       SSL_set_cipher_list(ssl, "eNULL");
	case TLS_PROFILE_OLD:
		SSL_set_security_level(ssl, 0);
		return SSL_set_min_proto_version(ssl, TLS1_VERSION) &&
		       SSL_set_max_proto_version(ssl, TLS1_VERSION);
	}
	return false;
}

static bool set_cert(SSL *ssl, const struct tls_cert *cert)
{
	return SSL_use_certificate(ssl, cert->leaf) &&
	       SSL_use_PrivateKey(ssl, cert->key) &&
	       (!cert->root || SSL_add1_chain_cert(ssl, cert->root));
}

static struct tls *session_new(struct tls_context *ctx)
{
	struct tls *t = calloc(1, sizeof(*t));

	assert(t);
	t->ssl = SSL_new(ctx->ssl_ctx);
	t->in = BIO_new(BIO_s_mem());
	t->out = BIO_new(BIO_s_mem());
	if (!t->ssl || !t->in || !t->out) {
		BIO_free(t->in);
		BIO_free(t->out);
		SSL_free(t->ssl);
		free(t);
		return NULL;
	}
	SSL_set_bio(t->ssl, t->in, t->out);
	return t;
}

struct tls *tls_new(struct tls_context *ctx, const struct tls_cert *cert,
		    enum tls_profile profile)
{
	struct tls *t = session_new(ctx);

	if (!t)
		return NULL;
	if (!set_profile(t->ssl, profile) || !set_cert(t->ssl, cert)) {
		tls_free(t);
		return NULL;
	}
	SSL_set_accept_state(t->ssl);
	return t;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl); /* and the BIOs */
	free(t);
}

static void fail(struct tls *t, const char *why)
{
	t->state = TLS_STATE_FAILED;
	t->error = why;
}

void tls_hangup(struct tls *t)
{
	if (t->state == TLS_STATE_HANDSHAKE)
		t->error = SSL_is_server(t->ssl) ? "the client hung up"
						 : "the server hung up";
	if (t->state != TLS_STATE_FAILED)
		t->state = TLS_STATE_CLOSED;
}

/* What OpenSSL says of a call that returned @rc. */
static void look(struct tls *t, int rc)
{
	const char *why;

	switch (SSL_get_error(t->ssl, rc)) {
	case SSL_ERROR_NONE:
	case SSL_ERROR_WANT_READ:
		return;
	case SSL_ERROR_ZERO_RETURN:
		tls_hangup(t);
		return;
	default:
		/* The first one is nearest to the cause. */
		why = ERR_reason_error_string(ERR_peek_error());
		fail(t, why ? why : "TLS error");
	}
}

static void shake_hands(struct tls *t)
{
	int rc;

	ERR_clear_error();
	rc = SSL_do_handshake(t->ssl);
	if (rc == 1)
		t->state = TLS_STATE_OPEN;
	else
		look(t, rc);
}

/* Level 0: the MTA's key and certificate may be as weak as they like. */
struct tls *tls_new_client(struct tls_context *ctx)
{
	struct tls *t = session_new(ctx);

	if (!t)
		return NULL;
	SSL_set_security_level(t->ssl, 0);
	SSL_set_verify(t->ssl, SSL_VERIFY_NONE, NULL);
	SSL_set_connect_state(t->ssl);
	shake_hands(t);
	return t;
}

size_t tls_room(const struct tls *t)
{
	size_t held = BIO_ctrl_pending(t->in);

	if (t->state == TLS_STATE_CLOSED || t->state == TLS_STATE_FAILED)
		return TLS_INPUT_MAX;
	return held < TLS_INPUT_MAX ? TLS_INPUT_MAX - held : 0;
}

void tls_feed(struct tls *t, const void *bytes, size_t len)
{
	int n;

	assert(len <= tls_room(t));
	if (t->state == TLS_STATE_CLOSED || t->state == TLS_STATE_FAILED)
		return;
	n = BIO_write(t->in, bytes, (int)len);
	assert(n == (int)len);
	if (t->state == TLS_STATE_HANDSHAKE)
		shake_hands(t);
}

size_t tls_read(struct tls *t, void *buf, size_t len)
{
	size_t n = 0;
	int rc;

	if (t->state != TLS_STATE_OPEN || !len)
		return 0;
	ERR_clear_error();
	rc = SSL_read_ex(t->ssl, buf, len, &n);
	if (rc == 1)
		return n;
	look(t, rc);
	return 0;
}

/* A peer that has closed its side may still listen. */
static bool can_write(const struct tls *t)
{
	return t->state == TLS_STATE_OPEN ||
	       (t->state == TLS_STATE_CLOSED && SSL_is_init_finished(t->ssl));
}

void tls_write(struct tls *t, const void *bytes, size_t len)
{
	size_t n = 0;
	int rc;

	if (!len || !can_write(t))
		return;
	ERR_clear_error();
	/* Into memory, so all of it, unless OpenSSL breaks down. */
	rc = SSL_write_ex(t->ssl, bytes, len, &n);
	if (rc != 1)
		look(t, rc);
}

void tls_end(struct tls *t)
{
	if (!can_write(t))
		return;
	ERR_clear_error();
	SSL_shutdown(t->ssl);
}

size_t tls_output(const struct tls *t)
{
	return BIO_ctrl_pending(t->out);
}

void tls_take(struct tls *t, void *buf, size_t len)
{
	int n;

	assert(len <= tls_output(t));
	if (!len)
		return;
	n = BIO_read(t->out, buf, (int)len);
	assert(n == (int)len);
}

enum tls_state tls_state(const struct tls *t)
{
	return t->state;
}

/* Failed before that, it would be the highest one that we speak. */
const char *tls_version(const struct tls *t)
{
	return SSL_get_current_cipher(t->ssl) ? SSL_get_version(t->ssl) : NULL;
}

const char *tls_cipher(const struct tls *t)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(t->ssl);

	return cipher ? SSL_CIPHER_get_name(cipher) : NULL;
}

const char *tls_server_name(const struct tls *t)
{
	return SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name);
}

const char *tls_error(const struct tls *t)
{
	return t->error;
}
