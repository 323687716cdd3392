/* SPDX-License-Identifier: MIT */
/* SMTP replies as text: see smtp_reply.h. */
#include "sim/smtp_reply.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int smtp_reply_code(const char *text)
{
	if (text[0] < '2' || text[0] > '5' || !is_digit(text[1]) ||
	    !is_digit(text[2]))
		return 0;
	if (text[3] && !strchr(" -\r\n", text[3]))
		return 0;
	return (text[0] - '0') * 100 + (text[1] - '0') * 10 + text[2] - '0';
}

/* What stands at @text instead of a placeholder; its length in *ret_len. */
static const char *placeholder(const char *text, size_t *ret_len,
			       const struct deadmx_server *server,
			       const char *client)
{
	const struct {
		const char *word, *value;
	} all[] = {{"{address}", server->address},
		   {"{host}", server->name},
		   {"{client}", client ? client : "unknown"}};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		*ret_len = strlen(all[i].word);
		if (strncmp(text, all[i].word, *ret_len) == 0)
			return all[i].value;
	}
	return NULL;
}

/* Control characters would end the line, or not be a reply at all. */
static void reply_line(FILE *out, const char *line, size_t len,
		       const struct deadmx_server *server, const char *client)
{
	const char *end = line + len;

	while (line < end) {
		size_t used = 0;
		const char *value =
			*line == '{' ? placeholder(line, &used, server, client)
				     : NULL;

		if (value) {
			fputs(value, out);
			line += used;
			continue;
		}
		if ((unsigned char)*line >= ' ' || *line == '\t')
			fputc(*line, out);
		line++;
	}
}

char *smtp_reply_format(const char *text, const struct deadmx_server *server,
			const char *client)
{
	int code = smtp_reply_code(text);
	size_t used = 0, len;
	char *wire = NULL;
	FILE *out = open_memstream(&wire, &used);

	if (!out)
		return NULL;
	if (!code)
		code = 451;
	for (const char *line = text;; line += len + 1) {
		const char *rest = line;
		bool last;

		len = strcspn(line, "\n");
		last = !line[len] || !line[len + 1];
		if (smtp_reply_code(line) == code)
			rest += len > 3 ? 4 : 3;
		fprintf(out, "%d%c", code, last ? ' ' : '-');
		reply_line(out, rest, (size_t)(line + len - rest), server,
			   client);
		fputs("\r\n", out);
		if (last)
			break;
	}
	if (fclose(out) != 0) {
		free(wire);
		return NULL;
	}
	return wire;
}

char *smtp_reply_plain(const char *wire, size_t len)
{
	bool cut = len > DEADMX_REPLY_LEN_MAX * 2;
	char *plain, *to;

	len = cut ? DEADMX_REPLY_LEN_MAX : len;
	plain = to = malloc(len + sizeof("…"));
	if (!plain)
		return NULL;
	for (size_t i = 0; i < len; i++)
		if (wire[i] != '\r')
			*to++ = (char)(wire[i] ? wire[i] : 0xff);
	if (to > plain && to[-1] == '\n')
		to--;
	*to = '\0';
	if (cut)
		memcpy(to, "…", sizeof("…"));
	return plain;
}

int smtp_reply_last_code(const char *wire, size_t len)
{
	const char *end = wire + len, *line = wire;
	int last = 0, code;

	while (line && line < end) {
		code = smtp_reply_code(line);
		last = code ? code : last;
		line = memchr(line, '\n', (size_t)(end - line));
		line = line ? line + 1 : NULL;
	}
	return last;
}
