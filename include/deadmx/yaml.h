/* SPDX-License-Identifier: MIT */
/*
 * YAML files that people write: a small tree with a place for every node.
 *
 * A thin layer over libyaml's events. It bounds size, depth and number of
 * nodes before anything is built, refuses what our files have no use for
 * (anchors, aliases, tags, several documents), and collects errors, so that
 * a reader can go on after one and the user sees all of them in one go:
 *
 *	file:line:column: what, expected …, got …; hint
 *	    the line
 *	    ^
 *
 * Readers are tables: one row per key with its handler and its line for the
 * reference page. Nodes and texts live in the caller's arena.
 */
#ifndef DEADMX_YAML_H
#define DEADMX_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "deadmx/arena.h"
#include "deadmx/scenario.h"

/* Limits beside those of scenario.h; tested in tests/unit/test_yaml.c. */
enum {
	DEADMX_YAML_NODES_MAX = 100 * 1000, /* bounds memory: 100 bytes each */
	DEADMX_YAML_KEYS_MAX = 1000, /* of one map: each is compared with all */
	DEADMX_YAML_KEY_LEN_MAX = 255, /* bytes; written out, escapes and
					* all, YAML allows 1024 */
	DEADMX_YAML_SHOWN_MAX = 160,   /* columns of a source line in errors */
};

enum deadmx_yaml_kind {
	DEADMX_YAML_TEXT,
	DEADMX_YAML_LIST,
	DEADMX_YAML_MAP,
};

struct deadmx_yaml_node {
	enum deadmx_yaml_kind kind;
	struct deadmx_place place;
	char *text; /* TEXT: NUL-terminated, holds no other NUL */
	size_t len;
	bool plain;   /* TEXT: without quotes and not a block */
	bool cut;     /* TEXT: plain, and "#" with no blank behind it follows:
		       * a comment, though it may not be meant as one */
	size_t count; /* LIST, MAP */
	struct deadmx_yaml_node *first; /* LIST, MAP: children by ->next */
	struct deadmx_yaml_node *next;
	struct deadmx_yaml_node *key; /* child of a MAP: its key, a TEXT */
};

struct deadmx_yaml {
	struct deadmx_arena *arena; /* what handlers make */
	const char *file;	    /* name of the first */
	struct deadmx_yaml_node *root;
	void *user; /* for the handlers */
	/* Where a key of no use in one map belongs: "a server"; or NULL. */
	const char *(*home)(struct deadmx_yaml *doc, const char *word);
	FILE *errors; /* NULL = silent */
	bool hides_warnings;
	/*
	 * When the document is read several times: the number of this time,
	 * from 1, and its name, which lives as long as the document. 0 = once.
	 */
	size_t case_count;
	const char *case_name;
	struct deadmx_yaml_file *files; /* private from here */
	struct deadmx_arena *keep;	/* nodes, files and errors */
	struct deadmx_yaml_error *error;
	size_t error_count;    /* all that were found, case by case */
	size_t distinct_count; /* the same error in several cases is one */
	size_t node_count;     /* of all files */
	int64_t regex_cost;    /* of all that were read */
};

/*
 * Parse @text. 0 when there is a tree to read; small errors in it (a key that
 * is there twice) are then collected. -EINVAL when not, with the errors
 * printed. @text must live until deadmx_yaml_finish(), the nodes live as long
 * as @arena.
 */
int deadmx_yaml_parse(struct deadmx_yaml *doc, struct deadmx_arena *arena,
		      const char *name, const char *text, size_t len,
		      FILE *errors);
/*
 * Parse one more file into the same document: its nodes count with the others,
 * its errors are shown with its own lines. 0, or -EINVAL, the errors collected
 * only. @text must live until deadmx_yaml_finish().
 */
int deadmx_yaml_parse_file(struct deadmx_yaml *doc, const char *name,
			   const char *text, size_t len,
			   struct deadmx_yaml_node **ret);
/*
 * Read a whole file of at most DEADMX_SCENARIO_BYTES_MAX bytes into @arena.
 * A negative errno is also told on @errors; -EFBIG for a longer one.
 */
int deadmx_yaml_read_file(struct deadmx_arena *arena, const char *path,
			  FILE *errors, char **ret_text, size_t *ret_len);
/*
 * The same from @fd, of a regular file, without a word; *ret_why then says
 * what is wrong with the file, or is NULL when errno does.
 */
int deadmx_yaml_read_fd(struct deadmx_arena *arena, int fd, char **ret_text,
			size_t *ret_len, const char **ret_why);
/* Print the collected errors in the order of the files; 0 or -EINVAL. */
int deadmx_yaml_finish(struct deadmx_yaml *doc);

