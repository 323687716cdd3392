/* SPDX-License-Identifier: MIT */
/* A run against a server elsewhere: see remote.h. */
#include "harness/remote.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "deadmx/event.h"
#include "deadmx/world.h"
#include "harness/remote_address.h"

enum {
	REMOTE_CONNECT_MS = 10 * 1000, /* it is there, or it isn't */
	REMOTE_LIVE_MS = 1000,	       /* between progress lines */
	REMOTE_FLUSH_MS = 500,	       /* the log can be looked at meanwhile */
	REMOTE_EVENT_BYTES_MAX = 512 << 20,
	REMOTE_WHY_MAX = 512,
};

static const int remote_signals[] = {SIGINT, SIGTERM, SIGHUP};

enum {
	REMOTE_SIGNAL_COUNT =
		sizeof(remote_signals) / sizeof(remote_signals[0]),
};

struct remote {
	const struct run_job *job;
	struct deadmx_scenario *scenario;
	struct remote_options *options;
	struct remote_address address;
	char host[REMOTE_ADDRESS_TEXT_MAX];
	int64_t until_ns, settle_ns;

	FILE *events;
	uint64_t seq, bytes;
	uint64_t sessions; /* at the world's servers */
	struct deadmx_event_log *log;

	uv_loop_t loop;
	uv_signal_t signals[REMOTE_SIGNAL_COUNT];
	uv_timer_t end, live, flush;
	struct deadmx_world_run *world;
	bool is_settling, is_ending;
};

/* --- events -------------------------------------------------------------- */

static int64_t remote_now(void *arg)
{
	const struct remote *r = arg;

	return r->world ? deadmx_world_now_ns(r->world) : 0;
}

static void remote_stop(struct remote *r, const char *error);

static void remote_sink(void *arg, const char *line, size_t len)
{
	static const char accept[] = "\"type\":\"accept\"";
	struct remote *r = arg;

	if (len < 2 || r->bytes > REMOTE_EVENT_BYTES_MAX)
		return;
	r->bytes += len;
	r->sessions += memmem(line, len, accept, sizeof(accept) - 1) != NULL;
	fprintf(r->events, "{\"seq\":%ju,", (uintmax_t)++r->seq);
	fwrite(line + 1, 1, len - 1, r->events);
	fputc('\n', r->events);
}

static void remote_error(struct remote *r, const char *what)
{
	fprintf(stderr, "deadmx: %s\n", what);
	deadmx_event_emit(r->log, DEADMX_EVENT_ERROR,
			  json_pack("{s:o}", "what",
				    deadmx_event_text(what, strlen(what))));
}

static void remote_phase(struct remote *r, const char *name)
{
	deadmx_event_emit(r->log, DEADMX_EVENT_PHASE,
			  json_pack("{s:s}", "name", name));
}

/* What version it is nobody tells us; where it is, we know. */
static void remote_announce(struct remote *r)
{
	const struct deadmx_scenario *s = r->scenario;
	char where[REMOTE_ADDRESS_HOST_MAX + 32];

	snprintf(where, sizeof(where), REMOTE_ADDRESS_SCHEME "%s:%u",
		 r->address.host, r->address.port);
	deadmx_event_emit(r->log, DEADMX_EVENT_RUN,
			  json_pack("{s:s, s:o, s:s, s:s, s:I, s:s, s:s}",
				    "scenario", s->name, "scenario_file",
				    deadmx_event_text(s->file, strlen(s->file)),
				    "target", r->job->target->name,
				    "target_version", where, "start_unix_s",
				    (json_int_t)s->world.start_unix_s, "clock",
				    "real", "deadmx", DEADMX_VERSION));
}

/* --- what can't be done -------------------------------------------------- */

/* Without a sandbox's eyes such a connection is never seen. */
static bool remote_is_unseen(const struct deadmx_fault *f)
{
	return f->stage == DEADMX_STAGE_CONNECT &&
	       f->action != DEADMX_ACTION_ACCEPT &&
	       f->action != DEADMX_ACTION_DROP &&
	       f->action != DEADMX_ACTION_RESET;
}

