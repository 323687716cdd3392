/* SPDX-License-Identifier: MIT */
#include "harness/probe/probe_tls.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/probe/probe_address.h"

/* clang-format off */
static const struct level_row {
	const char *word, *doc;
} level_rows[] = {
#define XX(uc, word, doc) [PROBE_TLS_##uc] = {word, doc},
	PROBE_TLS_MAP(XX)
#undef XX
};
/* clang-format on */

int probe_tls_level_parse(const char *word, enum probe_tls_level *ret)
{
	for (int i = 0; i < PROBE_TLS_COUNT; i++) {
		if (strcmp(word, level_rows[i].word) == 0) {
			*ret = (enum probe_tls_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *probe_tls_level_doc(enum probe_tls_level level)
{
	assert((unsigned)level < PROBE_TLS_COUNT);
	return level_rows[level].doc;
}

const char *probe_tls_level_word(enum probe_tls_level level)
{
	assert((unsigned)level < PROBE_TLS_COUNT);
	return level_rows[level].word;
}

/* What a handshake collects; reached from the verify callback. */
struct tls_collector {
	struct deadmx_arena *arena;
	struct probe_tls_peer *peer;
};

static int tls_collector_index(void)
{
	static int index = -1;

	if (index < 0)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	assert(index >= 0);
	return index;
}

static void tls_problem(struct tls_collector *c, const char *text)
{
	for (size_t i = 0; i < c->peer->problem_count; i++)
		if (strcmp(c->peer->problems[i], text) == 0)
			return;
	if (c->peer->problem_count < PROBE_TLS_PROBLEMS_MAX)
		c->peer->problems[c->peer->problem_count++] =
			deadmx_arena_copy(c->arena, text, strlen(text));
}

/* Each problem is written down, and verification goes on to the next. */
static int tls_on_verify(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
		store, SSL_get_ex_data_X509_STORE_CTX_idx());

	if (!ok)
		tls_problem(SSL_get_ex_data(ssl, tls_collector_index()),
			    X509_verify_cert_error_string(
				    X509_STORE_CTX_get_error(store)));
	return 1;
}

bool probe_tls_has_roots(void)
{
	const char *file = getenv(X509_get_default_cert_file_env());
	const char *dir = getenv(X509_get_default_cert_dir_env());

	return access(file ? file : X509_get_default_cert_file(), R_OK) == 0 ||
	       access(dir ? dir : X509_get_default_cert_dir(), R_OK) == 0;
}

int probe_tls_context_new(const char *ca, FILE *errors, SSL_CTX **ret)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int ok;

	if (!ctx)
		return -ENOMEM;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, tls_on_verify);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
	ok = ca ? SSL_CTX_load_verify_file(ctx, ca)
		: SSL_CTX_set_default_verify_paths(ctx);
	if (ca && !ok) {
		fprintf(errors, "%s: no certificates: %s\n", ca,
			errno ? strerror(errno) : "not in PEM form");
		SSL_CTX_free(ctx);
		ERR_clear_error();
		return -EINVAL;
	}
	ERR_clear_error();
	*ret = ctx;
	return 0;
}

static const char *tls_name_text(struct deadmx_arena *arena,
				 const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes, *text;
	long len;

	assert(bio);
	/* RFC 2253's form escapes controls and whatever is not ASCII. */
	X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
	len = BIO_get_mem_data(bio, &bytes);
	text = deadmx_arena_copy(arena, bytes, len > 0 ? (size_t)len : 0);
	BIO_free(bio);
	return text;
}

static const char *tls_date_text(struct deadmx_arena *arena,
				 const ASN1_TIME *date)
{
	struct tm tm;

	if (!ASN1_TIME_to_tm(date, &tm))
		return "?";
	return deadmx_arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02dZ",
				   tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
				   tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static const char *tls_key_text(struct deadmx_arena *arena, X509 *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	const char *type = key ? EVP_PKEY_get0_type_name(key) : NULL;

	return type ? deadmx_arena_printf(arena, "%s %d", type,
					  EVP_PKEY_get_bits(key))
		    : "of an unknown kind";
}

static const char *tls_alt_name(struct deadmx_arena *arena,
				const GENERAL_NAME *name)
{
	struct sockaddr_storage addr = {0};
	char ip[INET6_ADDRSTRLEN];
	int len;

	if (name->type == GEN_DNS)
		/* A NUL inside is told apart by the verification. */
		return deadmx_arena_copy(
			arena,
			(const char *)ASN1_STRING_get0_data(name->d.dNSName),
			(size_t)ASN1_STRING_length(name->d.dNSName));
	if (name->type != GEN_IPADD)
		return NULL;
	len = ASN1_STRING_length(name->d.iPAddress);
	if (len != 4 && len != 16)
		return NULL;
	addr.ss_family = len == 4 ? AF_INET : AF_INET6;
	memcpy(len == 4 ? (void *)&((struct sockaddr_in *)&addr)->sin_addr
			: (void *)&((struct sockaddr_in6 *)&addr)->sin6_addr,
	       ASN1_STRING_get0_data(name->d.iPAddress), (size_t)len);
	probe_net_addr_text(&addr, ip, sizeof(ip));
	return deadmx_arena_copy(arena, ip, strlen(ip));
}

static void tls_alt_names(struct tls_collector *c, X509 *cert)
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const char *text =
			tls_alt_name(c->arena, sk_GENERAL_NAME_value(names, i));

		if (!text)
			continue;
		if (c->peer->name_count == PROBE_TLS_NAMES_MAX) {
			c->peer->names_cut = true;
			break;
		}
		c->peer->names[c->peer->name_count++] = text;
	}
	GENERAL_NAMES_free(names);
}

