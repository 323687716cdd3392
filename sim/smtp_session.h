/* SPDX-License-Identifier: MIT */
/*
 * One SMTP conversation as a server sees it: the far end of an attempt.
 *
 * A pure state machine. It is fed with whole lines and answers through a
 * table of callbacks; socket, timers, event log and files are the caller's.
 * Handlers know only the healthy server; a fault is a row that the caller
 * hands out when a reply is due, and one place here applies it.
 */
#ifndef SIM_SMTP_SESSION_H
#define SIM_SMTP_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deadmx/scenario.h"
#include "sim/fault.h"

/* XX(ENUM, "name"): comes in when; must do. */
/* clang-format off */
#define SMTP_STATE_MAP(XX)                                                     \
	XX(CONNECT, "connect")	 /* made; the greeting is due */               \
	XX(GREETING, "greeting") /* greeted; waits for HELO or EHLO */         \
	XX(REJECTED, "rejected") /* greeted with 4xx or 5xx; waits for QUIT */ \
	XX(READY, "ready")	 /* HELO or EHLO came; waits for MAIL */       \
	XX(AUTH, "auth")	 /* waits for AUTH's next line */              \
	XX(MAIL, "mail")	 /* has a sender; waits for RCPT */            \
	XX(RCPT, "rcpt")	 /* has recipients; waits for RCPT or DATA */  \
	XX(DATA, "data")	 /* takes the message up to the dot */         \
	XX(BDAT, "bdat")	 /* takes chunks; waits for BDAT */            \
	XX(MUTE, "mute")	 /* stalled for ever; swallows everything */   \
	XX(CLOSED, "closed")	 /* nothing more is read or written */
/* clang-format on */

enum smtp_state {
#define XX(uc, lc) SMTP_STATE_##uc,
	SMTP_STATE_MAP(XX)
#undef XX
		SMTP_STATE_COUNT
};

/* Limits, tested in tests/unit/test_smtp_session.c. */
enum {
	/* Bytes of a command line with CRLF: RFC 5321 4.5.3.1.4 asks for 512
	 * and more for extensions; ORCPT alone adds 500. */
	SMTP_LINE_MAX = 2048,
	/* RFC 5321 4.5.3.1.8 asks for 100 at least; a scenario's mail may
	 * have 1000. */
	SMTP_RECIPIENTS_MAX = 1000,
	/* Bytes of one message: announced by SIZE. */
	SMTP_MESSAGE_BYTES_MAX = DEADMX_MESSAGE_BYTES_MAX,
	/* Syntax errors after which the server gives up with 421. */
	SMTP_ERRORS_MAX = 100,
};

/* How a line that is fed ended. */
enum smtp_line_end {
	SMTP_LINE_CRLF,
	SMTP_LINE_LF,	/* good enough for a command, not for the dot */
	SMTP_LINE_MORE, /* not yet: the rest follows */
};

struct smtp_envelope {
	char *from; /* without <>; "" is the null reverse-path */
	char **to;
	uint32_t *attempts; /* of each: see smtp_session_ops.attempt */
	size_t to_count;
};

