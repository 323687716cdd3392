/* SPDX-License-Identifier: MIT */
/* Words and switches of the model MTA: see model.h. */
#include "harness/model/model.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <uv.h>

struct word {
	const char *word, *doc;
};

/* clang-format off */
static const struct word mutants[] = {
#define XX(uc, word, doc) [MODEL_MUTANT_##uc] = {word, doc},
	MODEL_MUTANT_MAP(XX)
#undef XX
};

static const struct word profiles[] = {
#define XX(uc, word, doc) [MODEL_PROFILE_##uc] = {word, doc},
	MODEL_PROFILE_MAP(XX)
#undef XX
};

static const struct word tls_words[] = {
#define XX(uc, word, doc) [MODEL_TLS_##uc] = {word, doc},
	MODEL_TLS_MAP(XX)
#undef XX
};
/* clang-format on */

const char *model_mutant_word(enum model_mutant mutant)
{
	assert((unsigned)mutant < MODEL_MUTANT_COUNT);
	return mutants[mutant].word;
}

const char *model_mutant_doc(enum model_mutant mutant)
{
	assert((unsigned)mutant < MODEL_MUTANT_COUNT);
	return mutants[mutant].doc;
}

const char *model_profile_word(enum model_profile profile)
{
	assert((unsigned)profile < MODEL_PROFILE_COUNT);
	return profiles[profile].word;
}

static int word_find(const struct word *words, int count, const char *word)
{
	for (int i = 0; i < count; i++)
		if (strcmp(words[i].word, word) == 0)
			return i;
	return -EINVAL;
}

int model_mutant_parse(const char *word, enum model_mutant *ret)
{
	int i = word_find(mutants, MODEL_MUTANT_COUNT, word);

	if (i < 0)
		return i;
	*ret = (enum model_mutant)i;
	return 0;
}

int model_profile_parse(const char *word, enum model_profile *ret)
{
	int i = word_find(profiles, MODEL_PROFILE_COUNT, word);

	if (i < 0)
		return i;
	*ret = (enum model_profile)i;
	return 0;
}

int model_tls_parse(const char *word, enum model_tls *ret)
{
	int i = word_find(tls_words, MODEL_TLS_COUNT, word);

	if (i < 0)
		return i;
	*ret = (enum model_tls)i;
	return 0;
}

bool model_is(const struct model_config *config, enum model_mutant mutant)
{
	return config->mutant == mutant;
}

int64_t model_now_ms(void)
{
	uv_timeval64_t now;
	int rc = uv_gettimeofday(&now);

	assert(rc == 0);
	return now.tv_sec * 1000 + now.tv_usec / 1000;
}
