/* SPDX-License-Identifier: MIT */
/* The world's DNS server: see dns_server.h. */
#include "sim/dns_server.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sim_timer.h"

struct dns_server {
	uv_udp_t udp;
	uv_tcp_t tcp;
	struct dns_zone *zone;
	int64_t (*now_ns)(void *arg);
	void *now_arg;
	struct deadmx_event_log *log;
	struct client *clients;
	size_t client_count;
	struct late *lates;
	size_t late_count;
	int handles;
	void (*close_cb)(void *arg);
	void *close_arg;
	char in[DNS_QUESTION_MAX + 1]; /* a longer packet is seen as such */
};

/* One TCP connection: questions, each behind its length. */
struct client {
	uv_tcp_t tcp;
	struct dns_server *server;
	struct client *prev, *next;
	size_t in_len;
	uint8_t in[2 + DNS_QUESTION_MAX];
};

/* An answer that is sent later. */
struct late {
	uv_timer_t timer;
	struct dns_server *server;
	struct client *client; /* of TCP, or NULL */
	struct sockaddr_storage peer;
	struct dns_answer answer;
	struct late *prev, *next;
};

static void server_closed(struct dns_server *s)
{
	if (s->handles || s->client_count || s->late_count)
		return;
	if (s->close_cb)
		s->close_cb(s->close_arg);
	free(s);
}

static json_t *text_or_null(const char *text)
{
	return text ? deadmx_event_text(text, strlen(text)) : json_null();
}

/* 0 with the answer in @ret, its event written. */
static int server_answer(struct dns_server *s, const void *question, size_t len,
			 enum dns_transport transport, struct dns_answer *ret)
{
	int rc = dns_answer_make(s->zone, question, len, transport,
				 s->now_ns(s->now_arg), ret);

	if (rc < 0)
		return rc;
	deadmx_event_emit(
		s->log, DEADMX_EVENT_DNS,
		json_pack("{s:o,s:s,s:o,s:I,s:s,s:f,s:o,s:o}", "name",
			  text_or_null(ret->name), "qtype", ret->qtype, "rcode",
			  text_or_null(ret->rcode), "answers",
			  (json_int_t)ret->answers, "transport",
			  transport == DNS_UDP ? "udp" : "tcp", "delay",
			  (double)ret->delay_ns / 1e9, "action",
			  ret->row ? json_string(deadmx_dns_action_word(
					     ret->row->action))
				   : json_null(),
			  "line",
			  ret->row ? json_integer(ret->row->place.line)
				   : json_null()));
	return 0;
}

/* Late answers. */

static void late_closed(uv_handle_t *handle)
{
	struct late *l = handle->data;
	struct dns_server *s = l->server;

	if (l->prev)
		l->prev->next = l->next;
	else
		s->lates = l->next;
	if (l->next)
		l->next->prev = l->prev;
	s->late_count--;
	dns_answer_release(&l->answer);
	free(l);
	server_closed(s);
}

static void late_close(struct late *l)
{
	if (!uv_is_closing((uv_handle_t *)&l->timer))
		uv_close((uv_handle_t *)&l->timer, late_closed);
}

static void send_now(struct dns_server *s, struct client *c,
		     const struct sockaddr *peer,
		     const struct dns_answer *answer);

static void late_on_time(uv_timer_t *timer)
{
	struct late *l = timer->data;

	send_now(l->server, l->client, (const struct sockaddr *)&l->peer,
		 &l->answer);
	late_close(l);
}

/* Takes what is in @answer. */
static void send_later(struct dns_server *s, struct client *c,
		       const struct sockaddr *peer, struct dns_answer *answer)
{
	struct late *l;

	if (s->late_count == DNS_SERVER_LATE_MAX) {
		dns_answer_release(answer);
		return;
	}
	l = calloc(1, sizeof(*l));
	assert(l);
	l->server = s;
	l->client = c;
	l->answer = *answer;
	*answer = (struct dns_answer){0};
	if (peer)
		memcpy(&l->peer, peer, sizeof(struct sockaddr_in));
	l->next = s->lates;
	if (l->next)
		l->next->prev = l;
	s->lates = l;
	s->late_count++;
	l->timer.data = l;
	uv_timer_init(s->udp.loop, &l->timer);
	sim_timer_start(&l->timer, late_on_time, l->answer.delay_ns);
}

