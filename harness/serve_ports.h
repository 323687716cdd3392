/* SPDX-License-Identifier: MIT */
/*
 * Which ports `deadmx serve` can have, found out by trying.
 *
 * A machine lets ordinary users have ports from 1024 on, and a mail server on
 * it may hold port 25 at every address. Sockets are opened and closed again;
 * who comes in between makes the world's own start fail with a message.
 */
#ifndef HARNESS_SERVE_PORTS_H
#define HARNESS_SERVE_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The ports tried one after the other when the user asks for none. */
enum {
	SERVE_PORTS_SMTP = 25,
	SERVE_PORTS_SMTP_HIGH = 2525,
	SERVE_PORTS_DNS = 53,
	SERVE_PORTS_DNS_HIGH = 5300, /* 5353 is multicast DNS's */
};

/*
 * Can all @addresses be listened on at *@port, by TCP and, with @udp, by UDP
 * too? A *@port of 0 is replaced by one that is free at all of them. 0 or a
 * negative errno, with the address that it is about in *@ret_address.
 */
int serve_ports_try(const char *const *addresses, size_t count, bool udp,
		    uint16_t *port, const char **ret_address);

#endif
