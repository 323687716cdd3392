/* SPDX-License-Identifier: MIT */
/*
 * Expectations about several servers of one domain: in which order a round
 * goes through them (RFC 5321 5.1), and mail that arrives more than once.
 */
#ifndef HARNESS_JUDGE_EXPECT_FAILOVER_H
#define HARNESS_JUDGE_EXPECT_FAILOVER_H

#include "harness/judge/attempts.h"

void expect_failover(const struct attempts *a, struct verdict *v);
void expect_duplicates(const struct attempts *a, struct verdict *v);

#endif
