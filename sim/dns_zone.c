/* SPDX-License-Identifier: MIT */
/* What the world's DNS says: see dns_zone.h. */
#include "sim/dns_zone.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sim/window.h"

/* The one name server that all zones name. */
#define NS_NAME "ns.deadmx.example"

/* A row of a name's timeline, with what it says. */
struct zone_row {
	const struct deadmx_name_row *config;
	struct window_count count;
	ldns_rr_list *records;
};

/* An entry of world.names. */
struct zone_name {
	const struct deadmx_name *config;
	ldns_rdf *name; /* in small letters */
	struct zone_row *rows;
};

struct dns_zone {
	ldns_rr_list *records; /* SOA records mark the zones */
	struct zone_name *names;
	size_t name_count;
	int64_t speed;
};

static struct zone_name *name_at(const struct dns_zone *z, const ldns_rdf *name)
{
	for (size_t i = 0; i < z->name_count; i++)
		if (ldns_dname_compare(z->names[i].name, name) == 0)
			return &z->names[i];
	return NULL;
}

/* Do @records, as far as given, take the place of others of @type? */
static bool is_given(const struct deadmx_records *records, ldns_rr_type type)
{
	int given = dns_record_given_type(type);

	if (records->given & 1u << DEADMX_RECORD_CNAME)
		return true;
	return given >= 0 && (records->given & 1u << given);
}

/* --- building ------------------------------------------------------------ */

/* Letters, digits, hyphen, underscore and dots: nothing that means more to
 * the reader of zone files. */
static bool is_name(const char *name)
{
	return *name && strlen(name) < 254 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_."
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(name);
}

/* Takes @rr. */
static void add_record(struct dns_zone *z, ldns_rr *rr)
{
	const struct zone_name *name = name_at(z, ldns_rr_owner(rr));
	bool has =
		name && is_given(&name->config->records, ldns_rr_get_type(rr));

	/* Two servers at one address, two MXs of one domain: the second SOA
	 * or PTR is the first again. */
	for (size_t i = 0; !has && i < ldns_rr_list_rr_count(z->records); i++)
		has = ldns_rr_compare(rr, ldns_rr_list_rr(z->records, i)) == 0;
	if (has)
		ldns_rr_free(rr);
	else
		ldns_rr_list_push_rr(z->records, rr);
}

/* What the scenario's servers ask for, as a line of a zone file. */
__attribute__((format(printf, 2, 3))) static int add(struct dns_zone *z,
						     const char *format, ...)
{
	ldns_rr *rr = NULL;
	char *text = NULL;
	ldns_status status;
	va_list ap;
	int rc;

	va_start(ap, format);
	rc = vasprintf(&text, format, ap);
	va_end(ap);
	assert(rc >= 0);
	status = ldns_rr_new_frm_str(&rr, text, DNS_TTL_S, NULL, NULL);
	free(text);
	if (status != LDNS_STATUS_OK)
		return -EINVAL;
	ldns_dname2canonical(ldns_rr_owner(rr));
	add_record(z, rr);
	return 0;
}

static int add_zone(struct dns_zone *z, const char *name)
{
	int rc = add(z,
		     "%s. SOA " NS_NAME ". hostmaster.deadmx.example. "
		     "1 3600 900 604800 %d",
		     name, DNS_TTL_S);

	return rc < 0 ? rc : add(z, "%s. NS " NS_NAME ".", name);
}

/* A host and the zone that it is in: the name without its first label. */
static int add_host(struct dns_zone *z, const char *name, const char *address)
{
	const char *parent = strchr(name, '.');
	int rc = add(z, "%s. A %s", name, address);

	if (rc < 0 || !parent || !parent[1])
		return rc;
	return add_zone(z, parent + 1);
}

static int add_ptr(struct dns_zone *z, const char *address, const char *name)
{
	unsigned a, b, c, d;

	if (sscanf(address, "%u.%u.%u.%u", &a, &b, &c, &d) != 4)
		return -EINVAL;
	return add(z, "%u.%u.%u.%u.in-addr.arpa. PTR %s.", d, c, b, a, name);
}

