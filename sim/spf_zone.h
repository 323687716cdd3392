/* SPDX-License-Identifier: MIT */
/*
 * SPF against the world's own zone: what a resolver inside the world would
 * find, asked in the process, never by the network.
 *
 * What takes long for a resolver is no wait here; it only counts towards the
 * time that a check may take.
 */
#ifndef SIM_SPF_ZONE_H
#define SIM_SPF_ZONE_H

#include "sim/dns_zone.h"
#include "sim/spf.h"

/* spf_check() with the answers of @zone at @now_ns; they count as asked. */
enum deadmx_spf spf_zone_check(struct dns_zone *zone, int64_t now_ns,
			       const struct spf_query *query, char *explanation,
			       size_t size);

#endif
