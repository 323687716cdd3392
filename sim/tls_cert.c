/* SPDX-License-Identifier: MIT */
/* The world's certificates: see tls_cert.h. */
#include "sim/tls_cert.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* RFC 5280 4.1.2.5: the date of a certificate that never ends. */
/* RFC 5280 upper bounds: ub-common-name. */
#define COMMON_NAME_MAX 64

enum {
	SERIAL_BYTES = 16, /* RFC 5280 4.1.2.2 allows 20 */
};

struct root {
	X509 *cert;
	EVP_PKEY *key;
};

struct issued {
	struct tls_cert cert;
	unsigned char serial[SERIAL_BYTES];
	struct issued *next;
};

struct tls_authority {
	struct root trusted, untrusted;
	EVP_PKEY *key;	       /* of all servers */
	struct issued *issued; /* as many as a scenario has wishes */
};

/* A name for people; where OpenSSL fails it is out of memory, or broken. */
static bool set_name(X509_NAME *name, const char *common)
{
	const int mode = MBSTRING_UTF8;

	if (!X509_NAME_add_entry_by_txt(name, "O", mode,
					(const unsigned char *)"deadmx", -1, -1,
					0))
		return false;
	return strlen(common) > COMMON_NAME_MAX ||
	       X509_NAME_add_entry_by_txt(name, "CN", mode,
					  (const unsigned char *)common, -1, -1,
					  0);
}

static bool set_serial(X509 *cert, const unsigned char *serial)
{
	BIGNUM *n = BN_bin2bn(serial, SERIAL_BYTES, NULL);
	bool ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));

	BN_free(n);
	return ok;
}

/* No clock is before 1970, and no date behind 9999 can be written. */
static bool set_dates(X509 *cert, int64_t from_s, int64_t until_s)
{
	from_s = from_s < 0 ? 0 : from_s;
	until_s = until_s < 0 ? 0 : until_s;
	if (until_s > TLS_CERT_NEVER_UNIX_S)
		until_s = TLS_CERT_NEVER_UNIX_S;
	return ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)from_s) &&
	       ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)until_s);
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext && X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
	return ok;
}

static bool add_name(GENERAL_NAMES *all, const char *text)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *string = ASN1_IA5STRING_new();

	if (!name || !string || !ASN1_STRING_set(string, text, -1) ||
	    !sk_GENERAL_NAME_push(all, name)) {
		GENERAL_NAME_free(name);
		ASN1_IA5STRING_free(string);
		return false;
	}
	GENERAL_NAME_set0_value(name, GEN_DNS, string);
	return true;
}

static bool add_names(X509 *cert, const struct tls_cert_wish *wish)
{
	GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
	bool ok = all != NULL;

	for (size_t i = 0; ok && i < wish->name_count; i++)
		ok = add_name(all, wish->names[i]);
	ok = ok && X509_add1_ext_i2d(cert, NID_subject_alt_name, all, 0,
				     X509V3_ADD_DEFAULT) == 1;
	GENERAL_NAMES_free(all);
	return ok;
}

/* A certificate without extensions and signature. */
static X509 *cert_new(const char *common, EVP_PKEY *key, int64_t from_s,
		      int64_t until_s)
{
	X509 *cert = X509_new();

	if (cert && X509_set_version(cert, X509_VERSION_3) &&
	    set_dates(cert, from_s, until_s) && X509_set_pubkey(cert, key) &&
	    set_name(X509_get_subject_name(cert), common))
		return cert;
	X509_free(cert);
	return NULL;
}

static bool root_sign(X509 *cert, EVP_PKEY *key)
{
	static const unsigned char serial[SERIAL_BYTES] = {1};

	return set_serial(cert, serial) &&
	       X509_set_issuer_name(cert, X509_get_subject_name(cert)) &&
	       add_extension(cert, cert, NID_basic_constraints,
			     "critical,CA:TRUE") &&
	       add_extension(cert, cert, NID_key_usage,
			     "critical,keyCertSign,cRLSign") &&
	       add_extension(cert, cert, NID_subject_key_identifier, "hash") &&
	       X509_sign(cert, key, EVP_sha256());
}

static bool root_init(struct root *root, const char *common)
{
	root->key = EVP_EC_gen("P-256");
	if (!root->key)
		return false;
	root->cert = cert_new(common, root->key, 0, TLS_CERT_NEVER_UNIX_S);
	return root->cert && root_sign(root->cert, root->key);
}

static void root_release(struct root *root)
{
	X509_free(root->cert);
	EVP_PKEY_free(root->key);
}

int tls_authority_new(FILE *errors, struct tls_authority **ret)
{
	struct tls_authority *a = calloc(1, sizeof(*a));
	const char *why;

	assert(a);
	/* openssl.cnf stays out of it: see tls_context_new(). */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	ERR_clear_error();
	a->key = EVP_EC_gen("P-256");
	if (a->key && root_init(&a->trusted, "deadmx root") &&
	    root_init(&a->untrusted, "deadmx untrusted root")) {
		*ret = a;
		return 0;
	}
	why = ERR_reason_error_string(ERR_peek_error());
	fprintf(errors, "TLS: OpenSSL can't make certificates: %s\n",
		why ? why : "no reason told");
	tls_authority_free(a);
	return -EIO;
}

