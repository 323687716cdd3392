/* SPDX-License-Identifier: MIT */
/* TLS of the model MTA's client: see model_tls.h. */
#include "harness/model/model_tls.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>

int model_tls_context_new(const char *ca, SSL_CTX **ret)
{
	SSL_CTX *ctx;

	/* As the world's servers: the same on all distributions. */
	OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	ctx = SSL_CTX_new(TLS_client_method());
	assert(ctx);
	/* The certificate is looked at after the handshake, so that the server
	 * can be told by QUIT, and the sender by words. */
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
	/* RFC 8996 4 and 5: older ones must not be used. */
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	if (ca && !SSL_CTX_load_verify_file(ctx, ca)) {
		fprintf(stderr, "model: %s: no certificates in PEM form\n", ca);
		ERR_clear_error();
		SSL_CTX_free(ctx);
		return -EINVAL;
	}
	*ret = ctx;
	return 0;
}

/* Whom the certificate must be for. */
static void tls_expect(SSL *ssl, const struct model_config *config,
		       const char *host, const char *domain)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	char within[260];

	X509_VERIFY_PARAM_set_hostflags(param,
					X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (config->tls != MODEL_TLS_SECURE) {
		X509_VERIFY_PARAM_set1_host(param, host, 0);
		return;
	}
	/* The names of hosts come from DNS, and DNS can lie. */
	snprintf(within, sizeof(within), ".%.255s", domain);
	X509_VERIFY_PARAM_set1_host(param, domain, 0);
	X509_VERIFY_PARAM_add1_host(param, within, 0);
}

SSL *model_tls_new(const struct model_config *config, int fd, const char *host,
		   const char *domain)
{
	SSL *ssl = SSL_new(config->tls_context);

	assert(ssl);
	SSL_set_fd(ssl, fd);
	SSL_set_tlsext_host_name(ssl, host);
	tls_expect(ssl, config, host, domain);
	return ssl;
}

/* What a call that has done nothing waits for. */
static ssize_t tls_wanted(SSL *ssl, int n, short *ret_events)
{
	int error = SSL_get_error(ssl, n);

	if (error == SSL_ERROR_ZERO_RETURN)
		return 0;
	if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
		return -EPROTO;
	*ret_events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
	return -EAGAIN;
}

ssize_t model_tls_connect(SSL *ssl, short *ret_events)
{
	int n;

	ERR_clear_error();
	n = SSL_connect(ssl);
	return n == 1 ? 1 : tls_wanted(ssl, n, ret_events);
}

ssize_t model_tls_read(SSL *ssl, void *buf, size_t len, short *ret_events)
{
	int n;

	ERR_clear_error();
	n = SSL_read(ssl, buf, (int)len);
	return n > 0 ? n : tls_wanted(ssl, n, ret_events);
}

ssize_t model_tls_write(SSL *ssl, const void *buf, size_t len,
			short *ret_events)
{
	int n;

	ERR_clear_error();
	n = SSL_write(ssl, buf, (int)len);
	return n > 0 ? n : tls_wanted(ssl, n, ret_events);
}

const char *model_tls_distrust(const SSL *ssl)
{
	long result = SSL_get_verify_result(ssl);

	/* Without a certificate there is nothing to find fault with. */
	if (!SSL_get0_peer_certificate(ssl))
		return "no certificate";
	return result == X509_V_OK ? NULL
				   : X509_verify_cert_error_string(result);
}
