/* SPDX-License-Identifier: MIT */
/*
 * The language as a JSON Schema for editors, made from the key tables.
 *
 * Keys are checked everywhere. Missing ones only in a file that includes no
 * other: what is missing may stand there. A row of a list has to be whole
 * anyhow, but saying so would take a second schema for each table.
 */
#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "sim/scenario_read.h"
#include "sim/yaml_type.h"

#define TABLE_PREFIX "#/definitions/table-"

/* --- tables -------------------------------------------------------------- */

/* A reference stands alone in draft 7: what is beside it is not seen. */
static json_t *property(const struct deadmx_yaml_key *k)
{
	json_t *type = yaml_type_schema(k->type);
	json_t *schema = json_pack("{s:s}", "description", k->doc);

	assert(type && schema); /* a faulty type in a table */
	if (json_object_get(type, "$ref"))
		json_object_set_new(schema, "allOf", json_pack("[O]", type));
	else
		json_object_update(schema, type);
	json_decref(type);
	return schema;
}

static json_t *table_schema(const struct deadmx_yaml_key *keys)
{
	json_t *properties = json_object();

	for (const struct deadmx_yaml_key *k = keys; k->word; k++)
		json_object_set_new(properties, k->word, property(k));
	return json_pack("{s:s, s:o, s:{s:{}}, s:b}", "type", "object",
			 "properties", properties, "patternProperties",
			 "\\$\\{", "additionalProperties", 0);
}

/* --- which keys must be there -------------------------------------------- */

static json_t *whole_table(const struct deadmx_yaml_key *keys);

static json_t *whole_reference(const char *reference)
{
	const size_t len = strlen(TABLE_PREFIX);

	if (strncmp(reference, TABLE_PREFIX, len) == 0)
		for (const struct scenario_table *t = scenario_tables; t->name;
		     t++)
			if (strcmp(t->name, reference + len) == 0)
				return whole_table(t->keys);
	return NULL;
}

static void take(json_t *whole, const char *key, json_t *inner)
{
	if (inner)
		json_object_set_new(whole, key, inner);
}

/*
 * From the schema of a value to what must be in it, or NULL. "required" and
 * "properties" ask nothing of a list, "items" nothing of a map: all
 * alternatives fit into one schema.
 */
static json_t *whole_value(const json_t *type)
{
	const char *reference =
		json_string_value(json_object_get(type, "$ref"));
	const json_t *inner, *items = json_object_get(type, "items");
	const json_t *values = json_object_get(type, "additionalProperties");
	json_t *whole = reference ? whole_reference(reference) : json_object();
	size_t i;

	if (!whole)
		return NULL;
	if (items)
		take(whole, "items", whole_value(items));
	if (json_is_object(values))
		take(whole, "additionalProperties", whole_value(values));
	json_array_foreach(json_object_get(type, "anyOf"), i, inner)
	{
		json_t *one = whole_value(inner);

		if (one)
			json_object_update(whole, one);
		json_decref(one);
	}
	if (json_object_size(whole))
		return whole;
	json_decref(whole);
	return NULL;
}

static json_t *whole_table(const struct deadmx_yaml_key *keys)
{
	json_t *required = json_array(), *properties = json_object();
	json_t *whole = json_object(), *type;

	for (const struct deadmx_yaml_key *k = keys; k->word; k++) {
		if (k->required)
			json_array_append_new(required, json_string(k->word));
		type = yaml_type_schema(k->type);
		take(properties, k->word, whole_value(type));
		json_decref(type);
	}
	if (json_array_size(required))
		json_object_set(whole, "required", required);
	if (json_object_size(properties))
		json_object_set(whole, "properties", properties);
	json_decref(required);
	json_decref(properties);
	return whole;
}

/* --- stages -------------------------------------------------------------- */

static json_t *actions_enum(enum deadmx_stage stage)
{
	static const char *const docs[] = {
#define XX(uc, word, doc) [DEADMX_ACTION_##uc] = doc,
		DEADMX_ACTION_MAP(XX)
#undef XX
	};
	json_t *words = json_array(), *notes = json_array();

	for (int a = 0; a < DEADMX_ACTION_COUNT; a++) {
		enum deadmx_action action = (enum deadmx_action)a;
		enum deadmx_action_form form =
			deadmx_action_form(stage, action);

		if (form != DEADMX_ACTION_WORD &&
		    form != DEADMX_ACTION_WORD_TIME)
			continue;
		json_array_append_new(words,
				      json_string(deadmx_action_word(action)));
		json_array_append_new(notes, json_string(docs[a]));
	}
	return json_pack("{s:o, s:o}", "enum", words, "enumDescriptions",
			 notes);
}

