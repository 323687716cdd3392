/* SPDX-License-Identifier: MIT */
#include "harness/inner.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "deadmx/event.h"
#include "deadmx/scenario.h"
#include "deadmx/world.h"
#include "harness/inner_disk.h"
#include "harness/inner_log.h"
#include "harness/target.h"
#include "harness/target_features.h"

#define INNER_RUN_DIR "/deadmx/run"
#define INNER_QUEUE_DISK                                                       \
	"/var/spool" /* a tmpfs of its own, see sandbox_mount.c */

enum {
	INNER_OUTPUT_MAX = 1 << 20, /* bytes kept of a command's output */
	INNER_TAIL_MAX = 2000,	    /* bytes of it shown in an event */
	INNER_READY_EVERY_MS = 250,
	INNER_STOP_WITHIN_MS = 120 * 1000,
	INNER_STEP_EVERY_MS = 100, /* virtual, between looks at a step */
	INNER_STEP_WAITS_MAX = INNER_STOP_WITHIN_MS / INNER_STEP_EVERY_MS,
};

/* What happens in order. XX(ENUM, "word in phase events") */
#define INNER_PHASE_MAP(XX)                                                    \
	XX(SETUP, "setup")     /* the target's setup command runs */           \
	XX(VERSION, "version") /* which one is it? */                          \
	XX(START, "start")     /* its start command runs */                    \
	XX(READY, "ready")     /* asked until it is ready */                   \
	XX(INJECT, "inject")   /* mail is sent, the world goes its way */      \
	XX(SETTLED, "settled") /* all mail has ended; watched a while more */  \
	XX(ALIVE, "alive")     /* does the MTA still live? */                  \
	XX(QUEUE, "queue")     /* what is left in its queue? */                \
	XX(STOP, "stop")       /* its stop command runs */                     \
	XX(END, "end")	       /* nothing more */

enum inner_phase {
#define XX(uc, word) INNER_PHASE_##uc,
	INNER_PHASE_MAP(XX)
#undef XX
};

static const char *const inner_phase_word[] = {
#define XX(uc, word) [INNER_PHASE_##uc] = word,
	INNER_PHASE_MAP(XX)
#undef XX
};

struct inner {
	uv_loop_t loop;
	struct deadmx_scenario *scenario;
	struct target *target;
	struct deadmx_event_log *log;
	struct deadmx_world_run *world;
	int event_fd;
	enum inner_phase phase;
	bool failed;

	uv_process_t process;
	bool process_open;   /* handle not closed yet */
	uv_process_t daemon; /* a target that stays in the foreground */
	char *output_path;
	bool daemon_open; /* its handle not closed yet */
	uv_timer_t step;  /* the next of the scenario's mta steps */
	size_t step_next;
	bool step_open;	    /* one is under way */
	bool step_starting; /* … and has come to the start */
	int step_waits;	    /* looks at whether the old one is gone */
	bool is_down;	    /* the MTA is stopped on purpose */
	struct inner_disk disk;
	uv_timer_t timer; /* ready poll, until, settle, stop guard */
	uv_timer_t until;
	uint64_t ready_deadline_ms;
	uv_poll_t syslog;
	int syslog_fd;
	struct inner_log *log_file; /* of a target that writes one */
};

static void inner_enter(struct inner *in, enum inner_phase phase);
static void inner_step_after_command(struct inner *in, int code);

/* --- events ------------------------------------------------------------ */

static int64_t inner_now(void *arg)
{
	struct inner *in = arg;

	return in->world ? deadmx_world_now_ns(in->world) : 0;
}

