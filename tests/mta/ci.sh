#!/bin/sh
# SPDX-License-Identifier: MIT
# All shipped scenarios on the model MTA, and on the four real ones that are fast
# enough for every change. The others: all.sh.
# usage: ci.sh DEADMX [OPTION of deadmx run...]
. "$(dirname "$0")/matrix.sh"
matrix --target model --target postfix --target exim --target sendmail --target opensmtpd "$@"
