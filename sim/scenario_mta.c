/* SPDX-License-Identifier: MIT */
/*
 * Steps of the MTA itself: restarts in mid-run.
 */
#include "sim/scenario_read.h"

#include <assert.h>
#include <string.h>

static const char *const mta_words[] = {
#define XX(uc, word, doc) [DEADMX_MTA_##uc] = word,
	DEADMX_MTA_MAP(XX)
#undef XX
};

const char *deadmx_mta_word(enum deadmx_mta_action action)
{
	assert((unsigned)action < DEADMX_MTA_COUNT);
	return mta_words[action];
}

static void mta_at(struct deadmx_yaml *doc, const struct deadmx_yaml_node *node,
		   void *arg)
{
	struct deadmx_mta_step *step = arg;

	deadmx_yaml_duration(doc, node, &step->at_ns);
}

static void mta_do(struct deadmx_yaml *doc, const struct deadmx_yaml_node *node,
		   void *arg)
{
	struct deadmx_mta_step *step = arg;

	for (int i = 0; i < DEADMX_MTA_COUNT; i++)
		if (deadmx_yaml_is(node, mta_words[i])) {
			step->action = (enum deadmx_mta_action)i;
			return;
		}
	deadmx_yaml_wrong(doc, node, "do", "restart, kill, stop or start",
			  NULL);
}

const struct deadmx_yaml_key scenario_mta_keys[] = {
	{"at", mta_at, "when", true, "duration"},
	{"do", mta_do, "restart, kill, stop or start", true,
	 "'restart'|'kill'|'stop'|'start'"},
	{0},
};

/* In the order of time, and only a stopped MTA is started. */
static void mta_check(struct deadmx_yaml *doc, const struct deadmx_scenario *s)
{
	bool is_down = false;

	for (size_t i = 0; i < s->mta_step_count; i++) {
		const struct deadmx_mta_step *step = &s->mta_steps[i];
		bool is_start = step->action == DEADMX_MTA_START;

		if (i && step->at_ns <= s->mta_steps[i - 1].at_ns)
			deadmx_yaml_error(doc, &step->place,
					  "write them in the order of time",
					  "mta, this step does not come after "
					  "the one before it");
		if (is_start != is_down)
			deadmx_yaml_error(doc, &step->place, NULL,
					  "mta, expected %s, got %s: the MTA "
					  "%s then",
					  is_down ? "start"
						  : "restart, kill or stop",
					  mta_words[step->action],
					  is_down ? "is stopped" : "runs");
		is_down = step->action == DEADMX_MTA_STOP;
	}
}

void scenario_read_mta(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	const struct deadmx_yaml_node *child = node;
	struct deadmx_scenario *s = arg;
	size_t count = 1, before = doc->error_count;

	if (node->kind == DEADMX_YAML_LIST) {
		child = node->first;
		count = node->count;
	}
	if (count < 1 || count > DEADMX_SCENARIO_MTA_STEPS_MAX) {
		deadmx_yaml_error(doc, &node->place, NULL,
				  "mta, expected 1 to %d steps, got %zu",
				  DEADMX_SCENARIO_MTA_STEPS_MAX, count);
		return;
	}
	s->mta_steps =
		deadmx_arena_array(doc->arena, count, sizeof(*s->mta_steps));
	for (; count--; child = child->next) {
		struct deadmx_mta_step *step =
			&s->mta_steps[s->mta_step_count++];

		*step = (struct deadmx_mta_step){.place = child->place};
		deadmx_yaml_map(doc, child, "mta", scenario_mta_keys, step);
	}
	if (doc->error_count == before)
		mta_check(doc, s);
}
