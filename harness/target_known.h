/* SPDX-License-Identifier: MIT */
/*
 * Faults of an MTA that its target file names: the list `known`.
 *
 * What is known stays a finding, as grave as the RFC has it. The verdict only
 * says that nothing new was found.
 */
#ifndef HARNESS_TARGET_KNOWN_H
#define HARNESS_TARGET_KNOWN_H

#include <stddef.h>

#include "deadmx/scenario.h"
#include "deadmx/yaml.h"

/* Tested in tests/unit/test_known.c. */
enum {
	TARGET_KNOWN_MAX = 200, /* of one target: each is compared with each
				 * finding */
};

struct target_known {
	struct deadmx_place place;
	char **findings; /* their ids */
	size_t finding_count;
	char *scenario; /* a list as for --filter; NULL = all */
	char *observed; /* stands in what was observed; NULL = whatever */
	char *reason;	/* whose fault or choice it is */
	char *source;	/* where that is told */
};

extern const struct deadmx_yaml_key target_known_keys[];

/* Handler of the key `known`; @arg is the struct target. */
void target_known_read(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg);

#endif
