/* SPDX-License-Identifier: MIT */
/*
 * What only the whole scenario tells of its names: rows that never apply,
 * and which servers they lead mail to, now or then.
 *
 * The judge and the tracker must know a server that stands for a domain by
 * names only: by an MX of world.names, by an address at the domain itself,
 * by an alias. Windows don't matter: what may be is enough.
 */
#include "sim/scenario_read.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "sim/window.h"

/* --- rows that never apply ------------------------------------------------ */

static bool types_cover(const struct deadmx_name_row *a,
			const struct deadmx_name_row *b)
{
	if (a->records.given)
		return (b->records.given & ~a->records.given) == 0 &&
		       b->records.given;
	for (size_t i = 0; i < b->type_count && a->type_count; i++) {
		bool found = false;

		for (size_t j = 0; j < a->type_count; j++)
			found |= a->types[j] == b->types[i];
		if (!found)
			return false;
	}
	/* Records: questions of few types, but not worth a table here. */
	return a->type_count == 0 || b->type_count > 0;
}

static bool row_covers(const struct deadmx_name_row *a,
		       const struct deadmx_name_row *b)
{
	return (a->transport == DEADMX_TRANSPORT_ANY ||
		a->transport == b->transport) &&
	       a->below >= b->below && types_cover(a, b) &&
	       window_covers(&a->window, &b->window);
}

void scenario_names_check(struct deadmx_yaml *doc,
			  const struct deadmx_world *world)
{
	for (size_t i = 0; i < world->name_count; i++) {
		const struct deadmx_name *name = &world->names[i];

		for (size_t j = 0; j < name->row_count; j++) {
			const struct deadmx_name_row *row = &name->rows[j];

			scenario_window_check(doc, &row->window, &row->place,
					      world);
			for (size_t k = 0; k < j; k++) {
				if (!row_covers(&name->rows[k], row))
					continue;
				deadmx_yaml_error(
					doc, &row->place,
					"the first row that holds is taken",
					"this row never applies: line %d "
					"covers it",
					name->rows[k].place.line);
				break;
			}
		}
	}
}

/* --- where names lead ----------------------------------------------------- */

struct lead {
	struct deadmx_yaml *doc;
	struct deadmx_world *world;
	const char *domain; /* whose mail it is */
	bool seen[DEADMX_SCENARIO_NAMES_MAX];
};

static void lead_to(struct lead *l, struct deadmx_server *server)
{
	char **domains;

	if (deadmx_server_takes(server, l->domain))
		return;
	domains = deadmx_arena_array(l->doc->arena, server->led_here_count + 1,
				     sizeof(*domains));
	if (server->led_here_count)
		memcpy(domains, server->led_here,
		       server->led_here_count * sizeof(*domains));
	domains[server->led_here_count++] = (char *)l->domain;
	server->led_here = domains;
}

/* However the zeros are written. */
static bool same_address6(const char *a, const char *b)
{
	struct in6_addr x, y;

	return inet_pton(AF_INET6, a, &x) == 1 &&
	       inet_pton(AF_INET6, b, &y) == 1 &&
	       memcmp(&x, &y, sizeof(x)) == 0;
}

static void lead_address(struct lead *l, const char *address)
{
	for (size_t i = 0; i < l->world->server_count; i++) {
		struct deadmx_server *server = &l->world->servers[i];

		if ((server->address &&
		     strcmp(server->address, address) == 0) ||
		    (server->address6 &&
		     same_address6(server->address6, address)))
			lead_to(l, server);
	}
}

static void lead_name(struct lead *l, const char *name);

static void lead_records(struct lead *l, const struct deadmx_records *records)
{
	for (size_t i = 0; i < records->count; i++) {
		const struct deadmx_record *r = &records->list[i];

		switch (r->type) {
		case DEADMX_RECORD_MX:
		case DEADMX_RECORD_CNAME:
			lead_name(l, r->value);
			break;
		case DEADMX_RECORD_A:
		case DEADMX_RECORD_AAAA:
			lead_address(l, r->value);
			break;
		case DEADMX_RECORD_TXT:
		case DEADMX_RECORD_COUNT:
			break;
		}
	}
}

/* All that is behind @name: the MX of an MX is looked at once too often,
 * which does no harm. */
static void lead_name(struct lead *l, const char *name)
{
	for (size_t i = 0; i < l->world->server_count; i++)
		if (strcasecmp(l->world->servers[i].name, name) == 0)
			lead_to(l, &l->world->servers[i]);
	for (size_t i = 0; i < l->world->name_count; i++) {
		const struct deadmx_name *n = &l->world->names[i];

		if (l->seen[i] || strcasecmp(n->name, name) != 0)
			continue;
		l->seen[i] = true;
		lead_records(l, &n->records);
		for (size_t j = 0; j < n->row_count; j++)
			lead_records(l, &n->rows[j].records);
	}
}

void scenario_names_lead(struct deadmx_yaml *doc, struct deadmx_world *world)
{
	for (size_t i = 0; i < world->name_count; i++) {
		struct lead l = {.doc = doc,
				 .world = world,
				 .domain = world->names[i].name};

		lead_name(&l, l.domain);
	}
	/* A host of mx_for that is somewhere else by its name. */
	for (size_t i = 0; i < world->server_count; i++) {
		const struct deadmx_server *server = &world->servers[i];

		for (size_t j = 0; j < server->mx_for_count; j++) {
			struct lead l = {.doc = doc,
					 .world = world,
					 .domain = server->mx_for[j]};

			lead_name(&l, server->name);
		}
	}
}
