/* SPDX-License-Identifier: MIT */
/*
 * SPF records for libspf2: see spf_record.h.
 *
 * What is put right here, each tried with libspf2 1.2.10:
 *
 * - redirect= is taken at its place in the record, RFC 7208 6.1 wants it last,
 *   and not at all when there is an "all".
 * - What is beyond 511 bytes of compiled mechanisms is dropped without an
 *   error, "-all" at the end for one. Each term is compiled by itself and
 *   must come to one mechanism.
 * - %{d2} of a name with two labels or less loses its first letter.
 * - A network of /0 is an error to it.
 * - "a:" without a name, "%" before a wrong letter and a malformed /length
 *   are no errors to it.
 * - A modifier's name may have dots. Modifiers but redirect= have no part in
 *   the result and are left out, exp= among them.
 */
#include "sim/spf_record.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION_LEN (sizeof(SPF_VER_STR) - 1)

/* A term as it is read; @name is behind the qualifier. */
struct term {
	const char *text, *name, *rest; /* rest: from the : = or / on */
	size_t len, name_len, rest_len;
};

struct compiler {
	SPF_request_t *request;
	SPF_record_t *record;
	struct term redirect; /* text NULL: none */
	bool has_all, has_exp;
	char *why;
	size_t why_size;
};

static SPF_errcode_t fail(struct compiler *c, SPF_errcode_t code,
			  const struct term *t, const char *what)
{
	snprintf(c->why, c->why_size, "%s: \"%.*s\": %s", c->request->cur_dom,
		 (int)t->len, t->text, what);
	return code;
}

static bool term_is(const struct term *t, const char *name)
{
	return strlen(name) == t->name_len &&
	       strncasecmp(name, t->name, t->name_len) == 0;
}

static void term_read(struct term *t, const char *text, size_t len)
{
	size_t i = 0;

	*t = (struct term){.text = text, .len = len};
	if (len && strchr("+-~?", text[0]))
		text++, len--;
	while (i < len &&
	       (isalnum((unsigned char)text[i]) || strchr("-_.", text[i])))
		i++;
	t->name = text;
	t->name_len = i;
	t->rest = text + i;
	t->rest_len = len - i;
}

/* --- macros -------------------------------------------------------------- */

/* What a macro letter stands for, where it is known beforehand. */
static const char *macro_value(const SPF_request_t *request, char letter)
{
	switch (tolower((unsigned char)letter)) {
	case 'l':
		return request->env_from_lp;
	case 's':
		return request->env_from;
	case 'o':
		return request->env_from_dp;
	case 'd':
		return request->cur_dom;
	case 'h':
		return request->helo_dom;
	case 'v':
		return "one";
	case 'i':
		return request->client_ver == AF_INET
			       ? "1.2.3.4"
			       : "1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6."
				 "7.8.9.0.1.2.3.4.5.6.7.8.9.0.1.2";
	default:
		return NULL;
	}
}

static unsigned long count_parts(const char *value, const char *delimiters)
{
	unsigned long parts = 1;

	for (; *value; value++)
		parts += strchr(delimiters, *value) != NULL;
	return parts;
}

/*
 * Copy the macro of @len bytes between braces to @out, without its number
 * when that is no less than the parts there are. Returns the bytes written.
 */
static size_t macro_copy(const SPF_request_t *request, const char *macro,
			 size_t len, char *out)
{
	char body[SPF_RECORD_TERM_MAX + 1], *end;
	const char *value = macro_value(request, macro[0]), *delimiters;
	unsigned long keep;

	memcpy(body, macro, len);
	body[len] = '\0';
	if (value && len > 1 && isdigit((unsigned char)body[1])) {
		keep = strtoul(body + 1, &end, 10);
		delimiters = end + (*end == 'r');
		if (keep &&
		    keep >= count_parts(value, *delimiters ? delimiters : "."))
			memmove(body + 1, end, strlen(end) + 1);
	}
	len = strlen(body);
	memcpy(out, body, len);
	return len;
}

