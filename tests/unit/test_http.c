/* SPDX-License-Identifier: MIT */
/* Unit tests of harness/http.c: HTTP on a loop, for this machine only. */
#include "http_client.h"

#include <sys/stat.h>

#include "harness/http.h"

struct fixture {
	struct world_fixture w;
	struct http_server *server;
	struct http_client client;
	char path[128];
	/* What the handler does and saw. */
	int wait_s;
	int calls;
	bool last;
	char method[16], url[64], key[16], unknown[16];
	size_t body_len;
};

static int on_request(void *arg, const struct http_request *request,
		      struct http_response *ret)
{
	struct fixture *f = arg;
	const char *key = http_query(request, "key");
	const char *unknown = http_query_unknown(request, "key keys");

	f->calls++;
	f->last = request->last;
	f->body_len = request->body_len;
	snprintf(f->method, sizeof(f->method), "%s", request->method);
	snprintf(f->url, sizeof(f->url), "%s", request->path);
	snprintf(f->key, sizeof(f->key), "%s", key ? key : "");
	snprintf(f->unknown, sizeof(f->unknown), "%s", unknown ? unknown : "");
	assert_int_equal(request->body[request->body_len], 0);
	if (f->wait_s && !request->last)
		return f->wait_s;
	ret->status = 200;
	ret->body = strdup("answer\n");
	ret->len = strlen(ret->body);
	return 0;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fixture_init(&f->w);
	f->client.w = &f->w;
	if (http_server_new(&f->w.loop, NULL, 0, on_request, f, stderr,
			    &f->server) < 0)
		return -1;
	*state = f;
	return 0;
}

static void close_server(struct fixture *f)
{
	http_server_close(f->server, fixture_on_closed, &f->w);
	fixture_await_closed(&f->w);
	f->server = NULL;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->server)
		close_server(f);
	fixture_release(&f->w);
	free(f);
	return 0;
}

/* Raw bytes to the server, and what comes of it. */
static int ask_raw(struct fixture *f, const char *text)
{
	http_client_connect(&f->client, http_server_port(f->server));
	fixture_send(&f->w, f->client.fd, text);
	http_client_await(&f->client);
	return http_client_status(&f->client);
}

static int ask_as(struct fixture *f, const char *header)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "GET / HTTP/1.1\r\nConnection: close\r\n%s\r\n", header);
	return ask_raw(f, text);
}

/* Method, decoded path, query and body come; the answer goes. */
static void test_http_request(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(http_client_ask(&f->client,
					 http_server_port(f->server), "PUT",
					 "/a%20b?key=v%26w&other=1", "body"),
			 200);
	assert_string_equal(f->method, "PUT");
	assert_string_equal(f->url, "/a b");
	assert_string_equal(f->key, "v&w");
	assert_string_equal(f->unknown, "other");
	assert_int_equal(f->body_len, 4);
	assert_string_equal(http_client_body(&f->client), "answer\n");
	assert_non_null(strstr(f->client.text,
			       "\r\nX-Content-Type-Options: nosniff\r\n"));
	assert_non_null(
		strstr(f->client.text, "\r\nCache-Control: no-store\r\n"));
}

/* Known keys are words, not beginnings of words. */
static void test_http_query_known(void **state)
{
	struct fixture *f = *state;

	http_client_ask(&f->client, http_server_port(f->server), "GET",
			"/?keys=1&key=2", "");
	assert_string_equal(f->unknown, "");
	http_client_ask(&f->client, http_server_port(f->server), "GET",
			"/?ke=1", "");
	assert_string_equal(f->unknown, "ke");
}

/* A name that an attacker's DNS lets point here is not this machine's. */
static void test_http_host(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask_as(f, "Host: evil.example\r\n"), 403);
	assert_int_equal(ask_as(f, "Host: 127.0.0.1.evil.example\r\n"), 403);
	assert_int_equal(ask_as(f, "Host: localhost:\r\n"), 403);
	assert_int_equal(ask_as(f, "Host: localhost:25x\r\n"), 403);
	assert_int_equal(f->calls, 0);
	assert_int_equal(ask_as(f, "Host: localhost\r\n"), 200);
	assert_int_equal(ask_as(f, "Host: 127.0.0.1:99\r\n"), 200);
	assert_int_equal(ask_as(f, "Host: [::1]:99\r\n"), 200);
	assert_int_equal(f->calls, 3);
}

