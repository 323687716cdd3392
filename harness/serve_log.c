/* SPDX-License-Identifier: MIT */
/* Events as lines for people: see serve_log.h. */
#include "harness/serve_log.h"

#include <assert.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "deadmx/event.h"

struct line {
	FILE *out;
	const json_t *event;
};

/* Bytes that a terminal only shows. */
static size_t plain_run(const unsigned char *p)
{
	size_t n = 0;

	while (p[n] >= ' ' && p[n] != 0x7f && p[n] != 0xc2)
		n++;
	return n;
}

/* C0, DEL and C1 (two bytes in UTF-8) would be the terminal's to obey. */
static void put_text(FILE *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p) {
		size_t n = plain_run(p);

		fwrite(p, 1, n, out);
		p += n;
		if (!*p)
			return;
		if (p[0] != 0xc2)
			fprintf(out, "\\x%02x", *p);
		else if (p[1] >= 0x80 && p[1] < 0xa0)
			fprintf(out, "\\x%02x", *++p);
		else
			fputc(*p, out);
		p++;
	}
}

static const char *text_of(const struct line *l, const char *key)
{
	const char *text = json_string_value(json_object_get(l->event, key));

	return text ? text : "";
}

static intmax_t number_of(const struct line *l, const char *key)
{
	return json_integer_value(json_object_get(l->event, key));
}

static void put_member(const struct line *l, const char *key)
{
	put_text(l->out, text_of(l, key));
}

/* "2:03:04.567" on the timeline, in a column. */
static void put_time(const struct line *l)
{
	double t = json_number_value(json_object_get(l->event, "t"));
	int64_t ms = (int64_t)(t * 1000 + 0.5);
	int64_t s = ms / 1000;

	fprintf(l->out, "%3jd:%02d:%02d.%03d  ", (intmax_t)(s / 3600),
		(int)(s / 60 % 60), (int)(s % 60), (int)(ms % 1000));
}

/* "#12 mx.dest.example  " */
static void put_who(const struct line *l)
{
	if (json_is_integer(json_object_get(l->event, "session")))
		fprintf(l->out, "#%jd ", number_of(l, "session"));
	put_member(l, "server");
	fputs("  ", l->out);
}

static void put_place(const struct line *l)
{
	if (number_of(l, "line") > 0)
		fprintf(l->out, " (line %jd)", number_of(l, "line"));
	else if (json_is_integer(json_object_get(l->event, "line")))
		fputs(" (by hand)", l->out);
}

static void put_list(const struct line *l, const char *key)
{
	const json_t *list = json_object_get(l->event, key);

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		fputs(i ? ", <" : "<", l->out);
		put_text(l->out, text ? text : "");
		fputc('>', l->out);
	}
}

/* A reply of several lines takes as many of the log, each in its column. */
static void put_reply(const struct line *l)
{
	const char *text = text_of(l, "text");

	for (;;) {
		size_t len = strcspn(text, "\n");
		char *one = strndup(text, len);

		put_time(l);
		put_who(l);
		fputs("S: ", l->out);
		put_text(l->out, one ? one : "");
		fputc('\n', l->out);
		free(one);
		if (!text[len])
			return;
		text += len + 1;
	}
}

static void put_fault(const struct line *l)
{
	fputs("fault at ", l->out);
	put_member(l, "stage");
	fputs(": ", l->out);
	put_member(l, "action");
	put_place(l);
}

static void put_tls(const struct line *l)
{
	if (*text_of(l, "error")) {
		fputs("TLS failed: ", l->out);
		put_member(l, "error");
		return;
	}
	fprintf(l->out, "%s, %s", text_of(l, "version"), text_of(l, "cipher"));
	if (*text_of(l, "server_name")) {
		fputs(", asked for ", l->out);
		put_member(l, "server_name");
	}
}

static void put_state(const struct line *l)
{
	const char *action = text_of(l, "action");

	put_member(l, "stage");
	if (*text_of(l, "address"))
		fprintf(l->out, " to %s", text_of(l, "address"));
	fprintf(l->out, ": %s", *action ? action : "accept");
	put_place(l);
}

static void put_message(const struct line *l)
{
	fputs("message from <", l->out);
	put_member(l, "from");
	fputs("> to ", l->out);
	put_list(l, "to");
	fprintf(l->out, ", %jd bytes, %s%s", number_of(l, "bytes"),
		text_of(l, "file"),
		json_is_true(json_object_get(l->event, "unacknowledged"))
			? "; the client was not told"
			: "");
}

