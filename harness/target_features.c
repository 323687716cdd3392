/* SPDX-License-Identifier: MIT */
#include "harness/target_features.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "deadmx/arena.h"
#include "deadmx/utf8.h"
#include "harness/target.h"

/* clang-format off */
static const char *const feature_words[] = {
#define XX(uc, word, doc) [TARGET_FEATURE_##uc] = word,
	TARGET_FEATURE_MAP(XX)
#undef XX
};
/* clang-format on */

const char *target_feature_word(enum target_feature feature)
{
	assert((unsigned)feature < TARGET_FEATURE_COUNT);
	return feature_words[feature];
}

bool target_has(const struct target *target, enum target_feature feature)
{
	return target->features & 1u << feature;
}

/* "dsn, deliverby or helo_only", of all. */
static const char *features_text(char *text, size_t len)
{
	size_t n = 0;

	for (unsigned i = 0; i < TARGET_FEATURE_COUNT && n < len; i++)
		n += (size_t)snprintf(text + n, len - n, "%s%s",
				      i == 0			      ? ""
				      : i == TARGET_FEATURE_COUNT - 1 ? " or "
								      : ", ",
				      feature_words[i]);
	assert(n < len);
	return text;
}

static void feature_read(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, struct target *t,
			 const char *word)
{
	char all[256];

	for (unsigned i = 0; i < TARGET_FEATURE_COUNT; i++)
		if (strcmp(feature_words[i], word) == 0) {
			t->features |= 1u << i;
			return;
		}
	deadmx_yaml_error(doc, &node->place,
			  deadmx_yaml_did_you_mean(doc, word, feature_words,
						   TARGET_FEATURE_COUNT),
			  "features, expected %s, got \"%.60s\"",
			  features_text(all, sizeof(all)), word);
}

void target_features_read(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg)
{
	struct target *t = arg;
	char **words;
	size_t count;

	/* An MTA may have none of them. */
	if (node->kind == DEADMX_YAML_LIST && !node->count)
		return;
	if (!deadmx_yaml_texts(doc, node, &words, &count))
		return;
	if (node->kind != DEADMX_YAML_LIST) {
		feature_read(doc, node, t, words[0]);
		return;
	}
	for (node = node->first; node; node = node->next)
		feature_read(doc, node, t, node->text);
}

/* --- what a scenario needs ----------------------------------------------- */

struct need {
	const struct target *target;
	char *why;
	size_t len;
};

