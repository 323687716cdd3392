/* SPDX-License-Identifier: MIT */
/*
 * Handing a message to the MTA by SMTP, and telling the answer.
 *
 * One mail, one connection; a recipient that is refused is the whole mail's
 * refusal.
 */
#ifndef SIM_SMTP_INJECT_H
#define SIM_SMTP_INJECT_H

#include <uv.h>

#include "sim/inject.h"
#include "sim/tls.h"

struct smtp_inject;

/* How the MTA takes mail; see struct smtp_client_options. */
struct smtp_inject_way {
	struct sockaddr_in address;
	struct tls_context *tls; /* NULL: in the clear */
	const char *user, *password;
};

/* Start; @inject's callbacks tell the rest. Never calls them from in here. */
struct smtp_inject *smtp_inject_new(uv_loop_t *loop,
				    const struct smtp_inject_way *way,
				    const struct inject *inject);
/* End it now; on_closed follows. It frees itself. */
void smtp_inject_close(struct smtp_inject *s);

#endif
