/* SPDX-License-Identifier: MIT */
/*
 * What a server that is in order refuses by rules of its own: greylist,
 * limits, size.
 *
 * Each rule answers as a fault would, with the place of its key in the
 * scenario, so that a session and the log treat both alike. It knows no clock
 * and no session: the caller says what is known at the moment.
 */
#ifndef SIM_POLICY_H
#define SIM_POLICY_H

#include "deadmx/scenario.h"
#include "sim/fault.h"
#include "sim/seen.h"

/* XX(ENUM, stage, healthy text): the rules, in the order they are tried. */
#define POLICY_RULE_MAP(XX)                                                    \
	XX(CONNECTIONS, BANNER, "421 4.7.0 Too many connections")              \
	XX(PER_MINUTE, BANNER, "421 4.7.0 Too many connections in a minute")   \
	XX(MESSAGES, MAIL, "421 4.7.0 Too many messages in this connection")   \
	XX(SIZE_ANNOUNCED, MAIL, "552 5.3.4 Message size exceeds limit")       \
	XX(RECIPIENTS, RCPT, "452 4.5.3 Too many recipients")                  \
	XX(GREYLIST, RCPT, NULL)                                               \
	XX(SIZE, DOT, "552 5.3.4 Message size exceeds limit")

enum policy_rule {
#define XX(uc, stage, text) POLICY_##uc,
	POLICY_RULE_MAP(XX)
#undef XX
		POLICY_RULE_COUNT
};

struct policy {
	const struct deadmx_server *server;
	struct seen greylist;
	int64_t *accepts; /* times of the last per_minute + 1, a ring */
	size_t accept_count;
	struct deadmx_fault rules[POLICY_RULE_COUNT];
};

/* 0 or -ENOMEM. @server must outlive the policy. */
int policy_init(struct policy *p, const struct deadmx_server *server);
void policy_release(struct policy *p);
/* Forget who was here: the timeline starts again. */
void policy_clear(struct policy *p);

/* A connection was accepted. */
void policy_connection(struct policy *p, int64_t now_ns);
/*
 * The rule that refuses what stage @c is about, or NULL. Asked once each time
 * a stage is reached, for the greylist remembers.
 */
const struct deadmx_fault *policy_refuses(struct policy *p,
					  const struct fault_context *c);

#endif
