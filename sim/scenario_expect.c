/* SPDX-License-Identifier: MIT */
/*
 * Expectations: counts, times and texts that the judge compares with.
 */
#include "sim/scenario_read.h"

#include <assert.h>
#include <string.h>

#define FIRST_WITHIN_NS (60 * DEADMX_NS_PER_S)

/* --- texts --------------------------------------------------------------- */

/* Exact, or /regular expression/. */
static bool text_read(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node,
		      struct deadmx_text *ret)
{
	size_t len;
	char *text;

	if (!deadmx_yaml_word(doc, node, &text))
		return false;
	deadmx_yaml_whole(doc, node);
	len = strlen(text);
	if (len >= 2 && text[0] == '/' && text[len - 1] == '/') {
		ret->text = deadmx_arena_copy(doc->arena, text + 1, len - 2);
		ret->is_regex = true;
		return deadmx_yaml_regex(doc, node, ret->text);
	}
	ret->text = text;
	return true;
}

/* --- ndr ----------------------------------------------------------------- */

static void ndr_recipient(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_expect_ndr *ndr = arg;

	if (deadmx_yaml_word(doc, node, &ndr->recipient) &&
	    !scenario_domain_of(ndr->recipient))
		deadmx_yaml_wrong(doc, node, "recipient", "a mail address",
				  NULL);
}

static void ndr_action(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	static const char *const words[] = {"failed", "delayed", "delivered",
					    "relayed", "expanded"};
	const size_t count = sizeof(words) / sizeof(words[0]);
	struct deadmx_expect_ndr *ndr = arg;

	if (!text_read(doc, node, &ndr->action) || ndr->action.is_regex)
		return;
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], node->text) == 0)
			return;
	deadmx_yaml_wrong(
		doc, node, "action",
		"failed, delayed, delivered, relayed or expanded",
		deadmx_yaml_did_you_mean(doc, node->text, words, count));
}

static void ndr_status(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_expect_ndr *ndr = arg;

	if (!text_read(doc, node, &ndr->status) || ndr->status.is_regex)
		return;
	if (!deadmx_yaml_is_status(node->text))
		deadmx_yaml_wrong(doc, node, "status",
				  "an enhanced code such as 4.4.7", NULL);
}

static void ndr_diagnostic(struct deadmx_yaml *doc,
			   const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_expect_ndr *ndr = arg;

	text_read(doc, node, &ndr->diagnostic);
}

static void ndr_text(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_expect_ndr *ndr = arg;

	text_read(doc, node, &ndr->text);
}

static void ndr_after(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_expect_ndr *ndr = arg;

	deadmx_yaml_range(doc, node, true, &ndr->after_ns);
}

const struct deadmx_yaml_key scenario_ndr_keys[] = {
	{"recipient", ndr_recipient,
	 "the recipient it speaks of (default: each of the mail)", false,
	 "address"},
	{"action", ndr_action, "the Action field, exact or /regex/", false,
	 "'failed'|'delayed'|'delivered'|'relayed'|'expanded'|regex"},
	{"status", ndr_status, "the Status field, exact or /regex/", false,
	 "status|regex"},
	{"diagnostic", ndr_diagnostic,
	 "the Diagnostic-Code field, exact or /regex/", false, "match"},
	{"text", ndr_text,
	 "stands somewhere in the part for people, exact or /regex/", false,
	 "match"},
	{"after", ndr_after, "when it comes, counted from the mail", false,
	 "times"},
	{0},
};

/* --- none, yes, or more -------------------------------------------------- */

/* True when the node is one of the two words. */
static bool wanted_word(const struct deadmx_yaml_node *node,
			enum deadmx_wanted *ret)
{
	*ret = DEADMX_WANTED_YES;
	if (deadmx_yaml_is(node, "none") || deadmx_yaml_is(node, "no"))
		*ret = DEADMX_WANTED_NONE;
	else if (!deadmx_yaml_is(node, "yes"))
		return false;
	return true;
}

static void expect_ndr(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_expect *e = arg;
	const struct deadmx_yaml_node *child = node;

	e->ndr_place = node->key->place;
	if (wanted_word(node, &e->ndr))
		return;
	if (node->kind == DEADMX_YAML_TEXT) {
		deadmx_yaml_wrong(doc, node, "ndr",
				  "none, yes, a map or a list of maps", NULL);
		return;
	}
	if (node->kind == DEADMX_YAML_LIST)
		child = node->first;
	e->ndrs = deadmx_arena_array(
		doc->arena, node->kind == DEADMX_YAML_LIST ? node->count : 1,
		sizeof(*e->ndrs));
	for (; child; child = child->next) {
		struct deadmx_expect_ndr *ndr = &e->ndrs[e->ndr_count++];

		ndr->place = child->place;
		deadmx_yaml_map(doc, child, "ndr", scenario_ndr_keys, ndr);
		if (node->kind != DEADMX_YAML_LIST)
			break;
	}
	if (!e->ndr_count)
		deadmx_yaml_error(doc, &node->place, "write ndr: none",
				  "ndr, expected at least one row, got none");
}

