/* SPDX-License-Identifier: MIT */
/* Scenarios of several files: what is merged, and what is out of reach. */
#include "scenario_tree.h"

#include "deadmx/yaml.h"

#define HOUR_NS (3600 * DEADMX_NS_PER_S)

/* Maps are merged deep, the including file wins, lists are replaced. */
static void test_source_merge(void **state)
{
	const struct deadmx_scenario *s;

	tree_put("base.yml", "tags: [base, more]\n"
			     "settings: {lifetime: 1d, delay_warning: 4h}\n"
			     "world:\n"
			     "  until: 2d\n"
			     "  servers:\n"
			     "    mx1.dest.example: {port: 2525}\n"
			     "    mx2.dest.example:\n"
			     "      timeline: [{rcpt: drop}, {mail: drop}]\n"
			     "mail: {from: a@src.example, to: b@dest.example}\n"
			     "expect: {ndr: yes, attempts: 3}\n");
	tree_good("include: ../base.yml\n"
		  "description: d\n"
		  "tags: own\n"
		  "settings: {delay_warning: 5h}\n"
		  "world:\n"
		  "  servers:\n"
		  "    mx3.dest.example:\n"
		  "    mx2.dest.example: {timeline: [{dot: drop}]}\n"
		  "expect: {ndr: {action: failed}}\n",
		  1);
	s = tree.list.cases[0];
	assert_string_equal(s->name, "fam/t");
	assert_int_equal(s->tag_count, 1);
	assert_string_equal(s->tags[0], "own");
	assert_int_equal(s->setting_count, 2);
	assert_string_equal(s->settings[0].value, "1d");
	assert_string_equal(s->settings[1].value, "5h");
	assert_int_equal(s->world.until_ns, 48 * HOUR_NS);
	assert_string_equal(s->world.servers[0].name, "mx1.dest.example");
	assert_int_equal(s->world.servers[0].port, 2525);
	assert_int_equal(s->world.servers[1].fault_count, 1);
	assert_int_equal(s->world.servers[1].faults[0].stage, DEADMX_STAGE_DOT);
	assert_string_equal(s->world.servers[2].name, "mx3.dest.example");
	assert_int_equal(s->world.servers[2].preference, 30);
	assert_int_equal(s->expect.attempts.min, 3);
	assert_int_equal(s->expect.ndr_count, 1);
}

/* Places are those of the file in which a value stands. */
static void test_source_places(void **state)
{
	const struct deadmx_scenario *s;

	tree_put("fam/_base.yml", "world:\n  servers:\n    mx.dest.example:\n");
	tree_put("fam/_more.yml",
		 "include: _base.yml\n"
		 "expect:\n"
		 "  attempts: 3\n"
		 "mail: {from: a@s.example, to: b@dest.example}\n");
	tree_good("include: _more.yml\n"
		  "description: d\n"
		  "world: {servers: {mx.dest.example: {timeline: [\n"
		  "  connect: refuse]}}}\n",
		  1);
	s = tree.list.cases[0];
	assert_string_equal(s->expect.attempts_place.file,
			    tree_path("fam/_more.yml"));
	assert_int_equal(s->expect.attempts_place.line, 3);
	assert_string_equal(s->world.servers[0].faults[0].place.file,
			    tree_path("fam/t.yml"));
	assert_int_equal(s->world.servers[0].faults[0].place.line, 4);
}

/* Of several, the later wins; a file used twice is read once. */
static void test_source_list(void **state)
{
	tree_put("fam/a.yml", "description: a\nworld: {settle: 1h}\n");
	tree_put("fam/b.yml", "include: a.yml\ndescription: b\n");
	tree_good("include: [b.yml, a.yml]\n" GOOD, 1);
	assert_string_equal(tree.list.cases[0]->description, "d");
	assert_int_equal(tree.list.cases[0]->world.settle_ns, HOUR_NS);
	tree_good("include: [a.yml, b.yml]\n" GOOD, 1);
	tree_put("fam/c.yml", "include: [a.yml, b.yml]\n");
	tree_put("fam/t.yml", "include: c.yml\nworld: {servers: {mx.dest."
			      "example: {timeline: [{rcpt: drop}]}}}\n"
			      "mail: {from: a@s.example, to: b@dest.example}\n"
			      "expect: {ndr: yes}\n");
	assert_int_equal(tree_load("fam/t.yml"), 0);
	assert_string_equal(tree.list.cases[0]->description, "b");
}

