/* SPDX-License-Identifier: MIT */
/*
 * Timelines: rows of window and stages, made into one fault per stage.
 */
#include "sim/scenario_read.h"

#include <string.h>

#include "sim/reply_text.h"

/* One row while it is read. */
struct row {
	struct deadmx_server *server;
	size_t first_fault; /* the row's faults are the server's last ones */
	int64_t from_ns, until_ns, for_ns;
	int64_t first;
	const struct deadmx_yaml_node *until, *span, *count;
};

/* --- what a stage does --------------------------------------------------- */

static void stage_wrong(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *node, const char *hint)
{
	deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node),
			  strcmp(deadmx_yaml_name(node), "connect") == 0
				  ? "refuse, blackhole, unreachable or accept"
				  : "a reply, stall, drip, drop, reset or "
				    "accept",
			  hint);
}

static void reply_read(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node,
		       struct deadmx_fault *f)
{
	char why[256];

	f->action = DEADMX_ACTION_REPLY;
	f->reply = node->text;
	if (!reply_text_check(node->text, why, sizeof(why)))
		deadmx_yaml_error(doc, &node->place, NULL, "reply, %s", why);
}

static void reply_look_up(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node,
			  struct deadmx_fault *f)
{
	struct scenario_reader *reader = doc->user;
	const struct reply_catalogue_entry *e;
	const char *nearest, *hint;

	if (!reader->catalogue &&
	    reply_catalogue_new(reply_catalogue_files, doc->errors,
				&reader->catalogue) < 0) {
		deadmx_yaml_error(doc, &node->place, NULL,
				  "the reply catalogue is broken");
		return;
	}
	f->action = DEADMX_ACTION_REPLY;
	e = reply_catalogue_find(reader->catalogue, node->text);
	if (e) {
		f->reply_name = node->text;
		f->reply = deadmx_arena_copy(doc->arena, e->reply,
					     strlen(e->reply));
		return;
	}
	nearest = reply_catalogue_nearest(reader->catalogue, node->text);
	hint = nearest ? deadmx_arena_printf(doc->arena, "did you mean \"%s\"?",
					     nearest)
		       : "docs/scenarios.md lists the names; a reply begins "
			 "with a three-digit code";
	deadmx_yaml_error(doc, &node->place, hint,
			  "no reply \"%.80s\" in the catalogue", node->text);
}

/* A reply or the name of one. */
static void reply_read_any(struct deadmx_yaml *doc,
			   const struct deadmx_yaml_node *node,
			   struct deadmx_fault *f)
{
	if (node->kind == DEADMX_YAML_TEXT &&
	    !reply_text_is_reply(node->text) && strchr(node->text, '/'))
		reply_look_up(doc, node, f);
	else if (node->kind == DEADMX_YAML_TEXT)
		reply_read(doc, node, f);
	else
		deadmx_yaml_wrong(doc, node, "reply", "a text", NULL);
}

static void connect_read(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node,
			 struct deadmx_fault *f)
{
	static const char *const words[] = {"refuse", "blackhole",
					    "unreachable", "accept"};
	const char *hint = NULL;
	enum deadmx_action other;

	if (node->kind == DEADMX_YAML_TEXT) {
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (strcmp(node->text, words[i]) == 0) {
				deadmx_action_parse(words[i], &f->action);
				return;
			}
		hint = deadmx_yaml_did_you_mean(doc, node->text, words,
						sizeof(words) /
							sizeof(words[0]));
	}
	if (!hint &&
	    (node->kind == DEADMX_YAML_MAP ||
	     (node->kind == DEADMX_YAML_TEXT &&
	      (reply_text_is_reply(node->text) || strchr(node->text, '/') ||
	       strncmp(node->text, "stall", 5) == 0 ||
	       strncmp(node->text, "drip", 4) == 0 ||
	       deadmx_action_parse(node->text, &other) == 0))))
		hint = "at connect no byte has been sent yet; what the server "
		       "says or does after it accepted stands at banner";
	stage_wrong(doc, node, hint);
}

/* "stall", "stall 10m" and "drip 20s": a word and perhaps a duration. */
static bool timed_word(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, const char *word,
		       int64_t *ret_ns)
{
	struct deadmx_yaml_node rest = *node;
	size_t len = strlen(word);

	rest.text += len;
	rest.text += strspn(rest.text, " ");
	rest.len = strlen(rest.text);
	if (!deadmx_yaml_duration(doc, &rest, ret_ns))
		return false;
	if (*ret_ns > 0)
		return true;
	deadmx_yaml_error(doc, &node->place, NULL,
			  "%s, expected a time above 0, got 0", word);
	return false;
}

