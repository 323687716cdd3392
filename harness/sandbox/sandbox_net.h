/* SPDX-License-Identifier: MIT */
/*
 * The sandbox's network: loopback and the test networks on it, nothing else.
 *
 * Works on the network namespace that the caller is in. Nothing leads out:
 * an address that is not on the list has no route (ENETUNREACH).
 */
#ifndef HARNESS_SANDBOX_SANDBOX_NET_H
#define HARNESS_SANDBOX_SANDBOX_NET_H

#include <stddef.h>

#include "harness/sandbox/sandbox_fault.h"

/* The address that the MTA has for itself, on lo. */
#define SANDBOX_NET_OWN_ADDRESS "192.0.2.1"

/*
 * Bring lo up and lay the routes; @addresses are destinations beside the test
 * networks. May be called again in the same namespace.
 */
int sandbox_net_up(const char *const *addresses, size_t count,
		   struct sandbox_fault *fault);

/* Let everybody listen at any port and any of these addresses. */
int sandbox_net_allow_bind(struct sandbox_fault *fault);
/*
 * Write all of the sandbox's sysctls, those of virtual time too. Both need this
 * namespace's /proc, writable.
 */
int sandbox_net_tune(struct sandbox_fault *fault);

#endif
