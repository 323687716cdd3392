/* SPDX-License-Identifier: MIT */
/* Durations and dates as people write them: see deadmx/scenario.h. */
#include "deadmx/scenario.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define NS_PER_MS INT64_C(1000000)
#define S_PER_DAY INT64_C(86400)

/* Largest first, which is also the order in which they must stand. */
static const struct unit {
	const char *word;
	int64_t ns;
} units[] = {
	{"d", S_PER_DAY *DEADMX_NS_PER_S},
	{"h", 3600 * DEADMX_NS_PER_S},
	{"m", 60 * DEADMX_NS_PER_S},
	{"s", DEADMX_NS_PER_S},
	{"ms", NS_PER_MS},
};

enum {
	UNIT_COUNT = sizeof(units) / sizeof(units[0]),
};

static size_t unit_find(const char *word, size_t len, size_t from)
{
	for (size_t i = from; i < UNIT_COUNT; i++)
		if (strlen(units[i].word) == len &&
		    memcmp(units[i].word, word, len) == 0)
			return i;
	return UNIT_COUNT;
}

int deadmx_duration_parse(const char *text, int64_t *ret_ns)
{
	const int64_t max = DEADMX_DURATION_MAX_D * units[0].ns;
	int64_t sum = 0, number, ns;
	const char *p = text;
	size_t unit = 0, len;

	if (strcmp(text, "0") == 0) {
		*ret_ns = 0;
		return 0;
	}
	if (!*p)
		return -EINVAL;
	while (*p) {
		len = strspn(p, "0123456789");
		if (len == 0 || len > 15)
			return len ? -ERANGE : -EINVAL;
		number = 0;
		for (size_t i = 0; i < len; i++)
			number = number * 10 + (p[i] - '0');
		p += len;
		len = strspn(p, "dhms");
		unit = unit_find(p, len, unit);
		if (unit == UNIT_COUNT)
			return -EINVAL;
		if (__builtin_mul_overflow(number, units[unit].ns, &ns) ||
		    __builtin_add_overflow(sum, ns, &sum) || sum > max)
			return -ERANGE;
		p += len;
		unit++;
	}
	*ret_ns = sum;
	return 0;
}

/* Appends; what does not fit is cut, the text stays terminated. */
static void append(char *buf, size_t len, const char *text)
{
	size_t used = strlen(buf);

	if (used + 1 < len)
		snprintf(buf + used, len - used, "%s%s", used ? " " : "", text);
}

const char *deadmx_duration_format(int64_t ns, char *buf, size_t len)
{
	static const char *const names[] = {"d", "h", "min", "s"};
	uint64_t rest = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	char part[48];

	if (len == 0)
		return buf;
	buf[0] = '\0';
	if (ns == DEADMX_FOREVER_NS) {
		append(buf, len, "for ever");
		return buf;
	}
	if (ns < 0)
		append(buf, len, "minus");
	for (int i = 0; i < 3; i++) {
		uint64_t unit = (uint64_t)units[i].ns;
		bool started = rest != (ns < 0 ? -(uint64_t)ns : (uint64_t)ns);

		/* 5 d 0 h 20 min: an inner zero stays, trailing ones go. */
		if (rest / unit == 0 && (!started || rest == 0))
			continue;
		snprintf(part, sizeof(part), "%" PRIu64 " %s", rest / unit,
			 names[i]);
		append(buf, len, part);
		rest %= unit;
	}
	if (rest == 0 && ns != 0)
		return buf;
	if (rest % DEADMX_NS_PER_S / NS_PER_MS)
		snprintf(part, sizeof(part), "%" PRIu64 ".%03" PRIu64 " s",
			 rest / DEADMX_NS_PER_S,
			 rest % DEADMX_NS_PER_S / NS_PER_MS);
	else
		snprintf(part, sizeof(part), "%" PRIu64 " s",
			 rest / DEADMX_NS_PER_S);
	append(buf, len, part);
	return buf;
}

/* @pattern: 0 stands for a digit, anything else for itself. */
static bool has_form(const char *text, const char *pattern)
{
	if (strlen(text) != strlen(pattern))
		return false;
	for (; *pattern; text++, pattern++)
		if (*pattern == '0' ? *text < '0' || *text > '9'
				    : *text != *pattern)
			return false;
	return true;
}

static int number_at(const char *text, int len)
{
	int n = 0;

	for (int i = 0; i < len; i++)
		n = n * 10 + (text[i] - '0');
	return n;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30,
				   31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year));
}

int deadmx_date_parse(const char *text, int64_t *ret_unix_s)
{
	bool has_time = has_form(text, "0000-00-00T00:00:00Z");
	int year, month, day, hour = 0, minute = 0, second = 0;
	int64_t days = 0;

	if (!has_time && !has_form(text, "0000-00-00"))
		return -EINVAL;
	year = number_at(text, 4);
	month = number_at(text + 5, 2);
	day = number_at(text + 8, 2);
	if (has_time) {
		hour = number_at(text + 11, 2);
		minute = number_at(text + 14, 2);
		second = number_at(text + 17, 2);
	}
	if (year < 1970 || year > 2100 || month < 1 || month > 12 || day < 1 ||
	    day > month_days(year, month) || hour > 23 || minute > 59 ||
	    second > 59)
		return -ERANGE;
	for (int y = 1970; y < year; y++)
		days += 365 + is_leap(y);
	for (int m = 1; m < month; m++)
		days += month_days(year, m);
	days += day - 1;
	*ret_unix_s = days * S_PER_DAY + hour * 3600 + minute * 60 + second;
	return 0;
}
