/* SPDX-License-Identifier: MIT */
#include "harness/fetch_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/fetch_tool.h"

#define STORE_WORK_PREFIX ".new-"

static int store_fail(struct fetch_store *store, int err, const char *format,
		      ...) __attribute__((format(printf, 3, 4)));

static int store_fail(struct fetch_store *store, int err, const char *format,
		      ...)
{
	va_list args;

	va_start(args, format);
	fputs("fetch: ", store->errors);
	vfprintf(store->errors, format, args);
	fputc('\n', store->errors);
	va_end(args);
	return err;
}

int fetch_store_make_folder(struct fetch_store *store, const char *path)
{
	if (!mkdir(path, 0755) || errno == EEXIST)
		return 0;
	return store_fail(store, -errno, "cannot make %s: %s", path,
			  strerror(errno));
}

/* Where it is, whether it is there or not; 0 or -ENAMETOOLONG. */
static int store_locate(struct fetch_store *store, char *parent, size_t len)
{
	const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	const struct passwd *user;
	int n;

	if (!home || home[0] != '/') {
		user = getpwuid(geteuid());
		home = user ? user->pw_dir : "/";
	}
	if (base && base[0] == '/') /* a relative one counts as unset */
		n = snprintf(parent, len, "%s", base);
	else
		n = snprintf(parent, len, "%s/.cache", home);
	if (n >= (int)len)
		return -ENAMETOOLONG;
	snprintf(store->cache, sizeof(store->cache), "%s/deadmx", parent);
	snprintf(store->packages, sizeof(store->packages), "%s/packages",
		 store->cache);
	return 0;
}

static int store_make(struct fetch_store *store)
{
	char parent[PATH_MAX - 600];
	int r = store_locate(store, parent, sizeof(parent));

	if (r)
		return store_fail(store, r,
				  "the cache folder's path is too long");
	r = fetch_store_make_folder(store, parent);
	if (!r)
		r = fetch_store_make_folder(store, store->cache);
	return r ? r : fetch_store_make_folder(store, store->packages);
}

char *fetch_store_find(const char *prefix)
{
	struct fetch_store store = {0};
	char parent[PATH_MAX - 600], *found = NULL;
	struct dirent *entry;
	DIR *dir;

	if (store_locate(&store, parent, sizeof(parent)))
		return NULL;
	dir = opendir(store.packages);
	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) ||
		    (found && strcmp(entry->d_name, found) < 0))
			continue;
		free(found);
		found = strdup(entry->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

static int store_lock(struct fetch_store *store)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/.lock", store->packages);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return store_fail(store, -errno, "cannot open %s: %s", path,
				  strerror(errno));
	while (flock(fd, LOCK_EX)) {
		if (errno == EINTR)
			continue;
		close(fd);
		return store_fail(store, -errno, "cannot lock %s: %s", path,
				  strerror(errno));
	}
	store->lock = fd;
	return 0;
}

static void store_sweep(struct fetch_store *store)
{
	DIR *dir = opendir(store->packages);
	struct dirent *entry;
	char path[PATH_MAX];

	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, STORE_WORK_PREFIX,
			    strlen(STORE_WORK_PREFIX)))
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", store->packages,
			     entry->d_name) < (int)sizeof(path))
			fetch_tool_remove(path);
	}
	if (dir)
		closedir(dir);
}

int fetch_store_open(struct fetch_store *store, FILE *errors)
{
	int r;

	store->errors = errors;
	r = store_make(store);
	if (!r)
		r = store_lock(store);
	if (!r)
		store_sweep(store);
	return r;
}

void fetch_store_close(struct fetch_store *store)
{
	close(store->lock);
}

int fetch_store_work(struct fetch_store *store)
{
	snprintf(store->work, sizeof(store->work),
		 "%s/" STORE_WORK_PREFIX "XXXXXX", store->packages);
	if (mkdtemp(store->work))
		return 0;
	return store_fail(store, -errno, "cannot make a folder in %s: %s",
			  store->packages, strerror(errno));
}

int fetch_store_publish(struct fetch_store *store, const char *tree,
			const char *final)
{
	int fd = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

	if (fd < 0 || syncfs(fd) || rename(tree, final))
		r = store_fail(store, -errno, "cannot store %s: %s", final,
			       strerror(errno));
	if (fd >= 0)
		close(fd);
	return r;
}

void fetch_store_shorten(char *key)
{
	uint64_t sum = 14695981039346656037u; /* FNV-1a */

	if (strlen(key) <= FETCH_STORE_KEY_PLAIN)
		return;
	for (const char *p = key; *p; p++)
		sum = (sum ^ (unsigned char)*p) * 1099511628211u;
	snprintf(key + FETCH_STORE_KEY_PLAIN, FETCH_STORE_KEY_ROOM,
		 "~%016" PRIx64, sum);
}
