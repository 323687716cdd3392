/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/tls_cert.c: what a verifier makes of certificates. */
#include "tls_client.h"

#include <errno.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#define DAY_S 86400

struct fixture {
	struct tls_authority *a;
	char *names[DEADMX_CERTIFICATE_NAMES_MAX];
	struct tls_cert_wish wish;
	X509_STORE *store;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	assert_int_equal(tls_authority_new(stderr, &f->a), 0);
	f->names[0] = STR("mx.dest.example");
	f->wish = (struct tls_cert_wish){.names = f->names,
					 .name_count = 1,
					 .from_unix_s = TLS_NOW - DAY_S,
					 .until_unix_s = TLS_NOW + DAY_S};
	tls_client_trust(ctx, f->a);
	f->store = SSL_CTX_get_cert_store(ctx);
	X509_STORE_up_ref(f->store);
	SSL_CTX_free(ctx);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	X509_STORE_free(f->store);
	tls_authority_free(f->a);
	free(f);
	return 0;
}

static const struct tls_cert *issue(struct fixture *f)
{
	const struct tls_cert *cert;

	assert_int_equal(tls_authority_issue(f->a, &f->wish, &cert), 0);
	return cert;
}

/* What a client that trusts the root says at @unix_s; X509_V_OK: fine. */
static int verify_at(struct fixture *f, int64_t unix_s)
{
	const struct tls_cert *cert = issue(f);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *chain = sk_X509_new_null();
	int error;

	if (cert->root)
		sk_X509_push(chain, cert->root);
	assert_int_equal(X509_STORE_CTX_init(ctx, f->store, cert->leaf, chain),
			 1);
	X509_STORE_CTX_set_time(ctx, 0, (time_t)unix_s);
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
	X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx),
				    X509_V_FLAG_X509_STRICT);
	X509_verify_cert(ctx);
	error = X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	sk_X509_free(chain);
	return error;
}

static void test_tls_cert_trusted(void **state)
{
	assert_int_equal(verify_at(*state, TLS_NOW), X509_V_OK);
}

/* Valid from its first second on and not a second before. */
static void test_tls_cert_not_yet_valid(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(verify_at(f, f->wish.from_unix_s), X509_V_OK);
	assert_int_equal(verify_at(f, f->wish.from_unix_s - 1),
			 X509_V_ERR_CERT_NOT_YET_VALID);
}

static void test_tls_cert_expired(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(verify_at(f, f->wish.until_unix_s - 1), X509_V_OK);
	assert_int_equal(verify_at(f, f->wish.until_unix_s + 1),
			 X509_V_ERR_CERT_HAS_EXPIRED);
}

static void test_tls_cert_untrusted(void **state)
{
	struct fixture *f = *state;

	f->wish.issuer = DEADMX_ISSUER_UNTRUSTED;
	assert_int_equal(verify_at(f, TLS_NOW),
			 X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN);
}

