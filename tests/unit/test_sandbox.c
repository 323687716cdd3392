/* SPDX-License-Identifier: MIT */
/*
 * The sandbox from the inside: what is there, what can't be reached, and that
 * nothing of it is left outside.
 *
 * Each sandbox gets a runner process of its own (there is no way back from
 * its IPC and user namespaces). A check inside returns 0, or the number of
 * its line, which the test shows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/sandbox/sandbox.h"
#include "harness/sandbox/sandbox_etc.h"
#include "harness/sandbox/sandbox_mount.h"

#define INSIDE(condition)                                                      \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "inside: line %d: %s (errno %s)\n",    \
				__LINE__, #condition, strerror(errno));        \
			return 1;                                              \
		}                                                              \
	} while (0)

struct inside {
	char dir[64];	  /* scratch folder of the test on the host */
	char errors[512]; /* what sandbox_start() said */
	int result;	  /* of sandbox_start() */
};

static const struct sandbox_user test_users[] = {
	{"postfix", "postfix", "/var/spool/postfix", 890, 890},
	{"postdrop", "postdrop", NULL, 891, 891},
};

static struct sandbox_options test_options(void)
{
	const struct sandbox_options o = {
		.hostname = "mta.local.test",
		.users = test_users,
		.user_count = 2,
		.keep_fd = -1,
	};

	return o;
}

/* Runner: exit status 100 when it did not start, else the child's. */
static void runner(const struct sandbox_options *o, int (*check)(void *),
		   void *arg, int out)
{
	FILE *errors = fdopen(out, "w");
	pid_t init, child;
	int status, r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	r = sandbox_start(o, check, arg, errors, &init, &child);
	fprintf(errors, "%d\n", r);
	fclose(errors);
	if (r)
		_exit(100);
	if (waitpid(init, &status, 0) != init || !WIFEXITED(status))
		_exit(102);
	_exit(WEXITSTATUS(status));
}

static int run_inside(struct inside *in, const struct sandbox_options *o,
		      int (*check)(void *), void *arg)
{
	int ends[2], status;
	char *number;
	ssize_t n;
	pid_t pid;

	fflush(NULL);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		runner(o, check, arg, ends[1]);
	close(ends[1]);
	memset(in->errors, 0, sizeof(in->errors));
	for (size_t at = 0; at < sizeof(in->errors) - 1; at += n) {
		n = read(ends[0], in->errors + at, sizeof(in->errors) - 1 - at);
		if (n <= 0)
			break;
	}
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	number = strrchr(in->errors, '\n');
	assert_non_null(number);
	*number = '\0';
	number = strrchr(in->errors, '\n');
	in->result = strtol(number ? number : in->errors, NULL, 10);
	return WEXITSTATUS(status);
}

static int setup(void **state)
{
	struct inside *in = calloc(1, sizeof(*in));
	char lack[1024];

	if (sandbox_probe(lack, sizeof(lack))) {
		print_message("this machine has no sandbox: %s\n", lack);
		free(in);
		*state = NULL;
		return 0;
	}
	snprintf(in->dir, sizeof(in->dir), "/tmp/deadmx-test-XXXXXX");
	*state = in;
	return mkdtemp(in->dir) ? 0 : -1;
}

static int teardown(void **state)
{
	struct inside *in = *state;
	char command[128];
	pid_t pid;

	if (!in)
		return 0;
	snprintf(command, sizeof(command), "%s", in->dir);
	pid = fork();
	if (!pid) {
		execlp("rm", "rm", "-rf", command, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	free(in);
	return 0;
}

static struct inside *need(void **state)
{
	if (!*state)
		skip();
	return *state;
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ssize_t len = strlen(text);

	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != len)
		len = -1;
	close(fd);
	return len < 0 ? -EIO : 0;
}

static int read_text(const char *path, char *buf, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, len - 1);
	close(fd);
	if (n < 0)
		return -EIO;
	buf[n] = '\0';
	return 0;
}

static int connect_to(const char *address, uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	inet_pton(AF_INET, address, &to.sin_addr);
	r = connect(fd, (struct sockaddr *)&to, sizeof(to)) ? -errno : 0;
	close(fd);
	return r;
}

/* Nothing leaves: an address outside has no route, at once. */
static int check_no_way_out(void *arg)
{
	INSIDE(connect_to("8.8.8.8", 53) == -ENETUNREACH);
	INSIDE(connect_to("10.0.0.1", 25) == -ENETUNREACH);
	INSIDE(connect_to("192.0.3.1", 25) == -ENETUNREACH);
	return 0;
}

