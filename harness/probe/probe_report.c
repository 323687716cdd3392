/* SPDX-License-Identifier: MIT */
#include "harness/probe/probe_report.h"

#include <assert.h>
#include <string.h>

/* clang-format off */
const char *probe_step_word(enum probe_step_kind kind)
{
	static const char *const words[] = {
#define XX(uc, word, doc) [PROBE_STEP_##uc] = word,
		PROBE_STEP_MAP(XX)
#undef XX
	};

	assert((unsigned)kind < PROBE_STEP_COUNT);
	return words[kind];
}

static const struct end_row {
	const char *word;
	int code;
	const char *status;
	const char *doc;
} end_rows[] = {
#define XX(uc, word, code, status, doc)                                        \
	[PROBE_END_##uc] = {word, code, status, doc},
	PROBE_END_MAP(XX)
#undef XX
};
/* clang-format on */

const char *probe_end_word(enum probe_end_kind kind)
{
	assert((unsigned)kind < PROBE_END_COUNT);
	return end_rows[kind].word;
}

const char *probe_end_doc(enum probe_end_kind kind)
{
	assert((unsigned)kind < PROBE_END_COUNT);
	return end_rows[kind].doc;
}

struct probe_end probe_end_make(enum probe_end_kind kind,
				enum probe_step_kind step, const char *text)
{
	assert((unsigned)kind < PROBE_END_COUNT);
	return (struct probe_end){
		.kind = kind,
		.step = step,
		.code = end_rows[kind].code,
		.status = end_rows[kind].status,
		.text = text,
	};
}

bool probe_end_is_permanent(const struct probe_end *end)
{
	return end->status && end->status[0] == '5';
}

bool probe_end_is_final(const struct probe_end *end)
{
	switch (end->kind) {
	case PROBE_END_ACCEPTED:
	case PROBE_END_INTERRUPTED:
		return true;
	case PROBE_END_REPLY:
		/* A server's 5yz before MAIL speaks of itself, not of the
		 * message: the next one is asked. */
		return end->code >= 500 && (end->step == PROBE_STEP_MAIL ||
					    end->step == PROBE_STEP_RCPT);
	case PROBE_END_NONE:
	case PROBE_END_NO_DOMAIN:
	case PROBE_END_NULL_MX:
	case PROBE_END_NO_ADDRESS:
	case PROBE_END_DNS:
	case PROBE_END_CONNECT:
	case PROBE_END_LOST:
	case PROBE_END_TIMEOUT:
	case PROBE_END_PROTOCOL:
	case PROBE_END_NO_TLS:
	case PROBE_END_TLS:
	case PROBE_END_CERTIFICATE:
	case PROBE_END_NO_SMTPUTF8:
	case PROBE_END_COUNT:
		break;
	}
	return false;
}

void probe_report_init(struct probe_report *report)
{
	memset(report, 0, sizeof(*report));
	report->arena = deadmx_arena_new();
}

void probe_report_release(struct probe_report *report)
{
	deadmx_arena_free(report->arena);
	memset(report, 0, sizeof(*report));
}

const struct probe_step *probe_report_add(struct probe_report *report,
					  const struct probe_step *step)
{
	size_t n = report->step_count;

	if ((n & (n - 1)) == 0) {
		struct probe_step *steps = deadmx_arena_array(
			report->arena, n ? 2 * n : 1, sizeof(*steps));

		if (n)
			memcpy(steps, report->steps, n * sizeof(*steps));
		report->steps = steps;
	}
	report->steps[n] = *step;
	report->step_count++;
	return &report->steps[n];
}

/* @next comes after @v in the order of trying: does it count instead? */
static void verdict_weigh(struct probe_verdict *v, const struct probe_end *next,
			  const struct probe_host *host,
			  const struct probe_target *target)
{
	if (next->kind == PROBE_END_NONE || probe_end_is_final(&v->end))
		return;
	if (!probe_end_is_final(next) && v->end.kind != PROBE_END_NONE &&
	    probe_end_is_permanent(next) && !probe_end_is_permanent(&v->end))
		return;
	*v = (struct probe_verdict){*next, host, target};
}

struct probe_verdict probe_report_verdict(const struct probe_report *report)
{
	struct probe_verdict v = {.end = report->domain_end};

	for (size_t i = 0; i < report->host_count; i++) {
		const struct probe_host *host = &report->hosts[i];

		verdict_weigh(&v, &host->end, host, NULL);
		for (size_t j = 0; j < host->target_count; j++)
			verdict_weigh(&v, &host->targets[j].end, host,
				      &host->targets[j]);
	}
	return v;
}
