/* SPDX-License-Identifier: MIT */
#include "harness/probe/probe_dns.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)

enum { DNS_PORT = 53, DNS_UDP_MAX = 4096, DNS_TCP_MAX = 65535 };

/* "host", "host:port", "[v6]", "[v6]:port" or a bare IPv6 address. */
static int server_split(const char *server, char *host, size_t host_len,
			const char **ret_port)
{
	const char *end, *colon = strrchr(server, ':');

	*ret_port = "53";
	if (*server == '[') {
		end = strchr(++server, ']');
		if (!end || (end[1] && end[1] != ':'))
			return -EINVAL;
		if (end[1])
			*ret_port = end + 2;
	} else if (colon && strchr(server, ':') == colon) {
		end = colon;
		*ret_port = colon + 1;
	} else {
		end = server + strlen(server);
	}
	if (end == server || (size_t)(end - server) >= host_len)
		return -EINVAL;
	memcpy(host, server, (size_t)(end - server));
	host[end - server] = '\0';
	return 0;
}

static int server_parse(struct probe_dns *dns, const char *server, FILE *errors)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM,
				 .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	const char *port;
	char host[256];
	int rc;

	if (server_split(server, host, sizeof(host), &port) < 0) {
		fprintf(errors, "--dns: expected HOST or HOST:PORT, got '%s'\n",
			server);
		return -EINVAL;
	}
	rc = getaddrinfo(host, port, &hints, &found);
	if (rc) {
		fprintf(errors, "--dns: %s: %s\n", server, gai_strerror(rc));
		return -EINVAL;
	}
	memcpy(&dns->servers[0], found->ai_addr, found->ai_addrlen);
	dns->server_count = 1;
	freeaddrinfo(found);
	return 0;
}

static void servers_of_system(struct probe_dns *dns)
{
	ldns_resolver *resolver = NULL;
	struct sockaddr_in *local = (struct sockaddr_in *)&dns->servers[0];

	if (ldns_resolver_new_frm_file(&resolver, NULL) == LDNS_STATUS_OK) {
		ldns_rdf **servers = ldns_resolver_nameservers(resolver);
		size_t n = ldns_resolver_nameserver_count(resolver);

		for (size_t i = 0; i < n && i < PROBE_DNS_SERVERS_MAX; i++) {
			size_t len;
			struct sockaddr_storage *addr =
				ldns_rdf2native_sockaddr_storage(
					servers[i], DNS_PORT, &len);

			if (!addr)
				continue;
			dns->servers[dns->server_count++] = *addr;
			LDNS_FREE(addr);
		}
		ldns_resolver_deep_free(resolver);
	}
	if (dns->server_count)
		return;
	/* resolv.conf(5): then it is the one on this machine. */
	local->sin_family = AF_INET;
	local->sin_port = htons(DNS_PORT);
	local->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	dns->server_count = 1;
}

int probe_dns_init(struct probe_dns *dns, const struct probe_net *net,
		   struct deadmx_arena *arena, const char *server, FILE *errors)
{
	memset(dns, 0, sizeof(*dns));
	dns->net = net;
	dns->arena = arena;
	if (server)
		return server_parse(dns, server, errors);
	servers_of_system(dns);
	return 0;
}

/* One question on its way. */
struct dns_question {
	ldns_pkt *pkt;
	uint8_t *wire;
	size_t wire_len;
	int64_t deadline_ns; /* of this try */
	/* One a server, -1: not yet. They stay open from round to round: an
	 * answer to the first try may come in while the second one waits. */
	int fds[PROBE_DNS_SERVERS_MAX];
};

/* An answer to this very question, or NULL. */
static ldns_pkt *question_match(const struct dns_question *q,
				const uint8_t *wire, size_t len)
{
	ldns_pkt *pkt = NULL;
	const ldns_rr *asked = ldns_rr_list_rr(ldns_pkt_question(q->pkt), 0);
	const ldns_rr *about;

	if (ldns_wire2pkt(&pkt, wire, len) != LDNS_STATUS_OK)
		return NULL;
	about = ldns_rr_list_rr(ldns_pkt_question(pkt), 0);
	if (ldns_pkt_qr(pkt) && ldns_pkt_id(pkt) == ldns_pkt_id(q->pkt) &&
	    about && ldns_rr_get_type(about) == ldns_rr_get_type(asked) &&
	    ldns_dname_compare(ldns_rr_owner(about), ldns_rr_owner(asked)) == 0)
		return pkt;
	ldns_pkt_free(pkt);
	return NULL;
}

