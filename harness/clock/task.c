/* SPDX-License-Identifier: MIT */
#include "harness/clock/task.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct task **task_bucket(const struct task_table *table, pid_t tid)
{
	return (struct task **)&table->bucket[(unsigned)tid % TASK_BUCKETS];
}

struct task *task_find(const struct task_table *table, pid_t tid)
{
	struct task *task = *task_bucket(table, tid);

	while (task && task->tid != tid)
		task = task->next;
	return task;
}

struct process *task_process(const struct task_table *table, pid_t tgid)
{
	struct process *p = table->processes;

	while (p && p->tgid != tgid)
		p = p->next;
	return p;
}

static struct process *task_process_get(struct task_table *table, pid_t tgid)
{
	struct process *p = task_process(table, tgid);

	if (!p) {
		p = calloc(1, sizeof(*p));
		assert(p);
		p->tgid = tgid;
		p->next = table->processes;
		table->processes = p;
	}
	p->tasks++;
	return p;
}

struct task *task_add(struct task_table *table, pid_t tid, pid_t tgid)
{
	struct task **bucket = task_bucket(table, tid);
	struct task *task = calloc(1, sizeof(*task));

	assert(task && !task_find(table, tid));
	task->tid = tid;
	task->stat_fd = task->syscall_fd = task->sched_fd = -1;
	task->process = task_process_get(table, tgid);
	task->next = *bucket;
	*bucket = task;
	if (table->count == table->room) {
		table->room = table->room ? 2 * table->room : 64;
		table->all =
			realloc(table->all, table->room * sizeof(*table->all));
		assert(table->all);
	}
	table->all[table->count++] = task;
	return task;
}

static void task_close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void task_free(struct task *task)
{
	task_close_fd(task->stat_fd);
	task_close_fd(task->syscall_fd);
	task_close_fd(task->sched_fd);
	free(task);
}

struct process *task_remove(struct task_table *table, struct task *task)
{
	struct task **link = task_bucket(table, task->tid);
	struct process *p = task->process;
	struct process **plink = &table->processes;

	while (*link != task)
		link = &(*link)->next;
	*link = task->next;
	for (size_t i = 0; i < table->count; i++) {
		if (table->all[i] == task) {
			/* Keep the order: looks are repeatable. */
			memmove(&table->all[i], &table->all[i + 1],
				(table->count - i - 1) * sizeof(*table->all));
			table->count--;
			break;
		}
	}
	task_free(task);
	if (--p->tasks > 0)
		return NULL;
	while (*plink != p)
		plink = &(*plink)->next;
	*plink = p->next;
	return p;
}

void task_table_release(struct task_table *table)
{
	while (table->count)
		free(task_remove(table, table->all[table->count - 1]));
	free(table->all);
	*table = (struct task_table){0};
}

/* Read a whole /proc file of a task into @buf; its length or -errno. */
static ssize_t task_read(struct task *task, int *fd, const char *name,
			 char *buf, size_t room)
{
	ssize_t n;

	if (*fd < 0) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/task/%d/%s",
			 task->process->tgid, task->tid, name);
		*fd = open(path, O_RDONLY | O_CLOEXEC);
		if (*fd < 0)
			return -errno;
	}
	n = pread(*fd, buf, room - 1, 0);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return n;
}

/* The line of /proc/TID/status that begins with @key, in @buf; or NULL. */
static char *task_status_line(pid_t tid, const char *key, char *buf,
			      size_t room)
{
	char path[40];
	char *line;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	n = read(fd, buf, room - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	line = strstr(buf, key);
	if (!line)
		return NULL;
	line += strlen(key);
	line[strcspn(line, "\n")] = '\0';
	return line;
}

pid_t task_read_tgid(pid_t tid)
{
	char buf[1024];
	const char *line = task_status_line(tid, "\nTgid:", buf, sizeof(buf));

	return line ? (pid_t)strtol(line, NULL, 10) : tid;
}

pid_t task_read_inner_tid(pid_t tid)
{
	char buf[1024];
	const char *line = task_status_line(tid, "\nNSpid:", buf, sizeof(buf));
	const char *last = line ? strrchr(line, '\t') : NULL;

	return last ? (pid_t)strtol(last, NULL, 10) : tid;
}

char task_state(struct task *task)
{
	char buf[400];
	const char *end;
	ssize_t n = task_read(task, &task->stat_fd, "stat", buf, sizeof(buf));

	if (n <= 0)
		return 0;
	/* The command's name may hold anything, ')' too. */
	end = strrchr(buf, ')');
	return end && end[1] ? end[2] : 0;
}

bool task_blocked_call(struct task *task, struct task_call *ret)
{
	char buf[256];
	uint64_t *a = ret->args;
	ssize_t n =
		task_read(task, &task->syscall_fd, "syscall", buf, sizeof(buf));

	if (n <= 0)
		return false;
	return sscanf(buf,
		      "%ld %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64
		      " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64,
		      &ret->nr, &a[0], &a[1], &a[2], &a[3], &a[4], &a[5],
		      &ret->sp, &ret->ip) == 9;
}

bool task_is_off_queue(struct task *task)
{
	char buf[256];
	ssize_t n =
		task_read(task, &task->syscall_fd, "syscall", buf, sizeof(buf));

	/* An ended task's file can't be read: it is off for good. */
	return n <= 0 || buf[0] != 'r';
}

/* Time run, time waited for a processor, and how often it was given one. */
static bool task_schedstat(struct task *task, uint64_t ret[3])
{
	char buf[128];
	ssize_t n =
		task_read(task, &task->sched_fd, "schedstat", buf, sizeof(buf));

	return n > 0 && sscanf(buf, "%" SCNu64 " %" SCNu64 " %" SCNu64, &ret[0],
			       &ret[1], &ret[2]) == 3;
}

uint64_t task_switches(struct task *task)
{
	uint64_t stat[3];

	return task_schedstat(task, stat) ? stat[2] : 0;
}

uint64_t task_ran_ns(struct task *task)
{
	uint64_t stat[3];

	return task_schedstat(task, stat) ? stat[0] : 0;
}

int task_borrow_fd(const struct task *task, int fd)
{
	int pidfd = (int)syscall(SYS_pidfd_open, task->process->tgid, 0);
	int own;

	if (pidfd < 0)
		return -1;
	own = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	close(pidfd);
	return own;
}

bool task_program(const struct task *task, struct task_file *ret)
{
	char path[40];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/exe", task->process->tgid);
	if (stat(path, &st))
		return false;
	*ret = (struct task_file){st.st_dev, st.st_ino};
	return true;
}
