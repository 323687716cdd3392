/* SPDX-License-Identifier: MIT */
/* Scenarios stored in a run folder: the same again, whatever they came from. */
#include "scenario_tree.h"

#include "deadmx/yaml.h"
#include "harness/scenario_files.h"

static struct deadmx_scenario *again;

static int end(void **state)
{
	deadmx_scenario_free(again);
	again = NULL;
	return tree_end(state);
}

static void store(size_t index)
{
	deadmx_scenario_free(again);
	again = NULL;
	mkdir(tree_path("run"), 0755);
	assert_int_equal(deadmx_scenario_store(tree.list.cases[index],
					       tree_path("run"), stderr),
			 0);
	assert_int_equal(deadmx_scenario_load_stored(
				 tree_path("run"), tree.list.cases[index]->file,
				 stderr, &again),
			 0);
}

static char *stored(const char *name)
{
	static char text[8192];
	FILE *f = fopen(tree_path(name), "r");
	size_t len;

	assert_non_null(f);
	len = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[len] = '\0';
	return text;
}

/* One file stays as it is, comments and all. */
static void test_store_plain(void **state)
{
	tree_good("# why\n" GOOD, 1);
	store(0);
	assert_string_equal(stored("run/scenario.yml"), "# why\n" GOOD);
	assert_string_equal(again->file, tree_path("fam/t.yml"));
	assert_string_equal(again->name, "fam/t");
	assert_int_not_equal(
		access(tree_path("run/scenario.places.json"), F_OK), 0);
}

static const char several[] =
	"include: _base.yml\n"
	"replies: _acme.yml\n"
	"matrix: {stage: [mail, rcpt]}\n"
	"description: at ${stage}\n"
	"world: {servers: {mx.dest.example: {timeline: [\n"
	"  {\"${stage}\": acme/busy, from: 1h}]}}}\n"
	"expect:\n"
	"  attempts: 3\n";

static void several_load(void)
{
	tree_put("fam/_base.yml", "mail:\n"
				  "  from: a@src.example\n"
				  "  to: b@dest.example\n"
				  "expect:\n"
				  "  delivered: none\n");
	tree_put("fam/_acme.yml", "busy: 450 4.2.1 Busy\n");
	tree_good(several, 2);
}

/* Several files and a matrix become one file that needs no other. */
static void test_store_flat(void **state)
{
	several_load();
	store(1);
	assert_string_equal(stored("run/scenario.yml"),
			    "mail:\n"
			    "  from: a@src.example\n"
			    "  to: b@dest.example\n"
			    "expect:\n"
			    "  delivered: none\n"
			    "  attempts: 3\n"
			    "replies:\n"
			    "  acme/busy: 450 4.2.1 Busy\n"
			    "description: at rcpt\n"
			    "world:\n"
			    "  servers:\n"
			    "    mx.dest.example:\n"
			    "      timeline:\n"
			    "        - \"rcpt\": acme/busy\n"
			    "          from: 1h\n");
	assert_string_equal(again->world.servers[0].faults[0].reply,
			    "450 4.2.1 Busy");
}

static void place_same(const struct deadmx_place *a,
		       const struct deadmx_place *b)
{
	assert_string_equal(a->file, b->file);
	assert_int_equal(a->line, b->line);
	assert_int_equal(a->column, b->column);
}

/* Its places are those of the files it came from. */
static void test_store_places(void **state)
{
	const struct deadmx_scenario *s;

	several_load();
	store(0);
	s = tree.list.cases[0];
	place_same(&again->expect.attempts_place, &s->expect.attempts_place);
	place_same(&again->expect.delivered_place, &s->expect.delivered_place);
	place_same(&again->world.servers[0].faults[0].place,
		   &s->world.servers[0].faults[0].place);
	assert_string_equal(again->expect.delivered_place.file,
			    tree_path("fam/_base.yml"));
	assert_int_equal(again->expect.delivered_place.line, 5);
}

/* What a text may hold comes back as it was. */
static void test_store_texts(void **state)
{
	static const char *const bodies[] = {
		"'it''s: \"#\" \\ here'",
		"\"\\e[1m\\ttab\\nline \\x7f\\n\\n  end \"",
		"' blank '",
		"\"$${x} ${v}\"",
		"|\n    one\n\n     two: 3\n    # four\n",
		"'null'",
		"'~'",
		"\"\"",
		"'- not a list'",
		"\"é\\u0085\\u2028\\u2029\\ufeff\\x9b\\uffff\\r\\U0001F600\"",
		"451",
		"yes",
	};
	char text[1024];

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		snprintf(text, sizeof(text),
			 "matrix: {v: [w]}\n"
			 "description: ${v}\n"
			 "mail:\n"
			 "  to: b@dest.example\n"
			 "  from: ''\n"
			 "  body: %s\n"
			 "world: {servers: {mx.dest.example: {timeline: "
			 "[{rcpt: drop}]}, mx2.dest.example: , "
			 "mx3.dest.example: ~, mx4.dest.example: {}}}\n"
			 "tags: []\n"
			 "expect: {ndr: yes}\n",
			 bodies[i]);
		tree_good(text, 1);
		store(0);
		assert_string_equal(again->mails[0].body,
				    tree.list.cases[0]->mails[0].body);
		assert_int_equal(again->world.server_count, 4);
		assert_string_equal(again->description, "w");
	}
}

static void same(const char *a, const char *b)
{
	assert_int_equal(!a, !b);
	if (a)
		assert_string_equal(a, b);
}

