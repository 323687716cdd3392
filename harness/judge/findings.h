/* SPDX-License-Identifier: MIT */
/*
 * The ids of all findings, in one table: what the code may report is what
 * docs/findings-ids.md explains, and a test keeps the two in step.
 */
#ifndef HARNESS_JUDGE_FINDINGS_H
#define HARNESS_JUDGE_FINDINGS_H

#include <stdbool.h>
#include <stdio.h>

#include "harness/judge/verdict.h"

/* XX(ENUM, "id", "what was found", "for who has not read the RFC") */
/* clang-format off */
#define FINDING_MAP(XX) \
	XX(EXPECT_ATTEMPTS, "expect/attempts", \
	   "the number of delivery rounds is not the expected one", \
	   "The scenario counts how often the MTA goes to the dead server before it gives up; this MTA did so more or less often.") \
	XX(EXPECT_GAPS, "expect/gaps", \
	   "two rounds are closer together or further apart than expected", \
	   "An MTA waits between two tries. The scenario says how long at least and at most.") \
	XX(EXPECT_FIRST_ATTEMPTS, "expect/first-attempts", \
	   "one of the first rounds came at another time than expected", \
	   "The first retries show the MTA's retry rule; they came at other times than the scenario says.") \
	XX(EXPECT_DELAY_NOTICE, "expect/delay-notice", \
	   "a delay notice is missing or came unasked", \
	   "After some hours an MTA may tell the sender that his mail is still waiting; the scenario says whether it should.") \
	XX(EXPECT_DELAY_NOTICE_AFTER, "expect/delay-notice/after", \
	   "the delay notice came too early or too late", \
	   "The scenario says how long the mail waits before its sender is told.") \
	XX(EXPECT_NDR, "expect/ndr", \
	   "the NDR is missing or came unasked", \
	   "NDR: the message that tells the sender that his mail was not delivered. It should have come, or should not.") \
	XX(EXPECT_NDR_ACTION, "expect/ndr/action", \
	   "the NDR's Action is not the expected one", \
	   "Action says in one word what became of the mail: failed, delayed, delivered, relayed, expanded.") \
	XX(EXPECT_NDR_STATUS, "expect/ndr/status", \
	   "the NDR's Status is neither the expected nor the documented one", \
	   "Status tells programs in three numbers why; other numbers lead the sender to the wrong cause.") \
	XX(EXPECT_NDR_DIAGNOSTIC, "expect/ndr/diagnostic", \
	   "the NDR's Diagnostic-Code is not the expected one", \
	   "Diagnostic-Code holds the words of the server that refused; without them nobody can tell what was wrong.") \
	XX(EXPECT_NDR_TEXT, "expect/ndr/text", \
	   "the NDR's text for people lacks what is expected", \
	   "People read the text, not the fields; what the scenario asks for isn't in it.") \
	XX(EXPECT_NDR_AFTER, "expect/ndr/after", \
	   "the NDR came too early or too late", \
	   "The sender should hear when the queue lifetime is over: not before, and not much later.") \
	XX(EXPECT_DELIVERED, "expect/delivered", \
	   "the mail was not delivered, or was delivered unasked", \
	   "The mail should have arrived and did not, or the other way round.") \
	XX(EXPECT_DELIVERED_AFTER, "expect/delivered/after", \
	   "the mail was delivered too early or too late", \
	   "The mail arrived, but at another time than the scenario allows.") \
	XX(EXPECT_DELIVERED_COUNT, "expect/delivered/count", \
	   "the mail was delivered more or less often than expected", \
	   "A recipient got the mail more or less often than the scenario says.") \
	XX(EXPECT_FAILOVER, "expect/failover", \
	   "a round did not go from server to server in the expected order", \
	   "When a domain has several servers, the MTA is to try the next one; it took another order.") \
	XX(EXPECT_DUPLICATES, "expect/duplicates", \
	   "a delivered mail came again more or less often than expected", \
	   "When the last reply is lost an MTA may send the mail again; the scenario says how often that may happen.") \
	XX(DOC_RETRY, "documented/retry", \
	   "rounds are closer together or further apart than documented", \
	   "The MTA's makers say how long it waits between two tries; it waited otherwise.") \
	XX(DOC_GAVE_UP, "documented/gave-up-early", \
	   "mail that might still arrive came back long before its time", \
	   "Only temporary failures were seen, and the MTA gave up before the time that its makers document.") \
	XX(DOC_STILL_QUEUED, "documented/still-queued", \
	   "mail is still in the queue long after its time", \
	   "The documented lifetime is over, yet the mail was neither delivered nor returned.") \
	XX(DOC_DELAY_NOTICE, "documented/delay-notice", \
	   "the delay notice is missing, or came at another time than documented", \
	   "The MTA's makers say when the sender is told that his mail is still waiting; he was told otherwise, or not at all.") \
	XX(LAW_LOST, "law/lost", \
	   "an accepted mail is neither delivered, nor bounced, nor queued", \
	   "Who accepts a mail must deliver it or tell the sender; this one vanished.") \
	XX(LAW_TWO_OUTCOMES, "law/two-outcomes", \
	   "a recipient's mail was delivered and then bounced as well", \
	   "The sender was told that it failed, yet it arrived: he will send it again.") \
	XX(LAW_NDR_NULL_SENDER, "law/ndr-for-null-sender", \
	   "an NDR was sent for a mail with a null reverse-path", \
	   "A mail without a sender is a bounce itself; bouncing it again would never end.") \
	XX(LAW_NDR_WRONG_ADDRESS, "law/ndr-to-wrong-address", \
	   "an NDR went to somebody else than the envelope sender", \
	   "Somebody who never sent the mail was told about it; the sender was not.") \
	XX(LAW_ATTEMPT_AFTER_NDR, "law/attempt-after-ndr", \
	   "a delivery was tried after the final NDR", \
	   "Once the sender was told that it failed for good, nothing may be tried any more.") \
	XX(LAW_DELIVERY_AFTER_NDR, "law/delivery-after-ndr", \
	   "the mail was delivered after an NDR had said it failed", \
	   "The sender was told that it failed, and then it arrived after all.") \
	XX(LAW_NDR_TWICE, "law/ndr-twice", \
	   "a second final NDR came for the same mail and recipient", \
	   "One failure is told once; a second report makes the sender think of a second mail.") \
	XX(LAW_DUPLICATE, "law/duplicate-delivery", \
	   "the same mail was delivered more than once", \
	   "The recipient has the same mail more than once.") \
	XX(LAW_QUEUED_AFTER_NDR, "law/queued-after-ndr", \
	   "mail whose sender was told it failed is still in the queue", \
	   "What was reported as failed has to leave the queue, or it will be tried and reported again.") \
	XX(LAW_NDR_IN_VAIN, "law/ndr-undeliverable", \
	   "the sender's own server did not take the NDR", \
	   "The MTA tried to tell the sender, and his own mail server was dead, too: that is nobody's fault here.") \
	XX(LAW_NDR_UNKNOWN, "law/ndr-about-nobody", \
	   "an NDR is about an address to which no mail was sent", \
	   "The report names an address the sender never wrote to.") \
	XX(LAW_UNEXPECTED, "law/unexpected-message", \
	   "a message that is neither a mail of the scenario nor a bounce", \
	   "The MTA sent something that nobody asked for.") \
	XX(NDR_MISSING, "rfc5321/6.1/ndr-missing", \
	   "the sender of an undelivered mail was not told", \
	   "An MTA that has accepted a mail and can't deliver it has to tell the sender.") \
	XX(RETRY_DELAY, "rfc5321/4.5.4.1/retry-delay", \
	   "the MTA retries without a pause", \
	   "Trying again at once hammers a server that is in trouble already.") \
	XX(RETRY_INTERVAL, "rfc5321/4.5.4.1/retry-interval", \
	   "attempts come less than 30 min after one another", \
	   "The RFC asks for half an hour at least, so that a server in trouble is left in peace.") \
	XX(GIVE_UP_TIME, "rfc5321/4.5.4.1/give-up-time", \
	   "mail comes back after less than 4 days", \
	   "The RFC says four to five days: a server may be off over a long weekend.") \
	XX(REPEATED_5YZ, "rfc5321/4.2.1/repeated-after-5yz", \
	   "what a server had refused for good was tried again", \
	   "A reply of 5yz is final; asking again only delays the news for the sender.") \
	XX(BOUNCED_BOUNCE, "rfc5321/6.1/bounced-bounce", \
	   "a bounce that could not be delivered was bounced in its turn", \
	   "Bounces of bounces never end; one that can't be delivered is dropped.") \
	XX(MX_ORDER, "rfc5321/5.1/mx-order", \
	   "the servers were not tried by rising preference", \
	   "The domain says with its numbers which server comes first.") \
	XX(SECOND_ADDRESS, "rfc5321/5.1/second-address", \
	   "the first server was down, and no other was ever tried", \
	   "A domain has more than one server so that mail gets through when one is down.") \
	XX(ADDRESS_DESPITE_MX, "rfc5321/5.1/address-despite-mx", \
	   "the domain's own address was tried although it has an MX", \
	   "Where MX records stand, mail goes there and nowhere else; the web server at the domain's address does not want it.") \
	XX(DNS_TEMPORARY, "rfc5321/5.1/dns-temporary", \
	   "DNS failed for now, and the mail came back", \
	   "A name server that is down says nothing about the domain; the mail has to wait.") \
	XX(NULL_MX, "rfc7505/1/null-mx", \
	   "mail to a domain that takes none was tried again", \
	   "A null MX says that the domain takes no mail at all: the sender should hear at once.") \
	XX(DELIVER_BY, "rfc2852/4/deliver-by", \
	   "the time that the sender had set with BY= had no effect", \
	   "The sender said by when the mail is to be delivered, and wants to hear when it is not.") \
	XX(BY_STATUS, "rfc2852/4.1.3/status", \
	   "the time that BY= gives is over, and the report has not the Status for that", \
	   "5.4.7 tells a program that mail came back, 4.4.7 that it is late, for the sender's own deadline.") \
	XX(BY_RELAYED_MISSING, "rfc2852/4.1.4.2/relayed-missing", \
	   "BY=…;N, a next server that does no DELIVERBY, and no report", \
	   "Nobody looks at the sender's deadline from there on: this MTA has to say so.") \
	XX(BY_DELAY_UNASKED, "rfc2852/4.1.4.2/delay-not-asked", \
	   "BY=…;N, a next server that does no DELIVERBY, and its NOTIFY lacks DELAY", \
	   "That server knows no deadline, but it can tell of delays if it is asked to.") \
	XX(TIMEOUT_BANNER, "rfc5321/4.5.3.2.1/greeting-timeout", \
	   "the client waits less than 5 min for the greeting", \
	   "A busy server may be slow to greet; who hangs up too early never delivers.") \
	XX(TIMEOUT_MAIL, "rfc5321/4.5.3.2.2/mail-timeout", \
	   "the client waits less than 5 min for the reply to MAIL", \
	   "A busy server may be slow to answer; who hangs up too early never delivers.") \
	XX(TIMEOUT_RCPT, "rfc5321/4.5.3.2.3/rcpt-timeout", \
	   "the client waits less than 5 min for the reply to RCPT", \
	   "Looking up a recipient takes time; who hangs up too early never delivers.") \
	XX(TIMEOUT_DATA, "rfc5321/4.5.3.2.4/data-timeout", \
	   "the client waits less than 2 min for the reply to DATA", \
	   "A busy server may be slow to answer; who hangs up too early never delivers.") \
	XX(TIMEOUT_BLOCK, "rfc5321/4.5.3.2.5/block-timeout", \
	   "the client waits less than 3 min for a part of the message to be taken", \
	   "A server may take a long mail slowly; who hangs up too early never delivers.") \
	XX(TIMEOUT_DOT, "rfc5321/4.5.3.2.6/dot-timeout", \
	   "the client waits less than 10 min for the reply to the final dot", \
	   "Who hangs up while the server still stores the mail will send it twice.") \
	XX(EXTENSION_UNASKED, "rfc5321/2.2.1/extension-not-offered", \
	   "a parameter of an extension that the server does not offer", \
	   "A client may only use what the server has said it can do.") \
	XX(DSN_LOST, "rfc3461/5.2.1/parameter-lost", \
	   "a DSN parameter was not passed on to a server that does DSNs", \
	   "What the sender asked for (NOTIFY, RET, ENVID, ORCPT) has to travel with the mail, or the next server can't obey.") \
	XX(DSN_INVENTED, "rfc3461/5.2.1/parameter-invented", \
	   "a DSN parameter was passed on that the sender did not give", \
	   "The next server would do what the sender never asked for.") \
	XX(NULL_REVERSE_PATH, "rfc5321/6.1/null-reverse-path", \
	   "a bounce was sent with a reverse-path that is not null", \
	   "A bounce has no sender, so that nobody can bounce the bounce and start a loop.") \
	XX(NOT_A_DSN, "rfc3464/2/not-a-dsn", \
	   "a bounce holds no delivery status that a program can read", \
	   "Programs (mailing lists, CRMs, helpdesks) sort bounces by their delivery-status part; this one can only be read by people.") \
	XX(REPORTING_MTA, "rfc3464/2.2.2/reporting-mta", \
	   "Reporting-MTA is missing or malformed", \
	   "The first field says which server made the report; without it nobody knows whom to ask.") \
	XX(ENVELOPE_ID, "rfc3464/2.2.1/original-envelope-id", \
	   "the sender's envelope id is missing, changed or invented", \
	   "The sender's own number for this mail has to come back unchanged, so that his program finds the mail again.") \
	XX(REPORTING_MTA_WRONG, "rfc3464/2.2.2/reporting-mta-name", \
	   "Reporting-MTA is not the name by which the MTA greets others", \
	   "It says which server made the report; another name leads to the wrong one.") \
	XX(DSN_GATEWAY, "rfc3464/2.2.3/dsn-gateway", \
	   "DSN-Gateway is malformed", \
	   "Names the gateway that translated a foreign report, as \"dns; name\".") \
	XX(RECEIVED_FROM, "rfc3464/2.2.4/received-from-mta", \
	   "Received-From-MTA is malformed", \
	   "Names the server that handed the mail in, as \"dns; name (address)\".") \
	XX(CLIENT_ADDRESS, "rfc3464/2.2.4/client-address", \
	   "Received-From-MTA lacks the client's address", \
	   "A name can be made up; the address in parentheses says who it really was.") \
	XX(ARRIVAL_DATE, "rfc3464/2.2.5/arrival-date", \
	   "Arrival-Date is no date with a numeric zone", \
	   "Zone names such as EST mean different things in different places; +0000 does not.") \
	XX(ARRIVAL_DATE_WRONG, "rfc3464/2.2.5/arrival-time", \
	   "Arrival-Date is not when the mail was handed in", \
	   "The sender finds his mail by it, and sees for how long it was tried.") \
	XX(MESSAGE_FIELD_REPEATED, "rfc3464/2.2/field-repeated", \
	   "a per-message field stands twice", \
	   "With two values for one field, programs differ in which they believe.") \
	XX(MESSAGE_FIELD_ORDER, "rfc3464/2.2/field-order", \
	   "per-message fields are not in the order of the grammar", \
	   "The RFC's grammar lists the fields in one order; programs read them in any, so this only meets the eye.") \
	XX(STATUS_ENCODING, "rfc3464/2.1/encoding", \
	   "the delivery status is not in the 7bit encoding", \
	   "The status part has to be readable as it stands, also in old mail programs.") \
	XX(STATUS_LINES, "rfc3464/2.1.1/field-syntax", \
	   "the delivery status has lines that are no fields", \
	   "Each line is a name, a colon and a value; a program stumbles over anything else.") \
	XX(FOLDING, "rfc3464/2.1.1/folding", \
	   "lines go on where no field began, or look empty and are not", \
	   "A line that begins with a blank belongs to the one before it; where there is none, programs read different fields.") \
	XX(TYPE, "rfc3464/2.1.2/type", \
	   "what stands before the semicolon is not one word", \
	   "The word says how to read the rest, such as rfc822 for an address or smtp for a reply.") \
	XX(BLANK_LINE, "rfc3464/2.3/blank-line", \
	   "no empty line parts the recipient's fields from the message's", \
	   "Programs find the recipients by the empty lines; without one they find none.") \
	XX(FIELD_REPEATED, "rfc3464/2.3/field-repeated", \
	   "a per-recipient field that may stand once stands twice", \
	   "With two values for one field, programs differ in which they believe.") \
	XX(FIELD_ORDER, "rfc3464/2.3/field-order", \
	   "per-recipient fields are not in the order of the grammar", \
	   "The RFC's grammar lists the fields in one order; programs read them in any, so this only meets the eye.") \
	XX(ORIGINAL_RECIPIENT, "rfc3464/2.3.1/original-recipient", \
	   "the sender's ORCPT is missing, changed or invented", \
	   "The address as the sender gave it has to come back, so that he knows which of his recipients is meant.") \
	XX(EXTENSION, "rfc3464/2.4/extension-name", \
	   "a field that the RFCs don't define, without X- before its name", \
	   "Private fields begin with X-, so that they never clash with later standards.") \
	XX(ORIGINAL_SYNTAX, "rfc3464/2.3.1/original-recipient-syntax", \
	   "Original-Recipient is malformed", \
	   "The address as the sender gave it, as \"rfc822; address\".") \
	XX(NO_RECIPIENT, "rfc3464/2.3/recipient-fields", \
	   "the delivery status has no per-recipient fields", \
	   "A report that names no recipient tells the sender nothing.") \
	XX(FINAL_RECIPIENT, "rfc3464/2.3.2/final-recipient", \
	   "Final-Recipient is missing or malformed", \
	   "Says about whom the report is, as \"rfc822; address\"; without it the sender can't tell who didn't get the mail.") \
	XX(RECIPIENT_CASE, "rfc3464/2.3.2/address-case", \
	   "Final-Recipient has other capitals than the envelope", \
	   "Bob and bob can be two mailboxes: the address has to come back as it was.") \
	XX(ACTION, "rfc3464/2.3.3/action", \
	   "Action is missing or not one of the five words", \
	   "One of five words says what became of the mail; a program that doesn't find it can't tell a delay from a failure.") \
	XX(DELAYED_FOR_GOOD, "rfc3464/2.3.3/delayed-for-good", \
	   "the last report says delayed, and the mail was not tried again", \
	   "\"delayed\" promises more attempts; when none follow the sender waits for ever.") \
	XX(STATUS, "rfc3464/2.3.4/status", \
	   "Status is missing or malformed", \
	   "Three numbers with dots tell programs why; a comment may follow in parentheses, nothing else.") \
	XX(STATUS_CLASS, "rfc3464/2.3.4/status-class", \
	   "the class of Status contradicts Action", \
	   "The first number says success (2), for now (4) or for good (5), and has to agree with Action.") \
	XX(REMOTE_MTA, "rfc3464/2.3.5/remote-mta", \
	   "Remote-MTA is malformed", \
	   "Names the server that refused, as \"dns; name\".") \
	XX(REMOTE_MTA_UNINVOLVED, "rfc3464/2.3.5/remote-mta-uninvolved", \
	   "Remote-MTA, although no server was ever found", \
	   "The field says that this server has refused; where none was found there is none to blame.") \
	XX(DIAGNOSTIC_CODE, "rfc3464/2.3.6/diagnostic-code", \
	   "Diagnostic-Code is malformed, or missing although a server replied", \
	   "Holds what the other server said, as \"smtp; 550 …\"; it is what an administrator looks for first.") \
	XX(LAST_ATTEMPT_DATE, "rfc3464/2.3.7/last-attempt-date", \
	   "Last-Attempt-Date is no date with a numeric zone", \
	   "Zone names such as EST mean different things in different places; +0000 does not.") \
	XX(LAST_ATTEMPT_WRONG, "rfc3464/2.3.7/last-attempt-time", \
	   "Last-Attempt-Date is not when it was tried last", \
	   "Whoever runs the other server looks in his log at this time.") \
	XX(RETRY_DATE, "rfc3464/2.3.9/retry-date", \
	   "Will-Retry-Until is no date with a numeric zone", \
	   "Zone names such as EST mean different things in different places; +0000 does not.") \
	XX(RETRY_UNTIL_WRONG, "rfc3464/2.3.9/retry-until-time", \
	   "Will-Retry-Until is not when this MTA gives up", \
	   "The sender is told until when he may hope.") \
	XX(CODE_UNKNOWN, "rfc3463/2/code-unknown", \
	   "a Status that no RFC defines", \
	   "Others don't know this number and read only its first one or two parts.") \
	XX(CODE_CLASS, "rfc3463/3/code-class", \
	   "a Status whose class doesn't go with the rest", \
	   "Some conditions are for a time only (X.4.1, nobody answers) and some for good (X.1.1, no such user).") \
	XX(BETTER_STATUS, "rfc3463/3.5/better-code", \
	   "X.4.7 although the code of the actual problem is known", \
	   "X.4.7 only says that time was over; the code of what kept the mail back says what to repair.") \
	XX(WILL_RETRY_UNTIL, "rfc3464/2.3.9/will-retry-until", \
	   "Will-Retry-Until stands where nothing is retried", \
	   "It promises more tries, which is wrong once the mail has failed.") \
	XX(DSN_ADDRESS, "rfc3464/2/to", \
	   "the To header is not the address the bounce was sent to", \
	   "A bounce is addressed to whoever sent the mail, in its header as well.") \
	XX(FROM, "rfc3464/2/from", \
	   "the From header has no address to write to", \
	   "A person should be able to ask whoever runs the server that sent the bounce.") \
	XX(REPORT_TYPE, "rfc6522/3/report-type", \
	   "not multipart/report with report-type=delivery-status", \
	   "This label tells programs that the message is a bounce; without it they take it for a letter.") \
	XX(REPORT_TEXT, "rfc6522/3/text-part", \
	   "the report does not begin with a part for people", \
	   "People see the first part; it has to explain in words what happened.") \
	XX(REPORT_ORDER, "rfc6522/3/part-order", \
	   "the delivery status is not the second part of the report", \
	   "Programs look for the status in second place, right behind the text.") \
	XX(REPORT_PARTS, "rfc6522/3/part-count", \
	   "the report has more than three parts", \
	   "Text, status, and the returned mail: programs expect nothing else.") \
	XX(STATUS_UTF8, "rfc6533/3/utf8-status", \
	   "UTF-8 in a delivery status that is not message/global-delivery-status", \
	   "The old kind of status part is ASCII only; letters beyond it need the new kind.") \
	XX(UTF8_ADDRESS, "rfc6533/3/utf8-address", \
	   "an address of type utf-8 is not written in ASCII's safe letters", \
	   "In the old kind of status part the letters + = \\ and blanks of such an address are written as \\x{2B} and so on.") \
	XX(UTF8_TYPE, "rfc6533/4.1/address-type", \
	   "an address beyond ASCII is not of type utf-8", \
	   "rfc822 promises an address in ASCII; programs that believe it garble the others.") \
	XX(UTF8_FORM, "rfc6533/4.1/address-form", \
	   "an address with \\x{…} in message/global-delivery-status", \
	   "This kind of status part takes the letters as they are; people can't read \\x{E9}.") \
	XX(LANGUAGE, "rfc6533/4.1/localized-diagnostic", \
	   "Localized-Diagnostic without a language, or twice with the same", \
	   "Each of these fields gives the diagnostic in one language and says in which.") \
	XX(LANGUAGE_PLACE, "rfc6533/4.1/localized-place", \
	   "Localized-Diagnostic in the old kind of status part", \
	   "The field belongs to message/global-delivery-status; other programs don't know it.") \
	XX(BAD_UTF8, "rfc6533/4.1/utf8", \
	   "bytes that are no UTF-8 in message/global-delivery-status", \
	   "Other character sets show as rubbish, or stop the program that reads them.") \
	XX(AUTO_SUBMITTED, "rfc3834/5.2/auto-submitted", \
	   "a DSN is labelled auto-generated", \
	   "auto-generated is for mail nobody caused, as from cron; a bounce answers a mail and is auto-replied.") \
	XX(AUTO_SUBMITTED_TWICE, "rfc3834/5.1/auto-submitted-twice", \
	   "Auto-Submitted stands more than once", \
	   "It keeps robots from answering robots; twice it can contradict itself.") \
	XX(MIME_VERSION, "rfc2045/4/mime-version", \
	   "a MIME message without MIME-Version", \
	   "Without it a mail program need not look at the parts at all and may show raw text.") \
	XX(UNLABELLED, "rfc2045/2.7/8bit-in-7bit", \
	   "bytes beyond ASCII in a status part that is said to be 7bit", \
	   "A server that trusts the label may cut the eighth bit off each byte.") \
	XX(LINE_LENGTH, "rfc5322/2.1.1/line-length", \
	   "lines of more than 998 bytes", \
	   "Servers may cut longer lines, or refuse the mail.") \
	XX(MESSAGE_HEADER, "rfc5322/3.6/header", \
	   "the bounce's own header lacks Date or From", \
	   "Every mail has a date and an author; servers refuse mail without.") \
	XX(MESSAGE_ID, "rfc5322/3.6.4/message-id", \
	   "the bounce has no Message-ID", \
	   "The message's own name, by which logs and threads find it; it should always have one.") \
	XX(ORIGINAL_MISSING, "rfc3461/6.2/original-missing", \
	   "nothing of the original message is returned", \
	   "Without at least its header the sender may not know which of his mails is meant.") \
	XX(RET, "rfc3461/4.3/ret", \
	   "RET is not followed: too much or too little is returned", \
	   "The sender may ask for the whole mail back or for its header only.") \
	XX(DSN_OF_DSN, "rfc3461/6.1/dsn-parameters", \
	   "a bounce is sent with RET, or with a NOTIFY other than NEVER", \
	   "Nobody is to be told what became of a bounce.") \
	XX(HEADERS_ONLY, "rfc3461/6.2/headers-only", \
	   "a report of no failure returns the whole mail", \
	   "The mail is still on its way: the sender needs no copy of it, only its header to know it by.") \
	XX(NO_FQDN, "rfc3461/6.3/reporting-mta-domain", \
	   "Reporting-MTA is of type dns, and no full domain name", \
	   "dns promises a name that is known to all; localhost is everybody's.") \
	XX(NO_REMOTE_MTA, "rfc3461/6.3/remote-mta", \
	   "a server has answered, and the report does not name it", \
	   "Without Remote-MTA nobody knows which server has said so.") \
	XX(SMTP_DIAGNOSTIC, "rfc3461/9.2/smtp-diagnostic", \
	   "Diagnostic-Code is of type smtp, and no SMTP reply", \
	   "smtp promises what the other server said, with its three digits; an MTA's own words are of another type.") \
	XX(RELAYED_MISSING, "rfc3461/5.2.2/relayed-missing", \
	   "NOTIFY=SUCCESS, a next server that does no DSN, and no report", \
	   "Who asked to be told of success hears nothing more from a server that sends no reports: this MTA has to say so.") \
	XX(SUCCESS_NOT_WANTED, "rfc3461/5.2.2/success-not-wanted", \
	   "a report of success came although NOTIFY does not ask for SUCCESS", \
	   "The sender did not ask to be told that all went well.") \
	XX(NDR_NOT_WANTED, "rfc3461/5.2.6/ndr-not-wanted", \
	   "a failed NDR came although NOTIFY does not ask for FAILURE", \
	   "The sender asked not to be told of failures.") \
	XX(DELAY_NOT_WANTED, "rfc3461/5.2.5/delay-not-wanted", \
	   "a delay notice came although NOTIFY does not ask for DELAY", \
	   "The sender asked not to be told of delays.") \
	XX(KNOWN_ABSENT, "known/absent", \
	   "what the target file calls a known fault did not appear", \
	   "The MTA may have been put right since: the target file can then forget it.") \
	XX(RUN_UNSUPPORTED, "run/unsupported", \
	   "the target cannot do what the scenario asks", \
	   "This MTA, or the way it is set up, has no means for what is asked; that says nothing against it.") \
	XX(RUN_TARGET_MISSING, "run/target-missing", \
	   "the MTA can't be had on this machine", \
	   "It is neither installed nor in the cache, and could not be fetched; that says nothing about the MTA.") \
	XX(RUN_CLOCK, "run/clock-unhandled", \
	   "the MTA made a timed call that ran in host time", \
	   "The virtual clock was bypassed, so the times of this run mean nothing.") \
	XX(RUN_ERROR, "run/error", \
	   "deadmx or the machine failed during the run", \
	   "Nothing is known about the MTA; see the log, and run again.") \
	XX(RUN_TARGET_DIED, "run/target-died", \
	   "the MTA ended before it was told to stop", \
	   "A server that crashed can't be judged by what it did not send.") \
	XX(RUN_NO_FAULT, "run/no-fault-fired", \
	   "no fault of the scenario ever fired: nothing was tested", \
	   "The MTA never met what the scenario has prepared; perhaps it took another way.") \
	XX(RUN_NOTHING_INJECTED, "run/nothing-injected", \
	   "no mail was handed to the MTA: nothing was tested", \
	   "Without a mail there is nothing to judge.") \
	XX(RUN_INJECTION_FAILED, "run/injection-failed", \
	   "the MTA did not accept a mail of the scenario", \
	   "The MTA refused the scenario's mail; perhaps it isn't set up to relay.") \
	XX(RUN_INCOMPLETE, "run/incomplete", \
	   "the event log ends before the run's end", \
	   "The run was cut short; what would have come later is not known.") \
	XX(RUN_LOG_DAMAGED, "run/log-damaged", \
	   "the event log has lines that are no events, or lost some", \
	   "What the log has lost may be just what counts.") \
	XX(RUN_MESSAGE_UNREADABLE, "run/message-unreadable", \
	   "a received message's file is missing or too large", \
	   "The message can't be judged, so nothing is said about it.")
/* clang-format on */

enum finding_id {
#define XX(uc, id, doc, why) FINDING_##uc,
	FINDING_MAP(XX)
#undef XX
		FINDING_COUNT
};

const char *finding_id(enum finding_id id);
bool finding_is_known(const char *id);

/*
 * Are all that @scenario gives another weight to findings that there are?
 * Else false, with a line for each on @errors.
 */
bool findings_check(const struct deadmx_scenario *scenario, FILE *errors);
/* Give them that weight; @v says then what was changed, and why. */
void findings_weigh(const struct deadmx_scenario *scenario, struct verdict *v);
/* The same row's text; NULL for an id that no row has. */
const char *finding_why(const char *id);

/* FIND(v, LAW_LOST, severity, where, expected, observed, …) */
#define FIND(v, id, ...) verdict_find(v, finding_id(FINDING_##id), __VA_ARGS__)

#endif
