/* SPDX-License-Identifier: MIT */
/*
 * What only the whole scenario can tell: addresses that clash, domains that
 * nobody serves, rows that never apply, a control that has faults. Fills in
 * what was left out, and the senders' own mail servers.
 */
#include "sim/scenario_read.h"
#include "sim/window.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	HOST_FIRST = 10, /* below it is room for the MTA's own addresses */
	HOST_LAST = 254,
};

bool scenario_serves(const struct deadmx_server *server, const char *domain)
{
	for (size_t i = 0; i < server->mx_for_count; i++)
		if (strcasecmp(server->mx_for[i], domain) == 0)
			return true;
	return false;
}

bool deadmx_server_takes(const struct deadmx_server *server, const char *domain)
{
	if (scenario_serves(server, domain))
		return true;
	for (size_t i = 0; i < server->led_here_count; i++)
		if (strcasecmp(server->led_here[i], domain) == 0)
			return true;
	return false;
}

static bool is_served(const struct deadmx_world *world, const char *domain)
{
	for (size_t i = 0; i < world->server_count; i++)
		if (deadmx_server_takes(&world->servers[i], domain))
			return true;
	return false;
}

static const struct deadmx_name *name_of(const struct deadmx_world *world,
					 const char *name)
{
	for (size_t i = 0; i < world->name_count; i++)
		if (strcasecmp(world->names[i].name, name) == 0)
			return &world->names[i];
	return NULL;
}

const struct deadmx_name *deadmx_scenario_name(const struct deadmx_scenario *s,
					       const char *name)
{
	return name_of(&s->world, name);
}

/* --- servers ------------------------------------------------------------- */

static bool address_is_used(const struct deadmx_world *world,
			    const char *address)
{
	for (size_t i = 0; i < world->server_count; i++)
		if (world->servers[i].address &&
		    strcmp(world->servers[i].address, address) == 0)
			return true;
	return false;
}

/* The next free address of @net ("192.0.2."). */
static char *address_assign(struct deadmx_yaml *doc,
			    const struct deadmx_world *world, const char *net)
{
	char address[32];

	for (int host = HOST_FIRST; host <= HOST_LAST; host++) {
		snprintf(address, sizeof(address), "%s%d", net, host);
		if (!address_is_used(world, address))
			return deadmx_arena_copy(doc->arena, address,
						 strlen(address));
	}
	_Static_assert(DEADMX_SCENARIO_SERVERS_MAX < HOST_LAST - HOST_FIRST,
		       "there is an address for every server");
	abort();
}

static bool address6_is_used(const struct deadmx_world *world,
			     const char *address)
{
	for (size_t i = 0; i < world->server_count; i++)
		if (world->servers[i].address6 &&
		    strcmp(world->servers[i].address6, address) == 0)
			return true;
	return false;
}

static void addresses6_check(struct deadmx_yaml *doc,
			     struct deadmx_world *world)
{
	int host = HOST_FIRST;

	for (size_t i = 0; i < world->server_count; i++) {
		struct deadmx_server *server = &world->servers[i];

		for (size_t j = 0; j < i && server->address6; j++) {
			struct deadmx_server *other = &world->servers[j];

			if (*server->address6 && other->address6 &&
			    strcmp(other->address6, server->address6) == 0 &&
			    other->port == server->port)
				deadmx_yaml_error(
					doc, &server->place, NULL,
					"server %s, expected an address of "
					"its own, got %s, which %s has in "
					"line %d",
					server->name, server->address6,
					other->name, other->place.line);
		}
	}
	for (size_t i = 0; i < world->server_count; i++) {
		struct deadmx_server *server = &world->servers[i];
		char *address = server->address6;

		if (!address || *address)
			continue;
		do
			address = deadmx_arena_printf(doc->arena,
						      "2001:db8::%d", host++);
		while (address6_is_used(world, address));
		server->address6 = address;
	}
}

