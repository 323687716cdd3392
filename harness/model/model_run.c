/* SPDX-License-Identifier: MIT */
/* The model MTA at work: see model_run.h. */
#include "harness/model/model_run.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>

#include "harness/model/model_ndr.h"
#include "harness/model/model_smtp.h"

enum {
	MINUTE_MS = 60 * 1000,
	HOUR_MS = 60 * MINUTE_MS,
	GIVES_UP_AFTER = 5, /* attempts of the mutant that counts */
	LOSES_AFTER = 3,
	HELD_MS = MINUTE_MS, /* an attempt waits when too many are under way */
};

struct model_run {
	uv_loop_t *loop;
	const struct model_config *config;
	struct model_queue queue;
	uv_timer_t timer;
	int open_jobs;
	bool is_stopping;
};

struct work {
	uv_work_t req;
	struct model_run *run;
	struct model_message *m;
	struct model_job *job;
};

static void run_plan(struct model_run *run);

/* When. */

static int64_t lifetime_ms(const struct model_config *config)
{
	if (model_is(config, MODEL_MUTANT_EXPIRES_EARLY))
		return config->lifetime_ms / 2;
	if (model_is(config, MODEL_MUTANT_EXPIRES_LATE))
		return config->lifetime_ms * 2;
	return config->lifetime_ms;
}

static bool never_expires(const struct model_config *config)
{
	return model_is(config, MODEL_MUTANT_NEVER_EXPIRES);
}

/* Four quick tries, six slower ones, then every ten minutes. */
static int64_t pause_exchange_ms(unsigned attempts)
{
	if (attempts <= 4)
		return MINUTE_MS;
	return attempts <= 10 ? 5 * MINUTE_MS : 10 * MINUTE_MS;
}

/* RFC 5321 4.5.4.1: 30 min at least, then less often. */
static int64_t pause_rfc_ms(unsigned attempts, int factor)
{
	int64_t pause = 30 * MINUTE_MS;

	while (--attempts && pause < 3 * HOUR_MS)
		pause *= factor;
	return pause < 3 * HOUR_MS ? pause : 3 * HOUR_MS;
}

int64_t model_run_pause_ms(const struct model_config *config, unsigned attempts,
			   int64_t age_ms)
{
	int64_t pause;

	assert(attempts);
	if (model_is(config, MODEL_MUTANT_RETRIES_FAST))
		return 1000;
	if (model_is(config, MODEL_MUTANT_NEVER_BACKS_OFF))
		return 5 * MINUTE_MS;
	if (config->retry_ms)
		pause = config->retry_ms;
	else if (config->profile == MODEL_PROFILE_EXCHANGE)
		pause = pause_exchange_ms(attempts);
	else
		pause = pause_rfc_ms(
			attempts,
			model_is(config, MODEL_MUTANT_BACKS_OFF_WRONG) ? 3 : 2);
	if (age_ms + pause >= config->retry_for_ms && !never_expires(config))
		return 0;
	return pause;
}

static int64_t end_ms(const struct model_run *run,
		      const struct model_message *m)
{
	return m->arrival_ms + lifetime_ms(run->config);
}

/* Whom to tell what. */

static bool is_told_of(const struct model_recipient *r, const char *word,
		       bool by_default)
{
	return r->notify ? strcasestr(r->notify, word) != NULL : by_default;
}

static bool wants(const struct model_run *run, const struct model_recipient *r,
		  enum model_report report)
{
	switch (report) {
	case MODEL_REPORT_FAILED:
		return model_is(run->config, MODEL_MUTANT_NDR_NEVER) ||
		       is_told_of(r, "FAILURE", true);
	case MODEL_REPORT_DELAYED:
		return model_is(run->config, MODEL_MUTANT_DELAY_NEVER) ||
		       is_told_of(r, "DELAY", true);
	case MODEL_REPORT_RELAYED:
		if (model_is(run->config, MODEL_MUTANT_RELAYED_MISSING))
			return false;
		if (r->is_by_due)
			return !is_told_of(r, "NEVER", false);
		return is_told_of(
			r, "SUCCESS",
			model_is(run->config, MODEL_MUTANT_RELAYED_UNASKED));
	}
	return false;
}

/* Where a report goes; "" to nobody. */
static void report_address(const struct model_run *run,
			   const struct model_message *m, char buf[512])
{
	const char *at = strrchr(m->from, '@');
	bool is_null = !*m->from;

	if (is_null && model_is(run->config, MODEL_MUTANT_NDR_NULL_SENDER))
		snprintf(buf, 512, "postmaster@%s", "sender.example");
	else if (is_null && model_is(run->config, MODEL_MUTANT_DOUBLE_BOUNCE))
		snprintf(buf, 512, "%s",
			 m->recipient_count ? m->recipients[0].to : "");
	else if (!is_null &&
		 model_is(run->config, MODEL_MUTANT_NDR_WRONG_ADDRESS))
		snprintf(buf, 512, "postmaster%s", at ? at : "");
	else
		snprintf(buf, 512, "%s", m->from);
}

