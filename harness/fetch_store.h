/* SPDX-License-Identifier: MIT */
/*
 * The cache folder of what is fetched: $XDG_CACHE_HOME (~/.cache)/deadmx.
 *
 * One fetch at a time holds its lock. It works in a folder .new-XXXXXX and
 * renames the finished tree into place, so a tree that has its name is whole;
 * what a killed fetch left behind the next one deletes.
 */
#ifndef HARNESS_FETCH_STORE_H
#define HARNESS_FETCH_STORE_H

#include <limits.h>
#include <stdio.h>

enum {
	FETCH_STORE_KEY_PLAIN = 200, /* bytes of a key that stay readable */
	FETCH_STORE_KEY_ROOM = 32,   /* … and of the sum behind them */
};

struct fetch_store {
	FILE *errors;
	char cache[PATH_MAX - 512];    /* …/deadmx */
	char packages[PATH_MAX - 256]; /* …/deadmx/packages */
	char work[PATH_MAX - 200];     /* …/deadmx/packages/.new-XXXXXX */
	int lock;
};

/*
 * Make it where it is missing, wait for the lock, and sweep. 0 or a negative
 * errno with one line on @errors.
 */
int fetch_store_open(struct fetch_store *store, FILE *errors);
void fetch_store_close(struct fetch_store *store);

/*
 * The last name in the cache that begins with @prefix, malloc'd; NULL: there
 * is none. Takes no lock: what has its name is whole.
 */
char *fetch_store_find(const char *prefix);

/* A folder of our own in @store->work; the caller removes it. */
int fetch_store_work(struct fetch_store *store);
/* 0 also when it is there. */
int fetch_store_make_folder(struct fetch_store *store, const char *path);
/* On disk before it has its name: a tree that has one is whole. */
int fetch_store_publish(struct fetch_store *store, const char *tree,
			const char *final);
/*
 * A file's name has at most 255 bytes: the rest of a long key becomes a sum.
 * @key has room for FETCH_STORE_KEY_PLAIN + _ROOM bytes.
 */
void fetch_store_shorten(char *key);

#endif