/* RFC 3596 2.5: nibbles, the last one first. */
static int add_ptr6(struct dns_zone *z, const char *address, const char *name)
{
	char nibbles[4 * 16 + 1], *at = nibbles;
	struct in6_addr in;

	if (inet_pton(AF_INET6, address, &in) != 1)
		return -EINVAL;
	for (int i = 15; i >= 0; i--)
		at += snprintf(at, sizeof(nibbles) - (size_t)(at - nibbles),
			       "%x.%x.", in.s6_addr[i] & 15,
			       in.s6_addr[i] >> 4);
	return add(z, "%sip6.arpa. PTR %s.", nibbles, name);
}

static int add_address6(struct dns_zone *z, const struct deadmx_server *server)
{
	int rc;

	if (!server->address6)
		return 0;
	rc = add(z, "%s. AAAA %s", server->name, server->address6);
	return rc < 0 ? rc : add_ptr6(z, server->address6, server->name);
}

static int add_server(struct dns_zone *z, const struct deadmx_server *server,
		      const char **ret_bad)
{
	int rc = 0;

	*ret_bad = server->name;
	if (!is_name(server->name) ||
	    add_host(z, server->name, server->address) < 0 ||
	    add_ptr(z, server->address, server->name) < 0 ||
	    add_address6(z, server) < 0)
		return -EINVAL;
	for (size_t i = 0; rc == 0 && i < server->mx_for_count; i++) {
		const char *domain = *ret_bad = server->mx_for[i];

		if (!is_name(domain))
			return -EINVAL;
		rc = add(z, "%s. MX %u %s.", domain, server->preference,
			 server->name);
		if (rc == 0)
			rc = add_zone(z, domain);
	}
	return rc;
}

/* --- names --- */

/* The records of @config at its name; false when one is malformed. */
static bool make_records(const struct zone_name *name,
			 const struct deadmx_records *records,
			 ldns_rr_list *ret)
{
	for (size_t i = 0; i < records->count; i++) {
		ldns_rr *rr = dns_record_new(name->config->name,
					     &records->list[i], DNS_TTL_S);

		if (!rr)
			return false;
		ldns_rr_list_push_rr(ret, rr);
	}
	return true;
}

/* The names first: what is derived from the servers goes around them. */
static int add_names(struct dns_zone *z, const struct deadmx_world *world,
		     const char **ret_bad)
{
	z->names = calloc(world->name_count + 1, sizeof(*z->names));
	assert(z->names);
	for (size_t i = 0; i < world->name_count; i++) {
		const struct deadmx_name *config = &world->names[i];
		struct zone_name *name = &z->names[z->name_count++];

		*ret_bad = config->name;
		name->config = config;
		name->rows = calloc(config->row_count + 1, sizeof(*name->rows));
		assert(name->rows);
		if (is_name(config->name))
			name->name = ldns_dname_new_frm_str(config->name);
		if (!name->name)
			return -EINVAL;
		ldns_dname2canonical(name->name);
		if (!make_records(name, &config->records, z->records))
			return -EINVAL;
		for (size_t j = 0; j < config->row_count; j++) {
			struct zone_row *row = &name->rows[j];

			row->config = &config->rows[j];
			row->records = ldns_rr_list_new();
			if (!make_records(name, &row->config->records,
					  row->records))
				return -EINVAL;
		}
	}
	return 0;
}

static bool has_mx(const struct deadmx_name *name)
{
	bool has = name->records.given & 1u << DEADMX_RECORD_MX;

	for (size_t i = 0; i < name->row_count; i++)
		has |= name->rows[i].records.given & 1u << DEADMX_RECORD_MX;
	return has;
}

/* A mail domain is a zone, as one right under a top-level domain is; a host
 * is in its parent's. */
static int add_name_zones(struct dns_zone *z)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < z->name_count; i++) {
		const struct deadmx_name *name = z->names[i].config;
		const char *parent = strchr(name->name, '.');

		if (parent && strchr(parent + 1, '.') && !has_mx(name))
			rc = add_zone(z, parent + 1);
		else
			rc = add_zone(z, name->name);
	}
	return rc;
}

static bool is_address(const char *host)
{
	return strspn(host, "0123456789.") == strlen(host);
}

