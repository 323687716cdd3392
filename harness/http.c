/* SPDX-License-Identifier: MIT */
/* HTTP on a libuv loop: see http.h. */
#include "harness/http.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 16

struct http_server {
	struct MHD_Daemon *daemon;
	http_handler_cb handler;
	void *arg;
	char *path; /* of the Unix socket, or NULL */
	uint16_t port;
	uv_poll_t poll;
	uv_timer_t timeout; /* libmicrohttpd's next */
	uv_timer_t wait; /* the next deadline of those that wait, or a wake */
	struct exchange *waiting;
	int open_handles;
	void (*close_cb)(void *arg);
	void *close_arg;
};

/* A request on its way; libmicrohttpd keeps it for us. */
struct exchange {
	struct http_server *server;
	struct MHD_Connection *connection;
	char *method, *path;
	char *body;
	size_t body_len;
	unsigned refused;     /* status; 0: go on */
	uint64_t deadline_ms; /* 0: has not waited yet */
	bool last;
	struct exchange *next; /* waiting */
};

/* --- who may ask --------------------------------------------------------- */

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

/* "127.0.0.1:2580", "localhost": this machine by any of its plain names. */
static bool is_own_host(const char *host)
{
	static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len = strlen(names[i]);

		if (strncasecmp(host, names[i], len) == 0 &&
		    (!host[len] || (host[len] == ':' && host[len + 1] &&
				    strspn(host + len + 1, "0123456789") ==
					    strlen(host + len + 1))))
			return true;
	}
	return false;
}

/* Browsers send Origin with all that changes something; curl doesn't. */
static bool is_allowed(const struct http_server *s, struct MHD_Connection *c)
{
	const char *host = header(c, "Host"), *origin = header(c, "Origin");

	if (origin && (strncmp(origin, "http://", 7) != 0 || !host ||
		       strcasecmp(origin + 7, host) != 0))
		return false;
	/* The name in a request to a Unix socket is made up, curl's way. */
	return s->path || !host || is_own_host(host);
}

/* --- answers ------------------------------------------------------------- */

static enum MHD_Result answer(struct MHD_Connection *c,
			      const struct http_response *r)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		r->len, r->body, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result;

	assert(response);
	MHD_add_response_header(response, "Content-Type", r->type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	/* Messages are whatever somebody has sent: to be looked at as text. */
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "Content-Security-Policy",
				"default-src 'none'; sandbox");
	if (*r->allow)
		MHD_add_response_header(response, "Allow", r->allow);
	result = MHD_queue_response(c, r->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned status)
{
	struct http_response r = {.status = status, .type = "application/json"};
	const char *why = status == 413 ? "the body is too long"
					: "only from this machine, and not by "
					  "a page of another site";
	int len = asprintf(&r.body, "{\n  \"error\": \"%s\"\n}\n", why);

	assert(len > 0);
	r.len = (size_t)len;
	return answer(c, &r);
}

/* --- waiting ------------------------------------------------------------- */

static void server_run(struct http_server *s);

static void server_on_wait(uv_timer_t *timer);

static void server_await_deadline(struct http_server *s)
{
	uint64_t next = UINT64_MAX, now = uv_now(s->wait.loop);

	for (struct exchange *x = s->waiting; x; x = x->next)
		if (x->deadline_ms < next)
			next = x->deadline_ms;
	if (next == UINT64_MAX)
		uv_timer_stop(&s->wait);
	else
		uv_timer_start(&s->wait, server_on_wait,
			       next > now ? next - now : 0, 0);
}

/* Let all that wait ask again; those that must wait on come back. */
static void server_resume_all(struct http_server *s)
{
	uint64_t now = uv_now(s->wait.loop);

	while (s->waiting) {
		struct exchange *x = s->waiting;

		s->waiting = x->next;
		x->last = x->deadline_ms <= now;
		MHD_resume_connection(x->connection);
	}
}

static void server_on_wait(uv_timer_t *timer)
{
	struct http_server *s = timer->data;

	server_resume_all(s);
	server_run(s);
}

