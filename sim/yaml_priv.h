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
/* Length of the valid UTF-8 character at @p, 0 when there is none. */
size_t yaml_utf8_len(const unsigned char *p, size_t left, uint32_t *ret_code);
/* May it stand in a file as it is? YAML 1.2, section 5.1; not U+FEFF. */
bool yaml_is_printable(uint32_t code);
/* Does a byte go on with a UTF-8 character? */
bool yaml_is_continuation(char c);

#endif
