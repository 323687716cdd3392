/* SPDX-License-Identifier: MIT */
/*
 * Errors of a YAML document: collected while it is read, shown in the order
 * of its files. See deadmx/yaml.h.
 *
 * A document may be read several times, once for each case of a matrix: what
 * is wrong in all of them is one error.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "deadmx/utf8.h"

#include "sim/yaml_priv.h"

struct deadmx_yaml_error {
	struct deadmx_place place;
	char *message;
	bool is_warning;
	int file; /* number of its file, for the order */
	/* Of those in which it is, the first; 0 = all, or there are none. */
	size_t case_count, last_case;
	const char *first_case;
};

/* --- collecting ---------------------------------------------------------- */

static size_t shown_count(const struct deadmx_yaml *doc)
{
	return doc->distinct_count < DEADMX_SCENARIO_ERRORS_MAX
		       ? doc->distinct_count
		       : DEADMX_SCENARIO_ERRORS_MAX;
}

/* The same error, found in an earlier case. */
static struct deadmx_yaml_error *error_known(struct deadmx_yaml *doc,
					     const struct deadmx_place *place,
					     const char *message)
{
	for (size_t i = 0; i < shown_count(doc); i++) {
		struct deadmx_yaml_error *e = &doc->error[i];

		if (e->case_count && e->last_case != doc->case_count &&
		    e->place.line == place->line &&
		    e->place.column == place->column &&
		    strcmp(e->place.file, place->file) == 0 &&
		    strcmp(e->message, message) == 0)
			return e;
	}
	return NULL;
}

static int file_number(const struct deadmx_yaml *doc, const char *name)
{
	const struct deadmx_yaml_file *file = doc->files;
	int n = 0;

	for (; file && strcmp(file->name, name) != 0; file = file->next)
		n++;
	return n;
}

static void error_add(struct deadmx_yaml *doc, const struct deadmx_place *place,
		      bool is_warning, const char *message)
{
	struct deadmx_yaml_error *e = NULL;

	doc->error_count += !is_warning;
	if (doc->case_count)
		e = error_known(doc, place, message);
	if (e) {
		e->case_count++;
		e->last_case = doc->case_count;
		return;
	}
	if (doc->distinct_count++ >= DEADMX_SCENARIO_ERRORS_MAX)
		return;
	if (!doc->error)
		doc->error = deadmx_arena_array(
			doc->keep, DEADMX_SCENARIO_ERRORS_MAX, sizeof(*e));
	e = &doc->error[doc->distinct_count - 1];
	*e = (struct deadmx_yaml_error){.place = *place,
					.is_warning = is_warning,
					.file = file_number(doc, place->file),
					.case_count = doc->case_count ? 1 : 0,
					.last_case = doc->case_count,
					.first_case = doc->case_name};
	e->place.file =
		deadmx_arena_copy(doc->keep, place->file, strlen(place->file));
	e->message = deadmx_arena_copy(doc->keep, message, strlen(message));
}

