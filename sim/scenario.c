/* SPDX-License-Identifier: MIT */
/*
 * Scenario files: from YAML to the tree of deadmx/scenario.h.
 *
 * Each mapping of the language is one table of keys; a handler reads one
 * value and collects what is wrong with it, so that one run over the file
 * finds all mistakes.
 */
#include "deadmx/scenario.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/scenario_matrix.h"
#include "sim/scenario_read.h"
#include "sim/scenario_source.h"
#include "sim/scenario_store.h"
#include "sim/scenario_window.h"

enum {
	CASES_SHOWN = 10, /* when one has to be named */
};

#define SETTLE_DEFAULT_NS (2 * 3600 * DEADMX_NS_PER_S)
#define START_DEFAULT_S	  INT64_C(1893456000) /* 2030-01-01T00:00:00Z */
#define SUBJECT_DEFAULT	  "A message from deadmx"
#define BODY_DEFAULT	  "This message was sent to see what becomes of it.\n"

/* --- words --------------------------------------------------------------- */

bool scenario_is_domain(const char *text)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	size_t len = strlen(text), label;

	if (len == 0 || len > 253)
		return false;
	for (;; text += label + 1) {
		label = strspn(text, ok);
		if (label < 1 || label > 63 || *text == '-' ||
		    text[label - 1] == '-')
			return false;
		if (text[label] != '.')
			return !text[label];
	}
}

const char *scenario_domain_of(const char *address)
{
	const char *at = strrchr(address, '@');

	return at && at != address && at[1] ? at + 1 : NULL;
}

static bool domain_read(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *node, char **ret)
{
	if (!deadmx_yaml_word(doc, node, ret))
		return false;
	if (scenario_is_domain(*ret))
		return true;
	deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node),
			  "a domain such as dest.example", NULL);
	return false;
}

static bool address_check(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, char *text)
{
	const char *domain = scenario_domain_of(text), *hint = NULL;

	if (strlen(text) <= DEADMX_ADDRESS_LEN_MAX && domain &&
	    scenario_is_domain(domain) && !strpbrk(text, " \t\r\n<>,;"))
		return true;
	if (strpbrk(text, "<>"))
		hint = "leave the angle brackets out";
	else if (domain && *domain == '[')
		hint = "addresses are reached by a domain here";
	deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node),
			  "a mail address such as bob@dest.example", hint);
	return false;
}

/* --- world --------------------------------------------------------------- */

static void server_address(struct deadmx_yaml *doc,
			   const struct deadmx_yaml_node *node, void *arg)
{
	static const uint32_t nets[] = {0xC0000200, 0xC6336400, 0xCB007100};
	struct deadmx_server *server = arg;
	struct in_addr in;
	char *text;

	if (!deadmx_yaml_word(doc, node, &text))
		return;
	if (inet_pton(AF_INET, text, &in) == 1)
		for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
			uint32_t host = ntohl(in.s_addr) & 0xFF;

			if ((ntohl(in.s_addr) & 0xFFFFFF00) == nets[i] &&
			    host > 0 && host < 255) {
				server->address = text;
				return;
			}
		}
	deadmx_yaml_wrong(doc, node, "address",
			  "an address in 192.0.2.0/24, 198.51.100.0/24 or "
			  "203.0.113.0/24",
			  "these are the networks for tests (RFC 5737)");
}

/* "yes" is left to the check: it takes the next free one. */
static void server_address6(struct deadmx_yaml *doc,
			    const struct deadmx_yaml_node *node, void *arg)
{
	static const uint8_t net[4] = {0x20, 0x01, 0x0d, 0xb8};
	struct deadmx_server *server = arg;
	char text[INET6_ADDRSTRLEN];
	struct in6_addr in;
	bool yes;

	if (deadmx_yaml_is(node, "yes") || deadmx_yaml_is(node, "no")) {
		if (deadmx_yaml_yes(doc, node, &yes) && yes)
			server->address6 = (char *)SCENARIO_ADDRESS6_ANY;
		return;
	}
	if (node->kind == DEADMX_YAML_TEXT &&
	    inet_pton(AF_INET6, node->text, &in) == 1 &&
	    memcmp(&in, net, sizeof(net)) == 0) {
		inet_ntop(AF_INET6, &in, text, sizeof(text));
		server->address6 =
			deadmx_arena_copy(doc->arena, text, strlen(text));
		return;
	}
	deadmx_yaml_wrong(doc, node, "address6",
			  "yes, or an address in 2001:db8::/32",
			  "this is the network for tests (RFC 3849)");
}

static void server_port(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_server *server = arg;
	int64_t port;

	if (deadmx_yaml_count(doc, node, 1, UINT16_MAX, &port))
		server->port = (uint16_t)port;
}

