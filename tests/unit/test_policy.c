/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/policy.c: alone, and through a session. */
#include "session_fixture.h"

#define S(n)  ((n)*DEADMX_NS_PER_S)
#define GO_ON "354 End data with <CR><LF>.<CR><LF>\r\n"

static struct fault_context at(enum deadmx_stage stage, int64_t now_ns)
{
	return (struct fault_context){.stage = stage, .now_ns = now_ns};
}

static void policy_begin(struct fixture *f)
{
	policy_release(&f->policy);
	assert_int_equal(policy_init(&f->policy, &f->server), 0);
	f->budget_given = f->budget;
}

/* A server without rules refuses nothing. */
static void test_policy_none(void **state)
{
	struct fixture *f = *state;
	struct fault_context c;

	policy_begin(f);
	for (int i = 0; i < DEADMX_STAGE_COUNT; i++) {
		policy_connection(&f->policy, 0);
		c = at((enum deadmx_stage)i, 0);
		c.connections = c.accepted = 1000;
		c.messages = 1000;
		c.bytes = UINT64_MAX;
		assert_null(policy_refuses(&f->policy, &c));
	}
}

/* So many connections at once are taken; one more is not. */
static void test_policy_connections(void **state)
{
	struct fixture *f = *state;
	struct fault_context c = at(DEADMX_STAGE_BANNER, 0);
	const struct deadmx_fault *rule;

	f->server.limits.connections = 3;
	f->server.limits.place.line = 12;
	policy_begin(f);
	c.connections = 3;
	assert_null(policy_refuses(&f->policy, &c));
	c.connections = 4;
	rule = policy_refuses(&f->policy, &c);
	assert_non_null(rule);
	assert_int_equal(rule->place.line, 12);
	assert_int_equal(rule->stage, DEADMX_STAGE_BANNER);
	assert_true(rule->close);
	assert_int_equal(strncmp(rule->reply, "421 ", 4), 0);
	c.stage = DEADMX_STAGE_EHLO;
	assert_null(policy_refuses(&f->policy, &c));
}

/* Any sixty seconds, not those of a clock; refused ones count. */
static void test_policy_per_minute(void **state)
{
	static const struct {
		int64_t at_s;
		bool refused;
	} rows[] = {{0, false},	 {50, false}, {59, true},  {60, true},
		    {110, true}, {118, true}, {119, true}, {178, false}};
	struct fixture *f = *state;

	f->server.limits.per_minute = 2;
	for (int round = 0; round < 2; round++) {
		if (!round)
			policy_begin(f);
		policy_clear(&f->policy);
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			int64_t now = S(rows[i].at_s);
			struct fault_context c = at(DEADMX_STAGE_BANNER, now);

			policy_connection(&f->policy, now);
			if (!policy_refuses(&f->policy, &c) == rows[i].refused)
				fail_msg("at %d s", (int)rows[i].at_s);
		}
	}
}

/* A reply of the scenario's is for the connection's limits alone. */
static void test_policy_reply(void **state)
{
	struct fixture *f = *state;
	struct fault_context c = at(DEADMX_STAGE_MAIL, 0);
	const struct deadmx_fault *rule;

	f->server.limits = (struct deadmx_limits){
		.messages = 1, .recipients = 1, .reply = (char[]){"451 no"}};
	policy_begin(f);
	c.messages = 1;
	rule = policy_refuses(&f->policy, &c);
	assert_string_equal(rule->reply, "451 no");
	assert_true(rule->close);
	c.stage = DEADMX_STAGE_RCPT;
	c.accepted = 1;
	rule = policy_refuses(&f->policy, &c);
	assert_int_equal(strncmp(rule->reply, "452 4.5.3", 9), 0);
	assert_false(rule->close);
}

static bool greylists(struct fixture *f, int64_t now_ns, const char *ip,
		      const char *sender, const char *recipient)
{
	char *to = (char *)recipient;
	struct fault_context c = at(DEADMX_STAGE_RCPT, now_ns);

	c.ip = ip;
	c.sender = sender;
	c.recipients = &to;
	c.recipient_count = 1;
	return policy_refuses(&f->policy, &c) != NULL;
}

static void set_greylist(struct fixture *f, unsigned by)
{
	static char reply[] = "450 later";

	f->server.greylist = (struct deadmx_greylist){.delay_ns = S(300),
						      .forget_ns = S(86400),
						      .by = by,
						      .reply = reply};
	policy_begin(f);
}

