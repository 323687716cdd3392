/* SPDX-License-Identifier: MIT */
#include "harness/report/matrix.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/text.h"

enum {
	MATRIX_CELL = 5,     /* bytes of the longest word */
	MATRIX_NAME_GAP = 2, /* blanks behind the name of a row */
};

/* An MTA that can't be had: no run failed. */
#define MATRIX_MISSING	    "-"
#define MATRIX_MISSING_NAME "not here"
#define MATRIX_MISSING_ID   "run/target-missing"

struct matrix {
	const struct verdict *verdicts;
	size_t count;
	char **rows, **columns; /* names as they may be shown */
	size_t row_count, column_count;
	size_t *cells; /* by row, then column: 1 + index of the verdict; 0:
			* it was not run */
	int name_width, cell_width, gap;
	bool has_two_heads;
};

/* clang-format off */
static const char *matrix_word(enum verdict_kind kind)
{
	static const char *const words[] = {
#define XX(uc, word, total) [VERDICT_##uc] = word,
		MATRIX_CELL_MAP(XX)
#undef XX
	};

	_Static_assert(sizeof(words) / sizeof(words[0]) == VERDICT_COUNT,
		       "every verdict has a word");
	return words[kind];
}

static const char *matrix_total(enum verdict_kind kind)
{
	static const char *const names[] = {
#define XX(uc, word, total) [VERDICT_##uc] = total,
		MATRIX_CELL_MAP(XX)
#undef XX
	};

	return names[kind];
}
/* clang-format on */

/* --- rows and columns ---------------------------------------------------- */

static char *matrix_plain(const char *text)
{
	char *plain = NULL;
	size_t len;
	FILE *out = open_memstream(&plain, &len);

	assert(out);
	report_text_plain(out, text);
	fclose(out);
	return plain;
}

/*
 * The place of @name among @names, where it is added when it is new. Runs come
 * in order: @from is where it probably is.
 */
static size_t matrix_find(char **names, size_t *count, size_t from,
			  const char *name)
{
	char *plain = matrix_plain(name);
	size_t at = *count;

	for (size_t i = 0; i < *count && at == *count; i++)
		if (!strcmp(names[(from + i) % *count], plain))
			at = (from + i) % *count;
	if (at < *count)
		free(plain);
	else
		names[(*count)++] = plain;
	return at;
}

static void matrix_init(struct matrix *m, const struct verdict *verdicts,
			size_t count)
{
	size_t *row = calloc(count + 1, sizeof(*row));
	size_t *column = calloc(count + 1, sizeof(*column));

	*m = (struct matrix){.verdicts = verdicts, .count = count};
	m->rows = calloc(count + 1, sizeof(*m->rows));
	m->columns = calloc(count + 1, sizeof(*m->columns));
	assert(row && column && m->rows && m->columns);
	for (size_t i = 0; i < count; i++) {
		row[i] = matrix_find(m->rows, &m->row_count,
				     i ? row[i - 1] + 1 : 0,
				     verdicts[i].scenario);
		column[i] =
			matrix_find(m->columns, &m->column_count,
				    i ? column[i - 1] : 0, verdicts[i].target);
	}
	m->cells =
		calloc(m->row_count * m->column_count + 1, sizeof(*m->cells));
	assert(m->cells);
	for (size_t i = 0; i < count; i++)
		m->cells[row[i] * m->column_count + column[i]] = i + 1;
	free(row);
	free(column);
}

static void matrix_release(struct matrix *m)
{
	for (size_t i = 0; i < m->row_count; i++)
		free(m->rows[i]);
	for (size_t i = 0; i < m->column_count; i++)
		free(m->columns[i]);
	free(m->rows);
	free(m->columns);
	free(m->cells);
}

static const struct verdict *matrix_at(const struct matrix *m, size_t row,
				       size_t column)
{
	size_t cell = m->cells[row * m->column_count + column];

	return cell ? &m->verdicts[cell - 1] : NULL;
}

static bool matrix_is_missing(const struct verdict *v)
{
	return v->kind == VERDICT_ERROR && v->finding_count &&
	       !strcmp(v->findings[0].id, MATRIX_MISSING_ID);
}

/* --- the table ----------------------------------------------------------- */

/*
 * Heads stand over their columns where there is room; else on two lines by
 * turns, so that each has the room of two columns.
 */
static void matrix_measure(struct matrix *m)
{
	int longest = MATRIX_CELL;

	m->name_width = (int)strlen("scenario");
	for (size_t i = 0; i < m->row_count; i++) {
		int len = (int)strlen(m->rows[i]);

		if (len > m->name_width && len <= MATRIX_NAME_MAX)
			m->name_width = len;
	}
	for (size_t i = 0; i < m->column_count; i++)
		if ((int)strlen(m->columns[i]) > longest)
			longest = (int)strlen(m->columns[i]);
	m->cell_width = longest;
	m->gap = 2;
	m->has_two_heads = (size_t)m->name_width +
				   m->column_count * (size_t)(longest + 2) >
			   MATRIX_WIDTH;
	if (!m->has_two_heads)
		return;
	m->gap = 1;
	m->cell_width = longest / 2 > MATRIX_CELL ? longest / 2 : MATRIX_CELL;
}

/* Blanks up to the next word are written with it: none at the end. */
static void matrix_put(FILE *out, int *blanks, const char *text, int width)
{
	int len = (int)strlen(text);

	if (!*text) {
		*blanks += width;
		return;
	}
	fprintf(out, "%*s%s", *blanks, "", text);
	*blanks = width > len ? width - len : 0;
}

