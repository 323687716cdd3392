/* SPDX-License-Identifier: MIT */
/*
 * A client for tests of HTTP servers on the fixture's loop: bytes out, all
 * bytes in until the server closes.
 */
#ifndef TESTS_UNIT_HTTP_CLIENT_H
#define TESTS_UNIT_HTTP_CLIENT_H

#include "world_fixture.h"

#include <sys/un.h>

struct http_client {
	struct world_fixture *w;
	int fd;
	char text[1 << 20]; /* the answer with its header */
	size_t len;
};

static unused_func void http_client_connect(struct http_client *c,
					    uint16_t port)
{
	struct sockaddr_in addr;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_true(c->fd >= 0);
	uv_ip4_addr("127.0.0.1", port, &addr);
	if (connect(c->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		assert_int_equal(errno, EINPROGRESS);
	c->len = 0;
}

static unused_func void http_client_connect_unix(struct http_client *c,
						 const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	memcpy(addr.sun_path, path, strlen(path));
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(connect(c->fd, (struct sockaddr *)&addr, sizeof(addr)),
			 0);
	c->len = 0;
}

/* Take what there is; false when the server has closed. */
static unused_func bool http_client_poll(struct http_client *c)
{
	ssize_t n =
		recv(c->fd, c->text + c->len, sizeof(c->text) - 1 - c->len, 0);

	if (n < 0 && errno == EAGAIN)
		return true;
	if (n > 0)
		c->len += (size_t)n;
	c->text[c->len] = '\0';
	return n > 0;
}

static unused_func void http_client_await(struct http_client *c)
{
	while (http_client_poll(c))
		fixture_turn(c->w);
	close(c->fd);
}

/* The answer's status; 0: it was cut off. */
static unused_func int http_client_status(const struct http_client *c)
{
	int status = 0;

	sscanf(c->text, "HTTP/1.1 %d ", &status);
	return status;
}

static unused_func const char *http_client_body(const struct http_client *c)
{
	const char *end = strstr(c->text, "\r\n\r\n");

	return end ? end + 4 : "";
}

/* Say it, without waiting for the answer. */
static unused_func void http_client_say(struct http_client *c, uint16_t port,
					const char *method, const char *url,
					const char *header, const char *body)
{
	char text[8192];

	http_client_connect(c, port);
	snprintf(text, sizeof(text),
		 "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: "
		 "close\r\n%sContent-Length: %zu\r\n\r\n%s",
		 method, url, port, header, strlen(body), body);
	fixture_send(c->w, c->fd, text);
}

/* One request from connect to close; its status. */
static unused_func int http_client_ask(struct http_client *c, uint16_t port,
				       const char *method, const char *url,
				       const char *body)
{
	http_client_say(c, port, method, url, "", body);
	http_client_await(c);
	return http_client_status(c);
}

#endif
