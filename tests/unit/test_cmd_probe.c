/* SPDX-License-Identifier: MIT */
/* `deadmx probe`: options, exit status, and what it prints. */
#include "probe_fixture.h"

#include <fcntl.h>
#include <jansson.h>

#include "harness/cmd_probe.h"

static char output[65536], errors[65536];
static char mx_a[64];

static const char *const zone[] = {"dest.example. MX 10 mx.dest.example.", mx_a,
				   "null.example. MX 0 .", NULL};

static int setup(void **state)
{
	fixture_setup();
	snprintf(mx_a, sizeof(mx_a), "mx.dest.example. A %s",
		 fixture.address[0]);
	return 0;
}

static int teardown(void **state)
{
	fixture_teardown();
	return 0;
}

static void read_back(int fd, char *text, size_t size)
{
	ssize_t n = pread(fd, text, size - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
}

/* Run the command with these words; its exit status. */
static int run(char *const *words)
{
	char *argv[32] = {(char *)"probe"};
	int out = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int err = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int old_out = dup(1), old_err = dup(2), argc = 1, rc;

	while (*words)
		argv[argc++] = *words++;
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	rc = cmd_probe(argc, argv);
	fflush(stdout);
	fflush(stderr);
	dup2(old_out, 1);
	dup2(old_err, 2);
	close(old_out);
	close(old_err);
	read_back(out, output, sizeof(output));
	read_back(err, errors, sizeof(errors));
	return rc;
}

#define RUN(...) run((char *const[]){__VA_ARGS__, NULL})

static char *dns_word(void)
{
	static char word[64];

	snprintf(word, sizeof(word), "%s:%u", fixture.address[0],
		 fixture.dns_port);
	return word;
}

static void expect_text(const char *where, const char *text)
{
	if (!strstr(where, text))
		fail_msg("no \"%s\" in:\n%s", text, where);
}

static const struct fake_row accepts[] = {
	{"", "220 mx ESMTP\r\n"},     {"EHLO", "250 mx\r\n"},
	{"MAIL", "250 2.1.0 Ok\r\n"}, {"RCPT", "250 2.1.5 Ok\r\n"},
	{"QUIT", "221 Bye\r\n"},      {0}};

static void test_cmd_probe_reachable(void **state)
{
	fake_smtp(accepts, NULL, NULL);
	fake_dns(zone);
	assert_int_equal(RUN((char *)"bob@dest.example", (char *)"--dns",
			     dns_word(), (char *)"--port", (char *)"2525"),
			 0);
	expect_text(output, "mx        10 mx.dest.example\n");
	expect_text(output, "starttls  not offered: plain text\n");
	expect_text(output, "rcpt      250 2.1.5 Ok\n");
	expect_text(output, "\nReachable: the recipient was accepted at rcpt "
			    "of mx.dest.example [127.");
	assert_string_equal(errors, "");
}

static void test_cmd_probe_not_reachable(void **state)
{
	fake_dns(zone);
	assert_int_equal(
		RUN((char *)"bob@null.example", (char *)"--dns", dns_word()),
		1);
	expect_text(output, "x   ");
	expect_text(output, "Not reachable: the domain takes no mail at mx of "
			    "null.example");
	expect_text(output, "An MTA would report 556 5.1.10 and send the "
			    "message back.\n");
}

/* What a server sends can do nothing to a terminal. */
static void test_cmd_probe_harmless(void **state)
{
	static const struct fake_row rows[] = {
		{"", "220 \x1b]0;owned\x07\x1b[2J\x9b"
		     "31m\xc2\x9bm\r\n"},
		{"EHLO", "250-\x08\x08\x08\x7f\r\n250 a\rb\r\n"},
		{"MAIL", "550 5.7.1 \xff\xfe\v\f\r\n"},
		{"QUIT", "221 Bye\r\n"},
		{0}};
	char address[64];

	fake_smtp(rows, NULL, NULL);
	snprintf(address, sizeof(address), "bob@[%s]", fixture.address[0]);
	assert_int_equal(RUN(address, (char *)"--port", (char *)"2525"), 1);
	for (const char *p = output; *p; p++)
		if (((unsigned char)*p < 0x20 && *p != '\n') ||
		    (unsigned char)*p >= 0x7f)
			fail_msg("\\x%02x in: %s", (unsigned char)*p, output);
	expect_text(output, "220 ?]0;owned??[2J?31m");
}

/* The members that docs/json.md promises, and those alone. */
static void check_members(const json_t *object, const char *const *names)
{
	size_t count = 0;

	for (; names[count]; count++)
		if (!json_object_get(object, names[count]))
			fail_msg("no member %s", names[count]);
	assert_int_equal(json_object_size(object), count);
}

static void check_documented(const char *const *names)
{
	FILE *page = fopen(TEST_DIR "/../docs/json.md", "re");
	char text[65536], word[64];
	const char *part;
	size_t len;

	assert_non_null(page);
	len = fread(text, 1, sizeof(text) - 1, page);
	fclose(page);
	text[len] = '\0';
	part = strstr(text, "\n## A probe\n");
	assert_non_null(part);
	for (; *names; names++) {
		snprintf(word, sizeof(word), "`%s`", *names);
		if (!strstr(part, word))
			fail_msg("%s is not in docs/json.md", word);
	}
}

static void test_cmd_probe_json(void **state)
{
	static const char *const top[] = {"deadmx", "probe", NULL};
	static const char *const probe[] = {
		"address", "domain",	"from",	 "helo",  "verdict",
		"seconds", "time_over", "hosts", "steps", NULL};
	static const char *const verdict[] = {"reachable", "host",  "ip",
					      "end",	   "stage", "code",
					      "status",	   "text",  NULL};
	static const char *const host[] = {"host",   "preference", "addresses",
					   "end",    "stage",	   "code",
					   "status", "text",	   NULL};
	static const char *const target[] = {"address", "end",	"stage", "code",
					     "status",	"text", NULL};
	static const char *const step[] = {
		"stage",  "host",  "address", "seconds", "result", "code",
		"status", "reply", "text",    "tls",	 NULL};
	json_t *json, *part;

	fake_smtp(accepts, NULL, NULL);
	fake_dns(zone);
	assert_int_equal(RUN((char *)"--json", (char *)"bob@dest.example",
			     (char *)"--dns", dns_word(), (char *)"--port",
			     (char *)"2525", (char *)"--no-starttls"),
			 0);
	json = json_loads(output, 0, NULL);
	assert_non_null(json);
	check_members(json, top);
	part = json_object_get(json, "probe");
	check_members(part, probe);
	check_documented(probe);
	check_members(json_object_get(part, "verdict"), verdict);
	check_documented(verdict);
	check_members(json_array_get(json_object_get(part, "hosts"), 0), host);
	check_documented(host);
	check_members(
		json_array_get(
			json_object_get(
				json_array_get(json_object_get(part, "hosts"),
					       0),
				"addresses"),
			0),
		target);
	check_documented(target);
	assert_int_equal(json_array_size(json_object_get(part, "steps")), 8);
	check_members(json_array_get(json_object_get(part, "steps"), 3), step);
	check_documented(step);
	assert_true(json_is_true(json_object_get(
		json_object_get(part, "verdict"), "reachable")));
	json_decref(json);
}

static void test_cmd_probe_json_tls(void **state)
{
	static const char *const tls[] = {"version",  "cipher",	 "verified",
					  "problems", "subject", "issuer",
					  "key",      "names",	 "from",
					  "until",    NULL};
	static const struct fake_row rows[] = {
		{"", "220 mx ESMTP\r\n"},
		{"EHLO", "250-a\r\n250 STARTTLS\r\n"},
		{"STARTTLS", SAY_TLS},
		{"MAIL", "250 2.1.0 Ok\r\n"},
		{"RCPT", "250 2.1.5 Ok\r\n"},
		{"QUIT", "221 Bye\r\n"},
		{0}};
	json_t *json, *steps;
	EVP_PKEY *key;
	X509 *cert = fake_certificate("mx.dest.example", -60, 86400, &key);

	fake_smtp(rows, cert, key);
	fake_dns(zone);
	assert_int_equal(RUN((char *)"--json", (char *)"bob@dest.example",
			     (char *)"--dns", dns_word(), (char *)"--port",
			     (char *)"2525"),
			 0);
	json = json_loads(output, 0, NULL);
	assert_non_null(json);
	steps = json_object_get(json_object_get(json, "probe"), "steps");
	/* mx, address, connect, banner, ehlo, starttls, tls, … */
	check_members(json_object_get(json_array_get(steps, 6), "tls"), tls);
	check_documented(tls);
	json_decref(json);
}

static void test_cmd_probe_usage(void **state)
{
	assert_int_equal(run((char *const[]){NULL}), 2);
	expect_text(errors, "which address?");
	assert_int_equal(RUN((char *)"a@b.example", (char *)"c@d.example"), 2);
	assert_int_equal(RUN((char *)"bob"), 2);
	expect_text(errors, "expected an address like user@dest.example, got "
			    "'bob': there is no @ in it");
	assert_int_equal(RUN((char *)"--nonsense", (char *)"a@b.example"), 2);
	assert_string_equal(output, "");
}

static void test_cmd_probe_bad_values(void **state)
{
	static const char *const rows[][3] = {
		{"--port", "0", "1 to 65535"},
		{"--port", "65536", "1 to 65535"},
		{"--port", "smtp", "1 to 65535"},
		{"--timeout", "30", "a time like 30s"},
		{"--timeout", "0s", "a time like 30s"},
		{"--max-time", "x", "a time like 30s"},
		{"--tls", "always", "none, may, encrypt or verify"},
		{"--helo", "a b", "a host name"},
		{"--helo", "[x]", "a host name"},
		{"--helo", "a\r\nDATA", "a host name"},
		{"--from", "alice", "an address or <>"},
		{"--from", "a@b.example>\r\nDATA", "an address or <>"},
		{"--dns", "[::1", "HOST:PORT"},
		{"--ca", "/nowhere/ca.pem", "/nowhere/ca.pem"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status = RUN((char *)rows[i][0], (char *)rows[i][1],
				 (char *)"bob@dest.example");

		if (status != 2)
			fail_msg("%s %s: %d", rows[i][0], rows[i][1], status);
		expect_text(errors, rows[i][2]);
	}
}

static void test_cmd_probe_good_values(void **state)
{
	char address[64];

	fake_smtp(accepts, NULL, NULL);
	snprintf(address, sizeof(address), "bob@[%s]", fixture.address[0]);
	assert_int_equal(RUN(address, (char *)"--port", (char *)"2525",
			     (char *)"--from", (char *)"<a@b.example>",
			     (char *)"--helo", (char *)"[192.0.2.1]",
			     (char *)"--timeout", (char *)"1m", (char *)"-4"),
			 0);
	expect_text(fixture.fakes[0].heard,
		    "EHLO [192.0.2.1]\nMAIL FROM:<a@b.example>\n");
}

/* Without any roots nothing can be verified: the machine's fault. */
static void test_cmd_probe_no_roots(void **state)
{
	setenv("SSL_CERT_FILE", "/nowhere", 1);
	setenv("SSL_CERT_DIR", "/nowhere", 1);
	assert_int_equal(RUN((char *)"bob@[127.0.0.1]", (char *)"--tls",
			     (char *)"verify"),
			 3);
	expect_text(errors, "ca-certificates");
	unsetenv("SSL_CERT_FILE");
	unsetenv("SSL_CERT_DIR");
}

static void test_cmd_probe_help(void **state)
{
	assert_int_equal(RUN((char *)"--help"), 0);
	expect_text(output, "Exit status: 0 reachable, 1 not");
	expect_text(output, "verify");
}

/* A signal ends the probe at once, with what was found so far. */
static void test_cmd_probe_signal(void **state)
{
	static const struct fake_row rows[] = {
		{"", "220 mx ESMTP\r\n"}, {"EHLO", SAY_STALL}, {0}};
	int64_t from = probe_net_now_ns();
	char address[64];
	pid_t killer;
	int status;

	fake_smtp(rows, NULL, NULL);
	snprintf(address, sizeof(address), "bob@[%s]", fixture.address[0]);
	killer = fork();
	assert_true(killer >= 0);
	if (killer == 0) {
		while (!strstr(fixture.fakes[0].heard, "EHLO"))
			poll(NULL, 0, 5);
		kill(getppid(), SIGINT);
		_exit(0);
	}
	status = RUN(address, (char *)"--port", (char *)"2525");
	waitpid(killer, NULL, 0);
	assert_int_equal(status, 4);
	expect_text(output, "banner    220 mx ESMTP\n");
	expect_text(output, "\nInterrupted.\n");
	assert_true(probe_net_now_ns() - from < S(20));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_cmd_probe_reachable),
		TEST(test_cmd_probe_not_reachable),
		TEST(test_cmd_probe_harmless),
		TEST(test_cmd_probe_json),
		TEST(test_cmd_probe_json_tls),
		TEST(test_cmd_probe_usage),
		TEST(test_cmd_probe_bad_values),
		TEST(test_cmd_probe_good_values),
		TEST(test_cmd_probe_no_roots),
		TEST(test_cmd_probe_help),
		/* Last: the signal is not forgotten. */
		TEST(test_cmd_probe_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
