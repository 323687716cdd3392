/* SPDX-License-Identifier: MIT */
/* One address of a server: see listener.h. */
#include "sim/listener.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/icmp_fault.h"
#include "sim/net_fault.h"

#define LISTEN_BACKLOG 4096

/* Apart from the listener: it lives on until libuv has closed it. */
struct acceptor {
	uv_tcp_t tcp;
	struct listener *listener;
};

struct listener {
	uv_loop_t *loop;
	struct sockaddr_storage addr;
	bool may_route, small_window;
	const struct listener_ops *ops;
	void *arg;
	struct acceptor *acceptor; /* NULL while connections are refused */
	size_t open_handles;
	bool muted, closing;
	bool routed; /* a route leads nowhere: of this kind */
	enum net_fault_route route;
	struct icmp_fault *icmp; /* or NULL */
	int fill[2];		 /* net_fault_fill()'s, or -1 */
};

static void listener_closed(struct listener *l)
{
	void (*on_closed)(void *arg) = l->ops->on_closed;
	void *arg = l->arg;

	if (!l->closing || l->open_handles)
		return;
	free(l);
	on_closed(arg);
}

static void acceptor_closed(uv_handle_t *handle)
{
	struct acceptor *a = handle->data;
	struct listener *l = a->listener;

	free(a);
	l->open_handles--;
	listener_closed(l);
}

static void acceptor_on_connection(uv_stream_t *stream, int status)
{
	struct acceptor *a = stream->data;
	struct listener *l = a->listener;

	if (status < 0)
		l->ops->on_error(l->arg, status);
	else
		l->ops->on_connection(l->arg, stream);
}

static const struct sockaddr *listener_addr(const struct listener *l)
{
	return (const struct sockaddr *)&l->addr;
}

