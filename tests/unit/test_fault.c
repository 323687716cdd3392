/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/fault.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/fault.h"

#define S(n) ((n)*DEADMX_NS_PER_S)

struct fixture {
	struct deadmx_fault rows[4];
	struct deadmx_server server;
	struct fault_table table;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->server.name = (char *)"mx.dest.example";
	f->server.faults = f->rows;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fault_table_release(&f->table);
	free(f);
	return 0;
}

/* Rows for RCPT unless told otherwise, open unless they end. */
static const struct deadmx_fault *add(struct fixture *f,
				      struct deadmx_fault row)
{
	if (row.stage == DEADMX_STAGE_CONNECT)
		row.stage = DEADMX_STAGE_RCPT;
	if (!row.window.until_ns)
		row.window.until_ns = DEADMX_FOREVER_NS;
	row.action = DEADMX_ACTION_DROP;
	f->rows[f->server.fault_count] = row;
	return &f->rows[f->server.fault_count++];
}

static void begin(struct fixture *f, uint64_t seed)
{
	fault_table_release(&f->table);
	assert_int_equal(fault_table_init(&f->table, &f->server, seed), 0);
}

static const struct deadmx_fault *peek_at(struct fixture *f, int64_t now_ns)
{
	const struct fault_context c = {.stage = DEADMX_STAGE_RCPT,
					.now_ns = now_ns};

	return fault_peek(&f->table, &c);
}

/* Take once at @now_ns: is it @row (NULL: none), and had a peek said so? */
static void take_at(struct fixture *f, int64_t now_ns,
		    const struct deadmx_fault *row)
{
	const struct fault_context c = {.stage = DEADMX_STAGE_RCPT,
					.now_ns = now_ns};

	assert_ptr_equal(fault_peek(&f->table, &c), row);
	assert_ptr_equal(fault_take(&f->table, &c), row);
}

/* Does the only row hold in this context? */
static bool holds(struct fixture *f, struct fault_context c)
{
	c.stage = DEADMX_STAGE_RCPT;
	return fault_peek(&f->table, &c) != NULL;
}

/* A window holds from its start, inclusive, to its end, exclusive. */
static void test_fault_window(void **state)
{
	struct fixture *f = *state;
	const struct fault_context data = {.stage = DEADMX_STAGE_DATA,
					   .now_ns = S(40)};
	const struct deadmx_fault *a, *b;

	a = add(f, (struct deadmx_fault){.window.until_ns = S(60)});
	b = add(f, (struct deadmx_fault){.window.from_ns = S(30),
					 .window.until_ns = S(90)});
	begin(f, 0);
	assert_null(peek_at(f, -1));
	assert_ptr_equal(peek_at(f, 0), a);
	assert_ptr_equal(peek_at(f, S(60) - 1), a);
	assert_ptr_equal(peek_at(f, S(60)), b);
	assert_null(peek_at(f, S(90)));
	assert_null(fault_peek(&f->table, &data));
}

/* Ten minutes in each hour, from 1 h to 3 h 5 min. */
static void test_fault_every(void **state)
{
	struct fixture *f = *state;
	const struct deadmx_fault *a = add(
		f, (struct deadmx_fault){.window.from_ns = S(3600),
					 .window.until_ns = S(3 * 3600 + 300),
					 .window.every_ns = S(3600),
					 .window.for_ns = S(600)});

	begin(f, 0);
	assert_null(peek_at(f, S(600)));
	assert_ptr_equal(peek_at(f, S(3600)), a);
	assert_null(peek_at(f, S(4200)));
	assert_ptr_equal(peek_at(f, S(7200)), a);
	assert_ptr_equal(peek_at(f, S(7799)), a);
	assert_ptr_equal(peek_at(f, S(3 * 3600 + 299)), a);
	assert_null(peek_at(f, S(3 * 3600 + 300)));
	assert_null(peek_at(f, S(4 * 3600)));
}

