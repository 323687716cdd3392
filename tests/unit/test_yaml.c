/* SPDX-License-Identifier: MIT */
/* The YAML layer: what it refuses before any reader sees it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "deadmx/yaml.h"

/* Parse and finish; the words are malloc'd. */
static char *words_len(const char *text, size_t len)
{
	struct deadmx_arena *arena = deadmx_arena_new();
	struct deadmx_yaml doc;
	char *said = NULL, *exact = malloc(len + !len);
	size_t size;
	FILE *errors = open_memstream(&said, &size);

	/* No NUL behind: a read past the end shows under ASan. */
	memcpy(exact, text, len);
	if (deadmx_yaml_parse(&doc, arena, "t.yml", exact, len, errors) == 0)
		deadmx_yaml_finish(&doc);
	fclose(errors);
	free(exact);
	deadmx_arena_free(arena);
	return said;
}

static void refuse_len(const char *text, size_t len, const char *words)
{
	char *said = words_len(text, len);

	if (!strstr(said, words))
		fail_msg("expected \"%s\", got: %s", words, said);
	free(said);
}

static void refuse(const char *text, const char *words)
{
	refuse_len(text, strlen(text), words);
}

static void refuse_repeated(const char *part, size_t bytes, const char *words)
{
	char *text = malloc(bytes + 1);
	size_t len = strlen(part);

	for (size_t i = 0; i < bytes; i++)
		text[i] = part[i % len];
	refuse_len(text, bytes, words);
	free(text);
}

static void test_yaml_tree(void **state)
{
	const char *text = "a: 1\n"
			   "b: ['x', \"y\", z]\n"
			   "c:\n"
			   "d: |\n"
			   "  one\n"
			   "  two\n";
	struct deadmx_arena *arena = deadmx_arena_new();
	const struct deadmx_yaml_node *node;
	struct deadmx_yaml doc;

	assert_int_equal(deadmx_yaml_parse(&doc, arena, "t.yml", text,
					   strlen(text), stderr),
			 0);
	assert_int_equal(doc.root->kind, DEADMX_YAML_MAP);
	assert_int_equal(doc.root->count, 4);
	node = deadmx_yaml_get(doc.root, "a");
	assert_true(deadmx_yaml_is(node, "1"));
	assert_int_equal(node->place.line, 1);
	assert_int_equal(node->place.column, 4);
	node = deadmx_yaml_get(doc.root, "b");
	assert_int_equal(node->kind, DEADMX_YAML_LIST);
	assert_int_equal(node->count, 3);
	assert_false(node->first->plain);
	assert_true(node->first->next->next->plain);
	assert_int_equal(node->first->next->place.column, 10);
	node = deadmx_yaml_get(doc.root, "c");
	assert_true(deadmx_yaml_is_empty(node));
	assert_int_equal(node->place.line, 3);
	assert_true(
		deadmx_yaml_is(deadmx_yaml_get(doc.root, "d"), "one\ntwo\n"));
	assert_null(deadmx_yaml_get(doc.root, "e"));
	deadmx_arena_free(arena);
}

static void test_yaml_refused(void **state)
{
	refuse("", "t.yml:1:1: file, expected a map, got nothing");
	refuse("# only a comment\n", "got nothing");
	refuse("a: &x 1\nb: *x\n", "t.yml:1:7: anchors and aliases");
	refuse("a: *x\n", "anchors and aliases");
	refuse("a: !!int 1\n", "tags (!)");
	refuse("--- 1\n--- 2\n", "t.yml:2:1: a second document");
	refuse("%YAML 1.2\n---\na: 1\n", "directives");
	refuse("? [a]\n: b\n", "key of a map, expected a word");
	refuse("a: 1\nb: 2\na: 3\n", "t.yml:3:1: \"a\" is here twice, first in "
				     "line 1");
	refuse("a: b: c\n", "t.yml:1:5: not valid YAML");
	refuse("\ta: 1\n", "not with tabs");
	refuse("a: @x\n", "needs quotes");
	refuse("a: [1, 2\n", "not valid YAML");
	refuse("a: \"\\0\"\n", "NUL byte");
	refuse_len("a: \0", 4, "byte 0x00");
	refuse("a: \x80\n", "t.yml:1:4: file, expected UTF-8 text");
	refuse("a: \xc0\x80\n", "expected UTF-8 text");
	refuse("a: \xed\xa0\x80\n", "expected UTF-8 text");
	refuse("a: \x1b[2J\n", "byte 0x1b");
	refuse("a: \xc3", "expected UTF-8 text");
}

