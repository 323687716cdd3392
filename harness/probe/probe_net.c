/* SPDX-License-Identifier: MIT */
#include "harness/probe/probe_net.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#define NS_PER_S INT64_C(1000000000)

int64_t probe_net_now_ns(void)
{
	return (int64_t)uv_hrtime();
}

int64_t probe_net_deadline(const struct probe_net *net)
{
	int64_t deadline = probe_net_now_ns() + net->timeout_ns;

	return deadline < net->end_ns ? deadline : net->end_ns;
}

int probe_net_await(const struct probe_net *net, int fd, short events,
		    int64_t deadline_ns)
{
	struct pollfd pfd = {.fd = fd, .events = events};

	for (;;) {
		int64_t left = deadline_ns - probe_net_now_ns();
		struct timespec wait = {left / NS_PER_S, left % NS_PER_S};
		int n;

		if (net->stop && *net->stop)
			return -EINTR;
		if (left <= 0)
			return -ETIMEDOUT;
		n = ppoll(&pfd, 1, &wait, net->mask);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

static int connect_finish(const struct probe_net *net, int fd,
			  int64_t deadline_ns)
{
	int error = 0, rc = probe_net_await(net, fd, POLLOUT, deadline_ns);
	socklen_t len = sizeof(error);

	if (rc < 0)
		return rc;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -errno;
	return -error;
}

int probe_net_connect(const struct probe_net *net, int type,
		      const struct sockaddr_storage *addr, int64_t deadline_ns,
		      int *ret_fd)
{
	int rc = 0, fd = socket(addr->ss_family,
				type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)addr,
		    probe_net_addr_len(addr)) < 0)
		rc = -errno;
	if (rc == -EINPROGRESS)
		rc = connect_finish(net, fd, deadline_ns);
	if (rc < 0)
		close(fd);
	else
		*ret_fd = fd;
	return rc;
}

ssize_t probe_net_read(const struct probe_net *net, int fd, void *buf,
		       size_t len, int64_t deadline_ns)
{
	for (;;) {
		int rc = probe_net_await(net, fd, POLLIN, deadline_ns);
		ssize_t n;

		if (rc < 0)
			return rc;
		n = recv(fd, buf, len, 0);
		if (n >= 0)
			return n;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
}

int probe_net_write(const struct probe_net *net, int fd, const void *buf,
		    size_t len, int64_t deadline_ns)
{
	const char *at = buf;

	while (len) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
		int rc;

		if (n >= 0) {
			at += n;
			len -= (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		rc = probe_net_await(net, fd, POLLOUT, deadline_ns);
		if (rc < 0)
			return rc;
	}
	return 0;
}

socklen_t probe_net_addr_len(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					   : sizeof(struct sockaddr_in);
}

const char *probe_net_addr_text(const struct sockaddr_storage *addr, char *buf,
				size_t len)
{
	const void *bytes =
		addr->ss_family == AF_INET6
			? (const void *)&((const struct sockaddr_in6 *)addr)
				  ->sin6_addr
			: &((const struct sockaddr_in *)addr)->sin_addr;
	const char *text =
		inet_ntop(addr->ss_family, bytes, buf, (socklen_t)len);

	assert(text);
	return text;
}

void probe_net_set_port(struct sockaddr_storage *addr, uint16_t port)
{
	if (addr->ss_family == AF_INET6)
		((struct sockaddr_in6 *)addr)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)addr)->sin_port = htons(port);
}