/* Edges are the starts and ends that are still to come. */
static void test_fault_edges(void **state)
{
	static const int64_t edges[] = {S(0),	S(30),	S(60),	S(90), S(100),
					S(110), S(160), S(170), S(215)};
	struct fixture *f = *state;
	int64_t now = -1;

	add(f, (struct deadmx_fault){.window.until_ns = S(60)});
	add(f, (struct deadmx_fault){.window.from_ns = S(30),
				     .window.until_ns = S(90)});
	add(f, (struct deadmx_fault){.window.from_ns = S(100),
				     .window.until_ns = S(215),
				     .window.every_ns = S(60),
				     .window.for_ns = S(10)});
	add(f, (struct deadmx_fault){.stage = DEADMX_STAGE_DATA,
				     .window.from_ns = S(50)});
	begin(f, 0);
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		now = fault_next_edge(&f->table, DEADMX_STAGE_RCPT, now);
		assert_int_equal(now, edges[i]);
	}
	assert_int_equal(fault_next_edge(&f->table, DEADMX_STAGE_RCPT, now),
			 DEADMX_FOREVER_NS);
}

/* `first` is used up, then the next row has its turn; clearing starts anew. */
static void test_fault_first(void **state)
{
	struct fixture *f = *state;
	const struct deadmx_fault *a, *b;

	a = add(f, (struct deadmx_fault){.window.first = 2,
					 .window.until_ns = S(60)});
	b = add(f, (struct deadmx_fault){.window.from_ns = S(30)});
	begin(f, 0);
	for (int round = 0; round < 2; round++) {
		take_at(f, S(40), a);
		take_at(f, S(40), a);
		take_at(f, S(40), b);
		take_at(f, S(40), b);
		take_at(f, S(10), NULL);
		fault_table_clear(&f->table);
	}
}

/* What can still apply now: the window is open, the counts not used up. */
static void test_fault_is_open(void **state)
{
	struct fixture *f = *state;
	const struct deadmx_fault *a =
		add(f, (struct deadmx_fault){.window.from_ns = S(10),
					     .window.until_ns = S(70),
					     .window.first = 1,
					     .window.times = 2,
					     .window.every_ns = S(20),
					     .window.for_ns = S(5)});

	begin(f, 0);
	assert_false(fault_is_open(&f->table, 0, S(9)));
	assert_true(fault_is_open(&f->table, 0, S(10)));
	take_at(f, S(10), a);
	assert_false(fault_is_open(&f->table, 0, S(11)));
	assert_false(fault_is_open(&f->table, 0, S(16)));
	assert_true(fault_is_open(&f->table, 0, S(30)));
	take_at(f, S(30), a);
	assert_false(fault_is_open(&f->table, 0, S(50)));
}

/* `first` counts anew in each window, `times` in all of them. */
static void test_fault_first_and_times(void **state)
{
	struct fixture *f = *state;
	const struct deadmx_fault *a =
		add(f, (struct deadmx_fault){.window.first = 2,
					     .window.times = 5,
					     .window.every_ns = S(60),
					     .window.for_ns = S(10)});

	begin(f, 0);
	for (int window = 0; window < 2; window++) {
		take_at(f, S(60) * window, a);
		take_at(f, S(60) * window + 1, a);
		take_at(f, S(60) * window + 2, NULL);
	}
	take_at(f, S(120), a);
	take_at(f, S(120), NULL);
	take_at(f, S(180), NULL);
	fault_table_clear(&f->table);
	take_at(f, S(180), a);
}

/* With a probability, `first` counts the lots and `times` the hits. */
static void test_fault_counts_lots(void **state)
{
	struct fixture *f = *state;
	int hits = 0;

	add(f, (struct deadmx_fault){.window.first = 100,
				     .probability_ppm = 300000});
	begin(f, 1);
	for (int i = 0; i < 1000; i++)
		hits += fault_take(&f->table,
				   &(struct fault_context){
					   .stage = DEADMX_STAGE_RCPT}) != NULL;
	assert_in_range(hits, 15, 45);

	f->rows[0].window.first = 0;
	f->rows[0].window.times = 100;
	begin(f, 1);
	hits = 0;
	for (int i = 0; i < 1000; i++)
		hits += fault_take(&f->table,
				   &(struct fault_context){
					   .stage = DEADMX_STAGE_RCPT}) != NULL;
	assert_int_equal(hits, 100);
}

