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

const char *deadmx_extension_word(enum deadmx_extension extension)
{
	static const char *const words[] = {
#define XX(uc, word, offered) [DEADMX_EXTENSION_##uc] = word,
		DEADMX_EXTENSION_MAP(XX)
#undef XX
	};

	assert((unsigned)extension < DEADMX_EXTENSION_COUNT);
	return words[extension];
}

/* How each action is written: at connect, at a reply, at body, at tls. */
static const struct forms {
	enum deadmx_action_form connect, reply, body, tls;
} forms[] = {
#define F(c, r, b, t)                                                          \
	{                                                                      \
		DEADMX_ACTION_##c, DEADMX_ACTION_##r, DEADMX_ACTION_##b,       \
			DEADMX_ACTION_##t                                      \
	}
	[DEADMX_ACTION_ACCEPT] = F(WORD, WORD, WORD, WORD),
	[DEADMX_ACTION_REFUSE] = F(WORD, NEVER, NEVER, NEVER),
	[DEADMX_ACTION_BLACKHOLE] = F(WORD, NEVER, NEVER, NEVER),
	[DEADMX_ACTION_UNREACHABLE] = F(WORD, NEVER, NEVER, NEVER),
	[DEADMX_ACTION_NET_UNREACHABLE] = F(WORD, NEVER, NEVER, NEVER),
	[DEADMX_ACTION_PORT_UNREACHABLE] = F(WORD, NEVER, NEVER, NEVER),
	[DEADMX_ACTION_PROHIBITED] = F(WORD, NEVER, NEVER, NEVER),
	[DEADMX_ACTION_QUEUE_FULL] = F(WORD, NEVER, NEVER, NEVER),
	[DEADMX_ACTION_REPLY] = F(NEVER, OTHER, OTHER, NEVER),
	[DEADMX_ACTION_RAW] = F(NEVER, OTHER, OTHER, NEVER),
	[DEADMX_ACTION_STALL] = F(NEVER, WORD_TIME, WORD_TIME, WORD_TIME),
	[DEADMX_ACTION_DRIP] = F(NEVER, TIME, TIME, NEVER),
	[DEADMX_ACTION_DROP] = F(WORD, WORD, WORD, WORD),
	[DEADMX_ACTION_RESET] = F(WORD, WORD, WORD, WORD),
	/* While the message comes in, there is no healthy reply to spoil. */
	[DEADMX_ACTION_GARBAGE] = F(NEVER, WORD, NEVER, WORD),
	[DEADMX_ACTION_LONG_LINE] = F(NEVER, WORD, NEVER, NEVER),
	[DEADMX_ACTION_BARE_LF] = F(NEVER, WORD, NEVER, NEVER),
	[DEADMX_ACTION_WRONG_CODE] = F(NEVER, WORD, NEVER, NEVER),
	[DEADMX_ACTION_MIXED_CODES] = F(NEVER, WORD, NEVER, NEVER),
	[DEADMX_ACTION_HALF_OPEN] = F(NEVER, WORD, WORD, NEVER),
	[DEADMX_ACTION_STOP_READING] = F(NEVER, NEVER, WORD, NEVER),
	[DEADMX_ACTION_EXPIRED] = F(NEVER, NEVER, NEVER, WORD),
	[DEADMX_ACTION_NOT_YET_VALID] = F(NEVER, NEVER, NEVER, WORD),
	[DEADMX_ACTION_WRONG_NAME] = F(NEVER, NEVER, NEVER, WORD),
	[DEADMX_ACTION_UNTRUSTED] = F(NEVER, NEVER, NEVER, WORD),
	[DEADMX_ACTION_SELF_SIGNED] = F(NEVER, NEVER, NEVER, WORD),
	[DEADMX_ACTION_CERTIFICATE] = F(NEVER, NEVER, NEVER, OTHER),
	[DEADMX_ACTION_NO_SHARED_CIPHER] = F(NEVER, NEVER, NEVER, WORD),
	[DEADMX_ACTION_OLD_VERSION] = F(NEVER, NEVER, NEVER, WORD),
#undef F
};

_Static_assert(sizeof(forms) / sizeof(forms[0]) == DEADMX_ACTION_COUNT,
	       "every action has its forms");

enum deadmx_action_form deadmx_action_form(enum deadmx_stage stage,
					   enum deadmx_action action)
{
	assert((unsigned)action < DEADMX_ACTION_COUNT);
	if (stage == DEADMX_STAGE_CONNECT)
		return forms[action].connect;
	if (stage == DEADMX_STAGE_BODY)
		return forms[action].body;
	if (stage == DEADMX_STAGE_TLS)
		return forms[action].tls;
	return forms[action].reply;
}
