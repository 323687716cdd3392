/* SPDX-License-Identifier: MIT */
/* A router that turns connections away by ICMP: see icmp_fault.h. */
#include "sim/icmp_fault.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/net_fault.h"

enum {
	PACKET_MAX = 256, /* bytes looked at of a SYN */
	QUOTE_MAX = 128,  /* bytes of it that are sent back */
	PACKETS_A_TURN = 64,
};

struct icmp_fault {
	uv_poll_t poll;
	struct sockaddr_storage addr;
	enum icmp_fault_kind kind;
	int tcp, icmp; /* raw sockets */
	void (*close_cb)(void *arg);
	void *close_arg;
};

/* Type and code by family. */
static const struct {
	uint8_t code4, code6;
} codes[] = {
	[ICMP_FAULT_NET_UNREACHABLE] = {ICMP_NET_UNREACH,
					ICMP6_DST_UNREACH_NOROUTE},
	[ICMP_FAULT_HOST_UNREACHABLE] = {ICMP_HOST_UNREACH,
					 ICMP6_DST_UNREACH_ADDR},
	[ICMP_FAULT_PORT_UNREACHABLE] = {ICMP_PORT_UNREACH,
					 ICMP6_DST_UNREACH_NOPORT},
	[ICMP_FAULT_PROHIBITED] = {ICMP_PKT_FILTERED, ICMP6_DST_UNREACH_ADMIN},
};

/* RFC 1071. */
static uint16_t checksum(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static uint16_t port_of(const struct icmp_fault *f)
{
	const struct sockaddr_in *in = (const void *)&f->addr;
	const struct sockaddr_in6 *in6 = (const void *)&f->addr;

	return f->addr.ss_family == AF_INET6 ? in6->sin6_port : in->sin_port;
}

/* Is it a SYN, and to our port? */
static bool is_ours(const struct icmp_fault *f, const uint8_t *tcp, size_t len)
{
	struct tcphdr header;

	if (len < sizeof(header))
		return false;
	memcpy(&header, tcp, sizeof(header));
	return header.syn && !header.ack && header.dest == port_of(f);
}

/* Destination unreachable, quoting @quote. */
static void answer(const struct icmp_fault *f, const uint8_t *quote, size_t len,
		   const struct sockaddr *to)
{
	uint8_t packet[8 + QUOTE_MAX] = {0};
	bool is_ip6 = f->addr.ss_family == AF_INET6;
	uint16_t sum;

	packet[0] = is_ip6 ? ICMP6_DST_UNREACH : ICMP_DEST_UNREACH;
	packet[1] = is_ip6 ? codes[f->kind].code6 : codes[f->kind].code4;
	memcpy(packet + 8, quote, len);
	/* By IPv6 the kernel fills it in. */
	if (!is_ip6) {
		sum = checksum(packet, 8 + len);
		memcpy(packet + 2, &sum, sizeof(sum));
	}
	/* Lost when it can't be sent, as packets are; the client asks again. */
	sendto(f->icmp, packet, 8 + len, 0, to, net_fault_len(to));
}

/* By IPv4 the raw socket gives the IP header, too. */
static void packet4(const struct icmp_fault *f, const uint8_t *packet,
		    size_t len, struct sockaddr *from)
{
	size_t header = len ? (size_t)(packet[0] & 15) * 4 : 0;

	((struct sockaddr_in *)from)->sin_port = 0;
	if (header < sizeof(struct iphdr) || len < header ||
	    !is_ours(f, packet + header, len - header))
		return;
	if (len > QUOTE_MAX)
		len = QUOTE_MAX;
	answer(f, packet, len, from);
}

/* By IPv6 it doesn't: the header is written again from what is known. */
static void packet6(const struct icmp_fault *f, const uint8_t *packet,
		    size_t len, struct sockaddr *from)
{
	const struct sockaddr_in6 *own = (const void *)&f->addr;
	struct sockaddr_in6 *peer = (void *)from;
	uint8_t quote[QUOTE_MAX] = {0x60, 0, 0, 0, 0, 0, IPPROTO_TCP, 64};

	peer->sin6_port = 0;
	if (!is_ours(f, packet, len))
		return;
	quote[4] = (uint8_t)(len >> 8);
	quote[5] = (uint8_t)len;
	memcpy(quote + 8, &peer->sin6_addr, 16);
	memcpy(quote + 24, &own->sin6_addr, 16);
	if (len > QUOTE_MAX - 40)
		len = QUOTE_MAX - 40;
	memcpy(quote + 40, packet, len);
	answer(f, quote, 40 + len, from);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct icmp_fault *f = poll->data;

	for (int i = 0; i < PACKETS_A_TURN; i++) {
		struct sockaddr_storage from = {0};
		socklen_t size = sizeof(from);
		uint8_t packet[PACKET_MAX];
		ssize_t len = recvfrom(f->tcp, packet, sizeof(packet), 0,
				       (struct sockaddr *)&from, &size);

		if (len < 0)
			return;
		if (f->addr.ss_family == AF_INET6)
			packet6(f, packet, (size_t)len,
				(struct sockaddr *)&from);
		else
			packet4(f, packet, (size_t)len,
				(struct sockaddr *)&from);
	}
}

/* A raw socket at our address, without its port. */
static int raw_socket(const struct sockaddr_storage *addr, int protocol)
{
	struct sockaddr_storage any = *addr;
	int fd = socket(addr->ss_family,
			SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	int rc;

	if (fd < 0)
		return -errno;
	if (any.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&any)->sin6_port = 0;
	else
		((struct sockaddr_in *)&any)->sin_port = 0;
	if (bind(fd, (struct sockaddr *)&any,
		 net_fault_len((struct sockaddr *)&any)) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

int icmp_fault_new(uv_loop_t *loop, const struct sockaddr *addr,
		   enum icmp_fault_kind kind, struct icmp_fault **ret)
{
	bool is_ip6 = addr->sa_family == AF_INET6;
	struct icmp_fault *f = calloc(1, sizeof(*f));
	int rc;

	assert(f);
	f->kind = kind;
	memcpy(&f->addr, addr, net_fault_len(addr));
	f->tcp = raw_socket(&f->addr, IPPROTO_TCP);
	f->icmp = f->tcp < 0 ? -EBADF
			     : raw_socket(&f->addr, is_ip6 ? IPPROTO_ICMPV6
							   : IPPROTO_ICMP);
	rc = f->tcp < 0 ? f->tcp : f->icmp < 0 ? f->icmp : 0;
	if (rc == 0)
		rc = uv_poll_init(loop, &f->poll, f->tcp);
	if (rc < 0) {
		if (f->tcp >= 0)
			close(f->tcp);
		if (f->icmp >= 0)
			close(f->icmp);
		free(f);
		return rc;
	}
	f->poll.data = f;
	uv_poll_start(&f->poll, UV_READABLE, on_readable);
	*ret = f;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct icmp_fault *f = handle->data;
	void (*cb)(void *arg) = f->close_cb;
	void *arg = f->close_arg;

	close(f->tcp);
	close(f->icmp);
	free(f);
	if (cb)
		cb(arg);
}

void icmp_fault_close(struct icmp_fault *f, void (*cb)(void *arg), void *arg)
{
	f->close_cb = cb;
	f->close_arg = arg;
	uv_close((uv_handle_t *)&f->poll, on_closed);
}