static void server_mx_for(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg)
{
	const struct deadmx_yaml_node *child = node;
	struct deadmx_server *server = arg;
	char *unused;

	if (!deadmx_yaml_texts(doc, node, &server->mx_for,
			       &server->mx_for_count))
		return;
	if (node->kind == DEADMX_YAML_TEXT) {
		domain_read(doc, node, &unused);
		return;
	}
	/* None: a server that nobody finds by MX, such as a backend. */
	for (child = node->first; child; child = child->next)
		domain_read(doc, child, &unused);
}

static void server_preference(struct deadmx_yaml *doc,
			      const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_server *server = arg;
	int64_t preference;

	if (deadmx_yaml_count(doc, node, 0, UINT16_MAX, &preference))
		server->preference = (uint16_t)preference;
}

static void server_certificate(struct deadmx_yaml *doc,
			       const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_server *server = arg;

	scenario_read_certificate(doc, node, &server->certificate);
}

static const struct deadmx_yaml_key server_keys[] = {
	{"address", server_address,
	 "IPv4 address (default: the next free one from 192.0.2.10 on)", false,
	 "ip4"},
	{"address6", server_address6,
	 "IPv6 address, or yes: the next free one from 2001:db8::10 on "
	 "(default none)",
	 false, "yes|ip6"},
	{"port", server_port, "TCP port (default 25)", false, "count 1..65535"},
	{"mx_for", server_mx_for,
	 "the domain, or a list of domains, whose mail it takes, [] for none "
	 "(default: its name without the first label)",
	 false, "domain|list domain"},
	{"preference", server_preference,
	 "MX preference (default 10, 20, … in the order of the file)", false,
	 "count 0..65535"},
	{"extensions", scenario_server_extensions,
	 "ESMTP extensions that it offers; none: it knows HELO only (default "
	 "all but AUTH, and STARTTLS only where a certificate or a stage "
	 "starttls or tls is told of)",
	 false, SCENARIO_EXTENSIONS_TYPE},
	{"size", scenario_server_size,
	 "bytes of the largest message that it takes (default 10MiB)", false,
	 "bytes"},
	{"greylist", scenario_server_greylist,
	 "puts off at RCPT what it doesn't know yet (default no)", false,
	 "table greylist|empty"},
	{"limits", scenario_server_limits,
	 "what it takes at most, at once and in all (default no limits)", false,
	 "table limits"},
	{"certificate", server_certificate,
	 "what it shows in TLS (default: a good one with its name)", false,
	 "table certificate"},
	{"relay", scenario_read_relay,
	 "a frontend: it hands mail on at once, to this backend (default: it "
	 "takes it itself)",
	 false, "word|list word|table relay"},
	{"timeline", scenario_read_timeline,
	 "what is broken, and when (default nothing)", false,
	 "list table timeline"},
	{0},
};

static void server_read(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *node,
			struct deadmx_server *server)
{
	*server =
		(struct deadmx_server){.place = node->key->place,
				       .name = node->key->text,
				       .port = SCENARIO_SMTP_PORT,
				       .extensions = DEADMX_EXTENSIONS_DEFAULT};
	for (const struct deadmx_yaml_key *k = server_keys; k->word; k++)
		if (strcmp(k->word, server->name) == 0) {
			deadmx_yaml_error(doc, &node->key->place,
					  "indent it deeper than the server's "
					  "name",
					  "\"%s\" stands where a server's name "
					  "was expected",
					  k->word);
			return;
		}
	if (!scenario_is_domain(server->name) || !strchr(server->name, '.'))
		deadmx_yaml_wrong(doc, node->key, "server",
				  "a host name such as mx.dest.example", NULL);
	/* "mx.dest.example:" with nothing behind it: all by default. */
	if (deadmx_yaml_is_empty(node))
		return;
	deadmx_yaml_map(doc, node, "server", server_keys, server);
	/* Who speaks of TLS wants it to be offered. */
	if (node->kind == DEADMX_YAML_MAP &&
	    !deadmx_yaml_get(node, "extensions") && scenario_has_tls(server))
		server->extensions |= 1u << DEADMX_EXTENSION_STARTTLS;
}

static void mx_for_default(struct deadmx_yaml *doc,
			   struct deadmx_server *server)
{
	char *dot = strchr(server->name, '.');

	/* One error is enough for what is no name at all. */
	if (!scenario_is_domain(server->name) || !dot)
		return;
	if (!strchr(dot + 1, '.')) {
		deadmx_yaml_error(doc, &server->place, "add mx_for: …",
				  "server %.80s, expected a host in a domain "
				  "such as mx.dest.example, or mx_for",
				  server->name);
		return;
	}
	server->mx_for = deadmx_arena_array(doc->arena, 1, sizeof(char *));
	server->mx_for[0] = dot + 1;
	server->mx_for_count = 1;
}

