/* SPDX-License-Identifier: MIT */
/* What deadmx knows about one MTA: see target.h and docs/targets.md. */
#include "harness/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "deadmx/yaml.h"
#include "harness/fetch_npm.h"
#include "harness/target_features.h"
#include "harness/remote_address.h"
#include "harness/target_keys.h"

#define READY_WITHIN_NS	 (60 * DEADMX_NS_PER_S)
#define EXPIRES_SLACK_NS (3600 * DEADMX_NS_PER_S)
#define FILE_MODE	 0644

static const char *setting_find(const struct deadmx_setting *settings,
				size_t count, const char *name, size_t len)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(settings[i].name) == len &&
		    memcmp(settings[i].name, name, len) == 0)
			return settings[i].value;
	return NULL;
}

/* Handlers that only put a text in its place; @arg is a struct target. */
#define WORD_INTO(function, member)                                            \
	static void function(struct deadmx_yaml *doc,                          \
			     const struct deadmx_yaml_node *node, void *arg)   \
	{                                                                      \
		struct target *t = arg;                                        \
                                                                               \
		deadmx_yaml_word(doc, node, &t->member);                       \
	}

WORD_INTO(read_description, description)
WORD_INTO(read_version, version_command)
WORD_INTO(read_hostname, hostname)
WORD_INTO(read_setup, setup)
WORD_INTO(read_start, start)
WORD_INTO(read_alive, alive)
WORD_INTO(read_stop, stop)
WORD_INTO(ready_command, ready)
WORD_INTO(submit_sendmail, sendmail)
WORD_INTO(queue_show, queue)
WORD_INTO(queue_empty, queue_empty)

static bool path_read(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, char **ret)
{
	if (!deadmx_yaml_word(doc, node, ret))
		return false;
	if ((*ret)[0] == '/' && !strstr(*ret, "/../"))
		return true;
	deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node),
			  "an absolute path in the sandbox", NULL);
	return false;
}

static void read_binary(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *node, void *arg)
{
	struct target *t = arg;

	path_read(doc, node, &t->binary);
}

static void read_log_file(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg)
{
	struct target *t = arg;

	path_read(doc, node, &t->log_file);
}

/* A package name goes to apt-get: nothing that looks like an option. */
static void read_packages(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz0123456789+-.";
	struct target *t = arg;

	if (!deadmx_yaml_texts(doc, node, &t->packages, &t->package_count))
		return;
	for (size_t i = 0; i < t->package_count; i++) {
		const char *name = t->packages[i];

		if (!strchr("+-.", name[0]) && strspn(name, ok) == strlen(name))
			continue;
		deadmx_yaml_error(doc, &node->place, NULL,
				  "packages, expected names of Debian "
				  "packages, got \"%.60s\"",
				  name);
	}
}

static void read_npm(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node, void *arg)
{
	struct target *t = arg;

	if (!deadmx_yaml_texts(doc, node, &t->npm, &t->npm_count))
		return;
	for (size_t i = 0; i < t->npm_count; i++)
		if (!fetch_npm_is_package(t->npm[i]))
			deadmx_yaml_error(doc, &node->place, NULL,
					  "npm, expected packages with exact "
					  "versions such as Haraka@3.3.4, got "
					  "\"%.60s\"",
					  t->npm[i]);
}

/* A server elsewhere; where, the file or the user says. */
static void read_remote(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *node, void *arg)
{
	struct remote_address address = {.port = REMOTE_ADDRESS_PORT};
	struct target *t = arg;
	char *text;

	if (!deadmx_yaml_word(doc, node, &text))
		return;
	t->is_remote = true;
	if (strcmp(text, "ask") != 0) {
		t->remote = text;
		if (remote_address_parse(text, &address) < 0)
			deadmx_yaml_wrong(doc, node, "remote",
					  "ask, or " REMOTE_ADDRESS_FORM, NULL);
	}
	/* It takes mail by SMTP, and no other way. */
	t->submit_port = address.port;
}

