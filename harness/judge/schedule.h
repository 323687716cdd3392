/* SPDX-License-Identifier: MIT */
/*
 * A recipient's attempts held against the documented retry rule.
 *
 * From each round the rule says when the next one is due: at the earliest and
 * at the latest, for a queue run may be a whole period away, and of some
 * rounds nobody knows how long they lasted. Where the rule leaves several
 * ways open (the age at which a step ends was passed in mid-attempt) all of
 * them are followed, until an attempt decides.
 */
#ifndef HARNESS_JUDGE_SCHEDULE_H
#define HARNESS_JUDGE_SCHEDULE_H

#include "harness/judge/attempts.h"
#include "harness/target.h"

/* Ways followed at once; what is more is dropped. A rule of 20 steps that all
 * end within one long attempt makes as many. */
enum {
	SCHEDULE_STATES_MAX = 64,
	/* Waits counted in one go: a year of them, five minutes each. */
	SCHEDULE_WAITS_MAX = 100 * 1000,
};

/* A queue run, questions to DNS and a process take so long to start. */
#define SCHEDULE_START_NS (10 * DEADMX_NS_PER_S)
/* The same where DNS has faults: two names, two time-outs of each server. */
#define SCHEDULE_DNS_NS (5 * 60 * DEADMX_NS_PER_S)
/* How long a client may wait for a connection: Linux gives up after 127 s,
 * Exim and Sendmail of their own accord after 5 min. */
#define SCHEDULE_CONNECT_NS (5 * 60 * DEADMX_NS_PER_S)
/* And for a connection that it takes for alive; RFC 5321 4.5.3.2.6 has 10 min
 * for the longest reply, Sendmail an hour. */
#define SCHEDULE_SESSION_NS (60 * 60 * DEADMX_NS_PER_S)
/* A client that goes without TLS, or back to HELO, comes back at once. */
#define SCHEDULE_RECONNECT_NS (5 * DEADMX_NS_PER_S)

/* One round of attempts for a recipient; times as in struct attempts. */
struct schedule_round {
	int64_t start_ns;
	int64_t end_min_ns, end_max_ns; /* the same when it was seen */
	bool is_recipient; /* the recipient was refused, not the host */
};

/*
 * The rounds for @p, in order, up to the end of its mail; malloc'd. NULL: some
 * of them were questions to DNS only, so that nobody knows when they ended.
 */
struct schedule_round *schedule_rounds(const struct attempts *a,
				       const struct attempts_party *p,
				       size_t *ret_count);

/* The longest gap between two rounds that @retry has within @lifetime_ns. */
int64_t schedule_longest_ns(const struct target_retry *retry,
			    int64_t lifetime_ns);

/*
 * Adds to @v when the @rounds for @p, who is the only one, break the rule in
 * @d, which is what @target documents here.
 */
void schedule_check(const struct attempts *a, const struct target *target,
		    const struct attempts_party *p,
		    const struct target_documented *d,
		    const struct schedule_round *rounds, size_t count,
		    struct verdict *v);

#endif
