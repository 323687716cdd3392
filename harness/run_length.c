/* SPDX-License-Identifier: MIT */
#include "harness/run_length.h"

static void length_reach(int64_t *length_ns, int64_t at_ns)
{
	if (at_ns != DEADMX_FOREVER_NS && at_ns > *length_ns)
		*length_ns = at_ns;
}

static void length_of_world(int64_t *length_ns,
			    const struct deadmx_world *world)
{
	for (size_t i = 0; i < world->server_count; i++) {
		const struct deadmx_server *server = &world->servers[i];

		for (size_t k = 0; k < server->fault_count; k++) {
			const struct deadmx_window *w =
				&server->faults[k].window;

			length_reach(length_ns, w->from_ns);
			length_reach(length_ns, w->until_ns);
		}
	}
}

static void length_of_ndrs(int64_t *length_ns,
			   const struct deadmx_expect *expect,
			   int64_t lifetime_ns)
{
	if (expect->ndr != DEADMX_WANTED_YES)
		return;
	if (!expect->ndr_count)
		length_reach(length_ns, lifetime_ns);
	for (size_t i = 0; i < expect->ndr_count; i++) {
		const struct deadmx_range *after = &expect->ndrs[i].after_ns;
		bool is_told = after->set && after->max != DEADMX_FOREVER_NS;

		length_reach(length_ns, is_told ? after->max : lifetime_ns);
	}
}

int64_t run_length_ns(const struct target *target,
		      const struct deadmx_scenario *scenario)
{
	int64_t lifetime_ns = target_lifetime_ns(target, scenario);
	int64_t length_ns = 0;

	if (lifetime_ns <= 0)
		lifetime_ns = DEADMX_EXPIRY_DEFAULT_NS;
	length_of_world(&length_ns, &scenario->world);
	length_of_ndrs(&length_ns, &scenario->expect, lifetime_ns);
	if (scenario->expect.delivered_after_ns.set)
		length_reach(&length_ns,
			     scenario->expect.delivered_after_ns.max);
	for (size_t i = 0; i < scenario->mail_count; i++)
		length_reach(&length_ns, scenario->mails[i].at_ns);
	for (size_t i = 0; i < scenario->mta_step_count; i++)
		length_reach(&length_ns, scenario->mta_steps[i].at_ns);
	return length_ns < scenario->world.until_ns ? length_ns
						    : scenario->world.until_ns;
}
