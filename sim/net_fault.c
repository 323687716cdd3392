/* SPDX-License-Identifier: MIT */
/* Faults below SMTP: see net_fault.h. */
#include "sim/net_fault.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/route.h>
#include <sys/socket.h>
#include <unistd.h>

int net_fault_mute(int fd)
{
	struct sock_filter drop_all = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {.len = 1, .filter = &drop_all};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
		       sizeof(program)) < 0)
		return -errno;
	return 0;
}

int net_fault_unmute(int fd)
{
	int unused = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused,
		       sizeof(unused)) < 0)
		return -errno;
	return 0;
}

socklen_t net_fault_len(const struct sockaddr *addr)
{
	return addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					   : sizeof(struct sockaddr_in);
}

int net_fault_fill(const struct sockaddr *addr, int ret_fds[2])
{
	const int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, on = 1;
	socklen_t len = net_fault_len(addr);
	int listener = socket(addr->sa_family, type, 0);
	int filler = socket(addr->sa_family, type, 0);
	int rc;

	if (listener < 0 || filler < 0)
		goto fail;
	if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(listener, addr, len) || listen(listener, 0))
		goto fail;
	/* A queue of 0 takes one; over loopback it is there at once. */
	if (connect(filler, addr, len) && errno != EINPROGRESS)
		goto fail;
	ret_fds[0] = listener;
	ret_fds[1] = filler;
	return 0;
fail:
	rc = -errno;
	if (listener >= 0)
		close(listener);
	if (filler >= 0)
		close(filler);
	return rc;
}

static int route_error(int nl)
{
	switch (-nl) {
	case 0:
		return 0;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_EXIST:
		return -EEXIST;
	case NLE_OBJ_NOTFOUND:
		return -ESRCH;
	}
	return -EIO;
}

static struct nl_addr *route_to(const struct sockaddr *addr)
{
	const struct sockaddr_in *in = (const void *)addr;
	const struct sockaddr_in6 *in6 = (const void *)addr;

	if (addr->sa_family == AF_INET6)
		return nl_addr_build(AF_INET6, &in6->sin6_addr, 16);
	return nl_addr_build(AF_INET, &in->sin_addr, 4);
}

static struct rtnl_route *route_new(const struct sockaddr *addr, uint8_t type)
{
	struct rtnl_route *route = rtnl_route_alloc();
	struct nl_addr *dst = route_to(addr);

	if (!route || !dst) {
		nl_addr_put(dst);
		rtnl_route_put(route);
		return NULL;
	}
	nl_addr_set_prefixlen(dst, addr->sa_family == AF_INET6 ? 128 : 32);
	rtnl_route_set_family(route, (uint8_t)addr->sa_family);
	rtnl_route_set_type(route, type);
	rtnl_route_set_scope(route, RT_SCOPE_UNIVERSE);
	/* The sandbox's addresses are local routes, and the local table is
	 * asked before all others: only a route in there can win. */
	rtnl_route_set_table(route, RT_TABLE_LOCAL);
	rtnl_route_set_dst(route, dst);
	nl_addr_put(dst);
	return route;
}

int net_fault_route(const struct sockaddr *addr, enum net_fault_route kind,
		    bool on)
{
	/* A throw route ends the search in the local table, and no other table
	 * has one: the network can't be reached. */
	uint8_t type =
		kind == NET_FAULT_NET_UNREACHABLE ? RTN_THROW : RTN_UNREACHABLE;
	struct nl_sock *sock = nl_socket_alloc();
	struct rtnl_route *route = route_new(addr, type);
	int rc = -NLE_NOMEM;

	if (!sock || !route)
		goto out;
	rc = nl_connect(sock, NETLINK_ROUTE);
	if (rc < 0)
		goto out;
	/* CREATE alone puts it before a local route to the same /32. */
	rc = on ? rtnl_route_add(sock, route, NLM_F_CREATE)
		: rtnl_route_delete(sock, route, 0);
out:
	rtnl_route_put(route);
	nl_socket_free(sock);
	return route_error(rc);
}
