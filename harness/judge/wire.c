/* SPDX-License-Identifier: MIT */
/* How the MTA spoke: see wire.h. */
#include "harness/judge/wire.h"

#include <assert.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "harness/judge/findings.h"

/* Extensions that come with parameters. XX(ENUM, "EHLO word") */
#define WIRE_EXTENSION_MAP(XX)                                                 \
	XX(DSN, "DSN")                                                         \
	XX(SIZE, "SIZE")                                                       \
	XX(EIGHTBIT, "8BITMIME")                                               \
	XX(UTF8, "SMTPUTF8")                                                   \
	XX(DELIVERBY, "DELIVERBY")

enum wire_extension {
#define XX(uc, word) WIRE_##uc,
	WIRE_EXTENSION_MAP(XX)
#undef XX
		WIRE_EXTENSION_COUNT
};

/* How long a client waits at least, RFC 5321 4.5.3.2. */
static const struct wire_patience {
	enum deadmx_stage stage;
	int64_t min_s;
	enum finding_id finding;
	const char *expected;
} patience[] = {
	{DEADMX_STAGE_BANNER, 300, FINDING_TIMEOUT_BANNER,
	 "5 min at least for the greeting"},
	{DEADMX_STAGE_MAIL, 300, FINDING_TIMEOUT_MAIL,
	 "5 min at least for the reply to MAIL"},
	{DEADMX_STAGE_RCPT, 300, FINDING_TIMEOUT_RCPT,
	 "5 min at least for the reply to RCPT"},
	{DEADMX_STAGE_DATA, 120, FINDING_TIMEOUT_DATA,
	 "2 min at least for the reply to DATA"},
	{DEADMX_STAGE_BODY, 180, FINDING_TIMEOUT_BLOCK,
	 "3 min at least for a part of the message to be taken"},
	{DEADMX_STAGE_DOT, 600, FINDING_TIMEOUT_DOT,
	 "10 min at least for the reply to the final dot"},
};

enum { PATIENCE_COUNT = sizeof(patience) / sizeof(patience[0]) };

/* MTAs keep time in seconds: one less is still as long. */
#define WIRE_GRACE_NS (1 * DEADMX_NS_PER_S)

struct wire_session {
	bool offered[WIRE_EXTENSION_COUNT];
	bool is_bounce;			/* MAIL FROM:<> */
	const struct deadmx_mail *mail; /* of the current MAIL; or NULL */
	int stalled;			/* row of patience[], or -1 */
	int64_t stalled_ns;
};

/* The first of its kind, and how many there were. */
struct wire_find {
	enum finding_id id;
	char *expected, *observed;
	size_t count;
};

struct wire {
	const struct deadmx_scenario *scenario;
	GHashTable *sessions;
	bool *has_dsn;	/* per mail: the MTA took its DSN parameters */
	int64_t *by_ns; /* per mail: the end of BY='s time; 0: none */
	struct wire_find *finds;
	size_t find_count;
};

static const char *const extension_words[] = {
#define XX(uc, word) [WIRE_##uc] = word,
	WIRE_EXTENSION_MAP(XX)
#undef XX
};

struct wire *wire_new(const struct deadmx_scenario *scenario)
{
	struct wire *w = calloc(1, sizeof(*w));

	assert(w);
	w->scenario = scenario;
	w->has_dsn = calloc(scenario->mail_count + 1, sizeof(*w->has_dsn));
	w->by_ns = calloc(scenario->mail_count + 1, sizeof(*w->by_ns));
	assert(w->has_dsn && w->by_ns);
	w->sessions = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL,
					    free);
	return w;
}

void wire_free(struct wire *w)
{
	for (size_t i = 0; i < w->find_count; i++) {
		free(w->finds[i].expected);
		free(w->finds[i].observed);
	}
	free(w->finds);
	free(w->has_dsn);
	free(w->by_ns);
	g_hash_table_destroy(w->sessions);
	free(w);
}

/* Once for each kind and observation: a five-day run repeats itself. */
__attribute__((format(printf, 4, 5))) static void
wire_find(struct wire *w, enum finding_id id, const char *expected,
	  const char *format, ...)
{
	char *observed = NULL;
	struct wire_find *f;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&observed, format, ap);
	va_end(ap);
	assert(n >= 0);
	for (size_t i = 0; i < w->find_count; i++)
		if (w->finds[i].id == id &&
		    strcmp(w->finds[i].observed, observed) == 0) {
			w->finds[i].count++;
			free(observed);
			return;
		}
	w->finds = realloc(w->finds, (w->find_count + 1) * sizeof(*w->finds));
	assert(w->finds);
	f = &w->finds[w->find_count++];
	*f = (struct wire_find){.id = id,
				.expected = strdup(expected),
				.observed = observed,
				.count = 1};
	assert(f->expected);
}

