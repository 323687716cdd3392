/* SPDX-License-Identifier: MIT */
#include "harness/report/tap.h"

#include <errno.h>
#include <string.h>

#include "harness/report/text.h"

/* '#' starts a directive in a description; a name that has one loses it. */
static void tap_name(FILE *out, const char *name)
{
	for (; name && *name; name += strcspn(name, "#")) {
		char part[256];
		size_t len = strcspn(name, "#");

		if (len == 0) {
			fputc('_', out);
			name++;
			len = strcspn(name, "#");
		}
		snprintf(part, sizeof(part), "%.*s", (int)len, name);
		report_text_plain(out, part);
	}
}

static void tap_findings(FILE *out, const struct verdict *v)
{
	fprintf(out, "  ---\n  verdict: %s\n  findings:\n",
		verdict_word(v->kind));
	for (size_t i = 0; i < v->finding_count; i++) {
		fputs("    - \"", out);
		report_text_finding(out, &v->findings[i], report_text_quoted);
		fputs("\"\n", out);
	}
	fputs("  ...\n", out);
}

/* An expected failure, for TAP: not ok, and no cause for alarm. */
static void tap_known(FILE *out, const struct verdict *v)
{
	fputs(" # TODO known: ", out);
	for (size_t i = 0; i < v->finding_count; i++)
		if (v->findings[i].known) {
			report_text_plain(out, v->findings[i].known);
			return;
		}
}

int report_tap(FILE *out, const struct verdict *verdicts, size_t count)
{
	fprintf(out, "TAP version 13\n1..%zu\n", count);
	for (size_t i = 0; i < count; i++) {
		const struct verdict *v = &verdicts[i];
		bool is_ok = v->kind == VERDICT_PASS ||
			     v->kind == VERDICT_UNSUPPORTED;

		fprintf(out, "%s %zu - ", is_ok ? "ok" : "not ok", i + 1);
		tap_name(out, v->scenario);
		fputs(" on ", out);
		tap_name(out, v->target);
		if (v->kind == VERDICT_UNSUPPORTED)
			fputs(" # SKIP unsupported by this target", out);
		if (v->kind == VERDICT_KNOWN)
			tap_known(out, v);
		fputc('\n', out);
		if (!is_ok)
			tap_findings(out, v);
		for (size_t k = 0; k < v->change_count; k++) {
			fputs("# ", out);
			report_text_change(out, &v->changes[k],
					   report_text_plain);
			fputc('\n', out);
		}
	}
	return ferror(out) ? -EIO : 0;
}
