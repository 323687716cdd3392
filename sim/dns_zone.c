/* SPDX-License-Identifier: MIT */
/* What the world's DNS says: see dns_zone.h. */
#include "sim/dns_zone.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <ldns/ldns.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The one name server that all zones name. */
#define NS_NAME "ns.deadmx.example"

struct dns_zone {
	ldns_rr_list *records; /* SOA records mark the zones */
};

/* Letters, digits, hyphen, underscore and dots: nothing that means more to
 * the reader of zone files. */
static bool is_name(const char *name)
{
	return *name && strlen(name) < 254 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_."
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(name);
}

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
	for (size_t i = 0; i < ldns_rr_list_rr_count(z->records); i++) {
		if (ldns_rr_compare(rr, ldns_rr_list_rr(z->records, i)) != 0)
			continue;
		/* Two servers at one address, two MXs of one domain: the
		 * second SOA or PTR is the first again. */
		ldns_rr_free(rr);
		return 0;
	}
	ldns_rr_list_push_rr(z->records, rr);
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

static int add_server(struct dns_zone *z, const struct deadmx_server *server,
		      const char **ret_bad)
{
	int rc = 0;

	*ret_bad = server->name;
	if (!is_name(server->name) ||
	    add_host(z, server->name, server->address) < 0 ||
	    add_ptr(z, server->address, server->name) < 0)
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

static bool is_address(const char *host)
{
	return strspn(host, "0123456789.") == strlen(host);
}

static int add_all(struct dns_zone *z, const struct deadmx_scenario *scenario,
		   const char *host, const char **ret_bad)
{
	const struct deadmx_world *world = &scenario->world;
	int rc = add_zone(z, "");

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
	ldns_rr_list_deep_free(z->records);
	free(z);
}

/* --- questions ----------------------------------------------------------- */

/* Give the record the spelling of the question (0x20 tricks rely on it). */
static void push(ldns_rr_list *list, const ldns_rr *rr,
		 const ldns_rdf *spelling)
{
	ldns_rr *copy = ldns_rr_clone(rr);

	assert(copy);
	if (spelling) {
		ldns_rdf_deep_free(ldns_rr_owner(copy));
		ldns_rr_set_owner(copy, ldns_rdf_clone(spelling));
	}
	ldns_rr_list_push_rr(list, copy);
}

static void push_additional(const struct dns_zone *z, ldns_rr_list *list,
			    const ldns_rr *mx)
{
	ldns_rdf *exchange = ldns_rdf_clone(ldns_rr_rdf(mx, 1));

	ldns_dname2canonical(exchange);
	for (size_t i = 0; i < ldns_rr_list_rr_count(z->records); i++) {
		ldns_rr *rr = ldns_rr_list_rr(z->records, i);

		if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_A &&
		    ldns_dname_compare(ldns_rr_owner(rr), exchange) == 0)
			push(list, rr, NULL);
	}
	ldns_rdf_deep_free(exchange);
}

/* The SOA of the closest zone around @name: the root's when no other. */
static void push_authority(const struct dns_zone *z, ldns_rr_list *list,
			   const ldns_rdf *name)
{
	const ldns_rr *best = NULL;

	for (size_t i = 0; i < ldns_rr_list_rr_count(z->records); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(z->records, i);
		const ldns_rdf *owner = ldns_rr_owner(rr);

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
	push(list, best, NULL);
}

/* Answer section and rcode for @name in small letters. */
static void find(const struct dns_zone *z, const ldns_rdf *name,
		 ldns_rr_type type, const ldns_rdf *spelling,
		 struct dns_found *ret)
{
	bool exists = false, answered = false;

	for (size_t i = 0; i < ldns_rr_list_rr_count(z->records); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(z->records, i);
		const ldns_rdf *owner = ldns_rr_owner(rr);

		if (ldns_dname_compare(owner, name) != 0) {
			/* RFC 8020: names above a name exist. */
			exists |= ldns_dname_is_subdomain(owner, name);
			continue;
		}
		exists = true;
		if (type != ldns_rr_get_type(rr) && type != LDNS_RR_TYPE_ANY)
			continue;
		answered = true;
		push(ret->answer, rr, spelling);
		if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_MX)
			push_additional(z, ret->additional, rr);
	}
	if (!exists)
		ret->rcode = LDNS_RCODE_NXDOMAIN;
	if (!answered)
		push_authority(z, ret->authority, name);
}

