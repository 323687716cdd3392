/* SPDX-License-Identifier: MIT */
/*
 * What the tests of a probe share: a DNS server and SMTP servers that answer
 * by tables, hostile ones too, each a child process on an address of its own;
 * and a probe against them.
 */
#ifndef TESTS_UNIT_PROBE_FIXTURE_H
#define TESTS_UNIT_PROBE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <ldns/ldns.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/probe/probe.h"

#define MAYBE_UNUSED __attribute__((unused))
#define S(n)	     ((int64_t)(n)*1000000000)
#define MS(n)	     ((int64_t)(n)*1000000)

enum { FAKES_MAX = 8, HEARD_MAX = 16384 };

/* What a fake SMTP server does; the first row that fits is taken. */
struct fake_row {
	const char *heard; /* begin of a command; "" is the greeting */
	const char *say;   /* with line ends; or one of these: */
};

#define SAY_DROP  ((const char *)1) /* FIN */
#define SAY_RESET ((const char *)2) /* RST */
#define SAY_STALL ((const char *)3)
#define SAY_FLOOD ((const char *)4)  /* one line that never ends */
#define SAY_LINES ((const char *)5)  /* lines of one reply, without end */
#define SAY_DRIP  ((const char *)6)  /* a byte each 20 ms, for ever */
#define SAY_TLS	  ((const char *)7)  /* 220, then a handshake */
#define SAY_NOISE ((const char *)8)  /* 220, then what is no handshake */
#define SAY_EXTRA ((const char *)9)  /* 220, more plain text, a handshake */
#define SAY_BYE	  ((const char *)10) /* 220, then FIN */

struct fake {
	pid_t pid;
	const struct fake_row *rows;
	X509 *cert;
	EVP_PKEY *key;
	char *heard; /* shared: each line that came in, ended by \n */
};

struct probe_fixture {
	int base; /* of this process's addresses: 127.x.y.* */
	uint16_t port, dns_port;
	struct fake fakes[FAKES_MAX];
	int fake_count;
	pid_t dns_pid;
	struct probe_report report;
	struct probe_options options;
	struct probe_dns dns;
	char address[FAKES_MAX][32];
};

static struct probe_fixture fixture;

static void fixture_setup(void)
{
	int pid = getpid();

	memset(&fixture, 0, sizeof(fixture));
	signal(SIGPIPE, SIG_IGN);
	fixture.port = 2525;
	fixture.dns_port = 5353;
	for (int i = 0; i < FAKES_MAX; i++)
		snprintf(fixture.address[i], sizeof(fixture.address[i]),
			 "127.%d.%d.%d", 140 + (pid >> 13 & 63), pid >> 5 & 255,
			 (pid & 31) * 8 + i);
	probe_report_init(&fixture.report);
	fixture.options = (struct probe_options){
		.from = "",
		.helo = "probe.example",
		.port = fixture.port,
		.v4 = true,
		.tls = PROBE_TLS_NONE,
	};
	fixture.options.net.timeout_ns = S(20);
	fixture.options.net.end_ns = INT64_MAX;
}

static void fixture_teardown(void)
{
	for (int i = 0; i < fixture.fake_count; i++) {
		kill(fixture.fakes[i].pid, SIGKILL);
		waitpid(fixture.fakes[i].pid, NULL, 0);
		munmap(fixture.fakes[i].heard, HEARD_MAX);
		X509_free(fixture.fakes[i].cert);
		EVP_PKEY_free(fixture.fakes[i].key);
	}
	if (fixture.dns_pid) {
		kill(fixture.dns_pid, SIGKILL);
		waitpid(fixture.dns_pid, NULL, 0);
	}
	SSL_CTX_free(fixture.options.tls_context);
	probe_report_release(&fixture.report);
}

static int fake_bind(int type, const char *ip, uint16_t port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_port = htons(port)};
	int on = 1, fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(inet_pton(AF_INET, ip, &addr.sin_addr), 1);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_return_code(bind(fd, (struct sockaddr *)&addr, sizeof(addr)),
			   errno);
	if (type == SOCK_STREAM)
		assert_return_code(listen(fd, 16), errno);
	return fd;
}

/* --- SMTP --- */

struct fake_session {
	struct fake *fake;
	int fd;
	SSL *ssl;
};

