/* SPDX-License-Identifier: MIT */
/* Which fault holds when: see fault.h. */
#include "sim/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int fault_table_init(struct fault_table *t, const struct deadmx_server *server)
{
	t->server = server;
	t->used = calloc(server->fault_count + 1, sizeof(*t->used));
	return t->used ? 0 : -ENOMEM;
}

void fault_table_release(struct fault_table *t)
{
	free(t->used);
	t->used = NULL;
}

void fault_table_clear(struct fault_table *t)
{
	memset(t->used, 0, t->server->fault_count * sizeof(*t->used));
}

static bool fault_holds(const struct fault_table *t, size_t row,
			enum deadmx_stage stage, int64_t now_ns)
{
	const struct deadmx_fault *f = &t->server->faults[row];

	if (f->stage != stage || now_ns < f->from_ns)
		return false;
	if (f->until_ns != DEADMX_FOREVER_NS && now_ns >= f->until_ns)
		return false;
	return f->first == 0 || t->used[row] < f->first;
}

const struct deadmx_fault *fault_peek(const struct fault_table *t,
				      enum deadmx_stage stage, int64_t now_ns)
{
	for (size_t i = 0; i < t->server->fault_count; i++)
		if (fault_holds(t, i, stage, now_ns))
			return &t->server->faults[i];
	return NULL;
}

const struct deadmx_fault *fault_take(struct fault_table *t,
				      enum deadmx_stage stage, int64_t now_ns)
{
	const struct deadmx_fault *f = fault_peek(t, stage, now_ns);

	/* Only counted rows count: the others could wrap in a long run. */
	if (f && f->first)
		t->used[f - t->server->faults]++;
	return f;
}

int64_t fault_next_edge(const struct fault_table *t, enum deadmx_stage stage,
			int64_t now_ns)
{
	int64_t next = DEADMX_FOREVER_NS;

	for (size_t i = 0; i < t->server->fault_count; i++) {
		const struct deadmx_fault *f = &t->server->faults[i];

		if (f->stage != stage)
			continue;
		if (f->from_ns > now_ns && f->from_ns < next)
			next = f->from_ns;
		if (f->until_ns > now_ns && f->until_ns < next)
			next = f->until_ns;
	}
	return next;
}
