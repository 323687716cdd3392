/* SPDX-License-Identifier: MIT */
/*
 * The NDRs a scenario expects: that they come, when, and what they say. The
 * half of harness/judge/expect.h that knows codes.
 */
#ifndef HARNESS_JUDGE_EXPECT_NDR_H
#define HARNESS_JUDGE_EXPECT_NDR_H

#include "harness/judge/attempts.h"
#include "harness/target.h"

void expect_ndrs(const struct attempts *a, const struct target *target,
		 struct verdict *v);

/* Was the mail for @p refused for good by the last attempt up to @until, or
 * could it have gone on? */
bool expect_is_refused(const struct attempts *a, const struct attempts_party *p,
		       int64_t until);

/* Did @try for @p end in such a way that the mail had to be tried again? */
bool expect_is_temporary(const struct attempts_try *try,
			 const struct attempts_party *p);

/*
 * "451-4.4.0 text" → "4.4.0" in @buf of 12 bytes; false: the reply has none.
 */
bool expect_enhanced(const char *reply, char *buf);

#endif
