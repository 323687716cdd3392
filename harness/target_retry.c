/* SPDX-License-Identifier: MIT */
/* Retry rules in target files: see target_retry.h and docs/targets.md. */
#include "harness/target_retry.h"

#include <string.h>

enum {
	FACTOR_DECIMALS = 3,
	FACTOR_TEXT_MAX = 16, /* bytes of one factor */
};

/* Handlers that only put a duration in its place. */
#define DURATION_INTO(member)                                                  \
	static void read_##member(struct deadmx_yaml *doc,                     \
				  const struct deadmx_yaml_node *node,         \
				  void *arg)                                   \
	{                                                                      \
		struct target_retry_step *step = arg;                          \
                                                                               \
		deadmx_yaml_duration(doc, node, &step->member##_ns);           \
	}

DURATION_INTO(base)
DURATION_INTO(add)
DURATION_INTO(cap)
DURATION_INTO(random)
DURATION_INTO(tick)
DURATION_INTO(burst_gap)
DURATION_INTO(until)

/* "2", "1.5": thousandths; false when it is no such number. */
static bool factor_parse(const char *text, size_t len, int64_t *ret)
{
	int64_t value = 0;
	int decimals = -1; /* not yet at the point */

	if (!len || len > FACTOR_TEXT_MAX || text[0] == '.' ||
	    text[len - 1] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.' && decimals < 0) {
			decimals = 0;
			continue;
		}
		if (text[i] < '0' || text[i] > '9' ||
		    decimals == FACTOR_DECIMALS ||
		    value > TARGET_RETRY_FACTOR_MAX)
			return false;
		value = value * 10 + (text[i] - '0');
		decimals += decimals >= 0;
	}
	for (decimals = decimals < 0 ? 0 : decimals; decimals < FACTOR_DECIMALS;
	     decimals++)
		value *= 10;
	*ret = value;
	return value >= TARGET_RETRY_FACTOR_ONE &&
	       value <= TARGET_RETRY_FACTOR_MAX;
}

/* "2", "1.5..2.5" */
static bool factors_parse(const char *text, int64_t *ret_min, int64_t *ret_max)
{
	const char *dots = strstr(text, "..");

	if (!dots) {
		if (!factor_parse(text, strlen(text), ret_min))
			return false;
		*ret_max = *ret_min;
		return true;
	}
	return factor_parse(text, (size_t)(dots - text), ret_min) &&
	       factor_parse(dots + 2, strlen(dots + 2), ret_max) &&
	       *ret_min <= *ret_max;
}

static void read_factor(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *node, void *arg)
{
	struct target_retry_step *step = arg;
	int64_t min, max;

	if (deadmx_yaml_is(node, "age")) {
		step->is_age = true;
		return;
	}
	if (node->kind != DEADMX_YAML_TEXT ||
	    !factors_parse(node->text, &min, &max)) {
		deadmx_yaml_wrong(doc, node, "factor",
				  "a number from 1 to 100 such as 2 or 1.5, a "
				  "range of them such as 1.5..2.5, or age",
				  NULL);
		return;
	}
	step->factor_min = min;
	step->factor_max = max;
}

#define XX(uc, word, doc) word,
static const char *const from_words[] = {TARGET_RETRY_FROM_MAP(XX)};
static const char *const since_words[] = {TARGET_RETRY_SINCE_MAP(XX)};
#undef XX

/* Index of the word at @node; -1 when it is none of them, which is told. */
static int word_read(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node,
		     const char *const *words, int count, const char *expected)
{
	for (int i = 0; i < count; i++)
		if (deadmx_yaml_is(node, words[i]))
			return i;
	deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node), expected, NULL);
	return -1;
}

static void read_from(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	struct target_retry_step *step = arg;
	int i = word_read(doc, node, from_words, TARGET_RETRY_FROM_COUNT,
			  "end, start or arrival");

	if (i >= 0)
		step->from = (enum target_retry_from)i;
}

static void read_since(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	struct target_retry_step *step = arg;
	int i = word_read(doc, node, since_words, TARGET_RETRY_SINCE_COUNT,
			  "arrival or failure");

	if (i >= 0)
		step->since = (enum target_retry_since)i;
}

static void read_burst(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	struct target_retry_step *step = arg;

	deadmx_yaml_count(doc, node, 2, TARGET_RETRY_BURST_MAX, &step->burst);
}

static void read_times(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	struct target_retry_step *step = arg;

	deadmx_yaml_count(doc, node, 1, TARGET_RETRY_TIMES_MAX, &step->times);
}

#define XX(uc, word, doc) "'" word "'|"
const struct deadmx_yaml_key target_retry_keys[] = {
	{"base", read_base,
	 "the first wait (default 0s: as soon as the next tick comes)", false,
	 "duration"},
	{"factor", read_factor,
	 "each wait is so many times the one before: 2, 1.5, or any number of "
	 "a range, 1.5..2.5 (default 1); age: each wait is the mail's age, "
	 "between base and cap",
	 false, "'age'|word"},
	{"add", read_add, "each wait is so much longer than the one before",
	 false, "duration"},
	{"cap", read_cap, "no wait is longer", false, "duration"},
	{"random", read_random, "up to this is added to each wait by lot",
	 false, "duration"},
	{"tick", read_tick,
	 "period of the queue runs: the attempt comes with the first one when "
	 "it is due",
	 false, "duration"},
	{"from", read_from,
	 "what a wait counts from: the end of the attempt before (default), "
	 "its start, or the mail's arrival, where all waits add up",
	 false, TARGET_RETRY_FROM_MAP(XX)},
	{"burst", read_burst,
	 "so many attempts belong together; the wait follows the last of them",
	 false, "count 2..100"},
	{"burst_gap", read_burst_gap, "the wait between those", false,
	 "duration"},
	{"until", read_until,
	 "the step ends when the mail is older than this at the end of an "
	 "attempt",
	 false, "duration"},
	{"since", read_since,
	 "what until counts from: arrival (default), or failure, the first "
	 "one of the same kind in a row",
	 false, TARGET_RETRY_SINCE_MAP(XX)},
	{"times", read_times, "the step ends after so many waits", false,
	 "count 1..10000"},
	{0},
};
#undef XX

