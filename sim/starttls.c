/* SPDX-License-Identifier: MIT */
/* What a client meets that begins TLS: see starttls.h. */
#include "sim/starttls.h"

#include <stddef.h>

#include "sim/scenario_read.h"

#define DAY_NS (86400 * DEADMX_NS_PER_S)
/* Expired and not yet valid at all times of a run, however long it is. */
#define EXPIRED_FROM_NS	 (-90 * DAY_NS)
#define EXPIRED_UNTIL_NS (-1 * DAY_NS)
#define FUTURE_FROM_NS	 (DEADMX_DURATION_MAX_D * DAY_NS)
#define FUTURE_UNTIL_NS	 (FUTURE_FROM_NS + 90 * DAY_NS)
#define WRONG_NAME	 "another-host.example"

/* The server's own certificate: given, or made up. */
static struct deadmx_certificate own(const struct deadmx_server *server)
{
	if (server->certificate)
		return *server->certificate;
	return (struct deadmx_certificate){.from_ns =
						   SCENARIO_CERTIFICATE_FROM_NS,
					   .until_ns = DEADMX_FOREVER_NS};
}

/* What @fault changes in the server's own @c, or in what it can do. */
static void change(const struct deadmx_fault *fault,
		   struct deadmx_certificate *c, struct starttls_plan *plan)
{
	switch (fault->action) {
	case DEADMX_ACTION_EXPIRED:
		c->from_ns = EXPIRED_FROM_NS;
		c->until_ns = EXPIRED_UNTIL_NS;
		return;
	case DEADMX_ACTION_NOT_YET_VALID:
		c->from_ns = FUTURE_FROM_NS;
		c->until_ns = FUTURE_UNTIL_NS;
		return;
	case DEADMX_ACTION_WRONG_NAME:
		plan->name = (char *)WRONG_NAME;
		c->names = &plan->name;
		c->name_count = 1;
		return;
	case DEADMX_ACTION_UNTRUSTED:
		c->issuer = DEADMX_ISSUER_UNTRUSTED;
		return;
	case DEADMX_ACTION_SELF_SIGNED:
		c->issuer = DEADMX_ISSUER_SELF;
		return;
	case DEADMX_ACTION_CERTIFICATE:
		*c = *fault->certificate;
		return;
	case DEADMX_ACTION_NO_SHARED_CIPHER:
		plan->profile = TLS_PROFILE_NO_CIPHER;
		return;
	case DEADMX_ACTION_OLD_VERSION:
		plan->profile = TLS_PROFILE_OLD;
		return;
	case DEADMX_ACTION_STALL:
	case DEADMX_ACTION_ACCEPT:
	case DEADMX_ACTION_REFUSE:
	case DEADMX_ACTION_BLACKHOLE:
	case DEADMX_ACTION_UNREACHABLE:
	case DEADMX_ACTION_NET_UNREACHABLE:
	case DEADMX_ACTION_PORT_UNREACHABLE:
	case DEADMX_ACTION_PROHIBITED:
	case DEADMX_ACTION_QUEUE_FULL:
	case DEADMX_ACTION_REPLY:
	case DEADMX_ACTION_DRIP:
	case DEADMX_ACTION_DROP:
	case DEADMX_ACTION_RESET:
	case DEADMX_ACTION_GARBAGE:
	case DEADMX_ACTION_RAW:
	case DEADMX_ACTION_LONG_LINE:
	case DEADMX_ACTION_BARE_LF:
	case DEADMX_ACTION_WRONG_CODE:
	case DEADMX_ACTION_MIXED_CODES:
	case DEADMX_ACTION_HALF_OPEN:
	case DEADMX_ACTION_STOP_READING:
	case DEADMX_ACTION_COUNT:
		return;
	}
}

static int64_t date(const struct starttls_clock *clock, int64_t at_ns)
{
	return at_ns == DEADMX_FOREVER_NS ? at_ns
					  : clock->unix_s(clock->arg, at_ns);
}

/*
 * The last second in which a certificate that ends at @until_ns is good:
 * notAfter is still within its time (RFC 5280 4.1.2.5). GnuTLS goes by that,
 * for OpenSSL it is over then.
 */
static int64_t last_second(const struct starttls_clock *clock, int64_t until_ns)
{
	int64_t end = date(clock, until_ns);

	return until_ns == DEADMX_FOREVER_NS ? end : end - 1;
}

/*
 * By the dates that are written into it, in whole seconds: clients have no
 * others, and what we call expired must be so to them.
 */
static enum deadmx_action fault_of(const struct deadmx_server *server,
				   const struct deadmx_certificate *c,
				   const struct starttls_clock *clock)
{
	struct deadmx_certificate dated = *c;

	dated.from_ns = date(clock, c->from_ns);
	dated.until_ns = date(clock, c->until_ns);
	return deadmx_certificate_fault(server, &dated,
					date(clock, clock->now_ns));
}

void starttls_plan(const struct deadmx_server *server,
		   const struct deadmx_fault *fault,
		   const struct starttls_clock *clock,
		   struct starttls_plan *ret)
{
	struct deadmx_certificate c = own(server);

	/* "accept" is the healthy server, whatever its certificate is like. */
	if (fault && fault->action == DEADMX_ACTION_ACCEPT)
		fault = NULL;
	*ret = (struct starttls_plan){.profile = TLS_PROFILE_MODERN};
	ret->line = c.place.line;
	if (fault) {
		change(fault, &c, ret);
		ret->action = fault->action;
		ret->delay_ns = fault->stall_ns;
		ret->line = fault->place.line;
	}
	if (!fault || fault->action == DEADMX_ACTION_CERTIFICATE)
		ret->action = fault_of(server, &c, clock);
	if (!c.name_count) {
		ret->name = server->name;
		c.names = &ret->name;
		c.name_count = 1;
	}
	ret->certificate = (struct tls_cert_wish){
		.names = c.names,
		.name_count = c.name_count,
		.from_unix_s = date(clock, c.from_ns),
		.until_unix_s = last_second(clock, c.until_ns),
		.issuer = c.issuer};
}
