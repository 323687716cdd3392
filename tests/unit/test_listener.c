/* SPDX-License-Identifier: MIT */
/*
 * sim/listener.c and what a client sees at it: each action of stage connect,
 * by IPv4 and IPv6, in a network namespace of the test's own. The client is a
 * child process, so that the loop can answer it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/listener.h"
#include "sim/net_fault.h"

enum {
	PORT = 2525,
	SILENCE_MS = 300, /* nothing came: the SYN was swallowed */
};

struct fixture {
	uv_loop_t loop;
	uv_timer_t tick;
	struct sockaddr_storage addr;
	struct listener *listener;
	bool closed;
	int accepted;
};

static void on_connection(void *arg, uv_stream_t *stream)
{
	struct fixture *f = arg;
	uv_tcp_t *tcp = malloc(sizeof(*tcp));

	assert_non_null(tcp);
	uv_tcp_init(&f->loop, tcp);
	assert_int_equal(uv_accept(stream, (uv_stream_t *)tcp), 0);
	uv_close((uv_handle_t *)tcp, (uv_close_cb)free);
	f->accepted++;
}

static void on_error(void *arg, int rc)
{
	fail_msg("accept: %s", strerror(-rc));
}

static void on_closed(void *arg)
{
	struct fixture *f = arg;

	f->closed = true;
}

static const struct listener_ops ops = {
	.on_connection = on_connection,
	.on_error = on_error,
	.on_closed = on_closed,
};

/* What connect() comes to: 0, an errno, or ETIMEDOUT after a silence. */
static int try_connect(const struct sockaddr *addr)
{
	int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t len = sizeof(int);
	int error = 0;

	if (connect(fd, addr, net_fault_len(addr)) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	if (poll(&p, 1, SILENCE_MS) == 0)
		return ETIMEDOUT;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error;
}

static void on_tick(uv_timer_t *timer)
{
}

/* The errno of a client that connects now. */
static int client(struct fixture *f)
{
	int status, pid = fork();

	if (pid == 0)
		_exit(try_connect((struct sockaddr *)&f->addr));
	assert_true(pid > 0);
	while (waitpid(pid, &status, WNOHANG) == 0)
		uv_run(&f->loop, UV_RUN_ONCE);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void open_listener(struct fixture *f, int family, bool may_route)
{
	memset(f, 0, sizeof(*f));
	uv_loop_init(&f->loop);
	uv_timer_init(&f->loop, &f->tick);
	uv_timer_start(&f->tick, on_tick, 5, 5);
	if (family == AF_INET6)
		uv_ip6_addr("2001:db8::9", PORT,
			    (struct sockaddr_in6 *)&f->addr);
	else
		uv_ip4_addr("127.9.9.9", PORT, (struct sockaddr_in *)&f->addr);
	f->listener = listener_new(&f->loop, (struct sockaddr *)&f->addr,
				   may_route, &ops, f);
}

static void close_listener(struct fixture *f)
{
	listener_close(f->listener);
	uv_close((uv_handle_t *)&f->tick, NULL);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_true(f->closed);
	assert_int_equal(uv_loop_close(&f->loop), 0);
}

static const struct {
	enum deadmx_action action;
	int error4, error6;
} rows[] = {
	{DEADMX_ACTION_ACCEPT, 0, 0},
	{DEADMX_ACTION_REFUSE, ECONNREFUSED, ECONNREFUSED},
	{DEADMX_ACTION_BLACKHOLE, ETIMEDOUT, ETIMEDOUT},
	{DEADMX_ACTION_QUEUE_FULL, ETIMEDOUT, ETIMEDOUT},
	{DEADMX_ACTION_UNREACHABLE, EHOSTUNREACH, EHOSTUNREACH},
	{DEADMX_ACTION_NET_UNREACHABLE, ENETUNREACH, ENETUNREACH},
	{DEADMX_ACTION_PORT_UNREACHABLE, ECONNREFUSED, ECONNREFUSED},
	{DEADMX_ACTION_PROHIBITED, EHOSTUNREACH, EACCES},
	{DEADMX_ACTION_DROP, 0, 0}, /* accepted; the caller hangs up */
};

/* Each action, and after each one back to health without a trace. */
static void walk(int family, bool may_route)
{
	struct fixture f;

	open_listener(&f, family, may_route);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int want = family == AF_INET6 ? rows[i].error6 : rows[i].error4;

		print_message("%s by IPv%d%s\n",
			      deadmx_action_word(rows[i].action),
			      family == AF_INET6 ? 6 : 4,
			      may_route ? "" : ", no routes");
		assert_int_equal(listener_set(f.listener, rows[i].action), 0);
		assert_int_equal(client(&f), want);
		assert_int_equal(listener_set(f.listener, DEADMX_ACTION_ACCEPT),
				 0);
		assert_int_equal(client(&f), 0);
	}
	assert_true(f.accepted > 0);
	close_listener(&f);
}

static void test_listener_ip4(void **state)
{
	walk(AF_INET, true);
	walk(AF_INET, false);
}

static void test_listener_ip6(void **state)
{
	walk(AF_INET6, true);
	walk(AF_INET6, false);
}

/* Closed while a fault holds: nothing stays behind in the kernel. */
static void test_listener_closed_in_a_fault(void **state)
{
	struct fixture f;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		open_listener(&f, AF_INET, true);
		assert_int_equal(listener_set(f.listener, rows[i].action), 0);
		close_listener(&f);
		assert_int_equal(try_connect((struct sockaddr *)&f.addr),
				 ECONNREFUSED);
	}
}

static bool own_namespace(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0 || close(fd) < 0)
		return false;
	/* As in the sandbox: the network is local, its addresses nobody's. */
	return system("ip -6 route add local 2001:db8::/32 dev lo && "
		      "echo 1 > /proc/sys/net/ipv6/ip_nonlocal_bind") == 0;
}

/* Each word of the stage, and each shipped scenario, has its line. */
static void test_listener_documented(void **state)
{
	static char page[65536];
	FILE *file = fopen(TEST_DIR "/../docs/faults/tcp.md", "re");
	DIR *dir = opendir(TEST_DIR "/../scenarios/tcp");
	struct dirent *entry;
	char word[300];

	assert_true(file && dir);
	page[fread(page, 1, sizeof(page) - 1, file)] = '\0';
	fclose(file);
	for (int i = 0; i < DEADMX_ACTION_COUNT; i++) {
		enum deadmx_action action = (enum deadmx_action)i;

		snprintf(word, sizeof(word), "\n| `%s` | ",
			 deadmx_action_word(action));
		if (deadmx_action_form(DEADMX_STAGE_CONNECT, action) !=
			    DEADMX_ACTION_NEVER &&
		    !strstr(page, word))
			fail_msg("%s is not documented", word);
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(word, sizeof(word), "`tcp/%s", entry->d_name);
		memcpy(strrchr(word, '.'), "`", 2);
		if (!strstr(page, word))
			fail_msg("%s is not documented", word);
	}
	closedir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listener_ip4),
		cmocka_unit_test(test_listener_ip6),
		cmocka_unit_test(test_listener_closed_in_a_fault),
		cmocka_unit_test(test_listener_documented),
	};

	if (!own_namespace()) {
		puts("skipped: no network namespace of its own");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
