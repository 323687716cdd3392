/* SPDX-License-Identifier: MIT */
/*
 * One timed call a case, each an hour or so long: run on the virtual clock by
 * ctest. A case fails when its own clock says another time than it waited,
 * or when the call's result is not the one its manual page gives. Off the
 * virtual clock the cases run into ctest's time limit.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#define HOUR_S 3600
#define CHECK(what)                                                            \
	do {                                                                   \
		if (!(what)) {                                                 \
			fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__,    \
				__LINE__, #what, errno);                       \
			exit(1);                                               \
		}                                                              \
	} while (0)

static volatile sig_atomic_t signals;
static double start;
static const struct timespec hour = {HOUR_S, 0};

static void on_signal(int signo)
{
	(void)signo;
	signals = signals + 1;
}

static void catch (int signo)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(signo, &action, NULL);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* @seconds have passed since start, to a hundredth. */
static void passed(double seconds)
{
	double took = now() - start;

	if (took < seconds || took > seconds + 0.01) {
		fprintf(stderr, "expected %.3f s, observed %.6f s\n", seconds,
			took);
		exit(1);
	}
}

static struct timespec from_now(clockid_t id, time_t seconds)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	ts.tv_sec += seconds;
	return ts;
}

static void case_nanosleep(void)
{
	CHECK(nanosleep(&hour, NULL) == 0);
	passed(HOUR_S);
}

static void case_nanosleep_interrupted(void)
{
	struct timespec left;

	catch (SIGALRM);
	alarm(600);
	CHECK(nanosleep(&hour, &left) == -1 && errno == EINTR);
	CHECK(left.tv_sec == 2999 || left.tv_sec == 3000);
	passed(600);
}

static void case_clock_nanosleep(void)
{
	struct timespec ts = from_now(CLOCK_REALTIME, HOUR_S);

	CHECK(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL) == 0);
	passed(HOUR_S);
	ts = from_now(CLOCK_MONOTONIC, HOUR_S);
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == 0);
	passed(2 * HOUR_S);
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == 0);
	passed(2 * HOUR_S);
}

static void case_poll(void)
{
	struct pollfd p = {.events = POLLIN, .revents = 77};
	int fds[2];

	CHECK(pipe(fds) == 0);
	p.fd = fds[0];
	CHECK(poll(&p, 1, HOUR_S * 1000) == 0 && p.revents == 0);
	passed(HOUR_S);
	p.revents = 77;
	CHECK(ppoll(&p, 1, &hour, NULL) == 0 && p.revents == 0);
	passed(2 * HOUR_S);
	CHECK(poll(&p, 1, 0) == 0);
	CHECK(write(fds[1], "x", 1) == 1);
	CHECK(poll(&p, 1, HOUR_S * 1000) == 1 && p.revents == POLLIN);
	passed(2 * HOUR_S);
}

static void select_once(int raw)
{
	struct timeval tv = {HOUR_S, 0};
	int fds[2], ret;
	fd_set set;

	CHECK(pipe(fds) == 0);
	FD_ZERO(&set);
	FD_SET(fds[0], &set);
	ret = raw ? (int)syscall(SYS_select, fds[0] + 1, &set, NULL, NULL, &tv)
		  : select(fds[0] + 1, &set, NULL, NULL, &tv);
	CHECK(ret == 0 && !FD_ISSET(fds[0], &set));
	CHECK(tv.tv_sec == 0 && tv.tv_usec == 0);
}

static void case_select(void)
{
	select_once(0);
	passed(HOUR_S);
	select_once(1);
	passed(2 * HOUR_S);
	CHECK(pselect(0, NULL, NULL, NULL, &hour, NULL) == 0);
	passed(3 * HOUR_S);
}

static void case_epoll(void)
{
	int fd = epoll_create1(0);
	struct epoll_event event;

	CHECK(epoll_wait(fd, &event, 1, HOUR_S * 1000) == 0);
	passed(HOUR_S);
	CHECK(epoll_pwait(fd, &event, 1, HOUR_S * 1000, NULL) == 0);
	passed(2 * HOUR_S);
	CHECK(epoll_pwait2(fd, &event, 1, &hour, NULL) == 0);
	passed(3 * HOUR_S);
}

static uint32_t word;

