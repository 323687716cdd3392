/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the world's sockets share: a loop that never blocks for
 * long, a log kept in memory, an address of one's own, and a client that is
 * driven beside the loop.
 */
#ifndef TESTS_UNIT_WORLD_FIXTURE_H
#define TESTS_UNIT_WORLD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "deadmx/event.h"
#include "deadmx/scenario.h"

#define STR(s)	    ((char *)(s))
#define MS(n)	    ((int64_t)(n)*1000000)
#define WORLD_PORT  2525
#define TURNS_MAX   20000 /* of a millisecond at most: then a test hangs */
#define unused_func __attribute__((unused))

struct world_fixture {
	uv_loop_t loop;
	uv_timer_t tick;
	int turns;
	struct deadmx_event_log *log;
	char events[65536]; /* see fixture_sink() */
	size_t events_len;
	char address[32]; /* of this process only: tests run side by side */
	char dir[64];	  /* empty */
	int64_t origin;
	bool closed;
};

static int64_t fixture_now(void *arg)
{
	struct world_fixture *f = arg;

	return (int64_t)uv_hrtime() - f->origin;
}

/* Keep each event as "type member member …\n", objects' order, no keys. */
static void fixture_sink(void *arg, const char *line, size_t len)
{
	struct world_fixture *f = arg;
	json_t *event = json_loadb(line, len, 0, NULL), *value;
	const char *key;
	void *iter;

	assert_non_null(event);
	for (iter = json_object_iter(event); iter;
	     iter = json_object_iter_next(event, iter)) {
		char *text;

		key = json_object_iter_key(iter);
		value = json_object_iter_value(iter);
		if (strcmp(key, "t") == 0)
			continue;
		text = json_is_string(value)
			       ? strdup(json_string_value(value))
			       : json_dumps(value,
					    JSON_ENCODE_ANY | JSON_COMPACT);
		f->events_len += (size_t)snprintf(
			f->events + f->events_len,
			sizeof(f->events) - f->events_len, "%s ", text);
		free(text);
		if (f->events_len >= sizeof(f->events))
			f->events_len = 0; /* a test that floods the log */
	}
	if (f->events_len)
		f->events[f->events_len - 1] = '\n';
	json_decref(event);
}

static void fixture_on_tick(uv_timer_t *timer)
{
}

static void fixture_init(struct world_fixture *f)
{
	int pid = getpid(); /* of tests side by side they follow closely */

	signal(SIGPIPE, SIG_IGN);
	uv_loop_init(&f->loop);
	uv_timer_init(&f->loop, &f->tick);
	uv_timer_start(&f->tick, fixture_on_tick, 1, 1);
	uv_unref((uv_handle_t *)&f->tick);
	f->origin = (int64_t)uv_hrtime();
	f->log = deadmx_event_log_new(fixture_now, fixture_sink, f);
	/* One of its own for each of 2^22 processes; the last byte is odd. */
	snprintf(f->address, sizeof(f->address), "127.%d.%d.%d",
		 77 + (pid >> 15 & 127), pid >> 7 & 255, (pid & 127) << 1 | 1);
	snprintf(f->dir, sizeof(f->dir), "/tmp/deadmx-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
}

static void fixture_turn(struct world_fixture *f)
{
	/* ONCE ends with the tick, but only while something is referenced. */
	uv_ref((uv_handle_t *)&f->tick);
	uv_run(&f->loop, UV_RUN_ONCE);
	uv_unref((uv_handle_t *)&f->tick);
	assert_true(f->turns++ < TURNS_MAX);
}

static unused_func void fixture_on_closed(void *arg)
{
	((struct world_fixture *)arg)->closed = true;
}

static unused_func void fixture_await_closed(struct world_fixture *f)
{
	while (!f->closed)
		fixture_turn(f);
	f->closed = false;
}

static void fixture_release(struct world_fixture *f)
{
	DIR *dir = opendir(f->dir);
	struct dirent *entry;

	uv_close((uv_handle_t *)&f->tick, NULL);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	/* Whatever is still open is a leak of what was tested. */
	assert_int_equal(uv_loop_close(&f->loop), 0);
	deadmx_event_log_free(f->log);
	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(f->dir);
}

static int unused_func fixture_connect(struct world_fixture *f, int type,
				       int *ret_error)
{
	struct sockaddr_in addr;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	uv_ip4_addr(f->address, WORLD_PORT, &addr);
	*ret_error = 0;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		*ret_error = errno;
	return fd;
}

static int unused_func fixture_client(struct world_fixture *f)
{
	int error, fd = fixture_connect(f, SOCK_STREAM, &error);

	assert_true(error == 0 || error == EINPROGRESS);
	return fd;
}

static unused_func void fixture_send(struct world_fixture *f, int fd,
				     const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n > 0) {
			text += n;
			len -= (size_t)n;
		} else {
			assert_int_equal(errno, EAGAIN);
		}
		fixture_turn(f);
	}
}

/* Exactly @want is what comes next. */
static unused_func void fixture_expect(struct world_fixture *f, int fd,
				       const char *want)
{
	char got[4096];
	size_t used = 0, len = strlen(want);

	while (used < len) {
		ssize_t n = recv(fd, got + used, len - used, 0);

		if (n == 0)
			fail_msg("EOF, expected %s", want + used);
		if (n < 0 && errno != EAGAIN)
			fail_msg("%s, expected %s", strerror(errno), want);
		if (n > 0)
			used += (size_t)n;
		else
			fixture_turn(f);
	}
	assert_memory_equal(got, want, len);
}

/* The connection ends: 0 by FIN, else with this errno. Closes @fd. */
static unused_func void fixture_expect_end(struct world_fixture *f, int fd,
					   int error)
{
	char c;
	ssize_t n;

	while ((n = recv(fd, &c, 1, 0)) < 0 && errno == EAGAIN)
		fixture_turn(f);
	if (n > 0)
		fail_msg("'%c' where the end was expected", c);
	assert_int_equal(n < 0 ? errno : 0, error);
	close(fd);
}

/* Turn until @text stands in the log. */
static unused_func void fixture_await_event(struct world_fixture *f,
					    const char *text)
{
	while (!strstr(f->events, text)) {
		if (f->turns == TURNS_MAX)
			fail_msg("no event %s in:\n%s", text, f->events);
		fixture_turn(f);
	}
}

static unused_func void fixture_clear_events(struct world_fixture *f)
{
	f->events_len = 0;
	f->events[0] = '\0';
}

#endif
