/* SPDX-License-Identifier: MIT */
/* Scenarios kept for later: see scenario_store.h. */
#include "sim/scenario_store.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deadmx/utf8.h"

#include "sim/yaml_priv.h"

enum {
	/* Of 19 bytes for each key and value, the longest there can be. */
	PLACES_BYTES_MAX = 4 << 20,
};

struct deadmx_scenario_origin {
	struct deadmx_yaml_node *tree; /* NULL: the text */
	const char *text;
	size_t len;
};

/* --- a tree as YAML ------------------------------------------------------ */

/* Needs no quotes, whatever stands around it. */
static bool is_safe(const struct deadmx_yaml_node *node)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._/@+-";
	const char *text = node->text;

	if (!node->plain)
		return false;
	if (deadmx_yaml_is_empty(node))
		return true;
	return strspn(text, ok) == node->len && !strchr(" ._/@+-", text[0]) &&
	       text[node->len - 1] != ' ';
}

/* Line breaks to libyaml, apart from the usual one. */
static bool is_break(uint32_t code)
{
	return code == '\r' || code == 0x85 || code == 0x2028 || code == 0x2029;
}

/* "${" is written "$${": the reader takes it back. */
static void write_quoted(const struct deadmx_yaml_node *node, FILE *out)
{
	const unsigned char *p = (const unsigned char *)node->text;
	size_t step;

	fputc('"', out);
	for (size_t left = node->len; left; p += step, left -= step) {
		uint32_t code = *p;

		step = deadmx_utf8_len(p, left, &code);
		if (step == 0)
			step = 1; /* can't be: it came from UTF-8 */
		if (code == '"' || code == '\\')
			fprintf(out, "\\%c", (int)code);
		else if (code == '\n')
			fputs("\\n", out);
		else if (is_break(code) || !deadmx_utf8_is_printable(code))
			fprintf(out, "\\u%04x", code);
		else if (code == '$' && p[1] == '{')
			fputs("$$", out);
		else
			fwrite(p, 1, step, out);
	}
	fputc('"', out);
}

static void write_text(const struct deadmx_yaml_node *node, FILE *out)
{
	if (is_safe(node))
		fputs(node->text, out);
	else
		write_quoted(node, out);
}

static void write_children(const struct deadmx_yaml_node *node, int depth,
			   bool is_begun, FILE *out);

/* A value behind "key:" or "-"; in a list its first key follows at once. */
static void write_value(const struct deadmx_yaml_node *node, int depth,
			FILE *out)
{
	if (node->kind == DEADMX_YAML_TEXT) {
		if (node->len || !node->plain)
			fputc(' ', out);
		write_text(node, out);
		fputc('\n', out);
	} else if (!node->count) {
		fputs(node->kind == DEADMX_YAML_MAP ? " {}\n" : " []\n", out);
	} else {
		fputc(node->key ? '\n' : ' ', out);
		write_children(node, depth, !node->key, out);
	}
}

/* @is_begun: the first one's line holds its indentation already. */
static void write_children(const struct deadmx_yaml_node *node, int depth,
			   bool is_begun, FILE *out)
{
	const struct deadmx_yaml_node *child;

	for (child = node->first; child; child = child->next) {
		fprintf(out, "%*s", is_begun ? 0 : 2 * depth, "");
		is_begun = false;
		if (child->key) {
			write_text(child->key, out);
			fputc(':', out);
		} else {
			fputc('-', out);
		}
		write_value(child, depth + 1, out);
	}
}

static void write_tree(const struct deadmx_yaml_node *root, FILE *out)
{
	if (root->kind == DEADMX_YAML_MAP && root->count)
		write_children(root, 0, true, out);
	else
		write_value(root, 0, out);
}

/* --- places --------------------------------------------------------------- */

/* Each key and each value in the order in which the tree is written. */
typedef bool (*visit_cb)(struct deadmx_yaml_node *node, void *arg);

static bool visit(struct deadmx_yaml_node *node, visit_cb cb, void *arg)
{
	if (node->key && !cb(node->key, arg))
		return false;
	if (!cb(node, arg))
		return false;
	if (node->kind == DEADMX_YAML_TEXT)
		return true;
	for (struct deadmx_yaml_node *c = node->first; c; c = c->next)
		if (!visit(c, cb, arg))
			return false;
	return true;
}

struct place_list {
	json_t *files;	/* names */
	json_t *places; /* file, line, column, file, line, … */
	char **names;	/* copies of the names */
	size_t next;
};

static json_int_t file_index(struct place_list *list, const char *name)
{
	size_t count = json_array_size(list->files);

	for (size_t i = 0; i < count; i++)
		if (strcmp(json_string_value(json_array_get(list->files, i)),
			   name) == 0)
			return (json_int_t)i;
	json_array_append_new(list->files, json_string(name));
	return (json_int_t)count;
}

static bool place_write(struct deadmx_yaml_node *node, void *arg)
{
	struct place_list *list = arg;

	json_array_append_new(list->places,
			      json_integer(file_index(list, node->place.file)));
	json_array_append_new(list->places, json_integer(node->place.line));
	json_array_append_new(list->places, json_integer(node->place.column));
	return true;
}

