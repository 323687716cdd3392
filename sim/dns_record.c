/* SPDX-License-Identifier: MIT */
/* Single DNS records: see dns_record.h. */
#include "sim/dns_record.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
	STRING_MAX = 255, /* bytes of a character-string, RFC 1035 3.3 */
};

static const ldns_rr_type record_types[] = {
	[DEADMX_RECORD_MX] = LDNS_RR_TYPE_MX,
	[DEADMX_RECORD_A] = LDNS_RR_TYPE_A,
	[DEADMX_RECORD_AAAA] = LDNS_RR_TYPE_AAAA,
	[DEADMX_RECORD_CNAME] = LDNS_RR_TYPE_CNAME,
	[DEADMX_RECORD_TXT] = LDNS_RR_TYPE_TXT,
};

_Static_assert(sizeof(record_types) / sizeof(record_types[0]) ==
		       DEADMX_RECORD_COUNT,
	       "every record type has its number");

ldns_rr_type dns_record_type(enum deadmx_record_type type)
{
	assert((unsigned)type < DEADMX_RECORD_COUNT);
	return record_types[type];
}

int dns_record_given_type(ldns_rr_type type)
{
	for (int i = 0; i < DEADMX_RECORD_COUNT; i++)
		if (record_types[i] == type)
			return i;
	return -1;
}

/* --- from words ---------------------------------------------------------- */

/* The text in strings of 255 bytes; a reader joins them. */
static void txt_fill(ldns_rr *rr, const char *text)
{
	size_t left = strlen(text), len;
	uint8_t string[1 + STRING_MAX];

	do {
		len = left < STRING_MAX ? left : STRING_MAX;
		string[0] = (uint8_t)len;
		memcpy(string + 1, text, len);
		ldns_rr_push_rdf(rr, ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR,
							   1 + len, string));
		text += len;
		left -= len;
	} while (left);
}

/* False when the value is malformed. */
static bool value_fill(ldns_rr *rr, const struct deadmx_record *record)
{
	ldns_rdf *value = NULL;

	switch (record->type) {
	case DEADMX_RECORD_TXT:
		txt_fill(rr, record->value);
		return true;
	case DEADMX_RECORD_MX:
		ldns_rr_push_rdf(rr, ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16,
							   record->preference));
		value = ldns_dname_new_frm_str(record->value);
		break;
	case DEADMX_RECORD_CNAME:
		value = ldns_dname_new_frm_str(record->value);
		break;
	case DEADMX_RECORD_A:
		value = ldns_rdf_new_frm_str(LDNS_RDF_TYPE_A, record->value);
		break;
	case DEADMX_RECORD_AAAA:
		value = ldns_rdf_new_frm_str(LDNS_RDF_TYPE_AAAA, record->value);
		break;
	case DEADMX_RECORD_COUNT:
		break;
	}
	if (value)
		ldns_rr_push_rdf(rr, value);
	return value != NULL;
}

ldns_rr *dns_record_new(const char *owner, const struct deadmx_record *record,
			uint32_t ttl_s)
{
	ldns_rdf *name = ldns_dname_new_frm_str(owner);
	ldns_rr *rr = ldns_rr_new();

	assert(rr);
	ldns_rr_set_class(rr, LDNS_RR_CLASS_IN);
	ldns_rr_set_type(rr, dns_record_type(record->type));
	ldns_rr_set_ttl(rr, ttl_s);
	if (!name || !value_fill(rr, record)) {
		ldns_rdf_deep_free(name);
		ldns_rr_free(rr);
		return NULL;
	}
	ldns_dname2canonical(name);
	ldns_rr_set_owner(rr, name);
	return rr;
}

/* --- to text ------------------------------------------------------------- */

/* "mx.dest.example" for the name in @rdf, in small letters; malloc'd. */
static char *name_text(const ldns_rdf *rdf)
{
	char *text = ldns_rdf2str(rdf);
	size_t len;

	assert(text);
	len = strlen(text);
	if (len && text[len - 1] == '.')
		text[len - 1] = '\0';
	for (char *p = text; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return text;
}

/* The strings of a TXT record in one: each is behind its length. */
static void txt_read(const ldns_rr *rr, struct dns_record *ret)
{
	size_t size = 1;

	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
		size += ldns_rdf_size(ldns_rr_rdf(rr, i));
	ret->value = calloc(1, size);
	assert(ret->value);
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
		size_t len = ldns_rdf_size(rdf);

		if (len < 2)
			continue;
		memcpy(ret->value + ret->value_len, ldns_rdf_data(rdf) + 1,
		       len - 1);
		ret->value_len += len - 1;
	}
}

void dns_record_read(const ldns_rr *rr, struct dns_record *ret)
{
	const ldns_rdf *value = ldns_rr_rdf(rr, 0);

	*ret = (struct dns_record){.type = (uint16_t)ldns_rr_get_type(rr),
				   .ttl_s = ldns_rr_ttl(rr),
				   .owner = name_text(ldns_rr_owner(rr))};
	if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_TXT) {
		txt_read(rr, ret);
		return;
	}
	if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_MX) {
		ret->preference = ldns_rdf2native_int16(value);
		value = ldns_rr_rdf(rr, 1);
	}
	if (ldns_rdf_get_type(value) == LDNS_RDF_TYPE_DNAME)
		ret->value = name_text(value);
	else
		ret->value = ldns_rdf2str(value);
	assert(ret->value);
	ret->value_len = strlen(ret->value);
}

void dns_record_release(struct dns_record *r)
{
	free(r->owner);
	free(r->value);
	*r = (struct dns_record){0};
}
