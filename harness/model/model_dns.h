/* SPDX-License-Identifier: MIT */
/*
 * Where mail for a domain goes: MX records, or the domain's own address.
 *
 * Blocks: called from a worker thread. RFC 5321 5.1, RFC 7505.
 */
#ifndef HARNESS_MODEL_MODEL_DNS_H
#define HARNESS_MODEL_MODEL_DNS_H

#include <sys/socket.h>

#include "harness/model/model.h"

struct model_host {
	char name[256];
	struct sockaddr_storage address; /* with the port */
	char text[64];			 /* "192.0.2.10:25" */
	unsigned preference;
};

enum model_dns_result {
	MODEL_DNS_FOUND,
	MODEL_DNS_LATER, /* ask again */
	MODEL_DNS_NEVER, /* there is no way to this domain */
};

struct model_hosts {
	struct model_host *hosts; /* in the order in which they are tried */
	size_t count;
	bool has_own; /* one of the addresses is this host's, and left out */
	enum model_dns_result result;
	const char *status; /* when not FOUND: X.Y.Z, static */
	char why[400];
};

/* @ret: model_hosts_release() in any case. */
void model_dns_hosts(const struct model_config *config, const char *domain,
		     struct model_hosts *ret);
void model_hosts_release(struct model_hosts *hosts);

#endif