static void notice_after(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_expect *e = arg;

	deadmx_yaml_range(doc, node, true, &e->delay_notice_after_ns);
}

const struct deadmx_yaml_key scenario_notice_keys[] = {
	{"after", notice_after, "when the first one comes, from the mail on",
	 true, "times"},
	{0},
};

static void expect_notice(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_expect *e = arg;

	e->delay_notice_place = node->key->place;
	if (wanted_word(node, &e->delay_notice))
		return;
	if (node->kind == DEADMX_YAML_MAP)
		deadmx_yaml_map(doc, node, "delay_notice", scenario_notice_keys,
				e);
	else
		deadmx_yaml_wrong(doc, node, "delay_notice",
				  "none, yes or {after: 4h..5h}", NULL);
}

static void delivered_after(struct deadmx_yaml *doc,
			    const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_expect *e = arg;

	deadmx_yaml_range(doc, node, true, &e->delivered_after_ns);
}

static void delivered_count(struct deadmx_yaml *doc,
			    const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_expect *e = arg;

	deadmx_yaml_range(doc, node, false, &e->delivered_count);
}

const struct deadmx_yaml_key scenario_delivered_keys[] = {
	{"after", delivered_after, "when, counted from the mail", false,
	 "times"},
	{"count", delivered_count, "how many deliveries in all", false,
	 "counts"},
	{0},
};

static void expect_delivered(struct deadmx_yaml *doc,
			     const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_expect *e = arg;

	e->delivered_place = node->key->place;
	if (wanted_word(node, &e->delivered))
		return;
	if (node->kind == DEADMX_YAML_MAP)
		deadmx_yaml_map(doc, node, "delivered", scenario_delivered_keys,
				e);
	else
		deadmx_yaml_wrong(doc, node, "delivered",
				  "none, yes or {after: 30h..32h, count: 1}",
				  NULL);
}

/* --- attempts ------------------------------------------------------------ */

static void expect_attempts(struct deadmx_yaml *doc,
			    const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_expect *e = arg;

	e->attempts_place = node->key->place;
	deadmx_yaml_range(doc, node, false, &e->attempts);
}

static void expect_gaps(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_expect *e = arg;

	e->gaps_place = node->key->place;
	deadmx_yaml_range(doc, node, true, &e->gaps_ns);
}

static void first_times(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_expect *e = arg;
	const struct deadmx_yaml_node *child;
	size_t n = 0;

	if (node->kind != DEADMX_YAML_LIST || !node->count) {
		deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node),
				  "a list of times", NULL);
		return;
	}
	e->first_attempts_ns =
		deadmx_arena_array(doc->arena, node->count, sizeof(int64_t));
	for (child = node->first; child; child = child->next, n++) {
		if (!deadmx_yaml_duration(doc, child, &e->first_attempts_ns[n]))
			return;
		if (n && e->first_attempts_ns[n] < e->first_attempts_ns[n - 1])
			deadmx_yaml_wrong(doc, child, deadmx_yaml_name(node),
					  "rising times", NULL);
	}
	e->first_attempt_count = n;
}

static void first_within(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_expect *e = arg;

	deadmx_yaml_duration(doc, node, &e->first_attempts_tolerance_ns);
}

const struct deadmx_yaml_key scenario_first_keys[] = {
	{"times", first_times, "when the first attempts are made", true,
	 "list duration"},
	{"within", first_within, "tolerance to both sides (default 60s)", false,
	 "duration"},
	{0},
};

static void expect_first(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_expect *e = arg;

	e->first_attempts_place = node->key->place;
	if (node->kind == DEADMX_YAML_MAP)
		deadmx_yaml_map(doc, node, "first_attempts",
				scenario_first_keys, e);
	else
		first_times(doc, node, e);
}

/* --- failover, duplicates ------------------------------------------------ */

static void expect_failover(struct deadmx_yaml *doc,
			    const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_expect *e = arg;

	e->failover_place = node->key->place;
	if (wanted_word(node, &e->failover))
		return;
	e->failover = DEADMX_WANTED_YES;
	if (node->kind != DEADMX_YAML_LIST || !node->count)
		deadmx_yaml_wrong(doc, node, "failover",
				  "none, yes or a list of servers", NULL);
	else
		deadmx_yaml_texts(doc, node, &e->failover_hosts,
				  &e->failover_host_count);
}

