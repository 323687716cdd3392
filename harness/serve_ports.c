/* SPDX-License-Identifier: MIT */
/* Ports, by trying: see serve_ports.h. */
#include "harness/serve_ports.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

/* A port that is free at the first address may be taken at the next. */
#define FREE_PORT_TRIES 50

static int port_of(int fd, uint16_t *ret)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	if (getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
		return -errno;
	*ret = ntohs(addr.sin_port);
	return 0;
}

/* Bind and let go; *@port 0 is replaced by what the kernel gave. */
static int bind_once(const char *address, int type, uint16_t *port)
{
	struct sockaddr_in addr;
	int rc = uv_ip4_addr(address, *port, &addr);
	int fd, on = 1;

	if (rc < 0)
		return rc;
	fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Connections of the past don't count, listeners do. */
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 1) < 0))
		rc = -errno;
	else
		rc = port_of(fd, port);
	close(fd);
	return rc;
}

static int bind_all(const char *const *addresses, size_t count, bool udp,
		    uint16_t *port, const char **ret_address)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < count; i++) {
		*ret_address = addresses[i];
		rc = bind_once(addresses[i], SOCK_STREAM, port);
		if (rc == 0 && udp)
			rc = bind_once(addresses[i], SOCK_DGRAM, port);
	}
	return rc;
}

int serve_ports_try(const char *const *addresses, size_t count, bool udp,
		    uint16_t *port, const char **ret_address)
{
	int rc = -EADDRINUSE;

	if (*port)
		return bind_all(addresses, count, udp, port, ret_address);
	for (int i = 0; rc == -EADDRINUSE && i < FREE_PORT_TRIES; i++) {
		*port = 0;
		rc = bind_all(addresses, count, udp, port, ret_address);
	}
	return rc;
}
