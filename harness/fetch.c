/* SPDX-License-Identifier: MIT */
/* Debian packages, by apt-get and dpkg-deb, into the package cache. */
#include "harness/fetch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/fetch_store.h"
#include "harness/fetch_tool.h"

enum {
	FETCH_ARGS_MAX = FETCH_INSTALLS_MAX + 24, /* words of a command */
	FETCH_OPTION_MAX = PATH_MAX + 64,	  /* bytes of one of them */
	FETCH_VERSION_MAX = 128,		  /* bytes */
	FETCH_KEY_MAX = 4096, /* bytes; cut to a file's name later */
};

struct fetch_install {
	char name[FETCH_NAME_MAX + 16]; /* may have :ARCH */
	char version[FETCH_VERSION_MAX];
	char arch[16];
};

/* Which package lists apt-get is to use: each is tried when it must be. */
enum fetch_lists {
	FETCH_LISTS_HOST,  /* the machine's */
	FETCH_LISTS_OWN,   /* ours, as they are */
	FETCH_LISTS_FRESH, /* ours, just updated */
};

struct fetch {
	char *const *packages;
	size_t n;
	FILE *errors;
	struct fetch_store store;
	char key[FETCH_KEY_MAX + 1];
	enum fetch_lists lists;
	bool is_offline; /* updating the lists met no network */
	struct fetch_install installs[FETCH_INSTALLS_MAX];
	char words[FETCH_INSTALLS_MAX][sizeof(struct fetch_install)];
	size_t install_count;
};

struct fetch_command {
	char *argv[FETCH_ARGS_MAX + 1];
	char options[6][FETCH_OPTION_MAX];
	size_t argc, option_count;
};