/* @t with its macros put right, into @out. NULL, or what is wrong. */
static const char *term_copy(const SPF_request_t *request, const struct term *t,
			     char *out, size_t *ret_len)
{
	size_t used = 0, macros = 0, i = 0;

	while (i < t->len) {
		const char *p = t->text + i, *end;

		if (*p != '%') {
			out[used++] = *p;
			i++;
			continue;
		}
		if (i + 1 == t->len || !strchr("{%_-", p[1]))
			return "a % that is no macro";
		out[used++] = *p;
		out[used++] = p[1];
		i += 2;
		if (p[1] != '{')
			continue;
		end = memchr(p, '}', t->len - (size_t)(p - t->text));
		if (!end || end == p + 2)
			return "a macro without letter or end";
		if (++macros > SPF_RECORD_MACROS_MAX)
			return "too many macros";
		used += macro_copy(request, p + 2, (size_t)(end - p) - 2,
				   out + used);
		i = (size_t)(end - t->text);
	}
	*ret_len = used;
	return NULL;
}

/* --- mechanisms ---------------------------------------------------------- */

static size_t skip_digits(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && isdigit((unsigned char)text[i]))
		i++;
	return i;
}

/* "/24", "//64", "/24//64" and nothing else (RFC 7208 5.6, dual). */
static bool is_cidr(const char *text, size_t len)
{
	size_t n = 0;

	if (len > 1 && text[1] != '/') {
		n = skip_digits(text + 1, len - 1);
		if (!n || n > 3)
			return false;
		n++;
	}
	if (n == len)
		return true;
	if (len - n < 3 || text[n] != '/' || text[n + 1] != '/')
		return false;
	text += n + 2;
	len -= n + 2;
	return len <= 3 && skip_digits(text, len) == len;
}

/* What libspf2 lets pass. NULL, or what is wrong. */
static const char *term_check(const struct term *t)
{
	const char *slash;

	if (term_is(t, "redirect"))
		return "redirect is a modifier: redirect=DOMAIN";
	if (t->rest_len && t->rest[0] == ':' &&
	    (t->rest_len == 1 || t->rest[1] == '/'))
		return "a name is missing";
	if (!term_is(t, "a") && !term_is(t, "mx"))
		return NULL;
	slash = memrchr(t->rest, '}', t->rest_len);
	slash = slash ? slash : t->rest;
	slash = memchr(slash, '/', t->rest_len - (size_t)(slash - t->rest));
	if (slash && !is_cidr(slash, t->rest_len - (size_t)(slash - t->rest)))
		return "malformed network length";
	return NULL;
}

/* Is it ip4:ADDRESS/0 or ip6:ADDRESS/0? Then for which version of IP? */
static int term_all_of(const struct term *t)
{
	int family = term_is(t, "ip4") ? AF_INET : AF_INET6;
	char address[INET6_ADDRSTRLEN];
	unsigned char raw[16];
	size_t len = t->rest_len;

	if (family == AF_INET6 && !term_is(t, "ip6"))
		return 0;
	if (len < 4 || len - 3 >= sizeof(address) || t->rest[0] != ':' ||
	    memcmp(t->rest + len - 2, "/0", 2) != 0)
		return 0;
	memcpy(address, t->rest + 1, len - 3);
	address[len - 3] = '\0';
	return inet_pton(family, address, raw) == 1 ? family : 0;
}

/* --- compiling ----------------------------------------------------------- */

static void record_append(SPF_record_t *record, const SPF_record_t *one)
{
	size_t len = record->mech_len + one->mech_len;
	char *mechs = realloc(record->mech_first, len);

	assert(mechs);
	memcpy(mechs + record->mech_len, one->mech_first, one->mech_len);
	record->mech_first = (SPF_mech_t *)mechs;
	record->mech_size = record->mech_len = len;
	record->num_mech = (unsigned char)(record->num_mech + one->num_mech);
}

static const char *first_error(SPF_response_t *response, SPF_errcode_t code)
{
	for (int i = 0; i < SPF_response_messages(response); i++) {
		SPF_error_t *e = SPF_response_message(response, i);

		if (SPF_error_errorp(e))
			return SPF_error_message(e);
	}
	return code == SPF_E_SUCCESS ? "malformed" : SPF_strerror(code);
}

/* Compile @text, which is @t or stands for it, and append it. */
static SPF_errcode_t compile_text(struct compiler *c, const struct term *t,
				  const char *text, size_t len)
{
	char record[sizeof(SPF_VER_STR) + SPF_RECORD_TERM_MAX + 1];
	SPF_response_t *response = SPF_response_new(c->request);
	SPF_record_t *one = NULL;
	SPF_errcode_t code;

	assert(response);
	snprintf(record, sizeof(record), SPF_VER_STR " %.*s", (int)len, text);
	code = SPF_record_compile(c->request->spf_server, response, &one,
				  record);
	if (code != SPF_E_SUCCESS || one->num_mech != 1) {
		fail(c, code, t, first_error(response, code));
		code = code == SPF_E_SUCCESS ? SPF_E_SYNTAX : code;
	} else {
		record_append(c->record, one);
	}
	if (one)
		SPF_record_free(one);
	SPF_response_free(response);
	return code;
}