static void server_same(const struct deadmx_server *a,
			const struct deadmx_server *b)
{
	same(a->name, b->name);
	same(a->address, b->address);
	assert_int_equal(a->fault_count, b->fault_count);
	for (size_t i = 0; i < a->fault_count; i++) {
		const struct deadmx_fault *x = &a->faults[i],
					  *y = &b->faults[i];

		place_same(&x->place, &y->place);
		assert_int_equal(x->stage, y->stage);
		assert_int_equal(x->action, y->action);
		assert_int_equal(x->window.from_ns, y->window.from_ns);
		assert_int_equal(x->window.until_ns, y->window.until_ns);
		same(x->reply, y->reply);
	}
}

static void scenario_same(const struct deadmx_scenario *a,
			  const struct deadmx_scenario *b)
{
	same(a->description, b->description);
	assert_int_equal(a->tag_count, b->tag_count);
	assert_int_equal(a->world.until_ns, b->world.until_ns);
	assert_int_equal(a->world.server_count, b->world.server_count);
	for (size_t i = 0; i < a->world.server_count; i++)
		server_same(&a->world.servers[i], &b->world.servers[i]);
	assert_int_equal(a->world.name_count, b->world.name_count);
	for (size_t i = 0; i < a->world.name_count; i++)
		place_same(&a->world.names[i].place, &b->world.names[i].place);
	assert_int_equal(a->mail_count, b->mail_count);
	for (size_t i = 0; i < a->mail_count; i++) {
		place_same(&a->mails[i].place, &b->mails[i].place);
		same(a->mails[i].body, b->mails[i].body);
		same(a->mails[i].notify, b->mails[i].notify);
	}
	place_same(&a->expect.place, &b->expect.place);
	assert_int_equal(a->expect.ndr_count, b->expect.ndr_count);
	for (size_t i = 0; i < a->expect.ndr_count; i++) {
		same(a->expect.ndrs[i].text.text, b->expect.ndrs[i].text.text);
		same(a->expect.ndrs[i].diagnostic.text,
		     b->expect.ndrs[i].diagnostic.text);
	}
}

/* Each shipped scenario, included by a file that says no more. */
static void test_store_shipped(void **state)
{
	char *paths[] = {TEST_DIR "/../scenarios"};
	struct deadmx_arena *arena = deadmx_arena_new();
	struct scenario_files files;

	assert_int_equal(scenario_files_find(paths, 1, stderr, &files), 0);
	for (size_t i = 0; i < files.count; i++) {
		size_t len;
		char *text;

		assert_int_equal(deadmx_yaml_read_file(arena, files.paths[i],
						       stderr, &text, &len),
				 0);
		tree_put_len("fam/x.yml", text, len);
		tree_put("fam/t.yml", "include: x.yml\n");
		if (tree_load("fam/t.yml") < 0)
			fail_msg("%s: %s", files.paths[i], tree.said);
		for (size_t j = 0; j < tree.list.count; j++) {
			store(j);
			scenario_same(tree.list.cases[j], again);
		}
	}
	scenario_files_release(&files);
	deadmx_arena_free(arena);
}

/* A later run of a plain file leaves no old places. */
static void test_store_again(void **state)
{
	several_load();
	store(0);
	tree_good(GOOD, 1);
	store(0);
	assert_int_equal(again->expect.place.line, 8);
}

/* Places of another file, or faulty ones, are refused. */
static void test_store_places_faulty(void **state)
{
	static const char *const faulty[] = {
		"",
		"{}",
		"[]",
		"{\"files\":[\"x\"],\"places\":[0,1,1]}",
		"{\"files\":[],\"places\":[]}",
		"{\"files\":[1],\"places\":[]}",
		"{\"files\":[\"x\"],\"places\":[1,1,1,1,1,1,1,1,1]}",
		"{\"files\":[\"x\"],\"places\":[0,0,1,0,0,1,0,0,1]}",
		"{\"files\":[\"x\"],\"places\":[0,1,\"a\"]}",
	};

	tree_good(GOOD, 1);
	store(0);
	for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
		size_t size;
		FILE *errors;

		free(tree.said);
		deadmx_scenario_free(again);
		again = NULL;
		errors = open_memstream(&tree.said, &size);
		tree_put("run/scenario.places.json", faulty[i]);
		assert_int_equal(deadmx_scenario_load_stored(tree_path("run"),
							     NULL, errors,
							     &again),
				 -EINVAL);
		fclose(errors);
		assert_non_null(strstr(tree.said, "scenario.places.json: does "
						  "not fit scenario.yml"));
	}
}

/* A folder that can't be written is told. */
static void test_store_fails(void **state)
{
	size_t size;
	FILE *errors;

	tree_good(GOOD, 1);
	free(tree.said);
	errors = open_memstream(&tree.said, &size);
	assert_int_equal(deadmx_scenario_store(tree.list.cases[0],
					       tree_path("none"), errors),
			 -ENOENT);
	fclose(errors);
	assert_non_null(strstr(tree.said, "none/scenario.yml: No such file"));
}

/* What would be too large to be read again is refused at once. */
static void test_store_too_large(void **state)
{
	const size_t size = DEADMX_SCENARIO_BYTES_MAX / 2;
	char *text = malloc(size + 512), *p = text;

	p += sprintf(p, "matrix: {v: [w]}\n"
			"description: ${v}\n"
			"mail: {to: b@dest.example, from: '', body: '");
	memset(p, '\\', size);
	strcpy(p + size, "'}\n"
			 "world: {servers: {mx.dest.example: {timeline: "
			 "[{rcpt: drop}]}}}\n"
			 "expect: {ndr: yes}\n");
	tree_refuse(text, "when it is written in one file");
	free(text);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, tree_begin, end)
	const struct CMUnitTest tests[] = {
		T(test_store_plain),	     T(test_store_flat),
		T(test_store_places),	     T(test_store_texts),
		T(test_store_shipped),	     T(test_store_again),
		T(test_store_places_faulty), T(test_store_fails),
		T(test_store_too_large),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