static void inner_sink(void *arg, const char *line, size_t len)
{
	struct inner *in = arg;
	char *copy = malloc(len + 1);
	size_t done = 0;

	assert(copy);
	memcpy(copy, line, len);
	copy[len++] = '\n';
	while (done < len) {
		ssize_t n = write(in->event_fd, copy + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			_exit(1); /* the harness has gone */
		done += (size_t)n;
	}
	free(copy);
}

static void inner_target_event(struct inner *in, const char *what, int status,
			       const char *text)
{
	deadmx_event_emit(in->log, DEADMX_EVENT_TARGET,
			  json_pack("{s:s, s:i, s:o}", "what", what, "status",
				    status, "text",
				    deadmx_event_text(text, strlen(text))));
}

static void inner_error(struct inner *in, const char *what)
{
	deadmx_event_emit(in->log, DEADMX_EVENT_ERROR,
			  json_pack("{s:o}", "what",
				    deadmx_event_text(what, strlen(what))));
	in->failed = true;
}

/* --- files and commands ------------------------------------------------ */

/* The last part of the current command's output; malloc'd. */
static char *inner_output(struct inner *in, size_t max)
{
	FILE *f = fopen(in->output_path, "re");
	char *text = calloc(1, max + 1);
	long size;
	size_t n;

	assert(text);
	if (!f)
		return text;
	if (fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) > (long)max)
		fseek(f, size - (long)max, SEEK_SET);
	else
		rewind(f);
	n = fread(text, 1, max, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

static int inner_make_folders(char *path)
{
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return 0;
}

/* "user:group" of an open file, by the sandbox's own lists. */
static int inner_set_owner(int fd, const char *owner)
{
	const char *colon = strchr(owner, ':');
	const struct passwd *user;
	const struct group *group;
	char *name;

	assert(colon);
	name = strndup(owner, (size_t)(colon - owner));
	assert(name);
	user = getpwnam(name);
	free(name);
	group = getgrnam(colon + 1);
	if (!user || !group)
		return -ENOENT;
	return fchown(fd, user->pw_uid, group->gr_gid) ? -errno : 0;
}

static int inner_write_file(struct inner *in, const struct target_file *file)
{
	char *content = target_expand(in->target, in->scenario, file->content);
	char *path = strdup(file->path);
	int err, fd;
	FILE *f = NULL;

	assert(content && path);
	err = inner_make_folders(path);
	unlink(path);
	fd = err ? -1
		 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			file->mode ? file->mode : 0644);
	if (fd >= 0)
		f = fdopen(fd, "w");
	if (!f || fputs(content, f) < 0)
		err = -errno;
	if (!err)
		err = inner_set_owner(fd, file->owner);
	if (f && (fchmod(fd, file->mode ? file->mode : 0644) || fclose(f)))
		err = -errno;
	free(content);
	free(path);
	return err;
}

static int inner_write_files(struct inner *in)
{
	for (size_t i = 0; i < in->target->file_count; i++) {
		const struct target_file *file = &in->target->files[i];
		char text[512];
		int err = inner_write_file(in, file);

		if (!err)
			continue;
		snprintf(text, sizeof(text), "can't write %s: %s", file->path,
			 strerror(-err));
		inner_error(in, text);
		return err;
	}
	return 0;
}

static void inner_on_exit(uv_process_t *process, int64_t status, int signo);

static void inner_on_daemon_closed(uv_handle_t *handle)
{
	struct inner *in = handle->data;

	in->daemon_open = false;
}

static void inner_on_daemon_exit(uv_process_t *process, int64_t status,
				 int signo)
{
	struct inner *in = process->data;
	char text[64];

	uv_close((uv_handle_t *)process, inner_on_daemon_closed);
	if (in->phase >= INNER_PHASE_STOP || in->step_open || in->is_down)
		return;
	snprintf(text, sizeof(text), signo ? "died of signal %d" : "ended",
		 signo);
	inner_target_event(in, "exit", signo ? 128 + signo : (int)status, text);
	in->failed = true;
	inner_enter(in, INNER_PHASE_END);
}

/* Run a shell command; inner_on_exit() goes on. */
static int inner_spawn(struct inner *in, uv_process_t *process,
		       const char *command, uv_exit_cb cb)
{
	char *text = target_expand(in->target, in->scenario, command);
	char *args[] = {"/bin/sh", "-c", text, NULL};
	char *env[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:"
		       "/usr/bin:/sbin:/bin",
		       "LC_ALL=C", "TZ=UTC", "HOME=/root", NULL};
	int out = open(in->output_path,
		       O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	uv_stdio_container_t stdio[3] = {
		{.flags = UV_IGNORE},
		{.flags = UV_INHERIT_FD, .data.fd = out},
		{.flags = UV_INHERIT_FD, .data.fd = out},
	};
	uv_process_options_t options = {
		.exit_cb = cb,
		.file = args[0],
		.args = args,
		.env = env,
		.cwd = "/",
		.stdio = stdio,
		.stdio_count = 3,
	};
	int err;

	process->data = in;
	err = out < 0 ? -errno : uv_spawn(&in->loop, process, &options);
	if (out >= 0)
		close(out);
	free(text);
	return err;
}

static void inner_command(struct inner *in, const char *command)
{
	char text[256];
	int err = inner_spawn(in, &in->process, command, inner_on_exit);

	in->process_open = true;
	if (!err)
		return;
	in->process_open = false;
	snprintf(text, sizeof(text), "can't run a command of the target: %s",
		 uv_strerror(err));
	inner_error(in, text);
	inner_enter(in, INNER_PHASE_END);
}

/* --- the phases -------------------------------------------------------- */

static void inner_fail_target(struct inner *in, int status, const char *what)
{
	char *tail = inner_output(in, INNER_TAIL_MAX);
	char *text = NULL;

	if (asprintf(&text, "%s%s%s", what, *tail ? ": " : "", tail) < 0)
		text = NULL;
	for (char *c = text; c && *c; c++)
		if (*c == '\n')
			*c = c[1] ? ' ' : '\0';
	inner_target_event(in, "exit", status, text ? text : what);
	in->failed = true;
	free(text);
	free(tail);
	inner_enter(in, INNER_PHASE_END);
}

static void inner_on_ready_timer(uv_timer_t *timer)
{
	struct inner *in = timer->data;

	inner_command(in, in->target->ready ? in->target->ready : "true");
}

/* Local addresses, as in /proc/net/tcp and tcp6, on which the MTA is reached
 * at 127.0.0.1; the world's servers listen on others. */
static const char *const inner_own_address[] = {
	" 0100007F:",
	" 00000000:",
	" 00000000000000000000000000000000:",
	" 0000000000000000FFFF00000100007F:",
};

/* Looked up, not connected to: a connection would be a session of the MTA's. */
static bool inner_line_listens(const char *line, uint16_t port)
{
	char want[64];

	if (!strstr(line, " 0A "))
		return false;
	for (size_t i = 0;
	     i < sizeof(inner_own_address) / sizeof(inner_own_address[0]);
	     i++) {
		snprintf(want, sizeof(want), "%s%04X ", inner_own_address[i],
			 port);
		if (strstr(line, want))
			return true;
	}
	return false;
}

static bool inner_port_listens(uint16_t port)
{
	char line[512];
	bool found = false;

	for (int i = 0; i < 2 && !found; i++) {
		FILE *f = fopen(i ? "/proc/net/tcp6" : "/proc/net/tcp", "re");

		while (f && !found && fgets(line, sizeof(line), f))
			found = inner_line_listens(line, port);
		if (f)
			fclose(f);
	}
	return found;
}

static void inner_not_ready(struct inner *in)
{
	if (uv_now(&in->loop) > in->ready_deadline_ms)
		inner_fail_target(in, 1,
				  "the MTA did not become ready in time");
	else
		uv_timer_start(&in->timer, inner_on_ready_timer,
			       INNER_READY_EVERY_MS, 0);
}

static void inner_on_ready_answer(struct inner *in, int64_t status)
{
	if (status != 0 || (in->target->ready_port &&
			    !inner_port_listens(in->target->ready_port)))
		inner_not_ready(in);
	else
		inner_enter(in, INNER_PHASE_INJECT);
}

static void inner_report_queue(struct inner *in)
{
	char *text = inner_output(in, INNER_OUTPUT_MAX);

	deadmx_event_emit(in->log, DEADMX_EVENT_QUEUE,
			  json_pack("{s:o}", "text",
				    deadmx_event_text(text, strlen(text))));
	free(text);
}

static void inner_report_version(struct inner *in, int status)
{
	char *text = inner_output(in, INNER_TAIL_MAX);

	text[strcspn(text, "\n")] = '\0';
	inner_target_event(in, "version", status, text);
	free(text);
}

static void inner_after_command(struct inner *in, int64_t status, int signo)
{
	int code = signo ? 128 + signo : (int)status;

	switch (in->phase) {
	case INNER_PHASE_SETUP:
		if (code)
			inner_fail_target(in, code, "its setup failed");
		else
			inner_enter(in, INNER_PHASE_VERSION);
		return;
	case INNER_PHASE_VERSION:
		inner_report_version(in, code);
		inner_enter(in, INNER_PHASE_START);
		return;
	case INNER_PHASE_START:
		if (code)
			inner_fail_target(in, code, "it did not start");
		else
			inner_enter(in, INNER_PHASE_READY);
		return;
	case INNER_PHASE_READY:
		inner_on_ready_answer(in, code);
		return;
	case INNER_PHASE_ALIVE:
		if (code)
			inner_fail_target(in, code, "the MTA no longer runs");
		else
			inner_enter(in, INNER_PHASE_QUEUE);
		return;
	case INNER_PHASE_QUEUE:
		inner_report_queue(in);
		inner_enter(in, INNER_PHASE_STOP);
		return;
	case INNER_PHASE_STOP:
		inner_enter(in, INNER_PHASE_END);
		return;
	case INNER_PHASE_INJECT:
	case INNER_PHASE_SETTLED:
		inner_step_after_command(in, code);
		return;
	case INNER_PHASE_END:
		return;
	}
}

static void inner_on_process_closed(uv_handle_t *handle)
{
	struct inner *in = handle->data;

	in->process_open = false;
	inner_after_command(in, in->process.status, 0);
}

static void inner_on_exit(uv_process_t *process, int64_t status, int signo)
{
	/* The handle is used again: only after it is closed. */
	process->status = signo ? 128 + signo : (int)status;
	uv_close((uv_handle_t *)process, inner_on_process_closed);
}

static void inner_on_until(uv_timer_t *timer)
{
	struct inner *in = timer->data;

	if (in->phase != INNER_PHASE_INJECT && in->phase != INNER_PHASE_SETTLED)
		return;
	if (in->step_open) /* its command comes first */
		uv_timer_start(timer, inner_on_until, INNER_STEP_EVERY_MS, 0);
	else
		inner_enter(in, in->is_down ? INNER_PHASE_QUEUE
					    : INNER_PHASE_ALIVE);
}

/* --- steps of the MTA itself -------------------------------------------- */

static void inner_on_step(uv_timer_t *timer);

static void inner_step_plan(struct inner *in)
{
	const struct deadmx_scenario *s = in->scenario;
	int64_t wait_ns;

	if (in->step_next == s->mta_step_count)
		return;
	wait_ns = s->mta_steps[in->step_next].at_ns -
		  deadmx_world_now_ns(in->world);
	uv_update_time(&in->loop);
	uv_timer_start(&in->step, inner_on_step,
		       wait_ns > 0 ? (uint64_t)(wait_ns / 1000000) : 0, 0);
}

static void inner_step_done(struct inner *in)
{
	in->step_open = in->step_starting = false;
	in->step_waits = 0;
	in->step_next++;
	inner_step_plan(in);
}

/* The old one must be gone, for its handle is used again. */
static void inner_step_start(struct inner *in)
{
	const struct target *t = in->target;

	in->step_starting = true;
	if (in->daemon_open && in->step_waits++ < INNER_STEP_WAITS_MAX) {
		uv_timer_start(&in->step, inner_on_step, INNER_STEP_EVERY_MS,
			       0);
		return;
	}
	if (in->daemon_open) {
		inner_fail_target(in, 1, "it did not stop");
		return;
	}
	inner_target_event(in, "start", 0, "");
	in->is_down = false;
	if (!t->start_foreground) {
		inner_command(in, t->start ? t->start : "true");
	} else if (inner_spawn(in, &in->daemon, t->start,
			       inner_on_daemon_exit)) {
		inner_fail_target(in, 127, "it did not start");
	} else {
		in->daemon_open = true;
		inner_step_done(in);
	}
}

/* A command of a step has ended. */
static void inner_step_after_command(struct inner *in, int code)
{
	if (!in->step_open)
		return;
	if (in->step_starting && code)
		inner_fail_target(in, code, "it did not start again");
	else if (in->step_starting ||
		 in->scenario->mta_steps[in->step_next].action ==
			 DEADMX_MTA_STOP)
		inner_step_done(in);
	else
		inner_step_start(in);
}

/* All processes of this namespace but its first and this one. */
static void inner_step_kill(int signo)
{
	kill(-1, signo);
}

static void inner_step_stop(struct inner *in)
{
	inner_target_event(in, "stop", 0, "");
	in->is_down = true;
	if (!in->target->stop)
		inner_step_kill(SIGTERM);
	inner_command(in, in->target->stop ? in->target->stop : "true");
}

/* Fill the disk that holds the queue, or free it. */
static void inner_step_disk(struct inner *in)
{
	bool fills = in->scenario->mta_steps[in->step_next].action ==
		     DEADMX_MTA_DISK_FULL;
	char text[256];
	int err = fills ? inner_disk_fill(&in->disk, INNER_QUEUE_DISK)
			: inner_disk_free(&in->disk, INNER_QUEUE_DISK);

	if (!err) {
		inner_target_event(in, fills ? "disk_full" : "disk_free", 0,
				   "");
		inner_step_done(in);
		return;
	}
	snprintf(text, sizeof(text), "can't %s " INNER_QUEUE_DISK ": %s",
		 fills ? "fill" : "free", strerror(-err));
	inner_error(in, text);
	inner_enter(in, INNER_PHASE_END);
}

static void inner_on_step(uv_timer_t *timer)
{
	struct inner *in = timer->data;

	if (in->phase != INNER_PHASE_INJECT && in->phase != INNER_PHASE_SETTLED)
		return;
	if (in->step_starting) {
		inner_step_start(in);
		return;
	}
	in->step_open = true;
	switch (in->scenario->mta_steps[in->step_next].action) {
	case DEADMX_MTA_RESTART:
	case DEADMX_MTA_STOP:
		inner_step_stop(in);
		return;
	case DEADMX_MTA_KILL:
		inner_target_event(in, "kill", 0, "");
		in->is_down = true;
		inner_step_kill(SIGKILL);
		inner_step_start(in);
		return;
	case DEADMX_MTA_START:
		inner_step_start(in);
		return;
	case DEADMX_MTA_DISK_FULL:
	case DEADMX_MTA_DISK_FREE:
		inner_step_disk(in);
		return;
	case DEADMX_MTA_COUNT:
		break;
	}
}

static void inner_on_progress(void *arg)
{
	struct inner *in = arg;

	if (in->phase == INNER_PHASE_INJECT &&
	    deadmx_world_open_count(in->world) == 0)
		inner_enter(in, INNER_PHASE_SETTLED);
}

static void inner_inject(struct inner *in)
{
	const struct deadmx_world *w = &in->scenario->world;

	uv_update_time(&in->loop);
	deadmx_world_set_origin(in->world);
	deadmx_event_emit(in->log, DEADMX_EVENT_PHASE,
			  json_pack("{s:s}", "name", "inject"));
	deadmx_world_on_progress(in->world, inner_on_progress, in);
	deadmx_world_inject(in->world);
	uv_timer_start(&in->until, inner_on_until,
		       (uint64_t)(w->until_ns / 1000000), 0);
	inner_step_plan(in);
}

static void inner_on_log_line(void *arg, const char *line, size_t len)
{
	struct inner *in = arg;

	deadmx_event_emit(
		in->log, DEADMX_EVENT_LOG,
		json_pack("{s:o}", "line", deadmx_event_text(line, len)));
}

/* The folder is there at the latest when the setup has run. */
static void inner_open_log_file(struct inner *in)
{
	char text[512];
	int err;

	if (!in->target->log_file || in->log_file)
		return;
	err = inner_log_new(&in->loop, in->target->log_file, inner_on_log_line,
			    in, &in->log_file);
	if (!err)
		return;
	snprintf(text, sizeof(text), "deadmx: can't follow log_file %.300s: %s",
		 in->target->log_file, strerror(-err));
	inner_on_log_line(in, text, strlen(text));
}

static void inner_start(struct inner *in)
{
	const struct target *t = in->target;

	if (!t->start_foreground) {
		inner_command(in, t->start ? t->start : "true");
		return;
	}
	if (inner_spawn(in, &in->daemon, t->start, inner_on_daemon_exit))
		inner_fail_target(in, 127, "it did not start");
	else {
		in->daemon_open = true;
		inner_enter(in, INNER_PHASE_READY);
	}
}

static void inner_enter(struct inner *in, enum inner_phase phase)
{
	const struct target *t = in->target;

	in->phase = phase;
	if (phase == INNER_PHASE_END && in->log_file)
		inner_log_drain(in->log_file);
	if (phase != INNER_PHASE_INJECT &&
	    (phase != INNER_PHASE_END || !in->failed))
		deadmx_event_emit(
			in->log, DEADMX_EVENT_PHASE,
			json_pack("{s:s}", "name", inner_phase_word[phase]));
	switch (phase) {
	case INNER_PHASE_SETUP:
		inner_command(in, t->setup ? t->setup : "true");
		return;
	case INNER_PHASE_VERSION:
		inner_command(in, t->version_command ? t->version_command
						     : "echo unknown");
		return;
	case INNER_PHASE_START:
		inner_open_log_file(in);
		inner_start(in);
		return;
	case INNER_PHASE_READY:
		in->ready_deadline_ms =
			uv_now(&in->loop) +
			(uint64_t)(t->ready_within_ns / 1000000);
		uv_timer_start(&in->timer, inner_on_ready_timer, 0, 0);
		return;
	case INNER_PHASE_INJECT:
		inner_inject(in);
		return;
	case INNER_PHASE_SETTLED:
		uv_timer_start(
			&in->timer, inner_on_until,
			(uint64_t)(in->scenario->world.settle_ns / 1000000), 0);
		return;
	case INNER_PHASE_ALIVE:
		inner_command(in, t->alive ? t->alive : "true");
		return;
	case INNER_PHASE_QUEUE:
		inner_command(in, t->queue ? t->queue : "true");
		return;
	case INNER_PHASE_STOP:
		inner_command(in, t->stop ? t->stop : "true");
		return;
	case INNER_PHASE_END:
		uv_stop(&in->loop);
		return;
	}
}

/* --- the MTA's log ----------------------------------------------------- */

static void inner_on_syslog(uv_poll_t *poll, int status, int events)
{
	struct inner *in = poll->data;
	char line[INNER_LOG_LINE_MAX];
	ssize_t n;

	while ((n = recv(in->syslog_fd, line, sizeof(line), MSG_DONTWAIT)) > 0)
		inner_on_log_line(in, line, (size_t)n);
}

static int inner_open_syslog(struct inner *in)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX,
				      .sun_path = "/dev/log"};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	in->syslog_fd = fd;
	if (fd < 0)
		return -errno;
	unlink(address.sun_path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    chmod(address.sun_path, 0666))
		return -errno;
	uv_poll_init(&in->loop, &in->syslog, fd);
	in->syslog.data = in;
	return uv_poll_start(&in->syslog, UV_READABLE, inner_on_syslog);
}