/* 0 with the answer; what isn't one is passed over until the time is up. */
static int question_udp(const struct probe_dns *dns, struct dns_question *q,
			size_t server, ldns_pkt **ret)
{
	int *fd = &q->fds[server], rc = 0;
	uint8_t wire[DNS_UDP_MAX];

	if (*fd < 0)
		rc = probe_net_connect(dns->net, SOCK_DGRAM,
				       &dns->servers[server], q->deadline_ns,
				       fd);
	if (rc == 0)
		rc = probe_net_write(dns->net, *fd, q->wire, q->wire_len,
				     q->deadline_ns);
	while (rc == 0) {
		ssize_t n = probe_net_read(dns->net, *fd, wire, sizeof(wire),
					   q->deadline_ns);

		if (n < 0)
			rc = (int)n;
		else if ((*ret = question_match(q, wire, (size_t)n)))
			break;
	}
	return rc;
}

static int read_exactly(const struct probe_dns *dns, int fd, uint8_t *buf,
			size_t len, int64_t deadline_ns)
{
	while (len) {
		ssize_t n = probe_net_read(dns->net, fd, buf, len, deadline_ns);

		if (n <= 0)
			return n < 0 ? (int)n : -ECONNRESET;
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

static int tcp_exchange(const struct probe_dns *dns, struct dns_question *q,
			int fd, ldns_pkt **ret)
{
	uint8_t head[2] = {(uint8_t)(q->wire_len >> 8), (uint8_t)q->wire_len};
	uint8_t *wire;
	size_t len;
	int rc;

	rc = probe_net_write(dns->net, fd, head, 2, q->deadline_ns);
	if (rc == 0)
		rc = probe_net_write(dns->net, fd, q->wire, q->wire_len,
				     q->deadline_ns);
	if (rc == 0)
		rc = read_exactly(dns, fd, head, 2, q->deadline_ns);
	if (rc < 0)
		return rc;
	len = (size_t)head[0] << 8 | head[1];
	wire = malloc(DNS_TCP_MAX);
	assert(wire);
	rc = read_exactly(dns, fd, wire, len, q->deadline_ns);
	if (rc == 0 && !(*ret = question_match(q, wire, len)))
		rc = -EBADMSG;
	free(wire);
	return rc;
}

static int question_tcp(const struct probe_dns *dns, struct dns_question *q,
			size_t server, ldns_pkt **ret)
{
	int fd, rc = probe_net_connect(dns->net, SOCK_STREAM,
				       &dns->servers[server], q->deadline_ns,
				       &fd);

	if (rc < 0)
		return rc;
	rc = tcp_exchange(dns, q, fd, ret);
	close(fd);
	return rc;
}

static int question_try(const struct probe_dns *dns, struct dns_question *q,
			size_t server, ldns_pkt **ret)
{
	int64_t now = probe_net_now_ns();
	int64_t step_end = probe_net_deadline(dns->net);
	int64_t try_ns = dns->net->timeout_ns / 3;
	int rc;

	/* A short --timeout still has more than one try in it. */
	if (try_ns > PROBE_DNS_TRY_S * NS_PER_S)
		try_ns = PROBE_DNS_TRY_S * NS_PER_S;
	q->deadline_ns = now + try_ns;
	if (q->deadline_ns > step_end)
		q->deadline_ns = step_end;
	rc = question_udp(dns, q, server, ret);
	if (rc == 0 && ldns_pkt_tc(*ret)) {
		ldns_pkt_free(*ret);
		*ret = NULL;
		rc = question_tcp(dns, q, server, ret);
	}
	return rc;
}

static const char *error_text(int rc)
{
	if (rc == -ETIMEDOUT)
		return "no answer in time";
	if (rc == -EBADMSG)
		return "an answer that can't be read";
	return strerror(-rc);
}

/* What @server made of the question, for people. */
static void tell_why(const struct probe_dns *dns, size_t server, int rc,
		     const ldns_pkt *pkt, struct probe_dns_answer *ret)
{
	char ip[INET6_ADDRSTRLEN];
	char *rcode = pkt ? ldns_pkt_rcode2str(ldns_pkt_get_rcode(pkt)) : NULL;
	const char *what = rcode ? rcode : error_text(rc);

	if (pkt && ldns_pkt_get_rcode(pkt) == LDNS_RCODE_NOERROR)
		what = "no answer to the question";
	probe_net_addr_text(&dns->servers[server], ip, sizeof(ip));
	ret->why = deadmx_arena_printf(dns->arena, "%s from %s", what, ip);
	free(rcode);
}

/*
 * NOERROR without any answer, by a server that neither has the zone nor asks
 * others: it points elsewhere ("lame"), which says nothing of the name. The
 * same goes for records that all belong to other names.
 */
static bool is_evasive(const ldns_pkt *pkt)
{
	const ldns_rr_list *answer = ldns_pkt_answer(pkt);
	const ldns_rdf *name =
		ldns_rr_owner(ldns_rr_list_rr(ldns_pkt_question(pkt), 0));
	size_t n = ldns_rr_list_rr_count(answer);

	if (n == 0)
		return !ldns_pkt_aa(pkt) && !ldns_pkt_ra(pkt);
	for (size_t i = 0; i < n; i++)
		if (ldns_dname_compare(
			    ldns_rr_owner(ldns_rr_list_rr(answer, i)), name) ==
		    0)
			return false;
	return true;
}

static bool is_usable(const ldns_pkt *pkt)
{
	return ldns_pkt_get_rcode(pkt) == LDNS_RCODE_NXDOMAIN ||
	       (ldns_pkt_get_rcode(pkt) == LDNS_RCODE_NOERROR &&
		!is_evasive(pkt));
}

/* A usable answer, or NULL and @ret is filled in. */
static ldns_pkt *question_ask(const struct probe_dns *dns,
			      struct dns_question *q,
			      struct probe_dns_answer *ret)
{
	int64_t end = probe_net_deadline(dns->net);

	for (size_t i = 0; i < PROBE_DNS_ROUNDS * dns->server_count; i++) {
		size_t server = i % dns->server_count;
		ldns_pkt *pkt = NULL;
		int rc;

		if (i && probe_net_now_ns() >= end)
			break;
		rc = question_try(dns, q, server, &pkt);
		if (rc == -EINTR) {
			ret->rc = PROBE_DNS_INTERRUPTED;
			return NULL;
		}
		if (pkt && is_usable(pkt))
			return pkt;
		tell_why(dns, server, rc, pkt, ret);
		ldns_pkt_free(pkt);
	}
	ret->rc = PROBE_DNS_FAILED;
	return NULL;
}

static const char *name_text(const struct probe_dns *dns, const ldns_rdf *name)
{
	char *text = ldns_rdf2str(name);
	size_t len;
	char *copy;

	assert(text);
	len = strlen(text);
	if (len && text[len - 1] == '.')
		len--;
	copy = deadmx_arena_copy(dns->arena, text, len);
	free(text);
	return copy;
}

static void take_address(const ldns_rdf *rdf, struct sockaddr_storage *ret)
{
	if (ldns_rdf_get_type(rdf) == LDNS_RDF_TYPE_A) {
		ret->ss_family = AF_INET;
		memcpy(&((struct sockaddr_in *)ret)->sin_addr,
		       ldns_rdf_data(rdf), 4);
	} else {
		ret->ss_family = AF_INET6;
		memcpy(&((struct sockaddr_in6 *)ret)->sin6_addr,
		       ldns_rdf_data(rdf), 16);
	}
}

static void take_record(const struct probe_dns *dns, const ldns_rr *rr,
			struct probe_dns_answer *ret)
{
	struct probe_dns_record *record;

	if (ret->count == PROBE_DNS_RECORDS_MAX) {
		ret->is_cut = true;
		return;
	}
	record = &ret->records[ret->count++];
	memset(record, 0, sizeof(*record));
	if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_MX) {
		record->preference = ldns_rdf2native_int16(ldns_rr_rdf(rr, 0));
		record->name = name_text(dns, ldns_rr_rdf(rr, 1));
	} else {
		take_address(ldns_rr_rdf(rr, 0), &record->address);
	}
}

/* Where the CNAME of @name in @pkt leads, or NULL. */
static const ldns_rdf *find_alias(const ldns_pkt *pkt, const ldns_rdf *name)
{
	const ldns_rr_list *answer = ldns_pkt_answer(pkt);

	for (size_t i = 0; i < ldns_rr_list_rr_count(answer); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(answer, i);

		if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME &&
		    ldns_rr_rd_count(rr) == 1 &&
		    ldns_dname_compare(ldns_rr_owner(rr), name) == 0)
			return ldns_rr_rdf(rr, 0);
	}
	return NULL;
}