static void put_dns(const struct line *l)
{
	double delay = json_number_value(json_object_get(l->event, "delay"));

	fputs("DNS  ", l->out);
	put_member(l, "name");
	fprintf(l->out, " %s: ", text_of(l, "qtype"));
	if (*text_of(l, "rcode"))
		fprintf(l->out, "%s, %jd answer%s, %s", text_of(l, "rcode"),
			number_of(l, "answers"),
			number_of(l, "answers") == 1 ? "" : "s",
			text_of(l, "transport"));
	else
		fprintf(l->out, "no answer, %s", text_of(l, "transport"));
	if (delay > 0)
		fprintf(l->out, ", %g s late", delay);
	if (*text_of(l, "action")) {
		fprintf(l->out, "; %s", text_of(l, "action"));
		put_place(l);
	}
}

static void put_inject(const struct line *l)
{
	fprintf(l->out, "mail %jd from <", number_of(l, "mail") + 1);
	put_member(l, "from");
	fputs("> to ", l->out);
	put_list(l, "to");
	fprintf(l->out, " injected: %s%s", text_of(l, "status"),
		*text_of(l, "reply") ? ", " : "");
	put_member(l, "reply");
}

static void put_accept(const struct line *l)
{
	const char *frontend = text_of(l, "frontend");

	fprintf(l->out, "connection from %s", text_of(l, "peer"));
	if (*frontend)
		fprintf(l->out, ", the frontend %s", frontend);
}

static void put_relay(const struct line *l)
{
	const char *name = text_of(l, "backend"), *error = text_of(l, "error");

	fprintf(l->out, "backend %s%s%s port %jd: %s", name, *name ? ", " : "",
		text_of(l, "address"), number_of(l, "port"),
		*error ? error : "connected");
	if (!*text_of(l, "reply"))
		return;
	fputs(", ", l->out);
	put_member(l, "reply");
}

static void put_spf(const struct line *l)
{
	fputs("SPF of <", l->out);
	put_member(l, "sender");
	fprintf(l->out, ">: %s; ", text_of(l, "result"));
	put_member(l, "explanation");
}

static void put_command(const struct line *l)
{
	fputs("C: ", l->out);
	put_member(l, "line");
}

static void put_close(const struct line *l)
{
	fprintf(l->out, "closed by the %s (%s)", text_of(l, "by"),
		text_of(l, "how"));
}

static void put_phase(const struct line *l)
{
	put_member(l, "name");
}

static void put_error(const struct line *l)
{
	fputs("error: ", l->out);
	put_member(l, "what");
}

/* Those of a world by hand; REPLY is put_reply()'s. */
static void (*const put_event[DEADMX_EVENT_COUNT])(const struct line *l) = {
	[DEADMX_EVENT_INJECT] = put_inject,
	[DEADMX_EVENT_ACCEPT] = put_accept,
	[DEADMX_EVENT_COMMAND] = put_command,
	[DEADMX_EVENT_FAULT] = put_fault,
	[DEADMX_EVENT_TLS] = put_tls,
	[DEADMX_EVENT_STATE] = put_state,
	[DEADMX_EVENT_CLOSE] = put_close,
	[DEADMX_EVENT_MESSAGE] = put_message,
	[DEADMX_EVENT_RELAY] = put_relay,
	[DEADMX_EVENT_SPF] = put_spf,
	[DEADMX_EVENT_DNS] = put_dns,
	[DEADMX_EVENT_ERROR] = put_error,
	[DEADMX_EVENT_PHASE] = put_phase,
};

static void put_line(const struct line *l, const char *type)
{
	put_time(l);
	if (json_object_get(l->event, "server"))
		put_who(l);
	for (int i = 0; i < DEADMX_EVENT_COUNT; i++)
		if (put_event[i] && !strcmp(deadmx_event_word(i), type)) {
			put_event[i](l);
			fputc('\n', l->out);
			return;
		}
	put_text(l->out, type);
	fputc('\n', l->out);
}

void serve_log_line(FILE *out, const char *line, size_t len)
{
	json_t *event = json_loadb(line, len, 0, NULL);
	struct line l = {.out = out, .event = event};
	const char *type = json_string_value(json_object_get(event, "type"));

	assert(type);
	if (strcmp(type, "reply") == 0)
		put_reply(&l);
	else
		put_line(&l, type);
	json_decref(event);
}
