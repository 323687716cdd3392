/* SPDX-License-Identifier: MIT */
/*
 * A frontend's way to its backend: see relay.h.
 *
 * The client may ask for the same things at other times than the backend is
 * told them: a question is answered by doing one step after the other until
 * the backend is where the client is. After a failover these steps are done
 * anew; that is why nothing here depends on how far the last backend got.
 */
#include "sim/relay.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/smtp_client.h"

/* One connection; the relay may have left it already. */
struct link {
	struct relay *relay;
	struct link *prev, *next; /* of relay.links */
	struct smtp_client *client;
	struct sockaddr_storage from; /* its own end */
	bool has_from;
};

struct relay {
	struct relay_options options;
	const struct relay_ops *ops;
	void *arg;
	struct relay *prev, *next; /* of options.links */
	struct link *links;	   /* all that are open */
	bool closing;
	void (*close_cb)(void *arg);
	void *close_arg;

	/* The mail's backends, and the one that is tried. */
	const struct deadmx_relay_row *row; /* NULL: none chosen yet */
	size_t next_backend;
	struct relay_try try;
	char endpoint[128]; /* of it, for people */
	char name[256];	    /* relay_backend() */

	struct link *link; /* NULL: no connection */
	bool is_ready;	   /* greeted, and no command is under way */
	bool sent_mail, sent_data;
	size_t sent_to; /* recipients that it has accepted */

	struct relay_question question;
	bool is_asked;
	char *answer; /* the last one; what is left to say of this mail when
		       * has_failed */
	bool has_failed;
};

/* --- words --------------------------------------------------------------- */

