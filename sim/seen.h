/* SPDX-License-Identifier: MIT */
/*
 * What has been seen before: a bounded memory of texts, with counts and times.
 *
 * Greylisting and the counting of attempts remember by it. When it is full,
 * what was not seen for the longest time is forgotten. It knows no clock; the
 * caller says what time it is.
 */
#ifndef SIM_SEEN_H
#define SIM_SEEN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/* Limit, tested in tests/unit/test_seen.c: some 12 MB with long addresses. */
enum { SEEN_MAX = 65536 };

struct seen_entry {
	int64_t first_ns; /* seen first */
	uint32_t count;	  /* how often, this time counted */
	int64_t last_ns;  /* private from here */
	TAILQ_ENTRY(seen_entry) by_age;
	char key[];
};

struct seen {
	void *tree;
	TAILQ_HEAD(seen_ages, seen_entry) ages; /* least recent first */
	size_t count;
};

void seen_init(struct seen *seen);
void seen_release(struct seen *seen);
/* Forget everything. */
void seen_clear(struct seen *seen);

/*
 * @key is seen at @now_ns; the entry holds until the next call. What was not
 * seen for more than @forget_ns counts as new (INT64_MAX: never).
 */
const struct seen_entry *seen_note(struct seen *seen, const char *key,
				   int64_t now_ns, int64_t forget_ns);

#endif
