/* SPDX-License-Identifier: MIT */
/* Questions and answers as packets: see dns_answer.h. */
#include "sim/dns_answer.h"

#include <assert.h>
#include <errno.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

/* The name that is told when another was asked for. */
#define OTHER_NAME "another.deadmx.example."
/* What something else that listens at the port may say. */
#define GARBAGE "HTTP/1.0 400 Bad Request\r\n\r\n"

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

/* --- packets as they should be ------------------------------------------- */

static void reply_fill(ldns_pkt *reply, const ldns_pkt *query)
{
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
}

static size_t reply_limit(const ldns_pkt *query, enum dns_transport transport)
{
	size_t limit = DNS_UDP_MIN;

	if (transport == DNS_TCP)
		return DNS_TCP_MAX;
	if (ldns_pkt_edns(query) && ldns_pkt_edns_udp_size(query) > limit)
		limit = ldns_pkt_edns_udp_size(query);
	return limit < DNS_UDP_MAX ? limit : DNS_UDP_MAX;
}

/* Keep @keep answers, and tell to ask again by TCP (RFC 2181 9). */
static void reply_truncate(ldns_pkt *reply, size_t keep)
{
	ldns_rr_list *answer = ldns_pkt_answer(reply);

	while (ldns_rr_list_rr_count(answer) > keep)
		ldns_rr_free(ldns_rr_list_pop_rr(answer));
	ldns_rr_list_deep_free(ldns_pkt_authority(reply));
	ldns_pkt_set_authority(reply, ldns_rr_list_new());
	ldns_rr_list_deep_free(ldns_pkt_additional(reply));
	ldns_pkt_set_additional(reply, ldns_rr_list_new());
	ldns_pkt_set_section_count(reply, LDNS_SECTION_ANSWER,
				   (uint16_t)ldns_rr_list_rr_count(answer));
	ldns_pkt_set_section_count(reply, LDNS_SECTION_AUTHORITY, 0);
	ldns_pkt_set_section_count(reply, LDNS_SECTION_ADDITIONAL, 0);
	ldns_pkt_set_tc(reply, true);
}

/* --- packets as they should not be --------------------------------------- */

static void rename_owners(ldns_rr_list *list)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		ldns_rr *rr = ldns_rr_list_rr(list, i);

		ldns_rdf_deep_free(ldns_rr_owner(rr));
		ldns_rr_set_owner(rr, ldns_dname_new_frm_str(OTHER_NAME));
	}
}

/* What an action does to the healthy answer in @reply. */
static void reply_break(ldns_pkt *reply, enum deadmx_dns_action action,
			enum dns_transport transport)
{
	switch (action) {
	case DEADMX_DNS_ACTION_LAME:
		ldns_pkt_set_aa(reply, false);
		ldns_pkt_set_ra(reply, false);
		return;
	case DEADMX_DNS_ACTION_TRUNCATE:
		if (transport == DNS_UDP)
			reply_truncate(reply, 0);
		return;
	case DEADMX_DNS_ACTION_TRUNCATE_PARTIAL:
		if (transport == DNS_UDP)
			reply_truncate(reply, ldns_pkt_ancount(reply) / 2);
		return;
	case DEADMX_DNS_ACTION_WRONG_ID:
		ldns_pkt_set_id(reply, ldns_pkt_id(reply) ^ 0x5555);
		return;
	case DEADMX_DNS_ACTION_WRONG_QUESTION:
		rename_owners(ldns_pkt_question(reply));
		rename_owners(ldns_pkt_answer(reply));
		return;
	case DEADMX_DNS_ACTION_WRONG_OWNER:
		rename_owners(ldns_pkt_answer(reply));
		return;
	case DEADMX_DNS_ACTION_ACCEPT:
	case DEADMX_DNS_ACTION_NXDOMAIN:
	case DEADMX_DNS_ACTION_NODATA:
	case DEADMX_DNS_ACTION_SERVFAIL:
	case DEADMX_DNS_ACTION_REFUSED:
	case DEADMX_DNS_ACTION_NOTIMP:
	case DEADMX_DNS_ACTION_FORMERR:
	case DEADMX_DNS_ACTION_TIMEOUT:
	case DEADMX_DNS_ACTION_DROP:
	case DEADMX_DNS_ACTION_MALFORMED: /* of the bytes, below */
	case DEADMX_DNS_ACTION_GARBAGE:
	case DEADMX_DNS_ACTION_RECORDS:
	case DEADMX_DNS_ACTION_COUNT:
		return;
	}
}

