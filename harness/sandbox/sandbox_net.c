/* SPDX-License-Identifier: MIT */
/* The sandbox's network: loopback and the test networks on it. */
#include "harness/sandbox/sandbox_net.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum {
	NET_LO = 1, /* lo is the first interface of every namespace */
};

struct net_route {
	const char *to;	     /* prefix */
	const char *from;    /* source address for connections there */
	bool replace_kernel; /* the kernel has laid it without quickack */
};

/*
 * quickack: with delayed ACKs and Nagle a reply of three lines waits 40 ms of
 * host time while every task sleeps; on a virtual clock that looks like a
 * server that says nothing. Connections to the test networks come from the
 * MTA's own address, as they would outside.
 */
static const struct net_route net_routes_v4[] = {
	{"127.0.0.0/8", "127.0.0.1", true},
	{"127.0.0.1/32", "127.0.0.1", true},
	{"192.0.2.1/32", SANDBOX_NET_OWN_ADDRESS, true},
	{"192.0.2.0/24", SANDBOX_NET_OWN_ADDRESS, false},
	{"198.51.100.0/24", SANDBOX_NET_OWN_ADDRESS, false},
	{"203.0.113.0/24", SANDBOX_NET_OWN_ADDRESS, false},
};

static const struct net_route net_routes_v6[] = {
	{"::1/128", NULL, true},
	{"2001:db8::/32", NULL, false},
};

/* One sysctl of the namespace; those that this kernel lacks don't matter. */
struct net_sysctl {
	const char *path, *value;
};

/*
 * The kernel's own TCP timers run in host time, which passes by chance while
 * days of virtual time do: none of them may decide what the MTA sees. So they
 * never give up. A new namespace takes over the host's congestion control and
 * buffers: BBR paces segments by the host's clock, and lets a sender put four
 * times as much into its socket's buffer. So they are the kernel's own, and
 * Reno, which every kernel has and allows. The rest: many short connections in
 * a few seconds, a log socket that holds a burst.
 */
static const struct net_sysctl net_sysctls[] = {
	{"net/ipv4/tcp_congestion_control", "reno"},
	{"net/ipv4/tcp_wmem", "4096 16384 4194304"},
	{"net/ipv4/tcp_rmem", "4096 131072 6291456"},
	{"net/ipv4/tcp_syn_retries", "127"},
	{"net/ipv4/tcp_synack_retries", "127"},
	{"net/ipv4/tcp_retries1", "255"},
	{"net/ipv4/tcp_retries2", "255"},
	{"net/ipv4/tcp_orphan_retries", "255"},
	{"net/ipv4/tcp_keepalive_time", "32767"},
	{"net/ipv4/tcp_keepalive_probes", "127"},
	{"net/ipv4/tcp_autocorking", "0"},
	{"net/ipv4/tcp_no_metrics_save", "1"},
	{"net/ipv4/tcp_tw_reuse", "1"},
	{"net/ipv4/ip_local_port_range", "10240 65535"},
	{"net/ipv4/ping_group_range", "0 65535"},
	{"net/unix/max_dgram_qlen", "512"},
};

/* Any port for any user, binding to 2001:db8::/32. */
static const struct net_sysctl net_bind_sysctls[] = {
	{"net/ipv4/ip_unprivileged_port_start", "0"},
	{"net/ipv6/ip_nonlocal_bind", "1"},
};

static int net_errno(int nl)
{
	switch (-nl) {
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_AF_NOSUPPORT:
	case NLE_OPNOTSUPP:
		return -ENOSYS;
	default:
		return -EIO;
	}
}

static int net_fault(struct sandbox_fault *fault, int nl, const char *what)
{
	return sandbox_fault_set(fault, net_errno(nl),
				 "cannot set up the sandbox's network "
				 "(%s): %s",
				 what, nl_geterror(nl));
}

/* As on Ethernet: with lo's own 65536 a window holds a single segment, and a
 * sender's buffer megabytes. */
#define NET_MTU 1500

static int net_lo_up(struct nl_sock *nl)
{
	struct rtnl_link *old = NULL, *up = rtnl_link_alloc();
	int r = up ? rtnl_link_get_kernel(nl, NET_LO, NULL, &old) : -NLE_NOMEM;

	if (!r) {
		rtnl_link_set_flags(up, IFF_UP);
		rtnl_link_set_mtu(up, NET_MTU);
		r = rtnl_link_change(nl, old, up, 0);
	}
	rtnl_link_put(old);
	rtnl_link_put(up);
	return r;
}

static int net_add_address(struct nl_sock *nl, const char *text)
{
	struct rtnl_addr *address = rtnl_addr_alloc();
	struct nl_addr *local = NULL;
	int r = address ? nl_addr_parse(text, AF_INET, &local) : -NLE_NOMEM;

	if (!r) {
		rtnl_addr_set_ifindex(address, NET_LO);
		r = rtnl_addr_set_local(address, local);
	}
	if (!r)
		r = rtnl_addr_add(nl, address, NLM_F_CREATE | NLM_F_REPLACE);
	nl_addr_put(local);
	rtnl_addr_put(address);
	return r;
}

