/* SPDX-License-Identifier: MIT */
/*
 * Sockets with deadlines: what DNS, SMTP and TLS of a probe wait by.
 *
 * Everything blocks, one thing at a time, but never past its deadline and
 * never past a stop signal. Deadlines are moments of probe_net_now_ns(), the
 * probe's only look at the clock.
 */
#ifndef HARNESS_PROBE_NET_H
#define HARNESS_PROBE_NET_H

#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct probe_net {
	int64_t timeout_ns; /* one step may take this long */
	int64_t end_ns;	    /* nothing goes on after this moment */
	/* Set by a signal handler; @mask is in force while we wait, so that
	 * the signal can't come between a look at @stop and the waiting. */
	const volatile sig_atomic_t *stop;
	const sigset_t *mask;
};

int64_t probe_net_now_ns(void); /* monotonic */
/* The moment at which a step that begins now must be over. */
int64_t probe_net_deadline(const struct probe_net *net);

/*
 * Wait for @events (of poll) on @fd. 0; -ETIMEDOUT; -EINTR: stopped. An error
 * on the socket counts as readiness: the next call on it tells.
 */
int probe_net_await(const struct probe_net *net, int fd, short events,
		    int64_t deadline_ns);
/*
 * A connected, non-blocking socket of @type in *@ret_fd, the caller's to
 * close. 0 or a negative errno, -EINTR and -ETIMEDOUT as above.
 */
int probe_net_connect(const struct probe_net *net, int type,
		      const struct sockaddr_storage *addr, int64_t deadline_ns,
		      int *ret_fd);
/* Bytes read, at least one; 0 at the end; negative errno as above. */
ssize_t probe_net_read(const struct probe_net *net, int fd, void *buf,
		       size_t len, int64_t deadline_ns);
/* All of @buf is written: 0, or a negative errno as above. */
int probe_net_write(const struct probe_net *net, int fd, const void *buf,
		    size_t len, int64_t deadline_ns);

socklen_t probe_net_addr_len(const struct sockaddr_storage *addr);
/* "192.0.2.1", "2001:db8::1" into @buf of at least INET6_ADDRSTRLEN bytes. */
const char *probe_net_addr_text(const struct sockaddr_storage *addr, char *buf,
				size_t len);
void probe_net_set_port(struct sockaddr_storage *addr, uint16_t port);

#endif
