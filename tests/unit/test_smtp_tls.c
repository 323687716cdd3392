/* SPDX-License-Identifier: MIT */
/*
 * STARTTLS on real sockets: sim/connection.c and the server around it, with
 * OpenSSL's client.
 */
#include "world_fixture.h"

#include <malloc.h>

#include "sim/connection.h"
#include "sim/smtp_server.h"
#include "sim/starttls.h"
#include "tls_client.h"

#define NAME "mx.dest.example"

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
	struct world_fixture w; /* first: callbacks get it as their argument */
	struct deadmx_fault rows[4];
	struct deadmx_server config;
	struct smtp_server_shared shared;
	struct smtp_server *server;
	struct tls_client c;
	int fd;
	bool eof; /* on fd */
};

static int64_t fixture_unix_s(void *arg, int64_t at_ns)
{
	return TLS_NOW + at_ns / DEADMX_NS_PER_S;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fixture_init(&f->w);
	f->config = (struct deadmx_server){
		.name = STR(NAME),
		.address = f->w.address,
		.port = WORLD_PORT,
		.extensions = 1u << DEADMX_EXTENSION_STARTTLS,
		.faults = f->rows};
	f->shared = (struct smtp_server_shared){.loop = &f->w.loop,
						.log = f->w.log,
						.message_dir = f->w.dir,
						.budget = SMTP_SERVER_BUDGET,
						.now_ns = fixture_now,
						.unix_s = fixture_unix_s,
						.arg = &f->w};
	assert_int_equal(tls_authority_new(stderr, &f->shared.authority), 0);
	f->shared.tls = tls_context_new();
	f->fd = -1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->fd >= 0)
		close(f->fd);
	if (f->server) {
		smtp_server_close(f->server, fixture_on_closed, &f->w);
		fixture_await_closed(&f->w);
	}
	tls_client_release(&f->c);
	tls_context_free(f->shared.tls);
	tls_authority_free(f->shared.authority);
	fixture_release(&f->w);
	free(f);
	return 0;
}

static void add_fault(struct fixture *f, struct deadmx_fault fault)
{
	if (!fault.window.until_ns)
		fault.window.until_ns = DEADMX_FOREVER_NS;
	fault.place.line = (int)f->config.fault_count + 1;
	f->rows[f->config.fault_count++] = fault;
}

static void tls_fault(struct fixture *f, enum deadmx_action action)
{
	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_TLS,
					   .action = action,
					   .stall_ns =
						   action == DEADMX_ACTION_STALL
							   ? DEADMX_FOREVER_NS
							   : 0});
}

static void begin(struct fixture *f)
{
	assert_int_equal(
		smtp_server_new(&f->shared, &f->config, stderr, &f->server), 0);
	f->w.origin = (int64_t)uv_hrtime();
	assert_int_equal(smtp_server_restart(f->server, true), 0);
	fixture_clear_events(&f->w);
}

static int to_starttls(struct fixture *f)
{
	int fd = fixture_client(&f->w);

	fixture_expect(&f->w, fd, "220 " NAME " ESMTP\r\n");
	fixture_send(&f->w, fd, "EHLO me\r\n");
	fixture_expect(&f->w, fd, "250-" NAME "\r\n250 STARTTLS\r\n");
	fixture_send(&f->w, fd, "STARTTLS\r\n");
	fixture_expect(&f->w, fd, "220 Ready to start TLS\r\n");
	return fd;
}

/* Up to the reply to STARTTLS, and a client that verifies. */
static void begin_tls(struct fixture *f)
{
	begin(f);
	f->fd = to_starttls(f);
	tls_client_init(&f->c, f->shared.authority, TLS_NOW, NAME);
}

/* Carry ciphertext between the client and its socket, one turn. */
static void carry(struct fixture *f, bool read)
{
	char buf[16384];
	ssize_t n;
	char *out;
	long pending = BIO_get_mem_data(f->c.out, &out);

	if (pending > 0) {
		n = send(f->fd, out, (size_t)pending, MSG_NOSIGNAL);
		if (n > 0)
			while (n > 0)
				n -= BIO_read(f->c.out, buf,
					      n < (ssize_t)sizeof(buf)
						      ? (int)n
						      : (int)sizeof(buf));
	}
	n = read ? recv(f->fd, buf, sizeof(buf), 0) : -1;
	if (n > 0)
		BIO_write(f->c.in, buf, (int)n);
	if (n == 0)
		f->eof = true;
	fixture_turn(&f->w);
}

