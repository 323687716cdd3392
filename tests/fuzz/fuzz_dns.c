/* SPDX-License-Identifier: MIT */
/*
 * A question to the world's DNS. The first byte says by which transport and
 * at which hour it comes, the rest is the packet.
 */
#include "fuzz.h"

#include "sim/dns_answer.h"

static const char world[] =
	"description: names with faults\n"
	"world:\n"
	"  names:\n"
	"    dest.example: {mx: [10 mx.dest.example], txt: v=spf1 -all}\n"
	"    loop.example: {cname: loop2.example}\n"
	"    loop2.example: {cname: loop.example}\n"
	"    broken.example:\n"
	"      mx: [0 .]\n"
	"      timeline:\n"
	"        - {from: 1h, for: 1h, answer: malformed}\n"
	"        - {from: 2h, for: 1h, answer: truncate}\n"
	"        - {from: 3h, for: 1h, answer: wrong_question}\n"
	"        - {from: 4h, for: 1h, answer: garbage}\n"
	"        - {from: 5h, for: 1h, answer: truncate_partial}\n"
	"        - {from: 6h, for: 1h, answer: wrong_owner}\n"
	"        - {from: 7h, for: 1h, answer: lame}\n"
	"  servers:\n"
	"    mx.dest.example: {address6: yes}\n"
	"mail: {from: alice@sender.example, to: bob@dest.example}\n"
	"expect: {}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct deadmx_scenario *scenario;
	static struct dns_zone *zone;
	struct dns_answer answer;
	const char *bad;
	int rc;

	if (!zone) {
		rc = deadmx_scenario_parse("world.yml", world,
					   sizeof(world) - 1, stderr,
					   &scenario);
		assert(rc == 0);
		rc = dns_zone_new(scenario, "mta.sender.test", &bad, &zone);
		assert(rc == 0);
	}
	if (!size)
		return 0;
	rc = dns_answer_make(
		zone, data + 1, size - 1, data[0] & 1 ? DNS_TCP : DNS_UDP,
		(int64_t)(data[0] >> 1) * 3600 * DEADMX_NS_PER_S, &answer);
	if (rc)
		return 0;
	assert(answer.len <= DNS_TCP_MAX);
	assert((data[0] & 1) || answer.len <= DNS_UDP_MAX);
	dns_answer_release(&answer);
	return 0;
}
