/* SPDX-License-Identifier: MIT */
/* Where mail for a domain goes: see model_dns.h. */
#include "harness/model/model_dns.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

enum {
	DNS_TIMEOUT_S = 10,
	DNS_RETRIES = 2,
};

/* An answer, or why there is none. */
struct look_up {
	ldns_resolver *resolver;
	ldns_rr_list *records;
	ldns_pkt_rcode rcode;
	bool is_answered; /* else the server said nothing */
};

static ldns_resolver *resolver_new(const struct model_config *config)
{
	ldns_resolver *resolver = ldns_resolver_new();
	struct timeval timeout = {.tv_sec = DNS_TIMEOUT_S};
	ldns_rdf *address = ldns_rdf_new_frm_str(LDNS_RDF_TYPE_A, config->dns);

	assert(resolver && address);
	ldns_resolver_push_nameserver(resolver, address);
	ldns_rdf_deep_free(address);
	ldns_resolver_set_port(resolver, config->dns_port);
	ldns_resolver_set_timeout(resolver, timeout);
	ldns_resolver_set_retry(resolver, DNS_RETRIES);
	ldns_resolver_set_fallback(resolver, true);
	ldns_resolver_set_recursive(resolver, true);
	return resolver;
}

/*
 * Does @reply answer @query? ldns takes whatever comes first: another's id,
 * another question, or a server that only points elsewhere.
 */
static bool is_answer(const ldns_pkt *query, const ldns_pkt *reply)
{
	const ldns_rr *asked = ldns_rr_list_rr(ldns_pkt_question(query), 0);
	const ldns_rr *told = ldns_rr_list_rr(ldns_pkt_question(reply), 0);

	if (!reply || ldns_pkt_id(reply) != ldns_pkt_id(query) || !told ||
	    ldns_rr_compare(asked, told) != 0)
		return false;
	return ldns_pkt_aa(reply) || ldns_pkt_ra(reply) ||
	       ldns_pkt_ancount(reply);
}

/* Ask; the records of @type at the end of any CNAMEs. */
static void look_up(struct look_up *l, const char *name, ldns_rr_type type)
{
	ldns_rdf *dname = ldns_dname_new_frm_str(name);
	ldns_pkt *query = NULL, *reply = NULL;

	ldns_rr_list_deep_free(l->records);
	l->records = NULL;
	l->is_answered = false;
	if (!dname)
		return;
	if (ldns_resolver_prepare_query_pkt(&query, l->resolver, dname, type,
					    LDNS_RR_CLASS_IN,
					    LDNS_RD) == LDNS_STATUS_OK &&
	    ldns_resolver_send_pkt(&reply, l->resolver, query) ==
		    LDNS_STATUS_OK &&
	    is_answer(query, reply)) {
		l->is_answered = true;
		l->rcode = ldns_pkt_get_rcode(reply);
		l->records = ldns_pkt_rr_list_by_type(reply, type,
						      LDNS_SECTION_ANSWER);
	}
	ldns_pkt_free(reply);
	ldns_pkt_free(query);
	ldns_rdf_deep_free(dname);
}

static size_t record_count(const struct look_up *l)
{
	return l->records ? ldns_rr_list_rr_count(l->records) : 0;
}

/* No answer, or one that says nothing about the name. */
static bool is_trouble(const struct look_up *l)
{
	return !l->is_answered || (l->rcode != LDNS_RCODE_NOERROR &&
				   l->rcode != LDNS_RCODE_NXDOMAIN);
}

static void fail(struct model_hosts *ret, enum model_dns_result result,
		 const char *status, const char *what, const char *name)
{
	ret->result = result;
	ret->status = status;
	snprintf(ret->why, sizeof(ret->why), "%s: %s", what, name);
}

static void fail_look_up(const struct model_config *config,
			 const struct look_up *l, struct model_hosts *ret,
			 const char *name)
{
	const char *what = l->is_answered ? "the name server can't answer for"
					  : "no answer from the name server";

	if (model_is(config, MODEL_MUTANT_DNS_5XX))
		fail(ret, MODEL_DNS_NEVER, "5.1.2", "no such domain", name);
	else
		fail(ret, MODEL_DNS_LATER, "4.4.3", what, name);
}

