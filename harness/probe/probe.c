/* SPDX-License-Identifier: MIT */
#include "harness/probe/probe.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "harness/probe/probe_smtp.h"

struct run {
	const struct probe_options *options;
	const struct probe_dns *dns;
	struct probe_report *report;
	size_t tried; /* addresses */
	bool stopped; /* by signal */
	bool decided; /* no further host would be tried */
};

static void run_step(struct run *run, const struct probe_step *step)
{
	const struct probe_step *added = probe_report_add(run->report, step);

	if (run->options->on_step)
		run->options->on_step(run->options->arg, run->report, added);
}

/* Nothing more is to be tried. */
static bool run_is_over(struct run *run)
{
	if (run->stopped || (run->decided && !run->options->all))
		return true;
	if (probe_net_now_ns() < run->options->net.end_ns &&
	    run->tried < PROBE_ADDRESSES_MAX)
		return false;
	run->report->time_over = true;
	return true;
}

static struct probe_host *run_add_host(struct run *run, const char *name,
				       int preference)
{
	struct probe_host *host =
		&run->report->hosts[run->report->host_count++];

	host->name = name;
	host->preference = preference;
	return host;
}

/* A DNS question came to no good: the end that an MTA would make of it. */
static struct probe_end end_of_answer(const struct probe_dns_answer *answer,
				      enum probe_step_kind step,
				      enum probe_end_kind no_data,
				      const char *text)
{
	switch (answer->rc) {
	case PROBE_DNS_NO_NAME:
		return probe_end_make(step == PROBE_STEP_MX
					      ? PROBE_END_NO_DOMAIN
					      : PROBE_END_NO_ADDRESS,
				      step, text);
	case PROBE_DNS_FAILED:
		return probe_end_make(PROBE_END_DNS, step, answer->why);
	case PROBE_DNS_INTERRUPTED:
		return probe_end_make(PROBE_END_INTERRUPTED, step, "stopped");
	case PROBE_DNS_OK:
	case PROBE_DNS_NO_DATA:
		break;
	}
	return probe_end_make(no_data, step, text);
}

/* By preference; equal ones by name, so that two probes compare (an MTA takes
 * them in any order, RFC 5321 5.1). */
