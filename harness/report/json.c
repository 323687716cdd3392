/* SPDX-License-Identifier: MIT */
#include "harness/report/json.h"

#include <assert.h>
#include <errno.h>

/* 15 digits: the same bytes for the same double, and no binary noise. */
#define REPORT_JSON_FLAGS                                                      \
	(JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15))

static int report_json_dump(FILE *out, json_t *json)
{
	int rc = json_dumpf(json, out, REPORT_JSON_FLAGS);

	fputc('\n', out);
	json_decref(json);
	return rc || ferror(out) ? -EIO : 0;
}

int report_json(FILE *out, const struct verdict *verdicts, size_t count)
{
	json_t *results = json_array();
	json_t *top;

	for (size_t i = 0; i < count; i++)
		json_array_append_new(results, verdict_to_json(&verdicts[i]));
	top = json_pack("{s:s,s:o}", "deadmx", DEADMX_VERSION, "results",
			results);
	assert(top);
	return report_json_dump(out, top);
}

int report_json_one(FILE *out, const struct verdict *verdict)
{
	return report_json_dump(out, verdict_to_json(verdict));
}
