/* SPDX-License-Identifier: MIT */
/* Why the sandbox could not be made: an errno and one line for people. */
#include "harness/sandbox/sandbox_fault.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

int sandbox_fault_set(struct sandbox_fault *fault, int err, const char *format,
		      ...)
{
	va_list args;

	assert(err < 0);
	if (fault->err)
		return fault->err;
	fault->err = err;
	va_start(args, format);
	vsnprintf(fault->line, sizeof(fault->line), format, args);
	va_end(args);
	return err;
}
