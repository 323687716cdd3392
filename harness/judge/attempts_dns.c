/* SPDX-License-Identifier: MIT */
#include "harness/judge/attempts_dns.h"

#include <assert.h>
#include <glib.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

/* A recipients' domain, and the names on the way of its mail. */
struct dns_domain {
	const char *domain;
	GHashTable *names; /* in small letters */
	/* The questions of the attempt that is under way. */
	bool is_open;
	int64_t first_ns, last_ns;
	const char *fault; /* action word of the last one, or NULL */
	bool has_address;  /* of a server that it could connect to */
};

struct attempts_dns {
	struct attempts *a;
	struct dns_domain *domains;
	size_t domain_count;
	struct attempts_try *tries; /* found so far */
	size_t try_count;
	bool names_are_fault; /* nothing has a timeline */
	bool is_flooded;
};

/* --- names on the way ----------------------------------------------------- */

static void names_add(const struct deadmx_scenario *s, GHashTable *names,
		      const char *name);

static void names_of_records(const struct deadmx_scenario *s, GHashTable *names,
			     const struct deadmx_records *records)
{
	for (size_t i = 0; i < records->count; i++)
		if (records->list[i].type == DEADMX_RECORD_MX ||
		    records->list[i].type == DEADMX_RECORD_CNAME)
			names_add(s, names, records->list[i].value);
}

static void names_add(const struct deadmx_scenario *s, GHashTable *names,
		      const char *name)
{
	const struct deadmx_name *n = deadmx_scenario_name(s, name);

	/* Each is looked into once, so that circles end. */
	if (!g_hash_table_add(names, g_ascii_strdown(name, -1)) || !n)
		return;
	names_of_records(s, names, &n->records);
	for (size_t i = 0; i < n->row_count; i++)
		names_of_records(s, names, &n->rows[i].records);
}

/* The domain itself, its MX hosts, and what is behind them. */
static GHashTable *names_of_domain(const struct deadmx_scenario *s,
				   const char *domain)
{
	GHashTable *names =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	names_add(s, names, domain);
	for (size_t i = 0; i < s->world.server_count; i++)
		if (attempts_serves(&s->world.servers[i], domain))
			names_add(s, names, s->world.servers[i].name);
	return names;
}

static bool names_have(GHashTable *names, const char *name)
{
	char *small = g_ascii_strdown(name, -1);
	bool has = g_hash_table_contains(names, small);

	g_free(small);
	return has;
}

static bool has_timeline(const struct deadmx_name *name)
{
	for (size_t i = 0; i < name->row_count; i++)
		if (deadmx_name_row_is_fault(&name->rows[i]))
			return true;
	return false;
}

/* Is what names hold for ever all that is broken? */
static bool names_are_fault(const struct deadmx_scenario *s)
{
	if (s->expect.no_fault_ok)
		return false;
	for (size_t i = 0; i < s->world.server_count; i++)
		if (s->world.servers[i].fault_count)
			return false;
	for (size_t i = 0; i < s->world.name_count; i++)
		if (has_timeline(&s->world.names[i]))
			return false;
	return s->world.name_count > 0;
}

bool attempts_dns_is_broken(const struct deadmx_scenario *s, const char *domain)
{
	bool any = names_are_fault(s), broken = false;
	GHashTable *names;

	if (!s->world.name_count)
		return false;
	names = names_of_domain(s, domain);
	for (size_t i = 0; i < s->world.name_count; i++)
		broken |= (any || has_timeline(&s->world.names[i])) &&
			  names_have(names, s->world.names[i].name);
	g_hash_table_destroy(names);
	return broken;
}

bool attempts_dns_is_temporary(enum deadmx_dns_action action)
{
	switch (action) {
	case DEADMX_DNS_ACTION_SERVFAIL:
	case DEADMX_DNS_ACTION_REFUSED:
	case DEADMX_DNS_ACTION_NOTIMP:
	case DEADMX_DNS_ACTION_FORMERR:
	case DEADMX_DNS_ACTION_TIMEOUT:
	case DEADMX_DNS_ACTION_DROP:
	case DEADMX_DNS_ACTION_WRONG_ID:
	case DEADMX_DNS_ACTION_WRONG_QUESTION:
	case DEADMX_DNS_ACTION_MALFORMED:
	case DEADMX_DNS_ACTION_GARBAGE:
		return true;
	case DEADMX_DNS_ACTION_ACCEPT:
	case DEADMX_DNS_ACTION_NXDOMAIN:
	case DEADMX_DNS_ACTION_NODATA:
	case DEADMX_DNS_ACTION_LAME:
	case DEADMX_DNS_ACTION_TRUNCATE:
	case DEADMX_DNS_ACTION_TRUNCATE_PARTIAL:
	case DEADMX_DNS_ACTION_WRONG_OWNER:
	case DEADMX_DNS_ACTION_RECORDS:
	case DEADMX_DNS_ACTION_COUNT:
		break;
	}
	return false;
}