static void fake_say(struct fake_session *s, const char *text)
{
	if (s->ssl)
		SSL_write(s->ssl, text, (int)strlen(text));
	else
		(void)!send(s->fd, text, strlen(text), MSG_NOSIGNAL);
}

/* A line into @line; false at the end. */
static bool fake_hear(struct fake_session *s, char *line, size_t size)
{
	size_t used = strlen(s->fake->heard), len = 0;
	char c;

	while (len + 1 < size) {
		ssize_t n =
			s->ssl ? SSL_read(s->ssl, &c, 1) : read(s->fd, &c, 1);

		if (n != 1)
			return false;
		if (used + 2 < HEARD_MAX && c != '\r')
			s->fake->heard[used++] = c;
		if (c == '\n')
			break;
		line[len++] = c;
	}
	line[len] = '\0';
	return true;
}

static void fake_handshake(struct fake_session *s)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	SSL_CTX_use_certificate(ctx, s->fake->cert);
	SSL_CTX_use_PrivateKey(ctx, s->fake->key);
	s->ssl = SSL_new(ctx);
	SSL_set_fd(s->ssl, s->fd);
	if (SSL_accept(s->ssl) != 1) {
		SSL_free(s->ssl);
		s->ssl = NULL;
	}
	SSL_CTX_free(ctx);
}

static void fake_endless(struct fake_session *s, const char *text, int pause_us)
{
	while (send(s->fd, text, strlen(text), MSG_NOSIGNAL) > 0)
		if (pause_us)
			poll(NULL, 0, pause_us / 1000);
}

/* False: the connection is over. */
static bool fake_do(struct fake_session *s, const char *say)
{
	struct linger linger = {.l_onoff = 1};

	if (say == SAY_DROP)
		return false;
	if (say == SAY_RESET) {
		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &linger,
			   sizeof(linger));
		return false;
	}
	if (say == SAY_STALL) {
		char line[512];

		while (fake_hear(s, line, sizeof(line)))
			;
		return false;
	}
	if (say == SAY_FLOOD)
		fake_endless(s, "220 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 0);
	else if (say == SAY_LINES)
		fake_endless(s, "220-one more line\r\n", 0);
	else if (say == SAY_DRIP)
		fake_endless(s, "2", 20000);
	if (say == SAY_FLOOD || say == SAY_LINES || say == SAY_DRIP)
		return false;
	if (say == SAY_BYE) {
		fake_say(s, "220 go ahead\r\n");
		return false;
	}
	if (say == SAY_TLS || say == SAY_NOISE || say == SAY_EXTRA) {
		fake_say(s, say == SAY_EXTRA
				    ? "220 go ahead\r\n250 injected\r\n"
				    : "220 go ahead\r\n");
		if (say == SAY_NOISE)
			fake_say(s, "this is no TLS at all, is it?\r\n");
		else
			fake_handshake(s);
		return say != SAY_NOISE;
	}
	fake_say(s, say);
	return strncmp(say, "221", 3) != 0;
}

static const char *fake_answer(const struct fake *fake, const char *line)
{
	const struct fake_row *row = fake->rows;

	for (; row->heard; row++)
		if (strncmp(line, row->heard, strlen(row->heard)) == 0 &&
		    (*row->heard || !*line))
			return row->say;
	return "500 5.5.1 unknown to the test\r\n";
}

static void fake_serve(struct fake *fake, int listener)
{
	for (;;) {
		struct fake_session s = {.fake = fake,
					 .fd = accept(listener, NULL, NULL)};
		char line[1024] = "";

		while (fake_do(&s, fake_answer(fake, line)) &&
		       fake_hear(&s, line, sizeof(line)))
			;
		if (s.ssl)
			SSL_free(s.ssl);
		close(s.fd);
	}
}

