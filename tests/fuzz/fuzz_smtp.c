/* SPDX-License-Identifier: MIT */
/*
 * An SMTP session, message data and BDAT chunks included. The first byte says
 * which of the servers below it is; the rest is what the client sends. Each
 * line comes a minute after the one before it.
 */
#include "fuzz.h"

#include "sim/fault.h"
#include "sim/policy.h"
#include "sim/smtp_session.h"

static const char world[] =
	"description: servers of all kinds\n"
	"world:\n"
	"  servers:\n"
	"    mx0.dest.example:\n"
	"    mx1.dest.example: {extensions: none}\n"
	"    mx2.dest.example: {extensions: [AUTH, CHUNKING, STARTTLS, DSN]}\n"
	"    mx3.dest.example: {size: 100, greylist: {delay: 5m}}\n"
	"    mx4.dest.example:\n"
	"      timeline:\n"
	"        - {rcpt: 451 4.7.1 Later, recipient: /b/, probability: 30%}\n"
	"        - {mail: {stall: 5m}, times: 1}\n"
	"        - {dot: {stall: 5m, then: drop}, every: 10m, for: 1m}\n"
	"        - {ehlo: drip 1s, first: 1}\n"
	"        - {data: garbage, times: 1}\n"
	"        - {body: {drop_after: 50}, from: 20m}\n"
	"    mx5.dest.example:\n"
	"      timeline:\n"
	"        - {banner: long_line, times: 1}\n"
	"        - {ehlo: mixed_codes, times: 1}\n"
	"        - {mail: {raw: \"250-x\\r\\n250 y\\r\\n\"}, times: 1}\n"
	"        - {rcpt: {reset_after: 5}, from: 10m}\n"
	"        - {data: bare_lf}\n"
	"        - {dot: wrong_code}\n"
	"        - {quit: half_open}\n"
	"    mx6.dest.example:\n"
	"      timeline:\n"
	"        - {body: 451 4.3.0 Enough}\n"
	"        - {rset: 421 4.3.0 Closing, times: 1}\n"
	"        - {starttls: 454 4.7.0 No}\n"
	"    mx7.dest.example:\n"
	"      timeline:\n"
	"        - {body: stop_reading, from: 10m}\n"
	"        - {rcpt: {reply: '550 5.1.1 {client} {host}', close: yes},\n"
	"           attempt: 3}\n"
	"mail: {from: alice@sender.example, to: bob@dest.example}\n"
	"expect: {}\n";

enum { SERVERS = 8, BUDGET = 1 << 20 };

struct fuzz {
	struct fault_table faults;
	struct policy policy;
	int64_t now_ns;
	bool is_waiting; /* a stall or a drip that ends */
};

static const struct deadmx_fault *on_fault_at(void *arg,
					      struct fault_context *context)
{
	struct fuzz *f = arg;
	const struct deadmx_fault *fault;

	context->now_ns = f->now_ns;
	context->ip = "192.0.2.1";
	fault = fault_take(&f->faults, context);
	return fault ? fault : policy_refuses(&f->policy, context);
}

static uint32_t on_attempt(void *arg, const char *sender, const char *recipient)
{
	struct fuzz *f = arg;

	return fault_attempt(&f->faults, sender, recipient, 0);
}

static void on_send(void *arg, const char *text, size_t len)
{
	assert(memchr(text, '\n', len) || len); /* reads both ends of it */
}

static void on_drip(void *arg, const char *text, size_t len, int64_t byte_ns)
{
	((struct fuzz *)arg)->is_waiting = true;
}

static void on_stall(void *arg, int64_t ns)
{
	((struct fuzz *)arg)->is_waiting = true;
}

static void on_close(void *arg, bool reset)
{
}

static void on_nothing(void *arg)
{
}

static void on_message(void *arg, const struct smtp_envelope *e,
		       const char *data, size_t len, bool acknowledged)
{
	assert(e->to_count > 0 && strlen(e->from) < SMTP_LINE_MAX);
	assert(len <= SMTP_MESSAGE_BYTES_MAX);
}

static void on_command(void *arg, const char *line, size_t len)
{
}

static void on_reply(void *arg, int stage, const char *text)
{
	assert(strlen(text) > 0);
}

static void on_fault(void *arg, const struct deadmx_fault *fault,
		     const char *reply)
{
}

static const struct smtp_session_ops ops = {
	.fault_at = on_fault_at,
	.attempt = on_attempt,
	.send = on_send,
	.drip = on_drip,
	.stall = on_stall,
	.close = on_close,
	.start_tls = on_nothing,
	.pull = on_nothing,
	.stop_reading = on_nothing,
	.message = on_message,
	.on_command = on_command,
	.on_reply = on_reply,
	.on_fault = on_fault,
};

/* As a connection does: chunks as bytes, all else as lines. */
static size_t feed(struct fuzz *f, struct smtp_session *s, const char *bytes,
		   size_t len)
{
	uint64_t chunk = smtp_session_chunk(s);
	const char *end = memchr(bytes, '\n', len);
	size_t line = end ? (size_t)(end - bytes) : len;

	f->now_ns += 60 * DEADMX_NS_PER_S;
	if (chunk) {
		if (len > chunk)
			len = (size_t)chunk;
		smtp_session_bytes(s, bytes, len);
		return len;
	}
	if (line > SMTP_LINE_MAX)
		line = SMTP_LINE_MAX;
	if (!end || (size_t)(end - bytes) > line) {
		smtp_session_line(s, bytes, line, SMTP_LINE_MORE);
		return line;
	}
	if (line && bytes[line - 1] == '\r')
		smtp_session_line(s, bytes, line - 1, SMTP_LINE_CRLF);
	else
		smtp_session_line(s, bytes, line, SMTP_LINE_LF);
	return (size_t)(end - bytes) + 1;
}

static void resume(struct fuzz *f, struct smtp_session *s)
{
	while (smtp_session_held(s) && f->is_waiting) {
		f->is_waiting = false;
		smtp_session_resume(s);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct deadmx_scenario *scenario;
	const struct deadmx_server *server;
	struct smtp_session *s;
	struct fuzz f = {0};
	size_t budget = BUDGET;

	if (!scenario) {
		int rc = deadmx_scenario_parse("world.yml", world,
					       sizeof(world) - 1, stderr,
					       &scenario);

		assert(rc == 0 && scenario->world.server_count >= SERVERS);
	}
	if (!size)
		return 0;
	server = &scenario->world.servers[data[0] % SERVERS];
	assert(fault_table_init(&f.faults, server, 0) == 0);
	assert(policy_init(&f.policy, server) == 0);
	s = smtp_session_new(server, &ops, &f, &budget);
	assert(s);
	smtp_session_set_client(s, "192.0.2.1");
	smtp_session_start(s);
	resume(&f, s);
	for (size_t at = 1; at < size && !smtp_session_held(s);) {
		at += feed(&f, s, (const char *)data + at, size - at);
		resume(&f, s);
	}
	smtp_session_free(s);
	assert(budget == BUDGET); /* all of it was given back */
	fault_table_release(&f.faults);
	policy_release(&f.policy);
	return 0;
}
