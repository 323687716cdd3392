/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 from strangers: scenario files, bounces, replies. One decoder, and one
 * rule of what may be shown and stored, for all who read or print text.
 */
#ifndef DEADMX_UTF8_H
#define DEADMX_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bytes of the valid character at @p, of which @left are there: 1 to 4, and
 * its code in *ret_code. 0 when there is none: bytes that start nothing or
 * break off, overlong forms, surrogates, beyond U+10FFFF (RFC 3629).
 */
size_t deadmx_utf8_len(const unsigned char *p, size_t left, uint32_t *ret_code);
/*
 * May it stand in a YAML file as it is? YAML 1.2, section 5.1, without U+FEFF,
 * which it has at the start of a file only. Tab, line breaks and U+0085 may.
 */
bool deadmx_utf8_is_printable(uint32_t code);
/* Has it, up to its NUL, no byte beyond US-ASCII? */
bool deadmx_utf8_is_ascii(const char *text);
/* Does a byte go on with a character that has begun? */
bool deadmx_utf8_is_continuation(char c);

#endif
