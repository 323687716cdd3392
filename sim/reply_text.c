/* SPDX-License-Identifier: MIT */
/* What a reply may look like: see reply_text.h. */
#include "sim/reply_text.h"

#include <stdio.h>
#include <string.h>

#include "deadmx/scenario.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool reply_text_is_reply(const char *text)
{
	return is_digit(text[0]) && is_digit(text[1]) && is_digit(text[2]);
}

/* Length of "4.7.1" at @p, 0 when that is not what stands there. */
static size_t enhanced_len(const char *p)
{
	const char *start = p;

	if (!is_digit(*p) || p[1] != '.')
		return 0;
	p += 2;
	for (int part = 0; part < 2; part++) {
		size_t digits = strspn(p, "0123456789");

		if (digits < 1 || digits > 3)
			return 0;
		p += digits;
		if (part == 0 && *p++ != '.')
			return 0;
	}
	return *p && *p != ' ' && *p != '\n' ? 0 : (size_t)(p - start);
}

/* "451 5.7.3": both say no, and real servers say so. */
static bool is_failure(const char *code, const char *enhanced)
{
	return (code[0] == '4' || code[0] == '5') &&
	       (enhanced[0] == '4' || enhanced[0] == '5');
}

static bool code_check(const char *text, char *why, size_t why_len)
{
	size_t len;

	if (!reply_text_is_reply(text) || text[0] < '2' || text[0] > '5' ||
	    (text[3] && !strchr(" -\n", text[3]))) {
		snprintf(why, why_len,
			 "expected a code from 200 to 599 and a blank, got "
			 "\"%.8s\"",
			 text);
		return false;
	}
	len = text[3] ? enhanced_len(text + 4) : 0;
	if (!len || (text[4] == text[0] && text[0] != '3') ||
	    is_failure(text, text + 4))
		return true;
	if (text[0] == '3')
		snprintf(why, why_len,
			 "expected no enhanced code after %.3s, got %.*s; "
			 "RFC 2034 has none for 3xx",
			 text, (int)len, text + 4);
	else
		snprintf(why, why_len,
			 "expected an enhanced code %c.x.x after %.3s, got "
			 "%.*s; both must be of one class (RFC 2034)",
			 text[0], text, (int)len, text + 4);
	return false;
}

/* Following lines may repeat the code, but not have another one. */
static bool lines_check(const char *text, char *why, size_t why_len)
{
	const char *line = text;

	while ((line = strchr(line, '\n'))) {
		line++;
		if (!reply_text_is_reply(line) || !strchr(" -\n", line[3]) ||
		    strncmp(line, text, 3) == 0)
			continue;
		snprintf(why, why_len,
			 "expected the code %.3s in each line, got %.3s", text,
			 line);
		return false;
	}
	return true;
}

static bool placeholders_check(const char *text, char *why, size_t why_len)
{
	size_t len;

	for (; (text = strchr(text, '{')); text += len + 1) {
		len = strspn(text + 1, "abcdefghijklmnopqrstuvwxyz_");
		if (!len || len > 32 || text[len + 1] != '}')
			continue;
		if (strncmp(text, "{address}", len + 2) == 0 ||
		    strncmp(text, "{host}", len + 2) == 0 ||
		    strncmp(text, "{client}", len + 2) == 0)
			continue;
		snprintf(why, why_len,
			 "unknown placeholder %.*s; there are {address}, "
			 "{host} and {client}",
			 (int)len + 2, text);
		return false;
	}
	return true;
}

bool reply_text_is_odd(const char *text, char *why, size_t why_len)
{
	size_t len = strlen(text) > 4 ? enhanced_len(text + 4) : 0;

	if (!len || !is_failure(text, text + 4) || text[4] == text[0])
		return false;
	snprintf(why, why_len,
		 "%.3s with %.*s: by RFC 2034 both are of one class, though "
		 "some servers say such; fine if that is what you want",
		 text, (int)len, text + 4);
	return true;
}

bool reply_text_check(const char *text, char *why, size_t why_len)
{
	size_t len = strlen(text);

	if (len > DEADMX_REPLY_LEN_MAX) {
		snprintf(why, why_len,
			 "expected at most %d bytes in a reply, got %zu",
			 DEADMX_REPLY_LEN_MAX, len);
		return false;
	}
	for (const char *p = text; *p; p++) {
		if ((unsigned char)*p >= ' ' || *p == '\t' || *p == '\n')
			continue;
		snprintf(why, why_len,
			 "expected printable text, got the control character "
			 "0x%02x; lines are split by \\n alone",
			 (unsigned char)*p);
		return false;
	}
	return code_check(text, why, why_len) &&
	       lines_check(text, why, why_len) &&
	       placeholders_check(text, why, why_len);
}