/* What no key can tell alone. */
static void step_check(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node,
		       const struct target_retry_step *step)
{
	const struct deadmx_place *place = &node->place;

	if (!step->base_ns && !step->tick_ns)
		deadmx_yaml_error(doc, place, NULL,
				  "retry, expected base, tick or both, got "
				  "neither");
	if (step->cap_ns && step->cap_ns < step->base_ns)
		deadmx_yaml_error(doc, &deadmx_yaml_get(node, "cap")->place,
				  NULL,
				  "cap, expected no less than base, got \"%s\"",
				  deadmx_yaml_get(node, "cap")->text);
	if ((step->burst > 1) != (step->burst_gap_ns > 0))
		deadmx_yaml_error(doc, place, NULL,
				  "retry, expected burst and burst_gap "
				  "together, got one of them");
	if (step->is_age && !step->cap_ns)
		deadmx_yaml_error(doc, place,
				  "without it each wait is as long as all "
				  "before it",
				  "retry, expected a cap with factor: age, got "
				  "none");
	if (step->from == TARGET_RETRY_FROM_ARRIVAL &&
	    (step->is_age || step->factor_min != step->factor_max))
		deadmx_yaml_error(doc, &deadmx_yaml_get(node, "from")->place,
				  NULL,
				  "from, expected a factor that is a number "
				  "with arrival, got another");
	if (step->since != TARGET_RETRY_SINCE_ARRIVAL && !step->until_ns)
		deadmx_yaml_error(doc, &deadmx_yaml_get(node, "since")->place,
				  NULL,
				  "since, expected until beside it, got "
				  "none");
}

static void step_read(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node,
		      struct target_retry_step *step)
{
	*step = (struct target_retry_step){
		.factor_min = TARGET_RETRY_FACTOR_ONE,
		.factor_max = TARGET_RETRY_FACTOR_ONE,
		.burst = 1};
	if (deadmx_yaml_map(doc, node, "retry", target_retry_keys, step))
		step_check(doc, node, step);
}

/* Each step has to end, or the next one is never reached. */
static void order_check(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *node,
			const struct target_retry_step *step, bool is_last,
			int64_t *until_ns)
{
	if (!is_last && !step->until_ns && !step->times)
		deadmx_yaml_error(doc, &node->place,
				  "the next step would never be reached",
				  "retry, expected until or times in a step "
				  "that is not the last, got neither");
	if (step->until_ns && step->until_ns <= *until_ns)
		deadmx_yaml_error(doc, &deadmx_yaml_get(node, "until")->place,
				  NULL,
				  "until, expected more than in the step "
				  "before, got \"%s\"",
				  deadmx_yaml_get(node, "until")->text);
	if (step->until_ns)
		*until_ns = step->until_ns;
}

static void steps_read(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node,
		       struct target_retry *retry)
{
	const struct deadmx_yaml_node *child = node;
	bool is_list = node->kind == DEADMX_YAML_LIST;
	int64_t until_ns = 0;

	if (is_list && (!node->count || node->count > TARGET_RETRY_STEPS_MAX)) {
		deadmx_yaml_error(doc, &node->place, NULL,
				  "retry, expected 1 to %d steps, got %zu",
				  TARGET_RETRY_STEPS_MAX, node->count);
		return;
	}
	retry->count = is_list ? node->count : 1;
	retry->steps = deadmx_arena_array(doc->arena, retry->count,
					  sizeof(*retry->steps));
	child = is_list ? node->first : node;
	for (size_t i = 0; i < retry->count; i++) {
		step_read(doc, child, &retry->steps[i]);
		if (child->kind == DEADMX_YAML_MAP)
			order_check(doc, child, &retry->steps[i],
				    i + 1 == retry->count, &until_ns);
		child = child->next;
	}
}

static void range_read(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node,
		       struct target_retry *retry)
{
	struct deadmx_range range;

	if (!deadmx_yaml_range(doc, node, true, &range))
		return;
	if (range.max == DEADMX_FOREVER_NS) {
		deadmx_yaml_wrong(doc, node, "retry",
				  "a longest gap, too, such as 5m..75m", NULL);
		return;
	}
	retry->count = 1;
	retry->steps = deadmx_arena_alloc(doc->arena, sizeof(*retry->steps));
	*retry->steps = (struct target_retry_step){
		.base_ns = range.min,
		.random_ns = range.max - range.min,
		.is_range = true,
		.factor_min = TARGET_RETRY_FACTOR_ONE,
		.factor_max = TARGET_RETRY_FACTOR_ONE,
		.burst = 1};
}

void target_retry_read(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node,
		       struct target_retry *ret)
{
	struct target_retry retry = {0};
	size_t errors = doc->error_count;

	if (node->kind == DEADMX_YAML_TEXT)
		range_read(doc, node, &retry);
	else
		steps_read(doc, node, &retry);
	if (doc->error_count == errors)
		*ret = retry;
}
