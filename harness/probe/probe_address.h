/* SPDX-License-Identifier: MIT */
/*
 * Mail addresses and domains as a person types them.
 *
 * Enough of RFC 5321 4.1.2 to know where the domain is and that nothing in
 * it could be mistaken for another command; servers judge the rest.
 */
#ifndef HARNESS_PROBE_ADDRESS_H
#define HARNESS_PROBE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* RFC 5321 4.5.3.1; tested in tests/unit/test_probe_address.c. */
enum {
	PROBE_ADDRESS_LOCAL_MAX = 64,
	PROBE_ADDRESS_DOMAIN_MAX = 253, /* a name of 255 on the wire */
};

struct probe_address {
	char mailbox[PROBE_ADDRESS_LOCAL_MAX + PROBE_ADDRESS_DOMAIN_MAX + 2];
	const char *domain; /* in @mailbox, behind the @ */
	bool is_utf8;	    /* needs SMTPUTF8 (RFC 6531) */
	bool is_literal;    /* user@[192.0.2.1]: then @literal is set */
	struct sockaddr_storage literal;
};

/* NULL, or why @text is no address. <> around it are taken off. */
const char *probe_address_parse(const char *text, struct probe_address *ret);
/* NULL, or why @text is no domain or host name. */
const char *probe_address_domain(const char *text);
/* "192.0.2.1" or "2001:db8::1"; the port of *@ret is 0. */
bool probe_address_ip(const char *text, struct sockaddr_storage *ret);

#endif
