/* SPDX-License-Identifier: MIT */
/*
 * The fields of a delivery-status part (RFC 3464 §2.1): groups of RFC 822
 * fields, parted by blank lines. The first speaks of the message, each
 * further one of a recipient.
 */
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/ndr.h"

/* One field while its continuation lines are collected. */
struct ndr_field {
	char name[64]; /* no field of the RFCs is longer; longer ones: "" */
	char value[DEADMX_NDR_VALUE_MAX + 1];
	size_t value_len;
};

struct ndr_groups {
	struct deadmx_ndr *ndr;
	size_t fields; /* seen in all */
	bool in_group; /* fields since the last blank line */
	bool is_first; /* still in the per-message group */
	bool has_row;  /* the current group has its recipient */
	bool is_full;  /* a limit was met: read no more */
	unsigned seen; /* per-recipient fields of the current row, by bit */
	int last;      /* number of the last one in the grammar */
	unsigned message_seen; /* the same of the per-message fields */
	int message_last;
	struct ndr_field field;
};

static char *ndr_copy(const char *text, size_t len)
{
	char *copy;

	while (len && isspace((unsigned char)*text)) {
		text++;
		len--;
	}
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	copy = strndup(text, len);
	assert(copy);
	return copy;
}

/* Keep the first of a repeated field: a second one is not allowed anywhere. */
static void ndr_set(char **slot, const char *value)
{
	if (!*slot)
		*slot = ndr_copy(value, strlen(value));
}

/* "type; value"; without a semicolon all of it is the value. */
static void ndr_set_typed(char **type, char **slot, const char *value)
{
	const char *semicolon = strchr(value, ';');

	if (*slot)
		return;
	if (!semicolon) {
		*slot = ndr_copy(value, strlen(value));
		return;
	}
	*slot = ndr_copy(semicolon + 1, strlen(semicolon + 1));
	if (type)
		*type = ndr_copy(value, (size_t)(semicolon - value));
}

static enum deadmx_ndr_action ndr_action(const char *text)
{
	/* clang-format off */
	static const char *const words[] = {
#define XX(uc, word, doc) [DEADMX_NDR_ACTION_##uc] = word,
		DEADMX_NDR_ACTION_MAP(XX)
#undef XX
	};
	/* clang-format on */
	size_t len = strcspn(text, " \t(");

	for (int a = 1; a < DEADMX_NDR_ACTION_COUNT; a++)
		if (strlen(words[a]) == len &&
		    strncasecmp(text, words[a], len) == 0)
			return (enum deadmx_ndr_action)a;
	return DEADMX_NDR_ACTION_NONE;
}

static struct deadmx_ndr_recipient *ndr_row(struct ndr_groups *g)
{
	struct deadmx_ndr *ndr = g->ndr;
	struct deadmx_ndr_recipient *rows;

	if (g->has_row)
		return &ndr->recipients[ndr->recipient_count - 1];
	if (ndr->recipient_count >= DEADMX_NDR_RECIPIENTS_MAX) {
		g->is_full = true;
		ndr->is_truncated = true;
		return NULL;
	}
	rows = realloc(ndr->recipients,
		       (ndr->recipient_count + 1) * sizeof(*rows));
	assert(rows);
	ndr->recipients = rows;
	rows += ndr->recipient_count++;
	memset(rows, 0, sizeof(*rows));
	g->has_row = true;
	g->seen = 0;
	g->last = 0;
	return rows;
}

/* The per-recipient fields in the order of the grammar (RFC 3464 2.3). */
enum ndr_row_field {
	NDR_ORIGINAL_RECIPIENT,
	NDR_FINAL_RECIPIENT,
	NDR_ACTION,
	NDR_STATUS,
	NDR_REMOTE_MTA,
	NDR_DIAGNOSTIC_CODE,
	NDR_LOCALIZED_DIAGNOSTIC, /* RFC 6533 4.1; once for each language */
	NDR_LAST_ATTEMPT_DATE,
	NDR_FINAL_LOG_ID,
	NDR_WILL_RETRY_UNTIL,
	NDR_ROW_FIELDS,
};

static const char *const ndr_row_names[NDR_ROW_FIELDS] = {
	"Original-Recipient",
	"Final-Recipient",
	"Action",
	"Status",
	"Remote-MTA",
	"Diagnostic-Code",
	"Localized-Diagnostic",
	"Last-Attempt-Date",
	"Final-Log-ID",
	"Will-Retry-Until",
};

