/* SPDX-License-Identifier: MIT */
/*
 * The matrix of a scenario: names with lists of values, and one case for each
 * combination, in which ${name} stands for a value.
 *
 *	matrix:
 *	  stage: [mail, rcpt]
 *	  reply: {busy: 451 4.3.2 Busy, later: 450 4.2.1 Later}
 *
 * makes mail-busy, mail-later, rcpt-busy and rcpt-later. A case is a whole
 * tree of its own, as if it had been written so.
 */
#ifndef SIM_SCENARIO_MATRIX_H
#define SIM_SCENARIO_MATRIX_H

#include "deadmx/yaml.h"

/* One name of the matrix. */
struct scenario_axis {
	const char *name;
	const struct deadmx_yaml_node *values; /* a LIST, or a MAP of labels */
	bool is_used;
};

struct scenario_matrix {
	struct scenario_axis axes[DEADMX_MATRIX_NAMES_MAX];
	size_t axis_count;   /* 0: the file is one case without a name */
	size_t case_count;   /* product of all, at least 1 */
	size_t nodes, bytes; /* of all cases made so far */
};

/* False when it is faulty; the errors are collected. */
bool scenario_matrix_read(struct deadmx_yaml *doc, struct scenario_matrix *ret);

/*
 * "mail-busy": the labels of the case's values, of letters, digits and ._- only
 * and no two alike; lives as long as the document. NULL without a matrix.
 */
const char *scenario_matrix_name(struct deadmx_yaml *doc,
				 const struct scenario_matrix *matrix,
				 size_t index);

/*
 * The tree of a case in doc->arena, without the matrix, with each ${name}
 * replaced and each $${ made ${. NULL when all cases together are too large.
 */
struct deadmx_yaml_node *scenario_matrix_case(struct deadmx_yaml *doc,
					      struct scenario_matrix *matrix,
					      size_t index);

/* After all cases: a name that is used nowhere is an error. */
void scenario_matrix_finish(struct deadmx_yaml *doc,
			    const struct scenario_matrix *matrix);

#endif
