/* SPDX-License-Identifier: MIT */
/*
 * The model MTA: what it reads, when it tries, what it keeps, what it tells a
 * sender, and what it does to clients that mean it no good.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deadmx/ndr.h"
#include "harness/model/model_ndr.h"
#include "harness/model/model_param.h"
#include "harness/model/model_run.h"
#include "harness/model/model_smtpd.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS	  (60 * MINUTE_MS)
#define DAY_MS	  (24 * HOUR_MS)

/* A queue folder and a configuration. */
static struct fixture {
	char dir[64];
	struct model_config config;
	struct model_message *m;
	char *text;
} f;

static int setup(void **state)
{
	memset(&f, 0, sizeof(f));
	snprintf(f.dir, sizeof(f.dir), "/tmp/deadmx-model-XXXXXX");
	assert_non_null(mkdtemp(f.dir));
	f.config = (struct model_config){.queue_dir = f.dir,
					 .hostname = "mta.example",
					 .lifetime_ms = 5 * DAY_MS,
					 .retry_for_ms = 5 * DAY_MS,
					 .delay_ms = 4 * HOUR_MS,
					 .dns = "127.0.0.1"};
	return 0;
}

static int teardown(void **state)
{
	DIR *dir = opendir(f.dir);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(f.dir);
	model_message_free(f.m);
	free(f.text);
	return 0;
}

/* --- parameters ---------------------------------------------------------- */

static const char *mail(const char *args)
{
	char *copy = strdup(args);
	const char *no;

	model_message_free(f.m);
	f.m = NULL;
	no = model_param_mail(copy, 1000, &f.m);
	free(copy);
	return no;
}

static const char *rcpt(const char *args)
{
	char *copy = strdup(args);
	const char *no = model_param_rcpt(copy, f.m);

	free(copy);
	return no;
}

/* All that belongs to MAIL. */
static void test_model_mail(void **state)
{
	assert_null(mail("<a@b.example> SIZE=100 BODY=8BITMIME RET=HDRS "
			 "ENVID=QQ+2B1 BY=600;R SMTPUTF8"));
	assert_string_equal(f.m->from, "a@b.example");
	assert_string_equal(f.m->ret, "HDRS");
	assert_string_equal(f.m->envid, "QQ+2B1");
	assert_true(f.m->is_utf8);
	assert_int_equal(f.m->by_mode, 'R');
	assert_int_equal(f.m->by_ms, 601000);
	assert_null(mail("<>"));
	assert_string_equal(f.m->from, "");
	/* With N the time may be over (RFC 2852 4). */
	assert_null(mail("<a@b.example> BY=-1;NT"));
	assert_int_equal(f.m->by_ms, 0);
	assert_true(f.m->by_trace);
}

/* What is refused, each with its code. */
static void test_model_mail_refused(void **state)
{
	static const struct {
		const char *args, *code;
	} rows[] = {
		{"a@b.example", "501"},
		{"<a@b.example", "501"},
		{"<a@b.example>x", "501"},
		{"<nobody>", "501"},
		{"<a@b\x01.example>", "501"},
		{"<a@b.example> SIZE=99999999999", "552"},
		{"<a@b.example> SIZE", "555"},
		{"<a@b.example> FLY=1", "501"},
		{"<a@b.example> RET=SOME", "501"},
		{"<a@b.example> RET=FULL RET=HDRS", "501"},
		{"<a@b.example> ENVID=", "501"},
		{"<a@b.example> BY=600", "501"},
		{"<a@b.example> BY=0;R", "501"},
		{"<a@b.example> BY=99999999999;N", "501"},
		{"<a@b.example> BY=10;X", "501"},
		{"<a@b.example> BY=10;RX", "501"},
		{"<a@b.example> BY=-10;R", "501"},
		{"<a@b.example> BODY=9BIT", "501"},
	};
	char longest[400] = "<";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *no = mail(rows[i].args);

		print_message("%s\n", rows[i].args);
		assert_non_null(no);
		assert_memory_equal(no, rows[i].code, 3);
		assert_null(f.m);
	}
	memset(longest + 1, 'a', 330);
	memcpy(longest + 331, "@b.example>", 12);
	assert_non_null(mail(longest));
}

/* Recipients with DSN parameters; a refused one leaves nothing. */
static void test_model_rcpt(void **state)
{
	assert_null(mail("<a@b.example>"));
	assert_null(rcpt("<c@d.example> NOTIFY=FAILURE,DELAY "
			 "ORCPT=rfc822;c@d.example"));
	assert_string_equal(f.m->recipients[0].notify, "FAILURE,DELAY");
	assert_string_equal(f.m->recipients[0].orcpt, "rfc822;c@d.example");
	assert_non_null(rcpt("<c@d.example> NOTIFY=NEVER,DELAY"));
	assert_non_null(rcpt("<c@d.example> ORCPT=c@d.example"));
	assert_non_null(rcpt("<>"));
	assert_int_equal(f.m->recipient_count, 1);
}

