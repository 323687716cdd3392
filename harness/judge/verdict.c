/* SPDX-License-Identifier: MIT */
#include "harness/judge/verdict.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deadmx/event.h"

/* clang-format off */
const char *verdict_word(enum verdict_kind kind)
{
	static const char *const words[] = {
#define XX(uc, word, doc) [VERDICT_##uc] = word,
		VERDICT_MAP(XX)
#undef XX
	};

	assert((unsigned)kind < VERDICT_COUNT);
	return words[kind];
}

const char *severity_word(enum severity severity)
{
	static const char *const words[] = {
#define XX(uc, word, doc) [SEVERITY_##uc] = word,
		SEVERITY_MAP(XX)
#undef XX
	};

	assert((unsigned)severity < SEVERITY_COUNT);
	return words[severity];
}
/* clang-format on */

void verdict_finding_release(struct finding *f)
{
	free(f->id);
	free(f->where);
	free(f->expected);
	free(f->observed);
	free(f->known);
}

void verdict_lighten(struct verdict *v)
{
	for (size_t i = 0; v->attempts && i < v->attempt_count; i++) {
		struct attempt *a = &v->attempts[i];

		free(a->recipient);
		free(a->host);
		free(a->address);
		free(a->fault);
		free(a->stage);
		free(a->reply);
	}
	for (size_t i = 0; v->deliveries && i < v->delivery_count; i++) {
		free(v->deliveries[i].recipient);
		free(v->deliveries[i].host);
	}
	free(v->attempts);
	free(v->deliveries);
	v->attempts = NULL;
	v->deliveries = NULL;
}

void verdict_release(struct verdict *v)
{
	verdict_lighten(v);
	for (size_t i = 0; i < v->ndr_count; i++) {
		struct ndr_record *n = &v->ndrs[i];

		free(n->file);
		free(n->envelope_from);
		free(n->envelope_to);
		free(n->action);
		free(n->status);
		free(n->recipient);
		free(n->diagnostic);
	}
	for (size_t i = 0; i < v->finding_count; i++)
		verdict_finding_release(&v->findings[i]);
	for (size_t i = 0; i < v->change_count; i++) {
		free(v->changes[i].id);
		free(v->changes[i].severity);
		free(v->changes[i].reason);
	}
	free(v->changes);
	free(v->ndrs);
	free(v->findings);
	free(v->scenario);
	free(v->target);
	free(v->target_version);
	memset(v, 0, sizeof(*v));
}

/* A report cut short for want of memory would be a lie: stop instead. */
static char *verdict_strdup(const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	assert(copy || !text);
	return copy;
}

void verdict_find(struct verdict *v, const char *id, enum severity severity,
		  const char *where, const char *expected, const char *observed,
		  ...)
{
	struct finding *f;
	va_list ap;
	int rc;

	if (v->finding_count >= v->finding_room) {
		/* Doubled: a hostile run may give one per message. */
		v->finding_room = 2 * v->finding_count + 16;
		v->findings =
			realloc(v->findings, v->finding_room * sizeof(*f));
		assert(v->findings);
	}
	f = &v->findings[v->finding_count++];
	f->id = verdict_strdup(id);
	f->severity = severity;
	f->where = verdict_strdup(where);
	f->expected = verdict_strdup(expected);
	f->known = NULL;
	va_start(ap, observed);
	rc = vasprintf(&f->observed, observed, ap);
	va_end(ap);
	assert(rc >= 0);
}

bool verdict_is_cause(const struct verdict *v, const struct finding *f)
{
	switch (v->kind) {
	case VERDICT_FAIL:
	case VERDICT_KNOWN:
		return (f->severity == SEVERITY_MUST ||
			f->severity == SEVERITY_SHOULD) &&
		       !f->known == (v->kind == VERDICT_FAIL);
	case VERDICT_ERROR:
		return f->severity == SEVERITY_ERROR;
	case VERDICT_UNSUPPORTED:
		return true;
	case VERDICT_PASS:
	case VERDICT_COUNT:
		break;
	}
	return false;
}

const struct finding *verdict_cause(const struct verdict *v)
{
	const struct finding *first = NULL;

	for (size_t i = 0; i < v->finding_count; i++) {
		const struct finding *f = &v->findings[i];

		if (verdict_is_cause(v, f) &&
		    (!first || (first->severity == SEVERITY_SHOULD &&
				f->severity == SEVERITY_MUST)))
			first = f;
	}
	return first;
}

void verdict_changed(struct verdict *v, const char *id, const char *severity,
		     const char *reason, size_t count)
{
	struct verdict_change *c;

	v->changes = realloc(v->changes, (v->change_count + 1) * sizeof(*c));
	assert(v->changes);
	c = &v->changes[v->change_count++];
	c->id = verdict_strdup(id);
	c->severity = verdict_strdup(severity);
	c->reason = verdict_strdup(reason);
	c->count = count;
}

