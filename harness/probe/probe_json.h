/* SPDX-License-Identifier: MIT */
/* A probe as JSON: see docs/json.md, "A probe". */
#ifndef HARNESS_PROBE_JSON_H
#define HARNESS_PROBE_JSON_H

#include <stdio.h>

#include "harness/probe/probe_report.h"

/* 0, or -EIO. */
int probe_json(FILE *out, const struct probe_report *report);

#endif
