/* SPDX-License-Identifier: MIT */
/*
 * Where an MTA comes from: the host, a tree of the user's own, or the cache of
 * what was fetched.
 */
#ifndef HARNESS_TARGET_FETCH_H
#define HARNESS_TARGET_FETCH_H

#include <stdio.h>

#include "harness/target.h"

/*
 * XX(ENUM, "word in the list of targets", "one line for the reference")
 */
#define TARGET_PLACE_MAP(XX)                                                   \
	XX(INCLUDED, "included", "it comes with deadmx")                       \
	XX(ELSEWHERE, "elsewhere", "deadmx doesn't run it: --at tells where")  \
	XX(INSTALLED, "installed", "it is on this machine")                    \
	XX(FETCHED, "fetched", "it is in the cache")                           \
	XX(TO_FETCH, "to fetch", "it is fetched when first used")              \
	XX(MISSING, "not here", "its file names no package to fetch")

enum target_place {
#define XX(uc, word, doc) TARGET_PLACE_##uc,
	TARGET_PLACE_MAP(XX)
#undef XX
		TARGET_PLACE_COUNT
};

const char *target_place_word(enum target_place place);

/*
 * Without a look at the network. *@ret_version, malloc'd: what is in the
 * cache, "3.7.11-0+deb12u1"; NULL when that isn't known.
 */
enum target_place target_place(const struct target *target, char **ret_version);

/* Laid over the sandbox's root, in this order; malloc'd or NULL. */
struct target_layers {
	char *packages, *npm;
};

/*
 * Fetch what @target needs and isn't there: on the host, or below @root (a
 * tree of the user's own; NULL: none). 0, or a negative errno with one line on
 * @errors: -ENOENT nothing to fetch is named, else as fetch_packages().
 */
int target_fetch(const struct target *target, const char *root, FILE *errors,
		 struct target_layers *ret);
void target_layers_release(struct target_layers *layers);

#endif