/* 10, 20, … among the servers of its first domain. */
static void preference_default(struct deadmx_world *world, size_t index)
{
	struct deadmx_server *server = &world->servers[index];
	int preference = SCENARIO_PREFERENCE_STEP;

	if (!server->mx_for_count)
		return;
	for (size_t i = 0; i < index; i++)
		if (scenario_serves(&world->servers[i], server->mx_for[0]))
			preference += SCENARIO_PREFERENCE_STEP;
	server->preference = (uint16_t)preference;
}

static void world_servers(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg)
{
	struct scenario_reader *reader = doc->user;
	const struct deadmx_yaml_node *child;
	struct deadmx_world *world = arg;
	size_t before = doc->error_count;

	if (node->kind != DEADMX_YAML_MAP || !node->count) {
		deadmx_yaml_wrong(doc, node, "servers",
				  "a map (host name: server)",
				  node->kind == DEADMX_YAML_LIST
					  ? "write mx.dest.example: instead of "
					    "- mx.dest.example"
					  : NULL);
		return;
	}
	if (node->count > DEADMX_SCENARIO_SERVERS_MAX) {
		deadmx_yaml_error(doc, &node->place, NULL,
				  "servers, expected at most %d, got %zu",
				  DEADMX_SCENARIO_SERVERS_MAX, node->count);
		return;
	}
	world->servers = deadmx_arena_array(doc->arena, node->count,
					    sizeof(*world->servers));
	for (child = node->first; child; child = child->next) {
		size_t i = world->server_count++;

		server_read(doc, child, &world->servers[i]);
		if (child->kind != DEADMX_YAML_MAP ||
		    !deadmx_yaml_get(child, "mx_for"))
			mx_for_default(doc, &world->servers[i]);
		if (child->kind != DEADMX_YAML_MAP ||
		    !deadmx_yaml_get(child, "preference"))
			preference_default(world, i);
	}
	reader->bad_servers = doc->error_count > before;
}

static void world_start(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_world *world = arg;

	if (node->kind == DEADMX_YAML_TEXT &&
	    deadmx_date_parse(node->text, &world->start_unix_s) == 0)
		return;
	deadmx_yaml_wrong(doc, node, "start",
			  "a date from 1970 to 2100 such as "
			  "2030-01-01T00:00:00Z",
			  NULL);
}

static void world_until(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_world *world = arg;

	world->until_place = node->place;
	if (scenario_moment_read(doc, node, &world->until_ns,
				 &world->until_expiry) &&
	    !world->until_expiry.is_set && world->until_ns == 0)
		deadmx_yaml_wrong(doc, node, "until", "a time above 0", NULL);
}

static void world_settle(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_world *world = arg;

	deadmx_yaml_duration(doc, node, &world->settle_ns);
}

static void world_seed(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_world *world = arg;
	int64_t seed;

	if (deadmx_yaml_count(doc, node, 0, UINT32_MAX, &seed))
		world->seed = (uint64_t)seed;
}

static const struct deadmx_yaml_key link_keys[] = {
	{"timeline", scenario_read_timeline,
	 "what is broken on the way to all servers, and when", true,
	 "list table timeline"},
	{0},
};

/* Our own line: its rows stand before those of each server. */
static void world_link(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	struct scenario_reader *reader = doc->user;

	reader->link.name = "link";
	reader->link.place = node->key->place;
	deadmx_yaml_map(doc, node, "link", link_keys, &reader->link);
	for (size_t i = 0; i < reader->link.fault_count; i++) {
		const struct deadmx_fault *f = &reader->link.faults[i];

		if (f->stage != DEADMX_STAGE_CONNECT)
			deadmx_yaml_error(doc, &f->place,
					  "what a server says stands in its "
					  "own timeline",
					  "link, expected connect, got %s",
					  deadmx_stage_word(f->stage));
	}
}

static const struct deadmx_yaml_key world_keys[] = {
	{"start", world_start,
	 "the virtual date at which the run begins, UTC (default "
	 "2030-01-01T00:00:00Z)",
	 false, "date"},
	{"until", world_until,
	 "the run ends here at the latest (default 7d, or expiry+2d "
	 "when that is later)",
	 false, "moment"},
	{"settle", world_settle,
	 "how long it is watched on when all mail has ended (default 2h)",
	 false, "duration"},
	{"seed", world_seed,
	 "what the lots of rows with a probability are drawn from (default 0)",
	 false, "count 0..4294967295"},
	{"link", world_link,
	 "the line that all connections go by (default: nothing is broken)",
	 false, "table link"},
	{"names", scenario_read_names,
	 "what DNS says of a name, by name (default: what the servers need)",
	 false, "map (table name|empty)"},
	{"servers", world_servers,
	 "the mail servers, by host name (required where there are no names)",
	 false, "map (table server|empty)"},
	{0},
};

/* --- mail ---------------------------------------------------------------- */

static void mail_from(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_mail *mail = arg;

	if (deadmx_yaml_is_empty(node)) {
		deadmx_yaml_wrong(doc, node, "from", "a mail address",
				  "the null reverse-path is written \"\"");
		return;
	}
	if (deadmx_yaml_text(doc, node, &mail->from) && *mail->from)
		address_check(doc, node, mail->from);
}