/* "stall 10m": one pattern a word, so that an editor can say which. */
static void actions_timed(enum deadmx_stage stage, json_t *any)
{
	for (int a = 0; a < DEADMX_ACTION_COUNT; a++) {
		enum deadmx_action action = (enum deadmx_action)a;
		enum deadmx_action_form form =
			deadmx_action_form(stage, action);
		char pattern[128];

		if (form != DEADMX_ACTION_TIME &&
		    form != DEADMX_ACTION_WORD_TIME)
			continue;
		snprintf(pattern, sizeof(pattern),
			 "%s +(?:[0-9]+(?:d|h|m|s|ms))+",
			 deadmx_action_word(action));
		json_array_append_new(
			any, yaml_type_pattern(pattern, "a word and a time, "
							"such as stall 10m"));
	}
}

static json_t *stage_schema(enum deadmx_stage stage)
{
	json_t *any = json_array();

	json_array_append_new(any, actions_enum(stage));
	actions_timed(stage, any);
	if (deadmx_action_form(stage, DEADMX_ACTION_REPLY) !=
	    DEADMX_ACTION_NEVER) {
		json_array_append_new(
			any, json_pack("{s:s}", "$ref", "#/definitions/reply"));
		json_array_append_new(
			any, json_pack("{s:s}", "$ref", TABLE_PREFIX "stage"));
	}
	if (deadmx_action_form(stage, DEADMX_ACTION_CERTIFICATE) !=
	    DEADMX_ACTION_NEVER)
		json_array_append_new(
			any, json_pack("{s:s}", "$ref", TABLE_PREFIX "tls"));
	return json_pack("{s:o}", "anyOf", any);
}

static json_t *reply_schema(void)
{
	struct reply_catalogue *catalogue = NULL;
	const struct reply_catalogue_entry *e;
	json_t *names = json_array(), *notes = json_array();
	json_t *text, *name;

	if (reply_catalogue_new(reply_catalogue_files, NULL, &catalogue) < 0)
		assert(!"the reply catalogue is faulty");
	for (size_t i = 0; (e = reply_catalogue_at(catalogue, i)); i++) {
		json_array_append_new(names, json_string(e->name));
		json_array_append_new(notes, json_string(e->description));
	}
	reply_catalogue_free(catalogue);
	text = yaml_type_pattern("[2-5][0-9]{2}(?:[ \\n-][\\s\\S]*)?",
				 "a reply that begins with its code");
	json_object_set_new(text, "type",
			    json_pack("[ss]", "string", "integer"));
	json_object_set_new(text, "minimum", json_integer(200));
	json_object_set_new(text, "maximum", json_integer(599));
	name = json_pack("{s:o, s:o}", "enum", names, "enumDescriptions",
			 notes);
	return json_pack("{s:[oo]}", "anyOf", text, name);
}

/* --- the whole ----------------------------------------------------------- */

static void define(json_t *all, const char *prefix, const char *name,
		   json_t *schema)
{
	char key[128];

	snprintf(key, sizeof(key), "%s%s", prefix, name);
	json_object_set_new(all, key, schema);
}

static json_t *definitions(void)
{
	json_t *all = json_object();

	for (const struct scenario_table *t = scenario_tables; t->name; t++)
		define(all, "table-", t->name, table_schema(t->keys));
	for (int s = 0; s < DEADMX_STAGE_COUNT; s++)
		define(all, "stage-", deadmx_stage_word((enum deadmx_stage)s),
		       stage_schema((enum deadmx_stage)s));
	define(all, "", "reply", reply_schema());
	yaml_type_define(all);
	return all;
}

int deadmx_scenario_schema(FILE *out)
{
	json_t *root;
	int r;

	root = json_pack(
		"{s:s, s:s, s:s, s:[{s:s}], s:{s:[s]}, s:{}, s:o, s:o}",
		"$schema", "http://json-schema.org/draft-07/schema#", "title",
		"deadmx scenario", "$comment", "made by deadmx check --schema",
		"allOf", "$ref", TABLE_PREFIX "scenario", "if", "required",
		"include", "then", "else", whole_table(scenario_tables[0].keys),
		"definitions", definitions());
	assert(root);
	r = json_dumpf(root, out, JSON_INDENT(2));
	json_decref(root);
	return r < 0 || fputc('\n', out) == EOF ? -EIO : 0;
}
