/* SPDX-License-Identifier: MIT */
/*
 * Timelines: rows of window and stages, made into one fault per stage.
 */
#include "sim/scenario_read.h"

#include <string.h>

#include "sim/reply_text.h"

/* --- what a stage does --------------------------------------------------- */

/* The words of a stage, for errors: those that go alone or with a time. */
static size_t stage_words(enum deadmx_stage stage,
			  const char *words[DEADMX_ACTION_COUNT])
{
	size_t count = 0;

	for (int a = 0; a < DEADMX_ACTION_COUNT; a++)
		switch (deadmx_action_form(stage, (enum deadmx_action)a)) {
		case DEADMX_ACTION_WORD:
		case DEADMX_ACTION_TIME:
		case DEADMX_ACTION_WORD_TIME:
			words[count++] =
				deadmx_action_word((enum deadmx_action)a);
			break;
		case DEADMX_ACTION_NEVER:
		case DEADMX_ACTION_OTHER:
			break;
		}
	return count;
}

static void stage_wrong(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *node,
			enum deadmx_stage stage, const char *hint)
{
	const char *words[DEADMX_ACTION_COUNT];
	size_t count = stage_words(stage, words);
	char *expected = "";

	if (deadmx_action_form(stage, DEADMX_ACTION_REPLY) !=
	    DEADMX_ACTION_NEVER)
		expected = "a reply, ";
	for (size_t i = 0; i < count; i++)
		expected = deadmx_arena_printf(doc->arena, "%s%s%s", expected,
					       i == 0	       ? ""
					       : i + 1 < count ? ", "
							       : " or ",
					       words[i]);
	deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node), expected, hint);
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
	else if (reply_text_is_odd(node->text, why, sizeof(why)))
		deadmx_yaml_warn(doc, &node->place, "reply, %s", why);
	deadmx_yaml_whole(doc, node);
}

static void reply_look_up(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node,
			  struct deadmx_fault *f)
{
	const struct reply_catalogue_entry *e = scenario_reply_find(doc, node);

	f->action = DEADMX_ACTION_REPLY;
	if (!e)
		return;
	f->reply_name = node->text;
	f->reply = deadmx_arena_copy(doc->arena, e->reply, strlen(e->reply));
}