static void exchange_wait(struct exchange *x, int seconds)
{
	struct http_server *s = x->server;

	if (seconds > HTTP_WAIT_MAX_S)
		seconds = HTTP_WAIT_MAX_S;
	if (!x->deadline_ms)
		x->deadline_ms =
			uv_now(s->wait.loop) + (uint64_t)seconds * 1000;
	x->next = s->waiting;
	s->waiting = x;
	MHD_suspend_connection(x->connection);
	server_await_deadline(s);
}

/* --- requests ------------------------------------------------------------ */

static struct exchange *exchange_new(struct http_server *s,
				     struct MHD_Connection *c, const char *url,
				     const char *method)
{
	struct exchange *x = calloc(1, sizeof(*x));
	const char *length = header(c, "Content-Length");

	assert(x);
	x->server = s;
	x->connection = c;
	x->path = strdup(url);
	x->method = strdup(method);
	x->body = calloc(1, HTTP_BODY_MAX + 1);
	assert(x->path && x->method && x->body);
	if (!is_allowed(s, c))
		x->refused = 403;
	else if (length && strtoull(length, NULL, 10) > HTTP_BODY_MAX)
		x->refused = 413;
	return x;
}

static enum MHD_Result exchange_answer(struct exchange *x)
{
	const struct http_server *s = x->server;
	const struct http_request request = {.method = x->method,
					     .path = x->path,
					     .body = x->body,
					     .body_len = x->body_len,
					     .last = x->last,
					     .query = x->connection};
	struct http_response response = {.type = "application/json"};
	int wait;

	if (x->refused)
		return refuse(x->connection, x->refused);
	wait = s->handler(s->arg, &request, &response);
	if (wait > 0 && !x->last) {
		exchange_wait(x, wait);
		return MHD_YES;
	}
	assert(wait == 0);
	return answer(x->connection, &response);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c,
				  const char *url, const char *method,
				  const char *version, const char *data,
				  size_t *len, void **state)
{
	struct exchange *x = *state;

	if (!x) {
		*state = x = exchange_new(arg, c, url, method);
		/* Before the body comes: it is not read at all. */
		return x->refused ? refuse(c, x->refused) : MHD_YES;
	}
	if (!*len)
		return exchange_answer(x);
	/* A body that tells no length, and is too long, is cut off. */
	if (*len > HTTP_BODY_MAX - x->body_len)
		return MHD_NO;
	memcpy(x->body + x->body_len, data, *len);
	x->body_len += *len;
	*len = 0;
	return MHD_YES;
}

static void on_completed(void *arg, struct MHD_Connection *c, void **state,
			 enum MHD_RequestTerminationCode code)
{
	struct exchange *x = *state;

	if (!x)
		return;
	free(x->method);
	free(x->path);
	free(x->body);
	free(x);
	*state = NULL;
}

const char *http_query(const struct http_request *request, const char *key)
{
	return MHD_lookup_connection_value(request->query,
					   MHD_GET_ARGUMENT_KIND, key);
}

struct unknown {
	const char *known, *key;
};

static bool is_word_of(const char *words, const char *key)
{
	size_t len = strlen(key);

	for (;; words++) {
		size_t word = strcspn(words, " ");

		if (word == len && strncmp(words, key, len) == 0)
			return true;
		words += word;
		if (!*words)
			return false;
	}
}

static enum MHD_Result find_unknown(void *arg, enum MHD_ValueKind kind,
				    const char *key, const char *value)
{
	struct unknown *u = arg;

	if (is_word_of(u->known, key))
		return MHD_YES;
	u->key = key;
	return MHD_NO;
}

const char *http_query_unknown(const struct http_request *request,
			       const char *known)
{
	struct unknown u = {.known = known};

	MHD_get_connection_values(request->query, MHD_GET_ARGUMENT_KIND,
				  find_unknown, &u);
	return u.key;
}

/* --- the loop ------------------------------------------------------------ */

static void server_on_timeout(uv_timer_t *timer)
{
	server_run(timer->data);
}

static void server_run(struct http_server *s)
{
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(s->daemon);
	if (MHD_get_timeout(s->daemon, &ms) == MHD_YES)
		uv_timer_start(&s->timeout, server_on_timeout, ms, 0);
	else
		uv_timer_stop(&s->timeout);
}

static void server_on_poll(uv_poll_t *poll, int status, int events)
{
	server_run(poll->data);
}

