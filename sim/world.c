/* SPDX-License-Identifier: MIT */
/* The world: what stands in deadmx/world.h, put together. */
#include "deadmx/world.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "sim/dns_server.h"
#include "sim/dns_zone.h"
#include "sim/sender.h"
#include "sim/sim_timer.h"
#include "sim/smtp_server.h"
#include "sim/timeline.h"
#include "sim/tracker.h"

struct deadmx_world_run {
	const struct deadmx_scenario *scenario;
	struct timeline timeline;
	struct smtp_server_shared shared;
	struct smtp_server **servers;
	size_t server_count;
	struct dns_zone *zone;
	struct dns_server *dns;
	struct sender *sender;
	struct tracker *tracker;
	void (*progress_cb)(void *arg);
	void *progress_arg;
	void (*on_message)(void *arg, const char *data, size_t len);
	void *on_message_arg;
	size_t parts; /* still to be closed */
	void (*close_cb)(void *arg);
	void *close_arg;
};

int64_t deadmx_world_now_ns(const struct deadmx_world_run *run)
{
	return timeline_now_ns(&run->timeline);
}

static int64_t run_now(void *arg)
{
	return deadmx_world_now_ns(arg);
}

static int64_t run_wait(void *arg, int64_t at_ns)
{
	const struct deadmx_world_run *run = arg;

	return timeline_wait_ns(&run->timeline, at_ns);
}

/* Rounded down, as the clocks of those who look at certificates are. */
static int64_t run_unix_s(void *arg, int64_t at_ns)
{
	const struct deadmx_world_run *run = arg;
	int64_t ms = timeline_date_ms(&run->timeline, at_ns);

	return ms >= 0 ? ms / 1000 : (ms - 999) / 1000;
}

static void run_progress(struct deadmx_world_run *run)
{
	if (run->progress_cb)
		run->progress_cb(run->progress_arg);
}

static void run_on_message(void *arg, const struct deadmx_server *server,
			   const struct smtp_envelope *envelope,
			   const char *data, size_t len, bool acknowledged)
{
	struct deadmx_world_run *run = arg;

	if (run->on_message)
		run->on_message(run->on_message_arg, data, len);
	if (acknowledged)
		tracker_message(run->tracker, server, envelope, data, len);
	run_progress(run);
}

static void run_on_injected(void *arg, size_t index, enum inject_status status)
{
	struct deadmx_world_run *run = arg;

	if (status != INJECT_ACCEPTED)
		tracker_not_injected(run->tracker, index);
	run_progress(run);
}

static int start_dns(struct deadmx_world_run *run,
		     const struct deadmx_world_options *options, FILE *errors)
{
	const char *bad = NULL;
	int rc = dns_zone_new(run->scenario, options->submit_host, &bad,
			      &run->zone);

	if (rc < 0) {
		fprintf(errors, "DNS: \"%s\" is no host or domain name\n",
			bad ? bad : "");
		return rc;
	}
	dns_zone_set_speed(run->zone, run->timeline.speed);
	run->shared.zone = run->zone;
	dns_zone_set_address(run->zone, options->dns_address);
	return dns_server_new(run->shared.loop, options->dns_address,
			      options->dns_port, run->zone, run_now, run,
			      run->shared.log, errors, &run->dns);
}

static bool has_tls(const struct deadmx_world *world)
{
	for (size_t i = 0; i < world->server_count; i++)
		if (world->servers[i].extensions &
		    1u << DEADMX_EXTENSION_STARTTLS)
			return true;
	return false;
}

/* What the MTA is given: the root to trust, and a certificate of its own. */
static int write_certificates(struct deadmx_world_run *run,
			      const struct deadmx_world_options *options,
			      FILE *errors)
{
	struct tls_cert_wish wish = {
		.names = (char *[]){(char *)options->mta_name},
		.name_count = 1,
		.until_unix_s = TLS_CERT_NEVER_UNIX_S,
	};
	struct tls_authority *a = run->shared.authority;
	const struct tls_cert *cert;
	int rc = tls_authority_write(a, options->ca_file);

	if (rc < 0)
		fprintf(errors, "%s: can't write the root certificate: %s\n",
			options->ca_file, strerror(-rc));
	if (rc < 0 || !options->mta_name)
		return rc;
	rc = tls_authority_issue(a, &wish, &cert);
	if (rc == 0)
		rc = tls_cert_write(cert, options->mta_cert_file,
				    options->mta_key_file);
	if (rc < 0)
		fprintf(errors,
			"%s, %s: can't write a certificate for %s: %s\n",
			options->mta_cert_file, options->mta_key_file,
			options->mta_name, strerror(-rc));
	return rc;
}

