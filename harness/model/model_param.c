/* SPDX-License-Identifier: MIT */
/* MAIL and RCPT as the model MTA reads them: see model_param.h. */
#include "harness/model/model_param.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	ENVID_MAX = 100, /* RFC 3461 4.4 */
	ORCPT_MAX = 500, /* RFC 3461 4.2 */
	PATH_MAX_BYTES = 320,
	BY_DIGITS_MAX = 9, /* RFC 2852 4 */
};

static const char bad_syntax[] = "501 5.5.4 Syntax error in parameters";

/* The path between < and >; NULL when there is none. @rest: behind it. */
static char *path_take(char *args, char **rest)
{
	char *end;

	args += strspn(args, " ");
	if (*args != '<')
		return NULL;
	end = strchr(args, '>');
	if (!end || (end[1] && end[1] != ' '))
		return NULL;
	*rest = *(end + 1) ? end + 2 : end + 1;
	*end = '\0';
	return args + 1;
}

/* Control characters would get into the headers of a report. */
static bool is_path(const char *path)
{
	const char *at = strrchr(path, '@');

	for (const char *p = path; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	return at && at != path && at[1] && strlen(path) <= PATH_MAX_BYTES &&
	       !strpbrk(path, " \t<>");
}

static bool is_xtext(const char *text, size_t max)
{
	return *text && strlen(text) <= max && !strchr(text, '=');
}

/* KEY=VALUE or KEY; false at the end. */
static bool param_next(char **rest, char **ret_key, char **ret_value)
{
	char *word = strtok_r(NULL, " ", rest), *equals;

	if (!word)
		return false;
	equals = strchr(word, '=');
	*ret_key = word;
	*ret_value = equals ? equals + 1 : NULL;
	if (equals)
		*equals = '\0';
	return true;
}

/* BY=600;R or BY=120;NT */
static bool by_read(struct model_message *m, const char *value, int64_t now_ms)
{
	char *end;
	long long seconds;

	if (strspn(value, "-+0123456789") > BY_DIGITS_MAX + 1)
		return false;
	seconds = strtoll(value, &end, 10);
	if (*end != ';' || !end[1])
		return false;
	m->by_mode = (char)(end[1] & ~0x20);
	m->by_trace = (end[2] & ~0x20) == 'T';
	if (end[m->by_trace ? 3 : 2])
		return false;
	m->by_ms = now_ms + seconds * 1000;
	if (m->by_mode != 'R' && m->by_mode != 'N')
		return false;
	return m->by_mode == 'N' || seconds > 0;
}

static const char *mail_param(struct model_message *m, const char *key,
			      const char *value, int64_t now_ms)
{
	if (strcasecmp(key, "SMTPUTF8") == 0 && !value)
		m->is_utf8 = true;
	else if (!value)
		return "555 5.5.4 Unknown parameter";
	else if (strcasecmp(key, "SIZE") == 0)
		return strtoull(value, NULL, 10) > MODEL_MESSAGE_BYTES_MAX
			       ? "552 5.3.4 Message too big"
			       : NULL;
	else if (strcasecmp(key, "BODY") == 0)
		return strcasecmp(value, "7BIT") == 0 ||
				       strcasecmp(value, "8BITMIME") == 0
			       ? NULL
			       : bad_syntax;
	else if (strcasecmp(key, "RET") == 0 && !m->ret &&
		 (strcasecmp(value, "FULL") == 0 ||
		  strcasecmp(value, "HDRS") == 0))
		model_set(&m->ret, value);
	else if (strcasecmp(key, "ENVID") == 0 && !m->envid &&
		 is_xtext(value, ENVID_MAX))
		model_set(&m->envid, value);
	else if (strcasecmp(key, "BY") == 0 && !m->by_mode)
		return by_read(m, value, now_ms) ? NULL : bad_syntax;
	else
		return bad_syntax;
	return NULL;
}

const char *model_param_mail(char *args, int64_t now_ms,
			     struct model_message **ret)
{
	char *rest, *key, *value, *path = path_take(args, &rest);
	const char *reply = NULL;
	struct model_message *m;

	if (!path || (*path && !is_path(path)))
		return "501 5.1.7 Bad sender address";
	m = model_message_new(path);
	while (!reply && param_next(&rest, &key, &value))
		reply = mail_param(m, key, value, now_ms);
	if (reply)
		model_message_free(m);
	else
		*ret = m;
	return reply;
}

static bool is_notify(const char *value)
{
	char copy[64], *rest = copy, *word;

	if (strcasecmp(value, "NEVER") == 0)
		return true;
	if (strlen(value) >= sizeof(copy))
		return false;
	memcpy(copy, value, strlen(value) + 1);
	while ((word = strsep(&rest, ",")))
		if (strcasecmp(word, "SUCCESS") != 0 &&
		    strcasecmp(word, "FAILURE") != 0 &&
		    strcasecmp(word, "DELAY") != 0)
			return false;
	return true;
}

static const char *rcpt_param(struct model_recipient *r, const char *key,
			      const char *value)
{
	if (!value)
		return "555 5.5.4 Unknown parameter";
	if (strcasecmp(key, "NOTIFY") == 0 && !r->notify && is_notify(value))
		model_set(&r->notify, value);
	else if (strcasecmp(key, "ORCPT") == 0 && !r->orcpt &&
		 strchr(value, ';') && is_xtext(value, ORCPT_MAX))
		model_set(&r->orcpt, value);
	else
		return bad_syntax;
	return NULL;
}

const char *model_param_rcpt(char *args, struct model_message *m)
{
	char *rest, *key, *value, *path = path_take(args, &rest);
	struct model_recipient *r;
	const char *reply = NULL;

	if (!path || !is_path(path))
		return "501 5.1.3 Bad recipient address";
	if (m->recipient_count >= MODEL_RECIPIENTS_MAX)
		return "452 4.5.3 Too many recipients";
	r = model_message_add(m, path);
	while (!reply && param_next(&rest, &key, &value))
		reply = rcpt_param(r, key, value);
	if (!reply)
		return NULL;
	free(r->to);
	free(r->notify);
	free(r->orcpt);
	m->recipient_count--;
	return reply;
}