/* Another site's page in the user's browser. */
static void test_http_origin(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask_as(f, "Host: localhost:1\r\nOrigin: "
				   "http://evil.example\r\n"),
			 403);
	assert_int_equal(ask_as(f, "Host: localhost:1\r\nOrigin: null\r\n"),
			 403);
	assert_int_equal(ask_as(f, "Host: localhost:1\r\nOrigin: "
				   "http://localhost:2\r\n"),
			 403);
	assert_int_equal(f->calls, 0);
	assert_int_equal(ask_as(f, "Host: localhost:1\r\nOrigin: "
				   "http://localhost:1\r\n"),
			 200);
}

/* A body at the limit is taken; one byte more is not even read. */
static void test_http_body_max(void **state)
{
	static char text[HTTP_BODY_MAX + 1024];
	struct fixture *f = *state;
	int n = snprintf(text, sizeof(text),
			 "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: "
			 "close\r\nContent-Length: %d\r\n\r\n",
			 HTTP_BODY_MAX);

	memset(text + n, 'x', HTTP_BODY_MAX);
	assert_int_equal(ask_raw(f, text), 200);
	assert_int_equal(f->body_len, HTTP_BODY_MAX);
	snprintf(text, sizeof(text),
		 "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: "
		 "close\r\nContent-Length: %d\r\n\r\n",
		 HTTP_BODY_MAX + 1);
	assert_int_equal(ask_raw(f, text), 413);
	assert_int_equal(f->calls, 1);
}

/* Without a length told, it is cut off where it gets too long. */
static void test_http_body_chunked(void **state)
{
	static char text[HTTP_BODY_MAX + 1024];
	struct fixture *f = *state;
	int n = snprintf(text, sizeof(text),
			 "POST / HTTP/1.1\r\nHost: localhost\r\n"
			 "Transfer-Encoding: chunked\r\n\r\n%x\r\n",
			 HTTP_BODY_MAX + 1);

	memset(text + n, 'x', HTTP_BODY_MAX + 1);
	assert_int_equal(ask_raw(f, text), 0);
	assert_int_equal(f->calls, 0);
}

/* A header without end. */
static void test_http_head_max(void **state)
{
	static char text[2 * HTTP_HEAD_MAX];
	struct fixture *f = *state;
	int n = snprintf(text, sizeof(text),
			 "GET / HTTP/1.1\r\nHost: localhost\r\nX: ");

	memset(text + n, 'x', sizeof(text) - (size_t)n - 1);
	assert_in_range(ask_raw(f, text), 400, 499);
	assert_int_equal(f->calls, 0);
}

/* No HTTP at all. */
static void test_http_garbage(void **state)
{
	struct fixture *f = *state;

	ask_raw(f, "EHLO me\r\nMAIL FROM:<a@b>\r\n\r\n");
	assert_int_equal(f->calls, 0);
	assert_int_equal(ask_as(f, "Host: localhost\r\n"), 200);
}

/* An answer that is put off comes with a wake, or waits on. */
static void test_http_wait(void **state)
{
	struct fixture *f = *state;

	f->wait_s = 30;
	http_client_say(&f->client, http_server_port(f->server), "GET", "/", "",
			"");
	while (!http_server_has_waiters(f->server))
		fixture_turn(&f->w);
	http_server_wake(f->server);
	while (f->calls < 2)
		fixture_turn(&f->w);
	assert_true(http_server_has_waiters(f->server));
	assert_false(f->last);
	f->wait_s = 0;
	http_server_wake(f->server);
	http_client_await(&f->client);
	assert_int_equal(http_client_status(&f->client), 200);
	assert_int_equal(f->calls, 3);
	assert_false(http_server_has_waiters(f->server));
}

