/* SPDX-License-Identifier: MIT */
/* YAML files that people write: see deadmx/yaml.h. */
#include "sim/yaml_priv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "deadmx/utf8.h"

/* --- from events to a tree ---------------------------------------------- */

struct frame {
	struct deadmx_yaml_node *node;
	struct deadmx_yaml_node **tail;
	struct deadmx_yaml_node *key; /* of a map: waits for its value */
	bool again; /* the key is here twice: readers see the first only */
};

struct builder {
	struct deadmx_yaml *doc;
	struct deadmx_yaml_file *file;
	struct deadmx_yaml_node *root;
	struct frame frames[DEADMX_SCENARIO_DEPTH_MAX];
	int depth;
	size_t character, byte; /* where mark_at() was last */
};

static bool key_add(struct builder *b, struct frame *f,
		    struct deadmx_yaml_node *key)
{
	const struct deadmx_yaml_node *child;

	if (key->kind != DEADMX_YAML_TEXT) {
		deadmx_yaml_wrong(b->doc, key, "key of a map", "a word", NULL);
		return false;
	}
	if (key->len > DEADMX_YAML_KEY_LEN_MAX) {
		deadmx_yaml_error(b->doc, &key->place, NULL,
				  "key of a map, expected at most %d bytes, "
				  "got %zu",
				  DEADMX_YAML_KEY_LEN_MAX, key->len);
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
		b->root = node;
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

/* The text at @mark. libyaml counts characters there, not bytes. */
static const char *mark_at(struct builder *b, const yaml_mark_t *mark)
{
	const struct deadmx_yaml_file *file = b->file;

	if (mark->index < b->character)
		b->character = b->byte = 0;
	while (b->character < mark->index && b->byte < file->len) {
		b->byte++;
		while (b->byte < file->len &&
		       deadmx_utf8_is_continuation(file->text[b->byte]))
			b->byte++;
		b->character++;
	}
	return file->text + b->byte;
}

/* Is there a comment behind the text that looks like more of it? */
static bool is_cut(struct builder *b, const yaml_event_t *event)
{
	const char *p = mark_at(b, &event->end_mark);
	const char *end = b->file->text + b->file->len;

	if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	while (p < end && *p == ' ')
		p++;
	return end - p >= 2 && p[0] == '#' && !strchr(" \t\r\n#", p[1]);
}

static bool node_fill_text(struct builder *b, struct deadmx_yaml_node *node,
			   const yaml_event_t *event)
{
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->cut = is_cut(b, event);
	node->len = event->data.scalar.length;
	node->text = deadmx_arena_copy(b->doc->arena,
				       (const char *)event->data.scalar.value,
				       node->len);
	if (strlen(node->text) == node->len)
		return true;
	deadmx_yaml_error(b->doc, &node->place, NULL,
			  "text, expected characters, got a NUL byte");
	return false;
}

static bool anchor_refuse(struct builder *b, const struct deadmx_place *place)
{
	deadmx_yaml_error(b->doc, place, "write the value out",
			  "anchors and aliases (& and *) are not part of this "
			  "language");
	return false;
}

/* @anchor and @tag are what the file has; NULL = nothing. */
static bool event_take_node(struct builder *b, const yaml_event_t *event,
			    enum deadmx_yaml_kind kind, const void *anchor,
			    const void *tag)
{
	struct deadmx_place place = {b->file->name,
				     (int)event->start_mark.line + 1,
				     (int)event->start_mark.column + 1};
	struct deadmx_yaml_node *node;

	if (anchor)
		return anchor_refuse(b, &place);
	if (tag) {
		deadmx_yaml_error(b->doc, &place, "leave it out",
				  "tags (!) are not part of this language");
		return false;
	}
	if (++b->doc->node_count > DEADMX_YAML_NODES_MAX) {
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
	return node_fill_text(b, node, event) && node_add(b, node);
}

static bool event_take_document(struct builder *b, const yaml_event_t *event)
{
	struct deadmx_place place = {b->file->name,
				     (int)event->start_mark.line + 1,
				     (int)event->start_mark.column + 1};

	if (event->data.document_start.version_directive ||
	    event->data.document_start.tag_directives.start !=
		    event->data.document_start.tag_directives.end) {
		deadmx_yaml_error(b->doc, &place, "leave it out",
				  "directives (%%) are not part of this "
				  "language");
		return false;
	}
	if (!b->root)
		return true;
	deadmx_yaml_error(b->doc, &place, "make it a file of its own",
			  "a second document (---) begins here");
	return false;
}

/* False ends the parsing; an error has then been collected. */
static bool event_take(struct builder *b, const yaml_event_t *event)
{
	struct deadmx_place place = {b->file->name,
				     (int)event->start_mark.line + 1,
				     (int)event->start_mark.column + 1};

	switch (event->type) {
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return true;
	case YAML_DOCUMENT_START_EVENT:
		return event_take_document(b, event);
	case YAML_MAPPING_START_EVENT:
		return event_take_node(b, event, DEADMX_YAML_MAP,
				       event->data.mapping_start.anchor,
				       event->data.mapping_start.tag);
	case YAML_SEQUENCE_START_EVENT:
		return event_take_node(b, event, DEADMX_YAML_LIST,
				       event->data.sequence_start.anchor,
				       event->data.sequence_start.tag);
	case YAML_SCALAR_EVENT:
		return event_take_node(b, event, DEADMX_YAML_TEXT,
				       event->data.scalar.anchor,
				       event->data.scalar.tag);
	case YAML_ALIAS_EVENT:
		return anchor_refuse(b, &place);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		assert(b->depth > 0);
		b->depth--;
		return true;
	}
	return true;
}

/* --- the text ------------------------------------------------------------ */

static bool looks_like_utf16(const unsigned char *p, size_t len)
{
	return len >= 2 && ((p[0] == 0xFF && p[1] == 0xFE) ||
			    (p[0] == 0xFE && p[1] == 0xFF) || (!p[0] != !p[1]));
}

/* A binary file gets one clear line instead of a parser's confusion. */
static bool text_is_clean(struct deadmx_yaml *doc,
			  struct deadmx_yaml_file *file)
{
	struct deadmx_place place = {file->name, 1, 1};
	const unsigned char *p = (const unsigned char *)file->text;
	const char *hint = NULL;
	uint32_t code;
	size_t step;

	for (size_t i = 0; i < file->len; i += step) {
		step = deadmx_utf8_len(p + i, file->len - i, &code);
		if (step == 0 || !deadmx_utf8_is_printable(code)) {
			if (looks_like_utf16(p, file->len))
				hint = "it looks like UTF-16: save it as UTF-8";
			deadmx_yaml_error(doc, &place, hint,
					  "file, expected UTF-8 text, got byte "
					  "0x%02x",
					  p[i]);
			file->len = 0; /* nothing to show on a terminal */
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
static bool text_parse(struct deadmx_yaml *doc, struct deadmx_yaml_file *file,
		       struct deadmx_yaml_node **ret_root)
{
	struct builder b = {.doc = doc, .file = file};
	yaml_parser_t parser;
	yaml_event_t event;
	bool going = true, end = false;

	if (!yaml_parser_initialize(&parser))
		abort();
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)file->text,
				     file->len);
	while (going && !end) {
		if (!yaml_parser_parse(&parser, &event)) {
			yaml_syntax_error(doc, file, &parser);
			going = false;
			break;
		}
		end = event.type == YAML_STREAM_END_EVENT;
		going = event_take(&b, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	*ret_root = b.root;
	return going;
}

static struct deadmx_yaml_file *file_add(struct deadmx_yaml *doc,
					 const char *name, const char *text,
					 size_t len)
{
	static const char mark[] = "\xEF\xBB\xBF"; /* some editors put it */
	struct deadmx_yaml_file *file, **tail = &doc->files;

	if (len >= strlen(mark) && memcmp(text, mark, strlen(mark)) == 0) {
		text += strlen(mark);
		len -= strlen(mark);
	}
	file = deadmx_arena_alloc(doc->keep, sizeof(*file));
	file->name = deadmx_arena_copy(doc->keep, name, strlen(name));
	file->text = text;
	file->len = len;
	while (*tail)
		tail = &(*tail)->next;
	*tail = file;
	return file;
}

int deadmx_yaml_parse_file(struct deadmx_yaml *doc, const char *name,
			   const char *text, size_t len,
			   struct deadmx_yaml_node **ret)
{
	struct deadmx_yaml_file *file = file_add(doc, name, text, len);
	struct deadmx_place start = {file->name, 1, 1};
	struct deadmx_yaml_node *root = NULL;

	if (len > DEADMX_SCENARIO_BYTES_MAX) {
		deadmx_yaml_error(doc, &start, NULL,
				  "file, expected at most %d bytes, got %zu",
				  DEADMX_SCENARIO_BYTES_MAX, len);
		return -EINVAL;
	}
	if (!text_is_clean(doc, file) || !text_parse(doc, file, &root))
		return -EINVAL;
	if (!root) {
		deadmx_yaml_error(doc, &start, NULL,
				  "file, expected a map, got nothing");
		return -EINVAL;
	}
	*ret = root;
	return 0;
}

int deadmx_yaml_parse(struct deadmx_yaml *doc, struct deadmx_arena *arena,
		      const char *name, const char *text, size_t len,
		      FILE *errors)
{
	*doc = (struct deadmx_yaml){
		.arena = arena, .keep = arena, .errors = errors};
	doc->file = deadmx_arena_copy(arena, name, strlen(name));
	if (deadmx_yaml_parse_file(doc, name, text, len, &doc->root) < 0)
		return deadmx_yaml_finish(doc);
	return 0;
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

int deadmx_yaml_read_fd(struct deadmx_arena *arena, int fd, char **ret_text,
			size_t *ret_len, const char **ret_why)
{
	struct stat st;
	char *text;
	int r;

	*ret_why = NULL;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode)) {
		*ret_why = S_ISDIR(st.st_mode) ? "is a folder, expected a file"
					       : "is not a regular file";
		return -EINVAL;
	}
	if (st.st_size > DEADMX_SCENARIO_BYTES_MAX) {
		*ret_why = "is larger than 1 MiB";
		return -EFBIG;
	}
	text = deadmx_arena_alloc(arena, (size_t)st.st_size + 1);
	r = file_read_all(fd, text, (size_t)st.st_size, ret_len);
	if (r == 0)
		*ret_text = text;
	return r;
}

int deadmx_yaml_read_file(struct deadmx_arena *arena, const char *path,
			  FILE *errors, char **ret_text, size_t *ret_len)
{
	const char *why = NULL;
	int fd, r;

	/* O_NONBLOCK: a FIFO must not hang the checker. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	r = fd < 0 ? -errno
		   : deadmx_yaml_read_fd(arena, fd, ret_text, ret_len, &why);
	if (r < 0 && errors)
		fprintf(errors, "%s: %s\n", path, why ? why : strerror(-r));
	if (fd >= 0)
		close(fd);
	return r;
}
