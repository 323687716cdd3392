/* SPDX-License-Identifier: MIT */
/*
 * Inside of the scenario parser: what its files share.
 *
 * scenario_source.c makes one tree of several files, scenario_matrix.c the
 * tree of each case. Then scenario.c reads world and mail, scenario_fault.c
 * timelines, scenario_tls.c certificates and stage tls, scenario_name.c names,
 * scenario_reply.c replies by name, scenario_relay.c frontends,
 * scenario_mta.c what is done to the MTA, scenario_expect.c expectations;
 * scenario_check.c and scenario_lead.c say what only the whole can tell
 * (domains, addresses, rows that never apply). scenario_store.c keeps it all
 * for later.
 */
#ifndef SIM_SCENARIO_READ_H
#define SIM_SCENARIO_READ_H

#include "deadmx/scenario.h"
#include "deadmx/yaml.h"
#include "sim/reply_catalogue.h"
#include "sim/scenario_window.h"

enum {
	SCENARIO_SMTP_PORT = 25,
	SCENARIO_PREFERENCE_STEP = 10,
};

/* Stands for "the next free one" until the whole file is read. */
#define SCENARIO_ADDRESS6_ANY ""

/* A good certificate was made a month ago, as usual. */
#define SCENARIO_CERTIFICATE_FROM_NS (-30 * 86400 * DEADMX_NS_PER_S)

/* Travels as deadmx_yaml.user. */
struct scenario_reader {
	struct reply_catalogue *catalogue; /* NULL until a name needs it */
	struct reply_catalogue_entry *own; /* the tester's, of this case */
	size_t own_count;
	struct deadmx_server link; /* its faults are all servers' */
	bool bad_servers, bad_mail, bad_expect; /* missing or faulty blocks */
	bool has_expiry;			/* times may count from it */
	bool uses_expiry;			/* some do */
	bool bad_names;				/* faulty */
	size_t record_count;			/* of all names */
};

/* One row of a timeline while it is read. */
struct scenario_row {
	struct scenario_window head; /* first: see scenario_window.h */
	struct deadmx_server *server;
	struct deadmx_fault like; /* conditions, for all stages */
};

/* A mapping of the language, for the reference page and its test. */
struct scenario_table {
	const char *name;
	const struct deadmx_yaml_key *keys;
};

extern const struct scenario_table scenario_tables[]; /* ends in NULL */

extern const struct deadmx_yaml_key scenario_row_keys[];
extern const struct deadmx_yaml_key scenario_stage_keys[];
extern const struct deadmx_yaml_key scenario_name_keys[];
extern const struct deadmx_yaml_key scenario_name_row_keys[];
extern const struct deadmx_yaml_key scenario_tls_keys[];
extern const struct deadmx_yaml_key scenario_certificate_keys[];
extern const struct deadmx_yaml_key scenario_relay_keys[];
extern const struct deadmx_yaml_key scenario_relay_row_keys[];
extern const struct deadmx_yaml_key scenario_mta_keys[];
extern const struct deadmx_yaml_key scenario_expect_keys[];
extern const struct deadmx_yaml_key scenario_ndr_keys[];
extern const struct deadmx_yaml_key scenario_notice_keys[];
extern const struct deadmx_yaml_key scenario_delivered_keys[];
extern const struct deadmx_yaml_key scenario_first_keys[];
extern const struct deadmx_yaml_key scenario_check_keys[];

/* Handlers: @arg is a struct deadmx_server, deadmx_world, or the
 * expectations. */
void scenario_read_timeline(struct deadmx_yaml *doc,
			    const struct deadmx_yaml_node *node, void *arg);
void scenario_read_names(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, void *arg);
void scenario_read_relay(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, void *arg);
void scenario_read_mta(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node, void *arg);
void scenario_read_expect(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg);

/*
 * What only the whole tells of names: rows that never apply; and which
 * servers they lead the mail of a domain to.
 */
void scenario_names_check(struct deadmx_yaml *doc,
			  const struct deadmx_world *world);
void scenario_names_lead(struct deadmx_yaml *doc, struct deadmx_world *world);
/* A certificate, in the arena. */
void scenario_read_certificate(struct deadmx_yaml *doc,
			       const struct deadmx_yaml_node *node,
			       struct deadmx_certificate **ret);
