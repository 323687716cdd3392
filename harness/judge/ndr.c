/* SPDX-License-Identifier: MIT */
#include "harness/judge/ndr.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* clang-format off */
const char *deadmx_ndr_kind_word(enum deadmx_ndr_kind kind)
{
	static const char *const words[] = {
#define XX(uc, word, doc) [DEADMX_NDR_KIND_##uc] = word,
		DEADMX_NDR_KIND_MAP(XX)
#undef XX
	};

	assert((unsigned)kind < DEADMX_NDR_KIND_COUNT);
	return words[kind];
}
/* clang-format on */

/* What programs put before a text in UTF-8. */
#define NDR_UTF8_MARK "\xef\xbb\xbf"

/* What one walk through the parts has met. */
struct ndr_walk {
	struct deadmx_ndr *ndr;
	unsigned parts, leaves;
	GMimePart *plain, *html, *status; /* the first of each; borrowed */
	GMimeObject *original;
};

static bool ndr_type_is(GMimeContentType *type, const char *main,
			const char *sub)
{
	return type && g_mime_content_type_is_type(type, main, sub);
}

static bool ndr_is_original(GMimeContentType *type)
{
	return ndr_type_is(type, "message", "rfc822") ||
	       ndr_type_is(type, "message", "global") ||
	       ndr_type_is(type, "message", "global-headers") ||
	       ndr_type_is(type, "text", "rfc822-headers");
}

static void ndr_original(struct deadmx_ndr *ndr, GMimeContentType *type)
{
	if (ndr->original != DEADMX_NDR_ORIGINAL_NONE)
		return;
	ndr->original =
		ndr_type_is(type, "text", "rfc822-headers") ||
				ndr_type_is(type, "message", "global-headers")
			? DEADMX_NDR_ORIGINAL_HEADERS
			: DEADMX_NDR_ORIGINAL_FULL;
}

static void ndr_walk_leaf(struct ndr_walk *walk, GMimeObject *object)
{
	GMimeContentType *type = g_mime_object_get_content_type(object);
	unsigned leaf = walk->leaves++;

	if (ndr_is_original(type)) {
		ndr_original(walk->ndr, type);
		if (!walk->original)
			walk->original = object;
		return;
	}
	if (!GMIME_IS_PART(object))
		return;
	if (ndr_type_is(type, "message", "delivery-status") ||
	    ndr_type_is(type, "message", "global-delivery-status")) {
		if (!walk->status) {
			walk->status = GMIME_PART(object);
			walk->ndr->is_status_second = leaf == 1;
		}
	} else if (ndr_type_is(type, "text", "html")) {
		if (!walk->html)
			walk->html = GMIME_PART(object);
		walk->ndr->has_text |= leaf == 0;
	} else if (!type || ndr_type_is(type, "text", "*")) {
		if (!walk->plain)
			walk->plain = GMIME_PART(object);
		walk->ndr->has_text |= leaf == 0;
	}
}

/*
 * Depth first, in the order of the message. Returned messages are not
 * entered: a bounce of a bounce has its own status part in there.
 */
static void ndr_walk(struct ndr_walk *walk, GMimeObject *object, int depth)
{
	GMimeMultipart *multipart;
	int count;

	if (depth > DEADMX_NDR_DEPTH_MAX ||
	    ++walk->parts > DEADMX_NDR_PARTS_MAX) {
		walk->ndr->is_truncated = true;
		return;
	}
	if (!GMIME_IS_MULTIPART(object)) {
		ndr_walk_leaf(walk, object);
		return;
	}
	multipart = GMIME_MULTIPART(object);
	count = g_mime_multipart_get_count(multipart);
	for (int i = 0; i < count && walk->parts <= DEADMX_NDR_PARTS_MAX; i++) {
		unsigned first = walk->leaves;

		ndr_walk(walk, g_mime_multipart_get_part(multipart, i),
			 depth + 1);
		/* Text in two forms is one component of the report. */
		if (depth == 1 && walk->leaves > first)
			walk->leaves = first + 1;
	}
}

/* The transfer-decoded bytes of a part, at most @max of them; never NULL. */
static char *ndr_part_bytes(struct deadmx_ndr *ndr, GMimePart *part, size_t max,
			    size_t *ret_len)
{
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	GMimeStream *stream = g_mime_stream_mem_new();
	GByteArray *array;
	char *bytes;

	/* Decoding never makes more of it: the message's own limit holds. */
	if (content)
		g_mime_data_wrapper_write_to_stream(content, stream);
	array = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
	*ret_len = array->len;
	if (*ret_len > max) {
		*ret_len = max;
		ndr->is_truncated = true;
	}
	bytes = malloc(*ret_len + 1);
	assert(bytes);
	if (*ret_len)
		memcpy(bytes, array->data, *ret_len);
	bytes[*ret_len] = '\0';
	g_object_unref(stream);
	return bytes;
}

