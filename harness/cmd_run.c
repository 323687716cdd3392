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
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deadmx/yaml.h"
#include "harness/filter.h"
#include "harness/judge/findings.h"
#include "harness/report/json.h"
#include "harness/report/junit.h"
#include "harness/report/matrix.h"
#include "harness/report/table.h"
#include "harness/report/tap.h"
#include "harness/remote.h"
#include "harness/remote_address.h"
#include "harness/remote_option.h"
#include "harness/report/text.h"
#include "harness/run.h"
#include "harness/run_length.h"
#include "harness/run_targets.h"
#include "harness/scenario_files.h"
#include "harness/sandbox/sandbox.h"
#include "harness/target_features.h"

enum {
	CMD_RUN_PATH_MAX = 4096,
	CMD_RUN_JOBS_MAX = 256,
	CMD_RUN_WIDTH = 80, /* of a terminal that doesn't tell its own */
};

/* Exit statuses, fixed in the command line's contract. */
enum {
	EXIT_PASSED = 0,
	EXIT_CHECK_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_MACHINE = 3,
	EXIT_HARNESS = 4
};

struct cmd_job {
	size_t scenario, target;
	int64_t length_ns; /* how long it will take, roughly */
	int status;	   /* of its process; -1: not ended */
	bool is_stored;	   /* its verdict is in its run folder */
};

/* A place for one run, on a processor of its own where there are enough. */
struct cmd_slot {
	pid_t pid; /* 0: free */
	size_t job;
};