static void test_sandbox_network_has_no_way_out(void **state)
{
	struct sandbox_options o = test_options();

	assert_int_equal(run_inside(need(state), &o, check_no_way_out, NULL),
			 0);
}

/* A server on @address gets a connection from the MTA's own address. */
static int talk(int family, const struct sockaddr *to, socklen_t len,
		struct sockaddr_storage *ret_from)
{
	socklen_t from_len = sizeof(*ret_from);
	int server = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), got;

	INSIDE(!bind(server, to, len));
	INSIDE(!listen(server, 1));
	INSIDE(!connect(client, to, len));
	got = accept(server, (struct sockaddr *)ret_from, &from_len);
	INSIDE(got >= 0);
	close(got);
	close(client);
	close(server);
	return 0;
}

static int check_test_networks(void *arg)
{
	static const char *const v4[] = {"127.0.0.1", "192.0.2.10",
					 "198.51.100.7", "203.0.113.254",
					 "10.9.8.7"};
	struct sockaddr_storage from;
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < sizeof(v4) / sizeof(v4[0]); i++) {
		struct sockaddr_in to = {.sin_family = AF_INET,
					 .sin_port = htons(25)};
		struct sockaddr_in *peer = (struct sockaddr_in *)&from;

		inet_pton(AF_INET, v4[i], &to.sin_addr);
		INSIDE(!talk(AF_INET, (struct sockaddr *)&to, sizeof(to),
			     &from));
		inet_ntop(AF_INET, &peer->sin_addr, text, sizeof(text));
		if (i >= 1 && i <= 3)
			INSIDE(!strcmp(text, "192.0.2.1"));
	}
	INSIDE(connect_to("192.0.2.77", 25) == -ECONNREFUSED);
	if (!access("/proc/sys/net/ipv6", F_OK)) {
		struct sockaddr_in6 to = {.sin6_family = AF_INET6,
					  .sin6_port = htons(25)};

		inet_pton(AF_INET6, "2001:db8::25", &to.sin6_addr);
		INSIDE(!talk(AF_INET6, (struct sockaddr *)&to, sizeof(to),
			     &from));
	}
	return 0;
}

static void test_sandbox_network_has_test_networks(void **state)
{
	static const char *const more[] = {"10.9.8.7/32"};
	struct sandbox_options o = test_options();

	o.addresses = more;
	o.address_count = 1;
	assert_int_equal(run_inside(need(state), &o, check_test_networks, NULL),
			 0);
}

static void test_sandbox_bad_address_is_a_line(void **state)
{
	static const char *const bad[] = {"not-an-address"};
	struct sandbox_options o = test_options();
	struct inside *in = need(state);

	o.addresses = bad;
	o.address_count = 1;
	assert_int_equal(run_inside(in, &o, check_no_way_out, NULL), 100);
	assert_true(in->result < 0);
	assert_non_null(strstr(in->errors, "not-an-address"));
}

/* Delayed ACKs would look like silence: each route must have quickack. */
static int check_quickack(void *arg)
{
	static const char *const hosts[] = {"127.0.0.1", "127.0.0.2",
					    "192.0.2.1", "192.0.2.10",
					    "203.0.113.1"};
	char command[128];

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		int status;
		pid_t pid;

		snprintf(command, sizeof(command),
			 "ip -o route get %s | grep -q 'quickack 1'", hosts[i]);
		pid = fork();
		if (!pid) {
			execlp("sh", "sh", "-c", command, (char *)NULL);
			_exit(127);
		}
		INSIDE(waitpid(pid, &status, 0) == pid);
		INSIDE(!status);
	}
	return 0;
}

static void test_sandbox_network_acknowledges_at_once(void **state)
{
	struct sandbox_options o = test_options();

	assert_int_equal(run_inside(need(state), &o, check_quickack, NULL), 0);
}

/* A host with BBR would pace what the MTA sends by its own clock. */
static int check_own_tcp(void *arg)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), size = 0;
	char name[16] = "";
	socklen_t name_len = sizeof(name), size_len = sizeof(size);

	INSIDE(fd >= 0);
	INSIDE(!getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &name_len));
	INSIDE(!strcmp(name, "reno"));
	INSIDE(!getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &size_len));
	INSIDE(size == 16384);
	INSIDE(!getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, &size_len));
	INSIDE(size == 131072);
	return 0;
}

static void test_sandbox_network_is_not_the_hosts_tcp(void **state)
{
	struct sandbox_options o = test_options();

	assert_int_equal(run_inside(need(state), &o, check_own_tcp, NULL), 0);
}

