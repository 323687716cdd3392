/* SPDX-License-Identifier: MIT */
#include "harness/ndr/ndr_text.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

char *ndr_text_line(const char *text, size_t len)
{
	char *line = malloc(NDR_TEXT_REPLY_MAX + 1);
	size_t n = 0;

	assert(line);
	for (size_t i = 0; i < len && n < NDR_TEXT_REPLY_MAX; i++) {
		bool is_blank = isspace((unsigned char)text[i]);

		if (is_blank && (n == 0 || line[n - 1] == ' '))
			continue;
		line[n++] = is_blank ? ' ' : text[i];
	}
	while (n && line[n - 1] == ' ')
		n--;
	line[n] = '\0';
	return line;
}

char *ndr_text_between(const char *text, const char *before, const char *until)
{
	const char *at = strcasestr(text, before), *end;
	char *line;

	if (!at)
		return NULL;
	at += strlen(before);
	end = *until ? strstr(at, until) : at + strcspn(at, "\r\n");
	if (!end)
		return NULL;
	line = ndr_text_line(at, (size_t)(end - at));
	if (*line)
		return line;
	free(line);
	return NULL;
}

char *ndr_text_report(const char *text)
{
	static const char *const ends[] = {
		"Original message headers",	   /* Exchange */
		"Message headers follow",	   /* dma */
		"Original message follows",	   /* dma, sendmail */
		"Below this line is a copy",	   /* qmail */
		"This is a copy of the message",   /* Exim */
		"Below is a copy of the original", /* OpenSMTPD */
	};
	const char *at =
		strstr(text, "Diagnostic information for administrators:");
	const char *end = NULL;
	char *part;

	if (!at)
		at = text;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]) && !end; i++)
		end = strstr(at, ends[i]);
	part = end ? strndup(at, (size_t)(end - at)) : strdup(at);
	assert(part);
	return part;
}

enum { LINE_MAX_READ = 400 }; /* a line's rest: keeps all of it linear */

static size_t line_len(const char *text)
{
	size_t max = strnlen(text, LINE_MAX_READ);
	const char *end = memchr(text, '\n', max);

	return end ? (size_t)(end - text) : max;
}

static bool is_address_char(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 ||
	       (c && strchr("!#$%&'*+-/=?^_`{|}~.", c));
}

/* The address around the "@" at @at; its length, 0 when it is none. */
static size_t address_around(const char *text, const char *at,
			     const char **ret_start)
{
	const char *start = at, *end = at + 1;

	while (start > text && at - start < 256 && is_address_char(start[-1]))
		start--;
	while (end - at < 256 && is_address_char(*end))
		end++;
	while (end > at + 1 && end[-1] == '.')
		end--;
	*ret_start = start;
	return start == at || end == at + 1 ? 0 : (size_t)(end - start);
}

/* Where @line stops, and whether it holds an address that begins it. */
static bool begins_with_address(const char *line, size_t len)
{
	const char *at, *start;
	size_t skip = 0, n;

	while (skip < len && strchr(" \t<*", line[skip]))
		skip++;
	at = memchr(line + skip, '@', len - skip);
	if (!at)
		return false;
	n = address_around(line + skip, at, &start);
	return n && start == line + skip;
}

char *ndr_text_about(const char *text, const char *recipient, bool whole)
{
	const char *at = strcasestr(text, recipient), *end;

	if (!at || !*recipient)
		return strdup("");
	/* The last place is where the reason stands; lists come before. */
	for (const char *next = at; next;
	     next = strcasestr(next + 1, recipient))
		if (begins_with_address(next, line_len(next)))
			at = next;
	at += strlen(recipient);
	end = at;
	while (*end) {
		const char *line = end + strcspn(end, "\n");

		if (!*line) {
			end = line;
			break;
		}
		line++;
		if ((!whole && strspn(line, " \t\r") == line_len(line)) ||
		    begins_with_address(line, line_len(line))) {
			end = line;
			break;
		}
		end = line;
	}
	return strndup(at, (size_t)(end - at));
}

/* "<bob@dest.example>:", "mail to <bob@…>.", or a line that is an address. */
static bool is_failed_address(const char *text, const char *start, size_t len)
{
	const char *line = start, *end = start + len;

	while (line > text && line[-1] != '\n' && start - line < LINE_MAX_READ)
		line--;
	if (*end == '>')
		end++;
	if (*end == ':')
		return true;
	if (start > line) {
		char head[LINE_MAX_READ + 1];

		memcpy(head, line, (size_t)(start - line));
		head[start - line] = '\0';
		if (strcasestr(head, "mail to") ||
		    strcasestr(head, "delivered to") ||
		    strcasestr(head, "recipients: "))
			return true;
		if (strspn(head, " \t<*") != strlen(head))
			return false;
	}
	return strspn(end, " \t\r") == line_len(end);
}

char *ndr_text_recipient(const char *text, size_t n)
{
	const char *at = text, *start;

	while ((at = strchr(at, '@')) != NULL) {
		size_t len = address_around(text, at, &start);

		if (len && is_failed_address(text, start, len) && n-- == 0)
			return strndup(start, len);
		at++;
	}
	return NULL;
}

static bool is_ip(const char *text, size_t len)
{
	char copy[INET6_ADDRSTRLEN + 1];
	unsigned char bytes[16];

	if (len >= 5 && strncasecmp(text, "IPv6:", 5) == 0) {
		text += 5;
		len -= 5;
	}
	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return inet_pton(AF_INET, copy, bytes) == 1 ||
	       inet_pton(AF_INET6, copy, bytes) == 1;
}

