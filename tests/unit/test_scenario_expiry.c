/* SPDX-License-Identifier: MIT */
/* Times that count from the expiry of mail. */
#include "scenario_tree.h"

#include "harness/target.h"

#define HOUR_NS (3600 * DEADMX_NS_PER_S)
#define DAY_NS	(24 * HOUR_NS)

#define REST                                                                   \
	"description: d\n"                                                     \
	"mail: {from: a@src.example, to: b@dest.example}\n"                    \
	"expect: {ndr: yes}\n"

static const char *with(const char *head, const char *world, const char *rows)
{
	static char text[2048];

	snprintf(text, sizeof(text),
		 "%sworld:\n"
		 "  %s\n"
		 "  servers: {mx.dest.example: {timeline: [%s]}}\n" REST,
		 head, world, rows);
	return text;
}

static struct deadmx_scenario *good(const char *head, const char *world,
				    const char *rows)
{
	tree_good(with(head, world, rows), 1);
	return tree.list.cases[0];
}

static const struct deadmx_window *window(size_t n)
{
	return &tree.list.cases[0]->world.servers[0].faults[n].window;
}

/* Loaded, mail expires after five days. */
static void test_expiry_default(void **state)
{
	const struct deadmx_scenario *s =
		good("", "until: expiry+2d",
		     "{until: expiry-2h, rcpt: drop}, {from: expiry + 1h, "
		     "for: 30m, rcpt: drop}, {from: expiry, rcpt: reset}");

	assert_int_equal(s->world.until_ns, 7 * DAY_NS);
	assert_int_equal(window(0)->from_ns, 0);
	assert_int_equal(window(0)->until_ns, 5 * DAY_NS - 2 * HOUR_NS);
	assert_int_equal(window(1)->from_ns, 5 * DAY_NS + HOUR_NS);
	assert_int_equal(window(1)->until_ns, 5 * DAY_NS + HOUR_NS * 3 / 2);
	assert_int_equal(window(2)->from_ns, 5 * DAY_NS);
	assert_int_equal(window(2)->until_ns, DEADMX_FOREVER_NS);
}

/* Without an end of its own a run outlasts mail that lives for a week. */
static void test_expiry_end(void **state)
{
	struct deadmx_scenario *s = good("", "settle: 1h", "{rcpt: drop}");
	char why[256];

	assert_int_equal(s->world.until_ns, 7 * DAY_NS);
	assert_true(
		deadmx_scenario_set_expiry(s, 7 * DAY_NS, why, sizeof(why)));
	assert_int_equal(s->world.until_ns, 9 * DAY_NS);
	assert_true(deadmx_scenario_set_expiry(s, DAY_NS, why, sizeof(why)));
	assert_int_equal(s->world.until_ns, 7 * DAY_NS);
}

/* Or when the scenario says, wherever in the file it does. */
static void test_expiry_lifetime(void **state)
{
	good("settings: {lifetime: 4h}\n", "until: expiry+1d",
	     "{until: expiry, rcpt: drop}");
	assert_int_equal(window(0)->until_ns, 4 * HOUR_NS);
	assert_int_equal(tree.list.cases[0]->world.until_ns,
			 4 * HOUR_NS + DAY_NS);
	tree_good("world: {servers: {mx.dest.example: {timeline: [\n"
		  "  {until: expiry, rcpt: drop}]}}}\n" REST
		  "settings: {lifetime: 4h}\n",
		  1);
	assert_int_equal(window(0)->until_ns, 4 * HOUR_NS);
}

/* The plan moves it to the target's. Before the origin is at the origin. */
static void test_expiry_moved(void **state)
{
	struct deadmx_scenario *s =
		good("", "until: expiry+1d",
		     "{from: expiry-3d, until: expiry, rcpt: drop}");
	char why[256];

	assert_true(deadmx_scenario_set_expiry(s, DAY_NS, why, sizeof(why)));
	assert_int_equal(window(0)->from_ns, 0);
	assert_int_equal(window(0)->until_ns, DAY_NS);
	assert_int_equal(s->world.until_ns, 2 * DAY_NS);
	assert_true(
		deadmx_scenario_set_expiry(s, 10 * DAY_NS, why, sizeof(why)));
	assert_int_equal(window(0)->from_ns, 7 * DAY_NS);
}

/* Rows of names move as those of servers do. */
static void test_expiry_names(void **state)
{
	struct deadmx_scenario *s =
		good("",
		     "names: {dest.example: {timeline: [{until: expiry, "
		     "answer: servfail}]}}",
		     "{rcpt: drop}");

	assert_true(deadmx_scenario_set_expiry(s, DAY_NS, NULL, 0));
	assert_int_equal(s->world.names[0].rows[0].window.until_ns, DAY_NS);
}

/* So do those of relays, and of the link that all servers share. */
static void test_expiry_relays(void **state)
{
	struct deadmx_scenario *s;

	tree_good("description: d\n"
		  "world:\n"
		  "  link: {timeline: [{from: expiry-1h, until: expiry, "
		  "connect: blackhole}]}\n"
		  "  servers:\n"
		  "    mx.dest.example:\n"
		  "      relay:\n"
		  "        to: 192.0.2.99\n"
		  "        timeline: [{until: expiry-2h, to: back.dest.example"
		  "}]\n"
		  "    back.dest.example: {mx_for: []}\n"
		  "mail: {from: a@src.example, to: b@dest.example}\n"
		  "expect: {ndr: yes}\n",
		  1);
	s = tree.list.cases[0];
	for (int64_t days = 5; days > 1; days -= 3) {
		const struct deadmx_server *mx = &s->world.servers[0];

		assert_int_equal(mx->relay->rows[0].window.until_ns,
				 days * DAY_NS - 2 * HOUR_NS);
		for (size_t i = 0; i < s->world.server_count; i++)
			assert_int_equal(
				s->world.servers[i].faults[0].window.from_ns,
				days * DAY_NS - HOUR_NS);
		assert_true(deadmx_scenario_set_expiry(s, 2 * DAY_NS, NULL, 0));
	}
}