static int check_writes(void *arg)
{
	INSIDE(!write_text("/etc/deadmx-test-was-here", "x"));
	INSIDE(!write_text("/usr/deadmx-test-was-here", "x"));
	INSIDE(!write_text("/tmp/deadmx-test-was-here", "x"));
	INSIDE(!write_text("/var/tmp/deadmx-test-was-here", "x"));
	INSIDE(!write_text("/run/deadmx-test-was-here", "x"));
	INSIDE(!write_text("/dev/shm/deadmx-test-was-here", "x"));
	INSIDE(!write_text("/var/spool/deadmx-test-was-here", "x"));
	INSIDE(!unlink("/etc/hosts"));
	INSIDE(!chmod("/dev/null", 0600) || errno == EPERM);
	INSIDE(write_text("/proc/sys/kernel/hostname", "x") == -EROFS);
	INSIDE(write_text("/proc/sysrq-trigger", "h") < 0);
	return 0;
}

static void test_sandbox_writes_stay_inside(void **state)
{
	static const char *const folders[] = {"/etc",	   "/usr", "/tmp",
					      "/var/tmp",  "/run", "/dev/shm",
					      "/var/spool"};
	struct sandbox_options o = test_options();
	struct stat before, after, null;

	assert_int_equal(stat("/etc/hosts", &before), 0);
	assert_int_equal(run_inside(need(state), &o, check_writes, NULL), 0);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/deadmx-test-was-here",
			 folders[i]);
		assert_int_equal(access(path, F_OK), -1);
	}
	assert_int_equal(stat("/etc/hosts", &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(stat("/dev/null", &null), 0);
	assert_int_equal(null.st_mode & 0777, 0666);
}

static int check_identity(void *arg)
{
	char text[256], host[64];
	struct passwd *user = getpwnam("postfix");

	INSIDE(user && user->pw_uid == 890 && user->pw_gid == 890);
	INSIDE(!strcmp(user->pw_dir, "/var/spool/postfix"));
	INSIDE(getgrnam("postdrop") && getgrnam("postdrop")->gr_gid == 891);
	INSIDE(getpwuid(0) && !strcmp(getpwuid(0)->pw_name, "root"));
	INSIDE(getuid() == 0 && getpid() == 2 && getppid() == 1);
	INSIDE(!gethostname(host, sizeof(host)));
	INSIDE(!strcmp(host, "mta.local.test"));
	INSIDE(!read_text("/etc/resolv.conf", text, sizeof(text)));
	INSIDE(!strcmp(text, "nameserver 127.0.0.1\n"));
	INSIDE(!read_text("/etc/mailname", text, sizeof(text)));
	INSIDE(!strcmp(text, "mta.local.test\n"));
	INSIDE(!read_text("/proc/1/comm", text, sizeof(text)));
	INSIDE(!strcmp(text, "deadmx-init\n"));
	INSIDE(!setgid(891) && !setuid(890));
	INSIDE(!write_text("/tmp/mine", "x") && !write_text("/dev/null", "x"));
	return 0;
}

static void test_sandbox_users_and_names(void **state)
{
	struct sandbox_options o = test_options();

	assert_int_equal(run_inside(need(state), &o, check_identity, NULL), 0);
}

static int check_dev(void *arg)
{
	char zero[4] = "abc";
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC), pty;

	INSIDE(fd >= 0 && read(fd, zero, 4) == 4 && !zero[0]);
	INSIDE(write_text("/dev/full", "x") == -EIO);
	INSIDE(!access("/dev/urandom", R_OK) && !access("/dev/fd/0", F_OK));
	pty = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	INSIDE(pty >= 0 && !unlockpt(pty));
	/* None of the host's disks. */
	INSIDE(access("/dev/vda", F_OK) && access("/dev/sda", F_OK));
	INSIDE(!access("/run/lock", W_OK));
	INSIDE(access("/dev/log", F_OK));
	return 0;
}

static void test_sandbox_devices(void **state)
{
	struct sandbox_options o = test_options();

	assert_int_equal(run_inside(need(state), &o, check_dev, NULL), 0);
}

static int check_run_dir(void *arg)
{
	char text[32];

	INSIDE(!read_text("/deadmx/run/in", text, sizeof(text)));
	INSIDE(!strcmp(text, "hello"));
	INSIDE(!write_text("/deadmx/run/out", "back"));
	INSIDE(!access("/deadmx/deadmx", X_OK));
	INSIDE(write_text("/deadmx/deadmx", "x") < 0);
	INSIDE(access(arg, F_OK)); /* /tmp itself is not the host's */
	return 0;
}

