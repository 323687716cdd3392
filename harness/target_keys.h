/* SPDX-License-Identifier: MIT */
/* The key tables of target files, for the reference page and its test. */
#ifndef HARNESS_TARGET_KEYS_H
#define HARNESS_TARGET_KEYS_H

#include "deadmx/yaml.h"

struct target_table {
	const char *name;
	const struct deadmx_yaml_key *keys;
};

extern const struct target_table target_tables[]; /* ends in NULL */

#endif
