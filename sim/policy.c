/* SPDX-License-Identifier: MIT */
/* What a server refuses by rules of its own: see policy.h. */
#include "sim/policy.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_NS (60 * DEADMX_NS_PER_S)

static void rules_init(struct policy *p)
{
	const struct deadmx_server *server = p->server;
	const struct deadmx_limits *limits = &server->limits;

#define XX(uc, at, text)                                                       \
	p->rules[POLICY_##uc] =                                                \
		(struct deadmx_fault){.place = limits->place,                  \
				      .stage = DEADMX_STAGE_##at,              \
				      .action = DEADMX_ACTION_REPLY,           \
				      .reply = (char *)(text)};
	POLICY_RULE_MAP(XX)
#undef XX
	for (int i = POLICY_CONNECTIONS; i <= POLICY_MESSAGES; i++) {
		p->rules[i].close = true;
		if (limits->reply)
			p->rules[i].reply = limits->reply;
	}
	p->rules[POLICY_GREYLIST].place = server->greylist.place;
	p->rules[POLICY_GREYLIST].reply = server->greylist.reply;
	p->rules[POLICY_SIZE].place = server->size_place;
	p->rules[POLICY_SIZE_ANNOUNCED].place = server->size_place;
}

int policy_init(struct policy *p, const struct deadmx_server *server)
{
	*p = (struct policy){.server = server};
	seen_init(&p->greylist);
	rules_init(p);
	p->accepts = calloc(server->limits.per_minute + 1, sizeof(int64_t));
	return p->accepts ? 0 : -ENOMEM;
}

void policy_release(struct policy *p)
{
	if (p->server)
		seen_release(&p->greylist);
	free(p->accepts);
	p->accepts = NULL;
}

void policy_clear(struct policy *p)
{
	seen_clear(&p->greylist);
	p->accept_count = 0;
}

/* --- how many ------------------------------------------------------------ */

void policy_connection(struct policy *p, int64_t now_ns)
{
	size_t size = p->server->limits.per_minute + 1;

	p->accepts[p->accept_count++ % size] = now_ns;
}

/* One more than allowed, the first of them less than a minute ago. */
static bool is_too_fast(const struct policy *p, int64_t now_ns)
{
	size_t size = p->server->limits.per_minute + 1;

	return size > 1 && p->accept_count >= size &&
	       now_ns - p->accepts[p->accept_count % size] < MINUTE_NS;
}

/* --- the greylist -------------------------------------------------------- */

static const char *known_by(const struct deadmx_greylist *g, unsigned bit,
			    const char *text)
{
	return (g->by & bit) && text ? text : "";
}

/* RFC 6647: the client, the sender and the recipient, or some of them. */
static bool is_unknown(struct policy *p, const struct fault_context *c)
{
	const struct deadmx_greylist *g = &p->server->greylist;
	const struct seen_entry *e;
	char *key = NULL;
	int rc;

	if (!g->delay_ns || !c->recipient_count)
		return false;
	rc = asprintf(&key, "%s\n%s\n%s",
		      known_by(g, DEADMX_GREYLIST_IP, c->ip),
		      known_by(g, DEADMX_GREYLIST_SENDER, c->sender),
		      known_by(g, DEADMX_GREYLIST_RECIPIENT, c->recipients[0]));
	assert(rc > 0);
	for (char *q = key; *q; q++)
		*q = (char)tolower((unsigned char)*q);
	e = seen_note(&p->greylist, key, c->now_ns, g->forget_ns);
	free(key);
	return c->now_ns - e->first_ns < g->delay_ns;
}

/* --- which rule ---------------------------------------------------------- */

static bool over(uint64_t n, uint64_t limit)
{
	return limit && n > limit;
}

static bool rule_refuses(struct policy *p, enum policy_rule rule,
			 const struct fault_context *c)
{
	const struct deadmx_limits *limits = &p->server->limits;

	switch (rule) {
	case POLICY_CONNECTIONS:
		return over(c->connections, limits->connections);
	case POLICY_PER_MINUTE:
		return is_too_fast(p, c->now_ns);
	case POLICY_MESSAGES:
		return over(c->messages + 1, limits->messages);
	case POLICY_SIZE_ANNOUNCED:
	case POLICY_SIZE:
		return over(c->bytes, p->server->size);
	case POLICY_RECIPIENTS:
		return over(c->accepted + 1, limits->recipients);
	case POLICY_GREYLIST:
		return is_unknown(p, c);
	case POLICY_RULE_COUNT:
		break;
	}
	return false;
}

const struct deadmx_fault *policy_refuses(struct policy *p,
					  const struct fault_context *c)
{
	for (int i = 0; i < POLICY_RULE_COUNT; i++)
		if (p->rules[i].stage == c->stage &&
		    rule_refuses(p, (enum policy_rule)i, c))
			return &p->rules[i];
	return NULL;
}
