/* SPDX-License-Identifier: MIT */
/*
 * Handing a message to the MTA by its sendmail command.
 *
 * `/bin/sh -c COMMAND` with the message on its standard input; what it says
 * is the reply, exit status 0 means accepted.
 */
#ifndef SIM_SENDMAIL_H
#define SIM_SENDMAIL_H

#include <uv.h>

#include "sim/inject.h"

struct sendmail;

/* Start; @inject's callbacks tell the rest. Never calls them from in here. */
struct sendmail *sendmail_new(uv_loop_t *loop, const char *command,
			      const struct inject *inject);
/* Kill it; on_closed follows. It frees itself. */
void sendmail_close(struct sendmail *s);

/*
 * @command with {from} and {to} replaced by @mail's addresses, each quoted
 * for the shell; the null reverse-path is '<>'. malloc'd.
 */
char *sendmail_command(const char *command, const struct deadmx_mail *mail);

#endif