/* Lots fall as often as told; a row that loses leaves the turn to the next. */
static void test_fault_probability(void **state)
{
	struct fixture *f = *state;
	const struct deadmx_fault *a, *b;
	const struct fault_context c = {.stage = DEADMX_STAGE_RCPT};
	int hits = 0;

	a = add(f, (struct deadmx_fault){.probability_ppm = 250000});
	b = add(f, (struct deadmx_fault){0});
	begin(f, 7);
	for (int i = 0; i < 4000; i++) {
		const struct deadmx_fault *said = fault_peek(&f->table, &c);
		const struct deadmx_fault *got = fault_take(&f->table, &c);

		assert_ptr_equal(said, got);
		assert_true(got == a || got == b);
		hits += got == a;
	}
	assert_in_range(hits, 900, 1100);
}

/* The lots hang on seed, server and row, not on what else happens. */
static void test_fault_lots_repeat(void **state)
{
	struct fixture *f = *state;
	const struct fault_context c = {.stage = DEADMX_STAGE_RCPT};
	uint64_t drawn[4] = {0};

	add(f, (struct deadmx_fault){.probability_ppm = 500000});
	for (int run = 0; run < 4; run++) {
		f->server.name = (char *)(run == 3 ? "mx2" : "mx");
		begin(f, run == 2 ? 43 : 42);
		for (int i = 0; i < 64; i++)
			drawn[run] = drawn[run] << 1 |
				     (fault_take(&f->table, &c) != NULL);
	}
	assert_int_equal(drawn[0], drawn[1]);
	assert_int_not_equal(drawn[0], drawn[2]);
	assert_int_not_equal(drawn[0], drawn[3]);
}

static void test_fault_connection(void **state)
{
	struct fixture *f = *state;

	add(f, (struct deadmx_fault){.connection = {true, 2, 4}});
	begin(f, 0);
	assert_false(holds(f, (struct fault_context){.connection = 1}));
	assert_true(holds(f, (struct fault_context){.connection = 2}));
	assert_true(holds(f, (struct fault_context){.connection = 4}));
	assert_false(holds(f, (struct fault_context){.connection = 5}));
	/* Nobody knows which one it is. */
	f->rows[0].connection.min = 0;
	assert_false(holds(f, (struct fault_context){.connection = 0}));
}

static void test_fault_ip(void **state)
{
	struct fixture *f = *state;

	add(f, (struct deadmx_fault){.ip_version = 6});
	begin(f, 0);
	assert_true(holds(f, (struct fault_context){.ip_version = 6}));
	assert_false(holds(f, (struct fault_context){.ip_version = 4}));
}

static bool holds_for(struct fixture *f, const char *sender)
{
	return holds(f, (struct fault_context){.sender = sender});
}

/* Exact, a whole domain, a regular expression; in any case. */
static void test_fault_sender(void **state)
{
	struct fixture *f = *state;

	add(f, (struct deadmx_fault){.sender = {(char *)"a@b.example", false}});
	begin(f, 0);
	assert_true(holds_for(f, "A@B.example"));
	assert_false(holds_for(f, "aa@b.example"));
	assert_false(holds_for(f, ""));
	assert_false(holds_for(f, NULL));

	f->rows[0].sender.text = (char *)"@b.example";
	assert_true(holds_for(f, "x@B.example"));
	assert_false(holds_for(f, "x@sub.b.example"));
	assert_false(holds_for(f, "b.example"));

	f->rows[0].sender.text = (char *)"";
	assert_true(holds_for(f, ""));
	assert_false(holds_for(f, "a@b.example"));
	assert_false(holds_for(f, NULL));

	f->rows[0].sender = (struct deadmx_text){(char *)"^news-[0-9]+@", true};
	begin(f, 0);
	assert_true(holds_for(f, "News-17@b.example"));
	assert_false(holds_for(f, "news-@b.example"));
	assert_false(holds_for(f, NULL));
}

