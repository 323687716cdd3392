/* SPDX-License-Identifier: MIT */
/* A scenario from its files: see scenario_source.h. */
#include "sim/scenario_source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	DEPTH_REPLIES = -1, /* the file holds replies */
	OPEN_TRIES = 1000,
};

/* A file that was read; a second use takes its tree again. */
struct loaded {
	dev_t dev;
	ino_t ino;
	bool open; /* being completed: to include it now is a circle */
	const struct deadmx_yaml_node *tree;
};

struct source {
	struct deadmx_yaml *doc;
	int top; /* folder out of which nothing leads; -1 = no files */
	struct loaded loaded[DEADMX_INCLUDE_FILES_MAX + 1];
	size_t loaded_count;
	size_t uses;
	size_t bytes;
	bool any;
	bool is_too_large; /* said once, at the end */
};

/* Where a file lies: its folder below the top, and as people named it. */
struct folder {
	const char *path;  /* "" or ends in a slash */
	const char *shown; /* the same */
};

/* --- paths --------------------------------------------------------------- */

/* The folder of @path with its slash; "" when it has none. */
static char *folder_of(struct deadmx_yaml *doc, const char *path)
{
	const char *slash = strrchr(path, '/');

	return deadmx_arena_copy(doc->keep, path,
				 slash ? (size_t)(slash - path) + 1 : 0);
}

/* "a/b/../c.yml" to "a/c.yml": for people only, links are not looked at. */
static char *path_tidy(struct deadmx_yaml *doc, const char *path)
{
	char *tidy = deadmx_arena_alloc(doc->keep, strlen(path) + 1);
	size_t used = 0, len, up;

	for (; *path; path += len + (path[len] == '/')) {
		len = strcspn(path, "/");
		if (path[len] &&
		    (len == 0 ? used > 0 : len == 1 && *path == '.'))
			continue;
		up = used > 1 ? used - 1 : 0;
		while (up && tidy[up - 1] != '/')
			up--;
		if (len == 2 && strncmp(path, "..", 2) == 0 && used > 1 &&
		    strncmp(tidy + up, "../", 3) != 0) {
			used = up;
			continue;
		}
		memcpy(tidy + used, path, len + (path[len] == '/'));
		used += len + (path[len] == '/');
	}
	tidy[used] = '\0';
	return tidy;
}

static bool path_check(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node)
{
	const char *hint = NULL, *text = node->text, *dot;

	if (node->kind == DEADMX_YAML_TEXT && node->len) {
		dot = strrchr(text, '.');
		if (node->len >= PATH_MAX / 2)
			hint = "that path is too long";
		else if (text[0] == '/')
			hint = "a path is relative to this file, so that the "
			       "scenario can be given away";
		else if (!dot || (strcmp(dot, ".yml") && strcmp(dot, ".yaml")))
			hint = "only files called *.yml are read";
		else
			return true;
	}
	deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node),
			  "a file such as ../base.yml", hint);
	return false;
}