static void test_tls_cert_self_signed(void **state)
{
	struct fixture *f = *state;

	f->wish.issuer = DEADMX_ISSUER_SELF;
	assert_int_equal(verify_at(f, TLS_NOW),
			 X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
}

/* All names are in it, wildcards too; another one isn't. */
static void test_tls_cert_names(void **state)
{
	struct fixture *f = *state;
	const struct tls_cert *cert;

	f->names[1] = STR("*.other.example");
	f->wish.name_count = 2;
	cert = issue(f);
	assert_int_equal(
		X509_check_host(cert->leaf, "mx.dest.example", 0, 0, NULL), 1);
	assert_int_equal(
		X509_check_host(cert->leaf, "a.other.example", 0, 0, NULL), 1);
	assert_int_equal(
		X509_check_host(cert->leaf, "dest.example", 0, 0, NULL), 0);
}

/* The limit of names, each as long as can be: no room for it in the CN. */
static void test_tls_cert_names_max(void **state)
{
	struct fixture *f = *state;
	const struct tls_cert *cert;
	char text[DEADMX_CERTIFICATE_NAMES_MAX][256];

	for (int i = 0; i < DEADMX_CERTIFICATE_NAMES_MAX; i++) {
		snprintf(text[i], sizeof(text[i]),
			 "mx%03d.%060d.%060d.%060d.%056d", i, 0, 0, 0, 0);
		f->names[i] = text[i];
	}
	f->wish.name_count = DEADMX_CERTIFICATE_NAMES_MAX;
	cert = issue(f);
	assert_int_equal(verify_at(f, TLS_NOW), X509_V_OK);
	assert_int_equal(X509_check_host(cert->leaf,
					 text[DEADMX_CERTIFICATE_NAMES_MAX - 1],
					 0, 0, NULL),
			 1);
}

/* The same wish is the same certificate, byte for byte; another isn't. */
static void test_tls_cert_is_kept(void **state)
{
	struct fixture *f = *state;
	const struct tls_cert *first = issue(f), *other;

	f->wish.until_unix_s++;
	other = issue(f);
	f->wish.until_unix_s--;
	assert_ptr_equal(issue(f), first);
	assert_ptr_not_equal(other, first);
	assert_int_not_equal(
		ASN1_INTEGER_cmp(X509_get_serialNumber(first->leaf),
				 X509_get_serialNumber(other->leaf)),
		0);
}

/* Serial numbers follow from the wish alone, in each process alike. */
static void test_tls_cert_serial_is_stable(void **state)
{
	struct fixture *f = *state;
	struct tls_authority *again;
	const struct tls_cert *a = issue(f), *b;

	assert_int_equal(tls_authority_new(stderr, &again), 0);
	assert_int_equal(tls_authority_issue(again, &f->wish, &b), 0);
	assert_int_equal(ASN1_INTEGER_cmp(X509_get_serialNumber(a->leaf),
					  X509_get_serialNumber(b->leaf)),
			 0);
	tls_authority_free(again);
}

/* Dates that can't be written are the nearest that can. */
static void test_tls_cert_dates_max(void **state)
{
	static const ASN1_TIME *at;
	struct fixture *f = *state;
	struct tm tm;

	f->wish.from_unix_s = INT64_MIN;
	f->wish.until_unix_s = INT64_MAX;
	at = X509_get0_notAfter(issue(f)->leaf);
	assert_int_equal(ASN1_TIME_to_tm(at, &tm), 1);
	assert_int_equal(tm.tm_year + 1900, 9999);
	at = X509_get0_notBefore(issue(f)->leaf);
	assert_int_equal(ASN1_TIME_to_tm(at, &tm), 1);
	assert_int_equal(tm.tm_year + 1900, 1970);
	assert_int_equal(verify_at(f, 0), X509_V_OK);
	assert_int_equal(verify_at(f, INT64_C(7258118400)), X509_V_OK);
}

/* The file is one PEM certificate, for everybody to read. */
static void test_tls_cert_file(void **state)
{
	struct fixture *f = *state;
	char path[] = "/tmp/deadmx-test-ca-XXXXXX";
	struct stat st;
	X509 *root;
	FILE *file;

	close(mkstemp(path));
	assert_int_equal(tls_authority_write(f->a, path), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	file = fopen(path, "re");
	root = PEM_read_X509(file, NULL, NULL, NULL);
	assert_non_null(root);
	assert_int_equal(X509_check_ca(root), 1);
	X509_free(root);
	fclose(file);
	unlink(path);
	assert_int_equal(tls_authority_write(f->a, "/nonexistent/ca.pem"),
			 -ENOENT);
}

/* A client certificate's files: the leaf, then its root; the leaf's key. */
static void test_tls_cert_write(void **state)
{
	struct fixture *f = *state;
	char cert_path[] = "/tmp/deadmx-test-cert-XXXXXX";
	char key_path[] = "/tmp/deadmx-test-key-XXXXXX";
	const struct tls_cert *cert = issue(f);
	X509 *leaf, *root;
	EVP_PKEY *key;
	FILE *file;

	close(mkstemp(cert_path));
	close(mkstemp(key_path));
	assert_int_equal(tls_cert_write(cert, cert_path, key_path), 0);
	file = fopen(cert_path, "re");
	leaf = PEM_read_X509(file, NULL, NULL, NULL);
	root = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	file = fopen(key_path, "re");
	key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	fclose(file);
	assert_int_equal(X509_cmp(leaf, cert->leaf), 0);
	assert_int_equal(X509_cmp(root, cert->root), 0);
	assert_int_equal(X509_check_private_key(leaf, key), 1);
	X509_free(leaf);
	X509_free(root);
	EVP_PKEY_free(key);
	assert_int_equal(tls_cert_write(cert, cert_path, "/nonexistent/key"),
			 -ENOENT);
	assert_int_equal(tls_cert_write(cert, "/nonexistent/cert", key_path),
			 -ENOENT);
	unlink(cert_path);
	unlink(key_path);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_tls_cert_trusted),
		T(test_tls_cert_not_yet_valid),
		T(test_tls_cert_expired),
		T(test_tls_cert_untrusted),
		T(test_tls_cert_self_signed),
		T(test_tls_cert_names),
		T(test_tls_cert_names_max),
		T(test_tls_cert_is_kept),
		T(test_tls_cert_serial_is_stable),
		T(test_tls_cert_dates_max),
		T(test_tls_cert_file),
		T(test_tls_cert_write),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
