/* SPDX-License-Identifier: MIT */
/*
 * What SPF says of a sender: see spf.h.
 *
 * libspf2 walks through the records; it asks for them, and for all else, by
 * the two hooks of a DNS server of its own kind. They count. When a limit is
 * met every further lookup fails at once, so that the walk soon ends, and the
 * limit's result takes the place of what came of it.
 */
#include "sim/spf.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/spf_record.h"

#define DOMAIN_MAX 253 /* RFC 1035 2.3.4, as text */
#define LABEL_MAX  63

struct spf_value {
	char *text; /* a NUL is behind it */
	size_t len;
};

struct check {
	const struct spf_query *query;
	const struct spf_dns *dns;
	unsigned records, terms, voids;
	int64_t waited_ns;
	/* The addresses of these are asked for next, as parts of one term. */
	struct spf_answer names;
	size_t next_name;
	bool is_over; /* a limit is met; this is what comes of it */
	enum deadmx_spf over;
	char why[SPF_EXPLANATION_MAX]; /* "": libspf2 knows best */
};

/* clang-format off */
const char *spf_word(enum deadmx_spf result)
{
	static const char *const words[] = {
#define XX(uc, word, doc) [DEADMX_SPF_##uc] = word,
		DEADMX_SPF_MAP(XX)
#undef XX
	};

	assert((unsigned)result < DEADMX_SPF_COUNT);
	return words[result];
}
/* clang-format on */

int spf_parse(const char *word, enum deadmx_spf *ret)
{
	for (int i = 0; i < DEADMX_SPF_COUNT; i++) {
		if (strcmp(word, spf_word((enum deadmx_spf)i)) != 0)
			continue;
		*ret = (enum deadmx_spf)i;
		return 0;
	}
	return -EINVAL;
}

/* --- answers ------------------------------------------------------------- */

void spf_answer_add(struct spf_answer *answer, const char *value, size_t len)
{
	struct spf_value *values =
		realloc(answer->values, (answer->count + 1) * sizeof(*values));

	assert(values);
	answer->values = values;
	values += answer->count++;
	values->text = malloc(len + 1);
	assert(values->text);
	memcpy(values->text, value, len);
	values->text[len] = '\0';
	values->len = len;
}

static void answer_release(struct spf_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++)
		free(answer->values[i].text);
	free(answer->values);
	*answer = (struct spf_answer){0};
}

/* --- limits -------------------------------------------------------------- */

static void check_over(struct check *c, enum deadmx_spf result,
		       const char *what)
{
	if (c->is_over)
		return;
	c->is_over = true;
	c->over = result;
	snprintf(c->why, sizeof(c->why), "%s (RFC 7208 4.6.4)", what);
}

static void check_term(struct check *c)
{
	if (++c->terms > SPF_TERMS_MAX)
		check_over(c, DEADMX_SPF_PERMERROR,
			   "more than 10 terms that ask the DNS");
}

static void check_void(struct check *c)
{
	if (++c->voids > SPF_VOIDS_MAX)
		check_over(c, DEADMX_SPF_PERMERROR,
			   "more than 2 lookups that find nothing");
}

/* RFC 7208 7.3: a name that is too long loses labels on its left. */
static const char *check_name(const char *name)
{
	while (strlen(name) > DOMAIN_MAX) {
		const char *dot = strchr(name, '.');

		if (!dot)
			break;
		name = dot + 1;
	}
	return name;
}

/* Ask, within the limits. False when there is nothing usable. */
static bool check_ask(struct check *c, const char *name, uint16_t type,
		      struct spf_answer *ret)
{
	*ret = (struct spf_answer){0};
	if (c->is_over)
		return false;
	c->dns->lookup(c->dns->arg, check_name(name), type, ret);
	c->waited_ns += ret->delay_ns;
	if (c->waited_ns > SPF_WAIT_MAX_S * DEADMX_NS_PER_S) {
		check_over(c, DEADMX_SPF_TEMPERROR,
			   "more than 20 s of waiting for the DNS");
		return false;
	}
	if (ret->status != SPF_DNS_FAILED)
		return true;
	snprintf(c->why, sizeof(c->why), "the DNS has no answer about %s",
		 name);
	return false;
}

/* --- libspf2's questions -------------------------------------------------- */

static void rr_add(SPF_dns_rr_t *rr, const struct spf_value *value)
{
	SPF_errcode_t code =
		SPF_dns_rr_buf_realloc(rr, rr->num_rr, value->len + 1);
	SPF_dns_rr_data_t *data;

	assert(code == SPF_E_SUCCESS);
	data = rr->rr[rr->num_rr];
	if (rr->rr_type == ns_t_a) {
		if (inet_pton(AF_INET, value->text, &data->a) != 1)
			return;
	} else if (rr->rr_type == ns_t_aaaa) {
		if (inet_pton(AF_INET6, value->text, &data->aaaa) != 1)
			return;
	} else {
		memcpy((char *)data, value->text, value->len + 1);
	}
	rr->num_rr++;
}

