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
	refuse("a: &x 1\nb: *x\n", "t.yml:1:4: anchors and aliases");
	refuse("a: &x [1]\n", "anchors and aliases");
	refuse("a: &x {b: 1}\n", "anchors and aliases");
	refuse("a: !x {b: 1}\n", "tags (!)");
	refuse("a: !x [b]\n", "tags (!)");
	refuse("a: *x\n", "anchors and aliases");
	refuse("a: !!int 1\n", "tags (!)");
	refuse("--- 1\n--- 2\n", "t.yml:2:1: a second document");
	refuse("%YAML 1.2\n---\na: 1\n", "directives");
	refuse("? [a]\n: b\n", "key of a map, expected a word");
	refuse("a: 1\nb: 2\na: 3\n", "t.yml:3:1: \"a\" is here twice, first in "
				     "line 1");
	refuse("a: b: c\n", "t.yml:1:5: not valid YAML");
	refuse("\ta: 1\n", "not with tabs");
	refuse("a: @x\n", "in quotes");
	refuse("a: [1, 2\n", "not valid YAML");
	refuse("a: \"\\0\"\n", "NUL byte");
	refuse_len("a: \0", 4, "byte 0x00");
	refuse("a: \x80\n", "t.yml:1:4: file, expected UTF-8 text");
	refuse("a: \xc0\x80\n", "expected UTF-8 text");
	refuse("a: \xed\xa0\x80\n", "expected UTF-8 text");
	refuse("a: \x1b[2J\n", "byte 0x1b");
	refuse("a: \xc3", "expected UTF-8 text");
	refuse("a: \xc2\x9b", "byte 0xc2"); /* CSI, to some terminals */
	refuse("a: \xef\xbb\xbf", "byte 0xef");
	refuse("\xff\xfe"
	       "a",
	       "UTF-16: save it as UTF-8");
	refuse_len("a\0:\0", 4, "UTF-16: save it as UTF-8");
	refuse_len("a: x\0y\n", 7,
		   "t.yml:1:5: file, expected UTF-8 text, got "
		   "byte 0x00\n");
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

/* The byte order mark of some editors is no part of the text. */
static void test_yaml_mark(void **state)
{
	const char *text = "\xEF\xBB\xBF"
			   "a: 1\na: 2\n\xEF\xBB\xBF";
	char *said = words_len(text, strlen(text) - 3);

	assert_string_equal(said,
			    "t.yml:2:1: \"a\" is here twice, first in line 1; "
			    "each key stands once in a map\n"
			    "    a: 2\n"
			    "    ^\n");
	free(said);
	refuse(text, "byte 0xef");
	refuse("\xEF\xBB\xBF", "got nothing");
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
	refuse_repeated("%", 100000, "begin with %");
}

/* Each slip that people make is told where it is, and how to mend it. */
static void test_yaml_syntax(void **state)
{
	static const char *const pairs[][2] = {
		{"a: b: c\n",
		 "1:5: not valid YAML: a second colon; a text that "
		 "holds a colon and a blank needs quotes"},
		{"a:\n  b: 451 Later: now\n", "2:15: not valid YAML: a second"},
		{"a:\n  b: 1\n c: 2\n", "3:2: not valid YAML: this line's "
					"indentation fits none above"},
		{"a:\n- x: 1\n y: 2\n", "3:2: not valid YAML: this line's ind"},
		{"a: 1\n# c\n\n  b: 2\n", "4:3: not valid YAML: this line is "
					  "indented deeper"},
		{"a:\n\tb: 1\n", "2:1: not valid YAML: a tab; indent with "
				 "blanks, not with tabs"},
		{"port:25\nx: 1\n", "1:5: not valid YAML: no key: value; write "
				    "a blank behind the colon"},
		{"x: 1\nport:25\n", "2:5: not valid YAML: no key: value"},
		{"x: 1\nport 25\n", "2:1: not valid YAML: this line is no key"},
		{"a: \"x\nb: 1\n", "1:4: not valid YAML: the quote that begins "
				   "here is never closed"},
		{"a: [1, 2\nb: 3\n", "1:4: not valid YAML: the [ that begins"},
		{"a: {x: 1\nb: 3\n", "1:4: not valid YAML: the { that begins"},
		{"a: {b: ${x}}\n", "a text with ${name} needs quotes"},
		{"a: [/x[0]/ y]\n", "with brackets, braces, commas or quotes"},
		{"a: {b:}\n",
		 "1:6: not valid YAML: between brackets this is no "
		 "key: value; write a blank"},
		{"a: [x]]\n", "1:7: not valid YAML: a closing bracket that"},
		{"\xc3\xa9: @x\n", "1:4: not valid YAML: no text begins with "
				   "\"@\"; put the text in quotes"},
		{"a: >=20\n", "or write: at least 20"},
		{"a: | x\n", "one that begins with > or | needs quotes"},
		{"- a\nb: 1\n", "2:1: not valid YAML: this line belongs to no "
				"item"},
		{"a: 1\n- b\n", "2:1: not valid YAML: an item of a list"},
		{"a: 'it's'\n", "1:8: not valid YAML: there is more behind the "
				"closing quote"},
		{"a: \"/4\\.4/\"\n",
		 "1:7: not valid YAML: no escape begins so; "
		 "write \\\\, or use single quotes"},
		{"a: - b\n", "1:4: not valid YAML: no list may begin behind"},
		{"a: 1\n%x\n",
		 "2:1: not valid YAML: a line can't begin with %"},
	};
	char words[256];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		snprintf(words, sizeof(words), "%s%s",
			 pairs[i][1][0] <= '9' ? "t.yml:" : "", pairs[i][1]);
		refuse(pairs[i][0], words);
	}
}