static const struct deadmx_fault *
remote_find_unseen(const struct deadmx_world *world)
{
	for (size_t i = 0; i < world->server_count; i++)
		for (size_t j = 0; j < world->servers[i].fault_count; j++)
			if (remote_is_unseen(&world->servers[i].faults[j]))
				return &world->servers[i].faults[j];
	return NULL;
}

bool remote_supports(const struct deadmx_scenario *scenario, char *why,
		     size_t why_len)
{
	const struct deadmx_expect *e = &scenario->expect;
	const struct deadmx_fault *unseen =
		remote_find_unseen(&scenario->world);

	if (scenario->mta_step_count) {
		snprintf(why, why_len,
			 "%s: steps of the MTA (`mta`) need one that deadmx "
			 "runs",
			 scenario->file);
		return false;
	}
	if (!unseen ||
	    (!e->attempts.set && !e->gaps_ns.set && !e->first_attempt_count &&
	     e->failover == DEADMX_WANTED_ANY))
		return true;
	snprintf(why, why_len,
		 "%s:%d: connections that never come about can't be counted "
		 "here; leave attempts, gaps and failover out, or let the "
		 "server accept and "
		 "answer 4xx",
		 unseen->place.file ? unseen->place.file : scenario->file,
		 unseen->place.line);
	return false;
}

/* --- is it there? -------------------------------------------------------- */

struct remote_knock {
	uv_tcp_t tcp;
	uv_timer_t timer;
	uv_connect_t req;
	int rc;
	bool is_over;
};

static void knock_end(struct remote_knock *k, int rc)
{
	if (k->is_over)
		return;
	k->is_over = true;
	k->rc = rc;
	uv_close((uv_handle_t *)&k->tcp, NULL);
	uv_close((uv_handle_t *)&k->timer, NULL);
}

static void knock_on_connect(uv_connect_t *req, int status)
{
	knock_end(req->data, status);
}

static void knock_on_timer(uv_timer_t *timer)
{
	knock_end(timer->data, UV_ETIMEDOUT);
}

static int remote_knock(struct remote *r)
{
	struct remote_knock k = {.req.data = &k};
	struct sockaddr_in in;
	int rc = uv_ip4_addr(r->host, r->address.port, &in);

	assert(rc == 0);
	uv_tcp_init(&r->loop, &k.tcp);
	uv_timer_init(&r->loop, &k.timer);
	k.timer.data = &k;
	uv_timer_start(&k.timer, knock_on_timer, REMOTE_CONNECT_MS, 0);
	rc = uv_tcp_connect(&k.req, &k.tcp, (const struct sockaddr *)&in,
			    knock_on_connect);
	if (rc < 0)
		knock_end(&k, rc);
	uv_run(&r->loop, UV_RUN_DEFAULT);
	return k.rc;
}

static int remote_find(struct remote *r)
{
	char text[REMOTE_WHY_MAX];
	const char *why = "";
	int rc = remote_address_resolve(&r->address, r->host, &why);

	if (rc == 0) {
		rc = remote_knock(r);
		why = rc < 0 ? uv_strerror(rc) : "";
	}
	if (rc == 0)
		return 0;
	snprintf(text, sizeof(text),
		 "the server can't be reached: " REMOTE_ADDRESS_SCHEME
		 "%s:%u: %s",
		 r->address.host, r->address.port, why);
	remote_error(r, text);
	return rc;
}

/* --- what the user is told ----------------------------------------------- */

static void remote_print_domains(const struct deadmx_world *world)
{
	const char *before = "";

	for (size_t i = 0; i < world->server_count; i++)
		for (size_t j = 0; j < world->servers[i].mx_for_count; j++) {
			fprintf(stderr, "%s%s", before,
				world->servers[i].mx_for[j]);
			before = ", ";
		}
}

