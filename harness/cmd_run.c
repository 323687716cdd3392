/* SPDX-License-Identifier: MIT */
/*
 * The plan and its runs: each scenario × target is a job, each job runs in a
 * process of its own (the tracer must be one), at most -j side by side.
 */
#include "harness/cmd_run.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deadmx/yaml.h"
#include "harness/filter.h"
#include "harness/judge/findings.h"
#include "harness/report/json.h"
#include "harness/report/junit.h"
#include "harness/report/table.h"
#include "harness/report/tap.h"
#include "harness/remote.h"
#include "harness/remote_address.h"
#include "harness/remote_option.h"
#include "harness/run.h"
#include "harness/scenario_files.h"
#include "harness/sandbox/sandbox.h"
#include "harness/target_features.h"
#include "harness/target_fetch.h"

enum {
	CMD_RUN_TARGETS_MAX = 100,
	CMD_RUN_PATH_MAX = 4096,
	CMD_RUN_JOBS_MAX = 256,
};

/* Exit statuses, fixed in the command line's contract. */
enum {
	EXIT_PASSED = 0,
	EXIT_CHECK_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_MACHINE = 3,
	EXIT_HARNESS = 4
};

struct cmd_target {
	char *file;
	struct target *target;
	struct target_layers layers;
	char *root; /* a tree of the user's own; malloc'd, or NULL */
};

struct cmd_job {
	size_t scenario, target;
	char *dir;
	pid_t pid; /* 0: not running */
	int slot;
	int status; /* of its process; -1: not started */
};

struct cmd_run {
	const char *out, *json, *junit, *tap, *filter;
	int jobs;
	bool strict;
	struct scenario_files files;
	struct deadmx_scenario **scenarios; /* all cases of all files */
	size_t scenario_count;
	struct cmd_target *targets;
	size_t target_count;
	struct remote_options remote;
	struct cmd_job *job;
	size_t job_count;
	struct verdict *verdicts;
	bool machine;
};

static volatile sig_atomic_t cmd_run_stopped;

static void cmd_run_on_signal(int signo)
{
	(void)signo;
	cmd_run_stopped = 1;
}

static const char cmd_run_help[] =
	"Usage: deadmx run [OPTION...] SCENARIO|DIR...\n"
	"\n"
	"Run scenarios against mail servers: days of queue life in seconds,\n"
	"then a verdict about the retries and the bounces.\n"
	"\n"
	"  --target NAME|FILE  the MTA; may be given again (default: model,\n"
	"                      the one that comes with deadmx)\n"
	"  --target-root DIR   files of the --target before it, as `make\n"
	"                      install DESTDIR=DIR` leaves them: laid over "
	"the\n"
	"                      sandbox's root; nothing is fetched when its\n"
	"                      program is among them\n"
	"  --target smtp://HOST:PORT\n"
	"                      a server that deadmx can't run, in real time; "
	"see\n"
	"                      docs/remote.md\n"
	"  --out DIR           run folders go here (default: deadmx-out)\n"
	"  --json FILE         all results as JSON (- for standard output)\n"
	"  --junit FILE        the same as JUnit XML\n"
	"  --tap FILE          the same as TAP\n"
	"  -j N                run N side by side (default: 1)\n"
	"  --filter LIST       only scenarios with this tag, or this part of\n"
	"                      their name: shell patterns with commas between\n"
	"                      them; !PATTERN leaves out (offline,!slow)\n"
	"  --strict            findings of severity \"should\" fail, too\n"
	"  --help              this text\n"
	"\n"
	"For a server elsewhere (--target smtp://HOST:PORT, or exchange):\n"
	"  --at smtp://HOST:PORT\n"
	"                      where the server of --target is\n"
	"  --bind ADDRESS      the world listens here instead of on loopback;\n"
	"                      given again for the next server of the "
	"scenario\n"
	"  --port N            SMTP port of its servers (default: 25 if it "
	"can\n"
	"                      be had, else 2525)\n"
	"  --dns-port N        DNS port (default: 53 if it can be had, else "
	"5300)\n"
	"  --within TIME       the run ends after this at the latest "
	"(default:\n"
	"                      the scenario's `until`)\n"
	"  --settle TIME       watched on so long after all mail has ended\n"
	"                      (default: 1m)\n"
	"\n"
	"Each run folder holds events.ndjson, the received messages, and\n"
	"verdict.json; `deadmx judge DIR` judges it again.\n"
	"\n"
	"Exit status: 0 all passed or known to the target file, 1 a check\n"
	"failed, 2 usage or scenario error, 3 this machine can't do it, 4\n"
	"deadmx itself failed or was interrupted.\n";