struct smtp_session_ops {
	/*
	 * The fault that applies now, counted; NULL = healthy. @context has
	 * the stage and what the session knows of the mail; the rest (time,
	 * connection, client) is filled in by the callee.
	 */
	const struct deadmx_fault *(*fault_at)(void *arg,
					       struct fault_context *context);
	/* @recipient is asked for: the how manieth time, from 1; 0: not known
	 * because no row wants to know. */
	uint32_t (*attempt)(void *arg, const char *sender,
			    const char *recipient);
	/* Send @text; not later than a close that follows. */
	void (*send)(void *arg, const char *text, size_t len);
	/*
	 * Send @text a byte at a time, a pause of @byte_ns before each, then
	 * call smtp_session_resume(). The text stays until then.
	 */
	void (*drip)(void *arg, const char *text, size_t len, int64_t byte_ns);
	/* Call smtp_session_resume() in @ns. Never called with FOREVER. */
	void (*stall)(void *arg, int64_t ns);
	/* The session has ended: send what is left, then FIN or RST. */
	void (*close)(void *arg, bool reset);
	/*
	 * The reply to STARTTLS has been sent: the handshake comes next, and
	 * the session waits for EHLO again. What the client has sent ahead of
	 * the handshake must not be fed. NULL: there is no TLS.
	 */
	void (*start_tls)(void *arg);
	/* From here on the network swallows everything, both ways; or nothing
	 * more is taken from the socket. The session is mute. NULL: that is
	 * all. */
	void (*pull)(void *arg);
	void (*stop_reading)(void *arg);
	/* Take what comes in a KiB at a time, a pause of @ns before each; 0:
	 * at once again. NULL: it always comes at once. */
	void (*slow)(void *arg, int64_t ns);
	/*
	 * A message was accepted. With @acknowledged false the client can't
	 * know: the reply is dropped. The data stays the session's.
	 */
	void (*message)(void *arg, const struct smtp_envelope *envelope,
			const char *data, size_t len, bool acknowledged);
	/*
	 * Of a frontend; NULL: it is none. A good reply is due at @stage:
	 * ask the backend. False: it is the frontend's own. True with
	 * *ret_reply: that is the reply; else smtp_session_relayed() comes
	 * later, and what is pointed to stays till then. @path: at MAIL and
	 * RCPT the one that is asked for; @data: at DOT the message.
	 */
	bool (*relay)(void *arg, enum deadmx_stage stage,
		      const struct smtp_envelope *envelope, const char *path,
		      const char *data, size_t len, const char **ret_reply);
	/* The mail is over, or given up. */
	void (*relay_forget)(void *arg);
	/* For the log: a command line; a reply sent whole (stage -1: of no
	 * stage); a fault applied (reply NULL: none). Lines split by \n. */
	void (*on_command)(void *arg, const char *line, size_t len);
	void (*on_reply)(void *arg, int stage, const char *text);
	void (*on_fault)(void *arg, const struct deadmx_fault *fault,
			 const char *reply);
};

struct smtp_session;

/*
 * @budget: bytes of messages that all sessions together may still hold; a
 * message that finds it empty gets 452. NULL when out of memory.
 */
struct smtp_session *smtp_session_new(const struct deadmx_server *server,
				      const struct smtp_session_ops *ops,
				      void *arg, size_t *budget);
void smtp_session_free(struct smtp_session *s);
/* The client's address, for {client} in replies; it outlives the session. */
void smtp_session_set_client(struct smtp_session *s, const char *address);

/* Greet. Called once, first. */
void smtp_session_start(struct smtp_session *s);
/*
 * Feed a line, or a part of one, without its end. Not while
 * smtp_session_held() or smtp_session_chunk(). Ignored when muted or closed.
 */
void smtp_session_line(struct smtp_session *s, const char *line, size_t len,
		       enum smtp_line_end end);
/* After BDAT: so many bytes come next, not lines. */
uint64_t smtp_session_chunk(const struct smtp_session *s);
/* Feed some of them. Not while smtp_session_held(). */
void smtp_session_bytes(struct smtp_session *s, const char *bytes, size_t len);
/* A reply is held back, by a stall, a drip or a backend: lines must wait. */
bool smtp_session_held(const struct smtp_session *s);
/* The stall is over, or the drip has sent its last byte. */
void smtp_session_resume(struct smtp_session *s);
/* The backend says @reply, lines split by \n. */
void smtp_session_relayed(struct smtp_session *s, const char *reply);
/* The client has said QUIT and was answered. */
bool smtp_session_has_quit(const struct smtp_session *s);
/* The client has said QUIT, and nothing after it, to one that never answers. */
bool smtp_session_mute_quit(const struct smtp_session *s);
enum smtp_state smtp_session_state(const struct smtp_session *s);
const char *smtp_state_name(enum smtp_state state);

#endif
