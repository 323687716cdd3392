/* SPDX-License-Identifier: MIT */
/* What the numbers of RFC 3463 mean, for people. */
#ifndef HARNESS_NDR_NDR_WORDS_H
#define HARNESS_NDR_NDR_WORDS_H

/*
 * "4.4.7" in a sentence, malloc'd; NULL when it is no status. A detail that
 * the RFC doesn't define is told by its subject.
 */
char *ndr_words_status(const char *status);

#endif