/* --- the plan ---------------------------------------------------------- */

static void cmd_run_keep(struct cmd_run *run, struct deadmx_scenario *s)
{
	run->scenarios = reallocarray(run->scenarios, run->scenario_count + 1,
				      sizeof(struct deadmx_scenario *));
	assert(run->scenarios);
	run->scenarios[run->scenario_count++] = s;
}

/* Each case of a file that the filter lets through. */
static int cmd_run_load_file(struct cmd_run *run, const char *path)
{
	struct deadmx_scenario_list list;
	int err = deadmx_scenario_load_all(path, stderr, &list);

	if (err)
		return err;
	for (size_t i = 0; i < list.count; i++) {
		if (run->filter && !filter_takes(run->filter, list.cases[i]))
			continue;
		if (!findings_check(list.cases[i], stderr))
			err = -EINVAL;
		cmd_run_keep(run, list.cases[i]);
		list.cases[i] = NULL;
	}
	deadmx_scenario_list_release(&list);
	return err;
}

/* Run folders are called like their scenarios. */
static int cmd_run_check_names(const struct cmd_run *run)
{
	for (size_t i = 0; i < run->scenario_count; i++)
		for (size_t j = 0; j < i; j++) {
			const struct deadmx_scenario *a = run->scenarios[j],
						     *b = run->scenarios[i];

			if (strcmp(a->name, b->name) != 0)
				continue;
			fprintf(stderr,
				"deadmx: two scenarios are called %s: %s and "
				"%s\n",
				a->name, a->file, b->file);
			return -EINVAL;
		}
	return 0;
}

static int cmd_run_load_scenarios(struct cmd_run *run)
{
	int err = 0;

	for (size_t i = 0; i < run->files.count; i++)
		if (cmd_run_load_file(run, run->files.paths[i]))
			err = -EINVAL;
	if (!err && !run->scenario_count) {
		fprintf(stderr,
			"deadmx: no scenario matches --filter '%s'; `deadmx "
			"check --list` shows names and tags\n",
			run->filter);
		err = -EINVAL;
	}
	return err ? err : cmd_run_check_names(run);
}

static int cmd_run_load_target(struct cmd_run *run, const char *name)
{
	struct cmd_target *t = &run->targets[run->target_count];
	int err;

	if (run->target_count == CMD_RUN_TARGETS_MAX)
		return -E2BIG;
	if (remote_address_is(name)) {
		if (remote_option_take(&run->remote, REMOTE_OPTION_AT, name))
			return -EINVAL;
		name = "remote";
	}
	err = target_find(name, stderr, &t->file);
	if (!err)
		err = target_load(t->file, stderr, &t->target);
	if (err)
		return err;
	/* Run folders are called like them. */
	for (size_t i = 0; i < run->target_count; i++)
		if (!strcmp(run->targets[i].target->name, t->target->name)) {
			fprintf(stderr,
				"deadmx: two targets are called %s: %s and "
				"%s\n",
				t->target->name, run->targets[i].file, t->file);
			err = -EEXIST;
		}
	run->target_count++;
	return err;
}