/* --- the whole --------------------------------------------------------- */

static int inner_load(struct inner *in)
{
	int err = deadmx_scenario_load_stored(INNER_RUN_DIR, NULL, stderr,
					      &in->scenario);

	if (!err)
		err = target_load(INNER_RUN_DIR "/target.yml", stderr,
				  &in->target);
	if (!err) {
		target_set_ways(in->target, in->scenario);
		target_set_expiry(in->target, in->scenario, NULL, 0);
		target_features_set_smarthost(in->target, in->scenario);
	}
	return err;
}

static int inner_open_world(struct inner *in)
{
	struct deadmx_world_options options = {
		.dns_address = "127.0.0.1",
		.dns_port = 53,
		.message_dir = INNER_RUN_DIR,
		.manage_network = true,
		.submit_port = in->target->submit_port,
		.submit_host = "127.0.0.1",
		.submit_starttls =
			in->target->submit_tls == TARGET_SUBMIT_TLS_STARTTLS,
		.submit_user = in->target->submit_user,
		.submit_password = in->target->submit_password,
		.ca_file = TARGET_CA_FILE,
		.mta_name = in->target->hostname,
		.mta_cert_file = TARGET_CERT_FILE,
		.mta_key_file = TARGET_KEY_FILE,
		.sendmail = in->target->sendmail,
	};
	char *text = NULL;
	size_t len = 0;
	FILE *errors = open_memstream(&text, &len);
	int err;

	assert(errors);
	err = inner_open_syslog(in);
	if (err)
		fprintf(errors, "can't serve /dev/log: %s", strerror(-err));
	else
		err = deadmx_world_start(&in->loop, in->scenario, &options,
					 in->log, errors, &in->world);
	fclose(errors);
	if (err)
		inner_error(in, text);
	free(text);
	return err;
}

