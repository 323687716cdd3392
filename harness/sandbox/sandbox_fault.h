/* SPDX-License-Identifier: MIT */
/*
 * Why the sandbox could not be made: an errno and one line for people.
 *
 * Set-up runs in another process than the one that reports; so a fault is
 * plain data that goes through a socket in one piece.
 */
#ifndef HARNESS_SANDBOX_SANDBOX_FAULT_H
#define HARNESS_SANDBOX_SANDBOX_FAULT_H

enum {
	SANDBOX_FAULT_LINE_MAX = 1024, /* bytes; longer lines are cut */
};

struct sandbox_fault {
	int err; /* negative errno */
	char line[SANDBOX_FAULT_LINE_MAX];
};

/*
 * Fill in @fault and return @err, so that a failing step is one statement.
 * The first fault wins: callers further out may only add what was missing.
 */
int sandbox_fault_set(struct sandbox_fault *fault, int err, const char *format,
		      ...) __attribute__((format(printf, 3, 4)));

#endif