struct cmd_run {
	const char *out, *json, *junit, *tap, *filter;
	int jobs;
	bool strict;
	struct scenario_files files;
	struct deadmx_scenario **scenarios; /* all cases of all files */
	size_t scenario_count;
	struct run_targets targets;
	struct remote_options remote;
	struct cmd_job *job; /* in the order of the reports */
	size_t job_count;
	size_t *order; /* in which they are begun */
	size_t ended;
	struct cmd_slot slots[CMD_RUN_JOBS_MAX];
	struct verdict *verdicts; /* lightened */
	bool machine;
	bool shows_progress;
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
	"                      the one that comes with deadmx); of several\n"
	"                      a table is made, scenario by MTA; \"all\" are\n"
	"                      those that `deadmx targets` lists\n"
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

/* The longest first: the last minutes are not to run on one processor. */
static int cmd_run_compare(const void *a, const void *b, void *arg)
{
	const struct cmd_job *jobs = arg;
	size_t i = *(const size_t *)a, k = *(const size_t *)b;

	if (jobs[i].length_ns != jobs[k].length_ns)
		return jobs[i].length_ns > jobs[k].length_ns ? -1 : 1;
	return i < k ? -1 : 1;
}

static void cmd_run_plan(struct cmd_run *run)
{
	size_t n = 0;

	run->job_count = run->scenario_count * run->targets.count;
	run->job = calloc(run->job_count, sizeof(*run->job));
	run->order = calloc(run->job_count, sizeof(*run->order));
	run->verdicts = calloc(run->job_count, sizeof(*run->verdicts));
	assert(run->job && run->order && run->verdicts);
	for (size_t t = 0; t < run->targets.count; t++) {
		for (size_t s = 0; s < run->scenario_count; s++) {
			run->job[n] = (struct cmd_job){
				.scenario = s,
				.target = t,
				.length_ns = run_length_ns(
					run->targets.list[t].target,
					run->scenarios[s]),
				.status = -1,
			};
			run->order[n] = n;
			n++;
		}
	}
	/* One after another, they come as they were asked for. */
	if (run->jobs > 1)
		qsort_r(run->order, run->job_count, sizeof(*run->order),
			cmd_run_compare, run->job);
	run->shows_progress = isatty(STDERR_FILENO) && run->job_count > 1;
}

/* The run folder; false: its name is too long. */
static bool cmd_run_dir(const struct cmd_run *run, const struct cmd_job *job,
			char *ret, size_t len)
{
	return snprintf(ret, len, "%s/%s/%s", run->out,
			run->scenarios[job->scenario]->name,
			run->targets.list[job->target].target->name) < (int)len;
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

static int cmd_run_job_main(struct cmd_run *run, const struct cmd_job *job,
			    int slot)
{
	struct run_target *t = &run->targets.list[job->target];
	char dir[CMD_RUN_PATH_MAX], path[2 * CMD_RUN_PATH_MAX], prefix[64];
	struct run_job one = {
		.scenario = run->scenarios[job->scenario],
		.target = t->target,
		.target_file = t->file,
		.cpu = cmd_run_cpu(slot),
		.live = run->jobs == 1 && isatty(STDERR_FILENO),
		.live_prefix = prefix,
	};
	const char *layers[] = {t->layers.packages, t->layers.npm, t->root};
	bool machine = false;
	size_t n = 0;

	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
		if (layers[i])
			one.layers[n++] = layers[i];
	prefix[0] = '\0';
	if (run->job_count > 1)
		snprintf(prefix, sizeof(prefix), "%zu of %zu: ", run->ended + 1,
			 run->job_count);
	/* In this process only: the next target has the scenario as it was. */
	target_features_set_smarthost(t->target, run->scenarios[job->scenario]);
	if (!cmd_run_dir(run, job, dir, sizeof(dir))) {
		fprintf(stderr, "deadmx: %.80s…: %s\n", dir,
			strerror(ENAMETOOLONG));
		return EXIT_HARNESS;
	}
	one.dir = dir;
	/* The sandbox needs whole paths: its root is another. */
	if (dir[0] != '/' && getcwd(path, CMD_RUN_PATH_MAX)) {
		size_t len = strlen(path);

		snprintf(path + len, sizeof(path) - len, "/%s", dir);
		one.dir = path;
	}
	if (t->target->is_remote
		    ? remote_one(&one, run->scenarios[job->scenario],
				 &run->remote, &machine)
		    : run_one(&one, &machine))
		return machine ? EXIT_MACHINE : EXIT_HARNESS;
	return machine ? EXIT_MACHINE : 0;
}

/* A verdict about a run that was not made. */
static void cmd_run_name_verdict(struct cmd_run *run, size_t n)
{
	const struct cmd_job *job = &run->job[n];
	struct verdict *v = &run->verdicts[n];

	v->scenario = strdup(run->scenarios[job->scenario]->name);
	v->target = strdup(run->targets.list[job->target].target->name);
	v->target_version = strdup("unknown");
	assert(v->scenario && v->target && v->target_version);
}

/*
 * What can't be had, and what the target can't do, is said without a run. What
 * counts from expiry is moved to this target's: the job's process is forked
 * from here.
 */
static bool cmd_run_without(struct cmd_run *run, size_t n)
{
	const struct cmd_job *job = &run->job[n];
	const struct run_target *t = &run->targets.list[job->target];
	struct deadmx_scenario *scenario = run->scenarios[job->scenario];
	struct verdict *v = &run->verdicts[n];
	char why[512];

	if (t->missing) {
		verdict_find(v, "run/target-missing", SEVERITY_ERROR, NULL,
			     "an MTA", "%s", t->missing);
		verdict_settle(v);
		run->machine = true;
	} else if (!target_supports(t->target, scenario, why, sizeof(why)) ||
		   (t->target->is_remote &&
		    !remote_supports(scenario, why, sizeof(why))) ||
		   !target_set_expiry(t->target, scenario, why, sizeof(why))) {
		verdict_find(v, "run/unsupported", SEVERITY_NOTE, NULL,
			     "what the target can do", "%s", why);
		v->kind = VERDICT_UNSUPPORTED;
	} else {
		return false;
	}
	cmd_run_name_verdict(run, n);
	run->job[n].status = 0;
	run->ended++;
	return true;
}

static int cmd_run_start(struct cmd_run *run, size_t n, int slot)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		fprintf(stderr, "deadmx: fork: %s\n", strerror(errno));
		return -EAGAIN;
	}
	if (pid == 0)
		_exit(cmd_run_job_main(run, &run->job[n], slot));
	run->slots[slot] = (struct cmd_slot){pid, n};
	return 0;
}

/* As the judge left it in the run folder. */
static int cmd_run_read_verdict(const struct cmd_run *run, size_t n,
				struct verdict *ret)
{
	char dir[CMD_RUN_PATH_MAX], path[2 * CMD_RUN_PATH_MAX];
	json_t *json;
	int err;

	if (!cmd_run_dir(run, &run->job[n], dir, sizeof(dir)))
		return -ENAMETOOLONG;
	snprintf(path, sizeof(path), "%s/%s", dir, RUN_VERDICT_NAME);
	json = json_load_file(path, 0, NULL);
	err = json ? verdict_from_json(json, ret) : -ENOENT;
	json_decref(json);
	return err;
}

static void cmd_run_load_verdict(struct cmd_run *run, size_t n)
{
	struct cmd_job *job = &run->job[n];
	struct verdict *v = &run->verdicts[n];

	if ((job->status == 0 || job->status == EXIT_MACHINE) &&
	    cmd_run_read_verdict(run, n, v) == 0) {
		job->is_stored = true;
		verdict_lighten(v);
		return;
	}
	cmd_run_name_verdict(run, n);
	verdict_find(v, "run/error", SEVERITY_ERROR, NULL, "a verdict",
		     "the run left none (its process ended with status %d)",
		     job->status);
	verdict_settle(v);
}

