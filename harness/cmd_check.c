/* SPDX-License-Identifier: MIT */
/* deadmx check: read scenarios, run nothing. */
#include "harness/cmd_check.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

#include "deadmx/scenario.h"
#include "harness/scenario_files.h"

enum {
	STATUS_OK = 0,
	STATUS_USAGE = 2,
	STATUS_HARNESS = 4,
};

static const char help[] =
	"Usage: deadmx check SCENARIO|FOLDER...\n"
	"       deadmx check --schema\n"
	"\n"
	"Read scenario files, or all *.yml in folders, and tell every mistake\n"
	"as file:line:column with a hint. Nothing is run.\n"
	"\n"
	"  --schema  print the JSON Schema of the language, for editors\n"
	"  --help    this text\n"
	"\n"
	"Exit status: 0 no mistake, 2 mistakes or wrong usage.\n"
	"The language is described in docs/scenarios.md.\n";

/* How many files are faulty; *ret_cases: in how many scenarios the others are.
 */
static size_t files_check(const struct scenario_files *files, size_t *ret_cases)
{
	struct deadmx_scenario_list list;
	size_t faulty = 0;

	*ret_cases = 0;
	for (size_t i = 0; i < files->count; i++) {
		if (deadmx_scenario_load_all(files->paths[i], stderr, &list) <
		    0) {
			faulty++;
			continue;
		}
		*ret_cases += list.count;
		deadmx_scenario_list_release(&list);
	}
	return faulty;
}

static int schema_print(void)
{
	if (deadmx_scenario_schema(stdout) == 0 && fflush(stdout) == 0)
		return STATUS_OK;
	perror("deadmx check: standard output");
	return STATUS_HARNESS;
}

int cmd_check(int argc, char **argv)
{
	static const struct option options[] = {
		{"schema", no_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{0}};
	struct scenario_files files;
	size_t faulty, cases;
	bool missing;
	int c;

	optind = 0; /* getopt begins anew: main has used it */
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 's')
			return schema_print();
		if (c != 'h') {
			fputs("Try \"deadmx check --help\".\n", stderr);
			return STATUS_USAGE;
		}
		fputs(help, stdout);
		return STATUS_OK;
	}
	if (optind == argc) {
		fputs("deadmx check: which scenarios? Try \"deadmx check "
		      "--help\".\n",
		      stderr);
		return STATUS_USAGE;
	}
	missing = scenario_files_find(argv + optind, (size_t)(argc - optind),
				      stderr, &files) < 0;
	faulty = files_check(&files, &cases);
	if (faulty)
		fprintf(stderr, "%zu of %zu files faulty\n", faulty,
			files.count);
	else if (!missing)
		printf("%zu scenario%s: no mistakes\n", cases,
		       cases == 1 ? "" : "s");
	scenario_files_release(&files);
	return faulty || missing ? STATUS_USAGE : STATUS_OK;
}
