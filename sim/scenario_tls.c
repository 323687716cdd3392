/* SPDX-License-Identifier: MIT */
/*
 * Certificates in scenarios: what a server shows, and what stage tls does.
 */
#include "sim/scenario_read.h"

#include <string.h>
#include <strings.h>

/* A certificate, and where its dates stand while it is read. */
struct certificate_reader {
	struct deadmx_certificate *certificate;
	const struct deadmx_yaml_node *until;
};

static bool is_certificate_name(const char *text)
{
	if (strncmp(text, "*.", 2) == 0)
		text += 2;
	return scenario_is_domain(text);
}

static void certificate_names(struct deadmx_yaml *doc,
			      const struct deadmx_yaml_node *node, void *arg)
{
	struct certificate_reader *r = arg;
	struct deadmx_certificate *c = r->certificate;
	const struct deadmx_yaml_node *child =
		node->kind == DEADMX_YAML_LIST ? node->first : node;

	if (node->kind == DEADMX_YAML_LIST &&
	    (node->count < 1 || node->count > DEADMX_CERTIFICATE_NAMES_MAX)) {
		deadmx_yaml_error(doc, &node->place, NULL,
				  "names, expected 1 to %d, got %zu",
				  DEADMX_CERTIFICATE_NAMES_MAX, node->count);
		return;
	}
	if (!deadmx_yaml_texts(doc, node, &c->names, &c->name_count))
		return;
	for (size_t i = 0; i < c->name_count; i++, child = child->next)
		if (!is_certificate_name(c->names[i]))
			deadmx_yaml_wrong(doc, child, "names",
					  "a host name such as mx.dest.example "
					  "or *.dest.example",
					  NULL);
}

/* A time on the timeline that may lie before the run: -10d. */
static bool date_read(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, int64_t *ret_ns)
{
	struct deadmx_yaml_node rest = *node;
	bool before = node->kind == DEADMX_YAML_TEXT && node->text[0] == '-';

	if (before) {
		rest.text++;
		rest.len--;
	}
	if (!deadmx_yaml_duration(doc, &rest, ret_ns))
		return false;
	if (before)
		*ret_ns = -*ret_ns;
	return true;
}

static void certificate_from(struct deadmx_yaml *doc,
			     const struct deadmx_yaml_node *node, void *arg)
{
	struct certificate_reader *r = arg;

	date_read(doc, node, &r->certificate->from_ns);
}

static void certificate_until(struct deadmx_yaml *doc,
			      const struct deadmx_yaml_node *node, void *arg)
{
	struct certificate_reader *r = arg;

	if (date_read(doc, node, &r->certificate->until_ns))
		r->until = node;
}

static void certificate_issuer(struct deadmx_yaml *doc,
			       const struct deadmx_yaml_node *node, void *arg)
{
	/* clang-format off */
	static const char *const words[] = {
#define XX(uc, word, doc) [DEADMX_ISSUER_##uc] = word,
		DEADMX_ISSUER_MAP(XX)
#undef XX
	};
	/* clang-format on */
	struct certificate_reader *r = arg;

	for (int i = 0; i < DEADMX_ISSUER_COUNT; i++)
		if (deadmx_yaml_is(node, words[i])) {
			r->certificate->issuer = (enum deadmx_issuer)i;
			return;
		}
	deadmx_yaml_wrong(
		doc, node, "issuer", "trusted, untrusted or self",
		node->kind == DEADMX_YAML_TEXT
			? deadmx_yaml_did_you_mean(doc, node->text, words,
						   DEADMX_ISSUER_COUNT)
			: NULL);
}

#define XX(uc, word, doc) "'" word "'|"
const struct deadmx_yaml_key scenario_certificate_keys[] = {
	{"names", certificate_names,
	 "host name, or a list of them, *.dest.example too (default: the "
	 "server's name)",
	 false, "word|list word"},
	{"from", certificate_from,
	 "when it begins to be valid, on the timeline; -10d lies before the "
	 "run (default -30d)",
	 false, "offset"},
	{"until", certificate_until,
	 "the first second in which it is not valid, on the timeline (default "
	 "never)",
	 false, "offset"},
	{"issuer", certificate_issuer,
	 "who signed it: trusted, untrusted or self (default trusted)", false,
	 DEADMX_ISSUER_MAP(XX)},
	{0},
};
#undef XX

