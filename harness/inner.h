/* SPDX-License-Identifier: MIT */
/*
 * Inside the sandbox: the program that is the world and drives the target.
 *
 * Started by run.c as `deadmx _inner FD` on the virtual clock, with
 * /deadmx/run holding scenario.yml and target.yml. Events go to FD, a line
 * each. It sets the target up, starts it, waits until it is ready, injects,
 * watches until all mail has ended (or the scenario's end), asks for the
 * queue, stops the target and exits 0. Any other end is told as an event
 * (`target` when the MTA is to blame, `error` when we are) before exit 1.
 */
#ifndef HARNESS_INNER_H
#define HARNESS_INNER_H

int inner_main(int argc, char **argv);

#endif
