/* SPDX-License-Identifier: MIT */
/*
 * world.names: what DNS says of a name, and when it says something else.
 */
#include <arpa/inet.h>
#include <ldns/ldns.h>
#include <string.h>
#include <strings.h>

#include "sim/scenario_read.h"
#include "sim/scenario_window.h"

#define TTL_MAX_S 2147483647 /* RFC 2181, section 8 */

/* A name or a row of its timeline while it is read. */
struct entry {
	struct scenario_window window; /* of a row */
	struct deadmx_name *name;
	struct deadmx_name_row *row; /* NULL: the name itself */
	struct deadmx_records *records;
	struct deadmx_ttl *ttl;
	const struct deadmx_yaml_node *answer;
};

/* --- records ------------------------------------------------------------- */

static void mx_read(struct deadmx_yaml *doc,
		    const struct deadmx_yaml_node *node, size_t index,
		    struct deadmx_record *ret)
{
	size_t digits = strspn(node->text, "0123456789");
	const char *host = node->text;
	int64_t preference = (int64_t)(index + 1) * SCENARIO_PREFERENCE_STEP;
	char *number;

	if (digits && host[digits] == ' ') {
		number = deadmx_arena_copy(doc->arena, host, digits);
		host += digits + strspn(host + digits, " ");
		if (deadmx_number_parse(number, UINT16_MAX, &preference) < 0)
			host = "";
	} else if (strcmp(host, ".") == 0) {
		preference = 0;
	}
	ret->preference = (uint16_t)preference;
	ret->value = (char *)host;
	if (strcmp(host, ".") != 0 && !scenario_is_domain(host))
		deadmx_yaml_wrong(doc, node, "mx",
				  "a preference from 0 to 65535 and a host, "
				  "such as 10 mx.dest.example",
				  "a dot alone says that there is no mail "
				  "server (RFC 7505)");
}

static void address_read(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, int family,
			 const char *expected)
{
	unsigned char unused[sizeof(struct in6_addr)];

	if (inet_pton(family, node->text, unused) != 1)
		deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node), expected,
				  NULL);
}

static void txt_read(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node)
{
	if (node->len > DEADMX_RECORD_TEXT_MAX)
		deadmx_yaml_error(doc, &node->place, NULL,
				  "txt, expected at most %d bytes, got %zu",
				  DEADMX_RECORD_TEXT_MAX, node->len);
}

/* One value; @index: its place in the list. */
static void record_read(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *node, size_t index,
			struct deadmx_record *ret)
{
	ret->value = node->text;
	switch (ret->type) {
	case DEADMX_RECORD_MX:
		mx_read(doc, node, index, ret);
		return;
	case DEADMX_RECORD_A:
		address_read(doc, node, AF_INET, "an IPv4 address");
		return;
	case DEADMX_RECORD_AAAA:
		address_read(doc, node, AF_INET6, "an IPv6 address");
		return;
	case DEADMX_RECORD_CNAME:
		if (!scenario_is_domain(node->text))
			deadmx_yaml_wrong(doc, node, "cname",
					  "a name such as mx.other.example",
					  NULL);
		return;
	case DEADMX_RECORD_TXT:
		txt_read(doc, node);
		return;
	case DEADMX_RECORD_COUNT:
		break;
	}
}

/* Room for @count more records; false when there are too many. */
static bool records_grow(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node,
			 struct entry *entry, size_t count)
{
	struct scenario_reader *reader = doc->user;
	struct deadmx_records *records = entry->records;
	struct deadmx_record *list;

	reader->record_count += count;
	if (reader->record_count > DEADMX_SCENARIO_RECORDS_MAX) {
		deadmx_yaml_error(doc, &node->place, NULL,
				  "names, expected at most %d records in all, "
				  "got more",
				  DEADMX_SCENARIO_RECORDS_MAX);
		return false;
	}
	list = deadmx_arena_array(doc->arena, records->count + count,
				  sizeof(*list));
	if (records->count)
		memcpy(list, records->list, records->count * sizeof(*list));
	records->list = list;
	return true;
}

