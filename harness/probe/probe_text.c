/* SPDX-License-Identifier: MIT */
#include "harness/probe/probe_text.h"

#include <assert.h>
#include <string.h>

#include "harness/report/text.h"

enum {
	INDENT = 23,	 /* where the text of a step begins */
	NAMES_SHOWN = 8, /* of a certificate; --json has them all */
	EXPIRES_SOON_D = 14,
};

static bool is_same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void text_line(struct probe_text *t, bool *first, const char *line)
{
	fprintf(t->out, "%*s", *first ? 0 : INDENT, "");
	report_text_plain(t->out, line);
	fputc('\n', t->out);
	*first = false;
}

/* Lines split by \n, the first one where we are, the others below it. */
static void text_lines(struct probe_text *t, bool *first, const char *lines)
{
	char line[4096];

	while (lines && *lines) {
		size_t len = strcspn(lines, "\n");
		size_t shown = len < sizeof(line) ? len : sizeof(line) - 1;

		memcpy(line, lines, shown);
		line[shown] = '\0';
		text_line(t, first, line);
		lines += len + (lines[len] == '\n');
	}
}

static void text_head(struct probe_text *t, const struct probe_report *report,
		      const struct probe_step *step)
{
	if (t->begun && is_same(t->host, step->host) &&
	    is_same(t->address, step->address) &&
	    step->kind != PROBE_STEP_CONNECT)
		return;
	t->begun = true;
	t->host = step->host;
	t->address = step->address;
	report_text_plain(t->out, step->host ? step->host : report->domain);
	if (step->address)
		fprintf(t->out, " [%s]:%u", step->address, t->port);
	fputc('\n', t->out);
}

static void text_names(struct probe_text *t, bool *first,
		       const struct probe_tls_peer *peer)
{
	size_t shown =
		peer->name_count < NAMES_SHOWN ? peer->name_count : NAMES_SHOWN;

	if (!shown)
		return;
	fprintf(t->out, "%*sfor ", *first ? 0 : INDENT, "");
	*first = false;
	for (size_t i = 0; i < shown; i++) {
		fputs(i ? ", " : "", t->out);
		report_text_plain(t->out, peer->names[i]);
	}
	if (peer->name_count > shown)
		fprintf(t->out, " and %zu more", peer->name_count - shown);
	fputc('\n', t->out);
}

static void text_validity(char *line, size_t size,
			  const struct probe_tls_peer *peer)
{
	int days = peer->days_left;
	int len = snprintf(line, size, "valid %s to %s, ", peer->from,
			   peer->until);

	assert(len > 0 && (size_t)len < size);
	if (days < 0)
		snprintf(line + len, size - (size_t)len, "over for %d days",
			 -days);
	else
		snprintf(line + len, size - (size_t)len, "%sfor %d days",
			 days < EXPIRES_SOON_D ? "only " : "", days);
}

static void text_peer(struct probe_text *t, bool *first,
		      const struct probe_tls_peer *peer)
{
	char line[4096];

	snprintf(line, sizeof(line), "%s %s", peer->version, peer->cipher);
	text_line(t, first, line);
	if (peer->subject) {
		snprintf(line, sizeof(line), "certificate %s, %s",
			 peer->subject, peer->key);
		text_line(t, first, line);
		text_names(t, first, peer);
		snprintf(line, sizeof(line), "from %s", peer->issuer);
		text_line(t, first, line);
		text_validity(line, sizeof(line), peer);
		text_line(t, first, line);
	}
	for (size_t i = 0; i < peer->problem_count; i++) {
		snprintf(line, sizeof(line), "not verified: %s",
			 peer->problems[i]);
		text_line(t, first, line);
	}
	if (!peer->problem_count)
		text_line(t, first, "verified");
}

void probe_text_step(struct probe_text *t, const struct probe_report *report,
		     const struct probe_step *step)
{
	static const char marks[] = {' ', '!', 'x'};
	bool first = true;

	text_head(t, report, step);
	fprintf(t->out, "%c %7.3f s  %-8s  ", marks[step->mark],
		(double)step->took_ns / 1e9, probe_step_word(step->kind));
	text_lines(t, &first, step->reply);
	text_lines(t, &first, step->text);
	if (step->peer)
		text_peer(t, &first, step->peer);
	if (first)
		fputc('\n', t->out);
	fflush(t->out);
}

static void text_place(struct probe_text *t, const struct probe_report *report,
		       const struct probe_verdict *v)
{
	fprintf(t->out, " at %s of ", probe_step_word(v->end.step));
	report_text_plain(t->out, v->host ? v->host->name : report->domain);
	if (v->target)
		fprintf(t->out, " [%s]", v->target->address);
}

static void text_status(struct probe_text *t, const struct probe_end *end)
{
	if (!end->status)
		return;
	fprintf(t->out, "An MTA would report %d %s and %s.\n", end->code,
		end->status,
		probe_end_is_permanent(end) ? "send the message back"
					    : "try again later");
}

/* With --all: the hosts that are no use, though another one is. */
static void text_others(struct probe_text *t, const struct probe_report *report)
{
	size_t good = 0, tried = 0;

	for (size_t i = 0; i < report->host_count; i++) {
		const struct probe_host *host = &report->hosts[i];

		tried += host->end.kind != PROBE_END_NONE;
		for (size_t j = 0; j < host->target_count; j++) {
			enum probe_end_kind kind = host->targets[j].end.kind;

			tried += kind != PROBE_END_NONE;
			good += kind == PROBE_END_ACCEPTED;
		}
	}
	if (tried > 1)
		fprintf(t->out, "%zu of %zu tried accept the recipient.\n",
			good, tried);
}

void probe_text_end(struct probe_text *t, const struct probe_report *report)
{
	struct probe_verdict v = probe_report_verdict(report);
	bool reachable = v.end.kind == PROBE_END_ACCEPTED;

	fputc('\n', t->out);
	if (v.end.kind == PROBE_END_INTERRUPTED) {
		fputs("Interrupted.\n", t->out);
		return;
	}
	fputs(reachable ? "Reachable: " : "Not reachable: ", t->out);
	fputs(probe_end_doc(v.end.kind), t->out);
	text_place(t, report, &v);
	fprintf(t->out, ", %.3f s in all.\n", (double)report->took_ns / 1e9);
	if (!reachable)
		text_status(t, &v.end);
	if (report->time_over)
		fputs("The time was over before all addresses were tried.\n",
		      t->out);
	text_others(t, report);
}
