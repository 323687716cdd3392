/* SPDX-License-Identifier: MIT */
/*
 * The client's side of one SMTP conversation.
 *
 * It connects, greets (HELO when EHLO is refused), goes over to TLS and logs
 * in where that is wanted, and tells when it is ready; from then on the caller
 * says what comes next, one command at a time: a scenario tests how the MTA
 * sends, not how it receives. It owns its socket and timer on the caller's
 * loop. Senders hand mail over with it, frontends talk to their backends.
 */
#ifndef SIM_SMTP_CLIENT_H
#define SIM_SMTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "deadmx/world.h"
#include "sim/tls.h"

/* Limits, tested in tests/unit/test_sender.c. */
enum {
	SMTP_CLIENT_REPLY_MAX = 4096, /* bytes of one reply; more is an error */
	SMTP_CLIENT_LOGIN_MAX = DEADMX_WORLD_LOGIN_MAX,
};

/* XX(ENUM, "name"): which reply it waits for. */
/* clang-format off */
#define SMTP_CLIENT_MAP(XX)                                                    \
	XX(CONNECT, "connect") /* none yet: the connection is being made */    \
	XX(BANNER, "banner")   /* then sends EHLO */                           \
	XX(EHLO, "ehlo")       /* then HELO, when it is refused for good */    \
	XX(HELO, "helo")                                                       \
	XX(STARTTLS, "starttls")                                               \
	XX(TLS, "tls")         /* no reply but the handshake; EHLO again */    \
	XX(AUTH, "auth")                                                       \
	XX(MAIL, "mail")                                                       \
	XX(RCPT, "rcpt")                                                       \
	XX(DATA, "data")                                                       \
	XX(DOT, "dot")                                                         \
	XX(QUIT, "quit")       /* then closes, whatever it says */             \
	XX(CLOSED, "closed")   /* nothing more */
/* clang-format on */

enum smtp_client_state {
#define XX(uc, lc) SMTP_CLIENT_##uc,
	SMTP_CLIENT_MAP(XX)
#undef XX
		SMTP_CLIENT_COUNT
};

const char *smtp_client_state_name(enum smtp_client_state state);

struct smtp_client_options {
	uv_loop_t *loop;
	const struct sockaddr *address;
	const struct sockaddr *from; /* its own address; NULL: any */
	const char *helo;	     /* its own name, copied */
	int64_t wait_ns;	     /* for the connection and each reply */
	/* For STARTTLS (RFC 3207), must outlive the client; NULL: without. */
	struct tls_context *tls;
	/* For AUTH PLAIN (RFC 4616), copied; NULL: nobody logs in. Whether
	 * in the clear or not is the caller's business. */
	const char *user, *password;
};

struct smtp_client_ops {
	/*
	 * A whole reply, lines split by \n, to what @state says. It is not
	 * asked about good replies on the way, nor about an EHLO that is tried
	 * again as HELO; the first good one, to EHLO, HELO or AUTH, says that
	 * it is ready. The callee sends what comes next or closes.
	 */
	void (*on_reply)(void *arg, enum smtp_client_state state, int code,
			 const char *reply);
	/*
	 * There will be no (further) reply: UV_EOF, UV_ECONNRESET,
	 * UV_ETIMEDOUT, UV_EPROTO (no SMTP, or no TLS), UV_EMSGSIZE (without
	 * end), UV_ENOTSUP (STARTTLS or AUTH PLAIN isn't offered), or why it
	 * couldn't connect. It is closing already.
	 */
	void (*on_failed)(void *arg, enum smtp_client_state state, int rc);
	/* Last: all handles are closed, the client is gone. */
	void (*on_closed)(void *arg);
};

struct smtp_client;

/* Connect. Never calls back from in here. */
struct smtp_client *smtp_client_new(const struct smtp_client_options *options,
				    const struct smtp_client_ops *ops,
				    void *arg);
/* The address it comes from, once it is connecting. 0 or a negative errno. */
int smtp_client_from(const struct smtp_client *c, struct sockaddr_storage *ret);
/* Has the answer to EHLO named this extension? */
bool smtp_client_offers(const struct smtp_client *c, const char *extension);

/* Send; @parameters begin with a blank or are "". */
void smtp_client_mail(struct smtp_client *c, const char *from,
		      const char *parameters);
void smtp_client_rcpt(struct smtp_client *c, const char *to,
		      const char *parameters);
void smtp_client_data(struct smtp_client *c);
/* The message as it goes over the wire but for stuffed dots, and the dot. */
void smtp_client_message(struct smtp_client *c, const char *data, size_t len);
/* Say farewell, and close when that is answered. */
void smtp_client_quit(struct smtp_client *c);

/* End it now; on_closed follows, nothing else. It frees itself. */
void smtp_client_close(struct smtp_client *c);

#endif