/*
 * For who waits: one line that each run takes over from the one before; what
 * went wrong stays.
 */
static void cmd_run_progress(const struct cmd_run *run, const struct verdict *v)
{
	bool stays = v->kind == VERDICT_FAIL || v->kind == VERDICT_ERROR;
	struct winsize size = {0};
	char *text = NULL;
	size_t len, room = CMD_RUN_WIDTH;
	FILE *line;

	if (!run->shows_progress)
		return;
	if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col > 1)
		room = size.ws_col;
	line = open_memstream(&text, &len);
	assert(line);
	fprintf(line, "%zu of %zu: ", run->ended, run->job_count);
	report_text_plain(line, v->scenario);
	fprintf(line, " on %s: %s, %.1f s", v->target, verdict_word(v->kind),
		v->host_seconds);
	fclose(line);
	/* A line that wraps could not be taken away again. */
	fprintf(stderr, "\r\033[K%.*s%s", stays ? (int)len : (int)room - 1,
		text, stays ? "\n" : "");
	fflush(stderr);
	free(text);
}

static void cmd_run_reap(struct cmd_run *run)
{
	int status;
	pid_t pid = waitpid(-1, &status, 0);

	if (pid < 0) {
		if (errno != EINTR || !cmd_run_stopped)
			return;
		for (int slot = 0; slot < run->jobs; slot++)
			if (run->slots[slot].pid)
				kill(run->slots[slot].pid, SIGTERM);
		return;
	}
	for (int slot = 0; slot < run->jobs; slot++) {
		size_t n = run->slots[slot].job;

		if (run->slots[slot].pid != pid)
			continue;
		run->slots[slot].pid = 0;
		run->job[n].status = WIFEXITED(status) ? WEXITSTATUS(status)
						       : 128 + WTERMSIG(status);
		run->machine |= run->job[n].status == EXIT_MACHINE;
		run->ended++;
		cmd_run_load_verdict(run, n);
		cmd_run_progress(run, &run->verdicts[n]);
	}
}

static int cmd_run_free_slot(const struct cmd_run *run)
{
	for (int slot = 0; slot < run->jobs; slot++)
		if (!run->slots[slot].pid)
			return slot;
	return -1;
}

static bool cmd_run_is_running(const struct cmd_run *run)
{
	for (int slot = 0; slot < run->jobs; slot++)
		if (run->slots[slot].pid)
			return true;
	return false;
}

static void cmd_run_all(struct cmd_run *run)
{
	size_t next = 0;

	for (;;) {
		int slot = cmd_run_free_slot(run);

		if (slot >= 0 && next < run->job_count && !cmd_run_stopped) {
			size_t n = run->order[next++];

			if (!cmd_run_without(run, n) &&
			    cmd_run_start(run, n, slot))
				cmd_run_stopped = 1;
			continue;
		}
		if (!cmd_run_is_running(run))
			break;
		cmd_run_reap(run);
	}
	if (run->shows_progress)
		fputs("\r\033[K", stderr);
}

/* --- reports ----------------------------------------------------------- */

struct cmd_run_reports {
	struct cmd_run *run;
	size_t *job; /* of each verdict */
};

/* The whole of it: the attempts were not kept. */
static int cmd_run_get(void *arg, size_t i, struct verdict *ret)
{
	const struct cmd_run_reports *r = arg;
	const struct verdict *v = &r->run->verdicts[i];
	int err = 0;

	if (r->run->job[r->job[i]].is_stored) {
		err = cmd_run_read_verdict(r->run, r->job[i], ret);
	} else {
		json_t *json = verdict_to_json(v);

		err = verdict_from_json(json, ret);
		json_decref(json);
	}
	if (!err && r->run->strict)
		verdict_make_strict(ret);
	return err;
}

static int cmd_run_report_json(FILE *out, const struct cmd_run_reports *r,
			       size_t n)
{
	return report_json_each(out, n, cmd_run_get, (void *)r);
}

static int cmd_run_report_junit(FILE *out, const struct cmd_run_reports *r,
				size_t n)
{
	return report_junit(out, r->run->verdicts, n);
}

static int cmd_run_report_tap(FILE *out, const struct cmd_run_reports *r,
			      size_t n)
{
	return report_tap(out, r->run->verdicts, n);
}

static int
cmd_run_write(const char *path, const struct cmd_run_reports *r, size_t n,
	      int (*report)(FILE *, const struct cmd_run_reports *, size_t))
{
	FILE *f;
	int err;

	if (!path)
		return 0;
	f = strcmp(path, "-") ? fopen(path, "we") : stdout;
	err = f ? report(f, r, n) : -errno;
	if (f && !err && fflush(f))
		err = -errno;
	if (f && f != stdout && fclose(f) && !err)
		err = -errno;
	if (err)
		fprintf(stderr, "deadmx: %s: %s\n", path, strerror(-err));
	return err;
}