static int net_route_fill(struct rtnl_route *route, const struct net_route *is,
			  const struct nl_addr *to)
{
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	struct nl_addr *from = NULL;
	int r;

	if (!hop)
		return -NLE_NOMEM;
	rtnl_route_nh_set_ifindex(hop, NET_LO);
	rtnl_route_add_nexthop(route, hop); /* now the route's */
	rtnl_route_set_table(route, RT_TABLE_LOCAL);
	rtnl_route_set_scope(route, RT_SCOPE_HOST);
	rtnl_route_set_protocol(route, RTPROT_BOOT);
	r = rtnl_route_set_type(route, RTN_LOCAL);
	if (!r)
		r = rtnl_route_set_dst(route, (struct nl_addr *)to);
	if (!r)
		r = rtnl_route_set_metric(route, RTAX_QUICKACK, 1);
	if (!r && is->from) {
		r = nl_addr_parse(is->from, nl_addr_get_family(to), &from);
		if (!r)
			r = rtnl_route_set_pref_src(route, from);
		nl_addr_put(from);
	}
	return r;
}

static int net_add_route(struct nl_sock *nl, const struct net_route *is)
{
	struct rtnl_route *route = rtnl_route_alloc();
	struct nl_addr *to = NULL;
	int r = route ? nl_addr_parse(is->to, AF_UNSPEC, &to) : -NLE_NOMEM;

	if (!r)
		r = net_route_fill(route, is, to);
	/* IPv6 replaces only within one metric, and 0 is the kernel's own:
	 * its route has to go first. */
	if (!r && is->replace_kernel && nl_addr_get_family(to) == AF_INET6) {
		/* It is looked for by who laid it, too. */
		rtnl_route_set_protocol(route, RTPROT_KERNEL);
		rtnl_route_delete(nl, route, 0);
		rtnl_route_set_protocol(route, RTPROT_BOOT);
	}
	if (!r)
		r = rtnl_route_add(nl, route, NLM_F_CREATE | NLM_F_REPLACE);
	nl_addr_put(to);
	rtnl_route_put(route);
	return r;
}

static int net_add_routes(struct nl_sock *nl, const struct net_route *routes,
			  size_t count, struct sandbox_fault *fault)
{
	for (size_t i = 0; i < count; i++) {
		int r = net_add_route(nl, &routes[i]);

		if (r)
			return net_fault(fault, r, routes[i].to);
	}
	return 0;
}

static bool net_has_ipv6(void)
{
	return !access("/proc/sys/net/ipv6", F_OK);
}

static int net_set_up(struct nl_sock *nl, const char *const *addresses,
		      size_t count, struct sandbox_fault *fault)
{
	int r = net_lo_up(nl);

	if (r)
		return net_fault(fault, r, "lo");
	r = net_add_address(nl, SANDBOX_NET_OWN_ADDRESS "/32");
	if (r)
		return net_fault(fault, r, SANDBOX_NET_OWN_ADDRESS);
	r = net_add_routes(nl, net_routes_v4,
			   sizeof(net_routes_v4) / sizeof(net_routes_v4[0]),
			   fault);
	if (!r && net_has_ipv6())
		r = net_add_routes(nl, net_routes_v6,
				   sizeof(net_routes_v6) /
					   sizeof(net_routes_v6[0]),
				   fault);
	for (size_t i = 0; !r && i < count; i++) {
		const struct net_route route = {.to = addresses[i]};

		r = net_add_routes(nl, &route, 1, fault);
	}
	return r;
}

int sandbox_net_up(const char *const *addresses, size_t count,
		   struct sandbox_fault *fault)
{
	struct nl_sock *nl = nl_socket_alloc();
	int r = nl ? nl_connect(nl, NETLINK_ROUTE) : -NLE_NOMEM;

	if (r)
		net_fault(fault, r, "netlink");
	else
		r = net_set_up(nl, addresses, count, fault);
	nl_socket_free(nl);
	return r ? fault->err : 0;
}

static int net_write_sysctl(int sys, const struct net_sysctl *s)
{
	int fd = openat(sys, s->path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	n = write(fd, s->value, strlen(s->value));
	close(fd);
	return n < 0 && errno != EINVAL ? -errno : 0;
}

static int net_write_sysctls(const struct net_sysctl *list, size_t count,
			     struct sandbox_fault *fault)
{
	int sys = open("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC), r = 0;

	if (sys < 0)
		return sandbox_fault_set(fault, -errno,
					 "cannot open /proc/sys: %s",
					 strerror(errno));
	for (size_t i = 0; !r && i < count; i++) {
		r = net_write_sysctl(sys, &list[i]);
		if (r)
			sandbox_fault_set(fault, r, "cannot set %s: %s",
					  list[i].path, strerror(-r));
	}
	close(sys);
	return r;
}

int sandbox_net_allow_bind(struct sandbox_fault *fault)
{
	return net_write_sysctls(
		net_bind_sysctls,
		sizeof(net_bind_sysctls) / sizeof(net_bind_sysctls[0]), fault);
}

int sandbox_net_tune(struct sandbox_fault *fault)
{
	int r = sandbox_net_allow_bind(fault);

	return r ? r
		 : net_write_sysctls(
			   net_sysctls,
			   sizeof(net_sysctls) / sizeof(net_sysctls[0]), fault);
}