/* What only makes sense for an MTA that deadmx runs, or for one elsewhere. */
static void check_place(struct deadmx_yaml *doc, const struct target *t)
{
	static const char *const needed[] = {"start", "submit"};
	static const char *const own[] = {
		"binary", "packages", "npm",	 "users", "files",
		"setup",  "start",    "ready",	 "alive", "queue",
		"stop",	  "version",  "log_file"};

	for (size_t i = 0; !t->is_remote && i < 2; i++)
		if (!deadmx_yaml_get(doc->root, needed[i]))
			deadmx_yaml_error(doc, &doc->root->place,
					  "a server that deadmx doesn't run "
					  "has `remote` instead",
					  "\"%s\" is missing in target",
					  needed[i]);
	for (size_t i = 0; t->is_remote && i < sizeof(own) / sizeof(own[0]);
	     i++) {
		const struct deadmx_yaml_node *child =
			deadmx_yaml_get(doc->root, own[i]);

		if (child)
			deadmx_yaml_error(doc, &child->key->place, NULL,
					  "target, expected no %s beside "
					  "remote: deadmx doesn't run it",
					  own[i]);
	}
}

/* --- users --------------------------------------------------------------- */

static void user_id(struct deadmx_yaml *doc,
		    const struct deadmx_yaml_node *node, unsigned *ret)
{
	int64_t id;

	if (deadmx_yaml_count(doc, node, 1, TARGET_UID_MAX, &id))
		*ret = (unsigned)id;
}

static void user_uid(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node, void *arg)
{
	struct target_user *user = arg;

	user_id(doc, node, &user->uid);
}

static void user_gid(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node, void *arg)
{
	struct target_user *user = arg;

	user_id(doc, node, &user->gid);
}

/* Names become lines of /etc/passwd. */
static bool is_account(const char *name)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	return name[0] && name[0] != '-' && strspn(name, ok) == strlen(name) &&
	       strlen(name) <= 32;
}

static void user_group(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	struct target_user *user = arg;

	if (deadmx_yaml_word(doc, node, &user->group) &&
	    !is_account(user->group))
		deadmx_yaml_wrong(doc, node, "group", "a group name", NULL);
}

static void user_home(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	struct target_user *user = arg;

	if (path_read(doc, node, &user->home) && strpbrk(user->home, ":\n"))
		deadmx_yaml_wrong(doc, node, "home", "a path without :", NULL);
}

static const struct deadmx_yaml_key user_keys[] = {
	{"uid", user_uid, "user id, 1 to 60000", true, "count 1..60000"},
	{"gid", user_gid, "group id, 1 to 60000", true, "count 1..60000"},
	{"group", user_group, "name of the group (default: the user's)", false,
	 "word"},
	{"home", user_home, "home folder (default /nonexistent)", false,
	 "word"},
	{0},
};

static bool is_map(struct deadmx_yaml *doc, const struct deadmx_yaml_node *node,
		   const char *expected)
{
	if (node->kind == DEADMX_YAML_MAP)
		return true;
	deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node), expected, NULL);
	return false;
}

static void read_users(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	const struct deadmx_yaml_node *child;
	struct target_user *user;
	struct target *t = arg;

	if (!is_map(doc, node, "a map (name: user)"))
		return;
	t->users = deadmx_arena_array(doc->arena, node->count, sizeof(*user));
	for (child = node->first; child; child = child->next) {
		user = &t->users[t->user_count++];
		user->name = user->group = child->key->text;
		user->home = "/nonexistent";
		if (!is_account(user->name))
			deadmx_yaml_wrong(doc, child->key, "users",
					  "a user name", NULL);
		deadmx_yaml_map(doc, child, "user", user_keys, user);
	}
}

/* --- files --------------------------------------------------------------- */

static void file_content(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, void *arg)
{
	struct target_file *file = arg;

	deadmx_yaml_text(doc, node, &file->content);
}

static void file_owner(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	struct target_file *file = arg;
	const char *colon;

	if (!deadmx_yaml_word(doc, node, &file->owner))
		return;
	colon = strchr(file->owner, ':');
	if (!colon || !is_account(colon + 1))
		deadmx_yaml_wrong(doc, node, "owner", "user:group", NULL);
}

/* Octal, as for chmod. */
static void file_mode(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	struct target_file *file = arg;
	unsigned mode = 0;
	size_t len = node->kind == DEADMX_YAML_TEXT ? node->len : 0;

	for (size_t i = 0; i < len; i++)
		mode = mode * 8 + (unsigned)(node->text[i] - '0');
	if (len < 3 || len > 5 || strspn(node->text, "01234567") != len ||
	    mode > TARGET_MODE_MAX)
		deadmx_yaml_wrong(doc, node, "mode",
				  "an octal mode such as 0644", NULL);
	else
		file->mode = mode;
}

