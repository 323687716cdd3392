/* SPDX-License-Identifier: MIT */
/* The JSON Schema: made from the tables, and as the parser reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "deadmx/scenario.h"
#include "deadmx/yaml.h"
#include "harness/target_keys.h"
#include "sim/yaml_type.h"

static int teardown(void **state)
{
	free(*state);
	*state = NULL;
	return 0;
}

/* The shipped file is what the tables make. */
static void test_schema_shipped(void **state)
{
	struct deadmx_arena *arena = deadmx_arena_new();
	char *shipped;
	size_t len, shipped_len;
	FILE *f = open_memstream((char **)state, &len);

	assert_int_equal(deadmx_scenario_schema(f), 0);
	fclose(f);
	assert_int_equal(deadmx_yaml_read_file(
				 arena, TEST_DIR "/../scenarios/schema.json",
				 stderr, &shipped, &shipped_len),
			 0);
	if (len != shipped_len || memcmp(*state, shipped, len) != 0)
		fail_msg("scenarios/schema.json is old: build the target "
			 "\"schema\"");
	deadmx_arena_free(arena);
}

static bool is_taken(enum deadmx_stage stage, const char *value)
{
	struct deadmx_scenario *s = NULL;
	char text[512];
	bool taken;

	snprintf(text, sizeof(text),
		 "description: d\n"
		 "world:\n"
		 "  servers:\n"
		 "    mx.dest.example: {timeline: [{%s: %s}]}\n"
		 "    mx2.dest.example: {timeline: [{quit: drop}]}\n"
		 "mail: {from: a@src.example, to: b@dest.example}\n"
		 "expect: {ndr: yes}\n",
		 deadmx_stage_word(stage), value);
	taken = deadmx_scenario_parse("t.yml", text, strlen(text), NULL, &s) ==
		0;
	deadmx_scenario_free(s);
	return taken;
}

/* The schema knows of each action at each stage what the parser takes. */
static void test_schema_actions(void **state)
{
	for (int i = 0; i < DEADMX_STAGE_COUNT * DEADMX_ACTION_COUNT; i++) {
		enum deadmx_stage stage =
			(enum deadmx_stage)(i / DEADMX_ACTION_COUNT);
		enum deadmx_action action =
			(enum deadmx_action)(i % DEADMX_ACTION_COUNT);
		const char *word = deadmx_action_word(action);
		enum deadmx_action_form form =
			deadmx_action_form(stage, action);
		bool bare = form == DEADMX_ACTION_WORD ||
			    form == DEADMX_ACTION_WORD_TIME;
		bool timed = form == DEADMX_ACTION_TIME ||
			     form == DEADMX_ACTION_WORD_TIME;
		char with[64];

		snprintf(with, sizeof(with), "%s 1m30s", word);
		if (is_taken(stage, word) != bare)
			fail_msg("%s: %s", deadmx_stage_word(stage), word);
		if (is_taken(stage, with) != timed)
			fail_msg("%s: %s", deadmx_stage_word(stage), with);
	}
}

/* Types of tables that make no scenario are right, too. */
static void test_schema_target_types(void **state)
{
	for (const struct target_table *t = target_tables; t->name; t++)
		for (const struct deadmx_yaml_key *k = t->keys; k->word; k++) {
			json_t *schema = yaml_type_schema(k->type);

			if (!schema)
				fail_msg("%s: %s: %s", t->name, k->word,
					 k->type);
			json_decref(schema);
		}
}

static void test_schema_type_forms(void **state)
{
	static const char *const pairs[][2] = {
		{"text", "{\"$ref\": \"#/definitions/text\"}"},
		{"list ('a'|'4'|)",
		 "{\"type\": \"array\", \"items\": {\"anyOf\": [{\"enum\": "
		 "[\"a\", \"4\", 4]}, {\"$ref\": "
		 "\"#/definitions/matrix-value\"}]}}"},
		{"map list table x | empty",
		 "{\"anyOf\": [{\"type\": \"object\", \"additionalProperties\""
		 ": {\"type\": \"array\", \"items\": {\"$ref\": "
		 "\"#/definitions/table-x\"}}}, {\"$ref\": "
		 "\"#/definitions/empty\"}]}"},
		{"stage rcpt", "{\"$ref\": \"#/definitions/stage-rcpt\"}"},
	};
	json_t *schema;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		schema = yaml_type_schema(pairs[i][0]);
		*state = json_dumps(schema, 0);
		json_decref(schema);
		assert_string_equal(*state, pairs[i][1]);
		free(*state);
	}
	*state = NULL;
}

static void test_schema_type_faulty(void **state)
{
	static const char *const faulty[] = {
		"",	     "txet",	"'a",	  "list",      "list (text",
		"text text", "count 5", "table ", "text|wrod", "map (text))"};

	for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++)
		if (yaml_type_schema(faulty[i]))
			fail_msg("taken: %s", faulty[i]);
}

int main(void)
{
#define T(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		T(test_schema_shipped),	     T(test_schema_actions),
		T(test_schema_target_types), T(test_schema_type_forms),
		T(test_schema_type_faulty),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
