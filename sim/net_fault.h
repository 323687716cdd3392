/* SPDX-License-Identifier: MIT */
/*
 * Faults below SMTP: what the kernel is told so that a connection fails.
 *
 * Stateless; each pair of calls does and undoes one thing to a socket or to
 * the routes of the network namespace the process is in. Never use the
 * routes outside a sandbox. Addresses are IPv4 or IPv6.
 */
#ifndef SIM_NET_FAULT_H
#define SIM_NET_FAULT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

/* Bytes of an address of its family, for bind() and kin. */
socklen_t net_fault_len(const struct sockaddr *addr);

/*
 * A socket that drops every packet: a listening one, so that SYNs get no
 * answer; a connected one, so that nothing is acknowledged any more. Needs
 * CAP_NET_ADMIN on some kernels: -EPERM.
 */
int net_fault_mute(int fd);
int net_fault_unmute(int fd);

/*
 * A listener whose accept queue is full, by a connection of our own: it drops
 * SYNs, and needs no privilege. Nobody else may listen on @addr. Close both.
 */
int net_fault_fill(const struct sockaddr *addr, int ret_fds[2]);

/* What a route says of an address: the errno at connect(). */
enum net_fault_route {
	NET_FAULT_HOST_UNREACHABLE, /* EHOSTUNREACH */
	NET_FAULT_NET_UNREACHABLE,  /* ENETUNREACH */
};

/* Add or delete a route to @addr that leads nowhere. */
int net_fault_route(const struct sockaddr *addr, enum net_fault_route kind,
		    bool on);

#endif
