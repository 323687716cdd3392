/* SPDX-License-Identifier: MIT */
/* The scenario parser, from memory: what it can't read it says so. */
#include "fuzz.h"

#include "deadmx/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct deadmx_scenario *scenario = NULL;
	char *why = NULL;
	size_t len = 0;
	FILE *errors = open_memstream(&why, &len);
	int rc = deadmx_scenario_parse("fuzz.yml", (const char *)data, size,
				       errors, &scenario);

	fclose(errors);
	assert((rc == 0) == (scenario != NULL));
	assert(rc == 0 || len > 0);
	deadmx_scenario_free(scenario);
	free(why);
	return 0;
}