/* Where the question of a packet of ours ends: its names aren't compressed. */
static size_t question_end(const uint8_t *wire, size_t len)
{
	size_t at = LDNS_HEADER_SIZE;

	while (at < len && wire[at])
		at += 1u + wire[at];
	return at + 1 + 4;
}

static void wire_break(struct dns_answer *a, enum deadmx_dns_action action)
{
	size_t end;

	if (action == DEADMX_DNS_ACTION_MALFORMED) {
		/* Within the type of the first record. */
		end = question_end(a->wire, a->len) + 3;
		a->len = end < a->len ? end : a->len;
	} else if (action == DEADMX_DNS_ACTION_GARBAGE) {
		free(a->wire);
		a->len = strlen(GARBAGE);
		a->wire = (uint8_t *)strdup(GARBAGE);
		assert(a->wire);
	}
}

/* --- question and answer ------------------------------------------------- */

static char *question_name(const ldns_rr *question)
{
	char *name = ldns_rdf2str(ldns_rr_owner(question));
	size_t len = strlen(name);

	if (len > 1 && name[len - 1] == '.')
		name[len - 1] = '\0';
	return name;
}

/* Look the question up; what the action does to the packet is done. */
static enum deadmx_dns_action reply_look_up(struct dns_zone *z, ldns_pkt *reply,
					    const struct dns_question *question,
					    struct dns_answer *ret)
{
	struct dns_found found;
	enum deadmx_dns_action action;

	dns_zone_find(z, question, &found);
	action = found.action;
	ret->row = found.row;
	ret->delay_ns = found.delay_ns;
	ldns_pkt_set_rcode(reply, found.rcode);
	reply_push(reply, LDNS_SECTION_ANSWER, found.answer);
	reply_push(reply, LDNS_SECTION_AUTHORITY, found.authority);
	reply_push(reply, LDNS_SECTION_ADDITIONAL, found.additional);
	dns_found_release(&found);
	reply_break(reply, action, question->transport);
	return action;
}

static int reply_wire(ldns_pkt *reply, size_t limit, struct dns_answer *ret)
{
	ldns_status status = ldns_pkt2wire(&ret->wire, reply, &ret->len);

	if (status == LDNS_STATUS_OK && ret->len > limit) {
		free(ret->wire);
		ret->wire = NULL;
		reply_truncate(reply, 0);
		status = ldns_pkt2wire(&ret->wire, reply, &ret->len);
	}
	if (status != LDNS_STATUS_OK)
		return -EBADMSG;
	ret->rcode = ldns_pkt_rcode2str(ldns_pkt_get_rcode(reply));
	ret->answers = ldns_pkt_ancount(reply);
	return 0;
}

static int answer(struct dns_zone *z, const ldns_pkt *query,
		  enum dns_transport transport, int64_t now_ns,
		  struct dns_answer *ret)
{
	const ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(query), 0);
	const struct dns_question q = {.name = ldns_rr_owner(question),
				       .type = ldns_rr_get_type(question),
				       .transport = transport,
				       .now_ns = now_ns};
	enum deadmx_dns_action action = DEADMX_DNS_ACTION_ACCEPT;
	ldns_pkt *reply = ldns_pkt_new();
	int rc = 0;

	assert(reply);
	reply_fill(reply, query);
	if (ldns_pkt_get_opcode(query) != LDNS_PACKET_QUERY) {
		ldns_pkt_set_rcode(reply, LDNS_RCODE_NOTIMPL);
	} else {
		ldns_pkt_push_rr(reply, LDNS_SECTION_QUESTION,
				 ldns_rr_clone(question));
		if (ldns_rr_get_class(question) != LDNS_RR_CLASS_IN)
			ldns_pkt_set_rcode(reply, LDNS_RCODE_REFUSED);
		else
			action = reply_look_up(z, reply, &q, ret);
	}
	ret->close = action == DEADMX_DNS_ACTION_DROP;
	if (action != DEADMX_DNS_ACTION_TIMEOUT && !ret->close)
		rc = reply_wire(reply, reply_limit(query, transport), ret);
	if (rc == 0) {
		wire_break(ret, action);
		ret->name = question_name(question);
		ret->qtype = ldns_rr_type2str(q.type);
	}
	ldns_pkt_free(reply);
	return rc;
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
