/* SPDX-License-Identifier: MIT */
/* The cases of a scenario file: see scenario_matrix.h. */
#include "sim/scenario_matrix.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES "abcdefghijklmnopqrstuvwxyz0123456789_"
#define LABEL_BYTES                                                            \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

/* --- reading ------------------------------------------------------------- */

static const struct deadmx_yaml_node *value_at(const struct scenario_axis *axis,
					       size_t index)
{
	const struct deadmx_yaml_node *value = axis->values->first;

	while (index--)
		value = value->next;
	return value;
}

/*
 * A value's label: its key when it has one, else what of its text is fit for
 * the name of a file, with a hyphen for the rest. Empty when nothing is.
 */
static void label_make(const struct deadmx_yaml_node *value, char *label)
{
	const char *text = value->key ? value->key->text : value->text;
	size_t used = 0;

	for (; *text && used < DEADMX_MATRIX_LABEL_LEN_MAX; text++) {
		if (!used && strchr(".-", *text))
			continue; /* nothing hidden, no option */
		if (strchr(LABEL_BYTES, *text))
			label[used++] = *text;
		else if (used && label[used - 1] != '-')
			label[used++] = '-';
	}
	while (used && label[used - 1] == '-')
		used--;
	label[used] = '\0';
}

/* A text, or a map of texts for ${name.key}. */
static bool value_check(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *value)
{
	char label[DEADMX_MATRIX_LABEL_LEN_MAX + 1];
	const struct deadmx_yaml_node *part;

	if (value->kind == DEADMX_YAML_MAP && value->key) {
		for (part = value->first; part; part = part->next)
			if (part->kind != DEADMX_YAML_TEXT) {
				deadmx_yaml_wrong(doc, part,
						  deadmx_yaml_name(part),
						  "a text", NULL);
				return false;
			}
	} else if (value->kind != DEADMX_YAML_TEXT) {
		deadmx_yaml_wrong(doc, value, "a value of the matrix", "a text",
				  "a value of several parts needs a name: "
				  "{busy: {code: 451, text: Busy}}");
		return false;
	}
	label_make(value, label);
	if (!*label || (value->key && strcmp(label, value->key->text) != 0)) {
		deadmx_yaml_wrong(doc, value->key ? value->key : value,
				  value->key ? "the name of a value"
					     : "a value of the matrix",
				  "letters, digits and ._-, which go into the "
				  "name of the case",
				  value->key ? NULL
					     : "give each value a name: {busy: "
					       "\"…\"}");
		return false;
	}
	return true;
}

static bool axis_read(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *values,
		      struct scenario_axis *axis)
{
	const char *name = values->key->text;
	bool ok = true;

	*axis = (struct scenario_axis){.name = name, .values = values};
	if (strspn(name, NAME_BYTES) != strlen(name) || !*name) {
		deadmx_yaml_wrong(doc, values->key, "a name in the matrix",
				  "small letters, digits and _", NULL);
		return false;
	}
	if (values->kind == DEADMX_YAML_TEXT || !values->count) {
		deadmx_yaml_wrong(doc, values, name,
				  "a list of values, or a map from names to "
				  "values",
				  NULL);
		return false;
	}
	for (const struct deadmx_yaml_node *v = values->first; v; v = v->next)
		ok &= value_check(doc, v);
	return ok;
}

/* Labels such as a, a-b and b can make two names alike. */
static bool names_check(struct deadmx_yaml *doc,
			const struct scenario_matrix *matrix,
			const struct deadmx_yaml_node *node)
{
	const char **names = deadmx_arena_array(doc->keep, matrix->case_count,
						sizeof(*names));

	for (size_t i = 0; i < matrix->case_count; i++) {
		names[i] = scenario_matrix_name(doc, matrix, i);
		for (size_t j = 0; j < i; j++) {
			if (strcmp(names[i], names[j]) != 0)
				continue;
			deadmx_yaml_error(doc, &node->place,
					  "give the values names: {busy: "
					  "\"…\", later: \"…\"}",
					  "two cases of the matrix are called "
					  "%s",
					  names[i]);
			return false;
		}
	}
	return true;
}

bool scenario_matrix_read(struct deadmx_yaml *doc, struct scenario_matrix *ret)
{
	const struct deadmx_yaml_node *node, *child;
	bool ok = true;

	*ret = (struct scenario_matrix){.case_count = 1};
	if (doc->root->kind != DEADMX_YAML_MAP)
		return true;
	node = deadmx_yaml_get(doc->root, "matrix");
	if (!node)
		return true;
	if (node->kind != DEADMX_YAML_MAP || !node->count ||
	    node->count > DEADMX_MATRIX_NAMES_MAX) {
		deadmx_yaml_wrong(doc, node, "matrix",
				  "a map of 1 to 8 names with their values",
				  NULL);
		return false;
	}
	_Static_assert(DEADMX_MATRIX_NAMES_MAX == 8, "as told above");
	for (child = node->first; child; child = child->next) {
		ok &= axis_read(doc, child, &ret->axes[ret->axis_count++]);
		if (child->kind == DEADMX_YAML_TEXT)
			continue;
		ret->case_count *= child->count;
		if (ret->case_count > DEADMX_MATRIX_CASES_MAX) {
			deadmx_yaml_error(doc, &node->place, NULL,
					  "matrix, expected at most %d cases, "
					  "got more",
					  DEADMX_MATRIX_CASES_MAX);
			return false;
		}
	}
	return ok && names_check(doc, ret, node);
}

