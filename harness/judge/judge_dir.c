/* SPDX-License-Identifier: MIT */
/* A stored run judged again: harness/judge/judge.h, judge_dir(). */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/event_log.h"
#include "harness/judge/judge.h"

static void judge_rename(char **name, const char *text)
{
	if (!text)
		return;
	free(*name);
	*name = strdup(text);
	assert(*name);
}

/* The names the run had: those of the copies in the folder say nothing. */
static void judge_names(const char *dir, struct verdict *v)
{
	struct event_log *log;
	struct event e;
	char path[4096];

	if ((size_t)snprintf(path, sizeof(path), "%s/events.ndjson", dir) >=
		    sizeof(path) ||
	    event_log_open(path, JUDGE_EVENTS_MAX, &log) < 0)
		return;
	while (event_log_next(log, &e) > 0) {
		if (e.type != DEADMX_EVENT_RUN)
			continue;
		judge_rename(&v->scenario, event_text(&e, "scenario"));
		judge_rename(&v->target, event_text(&e, "target"));
		break;
	}
	event_log_close(log);
}

int judge_dir(const char *dir, FILE *errors, struct verdict *ret)
{
	struct deadmx_scenario *scenario = NULL;
	struct target *target = NULL;
	char path[4096];
	int rc;

	if ((size_t)snprintf(path, sizeof(path), "%s/scenario.yml", dir) >=
	    sizeof(path) - sizeof("events.ndjson")) {
		fprintf(errors, "%s: the name is too long\n", dir);
		return -ENAMETOOLONG;
	}
	rc = deadmx_scenario_load(path, errors, &scenario);
	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "%s/target.yml", dir);
	rc = target_load(path, errors, &target);
	if (rc == 0)
		rc = judge_run(scenario, target, dir, errors, ret);
	if (rc == 0)
		judge_names(dir, ret);
	if (target)
		target_free(target);
	deadmx_scenario_free(scenario);
	return rc;
}
