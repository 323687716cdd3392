/* SPDX-License-Identifier: MIT */
/* Types of keys as JSON Schema: see yaml_type.h. */
#include "sim/yaml_type.h"

#include <assert.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DURATION                                                               \
	"(?:0|(?=[0-9])(?:[0-9]+d)?(?:[0-9]+h)?(?:[0-9]+m)?(?:[0-9]+s)?"       \
	"(?:[0-9]+ms)?)"
#define RANGE(end)                                                             \
	"(?:" end "|" end " *\\.\\. *" end "|(?:>=|<=|at least|at most) *" end \
	")"
/* Never matches anything but a ${name}. */
#define PLACEHOLDER "\\$\\{"

/* No number in a file is larger; JSON Schema has no word for "no limit". */
#define NUMBER_MAX INT64_C(4294967295)

/*
 * Simple types. YAML makes numbers of texts such as 3, and true of yes: both
 * are taken where a text of that form would be.
 */
static const struct simple {
	const char *name;
	const char *pattern;  /* NULL: any text that is not empty */
	int64_t min, max;     /* of a plain number; min > max: none */
	const char *expected; /* shown by editors */
} simples[] = {
	{"count", "[0-9]+", 0, NUMBER_MAX, "a whole number"},
	{"percent", "[0-9]+(?:\\.[0-9]+)?%", 1, 0,
	 "a part of a hundred such as 30%"},
	{"bytes", "[0-9]+(?:KiB|MiB)?", 0, NUMBER_MAX,
	 "a number of bytes such as 500, 64KiB or 10MiB"},
	{"duration", DURATION, 0, 0,
	 "a duration with its unit, such as 30s, 5m, 2h, 5d or 1h30m"},
	{"moment", "(?:" DURATION "|expiry(?: *[+-] *" DURATION ")?)", 0, 0,
	 "a duration such as 30h, or expiry, expiry+2h, expiry-1h"},
	{"offset", "-?" DURATION, 0, 0,
	 "a duration such as 30h, or -10d for one that lies before"},
	{"date", "[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:]{8}Z)?", 1, 0,
	 "a date such as 2030-01-01 or 2030-01-01T00:00:00Z, UTC"},
	{"counts", RANGE("[0-9]+"), 0, NUMBER_MAX,
	 "a count such as 3, 100..115, at least 3 or at most 5"},
	{"times", RANGE(DURATION), 0, 0,
	 "a range of times such as 4h..5h, at least 4h or at most 5h"},
	{"regex", "/[\\s\\S]*/", 1, 0,
	 "an extended regular expression between slashes"},
	{"match", NULL, 1, 0,
	 "a text, or a /regular expression/ between slashes"},
	{"status", "[245]\\.[0-9]{1,3}\\.[0-9]{1,3}", 1, 0,
	 "an enhanced code such as 4.4.7"},
	{"domain", "[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?", 1, 0,
	 "a domain such as dest.example"},
	{"address", "[^\\s<>,;]+@[A-Za-z0-9_.-]+", 1, 0,
	 "a mail address such as bob@dest.example"},
	{"ip4", "[0-9]{1,3}(?:\\.[0-9]{1,3}){3}", 1, 0,
	 "an IPv4 address such as 192.0.2.10"},
	{"ip6", "[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]+", 1, 0,
	 "an IPv6 address such as 2001:db8::10"},
};

/* --- simple types -------------------------------------------------------- */

json_t *yaml_type_pattern(const char *pattern, const char *expected)
{
	char *whole = NULL;
	json_t *schema;

	if (asprintf(&whole, "^%s$|" PLACEHOLDER, pattern) < 0)
		abort();
	schema = json_pack("{s:s, s:s, s:s}", "type", "string", "pattern",
			   whole, "patternErrorMessage", expected);
	assert(schema);
	free(whole);
	return schema;
}

static json_t *simple_schema(const struct simple *s)
{
	json_t *schema;

	if (!s->pattern)
		return json_pack("{s:s, s:[sss], s:i}", "description",
				 s->expected, "type", "string", "number",
				 "boolean", "minLength", 1);
	schema = yaml_type_pattern(s->pattern, s->expected);
	json_object_set_new(schema, "description", json_string(s->expected));
	if (s->min > s->max)
		return schema;
	json_object_set_new(schema, "type",
			    json_pack("[ss]", "string", "integer"));
	json_object_set_new(schema, "minimum", json_integer(s->min));
	json_object_set_new(schema, "maximum", json_integer(s->max));
	return schema;
}

static void define(json_t *definitions, const char *name, json_t *schema)
{
	assert(schema && !json_object_get(definitions, name));
	json_object_set_new(definitions, name, schema);
}

void yaml_type_define(json_t *definitions)
{
	define(definitions, "matrix-value",
	       json_pack("{s:s, s:s}", "type", "string", "pattern",
			 PLACEHOLDER));
	define(definitions, "text",
	       json_pack("{s:[ssss]}", "type", "string", "number", "boolean",
			 "null"));
	define(definitions, "word",
	       json_pack("{s:[sss], s:i}", "type", "string", "number",
			 "boolean", "minLength", 1));
	define(definitions, "yes",
	       json_pack("{s:[{s:[ssbb]}, {s:s}]}", "anyOf", "enum", "yes",
			 "no", 1, 0, "$ref", "#/definitions/matrix-value"));
	define(definitions, "empty", json_pack("{s:s}", "type", "null"));
	for (size_t i = 0; i < sizeof(simples) / sizeof(simples[0]); i++)
		define(definitions, simples[i].name,
		       simple_schema(&simples[i]));
}