static int add_all(struct dns_zone *z, const struct deadmx_scenario *scenario,
		   const char *host, const char **ret_bad)
{
	const struct deadmx_world *world = &scenario->world;
	int rc = add_names(z, world, ret_bad);

	if (rc < 0)
		return rc;
	*ret_bad = NULL;
	rc = add_zone(z, "");
	if (rc == 0)
		rc = add_name_zones(z);
	if (rc == 0)
		rc = add_host(z, NS_NAME, "127.0.0.1");
	if (rc == 0)
		rc = add_host(z, "localhost", "127.0.0.1");
	if (rc == 0)
		rc = add_ptr(z, "127.0.0.1", "localhost");
	if (rc == 0 && host && !is_address(host)) {
		*ret_bad = host;
		rc = is_name(host) ? add_host(z, host, "127.0.0.1") : -EINVAL;
	}
	for (size_t i = 0; rc == 0 && i < world->server_count; i++)
		rc = add_server(z, &world->servers[i], ret_bad);
	return rc;
}

int dns_zone_new(const struct deadmx_scenario *scenario, const char *host,
		 const char **ret_bad, struct dns_zone **ret)
{
	struct dns_zone *z = calloc(1, sizeof(*z));
	int rc;

	assert(z);
	z->records = ldns_rr_list_new();
	z->speed = 1;
	*ret_bad = NULL;
	rc = add_all(z, scenario, host, ret_bad);
	if (rc < 0)
		dns_zone_free(z);
	else
		*ret = z;
	return rc;
}

void dns_zone_free(struct dns_zone *z)
{
	if (!z)
		return;
	for (size_t i = 0; i < z->name_count; i++) {
		struct zone_name *name = &z->names[i];

		for (size_t j = 0; j < name->config->row_count; j++)
			ldns_rr_list_deep_free(name->rows[j].records);
		ldns_rdf_deep_free(name->name);
		free(name->rows);
	}
	free(z->names);
	ldns_rr_list_deep_free(z->records);
	free(z);
}

void dns_zone_restart(struct dns_zone *z)
{
	for (size_t i = 0; i < z->name_count; i++)
		for (size_t j = 0; j < z->names[i].config->row_count; j++)
			z->names[i].rows[j].count = (struct window_count){0};
}

void dns_zone_set_speed(struct dns_zone *z, int64_t speed)
{
	assert(speed > 0);
	z->speed = speed;
}

void dns_zone_set_address(struct dns_zone *z, const char *address)
{
	ldns_rdf *name = ldns_dname_new_frm_str(NS_NAME);

	for (size_t i = 0; i < ldns_rr_list_rr_count(z->records); i++) {
		ldns_rr *rr = ldns_rr_list_rr(z->records, i);

		if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_A &&
		    ldns_dname_compare(ldns_rr_owner(rr), name) == 0)
			ldns_rdf_deep_free(ldns_rr_set_rdf(
				rr,
				ldns_rdf_new_frm_str(LDNS_RDF_TYPE_A, address),
				0));
	}
	ldns_rdf_deep_free(name);
}

/* --- which row holds ------------------------------------------------------ */

/* Is the row, as far as type and transport go, about the question? */
static bool row_is_about(const struct deadmx_name_row *row,
			 const struct dns_question *q)
{
	if (row->transport != DEADMX_TRANSPORT_ANY &&
	    (row->transport == DEADMX_TRANSPORT_TCP) !=
		    (q->transport == DNS_TCP))
		return false;
	if (row->records.given)
		return q->type == LDNS_RR_TYPE_ANY ||
		       is_given(&row->records, q->type);
	for (size_t i = 0; i < row->type_count; i++)
		if (row->types[i] == q->type)
			return true;
	return row->type_count == 0;
}

/* RFC 8020: below a name that doesn't exist there is nothing. */
static bool row_is_for_below(const struct deadmx_name_row *row)
{
	return row->below || (row->action == DEADMX_DNS_ACTION_NXDOMAIN &&
			      row->type_count == 0);
}

/* The name without its first label; frees @name. */
static ldns_rdf *name_above(ldns_rdf *name)
{
	ldns_rdf *above = ldns_dname_left_chop(name);

	ldns_rdf_deep_free(name);
	return above;
}

