/* SPDX-License-Identifier: MIT */
/*
 * A disk that is full: a tmpfs that is given no more room than it uses.
 *
 * What is deleted leaves room again, as on a disk; files without content, and
 * what fits into a file's last page, need none.
 */
#ifndef HARNESS_INNER_DISK_H
#define HARNESS_INNER_DISK_H

#include <stdint.h>

struct inner_disk {
	uint64_t size; /* bytes, of the tmpfs before it was filled */
};

/*
 * Leave no room on the tmpfs that is mounted at @path. 0, or a negative errno:
 * -ENODEV when there is none, else what mount(2) says.
 */
int inner_disk_fill(struct inner_disk *disk, const char *path);

/* Give it back the size it had. 0 or a negative errno. */
int inner_disk_free(struct inner_disk *disk, const char *path);

#endif
