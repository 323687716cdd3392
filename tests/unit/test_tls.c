/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/tls.c against OpenSSL's client, over memory. */
#include "tls_client.h"

#include <assert.h>
#include <malloc.h>

#define DAY_S 86400

static size_t allocated; /* bytes, by OpenSSL */

static void *count_malloc(size_t size, const char *file, int line)
{
	void *p = malloc(size);

	allocated += malloc_usable_size(p);
	return p;
}

static void count_free(void *p, const char *file, int line)
{
	allocated -= malloc_usable_size(p);
	free(p);
}

static void *count_realloc(void *p, size_t size, const char *file, int line)
{
	allocated -= malloc_usable_size(p);
	p = realloc(p, size);
	allocated += malloc_usable_size(p);
	return p;
}

struct fixture {
	struct tls_authority *a;
	struct tls_context *ctx;
	char *names[1];
	struct tls_cert_wish wish;
	struct tls *t;
	struct tls_client c;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_int_equal(tls_authority_new(stderr, &f->a), 0);
	f->ctx = tls_context_new();
	assert_non_null(f->ctx);
	f->names[0] = STR("mx.dest.example");
	f->wish = (struct tls_cert_wish){.names = f->names,
					 .name_count = 1,
					 .from_unix_s = TLS_NOW - DAY_S,
					 .until_unix_s = TLS_NOW + DAY_S};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	tls_free(f->t);
	tls_client_release(&f->c);
	tls_context_free(f->ctx);
	tls_authority_free(f->a);
	free(f);
	return 0;
}

static struct tls *server(struct fixture *f, enum tls_profile profile)
{
	const struct tls_cert *cert;
	struct tls *t;

	assert_int_equal(tls_authority_issue(f->a, &f->wish, &cert), 0);
	t = tls_new(f->ctx, cert, profile);
	assert_non_null(t);
	return t;
}

/* A session and a client for it that have not said anything yet. */
static void begin(struct fixture *f, enum tls_profile profile)
{
	f->t = server(f, profile);
	tls_client_init(&f->c, f->a, TLS_NOW, f->names[0]);
}

/* The client says @text, and the server reads it. */
static void say_to_server(struct fixture *f, const char *text)
{
	char got[128] = "";

	assert_int_equal(SSL_write(f->c.ssl, text, (int)strlen(text)),
			 strlen(text));
	tls_client_carry(&f->c, f->t);
	assert_int_equal(tls_read(f->t, got, sizeof(got) - 1), strlen(text));
	assert_string_equal(got, text);
}

static void say_to_client(struct fixture *f, const char *text)
{
	char got[128] = "";

	tls_write(f->t, text, strlen(text));
	tls_client_carry(&f->c, f->t);
	assert_int_equal(SSL_read(f->c.ssl, got, sizeof(got) - 1),
			 strlen(text));
	assert_string_equal(got, text);
}

/* A handshake with a client of today, data both ways, and the farewell. */
static void test_tls_session(void **state)
{
	struct fixture *f = *state;
	char c;

	begin(f, TLS_PROFILE_MODERN);
	assert_int_equal(tls_client_shake_hands(&f->c, f->t), 1);
	assert_int_equal(tls_state(f->t), TLS_STATE_OPEN);
	assert_string_equal(tls_version(f->t), "TLSv1.3");
	assert_string_equal(tls_cipher(f->t), "TLS_AES_256_GCM_SHA384");
	assert_string_equal(tls_server_name(f->t), "mx.dest.example");
	assert_null(tls_error(f->t));
	say_to_server(f, "EHLO me\r\n");
	say_to_client(f, "250 Ok\r\n");
	assert_int_equal(tls_read(f->t, &c, 1), 0);
	tls_end(f->t);
	tls_client_carry(&f->c, f->t);
	assert_int_equal(SSL_read(f->c.ssl, &c, 1), 0);
	assert_int_equal(SSL_get_error(f->c.ssl, 0), SSL_ERROR_ZERO_RETURN);
}

