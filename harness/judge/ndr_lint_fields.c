/* SPDX-License-Identifier: MIT */
/*
 * The checks of single fields: their "type; value" forms (RFC 3464 2.1.2),
 * the numbers of RFC 3463, and what RFC 6533 adds for addresses in UTF-8.
 * Only rules whose text was read stand here.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "deadmx/utf8.h"
#include "harness/judge/ndr.h"

/* RFC 3464 2.2, in its order. */
#define MESSAGE_FIELDS                                                         \
	"Original-Envelope-Id, Reporting-MTA, DSN-Gateway, "                   \
	"Received-From-MTA, Arrival-Date"

/* An atom of RFC 822: neither blanks, nor controls, nor specials. */
static bool lint_is_atom(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f ||
		    strchr("()<>@,;:\\\".[]", text[i]))
			return false;
	return len > 0;
}

static void lint_type(struct deadmx_ndr *ndr, const char *field,
		      const char *type)
{
	if (type && *type && !lint_is_atom(type, strlen(type)))
		ndr_find(ndr, FINDING_TYPE, DEADMX_NDR_MUST,
			 "one word before the semicolon, such as rfc822, dns "
			 "or smtp",
			 "%s: \"%s\"", field, type);
}

/* "dns; mx.dest.example (192.0.2.1)": a host's name, then a comment at most. */
static bool lint_is_host(const char *name)
{
	size_t len = strcspn(name, " \t(");
	const char *rest = name + len + strspn(name + len, " \t");

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) &&
		    (unsigned char)name[i] < 0x80 && !strchr("-_.:[]", name[i]))
			return false;
	return len && (!*rest || *rest == '(');
}

/* Bytes of what stands before the semicolon; 0 without one. */
static size_t lint_type_len(const char *value)
{
	const char *semicolon = strchr(value, ';');
	size_t len = semicolon ? (size_t)(semicolon - value) : 0;

	while (len && isspace((unsigned char)value[len - 1]))
		len--;
	return len;
}

static bool lint_mta_valid(const char *value)
{
	size_t len = lint_type_len(value);
	const char *name;

	if (!len)
		return false;
	name = strchr(value, ';') + 1;
	name += strspn(name, " \t");
	if (len == 3 && strncasecmp(value, "dns", 3) == 0)
		return lint_is_host(name);
	return *name != '\0';
}

static void lint_mta(struct deadmx_ndr *ndr, enum finding_id id,
		     const char *field, const char *value)
{
	if (!value)
		return;
	if (!lint_mta_valid(value))
		ndr_find(ndr, id, DEADMX_NDR_MUST,
			 "name-type; name, such as dns; mx.dest.example",
			 "%s: \"%s\"", field, value);
	else if (!lint_is_atom(value, lint_type_len(value)))
		ndr_find(ndr, FINDING_TYPE, DEADMX_NDR_MUST,
			 "one word before the semicolon, such as dns",
			 "%s: \"%s\"", field, value);
}

/* RFC 3461 6.3 b: of type dns is only a full domain name, or an address. */
static void lint_domain(struct deadmx_ndr *ndr)
{
	const char *name = ndr->reporting_mta;

	if (!name || !lint_mta_valid(name) || lint_type_len(name) != 3 ||
	    strncasecmp(name, "dns", 3) != 0)
		return;
	name = strchr(name, ';') + 1;
	name += strspn(name, " \t");
	if (*name != '[' && !memchr(name, '.', strcspn(name, " \t(")))
		ndr_find(ndr, FINDING_NO_FQDN, DEADMX_NDR_SHOULD,
			 "a full domain name, or a type other than dns",
			 "Reporting-MTA: %s", ndr->reporting_mta);
}