static long futex(int op, const struct timespec *ts)
{
	return syscall(SYS_futex, &word, op, 0, ts, NULL,
		       FUTEX_BITSET_MATCH_ANY);
}

static void case_futex(void)
{
	struct timespec ts;

	CHECK(futex(FUTEX_WAIT, &hour) == -1 && errno == ETIMEDOUT);
	passed(HOUR_S);
	ts = from_now(CLOCK_MONOTONIC, HOUR_S);
	CHECK(futex(FUTEX_WAIT_BITSET, &ts) == -1 && errno == ETIMEDOUT);
	passed(2 * HOUR_S);
	ts = from_now(CLOCK_REALTIME, HOUR_S);
	CHECK(futex(FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, &ts) == -1 &&
	      errno == ETIMEDOUT);
	passed(3 * HOUR_S);
}

static void *hold_pi(void *arg)
{
	CHECK(futex(FUTEX_LOCK_PI, NULL) == 0);
	*(volatile int *)arg = 1;
	for (;;)
		pause();
	return NULL;
}

static void case_futex_lock_pi(void)
{
	static volatile int held;
	struct timespec ts;
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, hold_pi, (void *)&held) == 0);
	while (!held)
		usleep(1000);
	start = now();
	ts = from_now(CLOCK_REALTIME, HOUR_S);
	CHECK(futex(FUTEX_LOCK_PI, &ts) == -1 && errno == ETIMEDOUT);
	passed(HOUR_S);
}

static void *signal_later(void *arg)
{
	sleep(HOUR_S);
	pthread_cond_signal(arg);
	return NULL;
}

static void case_threads(void)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
	struct timespec ts = from_now(CLOCK_REALTIME, 2 * HOUR_S);
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, signal_later, &cond) == 0);
	pthread_mutex_lock(&mutex);
	CHECK(pthread_cond_timedwait(&cond, &mutex, &ts) == 0);
	passed(HOUR_S);
	CHECK(pthread_cond_timedwait(&cond, &mutex, &ts) == ETIMEDOUT);
	passed(2 * HOUR_S);
	CHECK(pthread_join(thread, NULL) == 0);
}

static void case_sigtimedwait(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK(sigtimedwait(&set, NULL, &hour) == -1 && errno == EAGAIN);
	passed(HOUR_S);
}

static void case_semtimedop(void)
{
	int id = semget(IPC_PRIVATE, 1, 0600);
	struct sembuf op = {.sem_op = -1};
	int ret = semtimedop(id, &op, 1, &hour);
	int err = errno;

	semctl(id, 0, IPC_RMID);
	CHECK(ret == -1 && err == EAGAIN);
	passed(HOUR_S);
}

static void case_mq(void)
{
	struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
	char name[64], buf[8];
	struct timespec ts;
	mqd_t mq;

	snprintf(name, sizeof(name), "/deadmx-test-%d", getpid());
	mq = mq_open(name, O_CREAT | O_RDWR, 0600, &attr);
	CHECK(mq >= 0 && mq_unlink(name) == 0);
	ts = from_now(CLOCK_REALTIME, HOUR_S);
	CHECK(mq_timedreceive(mq, buf, sizeof(buf), NULL, &ts) == -1 &&
	      errno == ETIMEDOUT);
	passed(HOUR_S);
}

static void case_alarm(void)
{
	catch (SIGALRM);
	CHECK(alarm(HOUR_S) == 0);
	CHECK(alarm(2 * HOUR_S) == HOUR_S);
	pause();
	CHECK(signals == 1);
	passed(2 * HOUR_S);
}

/* execve keeps an alarm, fork clears it. */
static void case_alarm_exec(void)
{
	int status;

	if (fork() == 0) {
		alarm(HOUR_S);
		execl("/bin/sh", "sh", "-c", "sleep 7200; exit 9", NULL);
	}
	CHECK(wait(&status) > 0 && WIFSIGNALED(status) &&
	      WTERMSIG(status) == SIGALRM);
	passed(HOUR_S);
	catch (SIGALRM);
	alarm(2 * HOUR_S);
	if (fork() == 0)
		_exit(alarm(0) == 0 ? 0 : 1);
	CHECK(wait(&status) > 0 && WIFEXITED(status) &&
	      WEXITSTATUS(status) == 0);
}