bool attempts_dns_stays_dead(const struct deadmx_scenario *s,
			     const char *domain)
{
	const struct deadmx_name *name = deadmx_scenario_name(s, domain);

	for (size_t i = 0; name && i < name->row_count; i++) {
		const struct deadmx_name_row *row = &name->rows[i];
		const struct deadmx_window *w = &row->window;
		bool is_mx = row->type_count == 0;

		for (size_t k = 0; k < row->type_count; k++)
			is_mx |= row->types[k] == LDNS_RR_TYPE_MX;
		if (is_mx && row->transport == DEADMX_TRANSPORT_ANY &&
		    w->until_ns == DEADMX_FOREVER_NS && !w->every_ns &&
		    !w->first && !w->times &&
		    attempts_dns_is_temporary(row->action))
			return true;
	}
	return false;
}

/* --- the pass --------------------------------------------------------------
 */

static struct dns_domain *domain_find(const struct attempts_dns *d,
				      const char *domain)
{
	for (size_t i = 0; i < d->domain_count; i++)
		if (strcasecmp(d->domains[i].domain, domain) == 0)
			return &d->domains[i];
	return NULL;
}

/* Does any of the scenario's names stand among @names? */
static bool names_touch(const struct deadmx_scenario *s, GHashTable *names)
{
	for (size_t i = 0; i < s->world.name_count; i++)
		if (names_have(names, s->world.names[i].name))
			return true;
	return false;
}

struct attempts_dns *attempts_dns_new(struct attempts *a)
{
	struct attempts_dns *d = calloc(1, sizeof(*d));

	assert(d);
	d->a = a;
	d->names_are_fault = names_are_fault(a->scenario);
	if (!a->scenario->world.name_count)
		return d;
	d->domains = calloc(a->party_count + 1, sizeof(*d->domains));
	assert(d->domains);
	for (size_t i = 0; i < a->party_count; i++) {
		const char *domain = a->parties[i].domain;
		GHashTable *names;

		if (domain_find(d, domain))
			continue;
		names = names_of_domain(a->scenario, domain);
		if (names_touch(a->scenario, names))
			d->domains[d->domain_count++] = (struct dns_domain){
				.domain = domain, .names = names};
		else
			g_hash_table_destroy(names);
	}
	return d;
}

/* The first recipient of @domain whose mail is under way at @t_ns. */
static const struct attempts_party *
domain_party(const struct attempts *a, const char *domain, int64_t t_ns)
{
	for (size_t i = 0; i < a->party_count; i++) {
		const struct attempts_party *p = &a->parties[i];

		if (!p->is_closed && strcasecmp(p->domain, domain) == 0 &&
		    p->mail->at_ns - ATTEMPTS_PAIR_NS <= t_ns)
			return p;
	}
	return NULL;
}

/* What was asked has led nowhere: it was an attempt of its own. */
static void domain_close(struct attempts_dns *d, struct dns_domain *domain)
{
	const struct attempts_party *p =
		domain_party(d->a, domain->domain, domain->first_ns);
	struct attempts_try *try;

	if (!domain->is_open)
		return;
	domain->is_open = false;
	if (domain->has_address && !domain->fault)
		return;
	if (d->a->try_count + d->try_count >= ATTEMPTS_MAX) {
		d->is_flooded = true;
		return;
	}
	d->tries = attempts_grow(d->tries, d->try_count, sizeof(*d->tries));
	try = &d->tries[d->try_count++];
	*try = (struct attempts_try){.t_ns = domain->first_ns,
				     .domain = domain->domain,
				     .fault = domain->fault,
				     .stage = ATTEMPTS_DNS_STAGE};
	if (p) {
		try->recipient = strdup(p->to);
		assert(try->recipient);
	}
}

/* Does the answer hold a server's own address? What a scenario gives a name
 * for an address may be anything. */
static bool answer_has_address(const struct attempts_dns *d,
			       const struct event *e, const char *name)
{
	const struct deadmx_scenario *s = d->a->scenario;
	const char *type = event_text(e, "qtype");

	if (!type || (strcmp(type, "A") != 0 && strcmp(type, "AAAA") != 0) ||
	    event_real(e, "answers", 0) < 1 || deadmx_scenario_name(s, name))
		return false;
	for (size_t i = 0; i < s->world.server_count; i++)
		if (strcasecmp(s->world.servers[i].name, name) == 0)
			return true;
	return false;
}