/* Each mistake is shown with the line of the file that it is in. */
static void test_source_errors(void **state)
{
	tree_put("fam/base.yml", "world:\n  untl: 3d\n  servers: {}\n");
	tree_refuse("include: base.yml\n" GOOD "foo: 1\n",
		    "fam/t.yml:10:1: unknown key \"foo\"");
	assert_non_null(strstr(tree.said,
			       "\nfam/base.yml:2:3: unknown key \"untl\" in "
			       "world; did you mean \"until\"?\n"
			       "      untl: 3d\n"
			       "      ^\n"));
	tree_put("fam/base.yml", "world: [\n");
	tree_refuse("include: base.yml\n" GOOD, "fam/base.yml:2:1: not valid");
	tree_put("fam/base.yml", "- 1\n");
	tree_refuse("include: base.yml\n" GOOD,
		    "fam/base.yml:1:1: fam/base.yml, expected a map");
	tree_put("fam/base.yml", "");
	tree_refuse("include: base.yml\n" GOOD, "fam/base.yml:1:1: file, exp");
}

static void test_source_paths_refused(void **state)
{
	static const char *const pairs[][2] = {
		{"/etc/passwd", "a path is relative"},
		{"/etc/x.yml", "a path is relative"},
		{"x.txt", "only files called *.yml"},
		{"x", "only files called *.yml"},
		{"''", "expected a file such as"},
		{"", "expected a file such as"},
		{"{}", "expected a file such as"},
		{"[[]]", "expected a file such as"},
		{"none.yml", "fam/none.yml: No such file"},
		{"../../x.yml", "lies outside of what a scenario may include"},
		{"sub/../../../x.yml", "No such file"},
		{"dir.yml", "is a folder"},
		{"pipe.yml", "is not a regular file"},
		{"out.yml", "lies outside"},
		{"loop.yml", "lies outside"},
		{"zero.yml", "lies outside"},
	};
	char text[512];

	assert_int_equal(mkdir(tree_path("fam/dir.yml"), 0755), 0);
	assert_int_equal(mkfifo(tree_path("fam/pipe.yml"), 0600), 0);
	assert_int_equal(symlink("../../x.yml", tree_path("fam/out.yml")), 0);
	assert_int_equal(symlink("loop.yml", tree_path("fam/loop.yml")), 0);
	assert_int_equal(symlink("/dev/zero", tree_path("fam/zero.yml")), 0);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		snprintf(text, sizeof(text), "include: %s\n" GOOD, pairs[i][0]);
		tree_refuse(text, pairs[i][1]);
	}
	/* Nor from a file below. */
	assert_int_equal(mkdir(tree_path("fam/sub"), 0755), 0);
	tree_put("fam/sub/a.yml", "include: ../../../x.yml\n");
	tree_refuse("include: sub/a.yml\n" GOOD, "x.yml lies outside");
	tree_put("fam/sub/a.yml", "include: ../../b.yml\n");
	tree_put("b.yml", "tags: x\n");
	tree_good("include: sub/a.yml\n" GOOD, 1);
}

/* A text that is no file has no files around it. */
static void test_source_memory(void **state)
{
	const char *text = "include: base.yml\n" GOOD;
	struct deadmx_scenario *s = NULL;
	size_t size;
	FILE *errors = open_memstream(&tree.said, &size);

	assert_int_equal(deadmx_scenario_parse("fam/t.yml", text, strlen(text),
					       errors, &s),
			 -EINVAL);
	fclose(errors);
	assert_non_null(strstr(tree.said, "lies outside"));
}