/* Given addresses first: the assigned ones go around them. */
static void addresses_check(struct deadmx_yaml *doc, struct deadmx_world *world)
{
	for (size_t i = 0; i < world->server_count; i++) {
		struct deadmx_server *server = &world->servers[i];

		for (size_t j = 0; j < i; j++) {
			struct deadmx_server *other = &world->servers[j];

			if (server->address && other->address &&
			    strcmp(other->address, server->address) == 0 &&
			    other->port == server->port)
				deadmx_yaml_error(
					doc, &server->place, NULL,
					"server %s, expected an address of "
					"its own, got %s, which %s has in "
					"line %d",
					server->name, server->address,
					other->name, other->place.line);
		}
	}
	for (size_t i = 0; i < world->server_count; i++)
		if (!world->servers[i].address)
			world->servers[i].address =
				address_assign(doc, world, "192.0.2.");
}

/* --- faults -------------------------------------------------------------- */

static bool covers(const struct deadmx_fault *a, const struct deadmx_fault *b)
{
	return a->stage == b->stage && deadmx_fault_is_for_all(a) &&
	       window_covers(&a->window, &b->window);
}

static bool offers_tls(const struct deadmx_server *server)
{
	return server->extensions & 1u << DEADMX_EXTENSION_STARTTLS;
}

static void tls_check(struct deadmx_yaml *doc,
		      const struct deadmx_server *server)
{
	if (scenario_has_tls(server) && !offers_tls(server))
		deadmx_yaml_error(
			doc, &server->place, "add STARTTLS to extensions",
			"server %s has a certificate or a stage "
			"starttls or tls, but does not offer STARTTLS",
			server->name);
}

static void faults_check(struct deadmx_yaml *doc,
			 const struct deadmx_world *world,
			 const struct deadmx_server *server)
{
	for (size_t i = 0; i < server->fault_count; i++) {
		const struct deadmx_fault *f = &server->faults[i];

		scenario_window_check(doc, &f->window, &f->place, world);
		for (size_t j = 0; j < i; j++) {
			if (!covers(&server->faults[j], f))
				continue;
			deadmx_yaml_error(
				doc, &f->place,
				"the first row that holds is taken",
				"this %s never applies: the row in line %d "
				"holds all the time before it",
				deadmx_stage_word(f->stage),
				server->faults[j].place.line);
			break;
		}
	}
}

/* The link's rows go before the server's own. */
static void link_add(struct deadmx_yaml *doc, const struct deadmx_server *link,
		     struct deadmx_server *server)
{
	size_t count = link->fault_count + server->fault_count;
	struct deadmx_fault *all;

	if (!link->fault_count)
		return;
	if (count > DEADMX_SCENARIO_FAULTS_MAX) {
		deadmx_yaml_error(doc, &server->place, NULL,
				  "%s, expected at most %d faults with those "
				  "of the link, got %zu",
				  server->name, DEADMX_SCENARIO_FAULTS_MAX,
				  count);
		return;
	}
	all = deadmx_arena_array(doc->arena, count, sizeof(*all));
	memcpy(all, link->faults, link->fault_count * sizeof(*all));
	if (server->fault_count)
		memcpy(all + link->fault_count, server->faults,
		       server->fault_count * sizeof(*all));
	server->faults = all;
	server->fault_count = count;
}

/* It may refuse mail though its timeline has no fault. */
static bool has_rules(const struct deadmx_server *server)
{
	return server->greylist.delay_ns || server->limits.place.line ||
	       server->size;
}

static void control_check(struct deadmx_yaml *doc,
			  const struct deadmx_scenario *s)
{
	bool rules = false;
	size_t faults = 0;

	for (size_t i = 0; i < s->world.server_count; i++) {
		const struct deadmx_server *server = &s->world.servers[i];

		rules |= has_rules(server);
		for (size_t j = 0; j < server->fault_count; j++)
			faults += server->faults[j].action !=
				  DEADMX_ACTION_ACCEPT;
		faults += scenario_certificate_fails(server, s->world.until_ns);
		faults += scenario_relay_is_fault(server);
	}
	for (size_t i = 0; i < s->world.name_count; i++)
		for (size_t j = 0; j < s->world.names[i].row_count; j++)
			faults += deadmx_name_row_is_fault(
				&s->world.names[i].rows[j]);
	if (faults && s->expect.no_fault_ok)
		deadmx_yaml_error(doc, &s->expect.place,
				  "leave faults: none out",
				  "expect says faults: none, but a timeline "
				  "has some");
	/* What a name holds for ever may well be what is broken. */
	if (!faults && !rules && !s->world.name_count && !s->expect.no_fault_ok)
		deadmx_yaml_error(doc, &s->expect.place,
				  "add a timeline; a control says faults: none",
				  "no server has a fault, and no name, so "
				  "nothing would be tested");
}

