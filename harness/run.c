/* SPDX-License-Identifier: MIT */
#include "harness/run.h"

#include <arpa/inet.h>
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deadmx/event.h"
#include "harness/clock/clock.h"
#include "harness/judge/judge.h"
#include "harness/report/json.h"
#include "harness/sandbox/sandbox.h"

enum {
	RUN_PIPE_BYTES = 1 << 20, /* room for events between two looks */
	RUN_LINE_MAX = 1 << 20,	  /* bytes of one event */
	RUN_EVENT_BYTES_MAX = 512 << 20,
	RUN_LIVE_EVERY = 64, /* quiet moments between progress lines */
	RUN_PATH_MAX = 4096,
};

struct run {
	const struct run_job *job;
	struct clock *clock;
	FILE *events;
	uint64_t seq;
	uint64_t bytes;
	int pipe_read, pipe_write;
	char *line; /* an event of the world, not yet whole */
	size_t line_len;
	pid_t child;
	bool has_origin;
	int64_t origin_ns;
	double world_s; /* time of the world's last event, from the origin on */
	bool announced; /* the run event is written */
	unsigned attempts, quiets;
	struct deadmx_event_log *log;
};

static volatile sig_atomic_t run_stopped;

static void run_on_signal(int signo)
{
	(void)signo;
	run_stopped = 1;
}

/* --- events ------------------------------------------------------------ */

static void run_write_line(struct run *r, const char *line, size_t len)
{
	if (len < 2 || line[0] != '{')
		return;
	r->bytes += len;
	if (r->bytes > RUN_EVENT_BYTES_MAX)
		return; /* run_should_stop() ends it */
	fprintf(r->events, "{\"seq\":%llu,", (unsigned long long)++r->seq);
	fwrite(line + 1, 1, len - 1, r->events);
	fputc('\n', r->events);
}

static void run_sink(void *arg, const char *line, size_t len)
{
	run_write_line(arg, line, len);
}

static int64_t run_now(void *arg)
{
	struct run *r = arg;
	int64_t world_ns = (int64_t)(r->world_s * 1e9 + 0.5), now_ns;

	if (!r->has_origin)
		return 0;
	/* Ours is the time of the last jump; the world's has gone on by a
	 * microsecond with each look at the clock. */
	now_ns = clock_virtual_ns(r->clock) - r->origin_ns;
	return now_ns > world_ns ? now_ns : world_ns;
}

static void run_announce(struct run *r, const char *version)
{
	const struct run_job *job = r->job;

	if (r->announced)
		return;
	r->announced = true;
	deadmx_event_emit(
		r->log, DEADMX_EVENT_RUN,
		json_pack("{s:s, s:o, s:s, s:o, s:I, s:s}", "scenario",
			  job->scenario->name, "scenario_file",
			  deadmx_event_text(job->scenario->file,
					    strlen(job->scenario->file)),
			  "target", job->target->name, "target_version",
			  deadmx_event_text(version, strlen(version)),
			  "start_unix_s",
			  (json_int_t)job->scenario->world.start_unix_s,
			  "deadmx", DEADMX_VERSION));
}

static void run_error(struct run *r, const char *what)
{
	deadmx_event_emit(r->log, DEADMX_EVENT_ERROR,
			  json_pack("{s:o}", "what",
				    deadmx_event_text(what, strlen(what))));
}

/* What the harness itself learns from the world's events. */
static void run_look_at(struct run *r, const char *line, size_t len)
{
	static const char time[] = "{\"t\":"; /* all begin so, see event.c */
	json_t *event;
	const char *type, *name;

	if (r->has_origin && len > strlen(time) &&
	    memcmp(line, time, strlen(time)) == 0)
		r->world_s = strtod(line + strlen(time), NULL);
	if (!memmem(line, len, "\"phase\"", 7) &&
	    !memmem(line, len, "\"target\"", 8))
		return;
	event = json_loadb(line, len, 0, NULL);
	type = json_string_value(json_object_get(event, "type"));
	if (type && !strcmp(type, "phase")) {
		name = json_string_value(json_object_get(event, "name"));
		if (name && !strcmp(name, "inject")) {
			r->has_origin = true;
			/* Not before the world's own, which holds the reads:
			 * else our stamps would pass the world's. */
			r->origin_ns = clock_latest_ns(r->clock);
		}
	} else if (type && !strcmp(type, "target")) {
		name = json_string_value(json_object_get(event, "what"));
		if (name && !strcmp(name, "version"))
			run_announce(r, json_string_value(json_object_get(
						event, "text")));
	}
	json_decref(event);
}