/* A server at the next address; its index. @cert: from fake_certificate(). */
static MAYBE_UNUSED int fake_smtp(const struct fake_row *rows, X509 *cert,
				  EVP_PKEY *key)
{
	int index = fixture.fake_count++;
	struct fake *fake = &fixture.fakes[index];
	int listener =
		fake_bind(SOCK_STREAM, fixture.address[index], fixture.port);

	fake->rows = rows;
	fake->cert = cert;
	fake->key = key;
	fake->heard = mmap(NULL, HEARD_MAX, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(fake->heard, MAP_FAILED);
	fake->pid = fork();
	assert_true(fake->pid >= 0);
	if (fake->pid == 0) {
		fake_serve(fake, listener);
		_exit(0);
	}
	close(listener);
	return index;
}

/* A self-signed certificate for @name, valid from now+@from to now+@until. */
static MAYBE_UNUSED X509 *fake_certificate(const char *name, long from,
					   long until, EVP_PKEY **ret_key)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	X509 *cert = X509_new();
	X509_NAME *subject = X509_get_subject_name(cert);
	X509_EXTENSION *names;
	char value[128];

	snprintf(value, sizeof(value), "DNS:%s", name);
	names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, value);
	assert_non_null(names);
	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), from);
	X509_gmtime_adj(X509_getm_notAfter(cert), until);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
				   (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(cert, subject);
	X509_add_ext(cert, names, -1);
	X509_EXTENSION_free(names);
	X509_set_pubkey(cert, key);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	*ret_key = key;
	return cert;
}

/* --- DNS --- */

/*
 * Answers come from @zone, RRs as text. A name's first label may ask for
 * more: servfail, refused, silent, garbage, wrongid (first another id, then
 * the right one), cut (TC by UDP), cutdrip (TC, then TCP byte by byte), lame
 * (nothing, and not by authority), otherowner (records of another name), late
 * (each answer after 0.9 s).
 */
static ldns_pkt *fake_dns_answer(const char *const *zone, const ldns_pkt *query)
{
	const ldns_rr *asked = ldns_rr_list_rr(ldns_pkt_question(query), 0);
	ldns_pkt *pkt = ldns_pkt_new();
	bool known = false;

	ldns_pkt_set_id(pkt, ldns_pkt_id(query));
	ldns_pkt_set_qr(pkt, true);
	ldns_pkt_set_aa(pkt, true);
	ldns_pkt_push_rr(pkt, LDNS_SECTION_QUESTION, ldns_rr_clone(asked));
	for (; *zone; zone++) {
		ldns_rr *rr = NULL;

		if (ldns_rr_new_frm_str(&rr, *zone, 60, NULL, NULL))
			abort();
		if (ldns_dname_compare(ldns_rr_owner(rr),
				       ldns_rr_owner(asked))) {
			ldns_rr_free(rr);
			continue;
		}
		known = true;
		if (ldns_rr_get_type(rr) == ldns_rr_get_type(asked) ||
		    ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME)
			ldns_pkt_push_rr(pkt, LDNS_SECTION_ANSWER, rr);
		else
			ldns_rr_free(rr);
	}
	if (!known)
		ldns_pkt_set_rcode(pkt, LDNS_RCODE_NXDOMAIN);
	return pkt;
}

static void fake_dns_send(int fd, const ldns_pkt *pkt,
			  const struct sockaddr_storage *to, socklen_t len)
{
	uint8_t *wire;
	size_t size;

	if (ldns_pkt2wire(&wire, pkt, &size) == LDNS_STATUS_OK)
		sendto(fd, wire, size, 0, (const struct sockaddr *)to, len);
	free(wire);
}

static void fake_dns_udp(int fd, const char *const *zone)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	uint8_t wire[4096];
	ssize_t n = recvfrom(fd, wire, sizeof(wire), 0,
			     (struct sockaddr *)&from, &len);
	ldns_pkt *query, *pkt;
	char *name;

	if (n < 0 || ldns_wire2pkt(&query, wire, (size_t)n))
		return;
	name = ldns_rdf2str(
		ldns_rr_owner(ldns_rr_list_rr(ldns_pkt_question(query), 0)));
	pkt = fake_dns_answer(zone, query);
	if (strncmp(name, "servfail", 8) == 0)
		ldns_pkt_set_rcode(pkt, LDNS_RCODE_SERVFAIL);
	if (strncmp(name, "refused", 7) == 0)
		ldns_pkt_set_rcode(pkt, LDNS_RCODE_REFUSED);
	if (strncmp(name, "lame", 4) == 0)
		ldns_pkt_set_aa(pkt, false);
	if (strncmp(name, "otherowner", 10) == 0)
		ldns_rr_set_owner(ldns_rr_list_rr(ldns_pkt_answer(pkt), 0),
				  ldns_dname_new_frm_str("else.example."));
	if (strncmp(name, "late", 4) == 0)
		poll(NULL, 0, 900);
	if (strncmp(name, "cut", 3) == 0) {
		ldns_pkt_set_tc(pkt, true);
		while (ldns_pkt_ancount(pkt)) {
			ldns_rr_free(ldns_rr_list_pop_rr(ldns_pkt_answer(pkt)));
			ldns_pkt_set_ancount(pkt, ldns_pkt_ancount(pkt) - 1);
		}
	}
	if (strncmp(name, "garbage", 7) == 0)
		sendto(fd, "\1\2\3garbage", 10, 0, (struct sockaddr *)&from,
		       len);
	if (strncmp(name, "wrongid", 7) == 0) {
		ldns_pkt *other =
			fake_dns_answer((const char *const[]){NULL}, query);

		ldns_pkt_set_id(other, ldns_pkt_id(query) ^ 1);
		fake_dns_send(fd, other, &from, len);
	}
	if (strncmp(name, "silent", 6) != 0 && strncmp(name, "garbage", 7) != 0)
		fake_dns_send(fd, pkt, &from, len);
	ldns_pkt_free(pkt);
	ldns_pkt_free(query);
	free(name);
}