bool http_server_has_waiters(const struct http_server *s)
{
	return s->waiting != NULL;
}

void http_server_wake(struct http_server *s)
{
	if (s->waiting)
		uv_timer_start(&s->wait, server_on_wait, 0, 0);
}

uint16_t http_server_port(const struct http_server *s)
{
	return s->port;
}

/* --- the listening socket ------------------------------------------------ */

static int listen_tcp(uint16_t *port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(*port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, rc;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&addr, len) == 0 &&
	    listen(fd, BACKLOG) == 0 &&
	    getsockname(fd, (struct sockaddr *)&addr, &len) == 0) {
		*port = ntohs(addr.sin_port);
		return fd;
	}
	rc = -errno;
	close(fd);
	return rc;
}

/* A socket that nobody listens on any more is a crash's. */
static void remove_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	int fd;

	if (lstat(addr->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 &&
	    errno == ECONNREFUSED)
		unlink(addr->sun_path);
	close(fd);
}

static int listen_unix(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	mode_t mask;
	int fd, rc;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path));
	remove_stale(&addr);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	mask = umask(0177);
	rc = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
	umask(mask);
	if (rc == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	rc = rc ? rc : -errno;
	close(fd);
	return rc;
}

static void on_log(void *arg, const char *format, va_list ap)
{
	/* Errors of clients; they are told by their answers. */
}

static struct MHD_Daemon *start_daemon(struct http_server *s, int fd)
{
	return MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
		NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_log,
		NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)HTTP_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HTTP_HEAD_MAX, MHD_OPTION_END);
}

static void server_open(struct http_server *s, uv_loop_t *loop)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	int rc;

	assert(info);
	rc = uv_poll_init(loop, &s->poll, info->epoll_fd);
	assert(rc == 0);
	uv_timer_init(loop, &s->timeout);
	uv_timer_init(loop, &s->wait);
	s->poll.data = s->timeout.data = s->wait.data = s;
	s->open_handles = 3;
	uv_poll_start(&s->poll, UV_READABLE, server_on_poll);
}

static int server_new(uv_loop_t *loop, int fd, http_handler_cb handler,
		      void *arg, struct http_server **ret)
{
	struct http_server *s = calloc(1, sizeof(*s));

	assert(s);
	s->handler = handler;
	s->arg = arg;
	s->daemon = start_daemon(s, fd);
	if (!s->daemon) {
		free(s);
		close(fd);
		return -EIO;
	}
	server_open(s, loop);
	*ret = s;
	return 0;
}

int http_server_new(uv_loop_t *loop, const char *path, uint16_t port,
		    http_handler_cb handler, void *arg, FILE *errors,
		    struct http_server **ret)
{
	int fd = path ? listen_unix(path) : listen_tcp(&port);
	int rc = fd < 0 ? fd : server_new(loop, fd, handler, arg, ret);

	if (rc == 0) {
		(*ret)->port = port;
		(*ret)->path = path ? strdup(path) : NULL;
	} else if (path) {
		fprintf(errors, "control: can't listen on %s: %s\n", path,
			strerror(-rc));
	} else {
		fprintf(errors,
			"control: can't listen on 127.0.0.1 port %u: %s\n",
			port, strerror(-rc));
	}
	return rc;
}

/* --- the end ------------------------------------------------------------- */

static void handle_closed(uv_handle_t *handle)
{
	struct http_server *s = handle->data;

	if (--s->open_handles)
		return;
	/* It closes the descriptor that was polled. */
	MHD_stop_daemon(s->daemon);
	if (s->path)
		unlink(s->path);
	if (s->close_cb)
		s->close_cb(s->close_arg);
	free(s->path);
	free(s);
}

void http_server_close(struct http_server *s, void (*cb)(void *arg), void *arg)
{
	s->close_cb = cb;
	s->close_arg = arg;
	/* It may stop only when nobody is suspended. */
	server_resume_all(s);
	uv_poll_stop(&s->poll);
	uv_close((uv_handle_t *)&s->poll, handle_closed);
	uv_close((uv_handle_t *)&s->timeout, handle_closed);
	uv_close((uv_handle_t *)&s->wait, handle_closed);
}
