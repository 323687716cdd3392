/* SPDX-License-Identifier: MIT */
/*
 * Replies by name: the tester's own first, then the shipped catalogue.
 */
#include <string.h>

#include "sim/reply_text.h"
#include "sim/scenario_read.h"

static struct reply_catalogue *catalogue(struct deadmx_yaml *doc,
					 const struct deadmx_yaml_node *node)
{
	struct scenario_reader *reader = doc->user;

	if (!reader->catalogue &&
	    reply_catalogue_new(reply_catalogue_files, doc->errors,
				&reader->catalogue) < 0)
		deadmx_yaml_error(doc, &node->place, NULL,
				  "the reply catalogue is broken");
	return reader->catalogue;
}

static const struct reply_catalogue_entry *
own_find(const struct scenario_reader *reader, const char *name)
{
	for (size_t i = 0; i < reader->own_count; i++)
		if (strcmp(reader->own[i].name, name) == 0)
			return &reader->own[i];
	return NULL;
}

static const char *nearest(struct deadmx_yaml *doc, const char *name)
{
	struct scenario_reader *reader = doc->user;
	const char **names = deadmx_arena_array(doc->arena, reader->own_count,
						sizeof(*names));
	const char *found;

	/* As for all hints: none for what won't be shown. */
	if (doc->error_count >= DEADMX_SCENARIO_ERRORS_MAX)
		return NULL;
	for (size_t i = 0; i < reader->own_count; i++)
		names[i] = reader->own[i].name;
	found = deadmx_yaml_nearest(name, names, reader->own_count);
	return found ? found : reply_catalogue_nearest(reader->catalogue, name);
}

const struct reply_catalogue_entry *
scenario_reply_find(struct deadmx_yaml *doc,
		    const struct deadmx_yaml_node *node)
{
	const struct reply_catalogue_entry *e = own_find(doc->user, node->text);
	const char *near, *hint;

	if (e || !catalogue(doc, node))
		return e;
	e = reply_catalogue_find(catalogue(doc, node), node->text);
	if (e)
		return e;
	near = nearest(doc, node->text);
	hint = near ? deadmx_arena_printf(doc->arena, "did you mean \"%s\"?",
					  near)
		    : "docs/replies.md lists the names; a reply begins with "
		      "a three-digit code";
	deadmx_yaml_error(doc, &node->place, hint,
			  "no reply \"%.80s\" in the catalogue", node->text);
	return NULL;
}

/* With a slash, as in the catalogue: that tells a name from a word. */
static void name_check(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *key)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-";
	const char *slash = strchr(key->text, '/');

	if (!slash || slash == key->text || !slash[1] ||
	    strspn(key->text, ok) != key->len || reply_text_is_reply(key->text))
		deadmx_yaml_wrong(doc, key, "the name of a reply",
				  "a name with a slash such as acme/busy",
				  NULL);
	else if (catalogue(doc, key) &&
		 reply_catalogue_find(catalogue(doc, key), key->text))
		deadmx_yaml_error(doc, &key->place, "give yours another name",
				  "the reply %s is in the catalogue already",
				  key->text);
}

void scenario_read_replies(struct deadmx_yaml *doc,
			   const struct deadmx_yaml_node *node)
{
	struct scenario_reader *reader = doc->user;
	const struct deadmx_yaml_node *child;

	reader->own = NULL;
	reader->own_count = 0;
	if (!node)
		return;
	if (node->kind != DEADMX_YAML_MAP) {
		deadmx_yaml_wrong(doc, node, "replies",
				  "a map (name: reply), or a file", NULL);
		return;
	}
	reader->own = deadmx_arena_array(doc->arena, node->count,
					 sizeof(*reader->own));
	for (child = node->first; child; child = child->next) {
		struct reply_catalogue_entry *e =
			&reader->own[reader->own_count++];

		name_check(doc, child->key);
		/* A faulty one is known all the same: one error is enough. */
		e->reply = "";
		reply_catalogue_read_own(doc, child, e);
	}
}
