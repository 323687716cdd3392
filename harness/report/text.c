/* SPDX-License-Identifier: MIT */
#include "harness/report/text.h"

#include <inttypes.h>
#include <string.h>

#include "deadmx/event.h"

/*
 * One character of @text as it may be shown; C0, DEL and bytes that are no
 * UTF-8 become '?' (C1 controls as well: a terminal obeys them).
 */
static size_t text_character(const char *text, char *ret, size_t *ret_len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	*ret_len = 1;
	if (len == 1) {
		ret[0] = s[0] == '\n' || s[0] == '\t' || s[0] == '\r' ? ' '
			 : s[0] < 0x20 || s[0] == 0x7f		      ? '?'
								      : text[0];
		return 1;
	}
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			len = 0;
	/* U+2028 and U+2029 end a line, to YAML 1.1 as well. */
	if (len == 3 && s[0] == 0xe2 && s[1] == 0x80 && (s[2] & 0xfe) == 0xa8) {
		ret[0] = ' ';
		return len;
	}
	/* 0x80-0xc1 start nothing; C2 80 to C2 9F are the C1 controls; the
	 * rest are overlong forms, surrogates, what XML forbids, and the byte
	 * order mark, which YAML has at the start of a file only. */
	if (len == 0 || s[0] < 0xc2 || s[0] > 0xf4 ||
	    (s[0] == 0xc2 && s[1] < 0xa0) || (s[0] == 0xe0 && s[1] < 0xa0) ||
	    (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xef && s[1] == 0xbf && s[2] > 0xbd) ||
	    (len == 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)) {
		ret[0] = '?';
		return 1;
	}
	memcpy(ret, text, len);
	*ret_len = len;
	return len;
}

static const char *text_escape(char c, const char *specials,
			       const char *const *escapes)
{
	const char *at = specials ? strchr(specials, c) : NULL;

	return at && c ? escapes[at - specials] : NULL;
}

static void text_put(FILE *out, const char *text, const char *specials,
		     const char *const *escapes)
{
	char shown[4];
	size_t len;

	while (text && *text) {
		const char *escape;

		text += text_character(text, shown, &len);
		escape = len == 1 ? text_escape(shown[0], specials, escapes)
				  : NULL;
		if (escape)
			fputs(escape, out);
		else
			fwrite(shown, 1, len, out);
	}
}

void report_text_plain(FILE *out, const char *text)
{
	text_put(out, text, NULL, NULL);
}

void report_text_xml(FILE *out, const char *text)
{
	static const char *const escapes[] = {"&amp;", "&lt;", "&gt;", "&quot;",
					      "&apos;"};

	text_put(out, text, "&<>\"'", escapes);
}

void report_text_quoted(FILE *out, const char *text)
{
	static const char *const escapes[] = {"\\\"", "\\\\"};

	text_put(out, text, "\"\\", escapes);
}

void report_text_finding(FILE *out, const struct finding *f,
			 void (*put)(FILE *out, const char *text))
{
	fprintf(out, "%s ", severity_word(f->severity));
	put(out, f->id);
	if (f->where) {
		fputc(' ', out);
		put(out, f->where);
	}
	fputs(": ", out);
	if (f->expected) {
		fputs("expected ", out);
		put(out, f->expected);
		fputs(", observed ", out);
	}
	put(out, f->observed);
	if (!f->known)
		return;
	fputs(" (known: ", out);
	put(out, f->known);
	fputc(')', out);
}

void report_text_seconds(FILE *out, double seconds)
{
	int64_t ms, rest;

	if (!(seconds >= 0 && seconds < 1e12))
		seconds = 0;
	ms = (int64_t)(seconds * 1000.0 + 0.5);
	rest = ms % 1000;
	fprintf(out, "%" PRId64, ms / 1000);
	if (rest)
		fprintf(out,
			rest % 100 == 0	 ? ".%01" PRId64
			: rest % 10 == 0 ? ".%02" PRId64
					 : ".%03" PRId64,
			rest % 100 == 0	 ? rest / 100
			: rest % 10 == 0 ? rest / 10
					 : rest);
}
