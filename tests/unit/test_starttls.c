/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of sim/starttls.c: what a client that verifies makes of each
 * action of stage tls.
 */
#include "tls_client.h"

#include "sim/starttls.h"

#define HOUR_NS (3600 * DEADMX_NS_PER_S)
#define HOST	"mx.dest.example"

struct fixture {
	struct tls_authority *a;
	struct tls_context *ctx;
	struct deadmx_server server;
	struct deadmx_certificate own, given;
	char *names[2];
	struct starttls_plan plan;
	struct tls *t;
	struct tls_client c;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_int_equal(tls_authority_new(stderr, &f->a), 0);
	f->ctx = tls_context_new();
	f->server.name = STR(HOST);
	f->own = f->given = (struct deadmx_certificate){
		.from_ns = -HOUR_NS, .until_ns = DEADMX_FOREVER_NS};
	f->own.place.line = 7;
	*state = f;
	return 0;
}

static void end(struct fixture *f)
{
	tls_free(f->t);
	tls_client_release(&f->c);
	memset(&f->c, 0, sizeof(f->c));
	f->t = NULL;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	end(f);
	tls_context_free(f->ctx);
	tls_authority_free(f->a);
	free(f);
	return 0;
}

static int64_t date(void *arg, int64_t at_ns)
{
	return TLS_NOW + at_ns / DEADMX_NS_PER_S;
}

static void plan(struct fixture *f, const struct deadmx_fault *fault,
		 int64_t now_ns)
{
	const struct starttls_clock clock = {.now_ns = now_ns, .unix_s = date};

	starttls_plan(&f->server, fault, &clock, &f->plan);
}

/*
 * A client that verifies meets the server at @now_ns under @action: the
 * result of its verification.
 */
static long meet(struct fixture *f, enum deadmx_action action, int64_t now_ns)
{
	const struct deadmx_fault fault = {.place = {.line = 9},
					   .stage = DEADMX_STAGE_TLS,
					   .action = action,
					   .certificate = &f->given};
	const struct tls_cert *cert;

	end(f);
	plan(f, &fault, now_ns);
	assert_int_equal(tls_authority_issue(f->a, &f->plan.certificate, &cert),
			 0);
	f->t = tls_new(f->ctx, cert, f->plan.profile);
	assert_non_null(f->t);
	tls_client_init(&f->c, f->a, date(NULL, now_ns), HOST);
	tls_client_shake_hands(&f->c, f->t);
	return SSL_get_verify_result(f->c.ssl);
}

static void check_good(struct fixture *f, int64_t now_ns)
{
	assert_int_equal(meet(f, DEADMX_ACTION_ACCEPT, now_ns), X509_V_OK);
	assert_int_equal(tls_state(f->t), TLS_STATE_OPEN);
	assert_int_equal(f->plan.action, DEADMX_ACTION_ACCEPT);
}

/* At the end of the longest of runs, too. */
static void test_starttls_healthy(void **state)
{
	check_good(*state, 0);
	check_good(*state, DEADMX_DURATION_MAX_D * 24 * HOUR_NS);
}

static void check_action(struct fixture *f, enum deadmx_action action,
			 long result)
{
	static const int64_t times[] = {0, 5 * 24 * HOUR_NS,
					(DEADMX_DURATION_MAX_D * 24 - 1) *
						HOUR_NS};

	for (int i = 0; i < 3; i++) {
		assert_int_equal(meet(f, action, times[i]), result);
		assert_int_equal(tls_state(f->t), TLS_STATE_FAILED);
		assert_int_equal(f->plan.action, action);
		assert_int_equal(f->plan.line, 9);
	}
}

/* Each word does what it says at all times of a run. */
static void test_starttls_expired(void **state)
{
	check_action(*state, DEADMX_ACTION_EXPIRED,
		     X509_V_ERR_CERT_HAS_EXPIRED);
}

static void test_starttls_not_yet_valid(void **state)
{
	check_action(*state, DEADMX_ACTION_NOT_YET_VALID,
		     X509_V_ERR_CERT_NOT_YET_VALID);
}

static void test_starttls_wrong_name(void **state)
{
	check_action(*state, DEADMX_ACTION_WRONG_NAME,
		     X509_V_ERR_HOSTNAME_MISMATCH);
}

static void test_starttls_untrusted(void **state)
{
	check_action(*state, DEADMX_ACTION_UNTRUSTED,
		     X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN);
}