static void report_send(struct model_run *run, const struct model_message *m,
			const char *to, const char *text, size_t len)
{
	const struct model_config *config = run->config;
	struct model_message *report;
	char from[512] = "";

	if (model_is(config, MODEL_MUTANT_NDR_REVERSE_PATH))
		snprintf(from, sizeof(from), "MAILER-DAEMON@%s",
			 config->hostname);
	report = model_message_new(from);
	report->is_utf8 = m->is_utf8;
	model_message_add(report, to);
	if (model_queue_add(&run->queue, report, text, len) < 0) {
		syslog(LOG_ERR, "%s: the report can't be queued", m->id);
		model_message_free(report);
	}
}

/* Report those of @names who want it. */
static void report(struct model_run *run, struct model_message *m, bool *names,
		   enum model_report kind)
{
	char to[512], *data, *text;
	size_t len, text_len;
	bool any = false;

	for (size_t i = 0; i < m->recipient_count; i++) {
		names[i] = names[i] && wants(run, &m->recipients[i], kind);
		any |= names[i];
		if (model_is(run->config, MODEL_MUTANT_ALL_NAMED))
			names[i] = true;
	}
	report_address(run, m, to);
	if (!any || !*to) {
		if (any)
			syslog(LOG_INFO, "%s: from <>: nobody is told", m->id);
		return;
	}
	data = model_queue_data(&run->queue, m, &len);
	if (!data)
		return;
	text = model_ndr_make(run->config, m, to, names, kind, data, len,
			      &text_len);
	report_send(run, m, to, text, text_len);
	if (kind == MODEL_REPORT_FAILED &&
	    model_is(run->config, MODEL_MUTANT_NDR_TWICE))
		report_send(run, m, to, text, text_len);
	free(text);
	free(data);
}

/* Recipients in @state of whom nobody has been told; malloc'd. */
static bool *names_of(const struct model_message *m, enum model_state state,
		      bool *ret_any)
{
	bool *names = calloc(m->recipient_count + 1, sizeof(*names));

	assert(names);
	*ret_any = false;
	for (size_t i = 0; i < m->recipient_count; i++) {
		const struct model_recipient *r = &m->recipients[i];

		names[i] = r->state == state && !r->is_told;
		*ret_any |= names[i];
	}
	return names;
}

static void tell(struct model_run *run, struct model_message *m,
		 enum model_state state, enum model_report kind)
{
	bool any, *names = names_of(m, state, &any);

	/* One look at @names before report() narrows them. */
	for (size_t i = 0; i < m->recipient_count; i++)
		if (names[i] && state != MODEL_STATE_PENDING)
			m->recipients[i].is_told = true;
	if (any)
		report(run, m, names, kind);
	free(names);
}

/* Ends. */

static bool has_pending(const struct model_message *m)
{
	for (size_t i = 0; i < m->recipient_count; i++)
		if (m->recipients[i].state == MODEL_STATE_PENDING)
			return true;
	return false;
}

static void fail_pending(struct model_message *m)
{
	for (size_t i = 0; i < m->recipient_count; i++) {
		struct model_recipient *r = &m->recipients[i];

		if (r->state == MODEL_STATE_PENDING) {
			r->state = MODEL_STATE_FAILED;
			r->is_told = true;
		}
	}
}

/* Its time is over: tell, and let it go. True when it is gone. */
static bool expire(struct model_run *run, struct model_message *m)
{
	const struct model_config *config = run->config;

	syslog(LOG_INFO, "%s: from=<%s>, status=expired", m->id, m->from);
	if (!model_is(config, MODEL_MUTANT_NO_NDR))
		tell(run, m, MODEL_STATE_PENDING, MODEL_REPORT_FAILED);
	if (model_is(config, MODEL_MUTANT_STAYS_QUEUED) ||
	    (model_is(config, MODEL_MUTANT_DELIVERS_AFTER_NDR) && *m->from)) {
		/* Told once, and kept, or even tried on. */
		m->arrival_ms += 100 * config->lifetime_ms;
		m->next_ms = model_is(config, MODEL_MUTANT_STAYS_QUEUED)
				     ? INT64_MAX
				     : model_now_ms() + HOUR_MS;
		model_queue_save(&run->queue, m);
		return false;
	}
	fail_pending(m);
	model_queue_remove(&run->queue, m);
	return true;
}

