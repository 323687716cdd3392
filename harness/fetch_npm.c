/* SPDX-License-Identifier: MIT */
#include "harness/fetch_npm.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/fetch_store.h"
#include "harness/fetch_tool.h"

enum {
	NPM_ARGS_MAX = FETCH_NPM_PACKAGES_MAX + 16,
	NPM_KEY_MAX = FETCH_NPM_PACKAGES_MAX * (FETCH_NPM_NAME_MAX + 1) +
		      FETCH_STORE_KEY_ROOM,
};

struct npm {
	char *const *packages;
	size_t n;
	struct fetch_store store;
	char tree[PATH_MAX];   /* …/.new-XXXXXX/tree */
	char prefix[PATH_MAX]; /* … and FETCH_NPM_ROOT in it */
	char key[NPM_KEY_MAX];
	FILE *errors;
};

static int npm_fail(struct npm *f, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int npm_fail(struct npm *f, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("fetch: ", f->errors);
	vfprintf(f->errors, format, args);
	fputc('\n', f->errors);
	va_end(args);
	return err;
}

static bool npm_is_word(const char *text, size_t len)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return len && strchr("._-", text[0]) == NULL && strspn(text, ok) >= len;
}

/* A range such as ^3.3 or "latest" would be another MTA each week. */
static bool npm_is_version(const char *text)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";

	for (int part = 0; part < 3; part++) {
		size_t digits = strspn(text, "0123456789");

		if (!digits || (part < 2 && text[digits] != '.'))
			return false;
		text += digits + (part < 2);
	}
	return !*text || (*text == '-' && strspn(text, ok) == strlen(text));
}

bool fetch_npm_is_package(const char *text)
{
	const char *name = text, *slash, *at;

	if (strlen(text) > FETCH_NPM_NAME_MAX)
		return false;
	if (*name == '@') {
		slash = strchr(++name, '/');
		if (!slash || !npm_is_word(name, (size_t)(slash - name)))
			return false;
		name = slash + 1;
	}
	at = strchr(name, '@');
	return at && npm_is_word(name, (size_t)(at - name)) &&
	       npm_is_version(at + 1);
}

/* npm+Haraka@3.3.4: npm has no capital letters in new names, but old ones. */
static void npm_make_key(struct npm *f)
{
	size_t len = 0;

	for (size_t i = 0; i < f->n; i++)
		len += (size_t)snprintf(f->key + len, sizeof(f->key) - len,
					"%s%s", i ? "+" : "npm+",
					f->packages[i]);
	for (char *c = f->key; *c; c++)
		if (*c == '/')
			*c = '%';
	fetch_store_shorten(f->key);
}

/* "npm error code E404" and lines that say more. */
static int npm_explain(struct npm *f, int err, const char *output)
{
	static const struct {
		const char *word;
		int err;
		const char *what;
	} rows[] = {
		{"E404", -ENOENT, "npm knows no such package"},
		{"ETARGET", -ENOENT, "npm knows no such version"},
		{"ENOSPC", -ENOSPC, "no room"},
		{"ENOTFOUND", -ENETUNREACH, "no network?"},
		{"EAI_AGAIN", -ENETUNREACH, "no network?"},
		{"ECONNREFUSED", -ENETUNREACH, "no network?"},
		{"ECONNRESET", -ENETUNREACH, "no network?"},
		{"ETIMEDOUT", -ENETUNREACH, "no network?"},
		{"ENETUNREACH", -ENETUNREACH, "no network?"},
	};
	const char *line = strstr(output, "npm error");

	if (err == -ENOSYS)
		return npm_fail(f, err,
				"no npm on this machine for %s: install nodejs "
				"and npm",
				f->packages[0]);
	if (err == -EMSGSIZE)
		return npm_fail(f, err, "npm printed more than %d bytes",
				FETCH_NPM_OUTPUT_MAX);
	for (size_t i = 0; line && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strstr(line, rows[i].word))
			return npm_fail(f, rows[i].err, "%s: %s (npm: %s)",
					f->packages[0], rows[i].what,
					rows[i].word);
	if (!line)
		line = output;
	return npm_fail(f, err, "npm failed for %s: %.*s", f->packages[0],
			(int)strcspn(line, "\n"), line);
}