/* A tree that the user has built, for the target named last. */
static int cmd_run_set_root(struct cmd_run *run, const char *dir)
{
	struct cmd_target *t;
	struct stat st;

	if (!run->target_count) {
		fputs("deadmx run: --target-root: expected a --target before "
		      "it\n",
		      stderr);
		return -EINVAL;
	}
	t = &run->targets[run->target_count - 1];
	free(t->root);
	t->root = realpath(dir, NULL);
	if (!t->root || stat(t->root, &st) || !S_ISDIR(st.st_mode)) {
		fprintf(stderr, "deadmx run: --target-root %s: %s\n", dir,
			t->root ? "expected a folder" : strerror(errno));
		return -ENOENT;
	}
	return 0;
}

/* 0 with the target that is elsewhere, or NULL; there may be one. */
static int cmd_run_find_remote(const struct cmd_run *run,
			       const struct target **ret)
{
	*ret = NULL;
	for (size_t i = 0; i < run->target_count; i++) {
		const struct target *t = run->targets[i].target;

		if (!t->is_remote)
			continue;
		if (*ret || run->jobs > 1) {
			fputs("deadmx run: a server elsewhere meets one world "
			      "at a time: leave -j out, and run others by "
			      "themselves\n",
			      stderr);
			return -EINVAL;
		}
		*ret = t;
	}
	return remote_option_check(&run->remote, *ret);
}

/* Packages of an MTA that is not installed come from the cache. */
static int cmd_run_fetch(struct cmd_run *run)
{
	for (size_t i = 0; i < run->target_count; i++) {
		struct cmd_target *t = &run->targets[i];
		int err = target_fetch(t->target, t->root, stderr, &t->layers);

		if (err)
			return err;
	}
	return 0;
}

static void cmd_run_plan(struct cmd_run *run)
{
	size_t n = 0;

	run->job_count = run->scenario_count * run->target_count;
	run->job = calloc(run->job_count, sizeof(*run->job));
	run->verdicts = calloc(run->job_count, sizeof(*run->verdicts));
	assert(run->job && run->verdicts);
	for (size_t t = 0; t < run->target_count; t++) {
		for (size_t s = 0; s < run->scenario_count; s++) {
			struct cmd_job *job = &run->job[n++];

			job->scenario = s;
			job->target = t;
			job->status = -1;
			if (asprintf(&job->dir, "%s/%s/%s", run->out,
				     run->scenarios[s]->name,
				     run->targets[t].target->name) < 0)
				abort();
		}
	}
}

/* --- running ----------------------------------------------------------- */

/* The @slot-th processor that we may use. */
static int cmd_run_cpu(int slot)
{
	cpu_set_t set;
	int n = 0, count;

	if (sched_getaffinity(0, sizeof(set), &set))
		return -1;
	count = CPU_COUNT(&set);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET((unsigned)cpu, &set) && n++ == slot % count)
			return cpu;
	return -1;
}

static int cmd_run_job_main(struct cmd_run *run, const struct cmd_job *job)
{
	struct cmd_target *t = &run->targets[job->target];
	char dir[CMD_RUN_PATH_MAX];
	struct run_job one = {
		.scenario = run->scenarios[job->scenario],
		.target = t->target,
		.target_file = t->file,
		.cpu = cmd_run_cpu(job->slot),
		.live = run->jobs == 1 && isatty(STDERR_FILENO),
	};
	const char *layers[] = {t->layers.packages, t->layers.npm, t->root};
	bool machine = false;
	size_t n = 0;

	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
		if (layers[i])
			one.layers[n++] = layers[i];
	/* In this process only: the next target has the scenario as it was. */
	target_features_set_smarthost(t->target, run->scenarios[job->scenario]);
	/* The sandbox needs whole paths: its root is another. */
	if (job->dir[0] == '/' || !getcwd(dir, sizeof(dir))) {
		one.dir = job->dir;
	} else {
		size_t len = strlen(dir);

		snprintf(dir + len, sizeof(dir) - len, "/%s", job->dir);
		one.dir = dir;
	}
	if (t->target->is_remote
		    ? remote_one(&one, run->scenarios[job->scenario],
				 &run->remote, &machine)
		    : run_one(&one, &machine))
		return machine ? EXIT_MACHINE : EXIT_HARNESS;
	return machine ? EXIT_MACHINE : 0;
}

