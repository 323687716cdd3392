/* SPDX-License-Identifier: MIT */
/*
 * A log file that is followed, as by tail -F: its lines as they are written,
 * from its first byte on, when it appears later and when another takes its
 * place.
 */
#ifndef HARNESS_INNER_LOG_H
#define HARNESS_INNER_LOG_H

#include <stddef.h>
#include <uv.h>

/* Tested in tests/unit/test_inner_log.c. */
enum {
	INNER_LOG_LINE_MAX = 8192, /* bytes; a longer line comes in parts */
};

struct inner_log;

/*
 * @on_line gets each line without its line feed; @len is at most
 * INNER_LOG_LINE_MAX. The folder of @path must be there. 0 or a negative
 * errno.
 */
int inner_log_new(uv_loop_t *loop, const char *path,
		  void (*on_line)(void *arg, const char *line, size_t len),
		  void *arg, struct inner_log **ret);
/* What was written and has not been told; a last line without end, too. */
void inner_log_drain(struct inner_log *l);
/* Ends it; the loop must be turned once more. */
void inner_log_free(struct inner_log *l);

#endif