static void test_tls_client_closes(void **state)
{
	struct fixture *f = *state;
	char c;

	begin(f, TLS_PROFILE_MODERN);
	tls_client_shake_hands(&f->c, f->t);
	SSL_shutdown(f->c.ssl);
	tls_client_carry(&f->c, f->t);
	assert_int_equal(tls_read(f->t, &c, 1), 0);
	assert_int_equal(tls_state(f->t), TLS_STATE_CLOSED);
	assert_null(tls_error(f->t));
}

static void test_tls_12_without_name(void **state)
{
	struct fixture *f = *state;

	f->t = server(f, TLS_PROFILE_MODERN);
	tls_client_init(&f->c, f->a, TLS_NOW, NULL);
	SSL_set_max_proto_version(f->c.ssl, TLS1_2_VERSION);
	assert_int_equal(tls_client_shake_hands(&f->c, f->t), 1);
	assert_string_equal(tls_version(f->t), "TLSv1.2");
	assert_null(tls_server_name(f->t));
	say_to_server(f, "EHLO me\r\n");
}

static void test_tls_11_is_refused(void **state)
{
	struct fixture *f = *state;

	begin(f, TLS_PROFILE_MODERN);
	SSL_set_security_level(f->c.ssl, 0);
	SSL_set_max_proto_version(f->c.ssl, TLS1_1_VERSION);
	assert_int_not_equal(tls_client_shake_hands(&f->c, f->t), 1);
	assert_string_equal(tls_error(f->t), "unsupported protocol");
	assert_null(tls_version(f->t));
}

/* The client gives up with @reason and the server hears @error of it. */
static void check_refused(struct fixture *f, int reason, const char *error)
{
	begin(f, TLS_PROFILE_MODERN);
	assert_int_not_equal(tls_client_shake_hands(&f->c, f->t), 1);
	assert_int_equal(f->c.reason, SSL_R_CERTIFICATE_VERIFY_FAILED);
	assert_int_equal(SSL_get_verify_result(f->c.ssl), reason);
	assert_int_equal(tls_state(f->t), TLS_STATE_FAILED);
	assert_string_equal(tls_error(f->t), error);
}

static void test_tls_expired(void **state)
{
	struct fixture *f = *state;

	f->wish.until_unix_s = TLS_NOW - 1;
	check_refused(f, X509_V_ERR_CERT_HAS_EXPIRED,
		      "sslv3 alert certificate expired");
}

static void test_tls_not_yet_valid(void **state)
{
	struct fixture *f = *state;

	f->wish.from_unix_s = TLS_NOW + 1;
	check_refused(f, X509_V_ERR_CERT_NOT_YET_VALID,
		      "sslv3 alert bad certificate");
}

static void test_tls_wrong_name(void **state)
{
	struct fixture *f = *state;

	f->names[0] = STR("elsewhere.example");
	f->t = server(f, TLS_PROFILE_MODERN);
	tls_client_init(&f->c, f->a, TLS_NOW, "mx.dest.example");
	assert_int_not_equal(tls_client_shake_hands(&f->c, f->t), 1);
	assert_int_equal(SSL_get_verify_result(f->c.ssl),
			 X509_V_ERR_HOSTNAME_MISMATCH);
}

/* Shown with its root, as a company's own authority is. */
static void test_tls_untrusted(void **state)
{
	struct fixture *f = *state;

	f->wish.issuer = DEADMX_ISSUER_UNTRUSTED;
	check_refused(f, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
		      "tlsv1 alert unknown ca");
}

static void test_tls_self_signed(void **state)
{
	struct fixture *f = *state;

	f->wish.issuer = DEADMX_ISSUER_SELF;
	check_refused(f, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
		      "tlsv1 alert unknown ca");
}

/* The alert goes out, so the client knows why. */
static void test_tls_no_shared_cipher(void **state)
{
	struct fixture *f = *state;

	begin(f, TLS_PROFILE_NO_CIPHER);
	assert_int_not_equal(tls_client_shake_hands(&f->c, f->t), 1);
	assert_int_equal(f->c.reason, SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE);
	assert_string_equal(tls_error(f->t), "no shared cipher");
}

