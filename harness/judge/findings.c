/* SPDX-License-Identifier: MIT */
#include "harness/judge/findings.h"

#include <assert.h>
#include <string.h>

const char *finding_id(enum finding_id id)
{
	/* clang-format off */
	static const char *const ids[] = {
#define XX(uc, name, doc, why) [FINDING_##uc] = name,
		FINDING_MAP(XX)
#undef XX
	};
	/* clang-format on */

	assert((unsigned)id < FINDING_COUNT);
	return ids[id];
}

const char *finding_why(const char *id)
{
	/* clang-format off */
	static const struct {
		const char *id, *why;
	} rows[] = {
#define XX(uc, name, doc, why) {name, why},
		FINDING_MAP(XX)
#undef XX
	};
	/* clang-format on */

	for (size_t i = 0; i < FINDING_COUNT; i++)
		if (strcmp(rows[i].id, id) == 0)
			return rows[i].why;
	return NULL;
}
