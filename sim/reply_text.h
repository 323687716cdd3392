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
 * the same class or none, printable lines, known placeholders only. Else
 * false with "expected …, got …; hint" in @why.
 */
bool reply_text_check(const char *text, char *why, size_t why_len);

#endif
