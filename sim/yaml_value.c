/* SPDX-License-Identifier: MIT */
/*
 * Reading a tree of YAML nodes: maps by key tables, typed values, and what a
 * faulty word may have been meant to be. See deadmx/yaml.h.
 */
#include "deadmx/yaml.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "deadmx/pattern.h"

/* --- nearest word ------------------------------------------------------ */

enum {
	NEAREST_LEN_MAX = 64, /* bytes; longer words are not compared */
};

static size_t min3(size_t a, size_t b, size_t c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

/* Insertions, deletions, changes and swaps of neighbours cost one each. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t rows[3][NEAREST_LEN_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *here = rows[2], *t;
	size_t a_len = strlen(a), b_len = strlen(b);

	if (a_len > NEAREST_LEN_MAX || b_len > NEAREST_LEN_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_len; j++)
		above[j] = before[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		here[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			here[j] = min3(above[j] + 1, here[j - 1] + 1,
				       above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && before[j - 2] + 1 < here[j])
				here[j] = before[j - 2] + 1;
		}
		t = before;
		before = above;
		above = here;
		here = t;
	}
	return above[b_len];
}

const char *deadmx_yaml_nearest(const char *word, const char *const *words,
				size_t count)
{
	size_t best = strlen(word) / 3 + 1, distance;
	const char *nearest = NULL;

	for (size_t i = 0; i < count; i++) {
		distance = edit_distance(word, words[i]);
		/* A word that shares no letter is no suggestion. */
		if (distance > best || distance >= strlen(words[i]))
			continue;
		if (nearest && distance == best)
			continue;
		best = distance;
		nearest = words[i];
	}
	return nearest;
}

const char *deadmx_yaml_did_you_mean(struct deadmx_yaml *doc, const char *word,
				     const char *const *words, size_t count)
{
	const char *nearest;

	/* What won't be shown needs no hint: a search takes its time. */
	if (doc->error_count >= DEADMX_SCENARIO_ERRORS_MAX)
		return NULL;
	nearest = deadmx_yaml_nearest(word, words, count);
	if (!nearest)
		return NULL;
	return deadmx_arena_printf(doc->arena, "did you mean \"%s\"?", nearest);
}

/* --- maps and values ---------------------------------------------------- */

const char *deadmx_yaml_name(const struct deadmx_yaml_node *node)
{
	return node->key ? node->key->text : "item";
}

bool deadmx_yaml_is_empty(const struct deadmx_yaml_node *node)
{
	return node->kind == DEADMX_YAML_TEXT && node->plain &&
	       (node->len == 0 || strcmp(node->text, "~") == 0 ||
		strcmp(node->text, "null") == 0);
}

bool deadmx_yaml_is(const struct deadmx_yaml_node *node, const char *word)
{
	return node->kind == DEADMX_YAML_TEXT && strcmp(node->text, word) == 0;
}

const struct deadmx_yaml_node *
deadmx_yaml_get(const struct deadmx_yaml_node *map, const char *word)
{
	const struct deadmx_yaml_node *child;

	for (child = map->first; child; child = child->next)
		if (child->key && strcmp(child->key->text, word) == 0)
			return child;
	return NULL;
}

enum {
	KEYS_OF_TABLE_MAX = 64,
};

static size_t words_of(const struct deadmx_yaml_key *keys, const char **words)
{
	size_t count = 0;

	for (; keys[count].word; count++) {
		assert(count < KEYS_OF_TABLE_MAX);
		words[count] = keys[count].word;
	}
	return count;
}

static void key_unknown(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *child, const char *what,
			const struct deadmx_yaml_key *keys)
{
	const char *words[KEYS_OF_TABLE_MAX], *hint = NULL;
	size_t count = words_of(keys, words);
	char known[512] = "it takes: ";

	for (size_t i = 0; i < count; i++)
		snprintf(known + strlen(known), sizeof(known) - strlen(known),
			 "%s%s", i ? ", " : "", words[i]);
	/* A key of another map is no slip of the pen. */
	if (doc->home)
		hint = doc->home(doc, child->key->text);
	if (!hint)
		hint = deadmx_yaml_did_you_mean(doc, child->key->text, words,
						count);
	deadmx_yaml_error(doc, &child->key->place, hint ? hint : known,
			  "unknown key \"%.60s\" in %s", child->key->text,
			  what);
}

bool deadmx_yaml_is_misspelt(const struct deadmx_yaml_node *map,
			     const struct deadmx_yaml_key *keys,
			     const char *word)
{
	const char *words[KEYS_OF_TABLE_MAX], *nearest;
	size_t count = words_of(keys, words), i;

	for (const struct deadmx_yaml_node *c = map->first; c; c = c->next) {
		for (i = 0; i < count; i++)
			if (strcmp(words[i], c->key->text) == 0)
				break;
		if (i < count)
			continue;
		nearest = deadmx_yaml_nearest(c->key->text, words, count);
		if (nearest && strcmp(nearest, word) == 0)
			return true;
	}
	return false;
}

