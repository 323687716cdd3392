/* SPDX-License-Identifier: MIT */
/*
 * Times that count from the expiry of mail.
 *
 * How long an MTA tries is known when it is known which one: the scenario is
 * loaded with a guess, and the plan says it again for each target.
 */
#include <errno.h>
#include <string.h>

#include "sim/scenario_read.h"

#define DAY_NS	       (86400 * DEADMX_NS_PER_S)
#define UNTIL_LEAST_NS (7 * DAY_NS)

static const struct deadmx_setting *
lifetime_setting(const struct deadmx_scenario *s)
{
	for (size_t i = 0; i < s->setting_count; i++)
		if (strcmp(s->settings[i].name, "lifetime") == 0)
			return &s->settings[i];
	return NULL;
}

int64_t deadmx_scenario_lifetime(const struct deadmx_scenario *s)
{
	const struct deadmx_setting *setting = lifetime_setting(s);
	int64_t ns = 0;

	if (setting &&
	    (!setting->value || deadmx_duration_parse(setting->value, &ns) < 0))
		return -EINVAL;
	return ns;
}

/* Before the origin is at the origin. */
static void moment_move(const struct deadmx_moment *moment, int64_t expiry_ns,
			int64_t *ret_ns)
{
	if (!moment->is_set)
		return;
	*ret_ns = expiry_ns + moment->offset_ns;
	if (*ret_ns < 0)
		*ret_ns = 0;
}

/* Long enough to see what an MTA does that tries for a week. */
static int64_t until_default(int64_t expiry_ns)
{
	int64_t after_ns = expiry_ns + 2 * DAY_NS;

	return after_ns > UNTIL_LEAST_NS ? after_ns : UNTIL_LEAST_NS;
}

/* A place for what is wrong: the first is told. */
struct fault_finder {
	char *why;
	size_t len;
	bool found;
};

static void tell(struct fault_finder *finder, const struct deadmx_place *place,
		 int64_t expiry_ns, const char *what)
{
	char after[64];

	if (!finder->found && finder->why)
		snprintf(
			finder->why, finder->len,
			"%s:%d: mail expires after %s here, so %s", place->file,
			place->line,
			deadmx_duration_format(expiry_ns, after, sizeof(after)),
			what);
	finder->found = true;
}

static void window_move(struct deadmx_window *w,
			const struct deadmx_place *place,
			const struct deadmx_world *world, int64_t expiry_ns,
			struct fault_finder *finder)
{
	moment_move(&w->from_expiry, expiry_ns, &w->from_ns);
	moment_move(&w->until_expiry, expiry_ns, &w->until_ns);
	if (!w->from_expiry.is_set && !w->until_expiry.is_set &&
	    !world->until_expiry.is_set)
		return;
	if (w->from_ns >= w->until_ns)
		tell(finder, place, expiry_ns, "this row never applies");
	else if (w->from_ns >= world->until_ns)
		tell(finder, place, expiry_ns,
		     "the run ends before this row applies");
}

static void server_move(struct deadmx_server *server,
			const struct deadmx_world *world, int64_t expiry_ns,
			struct fault_finder *finder)
{
	struct deadmx_relay *relay = server->relay;

	for (size_t i = 0; i < server->fault_count; i++)
		window_move(&server->faults[i].window, &server->faults[i].place,
			    world, expiry_ns, finder);
	for (size_t i = 0; relay && i < relay->row_count; i++)
		window_move(&relay->rows[i].window, &relay->rows[i].place,
			    world, expiry_ns, finder);
}

static void name_move(struct deadmx_name *name,
		      const struct deadmx_world *world, int64_t expiry_ns,
		      struct fault_finder *finder)
{
	for (size_t i = 0; i < name->row_count; i++)
		window_move(&name->rows[i].window, &name->rows[i].place, world,
			    expiry_ns, finder);
}

static void mta_move(struct deadmx_scenario *s, int64_t expiry_ns,
		     struct fault_finder *finder)
{
	for (size_t i = 0; i < s->mta_step_count; i++) {
		struct deadmx_mta_step *step = &s->mta_steps[i];
		const struct deadmx_mta_step *before = i ? step - 1 : step;

		moment_move(&step->at_expiry, expiry_ns, &step->at_ns);
		if ((step->at_expiry.is_set || before->at_expiry.is_set) && i &&
		    step->at_ns <= before->at_ns)
			tell(finder, &step->place, expiry_ns,
			     "this step does not come after the one before it");
	}
}

bool deadmx_scenario_set_expiry(struct deadmx_scenario *s, int64_t expiry_ns,
				char *why, size_t why_len)
{
	struct fault_finder finder = {why, why_len, false};
	struct deadmx_world *world = &s->world;

	s->expiry_ns = expiry_ns;
	if (!world->until_place.line)
		world->until_ns = until_default(expiry_ns);
	moment_move(&world->until_expiry, expiry_ns, &world->until_ns);
	if (world->until_ns == 0)
		tell(&finder, &world->until_place, expiry_ns,
		     "the run ends before it begins");
	for (size_t i = 0; i < world->server_count; i++)
		server_move(&world->servers[i], world, expiry_ns, &finder);
	for (size_t i = 0; i < world->name_count; i++)
		name_move(&world->names[i], world, expiry_ns, &finder);
	mta_move(s, expiry_ns, &finder);
	return !finder.found;
}

/* --- when the scenario is read ------------------------------------------- */

void scenario_expiry_guess(struct deadmx_yaml *doc, struct deadmx_scenario *s)
{
	struct scenario_reader *reader = doc->user;
	struct fault_finder silent = {NULL, 0, false};
	int64_t lifetime_ns = deadmx_scenario_lifetime(s);

	if (reader->uses_expiry && lifetime_ns < 0)
		deadmx_yaml_error(doc, &lifetime_setting(s)->place,
				  "write 4h or 5d; times count from expiry",
				  "lifetime, expected a duration with its "
				  "unit");
	deadmx_scenario_set_expiry(
		s, lifetime_ns > 0 ? lifetime_ns : DEADMX_EXPIRY_DEFAULT_NS,
		NULL, 0);
	/* Its rows become those of all servers later. */
	server_move(&reader->link, &s->world, s->expiry_ns, &silent);
	if (s->world.until_ns == 0)
		deadmx_yaml_error(doc, &s->world.until_place, NULL,
				  "until, expected a time above 0: mail "
				  "expires before");
}

void scenario_window_check(struct deadmx_yaml *doc,
			   const struct deadmx_window *w,
			   const struct deadmx_place *place,
			   const struct deadmx_world *world)
{
	if (w->from_ns >= world->until_ns)
		deadmx_yaml_error(
			doc, place, "see until in world",
			"this row never applies: the run ends before");
	else if (w->from_ns >= w->until_ns)
		deadmx_yaml_error(doc, place,
				  "expiry is the lifetime in settings, else "
				  "what the target documents, here 5d",
				  "this row never applies: it ends before it "
				  "begins");
}
