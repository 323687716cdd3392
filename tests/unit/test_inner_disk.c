/* SPDX-License-Identifier: MIT */
/* A disk that is filled and freed, in a mount namespace of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "harness/inner_disk.h"

static char folder[32];

static int setup(void **state)
{
	strcpy(folder, "/tmp/deadmx-disk-XXXXXX");
	if (!mkdtemp(folder) || unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", folder, "tmpfs", MS_NODEV, "mode=711,size=16m"))
		return errno == EPERM ? 0 : -1;
	*state = folder;
	return 0;
}

static int teardown(void **state)
{
	if (*state)
		umount2(folder, MNT_DETACH);
	rmdir(folder);
	return 0;
}

/* Append @len bytes to a file of the disk: 0, or what write(2) says. */
static int append(const char *name, size_t len)
{
	static char bytes[8192];
	char path[128];
	int fd, r;

	assert_true(len <= sizeof(bytes));
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	r = write(fd, bytes, len) == (ssize_t)len ? 0 : errno;
	close(fd);
	return r;
}

/* No page more, but a name; and as before when it is freed. */
static void test_inner_disk_full(void **state)
{
	struct inner_disk disk = {0};
	struct statvfs before, after;
	char path[128];

	if (!*state)
		skip();
	assert_int_equal(append("old", 5000), 0);
	assert_int_equal(statvfs(folder, &before), 0);
	assert_int_equal(inner_disk_fill(&disk, folder), 0);
	assert_int_equal(append("new", 1), ENOSPC);
	assert_int_equal(append("old", 8192), ENOSPC);
	/* What is deleted leaves room. */
	snprintf(path, sizeof(path), "%s/old", folder);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(append("new", 4096), 0);
	assert_int_equal(inner_disk_free(&disk, folder), 0);
	assert_int_equal(append("new", 8192), 0);
	assert_int_equal(statvfs(folder, &after), 0);
	assert_int_equal(after.f_blocks, before.f_blocks);
	assert_int_equal(after.f_flag, before.f_flag);
}

/* A disk with nothing on it can be full, too. */
static void test_inner_disk_empty(void **state)
{
	struct inner_disk disk = {0};

	if (!*state)
		skip();
	assert_int_equal(inner_disk_fill(&disk, folder), 0);
	assert_int_equal(append("a", 4096),
			 0); /* the one page there has to be */
	assert_int_equal(append("b", 1), ENOSPC);
	assert_int_equal(inner_disk_free(&disk, folder), 0);
}

/* No tmpfs of its own: the queue is not on it. */
static void test_inner_disk_none(void **state)
{
	struct inner_disk disk = {0};

	assert_int_equal(inner_disk_fill(&disk, "/proc"), -ENODEV);
	assert_int_equal(inner_disk_fill(&disk, "/"), -ENODEV);
	assert_int_equal(inner_disk_fill(&disk, "/nonexistent"), -ENODEV);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_inner_disk_full),
		TEST(test_inner_disk_empty),
		cmocka_unit_test(test_inner_disk_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