/* From the first attempt on; what comes too early doesn't begin anew. */
static void test_policy_greylist_delay(void **state)
{
	struct fixture *f = *state;

	set_greylist(f, 7);
	assert_true(greylists(f, S(10), "1", "a@b", "c@d"));
	assert_true(greylists(f, S(309), "1", "A@b", "C@d"));
	assert_false(greylists(f, S(310), "1", "a@b", "c@d"));
	assert_false(greylists(f, S(80000), "1", "a@b", "c@d"));
	assert_false(greylists(f, S(80000 + 86400), "1", "a@b", "c@d"));
	assert_true(greylists(f, S(80000 + 2 * 86400 + 1), "1", "a@b", "c@d"));
	policy_clear(&f->policy);
	assert_true(greylists(f, S(400000), "1", "a@b", "c@d"));
}

/* Each of the three tells deliveries apart, or doesn't. */
static void test_policy_greylist_by(void **state)
{
	struct fixture *f = *state;

	for (unsigned by = 1; by < 8; by++) {
		set_greylist(f, by);
		assert_true(greylists(f, 0, "1", "a@b", "c@d"));
		assert_int_equal(greylists(f, S(300), "2", "a@b", "c@d"),
				 by & DEADMX_GREYLIST_IP);
		assert_int_equal(!!greylists(f, S(300), "1", "", "c@d"),
				 !!(by & DEADMX_GREYLIST_SENDER));
		assert_int_equal(!!greylists(f, S(300), "1", "a@b", "e@d"),
				 !!(by & DEADMX_GREYLIST_RECIPIENT));
	}
}

/* Through a session: a greylist is a fault like any other. */
static void test_policy_session_greylist(void **state)
{
	struct fixture *f = *state;

	set_greylist(f, 7);
	begin(f);
	talk(f, "HELO me\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA",
	     "250 mx\r\n250 Sender ok\r\n<fault rcpt reply 450 later>"
	     "450 later\r\n554 No valid recipients\r\n");
	f->now_ns = S(300);
	talk(f, "RCPT TO:<c@d>\nRCPT TO:<e@d>",
	     "250 Recipient ok\r\n<fault rcpt reply 450 later>450 later\r\n");
}

/* So many messages a connection; the next MAIL ends it. */
static void test_policy_session_messages(void **state)
{
	struct fixture *f = *state;

	f->server.limits.messages = 1;
	envelope(f);
	talk(f, "RSET\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\n.",
	     "250 Ok\r\n250 Sender ok\r\n250 Recipient ok\r\n" GO_ON
	     "<message a@b c@d, 0 ack>250 Message accepted\r\n");
	talk(f, "MAIL FROM:<a@b>\nQUIT",
	     "<fault mail reply 421 4.7.0 Too many messages in this connection>"
	     "421 4.7.0 Too many messages in this connection\r\n<fin>");
}

/* So many recipients; those that were taken get the mail. */
static void test_policy_session_recipients(void **state)
{
	struct fixture *f = *state;

	f->server.limits.recipients = 1;
	envelope(f);
	talk(f, "RCPT TO:<e@f>\nDATA\n.",
	     "<fault rcpt reply 452 4.5.3 Too many recipients>"
	     "452 4.5.3 Too many recipients\r\n" GO_ON
	     "<message a@b c@d, 0 ack>250 Message accepted\r\n");
}

/* Announced, refused at MAIL when told so, else after the dot. */
static void test_policy_session_size(void **state)
{
	struct fixture *f = *state;

	f->server.size = 5;
	f->server.extensions = OFFERS(SIZE);
	begin(f);
	talk(f, "EHLO me\nMAIL FROM:<a@b> SIZE=6\nMAIL FROM:<a@b> SIZE=5",
	     "250-mx\r\n250 SIZE 5\r\n"
	     "<fault mail reply 552 5.3.4 Message size exceeds limit>"
	     "552 5.3.4 Message size exceeds limit\r\n250 Sender ok\r\n");
	talk(f,
	     "RCPT TO:<c@d>\nDATA\nxxx\n.\nMAIL FROM:<a@b>\n"
	     "RCPT TO:<c@d>\nDATA\nxxxx\n.",
	     "250 Recipient ok\r\n" GO_ON
	     "<message a@b c@d, 5 ack>250 Message accepted\r\n"
	     "250 Sender ok\r\n250 Recipient ok\r\n" GO_ON
	     "<fault dot reply 552 5.3.4 Message size exceeds limit>"
	     "552 5.3.4 Message size exceeds limit\r\n");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_policy_none),
		T(test_policy_connections),
		T(test_policy_per_minute),
		T(test_policy_reply),
		T(test_policy_greylist_delay),
		T(test_policy_greylist_by),
		T(test_policy_session_greylist),
		T(test_policy_session_messages),
		T(test_policy_session_recipients),
		T(test_policy_session_size),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
