/* SPDX-License-Identifier: MIT */
/* The story of a bounce, for people and for programs. */
#ifndef HARNESS_NDR_NDR_PRINT_H
#define HARNESS_NDR_NDR_PRINT_H

#include <stdio.h>

#include "harness/ndr/ndr_story.h"

/* In plain words, then the findings by RFC. Safe for a terminal. */
void ndr_print(FILE *out, const struct ndr_story *story);

/* As docs/json.md has it; 0 or -EIO. */
int ndr_print_json(FILE *out, const struct ndr_story *story);

#endif
