/* SPDX-License-Identifier: MIT */
#include "harness/report/table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/text.h"

enum {
	TABLE_COLUMNS = 7,
};

static const char *const table_heads[TABLE_COLUMNS] = {
	"scenario", "target", "verdict", "attempts", "NDR", "virtual", "host",
};

struct table_row {
	char *cells[TABLE_COLUMNS];
};

/* Days, hours and minutes do: the table is for the eye. */
static const char *table_time(double seconds, char *buf, size_t len)
{
	int64_t s = seconds > 0 && seconds < 1e9 ? (int64_t)(seconds + 0.5) : 0;

	if (s > 3600)
		s = (s + 30) / 60 * 60;
	return deadmx_duration_format(s * DEADMX_NS_PER_S, buf, len);
}

/* The first final NDR: when, and its code; else the first delay notice. */
static void table_ndr(FILE *out, const struct verdict *v)
{
	const struct ndr_record *shown = NULL;
	char at[64];

	for (size_t i = 0; i < v->ndr_count && !shown; i++)
		if (!v->ndrs[i].action ||
		    strcasecmp(v->ndrs[i].action, "delayed") != 0)
			shown = &v->ndrs[i];
	if (!shown && v->ndr_count)
		shown = &v->ndrs[0];
	if (!shown) {
		fputs("none", out);
		return;
	}
	fprintf(out, "%s, ", table_time(shown->at_s, at, sizeof(at)));
	if (shown->action && strcasecmp(shown->action, "failed") != 0)
		fprintf(out, "%s ", shown->action);
	fputs(shown->status ? shown->status : "no status", out);
}

/* Rounds of all domains together would mislead: connections are counted. */
static void table_cell(FILE *out, const struct verdict *v, int column)
{
	char at[64];

	switch (column) {
	case 0:
		fputs(v->scenario ? v->scenario : "", out);
		break;
	case 1:
		fputs(v->target ? v->target : "", out);
		break;
	case 2:
		fputs(verdict_word(v->kind), out);
		break;
	case 3:
		fprintf(out, "%zu", v->attempt_count);
		break;
	case 4:
		table_ndr(out, v);
		break;
	case 5:
		fputs(table_time(v->virtual_seconds, at, sizeof(at)), out);
		break;
	case 6:
		fprintf(out, "%.1f s", v->host_seconds);
		break;
	}
}

static char *table_render(const struct verdict *v, int column)
{
	char *raw = NULL, *text = NULL;
	size_t len;
	FILE *out = open_memstream(&raw, &len);

	assert(out);
	table_cell(out, v, column);
	fclose(out);
	out = open_memstream(&text, &len);
	assert(out);
	report_text_plain(out, raw);
	fclose(out);
	free(raw);
	return text;
}

static void table_line(FILE *out, const char *const *cells, const int *widths)
{
	for (int c = 0; c < TABLE_COLUMNS; c++) {
		bool is_last = c == TABLE_COLUMNS - 1;

		/* Numbers to the right, under their end. */
		if (c == 3)
			fprintf(out, "%*s  ", widths[c], cells[c]);
		else if (is_last)
			fprintf(out, "%s\n", cells[c]);
		else
			fprintf(out, "%-*s  ", widths[c], cells[c]);
	}
}

/* Notes are for who looks for them: counted here, whole in the other reports.
 * What a target can't do is told by one. */
static size_t table_findings(FILE *out, const struct verdict *v)
{
	size_t notes = 0;

	for (size_t i = 0; i < v->finding_count; i++) {
		if (v->findings[i].severity == SEVERITY_NOTE &&
		    v->kind != VERDICT_UNSUPPORTED) {
			notes++;
			continue;
		}
		fputs("    ", out);
		report_text_finding(out, &v->findings[i], report_text_plain);
		fputc('\n', out);
	}
	for (size_t i = 0; i < v->change_count; i++) {
		fputs("    ", out);
		report_text_change(out, &v->changes[i], report_text_plain);
		fputc('\n', out);
	}
	return notes;
}

int report_table(FILE *out, const struct verdict *verdicts, size_t count)
{
	struct table_row *rows = calloc(count + 1, sizeof(*rows));
	int widths[TABLE_COLUMNS];
	size_t notes = 0;

	assert(rows);
	for (int c = 0; c < TABLE_COLUMNS; c++)
		widths[c] = (int)strlen(table_heads[c]);
	for (size_t i = 0; i < count; i++)
		for (int c = 0; c < TABLE_COLUMNS; c++) {
			rows[i].cells[c] = table_render(&verdicts[i], c);
			if ((int)strlen(rows[i].cells[c]) > widths[c])
				widths[c] = (int)strlen(rows[i].cells[c]);
		}
	table_line(out, table_heads, widths);
	for (size_t i = 0; i < count; i++) {
		table_line(out, (const char *const *)rows[i].cells, widths);
		notes += table_findings(out, &verdicts[i]);
		for (int c = 0; c < TABLE_COLUMNS; c++)
			free(rows[i].cells[c]);
	}
	free(rows);
	if (notes)
		fprintf(out,
			"%zu note%s: see verdict.json, --json or --junit\n",
			notes, notes == 1 ? "" : "s");
	return ferror(out) ? -EIO : 0;
}
