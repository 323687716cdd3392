/* SPDX-License-Identifier: MIT */
/* Target files: the shipped ones, what is refused, settings in use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deadmx/yaml.h"
#include "harness/target.h"
#include "harness/target_keys.h"

#define LEAST                                                                  \
	"description: d\nstart: run\nsubmit: {port: 25}\n"                     \
	"documented: {source: s}\n"
#define DAY_NS (INT64_C(86400) * DEADMX_NS_PER_S)

struct fixture {
	char folder[64];
	char path[96];
	struct target *target;
	char *said;
};

static int setup(void **state)
{
	struct fixture *f = malloc(sizeof(*f));

	assert_non_null(f);
	*f = (struct fixture){.folder = "/tmp/test_target.XXXXXX"};
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/mine.yml", f->folder);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	rmdir(f->folder);
	target_free(f->target);
	free(f->said);
	free(f);
	return 0;
}

static int load(struct fixture *f, const char *text)
{
	FILE *file = fopen(f->path, "w"), *errors;
	size_t size;
	int r;

	fputs(text, file);
	fclose(file);
	target_free(f->target);
	f->target = NULL;
	free(f->said);
	f->said = NULL;
	errors = open_memstream(&f->said, &size);
	r = target_load(f->path, errors, &f->target);
	fclose(errors);
	return r;
}

static void refuse(void **state, const char *text, const char *words)
{
	struct fixture *f = *state;

	if (load(f, text) != -EINVAL)
		fail_msg("taken: %s", text);
	if (!strstr(f->said, words))
		fail_msg("expected \"%s\", got: %s", words, f->said);
}

static struct target *take(void **state, const char *text)
{
	struct fixture *f = *state;

	if (load(f, text) != 0)
		fail_msg("%s", f->said);
	return f->target;
}

static struct deadmx_scenario *scenario(const char *extra)
{
	struct deadmx_scenario *s = NULL;
	char text[1024];

	snprintf(text, sizeof(text),
		 "description: d\n%s"
		 "world: {servers: {mx.dest.example: }}\n"
		 "expect: {faults: none}\n",
		 extra);
	assert_int_equal(
		deadmx_scenario_parse("t.yml", text, strlen(text), stderr, &s),
		0);
	return s;
}

static void test_target_defaults(void **state)
{
	const struct target *t = take(state, LEAST);

	assert_string_equal(t->name, "mine");
	assert_string_equal(t->hostname, "mta.sender-side.example");
	assert_int_equal(t->ready_within_ns, 60 * DEADMX_NS_PER_S);
	assert_int_equal(t->ready_port, 0);
	assert_null(t->sendmail);
	assert_null(t->stop);
	assert_false(t->start_foreground);
	assert_int_equal(t->documented.expires_after_ns, 0);
	assert_int_equal(t->documented.expires_slack_ns,
			 3600 * DEADMX_NS_PER_S);
	assert_int_equal(t->documented.status_rule, TARGET_STATUS_ANY);
}

static void test_target_all_keys(void **state)
{
	const struct target *t = take(
		state,
		"description: d\nbinary: /bin/x\npackages: [x, liby1+]\n"
		"npm: [M@1.0.0, "
		"n@1.2.3]\n"
		"version: x -v\nhostname: h.example\n"
		"users: {Deb-x: {uid: 7, gid: 8, group: y, home: /x}, "
		"z: {uid: 9, gid: 9}}\n"
		"settings: {a: 1, b: on}\n"
		"files: {/etc/x: {content: c, owner: 'x:y', mode: 02755}, "
		"/etc/y: {content: ''}}\n"
		"setup: s\nstart: run\nforeground: yes\n"
		"ready: {command: r, port: 26, within: 5s}\nalive: l\n"
		"submit: {port: 587, tls: starttls, user: u, password: 'p w', "
		"sendmail: 'm {from} {to}'}\n"
		"queue: {show: q, empty: ^$}\nstop: p\nlog_file: /var/log/x\n"
		"documented: {expires_after: 4d, expires_slack: 2h, status: "
		"4.4.7, retry: 5m..1h, delay_notice: 4h, source: s}\n");

	assert_string_equal(t->binary, "/bin/x");
	assert_int_equal(t->package_count, 2);
	assert_string_equal(t->packages[1], "liby1+");
	assert_int_equal(t->npm_count, 2);
	assert_string_equal(t->npm[1], "n@1.2.3");
	assert_string_equal(t->users[0].name, "Deb-x");
	assert_int_equal(t->users[0].uid, 7);
	assert_int_equal(t->users[0].gid, 8);
	assert_string_equal(t->users[0].group, "y");
	assert_string_equal(t->users[1].group, "z");
	assert_string_equal(t->users[1].home, "/nonexistent");
	assert_int_equal(t->setting_count, 2);
	assert_string_equal(t->settings[1].value, "on");
	assert_string_equal(t->files[0].path, "/etc/x");
	assert_int_equal(t->files[0].mode, 02755);
	assert_int_equal(t->files[1].mode, 0644);
	assert_string_equal(t->files[1].owner, "root:root");
	assert_string_equal(t->files[1].content, "");
	assert_true(t->start_foreground);
	assert_int_equal(t->ready_port, 26);
	assert_string_equal(t->ready, "r");
	assert_int_equal(t->submit_port, 587);
	assert_int_equal(t->submit_tls, TARGET_SUBMIT_TLS_STARTTLS);
	assert_string_equal(t->submit_user, "u");
	assert_string_equal(t->submit_password, "p w");
	assert_string_equal(t->queue_empty, "^$");
	assert_int_equal(t->documented.status_rule, TARGET_STATUS_FIXED);
	assert_string_equal(t->documented.status, "4.4.7");
	assert_int_equal(t->documented.retry.count, 1);
	assert_int_equal(t->documented.retry.steps[0].random_ns,
			 55 * 60 * DEADMX_NS_PER_S);
	assert_int_equal(t->documented.delay_notice_ns,
			 4 * 3600 * DEADMX_NS_PER_S);
}

static void test_target_refused(void **state)
{
	refuse(state, "description: d\n", "\"start\" is missing in target");
	refuse(state, LEAST "sart: x\n", "did you mean \"start\"?");
	refuse(state, LEAST "binary: x\n", "an absolute path");
	refuse(state, LEAST "binary: /a/../b\n", "an absolute path");
	refuse(state, LEAST "packages: [-o]\n", "names of Debian packages");
	refuse(state, LEAST "packages: a b\n", "names of Debian packages");
	refuse(state, LEAST "npm: [a@1.2.3, a]\n", "with exact versions");
	refuse(state, LEAST "users: {'a:b': {uid: 1, gid: 1}}\n", "user name");
	refuse(state, LEAST "users: {a: {uid: 0, gid: 60001}}\n",
	       "a number from 1 to 60000");
	refuse(state, LEAST "users: {a: {uid: 1}}\n", "\"gid\" is missing");
	refuse(state, LEAST "users: {a: {uid: 1, gid: 1, home: '/a:b'}}\n",
	       "without :");
	refuse(state, LEAST "users: [a]\n", "a map (name: user)");
	refuse(state, LEAST "files: {/a: {content: x, mode: 0888}}\n", "octal");
	refuse(state, LEAST "files: {/a: {content: x, mode: 17777}}\n",
	       "octal");
	refuse(state, LEAST "files: {/a: {content: x, owner: root}}\n",
	       "user:group");
	refuse(state, LEAST "files: {a: {content: x}}\n", "an absolute path");
	refuse(state, LEAST "settings: {from: x}\n",
	       "not from, to, ca, cert, key or smarthost");
	refuse(state, LEAST "settings: {a: '$(x)'}\n", "letters, digits");
	refuse(state, LEAST "ready: {within: 5s}\n", "got neither");
	refuse(state, LEAST "queue: {show: x, empty: (}\n",
	       "regular expression");
	refuse(state, LEAST "queue: {show: x}\n", "\"empty\" is missing");
	refuse(state,
	       "description: d\nstart: x\nsubmit: {}\n"
	       "documented: {status: last, retry: 5m}\n",
	       "any, last_attempt or a code");
	refuse(state,
	       "description: d\nstart: x\nsubmit: {}\n"
	       "documented: {status: last, retry: 5m}\n",
	       "\"source\" is missing");
}

#define WITH_SUBMIT(keys)                                                      \
	"description: d\nstart: x\ndocumented: {source: s}\n"                  \
	"submit: {" keys "}\n"

static void test_target_submit(void **state)
{
	struct target *t = take(state, WITH_SUBMIT("port: 25"));

	assert_int_equal(t->submit_tls, TARGET_SUBMIT_TLS_NONE);
	assert_null(t->submit_user);
	t = take(state, WITH_SUBMIT("port: 25, tls: none"));
	assert_int_equal(t->submit_tls, TARGET_SUBMIT_TLS_NONE);
	refuse(state, WITH_SUBMIT("port: 25, tls: smtps"),
	       "4:25: tls, expected none or starttls, got \"smtps\"");
	refuse(state, WITH_SUBMIT("user: u, password: p"), "got neither");
	refuse(state, WITH_SUBMIT("sendmail: m, tls: starttls"),
	       "expected a port beside the tls, got none");
	refuse(state, WITH_SUBMIT("sendmail: m, user: u, password: p"),
	       "expected a port beside the user, got none");
	refuse(state, WITH_SUBMIT("port: 25, user: u"),
	       "expected a password beside the user, got none");
	refuse(state, WITH_SUBMIT("port: 25, password: p"),
	       "expected a user beside the password, got none");
	refuse(state, WITH_SUBMIT("port: 25, user: '', password: p"), "user");
}

static void test_target_login_limit(void **state)
{
	char text[2 * TARGET_LOGIN_MAX + 256], word[TARGET_LOGIN_MAX + 2];

	memset(word, 'x', sizeof(word));
	word[TARGET_LOGIN_MAX] = '\0';
	snprintf(text, sizeof(text),
		 WITH_SUBMIT("port: 25, user: %s, password: %s"), word, word);
	assert_int_equal(strlen(take(state, text)->submit_password),
			 TARGET_LOGIN_MAX);
	memset(word, 'x', sizeof(word));
	word[TARGET_LOGIN_MAX + 1] = '\0';
	snprintf(text, sizeof(text),
		 WITH_SUBMIT("port: 25, user: %s, password: p"), word);
	refuse(state, text, "user, expected at most 255 bytes");
}

static void test_target_expand(void **state)
{
	const struct target *t = take(state, LEAST "settings: {a: 1, bb: 2}\n");
	struct deadmx_scenario *s =
		scenario("settings: {bb: 3, other: 4}\n"
			 "mail: {from: '', to: b@dest.example}\n");
	static const struct {
		const char *text, *plain, *with;
	} rows[] = {
		{"", "", ""},
		{"x {a}{bb} y", "x 12 y", "x 13 y"},
		{"{from} {to} {other}", "{from} {to} {other}",
		 "{from} {to} {other}"},
		{"${a} {{bb}} {", "$1 {2} {", "$1 {3} {"},
		{"{ a} {a", "{ a} {a", "{ a} {a"},
		{"{ca} {cert} {key}",
		 TARGET_CA_FILE " " TARGET_CERT_FILE " " TARGET_KEY_FILE,
		 TARGET_CA_FILE " " TARGET_CERT_FILE " " TARGET_KEY_FILE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *plain = target_expand(t, NULL, rows[i].text);
		char *with = target_expand(t, s, rows[i].text);

		assert_string_equal(plain, rows[i].plain);
		assert_string_equal(with, rows[i].with);
		free(plain);
		free(with);
	}
	deadmx_scenario_free(s);
}

static void test_target_supports(void **state)
{
	const struct target *t = take(state, LEAST "settings: {a: 1}\n");
	struct deadmx_scenario *s;
	char why[256];

	s = scenario("settings: {a: 2}\n"
		     "mail: {from: '', to: b@dest.example}\n");
	assert_true(target_supports(t, s, why, sizeof(why)));
	deadmx_scenario_free(s);
	s = scenario("settings: {b: 2}\n"
		     "mail: {from: '', to: b@dest.example}\n");
	assert_false(target_supports(t, s, why, sizeof(why)));
	assert_string_equal(why, "t.yml:2: the target mine has no setting b");
	deadmx_scenario_free(s);
	s = scenario("mail: {from: '', to: b@dest.example, via: sendmail}\n");
	assert_false(target_supports(t, s, why, sizeof(why)));
	assert_string_equal(why, "t.yml:2: the target mine takes no mail by "
				 "sendmail");
	deadmx_scenario_free(s);
}

/* An MTA without a listener gets its mail by its command. */
static void test_target_ways(void **state)
{
	const struct target *t =
		take(state, "description: d\nstart: s\n"
			    "submit: {sendmail: 'm {from} {to}'}\n"
			    "documented: {source: s}\n");
	struct deadmx_scenario *s;
	char why[256];

	s = scenario("mail:\n- {from: '', to: b@dest.example}\n"
		     "- {from: '', to: b@dest.example, via: sendmail}\n");
	assert_true(target_supports(t, s, why, sizeof(why)));
	target_set_ways(t, s);
	assert_true(s->mails[0].via_sendmail);
	assert_true(s->mails[1].via_sendmail);
	deadmx_scenario_free(s);
	s = scenario("mail: {from: '', to: b@dest.example, via: smtp}\n");
	assert_false(target_supports(t, s, why, sizeof(why)));
	target_set_ways(t, s);
	assert_false(s->mails[0].via_sendmail);
	deadmx_scenario_free(s);
}