void verdict_make_strict(struct verdict *v)
{
	if (v->kind != VERDICT_PASS && v->kind != VERDICT_KNOWN)
		return;
	for (size_t i = 0; i < v->finding_count; i++) {
		const struct finding *f = &v->findings[i];

		if (f->severity == SEVERITY_SHOULD && v->kind != VERDICT_FAIL)
			v->kind = f->known ? VERDICT_KNOWN : VERDICT_FAIL;
	}
}

void verdict_settle(struct verdict *v)
{
	bool must = false, known = false, error = false;

	/* Only the loader knows what a target can't do: leave its word. */
	if (v->kind == VERDICT_UNSUPPORTED)
		return;
	for (size_t i = 0; i < v->finding_count; i++) {
		const struct finding *f = &v->findings[i];

		must |= f->severity == SEVERITY_MUST && !f->known;
		known |= f->severity == SEVERITY_MUST && f->known;
		error |= f->severity == SEVERITY_ERROR;
	}
	v->kind = error	  ? VERDICT_ERROR
		  : must  ? VERDICT_FAIL
		  : known ? VERDICT_KNOWN
			  : VERDICT_PASS;
}

/*
 * Seconds to the millisecond. Whole ones are integers in JSON: "433204", not
 * "433204.0", and no noise of binary fractions.
 */
static json_t *verdict_seconds(double seconds)
{
	json_int_t ms;

	/* Far beyond any clock, and false for what is no number. */
	if (!(seconds > -1e12 && seconds < 1e12))
		return json_null();
	ms = (json_int_t)(seconds * 1000.0 + (seconds < 0 ? -0.5 : 0.5));
	if (ms % 1000 == 0)
		return json_integer(ms / 1000);
	return json_real((double)ms / 1000.0);
}

/* Replies and NDRs may hold any bytes; JSON holds UTF-8 only. */
static json_t *verdict_text(const char *text)
{
	return text ? deadmx_event_text(text, strlen(text)) : json_null();
}

static void verdict_put(json_t *object, const char *key, json_t *value)
{
	int rc = json_object_set_new(object, key, value);

	assert(rc == 0);
}

static void verdict_add(json_t *array, json_t *value)
{
	int rc = json_array_append_new(array, value);

	assert(rc == 0);
}

static json_t *verdict_attempts_json(const struct verdict *v)
{
	json_t *array = json_array();

	for (size_t i = 0; i < v->attempt_count; i++) {
		const struct attempt *a = &v->attempts[i];
		json_t *o = json_object();

		verdict_put(o, "at", verdict_seconds(a->at_s));
		verdict_put(o, "recipient", verdict_text(a->recipient));
		verdict_put(o, "host", verdict_text(a->host));
		verdict_put(o, "address", verdict_text(a->address));
		verdict_put(o, "fault", verdict_text(a->fault));
		verdict_put(o, "stage", verdict_text(a->stage));
		verdict_put(o, "reply", verdict_text(a->reply));
		verdict_add(array, o);
	}
	return array;
}

static json_t *verdict_ndrs_json(const struct verdict *v)
{
	json_t *array = json_array();

	for (size_t i = 0; i < v->ndr_count; i++) {
		const struct ndr_record *n = &v->ndrs[i];
		json_t *o = json_object();

		verdict_put(o, "at", verdict_seconds(n->at_s));
		verdict_put(o, "file", verdict_text(n->file));
		verdict_put(o, "envelope_from", verdict_text(n->envelope_from));
		verdict_put(o, "envelope_to", verdict_text(n->envelope_to));
		verdict_put(o, "action", verdict_text(n->action));
		verdict_put(o, "status", verdict_text(n->status));
		verdict_put(o, "recipient", verdict_text(n->recipient));
		verdict_put(o, "diagnostic", verdict_text(n->diagnostic));
		verdict_add(array, o);
	}
	return array;
}

static json_t *verdict_deliveries_json(const struct verdict *v)
{
	json_t *array = json_array();

	for (size_t i = 0; i < v->delivery_count; i++) {
		const struct delivery *d = &v->deliveries[i];
		json_t *o = json_object();

		verdict_put(o, "at", verdict_seconds(d->at_s));
		verdict_put(o, "recipient", verdict_text(d->recipient));
		verdict_put(o, "host", verdict_text(d->host));
		verdict_add(array, o);
	}
	return array;
}

static json_t *verdict_findings_json(const struct verdict *v)
{
	json_t *array = json_array();

	for (size_t i = 0; i < v->finding_count; i++) {
		const struct finding *f = &v->findings[i];
		json_t *o = json_object();

		verdict_put(o, "id", verdict_text(f->id));
		verdict_put(o, "severity",
			    verdict_text(severity_word(f->severity)));
		verdict_put(o, "where", verdict_text(f->where));
		verdict_put(o, "expected", verdict_text(f->expected));
		verdict_put(o, "observed", verdict_text(f->observed));
		if (f->known)
			verdict_put(o, "known", verdict_text(f->known));
		verdict_add(array, o);
	}
	return array;
}