static const struct deadmx_yaml_key file_keys[] = {
	{"content", file_content, "what the file holds; {NAME} is replaced",
	 true, "text"},
	{"owner", file_owner, "user:group (default root:root)", false, "word"},
	{"mode", file_mode, "octal mode (default 0644)", false, "word"},
	{0},
};

static void read_files(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	const struct deadmx_yaml_node *child;
	struct target_file *file;
	struct target *t = arg;

	if (!is_map(doc, node, "a map (path: file)"))
		return;
	t->files = deadmx_arena_array(doc->arena, node->count, sizeof(*file));
	for (child = node->first; child; child = child->next) {
		file = &t->files[t->file_count++];
		file->place = child->key->place;
		file->owner = "root:root";
		file->mode = FILE_MODE;
		path_read(doc, child->key, &file->path);
		deadmx_yaml_map(doc, child, "file", file_keys, file);
	}
}

/* --- settings ------------------------------------------------------------ */

/* What stands in braces without being a setting. */
static const char *given_find(const char *name, size_t len)
{
	static const char *const given[][2] = {{"ca", TARGET_CA_FILE},
					       {"cert", TARGET_CERT_FILE},
					       {"key", TARGET_KEY_FILE}};

	for (size_t i = 0; i < sizeof(given) / sizeof(*given); i++)
		if (strlen(given[i][0]) == len &&
		    memcmp(given[i][0], name, len) == 0)
			return given[i][1];
	return NULL;
}

static bool is_setting_name(const char *name)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

	return name[0] && strspn(name, ok) == strlen(name) &&
	       strcmp(name, "from") != 0 && strcmp(name, "to") != 0 &&
	       !given_find(name, strlen(name)) &&
	       strcmp(name, TARGET_SMARTHOST) != 0;
}

static void read_settings(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg)
{
	const struct deadmx_yaml_node *child;
	struct deadmx_setting *setting;
	struct target *t = arg;

	if (!is_map(doc, node, "a map (name: value)"))
		return;
	t->settings =
		deadmx_arena_array(doc->arena, node->count, sizeof(*setting));
	for (child = node->first; child; child = child->next) {
		setting = &t->settings[t->setting_count++];
		setting->name = child->key->text;
		setting->place = child->key->place;
		if (!is_setting_name(setting->name))
			deadmx_yaml_wrong(
				doc, child->key, "settings",
				"a name of small letters, digits and _, not "
				"from, to, ca, cert, key or smarthost",
				NULL);
		deadmx_yaml_setting(doc, child, &setting->value);
	}
}

/* --- start, ready, submit, queue ----------------------------------------- */

static void read_foreground(struct deadmx_yaml *doc,
			    const struct deadmx_yaml_node *node, void *arg)
{
	struct target *t = arg;

	deadmx_yaml_yes(doc, node, &t->start_foreground);
}

static void port_read(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, uint16_t *ret)
{
	int64_t port;

	if (deadmx_yaml_count(doc, node, 1, UINT16_MAX, &port))
		*ret = (uint16_t)port;
}

static void ready_port(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	struct target *t = arg;

	port_read(doc, node, &t->ready_port);
}

static void ready_within(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, void *arg)
{
	struct target *t = arg;

	deadmx_yaml_duration(doc, node, &t->ready_within_ns);
}

static const struct deadmx_yaml_key ready_keys[] = {
	{"command", ready_command, "shell, asked until it exits 0", false,
	 "word"},
	{"port", ready_port, "port of 127.0.0.1 that must accept", false,
	 "count 1..65535"},
	{"within", ready_within, "virtual time it may take (default 60s)",
	 false, "duration"},
	{0},
};

static void read_ready(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	if (deadmx_yaml_map(doc, node, "ready", ready_keys, arg) &&
	    !deadmx_yaml_get(node, "command") && !deadmx_yaml_get(node, "port"))
		deadmx_yaml_error(doc, &node->place, NULL,
				  "ready, expected a command, a port or both, "
				  "got neither");
}

static void submit_port(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *node, void *arg)
{
	struct target *t = arg;

	port_read(doc, node, &t->submit_port);
}

