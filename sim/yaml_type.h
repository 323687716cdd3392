/* SPDX-License-Identifier: MIT */
/*
 * The types of keys (see struct deadmx_yaml_key) as JSON Schema, draft 7.
 *
 * A schema may be looser than the parser, which alone decides; it is never
 * stricter. Every text may hold a ${name} of the scenario's matrix.
 */
#ifndef SIM_YAML_TYPE_H
#define SIM_YAML_TYPE_H

#include <jansson.h>

/*
 * The schema of @type, which refers to "#/definitions/NAME" for simple types,
 * "table-NAME" and "stage-NAME". NULL when @type is faulty. The caller owns it.
 */
json_t *yaml_type_schema(const char *type);

/* Put the simple types into @definitions. */
void yaml_type_define(json_t *definitions);

/* A text of the form @pattern, or one with a ${name} in it. */
json_t *yaml_type_pattern(const char *pattern, const char *expected);

#endif