/* The first row that holds for @q at @name, and whose it is; or NULL. */
static struct zone_row *row_find(const struct dns_zone *z, const ldns_rdf *name,
				 const struct dns_question *q,
				 const struct zone_name **ret_owner)
{
	ldns_rdf *at = ldns_rdf_clone(name);
	struct zone_row *found = NULL;
	bool below = false;

	for (; at && !found && ldns_dname_label_count(at);
	     at = name_above(at), below = true) {
		struct zone_name *n = name_at(z, at);

		for (size_t i = 0; n && !found && i < n->config->row_count;
		     i++) {
			struct zone_row *row = &n->rows[i];

			if ((below && !row_is_for_below(row->config)) ||
			    !row_is_about(row->config, q) ||
			    !window_holds(&row->config->window, &row->count,
					  q->now_ns))
				continue;
			found = row;
			*ret_owner = n;
		}
	}
	ldns_rdf_deep_free(at);
	return found;
}

/* The next time at which what is said of @name may change. */
static int64_t next_change(const struct dns_zone *z, const ldns_rdf *name,
			   int64_t now_ns)
{
	ldns_rdf *at = ldns_rdf_clone(name);
	int64_t next = DEADMX_FOREVER_NS;
	bool below = false;

	for (; at && ldns_dname_label_count(at);
	     at = name_above(at), below = true) {
		const struct zone_name *n = name_at(z, at);

		for (size_t i = 0; n && i < n->config->row_count; i++) {
			const struct deadmx_name_row *row = n->rows[i].config;
			int64_t edge = window_next_edge(&row->window, now_ns);

			if ((!below || row_is_for_below(row)) && edge < next)
				next = edge;
		}
	}
	ldns_rdf_deep_free(at);
	return next;
}

/* --- questions ----------------------------------------------------------- */

/* One name on the way of a question: the one asked for, or a CNAME's. */
struct step {
	ldns_rdf *name;		  /* in small letters */
	const ldns_rdf *spelling; /* of the owner in the answer */
	const struct dns_question *q;
	const struct zone_row *row;	/* that holds, or NULL */
	const struct zone_name *row_of; /* its name */
	uint32_t ttl_s;
};

static uint32_t step_ttl(const struct dns_zone *z, const struct step *s)
{
	const struct zone_name *name = name_at(z, s->name);
	struct deadmx_ttl ttl = {.s = DNS_TTL_S};
	int64_t left;

	if (s->row && s->row->config->ttl.set)
		ttl = s->row->config->ttl;
	else if (name && name->config->ttl.set)
		ttl = name->config->ttl;
	else if (s->row_of && s->row_of->config->ttl.set)
		ttl = s->row_of->config->ttl;
	if (!ttl.until_change)
		return ttl.s;
	/* Rounded down: what changes at 5.9 s must be forgotten at 5 s. */
	left = (next_change(z, s->name, s->q->now_ns) - s->q->now_ns) /
	       z->speed / DEADMX_NS_PER_S;
	return left < DNS_TTL_S ? (uint32_t)left : DNS_TTL_S;
}

/* Give the record the spelling of the question (0x20 tricks rely on it). */
static void push(ldns_rr_list *list, const ldns_rr *rr,
		 const ldns_rdf *spelling, uint32_t ttl_s)
{
	ldns_rr *copy = ldns_rr_clone(rr);

	assert(copy);
	ldns_rr_set_ttl(copy, ttl_s);
	if (spelling) {
		ldns_rdf_deep_free(ldns_rr_owner(copy));
		ldns_rr_set_owner(copy, ldns_rdf_clone(spelling));
	}
	ldns_rr_list_push_rr(list, copy);
}

/* The addresses of an MX; whatever a row says of them must be asked for. */
static void push_additional(const struct dns_zone *z, const struct step *s,
			    const ldns_rr *mx, ldns_rr_list *list)
{
	struct dns_question q = *s->q;
	struct step of_host = {.q = &q};
	const struct zone_name *unused;

	of_host.name = ldns_rdf_clone(ldns_rr_rdf(mx, 1));
	ldns_dname2canonical(of_host.name);
	for (size_t i = 0; i < ldns_rr_list_rr_count(z->records) &&
			   ldns_rr_list_rr_count(list) < DNS_ADDITIONAL_MAX;
	     i++) {
		ldns_rr *rr = ldns_rr_list_rr(z->records, i);

		q.type = ldns_rr_get_type(rr);
		if ((q.type != LDNS_RR_TYPE_A && q.type != LDNS_RR_TYPE_AAAA) ||
		    ldns_dname_compare(ldns_rr_owner(rr), of_host.name) != 0 ||
		    row_find(z, of_host.name, &q, &unused))
			continue;
		push(list, rr, NULL, step_ttl(z, &of_host));
	}
	ldns_rdf_deep_free(of_host.name);
}

