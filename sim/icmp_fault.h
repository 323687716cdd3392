/* SPDX-License-Identifier: MIT */
/*
 * A router that turns connections to one address away by ICMP.
 *
 * The listener at the address is mute (net_fault.h), so that the kernel says
 * nothing; each SYN is seen by a raw socket and answered as a router on the
 * way would (RFC 792, RFC 4443 3.1). Needs CAP_NET_RAW. Owns its sockets on
 * the caller's loop.
 */
#ifndef SIM_ICMP_FAULT_H
#define SIM_ICMP_FAULT_H

#include <sys/socket.h>
#include <uv.h>

/* What the client is told, and what connect() makes of it on Linux. */
enum icmp_fault_kind {
	ICMP_FAULT_NET_UNREACHABLE,  /* ENETUNREACH */
	ICMP_FAULT_HOST_UNREACHABLE, /* EHOSTUNREACH */
	ICMP_FAULT_PORT_UNREACHABLE, /* ECONNREFUSED */
	ICMP_FAULT_PROHIBITED,	     /* EHOSTUNREACH; by IPv6 EACCES */
};

struct icmp_fault;

/* On error a negative errno: -EPERM without the privilege. */
int icmp_fault_new(uv_loop_t *loop, const struct sockaddr *addr,
		   enum icmp_fault_kind kind, struct icmp_fault **ret);
/* It is gone when the loop has turned; @cb then, or NULL. */
void icmp_fault_close(struct icmp_fault *f, void (*cb)(void *arg), void *arg);

#endif