static void submit_tls(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	static const char *const words[] = {
#define XX(uc, word, meaning) word,
		TARGET_SUBMIT_TLS_MAP(XX)
#undef XX
	};
	struct target *t = arg;

	for (int i = 0; i < TARGET_SUBMIT_TLS_COUNT; i++)
		if (deadmx_yaml_is(node, words[i])) {
			t->submit_tls = (enum target_submit_tls)i;
			return;
		}
	deadmx_yaml_wrong(doc, node, "tls", "none or starttls", NULL);
}

/* AUTH PLAIN parts them by a NUL, which YAML can't hold here. */
static void login_read(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, char **ret)
{
	if (deadmx_yaml_word(doc, node, ret) && strlen(*ret) > TARGET_LOGIN_MAX)
		deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node),
				  "at most 255 bytes", NULL);
}

static void submit_user(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *node, void *arg)
{
	struct target *t = arg;

	login_read(doc, node, &t->submit_user);
}

static void submit_password(struct deadmx_yaml *doc,
			    const struct deadmx_yaml_node *node, void *arg)
{
	struct target *t = arg;

	login_read(doc, node, &t->submit_password);
}

static const struct deadmx_yaml_key submit_keys[] = {
	{"port", submit_port, "port of 127.0.0.1 that takes mail by SMTP",
	 false, "count 1..65535"},
	{"tls", submit_tls,
	 "starttls: with STARTTLS there, whatever its certificate (default "
	 "none)",
	 false, "'none'|'starttls'"},
	{"user", submit_user, "user to log in as there, by AUTH PLAIN", false,
	 "word"},
	{"password", submit_password, "the user's password", false, "word"},
	{"sendmail", submit_sendmail,
	 "shell that takes a message on standard input; {from} and {to} are "
	 "replaced, quoted for the shell, the null sender by ''",
	 false, "word"},
	{0},
};

/* Keys that say something only beside another one. */
static void submit_needs(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, const char *key,
			 const char *needs)
{
	const struct deadmx_yaml_node *child = deadmx_yaml_get(node, key);

	if (child && !deadmx_yaml_get(node, needs))
		deadmx_yaml_error(doc, &child->key->place, NULL,
				  "submit, expected a %s beside the %s, got "
				  "none",
				  needs, key);
}

static void read_submit(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *node, void *arg)
{
	bool is_remote = deadmx_yaml_get(doc->root, "remote") != NULL;
	bool has_way = deadmx_yaml_get(node, "port") ||
		       deadmx_yaml_get(node, "sendmail");

	if (!deadmx_yaml_map(doc, node, "submit", submit_keys, arg))
		return;
	if (is_remote && has_way)
		deadmx_yaml_error(doc, &node->place, NULL,
				  "submit, expected neither a port nor a "
				  "sendmail command beside remote");
	else if (!is_remote && !has_way)
		deadmx_yaml_error(doc, &node->place, NULL,
				  "submit, expected a port, a sendmail command "
				  "or both, got neither");
	if (!is_remote) {
		submit_needs(doc, node, "tls", "port");
		submit_needs(doc, node, "user", "port");
	}
	submit_needs(doc, node, "user", "password");
	submit_needs(doc, node, "password", "user");
}

static const struct deadmx_yaml_key queue_keys[] = {
	{"show", queue_show, "shell that prints the queue", true, "word"},
	{"empty", queue_empty,
	 "extended regular expression found in that when the queue is empty",
	 true, "word"},
	{0},
};

static void read_queue(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg)
{
	struct target *t = arg;

	deadmx_yaml_map(doc, node, "queue", queue_keys, arg);
	if (t->queue_empty)
		deadmx_yaml_regex(doc, deadmx_yaml_get(node, "empty"),
				  t->queue_empty);
}

/* --- documented ---------------------------------------------------------- */

static void documented_source(struct deadmx_yaml *doc,
			      const struct deadmx_yaml_node *node, void *arg)
{
	struct target_documented *d = arg;

	deadmx_yaml_word(doc, node, &d->source);
}

static void documented_expires(struct deadmx_yaml *doc,
			       const struct deadmx_yaml_node *node, void *arg)
{
	struct target_documented *d = arg;

	d->says |= TARGET_SAYS_EXPIRES;
	deadmx_yaml_duration(doc, node, &d->expires_after_ns);
}