static bool is_lost(const struct model_run *run, const struct model_message *m)
{
	return model_is(run->config, MODEL_MUTANT_LOSES_MAIL) && *m->from &&
	       m->attempts >= LOSES_AFTER;
}

/* An attempt has ended: what follows? */
static void attempt_ended(struct model_run *run, struct model_message *m)
{
	int64_t now = model_now_ms(), pause;

	m->is_busy = false;
	m->attempts++;
	tell(run, m, MODEL_STATE_FAILED, MODEL_REPORT_FAILED);
	tell(run, m, MODEL_STATE_RELAYED, MODEL_REPORT_RELAYED);
	if (!has_pending(m) || is_lost(run, m)) {
		model_queue_remove(&run->queue, m);
		return;
	}
	pause = model_run_pause_ms(run->config, m->attempts,
				   now - m->arrival_ms);
	m->next_ms = pause ? now + pause : INT64_MAX;
	if (model_queue_save(&run->queue, m) == 0)
		return;
	syslog(LOG_ERR, "%s: can't be saved", m->id);
	if (model_is(run->config, MODEL_MUTANT_LOSES_UNSAVED))
		model_queue_remove(&run->queue, m);
}

/* Attempts. */

static void recipient_take(struct model_recipient *r,
			   const struct model_target *t)
{
	static const enum model_state states[] = {
		[MODEL_OUTCOME_LATER] = MODEL_STATE_PENDING,
		[MODEL_OUTCOME_DELIVERED] = MODEL_STATE_DELIVERED,
		[MODEL_OUTCOME_RELAYED] = MODEL_STATE_RELAYED,
		[MODEL_OUTCOME_NEVER] = MODEL_STATE_FAILED,
	};

	r->state = states[t->outcome];
	r->is_reply = t->is_reply;
	r->is_by_due = t->is_by_due;
	r->last_ms = model_now_ms();
	model_set(&r->status, t->status);
	model_set(&r->diagnostic, t->diagnostic);
	model_set(&r->remote, t->remote);
	model_set(&r->address, t->address);
}

static void message_take(struct model_message *m, const struct model_job *job)
{
	for (size_t i = 0; i < job->count; i++) {
		const struct model_target *t = &job->targets[i];

		for (size_t j = 0; j < m->recipient_count; j++) {
			struct model_recipient *r = &m->recipients[j];

			if (strcmp(r->to, t->to) != 0)
				continue;
			recipient_take(r, t);
			syslog(LOG_INFO,
			       "%s: to=<%s>, relay=%s, status=%s (%s)", m->id,
			       t->to, t->address ? t->address : "none",
			       r->state == MODEL_STATE_PENDING	? "deferred"
			       : r->state == MODEL_STATE_FAILED ? "bounced"
								: "sent",
			       t->diagnostic ? t->diagnostic : "");
		}
	}
}

static void work_run(uv_work_t *req)
{
	const struct work *w = req->data;

	model_job_run(w->job);
}

static void work_done(uv_work_t *req, int status)
{
	struct work *w = req->data;
	struct model_run *run = w->run;

	message_take(w->m, w->job);
	model_job_free(w->job);
	run->open_jobs--;
	if (--w->m->open_jobs == 0)
		attempt_ended(run, w->m);
	free(w);
	run_plan(run);
}

static const char *domain_of(const char *address)
{
	const char *at = strrchr(address, '@');

	return at ? at + 1 : "";
}

static void job_start(struct model_run *run, struct model_message *m,
		      const char *domain)
{
	struct work *w = calloc(1, sizeof(*w));
	size_t len = 0;
	char *data = model_queue_data(&run->queue, m, &len);

	assert(w && data);
	w->req.data = w;
	w->run = run;
	w->m = m;
	w->job = model_job_new(run->config, m, domain, data, len);
	for (size_t i = 0; i < m->recipient_count; i++)
		if (m->recipients[i].state == MODEL_STATE_PENDING &&
		    strcasecmp(domain_of(m->recipients[i].to), domain) == 0)
			model_job_add(w->job, &m->recipients[i]);
	m->open_jobs++;
	run->open_jobs++;
	uv_queue_work(run->loop, &w->req, work_run, work_done);
}

/* Is @i the first pending recipient in its domain? */
static bool leads_domain(const struct model_message *m, size_t i)
{
	const char *domain = domain_of(m->recipients[i].to);

	if (m->recipients[i].state != MODEL_STATE_PENDING)
		return false;
	for (size_t j = 0; j < i; j++)
		if (m->recipients[j].state == MODEL_STATE_PENDING &&
		    strcasecmp(domain_of(m->recipients[j].to), domain) == 0)
			return false;
	return true;
}