/* Certificates for those who ask, and a root that the MTA may trust. */
static int start_tls(struct deadmx_world_run *run,
		     const struct deadmx_world_options *options, FILE *errors)
{
	struct smtp_server_shared *shared = &run->shared;
	bool wanted =
		has_tls(&run->scenario->world) || options->submit_starttls;
	int rc;

	if (!options->ca_file && !wanted)
		return 0;
	rc = tls_authority_new(errors, &shared->authority);
	if (rc < 0)
		return rc;
	if (wanted)
		shared->tls = tls_context_new();
	if (wanted && !shared->tls) {
		fprintf(errors, "TLS: OpenSSL doesn't work here\n");
		return -EIO;
	}
	return options->ca_file ? write_certificates(run, options, errors) : 0;
}

static int start_servers(struct deadmx_world_run *run, FILE *errors)
{
	const struct deadmx_world *world = &run->scenario->world;
	int rc = 0;

	run->servers = calloc(world->server_count + 1, sizeof(*run->servers));
	assert(run->servers);
	/* All listen before any state is set: an address that is made
	 * unreachable can't be bound any more. */
	for (size_t i = 0; rc == 0 && i < world->server_count; i++) {
		rc = smtp_server_new(&run->shared, &world->servers[i], errors,
				     &run->servers[i]);
		if (rc == 0)
			run->server_count++;
	}
	for (size_t i = 0; rc == 0 && i < run->server_count; i++) {
		rc = smtp_server_restart(run->servers[i], false);
		if (rc < 0)
			fprintf(errors,
				"server %s: can't set the connect stage: %s\n",
				world->servers[i].name, strerror(-rc));
	}
	return rc;
}

static void start_sender(struct deadmx_world_run *run,
			 const struct deadmx_world_options *options)
{
	struct sender_options o = {
		.loop = run->shared.loop,
		.log = run->shared.log,
		.scenario = run->scenario,
		.submit_host = options->submit_host,
		.submit_port = options->submit_port,
		.submit_tls = options->submit_starttls ? run->shared.tls : NULL,
		.submit_user = options->submit_user,
		.submit_password = options->submit_password,
		.sendmail = options->sendmail,
		.now_ns = run_now,
		.wait_ns = run_wait,
		.on_injected = run_on_injected,
		.arg = run,
	};

	run->sender = sender_new(&o);
}

static void set_true(void *arg)
{
	*(bool *)arg = true;
}

/*
 * Descriptors for connections, so that the last ones are told of it by 421:
 * those of listeners, DNS and files are set aside.
 */
static size_t connections_max(void)
{
	const rlim_t others = 1000, max = SMTP_SERVER_CONNECTIONS_MAX;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 ||
	    files.rlim_cur >= max + others)
		return max;
	return files.rlim_cur > 2 * others ? files.rlim_cur - others
					   : files.rlim_cur / 2;
}

int deadmx_world_start(uv_loop_t *loop, const struct deadmx_scenario *scenario,
		       const struct deadmx_world_options *options,
		       struct deadmx_event_log *log, FILE *errors,
		       struct deadmx_world_run **ret)
{
	struct deadmx_world_run *run = calloc(1, sizeof(*run));
	bool closed = false;
	int rc;

	assert(run);
	/* A peer that is gone is an error of write(), not the world's end. */
	signal(SIGPIPE, SIG_IGN);
	run->scenario = scenario;
	timeline_start(&run->timeline, options->speed ? options->speed : 1);
	run->on_message = options->on_message;
	run->on_message_arg = options->arg;
	run->tracker = tracker_new(scenario);
	run->shared = (struct smtp_server_shared){
		.loop = loop,
		.log = log,
		.message_dir = options->message_dir,
		.manage_network = options->manage_network,
		.connections_max = connections_max(),
		.budget = SMTP_SERVER_BUDGET,
		.seed = scenario->world.seed,
		.replies = scenario->replies,
		.reply_count = scenario->reply_count,
		.expiry_ns = scenario->expiry_ns,
		.world = &scenario->world,
		.now_ns = run_now,
		.wait_ns = run_wait,
		.unix_s = run_unix_s,
		.on_message = run_on_message,
		.arg = run,
	};
	rc = start_tls(run, options, errors);
	start_sender(run, options); /* says STARTTLS, and is always closed */
	if (rc == 0)
		rc = start_dns(run, options, errors);
	if (rc == 0)
		rc = start_servers(run, errors);
	if (rc == 0) {
		*ret = run;
		return 0;
	}
	deadmx_world_close(run, set_true, &closed);
	while (!closed)
		uv_run(loop, UV_RUN_NOWAIT);
	return rc;
}

