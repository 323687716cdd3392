/* SPDX-License-Identifier: MIT */
/* deadmx clock: run any process tree on the virtual clock. */
#ifndef HARNESS_CMD_CLOCK_H
#define HARNESS_CMD_CLOCK_H

/* @argv[0] is "clock". Returns deadmx's exit status, or the program's. */
int cmd_clock(int argc, char **argv);

#endif