static void lint_message(struct deadmx_ndr *ndr)
{
	const char *from = ndr->received_from_mta;

	if (!ndr->reporting_mta)
		ndr_find(ndr, FINDING_REPORTING_MTA, DEADMX_NDR_MUST,
			 "Reporting-MTA: name-type; name", "no Reporting-MTA");
	lint_mta(ndr, FINDING_REPORTING_MTA, "Reporting-MTA",
		 ndr->reporting_mta);
	lint_domain(ndr);
	lint_mta(ndr, FINDING_DSN_GATEWAY, "DSN-Gateway", ndr->dsn_gateway);
	lint_mta(ndr, FINDING_RECEIVED_FROM, "Received-From-MTA", from);
	if (from && strncasecmp(from, "dns", 3) == 0 && !strchr(from, '('))
		ndr_find(ndr, FINDING_CLIENT_ADDRESS, DEADMX_NDR_SHOULD,
			 "dns; the name of HELO (the client's address)",
			 "Received-From-MTA: %s", from);
	if (ndr->has_repeated_field)
		ndr_find(ndr, FINDING_MESSAGE_FIELD_REPEATED, DEADMX_NDR_MUST,
			 "each per-message field at most once", "one twice");
	/* As with the recipients' fields: an order, but no word about it. The
	 * last is RFC 2852's. */
	if (ndr->is_out_of_order)
		ndr_find(ndr, FINDING_MESSAGE_FIELD_ORDER, DEADMX_NDR_NOTE,
			 ndr->deliver_by_date ? MESSAGE_FIELDS
				 ", Deliver-By-Date"
					      : MESSAGE_FIELDS,
			 "another order");
	if (ndr->extension)
		ndr_find(ndr, FINDING_EXTENSION, DEADMX_NDR_NOTE,
			 "a field of an RFC, or a name that begins with X-",
			 "%s", ndr->extension);
}

/* Details of each subject that RFC 3463 defines, and later ones we know. */
static bool lint_code_known(unsigned subject, unsigned detail)
{
	static const unsigned char last[] = {0, 10, 4, 6, 8, 6, 10, 30};

	return subject < sizeof(last) && detail <= last[subject];
}

/*
 * Codes of which RFC 3463 says "useful only as": '4' a persistent transient
 * error, '5' a permanent one; 0 for any other.
 */
static char lint_only_class(const char *code)
{
	static const char *const transient[] = {"3.1", "4.1", "4.2",
						"4.3", "4.5", "4.6"};
	static const char *const permanent[] = {
		"1.1", "1.2", "1.3", "1.6", "3.4", "5.1", "5.2",
		"5.4", "6.1", "7.1", "7.2", "7.3", "7.4"};

	for (size_t i = 0; i < sizeof(transient) / sizeof(transient[0]); i++)
		if (strcmp(code, transient[i]) == 0)
			return '4';
	for (size_t i = 0; i < sizeof(permanent) / sizeof(permanent[0]); i++)
		if (strcmp(code, permanent[i]) == 0)
			return '5';
	return 0;
}

static void lint_code(struct deadmx_ndr *ndr,
		      const struct deadmx_ndr_recipient *r)
{
	unsigned subject, detail;
	char only;

	if (!r->status || !deadmx_ndr_status_valid(r->status) ||
	    sscanf(r->status + 2, "%3u.%3u", &subject, &detail) != 2)
		return;
	if (!lint_code_known(subject, detail))
		ndr_find(ndr, FINDING_CODE_UNKNOWN, DEADMX_NDR_NOTE,
			 "a code that an RFC defines", "%s", r->status);
	only = lint_only_class(r->status + 2);
	/* What a server said itself ("451 4.7.1" of a greylist) is its word. */
	if (r->diagnostic_code && strstr(r->diagnostic_code, r->status))
		only = 0;
	if (only && r->status[0] != only && r->status[0] != '2')
		ndr_find(ndr, FINDING_CODE_CLASS, DEADMX_NDR_NOTE,
			 only == '4' ? "class 4 with this code"
				     : "class 5 with this code",
			 "%s", r->status);
}