/* npm is not asked when the packages are there already, nor is node then. */
static bool npm_has_node(void)
{
	const char *dir = getenv("PATH");
	char path[PATH_MAX];

	while (dir && *dir) {
		size_t len = strcspn(dir, ":");

		snprintf(path, sizeof(path), "%.*s/node", (int)len, dir);
		if (len && len < sizeof(path) - 8 && !access(path, X_OK))
			return true;
		dir += len + (dir[len] == ':');
	}
	return false;
}

static int npm_install(struct npm *f)
{
	char *argv[NPM_ARGS_MAX] = {(char *)"npm",
				    (char *)"install",
				    (char *)"--prefix",
				    f->prefix,
				    (char *)"--ignore-scripts",
				    (char *)"--omit=dev",
				    (char *)"--no-audit",
				    (char *)"--no-fund",
				    (char *)"--no-update-notifier",
				    (char *)"--"};
	size_t argc = 0;
	char *output = NULL;
	int r;

	while (argv[argc])
		argc++;
	for (size_t i = 0; i < f->n; i++)
		argv[argc++] = f->packages[i];
	r = fetch_tool_run(argv, "/", FETCH_NPM_OUTPUT_MAX, &output);
	if (r)
		r = npm_explain(f, r, output ? output : "");
	free(output);
	return r;
}

static int npm_fill(struct npm *f, const char *final)
{
	char path[PATH_MAX + 64];
	int r;

	snprintf(f->tree, sizeof(f->tree), "%s/tree", f->store.work);
	snprintf(f->prefix, sizeof(f->prefix), "%.*s%s", PATH_MAX - 64, f->tree,
		 FETCH_NPM_ROOT);
	r = fetch_store_make_folder(&f->store, f->tree);
	snprintf(path, sizeof(path), "%s/opt", f->tree);
	if (!r)
		r = fetch_store_make_folder(&f->store, path);
	if (!r)
		r = fetch_store_make_folder(&f->store, f->prefix);
	if (!r)
		r = npm_install(f);
	snprintf(path, sizeof(path), "%s/node_modules", f->prefix);
	if (!r && access(path, F_OK))
		r = npm_fail(f, -EPROTO, "npm brought nothing for %s",
			     f->packages[0]);
	return r ? r : fetch_store_publish(&f->store, f->tree, final);
}

static int npm_locked(struct npm *f, char **ret_dir)
{
	char final[PATH_MAX];
	int r = 0;

	npm_make_key(f);
	snprintf(final, sizeof(final), "%s/%.250s", f->store.packages, f->key);
	if (access(final, F_OK)) {
		r = fetch_store_work(&f->store);
		if (r)
			return r;
		r = npm_fill(f, final);
		fetch_tool_remove(f->store.work);
	}
	if (r)
		return r;
	*ret_dir = strdup(final);
	return *ret_dir ? 0 : -ENOMEM;
}

int fetch_npm(char *const *packages, size_t n, FILE *errors, char **ret_dir)
{
	struct npm *f = calloc(1, sizeof(*f));
	char *dir = NULL;
	int r = 0;

	if (!f)
		return -ENOMEM;
	f->packages = packages;
	f->n = n;
	f->errors = errors;
	if (!n || n > FETCH_NPM_PACKAGES_MAX)
		r = npm_fail(f, -E2BIG, "%zu packages of npm, at most %d fit",
			     n, FETCH_NPM_PACKAGES_MAX);
	for (size_t i = 0; !r && i < n; i++)
		if (!fetch_npm_is_package(packages[i]))
			r = npm_fail(f, -EINVAL,
				     "\"%.80s\" is no package of npm with its "
				     "version (NAME@1.2.3)",
				     packages[i]);
	if (!r && !npm_has_node())
		r = npm_fail(f, -ENOSYS,
			     "no node on this machine for %s: install nodejs "
			     "and npm",
			     packages[0]);
	if (!r)
		r = fetch_store_open(&f->store, errors);
	if (!r) {
		r = npm_locked(f, &dir);
		fetch_store_close(&f->store);
	}
	if (!r)
		*ret_dir = dir;
	free(f);
	return r;
}