static void case_setitimer(void)
{
	struct itimerval it = {{60, 0}, {HOUR_S, 0}}, left;

	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	sleep(600);
	CHECK(getitimer(ITIMER_REAL, &left) == 0);
	CHECK(left.it_value.tv_sec >= 2999 && left.it_value.tv_sec <= 3000);
	CHECK(left.it_interval.tv_sec == 60);
	catch (SIGALRM);
	while (signals < 3)
		pause();
	passed(HOUR_S + 120);
}

static void case_timer_create(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
				 .sigev_signo = SIGUSR1};
	struct itimerspec it = {{60, 0}, {HOUR_S, 0}}, left;
	siginfo_t info;
	sigset_t set;
	timer_t timer;

	event.sigev_value.sival_int = 4711;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	CHECK(timer_settime(timer, 0, &it, NULL) == 0);
	sleep(600);
	CHECK(timer_gettime(timer, &left) == 0);
	CHECK(left.it_value.tv_sec >= 2999 && left.it_value.tv_sec <= 3000);
	CHECK(sigwaitinfo(&set, &info) == SIGUSR1);
	CHECK(info.si_code == SI_TIMER && info.si_value.sival_int == 4711);
	passed(HOUR_S);
	CHECK(sigwaitinfo(&set, &info) == SIGUSR1);
	passed(HOUR_S + 60);
	CHECK(timer_delete(timer) == 0);
}

static volatile int thread_called;

static void on_timer_thread(union sigval value)
{
	thread_called = value.sival_int;
}

static void case_timer_thread(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD};
	struct itimerspec it = {.it_value = {HOUR_S, 0}};
	timer_t timer;

	event.sigev_notify_function = on_timer_thread;
	event.sigev_value.sival_int = 5;
	CHECK(timer_create(CLOCK_REALTIME, &event, &timer) == 0);
	CHECK(timer_settime(timer, 0, &it, NULL) == 0);
	sleep(HOUR_S - 1);
	CHECK(!thread_called);
	sleep(2);
	CHECK(thread_called == 5);
}

static void case_timerfd(void)
{
	struct itimerspec it = {{60, 0}, {HOUR_S, 0}}, left;
	struct epoll_event event = {.events = EPOLLIN};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	int epoll = epoll_create1(0);
	uint64_t ticks;

	CHECK(timerfd_settime(fd, 0, &it, NULL) == 0);
	sleep(600);
	CHECK(timerfd_gettime(fd, &left) == 0);
	CHECK(left.it_value.tv_sec >= 2999 && left.it_value.tv_sec <= 3000);
	CHECK(read(fd, &ticks, sizeof(ticks)) == 8 && ticks == 1);
	passed(HOUR_S);
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
	CHECK(epoll_wait(epoll, &event, 1, -1) == 1);
	passed(HOUR_S + 60);
	it.it_interval.tv_sec = 0;
	it.it_value = from_now(CLOCK_MONOTONIC, HOUR_S);
	CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &it, NULL) == 0);
	CHECK(read(fd, &ticks, sizeof(ticks)) == 8 && ticks == 1);
	passed(2 * HOUR_S + 60);
}

/* A daemon arms its timer, then its parent leaves. */
static void case_timerfd_fork(void)
{
	struct itimerspec it = {.it_value = {HOUR_S, 0}};
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t ticks;
	int done[2];
	char c;

	CHECK(pipe(done) == 0);
	if (fork() == 0) {
		CHECK(timerfd_settime(fd, 0, &it, NULL) == 0);
		if (fork())
			_exit(0);
		CHECK(read(fd, &ticks, sizeof(ticks)) == 8);
		passed(HOUR_S);
		CHECK(write(done[1], "x", 1) == 1);
		_exit(0);
	}
	close(done[1]);
	CHECK(read(done[0], &c, 1) == 1);
}

static void case_receive_timeout(void)
{
	struct timeval tv = {HOUR_S, 0}, got = {0};
	socklen_t len = sizeof(got);
	int fds[2];
	char c;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	CHECK(!setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	CHECK(!getsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &got, &len));
	CHECK(got.tv_sec == HOUR_S);
	CHECK(read(fds[0], &c, 1) == -1 && errno == EAGAIN);
	passed(HOUR_S);
	CHECK(recv(fds[0], &c, 1, 0) == -1 && errno == EAGAIN);
	passed(2 * HOUR_S);
	if (fork() == 0) {
		sleep(60);
		CHECK(write(fds[1], "x", 1) == 1);
		_exit(0);
	}
	CHECK(recv(fds[0], &c, 1, 0) == 1);
	passed(2 * HOUR_S + 60);
}

