/* SPDX-License-Identifier: MIT */
/*
 * Where the MTA went: RFC 5321 5.1 on MX records, RFC 7505 on those that say
 * that no mail is taken. Names whose records change in the run are passed
 * over: what the MTA knew of them at a moment is not known here.
 */
#ifndef HARNESS_JUDGE_ROUTE_H
#define HARNESS_JUDGE_ROUTE_H

#include "harness/judge/attempts.h"

/*
 * A connection to @address: is it a domain's own, although the domain has an
 * MX elsewhere? Told once for each domain.
 */
void route_connected(struct attempts *a, const char *address,
		     struct verdict *v);

/* The rest, when all attempts are known. */
void route_check(const struct attempts *a, struct verdict *v);

#endif