/* Is @name the next of those that an MX or PTR lookup has led to? */
static bool is_next_name(struct check *c, const char *name, ns_type type)
{
	if ((type == ns_t_a || type == ns_t_aaaa) &&
	    c->next_name < c->names.count &&
	    strcmp(c->names.values[c->next_name].text, name) == 0) {
		c->next_name++;
		return true;
	}
	answer_release(&c->names);
	c->next_name = 0;
	return false;
}

static SPF_dns_rr_t *on_lookup(SPF_dns_server_t *server, const char *name,
			       ns_type type, int should_cache)
{
	struct check *c = server->hook;
	SPF_dns_rr_t *rr =
		SPF_dns_rr_new_init(server, name, type, 0, TRY_AGAIN);
	struct spf_answer answer = {0};
	size_t count;

	assert(rr);
	if (!is_next_name(c, name, type))
		check_term(c);
	if (check_ask(c, name, (uint16_t)type, &answer)) {
		count = answer.count;
		/* 4.6.4: of more PTR records the first ten are used; more MX
		 * records are an error, which libspf2 knows. */
		if (type == ns_t_ptr && count > SPF_NAMES_MAX)
			count = SPF_NAMES_MAX;
		for (size_t i = 0; i < count; i++)
			rr_add(rr, &answer.values[i]);
		rr->herrno = rr->num_rr ? NETDB_SUCCESS : NO_DATA;
		if (answer.status == SPF_DNS_NXDOMAIN)
			rr->herrno = HOST_NOT_FOUND;
		if (!rr->num_rr)
			check_void(c);
	}
	if (type == ns_t_mx || type == ns_t_ptr)
		c->names = answer;
	else
		answer_release(&answer);
	return rr;
}

static SPF_errcode_t record_none(struct check *c, SPF_response_t *response,
				 const char *domain, const char *what)
{
	response->result = SPF_RESULT_NONE;
	response->reason = SPF_REASON_FAILURE;
	response->err = SPF_E_NOT_SPF;
	snprintf(c->why, sizeof(c->why), "%s%s", domain, what);
	return SPF_E_NOT_SPF;
}

static SPF_errcode_t record_error(SPF_response_t *response, SPF_result_t result,
				  SPF_errcode_t code)
{
	response->result = result;
	response->reason = SPF_REASON_FAILURE;
	response->err = code;
	return code;
}

/* The one record among the TXT records of the current domain. */
static SPF_errcode_t on_record_found(struct check *c, SPF_request_t *request,
				     SPF_response_t *response,
				     const struct spf_answer *answer,
				     SPF_record_t **ret)
{
	const struct spf_value *found = NULL;
	SPF_errcode_t code;

	for (size_t i = 0; i < answer->count; i++) {
		const struct spf_value *v = &answer->values[i];

		if (!spf_record_is_one(v->text, v->len))
			continue;
		if (found) {
			snprintf(c->why, sizeof(c->why),
				 "%s has more than one SPF record",
				 request->cur_dom);
			return record_error(response, SPF_RESULT_PERMERROR,
					    SPF_E_MULTIPLE_RECORDS);
		}
		found = v;
	}
	if (!found)
		return record_none(c, response, request->cur_dom,
				   " has no SPF record");
	code = spf_record_compile(request, found->text, found->len, ret, c->why,
				  sizeof(c->why));
	if (code == SPF_E_SUCCESS)
		return code;
	return record_error(response, SPF_RESULT_PERMERROR, code);
}

/* For the sender's domain, and for each include and redirect. */
static SPF_errcode_t on_record(SPF_server_t *server, SPF_request_t *request,
			       SPF_response_t *response, SPF_record_t **ret)
{
	struct check *c = server->resolver->hook;
	struct spf_answer answer;
	SPF_errcode_t code;

	*ret = NULL;
	if (c->records++)
		check_term(c);
	if (!check_ask(c, request->cur_dom, ns_t_txt, &answer))
		code = record_error(response, SPF_RESULT_TEMPERROR,
				    SPF_E_DNS_ERROR);
	else if (answer.status == SPF_DNS_NXDOMAIN)
		code = record_none(c, response, request->cur_dom,
				   " does not exist");
	else
		code = on_record_found(c, request, response, &answer, ret);
	answer_release(&answer);
	return code;
}

/* --- the check ----------------------------------------------------------- */

/* RFC 7208 4.3: what is no domain name of two labels and more has no SPF. */
static bool is_domain(const char *domain)
{
	size_t len = strlen(domain), labels = 0, n;

	if (len && domain[len - 1] == '.')
		len--;
	if (!len || len > DOMAIN_MAX)
		return false;
	for (size_t i = 0; i < len; i += n + 1, labels++) {
		n = strcspn(domain + i, ".");
		n = n < len - i ? n : len - i;
		if (!n || n > LABEL_MAX)
			return false;
	}
	return labels > 1;
}

