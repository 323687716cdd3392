/* SPDX-License-Identifier: MIT */
#include "harness/report/text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "deadmx/event.h"
#include "deadmx/utf8.h"

/*
 * One character of @text as it may be shown: line breaks and tabs become
 * blanks, whatever else a terminal obeys or a YAML file can't hold becomes '?'.
 */
static size_t text_character(const char *text, char *ret, size_t *ret_len)
{
	uint32_t code = 0;
	size_t len = deadmx_utf8_len((const unsigned char *)text,
				     strnlen(text, 4), &code);
	bool is_break = code == '\n' || code == '\t' || code == '\r' ||
			code == 0x2028 || code == 0x2029;

	*ret_len = 1;
	if (len && is_break) {
		ret[0] = ' ';
		return len;
	}
	/* U+0085 is a line to YAML and one of the C1 controls to a terminal. */
	if (!len || code == 0x85 || !deadmx_utf8_is_printable(code)) {
		ret[0] = '?';
		return len ? len : 1;
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

void report_text_change(FILE *out, const struct verdict_change *c,
			void (*put)(FILE *out, const char *text))
{
	fputs("check ", out);
	put(out, c->id);
	fprintf(out, " is %s here (%zu finding%s): ", c->severity, c->count,
		c->count == 1 ? "" : "s");
	put(out, c->reason);
}