static void mail_to(struct deadmx_yaml *doc,
		    const struct deadmx_yaml_node *node, void *arg)
{
	const struct deadmx_yaml_node *child = node;
	struct deadmx_mail *mail = arg;

	if (node->kind == DEADMX_YAML_LIST &&
	    (node->count < 1 || node->count > DEADMX_SCENARIO_RECIPIENTS_MAX)) {
		deadmx_yaml_error(doc, &node->place, NULL,
				  "to, expected 1 to %d addresses, got %zu",
				  DEADMX_SCENARIO_RECIPIENTS_MAX, node->count);
		return;
	}
	if (!deadmx_yaml_texts(doc, node, &mail->to, &mail->to_count))
		return;
	if (node->kind == DEADMX_YAML_LIST)
		child = node->first;
	for (size_t i = 0; i < mail->to_count; i++, child = child->next) {
		address_check(doc, child, mail->to[i]);
		for (size_t j = 0; j < i; j++)
			if (strcmp(mail->to[i], mail->to[j]) == 0)
				deadmx_yaml_error(doc, &child->place, NULL,
						  "to, expected each address "
						  "once, got %s twice",
						  mail->to[i]);
	}
}

static void mail_at(struct deadmx_yaml *doc,
		    const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_mail *mail = arg;

	deadmx_yaml_duration(doc, node, &mail->at_ns);
}

static void mail_retry(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_mail *mail = arg;

	if (deadmx_yaml_duration(doc, node, &mail->retry_ns) &&
	    mail->retry_ns == 0)
		deadmx_yaml_wrong(doc, node, "retry", "a time above 0", NULL);
}

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	return false;
}

static void mail_subject(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_mail *mail = arg;

	if (deadmx_yaml_text(doc, node, &mail->subject) &&
	    has_control(mail->subject))
		deadmx_yaml_wrong(doc, node, "subject", "one line of text",
				  NULL);
}

static void mail_body(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_mail *mail = arg;

	deadmx_yaml_text(doc, node, &mail->body);
}

static void mail_size(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_mail *mail = arg;

	deadmx_yaml_bytes(doc, node, 1, DEADMX_MESSAGE_BYTES_MAX, &mail->size);
}

static void mail_via(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_mail *mail = arg;

	mail->via_said = true;
	mail->via_sendmail = deadmx_yaml_is(node, "sendmail");
	if (!mail->via_sendmail && !deadmx_yaml_is(node, "smtp"))
		deadmx_yaml_wrong(doc, node, "via", "smtp or sendmail", NULL);
}

/* RFC 3461, section 4.1: NEVER stands alone. */
static void mail_notify(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *node, void *arg)
{
	static const char *const words[] = {"NEVER", "SUCCESS", "FAILURE",
					    "DELAY"};
	struct deadmx_mail *mail = arg;
	char **texts = NULL, *joined = "";
	bool ok, never = false;
	size_t count = 0;

	ok = !deadmx_yaml_is_empty(node) &&
	     deadmx_yaml_texts(doc, node, &texts, &count) && count > 0;
	for (size_t i = 0; ok && i < count; i++) {
		size_t w = 0;

		while (w < 4 && strcmp(texts[i], words[w]) != 0)
			w++;
		never |= w == 0;
		ok = w < 4 && !strstr(joined, texts[i]) && !(never && i > 0);
		joined = deadmx_arena_printf(doc->arena, "%s%s%s", joined,
					     i ? "," : "", texts[i]);
	}
	if (ok)
		mail->notify = joined;
	else
		deadmx_yaml_wrong(doc, node, "notify",
				  "NEVER, or a list of SUCCESS, FAILURE and "
				  "DELAY",
				  "write [FAILURE, DELAY]");
}

static void mail_ret(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_mail *mail = arg;

	if (deadmx_yaml_is(node, "FULL") || deadmx_yaml_is(node, "HDRS"))
		mail->ret = node->text;
	else
		deadmx_yaml_wrong(doc, node, "ret", "FULL or HDRS", NULL);
}

static void mail_envid(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	const size_t max = 100; /* characters, RFC 3461, section 4.4 */
	struct deadmx_mail *mail = arg;

	if (!deadmx_yaml_word(doc, node, &mail->envid))
		return;
	for (const char *p = mail->envid; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || *p == '=' ||
		    (size_t)(p - mail->envid) >= max) {
			deadmx_yaml_wrong(doc, node, "envid",
					  "up to 100 printable characters "
					  "without blanks and =",
					  NULL);
			return;
		}
}

