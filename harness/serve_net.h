/* SPDX-License-Identifier: MIT */
/*
 * `deadmx serve` in a network namespace that the tester has made for it.
 *
 * Such a namespace has a scenario's own addresses, IPv6 too, ports 25 and 53,
 * and routes that faults may change. The machine's own network is never
 * touched: a namespace that leads anywhere is refused.
 */
#ifndef HARNESS_SERVE_NET_H
#define HARNESS_SERVE_NET_H

#include <stdio.h>

/*
 * Lay the networks for tests in the namespace that this process is in. On
 * error a negative errno and a line on @errors; -ENOTSUP: it has interfaces.
 */
int serve_net_up(FILE *errors);

#endif