/* The value of axis @n in a case; the last axis turns fastest. */
static const struct deadmx_yaml_node *
case_value(const struct scenario_matrix *matrix, size_t n, size_t index)
{
	for (size_t i = matrix->axis_count - 1; i > n; i--)
		index /= matrix->axes[i].values->count;
	return value_at(&matrix->axes[n],
			index % matrix->axes[n].values->count);
}

const char *scenario_matrix_name(struct deadmx_yaml *doc,
				 const struct scenario_matrix *matrix,
				 size_t index)
{
	char name[DEADMX_MATRIX_NAMES_MAX * (DEADMX_MATRIX_LABEL_LEN_MAX + 1)];
	size_t used = 0;

	if (!matrix->axis_count)
		return NULL;
	for (size_t i = 0; i < matrix->axis_count; i++) {
		if (i)
			name[used++] = '-';
		label_make(case_value(matrix, i, index), name + used);
		used += strlen(name + used);
	}
	return deadmx_arena_copy(doc->keep, name, used);
}

/* --- ${name} -------------------------------------------------------------- */

/* A case while it is made. */
struct expansion {
	struct deadmx_yaml *doc;
	struct scenario_matrix *matrix;
	size_t index;
	const char *file_from; /* place files: the copy of the last one */
	char *file_to;
};

static void name_unknown(struct expansion *x,
			 const struct deadmx_yaml_node *node, const char *name,
			 size_t len)
{
	const char *words[DEADMX_MATRIX_NAMES_MAX], *hint = NULL;
	const char *copy = deadmx_arena_copy(x->doc->arena, name, len);

	for (size_t i = 0; i < x->matrix->axis_count; i++)
		words[i] = x->matrix->axes[i].name;
	if (x->matrix->axis_count)
		hint = deadmx_yaml_did_you_mean(x->doc, copy, words,
						x->matrix->axis_count);
	deadmx_yaml_error(x->doc, &node->place,
			  hint ? hint : "a text that holds ${ is written $${",
			  x->matrix->axis_count
				  ? "${%.60s}, expected a name of the matrix"
				  : "${%.60s}, but there is no matrix",
			  copy);
}

/* The text of @part in a value of several; NULL with an error. */
static const char *part_find(struct expansion *x,
			     const struct deadmx_yaml_node *node,
			     const struct deadmx_yaml_node *value,
			     const char *axis, const char *part)
{
	const struct deadmx_yaml_node *found = NULL;

	if (value->kind == DEADMX_YAML_TEXT && !*part)
		return value->text;
	if (value->kind == DEADMX_YAML_MAP && *part)
		found = deadmx_yaml_get(value, part);
	if (found)
		return found->text;
	deadmx_yaml_error(x->doc, &node->place, NULL,
			  value->kind == DEADMX_YAML_TEXT
				  ? "${%s.%.60s}, but that value is one text"
				  : "${%s.%.60s}, expected the name of a part "
				    "of that value",
			  axis, part);
	return NULL;
}

/* What "name" or "name.part" stands for in this case; NULL with an error. */
static const char *name_find(struct expansion *x,
			     const struct deadmx_yaml_node *node,
			     const char *name, size_t len)
{
	size_t name_len = 0;

	while (name_len < len && name[name_len] != '.')
		name_len++;
	for (size_t i = 0; i < x->matrix->axis_count; i++) {
		struct scenario_axis *axis = &x->matrix->axes[i];
		const char *part = "";

		if (strlen(axis->name) != name_len ||
		    strncmp(axis->name, name, name_len) != 0)
			continue;
		axis->is_used = true;
		if (name_len < len)
			part = deadmx_arena_copy(x->doc->arena,
						 name + name_len + 1,
						 len - name_len - 1);
		return part_find(x, node, case_value(x->matrix, i, x->index),
				 axis->name, part);
	}
	name_unknown(x, node, name, len);
	return NULL;
}

/* Write the text with its names replaced; false when it grows too large. */
static bool text_write(struct expansion *x, const struct deadmx_yaml_node *node,
		       FILE *out)
{
	const char *p = node->text, *dollar, *end, *value;
	size_t room = DEADMX_MATRIX_BYTES_MAX;

	for (; (dollar = strstr(p, "${")); p = end + 1) {
		bool is_escaped = dollar > p && dollar[-1] == '$';

		fwrite(p, 1, (size_t)(dollar - p) - is_escaped, out);
		if (is_escaped) {
			fputs("${", out);
			end = dollar + 1;
			continue;
		}
		end = strchr(dollar, '}');
		if (!end) {
			deadmx_yaml_error(x->doc, &node->place,
					  "a text that holds ${ is written $${",
					  "${ without }");
			return true;
		}
		value = name_find(x, node, dollar + 2,
				  (size_t)(end - dollar) - 2);
		if (!value)
			return true;
		if (strlen(value) > room)
			return false;
		room -= strlen(value);
		fputs(value, out);
	}
	fputs(p, out);
	return true;
}

