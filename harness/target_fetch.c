/* SPDX-License-Identifier: MIT */
#include "harness/target_fetch.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/fetch.h"
#include "harness/fetch_npm.h"
#include "harness/fetch_store.h"

/* clang-format off */
const char *target_place_word(enum target_place place)
{
	static const char *const words[] = {
#define XX(uc, word, doc) [TARGET_PLACE_##uc] = word,
		TARGET_PLACE_MAP(XX)
#undef XX
	};

	assert((unsigned)place < TARGET_PLACE_COUNT);
	return words[place];
}
/* clang-format on */

/* Is its program on the host, or below @root? */
static bool is_here(const struct target *t, const char *root)
{
	char own[PATH_MAX];

	if (!t->binary)
		return false;
	if (root &&
	    snprintf(own, sizeof(own), "%s%s", root, t->binary) <
		    (int)sizeof(own) &&
	    !access(own, X_OK))
		return true;
	return !access(t->binary, X_OK);
}

/* "3.3.4" of Haraka@3.3.4. */
static char *npm_version(const struct target *t)
{
	const char *at = strrchr(t->npm[0], '@');

	return at ? strdup(at + 1) : NULL;
}

enum target_place target_place(const struct target *target, char **ret_version)
{
	char prefix[2 * FETCH_NPM_NAME_MAX], *name;

	*ret_version = NULL;
	if (target->is_remote)
		return TARGET_PLACE_ELSEWHERE;
	if (!target->binary && !target->package_count && !target->npm_count)
		return TARGET_PLACE_INCLUDED;
	if (is_here(target, NULL))
		return TARGET_PLACE_INSTALLED;
	if (!target->package_count && !target->npm_count)
		return TARGET_PLACE_MISSING;
	if (target->package_count)
		snprintf(prefix, sizeof(prefix), "%.*s_", FETCH_NAME_MAX,
			 target->packages[0]);
	else
		snprintf(prefix, sizeof(prefix), "npm+%.*s", FETCH_NPM_NAME_MAX,
			 target->npm[0]);
	name = fetch_store_find(prefix);
	if (!name)
		return TARGET_PLACE_TO_FETCH;
	/* NAME_VERSION_ARCH */
	*ret_version = target->package_count
			       ? strndup(name + strlen(prefix),
					 strcspn(name + strlen(prefix), "_"))
			       : npm_version(target);
	free(name);
	return TARGET_PLACE_FETCHED;
}

int target_fetch(const struct target *target, const char *root, FILE *errors,
		 struct target_layers *ret)
{
	struct target_layers layers = {0};
	int r = 0;

	if (is_here(target, root))
		return 0;
	if (target->binary && !target->package_count && !target->npm_count) {
		fprintf(errors,
			"%s is not there (%s), and its target file names no "
			"package to fetch\n",
			target->name, target->binary);
		return -ENOENT;
	}
	if (target->package_count)
		r = fetch_packages(target->packages, target->package_count,
				   errors, &layers.packages);
	if (!r && target->npm_count)
		r = fetch_npm(target->npm, target->npm_count, errors,
			      &layers.npm);
	if (r)
		target_layers_release(&layers);
	else
		*ret = layers;
	return r;
}

void target_layers_release(struct target_layers *layers)
{
	free(layers->packages);
	free(layers->npm);
	*layers = (struct target_layers){0};
}
