/* SPDX-License-Identifier: MIT */
#include "harness/run_targets.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Run folders are called like them. */
static int targets_check_name(const struct run_targets *targets,
			      const struct run_target *one, FILE *errors)
{
	for (size_t i = 0; i < targets->count; i++) {
		const struct run_target *other = &targets->list[i];

		if (strcmp(other->target->name, one->target->name) != 0)
			continue;
		fprintf(errors,
			"deadmx: two targets are called %s: %s and %s\n",
			one->target->name, other->file, one->file);
		return -EEXIST;
	}
	return 0;
}

static int targets_add_one(struct run_targets *targets, const char *name,
			   FILE *errors)
{
	struct run_target *t = &targets->list[targets->count];
	int err;

	if (targets->count == RUN_TARGETS_MAX) {
		fprintf(errors, "deadmx run: more than %d targets\n",
			RUN_TARGETS_MAX);
		return -E2BIG;
	}
	err = target_find(name, errors, &t->file);
	if (!err)
		err = target_load(t->file, errors, &t->target);
	if (!err)
		err = targets_check_name(targets, t, errors);
	if (err) {
		target_free(t->target);
		free(t->file);
		*t = (struct run_target){0};
		return err;
	}
	targets->count++;
	return 0;
}

static bool targets_has(const struct run_targets *targets, const char *name)
{
	for (size_t i = 0; i < targets->count; i++)
		if (!strcmp(targets->list[i].target->name, name))
			return true;
	return false;
}

static void targets_drop_last(struct run_targets *targets)
{
	struct run_target *t = &targets->list[--targets->count];

	target_free(t->target);
	free(t->file);
	*t = (struct run_target){0};
}

static int targets_add_all(struct run_targets *targets, FILE *errors)
{
	struct deadmx_arena *arena = deadmx_arena_new();
	char **names;
	size_t count;
	int err = 0;

	target_known(arena, &names, &count);
	for (size_t i = 0; i < count && !err; i++) {
		if (targets_has(targets, names[i]))
			continue;
		err = targets_add_one(targets, names[i], errors);
		if (err)
			break;
		/* Someone has to say where that one is. */
		if (targets->list[targets->count - 1].target->is_remote)
			targets_drop_last(targets);
		else
			targets->list[targets->count - 1].may_miss = true;
	}
	if (!err && !targets->count) {
		fputs("deadmx run: --target all: no target files found\n",
		      errors);
		err = -ENOENT;
	}
	deadmx_arena_free(arena);
	return err;
}

int run_targets_add(struct run_targets *targets, const char *name, FILE *errors)
{
	targets->has_one = strcmp(name, RUN_TARGETS_ALL) != 0;
	return targets->has_one ? targets_add_one(targets, name, errors)
				: targets_add_all(targets, errors);
}

int run_targets_set_root(struct run_targets *targets, const char *dir,
			 FILE *errors)
{
	struct run_target *t;
	struct stat st;

	if (!targets->has_one) {
		fputs("deadmx run: --target-root: expected the --target of one "
		      "MTA before it\n",
		      errors);
		return -EINVAL;
	}
	t = &targets->list[targets->count - 1];
	free(t->root);
	t->root = realpath(dir, NULL);
	if (!t->root || stat(t->root, &st) || !S_ISDIR(st.st_mode)) {
		fprintf(errors, "deadmx run: --target-root %s: %s\n", dir,
			t->root ? "expected a folder" : strerror(errno));
		return -ENOENT;
	}
	return 0;
}

/* Packages of an MTA that is not installed come from the cache. */
static int targets_fetch_one(struct run_target *t, FILE *errors)
{
	char *text = NULL;
	size_t len;
	FILE *why = open_memstream(&text, &len);
	int err;

	assert(why);
	err = target_fetch(t->target, t->root, why, &t->layers);
	fclose(why);
	fputs(text, errors);
	if (err && t->may_miss) {
		text[strcspn(text, "\n")] = '\0';
		t->missing = text;
		return 0;
	}
	free(text);
	return err;
}

int run_targets_fetch(struct run_targets *targets, FILE *errors)
{
	for (size_t i = 0; i < targets->count; i++) {
		int err = targets_fetch_one(&targets->list[i], errors);

		if (err)
			return err;
	}
	return 0;
}

void run_targets_release(struct run_targets *targets)
{
	for (size_t i = 0; i < targets->count; i++) {
		struct run_target *t = &targets->list[i];

		target_free(t->target);
		free(t->file);
		target_layers_release(&t->layers);
		free(t->root);
		free(t->missing);
	}
	*targets = (struct run_targets){0};
}