static struct wire_session *session_of(struct wire *w, const struct event *e)
{
	int64_t number = event_integer(e, "session", -1);
	gpointer key = GSIZE_TO_POINTER((gsize)number);
	struct wire_session *s;

	if (number < 0)
		return NULL;
	s = g_hash_table_lookup(w->sessions, key);
	if (s || g_hash_table_size(w->sessions) >= WIRE_SESSIONS_MAX)
		return s;
	s = calloc(1, sizeof(*s));
	assert(s);
	s->stalled = -1;
	g_hash_table_insert(w->sessions, key, s);
	return s;
}

/* Offers. */

static void note_offer(struct wire_session *s, const char *line)
{
	for (int i = 0; i < WIRE_EXTENSION_COUNT; i++) {
		size_t len = strlen(extension_words[i]);

		if (strncasecmp(line, extension_words[i], len) == 0 &&
		    strchr(" \n", line[len]))
			s->offered[i] = true;
	}
}

/* "250-host\n250-DSN\n250 SIZE 1000" */
static void note_offers(struct wire_session *s, const char *text)
{
	memset(s->offered, 0, sizeof(s->offered));
	if (text[0] != '2')
		return;
	for (const char *p = strchr(text, '\n'); p; p = strchr(p + 1, '\n'))
		if (strlen(p) > 5)
			note_offer(s, p + 5);
}

/* Commands. */

/* The value of @key among the parameters of a command; malloc'd or NULL. */
static char *parameter(const char *line, const char *key)
{
	size_t len = strlen(key);
	const char *p = strchr(line, '>');

	while (p && (p = strchr(p, ' '))) {
		p++;
		if (strncasecmp(p, key, len) == 0 && p[len] == '=')
			return strndup(p + len + 1, strcspn(p + len + 1, " "));
	}
	return NULL;
}

static bool path_is(const char *line, const char *address)
{
	const char *start = strchr(line, '<');
	size_t len = strlen(address);

	return start && strncasecmp(start + 1, address, len) == 0 &&
	       start[len + 1] == '>';
}

/* Without the extension none of its parameters may be sent. */
static void check_offered(struct wire *w, const struct wire_session *s,
			  const char *line)
{
	static const struct {
		const char *key;
		enum wire_extension extension;
	} rows[] = {{"RET", WIRE_DSN},	   {"ENVID", WIRE_DSN},
		    {"NOTIFY", WIRE_DSN},  {"ORCPT", WIRE_DSN},
		    {"SIZE", WIRE_SIZE},   {"BODY", WIRE_EIGHTBIT},
		    {"BY", WIRE_DELIVERBY}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *value = parameter(line, rows[i].key);

		if (value && !s->offered[rows[i].extension])
			wire_find(w, FINDING_EXTENSION_UNASKED,
				  "parameters of offered extensions only",
				  "%s=%s to a server that does not offer %s",
				  rows[i].key, value,
				  extension_words[rows[i].extension]);
		free(value);
	}
}

/* Is @value, of ENVID and ORCPT, @given to the letter? Words may differ. */
static bool is_unchanged(const char *key, const char *given, const char *value)
{
	if (strcmp(key, "NOTIFY") == 0 || strcmp(key, "RET") == 0)
		return strcasecmp(value, given) == 0;
	return strcmp(value, given) == 0;
}

/* @given: by the sender, or NULL. */
static void check_passed(struct wire *w, const char *line, const char *key,
			 const char *given, bool may_add)
{
	char *value = parameter(line, key);

	if (given && !value)
		wire_find(w, FINDING_DSN_LOST,
			  "the sender's DSN parameters, unchanged",
			  "%s=%s was not passed on", key, given);
	else if (given && !is_unchanged(key, given, value))
		wire_find(w, FINDING_DSN_LOST,
			  "the sender's DSN parameters, unchanged",
			  "%s=%s became %s", key, given, value);
	else if (!given && value && !may_add)
		wire_find(w, FINDING_DSN_INVENTED,
			  "no DSN parameters but the sender's", "%s=%s", key,
			  value);
	free(value);
}

/* Has the scenario itself mails from nobody? Then it may have asked. */
static bool sends_for_nobody(const struct wire *w)
{
	for (size_t i = 0; i < w->scenario->mail_count; i++)
		if (!*w->scenario->mails[i].from)
			return true;
	return false;
}