static json_t *verdict_changes_json(const struct verdict *v)
{
	json_t *array = json_array();

	for (size_t i = 0; i < v->change_count; i++) {
		const struct verdict_change *c = &v->changes[i];
		json_t *o = json_object();

		verdict_put(o, "id", verdict_text(c->id));
		verdict_put(o, "severity", verdict_text(c->severity));
		verdict_put(o, "reason", verdict_text(c->reason));
		verdict_put(o, "findings", json_integer((json_int_t)c->count));
		verdict_add(array, o);
	}
	return array;
}

json_t *verdict_to_json(const struct verdict *v)
{
	json_t *o = json_object();

	assert(v->attempts || !v->attempt_count);
	assert(v->deliveries || !v->delivery_count);
	verdict_put(o, "scenario", verdict_text(v->scenario));
	verdict_put(o, "target", verdict_text(v->target));
	verdict_put(o, "target_version", verdict_text(v->target_version));
	verdict_put(o, "verdict", verdict_text(verdict_word(v->kind)));
	verdict_put(o, "virtual_seconds", verdict_seconds(v->virtual_seconds));
	verdict_put(o, "host_seconds", verdict_seconds(v->host_seconds));
	verdict_put(o, "attempts", verdict_attempts_json(v));
	verdict_put(o, "ndrs", verdict_ndrs_json(v));
	verdict_put(o, "deliveries", verdict_deliveries_json(v));
	verdict_put(o, "findings", verdict_findings_json(v));
	if (v->change_count)
		verdict_put(o, "checks", verdict_changes_json(v));
	return o;
}

/* Reading back: what is absent stays NULL, what has a wrong type is -EINVAL. */

static int verdict_get_text(const json_t *o, const char *key, char **ret)
{
	const json_t *value = json_object_get(o, key);

	if (!value || json_is_null(value))
		return 0;
	if (!json_is_string(value))
		return -EINVAL;
	*ret = verdict_strdup(json_string_value(value));
	return 0;
}

static int verdict_get_number(const json_t *o, const char *key, double *ret)
{
	const json_t *value = json_object_get(o, key);

	if (!json_is_number(value))
		return -EINVAL;
	*ret = json_number_value(value);
	return 0;
}

/*
 * Memory for as many rows as the array @key of @o has, all zero; NULL with
 * *rc set when it is no array of objects.
 */
static void *verdict_get_rows(const json_t *o, const char *key, size_t size,
			      size_t *ret_count, int *rc)
{
	const json_t *array = json_object_get(o, key);
	size_t n = json_array_size(array);
	void *rows;

	if (*rc == 0 && !json_is_array(array))
		*rc = -EINVAL;
	for (size_t i = 0; *rc == 0 && i < n; i++)
		if (!json_is_object(json_array_get(array, i)))
			*rc = -EINVAL;
	if (*rc)
		return NULL;
	rows = calloc(n ? n : 1, size);
	assert(rows);
	*ret_count = n;
	return rows;
}

static const json_t *verdict_row(const json_t *o, const char *key, size_t i)
{
	return json_array_get(json_object_get(o, key), i);
}

static int verdict_get_attempt(const json_t *o, struct attempt *a)
{
	int rc = verdict_get_number(o, "at", &a->at_s);

	rc = rc ? rc : verdict_get_text(o, "recipient", &a->recipient);
	rc = rc ? rc : verdict_get_text(o, "host", &a->host);
	rc = rc ? rc : verdict_get_text(o, "address", &a->address);
	rc = rc ? rc : verdict_get_text(o, "fault", &a->fault);
	rc = rc ? rc : verdict_get_text(o, "stage", &a->stage);
	rc = rc ? rc : verdict_get_text(o, "reply", &a->reply);
	return rc;
}

static int verdict_get_ndr(const json_t *o, struct ndr_record *n)
{
	int rc = verdict_get_number(o, "at", &n->at_s);

	rc = rc ? rc : verdict_get_text(o, "file", &n->file);
	rc = rc ? rc : verdict_get_text(o, "envelope_from", &n->envelope_from);
	rc = rc ? rc : verdict_get_text(o, "envelope_to", &n->envelope_to);
	rc = rc ? rc : verdict_get_text(o, "action", &n->action);
	rc = rc ? rc : verdict_get_text(o, "status", &n->status);
	rc = rc ? rc : verdict_get_text(o, "recipient", &n->recipient);
	rc = rc ? rc : verdict_get_text(o, "diagnostic", &n->diagnostic);
	return rc;
}

