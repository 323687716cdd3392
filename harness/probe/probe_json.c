/* SPDX-License-Identifier: MIT */
#include "harness/probe/probe_json.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "deadmx/event.h"

#define PROBE_JSON_FLAGS                                                       \
	(JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15))

static json_t *json_text(const char *text)
{
	return text ? deadmx_event_text(text, strlen(text)) : json_null();
}

/* To the microsecond: more is noise. */
static json_t *json_seconds(int64_t ns)
{
	return json_real((double)((ns + 500) / 1000) / 1e6);
}

static json_t *json_code(int code)
{
	return code ? json_integer(code) : json_null();
}

static json_t *json_end(const struct probe_end *end)
{
	bool is_none = end->kind == PROBE_END_NONE;
	json_t *json = json_pack(
		"{s:o,s:o,s:o,s:o,s:o}", "end",
		json_string(probe_end_word(end->kind)), "stage",
		is_none ? json_null() : json_string(probe_step_word(end->step)),
		"code", json_code(end->code), "status", json_text(end->status),
		"text", json_text(end->text));

	assert(json);
	return json;
}

static json_t *json_list(const char *const *texts, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_text(texts[i]));
	return list;
}

static json_t *json_peer(const struct probe_tls_peer *peer)
{
	json_t *json;

	if (!peer)
		return json_null();
	json = json_pack(
		"{s:o,s:o,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "version",
		json_text(peer->version), "cipher", json_text(peer->cipher),
		"verified", peer->problem_count == 0, "problems",
		json_list(peer->problems, peer->problem_count), "subject",
		json_text(peer->subject), "issuer", json_text(peer->issuer),
		"key", json_text(peer->key), "names",
		json_list(peer->names, peer->name_count), "from",
		json_text(peer->from), "until", json_text(peer->until));
	assert(json);
	return json;
}

static json_t *json_step(const struct probe_step *step)
{
	static const char *const marks[] = {"ok", "warning", "failed"};
	json_t *json = json_pack(
		"{s:s,s:o,s:o,s:o,s:s,s:o,s:o,s:o,s:o,s:o}", "stage",
		probe_step_word(step->kind), "host", json_text(step->host),
		"address", json_text(step->address), "seconds",
		json_seconds(step->took_ns), "result", marks[step->mark],
		"code", json_code(step->code), "status",
		json_text(step->status), "reply", json_text(step->reply),
		"text", json_text(step->text), "tls", json_peer(step->peer));

	assert(json);
	return json;
}

static json_t *json_host(const struct probe_host *host)
{
	json_t *targets = json_array(), *json;

	for (size_t i = 0; i < host->target_count; i++) {
		json_t *target = json_pack("{s:o}", "address",
					   json_text(host->targets[i].address));

		json_object_update_new(target, json_end(&host->targets[i].end));
		json_array_append_new(targets, target);
	}
	json = json_pack("{s:o,s:o,s:o}", "host", json_text(host->name),
			 "preference",
			 host->preference < 0 ? json_null()
					      : json_integer(host->preference),
			 "addresses", targets);
	assert(json);
	json_object_update_new(json, json_end(&host->end));
	return json;
}

static json_t *json_verdict(const struct probe_report *report)
{
	struct probe_verdict v = probe_report_verdict(report);
	json_t *json = json_pack(
		"{s:b,s:o,s:o}", "reachable", v.end.kind == PROBE_END_ACCEPTED,
		"host", json_text(v.host ? v.host->name : NULL), "ip",
		json_text(v.target ? v.target->address : NULL));

	assert(json);
	json_object_update_new(json, json_end(&v.end));
	return json;
}

int probe_json(FILE *out, const struct probe_report *report)
{
	json_t *hosts = json_array(), *steps = json_array(), *json;
	int rc;

	for (size_t i = 0; i < report->host_count; i++)
		json_array_append_new(hosts, json_host(&report->hosts[i]));
	for (size_t i = 0; i < report->step_count; i++)
		json_array_append_new(steps, json_step(&report->steps[i]));
	json = json_pack(
		"{s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:o,s:o}", "address",
		json_text(report->address), "domain", json_text(report->domain),
		"from", json_text(report->from), "helo",
		json_text(report->helo), "verdict", json_verdict(report),
		"seconds", json_seconds(report->took_ns), "time_over",
		report->time_over, "hosts", hosts, "steps", steps);
	assert(json);
	json = json_pack("{s:s,s:o}", "deadmx", DEADMX_VERSION, "probe", json);
	rc = json_dumpf(json, out, PROBE_JSON_FLAGS);
	fputc('\n', out);
	json_decref(json);
	return rc || ferror(out) ? -EIO : 0;
}