static void case_send_timeout(void)
{
	struct timeval tv = {HOUR_S, 0};
	static char block[65536];
	int fds[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	CHECK(!setsockopt(fds[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	while (send(fds[0], block, sizeof(block), MSG_DONTWAIT) > 0)
		;
	CHECK(send(fds[0], block, sizeof(block), 0) == -1 && errno == EAGAIN);
	passed(HOUR_S);
}

/* A listener whose queue is full swallows SYNs: 127 s, as on any Linux. */
static void case_connect(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t len = sizeof(in);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int fd;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(bind(listener, (struct sockaddr *)&in, sizeof(in)) == 0);
	CHECK(listen(listener, 0) == 0);
	CHECK(getsockname(listener, (struct sockaddr *)&in, &len) == 0);
	for (int i = 0; i < 4; i++) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fd, (struct sockaddr *)&in, sizeof(in));
	}
	start = now();
	fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(connect(fd, (struct sockaddr *)&in, sizeof(in)) == -1 &&
	      errno == ETIMEDOUT);
	passed(127);
}

static void case_uptime(void)
{
	struct sysinfo before, after;
	struct tms tms;
	clock_t ticks = times(&tms);

	CHECK(sysinfo(&before) == 0);
	sleep(HOUR_S);
	CHECK(sysinfo(&after) == 0);
	CHECK(after.uptime - before.uptime == HOUR_S);
	CHECK(!after.loads[0] && !after.loads[1] && !after.loads[2]);
	CHECK(times(&tms) - ticks >= HOUR_S * 100);
	CHECK(times(&tms) - ticks <= HOUR_S * 100 + 1);
}

static void case_no_setting(void)
{
	struct timespec ts = {0};
	struct timeval tv = {0};
	struct timex timex = {.modes = ADJ_OFFSET};

	CHECK(clock_settime(CLOCK_REALTIME, &ts) == -1 && errno == EPERM);
	CHECK(settimeofday(&tv, NULL) == -1 && errno == EPERM);
	CHECK(adjtimex(&timex) == -1 && errno == EPERM);
}

static void case_file_times(void)
{
	char path[] = "/tmp/deadmx-timed-XXXXXX";
	struct utimbuf times = {1000000000, 1000000007};
	struct stat st;
	int fd = mkstemp(path);
	time_t wrote;

	CHECK(fd >= 0 && unlink(path) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	sleep(HOUR_S);
	wrote = time(NULL);
	CHECK(write(fd, "x", 1) == 1);
	sleep(HOUR_S);
	CHECK(fstat(fd, &st) == 0 && st.st_mtime == wrote);
	CHECK(utime(path, &times) == 0);
	CHECK(stat(path, &st) == 0);
	CHECK(st.st_atime == 1000000000 && st.st_mtime == 1000000007);
	CHECK(time(NULL) - st.st_ctime <= 1);
	CHECK(futimens(fd, NULL) == 0 && fstat(fd, &st) == 0);
	CHECK(time(NULL) - st.st_mtime <= 1);
}

/* Reads the clock until it moves: by library and by raw system call. */
static void case_spin(void)
{
	struct timespec ts;
	time_t end = time(NULL) + 5;

	while (time(NULL) < end)
		;
	end += 5;
	do
		syscall(SYS_clock_gettime, CLOCK_REALTIME, &ts);
	while (ts.tv_sec < end);
}

/* An alarm must reach a program that only looks at the clock. */
static void case_spin_alarm(void)
{
	catch (SIGALRM);
	alarm(10);
	while (!signals)
		time(NULL);
	CHECK(now() - start >= 10 && now() - start < 20);
}

/* The end of a file, read again and again until the alarm: what ends it is
 * time alone, and the sleepers' time comes first. */
static void case_spin_read(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), status;
	pid_t child = fork();
	char byte;

	if (child == 0) {
		sleep(HOUR_S);
		passed(HOUR_S);
		_exit(0);
	}
	catch (SIGALRM);
	alarm(2 * HOUR_S);
	while (!signals)
		CHECK(read(fd, &byte, 1) == 0);
	passed(2 * HOUR_S);
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	      WEXITSTATUS(status) == 0);
}

/* Its alarm ends it at that instant, however soon another is due. */
static void case_spin_ticks(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), status;
	pid_t child = fork();
	char byte;

	if (child == 0) {
		for (int i = 0; i < 60; i++)
			sleep(60);
		_exit(0);
	}
	catch (SIGALRM);
	for (int i = 0; i < 6; i++) {
		signals = 0;
		start = now();
		alarm(90);
		while (!signals)
			CHECK(read(fd, &byte, 1) == 0);
		passed(90);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	      WEXITSTATUS(status) == 0);
}