static void test_source_circle(void **state)
{
	tree_refuse("include: t.yml\n" GOOD, "is included in itself");
	tree_put("fam/a.yml", "include: b.yml\n");
	tree_put("fam/b.yml", "include: [a.yml]\n");
	tree_refuse("include: a.yml\n" GOOD,
		    "fam/b.yml:1:11: fam/a.yml is included in itself");
	assert_int_equal(symlink("t.yml", tree_path("fam/l.yml")), 0);
	tree_refuse("include: l.yml\n" GOOD, "is included in itself");
}

static void chain(int files)
{
	char name[32], text[64];

	for (int i = 1; i <= files; i++) {
		snprintf(name, sizeof(name), "fam/f%d.yml", i);
		snprintf(text, sizeof(text),
			 i < files ? "include: f%d.yml\n" : "tags: t%d\n",
			 i + 1);
		tree_put(name, text);
	}
}

static void test_source_limits(void **state)
{
	char *text, *p;

	chain(DEADMX_INCLUDE_DEPTH_MAX);
	tree_good("include: f1.yml\n" GOOD, 1);
	chain(DEADMX_INCLUDE_DEPTH_MAX + 1);
	tree_refuse("include: f1.yml\n" GOOD, "at most 32 files, 8 deep");

	tree_put("fam/x.yml", "tags: x\n");
	text = p = malloc(DEADMX_INCLUDE_FILES_MAX * 10 + sizeof(GOOD) + 64);
	p += sprintf(p, "include: [x.yml");
	for (int i = 1; i < DEADMX_INCLUDE_FILES_MAX; i++)
		p += sprintf(p, ", x.yml");
	strcpy(p, "]\n" GOOD);
	tree_good(text, 1);
	strcpy(p, ", x.yml]\n" GOOD);
	tree_refuse(text, "at most 32 files, 8 deep");
	free(text);
}

/* Merged maps are bounded as those of one file are. */
static void test_source_sizes(void **state)
{
	const size_t size = DEADMX_SCENARIO_BYTES_MAX / 2 + 64;
	char *text = malloc(size), *p = text;

	p += sprintf(p, "settings:\n");
	for (int i = 0; i < DEADMX_YAML_KEYS_MAX; i++)
		p += sprintf(p, "  a%d: 1\n", i);
	tree_put("fam/a.yml", text);
	tree_good("include: a.yml\n" GOOD, 1);
	tree_refuse("include: a.yml\nsettings: {b: 1}\n" GOOD,
		    "1000 keys a map with all");

	memset(text, '#', size);
	tree_put_len("fam/a.yml", text, size);
	tree_put_len("fam/b.yml", text, size);
	tree_refuse("include: [a.yml, b.yml]\n" GOOD,
		    "at most 1048576 bytes in all that it includes");
	free(text);
}

/* Merging the same again and again counts, too. */
static void test_source_nodes(void **state)
{
	const int keys = 1000, lists = 4;
	char *text = malloc(DEADMX_SCENARIO_BYTES_MAX), *p = text;

	for (int i = 0; i < lists; i++) {
		p += sprintf(p, "k%d:\n", i);
		for (int j = 0; j < keys; j++)
			p += sprintf(p, " a%d: 1\n", j);
	}
	tree_put("fam/a.yml", text);
	strcpy(p, "k: 1\n");
	tree_put("fam/b.yml", text);
	free(text);
	tree_refuse("include: [a.yml, b.yml, a.yml, b.yml, a.yml, b.yml, a.yml,"
		    " b.yml, a.yml, b.yml, a.yml, b.yml, a.yml, b.yml, a.yml,"
		    " b.yml, a.yml, b.yml, a.yml, b.yml, a.yml, b.yml, a.yml]"
		    "\n" GOOD,
		    "at most 100000 values");
}

/* --- replies ------------------------------------------------------------- */

static const struct deadmx_fault *first_fault(void)
{
	return &tree.list.cases[0]->world.servers[0].faults[0];
}

