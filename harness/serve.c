/* SPDX-License-Identifier: MIT */
/* The world by hand: see serve.h. */
#include "harness/serve.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "deadmx/event.h"
#include "deadmx/world.h"
#include "harness/control.h"
#include "harness/control_store.h"
#include "harness/serve_log.h"

enum {
	/* What is logged is seen within this time: often enough for people,
	 * and a loaded world writes in large pieces. */
	SERVE_FLUSH_MS = 50,
	SERVE_BUFFER_BYTES = 256 << 10,
};

static const int end_signals[] = {SIGINT, SIGTERM, SIGHUP};

enum { END_SIGNAL_COUNT = sizeof(end_signals) / sizeof(end_signals[0]) };

struct serve {
	const struct serve_options *options;
	uv_loop_t loop;
	uv_signal_t signals[END_SIGNAL_COUNT];
	uv_timer_t flush;
	bool flush_due;
	struct deadmx_event_log *log;
	struct deadmx_world_run *world;
	struct control *control; /* NULL: not asked for */
	FILE *events;		 /* NULL: not asked for */
	char *line;		 /* an event with its number */
	size_t line_size;
	uint64_t seq, connections, messages, faults;
	bool live; /* events are shown */
	int rc;	   /* why it ended */
	bool ending;
};

static int64_t serve_now(void *arg)
{
	const struct serve *s = arg;

	return s->world ? deadmx_world_now_ns(s->world) : 0;
}

/* --- the end ------------------------------------------------------------- */

static void serve_close_handles(void *arg)
{
	struct serve *s = arg;

	for (int i = 0; i < END_SIGNAL_COUNT; i++)
		uv_close((uv_handle_t *)&s->signals[i], NULL);
	uv_close((uv_handle_t *)&s->flush, NULL);
}

/* Who can still ask for the world goes first. */
static void serve_close_world(void *arg)
{
	struct serve *s = arg;

	s->control = NULL;
	deadmx_world_close(s->world, serve_close_handles, s);
	s->world = NULL;
}

static void serve_end(struct serve *s, int rc)
{
	if (s->ending)
		return;
	s->ending = true;
	s->rc = rc;
	if (s->control)
		control_close(s->control, serve_close_world, s);
	else
		serve_close_world(s);
}

static void serve_on_signal(uv_signal_t *handle, int signo)
{
	serve_end(handle->data, 0);
}

/* --- the logs ------------------------------------------------------------ */

static int flush_file(FILE *f, const char *name)
{
	int rc = 0;

	if (f && (fflush(f) || ferror(f)))
		rc = errno ? -errno : -EIO;
	if (rc < 0)
		fprintf(stderr, "deadmx serve: %s: %s\n", name, strerror(-rc));
	return rc;
}

/* Nobody is misled by a log that has ended before the world has. */
static void serve_flush(struct serve *s)
{
	int rc = flush_file(s->events, s->options->out);
	int live = flush_file(stdout, "standard output");

	if (rc == 0)
		rc = live;
	if (rc < 0)
		serve_end(s, rc);
}

static void serve_on_flush(uv_timer_t *timer)
{
	struct serve *s = timer->data;

	s->flush_due = false;
	serve_flush(s);
}

/* Number a line and end it; in @s->line, its length without the end. */
static size_t serve_number_line(struct serve *s, const char *line, size_t len)
{
	size_t need = len + 64; /* "seq", a number, the end */
	int n;

	if (s->line_size < need) {
		s->line_size = 2 * need;
		s->line = realloc(s->line, s->line_size);
		assert(s->line);
	}
	n = snprintf(s->line, s->line_size, "{\"seq\":%ju,",
		     (uintmax_t)++s->seq);
	memcpy(s->line + n, line + 1, len - 1);
	len += (size_t)n - 1;
	s->line[len] = '\n';
	s->line[len + 1] = '\0';
	return len;
}

struct type {
	const char *word;
	size_t len;
};

static bool is_type(const struct type *t, enum deadmx_event_type type)
{
	const char *word = deadmx_event_word(type);

	return strncmp(t->word, word, t->len) == 0 && !word[t->len];
}

/* There are no FAULT events for DNS (docs/events.md). */
static bool is_dns_fault(const char *line)
{
	json_t *event = json_loads(line, 0, NULL);
	const char *action =
		json_string_value(json_object_get(event, "action"));
	bool fault =
		(action && strcmp(action, deadmx_dns_action_word(
						  DEADMX_DNS_ACTION_ACCEPT))) ||
		json_number_value(json_object_get(event, "delay")) > 0;

	json_decref(event);
	return fault;
}

static void serve_count(struct serve *s)
{
	struct type t;

	t.word = control_store_type(s->line, &t.len);
	s->connections += is_type(&t, DEADMX_EVENT_ACCEPT);
	s->messages += is_type(&t, DEADMX_EVENT_MESSAGE);
	s->faults += is_type(&t, DEADMX_EVENT_FAULT) ||
		     (is_type(&t, DEADMX_EVENT_DNS) && is_dns_fault(s->line));
}