/* 1, or not: then why is in f->c.reason. */
static int shake_hands(struct fixture *f)
{
	int rc;

	ERR_clear_error();
	while ((rc = SSL_do_handshake(f->c.ssl)) != 1) {
		if (SSL_get_error(f->c.ssl, rc) != SSL_ERROR_WANT_READ)
			break;
		if (f->eof)
			fail_msg("the server hung up");
		carry(f, true);
	}
	if (rc != 1)
		f->c.reason = ERR_GET_REASON(ERR_peek_error());
	carry(f, true);
	return rc;
}

static void tls_send(struct fixture *f, const char *text)
{
	assert_int_equal(SSL_write(f->c.ssl, text, (int)strlen(text)),
			 strlen(text));
	carry(f, true);
}

static void tls_expect(struct fixture *f, const char *want)
{
	char got[4096];
	size_t used = 0, len = strlen(want);

	while (used < len) {
		int rc = SSL_read(f->c.ssl, got + used, (int)(len - used));

		if (rc > 0)
			used += (size_t)rc;
		else if (f->eof)
			fail_msg("EOF, expected %s", want + used);
		else
			carry(f, true);
	}
	assert_memory_equal(got, want, len);
}

/* The server says that nothing follows, in TLS and in TCP. */
static void tls_expect_end(struct fixture *f)
{
	char c;
	int rc;

	while ((rc = SSL_read(f->c.ssl, &c, 1)) < 0)
		carry(f, true);
	assert_int_equal(rc, 0);
	assert_int_equal(SSL_get_error(f->c.ssl, rc), SSL_ERROR_ZERO_RETURN);
	while (!f->eof)
		carry(f, true);
}

static void check_event(struct fixture *f, const char *text)
{
	fixture_await_event(&f->w, text);
}

/* A whole session, from plaintext to the farewell inside TLS. */
static void test_smtp_tls_session(void **state)
{
	struct fixture *f = *state;

	begin_tls(f);
	assert_int_equal(shake_hands(f), 1);
	check_event(f, "tls 1 " NAME " TLSv1.3 TLS_AES_256_GCM_SHA384 " NAME
		       " null\n");
	tls_send(f, "EHLO me\r\n");
	tls_expect(f, "250 " NAME "\r\n");
	tls_send(f, "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
	tls_expect(f, "250 Sender ok\r\n250 Recipient ok\r\n354 End data with "
		      "<CR><LF>.<CR><LF>\r\n");
	tls_send(f, "text\r\n.\r\nQUIT\r\n");
	tls_expect(f, "250 Message accepted\r\n221 Bye\r\n");
	tls_expect_end(f);
	check_event(f, "message 1 " NAME " a@b [\"c@d\"] msg-1.eml 6\n");
	check_event(f, "close 1 " NAME " server fin\n");
	assert_null(strstr(f->w.events, "fault"));
}

/* RFC 3207 4.2: nothing of what was said before counts any more. */
static void test_smtp_tls_starts_anew(void **state)
{
	struct fixture *f = *state;

	begin_tls(f);
	shake_hands(f);
	tls_send(f, "MAIL FROM:<a@b>\r\n");
	tls_expect(f, "503 ");
}

/*
 * CVE-2011-0411: commands that somebody put behind STARTTLS, in the clear,
 * are not carried out as if they had come through TLS.
 */
static void test_smtp_tls_injected(void **state)
{
	static const char *const all[] = {
		"STARTTLS\r\nNOOP injected\r\n",
		"STARTTLS\r\nNOOP injected\r\nNOOP inj",
		"STARTTLS\r\nNOOP inj",
	};
	struct fixture *f = *state;

	begin(f);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		f->fd = fixture_client(&f->w);
		f->eof = false;
		fixture_expect(&f->w, f->fd, "220 " NAME " ESMTP\r\n");
		fixture_send(&f->w, f->fd, "EHLO me\r\n");
		fixture_expect(&f->w, f->fd,
			       "250-" NAME "\r\n250 STARTTLS\r\n");
		/* In one segment, so it is read with the command. */
		assert_int_equal(
			send(f->fd, all[i], strlen(all[i]), MSG_NOSIGNAL),
			strlen(all[i]));
		fixture_expect(&f->w, f->fd, "220 Ready to start TLS\r\n");
		tls_client_init(&f->c, f->shared.authority, TLS_NOW, NAME);
		assert_int_equal(shake_hands(f), 1);
		tls_send(f, "NOOP honest\r\n");
		tls_expect(f, "250 Ok\r\n");
		assert_null(strstr(f->w.events, "inj"));
		tls_client_release(&f->c);
		close(f->fd);
	}
	memset(&f->c, 0, sizeof(f->c));
	f->fd = -1;
}