static const char *with_reply(const char *replies, const char *value)
{
	static char text[1024];

	snprintf(text, sizeof(text),
		 "%s\n"
		 "description: d\n"
		 "world: {servers: {mx.dest.example: {timeline: [\n"
		 "  {rcpt: %s}]}}}\n"
		 "mail: {from: a@src.example, to: b@dest.example}\n"
		 "expect: {ndr: yes}\n",
		 replies, value);
	return text;
}

static void test_source_replies_inline(void **state)
{
	tree_good(
		with_reply("replies: {acme/busy: 450 4.2.1 Busy}", "acme/busy"),
		1);
	assert_string_equal(first_fault()->reply, "450 4.2.1 Busy");
	assert_string_equal(first_fault()->reply_name, "acme/busy");
	tree_good(with_reply("replies: {acme/busy: {reply: 450 Busy, source: "
			     "seen}}",
			     "{reply: acme/busy, close: yes}"),
		  1);
	assert_true(first_fault()->close);
	/* The shipped ones are there as well. */
	tree_good(with_reply("replies: {acme/busy: 450 Busy}",
			     "exchange/server-busy"),
		  1);
}

/* An entry of FILE.yml is called FILE/NAME, as in the catalogue. */
static void test_source_replies_file(void **state)
{
	tree_put("fam/_acme.yml", "busy: 450 4.2.1 Busy\n"
				  "include: {reply: 451 4.2.1 Included}\n");
	tree_good(with_reply("replies: _acme.yml", "acme/busy"), 1);
	assert_string_equal(first_fault()->reply, "450 4.2.1 Busy");
	tree_put("more.yml", "x: 450 X\n");
	tree_good(
		with_reply("replies: [../more.yml, _acme.yml]", "acme/include"),
		1);
	assert_string_equal(first_fault()->reply, "451 4.2.1 Included");
}

static void test_source_replies_refused(void **state)
{
	static const char *const rows[][3] = {
		{"replies: {acme/busy: 450 Busy}", "acme/bsy",
		 "did you mean \"acme/busy\"?"},
		{"replies: {busy: 450 Busy}", "drop", "a name with a slash"},
		{"replies: {451/busy: 450 Busy}", "drop", "name with a slash"},
		{"replies: {'a/b c': 450 Busy}", "drop", "name with a slash"},
		{"replies: {exchange/server-busy: 450 B}", "drop",
		 "in the catalogue already"},
		{"replies: {a/b: 999 Busy}", "a/b", "from 200 to 599"},
		{"replies: {a/b: {repl: 450 B}}", "a/b", "unknown key"},
		{"replies: {a/b: {source: x}}", "a/b", "\"reply\" is missing"},
		{"replies: none.yml", "drop", "fam/none.yml: No such file"},
		{"replies: /etc/passwd", "drop", "a path is relative"},
		{"replies: ../../x.yml", "drop", "lies outside"},
		{"replies: [[a]]", "drop", "expected a file such as"},
	};

	assert_int_equal(mkdir(tree_path("fam/sub"), 0755), 0);
	tree_put("fam/_twice.yml", "a: 450 A\n");
	tree_put("fam/sub/_twice.yml", "a: 450 A\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tree_refuse(with_reply(rows[i][0], rows[i][1]), rows[i][2]);
	tree_refuse(with_reply("replies: [_twice.yml, sub/_twice.yml]", "drop"),
		    "the reply twice/a is here twice");
	/* A fault in a file of replies is shown there. */
	tree_put("fam/_bad.yml", "ok: 450 A\nbad: 999 B\n");
	tree_refuse(with_reply("replies: _bad.yml", "bad/ok"),
		    "fam/_bad.yml:2:6: reply, expected a code");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, tree_begin, tree_end)
	const struct CMUnitTest tests[] = {
		T(test_source_merge),
		T(test_source_places),
		T(test_source_list),
		T(test_source_errors),
		T(test_source_paths_refused),
		T(test_source_memory),
		T(test_source_circle),
		T(test_source_limits),
		T(test_source_sizes),
		T(test_source_nodes),
		T(test_source_replies_inline),
		T(test_source_replies_file),
		T(test_source_replies_refused),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