/* --- mail ---------------------------------------------------------------- */

static void recipient_check(struct deadmx_yaml *doc,
			    const struct deadmx_world *world,
			    const struct deadmx_mail *mail, const char *to)
{
	const char
		*words[DEADMX_SCENARIO_SERVERS_MAX + DEADMX_SCENARIO_NAMES_MAX];
	const char *domain = scenario_domain_of(to), *hint;
	size_t count = 0;

	/* A name that leads nowhere is as good: it is what is broken. */
	if (!domain || is_served(world, domain) || name_of(world, domain))
		return;
	for (size_t i = 0; i < world->server_count; i++)
		if (world->servers[i].mx_for_count)
			words[count++] = world->servers[i].mx_for[0];
	for (size_t i = 0; i < world->name_count; i++)
		words[count++] = world->names[i].name;
	hint = deadmx_yaml_did_you_mean(doc, domain, words, count);
	deadmx_yaml_error(doc, &mail->place,
			  hint ? hint
			       : "give a server mx_for: its domain; a domain "
				 "that no server takes stands in names",
			  "mail to %s, but no server is mx_for %s", to, domain);
}

static void mails_check(struct deadmx_yaml *doc,
			const struct deadmx_scenario *s)
{
	for (size_t i = 0; i < s->mail_count; i++) {
		const struct deadmx_mail *mail = &s->mails[i];

		for (size_t j = 0; j < mail->to_count; j++)
			recipient_check(doc, &s->world, mail, mail->to[j]);
		if (mail->at_ns >= s->world.until_ns)
			deadmx_yaml_error(doc, &mail->place,
					  "see until in world",
					  "mail is sent after the end of the "
					  "run");
	}
}

static void ndrs_check(struct deadmx_yaml *doc, const struct deadmx_scenario *s)
{
	for (size_t i = 0; i < s->expect.ndr_count; i++) {
		const struct deadmx_expect_ndr *ndr = &s->expect.ndrs[i];
		bool found = !ndr->recipient;

		for (size_t j = 0; j < s->mail_count && !found; j++)
			for (size_t k = 0; k < s->mails[j].to_count; k++)
				found |= strcmp(s->mails[j].to[k],
						ndr->recipient) == 0;
		if (!found)
			deadmx_yaml_error(doc, &ndr->place, NULL,
					  "ndr, expected a recipient of the "
					  "mail, got %s",
					  ndr->recipient);
	}
}

static void failover_check(struct deadmx_yaml *doc,
			   const struct deadmx_scenario *s)
{
	const struct deadmx_expect *e = &s->expect;
	const char *words[DEADMX_SCENARIO_SERVERS_MAX];
	size_t count = s->world.server_count;

	for (size_t i = 0; i < count; i++)
		words[i] = s->world.servers[i].name;
	for (size_t i = 0; i < e->failover_host_count; i++) {
		const char *host = e->failover_hosts[i];
		bool found = false;

		for (size_t j = 0; j < count && !found; j++)
			found = strcasecmp(words[j], host) == 0;
		if (!found)
			deadmx_yaml_error(
				doc, &e->failover_place,
				deadmx_yaml_did_you_mean(doc, host, words,
							 count),
				"failover, expected a server of the world, got "
				"%.80s",
				host);
	}
}

/* --- senders' own servers ------------------------------------------------ */

static const char *implicit_name(struct deadmx_yaml *doc,
				 const struct deadmx_scenario *s,
				 const char *domain)
{
	char *name = deadmx_arena_printf(doc->arena, "mx.%s", domain);

	for (int i = 1; i <= DEADMX_SCENARIO_SERVERS_MAX; i++) {
		bool taken = false;

		for (size_t j = 0; j < s->world.server_count; j++)
			taken |=
				strcasecmp(s->world.servers[j].name, name) == 0;
		if (!taken)
			break;
		name = deadmx_arena_printf(doc->arena, "mx%d.%s", i, domain);
	}
	return name;
}

/*
 * Where the scenario is about TLS, the senders' servers offer it: an MTA that
 * must encrypt could not deliver its bounces otherwise.
 */