/* A reply or the name of one. */
void scenario_read_reply(struct deadmx_yaml *doc,
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

/* "drip 20s" is the word "drip" and more. */
static bool begins_with(const char *text, const char *word)
{
	size_t len = strlen(word);

	return strncmp(text, word, len) == 0 &&
	       (!text[len] || text[len] == ' ');
}

/* What may be meant by a word that the stage doesn't know. */
static const char *unknown_hint(struct deadmx_yaml *doc, const char *text,
				enum deadmx_stage stage)
{
	const char *words[DEADMX_ACTION_COUNT], *hint;
	size_t count = stage_words(stage, words);

	if (stage != DEADMX_STAGE_TLS && strspn(text, "0123456789") > 0)
		return "a reply begins with a three-digit code, such as 451";
	/* "stal 10m": its first word. */
	hint = deadmx_yaml_did_you_mean(
		doc, deadmx_arena_copy(doc->arena, text, strcspn(text, " ")),
		words, count);
	if (!hint && stage == DEADMX_STAGE_TLS)
		hint = "docs/faults/tls.md tells what each of them is";
	return hint ? hint
		    : "a reply begins with a three-digit code; a name from "
		      "the catalogue has a slash (exchange/server-busy)";
}

/* Why a known word has no place here, or not in this form. */
static const char *misplaced_hint(enum deadmx_stage stage,
				  enum deadmx_action action)
{
	if (deadmx_action_form(stage, action) == DEADMX_ACTION_WORD)
		return "the word stands alone";
	if (deadmx_action_form(stage, action) == DEADMX_ACTION_TIME)
		return stage == DEADMX_STAGE_BODY
			       ? "say how long each KiB takes: drip 20s"
			       : "say how long each byte takes: drip 20s";
	if (stage == DEADMX_STAGE_TLS &&
	    deadmx_action_form(DEADMX_STAGE_BANNER, action) !=
		    DEADMX_ACTION_NEVER)
		return "the handshake has no reply";
	if (action == DEADMX_ACTION_REPLY)
		return "write the reply itself: 451 4.7.1 …";
	if (action == DEADMX_ACTION_RAW)
		return "write the bytes: {raw: \"250-a\\r\\n451 b\\r\\n\"}";
	if (deadmx_action_form(DEADMX_STAGE_CONNECT, action) !=
	    DEADMX_ACTION_NEVER)
		return "that happens to a connection: write connect: …";
	if (action == DEADMX_ACTION_CERTIFICATE)
		return "describe it: write tls: {certificate: {until: 30h}}";
	if (deadmx_action_form(DEADMX_STAGE_DOT, action) != DEADMX_ACTION_NEVER)
		return "there is no reply to spoil while the message comes in";
	if (deadmx_action_form(DEADMX_STAGE_TLS, action) != DEADMX_ACTION_NEVER)
		return "that happens in the TLS handshake: write tls: …";
	return "that happens while the message comes in: write body: …";
}

static const char connect_hint[] =
	"at connect no byte has been sent yet; what the server says or does "
	"after it accepted stands at banner";

static const char tls_hint[] = "the reply to STARTTLS stands at starttls";

static void word_read(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node,
		      struct deadmx_fault *f)
{
	const char *text = node->text, *hint;
	int a = 0;

	while (a < DEADMX_ACTION_COUNT &&
	       !begins_with(text, deadmx_action_word((enum deadmx_action)a)))
		a++;
	if (a == DEADMX_ACTION_COUNT) {
		stage_wrong(doc, node, f->stage,
			    unknown_hint(doc, text, f->stage));
		return;
	}
	f->action = (enum deadmx_action)a;
	switch (deadmx_action_form(f->stage, f->action)) {
	case DEADMX_ACTION_WORD:
		if (!strchr(text, ' '))
			return;
		break;
	case DEADMX_ACTION_WORD_TIME:
		f->stall_ns = DEADMX_FOREVER_NS;
		if (strchr(text, ' '))
			timed_word(doc, node, "stall", &f->stall_ns);
		return;
	case DEADMX_ACTION_TIME:
		if (strchr(text, ' ')) {
			timed_word(doc, node, "drip", &f->drip_ns);
			return;
		}
		break;
	case DEADMX_ACTION_NEVER:
	case DEADMX_ACTION_OTHER:
		break;
	}
	hint = f->stage == DEADMX_STAGE_CONNECT
		       ? connect_hint
		       : misplaced_hint(f->stage, f->action);
	stage_wrong(doc, node, f->stage, hint);
}

/* --- {reply: …, close: yes}, {stall: 10m, then: drop} ------------------- */

static void map_reply(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	scenario_read_reply(doc, node, arg);
}

static void map_raw(struct deadmx_yaml *doc,
		    const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_fault *f = arg;

	f->action = DEADMX_ACTION_RAW;
	if (deadmx_yaml_word(doc, node, &f->reply) &&
	    node->len > DEADMX_REPLY_LEN_MAX)
		deadmx_yaml_error(doc, &node->place, NULL,
				  "raw, expected at most %d bytes, got %zu",
				  DEADMX_REPLY_LEN_MAX, node->len);
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

/* The action follows from what else stands in the map: see map_read(). */
static void map_stall(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_fault *f = arg;

	positive(doc, node, &f->stall_ns);
}

static void map_drip(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_fault *f = arg;

	positive(doc, node, &f->drip_ns);
}

static void map_then(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_fault *f = arg;

	if (deadmx_yaml_is(node, "drop"))
		f->action = DEADMX_ACTION_DROP;
	else if (deadmx_yaml_is(node, "reset"))
		f->action = DEADMX_ACTION_RESET;
	else
		deadmx_yaml_wrong(doc, node, "then", "drop or reset",
				  "a reply stands beside stall: {stall: 10m, "
				  "reply: 451 …}");
}

static void map_drop_after(struct deadmx_yaml *doc,
			   const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_fault *f = arg;

	f->action = DEADMX_ACTION_DROP;
	deadmx_yaml_bytes(doc, node, 1, DEADMX_MESSAGE_BYTES_MAX,
			  &f->after_bytes);
}

static void map_reset_after(struct deadmx_yaml *doc,
			    const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_fault *f = arg;

	f->action = DEADMX_ACTION_RESET;
	deadmx_yaml_bytes(doc, node, 1, DEADMX_MESSAGE_BYTES_MAX,
			  &f->after_bytes);
}

const struct deadmx_yaml_key scenario_stage_keys[] = {
	{"reply", map_reply, "a reply or the name of one", false, "reply"},
	{"raw", map_raw,
	 "the bytes to send instead of a reply, line ends and all", false,
	 "word"},
	{"close", map_close,
	 "yes: close the connection after the reply (default no; 421 always "
	 "does)",
	 false, "yes"},
	{"stall", map_stall,
	 "say nothing for this long, then go on, or do what stands beside it",
	 false, "duration"},
	{"drip", map_drip,
	 "send the reply, healthy or beside it, with this pause before each "
	 "byte; at body, take the message with this pause before each KiB",
	 false, "duration"},
	{"then", map_then,
	 "after the stall: drop or reset (default: go on healthily)", false,
	 "'drop'|'reset'"},
	{"drop_after", map_drop_after,
	 "drop the connection after so many bytes, of the message at body, "
	 "else of the reply",
	 false, "bytes"},
	{"reset_after", map_reset_after, "the same, but reset it", false,
	 "bytes"},
	{0},
};

/* What must not stand together in a map, or not without another. */
static void map_check(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node)
{
	const struct deadmx_yaml_node *stall = deadmx_yaml_get(node, "stall"),
				      *drip = deadmx_yaml_get(node, "drip"),
				      *close = deadmx_yaml_get(node, "close"),
				      *then = deadmx_yaml_get(node, "then");
	bool says =
		deadmx_yaml_get(node, "reply") || deadmx_yaml_get(node, "raw");
	int ends = (then != NULL) + !!deadmx_yaml_get(node, "reply") +
		   !!deadmx_yaml_get(node, "raw") +
		   !!deadmx_yaml_get(node, "drop_after") +
		   !!deadmx_yaml_get(node, "reset_after");

	if (!ends && !stall && !drip)
		deadmx_yaml_error(doc, &node->place, NULL,
				  "%s, expected one of reply, raw, stall, "
				  "drip, drop_after and reset_after, got none "
				  "of them",
				  deadmx_yaml_name(node));
	else if (ends > 1 || (drip && (stall || (ends && !says))))
		deadmx_yaml_error(doc, &node->place,
				  "a stall goes with a reply, or with then; a "
				  "drip with a reply",
				  "%s, expected one action, got more",
				  deadmx_yaml_name(node));
	else if (then && !stall)
		deadmx_yaml_error(doc, &then->key->place,
				  "write the word alone: drop",
				  "then goes with a stall only");
	else if (close && !says)
		deadmx_yaml_error(doc, &close->key->place,
				  "drop closes without a reply",
				  "close goes with a reply only");
	else if (drip && says && strcmp(deadmx_yaml_name(node), "body") == 0)
		deadmx_yaml_error(doc, &drip->key->place, NULL,
				  "at body it is the message that drips: it "
				  "goes without a reply");
}

static void map_read(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node,
		     struct deadmx_fault *f)
{
	deadmx_yaml_map(doc, node, deadmx_yaml_name(node), scenario_stage_keys,
			f);
	if (f->action == DEADMX_ACTION_ACCEPT)
		f->action =
			f->drip_ns ? DEADMX_ACTION_DRIP : DEADMX_ACTION_STALL;
	map_check(doc, node);
}

/* --- rows ---------------------------------------------------------------- */

static void stage_read(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node,
		       struct deadmx_fault *f)
{
	bool is_reply = deadmx_action_form(f->stage, DEADMX_ACTION_REPLY) !=
			DEADMX_ACTION_NEVER;

	if (node->kind == DEADMX_YAML_LIST || deadmx_yaml_is_empty(node))
		stage_wrong(doc, node, f->stage, NULL);
	else if (node->kind == DEADMX_YAML_MAP && is_reply)
		map_read(doc, node, f);
	else if (node->kind == DEADMX_YAML_MAP && f->stage == DEADMX_STAGE_TLS)
		scenario_read_tls(doc, node, f);
	else if (node->kind == DEADMX_YAML_MAP ||
		 (!is_reply &&
		  (reply_text_is_reply(node->text) || strchr(node->text, '/'))))
		stage_wrong(doc, node, f->stage,
			    f->stage == DEADMX_STAGE_TLS ? tls_hint
							 : connect_hint);
	else if (reply_text_is_reply(node->text))
		reply_read(doc, node, f);
	else if (strchr(node->text, '/') && !strchr(node->text, ' '))
		reply_look_up(doc, node, f);
	else
		word_read(doc, node, f);
}

/* Stages are read last: see row_finish(). */
static void row_stage(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
}

/* The row's window and conditions are those of each of its faults. */
static void fault_add(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node,
		      const struct deadmx_yaml_node *whole,
		      const struct scenario_row *row, enum deadmx_stage stage)
{
	struct deadmx_server *server = row->server;
	struct deadmx_fault *f;

	if (server->fault_count == DEADMX_SCENARIO_FAULTS_MAX) {
		deadmx_yaml_error(doc, &node->place, NULL,
				  "%s, expected at most %d faults, got more",
				  server->name, DEADMX_SCENARIO_FAULTS_MAX);
		return;
	}
	f = &server->faults[server->fault_count++];
	*f = row->like;
	f->window = row->head.window;
	f->place = node->key->place;
	f->stage = stage;
	f->action = DEADMX_ACTION_ACCEPT;
	stage_read(doc, node, f);
	scenario_row_check(doc, whole, f);
}

/* clang-format off */
#define SPF_WORD(uc, word, doc) "'" word "'|'not " word "'|"
#define SPF_TYPE DEADMX_SPF_MAP(SPF_WORD) "list (" DEADMX_SPF_MAP(SPF_WORD) ")"

const struct deadmx_yaml_key scenario_row_keys[] = {
	SCENARIO_WINDOW_KEYS,
	{"probability", scenario_row_probability, "fires by lot: in how many of a hundred cases (default all)", false, "percent"},
	{"sender", scenario_row_sender, "only mail from this address, @domain or /regex/; \"\" is the null reverse-path", false, "match|''"},
	{"recipient", scenario_row_recipient, "only for this address, @domain or /regex/", false, "match"},
	{"attempt", scenario_row_attempt, "only the nth RCPT with this sender and recipient at this server, such as 1..3", false, "counts"},
	{"connection", scenario_row_connection, "only the nth connection that the server has accepted, such as 2..4", false, "counts"},
	{"ip", scenario_row_ip, "only connections by IPv4 or IPv6: 4 or 6", false, "'4'|'6'"},
	{"spf", scenario_row_spf, "only when SPF says this of the sender, such as none, [softfail, fail] or not pass", false, SPF_TYPE},
#define XX(uc, word, doc) {word, row_stage, doc, false, "stage " word},
	DEADMX_STAGE_MAP(XX)
#undef XX
	{0},
};
/* clang-format on */

static void row_finish(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node,
		       struct scenario_row *row)
{
	const struct deadmx_yaml_node *child;
	bool has_stage = false;
	enum deadmx_stage stage;

	scenario_window_finish(doc, &row->head);
	for (child = node->first; child; child = child->next) {
		if (deadmx_stage_parse(child->key->text, &stage) < 0)
			continue;
		has_stage = true;
		fault_add(doc, child, node, row, stage);
	}
	if (!has_stage)
		deadmx_yaml_error(doc, &node->place,
				  "add what happens, such as connect: refuse",
				  "a row needs a stage");
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
		struct scenario_row row = {.server = server};

		scenario_window_init(&row.head);
		if (deadmx_yaml_map(doc, child, "a row of the timeline",
				    scenario_row_keys, &row))
			row_finish(doc, child, &row);
	}
}
