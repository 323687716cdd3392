/* SPDX-License-Identifier: MIT */
/*
 * TLS as the model MTA's client does it: STARTTLS's second half (RFC 3207).
 *
 * No call blocks: each says what the caller has to wait for. The sockets are
 * the caller's. Nothing is shared with the world's servers.
 */
#ifndef HARNESS_MODEL_MODEL_TLS_H
#define HARNESS_MODEL_MODEL_TLS_H

#include <openssl/ssl.h>
#include <sys/types.h>

#include "harness/model/model.h"

/*
 * For all attempts. @ca: roots to trust, PEM; NULL: none. On error a negative
 * errno, and a line on stderr. SSL_CTX_free() it.
 */
int model_tls_context_new(const char *ca, SSL_CTX **ret);

/*
 * A client on the non-blocking socket @fd. The certificate will have to name
 * @host, or with SECURE @domain or a host in it. SSL_free() it.
 */
SSL *model_tls_new(const struct model_config *config, int fd, const char *host,
		   const char *domain);

/*
 * The handshake, and bytes. What is done, at least 1; 0: the server has ended
 * TLS; -EAGAIN: wait for *@ret_events (POLLIN, POLLOUT) and call again with the
 * same bytes; another errno: it is broken.
 */
ssize_t model_tls_connect(SSL *ssl, short *ret_events);
ssize_t model_tls_read(SSL *ssl, void *buf, size_t len, short *ret_events);
ssize_t model_tls_write(SSL *ssl, const void *buf, size_t len,
			short *ret_events);

/* Why the server's certificate is not to be trusted; NULL: it is. */
const char *model_tls_distrust(const SSL *ssl);

#endif
