/* SPDX-License-Identifier: MIT */
/*
 * A run folder made by hand, line by line, for the tests of the judge: one at
 * a time, in a temporary folder that stored_end() takes away.
 */
#ifndef TESTS_UNIT_STORED_RUN_H
#define TESTS_UNIT_STORED_RUN_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deadmx/scenario.h"
#include "harness/judge/judge.h"
#include "harness/target.h"

#define MINUTE 60.0
#define HOUR   3600.0
#define DAY    86400.0

#define BOB	    "bob@dest.example"
#define ALICE	    "alice@sender.example"
#define MX1	    "mx1.dest.example"
#define MX1_ADDRESS "192.0.2.10"
#define SENDER_MX   "mx.sender.example"

/* One server that refuses for ever, one mail; line 11 is `expect`. */
#define STORED_WORLD(timeline)                                                 \
	"description: test\n"                                                  \
	"world:\n"                                                             \
	"  until: 6d\n"                                                        \
	"  servers:\n"                                                         \
	"    " MX1 ":\n"                                                       \
	"      timeline: [" timeline "]\n"
#define STORED_MAIL                                                            \
	"mail:\n"                                                              \
	"  from: " ALICE "\n"                                                  \
	"  to: " BOB "\n"
#define STORED_REFUSED STORED_WORLD("{connect: refuse}") STORED_MAIL

static struct stored_run {
	char dir[64];
	FILE *events;
	int seq, sessions, messages;
	struct deadmx_scenario *scenario;
	struct target target;
	struct verdict v;
} run;

static inline void stored_begin(const char *yaml)
{
	char path[128];

	snprintf(run.dir, sizeof(run.dir), "/tmp/deadmx-test-XXXXXX");
	assert_non_null(mkdtemp(run.dir));
	assert_int_equal(deadmx_scenario_parse("offline/t.yml", yaml,
					       strlen(yaml), stderr,
					       &run.scenario),
			 0);
	snprintf(path, sizeof(path), "%s/events.ndjson", run.dir);
	run.events = fopen(path, "we");
	assert_non_null(run.events);
	run.target.name = (char *)"postfix";
	run.target.queue_empty = (char *)"^Mail queue is empty";
	run.target.documented.expires_after_ns = 5 * 86400 * DEADMX_NS_PER_S;
	run.target.documented.expires_slack_ns = 7200 * DEADMX_NS_PER_S;
	run.target.documented.status_rule = TARGET_STATUS_LAST_ATTEMPT;
}