static void documented_slack(struct deadmx_yaml *doc,
			     const struct deadmx_yaml_node *node, void *arg)
{
	struct target_documented *d = arg;

	d->says |= TARGET_SAYS_SLACK;
	deadmx_yaml_duration(doc, node, &d->expires_slack_ns);
}

/* A rule by its word, or a code that is always used. */
static void documented_status(struct deadmx_yaml *doc,
			      const struct deadmx_yaml_node *node, void *arg)
{
	static const char *const words[] = {
#define XX(uc, word, meaning) word,
		TARGET_STATUS_MAP(XX)
#undef XX
	};
	struct target_documented *d = arg;
	char *text;

	d->says |= TARGET_SAYS_STATUS;
	if (!deadmx_yaml_word(doc, node, &text))
		return;
	for (int i = 0; i < TARGET_STATUS_COUNT; i++)
		if (i != TARGET_STATUS_FIXED && strcmp(words[i], text) == 0) {
			d->status_rule = (enum target_status)i;
			return;
		}
	d->status_rule = TARGET_STATUS_FIXED;
	d->status = text;
	if (!deadmx_yaml_is_status(text))
		deadmx_yaml_wrong(doc, node, "status",
				  "any, last_attempt or a code such as 4.4.7",
				  NULL);
}

static void documented_retry(struct deadmx_yaml *doc,
			     const struct deadmx_yaml_node *node, void *arg)
{
	struct target_documented *d = arg;

	d->says |= TARGET_SAYS_RETRY;
	target_retry_read(doc, node, &d->retry);
}

static void documented_last(struct deadmx_yaml *doc,
			    const struct deadmx_yaml_node *node, void *arg)
{
	struct target_documented *d = arg;

	d->says |= TARGET_SAYS_LAST;
	deadmx_yaml_yes(doc, node, &d->last_attempt);
}

static void documented_notice(struct deadmx_yaml *doc,
			      const struct deadmx_yaml_node *node, void *arg)
{
	struct target_documented *d = arg;

	d->says |= TARGET_SAYS_NOTICE;
	if (!deadmx_yaml_is(node, "none"))
		deadmx_yaml_duration(doc, node, &d->delay_notice_ns);
}

/*
 * What stands in `documented` and in each row of its `when`:
 * XX(handler, "word", "for the reference", "type")
 */
/* clang-format off */
#define SAID_MAP(XX) \
	XX(documented_expires, "expires_after", \
	   "how long mail is tried (default: not documented, not judged)", \
	   "duration") \
	XX(documented_slack, "expires_slack", \
	   "the bounce comes at most this much later (default 1h)", \
	   "duration") \
	XX(documented_status, "status", \
	   "of an expiry bounce: last_attempt, the code of the last failed " \
	   "attempt; a code such as 4.4.7 that is always used; or any " \
	   "(default)", \
	   "'any'|'last_attempt'|status") \
	XX(documented_retry, "retry", \
	   "when mail is tried again: a range of gaps such as 5m..75m, a " \
	   "rule, or a list of rules (default: not documented, not judged)", \
	   "times|table retry|list table retry") \
	XX(documented_last, "last_attempt", \
	   "yes: when its time is over, mail is tried once more (default no)", \
	   "yes") \
	XX(documented_notice, "delay_notice", \
	   "when the sender is told of a delay, or none (default: not " \
	   "documented, not judged)", \
	   "'none'|duration")
/* clang-format on */

static const struct deadmx_yaml_key said_keys[] = {
#define XX(read, word, doc, type) {word, read, doc, false, type},
	SAID_MAP(XX)
#undef XX
		{0},
};

static void when_setting(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, void *arg)
{
	struct target_when *when = arg;

	deadmx_yaml_word(doc, node, &when->setting);
}

static void when_is(struct deadmx_yaml *doc,
		    const struct deadmx_yaml_node *node, void *arg)
{
	struct target_when *when = arg;

	deadmx_yaml_texts(doc, node, &when->is, &when->is_count);
}

/* Read by the handler of the same word in said_keys. */
static void when_said(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg)
{
	struct target_when *when = arg;

	for (const struct deadmx_yaml_key *k = said_keys; k->word; k++)
		if (strcmp(k->word, node->key->text) == 0)
			k->read(doc, node, &when->documented);
}

