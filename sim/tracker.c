/* SPDX-License-Identifier: MIT */
/* Which recipients are still open: see tracker.h. */
#include "sim/tracker.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/message.h"

struct tracked {
	const struct deadmx_mail *mail;
	char *id;
	bool *ended; /* per recipient */
};

struct tracker {
	struct tracked *mails;
	size_t mail_count;
	size_t open;
};

struct tracker *tracker_new(const struct deadmx_scenario *scenario)
{
	struct tracker *t = calloc(1, sizeof(*t));

	assert(t);
	t->mail_count = scenario->mail_count;
	t->mails = calloc(t->mail_count + 1, sizeof(*t->mails));
	assert(t->mails);
	for (size_t i = 0; i < t->mail_count; i++) {
		struct tracked *m = &t->mails[i];

		m->mail = &scenario->mails[i];
		m->id = message_id(m->mail, i);
		m->ended = calloc(m->mail->to_count + 1, sizeof(*m->ended));
		assert(m->ended);
		t->open += m->mail->to_count;
	}
	return t;
}

void tracker_free(struct tracker *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->mail_count; i++) {
		free(t->mails[i].id);
		free(t->mails[i].ended);
	}
	free(t->mails);
	free(t);
}

size_t tracker_open_count(const struct tracker *t)
{
	return t->open;
}

static void end(struct tracker *t, struct tracked *m, size_t recipient)
{
	if (m->ended[recipient])
		return;
	m->ended[recipient] = true;
	t->open--;
}

void tracker_not_injected(struct tracker *t, size_t index)
{
	assert(index < t->mail_count);
	for (size_t i = 0; i < t->mails[index].mail->to_count; i++)
		end(t, &t->mails[index], i);
}

static const char *find(const char *text, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (; len >= n; text++, len--)
		if (strncasecmp(text, word, n) == 0)
			return text;
	return NULL;
}

static bool is_address_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr(".-_+=%!#$&*/?^{|}~", c));
}

/* @address on its own, not as the end or head of a longer one. */
static bool names_address(const char *text, size_t len, const char *address)
{
	const char *end_of_text = text + len, *p = text;
	size_t n = strlen(address);

	while ((p = find(p, (size_t)(end_of_text - p), address))) {
		const char *after = p + n;

		if ((p == text || !is_address_char(p[-1])) &&
		    (after == end_of_text || *after == '.' ||
		     !is_address_char(*after)))
			return true;
		p++;
	}
	return false;
}

/* Length of the lines up to the next empty one. */
static size_t paragraph_length(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len) {
		const char *lf = memchr(text + i, '\n', len - i);
		size_t next = lf ? (size_t)(lf - text) + 1 : len;

		if (text[i] == '\n' || (text[i] == '\r' && next == i + 2))
			return i ? i : next;
		i = next;
	}
	return len;
}

/* Does a line of the paragraph say "Action: failed"? */
static bool says_failed(const char *text, size_t len)
{
	const char *p = text, *end_of_text = text + len;

	while ((p = find(p, (size_t)(end_of_text - p), "action:"))) {
		const char *value = p + strlen("action:");

		while (value < end_of_text && (*value == ' ' || *value == '\t'))
			value++;
		if ((p == text || p[-1] == '\n') && end_of_text - value >= 6 &&
		    strncasecmp(value, "failed", 6) == 0)
			return true;
		p++;
	}
	return false;
}

/* The mail whose Message-ID stands right at @text; NULL when none does. */
static struct tracked *mail_at(struct tracker *t, const char *text, size_t len)
{
	static const char head[] = "<deadmx-";
	size_t n = strlen(head), index = 0;

	if (len < n || memcmp(text, head, n) != 0)
		return NULL;
	for (; n < len && text[n] >= '0' && text[n] <= '9'; n++) {
		index = index * 10 + (size_t)(text[n] - '0');
		if (index >= t->mail_count)
			return NULL;
	}
	if (index >= t->mail_count)
		return NULL;
	n = strlen(t->mails[index].id);
	if (len < n || strncasecmp(text, t->mails[index].id, n) != 0)
		return NULL;
	return &t->mails[index];
}