/* Each bad certificate is a fault, and the client's alert is heard. */
static void test_smtp_tls_bad_certificate(void **state)
{
	struct fixture *f = *state;

	tls_fault(f, DEADMX_ACTION_EXPIRED);
	begin_tls(f);
	assert_int_not_equal(shake_hands(f), 1);
	assert_int_equal(f->c.reason, SSL_R_CERTIFICATE_VERIFY_FAILED);
	assert_int_equal(SSL_get_verify_result(f->c.ssl),
			 X509_V_ERR_CERT_HAS_EXPIRED);
	check_event(f, "fault 1 " NAME " tls expired null 1\n"
		       "tls 1 " NAME " TLSv1.3 TLS_AES_256_GCM_SHA384 " NAME
		       " sslv3 alert certificate expired\n"
		       "close 1 " NAME " server fin\n");
}

/* The server's own certificate, without a row of the timeline. */
static void test_smtp_tls_own_expired(void **state)
{
	struct deadmx_certificate own = {.place = {.line = 7},
					 .from_ns = -2 * DEADMX_NS_PER_S,
					 .until_ns = -DEADMX_NS_PER_S};
	struct fixture *f = *state;

	f->config.certificate = &own;
	begin_tls(f);
	assert_int_not_equal(shake_hands(f), 1);
	check_event(f, "fault 1 " NAME " tls expired null 7\n");
}

static void test_smtp_tls_no_shared_cipher(void **state)
{
	struct fixture *f = *state;

	tls_fault(f, DEADMX_ACTION_NO_SHARED_CIPHER);
	begin_tls(f);
	assert_int_not_equal(shake_hands(f), 1);
	assert_int_equal(f->c.reason, SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE);
	check_event(f, "fault 1 " NAME " tls no_shared_cipher null 1\n"
		       "tls 1 " NAME " null null " NAME " no shared cipher\n"
		       "close 1 " NAME " server fin\n");
}

static void test_smtp_tls_old_version(void **state)
{
	struct fixture *f = *state;

	tls_fault(f, DEADMX_ACTION_OLD_VERSION);
	begin_tls(f);
	SSL_set_min_proto_version(f->c.ssl, TLS1_2_VERSION);
	assert_int_not_equal(shake_hands(f), 1);
	assert_int_equal(f->c.reason, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
}

/* Bytes that are no TLS, and then silence until the client goes. */
static void test_smtp_tls_garbage(void **state)
{
	struct fixture *f = *state;

	tls_fault(f, DEADMX_ACTION_GARBAGE);
	begin_tls(f);
	assert_int_not_equal(shake_hands(f), 1);
	assert_int_equal(f->c.reason, SSL_R_WRONG_VERSION_NUMBER);
	fixture_send(&f->w, f->fd, "QUIT\r\n");
	close(f->fd);
	f->fd = -1;
	check_event(f, "close 1 " NAME " client fin\n");
	assert_null(strstr(f->w.events, "tls 1 "));
	assert_null(strstr(f->w.events, "QUIT"));
}

/* The client says its hello and waits; the connection is gone. */
static void test_smtp_tls_drop(void **state)
{
	struct fixture *f = *state;

	tls_fault(f, DEADMX_ACTION_DROP);
	begin_tls(f);
	assert_null(strstr(f->w.events, "fault"));
	SSL_do_handshake(f->c.ssl);
	carry(f, false);
	fixture_expect_end(&f->w, f->fd, 0);
	f->fd = -1;
	check_event(f, "fault 1 " NAME " tls drop null 1\n"
		       "close 1 " NAME " server fin\n");
}

static void test_smtp_tls_reset(void **state)
{
	struct fixture *f = *state;

	tls_fault(f, DEADMX_ACTION_RESET);
	begin_tls(f);
	SSL_do_handshake(f->c.ssl);
	carry(f, false);
	fixture_expect_end(&f->w, f->fd, ECONNRESET);
	f->fd = -1;
	check_event(f, "fault 1 " NAME " tls reset null 1\n"
		       "close 1 " NAME " server reset\n");
}

/* For ever: what the client says is swallowed, and costs nothing. */
static void test_smtp_tls_stall(void **state)
{
	static char hello[CONNECTION_INPUT_MAX * 4];
	struct fixture *f = *state;
	size_t before, sent = 0;
	char c;

	tls_fault(f, DEADMX_ACTION_STALL);
	begin_tls(f);
	before = allocated;
	while (sent < sizeof(hello)) {
		ssize_t n = send(f->fd, hello + sent, sizeof(hello) - sent,
				 MSG_NOSIGNAL);

		sent += n > 0 ? (size_t)n : 0;
		fixture_turn(&f->w);
	}
	assert_int_equal(allocated, before);
	assert_int_equal(recv(f->fd, &c, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
	close(f->fd);
	f->fd = -1;
	check_event(f, "fault 1 " NAME " tls stall null 1\n"
		       "close 1 " NAME " client fin\n");
}

/* For a time: then the handshake goes on from the hello that waited. */
static void test_smtp_tls_stall_ends(void **state)
{
	struct fixture *f = *state;
	int64_t begun;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_TLS,
					   .action = DEADMX_ACTION_STALL,
					   .stall_ns = MS(50)});
	begin_tls(f);
	begun = fixture_now(&f->w);
	assert_int_equal(shake_hands(f), 1);
	assert_true(fixture_now(&f->w) - begun >= MS(50));
	tls_send(f, "NOOP\r\n");
	tls_expect(f, "250 Ok\r\n");
}

/* Who hangs up meanwhile is noticed. */
static void test_smtp_tls_stall_left(void **state)
{
	struct fixture *f = *state;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_TLS,
					   .action = DEADMX_ACTION_STALL,
					   .stall_ns = MS(100000)});
	begin_tls(f);
	SSL_do_handshake(f->c.ssl);
	carry(f, false);
	check_event(f, "fault 1 " NAME " tls stall null 1\n");
	close(f->fd);
	f->fd = -1;
	check_event(f, "close 1 " NAME " client fin\n");
	while (smtp_server_connections(f->server))
		fixture_turn(&f->w);
}

