/* SPDX-License-Identifier: MIT */
/*
 * Where the world's servers stand outside of a sandbox.
 *
 * A scenario puts them into the networks for tests (RFC 5737), which are on
 * no machine. By hand they move: to the loopback network, where the first
 * number becomes 127 and the others stay (192.0.2.10 is 127.0.2.10), or to
 * addresses that the tester names. The scenario itself is changed, so that
 * DNS, replies and events all tell the address that a client really meets.
 */
#ifndef DEADMX_LOOPBACK_H
#define DEADMX_LOOPBACK_H

#include "deadmx/scenario.h"

/* Clear of all addresses that servers move to, and of 127.0.0.53. */
#define DEADMX_LOOPBACK_DNS "127.0.53.53"

/* Bytes of an IPv4 address as text, with its NUL. */
#define DEADMX_LOOPBACK_TEXT_MAX 16

/*
 * The loopback address of one from the networks for tests; others stay as
 * they are. -EINVAL: it is no IPv4 address.
 */
int deadmx_loopback_address(const char *address,
			    char ret[DEADMX_LOOPBACK_TEXT_MAX]);

/*
 * Move all servers of @s: to @addresses in the order of the file, or to
 * loopback when there are none (@count 0). Those that have SMTP's port 25
 * get @port instead. When there are fewer addresses than servers, the rest
 * share the last one, each with a port of its own, counted up from the last.
 * -ERANGE: the ports don't reach. Addresses of nobody that frontends hand mail
 * on to move to loopback in any case.
 */
int deadmx_loopback_move(struct deadmx_scenario *s,
			 const char *const *addresses, size_t count,
			 uint16_t port);

#endif