static void take_records(const struct probe_dns *dns, const ldns_pkt *pkt,
			 const ldns_rdf *name, ldns_rr_type type,
			 struct probe_dns_answer *ret)
{
	const ldns_rr_list *answer = ldns_pkt_answer(pkt);

	for (size_t i = 0; i < ldns_rr_list_rr_count(answer); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(answer, i);

		if (ldns_rr_get_type(rr) == type &&
		    ldns_rr_rd_count(rr) == (type == LDNS_RR_TYPE_MX ? 2 : 1) &&
		    ldns_dname_compare(ldns_rr_owner(rr), name) == 0)
			take_record(dns, rr, ret);
	}
}

/*
 * Read @pkt as the answer for *@name. True: it is settled; false: a CNAME led
 * out of the packet, *@name is where to ask on.
 */
static bool answer_read(const struct probe_dns *dns, const ldns_pkt *pkt,
			ldns_rdf **name, ldns_rr_type type, int *aliases,
			struct probe_dns_answer *ret)
{
	bool moved = false;

	for (;;) {
		const ldns_rdf *alias;
		ldns_rdf *next;

		take_records(dns, pkt, *name, type, ret);
		alias = ret->count ? NULL : find_alias(pkt, *name);
		if (!alias)
			break;
		if (++*aliases > PROBE_DNS_ALIASES_MAX) {
			ret->rc = PROBE_DNS_NO_DATA;
			ret->why = "a CNAME that leads to a CNAME, and so on";
			return true;
		}
		ret->alias = name_text(dns, alias);
		next = ldns_rdf_clone(alias);
		assert(next);
		ldns_rdf_deep_free(*name);
		*name = next;
		moved = true;
	}
	if (ret->count)
		ret->rc = PROBE_DNS_OK;
	else if (ldns_pkt_get_rcode(pkt) == LDNS_RCODE_NXDOMAIN)
		ret->rc = PROBE_DNS_NO_NAME;
	else if (moved)
		return false;
	else
		ret->rc = PROBE_DNS_NO_DATA;
	return true;
}

