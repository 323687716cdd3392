/* SPDX-License-Identifier: MIT */
/* The messages that senders inject: see message.h. */
#include "sim/message.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* In the place of an address when the reverse-path is null. */
#define NULL_SENDER "mailer-daemon@deadmx.example"

/* Bytes of subject in one encoded word: RFC 2047 2 allows 75 in all. */
#define WORD_BYTES 20

/* More than a line has that is added to a body. */
#define PADDING_LINE_MAX 100

char *message_id(const struct deadmx_mail *mail, size_t index)
{
	const char *at = strrchr(*mail->from ? mail->from : NULL_SENDER, '@');
	char *id = NULL;
	int rc = asprintf(&id, "<deadmx-%zu@%s>", index,
			  at ? at + 1 : "deadmx.example");

	assert(rc > 0);
	return id;
}

/* Not by strftime(): its names follow the locale. */
static void put_date(FILE *out, int64_t unix_s)
{
	static const char day[] = "SunMonTueWedThuFriSat";
	static const char month[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t t = (time_t)unix_s;
	struct tm tm;

	if (!gmtime_r(&t, &tm))
		return;
	fprintf(out, "Date: %.3s, %d %.3s %04d %02d:%02d:%02d +0000\n",
		day + 3 * tm.tm_wday, tm.tm_mday, month + 3 * tm.tm_mon,
		tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

/* One RFC 2047 word; @len does not cut a character in two. */
static void put_encoded_word(FILE *out, const char *text, size_t len)
{
	fputs("=?utf-8?Q?", out);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		    (c >= 'a' && c <= 'z'))
			fputc(c, out);
		else
			fprintf(out, "=%02X", c);
	}
	fputs("?=", out);
}

static void put_subject(FILE *out, const char *text)
{
	fputs("Subject: ", out);
	if (is_ascii(text)) {
		for (; *text; text++)
			fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
		fputc('\n', out);
		return;
	}
	for (size_t len; *text; text += len) {
		len = strnlen(text, WORD_BYTES);
		while (text[len] && len > 1 && (text[len] & 0xc0) == 0x80)
			len--;
		put_encoded_word(out, text, len);
		if (text[len])
			fputs("\n ", out);
	}
	fputc('\n', out);
}

/* Numbered lines for what is missing of @size, counted with CRLF. */
static void put_lines(FILE *out, uint64_t size)
{
	for (unsigned n = 1; size > 1; n++) {
		char line[PADDING_LINE_MAX];
		int len = snprintf(line, sizeof(line),
				   "%07u The quick brown fox jumps over the "
				   "lazy dog, and on it goes.",
				   n);

		if ((uint64_t)len + 2 > size)
			len = (int)size - 2;
		else if ((uint64_t)len + 3 == size)
			len--; /* no line has one byte */
		fprintf(out, "%.*s\n", len, line);
		size -= (uint64_t)len + 2;
	}
}

/* CR goes: line ends are made where the message is sent. */
static void put_body(FILE *out, const char *text, uint64_t size)
{
	uint64_t len = 0;
	char last = '\n';

	for (; *text; text++) {
		if (*text == '\r')
			continue;
		fputc(*text, out);
		last = *text;
		len += last == '\n' ? 2 : 1;
	}
	if (last != '\n') {
		fputc('\n', out);
		len += 2;
	}
	if (len < size)
		put_lines(out, size - len);
}

char *message_format(const struct deadmx_mail *mail, size_t index,
		     int64_t unix_s, size_t *ret_len)
{
	const char *body = mail->body ? mail->body : "";
	char *text = NULL, *id = message_id(mail, index);
	FILE *out = open_memstream(&text, ret_len);

	assert(out);
	fprintf(out, "From: <%s>\n", *mail->from ? mail->from : NULL_SENDER);
	for (size_t i = 0; i < mail->to_count; i++)
		fprintf(out, "%s<%s>", i ? ",\n\t" : "To: ", mail->to[i]);
	fputc('\n', out);
	put_subject(out, mail->subject ? mail->subject : "");
	put_date(out, unix_s);
	fprintf(out, "Message-ID: %s\n", id);
	if (!is_ascii(body))
		fputs("MIME-Version: 1.0\n"
		      "Content-Type: text/plain; charset=utf-8\n"
		      "Content-Transfer-Encoding: 8bit\n",
		      out);
	fputc('\n', out);
	put_body(out, body, mail->size);
	fclose(out);
	free(id);
	assert(text);
	return text;
}
