/* SPDX-License-Identifier: MIT */
/* Servers outside of a sandbox: see deadmx/loopback.h. */
#include "deadmx/loopback.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "deadmx/arena.h"
#include "sim/scenario_read.h"

int deadmx_loopback_address(const char *address,
			    char ret[DEADMX_LOOPBACK_TEXT_MAX])
{
	static const uint32_t nets[] = {0xC0000200, 0xC6336400, 0xCB007100};
	struct in_addr in;
	uint32_t host;

	if (inet_pton(AF_INET, address, &in) != 1)
		return -EINVAL;
	host = ntohl(in.s_addr);
	for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++)
		if ((host & 0xFFFFFF00) == nets[i])
			in.s_addr = htonl((host & 0xFFFFFF) | 127U << 24);
	inet_ntop(AF_INET, &in, ret, DEADMX_LOOPBACK_TEXT_MAX);
	return 0;
}

static bool is_taken(const struct deadmx_world *world, size_t count,
		     const struct deadmx_server *server)
{
	for (size_t i = 0; i < count; i++)
		if (world->servers[i].port == server->port &&
		    strcmp(world->servers[i].address, server->address) == 0)
			return true;
	return false;
}

/* The server at @address before it moved has another one now. */
static const char *moved(const struct deadmx_world *world, char *const *before,
			 const char *address)
{
	for (size_t i = 0; i < world->server_count; i++)
		if (strcmp(before[i], address) == 0)
			return world->servers[i].address;
	return NULL;
}

/* Names that were given addresses tell those by hand, too. */
static void records_move(struct deadmx_scenario *s, char *const *before,
			 bool to_loopback, struct deadmx_records *records)
{
	char text[DEADMX_LOOPBACK_TEXT_MAX];

	for (size_t i = 0; i < records->count; i++) {
		struct deadmx_record *r = &records->list[i];
		const char *address;

		if (r->type != DEADMX_RECORD_A)
			continue;
		address = moved(&s->world, before, r->value);
		/* Nobody is there; on loopback nobody is, either. */
		if (!address && to_loopback &&
		    deadmx_loopback_address(r->value, text) == 0)
			address = text;
		if (address)
			r->value = deadmx_arena_copy(s->arena, address,
						     strlen(address));
	}
}

static void names_move(struct deadmx_scenario *s, char *const *before,
		       bool to_loopback)
{
	for (size_t i = 0; i < s->world.name_count; i++) {
		struct deadmx_name *name = &s->world.names[i];

		records_move(s, before, to_loopback, &name->records);
		for (size_t j = 0; j < name->row_count; j++)
			records_move(s, before, to_loopback,
				     &name->rows[j].records);
	}
}

/* Nobody's addresses must not lead out of the machine either. */
static void relay_move(struct deadmx_scenario *s, struct deadmx_relay *relay,
		       uint16_t port)
{
	char text[DEADMX_LOOPBACK_TEXT_MAX];

	for (size_t i = 0; i < relay->row_count; i++)
		for (size_t j = 0; j < relay->rows[i].backend_count; j++) {
			struct deadmx_backend *b = &relay->rows[i].backends[j];
			const char *address = "::1";

			if (b->name)
				continue;
			if (deadmx_loopback_address(b->address, text) == 0)
				address = text;
			b->address = deadmx_arena_copy(s->arena, address,
						       strlen(address));
			if (b->port == SCENARIO_SMTP_PORT)
				b->port = port;
		}
}

int deadmx_loopback_move(struct deadmx_scenario *s,
			 const char *const *addresses, size_t count,
			 uint16_t port)
{
	struct deadmx_world *world = &s->world;
	char **before = deadmx_arena_array(s->arena, world->server_count,
					   sizeof(*before));
	char text[DEADMX_LOOPBACK_TEXT_MAX];

	for (size_t i = 0; i < world->server_count; i++) {
		struct deadmx_server *server = &world->servers[i];
		const char *address = text;
		int rc = 0;

		if (count)
			address = addresses[i < count ? i : count - 1];
		else
			rc = deadmx_loopback_address(server->address, text);
		if (rc < 0)
			return rc;
		before[i] = server->address;
		/* Loopback has one IPv6 address for all of them. */
		server->address6 = NULL;
		server->address =
			deadmx_arena_copy(s->arena, address, strlen(address));
		if (server->port == SCENARIO_SMTP_PORT)
			server->port = port;
		while (is_taken(world, i, server))
			if (++server->port == 0)
				return -ERANGE;
		if (server->relay)
			relay_move(s, server->relay, port);
	}
	names_move(s, before, count == 0);
	return 0;
}
