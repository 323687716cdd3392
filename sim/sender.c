/* SPDX-License-Identifier: MIT */
/* The senders: see sender.h. */
#include "sim/sender.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/message.h"
#include "sim/sendmail.h"
#include "sim/sim_timer.h"
#include "sim/smtp_inject.h"

/* One mail being handed over. */
struct job {
	struct sender *sender;
	size_t index;
	bool is_sent;
	int64_t sent_ns; /* from then on the MTA may have tried */
	char *data;
	struct smtp_inject *smtp; /* or */
	struct sendmail *sendmail;
};

struct sender {
	struct sender_options options;
	struct smtp_inject_way submit;
	uv_timer_t timer;
	size_t *order;	 /* mails by time, those of one time in file order */
	int64_t *due_ns; /* of each mail: its time, or that of the next try */
	size_t next;	 /* in order */
	struct job *jobs[SENDER_PARALLEL_MAX];
	size_t job_count;
	bool closing, timer_closed;
	void (*close_cb)(void *arg);
	void *close_arg;
};

/* clang-format off */
static const char *inject_word(enum inject_status status)
{
	static const char *const words[] = {
#define XX(uc, word) [INJECT_##uc] = word,
		INJECT_STATUS_MAP(XX)
#undef XX
	};

	return words[status];
}
/* clang-format on */

static void sender_closed(struct sender *s)
{
	if (!s->timer_closed || s->job_count)
		return;
	if (s->close_cb)
		s->close_cb(s->close_arg);
	free(s->order);
	free(s->due_ns);
	free(s);
}

/* @job NULL: nobody was there to take it. */
static void sender_log(struct sender *s, size_t index, const struct job *job,
		       enum inject_status status, const char *reply,
		       struct inject_offers offers, bool again)
{
	const struct deadmx_mail *m = &s->options.scenario->mails[index];
	json_t *to = json_array(), *event;

	for (size_t i = 0; i < m->to_count; i++)
		json_array_append_new(
			to, deadmx_event_text(m->to[i], strlen(m->to[i])));
	event = json_pack(
		"{s:I,s:o,s:o,s:s,s:s,s:o,s:b}", "mail", (json_int_t)index,
		"from", deadmx_event_text(m->from, strlen(m->from)), "to", to,
		"via", m->via_sendmail ? "sendmail" : "smtp", "status",
		inject_word(status), "reply",
		*reply ? deadmx_event_text(reply, strlen(reply)) : json_null(),
		"dsn", offers.dsn);
	if (offers.deliverby)
		json_object_set_new(event, "deliverby", json_true());
	if (again)
		json_object_set_new(event, "again", json_true());
	if (job && job->is_sent)
		json_object_set_new(event, "sent",
				    json_real((double)job->sent_ns / 1e9));
	deadmx_event_emit(s->options.log, DEADMX_EVENT_INJECT, event);
}

/*
 * A sender that tries again does so unless the MTA says no for good (RFC 5321
 * 4.2.1). A command has no such word: what its exit status means differs.
 */
static bool sender_retries(const struct deadmx_mail *mail,
			   enum inject_status status, const char *reply)
{
	if (!mail->retry_ns || status == INJECT_ACCEPTED)
		return false;
	return status != INJECT_REJECTED || mail->via_sendmail || *reply != '5';
}

/* Put mail @index, which has left the order, back in at its next time. */
static void sender_put_back(struct sender *s, size_t index)
{
	size_t at;

	assert(s->next);
	s->due_ns[index] = s->options.now_ns(s->options.arg) +
			   s->options.scenario->mails[index].retry_ns;
	for (at = --s->next; at + 1 < s->options.scenario->mail_count &&
			     s->due_ns[s->order[at + 1]] <= s->due_ns[index];
	     at++)
		s->order[at] = s->order[at + 1];
	s->order[at] = index;
}

static void job_on_sent(void *arg)
{
	struct job *job = arg;

	job->is_sent = true;
	job->sent_ns = job->sender->options.now_ns(job->sender->options.arg);
}

static void job_on_result(void *arg, enum inject_status status,
			  const char *reply, struct inject_offers offers)
{
	struct job *job = arg;
	struct sender *s = job->sender;
	bool again;

	if (s->closing)
		return;
	again = sender_retries(&s->options.scenario->mails[job->index], status,
			       reply);
	sender_log(s, job->index, job, status, reply, offers, again);
	if (again)
		sender_put_back(s, job->index); /* as it closes, time is set */
	else if (s->options.on_injected)
		s->options.on_injected(s->options.arg, job->index, status);
}

static void sender_go_on(struct sender *s);