static void attempt_start(struct model_run *run, struct model_message *m)
{
	m->is_busy = true;
	for (size_t i = 0; i < m->recipient_count; i++)
		if (leads_domain(m, i))
			job_start(run, m, domain_of(m->recipients[i].to));
}

/* What is due. */

static void delay_check(struct model_run *run, struct model_message *m,
			int64_t now)
{
	if (m->is_delay_told || !run->config->delay_ms ||
	    now - m->arrival_ms < run->config->delay_ms)
		return;
	m->is_delay_told = true;
	if (*m->from && !model_is(run->config, MODEL_MUTANT_DELAY_MISSING))
		tell(run, m, MODEL_STATE_PENDING, MODEL_REPORT_DELAYED);
	model_queue_save(&run->queue, m);
}

/* RFC 2852 4.1.3: R returns it when its time is over, N tells and goes on. */
static bool deliverby_check(struct model_run *run, struct model_message *m,
			    int64_t now)
{
	if (!m->by_mode || m->is_by_told || now < m->by_ms ||
	    model_is(run->config, MODEL_MUTANT_DELIVERBY_IGNORED))
		return false;
	m->is_by_told = true;
	if (m->by_mode == 'R')
		return expire(run, m);
	tell(run, m, MODEL_STATE_PENDING, MODEL_REPORT_DELAYED);
	model_queue_save(&run->queue, m);
	return false;
}

static bool gives_up(const struct model_run *run, const struct model_message *m)
{
	return model_is(run->config, MODEL_MUTANT_GIVES_UP_N) &&
	       m->attempts >= GIVES_UP_AFTER;
}

static void message_check(struct model_run *run, struct model_message *m,
			  int64_t now)
{
	if (m->is_busy)
		return;
	if (deliverby_check(run, m, now))
		return;
	if ((now >= end_ms(run, m) && !never_expires(run->config)) ||
	    gives_up(run, m)) {
		expire(run, m);
		return;
	}
	delay_check(run, m, now);
	if (now < m->next_ms)
		return;
	if (run->open_jobs >= MODEL_DELIVERIES_MAX)
		m->next_ms = now + HELD_MS;
	else
		attempt_start(run, m);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* When @m needs a look next. */
static int64_t message_due_ms(const struct model_run *run,
			      const struct model_message *m)
{
	int64_t due = m->next_ms;

	if (m->is_busy)
		return INT64_MAX;
	if (!never_expires(run->config))
		due = earlier(due, end_ms(run, m));
	if (run->config->delay_ms && !m->is_delay_told)
		due = earlier(due, m->arrival_ms + run->config->delay_ms);
	if (m->by_mode && !m->is_by_told)
		due = earlier(due, m->by_ms);
	return due;
}

static void run_on_timer(uv_timer_t *timer)
{
	run_plan(timer->data);
}

/* Do all that is due, and sleep until the next thing is. */
static void run_plan(struct model_run *run)
{
	struct model_message *m, *next;
	int64_t now = model_now_ms(), due = INT64_MAX;

	if (run->is_stopping)
		return;
	for (m = run->queue.messages; m; m = next) {
		next = m->next;
		message_check(run, m, now);
	}
	for (m = run->queue.messages; m; m = m->next)
		due = earlier(due, message_due_ms(run, m));
	uv_timer_stop(&run->timer);
	if (due == INT64_MAX)
		return;
	uv_update_time(run->loop);
	uv_timer_start(&run->timer, run_on_timer,
		       due > now ? (uint64_t)(due - now) : 0, 0);
}

int model_run_new(uv_loop_t *loop, const struct model_config *config,
		  struct model_run **ret)
{
	struct model_run *run = calloc(1, sizeof(*run));
	int rc;

	assert(run);
	run->loop = loop;
	run->config = config;
	rc = model_queue_open(&run->queue, config);
	if (rc < 0) {
		fprintf(stderr, "model: %s: %s\n", config->queue_dir,
			strerror(-rc));
		free(run);
		return rc;
	}
	uv_timer_init(loop, &run->timer);
	run->timer.data = run;
	run_plan(run);
	*ret = run;
	return 0;
}

int model_run_accept(struct model_run *run, struct model_message *m,
		     const char *data, size_t len)
{
	int rc = model_queue_add(&run->queue, m, data, len);

	if (rc == 0)
		run_plan(run);
	return rc;
}

void model_run_stop(struct model_run *run)
{
	run->is_stopping = true;
	if (!uv_is_closing((uv_handle_t *)&run->timer))
		uv_close((uv_handle_t *)&run->timer, NULL);
}

void model_run_free(struct model_run *run)
{
	model_queue_release(&run->queue);
	free(run);
}