/* Also when the run folder lies under /tmp, which is another one inside. */
static void test_sandbox_run_folder_is_shared(void **state)
{
	struct sandbox_options o = test_options();
	struct inside *in = need(state);
	char path[128], text[32];

	snprintf(path, sizeof(path), "%s/in", in->dir);
	assert_int_equal(write_text(path, "hello"), 0);
	o.run_dir = in->dir;
	o.program = "/proc/self/exe";
	assert_int_equal(run_inside(in, &o, check_run_dir, in->dir), 0);
	snprintf(path, sizeof(path), "%s/out", in->dir);
	assert_int_equal(read_text(path, text, sizeof(text)), 0);
	assert_string_equal(text, "back");
}

static int check_copies(void *arg)
{
	char text[64];
	struct stat st;

	/* /lib is a link on a merged-/usr system and stays one. */
	INSIDE(!lstat("/lib", &st));
	INSIDE(!!S_ISLNK(st.st_mode) == !access("/usr/lib/deadmx-test", F_OK));
	INSIDE(!read_text("/lib/deadmx-test/file", text, sizeof(text)));
	INSIDE(!strcmp(text, "lib"));
	INSIDE(!stat("/usr/sbin/deadmx-test", &st));
	INSIDE((st.st_mode & 07777) == 02755 && st.st_uid == 0);
	INSIDE(!access("/usr/sbin/.", F_OK) && !access("/bin/sh", X_OK));
	INSIDE(!stat("/usr/share/doc/deadmx-test/new", &st));
	INSIDE(!write_text("/usr/share/doc/deadmx-test/more", "x"));
	return 0;
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (text)
		assert_int_equal(write_text(path, text), 0);
	else
		assert_int_equal(mkdir(path, 0755), 0);
}

static void test_sandbox_copies_follow_merged_usr(void **state)
{
	struct sandbox_options o = test_options();
	struct inside *in = need(state);
	const struct sandbox_copy copy = {in->dir, "/"};
	char path[128];

	put(in->dir, "lib", NULL);
	put(in->dir, "lib/deadmx-test", NULL);
	put(in->dir, "lib/deadmx-test/file", "lib");
	put(in->dir, "usr", NULL);
	put(in->dir, "usr/sbin", NULL);
	put(in->dir, "usr/sbin/deadmx-test", "#!/bin/sh\n");
	put(in->dir, "usr/share", NULL);
	put(in->dir, "usr/share/doc", NULL);
	put(in->dir, "usr/share/doc/deadmx-test", NULL);
	put(in->dir, "usr/share/doc/deadmx-test/new", "x");
	snprintf(path, sizeof(path), "%s/usr/sbin/deadmx-test", in->dir);
	assert_int_equal(chmod(path, 02755), 0);
	o.copies = &copy;
	o.copy_count = 1;
	assert_int_equal(run_inside(in, &o, check_copies, NULL), 0);
}

static void test_sandbox_limits_are_errors(void **state)
{
	struct sandbox_copy many[SANDBOX_COPIES_MAX + 1];
	struct sandbox_options o = test_options();
	struct inside *in = need(state);

	for (size_t i = 0; i <= SANDBOX_COPIES_MAX; i++)
		many[i] = (struct sandbox_copy){in->dir, "/"};
	o.copies = many;
	o.copy_count = SANDBOX_COPIES_MAX;
	assert_int_equal(run_inside(in, &o, check_no_way_out, NULL), 0);
	o.copy_count++;
	assert_int_equal(run_inside(in, &o, check_no_way_out, NULL), 100);
	assert_int_equal(in->result, -E2BIG);
}

/* A package that brings an /etc/passwd without end. */
static void test_sandbox_huge_passwd_is_an_error(void **state)
{
	struct sandbox_options o = test_options();
	struct inside *in = need(state);
	const struct sandbox_copy copy = {in->dir, "/"};
	char path[128];

	put(in->dir, "etc", NULL);
	put(in->dir, "etc/passwd", "root:x:0:0::/root:/bin/sh\n");
	snprintf(path, sizeof(path), "%s/etc/passwd", in->dir);
	assert_int_equal(truncate(path, SANDBOX_ETC_FILE_MAX), 0);
	o.copies = &copy;
	o.copy_count = 1;
	assert_int_equal(run_inside(in, &o, check_no_way_out, NULL), 0);
	assert_int_equal(truncate(path, SANDBOX_ETC_FILE_MAX + 1), 0);
	assert_int_equal(run_inside(in, &o, check_no_way_out, NULL), 100);
	assert_int_equal(in->result, -EFBIG);
}