static void fake_dns_tcp(int listener, const char *const *zone)
{
	int fd = accept(listener, NULL, NULL);
	uint8_t head[2], query_wire[512], *wire;
	ldns_pkt *query, *pkt;
	size_t size, query_len;

	if (fd < 0 || recv(fd, head, 2, MSG_WAITALL) != 2)
		abort();
	query_len = (size_t)head[0] << 8 | head[1];
	if (recv(fd, query_wire, query_len, MSG_WAITALL) !=
		    (ssize_t)query_len ||
	    ldns_wire2pkt(&query, query_wire, query_len))
		abort();
	pkt = fake_dns_answer(zone, query);
	if (ldns_pkt2wire(&wire, pkt, &size))
		abort();
	head[0] = (uint8_t)(size >> 8);
	head[1] = (uint8_t)size;
	(void)!send(fd, head, 2, MSG_NOSIGNAL);
	if (query_wire[12] == 7) /* "cutdrip", not "cut" */
		for (size_t i = 0; i < size; i++) {
			if (send(fd, wire + i, 1, MSG_NOSIGNAL) < 0)
				break;
			poll(NULL, 0, 100);
		}
	else
		(void)!send(fd, wire, size, MSG_NOSIGNAL);
	close(fd);
}

static MAYBE_UNUSED void fake_dns(const char *const *zone)
{
	int udp = fake_bind(SOCK_DGRAM, fixture.address[0], fixture.dns_port);
	int tcp = fake_bind(SOCK_STREAM, fixture.address[0], fixture.dns_port);

	fixture.dns_pid = fork();
	assert_true(fixture.dns_pid >= 0);
	while (fixture.dns_pid == 0) {
		struct pollfd fds[] = {{.fd = udp, .events = POLLIN},
				       {.fd = tcp, .events = POLLIN}};

		poll(fds, 2, -1);
		if (fds[0].revents)
			fake_dns_udp(udp, zone);
		if (fds[1].revents)
			fake_dns_tcp(tcp, zone);
	}
	close(udp);
	close(tcp);
}

/* --- the probe --- */

static MAYBE_UNUSED void fixture_dns_init(void)
{
	char server[64];

	snprintf(server, sizeof(server), "%s:%u", fixture.address[0],
		 fixture.dns_port);
	assert_int_equal(probe_dns_init(&fixture.dns, &fixture.options.net,
					fixture.report.arena, server, stderr),
			 0);
}

static MAYBE_UNUSED struct probe_verdict fixture_probe(const char *address)
{
	assert_null(probe_address_parse(address, &fixture.options.to));
	if (!fixture.options.to.is_literal)
		fixture_dns_init();
	probe_run(&fixture.options, &fixture.dns, &fixture.report);
	return probe_report_verdict(&fixture.report);
}

/* A probe of the fake server @index itself, without DNS. */
static MAYBE_UNUSED struct probe_verdict fixture_probe_fake(int index)
{
	char address[64];

	snprintf(address, sizeof(address), "bob@[%s]", fixture.address[index]);
	return fixture_probe(address);
}

/* The last step of @kind, or NULL. */
static MAYBE_UNUSED const struct probe_step *
fixture_step(enum probe_step_kind kind)
{
	for (size_t i = fixture.report.step_count; i-- > 0;)
		if (fixture.report.steps[i].kind == kind)
			return &fixture.report.steps[i];
	return NULL;
}

#endif
