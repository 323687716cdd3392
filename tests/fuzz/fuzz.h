/* SPDX-License-Identifier: MIT */
/*
 * What the fuzz targets share. Each is fed with any bytes; what is wrong shows
 * by an assert, a sanitizer, a leak, or as slowness.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where errors go that nobody reads. */
static inline FILE *fuzz_null(void)
{
	static FILE *null;

	if (!null)
		null = fopen("/dev/null", "we");
	assert(null);
	return null;
}

#endif