static bool has_name(char **names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static void test_target_find(void **state)
{
	struct fixture *f = *state;
	struct deadmx_arena *arena;
	char *path = NULL, **names;
	FILE *errors;
	size_t size, count;

	take(state, LEAST);
	assert_int_equal(target_find(f->path, NULL, &path), 0);
	assert_string_equal(path, f->path);
	free(path);
	assert_int_equal(target_find("mine", NULL, &path), -ENOENT);
	setenv("DEADMX_TARGETS", f->folder, 1);
	assert_int_equal(target_find("mine", NULL, &path), 0);
	assert_string_equal(path, f->path);
	free(path);
	assert_int_equal(target_find("postfix", NULL, &path), 0);
	free(path);
	arena = deadmx_arena_new();
	target_known(arena, &names, &count);
	assert_true(count >= 2);
	assert_true(has_name(names, count, "mine"));
	assert_true(has_name(names, count, "postfix"));
	deadmx_arena_free(arena);
	free(f->said);
	errors = open_memstream(&f->said, &size);
	assert_int_equal(target_find("postfx", errors, &path), -ENOENT);
	assert_int_equal(target_find("./no.yml", errors, &path), -ENOENT);
	fclose(errors);
	unsetenv("DEADMX_TARGETS");
	assert_non_null(
		strstr(f->said, "did you mean \"postfix\"? known are: "));
	assert_non_null(strstr(f->said, " mine "));
	assert_non_null(strstr(f->said, "./no.yml: No such file"));
}

/* All that ship can be loaded, and say what the judge asks for. */
static void test_target_shipped(void **state)
{
	struct fixture *f = *state;
	struct deadmx_arena *arena = deadmx_arena_new();
	char **names, *path;
	size_t count;

	target_known(arena, &names, &count);
	assert_true(has_name(names, count, "exim"));
	assert_true(has_name(names, count, "opensmtpd"));
	assert_true(has_name(names, count, "sendmail"));
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(target_find(names[i], stderr, &path), 0);
		assert_int_equal(target_load(path, stderr, &f->target), 0);
		free(path);
		/* "remote" is any server: nothing is documented of it. */
		if (strcmp(names[i], "remote") != 0) {
			assert_true(f->target->documented.expires_after_ns > 0);
			assert_true(f->target->documented.retry.count > 0);
		}
		if (!f->target->is_remote)
			assert_non_null(f->target->version_command);
		target_free(f->target);
		f->target = NULL;
	}
	deadmx_arena_free(arena);
}

