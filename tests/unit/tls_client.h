/* SPDX-License-Identifier: MIT */
/*
 * A TLS client in the same process, for the tests of the server's side: it
 * trusts one root and looks at dates by a clock that the test sets.
 */
#ifndef TESTS_UNIT_TLS_CLIENT_H
#define TESTS_UNIT_TLS_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/tls.h"
#include "sim/tls_cert.h"

#define STR(s)	    ((char *)(s))
#define TLS_NOW	    INT64_C(1893456000) /* 2030-01-01 */
#define unused_func __attribute__((unused))

struct tls_client {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out;
	int reason; /* why its handshake failed */
};

/* The trusted root, as an MTA gets it: from the file. */
static unused_func void tls_client_trust(SSL_CTX *ctx,
					 const struct tls_authority *a)
{
	char path[] = "/tmp/deadmx-test-ca-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(tls_authority_write(a, path), 0);
	assert_int_equal(SSL_CTX_load_verify_file(ctx, path), 1);
	unlink(path);
}

/* It verifies, and looks for @host in the certificate when it isn't NULL. */
static unused_func void tls_client_init(struct tls_client *c,
					const struct tls_authority *a,
					int64_t unix_s, const char *host)
{
	c->ctx = SSL_CTX_new(TLS_client_method());
	assert_non_null(c->ctx);
	tls_client_trust(c->ctx, a);
	c->ssl = SSL_new(c->ctx);
	assert_non_null(c->ssl);
	SSL_set_verify(c->ssl, SSL_VERIFY_PEER, NULL);
	X509_VERIFY_PARAM_set_time(SSL_get0_param(c->ssl), (time_t)unix_s);
	if (host) {
		assert_int_equal(SSL_set1_host(c->ssl, host), 1);
		SSL_set_tlsext_host_name(c->ssl, host);
	}
	c->in = BIO_new(BIO_s_mem());
	c->out = BIO_new(BIO_s_mem());
	SSL_set_bio(c->ssl, c->in, c->out);
	SSL_set_connect_state(c->ssl);
}

static unused_func void tls_client_release(struct tls_client *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
}

/* Carry what each side has to say to the other; false: nothing moved. */
static unused_func bool tls_client_carry(struct tls_client *c, struct tls *t)
{
	char buf[4096];
	bool moved = false;
	size_t n;
	int rc;

	while ((n = tls_output(t)) > 0) {
		n = n < sizeof(buf) ? n : sizeof(buf);
		tls_take(t, buf, n);
		assert_int_equal(BIO_write(c->in, buf, (int)n), (int)n);
		moved = true;
	}
	while (tls_room(t) >= sizeof(buf) &&
	       (rc = BIO_read(c->out, buf, sizeof(buf))) > 0) {
		tls_feed(t, buf, (size_t)rc);
		moved = true;
	}
	return moved;
}

/*
 * To the end of the handshake, good or bad: what the client makes of it.
 */
static unused_func int tls_client_shake_hands(struct tls_client *c,
					      struct tls *t)
{
	bool failed = false;
	int rc = 0;

	ERR_clear_error();
	do {
		if (!failed)
			rc = SSL_do_handshake(c->ssl);
		if (rc != 1 && SSL_get_error(c->ssl, rc) != SSL_ERROR_WANT_READ)
			failed = true;
		c->reason = c->reason ? c->reason
				      : ERR_GET_REASON(ERR_peek_error());
	} while (tls_client_carry(c, t));
	return rc;
}

#endif