static enum deadmx_spf result_of(SPF_result_t result)
{
	switch (result) {
	case SPF_RESULT_NEUTRAL:
		return DEADMX_SPF_NEUTRAL;
	case SPF_RESULT_PASS:
		return DEADMX_SPF_PASS;
	case SPF_RESULT_FAIL:
		return DEADMX_SPF_FAIL;
	case SPF_RESULT_SOFTFAIL:
		return DEADMX_SPF_SOFTFAIL;
	case SPF_RESULT_NONE:
		return DEADMX_SPF_NONE;
	case SPF_RESULT_TEMPERROR:
		return DEADMX_SPF_TEMPERROR;
	case SPF_RESULT_PERMERROR:
	case SPF_RESULT_INVALID:
		break;
	}
	return DEADMX_SPF_PERMERROR;
}

static bool set_client(SPF_request_t *request, const char *ip)
{
	static const char mapped[] = "::ffff:"; /* IPv4 in an IPv6 socket */

	if (strncasecmp(ip, mapped, sizeof(mapped) - 1) == 0 && strchr(ip, '.'))
		ip += sizeof(mapped) - 1;
	return SPF_request_set_ipv4_str(request, ip) == SPF_E_SUCCESS ||
	       SPF_request_set_ipv6_str(request, ip) == SPF_E_SUCCESS;
}

static void set_sender(SPF_request_t *request, const struct spf_query *query)
{
	const char *helo =
		query->helo && *query->helo ? query->helo : "unknown";
	SPF_errcode_t code = SPF_request_set_helo_dom(request, helo);

	assert(code == SPF_E_SUCCESS);
	code = (SPF_errcode_t)SPF_request_set_env_from(request, query->sender);
	assert(code == SPF_E_SUCCESS);
	request->cur_dom = request->env_from_dp;
}

/*
 * Not by SPF_request_query_mailfrom(): it passes every client at 127.0.0.0/8
 * unseen, and there a world stands that is tried out by hand.
 */
static enum deadmx_spf check_run(struct check *c, SPF_request_t *request,
				 SPF_response_t *response)
{
	const char *comment;
	SPF_record_t *record = NULL;
	SPF_errcode_t code;

	code = on_record(request->spf_server, request, response, &record);
	if (code == SPF_E_SUCCESS) {
		response->spf_record_exp = record;
		SPF_record_interpret(record, request, response, 0);
		SPF_record_free(record);
	}
	if (c->is_over)
		return c->over;
	comment = SPF_response_get_header_comment(response);
	if (code == SPF_E_SUCCESS && comment &&
	    SPF_response_result(response) != SPF_RESULT_TEMPERROR &&
	    (!c->why[0] ||
	     SPF_response_result(response) != SPF_RESULT_PERMERROR))
		snprintf(c->why, sizeof(c->why), "%s", comment);
	return result_of(SPF_response_result(response));
}

static SPF_server_t *server_new(SPF_dns_server_t *resolver,
				const char *receiver)
{
	SPF_server_t *server;
	SPF_response_t *response = NULL;
	SPF_errcode_t code;

	/* They print on standard error. */
	SPF_warning_handler = NULL;
	SPF_info_handler = NULL;
	SPF_debug_handler = NULL;
	server = SPF_server_new_dns(resolver, 0);
	assert(server);
	code = SPF_server_set_rec_dom(server, receiver);
	assert(code == SPF_E_SUCCESS);
	/* Its own has macros of the sender's in it, which come from outside. */
	code = SPF_server_set_explanation(server, "denied", &response);
	assert(code == SPF_E_SUCCESS);
	SPF_response_free(response);
	return server;
}

enum deadmx_spf spf_check(const struct spf_query *query,
			  const struct spf_dns *dns, char *explanation,
			  size_t size)
{
	struct check c = {.query = query, .dns = dns};
	SPF_dns_server_t resolver = {
		.lookup = on_lookup,
		.get_spf = on_record,
		.name = "world",
		.hook = &c,
	};
	SPF_server_t *server = server_new(&resolver, query->receiver);
	SPF_request_t *request = SPF_request_new(server);
	SPF_response_t *response = SPF_response_new(request);
	enum deadmx_spf result = DEADMX_SPF_NONE;

	assert(request && response);
	set_sender(request, query);
	if (!set_client(request, query->ip))
		snprintf(c.why, sizeof(c.why), "\"%s\" is no address",
			 query->ip);
	else if (!is_domain(request->cur_dom))
		snprintf(c.why, sizeof(c.why), "\"%s\" is no domain",
			 request->cur_dom);
	else
		result = check_run(&c, request, response);
	snprintf(explanation, size, "%s", c.why);
	answer_release(&c.names);
	SPF_response_free(response);
	SPF_request_free(request);
	SPF_server_free(server);
	return result;
}