static void test_tls_old_version_is_refused(void **state)
{
	struct fixture *f = *state;

	begin(f, TLS_PROFILE_OLD);
	SSL_set_min_proto_version(f->c.ssl, TLS1_2_VERSION);
	assert_int_not_equal(tls_client_shake_hands(&f->c, f->t), 1);
	assert_int_equal(f->c.reason, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
	assert_string_equal(tls_error(f->t), "unsupported protocol");
}

/* A client as old as that gets on with it. */
static void test_tls_old_version_is_spoken(void **state)
{
	struct fixture *f = *state;

	begin(f, TLS_PROFILE_OLD);
	SSL_set_security_level(f->c.ssl, 0);
	SSL_set_min_proto_version(f->c.ssl, TLS1_VERSION);
	assert_int_equal(tls_client_shake_hands(&f->c, f->t), 1);
	assert_string_equal(tls_version(f->t), "TLSv1");
	say_to_server(f, "EHLO me\r\n");
}

/* Nothing is resumed: a certificate that has expired since is seen. */
static void test_tls_no_resumption(void **state)
{
	struct fixture *f = *state;

	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION;
	     version++) {
		struct tls *second = server(f, TLS_PROFILE_MODERN);
		struct tls_client again;
		SSL_SESSION *session;

		begin(f, TLS_PROFILE_MODERN);
		SSL_set_max_proto_version(f->c.ssl, version);
		tls_client_shake_hands(&f->c, f->t);
		say_to_client(f, "220 Ok\r\n");
		session = SSL_get1_session(f->c.ssl);
		tls_client_init(&again, f->a, TLS_NOW, NULL);
		SSL_set_max_proto_version(again.ssl, version);
		SSL_set_session(again.ssl, session);
		assert_int_equal(tls_client_shake_hands(&again, second), 1);
		assert_int_equal(SSL_session_reused(again.ssl), 0);
		SSL_SESSION_free(session);
		tls_client_release(&again);
		tls_free(second);
		if (version == TLS1_3_VERSION)
			break;
		tls_free(f->t);
		tls_client_release(&f->c);
	}
}

/* The client is told no by a warning; we don't close. */
static void test_tls_no_renegotiation(void **state)
{
	struct fixture *f = *state;
	char c;

	begin(f, TLS_PROFILE_MODERN);
	SSL_set_max_proto_version(f->c.ssl, TLS1_2_VERSION);
	tls_client_shake_hands(&f->c, f->t);
	assert_int_equal(SSL_renegotiate(f->c.ssl), 1);
	SSL_do_handshake(f->c.ssl);
	tls_client_carry(&f->c, f->t);
	assert_int_equal(tls_read(f->t, &c, 1), 0);
	assert_int_equal(tls_state(f->t), TLS_STATE_OPEN);
	tls_client_carry(&f->c, f->t);
	/* OpenSSL's client gives up at that. */
	assert_int_equal(SSL_read(f->c.ssl, &c, 1), -1);
	assert_int_equal(ERR_GET_REASON(ERR_peek_error()),
			 SSL_R_NO_RENEGOTIATION);
}

/* --- hostile clients ----------------------------------------------------- */

static void feed(struct tls *t, const void *bytes, size_t len)
{
	const char *p = bytes;

	while (len) {
		size_t n = len < tls_room(t) ? len : tls_room(t);

		assert_true(n > 0);
		tls_feed(t, p, n);
		p += n;
		len -= n;
	}
}

static void test_tls_plain_text(void **state)
{
	struct fixture *f = *state;

	begin(f, TLS_PROFILE_MODERN);
	feed(f->t, "EHLO me\r\n", 9);
	assert_int_equal(tls_state(f->t), TLS_STATE_FAILED);
	assert_string_equal(tls_error(f->t), "wrong version number");
	/* What comes behind that is swallowed. */
	feed(f->t, "MAIL FROM:<a@b>\r\n", 17);
	assert_string_equal(tls_error(f->t), "wrong version number");
}

static void test_tls_hangup(void **state)
{
	struct fixture *f = *state;

	begin(f, TLS_PROFILE_MODERN);
	SSL_do_handshake(f->c.ssl);
	tls_client_carry(&f->c, f->t);
	tls_hangup(f->t);
	assert_string_equal(tls_error(f->t), "the client hung up");
}

/* Behind an open session it is no failure. */
static void test_tls_hangup_open(void **state)
{
	struct fixture *f = *state;

	begin(f, TLS_PROFILE_MODERN);
	tls_client_shake_hands(&f->c, f->t);
	tls_hangup(f->t);
	assert_null(tls_error(f->t));
}

