/* SPDX-License-Identifier: MIT */
/* Scenario files from paths and folders: see scenario_files.h. */
#include "harness/scenario_files.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int add(struct scenario_files *files, const char *path, FILE *errors)
{
	char **grown;

	if (files->count == SCENARIO_FILES_MAX) {
		fprintf(errors, "%s: expected at most %d scenarios, got more\n",
			path, SCENARIO_FILES_MAX);
		return -E2BIG;
	}
	grown = realloc(files->paths, (files->count + 1) * sizeof(*grown));
	if (!grown)
		abort();
	files->paths = grown;
	grown[files->count] = strdup(path);
	if (!grown[files->count++])
		abort();
	return 0;
}

/* With an underscore it is there to be included, and no scenario itself. */
static bool is_scenario(const FTSENT *entry)
{
	struct stat st;
	size_t len = entry->fts_namelen;

	if (entry->fts_name[0] == '_' || len < 5 ||
	    strcmp(entry->fts_name + len - 4, ".yml") != 0)
		return false;
	if (entry->fts_info == FTS_F)
		return true;
	/* A link to a file counts; links to folders could go in circles. */
	return entry->fts_info == FTS_SL &&
	       stat(entry->fts_accpath, &st) == 0 && S_ISREG(st.st_mode);
}

/*
 * The folder of a run, among scenarios when deadmx-out lies there. What it
 * holds are copies, and a target.
 */
static bool is_run_folder(const FTSENT *entry)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/events.ndjson",
			 entry->fts_accpath);

	return entry->fts_info == FTS_D && entry->fts_level > FTS_ROOTLEVEL &&
	       n > 0 && (size_t)n < sizeof(path) && access(path, F_OK) == 0;
}

static int compare(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* What is in there is included by others. */
static bool is_base_folder(const FTSENT *entry)
{
	return entry->fts_info == FTS_D && entry->fts_level > 0 &&
	       entry->fts_name[0] == '_';
}

static int folder_walk(struct scenario_files *files, char *path, FILE *errors)
{
	char *const roots[] = {path, NULL};
	size_t before = files->count;
	FTSENT *entry;
	FTS *fts;
	int r = 0;

	fts = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR,
		       compare);
	if (!fts) {
		r = -errno;
		fprintf(errors, "%s: %s\n", path, strerror(-r));
		return r;
	}
	while (r == 0 && (entry = fts_read(fts))) {
		if (entry->fts_info == FTS_DNR) {
			fprintf(errors, "%s: %s\n", entry->fts_path,
				strerror(entry->fts_errno));
			r = -entry->fts_errno;
		} else if (is_base_folder(entry) || is_run_folder(entry)) {
			fts_set(fts, entry, FTS_SKIP);
		} else if (is_scenario(entry)) {
			r = add(files, entry->fts_path, errors);
		}
	}
	fts_close(fts);
	if (r == 0 && files->count == before) {
		fprintf(errors, "%s: no scenario (*.yml) in this folder\n",
			path);
		r = -ENOENT;
	}
	return r;
}

int scenario_files_find(char **paths, size_t count, FILE *errors,
			struct scenario_files *ret)
{
	struct stat st;
	int r, first = 0;

	*ret = (struct scenario_files){0};
	for (size_t i = 0; i < count; i++) {
		if (stat(paths[i], &st) < 0) {
			r = -errno;
			fprintf(errors, "%s: %s\n", paths[i], strerror(-r));
		} else if (S_ISDIR(st.st_mode)) {
			r = folder_walk(ret, paths[i], errors);
		} else {
			r = add(ret, paths[i], errors);
		}
		if (r < 0 && first == 0)
			first = r;
		if (r == -E2BIG)
			break;
	}
	return first;
}

void scenario_files_release(struct scenario_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->paths[i]);
	free(files->paths);
	*files = (struct scenario_files){0};
}
