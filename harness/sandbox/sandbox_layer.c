/* SPDX-License-Identifier: MIT */
/* The layers of the sandbox's root: overlays of the host's folders. */
#include "harness/sandbox/sandbox_layer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/sandbox/sandbox_copy.h"

enum {
	LAYER_FOLDERS_DEPTH = 4, /* own folders over the host's, levels */
	LAYER_SPLIT_DEPTH = 2,	 /* how deep a refused folder is taken apart */
	LAYER_PATH_MAX = 512,	 /* bytes; longer paths are left out */
};

struct layer_paths {
	char lower[LAYER_PATH_MAX], target[LAYER_PATH_MAX];
	char upper[LAYER_PATH_MAX], work[LAYER_PATH_MAX];
};

static int layer_fault(struct sandbox_layer *layer, int err, const char *what)
{
	return sandbox_fault_set(
		layer->fault, err, "cannot stack an overlay on %s: %s%s", what,
		strerror(-err),
		err == -ENODEV ? "; this kernel has no overlay file system "
				 "(as root: modprobe overlay)"
			       : "");
}

/* A name with these would end the mount option it stands in. */
static bool layer_name_fits(const char *path)
{
	return !path[strcspn(path, ":,\\")] && strlen(path) < LAYER_PATH_MAX;
}

static int layer_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* @path: "/usr", or "" for all. */
static int layer_make_paths(struct sandbox_layer *layer, const char *path,
			    struct layer_paths *p)
{
	int n;

	snprintf(p->lower, sizeof(p->lower), "%s", *path ? path : "/");
	snprintf(p->upper, sizeof(p->upper), "%s/upper-%u", layer->stage,
		 layer->made);
	snprintf(p->work, sizeof(p->work), "%s/work-%u", layer->stage,
		 layer->made++);
	n = snprintf(p->target, sizeof(p->target), "%s/root%s", layer->stage,
		     path);
	if (n >= (int)sizeof(p->target))
		return -ENAMETOOLONG;
	if (mkdir(p->upper, 0755) || mkdir(p->work, 0755))
		return -errno;
	if (mkdir(p->target, 0755) && errno != EEXIST)
		return -errno;
	return 0;
}

static int layer_mount(const struct layer_paths *p, bool unprivileged)
{
	char options[4 * LAYER_PATH_MAX];

	snprintf(options, sizeof(options),
		 "lowerdir=%s,upperdir=%s,workdir=%s%s", p->lower, p->upper,
		 p->work, unprivileged ? ",userxattr" : "");
	return mount("overlay", p->target, "overlay", 0, options) ? -errno : 0;
}

/* The merged folder looks like the upper one: give it the host's look. */
static int layer_look(const struct layer_paths *p)
{
	struct stat st;

	if (stat(p->lower, &st) || chown(p->upper, st.st_uid, st.st_gid) ||
	    chmod(p->upper, st.st_mode & 07777))
		return -errno;
	return 0;
}

static int layer_stack(struct sandbox_layer *layer, const char *path)
{
	struct layer_paths p;
	int r = layer_make_paths(layer, path, &p);

	if (!r)
		r = layer_look(&p);
	if (!r)
		r = layer_mount(&p, false);
	return r ? layer_fault(layer, r, *path ? path : "/") : 0;
}

/* An overlay of / holds none of the mounts below it. */
static bool layer_is_mount(const char *path)
{
	struct stat root, st;

	return !lstat("/", &root) && !lstat(path, &st) && S_ISDIR(st.st_mode) &&
	       st.st_dev != root.st_dev;
}

int sandbox_layer_whole(struct sandbox_layer *layer)
{
	static const char *const own[] = {"/usr", "/etc", "/var", "/opt",
					  "/srv"};
	int r = layer_stack(layer, "");

	for (size_t i = 0; !r && i < sizeof(own) / sizeof(own[0]); i++)
		if (layer_is_mount(own[i]))
			r = layer_stack(layer, own[i]);
	return r;
}

static const struct sandbox_copy_rules layer_rules = {
	.folders_only = true,
	.skip_unreadable = true,
	.depth_max = LAYER_FOLDERS_DEPTH,
	.uid_to_root = SANDBOX_LAYER_NOBODY,
	.gid_to_root = SANDBOX_LAYER_NOBODY,
};

