/* SPDX-License-Identifier: MIT */
/* smtp://HOST:PORT: see remote_address.h. */
#include "harness/remote_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#include "deadmx/yaml.h"

bool remote_address_is(const char *text)
{
	return strncmp(text, REMOTE_ADDRESS_SCHEME,
		       strlen(REMOTE_ADDRESS_SCHEME)) == 0;
}

int remote_address_parse(const char *text, struct remote_address *ret)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
	struct remote_address address = {.port = REMOTE_ADDRESS_PORT};
	int64_t port;
	char rest[16];
	size_t len;

	if (!remote_address_is(text))
		return -EINVAL;
	text += strlen(REMOTE_ADDRESS_SCHEME);
	len = strspn(text, ok);
	if (!len || len >= sizeof(address.host))
		return -EINVAL;
	memcpy(address.host, text, len);
	text += len;
	len = strlen(text);
	if (len && text[len - 1] == '/')
		len--;
	if (len >= sizeof(rest))
		return -EINVAL;
	memcpy(rest, text, len);
	rest[len] = '\0';
	if (len) {
		if (rest[0] != ':' ||
		    deadmx_number_parse(rest + 1, UINT16_MAX, &port) < 0 ||
		    port == 0)
			return -EINVAL;
		address.port = (uint16_t)port;
	}
	*ret = address;
	return 0;
}

int remote_address_resolve(const struct remote_address *address,
			   char ret[REMOTE_ADDRESS_TEXT_MAX],
			   const char **ret_why)
{
	const struct addrinfo hints = {.ai_family = AF_INET,
				       .ai_socktype = SOCK_STREAM};
	struct addrinfo *all;
	struct sockaddr_in in;
	int rc = getaddrinfo(address->host, NULL, &hints, &all);

	if (rc != 0) {
		*ret_why = gai_strerror(rc);
		return -ENOENT;
	}
	memcpy(&in, all->ai_addr, sizeof(in));
	freeaddrinfo(all);
	inet_ntop(AF_INET, &in.sin_addr, ret, REMOTE_ADDRESS_TEXT_MAX);
	return 0;
}
