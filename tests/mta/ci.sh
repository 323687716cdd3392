#!/bin/sh
# SPDX-License-Identifier: MIT
# All shipped scenarios on the four MTAs that are fast enough for every change.
# The others: all.sh.
# usage: ci.sh DEADMX [OPTION of deadmx run...]
. "$(dirname "$0")/matrix.sh"
matrix --target postfix --target exim --target sendmail --target opensmtpd "$@"
