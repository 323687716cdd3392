/* SPDX-License-Identifier: MIT */
/* The matrix: cases, their names, and what ${name} stands for. */
#include "scenario_tree.h"

#include "deadmx/yaml.h"

#define REST                                                                   \
	"mail: {from: a@src.example, to: b@dest.example}\n"                    \
	"expect: {ndr: yes}\n"
#define WORLD(row)                                                             \
	"description: d\n"                                                     \
	"world: {servers: {mx.dest.example: {timeline: [\n"                    \
	"  {" row "}]}}}\n" REST

static const struct deadmx_fault *fault(size_t n)
{
	return &tree.list.cases[n]->world.servers[0].faults[0];
}

/* All combinations, the last name turning fastest; keys and texts. */
static void test_matrix_cases(void **state)
{
	static const char *const names[] = {"fam/t/mail-451", "fam/t/mail-421",
					    "fam/t/rcpt-451", "fam/t/rcpt-421"};

	tree_good("matrix: {stage: [mail, rcpt], code: [451, 421]}\n"
		  "tags: [\"at-${stage}\"]\n" WORLD(
			  "\"${stage}\": \"${code} 4.3.2 at ${stage}\""),
		  4);
	for (size_t i = 0; i < 4; i++) {
		const struct deadmx_scenario *s = tree.list.cases[i];

		assert_string_equal(s->name, names[i]);
		assert_string_equal(s->case_name, names[i] + 6);
		assert_int_equal(fault(i)->stage,
				 i < 2 ? DEADMX_STAGE_MAIL : DEADMX_STAGE_RCPT);
		assert_string_equal(s->tags[0], i < 2 ? "at-mail" : "at-rcpt");
	}
	assert_string_equal(fault(1)->reply, "421 4.3.2 at mail");
	assert_int_equal(fault(1)->place.line, 5);
}

/* Values with names, and of several parts. */
static void test_matrix_parts(void **state)
{
	tree_good("matrix:\n"
		  "  r:\n"
		  "    busy: {text: 451 4.3.2 Busy, at: mail}\n"
		  "    gone: {text: 550 5.1.1 Gone, at: rcpt}\n" WORLD(
			  "\"${r.at}\": \"${r.text}\""),
		  2);
	assert_string_equal(tree.list.cases[0]->name, "fam/t/busy");
	assert_string_equal(fault(1)->reply, "550 5.1.1 Gone");
	assert_int_equal(fault(1)->stage, DEADMX_STAGE_RCPT);
}

/* A text is made fit for the name of a file. */
static void test_matrix_slugs(void **state)
{
	tree_good(
		"matrix: {r: [\"451 4.3.2  <Büsy>!\", ../.x, '-451']}\n" WORLD(
			"rcpt: \"451 ${r}\""),
		3);
	assert_string_equal(tree.list.cases[0]->case_name, "451-4.3.2-B-sy");
	assert_string_equal(tree.list.cases[1]->case_name, "x");
	assert_string_equal(tree.list.cases[2]->case_name, "451");
}

/* $${ is ${; a lone $ or brace is itself. */
static void test_matrix_escape(void **state)
{
	static const char rest[] =
		"description: \"$${a} $5{}}$\"\n"
		"world: {servers: {mx.dest.example: {timeline: [\n"
		"  {rcpt: drop}]}}}\n" REST;
	char text[sizeof(rest) + 64];

	snprintf(text, sizeof(text), "%s", rest);
	tree_good(text, 1);
	assert_string_equal(tree.list.cases[0]->description, "${a} $5{}}$");
	assert_string_equal(tree.list.cases[0]->name, "fam/t");
	snprintf(text, sizeof(text), "matrix: {a: [x]}\ntags: \"${a}$\"\n%s",
		 rest);
	tree_good(text, 1);
	assert_string_equal(tree.list.cases[0]->description, "${a} $5{}}$");
	assert_string_equal(tree.list.cases[0]->tags[0], "x$");
}

