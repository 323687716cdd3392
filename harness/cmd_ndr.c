/* SPDX-License-Identifier: MIT */
#include "harness/cmd_ndr.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "harness/ndr/ndr_print.h"
#include "harness/ndr/ndr_scenario.h"
#include "harness/ndr/ndr_story.h"

enum {
	NDR_EXIT_CLEAN = 0,
	NDR_EXIT_MUST = 1,
	NDR_EXIT_USAGE = 2,
	NDR_EXIT_HARNESS = 4,
};

static const char cmd_ndr_help[] =
	"Usage: deadmx ndr [--json|--scenario] [FILE|-]\n"
	"\n"
	"Read one bounce (a message file, such as an .eml from Outlook; "
	"standard\n"
	"input without FILE): who did not get the mail, why, where it was "
	"tried last,\n"
	"for how long, and whose fault it probably is. Then what is wrong with "
	"the\n"
	"bounce itself by the letter of the RFCs.\n"
	"\n"
	"  --json      print it as JSON (docs/json.md)\n"
	"  --scenario  print a scenario instead that replays the failure:\n"
	"              deadmx ndr --scenario bounce.eml > repro.yml\n"
	"              deadmx run --target model repro.yml\n"
	"  --help      this text\n"
	"\n"
	"Exit status: 0 read, and nothing is wrong with it; 1 it breaks a MUST "
	"of an\n"
	"RFC (with --scenario: 0); 2 usage, or it is no bounce (with "
	"--scenario: or\n"
	"nothing has failed); 4 it can't be read.\n";

static int cmd_ndr_usage(const char *why, const char *what)
{
	fprintf(stderr, "deadmx ndr: %s%s\nTry \"deadmx ndr --help\".\n", why,
		what);
	return NDR_EXIT_USAGE;
}

enum cmd_ndr_form {
	FORM_TEXT,
	FORM_JSON,
	FORM_SCENARIO,
};

static int cmd_ndr_status(const struct deadmx_ndr *ndr)
{
	for (size_t i = 0; i < ndr->finding_count; i++)
		if (ndr->findings[i].severity == DEADMX_NDR_MUST)
			return NDR_EXIT_MUST;
	return NDR_EXIT_CLEAN;
}

static int cmd_ndr_show(const struct deadmx_ndr *ndr, enum cmd_ndr_form form,
			const char *path)
{
	int status = cmd_ndr_status(ndr);
	struct ndr_story story;

	if (form == FORM_SCENARIO && ndr->kind == DEADMX_NDR_KIND_OTHER) {
		fprintf(stderr,
			"deadmx ndr: %s: a report of success: there is no "
			"failure to replay\n",
			path);
		return NDR_EXIT_USAGE;
	}
	ndr_story_read(ndr, &story);
	switch (form) {
	case FORM_TEXT:
		ndr_print(stdout, &story);
		break;
	case FORM_JSON:
		ndr_print_json(stdout, &story);
		break;
	case FORM_SCENARIO:
		ndr_scenario_print(stdout, &story, path);
		status = NDR_EXIT_CLEAN;
		break;
	}
	ndr_story_release(&story);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	perror("deadmx ndr: standard output");
	return NDR_EXIT_HARNESS;
}

static int cmd_ndr_file(const char *path, enum cmd_ndr_form form)
{
	bool is_stdin = strcmp(path, "-") == 0;
	struct deadmx_ndr *ndr;
	int rc = deadmx_ndr_read(is_stdin ? "/dev/stdin" : path, &ndr);

	if (rc < 0) {
		fprintf(stderr, "deadmx ndr: %s: %s\n",
			is_stdin ? "standard input" : path, strerror(-rc));
		return NDR_EXIT_HARNESS;
	}
	if (ndr->kind != DEADMX_NDR_KIND_NONE) {
		rc = cmd_ndr_show(ndr, form,
				  is_stdin ? "standard input" : path);
	} else {
		fprintf(stderr,
			"deadmx ndr: %s: this is no bounce: it has no "
			"delivery-status part, comes\nfrom no mail system, and "
			"doesn't read like a bounce. If it is forwarded, save "
			"the\nbounce itself.\n",
			is_stdin ? "standard input" : path);
		rc = NDR_EXIT_USAGE;
	}
	deadmx_ndr_free(ndr);
	return rc;
}

int cmd_ndr(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"scenario", no_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	enum cmd_ndr_form form = FORM_TEXT;
	int c;

	opterr = 0;
	optind = 0; /* main() has used getopt before */
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'j':
		case 's':
			if (form != FORM_TEXT)
				return cmd_ndr_usage(
					"--json or --scenario, not both", "");
			form = c == 'j' ? FORM_JSON : FORM_SCENARIO;
			break;
		case 'h':
			fputs(cmd_ndr_help, stdout);
			return NDR_EXIT_CLEAN;
		default:
			return cmd_ndr_usage("unknown option ",
					     argv[optind - 1]);
		}
	}
	if (argc - optind > 1)
		return cmd_ndr_usage("one message only", "");
	return cmd_ndr_file(argc > optind ? argv[optind] : "-", form);
}