/* A server elsewhere needs no commands, and may have none. */
static void test_target_remote(void **state)
{
#define ELSEWHERE "description: d\ndocumented: {source: s}\n"
	const struct target *t = take(state, ELSEWHERE "remote: ask\n");

	assert_true(t->is_remote);
	assert_null(t->remote);
	assert_int_equal(t->submit_port, 25);
	t = take(state, ELSEWHERE "remote: smtp://mail.example:2525\n"
				  "submit: {tls: starttls}\n");
	assert_string_equal(t->remote, "smtp://mail.example:2525");
	assert_int_equal(t->submit_port, 2525);
	refuse(state, ELSEWHERE, "\"start\" is missing in target");
	refuse(state, ELSEWHERE "remote: mail.example\n", "smtp://");
	refuse(state, ELSEWHERE "remote: ask\nstart: x\n",
	       "expected no start beside remote");
	refuse(state, ELSEWHERE "remote: ask\nsubmit: {port: 25}\n",
	       "neither a port");
}

/* Below a day, timers have been shortened; of an MTA of ours, never. */
#define MAIL "mail: {from: a@b.example, to: c@dest.example}\n"
static void test_target_hurried(void **state)
{
	struct deadmx_scenario *s =
		scenario(MAIL "settings: {lifetime: 10m}\n");
	struct target remote = {.is_remote = true}, ours = {0};

	assert_true(target_is_hurried(&remote, s));
	assert_false(target_is_hurried(&ours, s));
	deadmx_scenario_free(s);
	s = scenario(MAIL "settings: {lifetime: 2d}\n");
	assert_false(target_is_hurried(&remote, s));
	deadmx_scenario_free(s);
	s = scenario(MAIL);
	assert_false(target_is_hurried(&remote, s));
	deadmx_scenario_free(s);
}

