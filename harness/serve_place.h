/* SPDX-License-Identifier: MIT */
/*
 * Where a world in real time listens: addresses and ports as the user gave
 * them, or such as can be had.
 *
 * Shared by `deadmx serve` and by runs against a server elsewhere. Ports are
 * only tried here; the world opens its own sockets afterwards.
 */
#ifndef HARNESS_SERVE_PLACE_H
#define HARNESS_SERVE_PLACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "deadmx/scenario.h"

/* A port that the user hasn't given. */
#define SERVE_PLACE_AUTO -1

struct serve_place {
	const char *who;  /* begins messages: "deadmx serve" */
	bool own_network; /* the scenario's own addresses and ports */
	const char *binds[DEADMX_SCENARIO_SERVERS_MAX];
	size_t bind_count;
	int64_t port, dns_port; /* 0: any that is free */
	/* What came of it. */
	const char *dns_address;
	uint16_t dns_taken;
};

/* Options; on error -EINVAL and a line on standard error. */
int serve_place_bind(struct serve_place *p, const char *address);
int serve_place_port(const struct serve_place *p, const char *option,
		     const char *text, int64_t *ret);

/*
 * Move @s's servers to where they shall listen, and choose DNS's place. On
 * error a negative errno, and a line with a hint on standard error.
 */
int serve_place(struct serve_place *p, struct deadmx_scenario *s);

/* DNS, the servers, and what holds at each in the course of time. */
void serve_place_print(FILE *to, const struct serve_place *p,
		       const struct deadmx_world *world);

#endif
