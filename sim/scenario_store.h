/* SPDX-License-Identifier: MIT */
/*
 * What a scenario was read from, kept so that a run can be judged again.
 *
 * A scenario of one file is stored as it is. One that came from several, or is
 * a case of a matrix, is stored as one plain file that says the same; where
 * each of its values stood is kept beside it, in the order of the file.
 */
#ifndef SIM_SCENARIO_STORE_H
#define SIM_SCENARIO_STORE_H

#include "deadmx/scenario.h"
#include "deadmx/yaml.h"

#define SCENARIO_STORE_FILE   "scenario.yml"
#define SCENARIO_STORE_PLACES "scenario.places.json"

/*
 * To be kept in doc->arena for deadmx_scenario_store(): @text as it was read,
 * or the tree when @text is NULL. An error is collected when the tree, written
 * out, would be too large to be read again.
 */
void scenario_store_keep(struct deadmx_yaml *doc, struct deadmx_scenario *s,
			 struct deadmx_yaml_node *tree, const char *text,
			 size_t len);

/*
 * Give the nodes of @doc, just parsed, the places that are stored in @dir, if
 * any are. 0, or a negative errno with a line on doc->errors.
 */
int scenario_store_places(struct deadmx_yaml *doc, const char *dir);

#endif
