/* SPDX-License-Identifier: MIT */
/* Questions and answers as packets: see dns_answer.h. */
#include "sim/dns_answer.h"

#include <assert.h>
#include <errno.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

/* Move the records of @list to a section. */
static void reply_push(ldns_pkt *reply, ldns_pkt_section section,
		       ldns_rr_list *list)
{
	ldns_rr *rr;

	/* Popped from the end, so the list is turned round first. */
	for (size_t i = 0, n = ldns_rr_list_rr_count(list); i < n / 2; i++) {
		rr = ldns_rr_list_rr(list, i);
		ldns_rr_list_set_rr(list, ldns_rr_list_rr(list, n - 1 - i), i);
		ldns_rr_list_set_rr(list, rr, n - 1 - i);
	}
	while ((rr = ldns_rr_list_pop_rr(list)))
		ldns_pkt_push_rr(reply, section, rr);
}

static void reply_look_up(struct dns_zone *z, ldns_pkt *reply,
			  const ldns_rr *question, int64_t now_ns)
{
	struct dns_found found;

	dns_zone_find(z, ldns_rr_owner(question), ldns_rr_get_type(question),
		      now_ns, &found);
	ldns_pkt_set_rcode(reply, found.rcode);
	reply_push(reply, LDNS_SECTION_ANSWER, found.answer);
	reply_push(reply, LDNS_SECTION_AUTHORITY, found.authority);
	reply_push(reply, LDNS_SECTION_ADDITIONAL, found.additional);
	dns_found_release(&found);
}

static void reply_fill(struct dns_zone *z, ldns_pkt *reply,
		       const ldns_pkt *query, int64_t now_ns)
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
	ldns_pkt_push_rr(reply, LDNS_SECTION_QUESTION, ldns_rr_clone(question));
	if (ldns_rr_get_class(question) != LDNS_RR_CLASS_IN)
		ldns_pkt_set_rcode(reply, LDNS_RCODE_REFUSED);
	else
		reply_look_up(z, reply, question, now_ns);
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

static int answer(struct dns_zone *z, const ldns_pkt *query,
		  enum dns_transport transport, int64_t now_ns,
		  struct dns_answer *ret)
{
	const ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(query), 0);
	ldns_pkt *reply = ldns_pkt_new();
	ldns_status status;

	assert(reply);
	reply_fill(z, reply, query, now_ns);
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

int dns_answer_make(struct dns_zone *z, const uint8_t *question, size_t len,
		    enum dns_transport transport, int64_t now_ns,
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
		rc = answer(z, query, transport, now_ns, ret);
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
