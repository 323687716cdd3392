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
 * networks.
 */
int sandbox_net_up(const char *const *addresses, size_t count,
		   struct sandbox_fault *fault);

/* Write the network's sysctls; needs this namespace's /proc, writable. */
int sandbox_net_tune(struct sandbox_fault *fault);

#endif
