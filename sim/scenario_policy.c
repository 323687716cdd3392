/* SPDX-License-Identifier: MIT */
/*
 * What a healthy server offers, and what it refuses by rules of its own:
 * extensions, size, greylist and limits.
 */
#include "sim/scenario_read.h"

#include <string.h>

#define MINUTE_NS	   (60 * DEADMX_NS_PER_S)
#define GREYLIST_DELAY_NS  (5 * MINUTE_NS)
#define GREYLIST_FORGET_NS (35 * 24 * 60 * MINUTE_NS)
#define GREYLIST_REPLY	   "451 4.7.1 Greylisting in action, please come back later"
#define GREYLIST_BY_DEFAULT                                                    \
	(DEADMX_GREYLIST_IP | DEADMX_GREYLIST_SENDER |                         \
	 DEADMX_GREYLIST_RECIPIENT)

/* --- extensions and size ------------------------------------------------- */

static void extension_add(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node,
			  struct deadmx_server *server)
{
	const char *words[DEADMX_EXTENSION_COUNT];
	char *expected = "";

	for (int i = 0; i < DEADMX_EXTENSION_COUNT; i++) {
		words[i] = deadmx_extension_word((enum deadmx_extension)i);
		if (strcmp(node->text, words[i]) == 0) {
			server->extensions |= 1u << i;
			return;
		}
		expected = deadmx_arena_printf(doc->arena, "%s%s%s", expected,
					       i == 0 ? ""
					       : i + 1 < DEADMX_EXTENSION_COUNT
						       ? ", "
						       : " or ",
					       words[i]);
	}
	deadmx_yaml_wrong(doc, node, "extensions", expected,
			  deadmx_yaml_did_you_mean(doc, node->text, words,
						   DEADMX_EXTENSION_COUNT));
}

void scenario_server_extensions(struct deadmx_yaml *doc,
				const struct deadmx_yaml_node *node, void *arg)
{
	const struct deadmx_yaml_node *child;
	struct deadmx_server *server = arg;
	char *unused;

	server->extensions = 0;
	if (deadmx_yaml_is(node, "none")) {
		server->helo_only = true;
		return;
	}
	if (node->kind != DEADMX_YAML_LIST) {
		deadmx_yaml_wrong(doc, node, "extensions",
				  "none, or a list such as [PIPELINING, DSN]",
				  "[] is EHLO with none, none is HELO only");
		return;
	}
	for (child = node->first; child; child = child->next)
		if (deadmx_yaml_word(doc, child, &unused))
			extension_add(doc, child, server);
}

void scenario_server_size(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_server *server = arg;

	server->size_place = node->key->place;
	deadmx_yaml_bytes(doc, node, 1, DEADMX_MESSAGE_BYTES_MAX,
			  &server->size);
}

/* --- greylist ------------------------------------------------------------ */

static bool time_read(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, int64_t *ret_ns)
{
	if (!deadmx_yaml_duration(doc, node, ret_ns))
		return false;
	if (*ret_ns == 0)
		deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node),
				  "a time above 0", NULL);
	return *ret_ns > 0;
}

/* The reply to somebody who may come again; 5xx would end it for good. */
static void reply_read(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, char **ret)
{
	struct deadmx_fault f = {0};

	scenario_read_reply(doc, node, &f);
	if (!f.reply)
		return;
	*ret = f.reply;
	if (f.reply[0] != '4' && f.reply[0] != '5')
		deadmx_yaml_wrong(doc, node, "reply", "a 4xx or 5xx reply",
				  NULL);
}

static void greylist_delay(struct deadmx_yaml *doc,
			   const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_greylist *greylist = arg;

	time_read(doc, node, &greylist->delay_ns);
}

static void greylist_forget(struct deadmx_yaml *doc,
			    const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_greylist *greylist = arg;

	time_read(doc, node, &greylist->forget_ns);
}

static void greylist_reply(struct deadmx_yaml *doc,
			   const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_greylist *greylist = arg;

	reply_read(doc, node, &greylist->reply);
}