/* The kernel sees to it that nothing leads out, links and races included. */
static int beneath_open(int top, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	long fd = -1;

	/* EAGAIN: somebody renames files somewhere, ".." might have moved. */
	for (int i = 0; i < OPEN_TRIES; i++) {
		fd = syscall(SYS_openat2, top, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd < 0 ? -errno : (int)fd;
}

/*
 * The folder above the scenario's own is the top, and then the own one's name
 * stands before each path. Never "/": that would be the whole machine.
 */
static void top_open(struct source *source, const char *path,
		     struct folder *folder)
{
	const char *shown = folder_of(source->doc, path);
	char *own = realpath(*shown ? shown : ".", NULL), *slash;

	*folder = (struct folder){"", shown};
	slash = own ? strrchr(own, '/') : NULL;
	if (slash && slash > own && slash[1]) {
		folder->path = deadmx_arena_printf(source->doc->keep, "%s/",
						   slash + 1);
		*slash = '\0';
	}
	if (own)
		source->top = open(own, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(own);
}

/* --- merging ------------------------------------------------------------- */

/* A copy without brothers; it counts, so that merging can't eat memory. */
static struct deadmx_yaml_node *node_copy(struct source *source,
					  const struct deadmx_yaml_node *node)
{
	struct deadmx_yaml *doc = source->doc;
	struct deadmx_yaml_node *copy;

	if (doc->node_count >= DEADMX_YAML_NODES_MAX) {
		source->is_too_large = true;
		return NULL;
	}
	doc->node_count++;
	copy = deadmx_arena_alloc(doc->keep, sizeof(*copy));
	*copy = *node;
	copy->next = NULL;
	return copy;
}

static struct deadmx_yaml_node *map_copy(struct source *source,
					 const struct deadmx_yaml_node *node)
{
	struct deadmx_yaml_node *copy = node_copy(source, node);

	if (copy) {
		copy->first = NULL;
		copy->count = 0;
	}
	return copy;
}

/* The children of @map follow one another from **tail on. */
static bool child_add(struct source *source, struct deadmx_yaml_node *map,
		      struct deadmx_yaml_node ***tail,
		      const struct deadmx_yaml_node *child)
{
	struct deadmx_yaml_node *copy = child ? node_copy(source, child) : NULL;

	source->is_too_large |= map->count >= DEADMX_YAML_KEYS_MAX;
	if (!copy || source->is_too_large)
		return false;
	**tail = copy;
	*tail = &copy->next;
	map->count++;
	return true;
}

/*
 * @over on top of @base: maps key by key, anything else as a whole. The order
 * is that of @base, then what is new. NULL when it grows too large.
 */
static struct deadmx_yaml_node *merge(struct source *source,
				      const struct deadmx_yaml_node *base,
				      const struct deadmx_yaml_node *over)
{
	struct deadmx_yaml_node *map, **tail;
	const struct deadmx_yaml_node *child, *other;

	if (base->kind != DEADMX_YAML_MAP || over->kind != DEADMX_YAML_MAP)
		return node_copy(source, over);
	map = map_copy(source, over);
	if (!map)
		return NULL;
	tail = &map->first;
	for (child = base->first; child; child = child->next) {
		other = deadmx_yaml_get(over, child->key->text);
		if (!child_add(source, map, &tail,
			       other ? merge(source, child, other) : child))
			return NULL;
	}
	for (child = over->first; child; child = child->next)
		if (!deadmx_yaml_get(base, child->key->text) &&
		    !child_add(source, map, &tail, child))
			return NULL;
	return map;
}

static const struct deadmx_yaml_node *
merge_all(struct source *source, const struct deadmx_yaml_node *base,
	  const struct deadmx_yaml_node *over)
{
	const struct deadmx_yaml_node *merged =
		base ? merge(source, base, over) : NULL;

	return merged ? merged : over;
}

/* --- files --------------------------------------------------------------- */

static const struct deadmx_yaml_node *
complete(struct source *source, const struct deadmx_yaml_node *tree,
	 const struct folder *folder, int depth);

/* The parsed text of an open file, not completed yet; or NULL. */
static const struct deadmx_yaml_node *
file_parse(struct source *source, const struct deadmx_yaml_node *node,
	   const char *shown, int fd)
{
	struct deadmx_yaml *doc = source->doc;
	struct deadmx_yaml_node *tree;
	const char *why = NULL;
	size_t len;
	char *text;
	int r = deadmx_yaml_read_fd(doc->keep, fd, &text, &len, &why);

	if (r < 0) {
		deadmx_yaml_error(doc, &node->place, NULL, "%s: %s", shown,
				  why ? why : strerror(-r));
		return NULL;
	}
	source->bytes += len;
	if (source->bytes > DEADMX_SCENARIO_BYTES_MAX) {
		deadmx_yaml_error(doc, &node->place, NULL,
				  "scenario, expected at most %d bytes in all "
				  "that it includes, got more",
				  DEADMX_SCENARIO_BYTES_MAX);
		return NULL;
	}
	if (deadmx_yaml_parse_file(doc, shown, text, len, &tree) < 0)
		return NULL;
	if (tree->kind == DEADMX_YAML_MAP)
		return tree;
	deadmx_yaml_wrong(doc, tree, shown, "a map (key: value)", NULL);
	return NULL;
}

static const struct deadmx_yaml_node *
fd_load(struct source *source, const struct deadmx_yaml_node *node,
	const struct folder *folder, const char *shown, int fd, int depth)
{
	const struct deadmx_yaml_node *tree;
	struct loaded *l = source->loaded;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return NULL;
	for (size_t i = 0; i < source->loaded_count; i++, l++) {
		if (l->dev != st.st_dev || l->ino != st.st_ino)
			continue;
		if (l->open)
			deadmx_yaml_error(
				source->doc, &node->place, NULL,
				"%s is included in itself: that would "
				"never end",
				shown);
		return l->open ? NULL : l->tree;
	}
	source->loaded_count++;
	*l = (struct loaded){.dev = st.st_dev, .ino = st.st_ino, .open = true};
	tree = file_parse(source, node, shown, fd);
	/* A file of replies is taken as it is: "include" may be a name. */
	if (tree && depth != DEPTH_REPLIES)
		tree = complete(source, tree, folder, depth);
	l->tree = tree;
	l->open = false;
	return l->tree;
}

static void open_failed(struct source *source,
			const struct deadmx_yaml_node *node, const char *shown,
			int error)
{
	if (error == -EXDEV || error == -ELOOP)
		deadmx_yaml_error(source->doc, &node->place,
				  "put it into the scenario's folder, or into "
				  "the one above it",
				  "%s lies outside of what a scenario may "
				  "include",
				  shown);
	else
		deadmx_yaml_error(source->doc, &node->place, NULL, "%s: %s",
				  shown, strerror(-error));
}

/* The complete tree of the file that @node names, or NULL. */
static const struct deadmx_yaml_node *
file_load(struct source *source, const struct deadmx_yaml_node *node,
	  const struct folder *from, int depth)
{
	struct deadmx_yaml *doc = source->doc;
	const struct deadmx_yaml_node *tree;
	struct folder folder;
	char *path, *shown;
	int fd;

	if (!path_check(doc, node))
		return NULL;
	source->any = true;
	if (depth > DEADMX_INCLUDE_DEPTH_MAX ||
	    ++source->uses > DEADMX_INCLUDE_FILES_MAX) {
		deadmx_yaml_error(doc, &node->place, NULL,
				  "%s, expected at most %d files, %d deep, got "
				  "more",
				  deadmx_yaml_name(node),
				  DEADMX_INCLUDE_FILES_MAX,
				  DEADMX_INCLUDE_DEPTH_MAX);
		return NULL;
	}
	path = deadmx_arena_printf(doc->keep, "%s%s", from->path, node->text);
	shown = path_tidy(doc, deadmx_arena_printf(doc->keep, "%s%s",
						   from->shown, node->text));
	folder.path = folder_of(doc, path);
	folder.shown = folder_of(doc, shown);
	fd = source->top < 0 ? -EXDEV : beneath_open(source->top, path);
	if (fd < 0) {
		open_failed(source, node, shown, fd);
		return NULL;
	}
	tree = fd_load(source, node, &folder, shown, fd, depth);
	close(fd);
	return tree;
}

/* --- include ------------------------------------------------------------- */

/* All files of `include`, the later on top of the earlier; NULL for none. */
static const struct deadmx_yaml_node *
included(struct source *source, const struct deadmx_yaml_node *include,
	 const struct folder *folder, int depth)
{
	const struct deadmx_yaml_node *all = NULL, *child = include, *tree;

	if (include->kind == DEADMX_YAML_LIST)
		child = include->first;
	for (; child; child = child->next) {
		tree = file_load(source, child, folder, depth + 1);
		if (tree)
			all = merge_all(source, all, tree);
		if (include->kind != DEADMX_YAML_LIST)
			break;
	}
	return all;
}

/* --- replies ------------------------------------------------------------- */

/* An entry NAME of FILE.yml is called FILE/NAME, as in the catalogue. */
static void replies_add(struct source *source, struct deadmx_yaml_node *map,
			struct deadmx_yaml_node ***tail,
			const struct deadmx_yaml_node *file,
			const struct deadmx_yaml_node *entries)
{
	const char *stem = strrchr(file->text, '/'), *dot;
	struct deadmx_yaml_node *key, named;

	stem = stem ? stem + 1 : file->text;
	stem += *stem == '_'; /* _acme.yml is no scenario itself */
	dot = strrchr(stem, '.');
	for (const struct deadmx_yaml_node *e = entries->first; e;
	     e = e->next) {
		key = node_copy(source, e->key);
		if (!key)
			break;
		key->text = deadmx_arena_printf(source->doc->keep, "%.*s/%s",
						(int)(dot - stem), stem,
						e->key->text);
		key->len = strlen(key->text);
		named = *e;
		named.key = key;
		if (deadmx_yaml_get(map, key->text))
			deadmx_yaml_error(source->doc, &e->key->place, NULL,
					  "the reply %.80s is here twice",
					  key->text);
		else if (!child_add(source, map, tail, &named))
			break;
	}
}

/* The map of entries that the files of `replies` hold. */
static const struct deadmx_yaml_node *
replies_load(struct source *source, const struct deadmx_yaml_node *replies,
	     const struct folder *folder)
{
	const struct deadmx_yaml_node *child = replies, *tree;
	struct deadmx_yaml_node *map = map_copy(source, replies), **tail;

	if (!map)
		return replies;
	map->kind = DEADMX_YAML_MAP;
	tail = &map->first;
	if (replies->kind == DEADMX_YAML_LIST)
		child = replies->first;
	for (; child; child = child->next) {
		tree = file_load(source, child, folder, DEPTH_REPLIES);
		if (tree)
			replies_add(source, map, &tail, child, tree);
		if (replies->kind != DEADMX_YAML_LIST)
			break;
	}
	return map;
}

/* --- the whole ----------------------------------------------------------- */

static const struct deadmx_yaml_node *
complete(struct source *source, const struct deadmx_yaml_node *tree,
	 const struct folder *folder, int depth)
{
	const struct deadmx_yaml_node *include, *child, *base;
	struct deadmx_yaml_node *own, **tail;

	if (tree->kind != DEADMX_YAML_MAP)
		return tree;
	own = map_copy(source, tree);
	if (!own)
		return tree;
	tail = &own->first;
	for (child = tree->first; child; child = child->next) {
		const struct deadmx_yaml_node *use = child;

		if (strcmp(child->key->text, "include") == 0)
			continue;
		if (strcmp(child->key->text, "replies") == 0 &&
		    child->kind != DEADMX_YAML_MAP)
			use = replies_load(source, child, folder);
		if (!child_add(source, own, &tail, use))
			break;
	}
	include = deadmx_yaml_get(tree, "include");
	base = include ? included(source, include, folder, depth) : NULL;
	return merge_all(source, base, own);
}

bool scenario_source_complete(struct deadmx_yaml *doc, const char *path)
{
	struct source source = {.doc = doc, .top = -1};
	struct folder folder = {"", ""};
	struct stat st;

	if (path) {
		top_open(&source, path, &folder);
		if (stat(path, &st) == 0)
			source.loaded[source.loaded_count++] =
				(struct loaded){.dev = st.st_dev,
						.ino = st.st_ino,
						.open = true};
	}
	doc->root = (struct deadmx_yaml_node *)complete(&source, doc->root,
							&folder, 0);
	if (source.is_too_large)
		deadmx_yaml_error(doc, &doc->root->place, NULL,
				  "scenario, expected at most %d values and %d "
				  "keys a map with all that it includes, got "
				  "more",
				  DEADMX_YAML_NODES_MAX, DEADMX_YAML_KEYS_MAX);
	if (source.top >= 0)
		close(source.top);
	return source.any;
}