/*
 * 127.0.0.0/8, 0.0.0.0, ::1: that is this MTA itself, unless it takes its own
 * mail at another port than that of servers.
 */
static bool is_own(const struct model_config *config, const ldns_rdf *address)
{
	static const uint8_t loopback6[16] = {[15] = 1};
	const uint8_t *bytes = ldns_rdf_data(address);

	if (config->port != config->smtp_port)
		return false;
	if (ldns_rdf_get_type(address) == LDNS_RDF_TYPE_AAAA)
		return memcmp(bytes, loopback6, 16) == 0;
	return bytes[0] == 127 || bytes[0] == 0;
}

static void host_add(const struct model_config *config, struct model_hosts *ret,
		     const char *name, unsigned preference,
		     const ldns_rdf *address)
{
	struct model_host *h;
	bool is_ip6 = ldns_rdf_get_type(address) == LDNS_RDF_TYPE_AAAA;
	char text[INET6_ADDRSTRLEN];

	ret->has_own |= is_own(config, address);
	if (ret->count == MODEL_HOSTS_MAX || is_own(config, address))
		return;
	ret->hosts = realloc(ret->hosts, (ret->count + 1) * sizeof(*h));
	assert(ret->hosts);
	h = &ret->hosts[ret->count++];
	*h = (struct model_host){.preference = preference};
	snprintf(h->name, sizeof(h->name), "%s", name);
	if (is_ip6) {
		struct sockaddr_in6 *in = (struct sockaddr_in6 *)&h->address;

		in->sin6_family = AF_INET6;
		in->sin6_port = htons(config->smtp_port);
		memcpy(&in->sin6_addr, ldns_rdf_data(address), 16);
		inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof(text));
	} else {
		struct sockaddr_in *in = (struct sockaddr_in *)&h->address;

		in->sin_family = AF_INET;
		in->sin_port = htons(config->smtp_port);
		memcpy(&in->sin_addr, ldns_rdf_data(address), 4);
		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
	}
	snprintf(h->text, sizeof(h->text), is_ip6 ? "[%s]:%d" : "%s:%d", text,
		 config->smtp_port);
}

/* All addresses of @name, IPv6 first. True when there was trouble. */
static bool hosts_add(const struct model_config *config, struct look_up *l,
		      struct model_hosts *ret, const char *name,
		      unsigned preference)
{
	static const ldns_rr_type types[] = {LDNS_RR_TYPE_AAAA, LDNS_RR_TYPE_A};
	bool trouble = false;

	for (int t = 0; t < 2; t++) {
		if (t ? config->no_ip4 : config->no_ip6)
			continue;
		look_up(l, name, types[t]);
		trouble |= is_trouble(l);
		for (size_t i = 0; i < record_count(l); i++)
			host_add(
				config, ret, name, preference,
				ldns_rr_rdf(ldns_rr_list_rr(l->records, i), 0));
	}
	return trouble;
}

/* One MX record, out of the answer that the next look-up replaces. */
struct exchange {
	char name[256];
	unsigned preference;
};

static int exchange_compare(const void *a, const void *b)
{
	const struct exchange *x = a, *y = b;

	if (x->preference != y->preference)
		return x->preference < y->preference ? -1 : 1;
	return strcmp(x->name, y->name);
}

static size_t exchanges_take(const struct look_up *l, struct exchange *all)
{
	size_t count = 0;

	for (size_t i = 0; i < record_count(l) && i < MODEL_HOSTS_MAX; i++) {
		ldns_rr *rr = ldns_rr_list_rr(l->records, i);
		char *name = ldns_rdf2str(ldns_rr_rdf(rr, 1));
		struct exchange *e = &all[count];
		size_t len = name ? strlen(name) : 0;

		if (len > 1 && name[len - 1] == '.')
			name[len - 1] = '\0';
		if (name && len < sizeof(e->name)) {
			snprintf(e->name, sizeof(e->name), "%s", name);
			e->preference =
				ldns_rdf2native_int16(ldns_rr_rdf(rr, 0));
			count++;
		}
		free(name);
	}
	return count;
}