static void test_target_load_missing(void **state)
{
	struct target *t = NULL;

	assert_int_equal(target_load("/nonexistent.yml", NULL, &t), -ENOENT);
	assert_int_equal(target_load("/tmp", NULL, &t), -EINVAL);
	assert_null(t);
}

static void test_target_postfix(void **state)
{
	struct fixture *f = *state;
	char *path, *text;

	assert_int_equal(target_find("postfix", stderr, &path), 0);
	assert_int_equal(target_load(path, stderr, &f->target), 0);
	free(path);
	assert_string_equal(f->target->packages[0], "postfix");
	assert_int_equal(f->target->ready_port, 25);
	assert_int_equal(f->target->submit_port, 25);
	assert_non_null(strstr(f->target->sendmail, "-f {from}"));
	assert_int_equal(f->target->documented.expires_after_ns, 5 * DAY_NS);
	assert_int_equal(f->target->documented.status_rule,
			 TARGET_STATUS_LAST_ATTEMPT);
	assert_int_equal(f->target->documented.delay_notice_ns, 0);
	text = target_expand(f->target, NULL, f->target->files[0].content);
	assert_non_null(strstr(text, "\ndelay_warning_time = 0h\n"));
	assert_non_null(strstr(text, "\nmaximal_queue_lifetime = 5d\n"));
	assert_null(strchr(text, '{'));
	free(text);
	text = target_expand(f->target, NULL, f->target->setup);
	assert_non_null(strstr(text, "test \"on\" = on ||"));
	free(text);
}

