/* SPDX-License-Identifier: MIT */
/*
 * The words of what DNS does: the table of scenario.h made into functions.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "deadmx/scenario.h"

/* clang-format off */
static const char *const action_words[] = {
#define XX(uc, word, doc) [DEADMX_DNS_ACTION_##uc] = word,
	DEADMX_DNS_ACTION_MAP(XX)
#undef XX
};
/* clang-format on */

const char *deadmx_dns_action_word(enum deadmx_dns_action action)
{
	assert((unsigned)action < DEADMX_DNS_ACTION_COUNT);
	return action_words[action];
}

int deadmx_dns_action_parse(const char *word, enum deadmx_dns_action *ret)
{
	for (int i = 0; i < DEADMX_DNS_ACTION_COUNT; i++)
		if (strcmp(action_words[i], word) == 0) {
			*ret = (enum deadmx_dns_action)i;
			return 0;
		}
	return -EINVAL;
}

bool deadmx_name_row_is_fault(const struct deadmx_name_row *row)
{
	return row->action != DEADMX_DNS_ACTION_ACCEPT || row->delay_ns > 0;
}