static void write_places(struct deadmx_yaml_node *root, FILE *out)
{
	struct place_list list = {.files = json_array(),
				  .places = json_array()};
	json_t *all;

	visit(root, place_write, &list);
	all = json_pack("{s:o, s:o}", "files", list.files, "places",
			list.places);
	json_dumpf(all, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(all);
}

static bool number_next(struct place_list *list, json_int_t min, json_int_t max,
			json_int_t *ret)
{
	json_t *number = json_array_get(list->places, list->next++);

	*ret = json_integer_value(number);
	return json_is_integer(number) && *ret >= min && *ret <= max;
}

static bool place_read(struct deadmx_yaml_node *node, void *arg)
{
	struct place_list *list = arg;
	json_int_t file, line, column;

	if (!number_next(list, 0, (json_int_t)json_array_size(list->files) - 1,
			 &file) ||
	    !number_next(list, 1, DEADMX_SCENARIO_BYTES_MAX + 1, &line) ||
	    !number_next(list, 1, DEADMX_SCENARIO_BYTES_MAX + 1, &column))
		return false;
	node->place = (struct deadmx_place){list->names[file], (int)line,
					    (int)column};
	return true;
}

/* Copies of the names: they outlive the JSON. False for what is no name. */
static bool names_copy(struct place_list *list, struct deadmx_arena *arena)
{
	const char *name;
	json_t *file;
	size_t i;

	list->names = deadmx_arena_array(arena, json_array_size(list->files),
					 sizeof(char *));
	json_array_foreach(list->files, i, file)
	{
		name = json_string_value(file);
		if (!name)
			return false;
		list->names[i] = deadmx_arena_copy(arena, name, strlen(name));
	}
	return true;
}

static bool places_read(struct deadmx_yaml *doc, const char *json, size_t len)
{
	json_t *all = json_loadb(json, len, 0, NULL);
	struct place_list list = {.files = json_object_get(all, "files"),
				  .places = json_object_get(all, "places")};
	bool ok = names_copy(&list, doc->keep) &&
		  visit(doc->root, place_read, &list) &&
		  list.next == json_array_size(list.places);

	json_decref(all);
	return ok;
}

int scenario_store_places(struct deadmx_yaml *doc, const char *dir)
{
	char *path = deadmx_arena_printf(doc->keep, "%s/%s", dir,
					 SCENARIO_STORE_PLACES);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r = 0;
	struct stat st;
	char *json;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > PLACES_BYTES_MAX)
		r = -EINVAL;
	if (r == 0) {
		json = deadmx_arena_alloc(doc->keep, (size_t)st.st_size + 1);
		if (read(fd, json, (size_t)st.st_size) != st.st_size ||
		    !places_read(doc, json, (size_t)st.st_size))
			r = -EINVAL;
	}
	close(fd);
	if (r < 0 && doc->errors)
		fprintf(doc->errors, "%s: does not fit %s beside it\n", path,
			SCENARIO_STORE_FILE);
	return r;
}

/* --- keeping and storing ------------------------------------------------- */

void scenario_store_keep(struct deadmx_yaml *doc, struct deadmx_scenario *s,
			 struct deadmx_yaml_node *tree, const char *text,
			 size_t len)
{
	struct deadmx_scenario_origin *origin =
		deadmx_arena_alloc(doc->arena, sizeof(*origin));
	char *written = NULL;
	FILE *out;

	s->origin = origin;
	if (text) {
		origin->text = deadmx_arena_copy(doc->arena, text, len);
		origin->len = len;
		return;
	}
	origin->tree = tree;
	out = open_memstream(&written, &len);
	if (!out)
		abort();
	write_tree(tree, out);
	if (fclose(out) != 0)
		abort();
	free(written);
	if (len > DEADMX_SCENARIO_BYTES_MAX)
		deadmx_yaml_error(doc, &tree->place, NULL,
				  "scenario, expected at most %d bytes when it "
				  "is written in one file, got %zu",
				  DEADMX_SCENARIO_BYTES_MAX, len);
}

static FILE *store_open(const char *dir, const char *name, char *path,
			size_t size)
{
	if ((size_t)snprintf(path, size, "%s/%s", dir, name) < size)
		return fopen(path, "we");
	errno = ENAMETOOLONG;
	return NULL;
}

static int store_close(FILE *f, const char *path, FILE *errors)
{
	int r = 0;

	/* Errors of earlier writes are kept in the stream. */
	if (!f || ferror(f))
		r = f ? -EIO : -errno;
	if (f && fclose(f) != 0)
		r = -errno;
	if (r < 0)
		fprintf(errors, "deadmx: %s: %s\n", path, strerror(-r));
	return r;
}

int deadmx_scenario_store(const struct deadmx_scenario *s, const char *dir,
			  FILE *errors)
{
	const struct deadmx_scenario_origin *origin = s->origin;
	char path[PATH_MAX];
	FILE *f;
	int r;

	f = store_open(dir, SCENARIO_STORE_FILE, path, sizeof(path));
	if (f && origin->tree)
		write_tree(origin->tree, f);
	else if (f)
		fwrite(origin->text, 1, origin->len, f);
	r = store_close(f, path, errors);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/%s", dir, SCENARIO_STORE_PLACES);
	if (!origin->tree) {
		unlink(path); /* an older run's */
		return 0;
	}
	f = store_open(dir, SCENARIO_STORE_PLACES, path, sizeof(path));
	if (f)
		write_places(origin->tree, f);
	return store_close(f, path, errors);
}
