/* SPDX-License-Identifier: MIT */
#include "harness/judge/known.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "harness/filter.h"
#include "harness/judge/findings.h"

static bool known_fits(const struct target_known *known,
		       const struct finding *f)
{
	bool is_meant = false;

	for (size_t i = 0; i < known->finding_count; i++)
		is_meant |= strcmp(f->id, known->findings[i]) == 0;
	return is_meant && f->severity != SEVERITY_ERROR &&
	       (!known->observed || strstr(f->observed, known->observed));
}

static size_t known_mark_one(const struct target_known *known,
			     struct verdict *v)
{
	size_t count = 0;

	for (size_t i = 0; i < v->finding_count; i++) {
		struct finding *f = &v->findings[i];

		if (!known_fits(known, f))
			continue;
		count++;
		if (f->known) /* the first that fits tells why */
			continue;
		f->known = strdup(known->reason);
		assert(f->known);
	}
	return count;
}

/* Is the whole name in the list? A tag or a folder may well fit a scenario in
 * which the fault has no part. */
static bool known_names(const struct target_known *known, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = known->scenario; at && *at;) {
		size_t part = strcspn(at, ",");

		if (part == len && memcmp(at, name, len) == 0)
			return true;
		at += part + (at[part] == ',');
	}
	return false;
}

void known_mark(const struct deadmx_scenario *scenario,
		const struct target *target, bool is_whole, struct verdict *v)
{
	for (size_t i = 0; i < target->known_count; i++) {
		const struct target_known *known = &target->known[i];
		char where[32];

		if (known->scenario && !filter_takes(known->scenario, scenario))
			continue;
		if (known_mark_one(known, v) || !is_whole ||
		    !known_names(known, scenario->name))
			continue;
		snprintf(where, sizeof(where), "target.yml:%d",
			 known->place.line);
		FIND(v, KNOWN_ABSENT, SEVERITY_NOTE, where,
		     "what the target file calls known here", "no %s%s%s%s",
		     known->findings[0],
		     known->finding_count > 1 ? " or the like" : "",
		     known->observed ? " with " : "",
		     known->observed ? known->observed : "");
	}
}
