/* SPDX-License-Identifier: MIT */
/*
 * The bounce reader, and all that `deadmx ndr` makes of what it has read: no
 * control character reaches the terminal, and each scenario is a valid one.
 */
#include "fuzz.h"

#include "deadmx/ndr.h"
#include "deadmx/scenario.h"
#include "harness/ndr/ndr_print.h"
#include "harness/ndr/ndr_scenario.h"

static void check_text(const struct ndr_story *story)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	ndr_print(out, story);
	fclose(out);
	for (size_t i = 0; i < len; i++)
		assert((unsigned char)text[i] >= ' ' || text[i] == '\n');
	free(text);
}

static void check_scenario(const struct ndr_story *story)
{
	struct deadmx_scenario *scenario = NULL;
	char *text = NULL, *why = NULL;
	size_t len = 0, why_len = 0;
	FILE *out = open_memstream(&text, &len);
	FILE *errors = open_memstream(&why, &why_len);
	int rc;

	ndr_scenario_print(out, story, "fuzz");
	fclose(out);
	rc = deadmx_scenario_parse("repro.yml", text, len, errors, &scenario);
	fclose(errors);
	if (rc)
		fprintf(stderr, "%s\n%s\n", text, why);
	assert(rc == 0);
	deadmx_scenario_free(scenario);
	free(text);
	free(why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ndr_story story;
	struct deadmx_ndr *ndr;

	assert(deadmx_ndr_parse((const char *)data, size, &ndr) == 0);
	deadmx_ndr_names(ndr, "bob@dest.example");
	if (ndr->kind != DEADMX_NDR_KIND_NONE) {
		ndr_story_read(ndr, &story);
		check_text(&story);
		ndr_print_json(fuzz_null(), &story);
		check_scenario(&story);
		ndr_story_release(&story);
	}
	deadmx_ndr_lint_envelope(ndr, "x@y.example", "alice@sender.example");
	deadmx_ndr_free(ndr);
	return 0;
}
