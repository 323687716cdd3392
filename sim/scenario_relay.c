/* SPDX-License-Identifier: MIT */
/*
 * Frontends: where a server hands mail on to, from when on, and how it words
 * that nobody is there.
 */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "sim/reply_text.h"
#include "sim/scenario_read.h"
#include "sim/scenario_window.h"

#define TIMEOUT_DEFAULT_NS (30 * DEADMX_NS_PER_S)

/* A relay while it is read. */
struct entry {
	struct deadmx_relay *relay;
	const struct deadmx_yaml_node *to; /* read last: it is the last row */
};

/* A row of its timeline while it is read. */
struct row_entry {
	struct scenario_window window;
	struct deadmx_relay_row *row;
};

/* --- to ------------------------------------------------------------------ */

static const char address_nets[] =
	"the networks for tests are 192.0.2.0/24, 198.51.100.0/24, "
	"203.0.113.0/24 and 2001:db8::/32";

/* Is it an address of a network for tests (RFC 5737, RFC 3849)? */
static bool is_test_address(const char *text, bool *ret_is_address)
{
	static const uint32_t nets[] = {0xC0000200, 0xC6336400, 0xCB007100};
	static const unsigned char net6[] = {0x20, 0x01, 0x0d, 0xb8};
	struct in6_addr in6;
	struct in_addr in;

	*ret_is_address = true;
	if (inet_pton(AF_INET6, text, &in6) == 1)
		return memcmp(&in6, net6, sizeof(net6)) == 0;
	*ret_is_address = inet_pton(AF_INET, text, &in) == 1;
	for (size_t i = 0; i < 3 && *ret_is_address; i++)
		if ((ntohl(in.s_addr) & 0xFFFFFF00) == nets[i])
			return true;
	return false;
}

/* "192.0.2.20", "192.0.2.20:2525", "[2001:db8::20]:2525" → its parts. */
static bool address_split(struct deadmx_yaml *doc, const char *text,
			  struct deadmx_backend *ret)
{
	const char *end = text + strlen(text), *colon = strchr(text, ':');
	const char *start = text;
	int64_t port = SCENARIO_SMTP_PORT;

	if (*text == '[') {
		start++;
		end = strchr(text, ']');
		if (!end)
			return false;
		colon = end + 1;
	} else if (colon && !strchr(colon + 1, ':')) {
		end = colon;
	} else {
		colon = end;
	}
	if (*colon && (*colon != ':' ||
		       deadmx_number_parse(colon + 1, UINT16_MAX, &port) < 0 ||
		       port == 0))
		return false;
	ret->address =
		deadmx_arena_copy(doc->arena, start, (size_t)(end - start));
	ret->port = (uint16_t)port;
	return true;
}

static void backend_read(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node,
			 struct deadmx_backend *ret)
{
	bool is_address = false;

	if (scenario_is_domain(node->text) &&
	    strspn(node->text, "0123456789.") != node->len) {
		ret->name = node->text;
		return;
	}
	if (address_split(doc, node->text, ret) &&
	    is_test_address(ret->address, &is_address))
		return;
	deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node),
			  "a server of the world, or an address with or "
			  "without a port such as 192.0.2.20:25",
			  is_address ? address_nets : NULL);
}

static void backends_read(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node,
			  struct deadmx_relay_row *row)
{
	const struct deadmx_yaml_node *child = node;
	char **texts;
	size_t count;

	if (deadmx_yaml_is_empty(node) ||
	    !deadmx_yaml_texts(doc, node, &texts, &count))
		return;
	if (count < 1 || count > DEADMX_RELAY_BACKENDS_MAX) {
		deadmx_yaml_error(doc, &node->place, NULL,
				  "to, expected 1 to %d backends, got %zu",
				  DEADMX_RELAY_BACKENDS_MAX, count);
		return;
	}
	if (node->kind == DEADMX_YAML_LIST)
		child = node->first;
	row->backends =
		deadmx_arena_array(doc->arena, count, sizeof(*row->backends));
	for (; row->backend_count < count; child = child->next)
		backend_read(doc, child, &row->backends[row->backend_count++]);
}

/* --- timeline ------------------------------------------------------------ */

static void row_to(struct deadmx_yaml *doc, const struct deadmx_yaml_node *node,
		   void *arg)
{
	struct row_entry *e = arg;

	backends_read(doc, node, e->row);
}

const struct deadmx_yaml_key scenario_relay_row_keys[] = {
	SCENARIO_WINDOW_KEYS,
	{"to", row_to, "where mail goes then", true, "word|list word"},
	{0},
};

