/* SPDX-License-Identifier: MIT */
/*
 * Where target files are looked for: the folders of $DEADMX_TARGETS, the
 * source tree, the installed data folder. The first that has one wins.
 */
#include "harness/target.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deadmx/yaml.h"

enum {
	FOLDERS_MAX = 16, /* of $DEADMX_TARGETS; more are not looked at */
	NAMES_MAX = 500,  /* targets in all folders; more are not listed */
};

struct folders {
	struct deadmx_arena *arena;
	const char *path[FOLDERS_MAX + 2];
	size_t count;
};

static void folders_init(struct folders *f, struct deadmx_arena *arena)
{
	const char *list = getenv("DEADMX_TARGETS");
	size_t len;

	f->arena = arena;
	f->count = 0;
	for (; list && *list && f->count < FOLDERS_MAX; list += len) {
		list += strspn(list, ":");
		len = strcspn(list, ":");
		if (len)
			f->path[f->count++] =
				deadmx_arena_copy(arena, list, len);
	}
	f->path[f->count++] = DEADMX_SOURCE_DIR "/harness/targets";
	f->path[f->count++] = DEADMX_DATA_DIR "/targets";
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void folder_list(const struct folders *f, const char *path, char **names,
			size_t *count)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t len, i;

	if (!dir)
		return;
	while ((entry = readdir(dir)) && *count < NAMES_MAX) {
		len = strlen(entry->d_name);
		if (len < 5 || strcmp(entry->d_name + len - 4, ".yml") != 0)
			continue;
		entry->d_name[len - 4] = '\0';
		for (i = 0; i < *count; i++)
			if (strcmp(names[i], entry->d_name) == 0)
				break;
		if (i == *count)
			names[(*count)++] = deadmx_arena_copy(
				f->arena, entry->d_name, len - 4);
	}
	closedir(dir);
}

void target_known(struct deadmx_arena *arena, char ***ret, size_t *ret_count)
{
	char **names = deadmx_arena_array(arena, NAMES_MAX, sizeof(*names));
	struct folders f;
	size_t count = 0;

	folders_init(&f, arena);
	for (size_t i = 0; i < f.count; i++)
		folder_list(&f, f.path[i], names, &count);
	qsort(names, count, sizeof(*names), name_compare);
	*ret = names;
	*ret_count = count;
}

static void tell_unknown(struct deadmx_arena *arena, const char *name,
			 FILE *errors)
{
	const char *nearest;
	char **names;
	size_t count;

	if (!errors)
		return;
	target_known(arena, &names, &count);
	nearest = deadmx_yaml_nearest(name, (const char *const *)names, count);
	fprintf(errors, "no target \"%.80s\"; ", name);
	if (nearest)
		fprintf(errors, "did you mean \"%s\"? ", nearest);
	fputs("known are:", errors);
	for (size_t i = 0; i < count; i++)
		fprintf(errors, " %s", names[i]);
	fputs(count ? "\n" : " none\n", errors);
}

static bool is_path(const char *name)
{
	size_t len = strlen(name);

	return strchr(name, '/') ||
	       (len > 4 && strcmp(name + len - 4, ".yml") == 0);
}

int target_find(const char *name, FILE *errors, char **ret_path)
{
	struct deadmx_arena *arena;
	const char *found = NULL;
	struct folders f;

	if (is_path(name)) {
		if (access(name, R_OK) == 0) {
			*ret_path = strdup(name);
			return *ret_path ? 0 : -ENOMEM;
		}
		if (errors)
			fprintf(errors, "%s: %s\n", name, strerror(errno));
		return -ENOENT;
	}
	arena = deadmx_arena_new();
	folders_init(&f, arena);
	for (size_t i = 0; i < f.count && !found; i++) {
		found = deadmx_arena_printf(arena, "%s/%s.yml", f.path[i],
					    name);
		if (!*name || access(found, R_OK) != 0)
			found = NULL;
	}
	if (found)
		*ret_path = strdup(found);
	else
		tell_unknown(arena, name, errors);
	deadmx_arena_free(arena);
	if (!found)
		return -ENOENT;
	return *ret_path ? 0 : -ENOMEM;
}
