/* SPDX-License-Identifier: MIT */
/* SPF against the world's own zone: see spf_zone.h. */
#include "sim/spf_zone.h"

enum { NOERROR = 0, NXDOMAIN = 3 };

struct asked {
	struct dns_zone *zone;
	int64_t now_ns;
};

static enum spf_dns_status status_of(const struct dns_lookup *found)
{
	if (found->is_lost)
		return SPF_DNS_FAILED;
	if (found->rcode == NXDOMAIN)
		return SPF_DNS_NXDOMAIN;
	return found->rcode == NOERROR ? SPF_DNS_ANSWER : SPF_DNS_FAILED;
}

static void look_up(void *arg, const char *name, uint16_t type,
		    struct spf_answer *ret)
{
	const struct asked *a = arg;
	struct dns_lookup found = {0};

	/* What is no name has no records. */
	if (dns_zone_lookup(a->zone, name, type, a->now_ns, &found) < 0) {
		ret->status = SPF_DNS_NXDOMAIN;
		return;
	}
	ret->status = status_of(&found);
	ret->delay_ns = found.delay_ns;
	for (size_t i = 0; i < found.count; i++)
		if (found.records[i].type == type)
			spf_answer_add(ret, found.records[i].value,
				       found.records[i].value_len);
	dns_lookup_release(&found);
}

enum deadmx_spf spf_zone_check(struct dns_zone *zone, int64_t now_ns,
			       const struct spf_query *query, char *explanation,
			       size_t size)
{
	struct asked asked = {.zone = zone, .now_ns = now_ns};
	const struct spf_dns dns = {.lookup = look_up, .arg = &asked};

	return spf_check(query, &dns, explanation, size);
}
