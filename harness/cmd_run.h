/* SPDX-License-Identifier: MIT */
/* deadmx run: scenarios on targets, verdicts, reports. */
#ifndef HARNESS_CMD_RUN_H
#define HARNESS_CMD_RUN_H

/* @argv[0] is "run". Returns deadmx's exit status. */
int cmd_run(int argc, char **argv);

#endif
