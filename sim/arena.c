/* SPDX-License-Identifier: MIT */
/* Memory that lives and dies together: see deadmx/arena.h. */
#include "deadmx/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ARENA_CHUNK_BYTES = 16 * 1024, /* a usual scenario fits in one */
};

struct chunk {
	struct chunk *next;
	size_t used, size;
	max_align_t bytes[];
};

struct deadmx_arena {
	struct chunk *chunks;
};

struct deadmx_arena *deadmx_arena_new(void)
{
	struct deadmx_arena *arena = calloc(1, sizeof(*arena));

	if (!arena)
		abort();
	return arena;
}

void deadmx_arena_free(struct deadmx_arena *arena)
{
	struct chunk *next;

	if (!arena)
		return;
	for (struct chunk *c = arena->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	free(arena);
}

static struct chunk *chunk_new(struct deadmx_arena *arena, size_t need)
{
	size_t size = need > ARENA_CHUNK_BYTES ? need : ARENA_CHUNK_BYTES;
	struct chunk *c = calloc(1, sizeof(*c) + size);

	if (!c)
		abort();
	c->size = size;
	c->next = arena->chunks;
	arena->chunks = c;
	return c;
}

void *deadmx_arena_alloc(struct deadmx_arena *arena, size_t size)
{
	const size_t align = sizeof(max_align_t);
	struct chunk *c = arena->chunks;
	void *p;

	if (size > SIZE_MAX / 2)
		abort();
	size = (size + align - 1) / align * align;
	if (!c || c->size - c->used < size)
		c = chunk_new(arena, size);
	p = (char *)c->bytes + c->used;
	c->used += size;
	return p;
}

void *deadmx_arena_array(struct deadmx_arena *arena, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		abort();
	return deadmx_arena_alloc(arena, bytes);
}

char *deadmx_arena_copy(struct deadmx_arena *arena, const char *bytes,
			size_t len)
{
	char *copy = deadmx_arena_alloc(arena, len + 1);

	memcpy(copy, bytes, len);
	return copy;
}

char *deadmx_arena_printf(struct deadmx_arena *arena, const char *format, ...)
{
	va_list ap, again;
	char *text;
	int len;

	va_start(ap, format);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (len < 0)
		abort();
	text = deadmx_arena_alloc(arena, (size_t)len + 1);
	vsnprintf(text, (size_t)len + 1, format, again);
	va_end(again);
	return text;
}