/* Folders of tree @from/@name to @to/@name; a tree without it is fine. */
static int layer_add_folders(struct sandbox_layer *layer, int from, int to,
			     const char *name, const char *as)
{
	struct sandbox_copy_rules rules = layer_rules;
	int in, out, r;

	in = openat(from, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (in < 0)
		return 0;
	rules.depth_max = SANDBOX_COPY_DEPTH_MAX;
	if (*as)
		mkdirat(to, as, 0755);
	out = openat(to, *as ? as : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = out < 0 ? -errno : sandbox_copy_tree(in, out, &rules, layer->fault);
	if (out >= 0)
		close(out);
	close(in);
	return r;
}

/*
 * Folders that packages will be copied to, however deep, must be ours. On a
 * merged-/usr system a package's /lib goes to /usr/lib.
 */
static int layer_add_packages(struct sandbox_layer *layer, const char *path,
			      int upper)
{
	static const char *const merged[] = {"bin",   "sbin",  "lib",
					     "lib32", "lib64", "libx32"};
	int r = 0;

	if (strchr(path + 1, '/'))
		return 0;
	for (size_t i = 0; !r && i < layer->from_count; i++) {
		r = layer_add_folders(layer, layer->from[i], upper, path + 1,
				      "");
		for (size_t k = 0; !r && !strcmp(path, "/usr") &&
				   k < sizeof(merged) / sizeof(merged[0]);
		     k++)
			r = layer_add_folders(layer, layer->from[i], upper,
					      merged[k], merged[k]);
	}
	return r;
}

static int layer_fill_upper(struct sandbox_layer *layer, const char *path,
			    const struct layer_paths *p)
{
	int lower = layer_open(p->lower), upper = layer_open(p->upper), r;

	r = lower < 0 ? lower : upper < 0 ? upper : 0;
	if (!r)
		r = sandbox_copy_tree(lower, upper, &layer_rules, layer->fault);
	if (!r)
		r = layer_add_packages(layer, path, upper);
	if (lower >= 0)
		close(lower);
	if (upper >= 0)
		close(upper);
	return r;
}

static int layer_copy(struct sandbox_layer *layer, const char *path,
		      const char *target, unsigned depth_max)
{
	struct sandbox_copy_rules rules = layer_rules;
	int from = layer_open(path), to = layer_open(target), r;

	rules.folders_only = false;
	rules.depth_max = depth_max;
	r = from < 0 ? from : to < 0 ? to : 0;
	if (!r)
		r = sandbox_copy_tree(from, to, &rules, layer->fault);
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return r;
}

static int layer_each_in(struct sandbox_layer *layer, const char *path,
			 unsigned depth);

/*
 * What can't be stacked even so is taken apart; what can't be read is an
 * empty folder.
 */
static int layer_one(struct sandbox_layer *layer, const char *path,
		     unsigned depth)
{
	struct layer_paths p;
	int r;

	if (!layer_name_fits(path))
		return 0;
	r = layer_make_paths(layer, path, &p);
	if (r)
		return layer_fault(layer, r, path);
	if (access(path, R_OK | X_OK))
		return 0;
	if (!strcmp(path, "/etc"))
		return layer_copy(layer, path, p.target,
				  SANDBOX_COPY_DEPTH_MAX);
	r = layer_fill_upper(layer, path, &p);
	if (r)
		return layer_fault(layer, r, path);
	r = layer_mount(&p, true);
	if (!r)
		return 0;
	if (r != -EINVAL && r != -EPERM)
		return layer_fault(layer, r, path);
	if (depth >= LAYER_SPLIT_DEPTH)
		return 0;
	r = layer_copy(layer, path, p.target, 0);
	return r ? r : layer_each_in(layer, path, depth + 1);
}

static bool layer_is_skipped(const char *path)
{
	static const char *const skipped[] = {"/proc",	    "/sys", "/dev",
					      "/run",	    "/tmp", "/root",
					      "/lost+found"};

	for (size_t i = 0; i < sizeof(skipped) / sizeof(skipped[0]); i++)
		if (!strcmp(path, skipped[i]))
			return true;
	return false;
}

/* Folders only: the files and links of @path have been copied. */
static int layer_each_in(struct sandbox_layer *layer, const char *path,
			 unsigned depth)
{
	char child[LAYER_PATH_MAX];
	struct dirent *entry;
	struct stat st;
	DIR *dir = opendir(*path ? path : "/");
	int r = 0;

	if (!dir)
		return errno == EACCES ? 0 : layer_fault(layer, -errno, path);
	while (!r && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(child, sizeof(child), "%s/%s", path,
			     entry->d_name) >= (int)sizeof(child))
			continue;
		if (lstat(child, &st) || !S_ISDIR(st.st_mode) ||
		    layer_is_skipped(child))
			continue;
		r = layer_one(layer, child, depth);
	}
	closedir(dir);
	return r;
}

int sandbox_layer_each(struct sandbox_layer *layer)
{
	char root[LAYER_PATH_MAX];
	int r;

	snprintf(root, sizeof(root), "%s/root", layer->stage);
	if (mkdir(root, 0755) || mount("tmpfs", root, "tmpfs", 0, "mode=755"))
		return layer_fault(layer, -errno, root);
	r = layer_copy(layer, "/", root, 0); /* the links: /bin, /lib … */
	return r ? r : layer_each_in(layer, "", 0);
}