/* Send what is to be sent, now or later; takes what is in @answer. */
static void server_send(struct dns_server *s, struct client *c,
			const struct sockaddr *peer, struct dns_answer *answer)
{
	if (answer->delay_ns > 0)
		send_later(s, c, peer, answer);
	else
		send_now(s, c, peer, answer);
	dns_answer_release(answer);
}

/* UDP. */

static void udp_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct dns_server *s = handle->data;

	*buf = uv_buf_init(s->in, sizeof(s->in));
}

static void udp_on_read(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf,
			const struct sockaddr *peer, unsigned flags)
{
	struct dns_server *s = udp->data;
	struct dns_answer answer;

	if (n <= 0 || !peer || (flags & UV_UDP_PARTIAL))
		return;
	if (server_answer(s, buf->base, (size_t)n, DNS_UDP, &answer) < 0)
		return;
	server_send(s, NULL, peer, &answer);
}

/* TCP. */

static void client_closed(uv_handle_t *handle)
{
	struct client *c = handle->data;
	struct dns_server *s = c->server;

	if (c->prev)
		c->prev->next = c->next;
	else
		s->clients = c->next;
	if (c->next)
		c->next->prev = c->prev;
	s->client_count--;
	free(c);
	server_closed(s);
}

static void client_close(struct client *c)
{
	struct late *next;

	if (uv_is_closing((uv_handle_t *)&c->tcp))
		return;
	for (struct late *l = c->server->lates; l; l = next) {
		next = l->next;
		if (l->client == c)
			late_close(l);
	}
	uv_close((uv_handle_t *)&c->tcp, client_closed);
}

struct write {
	uv_write_t req;
	uint8_t wire[];
};

static void client_on_written(uv_write_t *req, int status)
{
	free(req->data);
}

static void client_send(struct client *c, const struct dns_answer *answer)
{
	struct write *w = malloc(sizeof(*w) + 2 + answer->len);
	uv_buf_t buf;

	assert(w);
	w->req.data = w;
	w->wire[0] = (uint8_t)(answer->len >> 8);
	w->wire[1] = (uint8_t)answer->len;
	memcpy(w->wire + 2, answer->wire, answer->len);
	buf = uv_buf_init((char *)w->wire, (unsigned)(2 + answer->len));
	if (uv_write(&w->req, (uv_stream_t *)&c->tcp, &buf, 1,
		     client_on_written) < 0) {
		free(w);
		client_close(c);
	}
}

static void send_now(struct dns_server *s, struct client *c,
		     const struct sockaddr *peer,
		     const struct dns_answer *answer)
{
	uv_buf_t out;

	if (c && answer->close) {
		client_close(c);
	} else if (c && answer->wire) {
		client_send(c, answer);
	} else if (answer->wire) {
		out = uv_buf_init((char *)answer->wire, (unsigned)answer->len);
		/* When the buffer is full the answer is lost, as UDP may. */
		uv_udp_try_send(&s->udp, &out, 1, peer);
	}
}

/* One whole question at the head of @c->in; bytes used, 0: not there yet. */
static size_t client_question(struct client *c, const uint8_t *in, size_t len)
{
	struct dns_answer answer;
	size_t need;

	if (len < 2)
		return 0;
	need = (size_t)in[0] << 8 | in[1];
	if (need > DNS_QUESTION_MAX) {
		client_close(c);
		return 0;
	}
	if (len < 2 + need)
		return 0;
	if (server_answer(c->server, in + 2, need, DNS_TCP, &answer) < 0) {
		client_close(c);
		return 0;
	}
	server_send(c->server, c, NULL, &answer);
	return uv_is_closing((uv_handle_t *)&c->tcp) ? 0 : 2 + need;
}