/* "port:25" where "port: 25" was meant is a text. */
static const char *map_hint(const struct deadmx_yaml_node *node)
{
	const char *colon = node->kind == DEADMX_YAML_TEXT && node->plain
				    ? strchr(node->text, ':')
				    : NULL;

	return colon && colon > node->text && colon[1] && colon[1] != ' '
		       ? "write a blank behind the colon"
		       : NULL;
}

static void keys_missing(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, const char *what,
			 const struct deadmx_yaml_key *keys)
{
	for (const struct deadmx_yaml_key *k = keys; k->word; k++)
		if (k->required && !deadmx_yaml_get(node, k->word) &&
		    !deadmx_yaml_is_misspelt(node, keys, k->word))
			deadmx_yaml_error(doc, &node->place, k->doc,
					  "\"%s\" is missing in %s", k->word,
					  what);
}

bool deadmx_yaml_map(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node, const char *what,
		     const struct deadmx_yaml_key *keys, void *arg)
{
	const struct deadmx_yaml_node *child;
	const struct deadmx_yaml_key *k;

	if (node->kind != DEADMX_YAML_MAP) {
		deadmx_yaml_wrong(doc, node, what, "a map (key: value)",
				  map_hint(node));
		return false;
	}
	for (child = node->first; child; child = child->next) {
		for (k = keys; k->word; k++)
			if (strcmp(k->word, child->key->text) == 0)
				break;
		if (k->word)
			k->read(doc, child, arg);
		else
			key_unknown(doc, child, what, keys);
	}
	keys_missing(doc, node, what, keys);
	return true;
}

void deadmx_yaml_whole(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node)
{
	if (node->kind == DEADMX_YAML_TEXT && node->cut)
		deadmx_yaml_error(doc, &node->place,
				  "put the text in quotes; or a blank behind "
				  "the #, if it is one",
				  "%s ends before the #, which begins a "
				  "comment",
				  deadmx_yaml_name(node));
}

bool deadmx_yaml_text(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, char **ret)
{
	if (node->kind != DEADMX_YAML_TEXT) {
		deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node), "a text",
				  NULL);
		return false;
	}
	*ret = node->text;
	return true;
}

bool deadmx_yaml_word(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, char **ret)
{
	if (node->kind == DEADMX_YAML_TEXT && node->len &&
	    !deadmx_yaml_is_empty(node))
		return deadmx_yaml_text(doc, node, ret);
	deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node),
			  "a text that is not empty", NULL);
	return false;
}

int deadmx_number_parse(const char *text, int64_t max, int64_t *ret)
{
	size_t len = strlen(text);
	int64_t n = 0;

	if (len == 0 || strspn(text, "0123456789") != len)
		return -EINVAL;
	for (; *text; text++) {
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, *text - '0', &n) || n > max)
			return -ERANGE;
	}
	*ret = n;
	return 0;
}

bool deadmx_yaml_count(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, int64_t min,
		       int64_t max, int64_t *ret)
{
	char expected[96];
	int64_t n;

	if (node->kind == DEADMX_YAML_TEXT &&
	    deadmx_number_parse(node->text, max, &n) == 0 && n >= min) {
		*ret = n;
		return true;
	}
	snprintf(expected, sizeof(expected), "a number from %lld to %lld",
		 (long long)min, (long long)max);
	deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node), expected, NULL);
	return false;
}

/* Digits with a unit behind them, or none. */
static bool bytes_parse(const char *text, uint64_t max, uint64_t *ret)
{
	static const struct {
		const char *word;
		uint64_t factor;
	} units[] = {{"", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}};
	size_t len = strspn(text, "0123456789");
	char digits[20];
	int64_t n;

	if (!len || len >= sizeof(digits))
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(text + len, units[i].word) == 0) {
			if (deadmx_number_parse(
				    digits, (int64_t)(max / units[i].factor),
				    &n) < 0)
				return false;
			*ret = (uint64_t)n * units[i].factor;
			return true;
		}
	return false;
}

bool deadmx_yaml_bytes(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, uint64_t min,
		       uint64_t max, uint64_t *ret)
{
	char expected[96];
	uint64_t n;

	if (node->kind == DEADMX_YAML_TEXT &&
	    bytes_parse(node->text, max, &n) && n >= min) {
		*ret = n;
		return true;
	}
	snprintf(expected, sizeof(expected),
		 "a number of bytes from %llu to %llu, such as 500 or 64KiB",
		 (unsigned long long)min, (unsigned long long)max);
	deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node), expected, NULL);
	return false;
}

