/* SPDX-License-Identifier: MIT */
/* What real servers answer, by name: see reply_catalogue.h. */
#include "sim/reply_catalogue.h"

#include <errno.h>
#include <string.h>

#include "deadmx/yaml.h"
#include "sim/reply_text.h"

struct reply_catalogue {
	struct deadmx_arena *arena;
	struct reply_catalogue_entry *entries;
	size_t count;
};

static void read_reply(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	struct reply_catalogue_entry *e = arg;
	char why[256], *text;

	if (!deadmx_yaml_word(doc, node, &text))
		return;
	if (!reply_text_check(text, why, sizeof(why)))
		deadmx_yaml_error(doc, &node->place, NULL, "reply, %s", why);
	e->reply = text;
}

static void read_description(struct deadmx_yaml *doc,
			     const struct deadmx_yaml_node *node, void *arg)
{
	struct reply_catalogue_entry *e = arg;
	char *text;

	if (deadmx_yaml_word(doc, node, &text))
		e->description = text;
}

static void read_source(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *node, void *arg)
{
	struct reply_catalogue_entry *e = arg;
	char *text;

	if (deadmx_yaml_word(doc, node, &text))
		e->source = text;
}

/* "2024", "2024-01" or "2024-01-24": as much as is known. */
static bool is_date(const char *text)
{
	static const char form[] = "dddd-dd-dd";
	size_t len = strlen(text);

	if (len != 4 && len != 7 && len != 10)
		return false;
	for (size_t i = 0; i < len; i++)
		if (form[i] == '-' ? text[i] != '-'
				   : text[i] < '0' || text[i] > '9')
			return false;
	return true;
}

static void read_date(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	struct reply_catalogue_entry *e = arg;
	char *text;

	if (!deadmx_yaml_word(doc, node, &text))
		return;
	if (!is_date(text))
		deadmx_yaml_wrong(doc, node, "date",
				  "2024, 2024-01 or 2024-01-24", NULL);
	e->date = text;
}

static const struct deadmx_yaml_key entry_keys[] = {
	{"reply", read_reply, "the reply, with its code", true, "reply"},
	{"description", read_description, "when a server says so", true,
	 "word"},
	{"source", read_source, "how we know, in words", true, "word"},
	{"date", read_date, "when it was published or seen", true, "word"},
	{0},
};

/* A tester's own: that he knows where it is from is enough. */
const struct deadmx_yaml_key reply_catalogue_own_keys[] = {
	{"reply", read_reply, "the reply, with its code", true, "reply"},
	{"description", read_description, "when a server says so", false,
	 "word"},
	{"source", read_source, "how we know, in words", false, "word"},
	{0},
};

void reply_catalogue_read_own(struct deadmx_yaml *doc,
			      const struct deadmx_yaml_node *node,
			      struct reply_catalogue_entry *e)
{
	e->name = node->key->text;
	if (node->kind == DEADMX_YAML_MAP)
		deadmx_yaml_map(doc, node, e->name, reply_catalogue_own_keys,
				e);
	else
		read_reply(doc, node, e);
}

static int file_load(struct reply_catalogue *c,
		     const struct reply_catalogue_file *file, FILE *errors)
{
	const struct deadmx_yaml_node *child;
	struct reply_catalogue_entry *entries, *e;
	struct deadmx_yaml doc;
	int r;

	r = deadmx_yaml_parse(
		&doc, c->arena,
		deadmx_arena_printf(c->arena, "%s.yml", file->name), file->text,
		strlen(file->text), errors);
	if (r < 0)
		return r;
	if (doc.root->kind != DEADMX_YAML_MAP) {
		deadmx_yaml_wrong(&doc, doc.root, "reply catalogue",
				  "a map (name: entry)", NULL);
		return deadmx_yaml_finish(&doc);
	}
	entries = deadmx_arena_array(c->arena, c->count + doc.root->count,
				     sizeof(*entries));
	if (c->count)
		memcpy(entries, c->entries, c->count * sizeof(*entries));
	c->entries = entries;
	for (child = doc.root->first; child; child = child->next) {
		e = &entries[c->count++];
		e->name = deadmx_arena_printf(c->arena, "%s/%s", file->name,
					      child->key->text);
		deadmx_yaml_map(&doc, child, e->name, entry_keys, e);
	}
	return deadmx_yaml_finish(&doc);
}

int reply_catalogue_new(const struct reply_catalogue_file *files, FILE *errors,
			struct reply_catalogue **ret)
{
	struct deadmx_arena *arena = deadmx_arena_new();
	struct reply_catalogue *c = deadmx_arena_alloc(arena, sizeof(*c));
	int r = 0;

	c->arena = arena;
	for (; files->name; files++)
		if (file_load(c, files, errors) < 0)
			r = -EINVAL;
	if (r < 0)
		reply_catalogue_free(c);
	else
		*ret = c;
	return r;
}

void reply_catalogue_free(struct reply_catalogue *catalogue)
{
	if (catalogue)
		deadmx_arena_free(catalogue->arena);
}

const struct reply_catalogue_entry *
reply_catalogue_find(const struct reply_catalogue *catalogue, const char *name)
{
	for (size_t i = 0; i < catalogue->count; i++)
		if (strcmp(catalogue->entries[i].name, name) == 0)
			return &catalogue->entries[i];
	return NULL;
}

const struct reply_catalogue_entry *
reply_catalogue_at(const struct reply_catalogue *catalogue, size_t index)
{
	return index < catalogue->count ? &catalogue->entries[index] : NULL;
}

const char *reply_catalogue_nearest(const struct reply_catalogue *catalogue,
				    const char *name)
{
	const char **names = deadmx_arena_array(
		catalogue->arena, catalogue->count, sizeof(*names));

	for (size_t i = 0; i < catalogue->count; i++)
		names[i] = catalogue->entries[i].name;
	return deadmx_yaml_nearest(name, names, catalogue->count);
}
