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

struct smtp_inject;

/* Start; @inject's callbacks tell the rest. Never calls them from in here. */
struct smtp_inject *smtp_inject_new(uv_loop_t *loop,
				    const struct sockaddr_in *addr,
				    const struct inject *inject);
/* End it now; on_closed follows. It frees itself. */
void smtp_inject_close(struct smtp_inject *s);

#endif