/* False, for the caller to return. */
static bool need_fail(const struct need *n, const struct deadmx_place *place,
		      const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool need_fail(const struct need *n, const struct deadmx_place *place,
		      const char *format, ...)
{
	va_list args;
	int used = snprintf(n->why, n->len, "%s:%d: the target %s ",
			    place->file, place->line, n->target->name);

	if (used < 0 || (size_t)used >= n->len)
		return false;
	va_start(args, format);
	vsnprintf(n->why + used, n->len - (size_t)used, format, args);
	va_end(args);
	return false;
}

static const char *mail_address_utf8(const struct deadmx_mail *mail)
{
	if (!deadmx_utf8_is_ascii(mail->from))
		return mail->from;
	for (size_t i = 0; i < mail->to_count; i++)
		if (!deadmx_utf8_is_ascii(mail->to[i]))
			return mail->to[i];
	return NULL;
}

static bool need_mail(const struct need *n, const struct deadmx_mail *mail)
{
	const char *dsn = mail->notify	? "notify"
			  : mail->ret	? "ret"
			  : mail->envid ? "envid"
			  : mail->orcpt ? "orcpt"
					: NULL;
	const char *utf8 = mail_address_utf8(mail);

	if (dsn && !target_has(n->target, TARGET_FEATURE_DSN))
		return need_fail(n, &mail->place, "has no dsn, for %s", dsn);
	if (mail->by && !target_has(n->target, TARGET_FEATURE_DELIVERBY))
		return need_fail(n, &mail->place, "has no deliverby, for by");
	if (utf8 && !target_has(n->target, TARGET_FEATURE_SMTPUTF8))
		return need_fail(n, &mail->place, "has no smtputf8, for %s",
				 utf8);
	return true;
}

/* --- another sender ------------------------------------------------------ */

static bool need_same_sender(const struct need *n, const struct deadmx_world *w)
{
	for (size_t i = 0; i < w->server_count; i++)
		for (size_t j = 0; j < w->servers[i].fault_count; j++) {
			const struct deadmx_fault *row =
				&w->servers[i].faults[j];

			if (row->sender.text || row->spf)
				return need_fail(n, &row->place,
						 "rewrites the sender, for %s",
						 row->spf ? "spf" : "sender");
		}
	return true;
}

/* --- HELO only ----------------------------------------------------------- */

/* Faults at ehlo alone would never fire. */
static bool need_helo(const struct need *n, const struct deadmx_world *w)
{
	const struct deadmx_fault *at_ehlo = NULL;

	for (size_t i = 0; i < w->server_count; i++)
		for (size_t j = 0; j < w->servers[i].fault_count; j++) {
			const struct deadmx_fault *row =
				&w->servers[i].faults[j];

			if (row->stage != DEADMX_STAGE_EHLO)
				return true;
			at_ehlo = row;
		}
	return !at_ehlo || need_fail(n, &at_ehlo->place,
				     "says HELO and never meets what is at "
				     "ehlo");
}

/* --- a smarthost only ---------------------------------------------------- */

static const char *domain_of(const char *address)
{
	const char *at = strrchr(address, '@');

	return at ? at + 1 : "";
}

/* The domain of all recipients; NULL when there are several, or no mail. */
static const char *only_domain(const struct deadmx_scenario *s)
{
	const char *domain = NULL;

	for (size_t i = 0; i < s->mail_count; i++)
		for (size_t j = 0; j < s->mails[i].to_count; j++) {
			const char *own = domain_of(s->mails[i].to[j]);

			if (domain && strcasecmp(domain, own) != 0)
				return NULL;
			domain = own;
		}
	return domain;
}

const struct deadmx_server *
target_features_smarthost(const struct deadmx_scenario *scenario)
{
	const struct deadmx_world *w = &scenario->world;
	const struct deadmx_server *best = NULL;
	const char *domain;

	if (!scenario->mail_count || !scenario->mails[0].to_count)
		return NULL;
	domain = domain_of(scenario->mails[0].to[0]);
	for (size_t i = 0; i < w->server_count; i++)
		if (deadmx_server_takes(&w->servers[i], domain) &&
		    (!best || w->servers[i].preference < best->preference))
			best = &w->servers[i];
	return best;
}

/* What an MTA would have to go to that server for. */
static bool server_is_faulty(const struct deadmx_server *server)
{
	const struct deadmx_limits *l = &server->limits;

	return server->fault_count || server->greylist.delay_ns ||
	       l->connections || l->per_minute || l->messages || l->recipients;
}

/* Does it say no more than that @host is the MX? */
static bool name_is_plain(const struct deadmx_name *name,
			  const struct deadmx_server *host)
{
	unsigned given = name->records.given & ~(1u << DEADMX_RECORD_TXT);
	size_t count = 0;

	for (size_t i = 0; i < name->records.count; i++) {
		const struct deadmx_record *r = &name->records.list[i];

		if (r->type == DEADMX_RECORD_TXT) /* the servers' affair */
			continue;
		if (!host || strcasecmp(r->value, host->name) != 0)
			return false;
		count++;
	}
	return !given || (given == 1u << DEADMX_RECORD_MX && count == 1);
}

/* Has @name a say in where mail for @domain goes: as itself, or above it? */
static bool name_leads(const struct deadmx_name *name, const char *domain,
		       const struct deadmx_server *host)
{
	size_t len = strlen(name->name), all = strlen(domain);

	if (len > all || strcasecmp(domain + all - len, name->name) != 0 ||
	    (len < all && domain[all - len - 1] != '.'))
		return false;
	for (size_t i = 0; i < name->row_count; i++)
		if (len == all || name->rows[i].below)
			return true;
	return len == all && !name_is_plain(name, host);
}

static bool need_one_host(const struct need *n, const struct deadmx_scenario *s)
{
	const struct deadmx_server *host = target_features_smarthost(s);
	const struct deadmx_world *w = &s->world;
	const char *domain = only_domain(s);

	if (!domain)
		return need_fail(n, &s->mails[0].place,
				 "gives all mail to one host, and the "
				 "recipients are of several domains");
	for (size_t i = 0; i < w->name_count; i++)
		if (name_leads(&w->names[i], domain, host))
			return need_fail(n, &w->names[i].place,
					 "looks no MX up: what DNS says of %s "
					 "does not matter to it",
					 domain);
	if (!host)
		return need_fail(n, &s->mails[0].place,
				 "gives all mail to one host, and none takes "
				 "mail for %s",
				 domain);
	for (size_t i = 0; i < w->server_count; i++) {
		const struct deadmx_server *other = &w->servers[i];

		if (other == host ||
		    (!other->mx_for_count && !other->led_here_count))
			continue;
		if (deadmx_server_takes(other, domain))
			return need_fail(n, &other->place,
					 "gives all mail to %s and never goes "
					 "to another server of %s",
					 host->name, domain);
		if (server_is_faulty(other))
			return need_fail(n, &other->place,
					 "gives all mail to %s and never meets "
					 "the faults of %s",
					 host->name, other->name);
	}
	return true;
}

bool target_features_support(const struct target *target,
			     const struct deadmx_scenario *scenario, char *why,
			     size_t why_len)
{
	struct need n = {target, why, why_len};

	for (size_t i = 0; i < scenario->mail_count; i++)
		if (!need_mail(&n, &scenario->mails[i]))
			return false;
	if (target_has(target, TARGET_FEATURE_REWRITES_SENDER) &&
	    !need_same_sender(&n, &scenario->world))
		return false;
	if (target_has(target, TARGET_FEATURE_HELO_ONLY) &&
	    !need_helo(&n, &scenario->world))
		return false;
	return !target_has(target, TARGET_FEATURE_SMARTHOST_ONLY) ||
	       !scenario->mail_count || need_one_host(&n, scenario);
}

void target_features_set_smarthost(const struct target *target,
				   struct deadmx_scenario *scenario)
{
	const struct deadmx_server *host;
	const char *domain;
	char *only;

	if (!target_has(target, TARGET_FEATURE_SMARTHOST_ONLY))
		return;
	host = target_features_smarthost(scenario);
	if (!host)
		return;
	domain = domain_of(scenario->mails[0].to[0]);
	only = deadmx_arena_printf(scenario->arena, "@%s", domain);
	for (size_t i = 0; i < host->fault_count; i++)
		if (host->faults[i].stage == DEADMX_STAGE_RCPT &&
		    !host->faults[i].recipient.text)
			host->faults[i].recipient.text = only;
}