/* RFC 3461 6.1: of a bounce nobody wants to hear. */
static void check_bounce(struct wire *w, const char *line, const char *key)
{
	char *value = parameter(line, key);

	if (value && strcasecmp(value, "NEVER") != 0)
		wire_find(w, FINDING_DSN_OF_DSN,
			  "no RET, and no NOTIFY but NEVER, with MAIL FROM:<>",
			  "%s=%s", key, value);
	free(value);
}

static void command_mail(struct wire *w, struct wire_session *s,
			 const char *line)
{
	s->mail = NULL;
	s->is_bounce = path_is(line, "") && !sends_for_nobody(w);
	if (s->is_bounce)
		check_bounce(w, line, "RET");
	for (size_t i = 0; i < w->scenario->mail_count && !s->mail; i++) {
		const struct deadmx_mail *m = &w->scenario->mails[i];

		if (w->has_dsn[i] && *m->from && path_is(line, m->from))
			s->mail = m;
	}
	check_offered(w, s, line);
	if (!s->mail || !s->offered[WIRE_DSN])
		return;
	check_passed(w, line, "ENVID", s->mail->envid, false);
	check_passed(w, line, "RET", s->mail->ret, false);
}

/* The words of NOTIFY, each a bit; NEVER is none. */
static unsigned notify_words(const char *notify)
{
	static const char *const words[] = {"DELAY", "FAILURE", "SUCCESS"};
	unsigned bits = 0;

	for (unsigned i = 0; i < 3; i++)
		bits |= (strcasestr(notify, words[i]) != NULL) << i;
	return bits;
}

/*
 * Mail with BY=…;N goes to a server without DELIVERBY as mail whose delay is to
 * be told, unless nothing is (RFC 2852 4.1.4.2): DELAY is added to the sender's
 * words, or to FAILURE where there are none.
 */
static bool wants_delay(const struct wire_session *s)
{
	const char *mode = s->mail->by ? strchr(s->mail->by, ';') : NULL;

	return mode && mode[1] == 'N' && !s->offered[WIRE_DELIVERBY] &&
	       (!s->mail->notify || notify_words(s->mail->notify));
}

static void check_notify(struct wire *w, const struct wire_session *s,
			 const char *line, int64_t t_ns)
{
	const char *given = s->mail->notify;
	unsigned asked = notify_words(given ? given : "FAILURE");
	unsigned delay = notify_words("DELAY");
	char *value = parameter(line, "NOTIFY");
	unsigned words = value ? notify_words(value) : 0;

	if (!wants_delay(s) || !value || words != (asked | delay))
		check_passed(w, line, "NOTIFY", given, false);
	/* Before its time is over, and as the sender's words are else passed.
	 */
	if (wants_delay(s) && t_ns < w->by_ns[s->mail - w->scenario->mails] &&
	    (value ? given && words == asked && !(asked & delay) : !given))
		wire_find(w, FINDING_BY_DELAY_UNASKED,
			  "DELAY in NOTIFY: the server does no DELIVERBY",
			  "%s%s with BY=%s", value ? "NOTIFY=" : "no NOTIFY",
			  value ? value : "", s->mail->by);
	free(value);
}

static void command_rcpt(struct wire *w, const struct wire_session *s,
			 const char *line, int64_t t_ns)
{
	bool known = false;

	check_offered(w, s, line);
	if (s->is_bounce)
		check_bounce(w, line, "NOTIFY");
	for (size_t i = 0; s->mail && i < s->mail->to_count; i++)
		known |= path_is(line, s->mail->to[i]);
	if (!known || !s->offered[WIRE_DSN])
		return;
	check_notify(w, s, line, t_ns);
	/* RFC 3461 5.2.1: the recipient as it was given may be added. */
	check_passed(w, line, "ORCPT", s->mail->orcpt, true);
}

/* Patience. */

/*
 * What makes a client wait at @stage. Of a message a stalled server still
 * reads all; only one that reads slowly keeps a client waiting.
 */
static const char *stall_word(enum deadmx_stage stage)
{
	return deadmx_action_word(stage == DEADMX_STAGE_BODY
					  ? DEADMX_ACTION_DRIP
					  : DEADMX_ACTION_STALL);
}

static void stall_begins(struct wire_session *s, const struct event *e)
{
	const char *action = event_text(e, "action");
	const char *stage = event_text(e, "stage");

	s->stalled = -1;
	if (!action || !stage)
		return;
	for (int i = 0; i < PATIENCE_COUNT; i++)
		if (strcmp(deadmx_stage_word(patience[i].stage), stage) == 0 &&
		    strcmp(action, stall_word(patience[i].stage)) == 0)
			s->stalled = i;
	s->stalled_ns = e->t_ns;
}

