/* SPDX-License-Identifier: MIT */
/*
 * The verdict of one run: what the judge found, as data for all reports.
 */
#ifndef HARNESS_JUDGE_VERDICT_H
#define HARNESS_JUDGE_VERDICT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deadmx/scenario.h"

/* XX(ENUM, "report word", "who is at fault") */
#define VERDICT_MAP(XX)                                                        \
	XX(PASS, "pass", "nobody: the MTA did what was expected")              \
	XX(FAIL, "fail", "the MTA is wrong")                                   \
	XX(KNOWN, "known",                                                     \
	   "the MTA is wrong, in ways that its target file names")             \
	XX(UNSUPPORTED, "unsupported", "the target cannot do what is asked")   \
	XX(ERROR, "error", "deadmx, the scenario or the machine")

enum verdict_kind {
#define XX(uc, word, doc) VERDICT_##uc,
	VERDICT_MAP(XX)
#undef XX
		VERDICT_COUNT
};

#define SEVERITY_MAP(XX)                                                       \
	XX(MUST, "must", "makes the verdict fail")                             \
	XX(SHOULD, "should", "reported; fails with --strict")                  \
	XX(NOTE, "note", "for information")                                    \
	XX(ERROR, "error", "deadmx or the machine: makes the verdict error")

enum severity {
#define XX(uc, word, doc) SEVERITY_##uc,
	SEVERITY_MAP(XX)
#undef XX
		SEVERITY_COUNT
};

struct finding {
	char *id; /* expect/attempts, law/…, rfc5321/6.1/…, run/… */
	enum severity severity;
	char *where; /* "file:line" or NULL */
	char *expected;
	char *observed;
	char *known; /* why it is no news, by the target file; or NULL */
};

struct attempt {
	double at_s;
	char *recipient; /* or NULL */
	char *host;
	char *address;
	char *fault; /* action word of the fault that fired, or NULL */
	char *stage; /* stage word reached or of the fault */
	char *reply; /* last reply sent, or NULL */
	int round;   /* 1-based delivery round; several MX hosts share one */
};

struct ndr_record {
	double at_s;
	char *file;
	char *envelope_from, *envelope_to;
	char *action, *status, *recipient, *diagnostic; /* NULL when absent */
};

struct delivery {
	double at_s;
	char *recipient;
	char *host;
};

/* A check that the scenario gives another weight. */
struct verdict_change {
	char *id;
	char *severity; /* off, note, should, must */
	char *reason;
	size_t count; /* findings that it was about */
};

struct verdict {
	char *scenario; /* name */
	char *target, *target_version;
	enum verdict_kind kind;
	double virtual_seconds, host_seconds;
	struct attempt *attempts; /* NULL: left out, see verdict_lighten() */
	size_t attempt_count;
	struct ndr_record *ndrs; /* one per recipient group of each NDR */
	size_t ndr_count;
	struct delivery *deliveries; /* the same */
	size_t delivery_count;
	struct finding *findings;
	size_t finding_count;
	struct verdict_change *changes;
	size_t change_count;
	size_t finding_room; /* of the array; kept by verdict_find() */
};

const char *verdict_word(enum verdict_kind kind);
const char *severity_word(enum severity severity);

void verdict_release(struct verdict *v);
/*
 * Leave out what may be long and is needed by --json alone: attempts and
 * deliveries. Their counts stay. @v is not for verdict_to_json() any more.
 */
void verdict_lighten(struct verdict *v);
/* Did @f make the verdict what it is? With --strict "should" does, too. */
bool verdict_is_cause(const struct verdict *v, const struct finding *f);
/*
 * The first finding that made it so, what must be before what should; of a
 * target that can't do it, the one that says why. NULL: it passed.
 */
const struct finding *verdict_cause(const struct verdict *v);
void verdict_finding_release(struct finding *f);
/* Adds a change; the strings are copied. */
void verdict_changed(struct verdict *v, const char *id, const char *severity,
		     const char *reason, size_t count);
/*
 * --strict: what passes with findings of severity should fails; it is known
 * when all of them are.
 */
void verdict_make_strict(struct verdict *v);
/* Adds a finding; the strings are copied (printf for @observed). */
void verdict_find(struct verdict *v, const char *id, enum severity severity,
		  const char *where, const char *expected, const char *observed,
		  ...) __attribute__((format(printf, 6, 7)));
/* Sets @v->kind from the findings: error over fail over known over pass. */
void verdict_settle(struct verdict *v);
/* The object that --json holds for this run (design of docs/json.md). */
json_t *verdict_to_json(const struct verdict *v);
/* And back, for `judge DIR` comparisons; 0 or -EINVAL. */
int verdict_from_json(const json_t *json, struct verdict *ret);

#endif
