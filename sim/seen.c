/* SPDX-License-Identifier: MIT */
/* A bounded memory of texts: see seen.h. */
#include "sim/seen.h"

#include <assert.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

/* The tree compares keys; what it holds and what it is asked for are keys. */
static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static struct seen_entry *entry_of(const char *key)
{
	return (struct seen_entry *)(key - offsetof(struct seen_entry, key));
}

void seen_init(struct seen *seen)
{
	*seen = (struct seen){0};
	TAILQ_INIT(&seen->ages);
}

static void forget(struct seen *seen, struct seen_entry *e)
{
	tdelete(e->key, &seen->tree, compare);
	TAILQ_REMOVE(&seen->ages, e, by_age);
	seen->count--;
	free(e);
}

void seen_clear(struct seen *seen)
{
	while (!TAILQ_EMPTY(&seen->ages))
		forget(seen, TAILQ_FIRST(&seen->ages));
}

void seen_release(struct seen *seen)
{
	seen_clear(seen);
}

static struct seen_entry *entry_new(struct seen *seen, const char *key)
{
	size_t size = strlen(key) + 1;
	struct seen_entry *e = calloc(1, sizeof(*e) + size);
	void *node;

	assert(e);
	if (seen->count == SEEN_MAX)
		forget(seen, TAILQ_FIRST(&seen->ages));
	memcpy(e->key, key, size);
	node = tsearch(e->key, &seen->tree, compare);
	assert(node);
	TAILQ_INSERT_TAIL(&seen->ages, e, by_age);
	seen->count++;
	return e;
}

const struct seen_entry *seen_note(struct seen *seen, const char *key,
				   int64_t now_ns, int64_t forget_ns)
{
	char **node = tfind(key, &seen->tree, compare);
	struct seen_entry *e = node ? entry_of(*node) : entry_new(seen, key);

	if (e->count && now_ns - e->last_ns > forget_ns)
		e->count = 0;
	if (!e->count)
		e->first_ns = now_ns;
	if (e->count < UINT32_MAX)
		e->count++;
	e->last_ns = now_ns;
	TAILQ_REMOVE(&seen->ages, e, by_age);
	TAILQ_INSERT_TAIL(&seen->ages, e, by_age);
	return e;
}
