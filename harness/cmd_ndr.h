/* SPDX-License-Identifier: MIT */
/* `deadmx ndr`: what a bounce means, whether it is well made, and a scenario.
 */
#ifndef HARNESS_CMD_NDR_H
#define HARNESS_CMD_NDR_H

/* @argv[0] is "ndr". Returns the exit status. */
int cmd_ndr(int argc, char **argv);

#endif
