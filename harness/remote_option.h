/* SPDX-License-Identifier: MIT */
/*
 * The options of `deadmx run` that are about a server elsewhere.
 */
#ifndef HARNESS_REMOTE_OPTION_H
#define HARNESS_REMOTE_OPTION_H

#include "harness/remote.h"

/*
 * XX(ENUM, "option", "what it has to be")
 */
#define REMOTE_OPTION_MAP(XX)                                                  \
	XX(AT, "at", "where the server is")                                    \
	XX(BIND, "bind", "address for the world's servers")                    \
	XX(PORT, "port", "their SMTP port")                                    \
	XX(DNS_PORT, "dns-port", "the DNS port")                               \
	XX(WITHIN, "within", "the run's end at the latest")                    \
	XX(SETTLE, "settle", "watched on after all mail has ended")

/* Beyond all characters, for getopt_long(). */
enum remote_option {
	REMOTE_OPTION_BEFORE = 1000,
#define XX(uc, word, doc) REMOTE_OPTION_##uc,
	REMOTE_OPTION_MAP(XX)
#undef XX
		REMOTE_OPTION_END
};

void remote_option_defaults(struct remote_options *o);
/* 0, or -EINVAL with a line on standard error. */
int remote_option_take(struct remote_options *o, enum remote_option option,
		       const char *arg);
/*
 * Do they fit the target? @remote: the one that is elsewhere, NULL when there
 * is none. 0, or -EINVAL with a line on standard error.
 */
int remote_option_check(const struct remote_options *o,
			const struct target *remote);

#endif