/* Take what the world has written; true when there was something. */
static bool run_drain(struct run *r)
{
	bool any = false;

	for (;;) {
		char *start = r->line, *end;
		ssize_t n = read(r->pipe_read, r->line + r->line_len,
				 RUN_LINE_MAX - r->line_len);

		if (n <= 0)
			return any;
		any = true;
		r->line_len += (size_t)n;
		while ((end = memchr(start, '\n',
				     r->line_len -
					     (size_t)(start - r->line)))) {
			run_look_at(r, start, (size_t)(end - start));
			run_write_line(r, start, (size_t)(end - start));
			start = end + 1;
		}
		r->line_len -= (size_t)(start - r->line);
		memmove(r->line, start, r->line_len);
		if (r->line_len == RUN_LINE_MAX)
			r->line_len = 0; /* no event of ours is that long */
	}
}

/* --- callbacks of the clock -------------------------------------------- */

static void run_live(struct run *r, bool last)
{
	char text[64];

	if (!r->job->live || (!last && r->quiets++ % RUN_LIVE_EVERY))
		return;
	fprintf(stderr, "\r\033[K%s", last ? "" : "  ");
	if (!last)
		fprintf(stderr, "%s%s on %s: %s, %u attempts",
			r->job->live_prefix, r->job->scenario->name,
			r->job->target->name,
			deadmx_duration_format(run_now(r), text, sizeof(text)),
			r->attempts);
	fflush(stderr);
}

static bool run_on_quiet(void *arg)
{
	struct run *r = arg;

	run_live(r, false);
	/* A full pipe blocks the world; drained it goes on. */
	return run_drain(r);
}

static bool run_should_stop(void *arg)
{
	struct run *r = arg;

	return run_stopped || r->bytes > RUN_EVENT_BYTES_MAX ||
	       ferror(r->events);
}

static void run_on_connect(void *arg, pid_t tgid, const struct sockaddr *addr,
			   socklen_t len)
{
	struct run *r = arg;
	char text[INET6_ADDRSTRLEN];
	uint16_t port;

	(void)len;
	if (tgid == r->child)
		return;
	run_drain(r); /* what came before it; the origin, too */
	if (!r->has_origin)
		return;
	if (addr->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)addr;

		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		port = ntohs(in->sin_port);
	} else {
		const struct sockaddr_in6 *in = (const void *)addr;

		inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof(text));
		port = ntohs(in->sin6_port);
	}
	if (!deadmx_scenario_server_at(r->job->scenario, text, port))
		return;
	r->attempts++;
	deadmx_event_emit(
		r->log, DEADMX_EVENT_CONNECT,
		json_pack("{s:s, s:i}", "address", text, "port", port));
}

static void run_on_jump(void *arg, int64_t virtual_ns)
{
	struct run *r = arg;

	if (!r->has_origin)
		return;
	deadmx_event_emit(r->log, DEADMX_EVENT_JUMP,
			  json_pack("{s:f}", "to",
				    (double)(virtual_ns - r->origin_ns) / 1e9));
}

static void run_on_unhandled(void *arg, const char *call)
{
	struct run *r = arg;

	deadmx_event_emit(r->log, DEADMX_EVENT_CLOCK,
			  json_pack("{s:s, s:i}", "finding", call, "count", 1));
}

/* --- the run folder ---------------------------------------------------- */

static int run_copy(const char *from, const char *dir, const char *name)
{
	char path[RUN_PATH_MAX], buf[65536];
	FILE *in = fopen(from, "re"), *out = NULL;
	size_t n;
	int err = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (in)
		out = fopen(path, "we");
	if (!in || !out) {
		err = -errno;
		fprintf(stderr, "deadmx: %s: %s\n", in ? path : from,
			strerror(errno));
	}
	while (!err && (n = fread(buf, 1, sizeof(buf), in)) > 0)
		if (fwrite(buf, 1, n, out) != n)
			err = -EIO;
	if (in)
		fclose(in);
	if (out && fclose(out) && !err)
		err = -EIO;
	return err;
}