static int verdict_get_delivery(const json_t *o, struct delivery *d)
{
	int rc = verdict_get_number(o, "at", &d->at_s);

	rc = rc ? rc : verdict_get_text(o, "recipient", &d->recipient);
	rc = rc ? rc : verdict_get_text(o, "host", &d->host);
	return rc;
}

static int verdict_get_finding(const json_t *o, struct finding *f)
{
	const char *word = json_string_value(json_object_get(o, "severity"));
	int rc = verdict_get_text(o, "id", &f->id);

	rc = rc ? rc : verdict_get_text(o, "where", &f->where);
	rc = rc ? rc : verdict_get_text(o, "expected", &f->expected);
	rc = rc ? rc : verdict_get_text(o, "observed", &f->observed);
	rc = rc ? rc : verdict_get_text(o, "known", &f->known);
	if (rc || !word || !f->id)
		return -EINVAL;
	for (int s = 0; s < SEVERITY_COUNT; s++)
		if (strcmp(word, severity_word((enum severity)s)) == 0) {
			f->severity = (enum severity)s;
			return 0;
		}
	return -EINVAL;
}

static int verdict_get_change(const json_t *o, struct verdict_change *c)
{
	double count = 0;
	int rc = verdict_get_text(o, "id", &c->id);

	rc = rc ? rc : verdict_get_text(o, "severity", &c->severity);
	rc = rc ? rc : verdict_get_text(o, "reason", &c->reason);
	rc = rc ? rc : verdict_get_number(o, "findings", &count);
	if (rc || !c->id || !c->severity || !c->reason || !(count >= 0) ||
	    count > 1e9)
		return -EINVAL;
	c->count = (size_t)count;
	return 0;
}

static int verdict_get_kind(const json_t *o, enum verdict_kind *ret)
{
	const char *word = json_string_value(json_object_get(o, "verdict"));

	for (int k = 0; word && k < VERDICT_COUNT; k++)
		if (strcmp(word, verdict_word((enum verdict_kind)k)) == 0) {
			*ret = (enum verdict_kind)k;
			return 0;
		}
	return -EINVAL;
}

static int verdict_get_lists(const json_t *o, struct verdict *v)
{
	int rc = 0;

	v->attempts = verdict_get_rows(o, "attempts", sizeof(*v->attempts),
				       &v->attempt_count, &rc);
	v->ndrs = verdict_get_rows(o, "ndrs", sizeof(*v->ndrs), &v->ndr_count,
				   &rc);
	v->deliveries =
		verdict_get_rows(o, "deliveries", sizeof(*v->deliveries),
				 &v->delivery_count, &rc);
	v->findings = verdict_get_rows(o, "findings", sizeof(*v->findings),
				       &v->finding_count, &rc);
	for (size_t i = 0; rc == 0 && i < v->attempt_count; i++)
		rc = verdict_get_attempt(verdict_row(o, "attempts", i),
					 &v->attempts[i]);
	for (size_t i = 0; rc == 0 && i < v->ndr_count; i++)
		rc = verdict_get_ndr(verdict_row(o, "ndrs", i), &v->ndrs[i]);
	for (size_t i = 0; rc == 0 && i < v->delivery_count; i++)
		rc = verdict_get_delivery(verdict_row(o, "deliveries", i),
					  &v->deliveries[i]);
	for (size_t i = 0; rc == 0 && i < v->finding_count; i++)
		rc = verdict_get_finding(verdict_row(o, "findings", i),
					 &v->findings[i]);
	/* Older verdicts have none. */
	if (rc == 0 && json_object_get(o, "checks"))
		v->changes = verdict_get_rows(o, "checks", sizeof(*v->changes),
					      &v->change_count, &rc);
	for (size_t i = 0; rc == 0 && i < v->change_count; i++)
		rc = verdict_get_change(verdict_row(o, "checks", i),
					&v->changes[i]);
	return rc;
}

int verdict_from_json(const json_t *json, struct verdict *ret)
{
	struct verdict v = {0};
	int rc;

	if (!json_is_object(json))
		return -EINVAL;
	rc = verdict_get_kind(json, &v.kind);
	rc = rc ? rc : verdict_get_text(json, "scenario", &v.scenario);
	rc = rc ? rc : verdict_get_text(json, "target", &v.target);
	rc = rc ? rc
		: verdict_get_text(json, "target_version", &v.target_version);
	rc = rc ? rc
		: verdict_get_number(json, "virtual_seconds",
				     &v.virtual_seconds);
	rc = rc ? rc
		: verdict_get_number(json, "host_seconds", &v.host_seconds);
	rc = rc ? rc : verdict_get_lists(json, &v);
	if (rc) {
		verdict_release(&v);
		return rc;
	}
	*ret = v;
	return 0;
}