static int fetch_fail(struct fetch *f, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fetch_fail(struct fetch *f, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("fetch: ", f->errors);
	vfprintf(f->errors, format, args);
	fputc('\n', f->errors);
	va_end(args);
	return err;
}

/* deb-control(5); also keeps an option from passing as a package. */
static bool fetch_is_name(const char *name)
{
	size_t len = strlen(name);

	return len >= 2 && len <= FETCH_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789+.-") == len &&
	       name[0] != '-' && name[0] != '+' && name[0] != '.';
}

static void fetch_add(struct fetch_command *c, const char *word)
{
	if (c->argc < FETCH_ARGS_MAX)
		c->argv[c->argc++] = (char *)word;
}

static void fetch_add_option(struct fetch_command *c, const char *name,
			     const char *value)
{
	char *text = c->options[c->option_count++];

	snprintf(text, FETCH_OPTION_MAX, "%s=%s", name, value);
	fetch_add(c, "-o");
	fetch_add(c, text);
}

/*
 * Lists of our own live beside the store; the machine's sources and keys are
 * used, its state is only read.
 */
static void fetch_add_apt(struct fetch *f, struct fetch_command *c)
{
	char path[PATH_MAX];

	fetch_add(c, "apt-get");
	fetch_add(c, "-q");
	fetch_add(c, "-y");
	if (!geteuid()) /* _apt may not read root's cache folder */
		fetch_add_option(c, "APT::Sandbox::User", "root");
	if (f->lists == FETCH_LISTS_HOST)
		return;
	snprintf(path, sizeof(path), "%s/apt/lists", f->store.cache);
	fetch_add_option(c, "Dir::State::lists", path);
	snprintf(path, sizeof(path), "%s/apt/cache", f->store.cache);
	fetch_add_option(c, "Dir::Cache", path);
}

/* The line that says why: apt's begin with "E: ". */
static void fetch_reason(const char *output, char *buf, size_t len)
{
	const char *line = strstr(output, "E: ");

	if (!line)
		line = strstr(output, "rror: ");
	if (!line)
		line = output;
	snprintf(buf, len, "%.*s", (int)strcspn(line, "\n"), line);
}

static bool fetch_says(const char *output, const char *const *words)
{
	for (; *words; words++)
		if (strstr(output, *words))
			return true;
	return false;
}

static int fetch_classify(const char *output)
{
	static const char *const space[] = {"No space left",
					    "enough free space", NULL};
	static const char *const unknown[] = {"Unable to locate package",
					      "no installation candidate",
					      "Can't find a source", NULL};
	static const char *const net[] = {
		"Failed to fetch", "Could not resolve", "Could not connect",
		"Temporary failure", NULL};

	if (fetch_says(output, space))
		return -ENOSPC;
	if (fetch_says(output, unknown))
		return -ENOENT;
	if (fetch_says(output, net))
		return -ENETUNREACH;
	return -EPROTO;
}

static int fetch_explain(struct fetch *f, int err, const char *tool,
			 const char *output)
{
	const char *name = f->packages[0];
	char reason[300];

	if (err == -ENOSYS)
		return fetch_fail(f, -ENOSYS,
				  "no %s on this machine: install %s yourself",
				  tool, name);
	if (err == -EMSGSIZE)
		return fetch_fail(f, err, "%s printed more than %d bytes", tool,
				  FETCH_OUTPUT_MAX);
	if (err == -EPROTO)
		err = fetch_classify(output);
	if (err == -ENOENT && f->is_offline)
		err = -ENETUNREACH;
	fetch_reason(output, reason, sizeof(reason));
	switch (err) {
	case -ENOSPC:
		return fetch_fail(f, err, "no room for %s in %s (%s)", name,
				  f->store.packages, reason);
	case -ENOENT:
		return fetch_fail(f, err,
				  "apt knows no package for %s (%s); see "
				  "/etc/apt/sources.list",
				  name, reason);
	case -ENETUNREACH:
		return fetch_fail(f, err,
				  "cannot download %s: no network? (%s)", name,
				  reason);
	default:
		return fetch_fail(f, err, "%s failed for %s: %s", tool, name,
				  reason);
	}
}

/* Quiet: the caller decides whether a failure is told or tried again. */
static int fetch_run(struct fetch_command *c, const char *dir, char **output)
{
	*output = NULL;
	c->argv[c->argc] = NULL;
	return fetch_tool_run(c->argv, dir, FETCH_OUTPUT_MAX, output);
}

/* "Inst NAME [OLD] (VERSION SOURCE [ARCH])" */
static bool fetch_parse_install(const char *line, struct fetch_install *ret)
{
	const char *open = strchr(line, '('), *arch, *end;

	if (!open || sscanf(line, "Inst %79s", ret->name) != 1 ||
	    sscanf(open, "(%127[^ )]", ret->version) != 1)
		return false;
	end = strchr(open, ')');
	arch = end ? memrchr(open, '[', end - open) : NULL;
	return arch && sscanf(arch, "[%15[^]]]", ret->arch) == 1;
}

static int fetch_parse(struct fetch *f, const char *output)
{
	char line[512];

	f->install_count = 0;
	while (*output) {
		size_t len = strcspn(output, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)len, output);
		output += len + (output[len] == '\n');
		if (strncmp(line, "Inst ", 5))
			continue;
		if (f->install_count == FETCH_INSTALLS_MAX)
			return fetch_fail(f, -E2BIG,
					  "%s needs more than %d packages",
					  f->packages[0], FETCH_INSTALLS_MAX);
		if (!fetch_parse_install(line, &f->installs[f->install_count]))
			return fetch_fail(f, -EPROTO,
					  "apt-get printed an odd line: %s",
					  line);
		f->install_count++;
	}
	return 0;
}

/* A simulated installation knows best what is missing here. */
static int fetch_resolve(struct fetch *f, char **output)
{
	struct fetch_command c = {.argc = 0};

	fetch_add_apt(f, &c);
	fetch_add(&c, "-s");
	fetch_add(&c, "--no-install-recommends");
	fetch_add(&c, "install");
	fetch_add(&c, "--");
	for (size_t i = 0; i < f->n; i++)
		fetch_add(&c, f->packages[i]);
	return fetch_run(&c, "/", output);
}

