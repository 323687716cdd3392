/* SPDX-License-Identifier: MIT */
/*
 * An arena: many small pieces of memory that live and die together.
 *
 * A parsed file (scenario, target, reply catalogue) is one tree that is built
 * once, read by many and thrown away whole; with an arena nobody has to know
 * who owns which string. What goes in is bounded by the size of the input, so
 * running out of memory is fatal (abort) instead of one more error path.
 */
#ifndef DEADMX_ARENA_H
#define DEADMX_ARENA_H

#include <stddef.h>

struct deadmx_arena;

struct deadmx_arena *deadmx_arena_new(void);
void deadmx_arena_free(struct deadmx_arena *arena);

/* Zeroed memory, aligned for any type. */
void *deadmx_arena_alloc(struct deadmx_arena *arena, size_t size);
/* The same for @count pieces of @size; never NULL, also for none. */
void *deadmx_arena_array(struct deadmx_arena *arena, size_t count, size_t size);
/* A copy of @len bytes with a NUL behind. */
char *deadmx_arena_copy(struct deadmx_arena *arena, const char *bytes,
			size_t len);
char *deadmx_arena_printf(struct deadmx_arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
