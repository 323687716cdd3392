/* SPDX-License-Identifier: MIT */
/*
 * What happened to each recipient, derived from the event log in one pass:
 * attempts, rounds, deliveries, bounces, and how the run itself went.
 *
 * A *party* is one envelope sender with one recipient; several mails of the
 * same pair are one party that expects several outcomes. All times are ns
 * since the first injection. The scenario must outlive it.
 */
#ifndef HARNESS_JUDGE_ATTEMPTS_H
#define HARNESS_JUDGE_ATTEMPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deadmx/ndr.h"
#include "harness/judge/verdict.h"

/* Limits, tested in tests/unit/test_attempts.c. */
enum {
	/* Attempts kept; a scenario of five days makes some hundred, an MTA
	 * that retries without pause makes these and is told so. */
	ATTEMPTS_MAX = 200000,
	ATTEMPTS_RCPTS_MAX = 1000, /* recipients remembered per session */
	ATTEMPTS_NOTICES_MAX = 20000,
	ATTEMPTS_DELIVERIES_MAX = 100000,
	ATTEMPTS_NAMES_MAX = 8, /* by which the MTA greets servers */
	ATTEMPTS_LOG_LINES = 3, /* last MTA log lines shown with a death */
	ATTEMPTS_RUN_FINDINGS_MAX = 50, /* of clock and error events */
};

/* A gap this long between two connects always starts a new round. */
#define ATTEMPTS_ROUND_GAP_NS (30 * 60 * DEADMX_NS_PER_S)
/* The same where one of the two is questions to DNS only: longer than Linux
 * waits for a connection, 127 s. */
#define ATTEMPTS_DNS_ROUND_GAP_NS (150 * DEADMX_NS_PER_S)
/* An ACCEPT follows its CONNECT at once, but for scheduling. */
#define ATTEMPTS_PAIR_NS (1 * DEADMX_NS_PER_S)
/* A SYN that a lifted blackhole lets through is accepted so much later. */
#define ATTEMPTS_LATE_PAIR_NS (5 * 60 * DEADMX_NS_PER_S)

/* One mail's way to one recipient; several when the pair has more mails. */
struct attempts_party {
	const struct deadmx_mail *mail; /* the first of the pair */
	const char *from, *to;
	const char *domain;    /* of @to */
	size_t mails;	       /* of the scenario */
	bool has_dsn;	       /* the MTA took the mail's DSN parameters */
	bool has_deliverby;    /* and its BY */
	int64_t sent_ns;       /* before it the MTA had none of them */
	int64_t *injected_ns;  /* times at which the MTA accepted them */
	size_t injected_count; /* <= mails */
	size_t delivered_count, bounced_count, delayed_count;
	bool is_misrouted;    /* a connection to its domain's own address */
	size_t astray_count;  /* bounces about it that nobody here was due */
	size_t return_tries;  /* connections to the sender's own servers while
			       * it was open */
	size_t success_count; /* reports: relayed, delivered or expanded */
	size_t relayed_due_count;    /* SUCCESS asked for, and the server that
				      * took it does no DSN */
	size_t by_relayed_count;     /* BY= given, and taken by a server that
				      * does no DELIVERBY … */
	int64_t by_relayed_ns;	     /* … first then */
	size_t unacknowledged_count; /* deliveries the MTA can't know of */
	int64_t first_delivered_ns, first_delayed_ns, first_bounced_ns;
	bool is_closed;	   /* all have been delivered or bounced … */
	int64_t closed_ns; /* … since then */
	/* Firsts of what the standing laws forbid. */
	bool has_late_delivery; /* after all had bounced */
	int64_t late_delivery_ns;
	bool has_late_bounce; /* after all had been delivered */
	int64_t late_bounce_ns;
	int64_t last_delayed_ns;
	size_t late_tries; /* attempts after all had ended, one by bounce */
	int64_t late_try_ns;
};

/* One RCPT of a session, with the reply it got. */
struct attempts_rcpt {
	char *address;
	char *reply;
};

/*
 * One connection, or the try to make one, to a recipient's server; or
 * questions to DNS after which none was made.
 */