/* The question for *@name on the wire; false when it can't be built. */
static bool question_init(struct dns_question *q, const ldns_rdf *name,
			  ldns_rr_type type)
{
	memset(q, 0, sizeof(*q));
	memset(q->fds, -1, sizeof(q->fds));
	q->pkt = ldns_pkt_query_new(ldns_rdf_clone(name), type,
				    LDNS_RR_CLASS_IN, LDNS_RD);
	if (!q->pkt)
		return false;
	ldns_pkt_set_random_id(q->pkt);
	return ldns_pkt2wire(&q->wire, q->pkt, &q->wire_len) == LDNS_STATUS_OK;
}

static void question_release(struct dns_question *q)
{
	for (size_t i = 0; i < PROBE_DNS_SERVERS_MAX; i++)
		if (q->fds[i] >= 0)
			close(q->fds[i]);
	ldns_pkt_free(q->pkt);
	LDNS_FREE(q->wire);
}

void probe_dns_ask(const struct probe_dns *dns, const char *name,
		   ldns_rr_type type, struct probe_dns_answer *ret)
{
	ldns_rdf *at = ldns_dname_new_frm_str(name);
	bool settled = false;
	int aliases = 0;

	memset(ret, 0, sizeof(*ret));
	if (!at) {
		ret->rc = PROBE_DNS_NO_NAME;
		return;
	}
	while (!settled) {
		struct dns_question q;
		ldns_pkt *pkt = NULL;
		bool built = question_init(&q, at, type);

		assert(built);
		pkt = question_ask(dns, &q, ret);
		settled =
			!pkt || answer_read(dns, pkt, &at, type, &aliases, ret);
		ldns_pkt_free(pkt);
		question_release(&q);
	}
	ldns_rdf_deep_free(at);
}
