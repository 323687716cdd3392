/* SPDX-License-Identifier: MIT */
/* The model MTA's queue: see model_queue.h. */
#include "harness/model/model_queue.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { QUEUE_PATH_MAX = 4096 };

/* clang-format off */
static const char *const state_words[] = {
#define XX(uc, word, doc) [MODEL_STATE_##uc] = word,
	MODEL_STATE_MAP(XX)
#undef XX
};
/* clang-format on */

/* Messages in memory. */

void model_set(char **text, const char *value)
{
	char *copy = value ? strdup(value) : NULL;

	assert(copy || !value);
	free(*text);
	*text = copy;
}

struct model_message *model_message_new(const char *from)
{
	struct model_message *m = calloc(1, sizeof(*m));

	assert(m);
	model_set(&m->from, from);
	return m;
}

struct model_recipient *model_message_add(struct model_message *m,
					  const char *to)
{
	struct model_recipient *r;

	m->recipients = realloc(m->recipients, (m->recipient_count + 1) *
						       sizeof(*m->recipients));
	assert(m->recipients);
	r = &m->recipients[m->recipient_count++];
	*r = (struct model_recipient){0};
	model_set(&r->to, to);
	return r;
}

static void recipient_release(struct model_recipient *r)
{
	free(r->to);
	free(r->orcpt);
	free(r->notify);
	free(r->status);
	free(r->diagnostic);
	free(r->remote);
	free(r->address);
}

void model_message_free(struct model_message *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->recipient_count; i++)
		recipient_release(&m->recipients[i]);
	free(m->recipients);
	free(m->id);
	free(m->from);
	free(m->ret);
	free(m->envid);
	free(m->helo);
	free(m->client);
	free(m);
}

/* Files. */

static int queue_path(const struct model_queue *q, const char *id,
		      const char *end, char *buf)
{
	int n = snprintf(buf, QUEUE_PATH_MAX, "%s/%s%s", q->config->queue_dir,
			 id, end);

	return n > 0 && n < QUEUE_PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int queue_write(const struct model_queue *q, const char *id,
		       const char *end, const char *data, size_t len)
{
	char path[QUEUE_PATH_MAX], temporary[QUEUE_PATH_MAX];
	int rc = queue_path(q, id, end, path), fd;

	if (rc == 0)
		rc = queue_path(q, id, ".tmp", temporary);
	if (rc < 0)
		return rc;
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, data, len);
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(temporary, path) < 0)
		rc = -errno;
	if (rc < 0)
		unlink(temporary);
	return rc;
}

/* Envelopes as JSON. */

static json_t *text_json(const char *text)
{
	json_t *json = text ? json_string_nocheck(text) : json_null();

	assert(json);
	return json;
}

static json_t *recipient_json(const struct model_recipient *r)
{
	json_t *json = json_pack(
		"{s:o,s:o,s:o,s:s,s:o,s:o,s:b,s:o,s:o,s:I,s:b}", "to",
		text_json(r->to), "orcpt", text_json(r->orcpt), "notify",
		text_json(r->notify), "state", state_words[r->state], "status",
		text_json(r->status), "diagnostic", text_json(r->diagnostic),
		"is_reply", r->is_reply, "remote", text_json(r->remote),
		"address", text_json(r->address), "last_ms",
		(json_int_t)r->last_ms, "is_told", r->is_told);

	assert(json);
	return json;
}

static json_t *message_json(const struct model_message *m)
{
	json_t *recipients = json_array(), *json;

	for (size_t i = 0; i < m->recipient_count; i++)
		json_array_append_new(recipients,
				      recipient_json(&m->recipients[i]));
	json = json_pack(
		"{s:o,s:o,s:o,s:o,s:o,s:b,s:i,s:b,s:I,s:I,s:I,s:i,s:b,s:b,s:o}",
		"from", text_json(m->from), "ret", text_json(m->ret), "envid",
		text_json(m->envid), "helo", text_json(m->helo), "client",
		text_json(m->client), "is_utf8", m->is_utf8, "by_mode",
		m->by_mode, "by_trace", m->by_trace, "by_ms",
		(json_int_t)m->by_ms, "arrival_ms", (json_int_t)m->arrival_ms,
		"next_ms", (json_int_t)m->next_ms, "attempts", (int)m->attempts,
		"is_delay_told", m->is_delay_told, "is_by_told", m->is_by_told,
		"recipients", recipients);
	assert(json);
	return json;
}

static void json_text(const json_t *json, const char *key, char **ret)
{
	model_set(ret, json_string_value(json_object_get(json, key)));
}

static int64_t json_number(const json_t *json, const char *key)
{
	return json_integer_value(json_object_get(json, key));
}

static bool json_flag(const json_t *json, const char *key)
{
	return json_is_true(json_object_get(json, key));
}

static void recipient_from_json(const json_t *json, struct model_recipient *r)
{
	const char *state = json_string_value(json_object_get(json, "state"));

	json_text(json, "orcpt", &r->orcpt);
	json_text(json, "notify", &r->notify);
	json_text(json, "status", &r->status);
	json_text(json, "diagnostic", &r->diagnostic);
	json_text(json, "remote", &r->remote);
	json_text(json, "address", &r->address);
	r->is_reply = json_flag(json, "is_reply");
	r->is_told = json_flag(json, "is_told");
	r->last_ms = json_number(json, "last_ms");
	for (int i = 0; state && i < MODEL_STATE_COUNT; i++)
		if (strcmp(state_words[i], state) == 0)
			r->state = (enum model_state)i;
}

/* NULL when it is no envelope. */
static struct model_message *message_from_json(const json_t *json)
{
	const char *from = json_string_value(json_object_get(json, "from"));
	struct model_message *m;
	const json_t *row;
	size_t i;

