/* SPDX-License-Identifier: MIT */
/* How the model MTA takes mail: see model_smtpd.h. */
#include "harness/model/model_smtpd.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>

#include "harness/model/model_ndr.h"
#include "harness/model/model_param.h"

enum {
	LISTEN_BACKLOG = 64,
	/* RFC 5321 4.5.3.2.7: 5 min at least for the next command. */
	IDLE_MS = 5 * 60 * 1000,
	ERRORS_MAX = 20,
};

struct model_smtpd {
	uv_tcp_t tcp;
	const struct model_config *config;
	struct model_run *run;
	struct client *clients;
	int client_count;
	bool closing;
};

struct client {
	uv_tcp_t tcp;
	uv_timer_t idle;
	struct model_smtpd *d;
	struct client *prev, *next;
	int open_handles;
	char *helo;
	char address[64];
	bool is_esmtp, in_data, is_quitting, is_too_long, too_big;
	int errors;
	struct model_message *m; /* since MAIL */
	char *data;
	size_t data_len, data_size;
	size_t in_len;
	char in[MODEL_LINE_MAX];
};

/* Closing. */

/* Handles are closed in no order that can be relied on. */
static void smtpd_free_last(struct model_smtpd *d)
{
	if (d->closing && !d->client_count)
		free(d);
}

static void client_closed(uv_handle_t *handle)
{
	struct client *c = handle->data;

	if (--c->open_handles)
		return;
	if (c->prev)
		c->prev->next = c->next;
	else
		c->d->clients = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->d->client_count--;
	smtpd_free_last(c->d);
	model_message_free(c->m);
	free(c->helo);
	free(c->data);
	free(c);
}

static void client_close(struct client *c)
{
	if (uv_is_closing((uv_handle_t *)&c->tcp))
		return;
	uv_close((uv_handle_t *)&c->tcp, client_closed);
	uv_close((uv_handle_t *)&c->idle, client_closed);
}

/* Replies. */

struct reply {
	uv_write_t req;
	struct client *c;
	char text[];
};

static void reply_written(uv_write_t *req, int status)
{
	struct reply *r = req->data;
	struct client *c = r->c;

	free(r);
	if (status < 0 || c->is_quitting)
		client_close(c);
}

/* @text: whole lines without the last CRLF. */
static void reply(struct client *c, const char *text)
{
	size_t len = strlen(text);
	struct reply *r = malloc(sizeof(*r) + len + 3);
	uv_buf_t buf;

	assert(r);
	r->req.data = r;
	r->c = c;
	memcpy(r->text, text, len);
	memcpy(r->text + len, "\r\n", 3);
	buf = uv_buf_init(r->text, (unsigned)len + 2);
	if (uv_write(&r->req, (uv_stream_t *)&c->tcp, &buf, 1, reply_written) <
	    0) {
		free(r);
		client_close(c);
	}
}

/* Messages. */

static void message_clear(struct client *c)
{
	model_message_free(c->m);
	c->m = NULL;
	free(c->data);
	c->data = NULL;
	c->data_len = c->data_size = 0;
	c->in_data = c->too_big = false;
}

static void data_append(struct client *c, const char *bytes, size_t len)
{
	if (c->data_len + len > MODEL_MESSAGE_BYTES_MAX) {
		c->too_big = true;
		return;
	}
	if (c->data_len + len > c->data_size) {
		c->data_size = (c->data_len + len) * 2;
		c->data = realloc(c->data, c->data_size);
		assert(c->data);
	}
	memcpy(c->data + c->data_len, bytes, len);
	c->data_len += len;
}

/* RFC 5321 4.4. */
static void data_received(struct client *c)
{
	char line[1024], when[64];
	int n = snprintf(line, sizeof(line),
			 "Received: from %.200s ([%s])\r\n\tby %.200s with "
			 "%s;\r\n\t%s\r\n",
			 c->helo, c->address, c->d->config->hostname,
			 c->is_esmtp ? "ESMTP" : "SMTP",
			 model_ndr_date(model_now_ms(), when));

	data_append(c, line, (size_t)n);
}

static void data_end(struct client *c)
{
	char text[128];
	int rc;

	if (c->too_big) {
		message_clear(c);
		reply(c, "552 5.3.4 Message too big");
		return;
	}
	model_set(&c->m->helo, c->helo);
	model_set(&c->m->client, c->address);
	rc = model_run_accept(c->d->run, c->m, c->data, c->data_len);
	if (rc < 0) {
		syslog(LOG_ERR, "queue: %s", strerror(-rc));
		message_clear(c);
		reply(c, model_is(c->d->config, MODEL_MUTANT_TAKES_UNSAVED)
				 ? "250 2.0.0 Queued"
				 : "452 4.3.1 Insufficient system storage");
		return;
	}
	snprintf(text, sizeof(text), "250 2.0.0 Queued as %s", c->m->id);
	c->m = NULL; /* the queue's */
	message_clear(c);
	reply(c, text);
}

