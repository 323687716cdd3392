/* SPDX-License-Identifier: MIT */
/* A full disk: see inner_disk.h. */
#include "harness/inner_disk.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

enum {
	DISK_TRIES_MAX = 100, /* while the MTA writes, what is used grows */
};

/* A folder of the root's overlay would say yes and fill all but the queue. */
static bool disk_is_tmpfs(const char *path)
{
	struct statfs fs;
	struct stat here, root;

	return !statfs(path, &fs) && fs.f_type == TMPFS_MAGIC &&
	       !stat(path, &here) && !stat("/", &root) &&
	       here.st_dev != root.st_dev;
}

/* Options that are left out stay as they are, flags do not. */
static int disk_resize(const char *path, uint64_t size)
{
	struct statvfs fs;
	unsigned long flags = MS_REMOUNT;
	char option[64];

	if (statvfs(path, &fs))
		return -errno;
	flags |= fs.f_flag & ST_NODEV ? MS_NODEV : 0;
	flags |= fs.f_flag & ST_NOSUID ? MS_NOSUID : 0;
	snprintf(option, sizeof(option), "size=%llu", (unsigned long long)size);
	return mount(NULL, path, NULL, flags, option) ? -errno : 0;
}

int inner_disk_fill(struct inner_disk *disk, const char *path)
{
	struct statvfs fs;
	int r = -EINVAL;

	if (!disk_is_tmpfs(path))
		return -ENODEV;
	for (int i = 0; i < DISK_TRIES_MAX && r == -EINVAL; i++) {
		uint64_t used;

		if (statvfs(path, &fs))
			return -errno;
		used = fs.f_blocks - fs.f_bfree;
		/* A size of 0 would be none at all. */
		r = disk_resize(path, (used ? used : 1) * fs.f_frsize);
	}
	if (!r)
		disk->size = (uint64_t)fs.f_blocks * fs.f_frsize;
	return r;
}

int inner_disk_free(struct inner_disk *disk, const char *path)
{
	return disk_resize(path, disk->size);
}
