/* SPDX-License-Identifier: MIT */
/*
 * The words of stages and actions: the tables of scenario.h made into
 * functions. Parser, world and judge all name them through here.
 */
#include "deadmx/scenario.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* clang-format off */
static const char *const stage_words[] = {
#define XX(uc, word, doc) [DEADMX_STAGE_##uc] = word,
	DEADMX_STAGE_MAP(XX)
#undef XX
};

static const char *const action_words[] = {
#define XX(uc, word, doc) [DEADMX_ACTION_##uc] = word,
	DEADMX_ACTION_MAP(XX)
#undef XX
};
/* clang-format on */

static int word_find(const char *const *words, int count, const char *word)
{
	for (int i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return -EINVAL;
}

const char *deadmx_stage_word(enum deadmx_stage stage)
{
	assert((unsigned)stage < DEADMX_STAGE_COUNT);
	return stage_words[stage];
}

const char *deadmx_action_word(enum deadmx_action action)
{
	assert((unsigned)action < DEADMX_ACTION_COUNT);
	return action_words[action];
}

int deadmx_stage_parse(const char *word, enum deadmx_stage *ret)
{
	int i = word_find(stage_words, DEADMX_STAGE_COUNT, word);

	if (i < 0)
		return i;
	*ret = (enum deadmx_stage)i;
	return 0;
}

int deadmx_action_parse(const char *word, enum deadmx_action *ret)
{
	int i = word_find(action_words, DEADMX_ACTION_COUNT, word);

	if (i < 0)
		return i;
	*ret = (enum deadmx_action)i;
	return 0;
}