static void remote_print(const struct remote *r)
{
	const struct deadmx_world *world = &r->scenario->world;
	int64_t lifetime_ns = target_lifetime_ns(r->job->target, r->scenario);
	char text[64];

	fprintf(stderr, "%s on %s, " REMOTE_ADDRESS_SCHEME "%s:%u\n",
		r->scenario->name, r->job->target->name, r->address.host,
		r->address.port);
	serve_place_print(stderr, &r->options->place, world);
	fputs("Needs the server asks this DNS for ", stderr);
	remote_print_domains(world);
	fputs(", or has a route to the SMTP server of each;\n"
	      "      it takes mail for them from here, and returns it to the "
	      "sender's domain\n",
	      stderr);
	if (lifetime_ns)
		fprintf(stderr,
			"      it gives mail up after %s, as the scenario or "
			"its makers say\n",
			deadmx_duration_format(lifetime_ns, text,
					       sizeof(text)));
	fprintf(stderr,
		"Time  real; ends when all mail has, after %s at the latest\n",
		deadmx_duration_format(r->until_ns, text, sizeof(text)));
}

static void remote_on_live(uv_timer_t *timer)
{
	const struct remote *r = timer->data;
	char text[64];

	fprintf(stderr, "\r\033[K  %s: %s, %ju session%s, %zu recipient%s open",
		r->scenario->name,
		deadmx_duration_format(remote_now(timer->data) /
					       DEADMX_NS_PER_S *
					       DEADMX_NS_PER_S,
				       text, sizeof(text)),
		(uintmax_t)r->sessions, r->sessions == 1 ? "" : "s",
		deadmx_world_open_count(r->world),
		deadmx_world_open_count(r->world) == 1 ? "" : "s");
	fflush(stderr);
}

static void remote_on_flush(uv_timer_t *timer)
{
	struct remote *r = timer->data;

	if (fflush(r->events) || r->bytes > REMOTE_EVENT_BYTES_MAX)
		remote_stop(r, "the event log can't be written");
}

/* --- the run ------------------------------------------------------------- */

static void remote_close_handles(void *arg)
{
	struct remote *r = arg;

	for (int i = 0; i < REMOTE_SIGNAL_COUNT; i++)
		uv_close((uv_handle_t *)&r->signals[i], NULL);
	uv_close((uv_handle_t *)&r->end, NULL);
	uv_close((uv_handle_t *)&r->live, NULL);
	uv_close((uv_handle_t *)&r->flush, NULL);
}

/* @error: why it ends before its time; NULL: it has come to its end. */
static void remote_stop(struct remote *r, const char *error)
{
	double seconds = (double)remote_now(r) / 1e9;

	if (r->is_ending)
		return;
	r->is_ending = true;
	if (r->job->live)
		fputs("\r\033[K", stderr);
	if (error)
		remote_error(r, error);
	else
		remote_phase(r, "end");
	deadmx_event_emit(r->log, DEADMX_EVENT_STATS,
			  json_pack("{s:i, s:f, s:f}", "jumps", 0, "host_s",
				    seconds, "virtual_s", seconds));
	deadmx_world_close(r->world, remote_close_handles, r);
	r->world = NULL;
}

static void remote_on_signal(uv_signal_t *handle, int signo)
{
	(void)signo;
	remote_stop(handle->data, "interrupted");
}

static void remote_on_end(uv_timer_t *timer)
{
	remote_stop(timer->data, NULL);
}

static void remote_on_progress(void *arg)
{
	struct remote *r = arg;
	int64_t left_ns = r->until_ns - remote_now(r);

	if (r->is_settling || r->is_ending ||
	    deadmx_world_open_count(r->world) > 0)
		return;
	r->is_settling = true;
	remote_phase(r, "settled");
	if (left_ns > r->settle_ns)
		left_ns = r->settle_ns;
	uv_timer_start(&r->end, remote_on_end,
		       left_ns > 0 ? (uint64_t)(left_ns / 1000000) : 0, 0);
}

static void remote_open_handles(struct remote *r)
{
	uv_timer_init(&r->loop, &r->end);
	uv_timer_init(&r->loop, &r->live);
	uv_timer_init(&r->loop, &r->flush);
	r->end.data = r->live.data = r->flush.data = r;
	for (int i = 0; i < REMOTE_SIGNAL_COUNT; i++) {
		uv_signal_init(&r->loop, &r->signals[i]);
		r->signals[i].data = r;
		uv_signal_start(&r->signals[i], remote_on_signal,
				remote_signals[i]);
	}
}

