/* SPDX-License-Identifier: MIT */
/*
 * What an MTA has, and what limits it: the words of `features` in a target
 * file, and what scenarios follow from them.
 *
 * A feature is said, not found out: a scenario that needs one which the target
 * lacks is unsupported before anything is run. That an MTA has no listener is
 * no feature: its file has no submit.port.
 */
#ifndef HARNESS_TARGET_FEATURES_H
#define HARNESS_TARGET_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

#include "deadmx/scenario.h"
#include "deadmx/yaml.h"

struct target;

/* XX(ENUM, "yaml word", "one line for the reference") */
#define TARGET_FEATURE_MAP(XX)                                                 \
	XX(DSN, "dsn", "takes NOTIFY, RET, ENVID and ORCPT (RFC 3461)")        \
	XX(DELIVERBY, "deliverby", "takes BY (RFC 2852)")                      \
	XX(SMTPUTF8, "smtputf8", "takes addresses in UTF-8 (RFC 6531)")        \
	XX(SMARTHOST_ONLY, "smarthost_only",                                   \
	   "asks for no MX: all mail goes to one host, {smarthost}")           \
	XX(HELO_ONLY, "helo_only", "says HELO, never EHLO")                    \
	XX(REWRITES_SENDER, "rewrites_sender",                                 \
	   "sends with another address in MAIL FROM than it was given")

enum target_feature {
#define XX(uc, word, doc) TARGET_FEATURE_##uc,
	TARGET_FEATURE_MAP(XX)
#undef XX
		TARGET_FEATURE_COUNT
};

const char *target_feature_word(enum target_feature feature);
bool target_has(const struct target *target, enum target_feature feature);

/* Handler of the key `features`; @arg is the struct target. */
void target_features_read(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg);

/*
 * Has @target the features that @scenario needs, and is that about what a
 * target without MX look-ups meets? False with one line in @why.
 */
bool target_features_support(const struct target *target,
			     const struct deadmx_scenario *scenario, char *why,
			     size_t why_len);

/*
 * The server that a smarthost_only MTA is given: the best MX of the first
 * recipient's domain, the first in the file of those that are equal. NULL
 * when no server takes mail for it.
 */
const struct deadmx_server *
target_features_smarthost(const struct deadmx_scenario *scenario);

/*
 * For a smarthost_only @target: what the smarthost says at rcpt is said of the
 * domain that it is MX for; of others, the bounce's among them, only where the
 * scenario's row has a recipient of its own.
 */
void target_features_set_smarthost(const struct target *target,
				   struct deadmx_scenario *scenario);

#endif