/*
 * The SOA of the closest zone around @name: the root's when no other. Its
 * TTL and its MINIMUM say how long the answer may be kept (RFC 2308 5).
 */
static void push_authority(const struct dns_zone *z, const ldns_rdf *name,
			   uint32_t ttl_s, ldns_rr_list *list)
{
	const size_t minimum = 6; /* RFC 1035 3.3.13 */
	const ldns_rr *best = NULL;
	ldns_rr *rr;

	for (size_t i = 0; i < ldns_rr_list_rr_count(z->records); i++) {
		const ldns_rdf *owner;

		rr = ldns_rr_list_rr(z->records, i);
		owner = ldns_rr_owner(rr);
		if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_SOA)
			continue;
		if (ldns_dname_compare(owner, name) != 0 &&
		    !ldns_dname_is_subdomain(name, owner) &&
		    ldns_dname_label_count(owner) != 0)
			continue;
		if (!best ||
		    ldns_dname_label_count(owner) >
			    ldns_dname_label_count(ldns_rr_owner(best)))
			best = rr;
	}
	assert(best);
	push(list, best, NULL, ttl_s);
	rr = ldns_rr_list_rr(list, ldns_rr_list_rr_count(list) - 1);
	ldns_rdf_deep_free(ldns_rr_set_rdf(
		rr, ldns_native2rdf_int32(LDNS_RDF_TYPE_PERIOD, ttl_s),
		minimum));
}

/* One record that may be part of the answer; a CNAME to follow in @ret_next. */
static void answer_record(const struct dns_zone *z, const struct step *s,
			  const ldns_rr *rr, struct dns_found *ret,
			  ldns_rdf **ret_next)
{
	ldns_rr_type type = ldns_rr_get_type(rr);

	if (type == LDNS_RR_TYPE_CNAME && s->q->type != type &&
	    s->q->type != LDNS_RR_TYPE_ANY) {
		if (!*ret_next)
			*ret_next = ldns_rdf_clone(ldns_rr_rdf(rr, 0));
	} else if (type != s->q->type && s->q->type != LDNS_RR_TYPE_ANY) {
		return;
	}
	push(ret->answer, rr, s->spelling, s->ttl_s);
	if (type == LDNS_RR_TYPE_MX)
		push_additional(z, s, rr, ret->additional);
}

/* Is there a name below @name, so that it exists (RFC 8020)? */
static bool has_below(const struct dns_zone *z, const ldns_rdf *name)
{
	for (size_t i = 0; i < z->name_count; i++)
		if (ldns_dname_is_subdomain(z->names[i].name, name))
			return true;
	return false;
}

/* As a healthy server answers, with the records of the row if it has any. */
static void answer(const struct dns_zone *z, const struct step *s,
		   struct dns_found *ret, ldns_rdf **ret_next)
{
	const struct deadmx_records *given =
		s->row ? &s->row->config->records : NULL;
	size_t before = ldns_rr_list_rr_count(ret->answer);
	bool exists = (given && given->given) || name_at(z, s->name) ||
		      has_below(z, s->name);

	for (size_t i = 0; i < ldns_rr_list_rr_count(z->records); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(z->records, i);

		if (ldns_dname_compare(ldns_rr_owner(rr), s->name) != 0) {
			exists |= ldns_dname_is_subdomain(ldns_rr_owner(rr),
							  s->name);
			continue;
		}
		exists = true;
		if (!given || !is_given(given, ldns_rr_get_type(rr)))
			answer_record(z, s, rr, ret, ret_next);
	}
	for (size_t i = 0; s->row && i < ldns_rr_list_rr_count(s->row->records);
	     i++)
		answer_record(z, s, ldns_rr_list_rr(s->row->records, i), ret,
			      ret_next);
	if (!exists)
		ret->rcode = LDNS_RCODE_NXDOMAIN;
	if (ldns_rr_list_rr_count(ret->answer) == before)
		push_authority(z, s->name, s->ttl_s, ret->authority);
}

static void empty(ldns_rr_list **list)
{
	ldns_rr_list_deep_free(*list);
	*list = ldns_rr_list_new();
	assert(*list);
}

/* Nothing but a code; what CNAMEs have brought so far is of no use. */
static void answer_code(struct dns_found *ret, ldns_pkt_rcode rcode)
{
	empty(&ret->answer);
	empty(&ret->additional);
	ret->rcode = rcode;
}

