/* SPDX-License-Identifier: MIT */
/*
 * One SMTP session of a probe: connection, greeting, TLS, MAIL, RCPT, QUIT.
 *
 * One command at a time, so that each step has a time of its own. The server
 * is not trusted in any way. Whatever is answered, the session ends with QUIT
 * as long as there is somebody to say it to.
 */
#ifndef HARNESS_PROBE_SMTP_H
#define HARNESS_PROBE_SMTP_H

#include "harness/probe/probe.h"

/*
 * One session with @host at @addr. Steps go to @report; returns how it ended.
 * @tls may be less than the options' level: a second try in plain text.
 */
struct probe_end probe_smtp_run(const struct probe_options *options,
				struct probe_report *report,
				const struct probe_host *host,
				const struct sockaddr_storage *addr,
				enum probe_tls_level tls);

#endif