static void data_line(struct client *c, const char *line, size_t len,
		      bool is_whole)
{
	bool begins = !c->is_too_long;

	c->is_too_long = !is_whole;
	if (begins && is_whole && len == 1 && line[0] == '.') {
		data_end(c);
		return;
	}
	if (begins && len && line[0] == '.') {
		line++;
		len--;
	}
	data_append(c, line, len);
	if (is_whole)
		data_append(c, "\r\n", 2);
}

/* Commands. */

static void command_helo(struct client *c, char *args, bool is_esmtp)
{
	char text[512];

	if (!*args) {
		reply(c, "501 5.5.4 Who are you?");
		return;
	}
	message_clear(c);
	model_set(&c->helo, args);
	c->is_esmtp = is_esmtp;
	snprintf(text, sizeof(text),
		 is_esmtp ? "250-%.200s\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
			    "250-SIZE %d\r\n250-ENHANCEDSTATUSCODES\r\n"
			    "250-DSN\r\n250-SMTPUTF8\r\n250 DELIVERBY"
			  : "250 %.200s",
		 c->d->config->hostname, MODEL_MESSAGE_BYTES_MAX);
	reply(c, text);
}

static void command_mail(struct client *c, char *args)
{
	const char *no;

	if (!c->helo || c->m)
		no = "503 5.5.1 Bad sequence of commands";
	else if (strncasecmp(args, "FROM:", 5) != 0)
		no = "501 5.5.4 Syntax: MAIL FROM:<address>";
	else
		no = model_param_mail(args + 5, model_now_ms(), &c->m);
	reply(c, no ? no : "250 2.1.0 Ok");
}

static void command_rcpt(struct client *c, char *args)
{
	const char *no;

	if (!c->m)
		no = "503 5.5.1 Need MAIL first";
	else if (strncasecmp(args, "TO:", 3) != 0)
		no = "501 5.5.4 Syntax: RCPT TO:<address>";
	else
		no = model_param_rcpt(args + 3, c->m);
	reply(c, no ? no : "250 2.1.5 Ok");
}

static void command_data(struct client *c)
{
	if (!c->m || !c->m->recipient_count) {
		reply(c, "503 5.5.1 Need RCPT first");
		return;
	}
	c->in_data = true;
	data_received(c);
	reply(c, "354 End data with <CR><LF>.<CR><LF>");
}

static void command_unknown(struct client *c)
{
	c->is_quitting = ++c->errors >= ERRORS_MAX;
	reply(c, c->is_quitting ? "421 4.7.0 Too many errors"
				: "500 5.5.2 Unknown command");
}

static void command(struct client *c, char *line)
{
	char *args = line + strcspn(line, " ");
	size_t len = (size_t)(args - line);

	args += strspn(args, " ");
	if (len == 4 && strncasecmp(line, "EHLO", 4) == 0) {
		command_helo(c, args, true);
	} else if (len == 4 && strncasecmp(line, "HELO", 4) == 0) {
		command_helo(c, args, false);
	} else if (len == 4 && strncasecmp(line, "MAIL", 4) == 0) {
		command_mail(c, args);
	} else if (len == 4 && strncasecmp(line, "RCPT", 4) == 0) {
		command_rcpt(c, args);
	} else if (len == 4 && strncasecmp(line, "DATA", 4) == 0) {
		command_data(c);
	} else if (len == 4 && strncasecmp(line, "RSET", 4) == 0) {
		message_clear(c);
		reply(c, "250 2.0.0 Ok");
	} else if (len == 4 && strncasecmp(line, "NOOP", 4) == 0) {
		reply(c, "250 2.0.0 Ok");
	} else if (len == 4 && strncasecmp(line, "VRFY", 4) == 0) {
		reply(c, "252 2.1.5 Send some mail, it will be tried");
	} else if (len == 4 && strncasecmp(line, "QUIT", 4) == 0) {
		c->is_quitting = true;
		reply(c, "221 2.0.0 Bye");
	} else {
		command_unknown(c);
	}
}

/* Input. */

