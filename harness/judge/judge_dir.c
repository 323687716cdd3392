/* SPDX-License-Identifier: MIT */
/*
 * A stored run judged again: harness/judge/judge.h, judge_dir().
 *
 * The first event says what scenario and target were called when it ran, so
 * that the verdict has the same names and places as then.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/event_log.h"
#include "harness/judge/findings.h"
#include "harness/judge/judge.h"
#include "harness/target_features.h"

/* What the run was called; NULL: its log doesn't say. */
struct judge_names {
	char *scenario, *scenario_file, *target;
};

enum {
	JUDGE_PATH_MAX = 4096,
};

static char *judge_dup(const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	assert(copy || !text);
	return copy;
}

static void judge_names_release(struct judge_names *names)
{
	free(names->scenario);
	free(names->scenario_file);
	free(names->target);
}

static void judge_names_read(const char *dir, struct judge_names *names)
{
	struct event_log *log;
	struct event e;
	char path[JUDGE_PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s/events.ndjson", dir) >=
		    sizeof(path) ||
	    event_log_open(path, JUDGE_EVENTS_MAX, &log) < 0)
		return;
	while (event_log_next(log, &e) > 0) {
		if (e.type != DEADMX_EVENT_RUN)
			continue;
		names->scenario = judge_dup(event_text(&e, "scenario"));
		names->scenario_file =
			judge_dup(event_text(&e, "scenario_file"));
		names->target = judge_dup(event_text(&e, "target"));
		break;
	}
	event_log_close(log);
}

static void judge_rename(char **name, const char *text)
{
	if (!text)
		return;
	free(*name);
	*name = judge_dup(text);
}

static int judge_files(const char *dir, const struct judge_names *names,
		       FILE *errors, struct verdict *ret)
{
	struct deadmx_scenario *scenario = NULL;
	struct target *target = NULL;
	char path[JUDGE_PATH_MAX];
	int rc;

	if ((size_t)snprintf(path, sizeof(path), "%s/target.yml", dir) >=
	    sizeof(path)) {
		fprintf(errors, "%s: the name is too long\n", dir);
		return -ENAMETOOLONG;
	}
	rc = deadmx_scenario_load_stored(dir, names->scenario_file, errors,
					 &scenario);
	if (rc < 0)
		return rc;
	rc = findings_check(scenario, errors)
		     ? target_load(path, errors, &target)
		     : -EINVAL;
	if (rc == 0) {
		target_set_expiry(target, scenario, NULL, 0);
		target_features_set_smarthost(target, scenario);
		/* Its own name as it ran: what is known goes by it. */
		if (names->scenario)
			scenario->name = names->scenario;
		rc = judge_run(scenario, target, dir, errors, ret);
		target_free(target);
	}
	if (rc == 0) {
		judge_rename(&ret->target, names->target);
	}
	deadmx_scenario_free(scenario);
	return rc;
}

int judge_dir(const char *dir, FILE *errors, struct verdict *ret)
{
	struct judge_names names = {0};
	int rc;

	judge_names_read(dir, &names);
	rc = judge_files(dir, &names, errors, ret);
	judge_names_release(&names);
	return rc;
}