static void test_matrix_refused(void **state)
{
	static const char *const rows[][3] = {
		{"matrix: {stage: [mail]}", "rcpt: \"451 ${stge}\"",
		 "t.yml:4:10: ${stge}, expected a name of the matrix; did you "
		 "mean \"stage\"?"},
		{"tags: x", "rcpt: \"451 ${x}\"",
		 "${x}, but there is no matrix; a text that holds ${ is "
		 "written $${"},
		{"matrix: {a: [x]}", "rcpt: \"451 ${a\"", "${ without }"},
		{"matrix: {a: [x], b: [y]}", "rcpt: \"451 ${a}\"",
		 "t.yml:1:18: ${b} is used nowhere"},
		{"matrix: [a]", "rcpt: drop", "a map of 1 to 8 names"},
		{"matrix: {}", "rcpt: drop", "a map of 1 to 8 names"},
		{"matrix:", "rcpt: drop", "a map of 1 to 8 names"},
		{"matrix: {A: [x]}", "rcpt: drop", "small letters"},
		{"matrix: {a: x}", "rcpt: drop", "a list of values"},
		{"matrix: {a: []}", "rcpt: drop", "a list of values"},
		{"matrix: {a: [[x]]}", "rcpt: drop", "expected a text"},
		{"matrix: {a: [{b: x}]}", "rcpt: drop", "needs a name"},
		{"matrix: {a: {b: {c: []}}}", "rcpt: drop", "c, expected a t"},
		{"matrix: {a: {'b/c': x}}", "rcpt: drop",
		 "the name of a value"},
		{"matrix: {a: [é]}", "rcpt: drop", "give each value a name"},
		{"matrix: {a: ['']}", "rcpt: drop", "give each value a name"},
		{"matrix: {a: [x y, x-y]}", "rcpt: drop", "are called x-y"},
		{"matrix: {a: [x, x-y], b: [y-z, z]}", "rcpt: drop",
		 "two cases of the matrix are called x-y-z"},
		{"matrix: {a: {x: {b: c}}}", "rcpt: \"451 ${a}\"",
		 "expected the name of a part"},
		{"matrix: {a: {x: {b: c}}}", "rcpt: \"451 ${a.c}\"",
		 "expected the name of a part"},
		{"matrix: {a: [x]}", "rcpt: \"451 ${a.c}\"",
		 "but that value is one text"},
		{"matrix: {a: [rcpt]}", "rcpt: drop, \"${a}\": drop",
		 "t.yml:4:16: \"rcpt\" is here twice"},
		{"matrix: {a: [rcpt]}", "\"${a}\": drop, rcpt: drop",
		 "\"rcpt\" is here twice"},
	};
	char text[512];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text),
			 "%s\n"
			 "description: d\n"
			 "world: {servers: {mx.dest.example: {timeline: [\n"
			 "  {%s}]}}}\n" REST,
			 rows[i][0], rows[i][1]);
		tree_refuse(text, rows[i][2]);
	}
}

/* One mistake is told once, with the cases that have it if not all do. */
static void test_matrix_errors_once(void **state)
{
	const char *p;

	tree_refuse("matrix: {c: [451, 999, 450]}\n"
		    "foo: 1\n" WORLD("rcpt: \"${c} x\""),
		    "t.yml:2:1: unknown key \"foo\" in scenario; it takes");
	p = strstr(tree.said, "unknown key");
	assert_null(strstr(p + 1, "unknown key"));
	assert_non_null(strstr(p, "got \"999 x\" (in the case 999)\n"));
}

/* An empty value is a text, not nothing. */
static void test_matrix_empty_value(void **state)
{
	tree_good("matrix: {s: {none: '', some: x}}\n"
		  "description: d\n"
		  "world: {servers: {mx.dest.example: {timeline: "
		  "[{rcpt: drop}]}}}\n"
		  "mail: {from: a@src.example, to: b@dest.example, subject: "
		  "\"${s}\", body: \"${s}\"}\n"
		  "expect: {ndr: yes}\n",
		  2);
	assert_string_equal(tree.list.cases[0]->mails[0].body, "");
}

