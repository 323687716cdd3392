/* SPDX-License-Identifier: MIT */
/*
 * What a person would see of an HTML body, near enough to find addresses and
 * replies in it: Exchange sends some bounces in HTML alone. Nothing is drawn,
 * so no HTML library is needed; what is odd is passed through as text.
 */
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/ndr.h"

struct html {
	const char *at;
	FILE *out;
	char last; /* put last; blanks are put once */
};

static void html_put(struct html *h, char c)
{
	if (c == ' ' && (h->last == ' ' || h->last == '\n'))
		return;
	if (c == '\n' && h->last == '\n')
		return;
	fputc(c, h->out);
	h->last = c;
}

/* @h->at is behind "<": does the element @name begin or end there? */
static bool html_tag_is(const struct html *h, const char *name)
{
	const char *at = h->at + (*h->at == '/');
	size_t len = strlen(name);

	return strncasecmp(at, name, len) == 0 &&
	       !isalnum((unsigned char)at[len]);
}

/* Skip all up to and with @end; to the end of the text when it is missing. */
static void html_skip_past(struct html *h, const char *end)
{
	const char *found = strcasestr(h->at, end);

	h->at = found ? found + strlen(end) : h->at + strlen(h->at);
}

static void html_tag(struct html *h)
{
	static const char *const breaks[] = {"br", "p",	 "div", "tr", "li",
					     "h1", "h2", "h3",	"hr", "table"};

	if (strncmp(h->at, "!--", 3) == 0) {
		html_skip_past(h, "-->");
		return;
	}
	if (html_tag_is(h, "style") && *h->at != '/') {
		html_skip_past(h, "</style");
	} else if (html_tag_is(h, "script") && *h->at != '/') {
		html_skip_past(h, "</script");
	} else {
		for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++)
			if (html_tag_is(h, breaks[i]))
				html_put(h, '\n');
		if (html_tag_is(h, "td"))
			html_put(h, ' ');
	}
	html_skip_past(h, ">");
}

/* @h->at is at "&". */
static void html_entity(struct html *h)
{
	static const struct {
		const char *name, *text;
	} entities[] = {
		{"&lt;", "<"},	  {"&gt;", ">"},   {"&amp;", "&"},
		{"&quot;", "\""}, {"&nbsp;", " "}, {"&apos;", "'"},
		{"&#39;", "'"},	  {"&#43;", "+"},  {"&#64;", "@"},
	};

	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		size_t len = strlen(entities[i].name);

		if (strncasecmp(h->at, entities[i].name, len) == 0) {
			html_put(h, entities[i].text[0]);
			h->at += len;
			return;
		}
	}
	html_put(h, *h->at++);
}

char *ndr_html_text(const char *html)
{
	struct html h = {.at = html, .last = '\n'};
	char *text = NULL;
	size_t len;

	h.out = open_memstream(&text, &len);
	assert(h.out);
	while (*h.at) {
		if (*h.at == '<') {
			h.at++;
			html_tag(&h);
		} else if (*h.at == '&') {
			html_entity(&h);
		} else {
			html_put(&h,
				 isspace((unsigned char)*h.at) ? ' ' : *h.at);
			h.at++;
		}
	}
	fclose(h.out);
	assert(text);
	return text;
}