/* Is there anything in it that needs STARTTLS? */
bool scenario_has_tls(const struct deadmx_server *server);
/* Is its certificate bad at any time of the run? */
bool scenario_certificate_fails(const struct deadmx_server *server,
				int64_t until_ns);
/* What stands at stage tls as a map. */
void scenario_read_tls(struct deadmx_yaml *doc,
		       const struct deadmx_yaml_node *node,
		       struct deadmx_fault *f);

/* Conditions of a row: @arg is a struct scenario_row. */
void scenario_row_probability(struct deadmx_yaml *doc,
			      const struct deadmx_yaml_node *node, void *arg);
void scenario_row_sender(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node, void *arg);
void scenario_row_recipient(struct deadmx_yaml *doc,
			    const struct deadmx_yaml_node *node, void *arg);
void scenario_row_spf(struct deadmx_yaml *doc,
		      const struct deadmx_yaml_node *node, void *arg);
void scenario_row_attempt(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg);
void scenario_row_ip(struct deadmx_yaml *doc,
		     const struct deadmx_yaml_node *node, void *arg);
void scenario_row_connection(struct deadmx_yaml *doc,
			     const struct deadmx_yaml_node *node, void *arg);
/* Can the conditions that stand in @row be known at @fault's stage? */
void scenario_row_check(struct deadmx_yaml *doc,
			const struct deadmx_yaml_node *row,
			const struct deadmx_fault *fault);

/* What a healthy server offers and refuses: @arg is a struct deadmx_server. */
void scenario_server_extensions(struct deadmx_yaml *doc,
				const struct deadmx_yaml_node *node, void *arg);
void scenario_server_size(struct deadmx_yaml *doc,
			  const struct deadmx_yaml_node *node, void *arg);
void scenario_server_greylist(struct deadmx_yaml *doc,
			      const struct deadmx_yaml_node *node, void *arg);
void scenario_server_limits(struct deadmx_yaml *doc,
			    const struct deadmx_yaml_node *node, void *arg);
/* clang-format off */
#define SCENARIO_EXTENSIONS_TYPE                                               \
	"'none'|list ("                                                        \
	DEADMX_EXTENSION_MAP(SCENARIO_EXTENSION_WORD_) ")"
#define SCENARIO_EXTENSION_WORD_(uc, word, offered) "'" word "'|"
/* clang-format on */
extern const struct deadmx_yaml_key scenario_greylist_keys[];
extern const struct deadmx_yaml_key scenario_limits_keys[];

/* A reply, or the name of one, into @fault. */
void scenario_read_reply(struct deadmx_yaml *doc,
			 const struct deadmx_yaml_node *node,
			 struct deadmx_fault *fault);

/* The tester's own replies: before all else, which may name them. */
void scenario_read_replies(struct deadmx_yaml *doc,
			   const struct deadmx_yaml_node *node);
/* The reply of the name @node; NULL with an error when there is none. */
const struct reply_catalogue_entry *
scenario_reply_find(struct deadmx_yaml *doc,
		    const struct deadmx_yaml_node *node);

/*
 * What only the whole tells of relays: names, loops, rows that never apply.
 * The address of a server becomes its name.
 */
void scenario_relays_check(struct deadmx_yaml *doc,
			   const struct deadmx_world *world);
/* May it hand mail on to an address where no server is? */
bool scenario_relay_is_fault(const struct deadmx_server *server);

/* Times that count from expiry, by what the scenario itself tells of it. */
void scenario_expiry_guess(struct deadmx_yaml *doc, struct deadmx_scenario *s);
/* Can a row with that window apply at all? */
void scenario_window_check(struct deadmx_yaml *doc,
			   const struct deadmx_window *w,
			   const struct deadmx_place *place,
			   const struct deadmx_world *world);

/* The last steps: fill in what was left out, check the whole. */
void scenario_check(struct deadmx_yaml *doc, struct deadmx_scenario *s);

/* Is it a host name or mail domain: letters, digits, hyphens, dots? */
bool scenario_is_domain(const char *text);
/* Is the server an MX of @domain? */
bool scenario_serves(const struct deadmx_server *server, const char *domain);
/* The part behind the last @, or NULL. */
const char *scenario_domain_of(const char *address);

#endif