static const struct deadmx_yaml_key when_keys[] = {
	{"setting", when_setting, "name of one of the target's settings", true,
	 "word"},
	{"is", when_is, "its value, or a list of values", true,
	 "word|list word"},
#define XX(read, word, doc, type) {word, when_said, doc, false, type},
	SAID_MAP(XX)
#undef XX
		{0},
};

static void documented_when(struct deadmx_yaml *doc,
			    const struct deadmx_yaml_node *node, void *arg)
{
	const struct deadmx_yaml_node *child;
	struct target *t = doc->user;

	(void)arg;
	if (node->kind != DEADMX_YAML_LIST) {
		deadmx_yaml_wrong(doc, node, "when", "a list of rows", NULL);
		return;
	}
	t->whens =
		deadmx_arena_array(doc->arena, node->count, sizeof(*t->whens));
	for (child = node->first; child; child = child->next) {
		struct target_when *when = &t->whens[t->when_count++];

		when->place = child->place;
		deadmx_yaml_map(doc, child, "when", when_keys, when);
	}
}

static const struct deadmx_yaml_key documented_keys[] = {
#define XX(read, word, doc, type) {word, read, doc, false, type},
	SAID_MAP(XX)
#undef XX
		{"source", documented_source, "where all this is documented",
		 true, "word"},
	{"when", documented_when,
	 "what is documented instead when a setting has another value", false,
	 "list table when"},
	{0},
};

static void read_documented(struct deadmx_yaml *doc,
			    const struct deadmx_yaml_node *node, void *arg)
{
	struct target *t = arg;

	deadmx_yaml_map(doc, node, "documented", documented_keys,
			&t->documented);
}

/* --- the whole ----------------------------------------------------------- */

static const struct deadmx_yaml_key target_keys[] = {
	{"description", read_description, "the MTA, in a few words", true,
	 "word"},
	{"binary", read_binary,
	 "absolute path whose presence means that it is installed", false,
	 "word"},
	{"packages", read_packages,
	 "Debian packages to fetch when it is not installed", false,
	 "word|list word"},
	{"npm", read_npm,
	 "packages of npm with their versions, the same way; in the sandbox "
	 "they are in /opt/deadmx/node_modules",
	 false, "word|list word"},
	{"version", read_version, "shell that prints the version", false,
	 "word"},
	{"remote", read_remote,
	 "smtp://HOST:PORT of a server that deadmx doesn't run, or ask: "
	 "`--at` tells it",
	 false, "word"},
	{"features", target_features_read,
	 "what the MTA has and what limits it; of what is not named a scenario "
	 "that needs it is unsupported",
	 false, "list word"},
	{"hostname", read_hostname,
	 "name of the sandbox's host (default mta.sender-side.example)", false,
	 "word"},
	{"users", read_users, "users and groups that it needs, by name", false,
	 "map table users"},
	{"settings", read_settings,
	 "what scenarios may change, with the default of each", false,
	 "map text"},
	{"files", read_files, "files to write, by path", false,
	 "map table files"},
	{"setup", read_setup, "shell, before the start; must exit 0", false,
	 "word"},
	{"start", read_start,
	 "shell that starts it (required, but not with remote)", false, "word"},
	{"foreground", read_foreground,
	 "yes: start stays for as long as the MTA runs (default no)", false,
	 "yes"},
	{"ready", read_ready, "how to tell that it takes mail", false,
	 "table ready"},
	{"alive", read_alive, "shell that exits 0 while the MTA lives", false,
	 "word"},
	{"submit", read_submit,
	 "how it is given mail (required, but not with remote)", false,
	 "table submit"},
	{"queue", read_queue, "how to look at its queue", false, "table queue"},
	{"stop", read_stop,
	 "shell that stops it (default: its processes get SIGTERM)", false,
	 "word"},
	{"log_file", read_log_file,
	 "where it logs, when not to /dev/log; its lines go into the event log "
	 "as they are written",
	 false, "word"},
	{"documented", read_documented, "what its makers document", true,
	 "table documented"},
	{"known", target_known_read,
	 "faults of the MTA that are no news: the verdict is then `known`",
	 false, "list table known"},
	{0},
};

const struct target_table target_tables[] = {
	{"target", target_keys},
	{"users", user_keys},
	{"files", file_keys},
	{"ready", ready_keys},
	{"submit", submit_keys},
	{"queue", queue_keys},
	{"documented", documented_keys},
	{"known", target_known_keys},
	{"retry", target_retry_keys},
	{"when", when_keys},
	{0},
};

