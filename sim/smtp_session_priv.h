/* SPDX-License-Identifier: MIT */
/*
 * Inside of an SMTP session: what its files share.
 *
 * smtp_session.c holds the conversation together and lets replies take
 * effect, smtp_command.c answers commands, smtp_data.c takes the message, and
 * smtp_fault.c makes of a healthy reply what a fault wants. A session is kept
 * small: ten thousand of them may be stalled at once.
 */
#ifndef SIM_SMTP_SESSION_PRIV_H
#define SIM_SMTP_SESSION_PRIV_H

#include "sim/smtp_session.h"

/* Not a stage: replies that no fault can sit at. */
#define SMTP_NO_STAGE (-1)

struct smtp_session {
	const struct deadmx_server *server;
	const struct smtp_session_ops *ops;
	void *arg;
	size_t *budget;
	const char *client; /* its address, or NULL */
	enum smtp_state state;
	int errors;	   /* lines that were no command */
	uint32_t messages; /* accepted */
	bool quit;	   /* QUIT was answered */
	bool esmtp;	   /* greeted by EHLO: extensions may be used */
	bool tls;	   /* STARTTLS was told to go ahead */
	bool authenticated;
	bool auth_login;    /* AUTH: LOGIN asks for one thing more */
	bool auth_password; /* and has asked for it */
	bool overlong;	    /* in the rest of a line that is too long */

	/* The reply that is due, and what happens when it is given. */
	bool reply_close;
	bool held;    /* a stall, a drip or a backend holds it back */
	bool dripped; /* sent already when the hold ends */
	int reply_stage;
	char *reply; /* NULL at body: nothing is due */
	size_t reply_len;
	const struct deadmx_fault *fault; /* makes something else of it */

	/* What takes effect with the reply. */
	char *next_path; /* HELO, EHLO, MAIL, RCPT */
	uint64_t next_size;
	uint32_t next_attempt;
	bool next_esmtp, next_utf8;

	char *helo; /* the client's name, NULL before it said so */
	struct smtp_envelope envelope;
	bool utf8; /* MAIL said SMTPUTF8 */

	char *data;
	size_t data_len, data_size;
	uint64_t data_total; /* bytes that came, stored or not */
	bool data_too_big, data_no_room;
	bool line_begins;   /* in DATA: the last line ended in CRLF */
	bool slow;	    /* the message is taken slowly */
	bool mute_quit;	    /* MUTE: the last line was QUIT */
	bool answered;	    /* a fault at body has replied before the end */
	bool answered_good; /* and how */
	bool chunk_last;    /* BDAT: this one is marked LAST */
	bool chunk_open;    /* its bytes are not all answered */
	const char *chunk_refusal; /* what its reply says instead */
	uint64_t chunk_left;	   /* bytes that are still to come */
	const struct deadmx_fault *body_fault;	/* waits for its bytes */
	const struct deadmx_fault *chunk_fault; /* waits for the chunk's end */
};

/* smtp_session.c */

/* The only place that assigns s->state. */
void smtp_session_enter(struct smtp_session *s, enum smtp_state next);
void smtp_session_close(struct smtp_session *s, bool reset);
/* Forget the mail: the envelope and what came of its data. */
void smtp_session_forget(struct smtp_session *s);
bool smtp_session_offers(const struct smtp_session *s,
			 enum deadmx_extension extension);
/* The fault at @stage, counted; NULL = healthy. */
const struct deadmx_fault *smtp_session_fault(struct smtp_session *s,
					      enum deadmx_stage stage);
/* A healthy reply is due at @stage; @wire is malloc'd, taken over. */
void smtp_session_due(struct smtp_session *s, int stage, char *wire);
/* The same, and the caller knows the fault already. */
void smtp_session_due_with(struct smtp_session *s, int stage, char *wire,
			   const struct deadmx_fault *fault);
/* A one-line reply; @status is shown when enhanced codes are announced. */
char *smtp_session_text(const struct smtp_session *s, int code,
			const char *status, const char *text);
void smtp_session_answer(struct smtp_session *s, int stage, int code,
			 const char *status, const char *text);
/* An error of the client, told at no stage. */
void smtp_session_complain(struct smtp_session *s, int code, const char *status,
			   const char *text);
/* Give the reply that is due, if there is one, and let it take effect. */
void smtp_session_finish(struct smtp_session *s);

/* smtp_command.c */

/* A line where a command, or AUTH's next step, is awaited. */
void smtp_command_line(struct smtp_session *s, const char *line, size_t len,
		       enum smtp_line_end end);

/* smtp_data.c */

/* DATA was told to go ahead. */
void smtp_data_begin(struct smtp_session *s);
void smtp_data_line(struct smtp_session *s, const char *line, size_t len,
		    enum smtp_line_end end);
/* BDAT @args: its bytes come next. */
void smtp_data_chunk(struct smtp_session *s, const char *args);
void smtp_data_bytes(struct smtp_session *s, const char *bytes, size_t len);
/* A hold is over: go on where the message was left. */
void smtp_data_resume(struct smtp_session *s);
void smtp_data_clear(struct smtp_session *s);

/* smtp_fault.c */

/*
 * Does @fault leave it at what a backend does, and spoil only how the client
 * hears of it? Then the backend is asked first.
 */
bool smtp_fault_spares(const struct deadmx_fault *fault);
/* Does it speak in the place of a good reply? */
bool smtp_fault_replaces(const struct deadmx_fault *fault);
/* Apply @fault to the reply that is due, or at body to none. */
void smtp_fault_begin(struct smtp_session *s, const struct deadmx_fault *fault);
/* The hold is over. */
void smtp_fault_go_on(struct smtp_session *s);

#endif