static void test_model_rcpt_limit(void **state)
{
	assert_null(mail("<a@b.example>"));
	for (int i = 0; i < MODEL_RECIPIENTS_MAX; i++)
		assert_null(rcpt("<c@d.example>"));
	assert_string_equal(rcpt("<c@d.example>"),
			    "452 4.5.3 Too many recipients");
}

/* --- when ---------------------------------------------------------------- */

/* RFC 5321 4.5.4.1: 30 min at least, and less often later. */
static void test_model_pause_rfc(void **state)
{
	static const int minutes[] = {30, 60, 120, 180, 180};

	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(model_run_pause_ms(&f.config, i + 1, 0),
				 minutes[i] * MINUTE_MS);
	/* The next one would come too late. */
	assert_int_equal(model_run_pause_ms(&f.config, 9, 5 * DAY_MS - HOUR_MS),
			 0);
}

static void test_model_pause_exchange(void **state)
{
	f.config.profile = MODEL_PROFILE_EXCHANGE;
	f.config.retry_for_ms = DAY_MS;
	assert_int_equal(model_run_pause_ms(&f.config, 4, 0), MINUTE_MS);
	assert_int_equal(model_run_pause_ms(&f.config, 5, 0), 5 * MINUTE_MS);
	assert_int_equal(model_run_pause_ms(&f.config, 11, 0), 10 * MINUTE_MS);
	/* After a day it only waits for its end. */
	assert_int_equal(model_run_pause_ms(&f.config, 150, DAY_MS), 0);
}

/* --- queue --------------------------------------------------------------- */

static struct model_message *queued(struct model_queue *q)
{
	struct model_message *m = model_message_new("a@b.example");
	struct model_recipient *r = model_message_add(m, "c@d.example");

	model_set(&m->envid, "Q1");
	model_set(&r->notify, "FAILURE");
	model_set(&r->diagnostic, "451 4.3.0 \"No\"\twith\xc3\xa4");
	r->is_reply = true;
	m->by_mode = 'N';
	assert_int_equal(model_queue_add(q, m, "X: y\r\n\r\nz\r\n", 11), 0);
	return m;
}

/* What was accepted is there again in the next process. */
static void test_model_queue_restart(void **state)
{
	struct model_queue q;
	struct model_message *m;
	int64_t arrival_ms;
	size_t len;
	char *data;

	assert_int_equal(model_queue_open(&q, &f.config), 0);
	m = queued(&q);
	m->attempts = 3;
	m->next_ms = m->arrival_ms + HOUR_MS;
	m->is_delay_told = true;
	arrival_ms = m->arrival_ms;
	assert_int_equal(model_queue_save(&q, m), 0);
	model_queue_release(&q);

	assert_int_equal(model_queue_open(&q, &f.config), 0);
	assert_int_equal(q.count, 1);
	m = q.messages;
	assert_string_equal(m->from, "a@b.example");
	assert_string_equal(m->envid, "Q1");
	assert_null(m->ret);
	assert_int_equal(m->attempts, 3);
	assert_int_equal(m->arrival_ms, arrival_ms);
	assert_int_equal(m->next_ms, arrival_ms + HOUR_MS);
	assert_int_equal(m->by_mode, 'N');
	assert_true(m->is_delay_told);
	assert_string_equal(m->recipients[0].to, "c@d.example");
	assert_string_equal(m->recipients[0].notify, "FAILURE");
	assert_string_equal(m->recipients[0].diagnostic,
			    "451 4.3.0 \"No\"\twith\xc3\xa4");
	assert_int_equal(m->recipients[0].state, MODEL_STATE_PENDING);
	data = model_queue_data(&q, m, &len);
	assert_int_equal(len, 11);
	assert_memory_equal(data, "X: y\r\n\r\nz\r\n", len);
	free(data);
	model_queue_remove(&q, m);
	model_queue_release(&q);
	assert_int_equal(model_queue_open(&q, &f.config), 0);
	assert_int_equal(q.count, 0);
	model_queue_release(&q);
}