/* A reader sees the first of two, and a tree that is whole. */
static void test_yaml_key_twice(void **state)
{
	const char *text = "a: 1\na: {b: [2]}\nc: 3\n";
	struct deadmx_arena *arena = deadmx_arena_new();
	struct deadmx_yaml doc;

	assert_int_equal(deadmx_yaml_parse(&doc, arena, "t.yml", text,
					   strlen(text), NULL),
			 0);
	assert_int_equal(doc.root->count, 2);
	assert_true(deadmx_yaml_is(deadmx_yaml_get(doc.root, "a"), "1"));
	assert_true(deadmx_yaml_is(deadmx_yaml_get(doc.root, "c"), "3"));
	assert_int_equal(deadmx_yaml_finish(&doc), -EINVAL);
	deadmx_arena_free(arena);
}

/* Terminals are safe from what a file holds, also by an escape. */
static void test_yaml_no_control(void **state)
{
	const char *text = "\"\\e[2J\": 1\n\"\\e[2J\": 2\n";
	char *said = words_len(text, strlen(text));

	assert_non_null(strstr(said, "is here twice"));
	assert_null(strchr(said, '\x1b'));
	free(said);
}

static void test_yaml_limits(void **state)
{
	refuse_repeated("x", DEADMX_SCENARIO_BYTES_MAX + 1, "at most 1048576");
	refuse_repeated("[", 4000, "at most 32 levels");
	refuse_repeated("{a: ", 4000, "at most 32 levels");
	refuse_repeated("- ", 4000, "at most 32 levels");
	refuse_repeated("- 1\n", 4 * (DEADMX_YAML_NODES_MAX + 1),
			"at most 100000 values");
	refuse_repeated("%", 100000, "directives");
}

static void test_yaml_depth_reached(void **state)
{
	char text[2 * DEADMX_SCENARIO_DEPTH_MAX + 3] = "";
	char *said;

	memset(text, '[', DEADMX_SCENARIO_DEPTH_MAX);
	memset(text + DEADMX_SCENARIO_DEPTH_MAX, ']',
	       DEADMX_SCENARIO_DEPTH_MAX);
	said = words_len(text, strlen(text));
	assert_string_equal(said, "");
	free(said);
}

static void test_yaml_keys_max(void **state)
{
	char *text = NULL, *said;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (int i = 0; i < DEADMX_YAML_KEYS_MAX; i++)
		fprintf(f, "k%d: 1\n", i);
	fflush(f);
	said = words_len(text, size);
	assert_string_equal(said, "");
	free(said);
	fputs("more: 1\n", f);
	fclose(f);
	refuse_len(text, size, "at most 1000 keys");
	free(text);
}

/* A line of any length shows its faulty part above the caret. */
static void test_yaml_long_line(void **state)
{
	char text[4096] = "a: \"", *said, *shown, *caret;

	memset(text + 4, 'x', 3000);
	strcat(text, "\" Y\n");
	said = words_len(text, strlen(text));
	shown = strstr(said, "\n    ");
	assert_non_null(shown);
	caret = strchr(said, '^');
	assert_non_null(caret);
	assert_true(strlen(shown) < 2 * DEADMX_YAML_SHOWN_MAX + 20);
	free(said);
}

static void test_yaml_nearest(void **state)
{
	static const char *const words[] = {"connect", "banner", "rcpt", "dot"};

	assert_string_equal(deadmx_yaml_nearest("conect", words, 4), "connect");
	assert_string_equal(deadmx_yaml_nearest("rctp", words, 4), "rcpt");
	assert_string_equal(deadmx_yaml_nearest("baner", words, 4), "banner");
	assert_null(deadmx_yaml_nearest("elephant", words, 4));
	assert_null(deadmx_yaml_nearest("", words, 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_yaml_tree),
		cmocka_unit_test(test_yaml_refused),
		cmocka_unit_test(test_yaml_key_twice),
		cmocka_unit_test(test_yaml_no_control),
		cmocka_unit_test(test_yaml_limits),
		cmocka_unit_test(test_yaml_depth_reached),
		cmocka_unit_test(test_yaml_keys_max),
		cmocka_unit_test(test_yaml_long_line),
		cmocka_unit_test(test_yaml_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
