/* SPDX-License-Identifier: MIT */
/*
 * One address of a server, and what happens to connections there.
 *
 * A listener owns the listening socket and whatever the kernel was told so
 * that connections fail: filters, a full queue, routes. It knows no timeline;
 * the caller says what holds from now on.
 */
#ifndef SIM_LISTENER_H
#define SIM_LISTENER_H

#include <stdbool.h>
#include <sys/socket.h>
#include <uv.h>

#include "deadmx/scenario.h"

enum { LISTENER_WINDOW = 8 << 10 };

struct listener_ops {
	/* A connection waits at @stream for uv_accept(). */
	void (*on_connection)(void *arg, uv_stream_t *stream);
	/* Connections can't be taken: a negative errno. */
	void (*on_error)(void *arg, int rc);
	/* Last: all handles are closed, the listener is gone. */
	void (*on_closed)(void *arg);
};

struct listener;

/*
 * Healthy, and not listening yet: listener_set() makes it so. @addr: IPv4 or
 * IPv6. @may_route: routes may be laid (sandbox); else ICMP stands for them.
 */
struct listener *listener_new(uv_loop_t *loop, const struct sockaddr *addr,
			      bool may_route, const struct listener_ops *ops,
			      void *arg);
/*
 * Can this process do @action? -EPERM: it speaks ICMP, which needs the
 * privilege of raw sockets; -EINVAL: it is no action of stage connect.
 */
int listener_check(enum deadmx_action action, bool may_route);

/*
 * From the next listener_set() that makes it listen anew: connections have a
 * small window, LISTENER_WINDOW bytes, so that it matters how fast they are
 * read from.
 */
void listener_set_small_window(struct listener *l);
/*
 * What holds from now on: ACCEPT or an action of stage connect. DROP and
 * RESET are the caller's, at on_connection(). 0 or a negative errno; then it
 * is healthy, or as near to it as could be.
 */
int listener_set(struct listener *l, enum deadmx_action action);
/* Undo all that was told to the kernel, and close. */
void listener_close(struct listener *l);

#endif
