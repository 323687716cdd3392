/* SPDX-License-Identifier: MIT */
#include "harness/judge/schedule.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/expect.h"
#include "harness/judge/expect_ndr.h"
#include "harness/judge/expect_text.h"
#include "harness/judge/findings.h"
#include "harness/judge/laws.h"

/* No wait is longer: nothing overflows. */
#define SCHEDULE_WAIT_MAX_NS (1000 * 86400 * DEADMX_NS_PER_S)

/* --- rounds -------------------------------------------------------------- */

/*
 * Did the server read slowly, or not at all? It then hears of the client's end
 * only behind all that was on its way: the client may have left long before.
 */
static bool schedule_is_read_late(const struct attempts_try *try)
{
	static const enum deadmx_action late[] = {DEADMX_ACTION_DRIP,
						  DEADMX_ACTION_STOP_READING};

	if (!try->fault ||
	    strcmp(try->stage, deadmx_stage_word(DEADMX_STAGE_BODY)) != 0)
		return false;
	for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++)
		if (strcmp(try->fault, deadmx_action_word(late[i])) == 0)
			return true;
	return false;
}

/* When did @try end? It was over before @next_ns, 0 = nothing followed. */
static void schedule_try_end(const struct attempts_try *try, int64_t next_ns,
			     int64_t *ret_min, int64_t *ret_max)
{
	int64_t max = try->t_ns;

	*ret_min = try->t_ns;
	if (try->end_ns && (!next_ns || try->end_ns <= next_ns)) {
		/* What the reply to QUIT is, or isn't, changes nothing, nor
		 * how long the connection was kept before it. */
		if (!schedule_is_read_late(try))
			*ret_min = try->has_quit ? try->done_ns : try->end_ns;
		max = try->end_ns;
	} else if (try->end_ns && schedule_is_read_late(try)) {
		/* Heard of behind the next attempt, at any time before it. */
		max = next_ns;
	} else if (try->is_accepted) {
		max += SCHEDULE_SESSION_NS;
	} else if (!try->fault || strcmp(try->fault, "refuse") != 0) {
		max += SCHEDULE_CONNECT_NS;
	}
	*ret_max = next_ns && max > next_ns ? next_ns : max;
}

/* Did @try get past the greeting, and no further than what precedes a mail? */
static bool schedule_is_before_mail(const struct attempts_try *try)
{
	static const enum deadmx_stage greeting[] = {DEADMX_STAGE_CONNECT,
						     DEADMX_STAGE_BANNER};

	for (size_t i = 0; i < sizeof(greeting) / sizeof(greeting[0]); i++)
		if (strcmp(try->stage, deadmx_stage_word(greeting[i])) == 0)
			return false;
	return try->is_accepted && !try->rcpt_count;
}

/*
 * Does the second of two connections go on with what the first began? TLS or
 * EHLO had failed, and the client goes without.
 */
static bool schedule_is_reconnect(const struct attempts_try *first,
				  const struct attempts_try *second)
{
	return schedule_is_before_mail(first) &&
	       first->server == second->server && first->end_ns &&
	       second->t_ns + EXPECT_WHOLE_SECOND_NS >= first->end_ns &&
	       second->t_ns - first->end_ns <= SCHEDULE_RECONNECT_NS;
}

/* Once in a round: what comes back again and again makes no pause. */
static bool schedule_goes_on(const struct attempts_step *steps, size_t i,
			     bool *has_come_back)
{
	if (!i || steps[i].round == steps[i - 1].round)
		return i > 0;
	if (*has_come_back ||
	    !schedule_is_reconnect(steps[i - 1].try, steps[i].try))
		return false;
	*has_come_back = true;
	return true;
}

/*
 * Had the mail ended before @try? Connections are stamped with the clock's
 * whole milliseconds, so within one the session before it knows better. It
 * may be heard to end long after, too: schedule_is_read_late().
 */