static int cmd_run_status(const struct cmd_run *run, size_t n)
{
	int status = EXIT_PASSED;

	if (cmd_run_stopped) {
		fprintf(stderr, "deadmx: interrupted: %zu of %zu runs done\n",
			n, run->job_count);
		return EXIT_HARNESS;
	}
	if (run->machine)
		return EXIT_MACHINE;
	for (size_t i = 0; i < n; i++) {
		if (run->verdicts[i].kind == VERDICT_ERROR)
			return EXIT_HARNESS;
		if (run->verdicts[i].kind == VERDICT_FAIL)
			status = EXIT_CHECK_FAILED;
	}
	return status;
}

static int cmd_run_report(struct cmd_run *run)
{
	FILE *table = run->json && !strcmp(run->json, "-") ? stderr : stdout;
	struct cmd_run_reports r = {run,
				    calloc(run->job_count, sizeof(*r.job))};
	struct verdict *v = run->verdicts;
	size_t n = 0;
	int err;

	assert(r.job);
	/* Those that ended; an interrupted run reports what it has. */
	for (size_t i = 0; i < run->job_count; i++)
		if (run->job[i].status >= 0) {
			r.job[n] = i;
			v[n++] = v[i];
		}
	for (size_t i = 0; run->strict && i < n; i++)
		verdict_make_strict(&v[i]);
	if (run->targets.count > 1)
		report_matrix(table, v, n);
	else
		report_table(table, v, n);
	err = cmd_run_write(run->json, &r, n, cmd_run_report_json);
	err |= cmd_run_write(run->junit, &r, n, cmd_run_report_junit);
	err |= cmd_run_write(run->tap, &r, n, cmd_run_report_tap);
	free(r.job);
	return err ? EXIT_HARNESS : cmd_run_status(run, n);
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

/* A target may be given by its address, too. */
static int cmd_run_add_target(struct cmd_run *run, const char *name)
{
	if (remote_address_is(name)) {
		if (remote_option_take(&run->remote, REMOTE_OPTION_AT, name))
			return -EINVAL;
		name = "remote";
	}
	return run_targets_add(&run->targets, name, stderr);
}

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
		return cmd_run_add_target(run, optarg) ? EXIT_USAGE : 0;
	case 'r':
		return run_targets_set_root(&run->targets, optarg, stderr)
			       ? EXIT_USAGE
			       : 0;
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

/* 0 with the target that is elsewhere, or NULL; there may be one. */
static int cmd_run_find_remote(const struct cmd_run *run,
			       const struct target **ret)
{
	*ret = NULL;
	for (size_t i = 0; i < run->targets.count; i++) {
		const struct target *t = run->targets.list[i].target;

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

static int cmd_run_execute(struct cmd_run *run)
{
	struct sigaction action = {.sa_handler = cmd_run_on_signal};
	const struct target *remote;
	char text[512];
	int err;

	if (!run->targets.count &&
	    run_targets_add(&run->targets, "model", stderr))
		return EXIT_USAGE;
	if (cmd_run_find_remote(run, &remote) || cmd_run_load_scenarios(run))
		return EXIT_USAGE;
	err = run_make_folder(run->out);
	if (err) {
		fprintf(stderr, "deadmx run: --out %s: %s\n", run->out,
			strerror(-err));
		return EXIT_USAGE;
	}
	if (run->targets.count > (remote != NULL) &&
	    sandbox_probe(text, sizeof(text))) {
		fprintf(stderr, "deadmx: %s\n", text);
		return EXIT_MACHINE;
	}
	if (run_targets_fetch(&run->targets, stderr))
		return EXIT_MACHINE;
	cmd_run_plan(run);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	cmd_run_all(run);
	return cmd_run_report(run);
}

static void cmd_run_release(struct cmd_run *run)
{
	size_t n = 0;

	/* Those that ended stand in front when they are reported. */
	for (size_t i = 0; i < run->job_count; i++)
		n += run->job[i].status >= 0;
	for (size_t i = 0; i < n; i++)
		verdict_release(&run->verdicts[i]);
	for (size_t i = 0; run->scenarios && i < run->scenario_count; i++) {
		deadmx_scenario_free(run->scenarios[i]);
	}
	scenario_files_release(&run->files);
	run_targets_release(&run->targets);
	free(run->scenarios);
	free(run->job);
	free(run->order);
	free(run->verdicts);
}

int cmd_run(int argc, char **argv)
{
	struct cmd_run run = {.out = "deadmx-out", .jobs = 1};
	int option, status = 0;

	remote_option_defaults(&run.remote);
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
