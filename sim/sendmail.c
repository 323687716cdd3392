/* SPDX-License-Identifier: MIT */
/* Handing a message over by the sendmail command: see sendmail.h. */
#include "sim/sendmail.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sim_timer.h"

struct sendmail {
	uv_process_t process;
	uv_pipe_t in, out;
	uv_timer_t timer;
	uv_write_t write;
	struct inject inject;
	int open_handles;
	int spawn_status;
	bool decided, closing;
	size_t reply_len;
	char reply[INJECT_REPLY_MAX + 1];
};

static void sendmail_closed(uv_handle_t *handle)
{
	struct sendmail *s = handle->data;

	if (--s->open_handles)
		return;
	s->inject.on_closed(s->inject.arg);
	free(s);
}

void sendmail_close(struct sendmail *s)
{
	if (s->closing)
		return;
	s->closing = true;
	if (s->spawn_status == 0 && !s->decided)
		uv_process_kill(&s->process, SIGKILL);
	uv_close((uv_handle_t *)&s->process, sendmail_closed);
	if (!uv_is_closing((uv_handle_t *)&s->in))
		uv_close((uv_handle_t *)&s->in, sendmail_closed);
	uv_close((uv_handle_t *)&s->out, sendmail_closed);
	uv_close((uv_handle_t *)&s->timer, sendmail_closed);
}

static void sendmail_decide(struct sendmail *s, enum inject_status status,
			    const char *reply)
{
	if (s->decided)
		return;
	s->decided = true;
	s->inject.on_result(s->inject.arg, status, reply,
			    (struct inject_offers){0});
}

static void sendmail_on_exit(uv_process_t *process, int64_t status, int sig)
{
	struct sendmail *s = process->data;
	char text[INJECT_REPLY_MAX + 64];

	while (s->reply_len && strchr("\r\n", s->reply[s->reply_len - 1]))
		s->reply_len--;
	s->reply[s->reply_len] = '\0';
	if (sig)
		snprintf(text, sizeof(text), "killed by signal %d: %s", sig,
			 s->reply);
	else if (status)
		snprintf(text, sizeof(text), "exit status %d: %s", (int)status,
			 s->reply);
	else
		snprintf(text, sizeof(text), "%s", s->reply);
	sendmail_decide(s,
			sig	 ? INJECT_FAILED
			: status ? INJECT_REJECTED
				 : INJECT_ACCEPTED,
			text);
	/* Not waited for the end of the output: a child of the command that
	 * delivers in the background may hold it open for days. */
	sendmail_close(s);
}

static void sendmail_on_timer(uv_timer_t *timer)
{
	struct sendmail *s = timer->data;

	if (s->spawn_status < 0) {
		sendmail_decide(s, INJECT_FAILED, uv_strerror(s->spawn_status));
	} else {
		uv_process_kill(&s->process, SIGKILL);
		sendmail_decide(s, INJECT_FAILED, "no exit in time");
	}
	sendmail_close(s);
}

static void sendmail_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct sendmail *s = handle->data;

	/* What is too much is read over the last bytes, and lost. */
	if (s->reply_len == INJECT_REPLY_MAX)
		s->reply_len = INJECT_REPLY_MAX / 2;
	*buf = uv_buf_init(s->reply + s->reply_len,
			   (unsigned)(INJECT_REPLY_MAX - s->reply_len));
}

static void sendmail_on_read(uv_stream_t *stream, ssize_t n,
			     const uv_buf_t *buf)
{
	struct sendmail *s = stream->data;

	if (n < 0)
		uv_read_stop(stream);
	else
		s->reply_len += (size_t)n;
}

static void sendmail_on_written(uv_write_t *req, int status)
{
	struct sendmail *s = req->handle->data;
	uv_handle_t *in = (uv_handle_t *)&s->in;

	/* The end of its input. A command that reads none of it is judged
	 * by its exit status. */
	if (!uv_is_closing(in))
		uv_close(in, sendmail_closed);
}

static int sendmail_spawn(struct sendmail *s, const char *command)
{
	char *args[] = {(char *)"/bin/sh", (char *)"-c", NULL, NULL};
	uv_stdio_container_t stdio[3] = {
		{.flags = UV_CREATE_PIPE | UV_READABLE_PIPE,
		 .data.stream = (uv_stream_t *)&s->in},
		{.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
		 .data.stream = (uv_stream_t *)&s->out},
		{.flags = UV_IGNORE},
	};
	uv_process_options_t options = {.file = "/bin/sh",
					.args = args,
					.stdio = stdio,
					.stdio_count = 3,
					.exit_cb = sendmail_on_exit};
	int rc = asprintf(&args[2], "exec 2>&1\n%s", command);

	assert(rc > 0);
	rc = uv_spawn(s->timer.loop, &s->process, &options);
	free(args[2]);
	return rc;
}

struct sendmail *sendmail_new(uv_loop_t *loop, const char *command,
			      const struct inject *inject)
{
	struct sendmail *s = calloc(1, sizeof(*s));
	char *text;
	uv_buf_t buf;

	assert(s);
	s->inject = *inject;
	s->process.data = s->in.data = s->out.data = s->timer.data = s;
	uv_pipe_init(loop, &s->in, 0);
	uv_pipe_init(loop, &s->out, 0);
	uv_timer_init(loop, &s->timer);
	s->open_handles = 4;
	text = sendmail_command(command, inject->mail);
	s->spawn_status = sendmail_spawn(s, text);
	free(text);
	if (s->spawn_status < 0) {
		sim_timer_start(&s->timer, sendmail_on_timer, 0);
		return s;
	}
	sim_timer_start(&s->timer, sendmail_on_timer,
			INJECT_WAIT_S * DEADMX_NS_PER_S);
	uv_read_start((uv_stream_t *)&s->out, sendmail_alloc, sendmail_on_read);
	buf = uv_buf_init(inject->data, (unsigned)inject->len);
	if (uv_write(&s->write, (uv_stream_t *)&s->in, &buf, 1,
		     sendmail_on_written) < 0)
		uv_close((uv_handle_t *)&s->in, sendmail_closed);
	return s;
}

static void put_quoted(FILE *out, const char *text)
{
	fputc('\'', out);
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else
			fputc(*text, out);
	}
	fputc('\'', out);
}

static void put_recipients(FILE *out, const struct deadmx_mail *mail)
{
	for (size_t i = 0; i < mail->to_count; i++) {
		if (i)
			fputc(' ', out);
		put_quoted(out, mail->to[i]);
	}
}

char *sendmail_command(const char *command, const struct deadmx_mail *mail)
{
	static const char from[] = "{from}", to[] = "{to}";
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert(out);
	while (*command) {
		if (strncmp(command, from, strlen(from)) == 0) {
			put_quoted(out, *mail->from ? mail->from : "<>");
			command += strlen(from);
		} else if (strncmp(command, to, strlen(to)) == 0) {
			put_recipients(out, mail);
			command += strlen(to);
		} else {
			fputc(*command++, out);
		}
	}
	fclose(out);
	return text;
}
