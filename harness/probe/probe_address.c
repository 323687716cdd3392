/* SPDX-License-Identifier: MIT */
#include "harness/probe/probe_address.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

bool probe_address_ip(const char *text, struct sockaddr_storage *ret)
{
	struct sockaddr_storage addr = {0};

	if (inet_pton(AF_INET, text,
		      &((struct sockaddr_in *)&addr)->sin_addr) == 1)
		addr.ss_family = AF_INET;
	else if (inet_pton(AF_INET6, text,
			   &((struct sockaddr_in6 *)&addr)->sin6_addr) == 1)
		addr.ss_family = AF_INET6;
	else
		return false;
	*ret = addr;
	return true;
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_';
}

const char *probe_address_domain(const char *text)
{
	size_t label = 0, len = strlen(text);

	if (!len)
		return "the domain is missing";
	if (len > PROBE_ADDRESS_DOMAIN_MAX)
		return "the domain is longer than 253 characters";
	for (const char *p = text; *p; p++) {
		if (*p == '.' && label) {
			label = 0;
			continue;
		}
		if ((unsigned char)*p >= 0x80)
			return "write the domain in its xn-- form";
		if (!is_name_char(*p))
			return "the domain has a character that names have not";
		if (++label > 63)
			return "a label of the domain is longer than 63 "
			       "characters";
	}
	return label ? NULL : "the domain ends in a dot";
}

/* [192.0.2.1] or [IPv6:2001:db8::1] (RFC 5321 4.1.3). */
static const char *parse_literal(const char *text, struct probe_address *ret)
{
	char ip[INET6_ADDRSTRLEN];
	size_t len = strlen(text);
	bool v6 = strncasecmp(text, "[IPv6:", 6) == 0;
	size_t skip = v6 ? 6 : 1;

	ret->is_literal = true;
	if (text[len - 1] != ']' || len - skip > sizeof(ip))
		return "expected [192.0.2.1] or [IPv6:2001:db8::1]";
	memcpy(ip, text + skip, len - skip - 1);
	ip[len - skip - 1] = '\0';
	if (!probe_address_ip(ip, &ret->literal) ||
	    v6 != (ret->literal.ss_family == AF_INET6))
		return "expected [192.0.2.1] or [IPv6:2001:db8::1]";
	return NULL;
}

/* Nothing that ends a command or the path in it. */
static const char *check_local(const char *text, size_t len, bool *ret_utf8)
{
	bool quoted = text[0] == '"';

	if (!len)
		return "the part before the @ is missing";
	if (len > PROBE_ADDRESS_LOCAL_MAX)
		return "the part before the @ is longer than 64 characters";
	if (quoted && (len < 2 || text[len - 1] != '"'))
		return "the quotes are not closed";
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 0x20 || c == 0x7f)
			return "there is a control character in it";
		if (!quoted && strchr(" <>()[],;:\\\"@", c))
			return "the part before the @ needs quotes";
		if (c >= 0x80)
			*ret_utf8 = true;
	}
	return NULL;
}

const char *probe_address_parse(const char *text, struct probe_address *ret)
{
	size_t len = strlen(text);
	const char *why;
	char *at;

	memset(ret, 0, sizeof(*ret));
	if (len > 2 && text[0] == '<' && text[len - 1] == '>') {
		text++;
		len -= 2;
	}
	if (len >= sizeof(ret->mailbox))
		return "it is too long";
	memcpy(ret->mailbox, text, len);
	at = strrchr(ret->mailbox, '@');
	if (!at)
		return "there is no @ in it";
	ret->domain = at + 1;
	why = check_local(ret->mailbox, (size_t)(at - ret->mailbox),
			  &ret->is_utf8);
	if (why)
		return why;
	return *ret->domain == '[' ? parse_literal(ret->domain, ret)
				   : probe_address_domain(ret->domain);
}
