/* SPDX-License-Identifier: MIT */
/* YAML files that people write: see deadmx/yaml.h. */
#include "deadmx/yaml.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libfyaml.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct deadmx_yaml_error {
	struct deadmx_place place;
	char *message;
};

/* --- errors ----------------------------------------------------------- */

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

void deadmx_yaml_error(struct deadmx_yaml *doc,
		       const struct deadmx_place *place, const char *hint,
		       const char *format, ...)
{
	struct deadmx_yaml_error *e;
	char what[1024];
	va_list ap;

	if (doc->error_count++ >= DEADMX_SCENARIO_ERRORS_MAX)
		return;
	if (!doc->error)
		doc->error = deadmx_arena_array(
			doc->arena, DEADMX_SCENARIO_ERRORS_MAX, sizeof(*e));
	e = &doc->error[doc->error_count - 1];
	va_start(ap, format);
	vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	e->place = *place;
	e->message = deadmx_arena_printf(doc->arena, "%s%s%s", what,
					 hint ? "; " : "", hint ? hint : "");
	/* An escape in the file ("\e[2J") is not for the terminal. */
	for (char *p = e->message; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
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
		for (n = shown; n && is_continuation(node->text[n]);)
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

static int error_compare(const void *a, const void *b)
{
	const struct deadmx_yaml_error *x = a, *y = b;

	if (x->place.line != y->place.line)
		return x->place.line < y->place.line ? -1 : 1;
	if (x->place.column != y->place.column)
		return x->place.column < y->place.column ? -1 : 1;
	/* Same place: in the order they were found. */
	return x < y ? -1 : x > y;
}

/* The start of the 1-based @line in the text, and its length. */
static const char *line_find(const struct deadmx_yaml *doc, int line,
			     size_t *ret_len)
{
	const char *p = doc->text, *end = doc->text + doc->len, *eol;

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
	int column = 0, first = 1, last;
	const char *line;
	size_t len;

	line = line_find(doc, place->line, &len);
	if (!line || !len)
		return;
	if (place->column > DEADMX_YAML_SHOWN_MAX / 2)
		first = place->column - DEADMX_YAML_SHOWN_MAX / 2;
	last = first + DEADMX_YAML_SHOWN_MAX;
	fputs("    ", doc->errors);
	for (size_t i = 0; i < len; i++) {
		if (!is_continuation(line[i]))
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

int deadmx_yaml_finish(struct deadmx_yaml *doc)
{
	size_t shown = doc->error_count;

	if (shown > DEADMX_SCENARIO_ERRORS_MAX)
		shown = DEADMX_SCENARIO_ERRORS_MAX;
	if (shown)
		qsort(doc->error, shown, sizeof(*doc->error), error_compare);
	for (size_t i = 0; doc->errors && i < shown; i++) {
		const struct deadmx_yaml_error *e = &doc->error[i];

		fprintf(doc->errors, "%s:%d:%d: %s\n", doc->file, e->place.line,
			e->place.column, e->message);
		line_show(doc, &e->place);
	}
	if (doc->errors && doc->error_count > shown)
		fprintf(doc->errors, "%s: %zu more errors are not shown\n",
			doc->file, doc->error_count - shown);
	return doc->error_count ? -EINVAL : 0;
}

/* --- from events to a tree ---------------------------------------------- */

struct frame {
	struct deadmx_yaml_node *node;
	struct deadmx_yaml_node **tail;
	struct deadmx_yaml_node *key; /* of a map: waits for its value */
	bool again; /* the key is here twice: readers see the first only */
};

struct builder {
	struct deadmx_yaml *doc;
	struct frame frames[DEADMX_SCENARIO_DEPTH_MAX];
	int depth;
	size_t node_count;
	int document_count;
};

static struct deadmx_place place_of(const struct builder *b,
				    struct fy_event *event)
{
	const struct fy_mark *mark = fy_event_start_mark(event);
	struct deadmx_place place = {b->doc->file, 1, 1};

	if (mark) {
		place.line = mark->line + 1;
		place.column = mark->column + 1;
	} else if (b->depth) {
		const struct frame *f = &b->frames[b->depth - 1];

		place = f->key ? f->key->place : f->node->place;
	}
	return place;
}

static bool key_add(struct builder *b, struct frame *f,
		    struct deadmx_yaml_node *key)
{
	const struct deadmx_yaml_node *child;

	if (key->kind != DEADMX_YAML_TEXT) {
		deadmx_yaml_wrong(b->doc, key, "key of a map", "a word", NULL);
		return false;
	}
	if (f->node->count >= DEADMX_YAML_KEYS_MAX) {
		deadmx_yaml_error(b->doc, &key->place, NULL,
				  "map, expected at most %d keys, got more",
				  DEADMX_YAML_KEYS_MAX);
		return false;
	}
	f->again = false;
	for (child = f->node->first; child; child = child->next)
		if (strcmp(child->key->text, key->text) == 0) {
			f->again = true;
			deadmx_yaml_error(
				b->doc, &key->place,
				"each key stands once in a map",
				"\"%s\" is here twice, first in line %d",
				key->text, child->key->place.line);
		}
	f->key = key;
	return true;
}

/* Hang @node where the parser stands. */
static bool node_add(struct builder *b, struct deadmx_yaml_node *node)
{
	struct frame *f;

	if (b->depth == 0) {
		b->doc->root = node;
		return true;
	}
	f = &b->frames[b->depth - 1];
	if (f->node->kind == DEADMX_YAML_MAP && !f->key)
		return key_add(b, f, node);
	node->key = f->key;
	f->key = NULL;
	if (f->again)
		return true;
	*f->tail = node;
	f->tail = &node->next;
	f->node->count++;
	return true;
}

static bool node_open(struct builder *b, struct deadmx_yaml_node *node)
{
	if (b->depth == DEADMX_SCENARIO_DEPTH_MAX) {
		deadmx_yaml_error(b->doc, &node->place, NULL,
				  "nesting, expected at most %d levels, got "
				  "more",
				  DEADMX_SCENARIO_DEPTH_MAX);
		return false;
	}
	if (!node_add(b, node))
		return false;
	b->frames[b->depth++] =
		(struct frame){.node = node, .tail = &node->first};
	return true;
}

static bool node_fill_text(struct builder *b, struct deadmx_yaml_node *node,
			   struct fy_token *token)
{
	size_t len = 0;
	const char *text = token ? fy_token_get_text(token, &len) : "";

	enum fy_scalar_style style =
		token ? fy_token_scalar_style(token) : FYSS_PLAIN;

	node->plain = style == FYSS_PLAIN;
	/* libfyaml points behind the quote. */
	if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED)
		node->place.column--;
	node->text = deadmx_arena_copy(b->doc->arena, text ? text : "", len);
	node->len = len;
	if (strlen(node->text) == len)
		return true;
	deadmx_yaml_error(b->doc, &node->place, NULL,
			  "text, expected characters, got a NUL byte");
	return false;
}

static bool event_is_plain(struct builder *b, struct fy_event *event,
			   const struct deadmx_place *place)
{
	if (event->type == FYET_ALIAS || fy_event_get_anchor_token(event)) {
		deadmx_yaml_error(b->doc, place, "write the value out",
				  "anchors and aliases (& and *) are not "
				  "part of this language");
		return false;
	}
	if (fy_event_get_tag_token(event)) {
		deadmx_yaml_error(b->doc, place, "leave it out",
				  "tags (!) are not part of this language");
		return false;
	}
	return true;
}

static bool event_take_node(struct builder *b, struct fy_event *event,
			    enum deadmx_yaml_kind kind)
{
	struct deadmx_place place = place_of(b, event);
	struct deadmx_yaml_node *node;

	if (!event_is_plain(b, event, &place))
		return false;
	if (++b->node_count > DEADMX_YAML_NODES_MAX) {
		deadmx_yaml_error(b->doc, &place, NULL,
				  "file, expected at most %d values, got more",
				  DEADMX_YAML_NODES_MAX);
		return false;
	}
	node = deadmx_arena_alloc(b->doc->arena, sizeof(*node));
	node->kind = kind;
	node->place = place;
	if (kind != DEADMX_YAML_TEXT)
		return node_open(b, node);
	return node_fill_text(b, node, event->scalar.value) &&
	       node_add(b, node);
}

/* False ends the parsing; an error has then been collected. */
static bool event_take(struct builder *b, struct fy_event *event)
{
	struct deadmx_place place;

	switch (event->type) {
	case FYET_NONE:
	case FYET_STREAM_START:
	case FYET_STREAM_END:
	case FYET_DOCUMENT_END:
		return true;
	case FYET_DOCUMENT_START:
		if (b->document_count++ == 0)
			return true;
		place = place_of(b, event);
		deadmx_yaml_error(b->doc, &place, "make it a file of its own",
				  "a second document (---) begins here");
		return false;
	case FYET_MAPPING_START:
		return event_take_node(b, event, DEADMX_YAML_MAP);
	case FYET_SEQUENCE_START:
		return event_take_node(b, event, DEADMX_YAML_LIST);
	case FYET_SCALAR:
	case FYET_ALIAS:
		return event_take_node(b, event, DEADMX_YAML_TEXT);
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		assert(b->depth > 0);
		b->depth--;
		return true;
	}
	return true;
}

/* The mistakes that YAML's own words explain badly. */
static const char *syntax_hint(const struct deadmx_yaml *doc, int line)
{
	char copy[DEADMX_YAML_SHOWN_MAX];
	const char *text, *value;
	size_t len;

	text = line_find(doc, line, &len);
	if (!text)
		return NULL;
	/* The text need not end in a NUL; a line's beginning is enough. */
	if (len >= sizeof(copy))
		len = sizeof(copy) - 1;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (memchr(copy, '\t', strspn(copy, " \t")))
		return "indent with blanks, not with tabs";
	value = strstr(copy, ": ");
	if (!value)
		return NULL;
	value++;
	value += strspn(value, " ");
	if (*value == '>')
		return "put it in quotes (\">=20\"), or write: at least 20";
	if (*value && strchr("%@`", *value))
		return "a text that starts so needs quotes";
	if (strstr(value, ": "))
		return "a text that holds a colon and a blank needs quotes";
	return NULL;
}

static void syntax_errors(struct deadmx_yaml *doc, struct fy_diag *diag)
{
	struct deadmx_place place = {doc->file, 1, 1};
	struct fy_diag_error *e;
	void *at = NULL;

	/* The first says where; what follows it is mostly a consequence. */
	e = fy_diag_errors_iterate(diag, &at);
	if (!e) {
		deadmx_yaml_error(doc, &place, NULL, "this is not YAML");
		return;
	}
	if (e->line > 0)
		place.line = e->line;
	if (e->column > 0)
		place.column = e->column;
	deadmx_yaml_error(doc, &place, syntax_hint(doc, place.line),
			  "not valid YAML: %.200s", e->msg);
}

/* False when there is no whole tree. */
static bool tree_build(struct deadmx_yaml *doc, struct fy_parser *parser,
		       struct fy_diag *diag)
{
	struct builder b = {.doc = doc};
	struct fy_event *event;
	bool going = true;

	while (going && (event = fy_parser_parse(parser))) {
		going = event_take(&b, event);
		fy_parser_event_free(parser, event);
	}
	if (going && fy_parser_get_stream_error(parser)) {
		syntax_errors(doc, diag);
		going = false;
	}
	return going;
}

/* Length of the valid UTF-8 character at @p, 0 when there is none. */
static size_t utf8_len(const unsigned char *p, size_t left)
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
	return n + 1;
}

/* A binary file gets one clear line instead of a parser's confusion. */
static bool text_is_clean(struct deadmx_yaml *doc)
{
	struct deadmx_place place = {doc->file, 1, 1};
	const unsigned char *p = (const unsigned char *)doc->text;
	size_t step;

	for (size_t i = 0; i < doc->len; i += step) {
		step = utf8_len(p + i, doc->len - i);
		if (step == 0 || (p[i] < ' ' && !strchr("\t\r\n", p[i])) ||
		    p[i] == 0 || p[i] == 0x7f) {
			deadmx_yaml_error(doc, &place, NULL,
					  "file, expected UTF-8 text, got "
					  "byte 0x%02x",
					  p[i]);
			doc->len = 0; /* nothing to show on a terminal */
			return false;
		}
		/* libfyaml 0.7.12 never comes back from "%%%%". */
		if (p[i] == '%' && place.column == 1) {
			deadmx_yaml_error(doc, &place,
					  "indent it or put it in quotes",
					  "a line can't begin with %%: "
					  "directives are not part of this "
					  "language");
			return false;
		}
		place.column++;
		if (p[i] == '\n') {
			place.line++;
			place.column = 1;
		}
	}
	return true;
}

/* False when there is no whole tree; the errors have been collected. */
static bool text_parse(struct deadmx_yaml *doc)
{
	struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET |
					    FYPCF_DEFAULT_VERSION_1_2 |
					    FYPCF_JSON_NONE};
	struct fy_diag *diag = fy_diag_create(NULL);
	struct fy_parser *parser;
	bool whole;

	if (!diag)
		abort();
	fy_diag_set_collect_errors(diag, true);
	cfg.diag = diag;
	parser = fy_parser_create(&cfg);
	if (!parser || fy_parser_set_string(parser, doc->text, doc->len) != 0)
		abort();
	whole = tree_build(doc, parser, diag);
	fy_parser_destroy(parser);
	fy_diag_destroy(diag);
	return whole;
}

int deadmx_yaml_parse(struct deadmx_yaml *doc, struct deadmx_arena *arena,
		      const char *name, const char *text, size_t len,
		      FILE *errors)
{
	struct deadmx_place start = {NULL, 1, 1};

	*doc = (struct deadmx_yaml){
		.arena = arena, .text = text, .len = len, .errors = errors};
	doc->file = deadmx_arena_copy(arena, name, strlen(name));
	start.file = doc->file;
	if (len > DEADMX_SCENARIO_BYTES_MAX) {
		deadmx_yaml_error(doc, &start, NULL,
				  "file, expected at most %d bytes, got %zu",
				  DEADMX_SCENARIO_BYTES_MAX, len);
		return deadmx_yaml_finish(doc);
	}
	/* A length of 0 would make libfyaml call strlen(). */
	if (!text_is_clean(doc) || (len && !text_parse(doc)))
		return deadmx_yaml_finish(doc);
	if (!doc->root)
		deadmx_yaml_error(doc, &start, NULL,
				  "file, expected a map, got nothing");
	return doc->root ? 0 : deadmx_yaml_finish(doc);
}

static int file_read_all(int fd, char *buf, size_t size, size_t *ret_len)
{
	size_t used = 0;
	ssize_t n;

	while (used < size) {
		n = read(fd, buf + used, size - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	*ret_len = used;
	return 0;
}

int deadmx_yaml_read_file(struct deadmx_arena *arena, const char *path,
			  FILE *errors, char **ret_text, size_t *ret_len)
{
	const char *why = NULL;
	struct stat st;
	char *text;
	int fd, r;

	/* O_NONBLOCK: a FIFO must not hang the checker. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	r = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;
	if (r == 0 && !S_ISREG(st.st_mode)) {
		why = S_ISDIR(st.st_mode) ? "is a folder, expected a file"
					  : "is not a regular file";
		r = -EINVAL;
	}
	if (r == 0 && st.st_size > DEADMX_SCENARIO_BYTES_MAX) {
		why = "is larger than 1 MiB";
		r = -EFBIG;
	}
	if (r == 0) {
		text = deadmx_arena_alloc(arena, (size_t)st.st_size + 1);
		r = file_read_all(fd, text, (size_t)st.st_size, ret_len);
	}
	if (r == 0)
		*ret_text = text;
	else if (errors)
		fprintf(errors, "%s: %s\n", path, why ? why : strerror(-r));
	if (fd >= 0)
		close(fd);
	return r;
}