static void tls_describe(struct tls_collector *c, SSL *ssl)
{
	struct probe_tls_peer *peer = c->peer;
	X509 *cert = SSL_get0_peer_certificate(ssl);
	int days = 0, seconds = 0;

	peer->version = SSL_get_version(ssl);
	peer->cipher = SSL_get_cipher_name(ssl);
	if (!cert) {
		tls_problem(c, "no certificate");
		return;
	}
	peer->subject = tls_name_text(c->arena, X509_get_subject_name(cert));
	peer->issuer = tls_name_text(c->arena, X509_get_issuer_name(cert));
	peer->key = tls_key_text(c->arena, cert);
	peer->from = tls_date_text(c->arena, X509_get0_notBefore(cert));
	peer->until = tls_date_text(c->arena, X509_get0_notAfter(cert));
	if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert)))
		peer->days_left = days;
	tls_alt_names(c, cert);
}

static const char *tls_error_text(struct deadmx_arena *arena)
{
	unsigned long error = ERR_peek_last_error();
	const char *text = error ? ERR_reason_error_string(error) : NULL;

	return text ? deadmx_arena_copy(arena, text, strlen(text))
		    : "no reason given";
}

/*
 * After a call on @ssl that returned @n: wait for what it waits for. 0: call
 * again; -ECONNRESET: the peer is gone; -EPROTO: TLS itself failed.
 */
static int tls_await(const struct probe_net *net, SSL *ssl, int n,
		     int64_t deadline_ns)
{
	int error = errno; /* before anything else changes it */

	switch (SSL_get_error(ssl, n)) {
	case SSL_ERROR_WANT_READ:
		return probe_net_await(net, SSL_get_fd(ssl), POLLIN,
				       deadline_ns);
	case SSL_ERROR_WANT_WRITE:
		return probe_net_await(net, SSL_get_fd(ssl), POLLOUT,
				       deadline_ns);
	case SSL_ERROR_ZERO_RETURN:
		return -ECONNRESET;
	case SSL_ERROR_SYSCALL:
		return error ? -error : -ECONNRESET;
	default:
		break;
	}
	return ERR_GET_REASON(ERR_peek_last_error()) ==
			       SSL_R_UNEXPECTED_EOF_WHILE_READING
		       ? -ECONNRESET
		       : -EPROTO;
}

/* The name that the certificate must be for. */
static void tls_expect(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	struct sockaddr_storage addr;

	X509_VERIFY_PARAM_set_hostflags(param,
					X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (probe_address_ip(host, &addr)) {
		X509_VERIFY_PARAM_set1_ip_asc(param, host);
		return;
	}
	SSL_set_tlsext_host_name(ssl, host);
	X509_VERIFY_PARAM_set1_host(param, host, 0);
}

int probe_tls_connect(SSL_CTX *ctx, const struct probe_net *net, int fd,
		      const char *host, int64_t deadline_ns,
		      struct deadmx_arena *arena, struct probe_tls_peer *peer,
		      const char **why, SSL **ret_ssl)
{
	struct tls_collector collector = {arena, peer};
	SSL *ssl = SSL_new(ctx);
	int n, rc = 0;

	assert(ssl);
	SSL_set_ex_data(ssl, tls_collector_index(), &collector);
	SSL_set_fd(ssl, fd);
	tls_expect(ssl, host);
	do {
		ERR_clear_error();
		errno = 0;
		n = SSL_connect(ssl);
		if (n != 1)
			rc = tls_await(net, ssl, n, deadline_ns);
	} while (n != 1 && rc == 0);
	if (n == 1) {
		tls_describe(&collector, ssl);
		SSL_set_ex_data(ssl, tls_collector_index(), NULL);
		*ret_ssl = ssl;
	} else {
		*why = tls_error_text(arena);
		SSL_free(ssl);
	}
	ERR_clear_error();
	return n == 1 ? 0 : rc;
}

ssize_t probe_tls_read(const struct probe_net *net, SSL *ssl, void *buf,
		       size_t len, int64_t deadline_ns)
{
	for (;;) {
		int n, rc;

		if (net->stop && *net->stop)
			return -EINTR;
		ERR_clear_error();
		errno = 0;
		n = SSL_read(ssl, buf, (int)len);
		if (n > 0)
			return n;
		if (SSL_get_error(ssl, n) == SSL_ERROR_ZERO_RETURN)
			return 0;
		rc = tls_await(net, ssl, n, deadline_ns);
		if (rc < 0)
			return rc;
	}
}

int probe_tls_write(const struct probe_net *net, SSL *ssl, const void *buf,
		    size_t len, int64_t deadline_ns)
{
	for (;;) {
		int n, rc;

		ERR_clear_error();
		errno = 0;
		/* Without partial writes it is all or nothing. */
		n = SSL_write(ssl, buf, (int)len);
		if (n > 0)
			return 0;
		rc = tls_await(net, ssl, n, deadline_ns);
		if (rc < 0)
			return rc;
	}
}