/* clang-format off */
static const struct {
	const char *word, *old, *new, *plain;
} errors[] = {
#define XX(uc, word, old, new, plain)                                          \
	[RELAY_ERROR_##uc] = {word, old, new, plain},
	RELAY_ERROR_MAP(XX)
#undef XX
};
/* clang-format on */

const char *relay_error_word(enum relay_error error)
{
	assert((unsigned)error < RELAY_ERROR_COUNT);
	return errors[error].word;
}

#define EXCHANGE                                                               \
	"451 4.4.0 Primary target IP address responded with: \"{error}.\" "    \
	"Attempted failover to alternate host, but that did not succeed. "     \
	"Either there are no alternate hosts, or delivery failed to all "      \
	"alternate hosts. The last endpoint attempted was {endpoint}"

static const char *wrap_text(const struct deadmx_relay *config,
			     enum relay_error error)
{
	switch (config->wrap) {
	case DEADMX_WRAP_EXCHANGE:
		return EXCHANGE;
	case DEADMX_WRAP_EXCHANGE_PROXY:
		return "450 4.7.0 Proxy session setup failed on Frontend with "
		       "'" EXCHANGE "'";
	case DEADMX_WRAP_EXCHANGE2016:
		if (error == RELAY_ERROR_REPLY)
			return "451 4.4.395 Target host responded with error. "
			       "-> {error}";
		return "451 4.4.397 Error communicating with target host. -> "
		       "{error}";
	case DEADMX_WRAP_PLAIN:
		return "451 4.4.1 {endpoint}: {error}";
	case DEADMX_WRAP_OWN:
		return config->reply;
	case DEADMX_WRAP_COUNT:
		break;
	}
	assert(!"no such wrap");
	return "";
}

/* A reply as it is quoted: in one line, the code said once. */
static void quote_reply(const char *reply, char *out, size_t size)
{
	size_t used = 0;

	for (const char *line = reply; *line && used < size - 1;) {
		size_t len = strcspn(line, "\n");
		size_t skip = line == reply || len < 4 ? 0 : 4;
		int n = snprintf(out + used, size - used, "%s%.*s",
				 used ? " " : "", (int)(len - skip),
				 line + skip);

		used = used + (size_t)n < size ? used + (size_t)n : size - 1;
		line += len + (line[len] == '\n');
	}
	while (used && (out[used - 1] == '.' || out[used - 1] == ' '))
		used--;
	out[used] = '\0';
}

static const char *error_text(const struct relay *r, char *quoted, size_t size)
{
	const struct deadmx_relay *config = r->options.frontend->relay;

	switch (config->wrap) {
	case DEADMX_WRAP_EXCHANGE:
	case DEADMX_WRAP_EXCHANGE_PROXY:
		snprintf(quoted, size, "%s", errors[r->try.error].old);
		break;
	case DEADMX_WRAP_EXCHANGE2016:
		snprintf(quoted, size, "%s", errors[r->try.error].new);
		break;
	case DEADMX_WRAP_PLAIN:
	case DEADMX_WRAP_OWN:
	case DEADMX_WRAP_COUNT:
		snprintf(quoted, size, "%s", errors[r->try.error].plain);
		break;
	}
	if (r->try.error == RELAY_ERROR_REPLY)
		quote_reply(r->try.reply, quoted, size);
	return quoted;
}

/* The reply for a mail that no backend could be had for; malloc'd. */
static char *failure_text(const struct relay *r)
{
	static const char error[] = "{error}", endpoint[] = "{endpoint}";
	const char *p = wrap_text(r->options.frontend->relay, r->try.error);
	char quoted[RELAY_ERROR_MAX + 1], *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert(out);
	error_text(r, quoted, sizeof(quoted));
	while (*p) {
		if (strncmp(p, error, strlen(error)) == 0) {
			fputs(quoted, out);
			p += strlen(error);
		} else if (strncmp(p, endpoint, strlen(endpoint)) == 0) {
			fputs(r->endpoint, out);
			p += strlen(endpoint);
		} else {
			fputc(*p++, out);
		}
	}
	fclose(out);
	return text;
}

/* --- which backend ------------------------------------------------------- */

void relay_route_init(struct relay_route *route,
		      const struct deadmx_relay *config)
{
	route->config = config;
	route->counts = calloc(config->row_count + 1, sizeof(*route->counts));
	assert(route->counts);
}

void relay_route_release(struct relay_route *route)
{
	free(route->counts);
	*route = (struct relay_route){0};
}

void relay_route_clear(struct relay_route *route)
{
	memset(route->counts, 0,
	       route->config->row_count * sizeof(*route->counts));
}

/* The first row that holds; the last one always does. */
static const struct deadmx_relay_row *route_pick(struct relay_route *route,
						 int64_t now_ns)
{
	const struct deadmx_relay *config = route->config;
	size_t i = 0;

	while (i + 1 < config->row_count &&
	       !window_holds(&config->rows[i].window, &route->counts[i],
			     now_ns))
		i++;
	window_take(&config->rows[i].window, &route->counts[i], now_ns);
	return &config->rows[i];
}

static const struct deadmx_server *server_of(const struct deadmx_world *world,
					     const struct deadmx_backend *b)
{
	for (size_t i = 0; b->name && i < world->server_count; i++)
		if (strcasecmp(world->servers[i].name, b->name) == 0)
			return &world->servers[i];
	assert(!b->name); /* the parser has looked it up */
	return NULL;
}

static void try_set(struct relay *r, const struct deadmx_backend *b)
{
	const struct deadmx_server *s = server_of(r->options.world, b);
	const char *address = s ? s->address : b->address;
	bool is_ipv6 = strchr(address, ':') != NULL;

	r->try = (struct relay_try){
		.backend = s,
		.address = address,
		.port = s ? s->port : b->port,
	};
	snprintf(r->endpoint, sizeof(r->endpoint),
		 is_ipv6 ? "[%s]:%u" : "%s:%u", address, r->try.port);
	snprintf(r->name, sizeof(r->name), "%s", s ? s->name : r->endpoint);
}

const char *relay_backend(const struct relay *r)
{
	return r->name;
}

/* --- links --------------------------------------------------------------- */

static bool same_end(const struct sockaddr_storage *a, const struct sockaddr *b)
{
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;

	if (a->ss_family != b->sa_family)
		return false;
	if (a->ss_family == AF_INET6)
		return a6->sin6_port == b6->sin6_port &&
		       memcmp(&a6->sin6_addr, &b6->sin6_addr,
			      sizeof(a6->sin6_addr)) == 0;
	return a4->sin_port == b4->sin_port &&
	       a4->sin_addr.s_addr == b4->sin_addr.s_addr;
}

const struct deadmx_server *relay_frontend_at(const struct relay_links *links,
					      const struct sockaddr *peer)
{
	for (const struct relay *r = links->first; r; r = r->next)
		if (r->link && r->link->has_from &&
		    same_end(&r->link->from, peer))
			return r->options.frontend;
	return NULL;
}

static void relay_closed(struct relay *r)
{
	if (!r->closing || r->links)
		return;
	if (r->prev)
		r->prev->next = r->next;
	else
		r->options.links->first = r->next;
	if (r->next)
		r->next->prev = r->prev;
	r->close_cb(r->close_arg);
	free(r->answer);
	free(r);
}

static void link_on_closed(void *arg)
{
	struct link *link = arg;
	struct relay *r = link->relay;

	if (link->prev)
		link->prev->next = link->next;
	else
		r->links = link->next;
	if (link->next)
		link->next->prev = link->prev;
	free(link);
	relay_closed(r);
}

static void link_on_reply(void *arg, enum smtp_client_state state, int code,
			  const char *reply);
static void link_on_failed(void *arg, enum smtp_client_state state, int rc);

static const struct smtp_client_ops link_ops = {
	.on_reply = link_on_reply,
	.on_failed = link_on_failed,
	.on_closed = link_on_closed,
};

static int address_read(const char *address, uint16_t port,
			struct sockaddr_storage *ret)
{
	if (strchr(address, ':'))
		return uv_ip6_addr(address, port, (struct sockaddr_in6 *)ret);
	return uv_ip4_addr(address, port, (struct sockaddr_in *)ret);
}

/* Connect from the frontend's own address: the backend sees who it is. */
static void link_open(struct relay *r)
{
	const struct deadmx_server *frontend = r->options.frontend;
	struct sockaddr_storage address, from;
	struct smtp_client_options options = {
		.loop = r->options.loop,
		.address = (const struct sockaddr *)&address,
		.helo = frontend->name,
		.wait_ns = frontend->relay->timeout_ns,
	};
	struct link *link = calloc(1, sizeof(*link));
	int rc = address_read(r->try.address, r->try.port, &address);
	const char *own = address.ss_family == AF_INET6 ? frontend->address6
							: frontend->address;

	assert(link && rc == 0);
	link->relay = r;
	if (own && address_read(own, 0, &from) == 0)
		options.from = (const struct sockaddr *)&from;
	link->client = smtp_client_new(&options, &link_ops, link);
	link->has_from = smtp_client_from(link->client, &link->from) == 0;
	link->next = r->links;
	if (link->next)
		link->next->prev = link;
	r->links = r->link = link;
}

/* The client frees itself, and the link with it. */
static void link_leave(struct relay *r, bool politely)
{
	struct link *link = r->link;

	if (!link)
		return;
	r->link = NULL;
	/* After DATA a farewell would be a line of the message. */
	if (politely && r->is_ready && !r->sent_data)
		smtp_client_quit(link->client);
	else
		smtp_client_close(link->client);
	r->is_ready = r->sent_mail = r->sent_data = false;
	r->sent_to = 0;
}

/* --- asking -------------------------------------------------------------- */

/* Tail position only: the callee may ask the next thing at once. */
static void relay_answer(struct relay *r, const char *reply)
{
	char *text = strdup(reply);

	assert(text && r->is_asked);
	r->is_asked = false;
	free(r->answer);
	r->answer = text;
	r->ops->on_reply(r->arg, text);
}

static void relay_try_next(struct relay *r)
{
	try_set(r, &r->row->backends[r->next_backend++]);
	link_open(r);
}

/* The next thing that the backend must be told before the client is answered.
 * False: there is none. */
static bool relay_step(struct relay *r)
{
	const struct relay_question *q = &r->question;
	const struct smtp_envelope *e = q->envelope;
	struct smtp_client *c = r->link->client;

	if (!r->sent_mail)
		smtp_client_mail(
			c, q->stage == DEADMX_STAGE_MAIL ? q->path : e->from,
			"");
	else if (q->stage != DEADMX_STAGE_MAIL && r->sent_to < e->to_count)
		smtp_client_rcpt(c, e->to[r->sent_to], "");
	else if (q->stage == DEADMX_STAGE_RCPT)
		smtp_client_rcpt(c, q->path, "");
	else if (!r->sent_data && (q->stage == DEADMX_STAGE_DATA ||
				   q->stage == DEADMX_STAGE_DOT))
		smtp_client_data(c);
	else if (q->stage == DEADMX_STAGE_DOT)
		smtp_client_message(c, q->data, q->len);
	else
		return false;
	r->is_ready = false;
	return true;
}

/* The backend can't be had, or is lost: the next one, or the end of it. */
static void relay_fail(struct relay *r, enum relay_error error,
		       const char *reply, bool may_have_taken)
{
	char *text;

	link_leave(r, false);
	r->try.error = error;
	r->try.reply = reply;
	r->ops->on_try(r->arg, &r->try);
	/* Not after the dot: the message may be there already. */
	if (!may_have_taken && r->next_backend < r->row->backend_count) {
		relay_try_next(r);
		return;
	}
	text = failure_text(r);
	r->has_failed = true;
	relay_answer(r, text);
	free(text);
}

/* Lost while nothing was asked: the next question will begin anew. */
static void relay_lost(struct relay *r, enum relay_error error,
		       const char *reply)
{
	link_leave(r, false);
	r->try.error = error;
	r->try.reply = reply;
	r->ops->on_try(r->arg, &r->try);
	if (r->next_backend < r->row->backend_count)
		return;
	free(r->answer);
	r->answer = failure_text(r);
	r->has_failed = true;
}

/* The backend has said no to the mail; that is the client's answer. */
static void relay_refused(struct relay *r, const char *reply)
{
	r->is_ready = true;
	r->sent_data = false;
	/* Of a mail that it takes but for a recipient the rest may follow. */
	if (r->question.stage != DEADMX_STAGE_RCPT || !r->sent_mail ||
	    r->sent_to < r->question.envelope->to_count) {
		link_leave(r, true);
		r->next_backend--; /* it is the right one all the same */
	}
	relay_answer(r, reply);
}

/* The backend has agreed to @state: on to the next, or to the answer. */
static void relay_go_on(struct relay *r, enum smtp_client_state state,
			const char *reply)
{
	const struct relay_question *q = &r->question;
	bool is_answer = false;

	r->is_ready = true;
	switch (state) {
	case SMTP_CLIENT_EHLO:
	case SMTP_CLIENT_HELO:
		r->try.error = RELAY_ERROR_NONE;
		r->ops->on_try(r->arg, &r->try);
		break;
	case SMTP_CLIENT_MAIL:
		r->sent_mail = true;
		is_answer = q->stage == DEADMX_STAGE_MAIL;
		break;
	case SMTP_CLIENT_RCPT:
		is_answer = r->sent_to == q->envelope->to_count;
		r->sent_to++;
		break;
	case SMTP_CLIENT_DATA:
		r->sent_data = true;
		is_answer = q->stage == DEADMX_STAGE_DATA;
		break;
	case SMTP_CLIENT_DOT:
		is_answer = true;
		r->sent_data = false;
		link_leave(r, true);
		break;
	case SMTP_CLIENT_CONNECT:
	case SMTP_CLIENT_BANNER:
	case SMTP_CLIENT_STARTTLS:
	case SMTP_CLIENT_TLS:
	case SMTP_CLIENT_AUTH:
	case SMTP_CLIENT_QUIT:
	case SMTP_CLIENT_CLOSED:
	case SMTP_CLIENT_COUNT:
		break;
	}
	if (is_answer || !relay_step(r))
		relay_answer(r, reply);
}

static void link_on_reply(void *arg, enum smtp_client_state state, int code,
			  const char *reply)
{
	struct link *link = arg;
	struct relay *r = link->relay;
	int good = state == SMTP_CLIENT_DATA ? 3 : 2;

	if (r->link != link)
		return;
	if (!r->is_asked) /* it says farewell */
		relay_lost(r, RELAY_ERROR_REPLY, reply);
	else if (code / 100 == good)
		relay_go_on(r, state, reply);
	else if (code == 421 || state < SMTP_CLIENT_MAIL)
		relay_fail(r, RELAY_ERROR_REPLY, reply, false);
	else
		relay_refused(r, reply);
}

static enum relay_error error_of(enum smtp_client_state state, int rc)
{
	switch (rc) {
	case UV_EOF:
		return RELAY_ERROR_DROPPED;
	case UV_ECONNREFUSED:
		return RELAY_ERROR_REFUSED;
	case UV_ETIMEDOUT:
		return state == SMTP_CLIENT_CONNECT ? RELAY_ERROR_TIMEOUT
						    : RELAY_ERROR_SILENT;
	case UV_EPROTO:
	case UV_EMSGSIZE:
		return RELAY_ERROR_GARBAGE;
	case UV_ECONNRESET:
	case UV_EPIPE:
		return RELAY_ERROR_RESET;
	default:
		return state == SMTP_CLIENT_CONNECT ? RELAY_ERROR_UNREACHABLE
						    : RELAY_ERROR_DROPPED;
	}
}

static void link_on_failed(void *arg, enum smtp_client_state state, int rc)
{
	struct link *link = arg;
	struct relay *r = link->relay;

	if (r->link != link)
		return;
	if (r->is_asked)
		relay_fail(r, error_of(state, rc), NULL,
			   state == SMTP_CLIENT_DOT);
	else
		relay_lost(r, error_of(state, rc), NULL);
}

/* Commands that a backend is asked about; in the order of a conversation. */
static bool is_of_mail(enum deadmx_stage stage)
{
	_Static_assert(DEADMX_STAGE_MAIL < DEADMX_STAGE_RCPT &&
			       DEADMX_STAGE_RCPT < DEADMX_STAGE_DATA &&
			       DEADMX_STAGE_DATA < DEADMX_STAGE_DOT,
		       "stages are compared");
	return stage == DEADMX_STAGE_MAIL || stage == DEADMX_STAGE_RCPT ||
	       stage == DEADMX_STAGE_DATA || stage == DEADMX_STAGE_DOT;
}

bool relay_ask(struct relay *r, const struct relay_question *q,
	       const char **ret_reply)
{
	*ret_reply = NULL;
	assert(!r->is_asked && !r->closing);
	if (q->stage == DEADMX_STAGE_MAIL)
		relay_forget(r);
	if (!is_of_mail(q->stage) || q->stage < r->options.frontend->relay->at)
		return false;
	if (r->has_failed) {
		*ret_reply = r->answer;
		return true;
	}
	if (!r->row)
		r->row = route_pick(r->options.route, q->now_ns);
	r->question = *q;
	r->is_asked = true;
	if (!r->link)
		relay_try_next(r);
	else if (!relay_step(r))
		assert(!"the backend is behind the client");
	return true;
}

void relay_forget(struct relay *r)
{
	if (r->is_asked) {
		r->try.error = RELAY_ERROR_LEFT;
		r->try.reply = NULL;
		r->ops->on_try(r->arg, &r->try);
	}
	r->is_asked = false;
	r->has_failed = false;
	r->row = NULL;
	r->next_backend = 0;
	link_leave(r, true);
}

/* --- beginning and end --------------------------------------------------- */

struct relay *relay_new(const struct relay_options *options,
			const struct relay_ops *ops, void *arg)
{
	struct relay *r = calloc(1, sizeof(*r));

	assert(r);
	r->options = *options;
	r->ops = ops;
	r->arg = arg;
	r->next = options->links->first;
	if (r->next)
		r->next->prev = r;
	options->links->first = r;
	return r;
}

void relay_close(struct relay *r, void (*cb)(void *arg), void *arg)
{
	assert(!r->closing);
	relay_forget(r);
	r->closing = true;
	r->close_cb = cb;
	r->close_arg = arg;
	relay_closed(r);
}

void relay_links_abort(struct relay_links *links,
		       const struct deadmx_server *frontend)
{
	for (struct relay *r = links->first; r; r = r->next) {
		if (r->options.frontend != frontend)
			continue;
		link_leave(r, false);
		for (struct link *l = r->links; l; l = l->next)
			smtp_client_close(l->client);
	}
}