/* Digits, perhaps a point and up to four more, and the sign. */
static bool percent_parse(const char *text, uint32_t *ret_ppm)
{
	size_t whole = strspn(text, "0123456789"), part = 0;
	uint32_t ppm = 0, unit = DEADMX_PPM / 100;

	if (!whole || whole > 3)
		return false;
	for (size_t i = 0; i < whole; i++)
		ppm = ppm * 10 + (uint32_t)(text[i] - '0') * unit;
	text += whole;
	if (*text == '.') {
		part = strspn(++text, "0123456789");
		if (!part || part > 4)
			return false;
		for (size_t i = 0; i < part; i++) {
			unit /= 10;
			ppm += (uint32_t)(text[i] - '0') * unit;
		}
	}
	if (strcmp(text + part, "%") != 0 || ppm > DEADMX_PPM)
		return false;
	*ret_ppm = ppm;
	return true;
}

bool deadmx_yaml_percent(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, uint32_t *ret_ppm)
{
	if (node->kind == DEADMX_YAML_TEXT &&
	    percent_parse(node->text, ret_ppm))
		return true;
	deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node),
			  "a part of a hundred such as 30%, up to 100%", NULL);
	return false;
}

bool deadmx_yaml_yes(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node, bool *ret)
{
	if (deadmx_yaml_is(node, "yes") || deadmx_yaml_is(node, "true")) {
		*ret = true;
		return true;
	}
	if (deadmx_yaml_is(node, "no") || deadmx_yaml_is(node, "false")) {
		*ret = false;
		return true;
	}
	deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node), "yes or no", NULL);
	return false;
}

bool deadmx_yaml_duration(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, int64_t *ret_ns)
{
	const char *hint = NULL;
	int r = -EINVAL;

	if (node->kind == DEADMX_YAML_TEXT) {
		r = deadmx_duration_parse(node->text, ret_ns);
		if (r == 0)
			return true;
		if (r == -ERANGE)
			hint = "that is more than 100 years";
		else if (node->text[0] == '-')
			hint = "times are never negative";
		else if (node->len)
			hint = "write 30s, 5m, 2h or 5d; 1h30m works too";
	}
	deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node),
			  "a duration with its unit", hint);
	return false;
}

bool deadmx_yaml_setting(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, char **ret)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				 " ._:/@=,+-";

	if (node->kind == DEADMX_YAML_TEXT &&
	    strspn(node->text, ok) == node->len)
		return deadmx_yaml_text(doc, node, ret);
	deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node),
			  "letters, digits, blanks and ._:/@=,+-", NULL);
	return false;
}

bool deadmx_yaml_texts(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, char ***ret,
		       size_t *ret_count)
{
	const struct deadmx_yaml_node *child;
	char **texts;
	size_t n = 0;
	bool ok = true;

	if (node->kind == DEADMX_YAML_MAP) {
		deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node),
				  "a text or a list of texts", NULL);
		return false;
	}
	if (node->kind == DEADMX_YAML_TEXT) {
		texts = deadmx_arena_array(doc->arena, 1, sizeof(*texts));
		if (!deadmx_yaml_word(doc, node, &texts[0]))
			return false;
		*ret = texts;
		*ret_count = 1;
		return true;
	}
	texts = deadmx_arena_array(doc->arena, node->count, sizeof(*texts));
	for (child = node->first; child; child = child->next)
		ok &= deadmx_yaml_word(doc, child, &texts[n++]);
	if (!ok)
		return false;
	*ret = texts;
	*ret_count = n;
	return true;
}

/* --- ranges -------------------------------------------------------------- */

/* One end of a range: a count or a duration. */
typedef int (*end_parse)(const char *text, int64_t *ret);

static int count_parse(const char *text, int64_t *ret)
{
	return deadmx_number_parse(text, INT32_MAX, ret);
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " ");
}

/* 1 = it is that form, 0 = another form, negative = that form but wrong. */
static int one_sided(const char *text, const char *prefix, end_parse parse,
		     int64_t *end)
{
	size_t len = strlen(prefix);

	if (strncmp(text, prefix, len) != 0)
		return 0;
	return parse(skip_blanks(text + len), end) < 0 ? -1 : 1;
}

static int range_parse(const char *text, end_parse parse,
		       struct deadmx_range *range)
{
	char low[64];
	const char *dots;
	size_t len;
	int r;

