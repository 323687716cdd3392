/* SPDX-License-Identifier: MIT */
/*
 * Retry rules against attempts: the schedules of nine MTAs as they were seen,
 * and what breaks them.
 */
#include "tests/unit/stored_run.h"

#include "deadmx/yaml.h"
#include "harness/judge/schedule.h"

#define MODEL	"{base: 30m, factor: 2, cap: 3h}"
#define POSTFIX "{base: 5m, factor: age, cap: 1h6m40s, tick: 5m}"
#define EXIM                                                                   \
	"[{base: 15m, tick: 30m, until: 2h, since: failure}, "                 \
	"{base: 1h, factor: 1.5, tick: 30m, until: 16h, since: failure}, "     \
	"{base: 6h, tick: 30m}]"
#define SENDMAIL  "{tick: 10m}"
#define OPENSMTPD "{base: 6m40s, add: 13m20s, from: arrival}"
#define DMA	  "{base: 5m, factor: 1.5..2.5, cap: 3h, tick: 30s}"
#define CHASQUID                                                               \
	"[{base: 1m, random: 59s, until: 1m}, "                                \
	"{base: 5m, random: 59s, until: 5m}, "                                 \
	"{base: 10m, random: 59s, until: 10m}, {base: 20m, random: 59s}]"
#define COURIER	   "{base: 30m, factor: 2, cap: 2h, burst: 3, burst_gap: 5m}"
#define NULLMAILER "{base: 1m, factor: 2, cap: 1d}"
#define HARAKA	   "{base: 64s, factor: 2, times: 12}"
#define COUNTED                                                                \
	"[{base: 1m, times: 4}, {base: 5m, times: 6}, {base: 10m, until: 1d}]"

enum { GAPS_MAX = 20 };

static struct deadmx_arena *arena;

/* What `retry: @rule` stands for, until rule_end(). */
static struct target_retry rule(const char *text)
{
	struct deadmx_yaml doc;
	struct target_retry retry = {0};
	char yaml[1024];

	arena = arena ? arena : deadmx_arena_new();
	snprintf(yaml, sizeof(yaml), "retry: %s\n", text);
	assert_int_equal(
		deadmx_yaml_parse(&doc, arena, "t.yml",
				  deadmx_arena_copy(arena, yaml, strlen(yaml)),
				  strlen(yaml), stderr),
		0);
	target_retry_read(&doc, deadmx_yaml_get(doc.root, "retry"), &retry);
	assert_int_equal(deadmx_yaml_finish(&doc), 0);
	assert_true(retry.count > 0);
	return retry;
}

static int rule_end(void **state)
{
	deadmx_arena_free(arena);
	arena = NULL;
	return stored_end(state);
}

static const char queued[] = "A1 alice@sender.example bob@dest.example";

static void begin_at(const char *text, const char *yaml)
{
	stored_begin(yaml);
	run.target.documented.retry = rule(text);
	run_begin();
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
}

static void begin(const char *text)
{
	begin_at(text, STORED_REFUSED "expect: {delivered: none}\n");
}

/* Attempts that are refused: the first at once, then so many seconds apart. */
static double refused(const double *gaps)
{
	double t = 0;

	connect_to(t, MX1_ADDRESS);
	for (size_t i = 0; i < GAPS_MAX && gaps[i] != 0; i++) {
		t += gaps[i];
		connect_to(t, MX1_ADDRESS);
	}
	return t;
}

/* An attempt that ends after @seconds of @action at @stage. */
static void faulty_at(double t, const char *stage, const char *action,
		      double seconds)
{
	int session;

	connect_to(t, MX1_ADDRESS);
	session = accepted(t, MX1, MX1_ADDRESS);
	fault(t, session, stage, action, "null");
	ev(t + seconds, "close",
	   "\"session\":%d,\"server\":\"" MX1 "\",\"by\":\"client\","
	   "\"how\":\"fin\"",
	   session);
}

static void stalled_at(double t, const char *stage, double seconds)
{
	faulty_at(t, stage, "stall", seconds);
}

static void stalled(double t, double seconds)
{
	stalled_at(t, "banner", seconds);
}

