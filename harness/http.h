/* SPDX-License-Identifier: MIT */
/*
 * A small HTTP server on a libuv loop, for this machine only.
 *
 * libmicrohttpd speaks HTTP; this joins its epoll descriptor to the loop,
 * gathers a request, and hands it to one handler. It listens on 127.0.0.1 or
 * on a Unix socket and nowhere else. A web page that the user looks at must
 * not get in by his browser: a request whose Host is not this machine (DNS
 * rebinding), or which comes from another origin, is refused.
 */
#ifndef HARNESS_HTTP_H
#define HARNESS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <uv.h>

/* Limits, tested in tests/unit/test_http.c. */
enum {
	HTTP_BODY_MAX = 64 << 10, /* bytes of a request's body */
	HTTP_CONNECTIONS_MAX = 64,
	HTTP_HEAD_MAX = 32 << 10, /* bytes of its line and header */
	HTTP_IDLE_S = 30,	  /* then a silent client is cut off */
	HTTP_WAIT_MAX_S = 60,	  /* that a handler may put off its answer */
};

struct http_request {
	const char *method;
	const char *path; /* decoded, without the query */
	const char *body; /* NUL-terminated */
	size_t body_len;
	bool last;   /* the handler has waited long enough: answer now */
	void *query; /* for http_query() */
};

struct http_response {
	unsigned status;  /* e.g. 200 */
	const char *type; /* MIME type, static */
	char allow[64];	  /* methods, for status 405; or empty */
	char *body;	  /* malloc'd; the server's from then on */
	size_t len;
};

/*
 * Answer a request: 0 with @ret filled in. N > 0: not yet; ask again after
 * http_server_wake(), or with @last set N seconds after the first time.
 */
typedef int (*http_handler_cb)(void *arg, const struct http_request *request,
			       struct http_response *ret);

struct http_server;

/*
 * @path: a Unix socket for its owner alone, or NULL: 127.0.0.1:@port, where
 * port 0 is any that is free. On error a negative errno and one line on
 * @errors.
 */
int http_server_new(uv_loop_t *loop, const char *path, uint16_t port,
		    http_handler_cb handler, void *arg, FILE *errors,
		    struct http_server **ret);
uint16_t http_server_port(const struct http_server *s);
/* Is somebody waiting for an answer? */
bool http_server_has_waiters(const struct http_server *s);
/* Something has happened: ask for those that wait, as soon as the loop turns.
 */
void http_server_wake(struct http_server *s);
/* Answers under way are cut off. @cb when the last handle is closed. */
void http_server_close(struct http_server *s, void (*cb)(void *arg), void *arg);

/* The value of ?@key=…, decoded, or NULL. */
const char *http_query(const struct http_request *request, const char *key);
/* A key of the query that is none of @known, words with blanks; or NULL. */
const char *http_query_unknown(const struct http_request *request,
			       const char *known);

#endif
