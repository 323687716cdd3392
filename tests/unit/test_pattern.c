/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "deadmx/scenario.h"
#include "deadmx/pattern.h"

/* The first match of @regex in @text is @expected; NULL: there is none. */
static void finds(const char *regex, unsigned int flags, const char *text,
		  const char *expected)
{
	struct deadmx_pattern *p;
	size_t start = 0, end = 0;
	bool found;

	assert_int_equal(deadmx_pattern_new(regex, flags, NULL, &p), 0);
	found = deadmx_pattern_find(p, text, &start, &end);
	assert_int_equal(deadmx_pattern_matches(p, text), found);
	deadmx_pattern_free(p);
	assert_int_equal(found, expected != NULL);
	assert_int_equal(deadmx_pattern_is_in(regex, flags, text), found);
	if (!expected)
		return;
	assert_int_equal(end - start, strlen(expected));
	assert_memory_equal(text + start, expected, end - start);
}

static void test_pattern_posix(void **state)
{
	(void)state;
	finds("^4\\.4\\.[17]$", 0, "4.4.7", "4.4.7");
	finds("^4\\.4\\.[17]$", 0, "4.4.7\n", NULL);
	finds("a.b", 0, "a\nb", "a\nb");
	finds("[[:digit:]]{2,3}", 0, "x1234", "123");
	finds("[]x]+", 0, "a]x]", "]x]");
	finds("^$", 0, "", "");
	finds("nothing", 0, "", NULL);
	finds("\xc3\xa9", 0, "caf\xc3\xa9", "\xc3\xa9");
	finds("\xff", 0, "not UTF-8: \xff", "\xff");
	finds("[(?]+", 0, "a(?)", "(?");
	finds("\\(\\?", 0, "(?", "(?");
	finds("\\\\1", 0, "\\1", "\\1");
	finds("[[:alpha:](?]+", 0, "1(a?", "(a?");
}

static void test_pattern_flags(void **state)
{
	(void)state;
	finds("BOB@", DEADMX_PATTERN_ANY_CASE, "bob@a.example", "bob@");
	finds("BOB@", 0, "bob@a.example", NULL);
	finds("^count 0$", DEADMX_PATTERN_LINES, "queue\ncount 0\n", "count 0");
	finds("^count 0$", 0, "queue\ncount 0\n", NULL);
	finds("queue.count", DEADMX_PATTERN_LINES, "queue\ncount 0\n", NULL);
}

static void refuses(const char *regex, int expected_rc, const char *expected)
{
	char why[DEADMX_PATTERN_WHY_MAX] = "";
	struct deadmx_pattern *p = NULL;

	assert_int_equal(deadmx_pattern_new(regex, 0, why, &p), expected_rc);
	assert_null(p);
	assert_non_null(strstr(why, expected));
	assert_false(deadmx_pattern_is_in(regex, 0, regex));
}

static void test_pattern_refuses(void **state)
{
	(void)state;
	refuses("(a", -EINVAL, "parenthes");
	refuses("[a", -EINVAL, "]");
	refuses("*a", -EINVAL, "quantifier");
	refuses("a{9,2}", -EINVAL, "out of order");
	/* What PCRE2 has over POSIX. */
	refuses("(a)\\1", -EINVAL, "\\1 has no meaning");
	refuses("(?=a)", -EINVAL, "behind (");
	refuses("[a]](?R)", -EINVAL, "behind (");
	refuses("(*LIMIT_MATCH=1)a", -EINVAL, "behind (");
	refuses("((((a{1,99}){99}){99}){99}){99}", -E2BIG, "too large");
}

/* Short ones that others take minutes or gigabytes for. */
static void test_pattern_bombs(void **state)
{
	char nested[DEADMX_REGEX_LEN_MAX + 1] = "", text[5001];
	char *p = nested;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 100; i++)
		p = stpcpy(p, "(");
	p = stpcpy(p, "a");
	for (int i = 0; i < 100; i++)
		p = stpcpy(p, "|)+");
	finds(nested, 0, "aaa", "aaa");
	/* Three such take glibc's regcomp() a millisecond, ten more than 10 s.
	 */
	p = nested;
	for (int i = 0; i < 40; i++)
		p = stpcpy(p, "($|^|)*");
	finds(nested, 0, "aaa", "");
	finds("(a*)*(a*)*(a*)*(a*)*(a*)*b", 0, text, NULL);

	/* What is searched for too long is not found, though it is there. */
	finds("((a|a)*(a|a)*(a|a)*)*[cd]|aaa$", 0, text, NULL);
	finds("(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)[xy]", 0, text, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pattern_posix),
		cmocka_unit_test(test_pattern_flags),
		cmocka_unit_test(test_pattern_refuses),
		cmocka_unit_test(test_pattern_bombs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
