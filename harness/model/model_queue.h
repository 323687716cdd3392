/* SPDX-License-Identifier: MIT */
/*
 * The model MTA's queue: one message is ID.eml, with its envelope and what
 * has become of it in ID.json beside it.
 *
 * A message is in the queue when its ID.json is: that is written last, under
 * another name, synced and renamed (RFC 5321 6.1: not lost for frivolous
 * reasons). What is in memory is what is on disk after each save.
 */
#ifndef HARNESS_MODEL_MODEL_QUEUE_H
#define HARNESS_MODEL_MODEL_QUEUE_H

#include "harness/model/model.h"

/* XX(ENUM, "word in the file", "what it means") */
#define MODEL_STATE_MAP(XX)                                                    \
	XX(PENDING, "pending", "to be tried")                                  \
	XX(DELIVERED, "delivered", "handed to a server that does DSNs")        \
	XX(RELAYED, "relayed", "handed to a server that does none")            \
	XX(FAILED, "failed", "for good")

enum model_state {
#define XX(uc, word, doc) MODEL_STATE_##uc,
	MODEL_STATE_MAP(XX)
#undef XX
		MODEL_STATE_COUNT
};

/* All strings are malloc'd; NULL where nothing is known. */
struct model_recipient {
	char *to;
	char *orcpt;  /* as it came, xtext */
	char *notify; /* as it came */
	enum model_state state;
	char *status;	  /* of the last attempt, X.Y.Z */
	char *diagnostic; /* what went wrong, in words or a reply */
	bool is_reply;	  /* @diagnostic is a server's */
	char *remote;	  /* host name of the last endpoint */
	char *address;	  /* "192.0.2.10:25", the last endpoint */
	int64_t last_ms;  /* of the last attempt */
	bool is_told;	  /* of its delay or end */
	bool is_by_due;	  /* memory only: for BY=…;N a report is due */
};

struct model_message {
	char *id;
	char *from;	     /* "" is the null reverse-path */
	char *ret, *envid;   /* as they came */
	char *helo, *client; /* whom it came from */
	bool is_utf8;
	char by_mode; /* DELIVERBY: R or N; 0: not asked */
	bool by_trace;
	int64_t by_ms; /* to be delivered by then */
	int64_t arrival_ms, next_ms;
	unsigned attempts;
	bool is_delay_told, is_by_told;
	bool is_busy; /* memory only: an attempt is under way */
	int open_jobs;
	struct model_recipient *recipients;
	size_t recipient_count;
	struct model_message *next;
};

struct model_queue {
	const struct model_config *config;
	struct model_message *messages;
	size_t count;
	uint64_t number;
};

/* Read what is there. 0 or a negative errno. */
int model_queue_open(struct model_queue *q, const struct model_config *config);
void model_queue_release(struct model_queue *q);
/*
 * A new message with its data; @m becomes the queue's, and gets its id. On
 * error a negative errno, @m stays the caller's.
 */
int model_queue_add(struct model_queue *q, struct model_message *m,
		    const char *data, size_t len);
/* Its state has changed. */
int model_queue_save(struct model_queue *q, const struct model_message *m);
/* It has ended: away with it. @m is freed. */
void model_queue_remove(struct model_queue *q, struct model_message *m);
/* Its bytes, malloc'd, with a NUL behind; NULL: unreadable. */
char *model_queue_data(const struct model_queue *q,
		       const struct model_message *m, size_t *ret_len);
/* A listing for people. */
void model_queue_print(const struct model_queue *q, FILE *to);

struct model_message *model_message_new(const char *from);
struct model_recipient *model_message_add(struct model_message *m,
					  const char *to);
void model_message_free(struct model_message *m);
/* Replace a malloc'd text by a copy of another; both may be NULL. */
void model_set(char **text, const char *value);

#endif
