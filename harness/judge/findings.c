/* SPDX-License-Identifier: MIT */
#include "harness/judge/findings.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *finding_id(enum finding_id id)
{
	/* clang-format off */
	static const char *const ids[] = {
#define XX(uc, name, doc, why) [FINDING_##uc] = name,
		FINDING_MAP(XX)
#undef XX
	};
	/* clang-format on */

	assert((unsigned)id < FINDING_COUNT);
	return ids[id];
}

const char *finding_why(const char *id)
{
	/* clang-format off */
	static const struct {
		const char *id, *why;
	} rows[] = {
#define XX(uc, name, doc, why) {name, why},
		FINDING_MAP(XX)
#undef XX
	};
	/* clang-format on */

	for (size_t i = 0; i < FINDING_COUNT; i++)
		if (strcmp(rows[i].id, id) == 0)
			return rows[i].why;
	return NULL;
}

bool finding_is_known(const char *id)
{
	for (int i = 0; i < FINDING_COUNT; i++)
		if (strcmp(finding_id((enum finding_id)i), id) == 0)
			return true;
	return false;
}

bool findings_check(const struct deadmx_scenario *scenario, FILE *errors)
{
	bool ok = true;

	for (size_t i = 0; i < scenario->expect.check_count; i++) {
		const struct deadmx_check *check = &scenario->expect.checks[i];

		if (finding_is_known(check->id))
			continue;
		ok = false;
		fprintf(errors,
			"%s:%d:%d: checks, expected the id of a finding "
			"(docs/findings-ids.md), got %s\n",
			check->place.file, check->place.line,
			check->place.column, check->id);
	}
	return ok;
}

static enum severity findings_severity(enum deadmx_check_severity severity)
{
	switch (severity) {
	case DEADMX_CHECK_MUST:
		return SEVERITY_MUST;
	case DEADMX_CHECK_SHOULD:
		return SEVERITY_SHOULD;
	case DEADMX_CHECK_NOTE:
	case DEADMX_CHECK_OFF:
	case DEADMX_CHECK_COUNT:
		break;
	}
	return SEVERITY_NOTE;
}

void findings_weigh(const struct deadmx_scenario *scenario, struct verdict *v)
{
	for (size_t i = 0; i < scenario->expect.check_count; i++) {
		const struct deadmx_check *check = &scenario->expect.checks[i];
		size_t kept = 0, count = 0;

		for (size_t k = 0; k < v->finding_count; k++) {
			struct finding *f = &v->findings[k];
			bool is_meant = f->severity != SEVERITY_ERROR &&
					strcmp(f->id, check->id) == 0;

			count += is_meant;
			if (is_meant && check->severity == DEADMX_CHECK_OFF) {
				verdict_finding_release(f);
				continue;
			}
			if (is_meant)
				f->severity =
					findings_severity(check->severity);
			v->findings[kept++] = *f;
		}
		v->finding_count = kept;
		verdict_changed(v, check->id,
				deadmx_check_word(check->severity),
				check->reason, count);
	}
}