/* A row about a setting that the target doesn't have would never hold. */
static void whens_check(struct deadmx_yaml *doc, const struct target *t)
{
	for (size_t i = 0; i < t->when_count; i++) {
		const struct target_when *when = &t->whens[i];

		if (when->setting &&
		    !setting_find(t->settings, t->setting_count, when->setting,
				  strlen(when->setting)))
			deadmx_yaml_error(doc, &when->place, NULL,
					  "when, expected one of the target's "
					  "settings, got \"%.60s\"",
					  when->setting);
	}
}

/* postfix from harness/targets/postfix.yml. */
static char *name_from_path(struct deadmx_arena *arena, const char *path)
{
	const char *file = strrchr(path, '/'), *dot;

	file = file ? file + 1 : path;
	dot = strrchr(file, '.');
	if (!dot || dot == file)
		dot = file + strlen(file);
	return deadmx_arena_copy(arena, file, (size_t)(dot - file));
}

static int load(struct deadmx_arena *arena, const char *path, FILE *errors,
		struct target **ret)
{
	struct target *t = deadmx_arena_alloc(arena, sizeof(*t));
	struct deadmx_yaml doc;
	size_t len;
	char *text;
	int r;

	t->arena = arena;
	t->file = deadmx_arena_copy(arena, path, strlen(path));
	t->name = name_from_path(arena, path);
	t->hostname = "mta.sender-side.example";
	t->ready_within_ns = READY_WITHIN_NS;
	t->documented.expires_slack_ns = EXPIRES_SLACK_NS;
	r = deadmx_yaml_read_file(arena, path, errors, &text, &len);
	if (r < 0)
		return r;
	r = deadmx_yaml_parse(&doc, arena, path, text, len, errors);
	if (r < 0)
		return r;
	doc.user = t;
	deadmx_yaml_map(&doc, doc.root, "target", target_keys, t);
	whens_check(&doc, t);
	if (doc.root->kind == DEADMX_YAML_MAP)
		check_place(&doc, t);
	r = deadmx_yaml_finish(&doc);
	if (r == 0)
		*ret = t;
	return r;
}

int target_load(const char *path, FILE *errors, struct target **ret)
{
	struct deadmx_arena *arena = deadmx_arena_new();
	int r = load(arena, path, errors, ret);

	if (r < 0)
		deadmx_arena_free(arena);
	return r;
}

void target_free(struct target *target)
{
	if (target)
		deadmx_arena_free(target->arena);
}

/* --- settings in use ----------------------------------------------------- */

/* Only the target's own settings are replaced, whatever a scenario says. */
static const char *setting_value(const struct target *t,
				 const struct deadmx_scenario *s,
				 const char *name, size_t len)
{
	const struct deadmx_server *host;
	const char *value, *own;

	value = given_find(name, len);
	if (value)
		return value;
	if (s && len == strlen(TARGET_SMARTHOST) &&
	    memcmp(name, TARGET_SMARTHOST, len) == 0) {
		host = target_features_smarthost(s);
		return host ? host->name : NULL;
	}
	value = setting_find(t->settings, t->setting_count, name, len);
	if (!value || !s)
		return value;
	own = setting_find(s->settings, s->setting_count, name, len);
	return own ? own : value;
}

char *target_expand(const struct target *target,
		    const struct deadmx_scenario *scenario, const char *text)
{
	const char *brace, *end, *value;
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	if (!f)
		abort();
	while ((brace = strchr(text, '{'))) {
		end = strpbrk(brace + 1, "{}");
		value = end && *end == '}'
				? setting_value(target, scenario, brace + 1,
						(size_t)(end - brace - 1))
				: NULL;
		fwrite(text, 1, (size_t)(brace - text), f);
		fputs(value ? value : "{", f);
		text = value ? end + 1 : brace + 1;
	}
	fputs(text, f);
	if (fclose(f) != 0)
		abort();
	return out;
}

/* A mail that doesn't say how it goes in takes the way that there is. */
static bool takes_mail(const struct target *target,
		       const struct deadmx_mail *mail)
{
	if (!mail->via_said && target->sendmail)
		return true;
	return mail->via_sendmail ? target->sendmail != NULL
				  : target->submit_port != 0;
}