static void records_read(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, void *arg,
			 enum deadmx_record_type type)
{
	const struct deadmx_yaml_node *child = node;
	struct entry *entry = arg;
	char **unused;
	size_t count;

	if (!deadmx_yaml_texts(doc, node, &unused, &count) ||
	    !records_grow(doc, node, entry, count))
		return;
	entry->records->given |= 1u << type;
	if (node->kind == DEADMX_YAML_LIST)
		child = node->first;
	if (type == DEADMX_RECORD_CNAME && count != 1)
		deadmx_yaml_wrong(doc, node, "cname", "one name", NULL);
	for (size_t i = 0; i < count; i++, child = child->next) {
		struct deadmx_record *r =
			&entry->records->list[entry->records->count++];

		r->type = type;
		record_read(doc, child, i, r);
	}
}

/* clang-format off */
#define XX(uc, word, type, doc)                                                \
	static void read_##uc(struct deadmx_yaml *yaml,                        \
			      const struct deadmx_yaml_node *node, void *arg)  \
	{                                                                      \
		records_read(yaml, node, arg, DEADMX_RECORD_##uc);             \
	}
DEADMX_RECORD_MAP(XX)
#undef XX
/* clang-format on */

/* A name with a CNAME has nothing else (RFC 1034, section 3.6.2). */
static void records_check(struct deadmx_yaml *doc,
			  const struct deadmx_place *place,
			  const struct deadmx_records *records)
{
	const unsigned cname = 1u << DEADMX_RECORD_CNAME;

	if ((records->given & cname) && records->given != cname)
		deadmx_yaml_error(doc, place, "leave one out (RFC 1034 3.6.2)",
				  "a name with a cname has no other records");
}

static void entry_ttl(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	struct entry *entry = arg;
	int64_t ns;

	if (deadmx_yaml_is(node, "until_change")) {
		entry->ttl->set = entry->ttl->until_change = true;
		return;
	}
	if (!deadmx_yaml_duration(doc, node, &ns))
		return;
	entry->ttl->set = true;
	entry->ttl->s = (uint32_t)(ns / DEADMX_NS_PER_S);
	if (ns % DEADMX_NS_PER_S || ns / DEADMX_NS_PER_S > TTL_MAX_S)
		deadmx_yaml_wrong(doc, node, "ttl",
				  "whole seconds, at most 68 years (RFC 2181 "
				  "8), or until_change",
				  NULL);
}

/* --- rows ---------------------------------------------------------------- */

static bool type_read(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, uint16_t *ret)
{
	static const char *const words[] = {"mx",  "a",	   "aaaa", "cname",
					    "txt", "tlsa", "soa",  "ns",
					    "ptr", "srv",  "any"};
	ldns_rr_type type = ldns_get_rr_type_by_name(node->text);

	if (type) {
		*ret = (uint16_t)type;
		return true;
	}
	deadmx_yaml_wrong(
		doc, node, "type", "a type of question such as mx",
		deadmx_yaml_did_you_mean(doc, node->text, words,
					 sizeof(words) / sizeof(words[0])));
	return false;
}

static void row_type(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node, void *arg)
{
	const struct deadmx_yaml_node *child = node;
	struct entry *entry = arg;
	char **unused;
	size_t count;

	if (!deadmx_yaml_texts(doc, node, &unused, &count))
		return;
	if (!count || count > DEADMX_SCENARIO_TYPES_MAX) {
		deadmx_yaml_error(doc, &node->place, NULL,
				  "type, expected 1 to %d types, got %zu",
				  DEADMX_SCENARIO_TYPES_MAX, count);
		return;
	}
	if (node->kind == DEADMX_YAML_LIST)
		child = node->first;
	entry->row->types = deadmx_arena_array(doc->arena, count,
					       sizeof(*entry->row->types));
	for (size_t i = 0; i < count; i++, child = child->next)
		if (type_read(doc, child,
			      &entry->row->types[entry->row->type_count]))
			entry->row->type_count++;
}

static void row_transport(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg)
{
	struct entry *entry = arg;

	if (deadmx_yaml_is(node, "udp"))
		entry->row->transport = DEADMX_TRANSPORT_UDP;
	else if (deadmx_yaml_is(node, "tcp"))
		entry->row->transport = DEADMX_TRANSPORT_TCP;
	else
		deadmx_yaml_wrong(doc, node, "transport", "udp or tcp", NULL);
}

static void row_below(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	struct entry *entry = arg;

	deadmx_yaml_yes(doc, node, &entry->row->below);
}

/* clang-format off */
static void row_answer(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
#define XX(uc, word, doc) word,
	static const char *const words[] = {DEADMX_DNS_ACTION_MAP(XX)};
#undef XX
	const size_t count = sizeof(words) / sizeof(words[0]);
	struct entry *entry = arg;
	const char *hint = NULL;

	entry->answer = node;
	if (node->kind == DEADMX_YAML_TEXT &&
	    deadmx_dns_action_parse(node->text, &entry->row->action) == 0 &&
	    entry->row->action != DEADMX_DNS_ACTION_RECORDS)
		return;
	if (deadmx_yaml_is(node, "records"))
		hint = "give the records in the row: mx, a, …";
	else if (node->kind == DEADMX_YAML_TEXT)
		hint = deadmx_yaml_did_you_mean(doc, node->text, words, count);
	deadmx_yaml_wrong(doc, node, "answer",
			  "a word such as nxdomain, servfail or timeout",
			  hint ? hint : "docs/scenarios.md lists them");
}
/* clang-format on */

static void row_delay(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	struct entry *entry = arg;

	deadmx_yaml_duration(doc, node, &entry->row->delay_ns);
}

/* clang-format off */
#define RECORD_KEYS(XX_) \
	DEADMX_RECORD_MAP(XX_) \
	{"ttl", entry_ttl, \
	 "how long an answer may be kept, also that there is none (default " \
	 "5m); until_change: at most 5m, and not beyond the next edge of a " \
	 "window", \
	 false, "duration|'until_change'"},

#define ANSWER(uc, word, doc) "'" word "'|"

const struct deadmx_yaml_key scenario_name_row_keys[] = {
	SCENARIO_WINDOW_KEYS,
	{"type", row_type,
	 "the type of question that it is about, such as mx, or a list "
	 "(default all)",
	 false, "word|list word"},
	{"transport", row_transport,
	 "udp or tcp: only questions that come so (default both)",
	 false, "'udp'|'tcp'"},
	{"below", row_below,
	 "yes: about all names below it, too (default no, but a name that does "
	 "not exist has none below)",
	 false, "yes"},
	{"answer", row_answer, "what DNS does with the question",
	 false, DEADMX_DNS_ACTION_MAP(ANSWER) "'accept'"},
	{"delay", row_delay, "the answer comes so much later (default 0s)",
	 false, "duration"},
#define XX(uc, word, type, doc) {word, read_##uc, doc, false, type},
	RECORD_KEYS(XX)
#undef XX
	{0},
};
/* clang-format on */

static void row_finish(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, struct entry *entry)
{
	struct deadmx_name_row *row = entry->row;

	scenario_window_finish(doc, &entry->window);
	row->window = entry->window.window;
	records_check(doc, &row->place, &row->records);
	if (row->records.given) {
		row->action = DEADMX_DNS_ACTION_RECORDS;
		if (entry->answer)
			deadmx_yaml_error(doc, &entry->answer->key->place,
					  "leave one out",
					  "answer and records exclude each "
					  "other");
		if (row->type_count)
			deadmx_yaml_error(doc, &row->place, "leave type out",
					  "records are the answer to "
					  "questions of their own types");
	} else if (!entry->answer && !row->delay_ns && !row->ttl.set) {
		deadmx_yaml_error(doc, &node->place,
				  "add answer: nxdomain, or records such as "
				  "mx: []",
				  "a row needs an answer");
	}
}

static void name_timeline(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg)
{
	const struct deadmx_yaml_node *child;
	const struct entry *entry = arg;
	struct deadmx_name *name = entry->name;

	if (node->kind != DEADMX_YAML_LIST) {
		deadmx_yaml_wrong(doc, node, "timeline", "a list of rows",
				  node->kind == DEADMX_YAML_MAP
					  ? "begin each row with \"- \""
					  : NULL);
		return;
	}
	if (node->count > DEADMX_SCENARIO_FAULTS_MAX) {
		deadmx_yaml_error(doc, &node->place, NULL,
				  "%s, expected at most %d rows, got %zu",
				  name->name, DEADMX_SCENARIO_FAULTS_MAX,
				  node->count);
		return;
	}
	name->rows = deadmx_arena_array(doc->arena, node->count,
					sizeof(*name->rows));
	for (child = node->first; child; child = child->next) {
		struct deadmx_name_row *row = &name->rows[name->row_count++];
		struct entry of_row = {.name = name,
				       .row = row,
				       .records = &row->records,
				       .ttl = &row->ttl};

		row->place = child->place;
		scenario_window_init(&of_row.window);
		if (deadmx_yaml_map(doc, child, "a row of a name's timeline",
				    scenario_name_row_keys, &of_row))
			row_finish(doc, child, &of_row);
	}
}

/* --- names --------------------------------------------------------------- */

/* clang-format off */
const struct deadmx_yaml_key scenario_name_keys[] = {
#define XX(uc, word, type, doc) {word, read_##uc, doc, false, type},
	RECORD_KEYS(XX)
#undef XX
	{"timeline", name_timeline, "what DNS says instead, and when", false,
	 "list table name_timeline"},
	{0},
};
/* clang-format on */

static void name_read(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node,
		      struct deadmx_name *name)
{
	struct entry entry = {
		.name = name, .records = &name->records, .ttl = &name->ttl};

	name->place = node->key->place;
	name->name = node->key->text;
	if (!scenario_is_domain(name->name))
		deadmx_yaml_wrong(doc, node->key, "name",
				  "a name such as dest.example", NULL);
	/* Nothing behind it: the name exists, and that is all. */
	if (deadmx_yaml_is_empty(node))
		return;
	if (deadmx_yaml_map(doc, node, "name", scenario_name_keys, &entry))
		records_check(doc, &name->place, &name->records);
}

void scenario_read_names(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, void *arg)
{
	struct scenario_reader *reader = doc->user;
	const struct deadmx_yaml_node *child;
	struct deadmx_world *world = arg;
	size_t before = doc->error_count;

	if (node->kind != DEADMX_YAML_MAP || !node->count) {
		deadmx_yaml_wrong(doc, node, "names",
				  "a map (name: what it is)", NULL);
		return;
	}
	if (node->count > DEADMX_SCENARIO_NAMES_MAX) {
		deadmx_yaml_error(doc, &node->place, NULL,
				  "names, expected at most %d, got %zu",
				  DEADMX_SCENARIO_NAMES_MAX, node->count);
		return;
	}
	world->names = deadmx_arena_array(doc->arena, node->count,
					  sizeof(*world->names));
	for (child = node->first; child; child = child->next) {
		struct deadmx_name *name = &world->names[world->name_count];

		name_read(doc, child, name);
		for (size_t i = 0; i < world->name_count; i++)
			if (strcasecmp(world->names[i].name, name->name) == 0)
				deadmx_yaml_error(
					doc, &name->place, NULL,
					"%s is there already in line %d",
					name->name, world->names[i].place.line);
		world->name_count++;
	}
	reader->bad_names = doc->error_count > before;
}