/* One case by its name. */
static void test_matrix_load_case(void **state)
{
	struct deadmx_scenario *s = NULL;
	size_t size;
	FILE *errors;

	tree_good("matrix: {c: [451, 450]}\n" WORLD("rcpt: \"${c} x\""), 2);
	assert_int_equal(deadmx_scenario_load_case(tree_path("fam/t.yml"),
						   "450", stderr, &s),
			 0);
	assert_string_equal(s->name, "fam/t/450");
	deadmx_scenario_free(s);
	free(tree.said);
	errors = open_memstream(&tree.said, &size);
	assert_int_equal(deadmx_scenario_load_case(tree_path("fam/t.yml"), "45",
						   errors, &s),
			 -EINVAL);
	assert_int_equal(
		deadmx_scenario_load(tree_path("fam/t.yml"), errors, &s),
		-EINVAL);
	tree_put("fam/t.yml", GOOD);
	assert_int_equal(deadmx_scenario_load_case(tree_path("fam/t.yml"), "x",
						   errors, &s),
			 -EINVAL);
	fclose(errors);
	tree_strip();
	assert_string_equal(tree.said,
			    "fam/t.yml: expected the name of a case, got 45; "
			    "it has: 451 450\n"
			    "fam/t.yml: expected the name of a case, got none; "
			    "it has: 451 450\n"
			    "fam/t.yml: no case x: the file has no matrix\n");
}

static char *matrix_of(int values, int names, const char *rest)
{
	char *text = malloc((size_t)(values * names * 6) + strlen(rest) + 64);
	char *p = text;

	p += sprintf(p, "matrix:\n");
	for (int i = 0; i < names; i++) {
		p += sprintf(p, "  %c: [0", 'a' + i);
		for (int j = 1; j < values; j++)
			p += sprintf(p, ", %d", j);
		p += sprintf(p, "]\n");
	}
	strcpy(p, rest);
	return text;
}

static void test_matrix_limits(void **state)
{
	const char *all =
		WORLD("rcpt: \"451 ${a}${b}${c}${d}${e}${f}${g}${h}\"");
	char *text = matrix_of(DEADMX_MATRIX_CASES_MAX, 1,
			       WORLD("rcpt: \"451 ${a}\""));

	tree_good(text, DEADMX_MATRIX_CASES_MAX);
	free(text);
	text = matrix_of(DEADMX_MATRIX_CASES_MAX + 1, 1, WORLD("rcpt: drop"));
	tree_refuse(text, "at most 500 cases");
	free(text);
	text = matrix_of(2, DEADMX_MATRIX_NAMES_MAX, all);
	tree_good(text, 256);
	free(text);
	text = matrix_of(1, DEADMX_MATRIX_NAMES_MAX + 1, all);
	tree_refuse(text, "a map of 1 to 8 names");
	free(text);
	/* No multiplication runs over. */
	text = matrix_of(1000, DEADMX_MATRIX_NAMES_MAX, all);
	tree_refuse(text, "at most 500 cases");
	free(text);
}

/* All cases together are bounded, in values and in bytes. */
static void test_matrix_sizes(void **state)
{
	const size_t size = 600 * 1000;
	char *text = malloc(size + 1024), *p = text;

	p += sprintf(p, "matrix: {a: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, "
			"13, 14, 15, 16, 17, 18, 19, 20]}\n"
			"settings: {x: \"${a}\"}\ntags:\n");
	for (int i = 0; i < 20000; i++)
		p += sprintf(p, "- x\n");
	strcpy(p, GOOD);
	tree_refuse(text, "at most 250000 values and 4194304 bytes");

	p = text + sprintf(text, "matrix: {a: [1, 2, 3, 4, 5, 6, 7, 8]}\n"
				 "settings: {x: \"${a}\"}\ntags: ");
	memset(p, 'x', size);
	strcpy(p + size, "\n" GOOD);
	tree_refuse(text, "at most 250000 values and 4194304 bytes");

	/* One value in many places. */
	p = text + sprintf(text, "matrix: {a: {x: \"");
	memset(p, 'x', 100 * 1000);
	p += 100 * 1000;
	p += sprintf(p, "\"}}\ntags: \"");
	for (int i = 0; i < 50; i++)
		p += sprintf(p, "${a}");
	strcpy(p, "\"\n" GOOD);
	tree_refuse(text, "at most 250000 values and 4194304 bytes");
	free(text);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, tree_begin, tree_end)
	const struct CMUnitTest tests[] = {
		T(test_matrix_cases),	    T(test_matrix_parts),
		T(test_matrix_slugs),	    T(test_matrix_escape),
		T(test_matrix_refused),	    T(test_matrix_errors_once),
		T(test_matrix_empty_value), T(test_matrix_load_case),
		T(test_matrix_limits),	    T(test_matrix_sizes),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