/* utf-8-addr-xtext (RFC 6533 3): QCHAR, and \x{HEX} for all else. */
static bool lint_is_xtext(const char *address)
{
	size_t digits;

	for (; *address; address++) {
		if (*address == '\\') {
			if (strncmp(address, "\\x{", 3) != 0)
				return false;
			digits = strspn(address + 3, "0123456789ABCDEFabcdef");
			if (digits < 2 || digits > 6 ||
			    address[3 + digits] != '}')
				return false;
			address += 3 + digits;
		} else if (*address <= ' ' || *address > '~' ||
			   strchr("+=", *address)) {
			return false;
		}
	}
	return true;
}

static void lint_address(struct deadmx_ndr *ndr, const char *field,
			 const char *type, const char *address)
{
	bool is_utf8;

	lint_type(ndr, field, type);
	if (!type || !address)
		return;
	is_utf8 = strcasecmp(type, "utf-8") == 0;
	if (is_utf8 && !ndr->is_global && deadmx_utf8_is_ascii(address) &&
	    !lint_is_xtext(address))
		ndr_find(ndr, FINDING_UTF8_ADDRESS, DEADMX_NDR_MUST,
			 "\\x{…} for +, =, \\ and blanks", "%s: %s; %s", field,
			 type, address);
	if (is_utf8 && ndr->is_global && strstr(address, "\\x{"))
		ndr_find(ndr, FINDING_UTF8_FORM, DEADMX_NDR_SHOULD,
			 "the letters as they are", "%s: %s; %s", field, type,
			 address);
	if (!is_utf8 && ndr->is_global && !deadmx_utf8_is_ascii(address))
		ndr_find(ndr, FINDING_UTF8_TYPE, DEADMX_NDR_MUST,
			 "type utf-8 for more than ASCII", "%s: %s; %s", field,
			 type, address);
}

/* RFC 3461 9.2: three digits, and a blank, or a hyphen where more follows. */
static void lint_diagnostic(struct deadmx_ndr *ndr,
			    const struct deadmx_ndr_recipient *r)
{
	const char *code = r->diagnostic_code;
	size_t digits;

	if (!code || !r->diagnostic_type ||
	    strcasecmp(r->diagnostic_type, "smtp") != 0)
		return;
	digits = strspn(code, "0123456789");
	if (digits < 3 || (code[digits] && !strchr(" -", code[digits])))
		ndr_find(ndr, FINDING_SMTP_DIAGNOSTIC, DEADMX_NDR_SHOULD,
			 "smtp; the reply as the server gave it, with its code",
			 "smtp; %s", code);
}

static void lint_recipient(struct deadmx_ndr *ndr,
			   const struct deadmx_ndr_recipient *r)
{
	lint_address(ndr, "Original-Recipient", r->original_type,
		     r->original_recipient);
	lint_address(ndr, "Final-Recipient", r->final_type, r->final_recipient);
	lint_type(ndr, "Diagnostic-Code", r->diagnostic_type);
	lint_type(ndr, "Remote-MTA", r->remote_type);
	if (r->original_recipient && (!r->original_type || !*r->original_type ||
				      !*r->original_recipient))
		ndr_find(ndr, FINDING_ORIGINAL_SYNTAX, DEADMX_NDR_MUST,
			 "Original-Recipient: address-type; address",
			 "\"%s\" without an address type",
			 r->original_recipient);
	lint_code(ndr, r);
	lint_diagnostic(ndr, r);
	if (r->has_bad_language)
		ndr_find(ndr, FINDING_LANGUAGE, DEADMX_NDR_MUST,
			 "each Localized-Diagnostic with a language of its own",
			 "one without, or the same twice");
	if (r->languages && !ndr->is_global)
		ndr_find(ndr, FINDING_LANGUAGE_PLACE, DEADMX_NDR_NOTE,
			 "Localized-Diagnostic in message/"
			 "global-delivery-status only",
			 "in message/delivery-status");
}

void ndr_lint_fields(struct deadmx_ndr *ndr)
{
	lint_message(ndr);
	for (size_t i = 0; i < ndr->recipient_count; i++)
		lint_recipient(ndr, &ndr->recipients[i]);
}