/* The end, so soon after the last attempt that none can be missing. */
static void finish(double t)
{
	run_finish(t, queued);
	stored_judge();
}

static const struct finding *judged(void)
{
	return finding_of("documented/retry");
}

static void holds(void)
{
	const struct finding *f = judged();

	if (f)
		fail_msg("%s: %s", f->expected, f->observed);
}

static void breaks(const char *expected, const char *observed)
{
	const struct finding *f = judged();

	assert_non_null(f);
	assert_int_equal(f->severity, SEVERITY_SHOULD);
	assert_string_equal(f->expected, expected);
	assert_string_equal(f->observed, observed);
}

struct row {
	const char *rule;
	double gaps[GAPS_MAX];
};

/* As these MTAs were seen, each with the timers it ships with. */
static void test_schedule_mtas(void **unused)
{
	static const struct row rows[] = {
		{MODEL, {1800, 3600, 7200, 10800, 10800}},
		{POSTFIX, {300, 300, 600, 1200, 2400, 4200.1, 4200.1, 4199.1}},
		/* The queue manager's scan came right after the mail. */
		{POSTFIX, {600, 600, 1200, 2400, 4200, 4200, 4200}},
		{EXIM,
		 {1799.8, 1800, 1800, 1800, 1800, 3600, 5400, 9000, 12600,
		  19800, 21600, 21600}},
		{SENDMAIL, {599.8, 600, 600, 600}},
		{OPENSMTPD, {400, 1200, 2000, 2800, 3600, 4400}},
		{DMA, {300, 570, 1110, 2580, 4260, 9390, 10800, 10800}},
		{CHASQUID, {68, 356, 636, 1230, 1201, 1258}},
		{COURIER,
		 {300, 300, 1800, 300, 300, 3600, 300, 300, 7200, 300, 300,
		  7200}},
		{NULLMAILER, {60, 120, 240, 480, 960, 1920, 3840}},
		{HARAKA, {64, 128, 256, 512, 1024, 2048, 4096}},
		{COUNTED, {60, 60, 60, 60, 300, 300, 300, 300, 300, 300, 600}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(rows[i].rule);
		finish(refused(rows[i].gaps) + 1);
		holds();
		stored_end(NULL);
	}
}

/* The same, wrong in one way each. */
static void test_schedule_wrong(void **unused)
{
	static const struct {
		struct row row;
		const char *expected, *observed;
	} rows[] = {
		/* Three times the one before, not twice. */
		{{MODEL, {1800, 5400, 10800, 10800}},
		 "1 h between the two",
		 "1 h 30 min between rounds 2 and 3 for " BOB
		 "; 2 of 4 gaps are wrong"},
		/* It doesn't grow. */
		{{MODEL, {1800, 1800, 1800, 1800}},
		 "1 h between the two",
		 "30 min between rounds 2 and 3 for " BOB
		 "; 3 of 4 gaps are wrong"},
		/* It grows on. */
		{{MODEL, {1800, 3600, 7200, 14400}},
		 "3 h between the two",
		 "4 h between rounds 4 and 5 for " BOB
		 "; 1 of 4 gaps are wrong"},
		{{POSTFIX, {300, 300, 300}},
		 "10 min to 15 min between the two",
		 "5 min between rounds 3 and 4 for " BOB
		 "; 1 of 3 gaps are wrong"},
		{{POSTFIX, {300, 300, 600, 1200, 2400, 4800}},
		 "1 h 6 min 40 s to 1 h 11 min 40 s between the two",
		 "1 h 20 min between rounds 6 and 7 for " BOB
		 "; 1 of 6 gaps are wrong"},
		/* The second step of the rule is left out. */
		{{EXIM, {1800, 1800, 1800, 1800, 1800, 21600}},
		 "1 h to 1 h 30 min between the two",
		 "6 h between rounds 6 and 7 for " BOB
		 "; 1 of 6 gaps are wrong"},
		{{SENDMAIL, {600, 600, 1200}},
		 "at most 10 min between the two",
		 "20 min between rounds 3 and 4 for " BOB
		 "; 1 of 3 gaps are wrong"},
		{{OPENSMTPD, {400, 400, 1200}},
		 "20 min between the two",
		 "6 min 40 s between rounds 2 and 3 for " BOB
		 "; 2 of 3 gaps are wrong"},
		/* 1.5 to 2.5 times what was seen, not of what might be. */
		{{DMA, {300, 750, 1000}},
		 "17 min 45 s to 31 min 45 s between the two",
		 "16 min 40 s between rounds 3 and 4 for " BOB
		 "; 1 of 3 gaps are wrong"},
		{{CHASQUID, {68, 120}},
		 "5 min to 5 min 59 s between the two",
		 "2 min between rounds 2 and 3 for " BOB
		 "; 1 of 2 gaps are wrong"},
		{{COURIER, {300, 300, 300}},
		 "30 min between the two",
		 "5 min between rounds 3 and 4 for " BOB
		 "; 1 of 3 gaps are wrong"},
		{{HARAKA,
		  {64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768,
		   65536, 131072, 262144}},
		 "no attempt any more",
		 "3 d 0 h 49 min 4 s between rounds 13 and 14 for " BOB
		 "; 1 of 13 gaps are wrong"},
		{{COUNTED, {60, 60, 60, 60, 60}},
		 "5 min between the two",
		 "1 min between rounds 5 and 6 for " BOB
		 "; 1 of 5 gaps are wrong"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(rows[i].row.rule);
		finish(refused(rows[i].row.gaps) + 1);
		breaks(rows[i].expected, rows[i].observed);
		stored_end(NULL);
	}
}

/* Five minutes of silence: waits count from the end, where they do. */
static void test_schedule_from(void **unused)
{
	begin("{base: 30m, factor: 2, cap: 3h}");
	stalled(0, 300);
	stalled(2100, 300);
	stalled(2100 + 3900, 300);
	finish(6400);
	holds();
	stored_end(NULL);
	begin("{base: 30m, factor: 2, cap: 3h}");
	stalled(0, 300);
	stalled(1800, 300);
	finish(2200);
	breaks("35 min between the two",
	       "30 min between rounds 1 and 2 for " BOB
	       "; 1 of 1 gaps are wrong");
	stored_end(NULL);
	begin("{base: 30m, from: start}");
	stalled(0, 300);
	stalled(1800, 300);
	finish(2200);
	holds();
	stored_end(NULL);
	begin(OPENSMTPD);
	stalled(0, 300);
	stalled(400, 300);
	stalled(1600, 300);
	finish(2000);
	holds();
	stored_end(NULL);
	/* What was due before the end of the first is left out. */
	begin(OPENSMTPD);
	stalled(0, 600);
	stalled(1600, 300);
	finish(2000);
	holds();
}

/* Who reads slowly hears of the client's end when it is long past. */
static void test_schedule_read_late(void **unused)
{
	static const char *const late[] = {"drip", "stop_reading"};

	for (size_t i = 0; i < 2; i++) {
		begin(MODEL);
		faulty_at(0, "body", late[i], 300);
		stalled(1830, 300);
		finish(2200);
		holds();
		stored_end(NULL);
	}
	begin(MODEL);
	faulty_at(0, "body", "stall", 300);
	stalled(1830, 300);
	finish(2200);
	breaks("35 min between the two",
	       "30 min 30 s between rounds 1 and 2 for " BOB
	       "; 1 of 1 gaps are wrong");
}

/* Or when the next attempt has begun, hours after this one did. */
static void test_schedule_read_behind(void **unused)
{
	int session;

	begin(MODEL);
	connect_to(0, MX1_ADDRESS);
	session = accepted(0, MX1, MX1_ADDRESS);
	fault(0, session, "body", "drip", "null");
	stalled(10000, 300);
	ev(12000, "close",
	   "\"session\":%d,\"server\":\"" MX1 "\",\"by\":\"client\","
	   "\"how\":\"fin\"",
	   session);
	finish(12100);
	holds();
}

/* Its end may even be heard when the mail has been delivered, and is none of
 * the attempts that follow. */
static void test_schedule_read_later(void **unused)
{
	int session;

	begin_at(MODEL, STORED_REFUSED "expect: {delivered: {count: 1}}\n");
	connect_to(0, MX1_ADDRESS);
	session = accepted(0, MX1, MX1_ADDRESS);
	fault(0, session, "body", "drip", "null");
	faulty_at(2400, "body", "drip", 300);
	connect_to(6300, MX1_ADDRESS);
	accepted(6300, MX1, MX1_ADDRESS);
	message(6300, MX1, ALICE, BOB, "");
	ev(9000, "close",
	   "\"session\":%d,\"server\":\"" MX1 "\",\"by\":\"client\","
	   "\"how\":\"fin\"",
	   session);
	finish(10000);
	holds();
}

/* A session whose last word, QUIT, comes @idle seconds after @stage. */
static void said_quit(double t, const char *stage, const char *text,
		      double idle)
{
	int session;

	connect_to(t, MX1_ADDRESS);
	session = accepted(t, MX1, MX1_ADDRESS);
	reply(t, session, "banner", "220 hello");
	command(t, session, "EHLO mta.example");
	if (strcmp(stage, "ehlo") != 0) {
		reply(t, session, "ehlo", "250 hello");
		command(t, session, "DATA");
	}
	if (text)
		reply(t, session, stage, text);
	command(t + idle, session, "QUIT");
	reply(t + idle, session, "quit", "221 bye");
	ev(t + idle, "close",
	   "\"session\":%d,\"server\":\"" MX1 "\",\"by\":\"client\","
	   "\"how\":\"fin\"",
	   session);
}

/* A connection that is kept for more mail is no part of the attempt; one in
 * which a reply is waited for is. */
static void test_schedule_kept(void **unused)
{
	begin(COURIER);
	said_quit(0, "data", "451 later", 60);
	said_quit(300, "data", "451 later", 60);
	said_quit(600, "data", "451 later", 60);
	finish(700);
	holds();
	stored_end(NULL);
	begin(COURIER);
	said_quit(0, "ehlo", NULL, 60);
	said_quit(300, "ehlo", NULL, 60);
	finish(400);
	breaks("6 min between the two", "5 min between rounds 1 and 2 for " BOB
					"; 1 of 1 gaps are wrong");
	stored_end(NULL);
	/* The message is not answered. */
	begin(COURIER);
	said_quit(0, "data", "354 go on", 60);
	said_quit(300, "data", "354 go on", 60);
	finish(400);
	breaks("6 min between the two", "5 min between rounds 1 and 2 for " BOB
					"; 1 of 1 gaps are wrong");
}

/* How long an attempt without an answer lasted is not known. */
static void test_schedule_unanswered(void **unused)
{
	begin(MODEL);
	state(0, MX1, "blackhole");
	connect_to(0, MX1_ADDRESS);
	connect_to(1800 + 127, MX1_ADDRESS);
	finish(2000);
	holds();
	stored_end(NULL);
	begin(MODEL);
	state(0, MX1, "blackhole");
	connect_to(0, MX1_ADDRESS);
	connect_to(1800 + 400, MX1_ADDRESS);
	finish(2300);
	breaks("30 min to 35 min between the two",
	       "36 min 40 s between rounds 1 and 2 for " BOB
	       "; 1 of 1 gaps are wrong");
}

/* An age that is passed in mid-attempt leaves both steps open, for once. */
static void test_schedule_boundary(void **unused)
{
	static const char two[] = "[{base: 10m, until: 20m, since: failure}, "
				  "{base: 1h}]";

	begin(two);
	stalled(0, 300);
	stalled(900, 300);
	stalled(1800, 300);
	stalled(1800 + 300 + 600, 300);
	stalled(1800 + 300 + 900 + 3600, 300);
	finish(7000);
	/* The third began 1500 s after the first failure: an hour. */
	breaks("1 h 5 min between the two",
	       "15 min between rounds 3 and 4 for " BOB
	       "; 1 of 4 gaps are wrong");
	stored_end(NULL);
	begin("[{base: 10m, until: 25m, since: failure}, {base: 1h}]");
	stalled(0, 300);
	stalled(900, 300);
	stalled(1800, 300);
	stalled(1800 + 300 + 600, 300);
	finish(3100);
	holds();
}

/* A host that fails begins the rule anew where failures of a kind count. */
static void test_schedule_since(void **unused)
{
	static const char *const rules[] = {
		"[{base: 10m, until: 15m, since: failure}, {base: 1h}]",
		"[{base: 10m, until: 15m}, {base: 1h}]"};

	for (size_t i = 0; i < 2; i++) {
		int session;
		double t;

		begin(rules[i]);
		for (t = 0; t <= 1200 + 3600; t += t < 1200 ? 600 : 3600) {
			connect_to(t, MX1_ADDRESS);
			session = accepted(t, MX1, MX1_ADDRESS);
			command(t, session, "RCPT TO:<" BOB ">");
			fault(t, session, "rcpt", "reply", "\"451 No\"");
			reply(t, session, "rcpt", "451 No");
			ev(t, "close",
			   "\"session\":%d,\"server\":\"" MX1 "\","
			   "\"by\":\"client\",\"how\":\"fin\"",
			   session);
		}
		connect_to(t, MX1_ADDRESS);
		connect_to(t + 600, MX1_ADDRESS);
		finish(t + 601);
		if (i == 0)
			holds();
		else
			breaks("1 h between the two",
			       "10 min between rounds 5 and 6 for " BOB
			       "; 1 of 5 gaps are wrong");
		if (i == 0)
			stored_end(NULL);
	}
}

/* Without TLS, or with HELO, a client comes back at once: the same round. */
static void test_schedule_reconnect(void **unused)
{
	begin(MODEL);
	stalled_at(0, "tls", 300);
	stalled_at(301, "ehlo", 0.5);
	stalled(2101.5, 0.5);
	finish(2200);
	holds();
	stored_end(NULL);
	/* But not again and again, */
	begin(MODEL);
	stalled_at(0, "tls", 0.5);
	stalled_at(1, "tls", 0.5);
	stalled_at(2, "tls", 0.5);
	finish(100);
	breaks("30 min 2 s between the two",
	       "2 s between rounds 1 and 2 for " BOB "; 1 of 1 gaps are wrong");
	stored_end(NULL);
	/* nor to a server that did not even greet. */
	begin(MODEL);
	stalled(0, 300);
	stalled(300, 300);
	finish(700);
	breaks("35 min between the two", "5 min between rounds 1 and 2 for " BOB
					 "; 1 of 1 gaps are wrong");
}

/* Around a restart nothing is judged, and the rule goes on behind it. */
static void test_schedule_restart(void **unused)
{
	begin_at(MODEL, STORED_REFUSED "mta: [{at: 40m, do: restart}]\n"
				       "expect: {delivered: none}\n");
	refused((double[GAPS_MAX]){1800, 700, 3600, 7200});
	finish(13400);
	holds();
	stored_end(NULL);
	begin_at(MODEL, STORED_REFUSED "mta: [{at: 40m, do: restart}]\n"
				       "expect: {delivered: none}\n");
	refused((double[GAPS_MAX]){1800, 700, 1800});
	finish(4400);
	breaks("1 h to 2 h between the two",
	       "30 min between rounds 3 and 4 for " BOB
	       "; 1 of 3 gaps are wrong");
}

/* Still queued, and no longer tried. */
static void test_schedule_missing(void **unused)
{
	begin(MODEL);
	refused((double[GAPS_MAX]){1800});
	finish(DAY);
	breaks("1 h between the two",
	       "none within 23 h 30 min after round 2 for " BOB
	       "; 1 of 2 gaps are wrong");
	stored_end(NULL);
	/* After a day, as documented. */
	begin("{base: 30m, until: 1h}");
	refused((double[GAPS_MAX]){1800});
	finish(DAY);
	holds();
}

/* What was refused for good is over, though its NDR comes much later. */
static void test_schedule_refused(void **unused)
{
	static const char *const replies[] = {"550 5.1.1 No such user",
					      "451 4.7.1 Later"};

	for (size_t i = 0; i < 2; i++) {
		int session;

		begin_at("{base: 1m}", STORED_REFUSED "expect: {ndr: {}}\n");
		connect_to(0, MX1_ADDRESS);
		session = accepted(0, MX1, MX1_ADDRESS);
		command(0, session, "RCPT TO:<" BOB ">");
		reply(0, session, "rcpt", replies[i]);
		ev(1, "close",
		   "\"session\":%d,\"server\":\"" MX1
		   "\",\"by\":\"client\",\"how\":\"fin\"",
		   session);
		bounce(600, "failed", "5.0.0");
		finish(DAY);
		if (i == 0)
			holds();
		else
			breaks("1 min 1 s between the two",
			       "none within 10 min after round 1 for " BOB
			       "; 1 of 1 gaps are wrong");
		stored_end(NULL);
	}
}

/* One more when the time is over, where that is documented. */
static void test_schedule_last(void **unused)
{
	for (int is_documented = 0; is_documented < 2; is_documented++) {
		begin("{base: 6h, tick: 30m}");
		run.target.documented.last_attempt = is_documented;
		run.target.documented.expires_after_ns =
			7 * 3600 * DEADMX_NS_PER_S;
		refused((double[GAPS_MAX]){6 * HOUR, HOUR + 20 * MINUTE});
		finish(8 * HOUR);
		if (is_documented) {
			holds();
			break;
		}
		breaks("6 h to 6 h 30 min between the two",
		       "1 h 20 min between rounds 2 and 3 for " BOB
		       "; 1 of 2 gaps are wrong");
		stored_end(NULL);
	}
}

static void test_schedule_longest(void **unused)
{
	static const struct {
		const char *rule;
		int64_t minutes;
	} rows[] = {
		{"5m..75m", 75},
		{MODEL, 180},
		{EXIM, 390},
		{SENDMAIL, 10},
		{OPENSMTPD, 393}, /* from 400 s × 29² to × 30² */
		{"{base: 1m, times: 3}", 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct target_retry retry = rule(rows[i].rule);
		int64_t ns = schedule_longest_ns(&retry,
						 4 * 86400 * DEADMX_NS_PER_S);

		assert_int_equal(ns / (60 * DEADMX_NS_PER_S), rows[i].minutes);
	}
}

/* More ways than are kept, and waits that outgrow all clocks. */
static void test_schedule_limits(void **unused)
{
	char text[2048] = "[";
	size_t len = 1;

	for (int i = 1; i < TARGET_RETRY_STEPS_MAX; i++)
		len += (size_t)snprintf(
			text + len, sizeof(text) - len,
			"{base: %ds, factor: 1..100, until: %ds}, ", i, i);
	snprintf(text + len, sizeof(text) - len, "{base: 1s, factor: 100}]");
	begin(text);
	for (int i = 0; i < 2 * SCHEDULE_STATES_MAX; i++)
		stalled(10 * i, 5);
	finish(20 * SCHEDULE_STATES_MAX);
	assert_non_null(judged());
	stored_end(NULL);
	/* A second each for years: counted no further than that. */
	begin("{base: 1s, from: arrival}");
	connect_to(0, MX1_ADDRESS);
	connect_to(2.0 * SCHEDULE_WAITS_MAX, MX1_ADDRESS);
	connect_to(2.0 * SCHEDULE_WAITS_MAX + 1, MX1_ADDRESS);
	finish(2.0 * SCHEDULE_WAITS_MAX + 2);
	assert_non_null(judged());
	stored_end(NULL);
	for (int i = 0; i < 2; i++) {
		begin(i ? "{base: 36500d, add: 36500d, from: arrival}"
			: "{base: 36500d, factor: 100, random: 36500d, "
			  "tick: 36500d, burst: 2, burst_gap: 36500d}");
		for (int k = 0; k < 300; k++)
			connect_to(10 * k, MX1_ADDRESS);
		finish(3000);
		assert_non_null(judged());
		stored_end(NULL);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_teardown(name, rule_end)
	const struct CMUnitTest tests[] = {
		T(test_schedule_mtas),	     T(test_schedule_wrong),
		T(test_schedule_from),	     T(test_schedule_unanswered),
		T(test_schedule_boundary),   T(test_schedule_since),
		T(test_schedule_reconnect),  T(test_schedule_restart),
		T(test_schedule_missing),    T(test_schedule_last),
		T(test_schedule_longest),    T(test_schedule_limits),
		T(test_schedule_read_late),  T(test_schedule_read_behind),
		T(test_schedule_read_later), T(test_schedule_kept),
		T(test_schedule_refused),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