static void session_closed(struct wire *w, struct wire_session *s,
			   const struct event *e)
{
	const char *by = event_text(e, "by");
	const struct wire_patience *p;
	int64_t waited_ns = e->t_ns - s->stalled_ns;
	char at[64];

	if (s->stalled < 0 || !by || strcmp(by, "client") != 0)
		return;
	p = &patience[s->stalled];
	if (waited_ns + WIRE_GRACE_NS < p->min_s * DEADMX_NS_PER_S)
		wire_find(w, p->finding, p->expected, "it waited %s",
			  deadmx_duration_format(waited_ns / DEADMX_NS_PER_S *
							 DEADMX_NS_PER_S,
						 at, sizeof(at)));
}

static void mail_injected(struct wire *w, const struct event *e)
{
	int64_t index = event_integer(e, "mail", -1);
	const char *by;

	if (index < 0 || (size_t)index >= w->scenario->mail_count)
		return;
	by = w->scenario->mails[index].by;
	w->has_dsn[index] = json_is_true(json_object_get(e->members, "dsn"));
	if (by && json_is_true(json_object_get(e->members, "deliverby")))
		w->by_ns[index] =
			e->t_ns + strtoll(by, NULL, 10) * DEADMX_NS_PER_S;
}

/*
 * What the MTA waited for when it was stopped or killed it did not give up, be
 * it by a step of the scenario or at the end of the run.
 */
static void wire_stopped(struct wire *w, const struct event *e)
{
	const char *what =
		event_text(e, e->type == DEADMX_EVENT_PHASE ? "name" : "what");
	GHashTableIter iter;
	gpointer session;

	if (!what || (strcmp(what, "stop") != 0 && strcmp(what, "kill") != 0))
		return;
	g_hash_table_iter_init(&iter, w->sessions);
	while (g_hash_table_iter_next(&iter, NULL, &session))
		((struct wire_session *)session)->stalled = -1;
}

void wire_event(struct wire *w, const struct event *e)
{
	struct wire_session *s;
	const char *text;

	if (e->type == DEADMX_EVENT_TARGET || e->type == DEADMX_EVENT_PHASE)
		wire_stopped(w, e);
	if (e->type == DEADMX_EVENT_INJECT)
		mail_injected(w, e);
	if (e->type != DEADMX_EVENT_COMMAND && e->type != DEADMX_EVENT_REPLY &&
	    e->type != DEADMX_EVENT_FAULT && e->type != DEADMX_EVENT_CLOSE)
		return;
	s = session_of(w, e);
	if (!s)
		return;
	if (e->type == DEADMX_EVENT_FAULT) {
		stall_begins(s, e);
	} else if (e->type == DEADMX_EVENT_CLOSE) {
		session_closed(w, s, e);
		g_hash_table_remove(w->sessions,
				    GSIZE_TO_POINTER((gsize)event_integer(
					    e, "session", -1)));
	} else if (e->type == DEADMX_EVENT_REPLY) {
		text = event_text(e, "stage");
		s->stalled = -1;
		if (text && strcmp(text, "ehlo") == 0)
			note_offers(s, event_text(e, "text"));
	} else {
		text = event_text(e, "line");
		if (text && strncasecmp(text, "MAIL FROM:", 10) == 0)
			command_mail(w, s, text);
		else if (text && strncasecmp(text, "RCPT TO:", 8) == 0)
			command_rcpt(w, s, text, e->t_ns);
	}
}

static bool wire_lacks(struct wire *w, const struct event *e,
		       enum wire_extension extension)
{
	gpointer key = GSIZE_TO_POINTER((gsize)event_integer(e, "session", -1));
	const struct wire_session *s = g_hash_table_lookup(w->sessions, key);

	return s && !s->offered[extension];
}

bool wire_lacks_dsn(struct wire *w, const struct event *e)
{
	return wire_lacks(w, e, WIRE_DSN);
}

bool wire_lacks_deliverby(struct wire *w, const struct event *e)
{
	return wire_lacks(w, e, WIRE_DELIVERBY);
}

void wire_finish(struct wire *w, struct verdict *v)
{
	for (size_t i = 0; i < w->find_count; i++) {
		const struct wire_find *f = &w->finds[i];
		bool is_should = (f->id >= FINDING_TIMEOUT_BANNER &&
				  f->id <= FINDING_TIMEOUT_DOT) ||
				 f->id == FINDING_BY_DELAY_UNASKED;

		verdict_find(v, finding_id(f->id),
			     is_should ? SEVERITY_SHOULD : SEVERITY_MUST, NULL,
			     f->expected, "%s%s", f->observed,
			     f->count > 1 ? ", again and again" : "");
	}
}