static int listen_socket(const struct sockaddr *addr, bool small_window)
{
	int fd = socket(addr->sa_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, window = LISTENER_WINDOW, rc;

	if (fd < 0)
		return -errno;
	/* Before it listens: a window that was offered isn't taken back. */
	if (small_window)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof(window));
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    bind(fd, addr, net_fault_len(addr)) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

static void listener_unlisten(struct listener *l)
{
	if (l->acceptor)
		uv_close((uv_handle_t *)&l->acceptor->tcp, acceptor_closed);
	l->acceptor = NULL;
}

static int listener_listen(struct listener *l)
{
	const int on = 1;
	struct acceptor *a;
	int fd, rc;

	if (l->acceptor)
		return 0;
	fd = listen_socket(listener_addr(l), l->small_window);
	if (fd < 0)
		return fd;
	l->acceptor = a = calloc(1, sizeof(*a));
	assert(a);
	a->listener = l;
	a->tcp.data = a;
	uv_tcp_init(l->loop, &a->tcp);
	l->open_handles++;
	/* Connections inherit it: a reply is not to wait for the one before. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	rc = uv_tcp_open(&a->tcp, fd);
	if (rc < 0)
		close(fd);
	else
		rc = uv_listen((uv_stream_t *)&a->tcp, LISTEN_BACKLOG,
			       acceptor_on_connection);
	if (rc < 0)
		listener_unlisten(l);
	return rc;
}

static void icmp_closed(void *arg)
{
	struct listener *l = arg;

	l->open_handles--;
	listener_closed(l);
}

/* What was told to the kernel beside the listening socket. */
static int listener_undo(struct listener *l)
{
	uv_os_fd_t fd;
	int rc = 0;

	if (l->routed)
		rc = net_fault_route(listener_addr(l), l->route, false);
	l->routed = false;
	if (l->icmp)
		icmp_fault_close(l->icmp, icmp_closed, l);
	l->icmp = NULL;
	for (int i = 0; i < 2; i++) {
		if (l->fill[i] >= 0)
			close(l->fill[i]);
		l->fill[i] = -1;
	}
	if (l->muted && uv_fileno((uv_handle_t *)&l->acceptor->tcp, &fd) == 0)
		rc = net_fault_unmute(fd);
	l->muted = false;
	return rc;
}

static int listener_mute(struct listener *l)
{
	uv_os_fd_t fd;
	int rc = uv_fileno((uv_handle_t *)&l->acceptor->tcp, &fd);

	if (rc == 0)
		rc = net_fault_mute(fd);
	l->muted = rc == 0;
	return rc;
}

static int listener_fill(struct listener *l)
{
	listener_unlisten(l);
	return net_fault_fill(listener_addr(l), l->fill);
}

static int listener_blackhole(struct listener *l)
{
	int rc = listener_mute(l);

	return rc == -EPERM ? listener_fill(l) : rc;
}

static int listener_icmp(struct listener *l, enum icmp_fault_kind kind)
{
	int rc = listener_mute(l);

	if (rc == 0)
		rc = icmp_fault_new(l->loop, listener_addr(l), kind, &l->icmp);
	if (rc == 0)
		l->open_handles++;
	return rc;
}

static int listener_route(struct listener *l, enum net_fault_route route)
{
	int rc;

	if (!l->may_route)
		return listener_icmp(l, route == NET_FAULT_NET_UNREACHABLE
						? ICMP_FAULT_NET_UNREACHABLE
						: ICMP_FAULT_HOST_UNREACHABLE);
	rc = net_fault_route(listener_addr(l), route, true);
	l->routed = rc == 0;
	l->route = route;
	return rc;
}

static int may_have_raw_socket(void)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

int listener_check(enum deadmx_action action, bool may_route)
{
	if (deadmx_action_form(DEADMX_STAGE_CONNECT, action) ==
	    DEADMX_ACTION_NEVER)
		return -EINVAL;
	if (action == DEADMX_ACTION_PORT_UNREACHABLE ||
	    action == DEADMX_ACTION_PROHIBITED)
		return may_have_raw_socket();
	if (!may_route && (action == DEADMX_ACTION_UNREACHABLE ||
			   action == DEADMX_ACTION_NET_UNREACHABLE))
		return may_have_raw_socket();
	return 0;
}

int listener_set(struct listener *l, enum deadmx_action action)
{
	int rc = listener_undo(l);

	if (rc == 0)
		rc = listener_listen(l);
	if (rc < 0)
		return rc;
	switch (action) {
	case DEADMX_ACTION_REFUSE:
		listener_unlisten(l);
		return 0;
	case DEADMX_ACTION_BLACKHOLE:
		return listener_blackhole(l);
	case DEADMX_ACTION_UNREACHABLE:
		return listener_route(l, NET_FAULT_HOST_UNREACHABLE);
	case DEADMX_ACTION_NET_UNREACHABLE:
		return listener_route(l, NET_FAULT_NET_UNREACHABLE);
	case DEADMX_ACTION_PORT_UNREACHABLE:
		return listener_icmp(l, ICMP_FAULT_PORT_UNREACHABLE);
	case DEADMX_ACTION_PROHIBITED:
		return listener_icmp(l, ICMP_FAULT_PROHIBITED);
	case DEADMX_ACTION_QUEUE_FULL:
		return listener_fill(l);
	case DEADMX_ACTION_ACCEPT:
	case DEADMX_ACTION_DROP:
	case DEADMX_ACTION_RESET:
		return 0;
	case DEADMX_ACTION_REPLY:
	case DEADMX_ACTION_STALL:
	case DEADMX_ACTION_DRIP:
	case DEADMX_ACTION_RAW:
	case DEADMX_ACTION_GARBAGE:
	case DEADMX_ACTION_LONG_LINE:
	case DEADMX_ACTION_BARE_LF:
	case DEADMX_ACTION_WRONG_CODE:
	case DEADMX_ACTION_MIXED_CODES:
	case DEADMX_ACTION_HALF_OPEN:
	case DEADMX_ACTION_STOP_READING:
		DEADMX_ACTION_TLS_MAP(DEADMX_ACTION_CASE)
	case DEADMX_ACTION_COUNT:
		break;
	}
	assert(!"smtp_server_check() lets none of these pass");
	return -EINVAL;
}

void listener_set_small_window(struct listener *l)
{
	l->small_window = true;
}

struct listener *listener_new(uv_loop_t *loop, const struct sockaddr *addr,
			      bool may_route, const struct listener_ops *ops,
			      void *arg)
{
	struct listener *l = calloc(1, sizeof(*l));

	assert(l);
	l->loop = loop;
	memcpy(&l->addr, addr, net_fault_len(addr));
	l->may_route = may_route;
	l->ops = ops;
	l->arg = arg;
	l->fill[0] = l->fill[1] = -1;
	return l;
}

void listener_close(struct listener *l)
{
	listener_undo(l);
	listener_unlisten(l);
	/* When nothing is left that closes later, it goes now. */
	l->closing = true;
	listener_closed(l);
}
