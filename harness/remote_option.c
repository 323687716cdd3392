/* SPDX-License-Identifier: MIT */
/* Options about a server elsewhere: see remote_option.h. */
#include "harness/remote_option.h"

#include <assert.h>
#include <errno.h>

#include "deadmx/scenario.h"
#include "harness/remote_address.h"

void remote_option_defaults(struct remote_options *o)
{
	*o = (struct remote_options){.place = {.who = "deadmx run",
					       .port = SERVE_PLACE_AUTO,
					       .dns_port = SERVE_PLACE_AUTO},
				     .settle_ns = REMOTE_SETTLE_NS};
}

static int take_at(struct remote_options *o, const char *arg)
{
	struct remote_address address;

	if (remote_address_parse(arg, &address) < 0) {
		fprintf(stderr,
			"deadmx run: expected " REMOTE_ADDRESS_FORM
			", got '%s'\n",
			arg);
		return -EINVAL;
	}
	o->at = arg;
	return 0;
}

static int take_time(const char *option, const char *arg, int64_t least_ns,
		     int64_t *ret_ns)
{
	if (deadmx_duration_parse(arg, ret_ns) == 0 && *ret_ns >= least_ns)
		return 0;
	fprintf(stderr,
		"deadmx run: %s: expected a time such as 15m, got '%s'\n",
		option, arg);
	return -EINVAL;
}

int remote_option_take(struct remote_options *o, enum remote_option option,
		       const char *arg)
{
	o->is_used = true;
	switch (option) {
	case REMOTE_OPTION_AT:
		return take_at(o, arg);
	case REMOTE_OPTION_BIND:
		return serve_place_bind(&o->place, arg);
	case REMOTE_OPTION_PORT:
		return serve_place_port(&o->place, "--port", arg,
					&o->place.port);
	case REMOTE_OPTION_DNS_PORT:
		return serve_place_port(&o->place, "--dns-port", arg,
					&o->place.dns_port);
	case REMOTE_OPTION_WITHIN:
		return take_time("--within", arg, DEADMX_NS_PER_S,
				 &o->within_ns);
	case REMOTE_OPTION_SETTLE:
		return take_time("--settle", arg, 0, &o->settle_ns);
	case REMOTE_OPTION_BEFORE:
	case REMOTE_OPTION_END:
		break;
	}
	assert(!"no such option");
	return -EINVAL;
}

int remote_option_check(const struct remote_options *o,
			const struct target *remote)
{
	if (!remote && o->is_used) {
		fputs("deadmx run: --at, --bind, --port, --dns-port, --within "
		      "and --settle are for a server elsewhere\n"
		      "  hint: --target smtp://HOST:PORT, or --target exchange "
		      "--at smtp://HOST:PORT\n",
		      stderr);
		return -EINVAL;
	}
	if (remote && !o->at && !remote->remote) {
		fprintf(stderr,
			"deadmx run: %s is a server that deadmx doesn't run: "
			"where is it?\n"
			"  hint: --at smtp://HOST:PORT; docs/remote.md tells "
			"what it has to be told before\n",
			remote->name);
		return -EINVAL;
	}
	return 0;
}
