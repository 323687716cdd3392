/* SPDX-License-Identifier: MIT */
/*
 * The standing laws: what holds in every run, whatever the scenario expects.
 * Each accepted mail has one end per recipient, and the sender learns of it.
 */
#ifndef HARNESS_JUDGE_LAWS_H
#define HARNESS_JUDGE_LAWS_H

#include "harness/judge/attempts.h"
#include "harness/target.h"

/* Where an undelivered, unbounced mail is when the run ends. */
/* What DELIVERBY asks for may come so much later. */
#define LAWS_DELIVER_BY_SLACK_NS (3600 * DEADMX_NS_PER_S)
/* The MTA counts from MAIL, which comes before the mail is accepted. */
#define LAWS_BY_EARLY_NS (60 * DEADMX_NS_PER_S)

enum laws_rest {
	LAWS_REST_QUEUED,
	LAWS_REST_GONE,
	LAWS_REST_UNKNOWN, /* no listing, or none that can be read */
};

enum laws_rest laws_rest(const struct attempts *a, const struct target *target,
			 const struct attempts_party *p);

/* Injection of the @n-th mail of @p, from 0; its plan when not yet seen. */
int64_t laws_injected_ns(const struct attempts_party *p, size_t n);

/*
 * When the time is over that @p's sender gave with BY=, and whether the mail
 * is to be returned then, 'R', or told of, 'N' (RFC 2852 4). INT64_MAX, and
 * @ret_mode untouched, when he gave none, or the MTA did not take it.
 */
int64_t laws_by_ns(const struct attempts_party *p, char *ret_mode);

/* RFC 3461 §5.2.6: with NOTIFY that lacks FAILURE no NDR may come. */
bool laws_wants_ndr(const struct attempts_party *p);

/* Adds to @v a finding for each law that was broken. */
void laws_check(const struct attempts *a, const struct target *target,
		struct verdict *v);

#endif