/* A target on which a row can't apply is told so, with the row's place. */
static void test_expiry_impossible(void **state)
{
	struct deadmx_scenario *s = good("", "until: 6d",
					 "{from: 30h, until: expiry, rcpt: "
					 "drop}");
	char why[256];

	assert_false(deadmx_scenario_set_expiry(s, DAY_NS, why, sizeof(why)));
	assert_ptr_equal(strstr(why, tree_path("fam/t.yml")), why);
	assert_non_null(strstr(why, "t.yml:3: mail expires after 1 d here, so "
				    "this row never applies"));
	s = good("", "until: 6d", "{from: expiry, rcpt: drop}");
	assert_false(
		deadmx_scenario_set_expiry(s, 7 * DAY_NS, why, sizeof(why)));
	assert_non_null(strstr(why, "the run ends before this row applies"));
	s = good("", "until: expiry-1d", "{rcpt: drop}");
	assert_false(deadmx_scenario_set_expiry(s, HOUR_NS, why, sizeof(why)));
	assert_non_null(strstr(why, "t.yml:2: mail expires after 1 h here, so "
				    "the run ends before it begins"));
	/* What doesn't count from expiry is no matter of it. */
	s = good("", "until: 6d", "{from: 30h, until: 40h, rcpt: drop}");
	assert_true(deadmx_scenario_set_expiry(s, 1, why, sizeof(why)));
}

static void test_expiry_refused(void **state)
{
	static const char *const rows[][4] = {
		{"", "settle: 1h", "{until: expiry2h, rcpt: drop}",
		 "expected expiry, expiry+2h or expiry-1h"},
		{"", "settle: 1h", "{until: expiry+2, rcpt: drop}",
		 "expected expiry, expiry+2h or expiry-1h"},
		{"", "settle: 1h", "{until: expiry+, rcpt: drop}",
		 "expected expiry, expiry+2h or expiry-1h"},
		{"", "settle: 1h", "{until: expiry+2h+1h, rcpt: drop}",
		 "expected expiry, expiry+2h or expiry-1h"},
		{"", "settle: 1h", "{until: expire, rcpt: drop}",
		 "write 30s, 5m, 2h or 5d"},
		{"", "settle: 1h", "{for: expiry, rcpt: drop}", "a duration"},
		{"", "settle: 1h",
		 "{from: expiry, until: expiry-1h, rcpt: drop}",
		 "until, expected a time after from"},
		{"", "settle: 1h",
		 "{from: expiry+1h, until: expiry+1h, rcpt: drop}",
		 "until, expected a time after from"},
		{"", "settle: 1h", "{from: 6d, until: expiry, rcpt: drop}",
		 "this row never applies: it ends before it begins; expiry is "
		 "the lifetime in settings"},
		{"", "until: 5d", "{from: expiry, rcpt: drop}",
		 "the run ends before; see until in world"},
		{"", "until: expiry-5d", "{rcpt: drop}",
		 "t.yml:2:10: until, expected a time above 0"},
		{"settings: {lifetime: 5 days}\n", "settle: 1h",
		 "{until: expiry, rcpt: drop}",
		 "t.yml:1:12: lifetime, expected a duration with its unit"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tree_refuse(with(rows[i][0], rows[i][1], rows[i][2]),
			    rows[i][3]);
	/* The target's own words are right as long as nobody counts. */
	good("settings: {lifetime: 5 days}\n", "settle: 1h", "{rcpt: drop}");
}

/* The scenario's lifetime, else the target's, else five days. */
static void test_expiry_target(void **state)
{
	struct target t = {0};
	struct deadmx_scenario *s =
		good("", "settle: 1h", "{until: expiry, rcpt: drop}");

	assert_int_equal(target_lifetime_ns(&t, s), 0);
	assert_true(target_set_expiry(&t, s, NULL, 0));
	assert_int_equal(window(0)->until_ns, 5 * DAY_NS);
	t.documented.expires_after_ns = 2 * DAY_NS;
	assert_int_equal(target_lifetime_ns(&t, s), 2 * DAY_NS);
	assert_true(target_set_expiry(&t, s, NULL, 0));
	assert_int_equal(window(0)->until_ns, 2 * DAY_NS);
	s = good("settings: {lifetime: 3h}\n", "settle: 1h",
		 "{until: expiry, rcpt: drop}");
	assert_int_equal(target_lifetime_ns(&t, s), 3 * HOUR_NS);
	s = good("settings: {lifetime: 3 hours}\n", "settle: 1h",
		 "{rcpt: drop}");
	assert_int_equal(target_lifetime_ns(&t, s), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, tree_begin, tree_end)
	const struct CMUnitTest tests[] = {
		T(test_expiry_default), T(test_expiry_lifetime),
		T(test_expiry_moved),	T(test_expiry_names),
		T(test_expiry_relays),	T(test_expiry_impossible),
		T(test_expiry_refused), T(test_expiry_target),
		T(test_expiry_end),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