/* A row counts handshakes. */
static void test_smtp_tls_first(void **state)
{
	struct fixture *f = *state;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_TLS,
					   .action = DEADMX_ACTION_DROP,
					   .window = {.first = 1}});
	begin_tls(f);
	SSL_do_handshake(f->c.ssl);
	carry(f, false);
	fixture_expect_end(&f->w, f->fd, 0);
	tls_client_release(&f->c);
	f->fd = to_starttls(f);
	tls_client_init(&f->c, f->shared.authority, TLS_NOW, NAME);
	assert_int_equal(shake_hands(f), 1);
}

/* --- clients that misbehave ---------------------------------------------- */

static void test_smtp_tls_plain_text(void **state)
{
	struct fixture *f = *state;

	begin_tls(f);
	fixture_send(&f->w, f->fd, "EHLO me\r\n");
	check_event(f, "tls 1 " NAME " null null null wrong version number\n"
		       "close 1 " NAME " server fin\n");
	close(f->fd);
	f->fd = -1;
	while (smtp_server_connections(f->server))
		fixture_turn(&f->w);
}

static void test_smtp_tls_hangup(void **state)
{
	struct fixture *f = *state;

	begin_tls(f);
	SSL_do_handshake(f->c.ssl);
	carry(f, false);
	close(f->fd);
	f->fd = -1;
	check_event(f, "the client hung up\nclose 1 " NAME " client ");
}

/* One that sends no first byte costs no memory for TLS. */
static void test_smtp_tls_silent_client(void **state)
{
	struct fixture *f = *state;
	size_t before;
	int other;

	begin_tls(f);
	before = allocated;
	other = to_starttls(f);
	assert_int_equal(allocated, before);
	close(other);
}

static void test_smtp_tls_bad_record(void **state)
{
	struct fixture *f = *state;
	char record[64] = {23, 3, 3, 0, 59};

	begin_tls(f);
	shake_hands(f);
	send(f->fd, record, sizeof(record), MSG_NOSIGNAL);
	check_event(f, " decryption failed or bad record mac\n"
		       "close 1 " NAME " server fin\n");
}

/* close_notify is a farewell, whether a FIN follows or not. */
static void test_smtp_tls_close_notify(void **state)
{
	struct fixture *f = *state;

	begin_tls(f);
	shake_hands(f);
	SSL_shutdown(f->c.ssl);
	carry(f, true);
	tls_expect_end(f);
	check_event(f, "close 1 " NAME " client fin\n");
}

