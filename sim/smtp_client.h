/* SPDX-License-Identifier: MIT */
/*
 * A sender's SMTP client: hands one message to the MTA and tells the answer.
 *
 * One command at a time: a scenario tests how the MTA sends, not how it
 * receives. It owns its socket and timer on the caller's loop.
 */
#ifndef SIM_SMTP_CLIENT_H
#define SIM_SMTP_CLIENT_H

#include <uv.h>

#include "sim/inject.h"

/* XX(ENUM, "name"): which reply it waits for. */
/* clang-format off */
#define SMTP_CLIENT_MAP(XX)                                                    \
	XX(CONNECT, "connect") /* none yet: the connection is being made */    \
	XX(BANNER, "banner")   /* then sends EHLO */                           \
	XX(EHLO, "ehlo")       /* then MAIL, or HELO when it is refused */     \
	XX(HELO, "helo")       /* then MAIL */                                 \
	XX(MAIL, "mail")       /* then the first RCPT */                       \
	XX(RCPT, "rcpt")       /* then the next, or DATA */                    \
	XX(DATA, "data")       /* then the message and the dot */              \
	XX(DOT, "dot")	       /* then the result is known; QUIT */            \
	XX(QUIT, "quit")       /* then closes, whatever it says */             \
	XX(CLOSED, "closed")   /* nothing more */
/* clang-format on */

enum smtp_client_state {
#define XX(uc, lc) SMTP_CLIENT_##uc,
	SMTP_CLIENT_MAP(XX)
#undef XX
		SMTP_CLIENT_COUNT
};

struct smtp_client;

/* Start; @inject's callbacks tell the rest. Never calls them from in here. */
struct smtp_client *smtp_client_new(uv_loop_t *loop,
				    const struct sockaddr_in *addr,
				    const struct inject *inject);
/* End it now; on_closed follows. It frees itself. */
void smtp_client_close(struct smtp_client *c);

#endif