void scenario_read_certificate(struct deadmx_yaml *doc,
			       const struct deadmx_yaml_node *node,
			       struct deadmx_certificate **ret)
{
	struct deadmx_certificate *c =
		deadmx_arena_array(doc->arena, 1, sizeof(*c));
	struct certificate_reader r = {.certificate = c};
	size_t before = doc->error_count;

	*c = (struct deadmx_certificate){
		.place = node->key ? node->key->place : node->place,
		.from_ns = SCENARIO_CERTIFICATE_FROM_NS,
		.until_ns = DEADMX_FOREVER_NS};
	*ret = c;
	deadmx_yaml_map(doc, node, "certificate", scenario_certificate_keys,
			&r);
	if (r.until && c->from_ns >= c->until_ns && doc->error_count == before)
		deadmx_yaml_wrong(doc, r.until, "until", "a time after from",
				  NULL);
}

/* --- tls: {certificate: …}, {stall: 10m} -------------------------------- */

static void tls_certificate(struct deadmx_yaml *doc,
			    const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_fault *f = arg;

	f->action = DEADMX_ACTION_CERTIFICATE;
	scenario_read_certificate(doc, node, &f->certificate);
}

static void tls_stall(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_fault *f = arg;

	if (deadmx_yaml_duration(doc, node, &f->stall_ns) && !f->stall_ns)
		deadmx_yaml_wrong(doc, node, "stall", "a time above 0", NULL);
}

const struct deadmx_yaml_key scenario_tls_keys[] = {
	{"certificate", tls_certificate, "show this certificate", false,
	 "table certificate"},
	{"stall", tls_stall,
	 "say nothing for this long, then go on with the handshake", false,
	 "duration"},
	{0},
};

void scenario_read_tls(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node,
		       struct deadmx_fault *f)
{
	f->action = DEADMX_ACTION_STALL;
	deadmx_yaml_map(doc, node, "tls", scenario_tls_keys, f);
	if (!node->count)
		deadmx_yaml_error(doc, &node->place, NULL,
				  "tls, expected certificate, stall or both, "
				  "got none of them");
}

bool scenario_has_tls(const struct deadmx_server *server)
{
	for (size_t i = 0; i < server->fault_count; i++)
		if (server->faults[i].stage == DEADMX_STAGE_TLS ||
		    server->faults[i].stage == DEADMX_STAGE_STARTTLS)
			return true;
	return server->certificate != NULL;
}

/* --- what a client would find wrong -------------------------------------- */

/* RFC 6125 6.4.3: the star stands for one whole label. */
static bool name_matches(const char *name, const char *host)
{
	const char *dot;

	if (strncmp(name, "*.", 2) != 0)
		return strcasecmp(name, host) == 0;
	dot = strchr(host, '.');
	return dot && strcasecmp(name + 1, dot) == 0;
}

enum deadmx_action
deadmx_certificate_fault(const struct deadmx_server *server,
			 const struct deadmx_certificate *certificate,
			 int64_t now_ns)
{
	if (now_ns < certificate->from_ns)
		return DEADMX_ACTION_NOT_YET_VALID;
	if (now_ns >= certificate->until_ns)
		return DEADMX_ACTION_EXPIRED;
	if (certificate->issuer == DEADMX_ISSUER_UNTRUSTED)
		return DEADMX_ACTION_UNTRUSTED;
	if (certificate->issuer == DEADMX_ISSUER_SELF)
		return DEADMX_ACTION_SELF_SIGNED;
	for (size_t i = 0; i < certificate->name_count; i++)
		if (name_matches(certificate->names[i], server->name))
			return DEADMX_ACTION_ACCEPT;
	/* Without names it gets the server's. */
	return certificate->name_count ? DEADMX_ACTION_WRONG_NAME
				       : DEADMX_ACTION_ACCEPT;
}

bool scenario_certificate_fails(const struct deadmx_server *server,
				int64_t until_ns)
{
	const struct deadmx_certificate *c = server->certificate;

	/* Its validity is one stretch of time. */
	return c && (deadmx_certificate_fault(server, c, 0) !=
			     DEADMX_ACTION_ACCEPT ||
		     deadmx_certificate_fault(server, c, until_ns) !=
			     DEADMX_ACTION_ACCEPT);
}