static void client_line(struct client *c, char *line, size_t len, bool is_whole)
{
	if (c->in_data) {
		data_line(c, line, len, is_whole);
	} else if (!is_whole) {
		c->is_too_long = true;
	} else if (c->is_too_long || strlen(line) != len) {
		c->is_too_long = false;
		command_unknown(c);
	} else {
		command(c, line);
	}
}

static void client_process(struct client *c)
{
	size_t start = 0;
	char *lf;

	while (!c->is_quitting &&
	       (lf = memchr(c->in + start, '\n', c->in_len - start))) {
		size_t len = (size_t)(lf - (c->in + start));
		char *line = c->in + start;

		start += len + 1;
		if (len && line[len - 1] == '\r')
			len--;
		line[len] = '\0';
		client_line(c, line, len, true);
	}
	if (start == 0 && c->in_len == sizeof(c->in)) {
		client_line(c, c->in, c->in_len - 1, false);
		start = c->in_len - 1;
	}
	c->in_len -= start;
	memmove(c->in, c->in + start, c->in_len);
}

static void client_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct client *c = handle->data;

	*buf = uv_buf_init(c->in + c->in_len,
			   (unsigned)(sizeof(c->in) - c->in_len));
}

static void client_on_idle(uv_timer_t *timer)
{
	struct client *c = timer->data;

	c->is_quitting = true;
	reply(c, "421 4.4.2 Timeout");
}

static void client_on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct client *c = stream->data;

	if (n < 0) {
		client_close(c);
		return;
	}
	uv_timer_start(&c->idle, client_on_idle, IDLE_MS, 0);
	c->in_len += (size_t)n;
	client_process(c);
}

static struct client *client_new(struct model_smtpd *d)
{
	struct client *c = calloc(1, sizeof(*c));

	assert(c);
	c->d = d;
	c->tcp.data = c->idle.data = c;
	uv_tcp_init(d->tcp.loop, &c->tcp);
	uv_timer_init(d->tcp.loop, &c->idle);
	c->open_handles = 2;
	c->next = d->clients;
	if (c->next)
		c->next->prev = c;
	d->clients = c;
	d->client_count++;
	return c;
}

static void client_greet(struct client *c)
{
	struct sockaddr_storage peer;
	int len = sizeof(peer);
	char text[300];

	if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&peer, &len) == 0)
		uv_ip_name((struct sockaddr *)&peer, c->address,
			   sizeof(c->address));
	c->is_quitting = c->d->client_count > MODEL_SESSIONS_MAX;
	snprintf(text, sizeof(text),
		 c->is_quitting ? "421 4.7.0 %.200s too many connections"
				: "220 %.200s ESMTP deadmx model",
		 c->d->config->hostname);
	reply(c, text);
	uv_timer_start(&c->idle, client_on_idle, IDLE_MS, 0);
	uv_read_start((uv_stream_t *)&c->tcp, client_alloc, client_on_read);
}

static void on_connection(uv_stream_t *stream, int status)
{
	struct model_smtpd *d = stream->data;
	struct client *c;

	if (status < 0)
		return;
	c = client_new(d);
	if (uv_accept(stream, (uv_stream_t *)&c->tcp) < 0) {
		client_close(c);
		return;
	}
	uv_tcp_nodelay(&c->tcp, 1);
	client_greet(c);
}

static void smtpd_closed(uv_handle_t *handle)
{
	struct model_smtpd *d = handle->data;

	d->closing = true;
	smtpd_free_last(d);
}

int model_smtpd_new(uv_loop_t *loop, const struct model_config *config,
		    struct model_run *run, struct model_smtpd **ret)
{
	struct model_smtpd *d = calloc(1, sizeof(*d));
	struct sockaddr_in address;
	int rc = uv_ip4_addr("127.0.0.1", config->port, &address);

	assert(d && rc == 0);
	d->config = config;
	d->run = run;
	d->tcp.data = d;
	uv_tcp_init(loop, &d->tcp);
	rc = uv_tcp_bind(&d->tcp, (const struct sockaddr *)&address, 0);
	if (rc == 0)
		rc = uv_listen((uv_stream_t *)&d->tcp, LISTEN_BACKLOG,
			       on_connection);
	if (rc < 0) {
		fprintf(stderr, "model: port %u: %s\n", config->port,
			uv_strerror(rc));
		uv_close((uv_handle_t *)&d->tcp, smtpd_closed);
		return rc;
	}
	*ret = d;
	return 0;
}

void model_smtpd_close(struct model_smtpd *d)
{
	for (struct client *c = d->clients; c; c = c->next)
		client_close(c);
	uv_close((uv_handle_t *)&d->tcp, smtpd_closed);
}
