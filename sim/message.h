/* SPDX-License-Identifier: MIT */
/*
 * The messages that senders inject: text from a scenario's mail.
 *
 * Pure: the same mail, index and date give the same bytes. The Message-ID
 * names the mail, so that what comes out of the MTA can be told apart.
 */
#ifndef SIM_MESSAGE_H
#define SIM_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "deadmx/scenario.h"

/* Header and body, lines in LF, malloc'd; its length in @ret_len. */
char *message_format(const struct deadmx_mail *mail, size_t index,
		     int64_t unix_s, size_t *ret_len);
/* "<deadmx-INDEX@domain of the sender>", malloc'd. */
char *message_id(const struct deadmx_mail *mail, size_t index);

#endif
