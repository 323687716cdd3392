/* SPDX-License-Identifier: MIT */
/*
 * A target: everything deadmx knows about one MTA, from one YAML file.
 *
 * Nothing about a particular MTA is in C: files to write, commands to start,
 * to be ready, to submit and to stop, and the behaviour its makers document,
 * all stand in harness/targets/NAME.yml (or the user's own file).
 */
#ifndef HARNESS_TARGET_H
#define HARNESS_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "deadmx/arena.h"
#include "deadmx/scenario.h"
#include "deadmx/world.h"
#include "harness/target_known.h"
#include "harness/target_retry.h"

/* Limits, tested in tests/unit/test_target.c. */
enum {
	TARGET_UID_MAX = 60000, /* above are nobody and kin */
	TARGET_MODE_MAX = 07777,
	TARGET_LOGIN_MAX = DEADMX_WORLD_LOGIN_MAX, /* bytes each */
};

/* {ca}: the root of the world's certificates, in the sandbox. */
#define TARGET_CA_FILE "/deadmx/ca.pem"
/* {cert}, {key}: a certificate of that root for the target's host name. */
#define TARGET_CERT_FILE "/deadmx/mta-cert.pem"
#define TARGET_KEY_FILE	 "/deadmx/mta-key.pem"
/* {smarthost}: see target_features.h. */
#define TARGET_SMARTHOST "smarthost"

struct target_file {
	struct deadmx_place place;
	char *path;    /* absolute, in the sandbox */
	char *content; /* {NAME} settings are replaced */
	char *owner;   /* "root:root" unless told */
	unsigned mode; /* 0644 unless told */
};

struct target_user {
	char *name;
	unsigned uid, gid;
	char *group; /* same as name unless told */
	char *home;
};

/* How the status of an expiry NDR is chosen, as documented. */
#define TARGET_STATUS_MAP(XX)                                                  \
	XX(ANY, "any", "nothing is documented")                                \
	XX(LAST_ATTEMPT, "last_attempt",                                       \
	   "the code of the last failed attempt")                              \
	XX(FIXED, "fixed", "always the code in `status`")

enum target_status {
#define XX(uc, word, doc) TARGET_STATUS_##uc,
	TARGET_STATUS_MAP(XX)
#undef XX
		TARGET_STATUS_COUNT
};

/* What is asked for before mail is handed over. */
#define TARGET_SUBMIT_TLS_MAP(XX)                                              \
	XX(NONE, "none", "mail goes in in the clear")                          \
	XX(STARTTLS, "starttls", "STARTTLS first, any certificate will do")

enum target_submit_tls {
#define XX(uc, word, doc) TARGET_SUBMIT_TLS_##uc,
	TARGET_SUBMIT_TLS_MAP(XX)
#undef XX
		TARGET_SUBMIT_TLS_COUNT
};

/* What a target file says something about; the rest isn't documented. */
enum {
	TARGET_SAYS_EXPIRES = 1 << 0,
	TARGET_SAYS_SLACK = 1 << 1,
	TARGET_SAYS_STATUS = 1 << 2,
	TARGET_SAYS_RETRY = 1 << 3,
	TARGET_SAYS_NOTICE = 1 << 4,
	TARGET_SAYS_LAST = 1 << 5,
};

struct target_documented {
	unsigned says;		  /* TARGET_SAYS_… */
	int64_t expires_after_ns; /* queue lifetime; 0 = not documented */
	int64_t expires_slack_ns; /* the NDR comes at most this much later */
	enum target_status status_rule;
	char *status; /* FIXED: e.g. 4.4.7 */
	struct target_retry retry;
	bool last_attempt;	 /* one more when its time is over */
	int64_t delay_notice_ns; /* 0 = none */
	char *source;		 /* where this is documented */
};

/* With other settings other things are documented. */
struct target_when {
	struct deadmx_place place;
	char *setting;
	char **is; /* values of it, any of them */
	size_t is_count;
	struct target_documented documented; /* what it says goes first */
};

