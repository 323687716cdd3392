/* SPDX-License-Identifier: MIT */
/*
 * Faults below SMTP: what the kernel is told so that a connection fails.
 *
 * Stateless; each pair of calls does and undoes one thing to a socket or to
 * the routes of the network namespace the process is in. Never use the
 * routes outside a sandbox.
 */
#ifndef SIM_NET_FAULT_H
#define SIM_NET_FAULT_H

#include <netinet/in.h>
#include <stdbool.h>

/*
 * A listening socket that drops every packet, so that SYNs get no answer.
 * Needs CAP_NET_ADMIN on some kernels: -EPERM.
 */
int net_fault_mute(int fd);
int net_fault_unmute(int fd);

/*
 * The same without any privilege: a listener whose accept queue is full, by
 * a connection of our own. Nobody else may listen on @addr. Close both.
 */
int net_fault_fill(const struct sockaddr_in *addr, int ret_fds[2]);

/* Add or delete an "unreachable" route to @addr: EHOSTUNREACH at connect. */
int net_fault_unreachable(const struct in_addr *addr, bool on);

#endif
