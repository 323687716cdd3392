/* SPDX-License-Identifier: MIT */
/* Rows above a timeline: see override.h. */
#include "sim/override.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "deadmx/arena.h"
#include "deadmx/yaml.h"
#include "sim/scenario_read.h"

struct override {
	struct deadmx_arena *arena;
	struct deadmx_server server;
	struct fault_table faults;
	int64_t since_ns;
	struct override *next;
};

/* One row stands for a list of one. */
static void rows_read(struct deadmx_yaml *doc, struct deadmx_server *server)
{
	struct deadmx_yaml_node list = {.kind = DEADMX_YAML_LIST,
					.place = doc->root->place,
					.count = 1,
					.first = doc->root};

	scenario_read_timeline(
		doc, doc->root->kind == DEADMX_YAML_MAP ? &list : doc->root,
		server);
}

static int rows_parse(struct override *o, const struct override_owner *owner,
		      const char *text, size_t len, FILE *errors)
{
	struct scenario_reader reader = {
		/* They are only read. */
		.own = (struct reply_catalogue_entry *)owner->replies,
		.own_count = owner->reply_count,
		.has_expiry = true,
	};
	struct deadmx_yaml doc;
	int rc = deadmx_yaml_parse(&doc, o->arena, "row", text, len, errors);

	if (rc < 0)
		return rc;
	doc.user = &reader;
	rows_read(&doc, &o->server);
	reply_catalogue_free(reader.catalogue);
	return deadmx_yaml_finish(&doc);
}

/* "expiry" is that of a mail that is sent when the rows are set. */
static int rows_expire(struct override *o, int64_t expiry_ns, FILE *errors)
{
	struct deadmx_scenario rows = {
		.world = {.servers = &o->server,
			  .server_count = 1,
			  .until_ns = DEADMX_FOREVER_NS}};
	char why[256];

	if (deadmx_scenario_set_expiry(&rows, expiry_ns, why, sizeof(why)))
		return 0;
	fprintf(errors, "%s\n", why);
	return -EINVAL;
}

int override_new(const struct override_owner *owner, const char *text,
		 size_t len, int64_t now_ns, FILE *errors,
		 struct override **ret)
{
	struct override *o = calloc(1, sizeof(*o));
	int rc;

	assert(o);
	o->arena = deadmx_arena_new();
	o->server = *owner->server;
	o->server.faults = NULL;
	o->server.fault_count = 0;
	o->since_ns = now_ns;
	rc = rows_parse(o, owner, text, len, errors);
	if (rc == 0)
		rc = rows_expire(o, owner->expiry_ns, errors);
	/* They stand in no file of the tester's. */
	for (size_t i = 0; i < o->server.fault_count; i++)
		o->server.faults[i].place.line = 0;
	if (rc == 0)
		rc = fault_table_init(&o->faults, &o->server, owner->seed);
	if (rc < 0)
		override_free(o);
	else
		*ret = o;
	return rc;
}

void override_free(struct override *o)
{
	if (!o)
		return;
	fault_table_release(&o->faults);
	deadmx_arena_free(o->arena);
	free(o);
}

void override_set_next(struct override *o, struct override *next)
{
	o->next = next;
}

struct override *override_next(const struct override *o)
{
	return o->next;
}

const struct deadmx_server *override_server(const struct override *o)
{
	return &o->server;
}

const struct fault_table *override_faults(const struct override *o)
{
	return &o->faults;
}

int64_t override_since_ns(const struct override *o)
{
	return o->since_ns;
}

static struct fault_context own_context(const struct override *o,
					const struct fault_context *c)
{
	struct fault_context own = *c;

	own.now_ns -= o->since_ns;
	return own;
}

const struct deadmx_fault *override_peek(const struct override *o,
					 const struct fault_context *c)
{
	struct fault_context own;

	if (!o)
		return NULL;
	own = own_context(o, c);
	return fault_peek(&o->faults, &own);
}

const struct deadmx_fault *override_take(struct override *o,
					 const struct fault_context *c)
{
	struct fault_context own;

	if (!o)
		return NULL;
	own = own_context(o, c);
	return fault_take(&o->faults, &own);
}

int64_t override_next_edge(const struct override *o, enum deadmx_stage stage,
			   int64_t now_ns)
{
	int64_t edge;

	if (!o)
		return DEADMX_FOREVER_NS;
	edge = fault_next_edge(&o->faults, stage, now_ns - o->since_ns);
	return edge == DEADMX_FOREVER_NS ? edge : edge + o->since_ns;
}

uint32_t override_attempt(struct override *o, const char *sender,
			  const char *recipient, int64_t now_ns)
{
	return o ? fault_attempt(&o->faults, sender, recipient,
				 now_ns - o->since_ns)
		 : 0;
}
