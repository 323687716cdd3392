/* SPDX-License-Identifier: MIT */
/*
 * A probe: the way an MTA would take to one address, up to RCPT.
 *
 * One way, one thing at a time: DNS, hosts in their order, a session with
 * each address, and a report. No message is ever sent: the code knows no
 * DATA. It owns its sockets; what it found is the report's.
 */
#ifndef HARNESS_PROBE_H
#define HARNESS_PROBE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/probe/probe_address.h"
#include "harness/probe/probe_dns.h"
#include "harness/probe/probe_net.h"
#include "harness/probe/probe_report.h"
#include "harness/probe/probe_tls.h"

enum { PROBE_ADDRESSES_MAX = 200 }; /* tried in all, of all hosts */

struct probe_options {
	struct probe_address to;
	const char *from; /* reverse-path without <>; "" is the null one */
	const char *helo; /* NULL: this host's name, else its address */
	uint16_t port;
	bool v4, v6; /* address families to try */
	enum probe_tls_level tls;
	bool all; /* go on with the other hosts when the case is clear */
	struct probe_net net;
	SSL_CTX *tls_context; /* NULL with PROBE_TLS_NONE */
	/* Told of each step as soon as it is done; may be NULL. */
	void (*on_step)(void *arg, const struct probe_report *report,
			const struct probe_step *step);
	void *arg;
};

/* @report is an initialised one. @dns uses its arena and our net. */
void probe_run(const struct probe_options *options, const struct probe_dns *dns,
	       struct probe_report *report);

#endif