	if (!from)
		return NULL;
	m = model_message_new(from);
	json_text(json, "ret", &m->ret);
	json_text(json, "envid", &m->envid);
	json_text(json, "helo", &m->helo);
	json_text(json, "client", &m->client);
	m->is_utf8 = json_flag(json, "is_utf8");
	m->by_mode = (char)json_number(json, "by_mode");
	m->by_trace = json_flag(json, "by_trace");
	m->by_ms = json_number(json, "by_ms");
	m->arrival_ms = json_number(json, "arrival_ms");
	m->next_ms = json_number(json, "next_ms");
	m->attempts = (unsigned)json_number(json, "attempts");
	m->is_delay_told = json_flag(json, "is_delay_told");
	m->is_by_told = json_flag(json, "is_by_told");
	json_array_foreach(json_object_get(json, "recipients"), i, row)
	{
		const char *to = json_string_value(json_object_get(row, "to"));

		if (to)
			recipient_from_json(row, model_message_add(m, to));
	}
	return m;
}

/* The queue. */

static void queue_push(struct model_queue *q, struct model_message *m)
{
	struct model_message **end = &q->messages;

	while (*end)
		end = &(*end)->next;
	*end = m;
	q->count++;
}

static void queue_load(struct model_queue *q, const char *id)
{
	char path[QUEUE_PATH_MAX];
	struct model_message *m = NULL;
	json_t *json = NULL;

	if (queue_path(q, id, ".json", path) == 0)
		json = json_load_file(path, 0, NULL);
	if (json)
		m = message_from_json(json);
	json_decref(json);
	if (!m)
		return;
	model_set(&m->id, id);
	queue_push(q, m);
}

/* The envelope first: without it the data is nothing. */
static void queue_unlink(const struct model_queue *q, const char *id)
{
	char path[QUEUE_PATH_MAX];

	if (queue_path(q, id, ".json", path) == 0)
		unlink(path);
	if (queue_path(q, id, ".eml", path) == 0)
		unlink(path);
}

static int is_envelope(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 5 && len < 100 &&
	       strcmp(entry->d_name + len - 5, ".json") == 0;
}

int model_queue_open(struct model_queue *q, const struct model_config *config)
{
	struct dirent **names;
	int count;

	*q = (struct model_queue){.config = config};
	if (mkdir(config->queue_dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	count = scandir(config->queue_dir, &names, is_envelope, alphasort);
	if (count < 0)
		return -errno;
	for (int i = 0; i < count; i++) {
		names[i]->d_name[strlen(names[i]->d_name) - 5] = '\0';
		if (model_is(config, MODEL_MUTANT_LOSES_ON_RESTART))
			queue_unlink(q, names[i]->d_name);
		else if (q->count < MODEL_QUEUE_MAX)
			queue_load(q, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return 0;
}

void model_queue_release(struct model_queue *q)
{
	while (q->messages) {
		struct model_message *m = q->messages;

		q->messages = m->next;
		model_message_free(m);
	}
}

int model_queue_save(struct model_queue *q, const struct model_message *m)
{
	json_t *json = message_json(m);
	char *text = json_dumps(json, JSON_INDENT(1));
	int rc;

	assert(text);
	rc = queue_write(q, m->id, ".json", text, strlen(text));
	free(text);
	json_decref(json);
	return rc;
}

int model_queue_add(struct model_queue *q, struct model_message *m,
		    const char *data, size_t len)
{
	char id[64];
	int rc;

	if (q->count >= MODEL_QUEUE_MAX)
		return -ENOSPC;
	/* Names sort by age. The number keeps two of one instant apart. */
	m->arrival_ms = model_now_ms();
	snprintf(id, sizeof(id), "%012" PRIx64 "-%04" PRIx64,
		 (uint64_t)m->arrival_ms, q->number++ & 0xffff);
	model_set(&m->id, id);
	m->next_ms = m->arrival_ms;
	rc = queue_write(q, id, ".eml", data, len);
	if (rc == 0)
		rc = model_queue_save(q, m);
	if (rc == 0)
		queue_push(q, m);
	return rc;
}

void model_queue_remove(struct model_queue *q, struct model_message *m)
{
	struct model_message **link = &q->messages;

	while (*link != m)
		link = &(*link)->next;
	*link = m->next;
	q->count--;
	queue_unlink(q, m->id);
	model_message_free(m);
}

char *model_queue_data(const struct model_queue *q,
		       const struct model_message *m, size_t *ret_len)
{
	char path[QUEUE_PATH_MAX], *data = NULL;
	FILE *file = NULL;
	size_t len;

	if (queue_path(q, m->id, ".eml", path) == 0)
		file = fopen(path, "re");
	if (!file)
		return NULL;
	data = malloc(MODEL_MESSAGE_BYTES_MAX + 1);
	assert(data);
	len = fread(data, 1, MODEL_MESSAGE_BYTES_MAX, file);
	fclose(file);
	data[len] = '\0';
	*ret_len = len;
	return data;
}

void model_queue_print(const struct model_queue *q, FILE *to)
{
	if (!q->messages)
		fputs("The queue is empty\n", to);
	for (const struct model_message *m = q->messages; m; m = m->next) {
		fprintf(to, "%s from=<%s> attempts=%u\n", m->id, m->from,
			m->attempts);
		for (size_t i = 0; i < m->recipient_count; i++) {
			const struct model_recipient *r = &m->recipients[i];

			if (r->state == MODEL_STATE_PENDING)
				fprintf(to, "    to=<%s> %s\n", r->to,
					r->diagnostic ? r->diagnostic : "");
		}
	}
}