static int fetch_update_own_lists(struct fetch *f)
{
	static const char *const folders[] = {"/apt",
					      "/apt/lists",
					      "/apt/lists/partial",
					      "/apt/cache",
					      "/apt/cache/archives",
					      "/apt/cache/archives/partial"};
	struct fetch_command c = {.argc = 0};
	char path[PATH_MAX], *output;
	int r;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", f->store.cache,
			 folders[i]);
		r = fetch_store_make_folder(&f->store, path);
		if (r)
			return r;
	}
	fetch_add_apt(f, &c);
	fetch_add(&c, "update");
	r = fetch_run(&c, "/", &output);
	/* One source of several may be down, and a failed update only warns:
	 * what comes of it shows when the package is looked up. */
	if (output && fetch_classify(output) == -ENETUNREACH)
		f->is_offline = true;
	if (r == -EPROTO)
		r = 0;
	if (r)
		r = fetch_explain(f, r, "apt-get", output ? output : "");
	free(output);
	return r;
}

static void fetch_add_key(struct fetch *f, const char *text)
{
	size_t len = strlen(f->key);

	for (; *text && len < FETCH_KEY_MAX; text++)
		f->key[len++] = *text == '/' || *text == ':' ? '%' : *text;
	f->key[len] = '\0';
}

static const struct fetch_install *fetch_installed_as(struct fetch *f,
						      const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < f->install_count; i++)
		if (!strncmp(f->installs[i].name, name, len) &&
		    strchr(":", f->installs[i].name[len]))
			return &f->installs[i];
	return NULL;
}

/* The packages asked for name the tree: NAME_VERSION_ARCH+NAME_… */
static void fetch_make_key(struct fetch *f)
{
	f->key[0] = '\0';
	for (size_t i = 0; i < f->n; i++) {
		const struct fetch_install *in =
			fetch_installed_as(f, f->packages[i]);

		if (i)
			fetch_add_key(f, "+");
		fetch_add_key(f, f->packages[i]);
		if (in) {
			fetch_add_key(f, "_");
			fetch_add_key(f, in->version);
			fetch_add_key(f, "_");
			fetch_add_key(f, in->arch);
		}
	}
	fetch_store_shorten(f->key);
}

static int fetch_download(struct fetch *f, const char *debs, char **output)
{
	struct fetch_command c = {.argc = 0};

	fetch_add_apt(f, &c);
	fetch_add(&c, "download");
	fetch_add(&c, "--");
	for (size_t i = 0; i < f->install_count; i++) {
		snprintf(f->words[i], sizeof(f->words[i]), "%s=%s",
			 f->installs[i].name, f->installs[i].version);
		fetch_add(&c, f->words[i]);
	}
	return fetch_run(&c, debs, output);
}

static int fetch_unpack_one(struct fetch *f, const char *deb, const char *tree)
{
	struct fetch_command c = {.argc = 0};
	char *output;
	int r;

	fetch_add(&c, "dpkg-deb");
	fetch_add(&c, "-x");
	fetch_add(&c, deb);
	fetch_add(&c, tree);
	r = fetch_run(&c, "/", &output);
	if (r)
		r = fetch_explain(f, r, "dpkg-deb", output ? output : "");
	free(output);
	return r;
}

