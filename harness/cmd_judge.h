/* SPDX-License-Identifier: MIT */
/* `deadmx judge`: the verdict of a stored run, without running anything. */
#ifndef HARNESS_CMD_JUDGE_H
#define HARNESS_CMD_JUDGE_H

/* @argv[0] is "judge". Returns the exit status. */
int cmd_judge(int argc, char **argv);

#endif
