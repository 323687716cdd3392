/* SPDX-License-Identifier: MIT */
/* Rows that come by the control API, and how they are shown again. */
#include "fuzz.h"

#include "harness/control_row.h"
#include "sim/override.h"

static void show(const struct deadmx_server *server)
{
	for (size_t i = 0; i < server->fault_count; i++) {
		struct deadmx_world_row row = {.fault = &server->faults[i],
					       .by_hand = true};
		json_t *json = control_row_json(&row);

		assert(json);
		json_decref(json);
		control_row_print(fuzz_null(), row.fault);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct deadmx_server server = {.name = (char *)"mx.dest.example",
					      .address = (char *)"192.0.2.10"};
	static const struct override_owner owner = {
		.server = &server,
		.expiry_ns = 5 * 24 * 3600 * DEADMX_NS_PER_S};
	struct override *o = NULL;
	int rc;

	if (size > DEADMX_WORLD_ROWS_BYTES_MAX)
		return 0; /* refused before it is looked at */
	rc = override_new(&owner, (const char *)data, size, 0, fuzz_null(), &o);
	assert((rc == 0) == (o != NULL));
	if (o)
		show(override_server(o));
	override_free(o);
	return 0;
}