/* NDR_ROW_FIELDS for an extension. */
static enum ndr_row_field ndr_row_field(const char *name)
{
	int i = 0;

	while (i < NDR_ROW_FIELDS && strcasecmp(name, ndr_row_names[i]) != 0)
		i++;
	return (enum ndr_row_field)i;
}

/* "en; text": remember the language, once. */
static void ndr_language(struct deadmx_ndr_recipient *r, const char *value)
{
	const char *semicolon = strchr(value, ';');
	char *tag = semicolon ? ndr_copy(value, (size_t)(semicolon - value))
			      : strdup("");
	const char *old = r->languages ? r->languages : "";
	char *list = NULL;
	size_t len;
	int rc;

	assert(tag);
	len = strlen(tag);
	if (!len || strlen(old) + len > DEADMX_NDR_VALUE_MAX)
		r->has_bad_language = true;
	for (const char *at = old; len && *at; at += strcspn(at, ";") + 1)
		r->has_bad_language |=
			strncasecmp(at, tag, len) == 0 && at[len] == ';';
	if (!r->has_bad_language) {
		rc = asprintf(&list, "%s%s;", old, tag);
		assert(rc >= 0);
		free(r->languages);
		r->languages = list;
	}
	free(tag);
}

static void ndr_recipient_set(struct deadmx_ndr_recipient *r,
			      enum ndr_row_field field, const char *value)
{
	switch (field) {
	case NDR_ORIGINAL_RECIPIENT:
		ndr_set_typed(&r->original_type, &r->original_recipient, value);
		return;
	case NDR_FINAL_RECIPIENT:
		ndr_set_typed(&r->final_type, &r->final_recipient, value);
		return;
	case NDR_ACTION:
		ndr_set(&r->action_text, value);
		r->action = ndr_action(r->action_text);
		return;
	case NDR_STATUS:
		ndr_set(&r->status, value);
		return;
	case NDR_REMOTE_MTA:
		ndr_set_typed(&r->remote_type, &r->remote_mta, value);
		return;
	case NDR_DIAGNOSTIC_CODE:
		ndr_set_typed(&r->diagnostic_type, &r->diagnostic_code, value);
		return;
	case NDR_LOCALIZED_DIAGNOSTIC:
		ndr_language(r, value);
		return;
	case NDR_LAST_ATTEMPT_DATE:
		ndr_set(&r->last_attempt, value);
		return;
	case NDR_WILL_RETRY_UNTIL:
		ndr_set(&r->will_retry_until, value);
		return;
	case NDR_FINAL_LOG_ID:
	case NDR_ROW_FIELDS:
		return;
	}
}

/* RFC 3464 2.4: what the RFCs don't define begins with X-. */
static void ndr_extension(struct deadmx_ndr *ndr, const char *name)
{
	if (strncasecmp(name, "X-", 2) != 0)
		ndr_set(&ndr->extension, name);
}

static void ndr_recipient_field(struct ndr_groups *g,
				struct deadmx_ndr_recipient *r,
				const char *name, const char *value)
{
	enum ndr_row_field field = ndr_row_field(name);

	if (field == NDR_ROW_FIELDS) {
		ndr_extension(g->ndr, name);
		return;
	}
	r->has_repeated_field |= (g->seen >> field & 1u) != 0 &&
				 field != NDR_LOCALIZED_DIAGNOSTIC;
	r->is_out_of_order |= (int)field < g->last;
	g->seen |= 1u << field;
	g->last = (int)field;
	ndr_recipient_set(r, field, value);
}

static bool ndr_starts_recipient(const char *name)
{
	return strcasecmp(name, "Final-Recipient") == 0 ||
	       strcasecmp(name, "Original-Recipient") == 0 ||
	       strcasecmp(name, "Action") == 0 ||
	       strcasecmp(name, "Status") == 0;
}