/* Collect an error: "what, expected …, got …"; @hint may be NULL. */
void deadmx_yaml_error(struct deadmx_yaml *doc,
		       const struct deadmx_place *place, const char *hint,
		       const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The same for what is allowed and yet looks like a mistake: it is shown as a
 * warning, and the document is good. */
void deadmx_yaml_warn(struct deadmx_yaml *doc, const struct deadmx_place *place,
		      const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The usual one: "@what, expected @expected, got (the node)". */
void deadmx_yaml_wrong(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, const char *what,
		       const char *expected, const char *hint);

/* An error when @node seems to end before what was meant as its text. */
void deadmx_yaml_whole(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node);

/* The name of a child for errors: its key, or "item" in a list. */
const char *deadmx_yaml_name(const struct deadmx_yaml_node *node);
bool deadmx_yaml_is_empty(const struct deadmx_yaml_node *node);
/* Is it this plain or quoted word? */
bool deadmx_yaml_is(const struct deadmx_yaml_node *node, const char *word);

typedef void (*deadmx_yaml_read_cb)(struct deadmx_yaml *doc,
				    const struct deadmx_yaml_node *value,
				    void *arg);

/*
 * The type of a key: what its value may be, in words from which the JSON
 * Schema is made. Alternatives by "|", each of them one of
 *
 *	text		any text, the empty one too
 *	word		a text that is not empty
 *	'none'		just that word; '' is the empty text
 *	empty		nothing behind the colon
 *	yes		yes or no
 *	count		a whole number; count 1..65535 with its limits
 *	percent		30%, 2.5%
 *	bytes		500, 64KiB, 10MiB
 *	duration	30s, 1h30m
 *	offset		a duration, -10d too
 *	date		2030-01-01, 2030-01-01T00:00:00Z
 *	moment		a duration, or one counted from expiry: expiry+2h
 *	counts		a range of counts: 3, 4..6, at least 3
 *	times		a range of durations: 4h..5h, at least 4h
 *	regex		/extended regular expression/
 *	match		an exact text or a regex
 *	status		an enhanced status code: 4.4.7
 *	domain, address	dest.example, bob@dest.example
 *	ip4, ip6	an address literal
 *	reply		an SMTP reply, or the name of one
 *	stage NAME	what may stand at the stage NAME in a timeline
 *	table NAME	a map with the keys of that table (scenario_tables)
 *	list T		a list of T
 *	map T		a map from any name to T
 *
 * T is one alternative, or several in parentheses: list ('a'|'b'). An
 * X-macro's words can be joined: #define XX(uc, w, doc) "'" w "'|".
 * A new sort of value gets a line here.
 */

/* A row of a key table; the table ends with a row without word. */
struct deadmx_yaml_key {
	const char *word;
	deadmx_yaml_read_cb read;
	const char *doc; /* one line: meaning, unit, default */
	bool required;
	const char *type; /* see above */
};

/*
 * Hand each value of a map to its handler. Unknown and missing keys are
 * errors. False when @node is no map (an error too).
 */
bool deadmx_yaml_map(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node, const char *what,
		     const struct deadmx_yaml_key *keys, void *arg);
/* Is there a key in @map that @keys doesn't have, most like @word? */
bool deadmx_yaml_is_misspelt(const struct deadmx_yaml_node *map,
			     const struct deadmx_yaml_key *keys,
			     const char *word);
/* The value of @word in a map, or NULL. */
const struct deadmx_yaml_node *
deadmx_yaml_get(const struct deadmx_yaml_node *map, const char *word);

/* Typed values; false when an error was collected, @ret then untouched. */
bool deadmx_yaml_text(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, char **ret);
/* A text that is not empty. */
bool deadmx_yaml_word(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, char **ret);
bool deadmx_yaml_count(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, int64_t min,
		       int64_t max, int64_t *ret);
/* "500", "64KiB", "10MiB": a number of bytes. */
bool deadmx_yaml_bytes(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, uint64_t min,
		       uint64_t max, uint64_t *ret);
/* "30%", "0.05%", up to 100%: parts per million. */
bool deadmx_yaml_percent(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node,
			 uint32_t *ret_ppm);
bool deadmx_yaml_yes(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node, bool *ret);
bool deadmx_yaml_duration(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, int64_t *ret_ns);
/*
 * The value of a target's setting: it goes into files and shell scripts, so
 * it is letters, digits, blanks and ._:/@=,+- only.
 */
bool deadmx_yaml_setting(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, char **ret);
/* One text or a list of texts. */
bool deadmx_yaml_texts(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, char ***ret,
		       size_t *ret_count);

/* "4h..5h", "at least 4h", ">=3", "7": times in ns, or counts. */
bool deadmx_yaml_range(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, bool is_time,
		       struct deadmx_range *ret);
/* Is @regex, which stands at @node, an ERE that is cheap to compile? */
bool deadmx_yaml_regex(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, const char *regex);
/* Is it an enhanced status code such as 4.4.7? */
bool deadmx_yaml_is_status(const char *text);

/* What @word may have been meant to be, by edit distance; NULL when nothing. */
const char *deadmx_yaml_nearest(const char *word, const char *const *words,
				size_t count);
/* "did you mean X?" for deadmx_yaml_error(), or NULL. */
const char *deadmx_yaml_did_you_mean(struct deadmx_yaml *doc, const char *word,
				     const char *const *words, size_t count);

/* Digits only, no sign, no blanks, at most @max; 0 or -EINVAL or -ERANGE. */
int deadmx_number_parse(const char *text, int64_t max, int64_t *ret);

#endif