/* --- expressions --------------------------------------------------------- */

static json_t *reference(const char *prefix, const char *name, size_t len)
{
	return json_pack(
		"{s:o}", "$ref",
		json_sprintf("#/definitions/%s%.*s", prefix, (int)len, name));
}

static json_t *any_read(const char **p);

static void blanks_skip(const char **p)
{
	*p += strspn(*p, " ");
}

static size_t word_len(const char *p)
{
	return strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789_");
}

static bool word_take(const char **p, const char *word)
{
	size_t len = strlen(word);

	if (word_len(*p) != len || strncmp(*p, word, len) != 0)
		return false;
	*p += len;
	blanks_skip(p);
	return true;
}

/* "1..65535" behind count. */
static json_t *count_read(const char **p)
{
	json_int_t min, max;
	json_t *schema;
	char *end;

	if (!isdigit((unsigned char)**p))
		return reference("", "count", strlen("count"));
	min = strtoll(*p, &end, 10);
	if (strncmp(end, "..", 2) != 0 || !isdigit((unsigned char)end[2]))
		return NULL;
	max = strtoll(end + 2, &end, 10);
	*p = end;
	schema = yaml_type_pattern("[0-9]+", "a whole number");
	json_object_set_new(schema, "type",
			    json_pack("[ss]", "string", "integer"));
	json_object_set_new(schema, "minimum", json_integer(min));
	json_object_set_new(schema, "maximum", json_integer(max));
	return schema;
}

static json_t *named_read(const char **p)
{
	const char *name = *p;
	size_t len = word_len(name);

	*p += len;
	if (!len)
		return NULL;
	for (size_t i = 0; i < sizeof(simples) / sizeof(simples[0]); i++)
		if (strlen(simples[i].name) == len &&
		    strncmp(simples[i].name, name, len) == 0)
			return reference("", name, len);
	for (const char *const *other =
		     (const char *const[]){"text", "word", "yes", "empty",
					   "reply", NULL};
	     *other; other++)
		if (strlen(*other) == len && strncmp(*other, name, len) == 0)
			return reference("", name, len);
	return NULL;
}

static json_t *prefixed_read(const char **p, const char *prefix)
{
	const char *name = *p;
	size_t len = word_len(name);

	*p += len;
	return len ? reference(prefix, name, len) : NULL;
}

/* One alternative; a word in quotes is the caller's. */
static json_t *one_read(const char **p)
{
	json_t *inner;

	if (**p == '(') {
		++*p;
		inner = any_read(p);
		if (inner && *(*p)++ == ')')
			return inner;
		json_decref(inner);
		return NULL;
	}
	if (word_take(p, "list")) {
		inner = one_read(p);
		return inner ? json_pack("{s:s, s:o}", "type", "array", "items",
					 inner)
			     : NULL;
	}
	if (word_take(p, "map")) {
		inner = one_read(p);
		return inner ? json_pack("{s:s, s:o}", "type", "object",
					 "additionalProperties", inner)
			     : NULL;
	}
	if (word_take(p, "table"))
		return prefixed_read(p, "table-");
	if (word_take(p, "stage"))
		return prefixed_read(p, "stage-");
	if (word_take(p, "count"))
		return count_read(p);
	return named_read(p);
}

/* A word in quotes; YAML reads digits as a number. */
static bool literal_read(const char **p, json_t *words)
{
	const char *start = *p + 1, *end = strchr(start, '\'');
	size_t len;

	if (!end)
		return false;
	len = (size_t)(end - start);
	json_array_append_new(words, json_stringn(start, len));
	if (len && strspn(start, "0123456789") == len)
		json_array_append_new(words,
				      json_integer(strtoll(start, NULL, 10)));
	*p = end + 1;
	return true;
}

/* The alternatives up to a closing parenthesis or the end. */
static bool all_read(const char **p, json_t *words, json_t *any)
{
	json_t *one;

	for (;;) {
		blanks_skip(p);
		if (!**p || **p == ')')
			return true;
		if (**p == '\'') {
			if (!literal_read(p, words))
				return false;
		} else {
			one = one_read(p);
			if (!one)
				return false;
			json_array_append_new(any, one);
		}
		blanks_skip(p);
		if (!**p || **p == ')')
			return true;
		if (*(*p)++ != '|')
			return false;
	}
}

static json_t *any_read(const char **p)
{
	json_t *words = json_array(), *any = json_array(), *schema = NULL;
	bool ok = all_read(p, words, any);

	if (ok && json_array_size(words)) {
		json_array_insert_new(any, 0,
				      json_pack("{s:O}", "enum", words));
		json_array_append_new(any, reference("", "matrix-value",
						     strlen("matrix-value")));
	}
	if (ok && json_array_size(any) == 1)
		schema = json_incref(json_array_get(any, 0));
	else if (ok && json_array_size(any))
		schema = json_pack("{s:O}", "anyOf", any);
	json_decref(words);
	json_decref(any);
	return schema;
}

json_t *yaml_type_schema(const char *type)
{
	const char *p = type;
	json_t *schema = any_read(&p);

	if (schema && *p) {
		json_decref(schema);
		schema = NULL;
	}
	return schema;
}
