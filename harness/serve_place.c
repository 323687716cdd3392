/* SPDX-License-Identifier: MIT */
/* Addresses and ports of a world in real time: see serve_place.h. */
#include "harness/serve_place.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "deadmx/loopback.h"
#include "deadmx/yaml.h"
#include "harness/control_row.h"
#include "harness/serve_net.h"
#include "harness/serve_ports.h"

/* Of a server's timeline, when all begins: a matrix has hundreds. */
enum { ROWS_SHOWN_MAX = 10 };

/* --- options ------------------------------------------------------------- */

static int bad_option(const struct serve_place *p, const char *option,
		      const char *expected, const char *got)
{
	fprintf(stderr, "%s: %s: expected %s, got '%s'\n", p->who, option,
		expected, got);
	return -EINVAL;
}

int serve_place_port(const struct serve_place *p, const char *option,
		     const char *text, int64_t *ret)
{
	if (deadmx_number_parse(text, UINT16_MAX, ret) < 0)
		return bad_option(p, option, "a port from 0 to 65535", text);
	return 0;
}

int serve_place_bind(struct serve_place *p, const char *text)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1 || in.s_addr == 0)
		return bad_option(p, "--bind",
				  "an IPv4 address of this machine (DNS has "
				  "to name it)",
				  text);
	if (p->bind_count == DEADMX_SCENARIO_SERVERS_MAX)
		return bad_option(p, "--bind", "at most 200 addresses", text);
	p->binds[p->bind_count++] = text;
	return 0;
}

/* --- places ------------------------------------------------------------- */

static void explain_port(const struct serve_place *p, const char *what,
			 const char *option, const char *address, uint16_t port,
			 int rc)
{
	fprintf(stderr, "%s: %s: can't listen on %s port %u: %s\n", p->who,
		what, address, port, strerror(-rc));
	if (rc == -EACCES)
		fprintf(stderr,
			"  hint: run it as root, or allow it with `sysctl "
			"net.ipv4.ip_unprivileged_port_start=%u`, or choose "
			"%s 1024 or higher\n",
			port, option);
	else if (rc == -EADDRINUSE)
		fprintf(stderr,
			"  hint: `ss -lntup 'sport = %u'` tells who has it (a "
			"mail server that listens on all addresses takes it on "
			"these, too); choose another with %s, or 0 for one "
			"that is free\n",
			port, option);
	else if (rc == -EADDRNOTAVAIL)
		fputs("  hint: --bind takes an address of this machine\n",
		      stderr);
}

/* The port asked for, or the first of two that can be had. */
static int choose_port(const struct serve_place *p, const char *what,
		       const char *option, int64_t asked, uint16_t low,
		       uint16_t high, const char *const *addresses,
		       size_t count, uint16_t *ret)
{
	const char *address = "";
	int rc, low_rc;

	*ret = asked == SERVE_PLACE_AUTO ? low : (uint16_t)asked;
	rc = low_rc = serve_ports_try(addresses, count, low == SERVE_PORTS_DNS,
				      ret, &address);
	if (asked == SERVE_PLACE_AUTO && (rc == -EACCES || rc == -EADDRINUSE)) {
		*ret = high;
		rc = serve_ports_try(addresses, count, low == SERVE_PORTS_DNS,
				     ret, &address);
	}
	if (rc < 0)
		explain_port(p, what, option, address, *ret, rc);
	else if (low_rc < 0)
		fprintf(stderr, "%s: %s on port %u, since %u %s\n", p->who,
			what, *ret, low,
			low_rc == -EACCES ? "is for root"
					  : "is taken at these addresses");
	return rc;
}