/*
 * What the target can't do is said without a run. What counts from expiry is
 * moved to this target's: the job's process is forked from here.
 */
static bool cmd_run_unsupported(struct cmd_run *run, size_t n)
{
	struct cmd_job *job = &run->job[n];
	const struct target *target = run->targets[job->target].target;
	struct verdict *v = &run->verdicts[n];
	char why[512];

	if (target_supports(target, run->scenarios[job->scenario], why,
			    sizeof(why)) &&
	    (!target->is_remote ||
	     remote_supports(run->scenarios[job->scenario], why,
			     sizeof(why))) &&
	    target_set_expiry(target, run->scenarios[job->scenario], why,
			      sizeof(why)))
		return false;
	v->scenario = strdup(run->scenarios[job->scenario]->name);
	v->target = strdup(target->name);
	v->target_version = strdup("unknown");
	verdict_find(v, "run/unsupported", SEVERITY_NOTE, NULL,
		     "what the target can do", "%s", why);
	v->kind = VERDICT_UNSUPPORTED;
	job->status = 0;
	return true;
}

static int cmd_run_start(struct cmd_run *run, struct cmd_job *job, int slot)
{
	job->slot = slot;
	fflush(NULL);
	job->pid = fork();
	if (job->pid < 0) {
		fprintf(stderr, "deadmx: fork: %s\n", strerror(errno));
		job->pid = 0;
		return -EAGAIN;
	}
	if (job->pid == 0)
		_exit(cmd_run_job_main(run, job));
	return 0;
}

static void cmd_run_load_verdict(struct cmd_run *run, size_t n)
{
	struct cmd_job *job = &run->job[n];
	struct verdict *v = &run->verdicts[n];
	char path[CMD_RUN_PATH_MAX];
	json_t *json;

	snprintf(path, sizeof(path), "%s/%s", job->dir, RUN_VERDICT_NAME);
	json = job->status == 0 || job->status == EXIT_MACHINE
		       ? json_load_file(path, 0, NULL)
		       : NULL;
	if (json && verdict_from_json(json, v) == 0) {
		json_decref(json);
		return;
	}
	json_decref(json);
	v->scenario = strdup(run->scenarios[job->scenario]->name);
	v->target = strdup(run->targets[job->target].target->name);
	v->target_version = strdup("unknown");
	verdict_find(v, "run/error", SEVERITY_ERROR, NULL, "a verdict",
		     "the run left none (its process ended with status %d)",
		     job->status);
	verdict_settle(v);
}

static void cmd_run_reap(struct cmd_run *run)
{
	int status;
	pid_t pid = waitpid(-1, &status, 0);

	if (pid < 0) {
		if (errno != EINTR || !cmd_run_stopped)
			return;
		for (size_t i = 0; i < run->job_count; i++)
			if (run->job[i].pid)
				kill(run->job[i].pid, SIGTERM);
		return;
	}
	for (size_t i = 0; i < run->job_count; i++) {
		struct cmd_job *job = &run->job[i];

		if (job->pid != pid)
			continue;
		job->pid = 0;
		job->status = WIFEXITED(status) ? WEXITSTATUS(status)
						: 128 + WTERMSIG(status);
		run->machine |= job->status == EXIT_MACHINE;
		cmd_run_load_verdict(run, i);
	}
}

static int cmd_run_free_slot(const struct cmd_run *run)
{
	for (int slot = 0; slot < run->jobs; slot++) {
		bool used = false;

		for (size_t i = 0; i < run->job_count; i++)
			used |= run->job[i].pid && run->job[i].slot == slot;
		if (!used)
			return slot;
	}
	return -1;
}