	range->min = 0;
	range->max = INT64_MAX;
	if ((r = one_sided(text, ">=", parse, &range->min)) ||
	    (r = one_sided(text, "at least", parse, &range->min)) ||
	    (r = one_sided(text, "<=", parse, &range->max)) ||
	    (r = one_sided(text, "at most", parse, &range->max)))
		return r;
	dots = strstr(text, "..");
	if (!dots) {
		r = parse(text, &range->min);
		range->max = range->min;
		return r < 0 ? r : 1;
	}
	len = (size_t)(dots - text);
	if (len >= sizeof(low))
		return -1;
	memcpy(low, text, len);
	low[len] = '\0';
	while (len && low[len - 1] == ' ')
		low[--len] = '\0';
	if (parse(low, &range->min) < 0 ||
	    parse(skip_blanks(dots + 2), &range->max) < 0)
		return -1;
	return 1;
}

/* What people write instead. */
static const char *range_hint(const char *text, bool is_time)
{
	if (strchr("<>", text[0]) && text[1] != '=')
		return "both ends belong to a range: write >= or <=, at least "
		       "or at most";
	if (text[0] == '-')
		return is_time ? "times are never negative"
			       : "counts are never negative";
	if (strchr(text, '-') || strstr(text, " to "))
		return is_time ? "write 4h..5h, with two dots"
			       : "write 3..5, with two dots";
	if (is_time && strspn(text, "0123456789.") == strlen(text) && *text)
		return "a time needs its unit: 4h..5h";
	if (is_time && strchr(text, ' ') && !strstr(text, ".."))
		return "write 5d or 1h30m for 5 days or 1 hour 30 minutes";
	return NULL;
}

bool deadmx_yaml_range(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, bool is_time,
		       struct deadmx_range *ret)
{
	struct deadmx_range range;
	const char *hint = NULL;
	bool ok;

	ok = node->kind == DEADMX_YAML_TEXT &&
	     range_parse(node->text,
			 is_time ? deadmx_duration_parse : count_parse,
			 &range) > 0;
	if (ok && is_time && range.min == range.max && range.min > 0) {
		hint = "no MTA is exact to the nanosecond";
		ok = false;
	}
	if (ok && range.min > range.max) {
		hint = "the smaller value comes first";
		ok = false;
	}
	if (!ok && !hint && node->kind == DEADMX_YAML_TEXT)
		hint = range_hint(node->text, is_time);
	if (!ok) {
		deadmx_yaml_wrong(doc, node, deadmx_yaml_name(node),
				  is_time ? "a range such as 4h..5h, at least "
					    "4h, at most 5h"
					  : "a count such as 3, 100..115, at "
					    "least 3, at most 5",
				  hint);
		return false;
	}
	range.set = true;
	*ret = range;
	return true;
}

/* --- regular expressions and codes ------------------------------------- */

static bool regex_too_large(struct deadmx_yaml *doc,
			    const struct deadmx_yaml_node *node)
{
	deadmx_yaml_error(doc, &node->place, NULL,
			  "%s, expected a regular expression of at most %d "
			  "bytes, and some %d when its repetitions are written "
			  "out, got more",
			  deadmx_yaml_name(node), DEADMX_REGEX_LEN_MAX,
			  DEADMX_REGEX_SIZE_MAX);
	return false;
}

static bool regex_is_bearable(struct deadmx_yaml *doc,
			      const struct deadmx_yaml_node *node,
			      const struct deadmx_pattern *p)
{
	if (deadmx_pattern_size(p) > DEADMX_REGEX_SIZE_MAX)
		return regex_too_large(doc, node);
	doc->regex_cost += (int64_t)deadmx_pattern_size(p);
	if (doc->regex_cost <= DEADMX_REGEX_COST_MAX)
		return true;
	deadmx_yaml_error(doc, &node->place,
			  "shorter ones cost less, and those without {n,m}",
			  "%s, too many regular expressions",
			  deadmx_yaml_name(node));
	return false;
}

bool deadmx_yaml_regex(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, const char *regex)
{
	char why[DEADMX_PATTERN_WHY_MAX] = "out of memory";
	struct deadmx_pattern *p;
	bool ok;
	int rc;

	if (strlen(regex) > DEADMX_REGEX_LEN_MAX)
		return regex_too_large(doc, node);
	rc = deadmx_pattern_new(regex, 0, why, &p);
	if (rc == -E2BIG)
		return regex_too_large(doc, node);
	if (rc < 0) {
		deadmx_yaml_error(doc, &node->place, NULL,
				  "%s, expected a POSIX extended regular "
				  "expression, got a faulty one: %s",
				  deadmx_yaml_name(node), why);
		return false;
	}
	ok = regex_is_bearable(doc, node, p);
	deadmx_pattern_free(p);
	return ok;
}

bool deadmx_yaml_is_status(const char *text)
{
	size_t len;

	if (!strchr("245", text[0]) || !text[0] || text[1] != '.')
		return false;
	len = strspn(text + 2, "0123456789");
	if (len < 1 || len > 3 || text[2 + len] != '.')
		return false;
	text += 3 + len;
	len = strspn(text, "0123456789");
	return len >= 1 && len <= 3 && !text[len];
}
