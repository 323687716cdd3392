/* SPDX-License-Identifier: MIT */
#include "harness/clock/stamp.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)

/*
 * Host time of a stamp that is later than all that were given before.
 *
 * Once is not enough: a stamp that somebody has looked at is renewed finely
 * only if the coarse clock still shows that time. If it doesn't, because other
 * programs have raised its floor, the file gets the coarse time, and so has
 * perhaps another one before it. The second time is later than the first.
 */
static int64_t stamp_probe(struct stamp_map *map)
{
	struct stat st;

	for (int i = 0; i < 2; i++)
		if (fstat(map->probe_fd, &st) || futimens(map->probe_fd, NULL))
			return map->epochs[map->count - 1].host_ns;
	if (fstat(map->probe_fd, &st))
		return map->epochs[map->count - 1].host_ns;
	return st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
}

static int64_t stamp_host_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int stamp_init(struct stamp_map *map, bool bias, int64_t virtual_ns)
{
	*map = (struct stamp_map){.bias = bias};
	map->probe_fd = memfd_create("deadmx-stamp", MFD_CLOEXEC);
	if (map->probe_fd < 0)
		return -errno;
	map->room = 1024;
	map->epochs = malloc(map->room * sizeof(*map->epochs));
	if (!map->epochs) {
		close(map->probe_fd);
		return -ENOMEM;
	}
	map->epochs[0] = (struct stamp_epoch){stamp_host_now(), virtual_ns};
	map->count = 1;
	return 0;
}

void stamp_release(struct stamp_map *map)
{
	free(map->epochs);
	if (map->probe_fd >= 0)
		close(map->probe_fd);
	*map = (struct stamp_map){.probe_fd = -1};
}

void stamp_jump(struct stamp_map *map, int64_t virtual_ns)
{
	int64_t host_ns = stamp_probe(map);

	/* Two jumps under one stamp (old kernel): the later one counts for
	 * what comes after, so it takes the place of the earlier. */
	if (host_ns <= map->epochs[map->count - 1].host_ns) {
		map->epochs[map->count - 1].virtual_ns = virtual_ns;
		return;
	}
	if (map->count == map->room) {
		void *more = realloc(map->epochs,
				     2 * map->room * sizeof(*map->epochs));

		/* Out of memory: old stamps would be wrong. */
		assert(more);
		map->epochs = more;
		map->room *= 2;
	}
	map->epochs[map->count++] = (struct stamp_epoch){host_ns, virtual_ns};
}

static int64_t stamp_look_up(const struct stamp_map *map, int64_t host_ns)
{
	size_t low = 0, high = map->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (map->epochs[middle].host_ns <= host_ns)
			low = middle;
		else
			high = middle;
	}
	return map->epochs[low].virtual_ns;
}

void stamp_to_virtual(const struct stamp_map *map, int64_t *s, uint32_t *ns)
{
	const struct stamp_epoch *first = &map->epochs[0];
	int64_t host_ns, virtual_ns;

	if (map->bias && *s >= STAMP_BIAS_S / 2) {
		*s -= STAMP_BIAS_S;
		return;
	}
	/* Out of the range of ns: nothing of this century. */
	if (*s > INT64_MAX / NS_PER_S - 1 || *s < INT64_MIN / NS_PER_S + 1)
		return;
	host_ns = *s * NS_PER_S + *ns;
	if (host_ns >= first->host_ns) {
		/* Without the bias a later time was set by a program. */
		if (!map->bias && host_ns > stamp_host_now() + NS_PER_S)
			return;
		virtual_ns = stamp_look_up(map, host_ns);
	} else if (map->bias) {
		/* Made before the run: it keeps its age. */
		virtual_ns = host_ns - first->host_ns + first->virtual_ns;
	} else {
		return;
	}
	*s = virtual_ns / NS_PER_S;
	virtual_ns %= NS_PER_S;
	if (virtual_ns < 0) {
		virtual_ns += NS_PER_S;
		*s -= 1;
	}
	*ns = (uint32_t)virtual_ns;
}

int64_t stamp_to_stored_s(const struct stamp_map *map, int64_t s)
{
	return map->bias ? s + STAMP_BIAS_S : s;
}