/* Nothing comes: the handler is asked for the last time. */
static void test_http_wait_ends(void **state)
{
	struct fixture *f = *state;

	f->wait_s = 1;
	http_client_say(&f->client, http_server_port(f->server), "GET", "/", "",
			"");
	http_client_await(&f->client);
	assert_int_equal(http_client_status(&f->client), 200);
	assert_true(f->last);
	assert_int_equal(f->calls, 2);
}

/* Who still waits at the end is cut off. */
static void test_http_close_waiting(void **state)
{
	struct fixture *f = *state;

	f->wait_s = 30;
	http_client_say(&f->client, http_server_port(f->server), "GET", "/", "",
			"");
	while (!http_server_has_waiters(f->server))
		fixture_turn(&f->w);
	close_server(f);
	http_client_await(&f->client);
	assert_int_equal(http_client_status(&f->client), 0);
}

/* More clients than it takes: those that come first are served. */
static void test_http_connections_max(void **state)
{
	struct fixture *f = *state;
	int fds[HTTP_CONNECTIONS_MAX + 8];

	for (int i = 0; i < HTTP_CONNECTIONS_MAX + 8; i++) {
		http_client_connect(&f->client, http_server_port(f->server));
		fds[i] = f->client.fd;
		fixture_turn(&f->w);
	}
	f->client.fd = fds[0];
	fixture_send(&f->w, fds[0],
		     "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: "
		     "close\r\n\r\n");
	http_client_await(&f->client);
	assert_int_equal(http_client_status(&f->client), 200);
	for (int i = 1; i < HTTP_CONNECTIONS_MAX + 8; i++)
		close(fds[i]);
}

/* A Unix socket: for its owner, replaced after a crash, gone at the end. */
static void test_http_unix(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct stat st;
	int stale = socket(AF_UNIX, SOCK_STREAM, 0);

	close_server(f);
	snprintf(f->path, sizeof(f->path), "%s/control", f->w.dir);
	memcpy(addr.sun_path, f->path, strlen(f->path));
	assert_int_equal(bind(stale, (struct sockaddr *)&addr, sizeof(addr)),
			 0);
	close(stale);
	assert_int_equal(http_server_new(&f->w.loop, f->path, 0, on_request, f,
					 stderr, &f->server),
			 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	http_client_connect_unix(&f->client, f->path);
	fixture_send(&f->w, f->client.fd,
		     "GET / HTTP/1.1\r\nHost: world\r\nConnection: "
		     "close\r\n\r\n");
	http_client_await(&f->client);
	assert_int_equal(http_client_status(&f->client), 200);
	close_server(f);
	assert_int_equal(stat(f->path, &st), -1);
}

static void expect_failure(struct fixture *f, const char *path, uint16_t port,
			   int rc, const char *want)
{
	struct http_server *server = NULL;
	char text[512] = "";
	FILE *errors = fmemopen(text, sizeof(text), "w");

	assert_int_equal(http_server_new(&f->w.loop, path, port, on_request, f,
					 errors, &server),
			 rc);
	fclose(errors);
	assert_null(server);
	assert_non_null(strstr(text, want));
}

/* What is in use, a file or another's socket, stays as it is. */
static void test_http_in_use(void **state)
{
	struct fixture *f = *state;
	char path[256];
	FILE *file;

	expect_failure(f, NULL, http_server_port(f->server), -EADDRINUSE,
		       "control: can't listen on 127.0.0.1 port ");
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	expect_failure(f, path, 0, -ENAMETOOLONG, "File name too long");
	snprintf(path, sizeof(path), "%s/file", f->w.dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	expect_failure(f, path, 0, -EADDRINUSE, "/file: Address already in");
	assert_int_equal(access(path, F_OK), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_http_request),	    T(test_http_query_known),
		T(test_http_host),	    T(test_http_origin),
		T(test_http_body_max),	    T(test_http_body_chunked),
		T(test_http_head_max),	    T(test_http_garbage),
		T(test_http_wait),	    T(test_http_wait_ends),
		T(test_http_close_waiting), T(test_http_connections_max),
		T(test_http_unix),	    T(test_http_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
