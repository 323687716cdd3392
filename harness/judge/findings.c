/* SPDX-License-Identifier: MIT */
#include "harness/judge/findings.h"

#include <assert.h>

const char *finding_id(enum finding_id id)
{
	/* clang-format off */
	static const char *const ids[] = {
#define XX(uc, name, doc) [FINDING_##uc] = name,
		FINDING_MAP(XX)
#undef XX
	};
	/* clang-format on */

	assert((unsigned)id < FINDING_COUNT);
	return ids[id];
}