static bool begins_with(const char *text, const char *word)
{
	size_t len = strlen(word);

	return strncmp(text, word, len) == 0 && text[len] == ' ';
}

static const char *action_hint(struct deadmx_yaml *doc, const char *text)
{
	static const char *const words[] = {"accept", "stall", "drip", "drop",
					    "reset"};
	const char *hint;

	if (strspn(text, "0123456789") > 0)
		return "a reply begins with a three-digit code, such as 451";
	hint = deadmx_yaml_did_you_mean(doc, text, words,
					sizeof(words) / sizeof(words[0]));
	return hint ? hint
		    : "a reply begins with a three-digit code; a name from "
		      "the catalogue has a slash (exchange/server-busy)";
}

static void word_read(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node,
		      struct deadmx_fault *f)
{
	const char *text = node->text;
	enum deadmx_action action;

	if (begins_with(text, "stall")) {
		f->action = DEADMX_ACTION_STALL;
		timed_word(doc, node, "stall", &f->stall_ns);
		return;
	}
	if (begins_with(text, "drip")) {
		f->action = DEADMX_ACTION_DRIP;
		timed_word(doc, node, "drip", &f->drip_ns);
		return;
	}
	if (deadmx_action_parse(text, &action) < 0) {
		stage_wrong(doc, node, action_hint(doc, text));
		return;
	}
	f->action = action;
	switch (action) {
	case DEADMX_ACTION_ACCEPT:
	case DEADMX_ACTION_STALL:
	case DEADMX_ACTION_DROP:
	case DEADMX_ACTION_RESET:
		return;
	case DEADMX_ACTION_REFUSE:
	case DEADMX_ACTION_BLACKHOLE:
	case DEADMX_ACTION_UNREACHABLE:
		stage_wrong(doc, node,
			    "that happens to a connection: write connect: …");
		return;
	case DEADMX_ACTION_DRIP:
		stage_wrong(doc, node,
			    "say how long each byte takes: drip 20s");
		return;
	case DEADMX_ACTION_REPLY:
	case DEADMX_ACTION_COUNT:
		stage_wrong(doc, node, "write the reply itself: 451 4.7.1 …");
		return;
	}
}

/* --- {reply: …, close: yes}, {stall: 10m}, {drip: 20s} ------------------- */

static void map_reply(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	reply_read_any(doc, node, arg);
}

static void map_close(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_fault *f = arg;

	deadmx_yaml_yes(doc, node, &f->close);
}

static bool positive(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node, int64_t *ret_ns)
{
	if (!deadmx_yaml_duration(doc, node, ret_ns))
		return false;
	if (*ret_ns == 0)
		deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node),
				  "a time above 0", NULL);
	return *ret_ns > 0;
}

static void map_stall(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_fault *f = arg;

	f->action = DEADMX_ACTION_STALL;
	positive(doc, node, &f->stall_ns);
}

static void map_drip(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_fault *f = arg;

	f->action = DEADMX_ACTION_DRIP;
	positive(doc, node, &f->drip_ns);
}

const struct deadmx_yaml_key scenario_stage_keys[] = {
	{"reply", map_reply, "a reply or the name of one", false, "reply"},
	{"close", map_close,
	 "yes: close the connection after the reply (default no; 421 always "
	 "does)",
	 false, "yes"},
	{"stall", map_stall, "say nothing for this long, then go on", false,
	 "duration"},
	{"drip", map_drip, "send the reply with this pause before each byte",
	 false, "duration"},
	{0},
};

static void map_read(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node,
		     struct deadmx_fault *f)
{
	int actions = !!deadmx_yaml_get(node, "reply") +
		      !!deadmx_yaml_get(node, "stall") +
		      !!deadmx_yaml_get(node, "drip");
	const struct deadmx_yaml_node *close = deadmx_yaml_get(node, "close");

	deadmx_yaml_map(doc, node, deadmx_yaml_name(node), scenario_stage_keys,
			f);
	if (actions != 1)
		deadmx_yaml_error(doc, &node->place, NULL,
				  "%s, expected one of reply, stall and drip, "
				  "got %s",
				  deadmx_yaml_name(node),
				  actions ? "more" : "none of them");
	else if (close && f->action != DEADMX_ACTION_REPLY)
		deadmx_yaml_error(doc, &close->key->place,
				  "drop closes without a reply",
				  "close goes with a reply only");
}

/* --- rows ---------------------------------------------------------------- */

