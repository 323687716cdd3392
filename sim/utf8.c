/* SPDX-License-Identifier: MIT */
#include "deadmx/utf8.h"

size_t deadmx_utf8_len(const unsigned char *p, size_t left, uint32_t *ret_code)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t min;
	} form[] = {{0x80, 0x00, 0},
		    {0xE0, 0xC0, 0x80},
		    {0xF0, 0xE0, 0x800},
		    {0xF8, 0xF0, 0x10000}};
	uint32_t code;
	size_t n = 0;

	while (n < 4 && (p[0] & form[n].mask) != form[n].lead)
		n++;
	if (n == 4 || n + 1 > left)
		return 0;
	code = p[0] & (unsigned char)~form[n].mask;
	for (size_t i = 1; i <= n; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3F);
	}
	if (code < form[n].min || code > 0x10FFFF ||
	    (code >= 0xD800 && code <= 0xDFFF))
		return 0;
	*ret_code = code;
	return n + 1;
}

bool deadmx_utf8_is_printable(uint32_t code)
{
	return code == '\t' || code == '\n' || code == '\r' ||
	       (code >= ' ' && code < 0x7f) || code == 0x85 ||
	       (code >= 0xA0 && code < 0xFEFF) ||
	       (code > 0xFEFF && code <= 0xFFFD) || code >= 0x10000;
}

bool deadmx_utf8_is_continuation(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

bool deadmx_utf8_is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}