static void client_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct client *c = handle->data;

	*buf = uv_buf_init((char *)c->in + c->in_len,
			   (unsigned)(sizeof(c->in) - c->in_len));
}

static void client_on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct client *c = stream->data;
	size_t start = 0, used;

	if (n < 0) {
		client_close(c);
		return;
	}
	c->in_len += (size_t)n;
	while ((used = client_question(c, c->in + start, c->in_len - start)))
		start += used;
	c->in_len -= start;
	memmove(c->in, c->in + start, c->in_len);
	if (uv_stream_get_write_queue_size(stream) > DNS_SERVER_OUTPUT_MAX)
		client_close(c);
}

static void tcp_on_connection(uv_stream_t *stream, int status)
{
	struct dns_server *s = stream->data;
	struct client *c;

	if (status < 0)
		return;
	c = calloc(1, sizeof(*c));
	assert(c);
	c->server = s;
	c->tcp.data = c;
	uv_tcp_init(stream->loop, &c->tcp);
	c->next = s->clients;
	if (c->next)
		c->next->prev = c;
	s->clients = c;
	s->client_count++;
	if (uv_accept(stream, (uv_stream_t *)&c->tcp) < 0 ||
	    s->client_count > DNS_SERVER_CONNECTIONS_MAX) {
		client_close(c);
		return;
	}
	uv_tcp_nodelay(&c->tcp, 1);
	uv_read_start((uv_stream_t *)&c->tcp, client_alloc, client_on_read);
}

static void handle_closed(uv_handle_t *handle)
{
	struct dns_server *s = handle->data;

	s->handles--;
	server_closed(s);
}

static int server_bind(struct dns_server *s, const char *address, uint16_t port)
{
	struct sockaddr_in addr;
	int rc = uv_ip4_addr(address, port, &addr);

	if (rc == 0)
		rc = uv_udp_bind(&s->udp, (const struct sockaddr *)&addr,
				 UV_UDP_REUSEADDR);
	if (rc == 0)
		rc = uv_udp_recv_start(&s->udp, udp_alloc, udp_on_read);
	if (rc == 0)
		rc = uv_tcp_bind(&s->tcp, (const struct sockaddr *)&addr, 0);
	if (rc == 0)
		rc = uv_listen((uv_stream_t *)&s->tcp, 128, tcp_on_connection);
	return rc;
}

int dns_server_new(uv_loop_t *loop, const char *address, uint16_t port,
		   struct dns_zone *zone, int64_t (*now_ns)(void *arg),
		   void *now_arg, struct deadmx_event_log *log, FILE *errors,
		   struct dns_server **ret)
{
	struct dns_server *s = calloc(1, sizeof(*s));
	int rc;

	assert(s);
	s->zone = zone;
	s->now_ns = now_ns;
	s->now_arg = now_arg;
	s->log = log;
	s->udp.data = s->tcp.data = s;
	uv_udp_init(loop, &s->udp);
	uv_tcp_init(loop, &s->tcp);
	s->handles = 2;
	rc = server_bind(s, address, port);
	if (rc < 0) {
		fprintf(errors, "DNS: can't listen on %s port %u: %s\n",
			address, port, uv_strerror(rc));
		dns_server_close(s, NULL, NULL);
		return rc;
	}
	*ret = s;
	return 0;
}

void dns_server_close(struct dns_server *s, void (*cb)(void *arg), void *arg)
{
	s->close_cb = cb;
	s->close_arg = arg;
	uv_close((uv_handle_t *)&s->udp, handle_closed);
	uv_close((uv_handle_t *)&s->tcp, handle_closed);
	for (struct client *c = s->clients; c; c = c->next)
		client_close(c);
	for (struct late *l = s->lates; l; l = l->next)
		late_close(l);
}