static void expect_duplicates(struct deadmx_yaml *doc,
			      const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_expect *e = arg;

	e->duplicates_place = node->key->place;
	if (deadmx_yaml_is(node, "none"))
		e->duplicates = (struct deadmx_range){.set = true};
	else
		deadmx_yaml_range(doc, node, false, &e->duplicates);
}

static void expect_faults(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_expect *e = arg;

	if (deadmx_yaml_is(node, "none"))
		e->no_fault_ok = true;
	else
		deadmx_yaml_wrong(doc, node, "faults", "none",
				  "leave it out when a fault is to fire");
}

/* --- checks -------------------------------------------------------------- */

static const char *const check_words[] = {
#define XX(uc, word, doc) [DEADMX_CHECK_##uc] = word,
	DEADMX_CHECK_MAP(XX)
#undef XX
};

const char *deadmx_check_word(enum deadmx_check_severity severity)
{
	assert((unsigned)severity < DEADMX_CHECK_COUNT);
	return check_words[severity];
}

static void check_severity(struct deadmx_yaml *doc,
			   const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_check *check = arg;

	for (int i = 0; i < DEADMX_CHECK_COUNT; i++)
		if (deadmx_yaml_is(node, check_words[i])) {
			check->severity = (enum deadmx_check_severity)i;
			return;
		}
	deadmx_yaml_wrong(doc, node, "severity", "off, note, should or must",
			  NULL);
}

static void check_reason(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_check *check = arg;

	deadmx_yaml_word(doc, node, &check->reason);
}

const struct deadmx_yaml_key scenario_check_keys[] = {
	{"severity", check_severity, "off, note, should or must", true,
	 "'off'|'note'|'should'|'must'"},
	{"reason", check_reason, "why; the report shows it", true, "word"},
	{0},
};

static void expect_checks(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg)
{
	const struct deadmx_yaml_node *child;
	struct deadmx_expect *e = arg;

	if (node->kind != DEADMX_YAML_MAP || !node->count ||
	    node->count > DEADMX_SCENARIO_CHECKS_MAX) {
		deadmx_yaml_wrong(doc, node, "checks",
				  "a map (id of a finding: how it counts)",
				  NULL);
		return;
	}
	e->checks =
		deadmx_arena_array(doc->arena, node->count, sizeof(*e->checks));
	for (child = node->first; child; child = child->next) {
		struct deadmx_check *check = &e->checks[e->check_count++];

		*check = (struct deadmx_check){.place = child->key->place,
					       .id = child->key->text};
		if (strncmp(check->id, "run/", 4) == 0)
			deadmx_yaml_error(doc, &check->place, NULL,
					  "checks, expected a finding about "
					  "the MTA, got %.80s: that the run "
					  "was no valid test can't be changed",
					  check->id);
		deadmx_yaml_map(doc, child, "check", scenario_check_keys,
				check);
	}
}

const struct deadmx_yaml_key scenario_expect_keys[] = {
	{"attempts", expect_attempts,
	 "number of delivery attempts for each recipient", false, "counts"},
	{"gaps", expect_gaps, "the time between two attempts, each of them",
	 false, "times"},
	{"first_attempts", expect_first,
	 "when the first attempts are made, counted from the mail", false,
	 "list duration|table first_attempts"},
	{"delay_notice", expect_notice,
	 "none, yes, or when: a message that says delayed", false,
	 "'none'|yes|table delay_notice"},
	{"ndr", expect_ndr, "none, yes, or what the final bounce says", false,
	 "'none'|yes|table ndr|list table ndr"},
	{"delivered", expect_delivered, "none, yes, or when and how often",
	 false, "'none'|yes|table delivered"},
	{"failover", expect_failover,
	 "none, yes, or the order in which the servers are tried in each round",
	 false, "'none'|'no'|'yes'|list domain"},
	{"duplicates", expect_duplicates,
	 "none, or how often a delivered mail may come again", false,
	 "'none'|counts"},
	{"checks", expect_checks,
	 "checks of the judge that count otherwise here, by id", false,
	 "map table check"},
	{"faults", expect_faults,
	 "none: a control, in which no fault is meant to fire", false,
	 "'none'"},
	{0},
};

void scenario_read_expect(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg)
{
	struct scenario_reader *reader = doc->user;
	struct deadmx_scenario *s = arg;
	size_t before = doc->error_count;

	s->expect.place = node->place;
	s->expect.first_attempts_tolerance_ns = FIRST_WITHIN_NS;
	deadmx_yaml_map(doc, node, "expect", scenario_expect_keys, &s->expect);
	reader->bad_expect = doc->error_count > before;
}
