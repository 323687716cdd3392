/* SPDX-License-Identifier: MIT */
#include "harness/cmd_targets.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/target.h"

static int cmd_targets_is_yaml(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && !strcmp(dot, ".yml");
}

/* Where its program is; one without a binary of its own comes with deadmx. */
static const char *cmd_targets_place(const struct target *t)
{
	if (!t->binary && !t->package_count && !t->npm_count)
		return "included";
	if (t->binary && !access(t->binary, X_OK))
		return "installed";
	return t->package_count || t->npm_count ? "fetched" : "not here";
}

static int cmd_targets_list(const char *dir)
{
	struct dirent **entry;
	int n = scandir(dir, &entry, cmd_targets_is_yaml, alphasort);
	int status = 0;

	for (int i = 0; i < n; i++) {
		struct target *t = NULL;
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", dir, entry[i]->d_name);
		free(entry[i]);
		if (target_load(path, stderr, &t)) {
			status = 2;
			continue;
		}
		printf("%-12s %-10s %s\n", t->name, cmd_targets_place(t),
		       t->description ? t->description : "");
		target_free(t);
	}
	if (n >= 0)
		free(entry);
	return n < 0 ? -1 : status;
}

int cmd_targets(int argc, char **argv)
{
	const char *user = getenv("DEADMX_TARGETS");
	int status;

	if (argc > 1) {
		bool help = !strcmp(argv[1], "--help");

		fputs("Usage: deadmx targets\n\nList the MTAs that deadmx "
		      "knows: included, installed on this machine,\nfetched "
		      "when first used, or not here. Your own files:\n"
		      "$DEADMX_TARGETS.\n",
		      help ? stdout : stderr);
		return help ? 0 : 2;
	}
	if (user && cmd_targets_list(user) > 0)
		return 2;
	status = cmd_targets_list(DEADMX_SOURCE_DIR "/harness/targets");
	if (status < 0)
		status = cmd_targets_list(DEADMX_DATA_DIR "/targets");
	return status < 0 ? 4 : status;
}