static void test_starttls_self_signed(void **state)
{
	check_action(*state, DEADMX_ACTION_SELF_SIGNED,
		     X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
}

static void test_starttls_no_shared_cipher(void **state)
{
	struct fixture *f = *state;

	meet(f, DEADMX_ACTION_NO_SHARED_CIPHER, 0);
	assert_int_equal(f->plan.action, DEADMX_ACTION_NO_SHARED_CIPHER);
	assert_string_equal(tls_error(f->t), "no shared cipher");
	assert_int_equal(f->c.reason, SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE);
}

static void test_starttls_old_version(void **state)
{
	struct fixture *f = *state;

	meet(f, DEADMX_ACTION_OLD_VERSION, 0);
	assert_int_equal(f->plan.action, DEADMX_ACTION_OLD_VERSION);
	assert_int_equal(tls_state(f->t), TLS_STATE_FAILED);
}

/* A stall comes with the time after which it goes on healthily. */
static void test_starttls_stall(void **state)
{
	struct fixture *f = *state;
	struct deadmx_fault fault = {.stage = DEADMX_STAGE_TLS,
				     .action = DEADMX_ACTION_STALL,
				     .stall_ns = HOUR_NS};

	plan(f, &fault, 0);
	assert_int_equal(f->plan.action, DEADMX_ACTION_STALL);
	assert_int_equal(f->plan.delay_ns, HOUR_NS);
	assert_int_equal(f->plan.profile, TLS_PROFILE_MODERN);
}

/*
 * A certificate that expires in the middle of a run is good before, and a
 * fault in its own line from then on: what we say and what a client that
 * looks at its clock says go together.
 */
static void test_starttls_own_expires(void **state)
{
	struct fixture *f = *state;

	f->own.until_ns = 30 * HOUR_NS;
	f->server.certificate = &f->own;
	check_good(f, 0);
	/* The client is OpenSSL, which takes the last second for over. */
	check_good(f, 30 * HOUR_NS - 2 * DEADMX_NS_PER_S);
	assert_int_equal(meet(f, DEADMX_ACTION_ACCEPT, 30 * HOUR_NS),
			 X509_V_ERR_CERT_HAS_EXPIRED);
	assert_int_equal(f->plan.action, DEADMX_ACTION_EXPIRED);
	assert_int_equal(f->plan.line, 7);
}

static void test_starttls_own_not_yet_valid(void **state)
{
	struct fixture *f = *state;

	f->own.from_ns = 30 * HOUR_NS;
	f->server.certificate = &f->own;
	assert_int_equal(
		meet(f, DEADMX_ACTION_ACCEPT, 30 * HOUR_NS - DEADMX_NS_PER_S),
		X509_V_ERR_CERT_NOT_YET_VALID);
	assert_int_equal(f->plan.action, DEADMX_ACTION_NOT_YET_VALID);
	check_good(f, 30 * HOUR_NS);
}

/*
 * Between two seconds of the calendar a certificate has its date in whole
 * ones, and so have we.
 */
static void test_starttls_whole_seconds(void **state)
{
	struct fixture *f = *state;

	f->own.until_ns = HOUR_NS + DEADMX_NS_PER_S / 2;
	f->server.certificate = &f->own;
	assert_int_equal(meet(f, DEADMX_ACTION_ACCEPT, HOUR_NS),
			 X509_V_ERR_CERT_HAS_EXPIRED);
	assert_int_equal(f->plan.action, DEADMX_ACTION_EXPIRED);
}

/* The given certificate is shown, and judged by what it is. */
static void test_starttls_given(void **state)
{
	struct fixture *f = *state;

	f->names[0] = STR("elsewhere.example");
	f->names[1] = STR("*.dest.example");
	f->given.names = f->names;
	f->given.name_count = 1;
	assert_int_equal(meet(f, DEADMX_ACTION_CERTIFICATE, 0),
			 X509_V_ERR_HOSTNAME_MISMATCH);
	assert_int_equal(f->plan.action, DEADMX_ACTION_WRONG_NAME);
	assert_int_equal(f->plan.line, 9);
	f->given.name_count = 2;
	assert_int_equal(meet(f, DEADMX_ACTION_CERTIFICATE, 0), X509_V_OK);
	assert_int_equal(f->plan.action, DEADMX_ACTION_ACCEPT);
	f->given.issuer = DEADMX_ISSUER_UNTRUSTED;
	meet(f, DEADMX_ACTION_CERTIFICATE, 0);
	assert_int_equal(f->plan.action, DEADMX_ACTION_UNTRUSTED);
	f->given.issuer = DEADMX_ISSUER_SELF;
	meet(f, DEADMX_ACTION_CERTIFICATE, 0);
	assert_int_equal(f->plan.action, DEADMX_ACTION_SELF_SIGNED);
}

/* A fault changes one thing: the server's own names and dates stay. */
static void test_starttls_fault_on_own(void **state)
{
	struct fixture *f = *state;

	f->names[0] = STR("*.dest.example");
	f->own.names = f->names;
	f->own.name_count = 1;
	f->own.until_ns = 30 * HOUR_NS;
	f->server.certificate = &f->own;
	meet(f, DEADMX_ACTION_UNTRUSTED, 0);
	assert_string_equal(f->plan.certificate.names[0], "*.dest.example");
	/* notAfter is its last good second: RFC 5280 4.1.2.5. */
	assert_int_equal(f->plan.certificate.until_unix_s,
			 date(NULL, 30 * HOUR_NS) - 1);
	assert_int_equal(f->plan.certificate.issuer, DEADMX_ISSUER_UNTRUSTED);
}

/* A star is one label, and case doesn't matter. */
static void test_starttls_names(void **state)
{
	static const struct {
		const char *name;
		bool good;
	} rows[] = {
		{"MX.Dest.Example", true},    {"*.dest.example", true},
		{"*.example", false},	      {"dest.example", false},
		{"*.mx.dest.example", false},
	};
	struct fixture *f = *state;

	f->given.names = f->names;
	f->given.name_count = 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		f->names[0] = STR(rows[i].name);
		assert_int_equal(meet(f, DEADMX_ACTION_CERTIFICATE, 0),
				 rows[i].good ? X509_V_OK
					      : X509_V_ERR_HOSTNAME_MISMATCH);
		assert_int_equal(f->plan.action,
				 rows[i].good ? DEADMX_ACTION_ACCEPT
					      : DEADMX_ACTION_WRONG_NAME);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_starttls_healthy),
		T(test_starttls_expired),
		T(test_starttls_not_yet_valid),
		T(test_starttls_wrong_name),
		T(test_starttls_untrusted),
		T(test_starttls_self_signed),
		T(test_starttls_no_shared_cipher),
		T(test_starttls_old_version),
		T(test_starttls_stall),
		T(test_starttls_own_expires),
		T(test_starttls_own_not_yet_valid),
		T(test_starttls_whole_seconds),
		T(test_starttls_given),
		T(test_starttls_fault_on_own),
		T(test_starttls_names),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