/* A per-message field, in the order of the grammar (RFC 3464 2.2, 2852 5)? */
static bool ndr_message_field(struct ndr_groups *g, const char *name,
			      const char *value)
{
	struct deadmx_ndr *ndr = g->ndr;
	const struct {
		const char *name;
		char **slot;
	} fields[] = {
		{"Original-Envelope-Id", &ndr->envelope_id},
		{"Reporting-MTA", &ndr->reporting_mta},
		{"DSN-Gateway", &ndr->dsn_gateway},
		{"Received-From-MTA", &ndr->received_from_mta},
		{"Arrival-Date", &ndr->arrival_date},
		{"Deliver-By-Date", &ndr->deliver_by_date},
	};

	for (int i = 0; i < (int)(sizeof(fields) / sizeof(fields[0])); i++) {
		if (strcasecmp(name, fields[i].name) != 0)
			continue;
		ndr->has_repeated_field |= (g->message_seen >> i & 1u) != 0;
		ndr->is_out_of_order |= i < g->message_last;
		g->message_seen |= 1u << i;
		g->message_last = i;
		ndr_set(fields[i].slot, value);
		return true;
	}
	return false;
}

/* The field collected so far is whole: put it where it belongs. */
static void ndr_field_end(struct ndr_groups *g)
{
	struct ndr_field *f = &g->field;
	struct deadmx_ndr_recipient *row;

	f->value[f->value_len] = '\0';
	if (!f->name[0])
		return;
	if (g->is_first && ndr_message_field(g, f->name, f->value)) {
		/* done */
	} else if (!g->is_first || ndr_starts_recipient(f->name) ||
		   g->has_row) {
		/* Even in the first group: somebody forgot the blank line. */
		g->ndr->lacks_blank_line |= g->is_first;
		row = ndr_row(g);
		if (row)
			ndr_recipient_field(g, row, f->name, f->value);
	} else {
		ndr_extension(g->ndr, f->name);
	}
	f->name[0] = '\0';
	f->value_len = 0;
}

static void ndr_value_add(struct ndr_groups *g, const char *text, size_t len)
{
	struct ndr_field *f = &g->field;
	size_t room = DEADMX_NDR_VALUE_MAX - f->value_len;

	if (len > room) {
		len = room;
		g->ndr->is_truncated = true;
	}
	memcpy(f->value + f->value_len, text, len);
	f->value_len += len;
}

static void ndr_field_begin(struct ndr_groups *g, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	size_t name_len = colon ? (size_t)(colon - line) : 0;

	if (!colon) {
		g->ndr->bad_lines++; /* no field at all */
		return;
	}
	if (++g->fields > DEADMX_NDR_FIELDS_MAX) {
		g->is_full = true;
		g->ndr->is_truncated = true;
		return;
	}
	g->in_group = true;
	while (name_len && isspace((unsigned char)line[name_len - 1]))
		name_len--;
	if (name_len >= sizeof(g->field.name))
		return;
	memcpy(g->field.name, line, name_len);
	g->field.name[name_len] = '\0';
	ndr_value_add(g, colon + 1, len - (size_t)(colon + 1 - line));
}

static void ndr_line(struct ndr_groups *g, const char *line, size_t len)
{
	size_t skip = 0;

	while (skip < len && isspace((unsigned char)line[skip]))
		skip++;
	if (skip == len) {
		/* By RFC 822 a line of blanks goes on with the field. */
		g->ndr->bad_folds += skip > 0;
		ndr_field_end(g);
		if (g->in_group) {
			g->is_first = false;
			g->has_row = false;
			g->in_group = false;
		}
	} else if (skip > 0) {
		/* Folded: the break and its indentation are one space. */
		if (g->field.name[0]) {
			ndr_value_add(g, " ", 1);
			ndr_value_add(g, line + skip, len - skip);
		} else if (!g->in_group) {
			g->ndr->bad_folds++;
		}
	} else {
		ndr_field_end(g);
		ndr_field_begin(g, line, len);
	}
}

void ndr_fields_read(struct deadmx_ndr *ndr, const char *body, size_t len)
{
	struct ndr_groups *g = calloc(1, sizeof(*g));
	size_t at = 0;

	assert(g);
	g->ndr = ndr;
	g->is_first = true;
	while (at < len && !g->is_full) {
		const char *end = memchr(body + at, '\n', len - at);
		size_t line_len = end ? (size_t)(end - body) - at : len - at;
		size_t next = at + line_len + 1;

		if (line_len && body[at + line_len - 1] == '\r')
			line_len--;
		ndr->long_lines += line_len > NDR_LINE_MAX;
		/* NULs would cut texts short unseen: such a line is skipped. */
		if (!memchr(body + at, '\0', line_len))
			ndr_line(g, body + at, line_len);
		at = next;
	}
	ndr_field_end(g);
	free(g);
}
