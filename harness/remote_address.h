/* SPDX-License-Identifier: MIT */
/*
 * Where a server is that deadmx can't run: "smtp://HOST:PORT".
 */
#ifndef HARNESS_REMOTE_ADDRESS_H
#define HARNESS_REMOTE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#define REMOTE_ADDRESS_SCHEME "smtp://"

/* What an address has to look like, for messages. */
#define REMOTE_ADDRESS_FORM "an address such as smtp://192.0.2.7:25"

enum {
	REMOTE_ADDRESS_HOST_MAX = 254, /* bytes of a DNS name, with its NUL */
	REMOTE_ADDRESS_TEXT_MAX = 16,  /* bytes of an IPv4 address, the same */
	REMOTE_ADDRESS_PORT = 25,      /* when none is told */
};

struct remote_address {
	char host[REMOTE_ADDRESS_HOST_MAX];
	uint16_t port;
};

/* Is @text meant as one? */
bool remote_address_is(const char *text);

/* 0, or -EINVAL: it is none. A slash may end it. */
int remote_address_parse(const char *text, struct remote_address *ret);

/*
 * Its IPv4 address, by the machine's resolver; blocks. 0 or -ENOENT, with
 * @ret_why static.
 */
int remote_address_resolve(const struct remote_address *address,
			   char ret[REMOTE_ADDRESS_TEXT_MAX],
			   const char **ret_why);

#endif