/* A file that is no envelope is passed over. */
static void test_model_queue_damaged(void **state)
{
	char path[128];
	struct model_queue q;
	FILE *out;

	snprintf(path, sizeof(path), "%s/000000000000-0000.json", f.dir);
	out = fopen(path, "we");
	assert_non_null(out);
	fputs("{\"from\": 7, \"recipients\": [3, {\"to\": []}]", out);
	fclose(out);
	assert_int_equal(model_queue_open(&q, &f.config), 0);
	assert_int_equal(q.count, 0);
	queued(&q);
	assert_int_equal(q.count, 1);
	model_queue_release(&q);
}

static void test_model_queue_limit(void **state)
{
	struct model_queue q;

	assert_int_equal(model_queue_open(&q, &f.config), 0);
	q.count = MODEL_QUEUE_MAX;
	f.m = model_message_new("a@b.example");
	assert_int_equal(model_queue_add(&q, f.m, "x", 1), -ENOSPC);
	q.count = 0;
	model_queue_release(&q);
}

/* --- reports ------------------------------------------------------------- */

static const char original[] = "Subject: x\r\n\r\nbody\r\n";

/* The report with what differs from run to run taken out. */
static void make_report(enum model_profile profile, enum model_report kind)
{
	static const char *const masked[] = {
		"Date: ", "Message-ID: ", "Arrival-Date: ",
		"Will-Retry-Until: "};
	static const bool names[] = {true};
	struct model_recipient *r;
	char *raw, *line, *rest, *out;
	size_t len, out_len;
	FILE *stream;

	f.config.profile = profile;
	f.m = model_message_new("alice@sender.example");
	model_set(&f.m->id, "1");
	r = model_message_add(f.m, "bob@dest.example");
	model_set(&r->status, "4.7.1");
	model_set(&r->diagnostic, "451 4.7.1 Try again later");
	model_set(&r->remote, "mx.dest.example");
	model_set(&r->address, "192.0.2.10:25");
	r->is_reply = true;
	f.m->attempts = 42;
	f.m->arrival_ms = model_now_ms() - 2 * DAY_MS;
	raw = model_ndr_make(&f.config, f.m, "alice@sender.example", names,
			     kind, original, sizeof(original) - 1, &len);
	stream = open_memstream(&out, &out_len);
	for (rest = raw; (line = strsep(&rest, "\n")) && rest;) {
		line[strcspn(line, "\r")] = '\0';
		for (size_t i = 0; i < sizeof(masked) / sizeof(masked[0]); i++)
			if (strncmp(line, masked[i], strlen(masked[i])) == 0)
				memcpy(line + strlen(masked[i]), "*", 2);
		fprintf(stream, "%s\n", line);
	}
	fclose(stream);
	free(raw);
	f.text = out;
}

static void test_model_ndr_rfc(void **state)
{
	make_report(MODEL_PROFILE_RFC, MODEL_REPORT_FAILED);
	assert_string_equal(
		f.text,
		"Date: *\n"
		"From: MAILER-DAEMON@mta.example (Mail Delivery System)\n"
		"To: alice@sender.example\n"
		"Subject: Undelivered mail returned to sender\n"
		"Message-ID: *\n"
		"Auto-Submitted: auto-replied\n"
		"MIME-Version: 1.0\n"
		"Content-Type: multipart/report; report-type=delivery-status;\n"
		"\tboundary=\"=_deadmx-model\"\n"
		"\n"
		"--=_deadmx-model\n"
		"Content-Type: text/plain; charset=us-ascii\n"
		"Content-Transfer-Encoding: 8bit\n"
		"\n"
		"This is the mail system at mta.example.\n"
		"\n"
		"Your message could not be delivered. It will not be tried any "
		"more.\n"
		"\n"
		"<bob@dest.example>: tried for 2 d, 42 times; 451 4.7.1 Try "
		"again later\n"
		"\n"
		"--=_deadmx-model\n"
		"Content-Type: message/delivery-status\n"
		"\n"
		"Reporting-MTA: dns; mta.example\n"
		"Arrival-Date: *\n"
		"\n"
		"Final-Recipient: rfc822; bob@dest.example\n"
		"Action: failed\n"
		"Status: 4.4.7\n"
		"Remote-MTA: dns; mx.dest.example\n"
		"Diagnostic-Code: smtp; 451 4.7.1 Try again later\n"
		"\n"
		"--=_deadmx-model\n"
		"Content-Type: message/rfc822\n"
		"\n"
		"Subject: x\n"
		"\n"
		"body\n"
		"\n"
		"--=_deadmx-model--\n");
}

