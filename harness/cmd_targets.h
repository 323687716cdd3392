/* SPDX-License-Identifier: MIT */
/* deadmx targets: the MTAs it knows, and which of them are here. */
#ifndef HARNESS_CMD_TARGETS_H
#define HARNESS_CMD_TARGETS_H

/* @argv[0] is "targets". Returns deadmx's exit status. */
int cmd_targets(int argc, char **argv);

#endif