/* RFC 3461, section 4.2: address-type ";" xtext. */
static void mail_orcpt(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	const size_t max = 500; /* characters */
	struct deadmx_mail *mail = arg;
	const char *p;

	if (!deadmx_yaml_word(doc, node, &mail->orcpt))
		return;
	for (p = mail->orcpt; *p > ' ' && *p < 0x7f && *p != '='; p++)
		;
	if (*p || (size_t)(p - mail->orcpt) > max ||
	    !strchr(mail->orcpt, ';') || mail->orcpt[0] == ';')
		deadmx_yaml_wrong(doc, node, "orcpt",
				  "a type and an address such as "
				  "rfc822;bob@dest.example",
				  NULL);
}

/*
 * RFC 2852, section 4: seconds ";" R or N, and perhaps T. With N the time may
 * be over already; what is wrong with R is the MTA's to refuse.
 */
static void mail_by(struct deadmx_yaml *doc,
		    const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_mail *mail = arg;
	const char *number;
	size_t digits;

	if (!deadmx_yaml_word(doc, node, &mail->by))
		return;
	number = mail->by + (mail->by[0] == '-' || mail->by[0] == '+');
	digits = strspn(number, "0123456789");
	if (digits < 1 || digits > 9 ||
	    (strcmp(number + digits, ";R") != 0 &&
	     strcmp(number + digits, ";N") != 0 &&
	     strcmp(number + digits, ";RT") != 0 &&
	     strcmp(number + digits, ";NT") != 0))
		deadmx_yaml_wrong(doc, node, "by",
				  "seconds and R or N such as 600;R", NULL);
}

static const struct deadmx_yaml_key mail_keys[] = {
	{"from", mail_from, "the sender; \"\" is the null reverse-path", true,
	 "address|''"},
	{"to", mail_to, "the recipient, or a list of recipients", true,
	 "address|list address"},
	{"at", mail_at, "when it is sent (default 0s)", false, "duration"},
	{"retry", mail_retry,
	 "when the MTA does not take it for now, it is handed over again after "
	 "this, until it is taken (default: once only)",
	 false, "duration"},
	{"subject", mail_subject, "its subject (default: a plain one)", false,
	 "text"},
	{"body", mail_body, "its text (default: one line)", false, "text"},
	{"size", mail_size,
	 "lines are added to the body until it has so many bytes (default: "
	 "none)",
	 false, "bytes"},
	{"via", mail_via,
	 "smtp, or sendmail: the MTA's own command (default smtp)", false,
	 "'smtp'|'sendmail'"},
	{"notify", mail_notify,
	 "DSN: NEVER, or a list of SUCCESS, FAILURE, DELAY (default: not sent)",
	 false,
	 "'NEVER'|'SUCCESS'|'FAILURE'|'DELAY'|list "
	 "('NEVER'|'SUCCESS'|'FAILURE'|'DELAY')"},
	{"ret", mail_ret, "DSN: FULL or HDRS (default: not sent)", false,
	 "'FULL'|'HDRS'"},
	{"envid", mail_envid, "DSN: envelope id (default: not sent)", false,
	 "word"},
	{"orcpt", mail_orcpt,
	 "DSN: original recipient, such as rfc822;bob@dest.example (default: "
	 "not sent)",
	 false, "word"},
	{"by", mail_by,
	 "DELIVERBY: seconds and mode, such as 600;R or 600;N (default: not "
	 "sent)",
	 false, "word"},
	{0},
};

static void read_mail(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	const struct deadmx_yaml_node *child = node;
	struct scenario_reader *reader = doc->user;
	struct deadmx_scenario *s = arg;
	size_t count = 1, before = doc->error_count;
	uint64_t size = 0;

	if (node->kind == DEADMX_YAML_LIST) {
		child = node->first;
		count = node->count;
	}
	if (count < 1 || count > DEADMX_SCENARIO_MAILS_MAX) {
		deadmx_yaml_error(doc, &node->place, NULL,
				  "mail, expected 1 to %d messages, got %zu",
				  DEADMX_SCENARIO_MAILS_MAX, count);
		return;
	}
	s->mails = deadmx_arena_array(doc->arena, count, sizeof(*s->mails));
	for (; count--; child = child->next) {
		struct deadmx_mail *mail = &s->mails[s->mail_count++];

		*mail = (struct deadmx_mail){.place = child->place,
					     .from = "",
					     .subject = SUBJECT_DEFAULT,
					     .body = BODY_DEFAULT};
		deadmx_yaml_map(doc, child, "mail", mail_keys, mail);
		size += mail->size;
	}
	if (size > DEADMX_SCENARIO_SIZES_MAX)
		deadmx_yaml_error(doc, &node->place, NULL,
				  "mail, expected sizes of %d bytes in all at "
				  "most, got %ju",
				  DEADMX_SCENARIO_SIZES_MAX, (uintmax_t)size);
	reader->bad_mail = doc->error_count > before;
}

/* --- the whole ----------------------------------------------------------- */

static void read_description(struct deadmx_yaml *doc,
			     const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_scenario *s = arg;

	deadmx_yaml_word(doc, node, &s->description);
}

