/* SPDX-License-Identifier: MIT */
/* deadmx targets: which MTAs there are, their files checked, and fetched. */
#include "harness/cmd_targets.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "harness/target.h"
#include "harness/target_fetch.h"

enum {
	STATUS_OK = 0,
	STATUS_USAGE = 2,
	STATUS_MACHINE = 3,
	STATUS_HARNESS = 4,
};

static const char help[] =
	"Usage: deadmx targets\n"
	"       deadmx targets --check NAME|FILE...\n"
	"       deadmx targets fetch [NAME|FILE...]\n"
	"\n"
	"List the MTAs that deadmx knows: included, installed on this\n"
	"machine, fetched (with the version that is in the cache), to fetch,\n"
	"which happens when they are first used, or not here. Your own files:\n"
	"the folders of $DEADMX_TARGETS.\n"
	"\n"
	"  --check  read target files and tell every mistake as\n"
	"           file:line:column with a hint; nothing is run\n"
	"  fetch    fetch those named, or all, so that runs need no network;\n"
	"           nothing is installed\n"
	"  --help   this text\n"
	"\n"
	"Exit status: 0 done, 2 mistakes or wrong usage, 3 something could\n"
	"not be fetched.\n"
	"Target files are described in docs/targets.md.\n";

/* --- the list ------------------------------------------------------------ */

static void target_print(const struct target *t)
{
	char *version = NULL, place[64];
	enum target_place p = target_place(t, &version);

	snprintf(place, sizeof(place), "%s%s%.40s", target_place_word(p),
		 version ? " " : "", version ? version : "");
	printf("%-12s %-26s %s\n", t->name, place,
	       t->description ? t->description : "");
	free(version);
}

/* 0, or STATUS_USAGE: its mistakes are told. */
static int target_open(const char *name, struct target **ret)
{
	char *path = NULL;
	int r = target_find(name, stderr, &path);

	if (!r)
		r = target_load(path, stderr, ret);
	free(path);
	return r ? STATUS_USAGE : STATUS_OK;
}

static int list_print(void)
{
	struct deadmx_arena *arena = deadmx_arena_new();
	int status = STATUS_OK;
	char **names;
	size_t count;

	target_known(arena, &names, &count);
	for (size_t i = 0; i < count; i++) {
		struct target *t = NULL;

		if (target_open(names[i], &t)) {
			status = STATUS_USAGE;
			continue;
		}
		target_print(t);
		target_free(t);
	}
	if (!count) {
		fputs("deadmx targets: no target files found\n", stderr);
		status = STATUS_HARNESS;
	}
	deadmx_arena_free(arena);
	return status;
}

/* --- checking ------------------------------------------------------------ */

static bool user_exists(const struct target *t, const char *name)
{
	for (size_t i = 0; i < t->user_count; i++)
		if (!strcmp(t->users[i].name, name))
			return true;
	return getpwnam(name) != NULL;
}

static bool group_exists(const struct target *t, const char *name)
{
	for (size_t i = 0; i < t->user_count; i++)
		if (!strcmp(t->users[i].group, name))
			return true;
	return getgrnam(name) != NULL;
}

/* Owners that neither the file nor this machine has: a run would end there. */
static bool owners_check(const struct target *t)
{
	bool ok = true;

	for (size_t i = 0; i < t->file_count; i++) {
		const struct target_file *file = &t->files[i];
		char *user = strdup(file->owner);
		char *group = user ? strchr(user, ':') : NULL;

		if (group)
			*group++ = '\0';
		if (group &&
		    (!user_exists(t, user) || !group_exists(t, group))) {
			fprintf(stderr,
				"%s:%d:%d: owner, expected a user and a group "
				"of \"users\" or of this machine, got "
				"\"%s\"\n",
				file->place.file, file->place.line,
				file->place.column, file->owner);
			ok = false;
		}
		free(user);
	}
	return ok;
}

static int files_check(char **names, size_t count)
{
	size_t faulty = 0;

	if (!count) {
		fputs("deadmx targets: --check: which file?\n", stderr);
		return STATUS_USAGE;
	}
	for (size_t i = 0; i < count; i++) {
		struct target *t = NULL;

		if (target_open(names[i], &t) || !owners_check(t))
			faulty++;
		target_free(t);
	}
	if (faulty)
		fprintf(stderr, "%zu of %zu files faulty\n", faulty, count);
	else
		printf("%zu target%s: no mistakes\n", count,
		       count == 1 ? "" : "s");
	return faulty ? STATUS_USAGE : STATUS_OK;
}

/* --- fetching ------------------------------------------------------------ */

static int fetch_one(const struct target *t)
{
	struct target_layers layers = {0};
	char *version = NULL;
	enum target_place place = target_place(t, &version);
	int r;

	free(version);
	version = NULL;
	if (place == TARGET_PLACE_INCLUDED || place == TARGET_PLACE_INSTALLED) {
		printf("%-12s %s\n", t->name, target_place_word(place));
		return 0;
	}
	printf("%-12s ", t->name);
	fflush(stdout);
	r = target_fetch(t, NULL, stderr, &layers);
	target_layers_release(&layers);
	if (r) {
		puts("not fetched");
		return r;
	}
	target_place(t, &version);
	printf("%s %s\n",
	       place == TARGET_PLACE_FETCHED ? "was there:" : "fetched:",
	       version ? version : "");
	free(version);
	return 0;
}

static int targets_fetch(char **names, size_t count)
{
	struct deadmx_arena *arena = deadmx_arena_new();
	int status = STATUS_OK;

	if (!count)
		target_known(arena, &names, &count);
	for (size_t i = 0; i < count; i++) {
		struct target *t = NULL;

		if (target_open(names[i], &t))
			status = STATUS_USAGE;
		else if (fetch_one(t) && !status)
			status = STATUS_MACHINE;
		target_free(t);
	}
	deadmx_arena_free(arena);
	return status;
}

/* --- the command --------------------------------------------------------- */

int cmd_targets(int argc, char **argv)
{
	static const struct option options[] = {
		{"check", no_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{0}};
	bool check = false;
	int c;

	optind = 0; /* getopt begins anew: main has used it */
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			check = true;
			break;
		case 'h':
			fputs(help, stdout);
			return STATUS_OK;
		default:
			fputs("Try \"deadmx targets --help\".\n", stderr);
			return STATUS_USAGE;
		}
	}
	if (check)
		return files_check(argv + optind, (size_t)(argc - optind));
	if (optind == argc)
		return list_print();
	if (!strcmp(argv[optind], "fetch"))
		return targets_fetch(argv + optind + 1,
				     (size_t)(argc - optind - 1));
	fprintf(stderr,
		"deadmx targets: expected fetch or nothing, got %s; try "
		"\"deadmx targets --help\"\n",
		argv[optind]);
	return STATUS_USAGE;
}
