/* SPDX-License-Identifier: MIT */
/*
 * Scenario files in a temporary folder, TOP/fam/ being that of the scenario:
 * for the tests of files that include others or stand for many cases.
 */
#ifndef TESTS_UNIT_SCENARIO_TREE_H
#define TESTS_UNIT_SCENARIO_TREE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deadmx/scenario.h"

#define GOOD                                                                   \
	"description: d\n"                                                     \
	"world:\n"                                                             \
	"  servers:\n"                                                         \
	"    mx.dest.example:\n"                                               \
	"      timeline:\n"                                                    \
	"        - rcpt: 451 4.7.1 Later\n"                                    \
	"mail: {from: a@src.example, to: b@dest.example}\n"                    \
	"expect: {ndr: yes}\n"

static struct tree {
	char top[64];
	char *said; /* by the last load, the top's path left out */
	struct deadmx_scenario_list list;
} tree;

static inline int tree_begin(void **state)
{
	char path[96];

	strcpy(tree.top, "/tmp/deadmx-tree-XXXXXX");
	assert_non_null(mkdtemp(tree.top));
	snprintf(path, sizeof(path), "%s/fam", tree.top);
	return mkdir(path, 0755);
}

static inline int tree_remove(const char *path, const struct stat *st, int type,
			      struct FTW *ftw)
{
	return remove(path);
}

static inline int tree_end(void **state)
{
	free(tree.said);
	tree.said = NULL;
	deadmx_scenario_list_release(&tree.list);
	return nftw(tree.top, tree_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static inline char *tree_path(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", tree.top, name);
	return path;
}

static inline void tree_put_len(const char *name, const char *text, size_t len)
{
	FILE *f = fopen(tree_path(name), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
}

static inline void tree_put(const char *name, const char *text)
{
	tree_put_len(name, text, strlen(text));
}

/* What was said, without the folder's changing name. */
static inline void tree_strip(void)
{
	char *p = tree.said;
	size_t len = strlen(tree.top) + 1;

	while ((p = strstr(p, tree.top)))
		memmove(p, p + len, strlen(p + len) + 1);
}

static inline int tree_load(const char *name)
{
	size_t size;
	FILE *errors;
	int r;

	free(tree.said);
	deadmx_scenario_list_release(&tree.list);
	errors = open_memstream(&tree.said, &size);
	r = deadmx_scenario_load_all(tree_path(name), errors, &tree.list);
	fclose(errors);
	tree_strip();
	assert_int_equal(r < 0, tree.said[0] != '\0');
	return r;
}

/* fam/t.yml with @text is taken, as @count cases. */
static inline void tree_good(const char *text, size_t count)
{
	tree_put("fam/t.yml", text);
	if (tree_load("fam/t.yml") < 0)
		fail_msg("%s", tree.said);
	assert_int_equal(tree.list.count, count);
}

/* fam/t.yml with @text is refused in words that hold @words. */
static inline void tree_refuse(const char *text, const char *words)
{
	tree_put("fam/t.yml", text);
	if (tree_load("fam/t.yml") == 0)
		fail_msg("taken: %s", text);
	if (!strstr(tree.said, words))
		fail_msg("expected \"%s\", got: %s", words, tree.said);
}

#endif
