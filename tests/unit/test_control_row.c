/* SPDX-License-Identifier: MIT */
/* Unit tests of harness/control_row.c: faults as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "harness/control_row.h"

#define S(n)   ((n)*DEADMX_NS_PER_S)
#define STR(s) ((char *)(s))

static void expect_row(const struct deadmx_world_row *row, const char *want)
{
	json_t *object = control_row_json(row);
	char *got = json_dumps(object, JSON_COMPACT);

	assert_string_equal(got, want);
	free(got);
	json_decref(object);
}

/* The plainest row; no end and no silence for ever are null. */
static void test_control_row_plain(void **state)
{
	struct deadmx_fault f = {.place.line = 7,
				 .stage = DEADMX_STAGE_RCPT,
				 .action = DEADMX_ACTION_STALL,
				 .stall_ns = DEADMX_FOREVER_NS,
				 .window.until_ns = DEADMX_FOREVER_NS};

	expect_row(&(struct deadmx_world_row){.fault = &f, .open = true},
		   "{\"stage\":\"rcpt\",\"action\":\"stall\",\"stall\":null,"
		   "\"by_hand\":false,\"open\":true,\"from\":0,\"until\":null,"
		   "\"line\":7}");
}

/* All that a row may say; by hand its times count from when it was set. */
static void test_control_row_full(void **state)
{
	struct deadmx_fault f = {
		.stage = DEADMX_STAGE_DOT,
		.action = DEADMX_ACTION_REPLY,
		.reply = STR("451 4.7.1 Later"),
		.reply_name = STR("greylist/plain"),
		.close = true,
		.window.from_ns = S(1),
		.window.until_ns = S(60) + S(1) / 2,
		.window.every_ns = S(20),
		.window.for_ns = S(10),
		.window.first = 3,
		.window.times = 9,
		.sender = {STR("@news.example"), false},
		.recipient = {STR("^bob"), true},
		.connection = {true, 2, 4},
		.attempt = {true, 3, INT64_MAX},
		.probability_ppm = 300000,
		.spf = 1u << DEADMX_SPF_NONE | 1u << DEADMX_SPF_SOFTFAIL,
		.ip_version = 6,
	};

	expect_row(
		&(struct deadmx_world_row){
			.fault = &f, .by_hand = true, .since_ns = S(100)},
		"{\"stage\":\"dot\",\"action\":\"reply\",\"reply\":"
		"\"451 4.7.1 Later\",\"reply_name\":\"greylist/plain\","
		"\"close\":true,\"by_hand\":true,\"open\":false,\"from\":101,"
		"\"until\":160.5,\"every\":20,\"for\":10,\"first\":3,"
		"\"times\":9,\"sender\":\"@news.example\",\"recipient\":"
		"\"/^bob/\",\"connection\":\"2..4\",\"attempt\":\">=3\","
		"\"probability\":\"30%\",\"spf\":[\"none\",\"softfail\"],"
		"\"ip\":6}");
}

static void expect_text(const struct deadmx_fault *f, const char *want)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	control_row_print(out, f);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
}

/* A row on one line. */
static void test_control_row_print(void **state)
{
	struct deadmx_fault f = {.place.line = 7,
				 .stage = DEADMX_STAGE_CONNECT,
				 .action = DEADMX_ACTION_REFUSE,
				 .window.until_ns = DEADMX_FOREVER_NS};

	expect_text(&f, "connect: refuse (line 7)");
	f.window = (struct deadmx_window){.from_ns = S(3600 * 30),
					  .until_ns = S(90) + S(1) / 4,
					  .every_ns = S(60),
					  .for_ns = S(5),
					  .first = 2,
					  .times = 3};
	expect_text(&f, "connect: refuse, from 1d6h, until 1m30s250ms, every "
			"1m, for 5s, first 2, 3 times (line 7)");
	f = (struct deadmx_fault){.stage = DEADMX_STAGE_DOT,
				  .action = DEADMX_ACTION_REPLY,
				  .reply = STR("451-One\n451 Two"),
				  .ip_version = 6};
	expect_text(&f, "dot: 451-One …, until 0s, on conditions (line 0)");
	f = (struct deadmx_fault){.stage = DEADMX_STAGE_DOT,
				  .action = DEADMX_ACTION_STALL,
				  .stall_ns = S(600),
				  .window.until_ns = DEADMX_FOREVER_NS};
	expect_text(&f, "dot: stall, lasting 10m (line 0)");
}

static void expect_state(const struct deadmx_fault *faults, size_t count,
			 const char *want)
{
	struct deadmx_world_row rows[4] = {0};

	for (size_t i = 0; i < count; i++) {
		rows[i].fault = &faults[i];
		rows[i].open = faults[i].window.until_ns != 0;
	}
	assert_string_equal(control_state_word(control_state_of(rows, count)),
			    want);
}

/* Down, faulty or healthy: the first open row of a stage without condition
 * hides those below it. */
static void test_control_state(void **state)
{
	const struct deadmx_fault refuse = {.stage = DEADMX_STAGE_CONNECT,
					    .action = DEADMX_ACTION_REFUSE,
					    .window.until_ns =
						    DEADMX_FOREVER_NS};
	const struct deadmx_fault drop = {.stage = DEADMX_STAGE_RCPT,
					  .action = DEADMX_ACTION_DROP,
					  .window.until_ns = DEADMX_FOREVER_NS};
	struct deadmx_fault up = refuse, some = refuse, over = refuse;

	up.action = DEADMX_ACTION_ACCEPT;
	some.ip_version = 6;
	over.window.until_ns = 0;
	expect_state(NULL, 0, "healthy");
	expect_state((struct deadmx_fault[]){refuse}, 1, "down");
	expect_state((struct deadmx_fault[]){drop}, 1, "faulty");
	expect_state((struct deadmx_fault[]){over}, 1, "healthy");
	expect_state((struct deadmx_fault[]){some}, 1, "faulty");
	expect_state((struct deadmx_fault[]){up, refuse}, 2, "healthy");
	expect_state((struct deadmx_fault[]){some, refuse}, 2, "down");
	expect_state((struct deadmx_fault[]){drop, up, refuse}, 3, "faulty");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control_row_plain),
		cmocka_unit_test(test_control_row_full),
		cmocka_unit_test(test_control_row_print),
		cmocka_unit_test(test_control_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