struct attempts_try {
	int64_t t_ns;
	/* The client said QUIT. It waited for the mail's sake until done_ns,
	 * and may have kept the connection for more mail since. */
	bool has_quit;
	int64_t done_ns;
	int64_t reply_ns; /* the server's last reply */
	int awaited;	  /* replies that the client waits for */
	int64_t end_ns;	  /* the connection ended; 0 = not seen */
	const struct deadmx_server *server; /* NULL: DNS led to none */
	const char *address; /* of the server, the one that was used */
	const char *domain;  /* whose mail it was for; NULL = nobody's */
	const char *fault;   /* action word, "relay", or NULL */
	const char *stage;
	char *reply;
	struct attempts_rcpt *rcpts;
	size_t rcpt_count;
	char *recipient;  /* or NULL */
	bool is_accepted; /* the server took the connection */
	/* It is a frontend, and the backend that it turned to last failed. */
	bool backend_failed;
	bool is_return;	 /* brings a bounce to a sender: no attempt */
	unsigned rivals; /* open recipients it may have been for */
	int round;
};

/* What an NDR or delay notice says of one recipient. */
struct attempts_notice {
	int64_t t_ns;
	struct attempts_party *party; /* NULL: nobody's in the scenario */
	char *recipient;	      /* as the scenario or the NDR writes it */
	char *file, *envelope_from, *envelope_to;
	char *action, *status; /* NULL when absent */
	char *diagnostic;      /* "smtp; 451 …" or NULL */
	char *text;	       /* for people, white space collapsed */
	/* As the report has them, or NULL. */
	char *reporting_mta, *arrival_date, *last_attempt, *retry_until;
	char *remote_mta, *final_recipient;
	bool is_final, is_delay;
	bool is_success; /* relayed, delivered or expanded */
};

struct attempts_delivery {
	int64_t t_ns;
	struct attempts_party *party;
	const struct deadmx_server *server;
};

struct attempts {
	const struct deadmx_scenario *scenario;
	struct attempts_party *parties; /* in the order of the scenario */
	size_t party_count;
	struct attempts_try *tries;
	size_t try_count;
	struct attempts_notice *notices;
	size_t notice_count;
	struct attempts_delivery *deliveries;
	size_t delivery_count;
	size_t faults_fired;
	size_t injected_count;		 /* mails that the MTA accepted */
	int64_t end_ns;			 /* time of the last event */
	bool has_queue;			 /* a listing was taken */
	char *queue;			 /* the final one, or NULL */
	bool is_ended;			 /* PHASE end was seen */
	char *target_version;		 /* or NULL */
	int64_t start_unix_s;		 /* date of time 0; 0 = not known */
	char *names[ATTEMPTS_NAMES_MAX]; /* of its EHLOs, each once */
	size_t name_count;
	double virtual_s, host_s;
};

/*
 * Read @dir/events.ndjson and the messages it names. Findings about the run
 * itself, and about the bounces as they are, go to @v. 0, or a negative errno
 * with one line on @errors when the log can't be read at all.
 */
int attempts_read(const struct deadmx_scenario *scenario, const char *dir,
		  FILE *errors, struct verdict *v, struct attempts **ret);
void attempts_free(struct attempts *a);

/* Is @server one of those that take mail for @domain? */
bool attempts_serves(const struct deadmx_server *server, const char *domain);
/* Room for one more row of @size bytes after @count; doubles when full. */
void *attempts_grow(void *rows, size_t count, size_t size);

/* Number the rounds of all tries; the reader does it at the end. */
void attempts_number_rounds(struct attempts *a);
/* A try for one recipient, and the round it belongs to, from 1. */
struct attempts_step {
	const struct attempts_try *try;
	size_t round;
};

/*
 * All tries for @p, in order; malloc'd. A connection without RCPT counts for
 * all recipients of its domain that the MTA had mail for.
 */
struct attempts_step *attempts_steps(const struct attempts *a,
				     const struct attempts_party *p,
				     size_t *ret_count);
/* The starts of the rounds for @p, in order; malloc'd. */
int64_t *attempts_rounds(const struct attempts *a,
			 const struct attempts_party *p, size_t *ret_count);
/* The last attempt for @p that began at or before @until_ns; NULL: none. */
const struct attempts_try *attempts_last(const struct attempts *a,
					 const struct attempts_party *p,
					 int64_t until_ns);
/*
 * Connections that no server sees are stamped by the clock, with its whole
 * milliseconds; all else by the world, some microseconds of reads later or
 * earlier. What is so near to each other is one instant, in no order.
 */
#define ATTEMPTS_INSTANT_NS (DEADMX_NS_PER_S / 1000)

/* Had all mail for @p been delivered or bounced before the instant @t_ns? */
bool attempts_had_ended(const struct attempts_party *p, int64_t t_ns);

/* The reply that ended @try for @p; NULL when there was none. */
const char *attempts_reply(const struct attempts_try *try,
			   const struct attempts_party *p);
/* Copies attempts, NDRs and deliveries to the verdict. */
void attempts_report(const struct attempts *a, struct verdict *v);

#endif