void target_set_ways(const struct target *target,
		     struct deadmx_scenario *scenario)
{
	for (size_t i = 0; i < scenario->mail_count; i++)
		if (!scenario->mails[i].via_said && !target->submit_port)
			scenario->mails[i].via_sendmail = true;
}

bool target_supports(const struct target *target,
		     const struct deadmx_scenario *scenario, char *why,
		     size_t why_len)
{
	for (size_t i = 0; i < scenario->setting_count; i++) {
		const struct deadmx_setting *s = &scenario->settings[i];

		if (setting_find(target->settings, target->setting_count,
				 s->name, strlen(s->name)))
			continue;
		snprintf(why, why_len, "%s:%d: the target %s has no setting %s",
			 s->place.file, s->place.line, target->name, s->name);
		return false;
	}
	for (size_t i = 0; i < scenario->mail_count; i++) {
		const struct deadmx_mail *mail = &scenario->mails[i];

		if (takes_mail(target, mail))
			continue;
		snprintf(why, why_len,
			 "%s:%d: the target %s takes no mail by "
			 "%s",
			 mail->place.file, mail->place.line, target->name,
			 mail->via_sendmail ? "sendmail" : "SMTP");
		return false;
	}
	return target_features_support(target, scenario, why, why_len);
}

/* --- what is documented for a scenario ----------------------------------- */

static bool when_holds(const struct target *t,
		       const struct deadmx_scenario *scenario,
		       const struct target_when *when)
{
	const char *value = setting_value(t, scenario, when->setting,
					  strlen(when->setting));

	for (size_t i = 0; value && i < when->is_count; i++)
		if (strcmp(when->is[i], value) == 0)
			return true;
	return false;
}

static void documented_merge(struct target_documented *d,
			     const struct target_documented *row)
{
	d->says |= row->says;
	if (row->says & TARGET_SAYS_EXPIRES)
		d->expires_after_ns = row->expires_after_ns;
	if (row->says & TARGET_SAYS_SLACK)
		d->expires_slack_ns = row->expires_slack_ns;
	if (row->says & TARGET_SAYS_STATUS) {
		d->status_rule = row->status_rule;
		d->status = row->status;
	}
	if (row->says & TARGET_SAYS_RETRY)
		d->retry = row->retry;
	if (row->says & TARGET_SAYS_LAST)
		d->last_attempt = row->last_attempt;
	if (row->says & TARGET_SAYS_NOTICE)
		d->delay_notice_ns = row->delay_notice_ns;
}

struct target_documented
target_documented(const struct target *target,
		  const struct deadmx_scenario *scenario)
{
	struct target_documented d = target->documented;
	int64_t lifetime_ns = deadmx_scenario_lifetime(scenario);
	const char *warning =
		setting_find(scenario->settings, scenario->setting_count,
			     "delay_warning", strlen("delay_warning"));

	for (size_t i = 0; i < target->when_count; i++)
		if (when_holds(target, scenario, &target->whens[i]))
			documented_merge(&d, &target->whens[i].documented);
	if (lifetime_ns > 0)
		d.expires_after_ns = lifetime_ns;
	else if (lifetime_ns < 0)
		d.expires_after_ns = 0; /* in the target's own words */
	/* So in its own words is this. */
	if (warning && deadmx_duration_parse(warning, &d.delay_notice_ns) == 0)
		d.says |= TARGET_SAYS_NOTICE;
	else if (warning)
		d.says &= ~(unsigned)TARGET_SAYS_NOTICE;
	return d;
}

int64_t target_lifetime_ns(const struct target *target,
			   const struct deadmx_scenario *scenario)
{
	return target_documented(target, scenario).expires_after_ns;
}

bool target_is_hurried(const struct target *target,
		       const struct deadmx_scenario *scenario)
{
	int64_t lifetime_ns = target_lifetime_ns(target, scenario);

	return target->is_remote && lifetime_ns &&
	       lifetime_ns < 24 * 3600 * DEADMX_NS_PER_S;
}

bool target_set_expiry(const struct target *target,
		       struct deadmx_scenario *scenario, char *why,
		       size_t why_len)
{
	int64_t lifetime_ns = target_lifetime_ns(target, scenario);

	return deadmx_scenario_set_expiry(
		scenario, lifetime_ns ? lifetime_ns : DEADMX_EXPIRY_DEFAULT_NS,
		why, why_len);
}
