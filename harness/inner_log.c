/* SPDX-License-Identifier: MIT */
#include "harness/inner_log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct inner_log {
	uv_fs_event_t folder; /* the file may come and go */
	char *path;
	void (*on_line)(void *arg, const char *line, size_t len);
	void *arg;
	int fd; /* -1: not there yet */
	char buf[INNER_LOG_LINE_MAX];
	size_t len; /* of the line that is not complete */
};

static void log_flush(struct inner_log *l)
{
	if (l->len)
		l->on_line(l->arg, l->buf, l->len);
	l->len = 0;
}

/* Tell the lines that are complete, or fill all room. */
static void log_cut(struct inner_log *l)
{
	size_t start = 0;
	const char *lf;

	while ((lf = memchr(l->buf + start, '\n', l->len - start))) {
		size_t end = (size_t)(lf - l->buf);

		l->on_line(l->arg, l->buf + start, end - start);
		start = end + 1;
	}
	l->len -= start;
	memmove(l->buf, l->buf + start, l->len);
	if (l->len == sizeof(l->buf))
		log_flush(l);
}

static void log_read(struct inner_log *l)
{
	ssize_t n;

	while (l->fd >= 0 && (n = read(l->fd, l->buf + l->len,
				       sizeof(l->buf) - l->len)) > 0) {
		l->len += (size_t)n;
		log_cut(l);
	}
}

/* Is what we have open still what the path leads to? */
static bool log_is_current(const struct inner_log *l)
{
	struct stat own, there;

	return l->fd >= 0 && fstat(l->fd, &own) == 0 &&
	       (stat(l->path, &there) != 0 ||
		(own.st_ino == there.st_ino && own.st_dev == there.st_dev));
}

/* The old file to its end, then the new one from its start. */
static void log_follow(struct inner_log *l)
{
	log_read(l);
	if (log_is_current(l))
		return;
	log_flush(l);
	if (l->fd >= 0)
		close(l->fd);
	l->fd = open(l->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	log_read(l);
}

static void log_on_event(uv_fs_event_t *folder, const char *name, int events,
			 int status)
{
	struct inner_log *l = folder->data;
	const char *base = strrchr(l->path, '/') + 1;

	if (!name || strcmp(name, base) == 0)
		log_follow(l);
}

static void log_closed(uv_handle_t *handle)
{
	struct inner_log *l = handle->data;

	if (l->fd >= 0)
		close(l->fd);
	free(l->path);
	free(l);
}

int inner_log_new(uv_loop_t *loop, const char *path,
		  void (*on_line)(void *arg, const char *line, size_t len),
		  void *arg, struct inner_log **ret)
{
	struct inner_log *l;
	const char *slash = strrchr(path, '/');
	char *folder;
	int err;

	if (!slash)
		return -EINVAL;
	l = calloc(1, sizeof(*l));
	assert(l);
	l->path = strdup(path);
	folder = slash == path ? strdup("/")
			       : strndup(path, (size_t)(slash - path));
	assert(l->path && folder);
	l->on_line = on_line;
	l->arg = arg;
	l->fd = -1;
	l->folder.data = l;
	uv_fs_event_init(loop, &l->folder);
	err = uv_fs_event_start(&l->folder, log_on_event, folder, 0);
	free(folder);
	if (err) {
		uv_close((uv_handle_t *)&l->folder, log_closed);
		return err;
	}
	log_follow(l);
	*ret = l;
	return 0;
}

void inner_log_drain(struct inner_log *l)
{
	log_follow(l);
	log_flush(l);
}

void inner_log_free(struct inner_log *l)
{
	if (l)
		uv_close((uv_handle_t *)&l->folder, log_closed);
}