static bool schedule_is_over(const struct attempts_party *p,
			     const struct attempts_try *before,
			     const struct attempts_try *try)
{
	if (!p->is_closed)
		return false;
	if (try->t_ns > p->closed_ns)
		return true;
	return try->t_ns + ATTEMPTS_INSTANT_NS > p->closed_ns && before &&
	       before->end_ns >= p->closed_ns;
}

static void schedule_round_add(struct schedule_round *round,
			       const struct attempts_try *try, int64_t next_ns)
{
	int64_t min, max;

	schedule_try_end(try, next_ns, &min, &max);
	if (min > round->end_min_ns)
		round->end_min_ns = min;
	if (max > round->end_max_ns)
		round->end_max_ns = max;
	round->is_recipient = try->rcpt_count > 0;
}

struct schedule_round *schedule_rounds(const struct attempts *a,
				       const struct attempts_party *p,
				       size_t *ret_count)
{
	size_t step_count, count = 0;
	struct attempts_step *steps = attempts_steps(a, p, &step_count);
	struct schedule_round *rounds = calloc(step_count + 1, sizeof(*rounds));
	bool ok = true, has_come_back = false;

	assert(rounds);
	for (size_t i = 0; i < step_count && ok; i++) {
		const struct attempts_try *try = steps[i].try;

		ok = try->server != NULL;
		if (schedule_is_over(p, i ? steps[i - 1].try : NULL, try))
			break;
		if (!schedule_goes_on(steps, i, &has_come_back)) {
			has_come_back = false;
			rounds[count++] =
				(struct schedule_round){.start_ns = try->t_ns};
		}
		schedule_round_add(&rounds[count - 1], try,
				   i + 1 < step_count ? steps[i + 1].try->t_ns
						      : 0);
	}
	free(steps);
	if (!ok) {
		free(rounds);
		return NULL;
	}
	*ret_count = count;
	return rounds;
}

/* --- the rule ------------------------------------------------------------ */

/* How far the rule has come. */
struct schedule_state {
	size_t step;
	int64_t waits;			  /* of this step, bursts not counted */
	int64_t burst;			  /* waits within the burst */
	int64_t wait_min_ns, wait_max_ns; /* the last of @waits */
	int64_t sum_ns;			  /* FROM_ARRIVAL: all of them */
};

/* One way on from a round: the next is due between the two. */
struct schedule_way {
	struct schedule_state next;
	int64_t from_ns;	/* what @min_ns counts from */
	int64_t min_ns, max_ns; /* times; without slack */
	int64_t random_ns;	/* by lot and by tick, in @max_ns */
	bool is_exact;		/* no factor is drawn by lot */
};

struct schedule_ways {
	struct schedule_way ways[SCHEDULE_STATES_MAX];
	size_t count;
};

struct schedule {
	const struct attempts *a;
	const struct target *target;
	const struct attempts_party *p;
	const struct target_documented *d;
	int64_t arrival_ns;
	int64_t slack_ns; /* an attempt may start so much late */
	struct schedule_state states[SCHEDULE_STATES_MAX];
	size_t count;
	int64_t failing_since_ns; /* first end of this kind in a row */
	struct schedule_ways ways;
};

static int64_t schedule_bound(int64_t ns, int64_t min, int64_t max)
{
	if (max && ns > max)
		ns = max;
	return ns < min ? min : ns;
}

static int64_t schedule_times(int64_t ns, int64_t factor)
{
	/* 1000 days, by 100, in ns, would not fit. */
	double product = (double)ns * (double)factor / TARGET_RETRY_FACTOR_ONE;

	return product > (double)SCHEDULE_WAIT_MAX_NS ? SCHEDULE_WAIT_MAX_NS
						      : (int64_t)product;
}

/* The wait after @waits others, the last of them as long as @last_ns. */
static int64_t schedule_wait(const struct target_retry_step *step,
			     int64_t waits, int64_t last_ns, int64_t factor,
			     int64_t age_ns)
{
	int64_t cap_ns = step->cap_ns ? step->cap_ns : SCHEDULE_WAIT_MAX_NS;
	int64_t wait_ns = step->base_ns;

	if (step->is_age)
		wait_ns = schedule_bound(age_ns, step->base_ns, cap_ns);
	else if (waits)
		wait_ns = schedule_bound(schedule_times(last_ns, factor) +
						 step->add_ns,
					 0, cap_ns);
	return schedule_bound(wait_ns, 0, SCHEDULE_WAIT_MAX_NS);
}