static void greylist_by(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *node, void *arg)
{
	static const char *const words[] = {"ip", "sender", "recipient"};
	static const unsigned bits[] = {DEADMX_GREYLIST_IP,
					DEADMX_GREYLIST_SENDER,
					DEADMX_GREYLIST_RECIPIENT};
	struct deadmx_greylist *greylist = arg;
	char **texts = NULL;
	size_t count = 0;

	greylist->by = 0;
	if (deadmx_yaml_is_empty(node) ||
	    !deadmx_yaml_texts(doc, node, &texts, &count))
		count = 0;
	for (size_t i = 0; i < count; i++) {
		size_t w = 0;

		while (w < 3 && strcmp(texts[i], words[w]) != 0)
			w++;
		if (w == 3) {
			greylist->by = 0;
			break;
		}
		greylist->by |= bits[w];
	}
	if (!greylist->by)
		deadmx_yaml_wrong(doc, node, "by",
				  "a list of ip, sender and recipient", NULL);
}

const struct deadmx_yaml_key scenario_greylist_keys[] = {
	{"delay", greylist_delay,
	 "how long from the first attempt on (default 5m)", false, "duration"},
	{"reply", greylist_reply,
	 "what it says until then (default 451 4.7.1 Greylisting in action, "
	 "please come back later)",
	 false, "reply"},
	{"by", greylist_by,
	 "what it tells deliveries by (default [ip, sender, recipient])", false,
	 "'ip'|'sender'|'recipient'|list ('ip'|'sender'|'recipient')"},
	{"forget", greylist_forget,
	 "not seen for longer, it is unknown again (default 35d)", false,
	 "duration"},
	{0},
};

void scenario_server_greylist(struct deadmx_yaml *doc,
			      const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_server *server = arg;
	struct deadmx_greylist *greylist = &server->greylist;

	*greylist = (struct deadmx_greylist){.place = node->key->place,
					     .delay_ns = GREYLIST_DELAY_NS,
					     .forget_ns = GREYLIST_FORGET_NS,
					     .by = GREYLIST_BY_DEFAULT,
					     .reply = (char *)GREYLIST_REPLY};
	if (!deadmx_yaml_is_empty(node))
		deadmx_yaml_map(doc, node, "greylist", scenario_greylist_keys,
				greylist);
	if (greylist->forget_ns <= greylist->delay_ns)
		deadmx_yaml_error(doc, &greylist->place, NULL,
				  "greylist, expected delay to be shorter than "
				  "forget: nobody would ever be known");
}

/* --- limits -------------------------------------------------------------- */

static void limit_read(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, uint32_t *ret)
{
	int64_t n;

	if (deadmx_yaml_count(doc, node, 1, DEADMX_LIMIT_MAX, &n))
		*ret = (uint32_t)n;
}

static void limits_connections(struct deadmx_yaml *doc,
			       const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_limits *limits = arg;

	limit_read(doc, node, &limits->connections);
}

static void limits_per_minute(struct deadmx_yaml *doc,
			      const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_limits *limits = arg;

	limit_read(doc, node, &limits->per_minute);
}

static void limits_messages(struct deadmx_yaml *doc,
			    const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_limits *limits = arg;

	limit_read(doc, node, &limits->messages);
}

static void limits_recipients(struct deadmx_yaml *doc,
			      const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_limits *limits = arg;

	limit_read(doc, node, &limits->recipients);
}

static void limits_reply(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_limits *limits = arg;

	reply_read(doc, node, &limits->reply);
}

const struct deadmx_yaml_key scenario_limits_keys[] = {
	{"connections", limits_connections,
	 "open at once; one more gets 421 for a greeting", false,
	 "count 1..10000"},
	{"per_minute", limits_per_minute,
	 "connections within any 60 s; one more gets 421 for a greeting", false,
	 "count 1..10000"},
	{"messages_per_connection", limits_messages, "one more MAIL gets 421",
	 false, "count 1..10000"},
	{"recipients", limits_recipients,
	 "of one message; one more RCPT gets 452 4.5.3", false,
	 "count 1..10000"},
	{"reply", limits_reply,
	 "what it says instead, apart from recipients; it closes the "
	 "connection in any case",
	 false, "reply"},
	{0},
};

void scenario_server_limits(struct deadmx_yaml *doc,
			    const struct deadmx_yaml_node *node, void *arg)
{
	struct deadmx_server *server = arg;
	struct deadmx_limits *limits = &server->limits;

	limits->place = node->key->place;
	if (!deadmx_yaml_map(doc, node, "limits", scenario_limits_keys, limits))
		return;
	if (!limits->connections && !limits->per_minute && !limits->messages &&
	    !limits->recipients)
		deadmx_yaml_error(doc, &limits->place, NULL,
				  "limits, expected at least one of "
				  "connections, per_minute, "
				  "messages_per_connection and recipients, got "
				  "none of them");
}
