/* SPDX-License-Identifier: MIT */
/* A log that is written, cut in odd places, replaced, and never there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/inner_log.h"

struct fixture {
	uv_loop_t loop;
	char folder[40], path[64];
	struct inner_log *log;
	char *told; /* the lines, a '|' behind each */
	size_t count, longest;
};

static void on_line(void *arg, const char *line, size_t len)
{
	struct fixture *f = arg;
	size_t old = strlen(f->told);

	f->told = realloc(f->told, old + len + 2);
	memcpy(f->told + old, line, len);
	strcpy(f->told + old + len, "|");
	f->count++;
	if (len > f->longest)
		f->longest = len;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->folder, "/tmp/deadmx-log-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/mainlog", f->folder);
	f->told = calloc(1, 1);
	uv_loop_init(&f->loop);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	inner_log_free(f->log);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	uv_loop_close(&f->loop);
	unlink(f->path);
	rmdir(f->folder);
	free(f->told);
	free(f);
	return 0;
}

static void follow(struct fixture *f)
{
	assert_int_equal(inner_log_new(&f->loop, f->path, on_line, f, &f->log),
			 0);
}

static void put(struct fixture *f, const char *text)
{
	FILE *file = fopen(f->path, "ae");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	uv_run(&f->loop, UV_RUN_NOWAIT);
}

static void test_inner_log_lines(void **state)
{
	struct fixture *f = *state;

	follow(f);
	put(f, "one\ntw");
	assert_string_equal(f->told, "one|");
	put(f, "o\n\nthr");
	assert_string_equal(f->told, "one|two||");
	inner_log_drain(f->log);
	assert_string_equal(f->told, "one|two||thr|");
}

/* What is there before anybody looks is told as well. */
static void test_inner_log_there_before(void **state)
{
	struct fixture *f = *state;

	put(f, "old\n");
	follow(f);
	assert_string_equal(f->told, "old|");
}

/* Moved away by who rotates logs, and begun anew. */
static void test_inner_log_replaced(void **state)
{
	struct fixture *f = *state;
	char old[80];

	snprintf(old, sizeof(old), "%s.1", f->path);
	put(f, "a\nb");
	follow(f);
	assert_int_equal(rename(f->path, old), 0);
	put(f, "c\n");
	assert_string_equal(f->told, "a|b|c|");
	unlink(old);
}

static void test_inner_log_long_line(void **state)
{
	struct fixture *f = *state;
	char text[INNER_LOG_LINE_MAX + 12];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 2] = '\n';
	text[sizeof(text) - 1] = '\0';
	follow(f);
	put(f, text);
	assert_int_equal(f->count, 2);
	assert_int_equal(f->longest, INNER_LOG_LINE_MAX);
	assert_int_equal(strlen(f->told), sizeof(text) - 2 + 2);
}

static void test_inner_log_no_folder(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(inner_log_new(&f->loop, "/nonexistent/a/log", on_line,
				       f, &f->log),
			 -ENOENT);
	assert_null(f->log);
	assert_int_equal(inner_log_new(&f->loop, "log", on_line, f, &f->log),
			 -EINVAL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_inner_log_lines),     T(test_inner_log_there_before),
		T(test_inner_log_replaced),  T(test_inner_log_long_line),
		T(test_inner_log_no_folder),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