#define WHEN                                                                   \
	"description: d\nstart: run\nsubmit: {port: 25}\n"                     \
	"settings: {a: 1, b: x, lifetime: own, delay_warning: own}\n"          \
	"documented:\n"                                                        \
	"  when:\n"                                                            \
	"  - {setting: a, is: [2, 3], expires_after: 2d, expires_slack: 5m,\n" \
	"     status: any, retry: 1m..2m, last_attempt: yes, "                 \
	"delay_notice: 1d}\n"                                                  \
	"  - {setting: b, is: y, expires_after: 1d, delay_notice: none}\n"     \
	"  expires_after: 4d\n  status: 4.4.7\n  delay_notice: 4h\n"           \
	"  source: s\n"

/* What is documented with these settings of a scenario. */
static struct target_documented with(const struct target *t,
				     const char *settings)
{
	char text[256];
	struct deadmx_scenario *s;
	struct target_documented d;

	snprintf(text, sizeof(text),
		 "settings: %s\nmail: {from: '', to: b@dest.example}\n",
		 settings);
	s = scenario(text);
	d = target_documented(t, s);
	assert_int_equal(target_lifetime_ns(t, s), d.expires_after_ns);
	deadmx_scenario_free(s);
	return d;
}

static void test_target_when(void **state)
{
	const struct target *t = take(state, WHEN);
	struct target_documented d = with(t, "{}");

	assert_int_equal(d.expires_after_ns, 4 * DAY_NS);
	assert_int_equal(d.expires_slack_ns, 3600 * DEADMX_NS_PER_S);
	assert_int_equal(d.status_rule, TARGET_STATUS_FIXED);
	assert_int_equal(d.retry.count, 0);
	assert_int_equal(d.delay_notice_ns, DAY_NS / 6);
	assert_false(d.last_attempt);
	d = with(t, "{a: 3}");
	assert_int_equal(d.expires_after_ns, 2 * DAY_NS);
	assert_int_equal(d.expires_slack_ns, 300 * DEADMX_NS_PER_S);
	assert_int_equal(d.status_rule, TARGET_STATUS_ANY);
	assert_int_equal(d.retry.count, 1);
	assert_int_equal(d.delay_notice_ns, DAY_NS);
	assert_true(d.last_attempt);
	/* A later row goes first, in what it says. */
	d = with(t, "{a: 2, b: y}");
	assert_int_equal(d.expires_after_ns, DAY_NS);
	assert_int_equal(d.expires_slack_ns, 300 * DEADMX_NS_PER_S);
	assert_int_equal(d.delay_notice_ns, 0);
	assert_true(d.says & TARGET_SAYS_NOTICE);
	d = with(t, "{a: 4, b: z}");
	assert_int_equal(d.expires_after_ns, 4 * DAY_NS);
}