/* Who waits in between isn't waiting for the clock to move. */
static void case_busy(void)
{
	struct pollfd p = {.fd = open("/dev/null", O_RDONLY | O_CLOEXEC),
			   .events = POLLIN};

	for (int i = 0; i < 20000; i++) {
		CHECK(poll(&p, 1, HOUR_S * 1000) == 1);
		time(NULL);
	}
	CHECK(now() - start < 1);
}

/* Who makes a key stamps each random number: that is no wait either. */
static void case_stamps(void)
{
	for (int i = 0; i < 20000; i++)
		time(NULL);
	CHECK(now() - start < 0.1);
}

static void case_increases(void)
{
	double last = now();

	for (int i = 0; i < 1000; i++) {
		double next = now();

		CHECK(next > last);
		last = next;
	}
}

static void case_forks(void)
{
	int status;

	for (unsigned i = 0; i < 200; i++) {
		if (fork() == 0) {
			sleep(i);
			_exit(0);
		}
		if (i % 10 == 9)
			while (wait(&status) > 0)
				CHECK(status == 0);
	}
}

/* A stop and a continue in mid-sleep do not make it longer; poll() goes on
 * over a signal that nobody handles. */
static void case_stopped(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		sleep(HOUR_S);
		passed(HOUR_S);
		CHECK(poll(NULL, 0, HOUR_S * 1000) == 0);
		passed(2 * HOUR_S);
		_exit(0);
	}
	for (int i = 0; i < 2; i++) {
		sleep(600);
		kill(pid, SIGSTOP);
		sleep(600);
		kill(pid, SIGCONT);
		sleep(HOUR_S - 600);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

/* Run set-uid root by somebody else (command.sh); plain by all. */
static void case_own_rights(void)
{
	if (getenv("TIMED_SETUID"))
		CHECK(geteuid() == 0 && getuid() != 0);
	sleep(HOUR_S);
	passed(HOUR_S);
}

/* A 32-bit call (getpid) is named, and makes the status 4 (command.sh). */
static void foreign_call(void)
{
#ifdef __x86_64__
	long ret = 20;

	__asm__ volatile("int $0x80"
			 : "+a"(ret)
			 :
			 : "memory", "r8", "r9", "r10", "r11");
	(void)ret;
#endif
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
#define CASE(x)                                                                \
	{                                                                      \
#x, case_##x                                                   \
	}
	CASE(nanosleep),       CASE(nanosleep_interrupted),
	CASE(clock_nanosleep), CASE(poll),
	CASE(select),	       CASE(epoll),
	CASE(futex),	       CASE(futex_lock_pi),
	CASE(threads),	       CASE(sigtimedwait),
	CASE(semtimedop),      CASE(mq),
	CASE(alarm),	       CASE(alarm_exec),
	CASE(setitimer),       CASE(timer_create),
	CASE(timer_thread),    CASE(timerfd),
	CASE(timerfd_fork),    CASE(receive_timeout),
	CASE(send_timeout),    CASE(connect),
	CASE(uptime),	       CASE(no_setting),
	CASE(file_times),      CASE(spin),
	CASE(spin_alarm),      CASE(spin_read),
	CASE(spin_ticks),      CASE(busy),
	CASE(increases),       CASE(forks),
	CASE(stopped),	       CASE(own_rights),
	CASE(stamps),
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (argc == 1) {
			puts(cases[i].name);
		} else if (!strcmp(argv[1], cases[i].name)) {
			start = now();
			cases[i].run();
			return 0;
		}
	}
	if (argc > 1 && !strcmp(argv[1], "foreign"))
		foreign_call();
	return argc == 1 ? 0 : 2;
}