static void cmd_run_all(struct cmd_run *run)
{
	size_t next = 0;
	size_t running = 1;

	while (running || (next < run->job_count && !cmd_run_stopped)) {
		int slot = cmd_run_free_slot(run);

		if (slot >= 0 && next < run->job_count && !cmd_run_stopped) {
			if (!cmd_run_unsupported(run, next) &&
			    cmd_run_start(run, &run->job[next], slot))
				return;
			next++;
			running = 1;
			continue;
		}
		running = 0;
		for (size_t i = 0; i < run->job_count; i++)
			running += run->job[i].pid != 0;
		if (running)
			cmd_run_reap(run);
	}
}

/* --- reports ----------------------------------------------------------- */

static int cmd_run_write(const char *path, const struct verdict *v, size_t n,
			 int (*report)(FILE *, const struct verdict *, size_t))
{
	FILE *f;

	if (!path)
		return 0;
	f = strcmp(path, "-") ? fopen(path, "we") : stdout;
	if (!f || report(f, v, n) || fflush(f)) {
		fprintf(stderr, "deadmx: %s: %s\n", path, strerror(errno));
		return -EIO;
	}
	return f == stdout ? 0 : fclose(f);
}

static int cmd_run_report(struct cmd_run *run)
{
	struct verdict *v = run->verdicts;
	size_t n = 0;
	int err;

	/* Those that ended; an interrupted run reports what it has. */
	for (size_t i = 0; i < run->job_count; i++)
		if (run->job[i].status >= 0)
			v[n++] = v[i];
	for (size_t i = 0; run->strict && i < n; i++)
		verdict_make_strict(&v[i]);
	report_table(run->json && !strcmp(run->json, "-") ? stderr : stdout, v,
		     n);
	err = cmd_run_write(run->json, v, n, report_json);
	err |= cmd_run_write(run->junit, v, n, report_junit);
	err |= cmd_run_write(run->tap, v, n, report_tap);
	if (err)
		return EXIT_HARNESS;
	if (cmd_run_stopped) {
		fprintf(stderr, "deadmx: interrupted: %zu of %zu runs done\n",
			n, run->job_count);
		return EXIT_HARNESS;
	}
	if (run->machine)
		return EXIT_MACHINE;
	err = EXIT_PASSED;
	for (size_t i = 0; i < n; i++) {
		if (v[i].kind == VERDICT_ERROR)
			return EXIT_HARNESS;
		if (v[i].kind == VERDICT_FAIL)
			err = EXIT_CHECK_FAILED;
	}
	return err;
}

/* --- the command ------------------------------------------------------- */

static const struct option cmd_run_options[] = {
	{"target", required_argument, NULL, 't'},
	{"target-root", required_argument, NULL, 'r'},
	{"out", required_argument, NULL, 'o'},
	{"json", required_argument, NULL, 'J'},
	{"junit", required_argument, NULL, 'U'},
	{"tap", required_argument, NULL, 'T'},
	{"filter", required_argument, NULL, 'f'},
	{"strict", no_argument, NULL, 's'},
	{"help", no_argument, NULL, 'h'},
#define XX(uc, word, doc) {word, required_argument, NULL, REMOTE_OPTION_##uc},
	REMOTE_OPTION_MAP(XX)
#undef XX
		{0},
};

