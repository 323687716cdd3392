/* SPDX-License-Identifier: MIT */
#include "harness/report/junit.h"

#include <errno.h>
#include <string.h>

#include "harness/report/text.h"

static const char *junit_target(const struct verdict *v)
{
	return v->target ? v->target : "";
}

/* Is it the first run of its target? Suites come in that order. */
static bool junit_is_first(const struct verdict *verdicts, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(junit_target(&verdicts[k]),
			   junit_target(&verdicts[i])) == 0)
			return false;
	return true;
}

static size_t junit_findings_of(const struct verdict *v, enum severity severity)
{
	size_t count = 0;

	for (size_t i = 0; i < v->finding_count; i++)
		count += v->findings[i].severity == severity;
	return count;
}

static void junit_message(FILE *out, const struct verdict *v)
{
	const struct finding *first = verdict_cause(v);

	if (first)
		report_text_finding(out, first, report_text_xml);
}

static void junit_findings(FILE *out, const struct verdict *v)
{
	for (size_t i = 0; i < v->finding_count; i++) {
		report_text_finding(out, &v->findings[i], report_text_xml);
		fputc('\n', out);
	}
	for (size_t i = 0; i < v->change_count; i++) {
		report_text_change(out, &v->changes[i], report_text_xml);
		fputc('\n', out);
	}
}

static void junit_element(FILE *out, const struct verdict *v, const char *name)
{
	fprintf(out, "      <%s message=\"", name);
	junit_message(out, v);
	fprintf(out, "\" type=\"%s\">", verdict_word(v->kind));
	junit_findings(out, v);
	fprintf(out, "</%s>\n", name);
}

static void junit_case(FILE *out, const struct verdict *v)
{
	fputs("    <testcase classname=\"", out);
	report_text_xml(out, junit_target(v));
	fputs("\" name=\"", out);
	report_text_xml(out, v->scenario);
	fputs("\" time=\"", out);
	report_text_seconds(out, v->host_seconds);
	fputs("\">\n", out);
	switch (v->kind) {
	case VERDICT_FAIL:
		junit_element(out, v, "failure");
		break;
	case VERDICT_ERROR:
		junit_element(out, v, "error");
		break;
	case VERDICT_KNOWN:
		junit_element(out, v, "skipped");
		break;
	case VERDICT_UNSUPPORTED:
		fputs("      <skipped message=\"unsupported by this "
		      "target\"/>\n",
		      out);
		break;
	case VERDICT_PASS:
		if (junit_findings_of(v, SEVERITY_SHOULD) +
		    junit_findings_of(v, SEVERITY_NOTE) + v->change_count) {
			fputs("      <system-out>", out);
			junit_findings(out, v);
			fputs("</system-out>\n", out);
		}
		break;
	case VERDICT_COUNT:
		break;
	}
	fputs("    </testcase>\n", out);
}

static void junit_suite(FILE *out, const struct verdict *verdicts, size_t count,
			const char *target)
{
	size_t tests = 0, kinds[VERDICT_COUNT] = {0};
	double seconds = 0;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(junit_target(&verdicts[i]), target) != 0)
			continue;
		tests++;
		kinds[verdicts[i].kind]++;
		seconds += verdicts[i].host_seconds;
	}
	fputs("  <testsuite name=\"", out);
	report_text_xml(out, target);
	fprintf(out,
		"\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" "
		"skipped=\"%zu\" time=\"",
		tests, kinds[VERDICT_FAIL], kinds[VERDICT_ERROR],
		kinds[VERDICT_UNSUPPORTED] + kinds[VERDICT_KNOWN]);
	report_text_seconds(out, seconds);
	fputs("\">\n", out);
	for (size_t i = 0; i < count; i++)
		if (strcmp(junit_target(&verdicts[i]), target) == 0)
			junit_case(out, &verdicts[i]);
	fputs("  </testsuite>\n", out);
}

int report_junit(FILE *out, const struct verdict *verdicts, size_t count)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites "
	      "name=\"deadmx\">\n",
	      out);
	for (size_t i = 0; i < count; i++)
		if (junit_is_first(verdicts, i))
			junit_suite(out, verdicts, count,
				    junit_target(&verdicts[i]));
	fputs("</testsuites>\n", out);
	return ferror(out) ? -EIO : 0;
}
