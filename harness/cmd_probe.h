/* SPDX-License-Identifier: MIT */
/* deadmx probe: the way an MTA would take to one address, up to RCPT. */
#ifndef HARNESS_CMD_PROBE_H
#define HARNESS_CMD_PROBE_H

/* @argv[0] is "probe". Returns deadmx's exit status. */
int cmd_probe(int argc, char **argv);

#endif