void deadmx_world_set_origin(struct deadmx_world_run *run)
{
	timeline_start(&run->timeline, run->timeline.speed);
	dns_zone_restart(run->zone);
	for (size_t i = 0; i < run->server_count; i++)
		smtp_server_restart(run->servers[i], true);
}

void deadmx_world_inject(struct deadmx_world_run *run)
{
	sender_start(run->sender);
}

void deadmx_world_on_progress(struct deadmx_world_run *run,
			      void (*cb)(void *arg), void *arg)
{
	run->progress_cb = cb;
	run->progress_arg = arg;
}

size_t deadmx_world_open_count(const struct deadmx_world_run *run)
{
	return tracker_open_count(run->tracker);
}

/* By hand. */

static struct smtp_server *run_server(const struct deadmx_world_run *run,
				      size_t server)
{
	assert(server < run->server_count);
	return run->servers[server];
}

int deadmx_world_set_rows(struct deadmx_world_run *run, size_t server,
			  const char *text, size_t len, FILE *errors)
{
	if (len > DEADMX_WORLD_ROWS_BYTES_MAX) {
		fprintf(errors, "rows, expected at most %d bytes, got %zu\n",
			DEADMX_WORLD_ROWS_BYTES_MAX, len);
		return -EINVAL;
	}
	return smtp_server_override(run_server(run, server), text, len, errors);
}

int deadmx_world_clear_rows(struct deadmx_world_run *run, size_t server)
{
	return smtp_server_override_clear(run_server(run, server));
}

size_t deadmx_world_rows(const struct deadmx_world_run *run, size_t server,
			 struct deadmx_world_row *rows, size_t max)
{
	return smtp_server_rows(run_server(run, server), rows, max);
}

size_t deadmx_world_connections(const struct deadmx_world_run *run,
				size_t server)
{
	return smtp_server_open_sessions(run_server(run, server));
}

void deadmx_world_disconnect(struct deadmx_world_run *run, size_t server)
{
	smtp_server_disconnect(run_server(run, server));
}

/* All that waits for a time of the timeline counts anew. */
static void run_retime(struct deadmx_world_run *run)
{
	for (size_t i = 0; i < run->server_count; i++)
		smtp_server_retime(run->servers[i]);
	sender_retime(run->sender);
}

void deadmx_world_set_speed(struct deadmx_world_run *run, int64_t speed)
{
	timeline_set_speed(&run->timeline, speed);
	dns_zone_set_speed(run->zone, speed);
	run_retime(run);
}

int64_t deadmx_world_speed(const struct deadmx_world_run *run)
{
	return run->timeline.speed;
}

int deadmx_world_jump(struct deadmx_world_run *run, int64_t to_ns)
{
	if (to_ns < timeline_now_ns(&run->timeline))
		return -ERANGE;
	timeline_jump(&run->timeline, to_ns);
	run_retime(run);
	return 0;
}

static void part_closed(void *arg)
{
	struct deadmx_world_run *run = arg;

	if (--run->parts)
		return;
	tls_context_free(run->shared.tls);
	tls_authority_free(run->shared.authority);
	dns_zone_free(run->zone);
	tracker_free(run->tracker);
	free(run->servers);
	if (run->close_cb)
		run->close_cb(run->close_arg);
	free(run);
}

void deadmx_world_close(struct deadmx_world_run *run, void (*cb)(void *arg),
			void *arg)
{
	run->close_cb = cb;
	run->close_arg = arg;
	run->progress_cb = NULL;
	run->parts = run->server_count + (run->dns != NULL) + 1;
	for (size_t i = 0; i < run->server_count; i++)
		smtp_server_close(run->servers[i], part_closed, run);
	if (run->dns)
		dns_server_close(run->dns, part_closed, run);
	sender_close(run->sender, part_closed, run);
}