static void job_on_closed(void *arg)
{
	struct job *job = arg;
	struct sender *s = job->sender;

	for (size_t i = 0; i < s->job_count; i++)
		if (s->jobs[i] == job)
			s->jobs[i] = s->jobs[--s->job_count];
	free(job->data);
	free(job);
	if (s->closing)
		sender_closed(s);
	else
		sender_go_on(s);
}

static void sender_inject(struct sender *s, size_t index)
{
	const struct sender_options *o = &s->options;
	const struct deadmx_mail *mail = &o->scenario->mails[index];
	struct inject inject = {.mail = mail,
				.on_sent = job_on_sent,
				.on_result = job_on_result,
				.on_closed = job_on_closed};
	struct job *job;

	if (mail->via_sendmail && !o->sendmail) {
		sender_log(s, index, NULL, INJECT_FAILED,
			   "the target has no sendmail command",
			   (struct inject_offers){0}, false);
		if (o->on_injected)
			o->on_injected(o->arg, index, INJECT_FAILED);
		return;
	}
	job = calloc(1, sizeof(*job));
	assert(job);
	job->sender = s;
	job->index = index;
	job->data = message_format(mail, index,
				   o->scenario->world.start_unix_s +
					   o->now_ns(o->arg) / DEADMX_NS_PER_S,
				   &inject.len);
	inject.data = job->data;
	inject.arg = job;
	s->jobs[s->job_count++] = job;
	if (mail->via_sendmail) {
		job_on_sent(job); /* it reads, and does, what it likes */
		job->sendmail = sendmail_new(o->loop, o->sendmail, &inject);
	} else {
		job->smtp = smtp_inject_new(o->loop, &s->submit, &inject);
	}
}

static void sender_on_timer(uv_timer_t *timer)
{
	sender_go_on(timer->data);
}

/* Start what is due, then wait for the next time or the next free place. */
static void sender_go_on(struct sender *s)
{
	const struct deadmx_scenario *scenario = s->options.scenario;

	while (s->next < scenario->mail_count &&
	       s->job_count < SENDER_PARALLEL_MAX) {
		size_t index = s->order[s->next];
		int64_t at = s->due_ns[index];
		int64_t wait = at - s->options.now_ns(s->options.arg);

		if (wait > 0) {
			if (s->options.wait_ns)
				wait = s->options.wait_ns(s->options.arg, at);
			sim_timer_start(&s->timer, sender_on_timer, wait);
			return;
		}
		s->next++;
		sender_inject(s, index);
	}
}

void sender_retime(struct sender *s)
{
	if (uv_is_active((const uv_handle_t *)&s->timer))
		sim_timer_start(&s->timer, sender_on_timer, 0);
}

void sender_start(struct sender *s)
{
	sim_timer_start(&s->timer, sender_on_timer, 0);
}

/* Insertion sort: stable, and the file is nearly in order already. */
static void sort_by_time(size_t *order, const struct deadmx_scenario *scenario)
{
	for (size_t i = 0; i < scenario->mail_count; i++) {
		size_t at = i;

		while (at && scenario->mails[order[at - 1]].at_ns >
				     scenario->mails[i].at_ns) {
			order[at] = order[at - 1];
			at--;
		}
		order[at] = i;
	}
}

struct sender *sender_new(const struct sender_options *options)
{
	struct sender *s = calloc(1, sizeof(*s));

	assert(s);
	s->options = *options;
	s->order = calloc(options->scenario->mail_count + 1, sizeof(*s->order));
	s->due_ns =
		calloc(options->scenario->mail_count + 1, sizeof(*s->due_ns));
	assert(s->order && s->due_ns);
	for (size_t i = 0; i < options->scenario->mail_count; i++)
		s->due_ns[i] = options->scenario->mails[i].at_ns;
	sort_by_time(s->order, options->scenario);
	if (!options->submit_host ||
	    uv_ip4_addr(options->submit_host, options->submit_port,
			&s->submit.address) < 0)
		uv_ip4_addr("127.0.0.1", options->submit_port,
			    &s->submit.address);
	s->submit.tls = options->submit_tls;
	s->submit.user = options->submit_user;
	s->submit.password = options->submit_password;
	s->timer.data = s;
	uv_timer_init(options->loop, &s->timer);
	return s;
}

static void timer_closed(uv_handle_t *handle)
{
	struct sender *s = handle->data;

	s->timer_closed = true;
	sender_closed(s);
}

void sender_close(struct sender *s, void (*cb)(void *arg), void *arg)
{
	s->closing = true;
	s->close_cb = cb;
	s->close_arg = arg;
	for (size_t i = 0; i < s->job_count; i++) {
		if (s->jobs[i]->smtp)
			smtp_inject_close(s->jobs[i]->smtp);
		else
			sendmail_close(s->jobs[i]->sendmail);
	}
	uv_close((uv_handle_t *)&s->timer, timer_closed);
}