static void read_tags(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_scenario *s = arg;

	if (!deadmx_yaml_texts(doc, node, &s->tags, &s->tag_count))
		return;
	for (size_t i = 0; i < s->tag_count; i++)
		if (s->tags[i][0] == '!' || strpbrk(s->tags[i], ", \t\n"))
			deadmx_yaml_error(doc, &node->place,
					  "they are words for --filter",
					  "tags, expected words without "
					  "blanks, commas and !, got \"%.60s\"",
					  s->tags[i]);
}

static void read_settings(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg)
{
	const struct deadmx_yaml_node *child;
	struct deadmx_scenario *s = arg;
	struct deadmx_setting *setting;

	if (node->kind != DEADMX_YAML_MAP) {
		deadmx_yaml_wrong(doc, node, "settings", "a map (name: value)",
				  NULL);
		return;
	}
	s->settings = deadmx_arena_array(doc->arena, node->count,
					 sizeof(*s->settings));
	for (child = node->first; child; child = child->next) {
		setting = &s->settings[s->setting_count++];
		setting->name = child->key->text;
		setting->place = child->key->place;
		deadmx_yaml_setting(doc, child, &setting->value);
	}
}

static void read_world(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	struct scenario_reader *reader = doc->user;
	struct deadmx_scenario *s = arg;

	if (!deadmx_yaml_map(doc, node, "world", world_keys, &s->world) ||
	    deadmx_yaml_get(node, "servers"))
		return;
	/* Names may say that there is no server. */
	if (deadmx_yaml_get(node, "names"))
		reader->bad_servers = false;
	else if (!deadmx_yaml_is_misspelt(node, world_keys, "servers"))
		deadmx_yaml_error(doc, &node->place,
				  "the mail servers, by host name",
				  "\"servers\" is missing in world");
}

/* Read before the others, in scenario_source.c, _matrix.c and _reply.c. */
static void read_before(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *node, void *arg)
{
	(void)doc;
	(void)node;
	(void)arg;
}

static const struct deadmx_yaml_key scenario_keys[] = {
	{"include", read_before,
	 "a file, or a list of files, to build on (default none)", false,
	 "word|list word"},
	{"matrix", read_before,
	 "names with their values: the file stands for a case for each "
	 "combination (default none)",
	 false, "map (list text|map (text|map text))"},
	{"replies", read_before,
	 "replies of your own, by name, or a file with them (default none)",
	 false, "map (table replies|reply)|word|list word"},
	{"description", read_description,
	 "one or two sentences: what is broken and why it matters", true,
	 "word"},
	{"tags", read_tags, "words to select scenarios by (default none)",
	 false, "word|list word"},
	{"settings", read_settings,
	 "overrides of the target's settings, by name (default none)", false,
	 "map text"},
	{"world", read_world, "what is broken, and when", true, "table world"},
	{"mail", read_mail, "what is sent, and when: one message or a list",
	 true, "table mail|list table mail"},
	{"mta", scenario_read_mta,
	 "what is done to the MTA itself, and when: one step or a list "
	 "(default none)",
	 false, "table mta|list table mta"},
	{"expect", scenario_read_expect, "what must happen", true,
	 "table expect"},
	{0},
};

const struct scenario_table scenario_tables[] = {
	{"scenario", scenario_keys},
	{"world", world_keys},
	{"link", link_keys},
	{"server", server_keys},
	{"timeline", scenario_row_keys},
	{"stage", scenario_stage_keys},
	{"relay", scenario_relay_keys},
	{"relay_timeline", scenario_relay_row_keys},
	{"name", scenario_name_keys},
	{"name_timeline", scenario_name_row_keys},
	{"tls", scenario_tls_keys},
	{"certificate", scenario_certificate_keys},
	{"greylist", scenario_greylist_keys},
	{"limits", scenario_limits_keys},
	{"replies", reply_catalogue_own_keys},
	{"mail", mail_keys},
	{"mta", scenario_mta_keys},
	{"expect", scenario_expect_keys},
	{"check", scenario_check_keys},
	{"first_attempts", scenario_first_keys},
	{"delay_notice", scenario_notice_keys},
	{"ndr", scenario_ndr_keys},
	{"delivered", scenario_delivered_keys},
	{0},
};

/* Where a key belongs that stands in the wrong map. */
static const char *key_home(struct deadmx_yaml *doc, const char *word)
{
	const char *homes = NULL;

	for (const struct scenario_table *t = scenario_tables; t->name; t++)
		for (const struct deadmx_yaml_key *k = t->keys; k->word; k++)
			if (strcmp(k->word, word) == 0)
				homes = deadmx_arena_printf(
					doc->arena, "%s%s",
					homes ? deadmx_arena_printf(doc->arena,
								    "%s or ",
								    homes)
					      : "it belongs into ",
					t->name);
	return homes;
}

