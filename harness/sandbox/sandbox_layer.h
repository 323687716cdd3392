/* SPDX-License-Identifier: MIT */
/*
 * The layers of the sandbox's root: overlays of the host's folders.
 *
 * Root stacks all of / at once. In a user namespace the kernel refuses that
 * (the mounts below / are locked), but takes the folders one by one; there
 * the host's root shows as "nobody", whose folders can't be written to, so
 * folders of our own are merged over them, and /etc is a copy.
 */
#ifndef HARNESS_SANDBOX_SANDBOX_LAYER_H
#define HARNESS_SANDBOX_SANDBOX_LAYER_H

#include <stddef.h>

#include "harness/sandbox/sandbox_fault.h"

enum {
	SANDBOX_LAYER_NOBODY = 65534, /* how an unmapped id shows */
};

struct sandbox_layer {
	const char *stage; /* a mounted tmpfs; the root is made at root/ */
	const int *from;   /* packages that will be copied in later */
	size_t from_count;
	struct sandbox_fault *fault;
	unsigned made; /* overlays so far: names upper and work folders */
};

int sandbox_layer_whole(struct sandbox_layer *layer);
int sandbox_layer_each(struct sandbox_layer *layer);

#endif