static void domain_question(struct attempts_dns *d, struct dns_domain *domain,
			    const char *fault, bool has_address, int64_t t_ns)
{
	if (domain->is_open && t_ns - domain->last_ns > ATTEMPTS_DNS_GAP_NS)
		domain_close(d, domain);
	if (!domain->is_open) {
		domain->is_open = true;
		domain->first_ns = t_ns;
		domain->fault = NULL;
		domain->has_address = false;
	}
	domain->last_ns = t_ns;
	domain->has_address |= has_address;
	domain->fault = fault ? fault : domain->fault;
}

/* Before its first mail nobody tries to deliver to a domain. */
static bool domain_is_early(const struct attempts *a, const char *domain,
			    int64_t t_ns)
{
	for (size_t i = 0; i < a->party_count; i++)
		if (strcasecmp(a->parties[i].domain, domain) == 0 &&
		    a->parties[i].mail->at_ns - ATTEMPTS_PAIR_NS <= t_ns)
			return false;
	return true;
}

bool attempts_dns_question(struct attempts_dns *d, const struct event *e)
{
	const char *name = event_text(e, "name");
	const char *word = event_text(e, "action");
	enum deadmx_dns_action action = DEADMX_DNS_ACTION_ACCEPT;
	const char *fault = NULL;
	bool fired, has_address;

	if (!name)
		return false;
	has_address = answer_has_address(d, e, name);
	if (word && deadmx_dns_action_parse(word, &action) == 0 &&
	    action != DEADMX_DNS_ACTION_ACCEPT)
		fault = deadmx_dns_action_word(action);
	fired = fault || event_real(e, "delay", 0) > 0 ||
		(d->names_are_fault &&
		 deadmx_scenario_name(d->a->scenario, name));
	for (size_t i = 0; i < d->domain_count; i++)
		if (names_have(d->domains[i].names, name) &&
		    !domain_is_early(d->a, d->domains[i].domain, e->t_ns))
			domain_question(d, &d->domains[i], fault, has_address,
					e->t_ns);
	return fired;
}

/* What was asked just now has led somewhere. */
static void domain_reached(struct attempts_dns *d, struct dns_domain *domain,
			   int64_t t_ns)
{
	if (t_ns - domain->last_ns > ATTEMPTS_DNS_GAP_NS)
		domain_close(d, domain);
	domain->is_open = false;
}

void attempts_dns_connected(struct attempts_dns *d,
			    const struct deadmx_server *server, int64_t t_ns)
{
	for (size_t i = 0; i < d->domain_count; i++)
		if (attempts_serves(server, d->domains[i].domain))
			domain_reached(d, &d->domains[i], t_ns);
}

void attempts_dns_recipient(struct attempts_dns *d, const char *domain,
			    int64_t t_ns)
{
	struct dns_domain *found = domain_find(d, domain);

	if (found)
		domain_reached(d, found, t_ns);
}

/* --- the end ---------------------------------------------------------------
 */

static int try_compare(const void *a, const void *b)
{
	const struct attempts_try *x = a, *y = b;

	if (x->t_ns != y->t_ns)
		return x->t_ns < y->t_ns ? -1 : 1;
	return strcmp(x->domain, y->domain);
}

/* The two lists in one; what was asked at a time comes before what was
 * connected to. */
static void merge(struct attempts *a, const struct attempts_dns *d)
{
	size_t count = a->try_count + d->try_count, i = 0, k = 0;
	struct attempts_try *all = calloc(count + 1, sizeof(*all));

	assert(all);
	for (size_t n = 0; n < count; n++) {
		if (k < d->try_count &&
		    (i == a->try_count || d->tries[k].t_ns <= a->tries[i].t_ns))
			all[n] = d->tries[k++];
		else
			all[n] = a->tries[i++];
	}
	free(a->tries);
	a->tries = all;
	a->try_count = count;
}

bool attempts_dns_finish(struct attempts_dns *d)
{
	for (size_t i = 0; i < d->domain_count; i++)
		domain_close(d, &d->domains[i]);
	if (d->try_count) {
		qsort(d->tries, d->try_count, sizeof(*d->tries), try_compare);
		merge(d->a, d);
		/* The texts are the attempts' now. */
		d->try_count = 0;
	}
	return !d->is_flooded;
}

void attempts_dns_free(struct attempts_dns *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->try_count; i++)
		free(d->tries[i].recipient);
	for (size_t i = 0; i < d->domain_count; i++)
		g_hash_table_destroy(d->domains[i].names);
	free(d->domains);
	free(d->tries);
	free(d);
}
