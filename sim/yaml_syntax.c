/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with a file that is no YAML, in words that help.
 *
 * libyaml says what it would have liked to see and where it gave up, which is
 * often a line too late. Each of its complaints has a few causes that people
 * make; the lines around tell which one it is.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "deadmx/utf8.h"

#include "sim/yaml_priv.h"

/* One stumble: where, and what its line says. */
struct stumble {
	struct deadmx_yaml *doc;
	const struct deadmx_yaml_file *file;
	const yaml_parser_t *parser;
	int line, column;		  /* where it gave up; from 1 */
	char text[DEADMX_YAML_SHOWN_MAX]; /* beginning of that line */
};

/* The beginning of a line as a text; "" when there is none. */
static void line_copy(const struct stumble *s, int line, char *buf, size_t size)
{
	size_t len = 0;
	const char *text =
		line > 0 ? yaml_line_find(s->file, line, &len) : NULL;

	if (!text)
		len = 0;
	if (len >= size)
		len = size - 1;
	memcpy(buf, text ? text : "", len);
	buf[len] = '\0';
}

static void say(const struct stumble *s, int line, int column, const char *hint,
		const char *what)
{
	const struct deadmx_place place = {s->file->name, line, column};

	deadmx_yaml_error(s->doc, &place, hint, "not valid YAML: %s", what);
}

static int context_line(const struct stumble *s)
{
	return (int)s->parser->context_mark.line + 1;
}

static int context_column(const struct stumble *s)
{
	return (int)s->parser->context_mark.column + 1;
}

/* "port:25": a key whose blank behind the colon is missing. */
static const char *blank_missing(const char *line)
{
	const char *p = line + strspn(line, " -");
	size_t len = strspn(p, "abcdefghijklmnopqrstuvwxyz_");

	return len && p[len] == ':' && p[len + 1] &&
			       !strchr(" \t\r", p[len + 1])
		       ? p + len
		       : NULL;
}

/* The last line before @line that is neither empty nor a comment; or 0. */
static int line_before(const struct stumble *s, int line, char *buf,
		       size_t size)
{
	while (--line > 0) {
		line_copy(s, line, buf, size);
		if (!strchr("#\r", buf[strspn(buf, " ")]))
			return line;
	}
	buf[0] = '\0';
	return 0;
}

static size_t indent_of(const char *line)
{
	return strspn(line, " ");
}

static bool is_item(const char *line)
{
	line += indent_of(line);
	return line[0] == '-' && (!line[1] || strchr(" \r", line[1]));
}

/* What stands where it gave up; columns count characters. */
static char byte_at(const struct stumble *s)
{
	const char *at = s->text;

	for (int column = 1; *at && column < s->column; at++)
		column += !deadmx_utf8_is_continuation(at[1]);
	return *at;
}

/* --- the complaints ------------------------------------------------------ */

static void bad_start(const struct stumble *s)
{
	char what[64], at = byte_at(s);

	if (at == '\t') {
		say(s, s->line, s->column, "indent with blanks, not with tabs",
		    "a tab");
		return;
	}
	snprintf(what, sizeof(what), "no text begins with \"%c\"", at);
	say(s, s->line, s->column, "put the text in quotes", what);
}

static bool indented_deeper(const struct stumble *s, const char *before)
{
	size_t indent = indent_of(s->text), above = indent_of(before);

	/* "- key: value" stands where its key does. */
	while (is_item(before + above) && before[above + 1] == ' ')
		above += 1 + indent_of(before + above + 1);
	if (indent <= above)
		return false;
	say(s, s->line, (int)indent + 1,
	    "indent it like the line above, or take that one's value away",
	    "this line is indented deeper than the one above, which has a "
	    "value already");
	return true;
}

/* "a: b: c", or a line indented below one that has its value already. */
static void colon_here(const struct stumble *s)
{
	char before[DEADMX_YAML_SHOWN_MAX];
	const char *colon = blank_missing(s->text);
	int line = line_before(s, s->line, before, sizeof(before));

	if (strstr(s->text, ": ") &&
	    (size_t)(strstr(s->text, ": ") - s->text) + 1 <
		    (size_t)s->column - !colon) {
		say(s, s->line, s->column,
		    "a text that holds a colon and a blank needs quotes",
		    "a second colon");
		return;
	}
	colon = blank_missing(before);
	if (line && colon)
		say(s, line, (int)(colon - before) + 1,
		    "write a blank behind the colon", "no key: value");
	else if (!indented_deeper(s, before))
		say(s, s->line, s->column, NULL, "no key may stand here");
}

/* A line that is neither "key:" nor goes on with the text above. */
static void no_colon(const struct stumble *s)
{
	char text[DEADMX_YAML_SHOWN_MAX];
	const char *colon;

	line_copy(s, context_line(s), text, sizeof(text));
	colon = blank_missing(text);
	if (colon)
		say(s, context_line(s), (int)(colon - text) + 1,
		    "write a blank behind the colon", "no key: value");
	else
		say(s, context_line(s), context_column(s),
		    "a text of several lines is indented below its key",
		    "this line is no key: value");
}

