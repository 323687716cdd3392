/* SPDX-License-Identifier: MIT */
/* A sender's way to hand over a mail: see smtp_inject.h. */
#include "sim/smtp_inject.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/smtp_client.h"

struct smtp_inject {
	struct inject inject;
	struct smtp_client *client;
	bool decided;	/* the result was told */
	size_t next_to; /* of the recipients */
};

static void inject_decide(struct smtp_inject *s, enum inject_status status,
			  const char *reply)
{
	struct inject_offers offers;

	if (s->decided)
		return;
	s->decided = true;
	offers.dsn = smtp_client_offers(s->client, "DSN");
	offers.deliverby = smtp_client_offers(s->client, "DELIVERBY");
	s->inject.on_result(s->inject.arg, status, reply, offers);
}

/* The parameters of a command are written one behind the other. */
struct parameters {
	char *text;
	size_t len;
	FILE *out;
};

static void parameters_begin(struct parameters *p)
{
	p->out = open_memstream(&p->text, &p->len);
	assert(p->out);
}

/* @value NULL: not wanted. */
static void parameters_add(struct parameters *p, const char *word,
			   const char *value)
{
	if (value)
		fprintf(p->out, " %s=%s", word, value);
}

static char *parameters_end(struct parameters *p)
{
	fclose(p->out);
	assert(p->text);
	return p->text;
}

static void inject_mail(struct smtp_inject *s)
{
	const struct deadmx_mail *m = s->inject.mail;
	struct parameters p;
	bool eightbit = false;
	char *text;

	for (size_t i = 0; i < s->inject.len; i++)
		eightbit |= (unsigned char)s->inject.data[i] >= 0x80;
	parameters_begin(&p);
	if (eightbit && smtp_client_offers(s->client, "8BITMIME"))
		parameters_add(&p, "BODY", "8BITMIME");
	if (smtp_client_offers(s->client, "DSN")) {
		parameters_add(&p, "RET", m->ret);
		parameters_add(&p, "ENVID", m->envid);
	}
	if (smtp_client_offers(s->client, "DELIVERBY"))
		parameters_add(&p, "BY", m->by);
	text = parameters_end(&p);
	smtp_client_mail(s->client, m->from, text);
	free(text);
}

static void inject_rcpt(struct smtp_inject *s)
{
	const struct deadmx_mail *m = s->inject.mail;
	struct parameters p;
	char *text;

	parameters_begin(&p);
	if (smtp_client_offers(s->client, "DSN")) {
		parameters_add(&p, "NOTIFY", m->notify);
		parameters_add(&p, "ORCPT", m->orcpt);
	}
	text = parameters_end(&p);
	smtp_client_rcpt(s->client, m->to[s->next_to++], text);
	free(text);
}

/* Lines end in CRLF on the wire. */
static void inject_message(struct smtp_inject *s)
{
	char *text = malloc(2 * s->inject.len + 1);
	size_t used = 0;

	assert(text);
	for (size_t i = 0; i < s->inject.len; i++) {
		if (s->inject.data[i] == '\n')
			text[used++] = '\r';
		text[used++] = s->inject.data[i];
	}
	s->inject.on_sent(s->inject.arg);
	smtp_client_message(s->client, text, used);
	free(text);
}

/* The good reply that was waited for is here. */
static void inject_go_on(struct smtp_inject *s, enum smtp_client_state state,
			 const char *reply)
{
	switch (state) {
	case SMTP_CLIENT_EHLO:
	case SMTP_CLIENT_HELO:
	case SMTP_CLIENT_AUTH:
		inject_mail(s);
		return;
	case SMTP_CLIENT_MAIL:
		inject_rcpt(s);
		return;
	case SMTP_CLIENT_RCPT:
		if (s->next_to < s->inject.mail->to_count)
			inject_rcpt(s);
		else
			smtp_client_data(s->client);
		return;
	case SMTP_CLIENT_DATA:
		inject_message(s);
		return;
	case SMTP_CLIENT_DOT:
		inject_decide(s, INJECT_ACCEPTED, reply);
		smtp_client_quit(s->client);
		return;
	case SMTP_CLIENT_CONNECT:
	case SMTP_CLIENT_BANNER:
	case SMTP_CLIENT_STARTTLS:
	case SMTP_CLIENT_TLS:
	case SMTP_CLIENT_QUIT:
	case SMTP_CLIENT_CLOSED:
	case SMTP_CLIENT_COUNT:
		break;
	}
	assert(!"a good reply to these is the client's own business");
}

static void inject_on_reply(void *arg, enum smtp_client_state state, int code,
			    const char *reply)
{
	struct smtp_inject *s = arg;

	if (code / 100 == (state == SMTP_CLIENT_DATA ? 3 : 2)) {
		inject_go_on(s, state, reply);
		return;
	}
	/* One recipient refused is all refused: half a mail would make a
	 * half-true scenario. */
	inject_decide(s, INJECT_REJECTED, reply);
	smtp_client_quit(s->client);
}

static const char *failure_text(enum smtp_client_state state, int rc)
{
	if (state == SMTP_CLIENT_TLS && rc == UV_EPROTO)
		return "no TLS handshake";
	switch (rc) {
	case UV_EOF:
		return "connection closed";
	case UV_ETIMEDOUT:
		return "no answer in time";
	case UV_EPROTO:
		return "an answer that is no SMTP reply";
	case UV_EMSGSIZE:
		return "an answer without end";
	case UV_ENOTSUP:
		return state == SMTP_CLIENT_AUTH ? "AUTH PLAIN isn't offered"
						 : "STARTTLS isn't offered";
	default:
		return uv_strerror(rc);
	}
}

static void inject_on_failed(void *arg, enum smtp_client_state state, int rc)
{
	char text[128];

	snprintf(text, sizeof(text), "%s (waiting at %s)",
		 failure_text(state, rc), smtp_client_state_name(state));
	inject_decide(arg, INJECT_FAILED, text);
}

static void inject_on_closed(void *arg)
{
	struct smtp_inject *s = arg;

	s->inject.on_closed(s->inject.arg);
	free(s);
}

static const struct smtp_client_ops inject_ops = {
	.on_reply = inject_on_reply,
	.on_failed = inject_on_failed,
	.on_closed = inject_on_closed,
};

void smtp_inject_close(struct smtp_inject *s)
{
	smtp_client_close(s->client);
}

struct smtp_inject *smtp_inject_new(uv_loop_t *loop,
				    const struct smtp_inject_way *way,
				    const struct inject *inject)
{
	struct smtp_inject *s = calloc(1, sizeof(*s));
	struct smtp_client_options options = {
		.loop = loop,
		.address = (const struct sockaddr *)&way->address,
		.helo = "[127.0.0.1]",
		.wait_ns = INJECT_WAIT_S * DEADMX_NS_PER_S,
		.tls = way->tls,
		.user = way->user,
		.password = way->password,
	};

	assert(s);
	s->inject = *inject;
	s->client = smtp_client_new(&options, &inject_ops, s);
	return s;
}