/* The zone above the name that is gone says so. */
static void answer_nxdomain(const struct dns_zone *z, const struct step *s,
			    struct dns_found *ret)
{
	ldns_rdf *above = ldns_dname_left_chop(s->row_of->name);

	ret->rcode = LDNS_RCODE_NXDOMAIN;
	push_authority(z, above, s->ttl_s, ret->authority);
	ldns_rdf_deep_free(above);
}

static void answer_lame(const struct dns_zone *z, const struct step *s,
			struct dns_found *ret)
{
	answer_code(ret, LDNS_RCODE_NOERROR);
	for (size_t i = 0; i < ldns_rr_list_rr_count(z->records); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(z->records, i);

		if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_NS &&
		    ldns_dname_label_count(ldns_rr_owner(rr)) == 0)
			push(ret->authority, rr, NULL, s->ttl_s);
	}
}

/* What the row, or no row, makes of this step; false: it ends here. */
static bool answer_step(const struct dns_zone *z, const struct step *s,
			struct dns_found *ret, ldns_rdf **ret_next)
{
	enum deadmx_dns_action action =
		s->row ? s->row->config->action : DEADMX_DNS_ACTION_ACCEPT;

	switch (action) {
	case DEADMX_DNS_ACTION_NXDOMAIN:
		answer_nxdomain(z, s, ret);
		return false;
	case DEADMX_DNS_ACTION_NODATA:
		push_authority(z, s->name, s->ttl_s, ret->authority);
		return false;
	case DEADMX_DNS_ACTION_SERVFAIL:
		answer_code(ret, LDNS_RCODE_SERVFAIL);
		return false;
	case DEADMX_DNS_ACTION_REFUSED:
		answer_code(ret, LDNS_RCODE_REFUSED);
		return false;
	case DEADMX_DNS_ACTION_NOTIMP:
		answer_code(ret, LDNS_RCODE_NOTIMPL);
		return false;
	case DEADMX_DNS_ACTION_FORMERR:
		answer_code(ret, LDNS_RCODE_FORMERR);
		return false;
	case DEADMX_DNS_ACTION_LAME:
		answer_lame(z, s, ret);
		return false;
	case DEADMX_DNS_ACTION_TIMEOUT:
	case DEADMX_DNS_ACTION_DROP:
		answer_code(ret, LDNS_RCODE_NOERROR);
		return false;
	case DEADMX_DNS_ACTION_ACCEPT:
	case DEADMX_DNS_ACTION_RECORDS:
	case DEADMX_DNS_ACTION_TRUNCATE:
	case DEADMX_DNS_ACTION_TRUNCATE_PARTIAL:
	case DEADMX_DNS_ACTION_WRONG_ID:
	case DEADMX_DNS_ACTION_WRONG_QUESTION:
	case DEADMX_DNS_ACTION_WRONG_OWNER:
	case DEADMX_DNS_ACTION_MALFORMED:
	case DEADMX_DNS_ACTION_GARBAGE:
		answer(z, s, ret, ret_next);
		return true;
	case DEADMX_DNS_ACTION_COUNT:
		break;
	}
	return false;
}

/* Take the row that holds for this step. */
static void step_row(struct dns_zone *z, struct step *s, struct dns_found *ret)
{
	struct zone_row *row = row_find(z, s->name, s->q, &s->row_of);

	if (row) {
		window_take(&row->config->window, &row->count, s->q->now_ns);
		ret->delay_ns += row->config->delay_ns;
	}
	s->row = row;
	s->ttl_s = step_ttl(z, s);
}

/*
 * On the way of CNAMEs the first row that changes the packet decides, unless
 * the way ends at a later one.
 */
static void found_row(struct dns_found *found, const struct zone_row *row,
		      bool is_end)
{
	if (!row || (!is_end && found->row &&
		     found->action != DEADMX_DNS_ACTION_ACCEPT &&
		     found->action != DEADMX_DNS_ACTION_RECORDS))
		return;
	found->row = row->config;
	found->action = row->config->action;
}

void dns_zone_find(struct dns_zone *z, const struct dns_question *question,
		   struct dns_found *ret)
{
	ldns_rdf *next = ldns_rdf_clone(question->name);
	const ldns_rdf *spelling = question->name;