/* By lot, and until the queue run comes, it may be so much later. */
static int64_t schedule_late(const struct target_retry_step *step)
{
	return schedule_bound(step->random_ns + step->tick_ns, 0,
			      SCHEDULE_WAIT_MAX_NS);
}

static bool schedule_is_same(const struct schedule_state *a,
			     const struct schedule_state *b)
{
	return a->step == b->step && a->waits == b->waits &&
	       a->burst == b->burst && a->wait_min_ns == b->wait_min_ns &&
	       a->wait_max_ns == b->wait_max_ns && a->sum_ns == b->sum_ns;
}

static void schedule_keep(struct schedule *s, const struct schedule_state *new)
{
	for (size_t i = 0; i < s->count; i++)
		if (schedule_is_same(&s->states[i], new))
			return;
	if (s->count < SCHEDULE_STATES_MAX)
		s->states[s->count++] = *new;
}

/* --- from one round to the next ------------------------------------------ */

static void schedule_way_add(struct schedule *s, const struct schedule_way *way)
{
	if (s->ways.count < SCHEDULE_STATES_MAX)
		s->ways.ways[s->ways.count++] = *way;
}

/* The last attempt, when the mail's time is over. */
static void schedule_last(const struct schedule *s,
			  const struct schedule_round *round,
			  struct schedule_way *way)
{
	int64_t end_ns = s->arrival_ns + s->d->expires_after_ns;

	if (!s->d->last_attempt || !s->d->expires_after_ns ||
	    end_ns <= round->end_min_ns)
		return;
	if (way->min_ns > end_ns)
		way->min_ns = end_ns;
	if (way->max_ns > end_ns)
		way->max_ns = end_ns;
}

/* The wait after @state, within a burst or after it. */
static void schedule_wait_next(const struct schedule *s,
			       const struct schedule_round *round,
			       const struct target_retry_step *step,
			       struct schedule_way *way, int64_t *ret_min,
			       int64_t *ret_max)
{
	struct schedule_state *next = &way->next;

	if (next->burst + 1 < step->burst) {
		next->burst++;
		*ret_min = *ret_max = schedule_bound(step->burst_gap_ns, 0,
						     SCHEDULE_WAIT_MAX_NS);
		return;
	}
	*ret_min = schedule_wait(step, next->waits, next->wait_min_ns,
				 step->factor_min,
				 round->end_min_ns - s->arrival_ns);
	*ret_max = schedule_wait(step, next->waits, next->wait_max_ns,
				 step->factor_max,
				 round->end_max_ns - s->arrival_ns);
	next->burst = 0;
	next->waits++;
	next->wait_min_ns = *ret_min;
	next->wait_max_ns = *ret_max;
}

/*
 * All waits add up from the mail's arrival; what was due before the round had
 * ended is left out.
 */
static void schedule_due_arrival(struct schedule *s,
				 const struct schedule_round *round,
				 const struct target_retry_step *step,
				 struct schedule_way way)
{
	int64_t min, max, count = 0;

	do {
		schedule_wait_next(s, round, step, &way, &min, &max);
		way.next.sum_ns = schedule_bound(way.next.sum_ns + max, 0,
						 SCHEDULE_WAIT_MAX_NS);
		way.from_ns = s->arrival_ns + way.next.sum_ns;
		way.min_ns = way.max_ns = way.from_ns;
		if (way.min_ns <= round->end_min_ns && max)
			continue;
		schedule_last(s, round, &way);
		way.max_ns += way.random_ns;
		schedule_way_add(s, &way);
	} while (max && way.from_ns <= round->end_max_ns &&
		 ++count < SCHEDULE_WAITS_MAX);
}