/* offline/refused_expires from scenarios/offline/refused_expires.yml. */
static char *name_from_path(struct deadmx_arena *arena, const char *path)
{
	const char *file = strrchr(path, '/'), *folder, *dot;

	file = file ? file + 1 : path;
	dot = strrchr(file, '.');
	if (!dot || dot == file)
		dot = file + strlen(file);
	folder = file;
	if (file - path >= 2) {
		folder = file - 1;
		while (folder > path && folder[-1] != '/')
			folder--;
		if (folder[0] == '.')
			folder = file;
	}
	return deadmx_arena_copy(arena, folder, (size_t)(dot - folder));
}

/* Where a scenario comes from. */
struct input {
	const char *name;   /* in errors */
	const char *path;   /* on disk, for what it includes; NULL = nowhere */
	const char *stored; /* folder with its places, or NULL */
	const char *text;
	size_t len;
};

/* Read one case; NULL when it is too large, else perhaps with errors. */
static struct deadmx_scenario *case_read(struct deadmx_yaml *doc,
					 const struct input *in,
					 struct scenario_matrix *matrix,
					 size_t index, bool as_text)
{
	struct scenario_reader *reader = doc->user;
	struct deadmx_scenario *s = deadmx_arena_alloc(doc->arena, sizeof(*s));
	struct deadmx_yaml_node *root;

	s->arena = doc->arena;
	s->file = deadmx_arena_copy(doc->arena, in->name, strlen(in->name));
	s->name = name_from_path(doc->arena, in->name);
	if (matrix->axis_count) {
		s->case_name = deadmx_arena_copy(doc->arena, doc->case_name,
						 strlen(doc->case_name));
		s->name = deadmx_arena_printf(doc->arena, "%s/%s", s->name,
					      s->case_name);
	}
	s->world.start_unix_s = START_DEFAULT_S;
	s->world.settle_ns = SETTLE_DEFAULT_NS;
	root = scenario_matrix_case(doc, matrix, index);
	if (!root)
		return NULL;
	*reader = (struct scenario_reader){.catalogue = reader->catalogue,
					   .has_expiry = true,
					   .bad_servers = true,
					   .bad_mail = true,
					   .bad_expect = true};
	if (root->kind == DEADMX_YAML_MAP)
		scenario_read_replies(doc, deadmx_yaml_get(root, "replies"));
	s->replies = reader->own;
	s->reply_count = reader->own_count;
	deadmx_yaml_map(doc, root, "scenario", scenario_keys, s);
	scenario_expiry_guess(doc, s);
	scenario_check(doc, s);
	scenario_store_keep(doc, s, root, as_text ? in->text : NULL, in->len);
	return s;
}

/* Every case in an arena of its own; errors end it when there are enough. */
static void cases_read(struct deadmx_yaml *doc, const struct input *in,
		       struct scenario_matrix *matrix, bool as_text,
		       struct deadmx_scenario_list *list)
{
	struct scenario_reader reader = {0};
	struct deadmx_scenario *s;

	doc->user = &reader;
	list->cases = calloc(matrix->case_count, sizeof(*list->cases));
	if (!list->cases)
		abort();
	for (size_t i = 0; i < matrix->case_count; i++) {
		if (matrix->axis_count) {
			doc->case_count = i + 1;
			doc->case_name = scenario_matrix_name(doc, matrix, i);
		}
		doc->arena = deadmx_arena_new();
		s = case_read(doc, in, matrix, i, as_text);
		if (!s) {
			deadmx_arena_free(doc->arena);
			break;
		}
		list->cases[list->count++] = s;
		if (doc->error_count >= DEADMX_SCENARIO_ERRORS_MAX)
			break;
	}
	doc->arena = doc->keep;
	reply_catalogue_free(reader.catalogue);
	if (!doc->error_count)
		scenario_matrix_finish(doc, matrix);
}

static int input_read(struct deadmx_arena *arena, const struct input *in,
		      FILE *errors, struct deadmx_scenario_list *list)
{
	struct scenario_matrix matrix;
	struct deadmx_yaml doc;
	bool is_more;
	int r;

	r = deadmx_yaml_parse(&doc, arena, in->name, in->text, in->len, errors);
	if (r == 0 && in->stored)
		r = scenario_store_places(&doc, in->stored);
	if (r < 0)
		return r;
	doc.home = key_home;
	/* A run's own copy: they were shown when the run began. */
	doc.hides_warnings = in->stored != NULL;
	is_more = scenario_source_complete(&doc, in->path);
	if (scenario_matrix_read(&doc, &matrix))
		cases_read(&doc, in, &matrix, !is_more && !matrix.axis_count,
			   list);
	return deadmx_yaml_finish(&doc);
}

static int input_load(struct deadmx_arena *arena, const struct input *in,
		      FILE *errors, struct deadmx_scenario_list *ret)
{
	struct deadmx_scenario_list list = {0};
	int r = input_read(arena, in, errors, &list);

	if (r < 0)
		deadmx_scenario_list_release(&list);
	else
		*ret = list;
	return r;
}