struct target {
	char *file, *name, *description;
	char *version_command; /* prints the version */
	char **packages;       /* Debian packages to fetch when not installed */
	size_t package_count;
	char **npm; /* packages of npm, NAME@VERSION, the same way */
	size_t npm_count;
	char *binary; /* absolute path whose presence means installed */
	struct target_user *users;
	size_t user_count;
	struct target_file *files;
	size_t file_count;
	struct deadmx_setting *settings; /* name → default value, for {NAME} */
	size_t setting_count;
	bool is_remote;	   /* deadmx doesn't run it: harness/remote.h */
	char *remote;	   /* smtp://HOST:PORT; NULL: told when it is used */
	unsigned features; /* 1 << enum target_feature, or'ed */
	char *hostname;	   /* of the sandbox */
	char *setup;	   /* shell, before start; must exit 0 */
	char *start;	   /* shell; returns, or stays in the foreground */
	bool start_foreground;
	char *ready;		 /* shell, polled until it exits 0; or NULL */
	uint16_t ready_port;	 /* 127.0.0.1 port that must accept; or 0 */
	int64_t ready_within_ns; /* virtual; 60 s unless told */
	char *alive; /* shell: exit 0 while the MTA lives; or NULL */
	uint16_t submit_port;
	enum target_submit_tls submit_tls;
	char *submit_user, *submit_password; /* AUTH PLAIN; or NULL */
	char *sendmail;	   /* shell; {from} {to} replaced; or NULL */
	char *queue;	   /* shell: prints the queue */
	char *queue_empty; /* ERE that the output matches when empty */
	char *stop;
	char *log_file; /* in the sandbox; NULL: /dev/log only */
	struct target_documented documented; /* by the settings' defaults */
	struct target_when *whens;
	size_t when_count;
	struct target_known *known;
	size_t known_count;
	void *arena;
};

/* Same contract as deadmx_scenario_load(). */
int target_load(const char *path, FILE *errors, struct target **ret);
void target_free(struct target *target);

/*
 * "postfix" or a path → path of the file. Looked for in $DEADMX_TARGETS, the
 * source tree, and the installed data folder. -ENOENT with a line on @errors
 * that names the known targets.
 */
int target_find(const char *name, FILE *errors, char **ret_path);

/* The names that target_find() knows, sorted, into @arena. */
void target_known(struct deadmx_arena *arena, char ***ret, size_t *ret_count);

/*
 * Can this target do what the scenario asks: does it have the settings, the
 * sendmail command, the features? False with one line in @why ("file:line:
 * …").
 */
bool target_supports(const struct target *target,
		     const struct deadmx_scenario *scenario, char *why,
		     size_t why_len);

/*
 * The mails of @scenario that don't say how they go in: by SMTP, or by the
 * sendmail command of a @target that takes none.
 */
void target_set_ways(const struct target *target,
		     struct deadmx_scenario *scenario);

/*
 * @text with {NAME} replaced by the scenario's setting or else the target's
 * default; unknown names in braces stay as they are. malloc'd.
 */
char *target_expand(const struct target *target,
		    const struct deadmx_scenario *scenario, const char *text);

/*
 * What is documented for @target with the settings of @scenario: the rows of
 * `when` that hold, a later one over an earlier one; then the scenario's own
 * lifetime and delay_warning, which by agreement mean the same in all targets.
 */
struct target_documented
target_documented(const struct target *target,
		  const struct deadmx_scenario *scenario);

/*
 * How long @target tries mail in @scenario: the lifetime that it sets, else
 * what is documented; 0 = nobody knows. By agreement the setting is called so
 * in all targets.
 */
int64_t target_lifetime_ns(const struct target *target,
			   const struct deadmx_scenario *scenario);
/*
 * Has the admin of a server elsewhere shortened its timers? A lifetime of less
 * than a day says so. No retry rule, documented or the RFCs', holds then.
 */
bool target_is_hurried(const struct target *target,
		       const struct deadmx_scenario *scenario);
/*
 * Move what counts from expiry in @scenario to when mail expires on @target.
 * False, with the reason in @why, when that can't be run.
 */
bool target_set_expiry(const struct target *target,
		       struct deadmx_scenario *scenario, char *why,
		       size_t why_len);

#endif