/* When the wait after @state is over. */
static void schedule_due(struct schedule *s, const struct schedule_round *round,
			 const struct schedule_state *state)
{
	const struct target_retry_step *step = &s->d->retry.steps[state->step];
	bool is_start = step->from == TARGET_RETRY_FROM_START;
	struct schedule_way way = {.next = *state,
				   .random_ns = schedule_late(step),
				   .is_exact = step->factor_min ==
					       step->factor_max};
	int64_t min, max;

	if (step->from == TARGET_RETRY_FROM_ARRIVAL) {
		schedule_due_arrival(s, round, step, way);
		return;
	}
	schedule_wait_next(s, round, step, &way, &min, &max);
	way.from_ns = is_start || step->is_range ? round->start_ns
						 : round->end_min_ns;
	way.min_ns = way.from_ns + min;
	way.max_ns = (is_start ? round->start_ns : round->end_max_ns) + max;
	/* Nothing begins while an attempt is under way. */
	if (is_start && way.min_ns < round->end_min_ns)
		way.min_ns = round->end_min_ns;
	if (way.max_ns < round->end_max_ns)
		way.max_ns = round->end_max_ns;
	schedule_last(s, round, &way);
	way.max_ns += way.random_ns;
	schedule_way_add(s, &way);
}

/* All steps that may hold after @round, from the one that @state is in on. */
static void schedule_steps(struct schedule *s,
			   const struct schedule_round *round,
			   struct schedule_state state)
{
	const struct target_retry *retry = &s->d->retry;
	int64_t age_max =
		round->end_max_ns - s->arrival_ns + EXPECT_WHOLE_SECOND_NS;
	int64_t sum_ns = state.sum_ns;

	for (; state.step < retry->count; state.step++) {
		const struct target_retry_step *step =
			&retry->steps[state.step];
		bool is_done = step->times && state.waits >= step->times &&
			       state.burst + 1 >= step->burst;
		int64_t age_min =
			step->since == TARGET_RETRY_SINCE_FAILURE
				? round->start_ns - s->failing_since_ns
				: round->end_min_ns - s->arrival_ns;

		if (!is_done &&
		    (!step->until_ns ||
		     age_min - EXPECT_WHOLE_SECOND_NS <= step->until_ns))
			schedule_due(s, round, &state);
		if (!is_done && (!step->until_ns || age_max <= step->until_ns))
			return;
		state = (struct schedule_state){.step = state.step,
						.sum_ns = sum_ns};
	}
}

static void schedule_next(struct schedule *s,
			  const struct schedule_round *round,
			  const struct schedule_round *before)
{
	bool is_other = !before || before->is_recipient != round->is_recipient;

	if (is_other)
		s->failing_since_ns = round->end_max_ns;
	s->ways.count = 0;
	for (size_t i = 0; i < s->count; i++)
		schedule_steps(s, round, s->states[i]);
	/* A failure of another kind begins at the first step again. */
	if (is_other && before &&
	    s->d->retry.steps[0].since == TARGET_RETRY_SINCE_FAILURE)
		schedule_steps(s, round, (struct schedule_state){0});
}

static bool schedule_fits(const struct schedule *s,
			  const struct schedule_way *way, int64_t t_ns)
{
	return t_ns + EXPECT_WHOLE_SECOND_NS >= way->min_ns &&
	       t_ns <= way->max_ns + s->slack_ns + EXPECT_WHOLE_SECOND_NS;
}

/* What was seen tells how long a wait drawn by lot was. */
static void schedule_narrow(const struct schedule *s, struct schedule_way *way,
			    int64_t t_ns)
{
	struct schedule_state *next = &way->next;
	int64_t max = t_ns - way->from_ns + EXPECT_WHOLE_SECOND_NS;
	int64_t min = next->wait_max_ns - (way->max_ns - t_ns) - s->slack_ns;

	if (way->is_exact || next->burst)
		return;
	if (min > next->wait_min_ns && min <= next->wait_max_ns)
		next->wait_min_ns = min;
	if (max < next->wait_max_ns && max >= next->wait_min_ns)
		next->wait_max_ns = max;
}