static void test_tls_bad_record(void **state)
{
	struct fixture *f = *state;
	char record[64] = {23, 3, 3, 0, 59}, c;

	begin(f, TLS_PROFILE_MODERN);
	tls_client_shake_hands(&f->c, f->t);
	feed(f->t, record, sizeof(record));
	assert_int_equal(tls_read(f->t, &c, 1), 0);
	assert_string_equal(tls_error(f->t),
			    "decryption failed or bad record mac");
	/* It is told so by an alert, and nothing is written any more. */
	assert_true(tls_output(f->t) > 0);
	tls_end(f->t);
}

/* Every byte of a ClientHello bent, and cut off behind it: no crash. */
static void test_tls_bent_hello(void **state)
{
	struct fixture *f = *state;
	char hello[2048];
	int len;

	begin(f, TLS_PROFILE_MODERN);
	SSL_do_handshake(f->c.ssl);
	len = BIO_read(f->c.out, hello, sizeof(hello));
	assert_in_range(len, 100, sizeof(hello) - 1);
	for (int i = 0; i < 4 * len; i++) {
		struct tls *t = server(f, TLS_PROFILE_MODERN);
		char was = hello[i % len];

		hello[i % len] = (char)(was ^ (1 << (i / len * 2)));
		feed(t, hello, (size_t)len);
		tls_hangup(t);
		assert_non_null(tls_error(t));
		hello[i % len] = was;
		tls_free(t);
	}
}

/* The same with what the client of TLS 1.2 says next, key exchange and all. */
static void test_tls_bent_key_exchange(void **state)
{
	struct fixture *f = *state;
	int len = 1;

	begin(f, TLS_PROFILE_MODERN);
	for (int i = 0; i < len; i++) {
		struct tls *t = server(f, TLS_PROFILE_MODERN);
		struct tls_client c;
		char flight[2048];

		tls_client_init(&c, f->a, TLS_NOW, NULL);
		SSL_set_max_proto_version(c.ssl, TLS1_2_VERSION);
		SSL_do_handshake(c.ssl);
		tls_client_carry(&c, t);
		tls_client_carry(&c, t);
		SSL_do_handshake(c.ssl);
		len = BIO_read(c.out, flight, sizeof(flight));
		assert_in_range(len, 50, sizeof(flight) - 1);
		flight[i] ^= 1;
		feed(t, flight, (size_t)len);
		tls_hangup(t);
		assert_non_null(tls_error(t));
		tls_client_release(&c);
		tls_free(t);
	}
}

/* Random bytes in records of all kinds, in the handshake and behind it. */
static void test_tls_random_records(void **state)
{
	struct fixture *f = *state;
	unsigned seed = 1;

	begin(f, TLS_PROFILE_MODERN);
	for (int round = 0; round < 500; round++) {
		struct tls *t = server(f, TLS_PROFILE_MODERN);
		unsigned char record[600] = {0};
		char c[64];

		for (int part = 0; part < 4; part++) {
			for (size_t i = 0; i < sizeof(record); i++)
				record[i] = (unsigned char)(rand_r(&seed) >> 8);
			record[0] = (unsigned char)(20 + rand_r(&seed) % 5);
			record[1] = 3;
			record[2] &= 3;
			record[3] = (sizeof(record) - 5) >> 8;
			record[4] = (sizeof(record) - 5) & 255;
			if (part == 0)
				memcpy(record + 5, "\1\0\2\117\3\3", 6);
			feed(t, record, sizeof(record));
			tls_read(t, c, sizeof(c));
		}
		assert_non_null(tls_error(t));
		tls_free(t);
	}
}

/* A handshake message that never ends is cut off, not kept. */
static void test_tls_endless_hello(void **state)
{
	struct fixture *f = *state;
	unsigned char record[5 + 16384] = {22, 3, 1, 64, 0, 1, 255, 255, 255};
	size_t sent = 0;

	begin(f, TLS_PROFILE_MODERN);
	while (!tls_error(f->t) && sent < (1 << 20)) {
		feed(f->t, record, sizeof(record));
		memset(record + 5, 0, sizeof(record) - 5);
		sent += sizeof(record);
	}
	assert_string_equal(tls_error(f->t), "excessive message size");
}