static int cmd_run_option(struct cmd_run *run, int option)
{
	char *end;
	long jobs;

	if (option > REMOTE_OPTION_BEFORE && option < REMOTE_OPTION_END)
		return remote_option_take(&run->remote,
					  (enum remote_option)option, optarg)
			       ? EXIT_USAGE
			       : 0;
	switch (option) {
	case 't':
		return cmd_run_load_target(run, optarg) ? EXIT_USAGE : 0;
	case 'r':
		return cmd_run_set_root(run, optarg) ? EXIT_USAGE : 0;
	case 'o':
		run->out = optarg;
		return 0;
	case 'J':
		run->json = optarg;
		return 0;
	case 'U':
		run->junit = optarg;
		return 0;
	case 'T':
		run->tap = optarg;
		return 0;
	case 'f':
		run->filter = optarg;
		if (filter_is_valid(optarg))
			return 0;
		fputs("deadmx run: --filter: expected patterns with commas "
		      "between them, got an empty one\n",
		      stderr);
		return EXIT_USAGE;
	case 's':
		run->strict = true;
		return 0;
	case 'j':
		jobs = strtol(optarg, &end, 10);
		if (*end || jobs < 1 || jobs > CMD_RUN_JOBS_MAX) {
			fprintf(stderr,
				"deadmx run: -j: expected 1 to %d, got '%s'\n",
				CMD_RUN_JOBS_MAX, optarg);
			return EXIT_USAGE;
		}
		run->jobs = (int)jobs;
		return 0;
	default:
		fputs("Try 'deadmx run --help'.\n", stderr);
		return EXIT_USAGE;
	}
}

static int cmd_run_execute(struct cmd_run *run)
{
	struct sigaction action = {.sa_handler = cmd_run_on_signal};
	const struct target *remote;
	char text[512];
	int err;

	if (!run->target_count && cmd_run_load_target(run, "model"))
		return EXIT_USAGE;
	if (cmd_run_find_remote(run, &remote) || cmd_run_load_scenarios(run))
		return EXIT_USAGE;
	err = run_make_folder(run->out);
	if (err) {
		fprintf(stderr, "deadmx run: --out %s: %s\n", run->out,
			strerror(-err));
		return EXIT_USAGE;
	}
	if (run->target_count > (remote != NULL) &&
	    sandbox_probe(text, sizeof(text))) {
		fprintf(stderr, "deadmx: %s\n", text);
		return EXIT_MACHINE;
	}
	if (cmd_run_fetch(run))
		return EXIT_MACHINE;
	cmd_run_plan(run);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	cmd_run_all(run);
	return cmd_run_report(run);
}

static void cmd_run_release(struct cmd_run *run)
{
	for (size_t i = 0; i < run->job_count; i++) {
		free(run->job[i].dir);
		if (run->job[i].status >= 0)
			verdict_release(&run->verdicts[i]);
	}
	for (size_t i = 0; run->scenarios && i < run->scenario_count; i++) {
		deadmx_scenario_free(run->scenarios[i]);
	}
	scenario_files_release(&run->files);
	for (size_t i = 0; i < run->target_count; i++) {
		target_free(run->targets[i].target);
		free(run->targets[i].file);
		target_layers_release(&run->targets[i].layers);
		free(run->targets[i].root);
	}
	free(run->scenarios);
	free(run->targets);
	free(run->job);
	free(run->verdicts);
}

int cmd_run(int argc, char **argv)
{
	struct cmd_run run = {.out = "deadmx-out", .jobs = 1};
	int option, status = 0;

	remote_option_defaults(&run.remote);
	run.targets = calloc(CMD_RUN_TARGETS_MAX, sizeof(*run.targets));
	assert(run.targets);
	optind = 0;
	while (!status && (option = getopt_long(argc, argv, "hj:",
						cmd_run_options, NULL)) != -1) {
		if (option == 'h') {
			fputs(cmd_run_help, stdout);
			cmd_run_release(&run);
			return 0;
		}
		status = cmd_run_option(&run, option);
	}
	if (!status && optind >= argc) {
		fputs("deadmx run: expected a scenario file or folder; try "
		      "'deadmx run --help'\n",
		      stderr);
		status = EXIT_USAGE;
	}
	if (!status &&
	    scenario_files_find(argv + optind, (size_t)(argc - optind), stderr,
				&run.files))
		status = EXIT_USAGE;
	if (!status)
		status = cmd_run_execute(&run);
	cmd_run_release(&run);
	return status;
}