/* Was the MTA stopped, killed or started meanwhile? */
static bool schedule_is_disturbed(const struct schedule *s, int64_t from_ns,
				  int64_t to_ns)
{
	const struct deadmx_scenario *scenario = s->a->scenario;

	for (size_t i = 0; i < scenario->mta_step_count; i++)
		if (scenario->mta_steps[i].at_ns >= from_ns &&
		    scenario->mta_steps[i].at_ns <= to_ns)
			return true;
	return false;
}

/* The next round is at @t_ns: which ways are left? False: none is. */
static bool schedule_take(struct schedule *s, int64_t t_ns)
{
	struct schedule_state old[SCHEDULE_STATES_MAX];
	size_t count = s->count;
	bool fits = false;

	memcpy(old, s->states, sizeof(old));
	s->count = 0;
	for (size_t i = 0; i < s->ways.count; i++)
		if (schedule_fits(s, &s->ways.ways[i], t_ns)) {
			fits = true;
			schedule_narrow(s, &s->ways.ways[i], t_ns);
			schedule_keep(s, &s->ways.ways[i].next);
		}
	if (fits)
		return true;
	/* Whether that attempt counted for the MTA the next ones tell. */
	for (size_t i = 0; i < s->ways.count; i++)
		schedule_keep(s, &s->ways.ways[i].next);
	for (size_t i = 0; i < count; i++)
		schedule_keep(s, &old[i]);
	return false;
}

/* --- the judgement ------------------------------------------------------- */

/* The first gap that breaks the rule, in words; and how many do. */
struct schedule_wrong {
	size_t count, of;
	struct expect_text expected;
	struct expect_text observed;
};

/* To the nearest second, as in all times that people see. */
static int64_t schedule_whole_seconds(int64_t ns)
{
	ns += DEADMX_NS_PER_S / 2;
	return ns - ns % DEADMX_NS_PER_S;
}

/* What all ways leave open, from the start of the round before. */
static void schedule_say_expected(const struct schedule *s, int64_t start_ns,
				  struct expect_text *ret)
{
	struct deadmx_range range = {.set = true, .min = INT64_MAX};
	char words[EXPECT_TEXT_MAX];

	for (size_t i = 0; i < s->ways.count; i++) {
		const struct schedule_way *way = &s->ways.ways[i];

		if (way->min_ns - start_ns < range.min)
			range.min = way->min_ns - start_ns;
		if (way->max_ns - start_ns > range.max)
			range.max = way->max_ns - start_ns;
	}
	if (!s->ways.count) {
		snprintf(ret->text, sizeof(ret->text), "no attempt any more");
		return;
	}
	range.min = schedule_whole_seconds(range.min);
	range.max = schedule_whole_seconds(range.max);
	if (range.min == range.max)
		deadmx_duration_format(range.min, ret->text, sizeof(ret->text));
	else
		expect_times(&range, ret);
	snprintf(words, sizeof(words), "%.400s between the two", ret->text);
	memcpy(ret->text, words, sizeof(ret->text));
}

static void schedule_say_gap(const struct schedule *s, size_t i,
			     const struct schedule_round *round, int64_t gap_ns,
			     struct schedule_wrong *wrong)
{
	struct expect_text gap;

	if (wrong->count++)
		return;
	schedule_say_expected(s, round->start_ns, &wrong->expected);
	snprintf(wrong->observed.text, sizeof(wrong->observed.text),
		 "%s between rounds %zu and %zu for %.200s",
		 expect_time(gap_ns, &gap), i, i + 1, s->p->to);
}

/* The next round was due long before the mail's end, and there is none. */
static void schedule_missing(struct schedule *s, size_t i,
			     const struct schedule_round *round,
			     struct schedule_wrong *wrong)
{
	const struct target_retry *retry = &s->d->retry;
	int64_t until_ns = retry->steps[retry->count - 1].until_ns;
	int64_t end_ns = s->p->is_closed ? s->p->closed_ns : s->a->end_ns;
	struct expect_text at;