/* Plaintext that is not read keeps ciphertext out, at TLS_INPUT_MAX. */
static void test_tls_input_max(void **state)
{
	struct fixture *f = *state;
	static char text[100000], got[100000];
	size_t fed = 0, read = 0, n;
	int pending;
	char *wire;

	begin(f, TLS_PROFILE_MODERN);
	tls_client_shake_hands(&f->c, f->t);
	assert_int_equal(SSL_write(f->c.ssl, text, sizeof(text)), sizeof(text));
	pending = (int)BIO_get_mem_data(f->c.out, &wire);
	while ((n = tls_room(f->t)) > 0) {
		tls_feed(f->t, wire + fed, n < 1000 ? n : 1000);
		fed += n < 1000 ? n : 1000;
	}
	assert_int_equal(fed, TLS_INPUT_MAX);
	while (fed < (size_t)pending || tls_room(f->t) < TLS_INPUT_MAX) {
		size_t left = (size_t)pending - fed;

		n = tls_read(f->t, got + read, sizeof(got) - read);
		read += n;
		if (n)
			continue;
		n = left < tls_room(f->t) ? left : tls_room(f->t);
		tls_feed(f->t, wire + fed, n);
		fed += n;
	}
	while ((n = tls_read(f->t, got + read, sizeof(got) - read)) > 0)
		read += n;
	assert_int_equal(read, sizeof(text));
}

/* Who asks for new keys without end gets no more than he sends. */
static void test_tls_key_updates(void **state)
{
	struct fixture *f = *state;
	size_t asked = 0;
	char c, buf[64];

	begin(f, TLS_PROFILE_MODERN);
	tls_client_shake_hands(&f->c, f->t);
	while (asked < TLS_INPUT_MAX) {
		int n;

		SSL_key_update(f->c.ssl, SSL_KEY_UPDATE_REQUESTED);
		SSL_do_handshake(f->c.ssl);
		n = BIO_read(f->c.out, buf, sizeof(buf));
		assert_true(n > 0);
		feed(f->t, buf, (size_t)n);
		tls_read(f->t, &c, 1);
		asked += (size_t)n;
	}
	assert_int_equal(tls_state(f->t), TLS_STATE_OPEN);
	assert_true(tls_output(f->t) > 0);
	assert_true(tls_output(f->t) <= asked);
}

/* What sessions cost that wait, as the header says. */
static void test_tls_memory(void **state)
{
	struct fixture *f = *state;
	const size_t shaking_max = 64 << 10, open_max = 16 << 10;
	size_t before;
	struct tls *t;

	begin(f, TLS_PROFILE_MODERN);
	t = server(f, TLS_PROFILE_MODERN);
	/* The first bytes of a ClientHello. */
	feed(t, "\26\3\1\2\0\1\0\1", 8);
	before = allocated;
	tls_free(t);
	assert_in_range(before - allocated, 1, shaking_max);
	tls_client_shake_hands(&f->c, f->t);
	before = allocated;
	tls_free(f->t);
	f->t = NULL;
	assert_in_range(before - allocated, 1, open_max);
}

int main(void)
{
	assert(CRYPTO_set_mem_functions(count_malloc, count_realloc,
					count_free));
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_tls_session),
		T(test_tls_client_closes),
		T(test_tls_12_without_name),
		T(test_tls_11_is_refused),
		T(test_tls_expired),
		T(test_tls_not_yet_valid),
		T(test_tls_wrong_name),
		T(test_tls_untrusted),
		T(test_tls_self_signed),
		T(test_tls_no_shared_cipher),
		T(test_tls_old_version_is_refused),
		T(test_tls_old_version_is_spoken),
		T(test_tls_no_resumption),
		T(test_tls_no_renegotiation),
		T(test_tls_plain_text),
		T(test_tls_hangup),
		T(test_tls_hangup_open),
		T(test_tls_bad_record),
		T(test_tls_bent_hello),
		T(test_tls_bent_key_exchange),
		T(test_tls_random_records),
		T(test_tls_endless_hello),
		T(test_tls_input_max),
		T(test_tls_key_updates),
		T(test_tls_memory),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
