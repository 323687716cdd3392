/* SPDX-License-Identifier: MIT */
/*
 * One attempt of the model MTA: a message to its recipients in one domain.
 *
 * Blocks, with the time-outs of RFC 5321 4.5.3.2 at least: called from a
 * worker thread. A job owns copies of all it needs, so that no other thread
 * has to wait or look on.
 */
#ifndef HARNESS_MODEL_MODEL_SMTP_H
#define HARNESS_MODEL_MODEL_SMTP_H

#include "harness/model/model_queue.h"

enum model_outcome {
	MODEL_OUTCOME_LATER,
	MODEL_OUTCOME_DELIVERED, /* to a server that does DSNs */
	MODEL_OUTCOME_RELAYED,	 /* to one that does none */
	MODEL_OUTCOME_NEVER,
};

struct model_target {
	char *to, *orcpt, *notify;
	enum model_outcome outcome;
	char *status, *diagnostic, *remote, *address;
	bool is_reply;
	bool is_done;	/* within the attempt */
	bool is_sent;	/* RCPT was accepted in this session */
	bool is_by_due; /* the sender is to hear of it, for BY=…;N */
};

struct model_job {
	const struct model_config *config;
	char *domain, *from, *ret, *envid;
	char *data;
	size_t len;
	bool is_utf8;
	char by_mode;
	bool by_trace;
	int64_t by_ms;
	struct model_target *targets;
	size_t count;
};

/* @data: malloc'd, becomes the job's. */
struct model_job *model_job_new(const struct model_config *config,
				const struct model_message *m,
				const char *domain, char *data, size_t len);
void model_job_add(struct model_job *job, const struct model_recipient *r);
/* Try it; each target's outcome and reason are set. */
void model_job_run(struct model_job *job);
void model_job_free(struct model_job *job);

#endif
