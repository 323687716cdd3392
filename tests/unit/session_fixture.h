/* SPDX-License-Identifier: MIT */
/*
 * What the tests of an SMTP session share: lines in, a transcript out.
 */
#ifndef TESTS_UNIT_SESSION_FIXTURE_H
#define TESTS_UNIT_SESSION_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/fault.h"
#include "sim/policy.h"
#include "sim/smtp_session.h"

#define OFFERS(x)   (1u << DEADMX_EXTENSION_##x)
#define unused_func __attribute__((unused))

/*
 * The transcript: replies as sent; "<stall 5>", "<drip 2:text>", "<fin>",
 * "<rst>", "<tls>", "<pull>", "<stop>", "<slow 5>", "<fault stage action
 * reply>" and
 * "<message from to,… len ack>" for the rest.
 */
struct fixture {
	struct deadmx_server server;
	struct deadmx_fault rows[4];
	struct fault_table faults;
	struct policy policy;
	struct smtp_session *session;
	size_t budget, budget_given;
	int64_t now_ns;
	char out[32768];
	size_t used;
	char data[256];
	int faults_seen;
	size_t sent;	   /* bytes of the last reply */
	char command[256]; /* the last one logged */
	char reply[16384];
};

__attribute__((format(printf, 2, 3))) static void put(struct fixture *f,
						      const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	f->used += (size_t)vsnprintf(f->out + f->used, sizeof(f->out) - f->used,
				     format, ap);
	va_end(ap);
	assert_true(f->used < sizeof(f->out));
}

static const struct deadmx_fault *on_fault_at(void *arg,
					      struct fault_context *context)
{
	struct fixture *f = arg;
	const struct deadmx_fault *fault;

	context->now_ns = f->now_ns;
	context->ip = "192.0.2.1";
	fault = fault_take(&f->faults, context);
	return fault ? fault : policy_refuses(&f->policy, context);
}

static uint32_t on_attempt(void *arg, const char *sender, const char *recipient)
{
	struct fixture *f = arg;

	return fault_attempt(&f->faults, sender, recipient, 0);
}

static void on_send(void *arg, const char *text, size_t len)
{
	struct fixture *f = arg;

	f->sent = len;
	put(arg, "%.*s", (int)len, text);
}

static void on_drip(void *arg, const char *text, size_t len, int64_t byte_ns)
{
	put(arg, "<drip %d:%.*s>", (int)byte_ns, (int)len, text);
}

static void on_stall(void *arg, int64_t ns)
{
	put(arg, "<stall %d>", (int)ns);
}

static void on_close(void *arg, bool reset)
{
	put(arg, reset ? "<rst>" : "<fin>");
}

static void on_start_tls(void *arg)
{
	put(arg, "<tls>");
}

static void on_pull(void *arg)
{
	put(arg, "<pull>");
}

static void on_stop_reading(void *arg)
{
	put(arg, "<stop>");
}

static void on_slow(void *arg, int64_t ns)
{
	put(arg, "<slow %d>", (int)ns);
}

static void on_message(void *arg, const struct smtp_envelope *e,
		       const char *data, size_t len, bool acknowledged)
{
	struct fixture *f = arg;

	put(f, "<message %s ", e->from);
	for (size_t i = 0; i < e->to_count; i++)
		put(f, "%s,", e->to[i]);
	put(f, " %zu %s>", len, acknowledged ? "ack" : "no ack");
	snprintf(f->data, sizeof(f->data), "%.*s", (int)len, data ? data : "");
}

static void on_command(void *arg, const char *line, size_t len)
{
	struct fixture *f = arg;

	snprintf(f->command, sizeof(f->command), "%.*s", (int)len, line);
}

static void on_reply(void *arg, int stage, const char *text)
{
	struct fixture *f = arg;

	snprintf(f->reply, sizeof(f->reply), "%s %s",
		 stage < 0 ? "-" : deadmx_stage_word((enum deadmx_stage)stage),
		 text);
}

static void on_fault(void *arg, const struct deadmx_fault *fault,
		     const char *reply)
{
	((struct fixture *)arg)->faults_seen++;
	put(arg, "<fault %s %s%s%s>", deadmx_stage_word(fault->stage),
	    deadmx_action_word(fault->action), reply ? " " : "",
	    reply ? reply : "");
}

static const struct smtp_session_ops ops = {
	.fault_at = on_fault_at,
	.attempt = on_attempt,
	.send = on_send,
	.drip = on_drip,
	.stall = on_stall,
	.close = on_close,
	.start_tls = on_start_tls,
	.pull = on_pull,
	.stop_reading = on_stop_reading,
	.slow = on_slow,
	.message = on_message,
	.on_command = on_command,
	.on_reply = on_reply,
	.on_fault = on_fault,
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->server = (struct deadmx_server){
		.name = strdup("mx"),
		.address = strdup("192.0.2.10"),
		.faults = f->rows,
		.extensions = OFFERS(PIPELINING) | OFFERS(EIGHTBITMIME) |
			      OFFERS(SIZE) | OFFERS(DSN),
	};
	f->budget = SMTP_MESSAGE_BYTES_MAX * 2;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	smtp_session_free(f->session);
	/* Whatever was stored has been given back. */
	assert_int_equal(f->budget, f->budget_given);
	fault_table_release(&f->faults);
	policy_release(&f->policy);
	free(f->server.name);
	free(f->server.address);
	free(f);
	return 0;
}

static unused_func void add_fault(struct fixture *f, struct deadmx_fault fault)
{
	fault.window.until_ns = DEADMX_FOREVER_NS;
	f->rows[f->server.fault_count++] = fault;
}

/* The only fault there is. */
static unused_func void set_fault(struct fixture *f, struct deadmx_fault fault)
{
	f->server.fault_count = 0;
	add_fault(f, fault);
}

static void begin(struct fixture *f)
{
	fault_table_release(&f->faults);
	policy_release(&f->policy);
	assert_int_equal(fault_table_init(&f->faults, &f->server, 0), 0);
	assert_int_equal(policy_init(&f->policy, &f->server), 0);
	smtp_session_free(f->session);
	f->budget_given = f->budget;
	f->used = 0;
	f->session = smtp_session_new(&f->server, &ops, f, &f->budget);
	smtp_session_start(f->session);
}

/* Feed lines split by \n and compare what comes back with @want. */
static unused_func void talk(struct fixture *f, const char *lines,
			     const char *want)
{
	f->used = 0;
	f->out[0] = '\0';
	while (*lines) {
		size_t len = strcspn(lines, "\n");

		smtp_session_line(f->session, lines, len, SMTP_LINE_CRLF);
		lines += len + (lines[len] == '\n');
	}
	assert_string_equal(f->out, want);
}

static unused_func void envelope(struct fixture *f)
{
	begin(f);
	talk(f, "EHLO me\nMAIL FROM:<a@b>\nRCPT TO:<c@d>",
	     "250-mx\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
	     "250-SIZE 10485760\r\n250 DSN\r\n"
	     "250 Sender ok\r\n250 Recipient ok\r\n");
}

/* The hold is over: what comes then? */
static unused_func void resume(struct fixture *f, const char *want)
{
	assert_true(smtp_session_held(f->session));
	f->used = 0;
	f->out[0] = '\0';
	smtp_session_resume(f->session);
	assert_string_equal(f->out, want);
}

#endif
