/* SPDX-License-Identifier: MIT */
/* The world by hand: see serve.h. */
#include "harness/serve.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "deadmx/event.h"
#include "deadmx/world.h"
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
	FILE *events; /* NULL: not asked for */
	uint64_t seq, connections, messages, faults;
	int rc; /* why it ended */
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

static void serve_end(struct serve *s, int rc)
{
	if (s->ending)
		return;
	s->ending = true;
	s->rc = rc;
	deadmx_world_close(s->world, serve_close_handles, s);
	s->world = NULL;
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

static void serve_sink(void *arg, const char *line, size_t len)
{
	struct serve *s = arg;

	s->seq++;
	if (s->events) {
		fprintf(s->events, "{\"seq\":%ju,", (uintmax_t)s->seq);
		fwrite(line + 1, 1, len - 1, s->events);
		putc('\n', s->events);
	}
	if (s->flush_due || s->ending)
		return;
	s->flush_due = true;
	uv_timer_start(&s->flush, serve_on_flush, SERVE_FLUSH_MS, 0);
}

/* There are no FAULT events for DNS (docs/events.md). */
static bool is_dns_fault(enum deadmx_event_type type, const json_t *event)
{
	const char *action;

	if (type != DEADMX_EVENT_DNS)
		return false;
	action = json_string_value(json_object_get(event, "action"));
	return (action && strcmp(action, deadmx_dns_action_word(
						 DEADMX_DNS_ACTION_ACCEPT))) ||
	       json_number_value(json_object_get(event, "delay")) > 0;
}

static void serve_watch(void *arg, enum deadmx_event_type type,
			const json_t *event)
{
	struct serve *s = arg;

	s->connections += type == DEADMX_EVENT_ACCEPT;
	s->messages += type == DEADMX_EVENT_MESSAGE;
	s->faults += type == DEADMX_EVENT_FAULT || is_dns_fault(type, event);
	if (!s->options->quiet)
		serve_log_event(stdout, type, event);
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
	};

	return deadmx_world_start(&s->loop, o->scenario, &options, s->log,
				  stderr, &s->world);
}

static void serve_begin(struct serve *s)
{
	const struct serve_options *o = s->options;
	const struct deadmx_scenario *scenario = o->scenario;

	o->on_ready(o);
	deadmx_event_emit(s->log, DEADMX_EVENT_RUN,
			  json_pack("{s:s,s:s,s:s,s:I,s:s}", "scenario",
				    scenario->name, "scenario_file",
				    scenario->file, "target", "serve",
				    "start_unix_s",
				    (json_int_t)scenario->world.start_unix_s,
				    "deadmx", DEADMX_VERSION));
	deadmx_event_log_watch(s->log, serve_watch, s);
	deadmx_world_set_origin(s->world);
	if (o->inject_host)
		deadmx_world_inject(s->world);
	serve_flush(s);
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

int serve_run(const struct serve_options *options)
{
	struct serve s = {.options = options};
	int rc = serve_open_events(&s);

	if (rc < 0)
		return rc;
	setvbuf(stdout, NULL, _IOFBF, SERVE_BUFFER_BYTES);
	serve_open_handles(&s);
	s.log = deadmx_event_log_new(serve_now, serve_sink, &s);
	assert(s.log);
	rc = serve_open_world(&s);
	if (rc == 0)
		serve_begin(&s);
	else
		serve_close_handles(&s);
	uv_run(&s.loop, UV_RUN_DEFAULT);
	uv_loop_close(&s.loop);
	deadmx_event_log_free(s.log);
	if (rc == 0) {
		rc = s.rc;
		serve_report(&s);
	}
	if (s.events && fclose(s.events) && rc == 0) {
		rc = -errno;
		fprintf(stderr, "deadmx serve: %s: %s\n", options->out,
			strerror(-rc));
	}
	return rc;
}
