/* SPDX-License-Identifier: MIT */
/* A network namespace of the world's own: see serve_net.h. */
#include "harness/serve_net.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#include "harness/sandbox/sandbox_net.h"

/* An interface that is up and leads out, or NULL. */
static int find_way_out(char *name, size_t size)
{
	struct ifaddrs *all, *i;

	*name = '\0';
	if (getifaddrs(&all) < 0)
		return -errno;
	for (i = all; i; i = i->ifa_next)
		if ((i->ifa_flags & IFF_UP) && !(i->ifa_flags & IFF_LOOPBACK))
			snprintf(name, size, "%s", i->ifa_name);
	freeifaddrs(all);
	return 0;
}

int serve_net_up(FILE *errors)
{
	struct sandbox_fault fault = {0};
	char name[IF_NAMESIZE];
	int rc = find_way_out(name, sizeof(name));

	if (rc == 0 && *name) {
		fprintf(errors,
			"deadmx serve: --own-network: this network leads out "
			"by "
			"%s, so it is not the world's own\n"
			"  hint: ip netns add world; ip netns exec world "
			"deadmx "
			"serve --own-network …\n",
			name);
		return -ENOTSUP;
	}
	if (rc == 0)
		rc = sandbox_net_up(NULL, 0, &fault);
	if (rc == 0)
		rc = sandbox_net_allow_bind(&fault);
	if (rc < 0)
		fprintf(errors, "deadmx serve: --own-network: %s\n",
			*fault.line ? fault.line : strerror(-rc));
	return rc;
}
