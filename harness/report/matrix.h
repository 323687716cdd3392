/* SPDX-License-Identifier: MIT */
/*
 * The table of several MTAs: a line per scenario, a column per target. Behind
 * it, for each target, the first finding of each run that did not pass; at the
 * end how many there are of each kind.
 */
#ifndef HARNESS_REPORT_MATRIX_H
#define HARNESS_REPORT_MATRIX_H

#include <stdio.h>

#include "harness/judge/verdict.h"

/*
 * XX(verdict's ENUM, "word in a cell", "name of its total")
 */
#define MATRIX_CELL_MAP(XX)                                                    \
	XX(PASS, "PASS", "passed")                                             \
	XX(FAIL, "FAIL", "failed")                                             \
	XX(KNOWN, "known", "known")                                            \
	XX(UNSUPPORTED, "n/a", "n/a")                                          \
	XX(ERROR, "ERROR", "errors")

enum {
	MATRIX_WIDTH = 120,   /* columns; wider, and heads are on two lines */
	MATRIX_NAME_MAX = 44, /* longer names of scenarios have a line alone */
};

/* 0, or -EIO when @out has failed. */
int report_matrix(FILE *out, const struct verdict *verdicts, size_t count);

#endif