static int fetch_unpack(struct fetch *f, const char *debs, const char *tree)
{
	char path[PATH_MAX + 256];
	struct dirent *entry;
	DIR *dir = opendir(debs);
	size_t count = 0;
	int r = dir ? 0 : -errno;

	while (!r && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);

		if (len < 4 || strcmp(entry->d_name + len - 4, ".deb"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", debs, entry->d_name);
		r = fetch_unpack_one(f, path, tree);
		count++;
	}
	if (dir)
		closedir(dir);
	if (!r && count < f->install_count)
		r = fetch_fail(f, -EPROTO,
			       "apt-get download brought %zu of %zu packages",
			       count, f->install_count);
	return r;
}

static int fetch_fill(struct fetch *f, const char *final)
{
	char debs[PATH_MAX], tree[PATH_MAX], *output = NULL;
	int r;

	snprintf(debs, sizeof(debs), "%s/debs", f->store.work);
	snprintf(tree, sizeof(tree), "%s/tree", f->store.work);
	r = fetch_store_make_folder(&f->store, debs);
	if (!r)
		r = fetch_store_make_folder(&f->store, tree);
	if (r)
		return r;
	r = fetch_download(f, debs, &output);
	/* Lists that are too old name files that are no more. */
	if (r == -EPROTO && f->lists != FETCH_LISTS_FRESH &&
	    fetch_classify(output) != -ENOSPC) {
		free(output);
		output = NULL;
		return -EAGAIN;
	}
	if (r)
		r = fetch_explain(f, r, "apt-get", output ? output : "");
	free(output);
	if (!r)
		r = fetch_unpack(f, debs, tree);
	return r ? r : fetch_store_publish(&f->store, tree, final);
}

static int fetch_tree(struct fetch *f, const char *final)
{
	int r = fetch_store_work(&f->store);

	if (r)
		return r;
	r = fetch_fill(f, final);
	fetch_tool_remove(f->store.work);
	return r;
}

/* One try with the lists at hand. -EAGAIN: newer ones may help. */
static int fetch_once(struct fetch *f, char **ret_dir)
{
	char final[PATH_MAX], *output = NULL;
	int r = fetch_resolve(f, &output);

	if (r == -EPROTO && f->lists != FETCH_LISTS_FRESH &&
	    fetch_classify(output) == -ENOENT) {
		free(output);
		return -EAGAIN;
	}
	if (r)
		r = fetch_explain(f, r, "apt-get", output ? output : "");
	if (!r)
		r = fetch_parse(f, output);
	free(output);
	if (r || !f->install_count)
		return r;
	fetch_make_key(f);
	snprintf(final, sizeof(final), "%s/%.250s", f->store.packages, f->key);
	if (access(final, F_OK))
		r = fetch_tree(f, final);
	if (!r) {
		*ret_dir = strdup(final);
		r = *ret_dir ? 0 : -ENOMEM;
	}
	return r;
}

static bool fetch_has_own_lists(struct fetch *f)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/apt/lists", f->store.cache);
	return !access(path, F_OK);
}

static int fetch_locked(struct fetch *f, char **ret_dir)
{
	int r;

	r = fetch_once(f, ret_dir);
	if (r == -EAGAIN && fetch_has_own_lists(f)) {
		f->lists = FETCH_LISTS_OWN;
		r = fetch_once(f, ret_dir);
	}
	if (r == -EAGAIN) {
		f->lists = FETCH_LISTS_FRESH;
		r = fetch_update_own_lists(f);
		if (!r)
			r = fetch_once(f, ret_dir);
	}
	return r;
}

int fetch_packages(char *const *packages, size_t n, FILE *errors,
		   char **ret_dir)
{
	struct fetch *f;
	char *dir = NULL;
	int r = 0;

	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	*f = (struct fetch){.packages = packages, .n = n, .errors = errors};
	if (!n || n > FETCH_PACKAGES_MAX)
		r = fetch_fail(f, -E2BIG, "%zu packages, at most %d fit", n,
			       FETCH_PACKAGES_MAX);
	for (size_t i = 0; !r && i < n; i++)
		if (!fetch_is_name(packages[i]))
			r = fetch_fail(f, -EINVAL,
				       "\"%.80s\" is not a package's name",
				       packages[i]);
	if (!r)
		r = fetch_store_open(&f->store, errors);
	if (!r) {
		r = fetch_locked(f, &dir);
		fetch_store_close(&f->store);
	}
	if (!r)
		*ret_dir = dir;
	free(f);
	return r;
}