static void relay_timeline(struct deadmx_yaml *doc,
			   const struct deadmx_yaml_node *node, void *arg)
{
	const struct deadmx_yaml_node *child;
	struct entry *e = arg;
	struct deadmx_relay *relay = e->relay;

	if (node->kind != DEADMX_YAML_LIST ||
	    node->count > DEADMX_RELAY_ROWS_MAX) {
		deadmx_yaml_wrong(doc, node, "timeline",
				  "a list of at most 100 rows", NULL);
		return;
	}
	_Static_assert(DEADMX_RELAY_ROWS_MAX == 100, "as told here");
	/* One more for the relay's own `to`. */
	relay->rows = deadmx_arena_array(doc->arena, node->count + 1,
					 sizeof(*relay->rows));
	for (child = node->first; child; child = child->next) {
		struct row_entry row = {.row = &relay->rows[relay->row_count]};

		relay->row_count++;
		row.row->place = child->place;
		scenario_window_init(&row.window);
		if (!deadmx_yaml_map(doc, child, "a row of a relay's timeline",
				     scenario_relay_row_keys, &row))
			continue;
		scenario_window_finish(doc, &row.window);
		row.row->window = row.window.window;
	}
}

/* --- the rest ------------------------------------------------------------ */

static void relay_to(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node, void *arg)
{
	struct entry *e = arg;

	e->to = node;
}

static void relay_at(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node, void *arg)
{
	struct entry *e = arg;
	enum deadmx_stage stage = DEADMX_STAGE_CONNECT;

	if (node->kind == DEADMX_YAML_TEXT)
		deadmx_stage_parse(node->text, &stage);
	if (stage == DEADMX_STAGE_MAIL || stage == DEADMX_STAGE_RCPT ||
	    stage == DEADMX_STAGE_DATA || stage == DEADMX_STAGE_DOT)
		e->relay->at = stage;
	else
		deadmx_yaml_wrong(doc, node, "at", "mail, rcpt, data or dot",
				  NULL);
}

static void relay_timeout(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg)
{
	struct entry *e = arg;

	if (deadmx_yaml_duration(doc, node, &e->relay->timeout_ns) &&
	    e->relay->timeout_ns == 0)
		deadmx_yaml_wrong(doc, node, "timeout", "a time above 0", NULL);
}

/* clang-format off */
static const char *const wrap_words[] = {
#define XX(uc, word, doc) [DEADMX_WRAP_##uc] = word,
	DEADMX_WRAP_MAP(XX)
#undef XX
};
/* clang-format on */

/* A reply may also have the placeholders of a failure. */
static bool wrap_check(struct deadmx_yaml *doc, const char *text, char *why,
		       size_t size)
{
	static const char *const places[] = {"{error}", "{endpoint}"};
	char *copy = deadmx_arena_copy(doc->arena, text, strlen(text)), *p;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		while ((p = strstr(copy, places[i])))
			memset(p, '-', strlen(places[i]));
	return reply_text_check(copy, why, size);
}

static void relay_wrap(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	struct entry *e = arg;
	char why[256];
	char *text;

	if (!deadmx_yaml_word(doc, node, &text))
		return;
	for (int i = 0; i < DEADMX_WRAP_OWN; i++)
		if (strcmp(text, wrap_words[i]) == 0) {
			e->relay->wrap = (enum deadmx_wrap)i;
			return;
		}
	e->relay->wrap = DEADMX_WRAP_OWN;
	e->relay->reply = text;
	if (!reply_text_is_reply(text))
		deadmx_yaml_wrong(
			doc, node, "wrap",
			"exchange, exchange_proxy, exchange2016, plain or a "
			"reply of your own",
			deadmx_yaml_did_you_mean(doc, text, wrap_words,
						 DEADMX_WRAP_OWN));
	else if (!wrap_check(doc, text, why, sizeof(why)))
		deadmx_yaml_error(doc, &node->place, NULL, "wrap, %s", why);
}

const struct deadmx_yaml_key scenario_relay_keys[] = {
	{"to", relay_to,
	 "the backend: a server of the world, or an address[:port]; a list is "
	 "tried in its order",
	 true, "word|list word"},
	{"at", relay_at,
	 "the command at which it turns to the backend: mail, rcpt, data or "
	 "dot (default dot)",
	 false, "'mail'|'rcpt'|'data'|'dot'"},
	{"timeout", relay_timeout,
	 "how long it waits for a connection and for each reply (default 30s)",
	 false, "duration"},
	{"wrap", relay_wrap,
	 "how it words that no backend could be had (default exchange)", false,
	 "'exchange'|'exchange_proxy'|'exchange2016'|'plain'|reply"},
	{"timeline", relay_timeline, "where mail goes instead, and when", false,
	 "list table relay_timeline"},
	{0},
};

/* The relay's own `to`: what is left when no row holds. */
static void last_row(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node,
		     struct deadmx_relay *relay)
{
	struct deadmx_relay_row *row;

