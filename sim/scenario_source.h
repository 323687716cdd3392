/* SPDX-License-Identifier: MIT */
/*
 * A scenario from its files: what `include` and `replies` name is read and
 * merged, so that the readers see one whole tree.
 *
 * A scenario may come from somebody else. It reaches only files called *.yml
 * or *.yaml, by relative paths, in its own folder, in those below and beside
 * it, and directly above: the folder in which its family lies. Links that lead
 * out of there are not followed, devices and pipes not opened for long.
 */
#ifndef SIM_SCENARIO_SOURCE_H
#define SIM_SCENARIO_SOURCE_H

#include "deadmx/yaml.h"

/*
 * Complete doc->root, which was read from the file @path; NULL for a text that
 * is no file and can't include. Errors are collected; what could not be read
 * is then missing. True when something came from elsewhere.
 */
bool scenario_source_complete(struct deadmx_yaml *doc, const char *path);

#endif
