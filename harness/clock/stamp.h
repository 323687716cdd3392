/* SPDX-License-Identifier: MIT */
/*
 * File times: from the host's stamps to virtual time and back.
 *
 * The kernel stamps files in host time. Each jump of the clock is noted with
 * the host time from which on stamps belong to it; as virtual time stands
 * still between jumps, a stamp maps to the exact virtual time of the write.
 *
 * The kernel's stamps come from a clock that moves once a tick (4 ms at 250
 * Hz), and many jumps fit into a tick. Since Linux 6.13 a fine-grained stamp,
 * taken when a file is touched after it was looked at, raises the floor of
 * all later stamps; the probe file here is for that. On older kernels a
 * stamp may map to a jump up to one tick too early.
 *
 * Times that a program sets itself are virtual already. With @bias they are
 * stored STAMP_BIAS_S later, where no host stamp can be.
 */
#ifndef HARNESS_CLOCK_STAMP_H
#define HARNESS_CLOCK_STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Seconds: year 2242, representable on ext4, xfs and tmpfs. Explicit times
 * from 1970 to 2106 stay below what ext4 can hold. */
#define STAMP_BIAS_S (INT64_C(1) << 33)

struct stamp_map {
	struct stamp_epoch {
		int64_t host_ns, virtual_ns;
	} * epochs;
	size_t count, room;
	int probe_fd;
	bool bias;
};

int stamp_init(struct stamp_map *map, bool bias, int64_t virtual_ns);
void stamp_release(struct stamp_map *map);
/* The clock has jumped to @virtual_ns (CLOCK_REALTIME). */
void stamp_jump(struct stamp_map *map, int64_t virtual_ns);
/* What stat() of the tree shall see for the stored time @s.@ns. */
void stamp_to_virtual(const struct stamp_map *map, int64_t *s, uint32_t *ns);
/* What to store when a program sets the time @s. */
int64_t stamp_to_stored_s(const struct stamp_map *map, int64_t s);

#endif