/* The addresses that servers are about to move to, each once for a bind. */
static size_t smtp_addresses(const struct serve_place *p,
			     const struct deadmx_world *world,
			     char text[][DEADMX_LOOPBACK_TEXT_MAX],
			     const char **ret)
{
	if (p->bind_count) {
		memcpy(ret, p->binds, p->bind_count * sizeof(*ret));
		return p->bind_count;
	}
	for (size_t i = 0; i < world->server_count; i++) {
		deadmx_loopback_address(world->servers[i].address, text[i]);
		ret[i] = text[i];
	}
	return world->server_count;
}

static void note_ipv6(const struct serve_place *p,
		      const struct deadmx_world *world)
{
	for (size_t i = 0; i < world->server_count; i++)
		if (world->servers[i].address6)
			fprintf(stderr,
				"%s: %s: no IPv6, since loopback has "
				"one address for all; --own-network has it\n",
				p->who, world->servers[i].name);
}

static int place_smtp(struct serve_place *p, struct deadmx_scenario *s)
{
	char text[DEADMX_SCENARIO_SERVERS_MAX][DEADMX_LOOPBACK_TEXT_MAX];
	const char *addresses[DEADMX_SCENARIO_SERVERS_MAX];
	size_t count = smtp_addresses(p, &s->world, text, addresses);
	uint16_t port;
	int rc;

	if (p->own_network)
		return serve_net_up(stderr);
	rc = choose_port(p, "SMTP", "--port", p->port, SERVE_PORTS_SMTP,
			 SERVE_PORTS_SMTP_HIGH, addresses, count, &port);
	if (rc < 0)
		return rc;
	note_ipv6(p, &s->world);
	return deadmx_loopback_move(s, p->binds, p->bind_count, port);
}

static int place_dns(struct serve_place *p)
{
	p->dns_address = p->bind_count ? p->binds[0] : DEADMX_LOOPBACK_DNS;
	return choose_port(p, "DNS", "--dns-port", p->dns_port, SERVE_PORTS_DNS,
			   SERVE_PORTS_DNS_HIGH, &p->dns_address, 1,
			   &p->dns_taken);
}

static void warn_if_open(const struct serve_place *p)
{
	for (size_t i = 0; i < p->bind_count; i++)
		if (strncmp(p->binds[i], "127.", 4) != 0) {
			fprintf(stderr,
				"%s: %s may be reached by other "
				"machines: anybody there can send mail to "
				"this world\n",
				p->who, p->binds[i]);
			return;
		}
}

int serve_place(struct serve_place *p, struct deadmx_scenario *s)
{
	int rc = place_smtp(p, s);

	if (rc == 0)
		rc = place_dns(p);
	if (rc == 0)
		warn_if_open(p);
	return rc;
}

/* --- what the user is told ----------------------------------------------- */

static void print_rows(FILE *to, const struct deadmx_server *s)
{
	for (size_t i = 0; i < s->fault_count; i++) {
		if (i == ROWS_SHOWN_MAX) {
			fprintf(to, "        and %zu more\n",
				s->fault_count - i);
			return;
		}
		fputs("        ", to);
		control_row_print(to, &s->faults[i]);
		putc('\n', to);
	}
}

static void print_servers(FILE *to, const struct deadmx_world *world)
{
	for (size_t i = 0; i < world->server_count; i++) {
		const struct deadmx_server *s = &world->servers[i];

		fprintf(to, "%s %-15s port %-5u %s", i ? "     " : "SMTP ",
			s->address, s->port, s->name);
		if (s->address6)
			fprintf(to, ", %s", s->address6);
		for (size_t j = 0; j < s->mx_for_count; j++)
			fprintf(to, "%s%s", j ? ", " : ", MX of ",
				s->mx_for[j]);
		fprintf(to, "%s\n", s->implicit ? " (takes the bounces)" : "");
		print_rows(to, s);
	}
}

void serve_place_print(FILE *to, const struct serve_place *p,
		       const struct deadmx_world *world)
{
	fprintf(to, "DNS   %-15s port %u\n", p->dns_address, p->dns_taken);
	print_servers(to, world);
}