static int check_fds(void *arg)
{
	int keep = *(int *)arg;

	INSIDE(fcntl(keep, F_GETFD) >= 0);
	for (int fd = 3; fd < 64; fd++)
		INSIDE(fd == keep || fcntl(fd, F_GETFD) < 0);
	return 0;
}

static void test_sandbox_keeps_only_the_wanted_fd(void **state)
{
	struct sandbox_options o = test_options();
	int a = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int b = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int c = open("/dev/null", O_RDONLY | O_CLOEXEC);

	o.keep_fd = b;
	assert_int_equal(run_inside(need(state), &o, check_fds, &b), 0);
	close(a);
	close(b);
	close(c);
}

/* The exit status goes through the init. */
static int check_status(void *arg)
{
	signal(SIGCHLD, SIG_DFL);
	if (!fork()) /* left behind on purpose: killed with the namespace */
		pause();
	return 42;
}

static void test_sandbox_status_is_passed_on(void **state)
{
	struct sandbox_options o = test_options();

	assert_int_equal(run_inside(need(state), &o, check_status, NULL), 42);
}

static int check_pause(void *arg)
{
	for (;;)
		pause();
	return 0;
}

/* The child's pid is the host's: a signal to it gets there. */
static void test_sandbox_child_has_a_host_pid(void **state)
{
	struct sandbox_options o = test_options();
	pid_t runner_pid, init, child;
	int status;

	need(state);
	runner_pid = fork();
	if (!runner_pid) {
		if (sandbox_start(&o, check_pause, NULL, stderr, &init, &child))
			_exit(100);
		if (kill(child, SIGTERM) || waitpid(init, &status, 0) != init ||
		    !WIFEXITED(status))
			_exit(101);
		_exit(WEXITSTATUS(status));
	}
	assert_int_equal(waitpid(runner_pid, &status, 0), runner_pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 128 + SIGTERM);
}

/* Also while a tracer holds on to a task of the tree. */
static void test_sandbox_stop_ends_it_all(void **state)
{
	struct sandbox_options o = test_options();
	pid_t runner_pid, init, child;
	int status;

	need(state);
	runner_pid = fork();
	if (!runner_pid) {
		if (sandbox_start(&o, check_pause, NULL, stderr, &init, &child))
			_exit(100);
		if (ptrace(PTRACE_SEIZE, child, NULL, PTRACE_O_EXITKILL))
			_exit(101);
		sandbox_stop(init);
		_exit(kill(init, 0) && kill(child, 0) ? 0 : 102);
	}
	assert_int_equal(waitpid(runner_pid, &status, 0), runner_pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_sandbox_missing_run_folder_is_a_line(void **state)
{
	struct sandbox_options o = test_options();
	struct inside *in = need(state);

	o.run_dir = "/nonexistent/run";
	assert_int_equal(run_inside(in, &o, check_no_way_out, NULL), 100);
	assert_int_equal(in->result, -ENOENT);
	assert_non_null(strstr(in->errors, "/nonexistent/run"));
}

int main(void)
{
#define SANDBOX_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		SANDBOX_TEST(test_sandbox_network_has_no_way_out),
		SANDBOX_TEST(test_sandbox_network_has_test_networks),
		SANDBOX_TEST(test_sandbox_bad_address_is_a_line),
		SANDBOX_TEST(test_sandbox_network_acknowledges_at_once),
		SANDBOX_TEST(test_sandbox_network_is_not_the_hosts_tcp),
		SANDBOX_TEST(test_sandbox_writes_stay_inside),
		SANDBOX_TEST(test_sandbox_users_and_names),
		SANDBOX_TEST(test_sandbox_devices),
		SANDBOX_TEST(test_sandbox_run_folder_is_shared),
		SANDBOX_TEST(test_sandbox_copies_follow_merged_usr),
		SANDBOX_TEST(test_sandbox_limits_are_errors),
		SANDBOX_TEST(test_sandbox_huge_passwd_is_an_error),
		SANDBOX_TEST(test_sandbox_keeps_only_the_wanted_fd),
		SANDBOX_TEST(test_sandbox_status_is_passed_on),
		SANDBOX_TEST(test_sandbox_child_has_a_host_pid),
		SANDBOX_TEST(test_sandbox_stop_ends_it_all),
		SANDBOX_TEST(test_sandbox_missing_run_folder_is_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