/* After RCPT one of the recipients must fit in all respects. */
static void test_fault_recipients(void **state)
{
	struct fixture *f = *state;
	char *to[] = {(char *)"a@d", (char *)"b@d"};
	uint32_t attempts[] = {5, 2};
	struct fault_context c = {
		.recipients = to, .attempts = attempts, .recipient_count = 2};

	add(f, (struct deadmx_fault){.recipient = {(char *)"b@d", false}});
	begin(f, 0);
	assert_true(holds(f, c));
	c.recipient_count = 1;
	assert_false(holds(f, c));
	c.recipient_count = 2;
	f->rows[0].attempt = (struct deadmx_range){true, 5, 5};
	assert_false(holds(f, c));
	f->rows[0].attempt = (struct deadmx_range){true, 1, 2};
	assert_true(holds(f, c));
	f->rows[0].recipient.text = NULL;
	assert_true(holds(f, c));
	c.attempts = NULL;
	assert_false(holds(f, c));
}

static enum deadmx_spf spf_answer(void *arg)
{
	enum deadmx_spf *spf = arg;

	return *spf;
}

/* SPF is asked for only when a row wants to know. */
static void test_fault_spf(void **state)
{
	struct fixture *f = *state;
	enum deadmx_spf spf = DEADMX_SPF_SOFTFAIL;
	struct fault_context c = {.spf = spf_answer, .spf_arg = &spf};

	add(f, (struct deadmx_fault){.spf = 1u << DEADMX_SPF_NONE |
					    1u << DEADMX_SPF_SOFTFAIL});
	begin(f, 0);
	assert_true(holds(f, c));
	spf = DEADMX_SPF_PASS;
	assert_false(holds(f, c));
	assert_false(holds(f, (struct fault_context){0}));
	f->rows[0].spf = 0;
	c.spf_arg = NULL;
	assert_true(holds(f, c));
}

/* Attempts are counted by sender and recipient, and only when asked for. */
static void test_fault_attempts(void **state)
{
	struct fixture *f = *state;

	add(f, (struct deadmx_fault){0});
	begin(f, 0);
	assert_int_equal(fault_attempt(&f->table, "a@b", "c@d", 0), 0);
	f->rows[0].attempt = (struct deadmx_range){true, 2, 2};
	begin(f, 0);
	assert_int_equal(fault_attempt(&f->table, "a@b", "c@d", 0), 1);
	assert_int_equal(fault_attempt(&f->table, "a@b", "C@D", S(9)), 2);
	assert_int_equal(fault_attempt(&f->table, "", "c@d", 0), 1);
	assert_int_equal(fault_attempt(&f->table, "a@b", "e@d", 0), 1);
	fault_table_clear(&f->table);
	assert_int_equal(fault_attempt(&f->table, "a@b", "c@d", 0), 1);
}

/* The parser refuses these; a table that is built by hand may hold one. */
static void test_fault_bad_regex(void **state)
{
	struct fixture *f = *state;

	add(f, (struct deadmx_fault){.sender = {(char *)"ok", true},
				     .recipient = {(char *)"(", true}});
	assert_int_equal(fault_table_init(&f->table, &f->server, 0), -EINVAL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_fault_window),	   T(test_fault_every),
		T(test_fault_edges),	   T(test_fault_first),
		T(test_fault_is_open),	   T(test_fault_first_and_times),
		T(test_fault_counts_lots), T(test_fault_probability),
		T(test_fault_lots_repeat), T(test_fault_connection),
		T(test_fault_ip),	   T(test_fault_sender),
		T(test_fault_recipients),  T(test_fault_spf),
		T(test_fault_attempts),	   T(test_fault_bad_regex),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
