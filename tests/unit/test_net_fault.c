/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/net_fault.c; routes in a network namespace of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "sim/net_fault.h"

static struct sockaddr_in address(const char *text)
{
	struct sockaddr_in addr;

	assert_int_equal(uv_ip4_addr(text, 2525, &addr), 0);
	return addr;
}

static int listen_at(const struct sockaddr_in *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 ||
	    listen(fd, 5) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* 0, the error of connect(), or ETIMEDOUT when nothing comes in @ms. */
static int try_connect(const struct sockaddr_in *addr, int ms)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0;
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t len = sizeof(error);

	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0)
		error = errno;
	if (error == EINPROGRESS) {
		if (poll(&p, 1, ms) == 1)
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
		else
			error = ETIMEDOUT;
	}
	close(fd);
	return error;
}

/* A muted listener answers nothing; unmuted it does. */
static void test_net_fault_mute(void **state)
{
	struct sockaddr_in addr = address("127.76.1.1");
	int fd = listen_at(&addr);

	assert_true(fd >= 0);
	if (net_fault_mute(fd) == -EPERM) {
		close(fd);
		skip();
	}
	assert_int_equal(try_connect(&addr, 50), ETIMEDOUT);
	assert_int_equal(net_fault_unmute(fd), 0);
	assert_int_equal(try_connect(&addr, 1000), 0);
	close(fd);
}

/* The same by a queue that is full; gone, nobody is there. */
static void test_net_fault_fill(void **state)
{
	struct sockaddr_in addr = address("127.76.1.2");
	int fds[2];

	assert_int_equal(net_fault_fill((struct sockaddr *)&addr, fds), 0);
	assert_int_equal(try_connect(&addr, 50), ETIMEDOUT);
	assert_int_equal(try_connect(&addr, 50), ETIMEDOUT);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(try_connect(&addr, 1000), ECONNREFUSED);
}

/* In a child in its own namespace: 0, or the line of what went wrong. */
static int unreachable_child(void)
{
	struct sockaddr_in addr = address("127.76.1.3");
	struct sockaddr_in other = address("127.76.1.4");
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd, sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (ioctl(sock, SIOCSIFFLAGS, &lo) < 0)
		return __LINE__;
	fd = listen_at(&addr);
	if (fd < 0 || try_connect(&addr, 1000) != 0)
		return __LINE__;
	if (net_fault_route((struct sockaddr *)&addr,
			    NET_FAULT_HOST_UNREACHABLE, true) != 0)
		return __LINE__;
	if (try_connect(&addr, 1000) != EHOSTUNREACH)
		return __LINE__;
	if (try_connect(&other, 1000) != ECONNREFUSED)
		return __LINE__;
	if (net_fault_route((struct sockaddr *)&addr,
			    NET_FAULT_HOST_UNREACHABLE, false) != 0)
		return __LINE__;
	if (try_connect(&addr, 1000) != 0)
		return __LINE__;
	if (net_fault_route((struct sockaddr *)&addr,
			    NET_FAULT_HOST_UNREACHABLE, false) != -ESRCH)
		return __LINE__;
	return 0;
}

/* An unreachable route wins over the local one, and goes without trace. */
static void test_net_fault_unreachable(void **state)
{
	int status, pid = fork();

	if (pid == 0) {
		if (unshare(CLONE_NEWNET) < 0)
			_exit(255);
		_exit(unreachable_child());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 255)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_net_fault_mute),
		cmocka_unit_test(test_net_fault_fill),
		cmocka_unit_test(test_net_fault_unreachable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
