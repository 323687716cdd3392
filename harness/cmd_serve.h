/* SPDX-License-Identifier: MIT */
/* `deadmx serve`: a scenario's world in real time. */
#ifndef HARNESS_CMD_SERVE_H
#define HARNESS_CMD_SERVE_H

int cmd_serve(int argc, char **argv);

#endif