static void row_stage(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	struct row *row = arg;
	struct deadmx_server *server = row->server;
	struct deadmx_fault *f;

	if (server->fault_count == DEADMX_SCENARIO_FAULTS_MAX) {
		deadmx_yaml_error(doc, &node->place, NULL,
				  "%s, expected at most %d faults, got more",
				  server->name, DEADMX_SCENARIO_FAULTS_MAX);
		return;
	}
	f = &server->faults[server->fault_count++];
	*f = (struct deadmx_fault){.place = node->key->place,
				   .action = DEADMX_ACTION_ACCEPT,
				   .stall_ns = DEADMX_FOREVER_NS};
	deadmx_stage_parse(node->key->text, &f->stage);
	if (f->stage == DEADMX_STAGE_CONNECT)
		connect_read(doc, node, f);
	else if (node->kind == DEADMX_YAML_MAP)
		map_read(doc, node, f);
	else if (node->kind == DEADMX_YAML_LIST || deadmx_yaml_is_empty(node))
		stage_wrong(doc, node, NULL);
	else if (reply_text_is_reply(node->text))
		reply_read(doc, node, f);
	else if (strchr(node->text, '/') && !strchr(node->text, ' '))
		reply_look_up(doc, node, f);
	else
		word_read(doc, node, f);
}

static void row_from(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node, void *arg)
{
	struct row *row = arg;

	deadmx_yaml_duration(doc, node, &row->from_ns);
}

static void row_until(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	struct row *row = arg;

	if (deadmx_yaml_duration(doc, node, &row->until_ns))
		row->until = node;
}

static void row_for(struct deadmx_yaml *doc,
		    const struct deadmx_yaml_node *node, void *arg)
{
	struct row *row = arg;

	if (positive(doc, node, &row->for_ns))
		row->span = node;
}

static void row_first(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	struct row *row = arg;

	if (deadmx_yaml_count(doc, node, 1, UINT32_MAX, &row->first))
		row->count = node;
}

/* clang-format off */
const struct deadmx_yaml_key scenario_row_keys[] = {
	{"from", row_from, "start of the window (default 0s)", false, "duration"},
	{"until", row_until, "end of the window (default never)", false, "duration"},
	{"for", row_for, "length of the window, instead of until", false, "duration"},
	{"first", row_first, "applies only the first N times", false, "count 1..4294967295"},
#define XX(uc, word, doc) {word, row_stage, doc, false, "stage " word},
	DEADMX_STAGE_MAP(XX)
#undef XX
	{0},
};
/* clang-format on */

static bool has_stage(const struct deadmx_yaml_node *row)
{
	const struct deadmx_yaml_node *child;
	enum deadmx_stage stage;

	for (child = row->first; child; child = child->next)
		if (deadmx_stage_parse(child->key->text, &stage) == 0)
			return true;
	return false;
}

static void row_finish(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, struct row *row)
{
	struct deadmx_server *server = row->server;

	if (!has_stage(node))
		deadmx_yaml_error(doc, &node->place,
				  "add what happens, such as connect: refuse",
				  "a row needs a stage");
	if (row->until && row->span)
		deadmx_yaml_error(doc, &row->span->key->place, "leave one out",
				  "until and for exclude each other");
	if (row->span)
		row->until_ns = row->from_ns + row->for_ns;
	if (row->until && row->from_ns >= row->until_ns)
		deadmx_yaml_wrong(doc, row->until, "until", "a time after from",
				  NULL);
	for (size_t i = row->first_fault; i < server->fault_count; i++) {
		struct deadmx_fault *f = &server->faults[i];

		f->from_ns = row->from_ns;
		f->until_ns = row->until_ns;
		f->first = (uint32_t)row->first;
		if (row->count && f->stage == DEADMX_STAGE_CONNECT)
			deadmx_yaml_error(
				doc, &row->count->key->place,
				"use until or for",
				"first can't count connections: the server "
				"never sees those that fail");
	}
}

void scenario_read_timeline(struct deadmx_yaml *doc,
			    const struct deadmx_yaml_node *node, void *arg)
{
	const struct deadmx_yaml_node *child;
	struct deadmx_server *server = arg;
	size_t most = 0;

	if (node->kind != DEADMX_YAML_LIST) {
		deadmx_yaml_wrong(doc, node, "timeline", "a list of rows",
				  node->kind == DEADMX_YAML_MAP
					  ? "begin each row with \"- \""
					  : NULL);
		return;
	}
	for (child = node->first; child; child = child->next)
		most += child->count;
	if (most > DEADMX_SCENARIO_FAULTS_MAX)
		most = DEADMX_SCENARIO_FAULTS_MAX;
	server->faults =
		deadmx_arena_array(doc->arena, most, sizeof(*server->faults));
	for (child = node->first; child; child = child->next) {
		struct row row = {.server = server,
				  .first_fault = server->fault_count,
				  .until_ns = DEADMX_FOREVER_NS};

		if (deadmx_yaml_map(doc, child, "a row of the timeline",
				    scenario_row_keys, &row))
			row_finish(doc, child, &row);
	}
}