	if (!relay->rows)
		relay->rows =
			deadmx_arena_array(doc->arena, 1, sizeof(*relay->rows));
	row = &relay->rows[relay->row_count++];
	row->place = node->place;
	row->window.until_ns = DEADMX_FOREVER_NS;
	backends_read(doc, node, row);
}

void scenario_read_relay(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_server *server = arg;
	struct entry e = {.to = node};

	e.relay = deadmx_arena_alloc(doc->arena, sizeof(*e.relay));
	e.relay->place = node->place;
	e.relay->at = DEADMX_STAGE_DOT;
	e.relay->timeout_ns = TIMEOUT_DEFAULT_NS;
	server->relay = e.relay;
	if (deadmx_yaml_is_empty(node)) {
		deadmx_yaml_wrong(doc, node, "relay",
				  "a backend, or a map with to: …", NULL);
		return;
	}
	if (node->kind == DEADMX_YAML_MAP) {
		e.to = NULL;
		deadmx_yaml_map(doc, node, "relay", scenario_relay_keys, &e);
	}
	if (e.to)
		last_row(doc, e.to, e.relay);
}

/* --- checks -------------------------------------------------------------- */

static struct deadmx_server *server_named(const struct deadmx_world *world,
					  const char *name)
{
	for (size_t i = 0; i < world->server_count; i++)
		if (strcasecmp(world->servers[i].name, name) == 0)
			return &world->servers[i];
	return NULL;
}

static void name_check(struct deadmx_yaml *doc,
		       const struct deadmx_world *world,
		       const struct deadmx_relay_row *row, const char *name)
{
	const char *words[DEADMX_SCENARIO_SERVERS_MAX];

	if (server_named(world, name))
		return;
	for (size_t i = 0; i < world->server_count; i++)
		words[i] = world->servers[i].name;
	deadmx_yaml_error(
		doc, &row->place,
		deadmx_yaml_did_you_mean(doc, name, words, world->server_count),
		"to, expected a server of the world, got %.80s", name);
}

/* Does mail that @server hands on come back to @origin? */
static bool leads_back(const struct deadmx_world *world,
		       const struct deadmx_server *server,
		       const struct deadmx_server *origin, bool *seen)
{
	const struct deadmx_relay *relay = server->relay;

	if (seen[server - world->servers])
		return false;
	seen[server - world->servers] = true;
	for (size_t i = 0; relay && i < relay->row_count; i++)
		for (size_t j = 0; j < relay->rows[i].backend_count; j++) {
			const char *name = relay->rows[i].backends[j].name;
			const struct deadmx_server *next =
				name ? server_named(world, name) : NULL;

			if (next == origin ||
			    (next && leads_back(world, next, origin, seen)))
				return true;
		}
	return false;
}

/* A server's address stands for the server, wherever that will be. */
static void backend_resolve(const struct deadmx_world *world,
			    struct deadmx_backend *b)
{
	for (size_t i = 0; i < world->server_count && !b->name; i++) {
		const struct deadmx_server *server = &world->servers[i];

		if (strcmp(server->address, b->address) == 0 &&
		    server->port == b->port)
			b->name = server->name;
	}
}

static void rows_check(struct deadmx_yaml *doc,
		       const struct deadmx_world *world,
		       const struct deadmx_relay *relay)
{
	for (size_t i = 0; i < relay->row_count; i++) {
		const struct deadmx_relay_row *row = &relay->rows[i];

		for (size_t j = 0; j < row->backend_count; j++) {
			struct deadmx_backend *b = &row->backends[j];

			if (b->name)
				name_check(doc, world, row, b->name);
			else
				backend_resolve(world, b);
		}
		scenario_window_check(doc, &row->window, &row->place, world);
	}
}

void scenario_relays_check(struct deadmx_yaml *doc,
			   const struct deadmx_world *world)
{
	for (size_t i = 0; i < world->server_count; i++)
		if (world->servers[i].relay)
			rows_check(doc, world, world->servers[i].relay);
	for (size_t i = 0; i < world->server_count; i++) {
		const struct deadmx_server *server = &world->servers[i];
		bool seen[DEADMX_SCENARIO_SERVERS_MAX] = {0};

		if (server->relay && leads_back(world, server, server, seen))
			deadmx_yaml_error(doc, &server->relay->place, NULL,
					  "relay, mail would come back to %s",
					  server->name);
	}
}

bool scenario_relay_is_fault(const struct deadmx_server *server)
{
	const struct deadmx_relay *relay = server->relay;

	for (size_t i = 0; relay && i < relay->row_count; i++)
		for (size_t j = 0; j < relay->rows[i].backend_count; j++)
			if (!relay->rows[i].backends[j].name)
				return true;
	return false;
}
