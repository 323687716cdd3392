/* SPDX-License-Identifier: MIT */
/*
 * Conditions of a timeline's rows: for whom, how often, by lot. And whether
 * they can be known at the stages that the row speaks of.
 */
#include "sim/scenario_read.h"
#include "sim/spf.h"

#include <string.h>

/* --- how often ----------------------------------------------------------- */

void scenario_row_probability(struct deadmx_yaml *doc,
			      const struct deadmx_yaml_node *node, void *arg)
{
	struct scenario_row *row = arg;

	if (deadmx_yaml_percent(doc, node, &row->like.probability_ppm) &&
	    !row->like.probability_ppm)
		deadmx_yaml_wrong(doc, node, "probability",
				  "more than 0%, up to 100%",
				  "a row that never fires can be left out");
}

/* Both count from 1. */
static void nth_read(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node,
		     struct deadmx_range *ret)
{
	if (deadmx_yaml_range(doc, node, false, ret) && ret->max < 1)
		deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node),
				  "a count from 1", NULL);
}

void scenario_row_attempt(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg)
{
	struct scenario_row *row = arg;

	nth_read(doc, node, &row->like.attempt);
}

void scenario_row_ip(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node, void *arg)
{
	struct scenario_row *row = arg;

	if (deadmx_yaml_is(node, "4") || deadmx_yaml_is(node, "6"))
		row->like.ip_version = node->text[0] - '0';
	else
		deadmx_yaml_wrong(doc, node, "ip", "4 or 6", NULL);
}

void scenario_row_connection(struct deadmx_yaml *doc,
			     const struct deadmx_yaml_node *node, void *arg)
{
	struct scenario_row *row = arg;

	nth_read(doc, node, &row->like.connection);
}

/* --- for whom ------------------------------------------------------------ */

static bool is_address(const char *text)
{
	const char *domain = scenario_domain_of(text);

	if (text[0] == '@')
		return scenario_is_domain(text + 1);
	return strlen(text) <= DEADMX_ADDRESS_LEN_MAX && domain &&
	       scenario_is_domain(domain) && !strpbrk(text, " \t\r\n<>,;");
}

static void address_read(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node,
			 struct deadmx_text *ret)
{
	const char *text = node->text;
	size_t len = node->len;

	if (node->kind != DEADMX_YAML_TEXT || !len) {
		deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node),
				  "an address, a @domain or a /regex/", NULL);
		return;
	}
	if (len >= 2 && text[0] == '/' && text[len - 1] == '/') {
		ret->text = deadmx_arena_copy(doc->arena, text + 1, len - 2);
		ret->is_regex = true;
		deadmx_yaml_regex(doc, node, ret->text);
		return;
	}
	ret->text = node->text;
	if (!is_address(text))
		deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node),
				  "an address, a @domain or a /regex/",
				  scenario_is_domain(text)
					  ? "write @ before a domain"
					  : NULL);
}

void scenario_row_sender(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, void *arg)
{
	struct scenario_row *row = arg;

	if (node->kind == DEADMX_YAML_TEXT && !node->len &&
	    !deadmx_yaml_is_empty(node))
		row->like.sender.text = node->text;
	else
		address_read(doc, node, &row->like.sender);
}

void scenario_row_recipient(struct deadmx_yaml *doc,
			    const struct deadmx_yaml_node *node, void *arg)
{
	struct scenario_row *row = arg;

	address_read(doc, node, &row->like.recipient);
}

/* "softfail", or "not pass": all but that. False: it is neither. */
static bool spf_read(const char *text, unsigned *ret)
{
	static const char negation[] = "not ";
	bool is_not = strncmp(text, negation, strlen(negation)) == 0;
	enum deadmx_spf result;

	if (spf_parse(is_not ? text + strlen(negation) : text, &result) < 0)
		return false;
	*ret |= is_not ? ((1u << DEADMX_SPF_COUNT) - 1) & ~(1u << result)
		       : 1u << result;
	return true;
}

void scenario_row_spf(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	struct scenario_row *row = arg;
	const char *words[DEADMX_SPF_COUNT], *bad = NULL;
	char **texts = NULL;
	size_t count = 0;

	for (int i = 0; i < DEADMX_SPF_COUNT; i++)
		words[i] = spf_word((enum deadmx_spf)i);
	if (deadmx_yaml_is_empty(node)) {
		bad = "";
	} else {
		if (!deadmx_yaml_texts(doc, node, &texts, &count))
			return;
		bad = count ? NULL : "";
	}
	for (size_t i = 0; i < count && !bad; i++)
		if (!spf_read(texts[i], &row->like.spf))
			bad = texts[i];
	if (bad)
		deadmx_yaml_wrong(doc, node, "spf",
				  "results of SPF such as none, [softfail, "
				  "fail] or not pass",
				  deadmx_yaml_did_you_mean(doc, bad, words,
							   DEADMX_SPF_COUNT));
}

/* --- where they can be known --------------------------------------------- */

static bool has_sender(enum deadmx_stage stage)
{
	return stage == DEADMX_STAGE_MAIL || stage == DEADMX_STAGE_RCPT ||
	       stage == DEADMX_STAGE_DATA || stage == DEADMX_STAGE_BODY ||
	       stage == DEADMX_STAGE_DOT || stage == DEADMX_STAGE_RSET;
}

static void unknown_at(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *row, const char *word,
		       const char *what, enum deadmx_stage stage)
{
	const struct deadmx_yaml_node *key = deadmx_yaml_get(row, word);

	if (key)
		deadmx_yaml_error(doc, &key->key->place,
				  "put the stages where it is known into a row "
				  "of their own",
				  "%s, but at %s no %s is known", word,
				  deadmx_stage_word(stage), what);
}

/* What holds at connect is told to the kernel, for all that come meanwhile. */
static void connect_check(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *row,
			  const struct deadmx_fault *f)
{
	static const char *const words[] = {"first", "times", "probability",
					    "connection"};
	bool hangs_up = f->action == DEADMX_ACTION_DROP ||
			f->action == DEADMX_ACTION_RESET;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const struct deadmx_yaml_node *key =
			deadmx_yaml_get(row, words[i]);

		if (key)
			deadmx_yaml_error(doc, &key->key->place,
					  hangs_up
						  ? "write it at banner, where "
						    "connections are counted"
						  : "use until, for or every",
					  "%s can't count connections at "
					  "connect: the server never sees "
					  "those that fail",
					  words[i]);
	}
}

void scenario_row_check(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *row,
			const struct deadmx_fault *f)
{
	if (f->stage == DEADMX_STAGE_CONNECT)
		connect_check(doc, row, f);
	if (!has_sender(f->stage)) {
		unknown_at(doc, row, "sender", "sender", f->stage);
		unknown_at(doc, row, "spf", "sender", f->stage);
	}
	if (has_sender(f->stage) && f->stage != DEADMX_STAGE_MAIL)
		return;
	unknown_at(doc, row, "recipient", "recipient", f->stage);
	unknown_at(doc, row, "attempt", "recipient", f->stage);
}
