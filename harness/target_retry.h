/* SPDX-License-Identifier: MIT */
/*
 * When an MTA tries again, as its makers document it: `retry` in a target.
 *
 * A rule is a list of steps, one after the other; each of them says how long
 * the MTA waits after an attempt. A range is one step whose wait may be
 * anything in it. harness/judge/schedule.h holds a run against it.
 */
#ifndef HARNESS_TARGET_RETRY_H
#define HARNESS_TARGET_RETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deadmx/yaml.h"

/* Limits, tested in tests/unit/test_target_retry.c. */
enum {
	TARGET_RETRY_STEPS_MAX = 20,
	TARGET_RETRY_TIMES_MAX = 10000,
	TARGET_RETRY_BURST_MAX = 100,
	TARGET_RETRY_FACTOR_ONE = 1000, /* factors are in thousandths */
	TARGET_RETRY_FACTOR_MAX = 100 * TARGET_RETRY_FACTOR_ONE,
};

/* XX(ENUM, "word", "what a wait counts from") */
#define TARGET_RETRY_FROM_MAP(XX)                                              \
	XX(END, "end", "the end of the attempt before")                        \
	XX(START, "start", "its start")                                        \
	XX(ARRIVAL, "arrival", "the mail's arrival: all waits add up")

enum target_retry_from {
#define XX(uc, word, doc) TARGET_RETRY_FROM_##uc,
	TARGET_RETRY_FROM_MAP(XX)
#undef XX
		TARGET_RETRY_FROM_COUNT
};

/* XX(ENUM, "word", "what the age in `until` counts from") */
#define TARGET_RETRY_SINCE_MAP(XX)                                             \
	XX(ARRIVAL, "arrival", "the mail's arrival")                           \
	XX(FAILURE, "failure", "the first failure of the same kind in a row")

enum target_retry_since {
#define XX(uc, word, doc) TARGET_RETRY_SINCE_##uc,
	TARGET_RETRY_SINCE_MAP(XX)
#undef XX
		TARGET_RETRY_SINCE_COUNT
};

struct target_retry_step {
	int64_t base_ns; /* the first wait */
	/* The next one: @factor times the one before, and @add_ns more. */
	int64_t factor_min, factor_max; /* thousandths */
	bool is_age;   /* every wait is the mail's age, from @base_ns on */
	bool is_range; /* from its start at least, from its end at most */
	int64_t add_ns;
	int64_t cap_ns;	   /* no wait is longer; 0 = no limit */
	int64_t random_ns; /* up to this is added */
	int64_t tick_ns;   /* period of the queue runs; 0 = none */
	enum target_retry_from from;
	int64_t burst;	      /* attempts that belong together; 1 unless told */
	int64_t burst_gap_ns; /* between them */
	/* The step ends with what comes first; 0 = it doesn't. */
	int64_t until_ns; /* age at which it ends */
	enum target_retry_since since;
	int64_t times; /* waits */
};

struct target_retry {
	struct target_retry_step *steps; /* in the document's arena */
	size_t count;			 /* 0 = not documented */
};

extern const struct deadmx_yaml_key target_retry_keys[];

/*
 * "5m..75m", a rule, or a list of rules. Errors are collected in @doc; *ret is
 * untouched when there are any.
 */
void target_retry_read(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node,
		       struct target_retry *ret);

#endif