/* The mutants that go their own way among the MXs. */
static void exchanges_twist(const struct model_config *config,
			    struct exchange *all, size_t *count)
{
	if (model_is(config, MODEL_MUTANT_ONE_MX) && *count > 1)
		*count = 1;
	if (model_is(config, MODEL_MUTANT_MX_ORDER))
		for (size_t i = 0; i < *count / 2; i++) {
			struct exchange swap = all[i];

			all[i] = all[*count - 1 - i];
			all[*count - 1 - i] = swap;
		}
}

static void from_exchanges(const struct model_config *config, struct look_up *l,
			   struct model_hosts *ret, const char *domain)
{
	struct exchange *all = calloc(MODEL_HOSTS_MAX, sizeof(*all));
	bool trouble = false;
	size_t count;

	assert(all);
	count = exchanges_take(l, all);
	qsort(all, count, sizeof(*all), exchange_compare);
	exchanges_twist(config, all, &count);
	for (size_t i = 0; i < count; i++)
		trouble |= hosts_add(config, l, ret, all[i].name,
				     all[i].preference);
	free(all);
	if (ret->count)
		return;
	if (ret->has_own) {
		fail(ret, MODEL_DNS_NEVER, "5.4.6",
		     "mail for the domain comes back to this host", domain);
		return;
	}
	/* RFC 5321 5.1: the domain's own address must not be used then. */
	if (trouble)
		fail_look_up(config, l, ret, domain);
	else
		fail(ret, MODEL_DNS_NEVER, "5.4.4",
		     "no mail server of the domain has an address", domain);
}

static bool is_null_mx(const struct look_up *l)
{
	const ldns_rr *rr;

	if (record_count(l) != 1)
		return false;
	rr = ldns_rr_list_rr(l->records, 0);
	return ldns_dname_label_count(ldns_rr_rdf(rr, 1)) == 0;
}

static void from_domain(const struct model_config *config, struct look_up *l,
			struct model_hosts *ret, const char *domain)
{
	if (hosts_add(config, l, ret, domain, 0) && !ret->count)
		fail_look_up(config, l, ret, domain);
	else if (!ret->count)
		fail(ret, MODEL_DNS_NEVER, "5.4.4",
		     "the domain has neither a mail server nor an address",
		     domain);
}

void model_dns_hosts(const struct model_config *config, const char *domain,
		     struct model_hosts *ret)
{
	struct look_up l = {.resolver = resolver_new(config)};

	*ret = (struct model_hosts){.result = MODEL_DNS_FOUND};
	look_up(&l, domain, LDNS_RR_TYPE_MX);
	if (is_trouble(&l))
		fail_look_up(config, &l, ret, domain);
	else if (l.rcode == LDNS_RCODE_NXDOMAIN)
		fail(ret, MODEL_DNS_NEVER, "5.1.2", "no such domain", domain);
	else if (is_null_mx(&l) &&
		 model_is(config, MODEL_MUTANT_NULL_MX_IGNORED))
		fail(ret, MODEL_DNS_LATER, "4.4.4", "no way to", domain);
	else if (is_null_mx(&l))
		fail(ret, MODEL_DNS_NEVER, "5.1.10",
		     "the domain accepts no mail (null MX)", domain);
	else if (record_count(&l) && !model_is(config, MODEL_MUTANT_MX_IGNORED))
		from_exchanges(config, &l, ret, domain);
	else
		from_domain(config, &l, ret, domain);
	ldns_rr_list_deep_free(l.records);
	ldns_resolver_deep_free(l.resolver);
}

void model_hosts_release(struct model_hosts *hosts)
{
	free(hosts->hosts);
	hosts->hosts = NULL;
}
