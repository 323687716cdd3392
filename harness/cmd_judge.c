/* SPDX-License-Identifier: MIT */
#include "harness/cmd_judge.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "harness/judge/judge.h"
#include "harness/report/json.h"
#include "harness/report/table.h"

enum {
	JUDGE_EXIT_PASS = 0,
	JUDGE_EXIT_FAIL = 1,
	JUDGE_EXIT_USAGE = 2,
	JUDGE_EXIT_HARNESS = 4,
};

static const char cmd_judge_help[] =
	"Usage: deadmx judge [--json] [--strict] DIR\n"
	"\n"
	"Give the verdict of a stored run again: a function of scenario.yml,\n"
	"target.yml, events.ndjson and the messages in DIR, nothing else.\n"
	"\n"
	"  --json     print the result as JSON (docs/json.md)\n"
	"  --strict   findings of severity \"should\" fail, too\n"
	"  --help     this text\n"
	"\n"
	"Exit status: 0 passed or known, 1 a check failed, 2 usage or a faulty "
	"scenario\n"
	"or target, 4 the run itself failed or can't be read.\n";

static int cmd_judge_usage(const char *why, const char *what)
{
	fprintf(stderr, "deadmx judge: %s%s\nTry \"deadmx judge --help\".\n",
		why, what);
	return JUDGE_EXIT_USAGE;
}

static int cmd_judge_status(const struct verdict *v)
{
	switch (v->kind) {
	case VERDICT_FAIL:
		return JUDGE_EXIT_FAIL;
	case VERDICT_ERROR:
	case VERDICT_COUNT:
		return JUDGE_EXIT_HARNESS;
	case VERDICT_PASS:
	case VERDICT_KNOWN:
	case VERDICT_UNSUPPORTED:
		break;
	}
	return JUDGE_EXIT_PASS;
}

static int cmd_judge_dir(const char *dir, bool as_json, bool is_strict)
{
	struct verdict v = {0};
	int rc = judge_dir(dir, stderr, &v);

	if (rc < 0)
		return rc == -EINVAL ? JUDGE_EXIT_USAGE : JUDGE_EXIT_HARNESS;
	if (is_strict)
		verdict_make_strict(&v);
	if (as_json)
		report_json(stdout, &v, 1);
	else
		report_table(stdout, &v, 1);
	rc = cmd_judge_status(&v);
	verdict_release(&v);
	if (fflush(stdout) != 0) {
		perror("deadmx judge: standard output");
		return JUDGE_EXIT_HARNESS;
	}
	return rc;
}

int cmd_judge(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"strict", no_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	bool as_json = false, is_strict = false;
	int c;

	opterr = 0;
	optind = 0; /* main() has used getopt before */
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			as_json = true;
			break;
		case 's':
			is_strict = true;
			break;
		case 'h':
			fputs(cmd_judge_help, stdout);
			return JUDGE_EXIT_PASS;
		default:
			return cmd_judge_usage("unknown option ",
					       argv[optind - 1]);
		}
	}
	if (argc - optind != 1)
		return cmd_judge_usage(argc > optind ? "one folder only"
						     : "which folder?",
				       "");
	return cmd_judge_dir(argv[optind], as_json, is_strict);
}