/* An escape in the file ("\e[2J") is not for the terminal. */
static void error_clean(char *message)
{
	for (char *p = message; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
}

void deadmx_yaml_error(struct deadmx_yaml *doc,
		       const struct deadmx_place *place, const char *hint,
		       const char *format, ...)
{
	char message[2048];
	size_t len;
	va_list ap;

	va_start(ap, format);
	vsnprintf(message, sizeof(message) / 2, format, ap);
	va_end(ap);
	len = strlen(message);
	if (hint)
		snprintf(message + len, sizeof(message) - len, "; %s", hint);
	error_clean(message);
	error_add(doc, place, false, message);
}

void deadmx_yaml_warn(struct deadmx_yaml *doc, const struct deadmx_place *place,
		      const char *format, ...)
{
	char message[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	error_clean(message);
	if (!doc->hides_warnings)
		error_add(doc, place, true, message);
}

/* What stands there, short enough for a line. */
static void describe(const struct deadmx_yaml_node *node, char *buf, size_t len)
{
	const size_t shown = 60; /* bytes: the line itself is shown below */
	size_t n;

	switch (node->kind) {
	case DEADMX_YAML_LIST:
		snprintf(buf, len, "a list");
		return;
	case DEADMX_YAML_MAP:
		snprintf(buf, len, "a map");
		return;
	case DEADMX_YAML_TEXT:
		break;
	}
	if (deadmx_yaml_is_empty(node)) {
		snprintf(buf, len, "nothing");
		return;
	}
	n = strcspn(node->text, "\n");
	if (n > shown)
		for (n = shown;
		     n && deadmx_utf8_is_continuation(node->text[n]);)
			n--;
	snprintf(buf, len, "\"%.*s%s\"", (int)n, node->text,
		 node->text[n] ? "…" : "");
}

void deadmx_yaml_wrong(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, const char *what,
		       const char *expected, const char *hint)
{
	char got[256];

	describe(node, got, sizeof(got));
	deadmx_yaml_error(doc, &node->place, hint, "%s, expected %s, got %s",
			  what, expected, got);
}

/* --- showing ------------------------------------------------------------- */

static int error_compare(const void *a, const void *b)
{
	const struct deadmx_yaml_error *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->place.line != y->place.line)
		return x->place.line < y->place.line ? -1 : 1;
	if (x->place.column != y->place.column)
		return x->place.column < y->place.column ? -1 : 1;
	/* Same place: in the order they were found. */
	return x < y ? -1 : x > y;
}

const char *yaml_line_find(const struct deadmx_yaml_file *file, int line,
			   size_t *ret_len)
{
	const char *p = file->text, *end = file->text + file->len, *eol;

	for (; line > 1 && p; line--) {
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : NULL;
	}
	if (!p)
		return NULL;
	eol = memchr(p, '\n', (size_t)(end - p));
	*ret_len = (size_t)((eol ? eol : end) - p);
	return p;
}

/* The line with a caret below; control characters never reach a terminal. */
static void line_show(const struct deadmx_yaml *doc,
		      const struct deadmx_place *place)
{
	const struct deadmx_yaml_file *file = doc->files;
	int column = 0, first = 1, last;
	const char *line;
	size_t len;

	while (file && strcmp(file->name, place->file) != 0)
		file = file->next;
	line = file ? yaml_line_find(file, place->line, &len) : NULL;
	if (!line || !len)
		return;
	if (place->column > DEADMX_YAML_SHOWN_MAX / 2)
		first = place->column - DEADMX_YAML_SHOWN_MAX / 2;
	last = first + DEADMX_YAML_SHOWN_MAX;
	fputs("    ", doc->errors);
	for (size_t i = 0; i < len; i++) {
		if (!deadmx_utf8_is_continuation(line[i]))
			column++;
		if (column >= last)
			break;
		if (column >= first && line[i] != '\r')
			fputc((unsigned char)line[i] < ' ' || line[i] == 0x7f
				      ? ' '
				      : line[i],
			      doc->errors);
	}
	fprintf(doc->errors, "\n    %*s\n", place->column - first + 1, "^");
}

static void error_show(const struct deadmx_yaml *doc,
		       const struct deadmx_yaml_error *e)
{
	fprintf(doc->errors, "%s:%d:%d: %s%s", e->place.file, e->place.line,
		e->place.column, e->is_warning ? "warning: " : "", e->message);
	if (e->case_count == 1 && doc->case_count > 1)
		fprintf(doc->errors, " (in the case %s)", e->first_case);
	else if (e->case_count && e->case_count < doc->case_count)
		fprintf(doc->errors, " (in %zu of %zu cases, first in %s)",
			e->case_count, doc->case_count, e->first_case);
	fputc('\n', doc->errors);
	line_show(doc, &e->place);
}

int deadmx_yaml_finish(struct deadmx_yaml *doc)
{
	size_t shown = shown_count(doc);

	if (shown)
		qsort(doc->error, shown, sizeof(*doc->error), error_compare);
	for (size_t i = 0; doc->errors && i < shown; i++)
		error_show(doc, &doc->error[i]);
	if (doc->errors && doc->distinct_count > shown)
		fprintf(doc->errors, "%s: %zu more errors are not shown\n",
			doc->file, doc->distinct_count - shown);
	return doc->error_count ? -EINVAL : 0;
}