	*ret = (struct dns_found){.answer = ldns_rr_list_new(),
				  .authority = ldns_rr_list_new(),
				  .additional = ldns_rr_list_new()};
	assert(next && ret->answer && ret->authority && ret->additional);
	for (int i = 0; next && i <= DNS_CNAMES_MAX; i++) {
		struct step s = {
			.name = next, .spelling = spelling, .q = question};

		next = NULL;
		ldns_dname2canonical(s.name);
		step_row(z, &s, ret);
		found_row(ret, s.row, !answer_step(z, &s, ret, &next));
		ldns_rdf_deep_free(s.name);
		spelling = NULL;
	}
	ldns_rdf_deep_free(next);
}

void dns_found_release(struct dns_found *f)
{
	ldns_rr_list_deep_free(f->answer);
	ldns_rr_list_deep_free(f->authority);
	ldns_rr_list_deep_free(f->additional);
	*f = (struct dns_found){0};
}

/* --- questions without a packet ------------------------------------------ */

/* Does a resolver that looks closely get nothing it can use? */
static bool is_lost(enum deadmx_dns_action action)
{
	switch (action) {
	case DEADMX_DNS_ACTION_TIMEOUT:
	case DEADMX_DNS_ACTION_DROP:
	case DEADMX_DNS_ACTION_WRONG_ID:
	case DEADMX_DNS_ACTION_WRONG_QUESTION:
	case DEADMX_DNS_ACTION_WRONG_OWNER:
	case DEADMX_DNS_ACTION_MALFORMED:
	case DEADMX_DNS_ACTION_GARBAGE:
		return true;
	case DEADMX_DNS_ACTION_ACCEPT:
	case DEADMX_DNS_ACTION_NXDOMAIN:
	case DEADMX_DNS_ACTION_NODATA:
	case DEADMX_DNS_ACTION_SERVFAIL:
	case DEADMX_DNS_ACTION_REFUSED:
	case DEADMX_DNS_ACTION_NOTIMP:
	case DEADMX_DNS_ACTION_FORMERR:
	case DEADMX_DNS_ACTION_LAME:
	case DEADMX_DNS_ACTION_TRUNCATE:
	case DEADMX_DNS_ACTION_TRUNCATE_PARTIAL:
	case DEADMX_DNS_ACTION_RECORDS:
	case DEADMX_DNS_ACTION_COUNT:
		break;
	}
	return false;
}

static bool is_truncated(const struct dns_found *found)
{
	return found->action == DEADMX_DNS_ACTION_TRUNCATE ||
	       found->action == DEADMX_DNS_ACTION_TRUNCATE_PARTIAL;
}

int dns_zone_lookup(struct dns_zone *z, const char *name, uint16_t type,
		    int64_t now_ns, struct dns_lookup *ret)
{
	struct dns_question q = {.type = (ldns_rr_type)type, .now_ns = now_ns};
	struct dns_found found;
	ldns_rdf *dname = NULL;

	if (ldns_str2rdf_dname(&dname, name) != LDNS_STATUS_OK)
		return -EINVAL;
	q.name = dname;
	dns_zone_find(z, &q, &found);
	if (is_truncated(&found)) {
		dns_found_release(&found);
		q.transport = DNS_TCP;
		dns_zone_find(z, &q, &found);
	}
	ldns_rdf_deep_free(dname);
	*ret = (struct dns_lookup){.rcode = (int)found.rcode,
				   .is_lost = is_lost(found.action),
				   .delay_ns = found.delay_ns};
	/* A resolver that is sent away in circles says so. */
	if (found.action == DEADMX_DNS_ACTION_LAME)
		ret->rcode = LDNS_RCODE_SERVFAIL;
	if (!ret->is_lost)
		ret->count = ldns_rr_list_rr_count(found.answer);
	ret->records = calloc(ret->count + 1, sizeof(*ret->records));
	assert(ret->records);
	for (size_t i = 0; i < ret->count; i++)
		dns_record_read(ldns_rr_list_rr(found.answer, i),
				&ret->records[i]);
	dns_found_release(&found);
	return 0;
}

void dns_lookup_release(struct dns_lookup *l)
{
	for (size_t i = 0; i < l->count; i++)
		dns_record_release(&l->records[i]);
	free(l->records);
	*l = (struct dns_lookup){0};
}