static SPF_errcode_t compile_term(struct compiler *c, const struct term *t)
{
	char text[SPF_RECORD_TERM_MAX + 1];
	const char *wrong;
	size_t len = 0;

	if (t->len > SPF_RECORD_TERM_MAX)
		return fail(c, SPF_E_BIG_STRING, t, "too long");
	if (c->record->num_mech == SPF_RECORD_TERMS_MAX)
		return fail(c, SPF_E_BIG_MECH, t, "too many terms before it");
	wrong = term_copy(c->request, t, text, &len);
	if (wrong)
		return fail(c, SPF_E_INVALID_ESC, t, wrong);
	return compile_text(c, t, text, len);
}

static SPF_errcode_t compile_mechanism(struct compiler *c, const struct term *t)
{
	const char *wrong = term_check(t);
	int family = term_all_of(t);
	char text[] = "?all";

	if (wrong)
		return fail(c, SPF_E_SYNTAX, t, wrong);
	if (term_is(t, "all"))
		c->has_all = true;
	if (!family)
		return compile_term(c, t);
	if (family != c->request->client_ver)
		return SPF_E_SUCCESS;
	text[0] = t->name > t->text ? t->text[0] : '+';
	return compile_text(c, t, text, strlen(text));
}

static SPF_errcode_t compile_modifier(struct compiler *c, const struct term *t)
{
	if (!t->name_len || !isalpha((unsigned char)t->name[0]))
		return fail(c, SPF_E_SYNTAX, t, "a modifier without name");
	if (term_is(t, "exp")) {
		if (c->has_exp)
			return fail(c, SPF_E_SYNTAX, t, "a second exp=");
		c->has_exp = true;
	} else if (term_is(t, "redirect")) {
		if (c->redirect.text)
			return fail(c, SPF_E_SYNTAX, t, "a second redirect=");
		if (t->rest_len < 2)
			return fail(c, SPF_E_SYNTAX, t, "a name is missing");
		c->redirect = *t;
	}
	return SPF_E_SUCCESS;
}

static SPF_errcode_t compile_all(struct compiler *c, const char *text,
				 size_t len)
{
	SPF_errcode_t code = SPF_E_SUCCESS;
	size_t i = VERSION_LEN;

	while (i < len && code == SPF_E_SUCCESS) {
		const char *end = memchr(text + i, ' ', len - i);
		size_t n = end ? (size_t)(end - text) - i : len - i;
		struct term t;

		term_read(&t, text + i, n);
		i += n + 1;
		if (!n)
			continue;
		/* Modifiers have no qualifier; libspf2 says so. */
		if (t.rest_len && t.rest[0] == '=' && t.name == t.text)
			code = compile_modifier(c, &t);
		else
			code = compile_mechanism(c, &t);
	}
	if (code == SPF_E_SUCCESS && c->redirect.text && !c->has_all)
		code = compile_term(c, &c->redirect);
	return code;
}

bool spf_record_is_one(const char *text, size_t len)
{
	return len >= VERSION_LEN &&
	       strncasecmp(text, SPF_VER_STR, VERSION_LEN) == 0 &&
	       (len == VERSION_LEN || text[VERSION_LEN] == ' ');
}

SPF_errcode_t spf_record_compile(SPF_request_t *request, const char *text,
				 size_t len, SPF_record_t **ret, char *why,
				 size_t size)
{
	struct compiler c = {
		.request = request,
		.record = SPF_record_new(request->spf_server, ""),
		.why = why,
		.why_size = size,
	};
	SPF_errcode_t code;

	assert(c.record && spf_record_is_one(text, len));
	c.record->version = 1;
	for (size_t i = 0; i < len; i++) {
		if (text[i] >= ' ' && text[i] <= '~')
			continue;
		snprintf(why, size,
			 "%s: the record holds a byte that is no "
			 "printable ASCII",
			 request->cur_dom);
		SPF_record_free(c.record);
		return SPF_E_INVALID_CHAR;
	}
	code = compile_all(&c, text, len);
	if (code == SPF_E_SUCCESS)
		*ret = c.record;
	else
		SPF_record_free(c.record);
	return code;
}
