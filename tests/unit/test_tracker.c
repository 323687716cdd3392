/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/tracker.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "sim/tracker.h"

#define STR(s) ((char *)(s))

static char *to0[] = {STR("a@d.example"), STR("aa@d.example")};
static char *to1[] = {STR("a@d.example")};
static struct deadmx_mail mails[] = {
	{.from = STR("s@x.example"), .to = to0, .to_count = 2},
	{.from = STR("s@x.example"), .to = to1, .to_count = 1},
};
static struct deadmx_scenario scenario = {.mails = mails, .mail_count = 2};
static char *d_domains[] = {STR("d.example")},
	    *x_domains[] = {STR("x.example")};
static struct deadmx_server d = {.mx_for = d_domains, .mx_for_count = 1};
static struct deadmx_server x = {.mx_for = x_domains, .mx_for_count = 1};

static int setup(void **state)
{
	*state = tracker_new(&scenario);
	return 0;
}

static int teardown(void **state)
{
	tracker_free(*state);
	return 0;
}

static void message(struct tracker *t, const struct deadmx_server *server,
		    const char *from, const char *to, const char *data)
{
	char *list[] = {STR(to)};
	struct smtp_envelope envelope = {
		.from = STR(from), .to = list, .to_count = 1};

	tracker_message(t, server, &envelope, data, strlen(data));
}

/* A delivery ends its own recipient, of the mail that its header names. */
static void test_tracker_delivery(void **state)
{
	struct tracker *t = *state;

	assert_int_equal(tracker_open_count(t), 3);
	message(t, &d, "s@x.example", "A@D.example",
		"Received: x\r\nMessage-Id:\r\n <deadmx-1@x.example>\r\n\r\nb");
	assert_int_equal(tracker_open_count(t), 2);
	/* Delivered twice: nothing new. */
	message(t, &d, "s@x.example", "a@d.example",
		"Message-Id: <deadmx-1@x.example>\r\n\r\n");
	assert_int_equal(tracker_open_count(t), 2);
	/* At a server that isn't the domain's MX it is none. */
	message(t, &x, "s@x.example", "a@d.example",
		"Message-Id: <deadmx-0@x.example>\r\n\r\n");
	assert_int_equal(tracker_open_count(t), 2);
	/* Without an ID: the first that fits. */
	message(t, &d, "s@x.example", "a@d.example", "\r\nx");
	assert_int_equal(tracker_open_count(t), 1);
	message(t, &d, "other@x.example", "aa@d.example", "");
	assert_int_equal(tracker_open_count(t), 1);
}

/* A bounce ends the recipients whose blocks say "failed". */
static void test_tracker_bounce(void **state)
{
	struct tracker *t = *state;
	const char ndr[] = "References: <deadmx-0@x.example>\r\n\r\n"
			   "Reporting-MTA: dns; x\r\n\r\n"
			   "Final-Recipient: rfc822;aa@d.example\r\n"
			   "ACTION:\tFailed (expired)\r\n\r\n"
			   "Final-Recipient: rfc822;a@d.example\r\n"
			   "Action: delayed\r\n\r\n";

	/* With a sender it is no bounce; to anyone else not ours. */
	message(t, &x, "m@x.example", "s@x.example", ndr);
	message(t, &x, "", "other@x.example", ndr);
	assert_int_equal(tracker_open_count(t), 3);
	message(t, &x, "", "s@x.example", ndr);
	assert_int_equal(tracker_open_count(t), 2);
	message(t, &x, "", "s@x.example", ndr);
	assert_int_equal(tracker_open_count(t), 2);
	message(t, &x, "", "s@x.example",
		"\r\nFinal-Recipient: rfc822;a@d.example\r\nAction: failed\r\n"
		"\r\nMessage-ID: <deadmx-1@x.example>\r\n");
	assert_int_equal(tracker_open_count(t), 1);
	/* Nothing names the mail: the first that is open. */
	message(t, &x, "", "s@x.example",
		"\r\nFinal-Recipient: rfc822;a@d.example\r\nAction: failed");
	assert_int_equal(tracker_open_count(t), 0);
}

/* Words that only look like it. */
static void test_tracker_no_bounce(void **state)
{
	static const char *const texts[] = {
		"",
		"Action: failed\r\n",
		"Action: failed\r\n\r\nrfc822;a@d.example\r\n",
		"X-Action: failed\r\nrfc822;a@d.example\r\n",
		"Action: not failed\r\nrfc822;a@d.example\r\n",
		"Action: failed\r\nrfc822;ba@d.example\r\n",
		"Action: failed\r\nrfc822;a@d.example-x\r\n",
		"Action: failed\r\nrfc822;a@d.example",
	};
	struct tracker *t = *state;

	for (size_t i = 0; i < 7; i++)
		message(t, &x, "", "s@x.example", texts[i]);
	assert_int_equal(tracker_open_count(t), 3);
	message(t, &x, "", "s@x.example", texts[7]);
	assert_int_equal(tracker_open_count(t), 2);
}

/* What was not injected is not waited for. */
static void test_tracker_not_injected(void **state)
{
	struct tracker *t = *state;

	tracker_not_injected(t, 0);
	assert_int_equal(tracker_open_count(t), 1);
	tracker_not_injected(t, 0);
	assert_int_equal(tracker_open_count(t), 1);
}

/* A server that names lead the domain's mail to takes it, too. */
static void test_tracker_led_here(void **state)
{
	struct deadmx_server other = {.mx_for = x_domains, .mx_for_count = 1};
	struct tracker *t = *state;

	message(t, &other, "s@x.example", "a@d.example",
		"Message-Id: <deadmx-1@x.example>\r\n\r\n");
	assert_int_equal(tracker_open_count(t), 3);
	other.led_here = d_domains;
	other.led_here_count = 1;
	message(t, &other, "s@x.example", "a@d.example",
		"Message-Id: <deadmx-1@x.example>\r\n\r\n");
	assert_int_equal(tracker_open_count(t), 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_tracker_delivery),     T(test_tracker_led_here),
		T(test_tracker_bounce),	      T(test_tracker_no_bounce),
		T(test_tracker_not_injected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
