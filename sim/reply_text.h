/* SPDX-License-Identifier: MIT */
/*
 * What a reply in a scenario or in the catalogue may look like.
 *
 * Pure checks on text, before anything is sent: a reply that breaks RFC 5321
 * by a slip of the pen would be blamed on the MTA.
 */
#ifndef SIM_REPLY_TEXT_H
#define SIM_REPLY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Does @text begin with three digits, i.e. is it meant to be a reply? */
bool reply_text_is_reply(const char *text);

/*
 * True when @text is a reply: a code from 200 to 599, an enhanced code of
 * the same class or none (4 and 5 may be mixed, see below), printable lines,
 * known placeholders only. Else false with "expected …, got …; hint" in @why.
 */
bool reply_text_check(const char *text, char *why, size_t why_len);

/*
 * Is @text, which passes that, one that breaks RFC 2034 all the same: "451
 * 5.7.3 …", "550 4.4.7 …"? Real servers say such, so a scenario may, but it may
 * be a slip of the pen: a line about it in @why.
 */
bool reply_text_is_odd(const char *text, char *why, size_t why_len);

#endif
