/* SPDX-License-Identifier: MIT */
/* Inside of the YAML layer: what its files share. */
#ifndef SIM_YAML_PRIV_H
#define SIM_YAML_PRIV_H

#include <yaml.h>

#include "deadmx/yaml.h"

/* A text that was parsed; the document's own is the first. */
struct deadmx_yaml_file {
	const char *name;
	const char *text; /* the caller's, for showing lines */
	size_t len;
	struct deadmx_yaml_file *next;
};

/* The start of the 1-based @line in the text, and its length; or NULL. */
const char *yaml_line_find(const struct deadmx_yaml_file *file, int line,
			   size_t *ret_len);
/* Collect what the parser stumbled over, in words that help. */
void yaml_syntax_error(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_file *file,
		       const yaml_parser_t *parser);

#endif
