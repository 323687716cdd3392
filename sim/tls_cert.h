/* SPDX-License-Identifier: MIT */
/*
 * The world's certificates, made at run time for a scenario's names and dates.
 *
 * An authority holds two roots, one that the MTA is told to trust and one
 * that it is not, and issues servers' certificates. Keys (EC P-256) and
 * signatures are new in each process; all else follows from what is asked
 * for. It knows no clock: dates are given to it.
 */
#ifndef SIM_TLS_CERT_H
#define SIM_TLS_CERT_H

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#include "deadmx/scenario.h"

/* The last second that a certificate can name: 9999-12-31T23:59:59Z. */
#define TLS_CERT_NEVER_UNIX_S INT64_C(253402300799)

struct tls_authority;

/* What a certificate says; all of it the caller's. */
struct tls_cert_wish {
	char *const *names; /* host names, the first is its subject too */
	size_t name_count;
	int64_t from_unix_s, until_unix_s; /* its last second included */
	enum deadmx_issuer issuer;
};

/* A certificate with its key and the root it is sent with (or NULL). */
struct tls_cert {
	X509 *leaf;
	EVP_PKEY *key;
	X509 *root;
};

/* 0, or -EIO with one line on @errors: OpenSSL refuses. */
int tls_authority_new(FILE *errors, struct tls_authority **ret);
void tls_authority_free(struct tls_authority *a);
/* Write the trusted root as PEM, mode 0644. 0 or a negative errno. */
int tls_authority_write(const struct tls_authority *a, const char *path);
/*
 * The certificate that is wished for; the same one each time. It belongs to
 * the authority. 0 or -EIO.
 */
int tls_authority_issue(struct tls_authority *a,
			const struct tls_cert_wish *wish,
			const struct tls_cert **ret);
/*
 * Write @cert and the root it is sent with to @cert_path, its key to
 * @key_path: PEM, mode 0644. 0 or a negative errno.
 */
int tls_cert_write(const struct tls_cert *cert, const char *cert_path,
		   const char *key_path);

#endif