/*
 * Is @charset one that we let iconv convert? The name comes from a stranger
 * and iconv loads code by name, so only the plain single-byte families, and
 * what Windows calls Unicode.
 */
static bool ndr_charset_known(const char *charset)
{
	return g_ascii_strcasecmp(charset, "utf-16") == 0 ||
	       g_ascii_strcasecmp(charset, "utf-16le") == 0 ||
	       g_ascii_strcasecmp(charset, "utf-16be") == 0 ||
	       g_ascii_strncasecmp(charset, "iso-8859-", 9) == 0 ||
	       g_ascii_strncasecmp(charset, "windows-125", 11) == 0;
}

static char *ndr_utf8(const char *bytes, size_t len, const char *charset)
{
	bool is_wide =
		charset && g_ascii_strncasecmp(charset, "utf-16", 6) == 0;
	char *text = NULL, *ret;

	if (is_wide)
		len &= ~(size_t)1; /* half a letter is none */
	if (charset && strlen(charset) < 16 && ndr_charset_known(charset))
		text = g_convert_with_fallback(bytes, (gssize)len, "UTF-8",
					       charset, "?", NULL, NULL, NULL);
	if (!text)
		text = g_utf8_make_valid(bytes, (gssize)len);
	/* A byte order mark is no part of the text. */
	ret = strdup(strncmp(text, NDR_UTF8_MARK, 3) == 0 ? text + 3 : text);
	assert(ret);
	g_free(text);
	return ret;
}

static char *ndr_part_text(struct deadmx_ndr *ndr, GMimePart *part)
{
	const char *charset = g_mime_object_get_content_type_parameter(
		GMIME_OBJECT(part), "charset");
	size_t len;
	char *bytes = ndr_part_bytes(ndr, part, DEADMX_NDR_TEXT_MAX, &len);
	char *text = ndr_utf8(bytes, len, charset);

	free(bytes);
	return text;
}

static char *ndr_header(GMimeMessage *message, const char *name)
{
	const char *value =
		g_mime_object_get_header(GMIME_OBJECT(message), name);
	size_t len = value ? strlen(value) : 0;

	if (!value)
		return NULL;
	if (len > DEADMX_NDR_VALUE_MAX)
		len = DEADMX_NDR_VALUE_MAX;
	return ndr_utf8(value, len, NULL);
}

/*
 * Does it come from a mail system? Seen: MAILER-DAEMON@host, postmaster@host,
 * "MAILER-DAEMON <>" (dma), a mere "<@>" (Courier).
 */
static bool ndr_from_daemon(const char *from)
{
	return from && (strcasestr(from, "mailer-daemon") ||
			strcasestr(from, "postmaster") || strstr(from, "<>") ||
			strstr(from, "<@>"));
}

static bool ndr_is_report(GMimeObject *top)
{
	const char *report_type =
		g_mime_object_get_content_type_parameter(top, "report-type");

	return ndr_type_is(g_mime_object_get_content_type(top), "multipart",
			   "report") &&
	       report_type && strcasecmp(report_type, "delivery-status") == 0;
}

/*
 * A bounce without a status that says so: does its text promise more
 * attempts? Words of the delay notices of eight MTAs.
 */