/* Of the columns @first, @first + @step, …, each as wide as @step are. */
static void matrix_heads_line(FILE *out, const struct matrix *m,
			      const char *name, size_t first, size_t step)
{
	int width = m->cell_width + m->gap, blanks = 0;

	matrix_put(out, &blanks, name, m->name_width);
	blanks += MATRIX_NAME_GAP + width * (int)first;
	for (size_t c = first; c < m->column_count; c += step)
		matrix_put(out, &blanks, m->columns[c], width * (int)step);
	fputc('\n', out);
}

static void matrix_heads(FILE *out, const struct matrix *m, const char *name)
{
	matrix_heads_line(out, m, name, 0, m->has_two_heads ? 2 : 1);
	if (m->has_two_heads && m->column_count > 1)
		matrix_heads_line(out, m, "", 1, 2);
}

static void matrix_row(FILE *out, const struct matrix *m, size_t row)
{
	int blanks = 0;

	matrix_put(out, &blanks, m->rows[row], m->name_width);
	if ((int)strlen(m->rows[row]) > m->name_width) {
		fputc('\n', out);
		blanks = m->name_width;
	}
	blanks += MATRIX_NAME_GAP;
	for (size_t c = 0; c < m->column_count; c++) {
		const struct verdict *v = matrix_at(m, row, c);

		matrix_put(out, &blanks,
			   !v			  ? ""
			   : matrix_is_missing(v) ? MATRIX_MISSING
						  : matrix_word(v->kind),
			   m->cell_width + m->gap);
	}
	fputc('\n', out);
}

/* --- findings ------------------------------------------------------------ */

/* What is known needs no more than its name and reason. */
static void matrix_finding(FILE *out, const struct verdict *v)
{
	const struct finding *f = verdict_cause(v);

	fprintf(out, "    %-*s  ", MATRIX_CELL, matrix_word(v->kind));
	report_text_plain(out, v->scenario);
	fputs(": ", out);
	if (f && v->kind == VERDICT_UNSUPPORTED) {
		report_text_plain(out, f->observed);
	} else if (f && f->known) {
		report_text_plain(out, f->id);
		fputs(", ", out);
		report_text_plain(out, f->known);
	} else if (f) {
		report_text_finding(out, f, report_text_plain);
	}
	fputc('\n', out);
}

/* What is new comes first. */
static void matrix_findings(FILE *out, const struct matrix *m, size_t column)
{
	static const enum verdict_kind order[] = {VERDICT_ERROR, VERDICT_FAIL,
						  VERDICT_KNOWN,
						  VERDICT_UNSUPPORTED};
	bool has_head = false;

	for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++)
		for (size_t r = 0; r < m->row_count; r++) {
			const struct verdict *v = matrix_at(m, r, column);

			if (!v || v->kind != order[k])
				continue;
			if (!has_head)
				fprintf(out, "\n%s\n", m->columns[column]);
			has_head = true;
			if (!matrix_is_missing(v)) {
				matrix_finding(out, v);
				continue;
			}
			/* The same for all its rows. */
			fputs("    " MATRIX_MISSING_NAME ": ", out);
			report_text_plain(out, v->findings[0].observed);
			fputc('\n', out);
			return;
		}
}

/* What scenarios have given another weight, and why. */
static void matrix_changes(FILE *out, const struct verdict *v, bool *has_head)
{
	for (size_t i = 0; i < v->change_count; i++) {
		fputs(*has_head ? "    " : "\n    ", out);
		*has_head = true;
		report_text_plain(out, v->scenario);
		fputs(" on ", out);
		report_text_plain(out, v->target);
		fputs(": ", out);
		report_text_change(out, &v->changes[i], report_text_plain);
		fputc('\n', out);
	}
}

/* --- totals -------------------------------------------------------------- */

/* Of one kind, or (@kind VERDICT_COUNT) of those that are missing. */
static size_t matrix_count(const struct matrix *m, size_t column,
			   enum verdict_kind kind)
{
	size_t count = 0;

	for (size_t r = 0; r < m->row_count; r++) {
		const struct verdict *v = matrix_at(m, r, column);

		if (v && matrix_is_missing(v))
			count += kind == VERDICT_COUNT;
		else
			count += v && v->kind == kind;
	}
	return count;
}

static void matrix_totals_line(FILE *out, const struct matrix *m,
			       const char *name, enum verdict_kind kind)
{
	size_t all = 0;
	int blanks = 0;

	for (size_t c = 0; c < m->column_count; c++)
		all += matrix_count(m, c, kind);
	if (!all)
		return;
	matrix_put(out, &blanks, name, m->name_width);
	blanks += MATRIX_NAME_GAP;
	for (size_t c = 0; c < m->column_count; c++) {
		char text[32];

		snprintf(text, sizeof(text), "%zu", matrix_count(m, c, kind));
		matrix_put(out, &blanks, text, m->cell_width + m->gap);
	}
	fputc('\n', out);
}

int report_matrix(FILE *out, const struct verdict *verdicts, size_t count)
{
	struct matrix m;
	bool has_changes = false;

	matrix_init(&m, verdicts, count);
	matrix_measure(&m);
	matrix_heads(out, &m, "scenario");
	for (size_t r = 0; r < m.row_count; r++)
		matrix_row(out, &m, r);
	for (size_t c = 0; c < m.column_count; c++)
		matrix_findings(out, &m, c);
	for (size_t i = 0; i < count; i++)
		matrix_changes(out, &verdicts[i], &has_changes);
	fputc('\n', out);
	matrix_heads(out, &m, "");
	for (int kind = 0; kind < VERDICT_COUNT; kind++)
		matrix_totals_line(out, &m,
				   matrix_total((enum verdict_kind)kind),
				   (enum verdict_kind)kind);
	matrix_totals_line(out, &m, MATRIX_MISSING_NAME, VERDICT_COUNT);
	matrix_release(&m);
	return ferror(out) ? -EIO : 0;
}
