/* SPDX-License-Identifier: MIT */
#include "harness/report/json.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static void report_json_begin(FILE *out)
{
	fprintf(out, "{\n  \"deadmx\": \"%s\",\n  \"results\": [",
		DEADMX_VERSION);
}

static int report_json_end(FILE *out, size_t count)
{
	fputs(count ? "\n  ]\n}\n" : "]\n}\n", out);
	return ferror(out) ? -EIO : 0;
}

/* One result, as deep as it stands in the list. */
static void report_json_result(FILE *out, const struct verdict *verdict)
{
	json_t *json = verdict_to_json(verdict);
	char *text = json_dumps(json, REPORT_JSON_FLAGS);

	assert(text);
	json_decref(json);
	/* Line breaks within strings are escaped: these are jansson's own. */
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		fprintf(out, "\n    %.*s", (int)strcspn(line, "\n"), line);
	}
	free(text);
}

int report_json_each(FILE *out, size_t count, report_json_get_cb get, void *arg)
{
	report_json_begin(out);
	for (size_t i = 0; i < count; i++) {
		struct verdict verdict = {0};
		int err = get(arg, i, &verdict);

		if (err)
			return err;
		if (i)
			fputc(',', out);
		report_json_result(out, &verdict);
		verdict_release(&verdict);
	}
	return report_json_end(out, count);
}

int report_json(FILE *out, const struct verdict *verdicts, size_t count)
{
	report_json_begin(out);
	for (size_t i = 0; i < count; i++) {
		if (i)
			fputc(',', out);
		report_json_result(out, &verdicts[i]);
	}
	return report_json_end(out, count);
}

int report_json_one(FILE *out, const struct verdict *verdict)
{
	return report_json_dump(out, verdict_to_json(verdict));
}