/* The first mail whose Message-ID stands anywhere in @text. */
static struct tracked *mail_in(struct tracker *t, const char *text, size_t len)
{
	struct tracked *m = NULL;

	for (; len && !m; text++, len--)
		if (*text == '<')
			m = mail_at(t, text, len);
	return m;
}

/* The mail that a message with this header is: by its own Message-ID, not
 * by one that a bounce refers to. */
static struct tracked *mail_of(struct tracker *t, const char *header,
			       size_t len)
{
	static const char field[] = "message-id:";
	const char *p = header, *end_of_header = header + len;

	while ((p = find(p, (size_t)(end_of_header - p), field))) {
		const char *value = p + strlen(field);

		while (value < end_of_header && strchr(" \t\r\n", *value))
			value++;
		if (p == header || p[-1] == '\n')
			return mail_at(t, value,
				       (size_t)(end_of_header - value));
		p++;
	}
	return NULL;
}

static bool in_list(char *const *list, size_t count, const char *address)
{
	for (size_t i = 0; i < count; i++)
		if (strcasecmp(list[i], address) == 0)
			return true;
	return false;
}

/* End the recipients of @m that the paragraph names. True when any. */
static bool end_named(struct tracker *t, struct tracked *m, const char *text,
		      size_t len)
{
	bool any = false;

	for (size_t i = 0; i < m->mail->to_count; i++) {
		if (m->ended[i] || !names_address(text, len, m->mail->to[i]))
			continue;
		end(t, m, i);
		any = true;
	}
	return any;
}

/*
 * A per-recipient block that says "failed". When nothing in the message
 * tells which mail it is about, it is the first that fits: each gets its own.
 */
static void bounce_paragraph(struct tracker *t,
			     const struct smtp_envelope *envelope,
			     struct tracked *known, const char *text,
			     size_t len)
{
	for (size_t i = 0; i < t->mail_count; i++) {
		struct tracked *m = &t->mails[i];

		if (known && m != known)
			continue;
		if (!in_list(envelope->to, envelope->to_count, m->mail->from))
			continue;
		if (end_named(t, m, text, len))
			return;
	}
}

static void bounce(struct tracker *t, const struct smtp_envelope *envelope,
		   const char *data, size_t len)
{
	struct tracked *known = mail_in(t, data, len);

	while (len) {
		size_t n = paragraph_length(data, len);

		if (says_failed(data, n))
			bounce_paragraph(t, envelope, known, data, n);
		data += n;
		len -= n;
	}
}

static bool is_mx_for(const struct deadmx_server *server, const char *address)
{
	const char *at = strrchr(address, '@');

	return at && deadmx_server_takes(server, at + 1);
}

/* @known: by its Message-ID, else the first mail from there that fits. */
static void delivery(struct tracker *t, const struct smtp_envelope *envelope,
		     struct tracked *known, const char *to)
{
	for (size_t i = 0; i < t->mail_count; i++) {
		struct tracked *m = &t->mails[i];

		if (known ? m != known
			  : strcasecmp(m->mail->from, envelope->from) != 0)
			continue;
		for (size_t j = 0; j < m->mail->to_count; j++) {
			if (m->ended[j] || strcasecmp(m->mail->to[j], to) != 0)
				continue;
			end(t, m, j);
			return;
		}
	}
}

void tracker_message(struct tracker *t, const struct deadmx_server *server,
		     const struct smtp_envelope *envelope, const char *data,
		     size_t len)
{
	struct tracked *known =
		len ? mail_of(t, data, paragraph_length(data, len)) : NULL;

	for (size_t i = 0; i < envelope->to_count; i++)
		if (is_mx_for(server, envelope->to[i]))
			delivery(t, envelope, known, envelope->to[i]);
	if (!*envelope->from && len)
		bounce(t, envelope, data, len);
}
