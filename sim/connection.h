/* SPDX-License-Identifier: MIT */
/*
 * The socket side of one SMTP session: bytes in, lines out, and the reverse.
 *
 * A connection owns an accepted socket, its buffers and a timer for stalls
 * and drips on the caller's loop. It feeds a session with lines and carries
 * out what the session asks for; what that means for the log is the caller's.
 * It ends in on_closed(), whoever closed first.
 *
 * TLS slips in between socket and lines when the session has agreed to it:
 * connection_expect_tls(), then on_tls() as soon as the client begins, and
 * connection_tls() with what the caller wants to show. Until then a client
 * costs no memory for TLS, however long it waits.
 */
#ifndef SIM_CONNECTION_H
#define SIM_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "sim/smtp_session.h"
#include "sim/tls.h"

/* Limits, tested in tests/unit/test_smtp_server.c. */
enum {
	/* Bytes read ahead per connection while a reply is held back; also
	 * what a longer line is cut into. */
	CONNECTION_INPUT_MAX = 16 << 10,
	/* Replies not taken by the client, in bytes: then it is not read
	 * from any more. */
	CONNECTION_OUTPUT_MAX = 64 << 10,
	/* What is taken at a time by connection_slow(). */
	CONNECTION_SLOW_BYTES = 1 << 10,
};

struct connection_ops {
	/* The client closed (FIN) or broke (RST) an open session. */
	void (*on_hangup)(void *arg, bool reset);
	/*
	 * The client begins its handshake: call connection_tls(), or
	 * connection_end(). Else all that it says is swallowed.
	 */
	void (*on_tls)(void *arg);
	/*
	 * A handshake has ended, well or badly, or TLS broke later on. Call
	 * connection_end() when @tls has failed.
	 */
	void (*on_tls_done)(void *arg, const struct tls *tls);
	/* Last: all handles are closed, the connection is gone. */
	void (*on_closed)(void *arg);
};

struct connection;

/*
 * @spare: where connections of the loop leave an input buffer for the one that
 * reads next, NULL at first; the caller frees it in the end.
 */
struct connection *connection_new(uv_loop_t *loop, char **spare,
				  const struct connection_ops *ops, void *arg);
/* Take the next connection of @listening. 0 or a negative errno. */
int connection_accept(struct connection *c, uv_stream_t *listening);
/* The client's address and port. 0 or a negative errno: it has gone. */
int connection_peer_name(const struct connection *c,
			 struct sockaddr_storage *ret);
/* Read from now on and feed @session, which must outlive the connection. */
void connection_run(struct connection *c, struct smtp_session *session);

/* What a session asks for: see struct smtp_session_ops. */
void connection_send(struct connection *c, const char *text, size_t len);
void connection_drip(struct connection *c, const char *text, size_t len,
		     int64_t byte_ns);
void connection_stall(struct connection *c, int64_t ns);
/* What held the session back, but for these two, is over. */
void connection_resume(struct connection *c);
/*
 * The cable is pulled: from here on nothing is acknowledged, and not even the
 * client's end is noticed. 0, or -EPERM where that needs a privilege: then
 * what comes is acknowledged, and nothing else.
 */
int connection_pull(struct connection *c);
/*
 * Take what comes a KiB at a time, a pause of @ns before each; 0: at once
 * again. A client that leaves meanwhile has left, whatever it sent before.
 */
void connection_slow(struct connection *c, int64_t ns);
/* Take no more from the socket: when the kernel has no room for what the
 * client sends, the window closes. */
void connection_stop_reading(struct connection *c);
/* The session has ended: send what is left, then FIN or RST. */
void connection_end(struct connection *c, bool reset);

/*
 * TLS comes next. What the client has sent beyond the command is thrown away:
 * it was not protected (RFC 3207 4.2 and 6).
 */
void connection_expect_tls(struct connection *c);
/* In on_tls(): shake hands in @ns. @tls becomes the connection's. */
void connection_tls(struct connection *c, struct tls *tls, int64_t ns);

/* Say @text as far as the socket takes it, and close at once. */
void connection_turn_away(struct connection *c, const char *text, size_t len);
/* Close at once. */
void connection_close(struct connection *c);

#endif