void dns_zone_find(struct dns_zone *z, const ldns_rdf *name, ldns_rr_type type,
		   int64_t now_ns, struct dns_found *ret)
{
	ldns_rdf *small = ldns_rdf_clone(name);

	assert(small);
	*ret = (struct dns_found){.answer = ldns_rr_list_new(),
				  .authority = ldns_rr_list_new(),
				  .additional = ldns_rr_list_new()};
	ldns_dname2canonical(small);
	find(z, small, type, name, ret);
	ldns_rdf_deep_free(small);
}

void dns_found_release(struct dns_found *f)
{
	ldns_rr_list_deep_free(f->answer);
	ldns_rr_list_deep_free(f->authority);
	ldns_rr_list_deep_free(f->additional);
	*f = (struct dns_found){0};
}

/* --- questions without a packet ------------------------------------------ */

/* "mx.dest.example" for the name in @rdf, in small letters; malloc'd. */
static char *name_text(const ldns_rdf *rdf)
{
	char *text = ldns_rdf2str(rdf);
	size_t len;

	assert(text);
	len = strlen(text);
	if (len && text[len - 1] == '.')
		text[len - 1] = '\0';
	for (char *p = text; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return text;
}

/* The strings of a TXT record in one: each is behind its length. */
static void record_txt(const ldns_rr *rr, struct dns_record *ret)
{
	size_t size = 1;

	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
		size += ldns_rdf_size(ldns_rr_rdf(rr, i));
	ret->value = calloc(1, size);
	assert(ret->value);
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
		size_t len = ldns_rdf_size(rdf);

		if (len < 2)
			continue;
		memcpy(ret->value + ret->value_len, ldns_rdf_data(rdf) + 1,
		       len - 1);
		ret->value_len += len - 1;
	}
}

static void record_fill(const ldns_rr *rr, struct dns_record *ret)
{
	const ldns_rdf *value = ldns_rr_rdf(rr, 0);

	*ret = (struct dns_record){.type = (uint16_t)ldns_rr_get_type(rr),
				   .ttl_s = ldns_rr_ttl(rr),
				   .owner = name_text(ldns_rr_owner(rr))};
	if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_TXT) {
		record_txt(rr, ret);
		return;
	}
	if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_MX) {
		ret->preference = ldns_rdf2native_int16(value);
		value = ldns_rr_rdf(rr, 1);
	}
	if (ldns_rdf_get_type(value) == LDNS_RDF_TYPE_DNAME)
		ret->value = name_text(value);
	else
		ret->value = ldns_rdf2str(value);
	assert(ret->value);
	ret->value_len = strlen(ret->value);
}

int dns_zone_lookup(struct dns_zone *z, const char *name, uint16_t type,
		    int64_t now_ns, struct dns_lookup *ret)
{
	ldns_rdf *dname = NULL;
	struct dns_found found;

	if (ldns_str2rdf_dname(&dname, name) != LDNS_STATUS_OK)
		return -EINVAL;
	dns_zone_find(z, dname, (ldns_rr_type)type, now_ns, &found);
	ldns_rdf_deep_free(dname);
	*ret = (struct dns_lookup){.rcode = (int)found.rcode};
	ret->count = ldns_rr_list_rr_count(found.answer);
	ret->records = calloc(ret->count + 1, sizeof(*ret->records));
	assert(ret->records);
	for (size_t i = 0; i < ret->count; i++)
		record_fill(ldns_rr_list_rr(found.answer, i), &ret->records[i]);
	dns_found_release(&found);
	return 0;
}

void dns_lookup_release(struct dns_lookup *l)
{
	for (size_t i = 0; i < l->count; i++) {
		free(l->records[i].owner);
		free(l->records[i].value);
	}
	free(l->records);
	*l = (struct dns_lookup){0};
}