static inline int stored_end(void **state)
{
	struct dirent *entry;
	DIR *dir = opendir(run.dir);

	if (run.events)
		fclose(run.events);
	verdict_release(&run.v);
	deadmx_scenario_free(run.scenario);
	while (dir && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(run.dir);
	memset(&run, 0, sizeof(run));
	return 0;
}

/* One event; @format: its members, as JSON without the braces. */
static inline void __attribute__((format(printf, 3, 4)))
ev(double t, const char *type, const char *format, ...)
{
	va_list ap;

	fprintf(run.events, "{\"seq\":%d,\"t\":%.6f,\"type\":\"%s\"%s",
		++run.seq, t, type, *format ? "," : "");
	va_start(ap, format);
	vfprintf(run.events, format, ap);
	va_end(ap);
	fputs("}\n", run.events);
}

static inline void phase(double t, const char *name)
{
	ev(t, "phase", "\"name\":\"%s\"", name);
}

/* Accepted at @t, under way since @sent. */
static inline void inject_sent(double t, double sent, const char *from,
			       const char *to)
{
	ev(t, "inject",
	   "\"mail\":0,\"from\":\"%s\",\"to\":[\"%s\"],\"via\":\"smtp\","
	   "\"status\":\"accepted\",\"reply\":\"250 2.0.0 Ok\",\"sent\":%f",
	   from, to, sent);
}

static inline void inject(double t, const char *from, const char *to)
{
	inject_sent(t, 0, from, to);
}

static inline void state(double t, const char *server, const char *action)
{
	if (action)
		ev(t, "state",
		   "\"server\":\"%s\",\"stage\":\"connect\","
		   "\"action\":\"%s\",\"line\":6",
		   server, action);
	else
		ev(t, "state",
		   "\"server\":\"%s\",\"stage\":\"connect\","
		   "\"action\":null,\"line\":null",
		   server);
}

static inline void connect_to(double t, const char *address)
{
	ev(t, "connect", "\"address\":\"%s\",\"port\":25,\"pid\":7", address);
}

/* An accepted connection; returns its session. */
static inline int accepted(double t, const char *server, const char *address)
{
	ev(t, "accept",
	   "\"session\":%d,\"server\":\"%s\",\"address\":\"%s\",\"port\":25,"
	   "\"peer\":\"127.0.0.1\"",
	   ++run.sessions, server, address);
	return run.sessions;
}

static inline void command(double t, int session, const char *line)
{
	ev(t, "command",
	   "\"session\":%d,\"server\":\"" MX1 "\","
	   "\"line\":\"%s\"",
	   session, line);
}

static inline void reply(double t, int session, const char *stage,
			 const char *text)
{
	ev(t, "reply",
	   "\"session\":%d,\"server\":\"" MX1 "\","
	   "\"stage\":\"%s\",\"text\":\"%s\"",
	   session, stage, text);
}

/* @text: the reply with its quotes, or null. */
static inline void fault(double t, int session, const char *stage,
			 const char *action, const char *text)
{
	ev(t, "fault",
	   "\"session\":%d,\"server\":\"" MX1 "\","
	   "\"stage\":\"%s\",\"action\":\"%s\",\"reply\":%s,\"line\":6",
	   session, stage, action, text);
}

static inline void message(double t, const char *server, const char *from,
			   const char *to, const char *more)
{
	ev(t, "message",
	   "\"session\":99,\"server\":\"%s\",\"from\":\"%s\","
	   "\"to\":[\"%s\"],\"file\":\"msg-%d.eml\",\"bytes\":1%s",
	   server, from, to, run.messages, more);
}

/* Write the file of the next message. */
static inline void message_file(const char *text)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/msg-%d.eml", run.dir, ++run.messages);
	out = fopen(path, "we");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

/* A sound bounce about @recipient, from @from to @to. */
static inline void bounce_from(double t, const char *from, const char *to,
			       const char *recipient, const char *action,
			       const char *status)
{
	char *text = NULL;

	assert_true(asprintf(&text,
			     "From: MAILER-DAEMON@mta.example\n"
			     "To: %s\nMIME-Version: 1.0\n"
			     "Date: Tue, 01 Jan 2030 00:00:00 +0000\n"
			     "Message-ID: <1@mta.example>\n"
			     "Content-Type: multipart/report;\n"
			     " report-type=delivery-status; boundary=b\n\n"
			     "--b\n\nI'm sorry about\n%s.\n"
			     "--b\nContent-Type: message/delivery-status\n\n"
			     "Reporting-MTA: dns; mta.example\n\n"
			     "Final-Recipient: rfc822; %s\n"
			     "Action: %s\nStatus: %s\n"
			     "Diagnostic-Code: smtp; 451 try later\n\n"
			     "--b\nContent-Type: text/rfc822-headers\n\n"
			     "Subject: x\n\n--b--\n",
			     to, recipient, recipient, action, status) > 0);
	message_file(text);
	free(text);
	message(t, SENDER_MX, from, to, "");
}

static inline void bounce(double t, const char *action, const char *status)
{
	bounce_from(t, "", ALICE, BOB, action, status);
}

static inline void run_begin(void)
{
	ev(-9, "run",
	   "\"scenario\":\"offline/t\",\"target\":\"postfix\","
	   "\"target_version\":\"3.7.11\",\"start_unix_s\":1893456000,"
	   "\"deadmx\":\"0\"");
	phase(-1, "ready");
	phase(0, "inject");
}

static inline void run_finish(double t, const char *queue)
{
	ev(t, "queue", "\"text\":\"%s\"", queue);
	phase(t, "stop");
	ev(t, "target", "\"what\":\"exit\",\"status\":0,\"text\":\"\"");
	phase(t, "end");
	ev(t, "stats",
	   "\"jumps\":1,\"stops\":2,\"host_s\":1.5,\"virtual_s\":%f,"
	   "\"rss_kib\":3",
	   t);
}

#define QUEUE_EMPTY "Mail queue is empty"

/* Attempts of a Postfix against a dead host, up to @until. */
static inline void refused_attempts(double until)
{
	static const double first[] = {0, 10, 20, 40, 80, 150, 220};
	double t = 0;

	for (size_t i = 0; i < 7 && first[i] * MINUTE <= until; i++) {
		t = first[i] * MINUTE;
		connect_to(t, MX1_ADDRESS);
	}
	for (t += 70 * MINUTE; t <= until; t += 70 * MINUTE)
		connect_to(t, MX1_ADDRESS);
}

static inline void stored_judge(void)
{
	fclose(run.events);
	run.events = NULL;
	assert_int_equal(
		judge_run(run.scenario, &run.target, run.dir, stderr, &run.v),
		0);
}

static inline const struct finding *finding_of(const char *id)
{
	for (size_t i = 0; i < run.v.finding_count; i++)
		if (strcmp(run.v.findings[i].id, id) == 0)
			return &run.v.findings[i];
	return NULL;
}

/* Exactly the findings @ids (NULL-terminated, in any order), and @kind. */
static inline void check_findings(enum verdict_kind kind, ...)
{
	const char *id;
	size_t count = 0;
	va_list ap;

	for (size_t i = 0; i < run.v.finding_count; i++)
		print_message("  %s: %s | %s\n", run.v.findings[i].id,
			      run.v.findings[i].expected
				      ? run.v.findings[i].expected
				      : "",
			      run.v.findings[i].observed);
	va_start(ap, kind);
	for (; (id = va_arg(ap, const char *)) != NULL; count++)
		if (!finding_of(id))
			fail_msg("no finding %s", id);
	va_end(ap);
	assert_int_equal(run.v.finding_count, count);
	assert_int_equal(run.v.kind, kind);
}

#define TEST(name) cmocka_unit_test_teardown(name, stored_end)

#endif