static bool text_expand(struct expansion *x,
			const struct deadmx_yaml_node *from,
			struct deadmx_yaml_node *to)
{
	char *text = from->text, *made = NULL;
	size_t len = from->len;
	bool ok = true;
	FILE *out;

	if (strstr(text, "${")) {
		out = open_memstream(&made, &len);
		if (!out)
			abort();
		ok = text_write(x, from, out);
		if (fclose(out) != 0)
			abort();
		text = made;
	}
	x->matrix->bytes += len;
	ok = ok && x->matrix->bytes <= DEADMX_MATRIX_BYTES_MAX;
	if (ok) {
		to->text = deadmx_arena_copy(x->doc->arena, text, len);
		to->len = len;
		/* An empty value is a text, not nothing. */
		to->plain &= !made || !deadmx_yaml_is_empty(to);
	}
	free(made);
	return ok;
}

/* --- the tree of a case --------------------------------------------------- */

static struct deadmx_yaml_node *
expand(struct expansion *x, const struct deadmx_yaml_node *from, bool is_root);

static void key_check(struct expansion *x, const struct deadmx_yaml_node *map,
		      const struct deadmx_yaml_node *child)
{
	const struct deadmx_yaml_node *other;

	if (child->key->len > DEADMX_YAML_KEY_LEN_MAX)
		deadmx_yaml_error(x->doc, &child->key->place, NULL,
				  "key of a map, expected at most %d bytes, "
				  "got %zu",
				  DEADMX_YAML_KEY_LEN_MAX, child->key->len);
	for (other = map->first; other != child; other = other->next)
		if (strcmp(other->key->text, child->key->text) == 0)
			deadmx_yaml_error(x->doc, &child->key->place, NULL,
					  "\"%s\" is here twice",
					  child->key->text);
}

static bool children_expand(struct expansion *x,
			    const struct deadmx_yaml_node *from,
			    struct deadmx_yaml_node *to, bool is_root)
{
	struct deadmx_yaml_node **tail = &to->first, *copy;
	bool changed = false;

	to->first = NULL;
	to->count = 0;
	for (const struct deadmx_yaml_node *c = from->first; c; c = c->next) {
		if (is_root && c->key && strcmp(c->key->text, "matrix") == 0)
			continue;
		copy = expand(x, c, false);
		if (!copy)
			return false;
		*tail = copy;
		tail = &copy->next;
		to->count++;
		changed |= c->key && strstr(c->key->text, "${");
		/* Two keys may have become one. */
		if (changed)
			key_check(x, to, copy);
	}
	return true;
}

static const char *place_file(struct expansion *x, const char *file)
{
	if (file != x->file_from) {
		x->file_from = file;
		x->file_to =
			deadmx_arena_copy(x->doc->arena, file, strlen(file));
	}
	return x->file_to;
}

static struct deadmx_yaml_node *
expand(struct expansion *x, const struct deadmx_yaml_node *from, bool is_root)
{
	struct deadmx_yaml_node *to;
	bool ok;

	if (++x->matrix->nodes > DEADMX_MATRIX_NODES_MAX)
		return NULL;
	to = deadmx_arena_alloc(x->doc->arena, sizeof(*to));
	*to = *from;
	to->next = NULL;
	to->place.file = place_file(x, from->place.file);
	if (from->key) {
		to->key = expand(x, from->key, false);
		if (!to->key)
			return NULL;
	}
	ok = from->kind == DEADMX_YAML_TEXT
		     ? text_expand(x, from, to)
		     : children_expand(x, from, to, is_root);
	return ok ? to : NULL;
}

struct deadmx_yaml_node *scenario_matrix_case(struct deadmx_yaml *doc,
					      struct scenario_matrix *matrix,
					      size_t index)
{
	struct expansion x = {.doc = doc, .matrix = matrix, .index = index};
	struct deadmx_yaml_node *root = expand(&x, doc->root, true);

	if (!root)
		deadmx_yaml_error(doc, &doc->root->place, NULL,
				  "matrix, expected at most %d values and %d "
				  "bytes in all cases together, got more",
				  DEADMX_MATRIX_NODES_MAX,
				  DEADMX_MATRIX_BYTES_MAX);
	return root;
}

void scenario_matrix_finish(struct deadmx_yaml *doc,
			    const struct scenario_matrix *matrix)
{
	for (size_t i = 0; i < matrix->axis_count; i++) {
		const struct scenario_axis *axis = &matrix->axes[i];

		if (!axis->is_used)
			deadmx_yaml_error(doc, &axis->values->key->place,
					  "a matrix without it makes fewer "
					  "cases that say as much",
					  "${%s} is used nowhere", axis->name);
	}
}