static void test_model_ndr_exchange(void **state)
{
	make_report(MODEL_PROFILE_EXCHANGE, MODEL_REPORT_FAILED);
	assert_non_null(strstr(
		f.text, "Delivery has failed to these recipients or groups:\n"
			"\n"
			"bob@dest.example\n"
			"The server has tried to deliver this message, without "
			"success, and has stopped\n"
			"trying. Please try sending this message again. If the "
			"problem continues, contact\n"
			"your helpdesk.\n"
			"\n"
			"Diagnostic information for administrators:\n"
			"\n"
			"Generating server: mta.example\n"
			"\n"
			"bob@dest.example\n"
			"#550 4.4.7 QUEUE.Expired; message expired ##\n"
			"Last error: 451 4.7.1 Try again later\n"
			"The last endpoint attempted was 192.0.2.10:25\n"
			"Attempts: 42, for 2 d\n"
			"\n"
			"(Made by the model MTA of deadmx, in the words of "
			"Exchange.)\n"));
	assert_non_null(strstr(
		f.text,
		"X-Generated-By: deadmx model, profile exchange\n"
		"\n"
		"Final-Recipient: rfc822; bob@dest.example\n"
		"Action: failed\n"
		"Status: 4.4.7\n"
		"Remote-MTA: dns; mx.dest.example\n"
		"Diagnostic-Code: smtp; 550 4.4.7 QUEUE.Expired; message "
		"expired\n"));
}

static void test_model_delay_exchange(void **state)
{
	make_report(MODEL_PROFILE_EXCHANGE, MODEL_REPORT_DELAYED);
	assert_non_null(strstr(f.text, "#400 4.4.7 Message delayed ##\n"));
	assert_non_null(strstr(f.text,
			       "Action: delayed\n"
			       "Status: 4.4.7\n"
			       "Remote-MTA: dns; mx.dest.example\n"
			       "Diagnostic-Code: smtp; 400 4.4.7 Message "
			       "delayed\n"
			       "Will-Retry-Until: *\n"));
	/* RFC 3461 4.3: of a delayed mail the header is enough. */
	assert_null(strstr(f.text, "body\n"));
}

/* --- hostile input ------------------------------------------------------- */

struct server {
	uv_loop_t loop;
	struct model_run *run;
	struct model_smtpd *smtpd;
	struct sockaddr_in address;
};

static struct server server;

/* It takes mail, but tries none of it. */
static void server_open(void)
{
	int rc = -1;

	uv_loop_init(&server.loop);
	assert_int_equal(model_run_new(&server.loop, &f.config, &server.run),
			 0);
	model_run_stop(server.run);
	/* Other tests run beside this one. */
	for (int i = 0; i < 50 && rc < 0; i++) {
		f.config.port = (uint16_t)(20000 + (getpid() + 97 * i) % 20000);
		rc = model_smtpd_new(&server.loop, &f.config, server.run,
				     &server.smtpd);
	}
	assert_int_equal(rc, 0);
	server.address = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(f.config.port),
		.sin_addr = {htonl(INADDR_LOOPBACK)},
	};
}

static void server_close(void)
{
	model_smtpd_close(server.smtpd);
	uv_run(&server.loop, UV_RUN_DEFAULT);
	model_run_free(server.run);
	uv_loop_close(&server.loop);
}

static int client_open(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&server.address,
				 sizeof(server.address)),
			 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* Say @len bytes, and hear until @wanted comes; false: the end came first. */
static bool client_talk(int fd, const char *bytes, size_t len,
			const char *wanted)
{
	char heard[65536];
	size_t heard_len = 0;
	bool is_over = false;

	heard[0] = '\0';
	while (!strstr(heard, wanted) && !is_over) {
		struct pollfd p = {
			.fd = fd,
			.events = (short)(POLLIN | (len ? POLLOUT : 0))};
		ssize_t n;

		uv_run(&server.loop, UV_RUN_NOWAIT);
		poll(&p, 1, 1);
		if (len && (p.revents & POLLOUT) &&
		    (n = send(fd, bytes, len, MSG_NOSIGNAL)) > 0) {
			bytes += n;
			len -= (size_t)n;
		}
		n = recv(fd, heard + heard_len, sizeof(heard) - heard_len - 1,
			 0);
		is_over = n == 0 || (n < 0 && errno != EAGAIN);
		if (n > 0)
			heard_len += (size_t)n;
		heard[heard_len] = '\0';
	}
	if (!strstr(heard, wanted))
		print_message("heard %s\n", heard);
	return strstr(heard, wanted) != NULL;
}

#define SAY(fd, text, wanted)                                                  \
	assert_true(client_talk(fd, text, sizeof(text) - 1, wanted))

#define ENVELOPE                                                               \
	"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n"