static enum deadmx_ndr_kind ndr_kind_from_text(const struct deadmx_ndr *ndr)
{
	static const char *const words[] = {
		"delayed",	   "warning",	  "still being retried",
		"will be retried", "keep trying", "still trying",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if ((ndr->subject && strcasestr(ndr->subject, words[i])) ||
		    strcasestr(ndr->text, words[i]))
			return DEADMX_NDR_KIND_DELAYED;
	return DEADMX_NDR_KIND_FAILED;
}

static enum deadmx_ndr_kind ndr_kind(const struct deadmx_ndr *ndr,
				     bool is_bounce)
{
	bool seen[DEADMX_NDR_ACTION_COUNT] = {false};

	for (size_t i = 0; i < ndr->recipient_count; i++)
		seen[ndr->recipients[i].action] = true;
	if (seen[DEADMX_NDR_ACTION_FAILED])
		return DEADMX_NDR_KIND_FAILED;
	if (seen[DEADMX_NDR_ACTION_DELAYED])
		return DEADMX_NDR_KIND_DELAYED;
	if (seen[DEADMX_NDR_ACTION_DELIVERED] ||
	    seen[DEADMX_NDR_ACTION_RELAYED] || seen[DEADMX_NDR_ACTION_EXPANDED])
		return DEADMX_NDR_KIND_OTHER;
	return is_bounce ? ndr_kind_from_text(ndr) : DEADMX_NDR_KIND_NONE;
}

/* Header of the returned message: a message, or text that is a header. */
static void ndr_read_original(struct deadmx_ndr *ndr, GMimeObject *object)
{
	GMimeMessage *message = NULL;
	GMimeStream *stream;
	GMimeParser *parser;
	char *text;
	size_t len;

	if (GMIME_IS_MESSAGE_PART(object)) {
		message = g_mime_message_part_get_message(
			GMIME_MESSAGE_PART(object));
		if (message)
			g_object_ref(message);
	} else if (GMIME_IS_PART(object)) {
		text = ndr_part_bytes(ndr, GMIME_PART(object),
				      DEADMX_NDR_TEXT_MAX, &len);
		stream = g_mime_stream_mem_new_with_buffer(text, len);
		parser = g_mime_parser_new_with_stream(stream);
		message = g_mime_parser_construct_message(parser, NULL);
		g_object_unref(parser);
		g_object_unref(stream);
		free(text);
	}
	if (!message)
		return;
	ndr->original_from = ndr_header(message, "From");
	ndr->original_to = ndr_header(message, "To");
	ndr->original_subject = ndr_header(message, "Subject");
	ndr->original_date = ndr_header(message, "Date");
	g_object_unref(message);
}

static void ndr_read_header(struct deadmx_ndr *ndr, GMimeObject *message)
{
	GMimeHeaderList *list = g_mime_object_get_header_list(message);
	int count = g_mime_header_list_get_count(list);

	for (int i = 0; i < count; i++) {
		const char *name = g_mime_header_get_name(
			g_mime_header_list_get_header_at(list, i));

		ndr->has_mime_version |= strcasecmp(name, "MIME-Version") == 0;
		ndr->has_date |= strcasecmp(name, "Date") == 0;
		ndr->has_message_id |= strcasecmp(name, "Message-ID") == 0;
		ndr->auto_submitted_count +=
			strcasecmp(name, "Auto-Submitted") == 0;
	}
}

static void ndr_read_status(struct deadmx_ndr *ndr, GMimePart *part)
{
	GMimeContentEncoding encoding = g_mime_part_get_content_encoding(part);
	bool has_8bit = false;
	size_t len;
	char *body =
		ndr_part_bytes(ndr, part, DEADMX_NDR_STATUS_BYTES_MAX, &len);

	ndr->has_status = true;
	ndr->is_global =
		ndr_type_is(g_mime_object_get_content_type(GMIME_OBJECT(part)),
			    "message", "global-delivery-status");
	ndr->is_status_encoded = !ndr->is_global &&
				 encoding != GMIME_CONTENT_ENCODING_7BIT &&
				 encoding != GMIME_CONTENT_ENCODING_DEFAULT;
	for (size_t i = 0; i < len; i++)
		has_8bit |= (unsigned char)body[i] >= 0x80;
	ndr->has_8bit_status = has_8bit && !ndr->is_global;
	ndr->is_status_unlabelled =
		has_8bit && ndr->is_global &&
		(encoding == GMIME_CONTENT_ENCODING_7BIT ||
		 encoding == GMIME_CONTENT_ENCODING_DEFAULT);
	ndr->has_bad_utf8 =
		ndr->is_global && !g_utf8_validate(body, (gssize)len, NULL);
	ndr_fields_read(ndr, body, len);
	free(body);
}

static void ndr_read_text(struct deadmx_ndr *ndr, const struct ndr_walk *walk)
{
	char *html;

	if (walk->plain) {
		ndr->text = ndr_part_text(ndr, walk->plain);
	} else if (walk->html) {
		html = ndr_part_text(ndr, walk->html);
		ndr->text = ndr_html_text(html);
		free(html);
	} else {
		ndr->text = strdup("");
	}
	assert(ndr->text);
}

/* Header fields by which Exim and Exchange mark their bounces. */
static bool ndr_is_marked(GMimeMessage *message)
{
	GMimeObject *object = GMIME_OBJECT(message);

	return g_mime_object_get_header(object, "X-Failed-Recipients") ||
	       g_mime_object_get_header(object, "X-MS-Exchange-Message-Is-Ndr");
}

/* Lines above 998 bytes in the header, which ends at the first empty line. */
static unsigned ndr_long_lines(const char *bytes, size_t len)
{
	unsigned count = 0;

	while (len) {
		const char *end = memchr(bytes, '\n', len);
		size_t line = end ? (size_t)(end - bytes) : len;
		size_t text = line && bytes[line - 1] == '\r' ? line - 1 : line;

		if (!text)
			break;
		count += text > NDR_LINE_MAX;
		if (!end)
			break;
		bytes = end + 1;
		len -= line + 1;
	}
	return count;
}

/*
 * What programs put before the first header line: a byte order mark, the
 * "From " line of a mailbox, empty lines.
 */
static void ndr_skip_front(const char **bytes, size_t *len)
{
	const char *end;
	size_t n = 0;

	if (*len >= 3 && memcmp(*bytes, NDR_UTF8_MARK, 3) == 0)
		n = 3;
	while (n < *len && ((*bytes)[n] == '\r' || (*bytes)[n] == '\n'))
		n++;
	if (*len - n > 5 && memcmp(*bytes + n, "From ", 5) == 0) {
		end = memchr(*bytes + n, '\n', *len - n);
		n = end ? (size_t)(end + 1 - *bytes) : *len;
	}
	*bytes += n;
	*len -= n;
}

static void ndr_read_message(struct deadmx_ndr *ndr, GMimeMessage *message)
{
	GMimeObject *top = g_mime_message_get_mime_part(message);
	struct ndr_walk walk = {.ndr = ndr};
	bool is_bounce;

	ndr->from = ndr_header(message, "From");
	ndr->to = ndr_header(message, "To");
	ndr->subject = ndr_header(message, "Subject");
	ndr->date = ndr_header(message, "Date");
	ndr->auto_submitted = ndr_header(message, "Auto-Submitted");
	ndr->from_daemon = ndr_from_daemon(ndr->from);
	ndr_read_header(ndr, GMIME_OBJECT(message));
	if (top) {
		ndr->is_report = ndr_is_report(top);
		if (ndr->is_report && GMIME_IS_MULTIPART(top))
			ndr->report_parts =
				(unsigned)g_mime_multipart_get_count(
					GMIME_MULTIPART(top));
		ndr_walk(&walk, top, 1);
	}
	ndr_read_text(ndr, &walk);
	if (walk.original)
		ndr_read_original(ndr, walk.original);
	if (walk.status)
		ndr_read_status(ndr, walk.status);
	is_bounce = ndr->from_daemon || ndr->has_status || ndr->is_report ||
		    ndr_is_marked(message) ||
		    strstr(ndr->text,
			   "Diagnostic information for administrators:") ||
		    strstr(ndr->text, "QUEUE.Expired");
	ndr->kind = ndr_kind(ndr, is_bounce);
}

/*
 * A whole message as UTF-16, with its mark, as editors on Windows save it: the
 * same as UTF-8, to be freed; else NULL.
 */
static char *ndr_narrow(const char *bytes, size_t len)
{
	if (len < 2 || (memcmp(bytes, "\xff\xfe", 2) != 0 &&
			memcmp(bytes, "\xfe\xff", 2) != 0))
		return NULL;
	return ndr_utf8(bytes, len, "utf-16");
}

int deadmx_ndr_parse(const char *bytes, size_t len, struct deadmx_ndr **ret)
{
	struct deadmx_ndr *ndr = calloc(1, sizeof(*ndr));
	GMimeMessage *message;
	GMimeStream *stream;
	GMimeParser *parser;
	char *narrow;

	if (!ndr)
		return -ENOMEM;
	g_mime_init(); /* counts its callers; only the first does anything */
	if (len > DEADMX_NDR_BYTES_MAX) {
		len = DEADMX_NDR_BYTES_MAX;
		ndr->is_truncated = true;
	}
	narrow = ndr_narrow(bytes, len);
	if (narrow) {
		bytes = narrow;
		len = strlen(narrow);
	}
	ndr_skip_front(&bytes, &len);
	ndr->long_lines = ndr_long_lines(bytes, len);
	stream = g_mime_stream_mem_new_with_buffer(bytes, len);
	parser = g_mime_parser_new_with_stream(stream);
	g_object_unref(stream);
	message = g_mime_parser_construct_message(parser, NULL);
	if (message) {
		ndr_read_message(ndr, message);
		g_object_unref(message);
	} else {
		ndr->text = ndr_utf8(
			bytes,
			len < DEADMX_NDR_TEXT_MAX ? len : DEADMX_NDR_TEXT_MAX,
			NULL);
	}
	g_object_unref(parser);
	free(narrow);
	ndr_lint(ndr);
	*ret = ndr;
	return 0;
}

int deadmx_ndr_read(const char *path, struct deadmx_ndr **ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	/* One byte more than is read, so that the parser sees the excess. */
	size_t size = 65536, used = 0, max = DEADMX_NDR_BYTES_MAX + 1;
	char *bytes = NULL;
	ssize_t n = 1;
	int rc = 0;

	if (fd < 0)
		return -errno;
	while (n > 0 && used < max) {
		char *more = realloc(bytes, size);

		if (!more) {
			rc = -ENOMEM;
			goto out;
		}
		bytes = more;
		n = read(fd, bytes + used, size - used);
		if (n < 0 && errno != EINTR) {
			rc = -errno;
			goto out;
		}
		used += n > 0 ? (size_t)n : 0;
		n = n < 0 ? 1 : n;
		if (used == size)
			size = size * 2 < max ? size * 2 : max;
	}
	rc = deadmx_ndr_parse(bytes, used, ret);
out:
	free(bytes);
	close(fd);
	return rc;
}

static void ndr_recipient_release(struct deadmx_ndr_recipient *r)
{
	free(r->final_type);
	free(r->final_recipient);
	free(r->original_type);
	free(r->original_recipient);
	free(r->action_text);
	free(r->status);
	free(r->remote_type);
	free(r->remote_mta);
	free(r->diagnostic_type);
	free(r->diagnostic_code);
	free(r->last_attempt);
	free(r->will_retry_until);
	free(r->languages);
}

void deadmx_ndr_free(struct deadmx_ndr *ndr)
{
	if (!ndr)
		return;
	for (size_t i = 0; i < ndr->recipient_count; i++)
		ndr_recipient_release(&ndr->recipients[i]);
	for (size_t i = 0; i < ndr->finding_count; i++) {
		free(ndr->findings[i].expected);
		free(ndr->findings[i].observed);
	}
	free(ndr->recipients);
	free(ndr->findings);
	free(ndr->from);
	free(ndr->to);
	free(ndr->subject);
	free(ndr->date);
	free(ndr->auto_submitted);
	free(ndr->text);
	free(ndr->reporting_mta);
	free(ndr->arrival_date);
	free(ndr->deliver_by_date);
	free(ndr->envelope_id);
	free(ndr->dsn_gateway);
	free(ndr->received_from_mta);
	free(ndr->extension);
	free(ndr->original_from);
	free(ndr->original_to);
	free(ndr->original_subject);
	free(ndr->original_date);
	free(ndr);
}

/* Can @c be part of an address that goes on? */
static bool ndr_address_char(char c)
{
	return isalnum((unsigned char)c) ||
	       (c != '\0' && strchr("-_+=.@", c) != NULL);
}

/*
 * Where the header of the mail that comes back begins: it names all who were
 * to get it. The end of @text when there is none.
 */
static const char *ndr_text_returned(const char *text)
{
	static const char *const fields[] = {
		"Received:", "Return-Path:", "From:"};
	bool is_blank = false;
	size_t len;

	for (const char *line = text; *line; line += len) {
		len = strcspn(line, "\n");
		for (size_t i = 0; is_blank && i < 3; i++)
			if (strncasecmp(line, fields[i], strlen(fields[i])) ==
			    0)
				return line;
		is_blank = len == strspn(line, " \t\r");
		len += line[len] == '\n';
	}
	return text + strlen(text);
}

static bool ndr_text_names(const char *text, const char *address)
{
	size_t len = strlen(address);
	const char *at = text, *end = ndr_text_returned(text);

	/* Who failed stands before it, if anybody does. */
	if (!memchr(text, '@', (size_t)(end - text)))
		end += strlen(end);
	while (len && (at = strcasestr(at, address)) != NULL && at < end) {
		char before = at > text ? at[-1] : ' ', after = at[len];

		/* A full stop may end the sentence. */
		if (after == '.' && !ndr_address_char(at[len + 1]))
			after = ' ';
		if (!ndr_address_char(before) && !ndr_address_char(after))
			return true;
		at++;
	}
	return false;
}

static bool ndr_address_is(const char *written, const char *address)
{
	size_t len = strlen(address);

	if (!written)
		return false;
	if (*written == '<')
		written++;
	return strncasecmp(written, address, len) == 0 &&
	       (written[len] == '\0' || strcmp(written + len, ">") == 0);
}

bool deadmx_ndr_names(const struct deadmx_ndr *ndr, const char *address)
{
	for (size_t i = 0; i < ndr->recipient_count; i++)
		if (ndr_address_is(ndr->recipients[i].final_recipient,
				   address) ||
		    ndr_address_is(ndr->recipients[i].original_recipient,
				   address))
			return true;
	return ndr->recipient_count == 0 && ndr_text_names(ndr->text, address);
}