static void serve_sink(void *arg, const char *line, size_t len)
{
	struct serve *s = arg;

	len = serve_number_line(s, line, len);
	serve_count(s);
	if (s->events)
		fwrite(s->line, 1, len + 1, s->events);
	if (s->control)
		control_event(s->control, s->seq, s->line, len);
	if (s->live)
		serve_log_line(stdout, s->line, len);
	if (s->flush_due || s->ending)
		return;
	s->flush_due = true;
	uv_timer_start(&s->flush, serve_on_flush, SERVE_FLUSH_MS, 0);
}

static void serve_on_message(void *arg, const char *data, size_t len)
{
	const struct serve *s = arg;

	if (s->control)
		control_message(s->control, data, len);
}

static int serve_open_events(struct serve *s)
{
	const char *path = s->options->out;

	if (!path)
		return 0;
	s->events = fopen(path, "we");
	if (!s->events) {
		int rc = -errno;

		fprintf(stderr, "deadmx serve: %s: %s\n", path, strerror(-rc));
		return rc;
	}
	setvbuf(s->events, NULL, _IOFBF, SERVE_BUFFER_BYTES);
	return 0;
}

/* --- the whole ----------------------------------------------------------- */

static void serve_open_handles(struct serve *s)
{
	uv_loop_init(&s->loop);
	uv_timer_init(&s->loop, &s->flush);
	s->flush.data = s;
	for (int i = 0; i < END_SIGNAL_COUNT; i++) {
		uv_signal_init(&s->loop, &s->signals[i]);
		s->signals[i].data = s;
		uv_signal_start(&s->signals[i], serve_on_signal,
				end_signals[i]);
	}
}

static int serve_open_world(struct serve *s)
{
	const struct serve_options *o = s->options;
	struct deadmx_world_options options = {
		.dns_address = o->dns_address,
		.dns_port = o->dns_port,
		.message_dir = o->message_dir,
		.ca_file = o->ca_file,
		.submit_host = o->inject_host ? o->inject_host : "127.0.0.1",
		.submit_port = o->inject_port,
		.speed = o->speed,
		.manage_network = o->own_network,
		.on_message = serve_on_message,
		.arg = s,
	};

	return deadmx_world_start(&s->loop, o->scenario, &options, s->log,
				  stderr, &s->world);
}

static int serve_open_control(struct serve *s)
{
	const struct serve_options *o = s->options;
	const struct control_options options = {
		.scenario = o->scenario,
		.world = s->world,
		.log = s->log,
		.dns_address = o->dns_address,
		.dns_port = o->dns_port,
		.path = o->control_path,
		.port = o->control_port,
	};

	return o->control ? control_new(&s->loop, &options, stderr, &s->control)
			  : 0;
}

static void serve_begin(struct serve *s)
{
	const struct serve_options *o = s->options;
	const struct deadmx_scenario *scenario = o->scenario;

	deadmx_event_emit(s->log, DEADMX_EVENT_RUN,
			  json_pack("{s:s,s:s,s:s,s:I,s:s}", "scenario",
				    scenario->name, "scenario_file",
				    scenario->file, "target", "serve",
				    "start_unix_s",
				    (json_int_t)scenario->world.start_unix_s,
				    "deadmx", DEADMX_VERSION));
	s->live = !o->quiet;
	deadmx_world_set_origin(s->world);
	if (o->inject_host)
		deadmx_world_inject(s->world);
	serve_flush(s);
}

/* 0 with all listening, or all closed again. */
static int serve_open(struct serve *s)
{
	int rc = serve_open_world(s);

	if (rc < 0) {
		serve_close_handles(s);
		return rc;
	}
	rc = serve_open_control(s);
	if (rc < 0)
		serve_end(s, rc);
	return rc;
}

static void print_count(uint64_t n, const char *what, const char *end)
{
	printf("%ju %s%s%s", (uintmax_t)n, what, n == 1 ? "" : "s", end);
}

static void serve_report(const struct serve *s)
{
	putchar('\n');
	print_count(s->connections, "connection", ", ");
	print_count(s->messages, "message", ", ");
	print_count(s->faults, "fault", "\n");
	fflush(stdout);
}

static int serve_loop(struct serve *s)
{
	int rc;

	serve_open_handles(s);
	s->log = deadmx_event_log_new(serve_now, serve_sink, s);
	assert(s->log);
	rc = serve_open(s);
	if (rc == 0) {
		s->options->on_ready(s->options,
				     s->control ? control_port(s->control) : 0);
		serve_begin(s);
	}
	uv_run(&s->loop, UV_RUN_DEFAULT);
	uv_loop_close(&s->loop);
	deadmx_event_log_free(s->log);
	free(s->line);
	return rc < 0 ? rc : s->rc;
}

/* Each connection is a descriptor, and the usual limit is 1024. */
static void serve_allow_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

int serve_run(const struct serve_options *options)
{
	struct serve s = {.options = options};
	int rc = serve_open_events(&s);

	if (rc < 0)
		return rc;
	setvbuf(stdout, NULL, _IOFBF, SERVE_BUFFER_BYTES);
	/* One thread: a lock for each character would cost more than it. */
	__fsetlocking(stdout, FSETLOCKING_BYCALLER);
	serve_allow_files();
	rc = serve_loop(&s);
	if (s.seq)
		serve_report(&s);
	if (s.events && fclose(s.events) && rc == 0) {
		rc = -errno;
		fprintf(stderr, "deadmx serve: %s: %s\n", options->out,
			strerror(-rc));
	}
	return rc;
}