static bool is_host_char(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '.' || c == '_';
}

/* Gmail's "[mx.dest.example. 192.0.2.25: timed out]", behind the bracket. */
static bool endpoint_inside(const char *text, char **ret_host,
			    char **ret_address)
{
	size_t host = 0, ip;
	const char *at;

	while (host < 255 && is_host_char(text[host]))
		host++;
	at = text + host;
	if (!host || *at++ != ' ')
		return false;
	ip = strspn(at, "0123456789abcdefABCDEF.:");
	while (ip && at[ip - 1] == ':')
		ip--;
	if (!ip || at[ip] != ':' || !is_ip(at, ip))
		return false;
	while (host > 1 && text[host - 1] == '.')
		host--;
	*ret_host = strndup(text, host);
	*ret_address = strndup(at, ip);
	assert(*ret_host && *ret_address);
	return true;
}

bool ndr_text_endpoint(const char *text, char **ret_host, char **ret_address,
		       unsigned *ret_port)
{
	for (const char *at = text; (at = strpbrk(at, "[(")) != NULL; at++) {
		size_t len = strcspn(at + 1, "])\r\n");
		const char *end = at, *host;

		if (*at == '[' &&
		    endpoint_inside(at + 1, ret_host, ret_address))
			return true;
		if (len > INET6_ADDRSTRLEN + 4 || !is_ip(at + 1, len))
			continue;
		while (end > text && end[-1] == ' ')
			end--;
		host = end;
		while (host > text && end - host < 255 &&
		       is_host_char(host[-1]))
			host--;
		if (host == end)
			continue;
		*ret_host = strndup(host, (size_t)(end - host));
		*ret_address = strndup(at + 1, len);
		assert(*ret_host && *ret_address);
		if (at[1 + len] && at[2 + len] == ':')
			*ret_port = (unsigned)strtoul(at + 3 + len, NULL, 10) &
				    0xffff;
		return true;
	}
	return false;
}

char *ndr_text_host(const char *text, const char *before)
{
	const char *at = strcasestr(text, before);
	size_t len = 0;

	if (!at)
		return NULL;
	at += strlen(before);
	while (len < 255 && is_host_char(at[len]))
		len++;
	while (len && at[len - 1] == '.')
		len--;
	return len && memchr(at, '.', len) ? strndup(at, len) : NULL;
}

bool ndr_text_address_port(const char *text, char **ret_address,
			   unsigned *ret_port)
{
	size_t len = strspn(text, "0123456789abcdefABCDEF.:");
	const char *colon;

	while (len && (text[len - 1] == '.' || text[len - 1] == ':'))
		len--;
	colon = memrchr(text, ':', len);
	if (colon && is_ip(text, (size_t)(colon - text))) {
		*ret_address = strndup(text, (size_t)(colon - text));
		*ret_port = (unsigned)strtoul(colon + 1, NULL, 10) & 0xffff;
	} else if (is_ip(text, len)) {
		*ret_address = strndup(text, len);
	} else {
		return false;
	}
	assert(*ret_address);
	return true;
}

const char *ndr_text_reply(const char *text, int *ret_code)
{
	*ret_code = 0;
	for (const char *at = text; *at; at++) {
		if (at > text &&
		    (isalnum((unsigned char)at[-1]) || strchr(".-:", at[-1])))
			continue;
		if ((at[0] == '4' || at[0] == '5') && at[1] >= '0' &&
		    at[1] <= '5' && isdigit((unsigned char)at[2]) &&
		    (at[3] == ' ' || at[3] == '-')) {
			*ret_code = (at[0] - '0') * 100 + (at[1] - '0') * 10 +
				    (at[2] - '0');
			return at;
		}
	}
	return NULL;
}

int64_t ndr_text_number(const char *text, const char *before)
{
	const char *at = strcasestr(text, before);
	int64_t n = 0;

	if (!at)
		return -1;
	at += strlen(before);
	at += strspn(at, " \t");
	if (!isdigit((unsigned char)*at))
		return -1;
	for (; isdigit((unsigned char)*at) && n < 1000000000; at++)
		n = n * 10 + (*at - '0');
	return n;
}

int64_t ndr_text_span(const char *text, const char *before)
{
	static const struct {
		const char *unit;
		int64_t s;
	} units[] = {
		{"day", 86400}, {"hour", 3600}, {"minute", 60}, {"second", 1}};
	const char *at = strcasestr(text, before);
	int64_t sum = -1;

	if (!at)
		return -1;
	at += strlen(before);
	for (;;) {
		int64_t n = 0, unit_s = 0;

		at += strspn(at, " ,\t\r\n");
		if (strncmp(at, "and ", 4) == 0)
			at += 4;
		if (!isdigit((unsigned char)*at))
			return sum;
		for (; isdigit((unsigned char)*at) && n < 100000000; at++)
			n = n * 10 + (*at - '0');
		at += strspn(at, " ");
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (strncasecmp(at, units[i].unit,
					strlen(units[i].unit)) == 0)
				unit_s = units[i].s;
		if (!unit_s)
			return sum;
		sum = (sum < 0 ? 0 : sum) + n * unit_s;
		at += strcspn(at, " ,.\r\n");
	}
}