static void no_key(const struct stumble *s)
{
	int indent = (int)indent_of(s->text);
	char at = s->column > indent + 1 ? byte_at(s) : '\0';
	char before[DEADMX_YAML_SHOWN_MAX];

	if (at == ']' || at == '}')
		say(s, s->line, s->column, NULL,
		    "a closing bracket that nothing opened");
	else if (at && !is_item(s->text))
		say(s, s->line, s->column,
		    "put quotes around the whole text; inside of '…' a ' is "
		    "written ''",
		    "there is more behind the closing quote");
	else if (!at && is_item(s->text))
		say(s, s->line, s->column,
		    "indent the items below their key, which has no value "
		    "itself",
		    "an item of a list, where a key was expected");
	else if (!line_before(s, s->line, before, sizeof(before)) ||
		 !indented_deeper(s, before))
		say(s, s->line, s->column,
		    "lines that belong together begin in the same column",
		    "this line's indentation fits none above");
}

static void no_item(const struct stumble *s)
{
	say(s, s->line, s->column,
	    "begin it with \"- \", or indent it below the item it belongs to",
	    "this line belongs to no item of the list");
}

/* An open bracket: of another line, or with a text that needs quotes. */
static void not_closed(const struct stumble *s)
{
	const char *what = strchr(s->parser->problem, ']')
				   ? "the [ that begins here is not closed"
				   : "the { that begins here is not closed";

	if (context_line(s) == s->line)
		say(s, s->line, s->column,
		    strstr(s->text, "${")
			    ? "between brackets a text with ${name} needs "
			      "quotes"
			    : "between brackets a text with brackets, braces, "
			      "commas or quotes needs quotes around it",
		    "expected a comma or the closing bracket");
	else
		say(s, context_line(s), context_column(s), NULL, what);
}

static void open_quote(const struct stumble *s)
{
	say(s, context_line(s), context_column(s), NULL,
	    "the quote that begins here is never closed");
}

static void bad_block(const struct stumble *s)
{
	bool is_more = strstr(s->text, ">=") != NULL;

	say(s, s->line, s->column,
	    is_more ? "put it in quotes (\">=20\"), or write: at least 20"
		    : "the text begins on the next line; one that begins with "
		      "> or | needs quotes",
	    "> and | begin a block of text");
}

static void bad_escape(const struct stumble *s)
{
	say(s, s->line, s->column,
	    "write \\\\, or use single quotes, in which a backslash is itself",
	    "no escape begins so");
}

static void list_here(const struct stumble *s)
{
	say(s, s->line, s->column, "begin the list on a line of its own",
	    "no list may begin behind a key");
}

static void directive(const struct stumble *s)
{
	say(s, context_line(s), context_column(s),
	    "indent it or put it in quotes", "a line can't begin with %");
}

/* {a:} and {a:b}: libyaml wants a blank also before a bracket. */
static void colon_in_brackets(const struct stumble *s)
{
	say(s, s->line, s->column, "write a blank behind the colon",
	    "between brackets this is no key: value");
}

static const struct complaint {
	const char *problem, *context; /* beginnings; NULL = any */
	void (*explain)(const struct stumble *s);
} complaints[] = {
	{"found character that cannot start any token", NULL, bad_start},
	{"mapping values are not allowed", NULL, colon_here},
	{"could not find expected ':'", NULL, no_colon},
	{"found unexpected ':'", NULL, colon_in_brackets},
	{"did not find expected key", NULL, no_key},
	{"did not find expected '-' indicator", NULL, no_item},
	{"did not find expected ',' or ", NULL, not_closed},
	{"found unexpected end of stream", "while scanning a quoted",
	 open_quote},
	{"found unexpected document indicator", "while scanning a quoted",
	 open_quote},
	{"did not find expected comment or line break",
	 "while scanning a block", bad_block},
	{"found unknown escape character", NULL, bad_escape},
	{"block sequence entries are not allowed", NULL, list_here},
	{NULL, "while scanning a directive", directive},
};

static bool begins_with(const char *text, const char *beginning)
{
	return !beginning ||
	       (text && strncmp(text, beginning, strlen(beginning)) == 0);
}

void yaml_syntax_error(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_file *file,
		       const yaml_parser_t *parser)
{
	struct stumble s = {.doc = doc,
			    .file = file,
			    .parser = parser,
			    .line = (int)parser->problem_mark.line + 1,
			    .column = (int)parser->problem_mark.column + 1};

	if (parser->error == YAML_MEMORY_ERROR)
		abort();
	line_copy(&s, s.line, s.text, sizeof(s.text));
	for (size_t i = 0; i < sizeof(complaints) / sizeof(complaints[0]); i++)
		if (begins_with(parser->problem, complaints[i].problem) &&
		    begins_with(parser->context, complaints[i].context)) {
			complaints[i].explain(&s);
			return;
		}
	say(&s, s.line, s.column, NULL,
	    parser->problem ? parser->problem : "this can't be read");
}
