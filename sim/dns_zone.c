/* SPDX-License-Identifier: MIT */
/* What the world's DNS says: see dns_zone.h. */
#include "sim/dns_zone.h"

#include <assert.h>
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

/* Give the record the spelling of the question (0x20 tricks rely on it). */
static void push(ldns_pkt *reply, ldns_pkt_section section, const ldns_rr *rr,
		 const ldns_rdf *spelling)
{
	ldns_rr *copy = ldns_rr_clone(rr);

	if (spelling) {
		ldns_rdf_deep_free(ldns_rr_owner(copy));
		ldns_rr_set_owner(copy, ldns_rdf_clone(spelling));
	}
	ldns_pkt_push_rr(reply, section, copy);
}

static void push_additional(const struct dns_zone *z, ldns_pkt *reply,
			    const ldns_rr *mx)
{
	ldns_rdf *exchange = ldns_rdf_clone(ldns_rr_rdf(mx, 1));

	ldns_dname2canonical(exchange);
	for (size_t i = 0; i < ldns_rr_list_rr_count(z->records); i++) {
		ldns_rr *rr = ldns_rr_list_rr(z->records, i);

		if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_A &&
		    ldns_dname_compare(ldns_rr_owner(rr), exchange) == 0)
			push(reply, LDNS_SECTION_ADDITIONAL, rr, NULL);
	}
	ldns_rdf_deep_free(exchange);
}

/* The SOA of the closest zone around @name: the root's when no other. */
static void push_authority(const struct dns_zone *z, ldns_pkt *reply,
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
	push(reply, LDNS_SECTION_AUTHORITY, best, NULL);
}

/* Answer section and rcode for the one question. */
static void look_up(const struct dns_zone *z, ldns_pkt *reply,
		    const ldns_rr *question)
{
	ldns_rr_type type = ldns_rr_get_type(question);
	const ldns_rdf *spelling = ldns_rr_owner(question);
	ldns_rdf *name = ldns_rdf_clone(spelling);
	bool exists = false, answered = false;

	ldns_dname2canonical(name);
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
		push(reply, LDNS_SECTION_ANSWER, rr, spelling);
		if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_MX)
			push_additional(z, reply, rr);
	}
	if (!exists)
		ldns_pkt_set_rcode(reply, LDNS_RCODE_NXDOMAIN);
	if (!answered)
		push_authority(z, reply, name);
	ldns_rdf_deep_free(name);
}

static void reply_fill(const struct dns_zone *z, ldns_pkt *reply,
		       const ldns_pkt *query)
{
	const ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(query), 0);

	ldns_pkt_set_id(reply, ldns_pkt_id(query));
	ldns_pkt_set_qr(reply, true);
	ldns_pkt_set_aa(reply, true);
	ldns_pkt_set_rd(reply, ldns_pkt_rd(query));
	/* Resolvers of MTAs expect a full-service server behind the address. */
	ldns_pkt_set_ra(reply, true);
	ldns_pkt_set_opcode(reply, ldns_pkt_get_opcode(query));
	if (ldns_pkt_edns(query)) {
		ldns_pkt_set_edns_udp_size(reply, DNS_UDP_MAX);
		ldns_pkt_set_edns_version(reply, 0);
	}
	if (ldns_pkt_get_opcode(query) != LDNS_PACKET_QUERY) {
		ldns_pkt_set_rcode(reply, LDNS_RCODE_NOTIMPL);
		return;
	}
	push(reply, LDNS_SECTION_QUESTION, question, NULL);
	if (ldns_rr_get_class(question) != LDNS_RR_CLASS_IN)
		ldns_pkt_set_rcode(reply, LDNS_RCODE_REFUSED);
	else
		look_up(z, reply, question);
}

static size_t reply_limit(const ldns_pkt *query, enum dns_transport transport)
{
	size_t limit = DNS_UDP_MIN;

	if (transport == DNS_TCP)
		return UINT16_MAX;
	if (ldns_pkt_edns(query) && ldns_pkt_edns_udp_size(query) > limit)
		limit = ldns_pkt_edns_udp_size(query);
	return limit < DNS_UDP_MAX ? limit : DNS_UDP_MAX;
}

/* Drop the sections, and tell to ask again by TCP (RFC 2181 9). */
static void reply_truncate(ldns_pkt *reply)
{
	static const ldns_pkt_section sections[] = {LDNS_SECTION_ANSWER,
						    LDNS_SECTION_AUTHORITY,
						    LDNS_SECTION_ADDITIONAL};

	ldns_rr_list_deep_free(ldns_pkt_answer(reply));
	ldns_pkt_set_answer(reply, ldns_rr_list_new());
	ldns_rr_list_deep_free(ldns_pkt_authority(reply));
	ldns_pkt_set_authority(reply, ldns_rr_list_new());
	ldns_rr_list_deep_free(ldns_pkt_additional(reply));
	ldns_pkt_set_additional(reply, ldns_rr_list_new());
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		ldns_pkt_set_section_count(reply, sections[i], 0);
	ldns_pkt_set_tc(reply, true);
}

static char *question_name(const ldns_rr *question)
{
	char *name = ldns_rdf2str(ldns_rr_owner(question));
	size_t len = strlen(name);

	if (len > 1 && name[len - 1] == '.')
		name[len - 1] = '\0';
	return name;
}

static int answer(const struct dns_zone *z, const ldns_pkt *query,
		  enum dns_transport transport, struct dns_answer *ret)
{
	const ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(query), 0);
	ldns_pkt *reply = ldns_pkt_new();
	ldns_status status;

	assert(reply);
	reply_fill(z, reply, query);
	status = ldns_pkt2wire(&ret->wire, reply, &ret->len);
	if (status == LDNS_STATUS_OK &&
	    ret->len > reply_limit(query, transport)) {
		free(ret->wire);
		reply_truncate(reply);
		status = ldns_pkt2wire(&ret->wire, reply, &ret->len);
	}
	if (status == LDNS_STATUS_OK) {
		ret->name = question_name(question);
		ret->qtype = ldns_rr_type2str(ldns_rr_get_type(question));
		ret->rcode = ldns_pkt_rcode2str(ldns_pkt_get_rcode(reply));
		ret->answers = ldns_pkt_ancount(reply);
	}
	ldns_pkt_free(reply);
	return status == LDNS_STATUS_OK ? 0 : -EBADMSG;
}

int dns_zone_answer(const struct dns_zone *z, const uint8_t *question,
		    size_t len, enum dns_transport transport,
		    struct dns_answer *ret)
{
	ldns_pkt *query = NULL;
	int rc = -EBADMSG;

	*ret = (struct dns_answer){0};
	if (len > DNS_QUESTION_MAX)
		return rc;
	if (ldns_wire2pkt(&query, question, len) != LDNS_STATUS_OK)
		return rc;
	if (!ldns_pkt_qr(query) && ldns_pkt_qdcount(query) == 1 &&
	    ldns_rr_list_rr_count(ldns_pkt_question(query)) == 1)
		rc = answer(z, query, transport, ret);
	ldns_pkt_free(query);
	return rc;
}

void dns_answer_release(struct dns_answer *a)
{
	free(a->wire);
	free(a->name);
	free(a->qtype);
	free(a->rcode);
	*a = (struct dns_answer){0};
}