/* A message longer than all buffers comes through whole. */
static void test_smtp_tls_long_message(void **state)
{
	enum { LINES = 6000, LINE = 100 };
	struct fixture *f = *state;
	char *text = malloc(LINES * LINE + 1), want[64];

	for (int i = 0; i < LINES; i++)
		snprintf(text + i * LINE, LINE + 1, "%0*d\r\n", LINE - 2, i);
	begin_tls(f);
	shake_hands(f);
	tls_send(f, "HELO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
	tls_send(f, text);
	tls_send(f, ".\r\n");
	snprintf(want, sizeof(want), " msg-1.eml %d\n", LINES * LINE);
	while (!strstr(f->w.events, want))
		carry(f, true);
	free(text);
}

/* Lines wait behind a reply that is held back, in TLS as without. */
static void test_smtp_tls_drip(void **state)
{
	struct fixture *f = *state;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_MAIL,
					   .action = DEADMX_ACTION_DRIP,
					   .drip_ns = MS(1)});
	begin_tls(f);
	shake_hands(f);
	tls_send(f, "HELO me\r\nMAIL FROM:<a@b>\r\nNOOP\r\n");
	tls_expect(f, "250 " NAME "\r\n250 Sender ok\r\n250 Ok\r\n");
}

/* Replies that nobody reads stop the reading, as without TLS. */
static void test_smtp_tls_output_limit(void **state)
{
	enum { MANY = 64 << 20 };
	struct fixture *f = *state;
	char name[1001], text[1 << 14];
	size_t sent = 0;

	memset(name, 'x', 1000);
	name[1000] = '\0';
	begin_tls(f);
	shake_hands(f);
	f->config.name = name;
	for (size_t i = 0; i < sizeof(text); i += 8)
		memcpy(text + i, "HELO x\r\n", 8);
	for (int stuck = 0; stuck < 50;) {
		char *out;
		long was;

		if (BIO_get_mem_data(f->c.out, &out) == 0)
			SSL_write(f->c.ssl, text, sizeof(text));
		was = BIO_get_mem_data(f->c.out, &out);
		carry(f, false);
		sent += (size_t)(was - BIO_get_mem_data(f->c.out, &out));
		stuck = BIO_get_mem_data(f->c.out, &out) == was ? stuck + 1 : 0;
		assert_true(sent < MANY);
	}
	f->config.name = STR(NAME);
}

/* What the kernel holds for connections that are yet to come: little. */
static void shrink(uv_handle_t *handle, void *arg)
{
	int in = 4096, out = 4096;

	if (handle->type != UV_TCP)
		return;
	uv_recv_buffer_size(handle, &in);
	uv_send_buffer_size(handle, &out);
}

/* Nor does it help to ask TLS itself for answers. */
static void test_smtp_tls_key_updates(void **state)
{
	enum { MANY = 64 << 20 };
	struct fixture *f = *state;
	size_t sent = 0;

	begin(f);
	uv_walk(&f->w.loop, shrink, NULL);
	f->fd = to_starttls(f);
	tls_client_init(&f->c, f->shared.authority, TLS_NOW, NAME);
	shake_hands(f);
	for (int stuck = 0; stuck < 50;) {
		char *out;
		long was;

		while (BIO_get_mem_data(f->c.out, &out) < (1 << 16)) {
			SSL_key_update(f->c.ssl, SSL_KEY_UPDATE_REQUESTED);
			assert_int_equal(SSL_do_handshake(f->c.ssl), 1);
		}
		was = BIO_get_mem_data(f->c.out, &out);
		carry(f, false);
		sent += (size_t)(was - BIO_get_mem_data(f->c.out, &out));
		stuck = BIO_get_mem_data(f->c.out, &out) == was ? stuck + 1 : 0;
		assert_true(sent < MANY);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_smtp_tls_session),
		T(test_smtp_tls_starts_anew),
		T(test_smtp_tls_injected),
		T(test_smtp_tls_bad_certificate),
		T(test_smtp_tls_own_expired),
		T(test_smtp_tls_no_shared_cipher),
		T(test_smtp_tls_old_version),
		T(test_smtp_tls_garbage),
		T(test_smtp_tls_drop),
		T(test_smtp_tls_reset),
		T(test_smtp_tls_stall),
		T(test_smtp_tls_stall_ends),
		T(test_smtp_tls_stall_left),
		T(test_smtp_tls_first),
		T(test_smtp_tls_plain_text),
		T(test_smtp_tls_hangup),
		T(test_smtp_tls_silent_client),
		T(test_smtp_tls_bad_record),
		T(test_smtp_tls_close_notify),
		T(test_smtp_tls_long_message),
		T(test_smtp_tls_drip),
		T(test_smtp_tls_output_limit),
		T(test_smtp_tls_key_updates),
	};
#undef T

	CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
