/* SPDX-License-Identifier: MIT */
/* Who is who in the sandbox: passwd, group, and ranges of subordinate ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/sandbox/sandbox_etc.h"
#include "harness/sandbox/sandbox_userns.h"

static const struct sandbox_user users[] = {
	{"postfix", "postfix", "/var/spool/postfix", 890, 890},
	{"vmail", "postfix", NULL, 892, 890},
};

/* An older entry of that name goes; one of that number comes later. */
static void test_sandbox_etc_passwd_replaces_names(void **state)
{
	char *text = sandbox_etc_passwd("root:x:0:0:root:/root:/bin/sh\n"
					"postfix:x:101:102::/old:/bin/sh\n"
					"\n"
					"postfixx:x:890:5::/:/bin/sh",
					users, 2);

	assert_non_null(text);
	assert_string_equal(
		text,
		"postfix:x:890:890::/var/spool/postfix:/usr/sbin/nologin\n"
		"vmail:x:892:890::/nonexistent:/usr/sbin/nologin\n"
		"root:x:0:0:root:/root:/bin/sh\n"
		"postfixx:x:890:5::/:/bin/sh\n");
	free(text);
}

static void test_sandbox_etc_group_names_each_once(void **state)
{
	char *text = sandbox_etc_group("postfix:x:102:\nmail:x:8:\n", users, 2);

	assert_non_null(text);
	assert_string_equal(text, "postfix:x:890:\nmail:x:8:\n");
	free(text);
}

static int check_host(size_t len, char fill)
{
	struct sandbox_fault fault = {0};
	char name[512] = "";
	const struct sandbox_options o = {.hostname = name};

	memset(name, fill, len);
	return sandbox_etc_check(&o, &fault);
}

static void test_sandbox_etc_hostname_limit(void **state)
{
	assert_int_equal(check_host(SANDBOX_ETC_HOSTNAME_MAX, 'a'), 0);
	assert_int_equal(check_host(SANDBOX_ETC_HOSTNAME_MAX + 1, 'a'),
			 -EINVAL);
	assert_int_equal(check_host(0, 'a'), -EINVAL);
	assert_int_equal(check_host(3, '\n'), -EINVAL);
}

static int check_user(size_t len, char fill)
{
	struct sandbox_fault fault = {0};
	char name[512] = "";
	const struct sandbox_user user = {name, "group", NULL, 1, 1};
	const struct sandbox_options o = {
		.hostname = "h", .users = &user, .user_count = 1};

	memset(name, fill, len);
	return sandbox_etc_check(&o, &fault);
}

static void test_sandbox_etc_user_limit(void **state)
{
	assert_int_equal(check_user(SANDBOX_ETC_WORD_MAX, 'a'), 0);
	assert_int_equal(check_user(SANDBOX_ETC_WORD_MAX + 1, 'a'), -EINVAL);
	assert_int_equal(check_user(3, ':'), -EINVAL);
	assert_int_equal(check_user(0, 'a'), -EINVAL);
}

static int find(const char *text, struct sandbox_userns_range *range)
{
	FILE *file = fmemopen((void *)text, strlen(text), "r");
	int r;

	assert_non_null(file);
	r = sandbox_userns_find_range(file, "joe", 1000, range);
	fclose(file);
	return r;
}

static void test_sandbox_userns_range_by_name_or_number(void **state)
{
	struct sandbox_userns_range range = {0, 0};

	assert_int_equal(
		find("ann:1:70000\njoe:100000:10\n1000:5000:65536\n", &range),
		0);
	assert_int_equal(range.first, 5000);
	assert_int_equal(range.count, 65536);
}

static void test_sandbox_userns_no_range(void **state)
{
	struct sandbox_userns_range range = {7, 7};

	assert_int_equal(
		find("ann:1:70000\njoe\njoe:x:5\njoe:5:\njoe:9:0\n", &range),
		-ENOENT);
	assert_int_equal(range.first, 7); /* untouched */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sandbox_etc_passwd_replaces_names),
		cmocka_unit_test(test_sandbox_etc_group_names_each_once),
		cmocka_unit_test(test_sandbox_etc_hostname_limit),
		cmocka_unit_test(test_sandbox_etc_user_limit),
		cmocka_unit_test(test_sandbox_userns_range_by_name_or_number),
		cmocka_unit_test(test_sandbox_userns_no_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