	if (s->d->expires_after_ns &&
	    end_ns > s->arrival_ns + s->d->expires_after_ns)
		end_ns = s->arrival_ns + s->d->expires_after_ns;
	if (until_ns && end_ns > s->arrival_ns + until_ns)
		end_ns = s->arrival_ns + until_ns;
	if (!s->ways.count || schedule_is_disturbed(s, round->start_ns, end_ns))
		return;
	/* The NDR of what was refused may be on its way for long. */
	if (s->p->bounced_count && expect_is_refused(s->a, s->p, end_ns))
		return;
	/* What was lost is not tried again; that is said elsewhere. */
	if (!s->p->is_closed &&
	    laws_rest(s->a, s->target, s->p) != LAWS_REST_QUEUED)
		return;
	for (size_t k = 0; k < s->ways.count; k++)
		if (s->ways.ways[k].max_ns + s->slack_ns +
			    EXPECT_WHOLE_SECOND_NS >=
		    end_ns)
			return;
	wrong->of++;
	if (wrong->count++)
		return;
	schedule_say_expected(s, round->start_ns, &wrong->expected);
	snprintf(wrong->observed.text, sizeof(wrong->observed.text),
		 "none within %s after round %zu for %.200s",
		 expect_time(end_ns - round->start_ns, &at), i, s->p->to);
}

/* Do answers of DNS come late, or not at all? */
static bool schedule_has_dns_faults(const struct deadmx_scenario *scenario)
{
	for (size_t i = 0; i < scenario->world.name_count; i++)
		if (scenario->world.names[i].row_count)
			return true;
	return false;
}

void schedule_check(const struct attempts *a, const struct target *target,
		    const struct attempts_party *p,
		    const struct target_documented *d,
		    const struct schedule_round *rounds, size_t count,
		    struct verdict *v)
{
	struct schedule *s = calloc(1, sizeof(*s));
	struct schedule_wrong wrong = {0};

	assert(s);
	s->a = a;
	s->target = target;
	s->p = p;
	s->d = d;
	s->arrival_ns = laws_injected_ns(p, 0);
	s->slack_ns = SCHEDULE_START_NS;
	if (schedule_has_dns_faults(a->scenario))
		s->slack_ns += SCHEDULE_DNS_NS;
	s->count = 1;
	for (size_t i = 0; i < count && d->retry.count; i++) {
		const struct schedule_round *round = &rounds[i];
		int64_t next_ns;

		schedule_next(s, round, i ? round - 1 : NULL);
		if (i + 1 == count) {
			schedule_missing(s, i + 1, round, &wrong);
			break;
		}
		next_ns = rounds[i + 1].start_ns;
		wrong.of++;
		if (!schedule_take(s, next_ns) &&
		    !schedule_is_disturbed(s, round->start_ns, next_ns))
			schedule_say_gap(s, i + 1, round,
					 next_ns - round->start_ns, &wrong);
	}
	if (wrong.count)
		FIND(v, DOC_RETRY, SEVERITY_SHOULD, NULL, wrong.expected.text,
		     "%s; %zu of %zu gaps are wrong", wrong.observed.text,
		     wrong.count, wrong.of);
	free(s);
}

int64_t schedule_longest_ns(const struct target_retry *retry,
			    int64_t lifetime_ns)
{
	int64_t age_ns = 0, longest_ns = 0, waits = 0, last_ns = 0;
	size_t i = 0, count = 0;

	while (i < retry->count && age_ns <= lifetime_ns &&
	       count++ < SCHEDULE_WAITS_MAX) {
		const struct target_retry_step *step = &retry->steps[i];
		int64_t gap_ns;

		if ((step->times && waits >= step->times) ||
		    (step->until_ns && age_ns > step->until_ns)) {
			i++;
			waits = 0;
			continue;
		}
		last_ns = schedule_wait(step, waits++, last_ns,
					step->factor_max, age_ns);
		gap_ns = last_ns + schedule_late(step);
		if (gap_ns > longest_ns)
			longest_ns = gap_ns;
		age_ns += gap_ns > 0 ? gap_ns : 1 * DEADMX_NS_PER_S;
	}
	return longest_ns;
}