static void test_yaml_key_len(void **state)
{
	char text[DEADMX_YAML_KEY_LEN_MAX + 16], *said;

	memset(text, 'k', sizeof(text));
	memcpy(text + DEADMX_YAML_KEY_LEN_MAX, ": 1", 4);
	said = words_len(text, strlen(text));
	assert_string_equal(said, "");
	free(said);
	memcpy(text + DEADMX_YAML_KEY_LEN_MAX, "k: 1", 5);
	refuse(text, "at most 255 bytes, got 256");
}

/* Each file's errors are shown with its own lines, in the files' order. */
static void test_yaml_two_files(void **state)
{
	struct deadmx_arena *arena = deadmx_arena_new();
	const char *one = "a: 1\na: 2\n", *two = "x: 3\n\nx: 4\n";
	struct deadmx_yaml_node *root;
	struct deadmx_yaml doc;
	char *said = NULL;
	size_t size;
	FILE *errors = open_memstream(&said, &size);

	assert_int_equal(deadmx_yaml_parse(&doc, arena, "one.yml", one,
					   strlen(one), errors),
			 0);
	assert_int_equal(deadmx_yaml_parse_file(&doc, "two.yml", two,
						strlen(two), &root),
			 0);
	assert_int_equal(
		deadmx_yaml_parse_file(&doc, "three.yml", "", 0, &root),
		-EINVAL);
	assert_int_equal(doc.node_count, 10);
	deadmx_yaml_error(&doc, &doc.root->first->key->place, NULL, "late");
	assert_int_equal(deadmx_yaml_finish(&doc), -EINVAL);
	fclose(errors);
	assert_string_equal(
		said, "one.yml:1:1: late\n"
		      "    a: 1\n"
		      "    ^\n"
		      "one.yml:2:1: \"a\" is here twice, first in line 1; "
		      "each key stands once in a map\n"
		      "    a: 2\n"
		      "    ^\n"
		      "two.yml:3:1: \"x\" is here twice, first in line 1; "
		      "each key stands once in a map\n"
		      "    x: 4\n"
		      "    ^\n"
		      "three.yml:1:1: file, expected a map, got "
		      "nothing\n");
	free(said);
	deadmx_arena_free(arena);
}

/* Read several times: what is wrong in all cases is told once. */
static void test_yaml_cases(void **state)
{
	static const char *const cases[] = {"x", "y", "z"};
	struct deadmx_arena *arena = deadmx_arena_new();
	struct deadmx_yaml doc;
	char *said = NULL;
	size_t size;
	FILE *errors = open_memstream(&said, &size);

	assert_int_equal(
		deadmx_yaml_parse(&doc, arena, "t.yml", "a: 1", 4, errors), 0);
	for (size_t i = 0; i < 3; i++) {
		doc.case_count = i + 1;
		doc.case_name = cases[i];
		deadmx_yaml_error(&doc, &doc.root->place, NULL, "in all");
		if (i)
			deadmx_yaml_error(&doc, &doc.root->place, NULL,
					  "in two");
		if (i == 2)
			deadmx_yaml_error(&doc, &doc.root->place, NULL,
					  "in one");
	}
	assert_int_equal(deadmx_yaml_finish(&doc), -EINVAL);
	fclose(errors);
	assert_non_null(strstr(said, "t.yml:1:1: in all\n"));
	assert_non_null(strstr(
		said, "t.yml:1:1: in two (in 2 of 3 cases, first in y)\n"));
	assert_non_null(strstr(said, "t.yml:1:1: in one (in the case z)\n"));
	assert_null(strstr(strstr(said, "in all") + 1, "in all"));
	free(said);
	deadmx_arena_free(arena);
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
		cmocka_unit_test(test_yaml_mark),
		cmocka_unit_test(test_yaml_no_control),
		cmocka_unit_test(test_yaml_limits),
		cmocka_unit_test(test_yaml_syntax),
		cmocka_unit_test(test_yaml_key_len),
		cmocka_unit_test(test_yaml_two_files),
		cmocka_unit_test(test_yaml_cases),
		cmocka_unit_test(test_yaml_depth_reached),
		cmocka_unit_test(test_yaml_keys_max),
		cmocka_unit_test(test_yaml_long_line),
		cmocka_unit_test(test_yaml_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