static int path_load(const char *path, const char *name, const char *stored,
		     FILE *errors, struct deadmx_scenario_list *ret)
{
	struct deadmx_arena *arena = deadmx_arena_new();
	struct input in = {.name = name, .path = path, .stored = stored};
	char *text;
	int r;

	r = deadmx_yaml_read_file(arena, path, errors, &text, &in.len);
	in.text = text;
	if (r == 0)
		r = input_load(arena, &in, errors, ret);
	deadmx_arena_free(arena);
	return r;
}

int deadmx_scenario_load_all(const char *path, FILE *errors,
			     struct deadmx_scenario_list *ret)
{
	return path_load(path, path, NULL, errors, ret);
}

void deadmx_scenario_list_release(struct deadmx_scenario_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		deadmx_scenario_free(list->cases[i]);
	free(list->cases);
	*list = (struct deadmx_scenario_list){0};
}

/* --- one case ------------------------------------------------------------ */

static void case_missing(const struct deadmx_scenario_list *list,
			 const char *name, FILE *errors)
{
	const struct deadmx_scenario *first = list->cases[0];

	if (!errors)
		return;
	if (!first->case_name) {
		fprintf(errors, "%s: no case %s: the file has no matrix\n",
			first->file, name);
		return;
	}
	fprintf(errors,
		"%s: expected the name of a case, got %s; it has:", first->file,
		name ? name : "none");
	for (size_t i = 0; i < list->count && i < CASES_SHOWN; i++)
		fprintf(errors, " %s", list->cases[i]->case_name);
	fputs(list->count > CASES_SHOWN ? " …\n" : "\n", errors);
}

/* Take the case out of the list, which is released. */
static int case_take(struct deadmx_scenario_list *list, const char *name,
		     FILE *errors, struct deadmx_scenario **ret)
{
	int r = -EINVAL;

	for (size_t i = 0; i < list->count && r < 0; i++) {
		const char *own = list->cases[i]->case_name;

		if (!own != !name || (own && strcmp(own, name) != 0))
			continue;
		*ret = list->cases[i];
		list->cases[i] = NULL;
		r = 0;
	}
	if (r < 0)
		case_missing(list, name, errors);
	deadmx_scenario_list_release(list);
	return r;
}

int deadmx_scenario_load_case(const char *path, const char *name, FILE *errors,
			      struct deadmx_scenario **ret)
{
	struct deadmx_scenario_list list;
	int r = deadmx_scenario_load_all(path, errors, &list);

	return r < 0 ? r : case_take(&list, name, errors, ret);
}

int deadmx_scenario_load(const char *path, FILE *errors,
			 struct deadmx_scenario **ret)
{
	return deadmx_scenario_load_case(path, NULL, errors, ret);
}

int deadmx_scenario_parse(const char *name, const char *text, size_t len,
			  FILE *errors, struct deadmx_scenario **ret)
{
	struct deadmx_arena *arena = deadmx_arena_new();
	struct input in = {.name = name, .text = text, .len = len};
	struct deadmx_scenario_list list;
	int r;

	r = input_load(arena, &in, errors, &list);
	deadmx_arena_free(arena);
	return r < 0 ? r : case_take(&list, NULL, errors, ret);
}

int deadmx_scenario_load_stored(const char *dir, const char *file, FILE *errors,
				struct deadmx_scenario **ret)
{
	struct deadmx_scenario_list list;
	char *path = NULL;
	int r;

	if (asprintf(&path, "%s/%s", dir, SCENARIO_STORE_FILE) < 0)
		abort();
	r = path_load(path, file ? file : path, dir, errors, &list);
	free(path);
	return r < 0 ? r : case_take(&list, NULL, errors, ret);
}

void deadmx_scenario_free(struct deadmx_scenario *scenario)
{
	if (scenario)
		deadmx_arena_free(scenario->arena);
}

const struct deadmx_server *
deadmx_scenario_server(const struct deadmx_scenario *s, const char *name)
{
	for (size_t i = 0; i < s->world.server_count; i++) {
		const struct deadmx_server *server = &s->world.servers[i];

		if (strcasecmp(server->name, name) == 0 ||
		    strcmp(server->address, name) == 0 ||
		    (server->address6 && strcmp(server->address6, name) == 0))
			return server;
	}
	return NULL;
}

const struct deadmx_server *
deadmx_scenario_server_at(const struct deadmx_scenario *s, const char *address,
			  uint16_t port)
{
	for (size_t i = 0; i < s->world.server_count; i++) {
		const struct deadmx_server *server = &s->world.servers[i];

		if ((strcmp(server->address, address) == 0 ||
		     (server->address6 &&
		      strcmp(server->address6, address) == 0)) &&
		    server->port == port)
			return server;
	}
	return NULL;
}
