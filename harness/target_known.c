/* SPDX-License-Identifier: MIT */
#include "harness/target_known.h"

#include "harness/filter.h"
#include "harness/judge/findings.h"
#include "harness/target.h"

static void known_finding(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg)
{
	static const char *ids[FINDING_COUNT];
	struct target_known *known = arg;

	if (!deadmx_yaml_texts(doc, node, &known->findings,
			       &known->finding_count))
		return;
	for (int i = 0; i < FINDING_COUNT; i++)
		ids[i] = finding_id((enum finding_id)i);
	for (size_t i = 0; i < known->finding_count; i++)
		if (!finding_is_known(known->findings[i]))
			deadmx_yaml_error(
				doc, &node->place,
				deadmx_yaml_did_you_mean(doc,
							 known->findings[i],
							 ids, FINDING_COUNT),
				"finding, expected ids of findings "
				"(docs/findings-ids.md), got \"%.80s\"",
				known->findings[i]);
}

static void known_scenario(struct deadmx_yaml *doc,
			   const struct deadmx_yaml_node *node, void *arg)
{
	struct target_known *known = arg;

	if (deadmx_yaml_word(doc, node, &known->scenario) &&
	    !filter_is_valid(known->scenario))
		deadmx_yaml_wrong(doc, node, "scenario",
				  "patterns with commas between them", NULL);
}

static void known_observed(struct deadmx_yaml *doc,
			   const struct deadmx_yaml_node *node, void *arg)
{
	struct target_known *known = arg;

	deadmx_yaml_word(doc, node, &known->observed);
}

static void known_reason(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, void *arg)
{
	struct target_known *known = arg;

	deadmx_yaml_word(doc, node, &known->reason);
}

static void known_source(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, void *arg)
{
	struct target_known *known = arg;

	deadmx_yaml_word(doc, node, &known->source);
}

const struct deadmx_yaml_key target_known_keys[] = {
	{"finding", known_finding,
	 "id of the finding (findings-ids.md), or a list of them", true,
	 "word|list word"},
	{"scenario", known_scenario,
	 "where it is known: tags, names or patterns, as for --filter "
	 "(default: "
	 "everywhere)",
	 false, "word"},
	{"observed", known_observed,
	 "words that are in what was observed (default: whatever it was)",
	 false, "word"},
	{"reason", known_reason, "whose fault or choice it is, and which", true,
	 "word"},
	{"source", known_source, "where that is told", true, "word"},
	{0},
};

void target_known_read(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	const struct deadmx_yaml_node *child;
	struct target_known *known;
	struct target *t = arg;

	if (node->kind != DEADMX_YAML_LIST || node->count > TARGET_KNOWN_MAX) {
		deadmx_yaml_error(doc, &node->place,
				  "each begins with - finding: …",
				  "known, expected a list of at most %d",
				  TARGET_KNOWN_MAX);
		return;
	}
	t->known = deadmx_arena_array(doc->arena, node->count, sizeof(*known));
	for (child = node->first; child; child = child->next) {
		known = &t->known[t->known_count++];
		known->place = child->place;
		deadmx_yaml_map(doc, child, "known", target_known_keys, known);
	}
}