/* A mail in one breath, its end found although a dot stands before it. */
static void test_model_smtpd_mail(void **state)
{
	int fd;

	server_open();
	fd = client_open();
	SAY(fd, ENVELOPE "DATA\r\nSubject: x\r\n\r\n..\r\n.\r\nQUIT\r\n",
	    "250 2.0.0 Queued as ");
	close(fd);
	server_close();
}

/* A line without end, and bytes that are no text. */
static void test_model_smtpd_lines(void **state)
{
	char line[3 * MODEL_LINE_MAX];
	int fd;

	server_open();
	fd = client_open();
	memset(line, 'x', sizeof(line));
	memcpy(line + sizeof(line) - 2, "\r\n", 2);
	assert_true(client_talk(fd, line, sizeof(line),
				"500 5.5.2 Unknown command"));
	SAY(fd, "NO\0OP\r\n", "500 5.5.2 Unknown command");
	SAY(fd, "DATA\r\n", "503 5.5.1 Need RCPT first");
	SAY(fd, "NOOP\r\n", "250 2.0.0 Ok");
	close(fd);
	server_close();
}

/* Who makes nothing but errors is sent away. */
static void test_model_smtpd_errors(void **state)
{
	char text[4096] = "";
	int fd;

	server_open();
	fd = client_open();
	for (int i = 0; i < 30; i++)
		memcpy(text + 6 * i, "HELP\r\n", 7);
	assert_true(client_talk(fd, text, strlen(text),
				"421 4.7.0 Too many errors"));
	/* Nothing more is said: the connection ends. */
	assert_false(client_talk(fd, "", 0, "500"));
	close(fd);
	server_close();
}

/* More than it takes, in lines of any length. */
static void test_model_smtpd_too_big(void **state)
{
	size_t size = MODEL_MESSAGE_BYTES_MAX + 100000, len;
	char *text = malloc(size + 1000);
	int fd;

	assert_non_null(text);
	len = (size_t)snprintf(text, 200, ENVELOPE "DATA\r\n");
	memset(text + len, 'x', size);
	len += size;
	memcpy(text + len, "\r\n.\r\n", 5);
	server_open();
	fd = client_open();
	assert_true(
		client_talk(fd, text, len + 5, "552 5.3.4 Message too big"));
	free(text);
	SAY(fd, "NOOP\r\n", "250 2.0.0 Ok");
	close(fd);
	server_close();
}

/* One client more than it serves at once. */
static void test_model_smtpd_sessions(void **state)
{
	int fds[MODEL_SESSIONS_MAX + 1];

	server_open();
	for (int i = 0; i < MODEL_SESSIONS_MAX; i++) {
		fds[i] = client_open();
		SAY(fds[i], "", "220 mta.example ESMTP");
	}
	fds[MODEL_SESSIONS_MAX] = client_open();
	SAY(fds[MODEL_SESSIONS_MAX], "", "421 4.7.0 mta.example too many");
	for (int i = 0; i <= MODEL_SESSIONS_MAX; i++)
		close(fds[i]);
	server_close();
}

/* --- words --------------------------------------------------------------- */

static void test_model_words(void **state)
{
	enum model_mutant mutant;
	enum model_profile profile;
	enum model_tls tls;

	for (int i = 0; i < MODEL_MUTANT_COUNT; i++) {
		assert_int_equal(
			model_mutant_parse(
				model_mutant_word((enum model_mutant)i),
				&mutant),
			0);
		assert_int_equal(mutant, i);
	}
	assert_int_equal(model_mutant_parse("sound", &mutant), -EINVAL);
	assert_int_equal(model_profile_parse("exchange", &profile), 0);
	assert_int_equal(profile, MODEL_PROFILE_EXCHANGE);
	assert_true(MODEL_MUTANT_COUNT > 40);
	assert_int_equal(model_tls_parse("secure", &tls), 0);
	assert_int_equal(tls, MODEL_TLS_SECURE);
	assert_int_equal(model_tls_parse("dane", &tls), -EINVAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_model_mail),
		TEST(test_model_mail_refused),
		TEST(test_model_rcpt),
		TEST(test_model_rcpt_limit),
		TEST(test_model_pause_rfc),
		TEST(test_model_pause_exchange),
		TEST(test_model_queue_restart),
		TEST(test_model_queue_damaged),
		TEST(test_model_queue_limit),
		TEST(test_model_ndr_rfc),
		TEST(test_model_ndr_exchange),
		TEST(test_model_delay_exchange),
		TEST(test_model_smtpd_mail),
		TEST(test_model_smtpd_lines),
		TEST(test_model_smtpd_errors),
		TEST(test_model_smtpd_too_big),
		TEST(test_model_smtpd_sessions),
		TEST(test_model_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
