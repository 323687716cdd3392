/* SPDX-License-Identifier: MIT */
/* deadmx check: are these scenarios right? */
#ifndef HARNESS_CMD_CHECK_H
#define HARNESS_CMD_CHECK_H

/* argv[0] is "check". Exit status: 0 all are, 2 a mistake or wrong usage. */
int cmd_check(int argc, char **argv);

#endif