void tls_authority_free(struct tls_authority *a)
{
	if (!a)
		return;
	while (a->issued) {
		struct issued *next = a->issued->next;

		X509_free(a->issued->cert.leaf);
		free(a->issued);
		a->issued = next;
	}
	root_release(&a->trusted);
	root_release(&a->untrusted);
	EVP_PKEY_free(a->key);
	free(a);
}

/* Make @path anew, mode 0644. NULL: see errno. */
static FILE *pem_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (!f) {
		int err = errno;

		if (fd >= 0)
			close(fd);
		errno = err;
		return NULL;
	}
	/* An MTA that has laid down its privileges must be able to read it. */
	fchmod(fd, 0644);
	errno = 0;
	return f;
}

static int pem_close(FILE *f, bool ok)
{
	if (fclose(f) == 0 && ok)
		return 0;
	return errno ? -errno : -EIO;
}

int tls_authority_write(const struct tls_authority *a, const char *path)
{
	FILE *f = pem_open(path);

	if (!f)
		return -errno;
	return pem_close(f, PEM_write_X509(f, a->trusted.cert) == 1);
}

int tls_cert_write(const struct tls_cert *cert, const char *cert_path,
		   const char *key_path)
{
	FILE *f = pem_open(cert_path);
	bool ok;
	int rc;

	if (!f)
		return -errno;
	ok = PEM_write_X509(f, cert->leaf) == 1 &&
	     (!cert->root || PEM_write_X509(f, cert->root) == 1);
	rc = pem_close(f, ok);
	if (rc < 0)
		return rc;
	f = pem_open(key_path);
	if (!f)
		return -errno;
	return pem_close(f, PEM_write_PrivateKey(f, cert->key, NULL, NULL, 0,
						 NULL, NULL) == 1);
}

/* From all that is wished: the same wish has the same number. */
static bool serial_make(const struct tls_cert_wish *wish, unsigned char *serial)
{
	const int64_t numbers[] = {wish->from_unix_s, wish->until_unix_s,
				   wish->issuer};
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) &&
		  EVP_DigestUpdate(ctx, numbers, sizeof(numbers));

	for (size_t i = 0; ok && i < wish->name_count; i++)
		ok = EVP_DigestUpdate(ctx, wish->names[i],
				      strlen(wish->names[i]) + 1);
	ok = ok && EVP_DigestFinal_ex(ctx, digest, NULL);
	EVP_MD_CTX_free(ctx);
	if (!ok)
		return false;
	memcpy(serial, digest, SERIAL_BYTES);
	serial[0] &= 0x7f; /* positive … */
	serial[0] |= 0x40; /* … and never 0 */
	return true;
}

static X509 *leaf_make(const struct tls_authority *a,
		       const struct tls_cert_wish *wish,
		       const struct root *root, const unsigned char *serial)
{
	X509 *leaf = cert_new(wish->names[0], a->key, wish->from_unix_s,
			      wish->until_unix_s);
	X509 *issuer = root ? root->cert : leaf;

	if (leaf && set_serial(leaf, serial) &&
	    X509_set_issuer_name(leaf, X509_get_subject_name(issuer)) &&
	    add_names(leaf, wish) &&
	    add_extension(leaf, issuer, NID_basic_constraints,
			  "critical,CA:FALSE") &&
	    add_extension(leaf, issuer, NID_key_usage,
			  "critical,digitalSignature") &&
	    add_extension(leaf, issuer, NID_ext_key_usage, "serverAuth") &&
	    add_extension(leaf, issuer, NID_subject_key_identifier, "hash") &&
	    (!root || add_extension(leaf, issuer, NID_authority_key_identifier,
				    "keyid")) &&
	    X509_sign(leaf, root ? root->key : a->key, EVP_sha256()))
		return leaf;
	X509_free(leaf);
	return NULL;
}

static const struct root *root_of(const struct tls_authority *a,
				  enum deadmx_issuer issuer)
{
	switch (issuer) {
	case DEADMX_ISSUER_TRUSTED:
		return &a->trusted;
	case DEADMX_ISSUER_UNTRUSTED:
		return &a->untrusted;
	case DEADMX_ISSUER_SELF:
	case DEADMX_ISSUER_COUNT:
		break;
	}
	return NULL;
}

int tls_authority_issue(struct tls_authority *a,
			const struct tls_cert_wish *wish,
			const struct tls_cert **ret)
{
	const struct root *root = root_of(a, wish->issuer);
	unsigned char serial[SERIAL_BYTES];
	struct issued *i;
	X509 *leaf;

	assert(wish->name_count);
	if (!serial_make(wish, serial))
		return -EIO;
	for (i = a->issued; i; i = i->next)
		if (memcmp(i->serial, serial, SERIAL_BYTES) == 0) {
			*ret = &i->cert;
			return 0;
		}
	leaf = leaf_make(a, wish, root, serial);
	if (!leaf)
		return -EIO;
	i = calloc(1, sizeof(*i));
	assert(i);
	/* A root that everybody has need not be sent (RFC 8446 4.4.2). One
	 * that nobody has is: that is how a company's own root is met. */
	i->cert = (struct tls_cert){
		.leaf = leaf,
		.key = a->key,
		.root = wish->issuer == DEADMX_ISSUER_UNTRUSTED ? root->cert
								: NULL,
	};
	memcpy(i->serial, serial, SERIAL_BYTES);
	i->next = a->issued;
	a->issued = i;
	*ret = &i->cert;
	return 0;
}