static unsigned implicit_extensions(const struct deadmx_world *world)
{
	for (size_t i = 0; i < world->server_count; i++)
		if (offers_tls(&world->servers[i]))
			return DEADMX_EXTENSIONS_DEFAULT |
			       1u << DEADMX_EXTENSION_STARTTLS;
	return DEADMX_EXTENSIONS_DEFAULT;
}

static bool implicit_add(struct deadmx_yaml *doc, struct deadmx_scenario *s,
			 const struct deadmx_mail *mail, const char *domain)
{
	struct deadmx_world *world = &s->world;
	struct deadmx_server *server = &world->servers[world->server_count];

	if (world->server_count == DEADMX_SCENARIO_SERVERS_MAX) {
		deadmx_yaml_error(doc, &mail->place, NULL,
				  "servers, expected at most %d with those of "
				  "the senders, got more",
				  DEADMX_SCENARIO_SERVERS_MAX);
		return false;
	}
	*server = (struct deadmx_server){
		.place = mail->place,
		.name = (char *)implicit_name(doc, s, domain),
		.address = address_assign(doc, world, "198.51.100."),
		.port = SCENARIO_SMTP_PORT,
		.preference = SCENARIO_PREFERENCE_STEP,
		.extensions = implicit_extensions(world),
		.implicit = true};
	server->mx_for = deadmx_arena_array(doc->arena, 1, sizeof(char *));
	server->mx_for[0] =
		deadmx_arena_copy(doc->arena, domain, strlen(domain));
	server->mx_for_count = 1;
	world->server_count++;
	return true;
}

/* Does a name say itself where mail for @domain goes, if only nowhere? */
static bool leads_on_purpose(const struct deadmx_world *world,
			     const char *domain)
{
	const struct deadmx_name *name = name_of(world, domain);

	return name && (name->records.given &
			(1u << DEADMX_RECORD_MX | 1u << DEADMX_RECORD_CNAME));
}

static void implicit_servers(struct deadmx_yaml *doc, struct deadmx_scenario *s,
			     const struct deadmx_server *link)
{
	struct deadmx_world *world = &s->world;
	struct deadmx_server *all;

	all = deadmx_arena_array(doc->arena, DEADMX_SCENARIO_SERVERS_MAX,
				 sizeof(*all));
	if (world->server_count)
		memcpy(all, world->servers, world->server_count * sizeof(*all));
	world->servers = all;
	for (size_t i = 0; i < s->mail_count; i++) {
		const char *domain = scenario_domain_of(s->mails[i].from);

		if (domain && !is_served(world, domain) &&
		    !leads_on_purpose(world, domain) &&
		    !implicit_add(doc, s, &s->mails[i], domain))
			return;
	}
	for (size_t i = 0; i < world->server_count; i++)
		if (world->servers[i].implicit)
			link_add(doc, link, &world->servers[i]);
}

/*
 * Checks that build on a faulty block are left out: they would only repeat
 * in other words what is wrong with it.
 */
void scenario_check(struct deadmx_yaml *doc, struct deadmx_scenario *s)
{
	const struct scenario_reader *reader = doc->user;

	if (!reader->bad_servers) {
		for (size_t i = 0; i < s->world.server_count; i++)
			link_add(doc, &reader->link, &s->world.servers[i]);
		addresses_check(doc, &s->world);
		addresses6_check(doc, &s->world);
		for (size_t i = 0; i < s->world.server_count; i++)
			faults_check(doc, &s->world, &s->world.servers[i]);
		for (size_t i = 0; i < s->world.server_count; i++)
			tls_check(doc, &s->world.servers[i]);
		scenario_relays_check(doc, &s->world);
	}
	if (!reader->bad_names)
		scenario_names_check(doc, &s->world);
	if (!reader->bad_servers && !reader->bad_names)
		scenario_names_lead(doc, &s->world);
	if (!reader->bad_servers && !reader->bad_names && !reader->bad_expect)
		control_check(doc, s);
	if (!reader->bad_servers && !reader->bad_names && !reader->bad_mail)
		mails_check(doc, s);
	if (!reader->bad_expect && !reader->bad_mail)
		ndrs_check(doc, s);
	if (!reader->bad_servers && !reader->bad_expect)
		failover_check(doc, s);
	if (!doc->error_count)
		implicit_servers(doc, s, &reader->link);
}
