/* SPDX-License-Identifier: MIT */
/* deadmx check: read scenarios, run nothing. */
#include "harness/cmd_check.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

#include "deadmx/scenario.h"
#include "harness/judge/findings.h"
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
	"as file:line:column with a hint. Nothing is run. In folders, what\n"
	"begins with an underscore is there to be included, and is passed "
	"over.\n"
	"\n"
	"  --list    print the name and the tags of each scenario\n"
	"  --schema  print the JSON Schema of the language, for editors\n"
	"  --help    this text\n"
	"\n"
	"Exit status: 0 no mistake, 2 mistakes or wrong usage.\n"
	"The language is described in docs/scenarios.md.\n";

struct check {
	bool list;
	size_t faulty; /* files */
	size_t cases;  /* of the others */
};

static void case_list(const struct deadmx_scenario *s)
{
	fputs(s->name, stdout);
	for (size_t i = 0; i < s->tag_count; i++)
		printf("%s%s", i ? "," : "\t", s->tags[i]);
	putchar('\n');
}

static void file_check(struct check *check, const char *path)
{
	struct deadmx_scenario_list list;
	bool is_wrong = false;

	if (deadmx_scenario_load_all(path, stderr, &list) < 0) {
		check->faulty++;
		return;
	}
	for (size_t i = 0; i < list.count && !is_wrong; i++)
		is_wrong = !findings_check(list.cases[i], stderr);
	check->faulty += is_wrong;
	check->cases += list.count;
	for (size_t i = 0; check->list && i < list.count; i++)
		case_list(list.cases[i]);
	deadmx_scenario_list_release(&list);
}

static int paths_check(struct check *check, char **paths, size_t count)
{
	struct scenario_files files;
	bool missing = scenario_files_find(paths, count, stderr, &files) < 0;

	for (size_t i = 0; i < files.count; i++)
		file_check(check, files.paths[i]);
	if (check->faulty)
		fprintf(stderr, "%zu of %zu files faulty\n", check->faulty,
			files.count);
	else if (!missing && !check->list)
		printf("%zu scenario%s: no mistakes\n", check->cases,
		       check->cases == 1 ? "" : "s");
	scenario_files_release(&files);
	return check->faulty || missing ? STATUS_USAGE : STATUS_OK;
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
		{"list", no_argument, NULL, 'l'},
		{"schema", no_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{0}};
	struct check check = {0};
	int c;

	optind = 0; /* getopt begins anew: main has used it */
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'l':
			check.list = true;
			break;
		case 's':
			return schema_print();
		case 'h':
			fputs(help, stdout);
			return STATUS_OK;
		default:
			fputs("Try \"deadmx check --help\".\n", stderr);
			return STATUS_USAGE;
		}
	}
	if (optind == argc) {
		fputs("deadmx check: which scenarios? Try \"deadmx check "
		      "--help\".\n",
		      stderr);
		return STATUS_USAGE;
	}
	return paths_check(&check, argv + optind, (size_t)(argc - optind));
}
