/* SPDX-License-Identifier: MIT */
#include "harness/probe/probe_reply.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void probe_reply_clear(struct probe_reply *r)
{
	r->code = 0;
	r->status[0] = '\0';
	r->has_status = false;
	r->wrong = NULL;
	r->line_count = 0;
	r->len = 0;
	r->text[0] = '\0';
}

static int reply_wrong(struct probe_reply *r, const char *why)
{
	r->wrong = why;
	return -EPROTO;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "451", "451 …" or "451-…"; 0 for all else. */
static int line_code(const char *line, size_t len)
{
	if (len < 3 || line[0] < '2' || line[0] > '5' || !is_digit(line[1]) ||
	    !is_digit(line[2]) || (len > 3 && line[3] != ' ' && line[3] != '-'))
		return 0;
	return (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
}

/* One to three digits at @*at, which moves behind them (RFC 3463 2). */
static bool status_number(const char **at, const char *end)
{
	const char *from = *at;

	while (*at < end && is_digit(**at))
		(*at)++;
	return *at > from && *at - from <= 3;
}

/* The enhanced code of the first line, if it is one of the code's class. */
static void reply_status(struct probe_reply *r, const char *line, size_t len)
{
	const char *at = line + 4, *end = line + len;

	snprintf(r->status, sizeof(r->status), "%d.0.0", r->code / 100);
	if (len < 9 || *at != line[0] || at[1] != '.')
		return;
	at += 2;
	if (!status_number(&at, end) || at == end || *at++ != '.' ||
	    !status_number(&at, end) || (at < end && *at != ' '))
		return;
	memcpy(r->status, line + 4, (size_t)(at - line - 4));
	r->status[at - line - 4] = '\0';
	r->has_status = true;
}

static void reply_append(struct probe_reply *r, const char *line, size_t len)
{
	if (r->len)
		r->text[r->len++] = '\n';
	for (size_t i = 0; i < len; i++)
		r->text[r->len++] = line[i] ? line[i] : (char)0xff;
	r->text[r->len] = '\0';
}

int probe_reply_line(struct probe_reply *r, const char *line, size_t len)
{
	int code = line_code(line, len);

	if (len > PROBE_REPLY_LINE_MAX)
		return reply_wrong(r, "a line without end");
	if (r->line_count == PROBE_REPLY_LINES_MAX ||
	    r->len + 1 + len > PROBE_REPLY_BYTES_MAX)
		return reply_wrong(r, "a reply without end");
	reply_append(r, line, len);
	r->line_count++;
	if (!code)
		return reply_wrong(r, "no reply code");
	if (r->code && code != r->code)
		return reply_wrong(r, "the code changes within the reply");
	if (!r->code) {
		r->code = code;
		reply_status(r, line, len);
	}
	return len == 3 || line[3] == ' ';
}

bool probe_reply_offers(const struct probe_reply *r, const char *keyword)
{
	size_t len = strlen(keyword);

	/* The first line is the server's greeting. */
	for (const char *p = strchr(r->text, '\n'); p; p = strchr(p, '\n')) {
		p++;
		if (strlen(p) >= 4 + len &&
		    strncasecmp(p + 4, keyword, len) == 0 &&
		    strchr(" =\n", p[4 + len]))
			return true;
	}
	return false;
}
