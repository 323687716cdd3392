#!/bin/sh
# SPDX-License-Identifier: MIT
# All shipped scenarios on each MTA that deadmx knows. A part:
# all.sh DEADMX --filter recover,control
# usage: all.sh DEADMX [OPTION of deadmx run...]
. "$(dirname "$0")/matrix.sh"
matrix --target all "$@"
