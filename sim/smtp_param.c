/* SPDX-License-Identifier: MIT */
/* The arguments of MAIL and RCPT: see smtp_param.h. */
#include "sim/smtp_param.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int fail(struct smtp_param_error *error, int code, const char *status,
		const char *text)
{
	*error = (struct smtp_param_error){code, status, text};
	return -EINVAL;
}

static bool is_ascii(const char *s)
{
	while (*s && (unsigned char)*s < 0x80)
		s++;
	return !*s;
}

/* RFC 3629, without its finer points: lead and following bytes fit. */
static bool is_utf8(const char *s)
{
	while (*s) {
		unsigned char c = (unsigned char)*s++;
		int more = c < 0x80   ? 0
			   : c < 0xc2 ? -1
			   : c < 0xe0 ? 1
			   : c < 0xf0 ? 2
			   : c < 0xf5 ? 3
				      : -1;

		if (more < 0)
			return false;
		for (; more; more--, s++)
			if (((unsigned char)*s & 0xc0) != 0x80)
				return false;
	}
	return true;
}

static bool is_graph(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	return true;
}

/* Length of "<…>" at @s, quoted strings skipped; 0 when it doesn't end. */
static size_t path_length(const char *s)
{
	bool quoted = false;

	if (s[0] != '<')
		return 0;
	for (size_t i = 1; s[i]; i++) {
		if (s[i] == '\\' && quoted && s[i + 1])
			i++;
		else if (s[i] == '"')
			quoted = !quoted;
		else if (s[i] == '>' && !quoted)
			return i + 1;
	}
	return 0;
}

/* Is it a domain's sort of text; above ASCII, is_utf8() has the say. */
static bool is_domain(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] <= ' ' || s[i] == 0x7f)
			return false;
	return true;
}

/* local@domain, or the one name that needs no domain (RFC 5321 4.5.1). */
static bool is_mailbox(const char *s, size_t len)
{
	const char *at = memrchr(s, '@', len);
	size_t domain = at ? (size_t)(s + len - at - 1) : 0;

	if (!at)
		return len == 10 && strncasecmp(s, "postmaster", len) == 0;
	for (const char *p = s; p < s + len; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	return at > s && domain > 0 && is_domain(at + 1, domain) &&
	       !memchr(at, '<', domain + 1) && !memchr(at, '>', domain + 1);
}

/*
 * @keyword:<path> at @args. A space after the colon is wrong but common, and
 * no MTA's fault that is looked for here. A source route is dropped (RFC
 * 5321 C). @args moves behind the path. The path is malloc'd.
 */
static int parse_path(const char **args, const char *keyword, bool may_be_null,
		      char **ret, struct smtp_param_error *error)
{
	const char *p = *args, *colon;
	size_t len;

	if (strncasecmp(p, keyword, strlen(keyword)) != 0)
		return fail(error, 501, "5.5.4", "Syntax error in parameters");
	p += strlen(keyword);
	p += strspn(p, " ");
	len = path_length(p);
	if (!len || (p[len] && p[len] != ' '))
		return fail(error, 501, "5.1.7", "Path must stand in <>");
	*args = p + len;
	p++;
	len -= 2;
	colon = memchr(p, ':', len);
	if (*p == '@' && colon) {
		len -= (size_t)(colon + 1 - p);
		p = colon + 1;
	}
	if (len ? !is_mailbox(p, len) : !may_be_null)
		return fail(error, 501, "5.1.3", "Bad address syntax");
	*ret = strndup(p, len);
	assert(*ret);
	return 0;
}

static bool is_xtext(const char *s, size_t len)
{
	if (!is_graph(s, len))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '=')
			return false;
		if (s[i] != '+')
			continue;
		if (i + 2 >= len || !strchr("0123456789ABCDEF", s[i + 1]) ||
		    !strchr("0123456789ABCDEF", s[i + 2]))
			return false;
	}
	return true;
}

static bool is_word(const char *s, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(s, word, len) == 0;
}

static bool is_size(const char *s, size_t len, uint64_t *ret)
{
	uint64_t n = 0;

	/* RFC 1870 3: up to 20 digits; nothing near that is accepted. */
	if (!len || len > 20)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		n = n > UINT64_MAX / 100 ? n : n * 10 + (uint64_t)(s[i] - '0');
	}
	*ret = n;
	return true;
}

/* NEVER alone, or a list of the other three (RFC 3461 4.1). */
static bool is_notify(const char *s, size_t len)
{
	if (is_word(s, len, "NEVER"))
		return true;
	for (;;) {
		const char *comma = memchr(s, ',', len);
		size_t n = comma ? (size_t)(comma - s) : len;

		if (!is_word(s, n, "SUCCESS") && !is_word(s, n, "FAILURE") &&
		    !is_word(s, n, "DELAY"))
			return false;
		if (!comma)
			return true;
		s += n + 1;
		len -= n + 1;
	}
}

/*
 * addr-type ";" xtext (RFC 3461 4.2). With SMTPUTF8 the address may also be
 * written as it is (RFC 6533 3): what is above ASCII is not looked at.
 */
