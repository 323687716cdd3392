/* SPDX-License-Identifier: MIT */
/*
 * Attempts that get no further than DNS.
 *
 * An MTA that learns no address connects to nobody; only its questions show
 * that it tried. They are looked at where the scenario's names stand on the
 * way of a recipient's domain: questions for the domain, its MX hosts and
 * aliases, one soon after the other, are one attempt, unless a connection
 * comes of it. Then they are part of that. Where DNS told the address of one
 * of the servers, and nothing failed, it was not DNS that ended the matter: an
 * MTA that routes its whole queue each time it wakes (Exim does) asks, and
 * connects only to hosts whose time has come.
 */
#ifndef HARNESS_JUDGE_ATTEMPTS_DNS_H
#define HARNESS_JUDGE_ATTEMPTS_DNS_H

#include "harness/judge/attempts.h"
#include "harness/judge/event_log.h"

/*
 * Questions so far apart belong to different attempts. Resolvers repeat a
 * question that is not answered: glibc's after 5 s, c-ares's, the most
 * patient one, for the last time after 40 s.
 */
#define ATTEMPTS_DNS_GAP_NS (45 * DEADMX_NS_PER_S)

/* The stage word of such an attempt. */
#define ATTEMPTS_DNS_STAGE "dns"

struct attempts_dns;

/* @a holds the parties; it must outlive it. */
struct attempts_dns *attempts_dns_new(struct attempts *a);
void attempts_dns_free(struct attempts_dns *d);

/* A DNS event. True when a fault of the scenario fired in it. */
bool attempts_dns_question(struct attempts_dns *d, const struct event *e);
/* A connection to @server was made or tried: for any of its domains. */
void attempts_dns_connected(struct attempts_dns *d,
			    const struct deadmx_server *server, int64_t t_ns);
/* Mail for @domain came over a connection, perhaps an old one. */
void attempts_dns_recipient(struct attempts_dns *d, const char *domain,
			    int64_t t_ns);
/*
 * At the end of the log: the attempts go to @a in the order of time.
 * Indices into @a's tries change. False: there were too many.
 */
bool attempts_dns_finish(struct attempts_dns *d);

/* Does a timeline break a name on the way of @domain's mail? Where no server
 * and no name has one: does any name stand there? */
bool attempts_dns_is_broken(const struct deadmx_scenario *s,
			    const char *domain);
/* Can @domain's mail servers not be found out to the end, though the next
 * question might be answered? */
bool attempts_dns_stays_dead(const struct deadmx_scenario *s,
			     const char *domain);
/* Is it an action after which the MTA must try again (RFC 5321 5.1)? */
bool attempts_dns_is_temporary(enum deadmx_dns_action action);

#endif
