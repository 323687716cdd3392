/* SPDX-License-Identifier: MIT */
#include "harness/ndr/ndr_words.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "deadmx/ndr.h"

/* RFC 3463 3.1 to 3.8, and 1.10 of RFC 7505; "X.Y" alone is the subject. */
static const struct {
	const char *code, *text;
} words[] = {
	{"0", "no more is said"},
	{"0.0", "no more is said"},
	{"1", "something about the address"},
	{"1.0", "something about the address"},
	{"1.1", "there is no such mailbox"},
	{"1.2", "the domain doesn't exist or takes no mail"},
	{"1.3", "the address is not written rightly"},
	{"1.4", "the address fits more than one mailbox"},
	{"1.5", "the address is fine"},
	{"1.6", "the mailbox has moved, nobody knows where to"},
	{"1.7", "the sender's address is not written rightly"},
	{"1.8", "the sender's domain doesn't exist or takes no mail"},
	{"1.10", "the domain says that it takes no mail"},
	{"2", "something about the mailbox"},
	{"2.0", "something about the mailbox"},
	{"2.1", "the mailbox is switched off"},
	{"2.2", "the mailbox is full"},
	{"2.3", "the mail is too long for this mailbox"},
	{"2.4", "the mailing list can't be expanded"},
	{"3", "something about the recipient's mail system"},
	{"3.0", "something about the recipient's mail system"},
	{"3.1", "the recipient's mail system is full"},
	{"3.2", "the recipient's mail system takes no mail"},
	{"3.3", "the recipient's mail system can't do what was asked"},
	{"3.4", "the mail is too big for the recipient's mail system"},
	{"3.5", "the recipient's mail system is set up wrongly"},
	{"4", "something on the way to the recipient's mail system"},
	{"4.0", "something on the way to the recipient's mail system"},
	{"4.1", "the recipient's mail server didn't answer"},
	{"4.2", "the connection was made, but it was bad: it broke or went "
		"silent"},
	{"4.3", "a directory, such as DNS, could not be asked"},
	{"4.4", "no way to the recipient's mail system is known"},
	{"4.5", "the mail system is overloaded"},
	{"4.6", "the mail goes round in circles"},
	{"4.7", "the time for delivering it is over: it was tried again and "
		"again until the server that held it gave up"},
	{"5", "the two servers don't understand each other"},
	{"5.0", "the two servers don't understand each other"},
	{"5.1", "a command came at the wrong time, or is not known"},
	{"5.2", "a command could not be understood"},
	{"5.3", "too many recipients at once"},
	{"5.4", "a command had wrong arguments"},
	{"5.5", "the two servers speak different versions"},
	{"6", "something about what is in the mail"},
	{"7", "security or policy"},
	{"7.0", "security or policy"},
	{"7.1", "the recipient's server doesn't want this mail"},
	{"7.2", "the sender may not write to this list"},
	{"7.3", "its protection would have to be converted, and can't be"},
	{"7.4", "a security feature is missing"},
	{"7.5", "cryptography failed"},
	{"7.6", "a cryptographic algorithm is missing"},
	{"7.7", "the mail was changed on its way"},
};

static const char *words_find(const char *code)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].code, code) == 0)
			return words[i].text;
	return NULL;
}

char *ndr_words_status(const char *status)
{
	const char *class, *text;
	char subject[8], *sentence = NULL;
	int rc;

	if (!status || !deadmx_ndr_status_valid(status))
		return NULL;
	class = status[0] == '2'   ? "it went well"
		: status[0] == '4' ? "a passing problem"
				   : "a lasting problem";
	text = words_find(status + 2);
	if (!text) {
		snprintf(subject, sizeof(subject), "%.*s",
			 (int)strcspn(status + 2, "."), status + 2);
		text = words_find(subject);
	}
	/* Of mail that has expired the class says nothing: it is over. */
	if (text && strcmp(status + 2, "4.7") == 0)
		rc = asprintf(&sentence, "%s", text);
	else
		rc = asprintf(&sentence, "%s: %s", class,
			      text ? text : "of a kind that no RFC defines");
	assert(rc >= 0);
	return sentence;
}
