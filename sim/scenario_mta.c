/* SPDX-License-Identifier: MIT */
/*
 * Steps of the MTA itself: restarts in mid-run.
 */
#include "sim/scenario_read.h"
#include "sim/scenario_window.h"

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

#define MTA_WORDS "restart, kill, stop, start, disk_full or disk_free"

static void mta_at(struct deadmx_yaml *doc, const struct deadmx_yaml_node *node,
		   void *arg)
{
	struct deadmx_mta_step *step = arg;

	scenario_moment_read(doc, node, &step->at_ns, &step->at_expiry);
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
	deadmx_yaml_wrong(doc, node, "do", MTA_WORDS, NULL);
}

const struct deadmx_yaml_key scenario_mta_keys[] = {
	{"at", mta_at, "when", true, "moment"},
	{"do", mta_do, MTA_WORDS, true,
	 "'restart'|'kill'|'stop'|'start'|'disk_full'|'disk_free'"},
	{0},
};

/* What the steps so far have made of the MTA. */
struct mta_state {
	bool is_down, is_full;
};

static void mta_check_disk(struct deadmx_yaml *doc,
			   const struct deadmx_mta_step *step,
			   struct mta_state *state)
{
	bool fills = step->action == DEADMX_MTA_DISK_FULL;

	if (fills == state->is_full)
		deadmx_yaml_error(doc, &step->place, NULL,
				  "mta, expected no %s: the disk is %s then",
				  mta_words[step->action],
				  fills ? "full" : "not full");
	state->is_full = fills;
}

static void mta_check_run(struct deadmx_yaml *doc,
			  const struct deadmx_mta_step *step,
			  struct mta_state *state)
{
	bool is_start = step->action == DEADMX_MTA_START;

	if (is_start != state->is_down)
		deadmx_yaml_error(doc, &step->place, NULL,
				  "mta, expected %s, got %s: the MTA %s then",
				  state->is_down ? "start"
						 : "restart, kill or stop",
				  mta_words[step->action],
				  state->is_down ? "is stopped" : "runs");
	state->is_down = step->action == DEADMX_MTA_STOP;
}

/*
 * Only a stopped MTA is started, and only a full disk freed. The order of
 * times that count from expiry is known when expiry is, see
 * deadmx_scenario_set_expiry().
 */
static void mta_check(struct deadmx_yaml *doc, const struct deadmx_scenario *s)
{
	struct mta_state state = {false, false};

	for (size_t i = 0; i < s->mta_step_count; i++) {
		const struct deadmx_mta_step *step = &s->mta_steps[i];
		const struct deadmx_mta_step *before = i ? step - 1 : NULL;

		if (before && !step->at_expiry.is_set &&
		    !before->at_expiry.is_set && step->at_ns <= before->at_ns)
			deadmx_yaml_error(doc, &step->place,
					  "write them in the order of time",
					  "mta, this step does not come after "
					  "the one before it");
		if (step->action == DEADMX_MTA_DISK_FULL ||
		    step->action == DEADMX_MTA_DISK_FREE)
			mta_check_disk(doc, step, &state);
		else
			mta_check_run(doc, step, &state);
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