static void run_empty_folder(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;

	while (d && (entry = readdir(d))) {
		const char *dot = strrchr(entry->d_name, '.');

		/* Only what a run leaves; never somebody's other files. */
		if (dot && (!strcmp(dot, ".eml") || !strcmp(dot, ".out") ||
			    !strcmp(entry->d_name, RUN_EVENTS_NAME) ||
			    !strcmp(entry->d_name, RUN_VERDICT_NAME)))
			unlinkat(dirfd(d), entry->d_name, 0);
	}
	if (d)
		closedir(d);
}

int run_make_folder(const char *dir)
{
	char path[RUN_PATH_MAX];
	struct stat st;

	if (snprintf(path, sizeof(path), "%s", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	for (char *p = path + 1;; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			return -errno;
		*p = c;
		if (!c)
			break;
	}
	if (stat(path, &st))
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int run_folder_prepare(const struct run_job *job, FILE **ret_events)
{
	char path[RUN_PATH_MAX];
	int err = run_make_folder(job->dir);

	if (err) {
		fprintf(stderr, "deadmx: %s: %s\n", job->dir, strerror(-err));
		return err;
	}
	run_empty_folder(job->dir);
	err = deadmx_scenario_store(job->scenario, job->dir, stderr);
	if (!err)
		err = run_copy(job->target_file, job->dir, "target.yml");
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/%s", job->dir, RUN_EVENTS_NAME);
	*ret_events = fopen(path, "we");
	if (!*ret_events) {
		err = -errno;
		fprintf(stderr, "deadmx: %s: %s\n", path, strerror(-err));
	}
	return err;
}

static int run_prepare(struct run *r)
{
	int fds[2];
	int err = run_folder_prepare(r->job, &r->events);

	if (err)
		return err;
	r->line = malloc(RUN_LINE_MAX);
	if (!r->line || pipe2(fds, O_CLOEXEC)) {
		err = -errno;
		fprintf(stderr, "deadmx: %s: %s\n", r->job->dir,
			strerror(-err));
		return err;
	}
	r->pipe_read = fds[0];
	r->pipe_write = fds[1];
	fcntl(fds[1], F_SETPIPE_SZ, RUN_PIPE_BYTES);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	r->log = deadmx_event_log_new(run_now, run_sink, r);
	return 0;
}

/* --- running ----------------------------------------------------------- */

static int run_child(void *arg)
{
	struct run *r = arg;
	char fd[16];
	char *argv[] = {"deadmx", "_inner", fd, NULL};
	char *env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
		       "TZ=UTC", "ASAN_OPTIONS=detect_leaks=0", NULL};
	int err = clock_traceme();

	if (err) {
		fprintf(stderr, "deadmx: no seccomp filter: %s\n",
			strerror(-err));
		return 3;
	}
	snprintf(fd, sizeof(fd), "%d", r->pipe_write);
	fcntl(r->pipe_write, F_SETFD, 0);
	execve("/deadmx/deadmx", argv, env);
	fprintf(stderr, "deadmx: /deadmx/deadmx: %s\n", strerror(errno));
	return 4;
}

static int run_start_sandbox(struct run *r, FILE *errors, pid_t *ret_init)
{
	const struct run_job *job = r->job;
	const struct target *t = job->target;
	struct sandbox_user *users = calloc(t->user_count + 1, sizeof(*users));
	const char **addresses = calloc(job->scenario->world.server_count + 1,
					sizeof(*addresses));
	struct sandbox_copy copies[RUN_LAYERS_MAX];
	char program[RUN_PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	struct sandbox_options options = {
		.hostname = t->hostname ? t->hostname : "mta.deadmx.example",
		.run_dir = job->dir,
		.program = program,
		.copies = copies,
		.users = users,
		.user_count = t->user_count,
		.addresses = addresses,
		.keep_fd = r->pipe_write,
	};
	int err;

	assert(users && addresses && n > 0);
	program[n] = '\0';
	for (size_t i = 0; i < t->user_count; i++)
		users[i] = (struct sandbox_user){
			.name = t->users[i].name,
			.group = t->users[i].group,
			.home = t->users[i].home,
			.uid = t->users[i].uid,
			.gid = t->users[i].gid,
		};
	for (size_t i = 0; i < job->scenario->world.server_count; i++)
		addresses[i] = job->scenario->world.servers[i].address;
	for (size_t i = 0; i < RUN_LAYERS_MAX && job->layers[i]; i++)
		copies[options.copy_count++] =
			(struct sandbox_copy){job->layers[i], "/"};
	options.address_count = 0; /* the routes cover the test networks */
	err = sandbox_start(&options, run_child, r, errors, ret_init,
			    &r->child);
	free(users);
	free(addresses);
	return err;
}

static void run_died(struct run *r, int signo)
{
	char text[80];

	snprintf(text, sizeof(text), "the world died of signal %d (%s)", signo,
		 strsignal(signo));
	run_error(r, text);
}

static void run_end(struct run *r, int err, int status)
{
	struct clock_stats stats;

	run_drain(r);
	if (err == -ECANCELED)
		run_error(r, run_stopped ? "interrupted"
					 : "the event log can't be written");
	else if (err == -EDEADLK)
		run_error(r, "nothing in the sandbox can ever go on: all "
			     "wait, and no time-out is left");
	else if (err == -ETIME)
		run_error(r, "a process has been busy for minutes without a "
			     "system call the clock sees");
	else if (err)
		run_error(r, strerror(-err));
	else if (WIFSIGNALED(status))
		run_died(r, WTERMSIG(status));
	clock_stats(r->clock, &stats);
	deadmx_event_emit(r->log, DEADMX_EVENT_STATS,
			  json_pack("{s:I, s:I, s:f, s:f, s:I, s:I}", "jumps",
				    (json_int_t)stats.jumps, "stops",
				    (json_int_t)stats.stops, "host_s",
				    (double)stats.host_ns / 1e9, "virtual_s",
				    (double)run_now(r) / 1e9, "forks",
				    (json_int_t)stats.forks, "looks",
				    (json_int_t)stats.looks));
}

static int run_in_sandbox(struct run *r, bool *ret_machine)
{
	struct clock_options options = {
		.start_unix_ns =
			r->job->scenario->world.start_unix_s * DEADMX_NS_PER_S,
		.bias_file_times = true,
		.cpu = r->job->cpu,
		.on_quiet = run_on_quiet,
		.on_connect = run_on_connect,
		.on_jump = run_on_jump,
		.on_unhandled = run_on_unhandled,
		.should_stop = run_should_stop,
		.arg = r,
	};
	char *text = NULL;
	size_t len = 0;
	FILE *errors = open_memstream(&text, &len);
	pid_t init = 0;
	int status = 0;
	int err;

	assert(errors);
	err = run_start_sandbox(r, errors, &init);
	if (!err) {
		close(r->pipe_write);
		r->pipe_write = -1;
		err = clock_new(&options, r->child, errors, &r->clock);
	}
	fclose(errors);
	if (err) {
		*ret_machine = true;
		if (text && len)
			text[strcspn(text, "\n")] = '\0';
		fprintf(stderr, "deadmx: %s\n",
			text && *text ? text : strerror(-err));
		run_error(r, text && *text ? text : strerror(-err));
	} else {
		err = clock_run(r->clock, &status);
		run_live(r, true);
		run_end(r, err, status);
	}
	if (init > 0)
		sandbox_stop(init);
	clock_free(r->clock);
	r->clock = NULL;
	free(text);
	return err;
}

int run_folder_judge(const struct run_job *job)
{
	struct verdict verdict = {0};
	char path[RUN_PATH_MAX];
	FILE *f;
	int err = judge_run(job->scenario, job->target, job->dir, stderr,
			    &verdict);

	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/%s", job->dir, RUN_VERDICT_NAME);
	f = fopen(path, "we");
	if (!f || report_json_one(f, &verdict) || fclose(f)) {
		fprintf(stderr, "deadmx: can't write %s: %s\n", path,
			strerror(errno));
		err = -EIO;
	}
	verdict_release(&verdict);
	return err;
}

int run_one(const struct run_job *job, bool *ret_machine)
{
	struct run r = {.job = job, .pipe_read = -1, .pipe_write = -1};
	struct sigaction action = {.sa_handler = run_on_signal};
	int err = run_prepare(&r);

	if (err)
		return err;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run_in_sandbox(&r, ret_machine);
	run_announce(&r, "unknown");
	if (fclose(r.events)) {
		fprintf(stderr, "deadmx: %s/%s: %s\n", job->dir,
			RUN_EVENTS_NAME, strerror(errno));
		err = -EIO;
	}
	deadmx_event_log_free(r.log);
	free(r.line);
	close(r.pipe_read);
	return err ? err : run_folder_judge(job);
}
