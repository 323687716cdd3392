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

enum deadmx_action_form deadmx_action_form(enum deadmx_stage stage,
					   enum deadmx_action action)
{
	bool connect = stage == DEADMX_STAGE_CONNECT;

	switch (action) {
	case DEADMX_ACTION_ACCEPT:
		return DEADMX_ACTION_WORD;
	case DEADMX_ACTION_REFUSE:
	case DEADMX_ACTION_BLACKHOLE:
	case DEADMX_ACTION_UNREACHABLE:
		return connect ? DEADMX_ACTION_WORD : DEADMX_ACTION_NEVER;
	case DEADMX_ACTION_DROP:
	case DEADMX_ACTION_RESET:
		return connect ? DEADMX_ACTION_NEVER : DEADMX_ACTION_WORD;
	case DEADMX_ACTION_STALL:
		return connect ? DEADMX_ACTION_NEVER : DEADMX_ACTION_WORD_TIME;
	case DEADMX_ACTION_DRIP:
		return connect ? DEADMX_ACTION_NEVER : DEADMX_ACTION_TIME;
	case DEADMX_ACTION_REPLY:
		return connect ? DEADMX_ACTION_NEVER : DEADMX_ACTION_OTHER;
	case DEADMX_ACTION_COUNT:
		break;
	}
	assert(!"an action");
	return DEADMX_ACTION_NEVER;
}