/* The scenario's own times go first; a word for one is nobody's. */
static void test_target_when_said(void **state)
{
	const struct target *t = take(state, WHEN);
	struct target_documented d;

	d = with(t, "{a: 2, lifetime: 6h, delay_warning: 1h}");
	assert_int_equal(d.expires_after_ns, DAY_NS / 4);
	assert_int_equal(d.delay_notice_ns, 3600 * DEADMX_NS_PER_S);
	d = with(t, "{delay_warning: 0h}");
	assert_int_equal(d.delay_notice_ns, 0);
	assert_true(d.says & TARGET_SAYS_NOTICE);
	d = with(t, "{lifetime: own, delay_warning: own}");
	assert_int_equal(d.expires_after_ns, 0);
	assert_false(d.says & TARGET_SAYS_NOTICE);
}

static void test_target_when_refused(void **state)
{
#define WRONG(rows)                                                            \
	"description: d\nstart: x\nsettings: {a: 1}\nsubmit: {port: 1}\n"      \
	"documented: {source: s, when: " rows "}\n"
	refuse(state, WRONG("{setting: a, is: 1}"), "a list of rows");
	refuse(state, WRONG("[{setting: a}]"), "\"is\" is missing in when");
	refuse(state, WRONG("[{is: 1}]"), "\"setting\" is missing in when");
	refuse(state, WRONG("[{setting: b, is: 1}]"),
	       "mine.yml:5:32: when, expected one of the target's settings, "
	       "got \"b\"");
	refuse(state, WRONG("[{setting: a, is: 1, source: x}]"),
	       "unknown key \"source\" in when");
	refuse(state, WRONG("[{setting: a, is: 1, retry: 5m}]"),
	       "mine.yml:5:59: retry, expected a range");
	refuse(state,
	       WRONG("[{setting: a, is: 1, retry: {base: 5m, cap: 1m}}]"),
	       "expected no less than base");
#undef WRONG
}

/* The model's other profile is judged by what is documented of it. */
static void test_target_model(void **state)
{
	struct fixture *f = *state;
	struct target_documented d;
	char *path;

	assert_int_equal(target_find("model", stderr, &path), 0);
	assert_int_equal(target_load(path, stderr, &f->target), 0);
	free(path);
	d = with(f->target, "{}");
	assert_int_equal(d.expires_after_ns, 5 * DAY_NS);
	assert_int_equal(d.retry.count, 1);
	d = with(f->target, "{profile: exchange}");
	assert_int_equal(d.expires_after_ns, 2 * DAY_NS);
	assert_int_equal(d.retry.count, 3);
	assert_int_equal(d.delay_notice_ns, DAY_NS / 6);
}

/* Every key stands in the reference page, in the words of the table. */
static void test_target_documented(void **state)
{
	struct deadmx_arena *arena = deadmx_arena_new();
	char word[64], *page;
	size_t len;

	assert_int_equal(deadmx_yaml_read_file(arena,
					       TEST_DIR "/../docs/targets.md",
					       stderr, &page, &len),
			 0);
	for (const struct target_table *t = target_tables; t->name; t++)
		for (const struct deadmx_yaml_key *k = t->keys; k->word; k++) {
			assert_non_null(k->type);
			snprintf(word, sizeof(word), "\n| `%s` |", k->word);
			if (!strstr(page, word) || !strstr(page, k->doc))
				fail_msg("%s: %s is not documented as \"%s\"",
					 t->name, k->word, k->doc);
		}
	deadmx_arena_free(arena);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_target_defaults),     T(test_target_all_keys),
		T(test_target_refused),	     T(test_target_submit),
		T(test_target_login_limit),  T(test_target_expand),
		T(test_target_supports),     T(test_target_find),
		T(test_target_remote),	     T(test_target_hurried),
		T(test_target_load_missing), T(test_target_postfix),
		T(test_target_shipped),	     T(test_target_ways),
		T(test_target_documented),   T(test_target_when),
		T(test_target_when_said),    T(test_target_when_refused),
		T(test_target_model),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