static int remote_open_world(struct remote *r)
{
	const struct target *t = r->job->target;
	struct deadmx_world_options options = {
		.dns_address = r->options->place.dns_address,
		.dns_port = r->options->place.dns_taken,
		.message_dir = r->job->dir,
		.submit_host = r->host,
		.submit_port = r->address.port,
		.submit_starttls = t->submit_tls == TARGET_SUBMIT_TLS_STARTTLS,
		.submit_user = t->submit_user,
		.submit_password = t->submit_password,
	};
	char *text = NULL;
	size_t len = 0;
	FILE *errors = open_memstream(&text, &len);
	int rc;

	assert(errors);
	rc = deadmx_world_start(&r->loop, r->scenario, &options, r->log, errors,
				&r->world);
	fclose(errors);
	text[strcspn(text, "\n")] = '\0';
	if (rc < 0)
		remote_error(r, *text ? text : strerror(-rc));
	free(text);
	return rc;
}

static void remote_begin(struct remote *r)
{
	deadmx_world_set_origin(r->world);
	remote_phase(r, "inject");
	deadmx_world_on_progress(r->world, remote_on_progress, r);
	uv_update_time(&r->loop);
	uv_timer_start(&r->end, remote_on_end,
		       (uint64_t)(r->until_ns / 1000000), 0);
	uv_timer_start(&r->flush, remote_on_flush, REMOTE_FLUSH_MS,
		       REMOTE_FLUSH_MS);
	if (r->job->live)
		uv_timer_start(&r->live, remote_on_live, 0, REMOTE_LIVE_MS);
	deadmx_world_inject(r->world);
}

static int remote_play(struct remote *r)
{
	int rc = remote_find(r);

	if (rc == 0) {
		rc = serve_place(&r->options->place, r->scenario);
		if (rc < 0)
			remote_error(r, "the world can't listen");
	}
	if (rc < 0)
		return rc;
	remote_open_handles(r);
	rc = remote_open_world(r);
	if (rc < 0) {
		remote_close_handles(r);
	} else {
		remote_print(r);
		remote_begin(r);
	}
	uv_run(&r->loop, UV_RUN_DEFAULT);
	return rc;
}

/* Dates of mails are those of the server's own clock, as near as we can. */
static int64_t remote_today_s(void)
{
	uv_timeval64_t now = {0};

	uv_gettimeofday(&now);
	return now.tv_sec;
}

static void remote_set_times(struct remote *r)
{
	const struct remote_options *o = r->options;
	struct deadmx_world *world = &r->scenario->world;

	world->start_unix_s = remote_today_s();
	r->until_ns = world->until_ns;
	if (o->within_ns && o->within_ns < r->until_ns)
		r->until_ns = o->within_ns;
	r->settle_ns = o->settle_ns < world->settle_ns ? o->settle_ns
						       : world->settle_ns;
}

int remote_one(const struct run_job *job, struct deadmx_scenario *scenario,
	       struct remote_options *options, bool *ret_machine)
{
	struct remote r = {
		.job = job, .scenario = scenario, .options = options};
	const char *at = options->at ? options->at : job->target->remote;
	int rc = at ? remote_address_parse(at, &r.address) : -EINVAL;

	assert(rc == 0); /* looked at when the options were */
	rc = run_folder_prepare(job, &r.events);
	if (rc < 0)
		return rc;
	uv_loop_init(&r.loop);
	r.log = deadmx_event_log_new(remote_now, remote_sink, &r);
	assert(r.log);
	remote_set_times(&r);
	remote_announce(&r);
	*ret_machine = remote_play(&r) < 0;
	uv_loop_close(&r.loop);
	if (fclose(r.events)) {
		rc = -EIO;
		fprintf(stderr, "deadmx: %s/%s: %s\n", job->dir,
			RUN_EVENTS_NAME, strerror(errno));
	}
	deadmx_event_log_free(r.log);
	return rc < 0 ? rc : run_folder_judge(job);
}