static bool is_orcpt(const char *s, size_t len)
{
	const char *semi = memchr(s, ';', len), *address;

	if (!semi || semi == s || len > SMTP_PARAM_ORCPT_MAX ||
	    !is_xtext(s, (size_t)(semi - s)))
		return false;
	address = semi + 1;
	len -= (size_t)(address - s);
	if (strncasecmp(s, "utf-8;", 6) == 0)
		return len && is_domain(address, len);
	return is_xtext(address, len);
}

enum param_id {
	P_SIZE,
	P_BODY,
	P_RET,
	P_ENVID,
	P_UTF8,
	P_NOTIFY,
	P_ORCPT,
	P_COUNT
};

static const struct param {
	const char *name;
	unsigned extension;
	bool of_mail;
} params[P_COUNT] = {
	[P_SIZE] = {"SIZE", SMTP_PARAM_SIZE, true},
	[P_BODY] = {"BODY", SMTP_PARAM_BODY, true},
	[P_RET] = {"RET", SMTP_PARAM_DSN, true},
	[P_ENVID] = {"ENVID", SMTP_PARAM_DSN, true},
	[P_UTF8] = {"SMTPUTF8", SMTP_PARAM_UTF8, true},
	[P_NOTIFY] = {"NOTIFY", SMTP_PARAM_DSN, false},
	[P_ORCPT] = {"ORCPT", SMTP_PARAM_DSN, false},
};

static bool param_value_ok(enum param_id id, const char *s, size_t len,
			   struct smtp_param_mail *mail)
{
	switch (id) {
	case P_SIZE:
		return is_size(s, len, &mail->size);
	case P_BODY:
		return is_word(s, len, "7BIT") || is_word(s, len, "8BITMIME");
	case P_RET:
		return is_word(s, len, "FULL") || is_word(s, len, "HDRS");
	case P_ENVID:
		return len <= SMTP_PARAM_ENVID_MAX && is_xtext(s, len);
	case P_NOTIFY:
		return is_notify(s, len);
	case P_ORCPT:
		return is_orcpt(s, len);
	case P_UTF8: /* has none (RFC 6531 3.4) */
	case P_COUNT:
		break;
	}
	return false;
}

/* "NAME=value", or the name alone where there is no value. */
static bool param_ok(enum param_id id, const char *s, size_t name, size_t len,
		     struct smtp_param_mail *mail)
{
	if (id == P_UTF8)
		mail->utf8 = true;
	if (name == len)
		return id == P_UTF8;
	return param_value_ok(id, s + name + 1, len - name - 1, mail);
}

static int parse_params(const char *s, bool of_mail, unsigned extensions,
			struct smtp_param_mail *mail,
			struct smtp_param_error *error)
{
	unsigned seen = 0;

	for (s += strspn(s, " "); *s; s += strspn(s, " ")) {
		size_t len = strcspn(s, " "), name = strcspn(s, "= ");
		int id = 0;

		while (id < P_COUNT && (params[id].of_mail != of_mail ||
					!is_word(s, name, params[id].name)))
			id++;
		if (id == P_COUNT || !(params[id].extension & extensions))
			return fail(error, 555, "5.5.4",
				    "Unsupported parameter");
		if (seen & (1u << id))
			return fail(error, 501, "5.5.4", "Parameter repeated");
		seen |= 1u << id;
		if (!param_ok((enum param_id)id, s, name, len, mail))
			return fail(error, 501, "5.5.4", "Bad parameter value");
		s += len;
	}
	return 0;
}

/* RFC 6531 3.2, 3.5: who doesn't ask for UTF-8 must not use it. */
static int check_utf8(const char *path, unsigned extensions, bool utf8,
		      struct smtp_param_error *error)
{
	if (is_ascii(path))
		return 0;
	if (!(extensions & SMTP_PARAM_UTF8) || !is_utf8(path))
		return fail(error, 501, "5.1.3", "Bad address syntax");
	if (!utf8)
		return fail(error, 553, "5.6.7", "Address needs SMTPUTF8");
	return 0;
}

static int parse(const char *args, bool of_mail, unsigned extensions,
		 struct smtp_param_mail *mail, struct smtp_param_error *error)
{
	int rc = parse_path(&args, of_mail ? "FROM:" : "TO:", of_mail,
			    &mail->path, error);

	if (rc < 0)
		return rc;
	rc = parse_params(args, of_mail, extensions, mail, error);
	if (rc == 0)
		rc = check_utf8(mail->path, extensions, mail->utf8, error);
	if (rc < 0)
		free(mail->path);
	return rc;
}

int smtp_param_mail(const char *args, unsigned extensions,
		    struct smtp_param_mail *ret, struct smtp_param_error *error)
{
	struct smtp_param_mail mail = {0};
	int rc = parse(args, true, extensions, &mail, error);

	if (rc == 0)
		*ret = mail;
	return rc;
}

int smtp_param_rcpt(const char *args, unsigned extensions, bool utf8,
		    char **ret_path, struct smtp_param_error *error)
{
	struct smtp_param_mail mail = {.utf8 = utf8};
	int rc = parse(args, false, extensions, &mail, error);

	if (rc == 0)
		*ret_path = mail.path;
	return rc;
}