static int compare_mx(const void *a, const void *b)
{
	const struct probe_dns_record *x = a, *y = b;

	if (x->preference != y->preference)
		return x->preference < y->preference ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void mx_done(struct run *run, int64_t from_ns, enum probe_mark mark,
		    const char *text)
{
	struct probe_step step = {
		.kind = PROBE_STEP_MX,
		.mark = mark,
		.took_ns = probe_net_now_ns() - from_ns,
		.text = text,
	};

	run_step(run, &step);
}

static void mx_failed(struct run *run, int64_t from_ns, struct probe_end end)
{
	run->report->domain_end = end;
	run->stopped = end.kind == PROBE_END_INTERRUPTED;
	mx_done(run, from_ns, PROBE_MARK_FAILED, end.text);
}

/* The records become hosts, and a line each for people. */
static const char *mx_take(struct run *run, struct probe_dns_answer *answer)
{
	struct deadmx_arena *arena = run->report->arena;
	const char *text = NULL;

	qsort(answer->records, answer->count, sizeof(answer->records[0]),
	      compare_mx);
	if (answer->alias)
		text = deadmx_arena_printf(arena, "%s is an alias of %s",
					   run->report->domain, answer->alias);
	for (size_t i = 0; i < answer->count; i++) {
		const struct probe_dns_record *r = &answer->records[i];

		run_add_host(run, r->name, r->preference);
		text = deadmx_arena_printf(arena, "%s%s%d %s", text ? text : "",
					   text ? "\n" : "", r->preference,
					   *r->name ? r->name : ".");
	}
	if (answer->is_cut)
		text = deadmx_arena_printf(arena, "%s\nand more", text);
	return text;
}

static void find_mx(struct run *run)
{
	int64_t from = probe_net_now_ns();
	const char *domain = run->report->domain;
	struct probe_dns_answer *answer = calloc(1, sizeof(*answer));

	assert(answer);
	probe_dns_ask(run->dns, domain, LDNS_RR_TYPE_MX, answer);
	run->report->hosts =
		deadmx_arena_array(run->report->arena, answer->count + 1,
				   sizeof(*run->report->hosts));
	if (answer->rc == PROBE_DNS_OK && answer->count == 1 &&
	    !*answer->records[0].name) {
		/* RFC 7505 */
		mx_failed(run, from,
			  probe_end_make(PROBE_END_NULL_MX, PROBE_STEP_MX,
					 "the null MX: no mail is taken"));
	} else if (answer->rc == PROBE_DNS_OK) {
		const char *text = mx_take(run, answer);

		mx_done(run, from,
			answer->is_cut ? PROBE_MARK_WARNING : PROBE_MARK_OK,
			text);
	} else if (answer->rc == PROBE_DNS_NO_DATA) {
		/* RFC 5321 5.1: the implicit MX */
		run_add_host(run, domain, -1);
		mx_done(run, from, PROBE_MARK_WARNING,
			"no MX record: the domain's own address is taken");
	} else {
		mx_failed(run, from,
			  end_of_answer(answer, PROBE_STEP_MX,
					PROBE_END_NO_DOMAIN,
					"there is no such domain"));
	}
	free(answer);
}

/* The answers to both questions for a host's addresses. */
struct addresses {
	struct probe_dns_answer v6, v4;
};

static void addresses_take(struct run *run, struct probe_host *host,
			   const struct probe_dns_answer *answer,
			   const char **text)
{
	struct deadmx_arena *arena = run->report->arena;

	for (size_t i = 0; i < answer->count; i++) {
		char ip[INET6_ADDRSTRLEN];
		const char *address = probe_net_addr_text(
			&answer->records[i].address, ip, sizeof(ip));

		address = deadmx_arena_copy(arena, address, strlen(address));
		host->targets[host->target_count++].address = address;
		*text = *text ? deadmx_arena_printf(arena, "%s\n%s", *text,
						    address)
			      : address;
	}
}

/* One question failed, one was answered: which of them counts? */
static const struct probe_dns_answer *addresses_worse(const struct addresses *a)
{
	if (a->v4.rc == PROBE_DNS_INTERRUPTED || a->v4.rc == PROBE_DNS_FAILED)
		return &a->v4;
	if (a->v6.rc == PROBE_DNS_INTERRUPTED || a->v6.rc == PROBE_DNS_FAILED)
		return &a->v6;
	return a->v4.rc == PROBE_DNS_NO_NAME || a->v4.why ? &a->v4 : &a->v6;
}

static const char *no_address_text(struct run *run, const char *name)
{
	struct sockaddr_storage addr;

	if (!*name)
		return "a null MX beside others counts for nothing";
	if (probe_address_ip(name, &addr))
		return "the MX record names an IP address, not a host";
	if (!run->options->v6)
		return "no IPv4 address";
	return run->options->v4 ? "no address" : "no IPv6 address";
}

static void addresses_step(struct run *run, struct probe_host *host,
			   const struct addresses *a, int64_t from_ns)
{
	struct probe_step step = {.kind = PROBE_STEP_ADDRESS,
				  .host = host->name};
	const char *alias = a->v4.alias ? a->v4.alias : a->v6.alias;
	const char *text = NULL;

	host->targets = deadmx_arena_array(run->report->arena,
					   a->v6.count + a->v4.count,
					   sizeof(*host->targets));
	addresses_take(run, host, &a->v6, &text);
	addresses_take(run, host, &a->v4, &text);
	if (!text) {
		const struct probe_dns_answer *worse = addresses_worse(a);
		const char *why = worse->why;

		if (!why)
			why = no_address_text(run, host->name);
		host->end = end_of_answer(worse, PROBE_STEP_ADDRESS,
					  PROBE_END_NO_ADDRESS, why);
		run->stopped = host->end.kind == PROBE_END_INTERRUPTED;
		step.mark = PROBE_MARK_FAILED;
		step.text = host->end.text;
	} else if (alias && host->preference >= 0) {
		step.mark = PROBE_MARK_WARNING; /* RFC 2181 10.3 */
		step.text = deadmx_arena_printf(
			run->report->arena,
			"%s\nthe MX record names an alias, of %s", text, alias);
	} else {
		step.text = text;
	}
	step.took_ns = probe_net_now_ns() - from_ns;
	run_step(run, &step);
}

static void find_addresses(struct run *run, struct probe_host *host)
{
	int64_t from = probe_net_now_ns();
	struct addresses *a = calloc(1, sizeof(*a));

	assert(a);
	a->v4.rc = a->v6.rc = PROBE_DNS_NO_DATA;
	if (*host->name && run->options->v6)
		probe_dns_ask(run->dns, host->name, LDNS_RR_TYPE_AAAA, &a->v6);
	if (*host->name && run->options->v4 &&
	    a->v6.rc != PROBE_DNS_INTERRUPTED)
		probe_dns_ask(run->dns, host->name, LDNS_RR_TYPE_A, &a->v4);
	addresses_step(run, host, a, from);
	free(a);
}

static void try_target(struct run *run, const struct probe_host *host,
		       struct probe_target *target)
{
	enum probe_tls_level tls = run->options->tls;
	struct sockaddr_storage addr;
	bool ok = probe_address_ip(target->address, &addr);

	assert(ok);
	run->tried++;
	probe_net_set_port(&addr, run->options->port);
	target->end =
		probe_smtp_run(run->options, run->report, host, &addr, tls);
	/* As MTAs do that take TLS when they can get it. */
	if (target->end.kind == PROBE_END_TLS && tls == PROBE_TLS_MAY)
		target->end = probe_smtp_run(run->options, run->report, host,
					     &addr, PROBE_TLS_NONE);
	run->stopped |= target->end.kind == PROBE_END_INTERRUPTED;
	run->decided |= probe_end_is_final(&target->end);
}

static void try_host(struct run *run, struct probe_host *host)
{
	if (!host->targets)
		find_addresses(run, host);
	for (size_t i = 0; i < host->target_count && !run_is_over(run); i++)
		try_target(run, host, &host->targets[i]);
}

/* user@[192.0.2.1]: no DNS at all (RFC 5321 4.1.3). */
static void take_literal(struct run *run)
{
	struct deadmx_arena *arena = run->report->arena;
	struct probe_host *host;
	char ip[INET6_ADDRSTRLEN];

	probe_net_addr_text(&run->options->to.literal, ip, sizeof(ip));
	run->report->hosts = deadmx_arena_array(arena, 1, sizeof(*host));
	host = run_add_host(run, deadmx_arena_copy(arena, ip, strlen(ip)), -1);
	host->targets = deadmx_arena_array(arena, 1, sizeof(*host->targets));
	host->targets[0].address = host->name;
	host->target_count = 1;
}

void probe_run(const struct probe_options *options, const struct probe_dns *dns,
	       struct probe_report *report)
{
	struct run run = {.options = options, .dns = dns, .report = report};
	int64_t from = probe_net_now_ns();

	report->address = options->to.mailbox;
	report->domain = options->to.domain;
	report->from = options->from;
	if (options->to.is_literal)
		take_literal(&run);
	else
		find_mx(&run);
	for (size_t i = 0; i < report->host_count && !run_is_over(&run); i++)
		try_host(&run, &report->hosts[i]);
	report->took_ns = probe_net_now_ns() - from;
}