static int inner_run(struct inner *in)
{
	uv_loop_init(&in->loop);
	uv_timer_init(&in->loop, &in->timer);
	uv_timer_init(&in->loop, &in->until);
	uv_timer_init(&in->loop, &in->step);
	in->timer.data = in->until.data = in->step.data = in;
	in->log = deadmx_event_log_new(inner_now, inner_sink, in);
	if (inner_open_world(in) || inner_write_files(in))
		return 1;
	inner_enter(in, INNER_PHASE_SETUP);
	uv_run(&in->loop, UV_RUN_DEFAULT);
	/* The sandbox goes with all handles and the MTA in it. */
	return in->failed ? 1 : 0;
}

int inner_main(int argc, char **argv)
{
	/* Lives to the very end: a child that dies while we exit still makes
	 * libuv's signal handler look into the loop. */
	static struct inner in = {.output_path = INNER_RUN_DIR "/command.out"};
	char *end;
	long fd;

	if (argc != 2)
		return 2;
	fd = strtol(argv[1], &end, 10);
	if (*end || fd < 0)
		return 2;
	in.event_fd = (int)fd;
	fcntl(in.event_fd, F_SETFD, FD_CLOEXEC);
	if (inner_load(&in))
		return 1;
	/* Not by exit(): its handlers take time (OpenSSL's), and a child that
	 * ends meanwhile wakes libuv in a loop that is gone. */
	_exit(inner_run(&in));
}
