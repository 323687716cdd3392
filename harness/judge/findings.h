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

/* XX(ENUM, "id", "what was found") */
/* clang-format off */
#define FINDING_MAP(XX) \
	XX(EXPECT_ATTEMPTS, "expect/attempts", \
	   "the number of delivery rounds is not the expected one") \
	XX(EXPECT_GAPS, "expect/gaps", \
	   "two rounds are closer together or further apart than expected") \
	XX(EXPECT_FIRST_ATTEMPTS, "expect/first-attempts", \
	   "one of the first rounds came at another time than expected") \
	XX(EXPECT_DELAY_NOTICE, "expect/delay-notice", \
	   "a delay notice is missing or came unasked") \
	XX(EXPECT_DELAY_NOTICE_AFTER, "expect/delay-notice/after", \
	   "the delay notice came too early or too late") \
	XX(EXPECT_NDR, "expect/ndr", \
	   "the NDR is missing or came unasked") \
	XX(EXPECT_NDR_ACTION, "expect/ndr/action", \
	   "the NDR's Action is not the expected one") \
	XX(EXPECT_NDR_STATUS, "expect/ndr/status", \
	   "the NDR's Status is neither the expected nor the documented one") \
	XX(EXPECT_NDR_DIAGNOSTIC, "expect/ndr/diagnostic", \
	   "the NDR's Diagnostic-Code is not the expected one") \
	XX(EXPECT_NDR_TEXT, "expect/ndr/text", \
	   "the NDR's text for people lacks what is expected") \
	XX(EXPECT_NDR_AFTER, "expect/ndr/after", \
	   "the NDR came too early or too late") \
	XX(EXPECT_DELIVERED, "expect/delivered", \
	   "the mail was not delivered, or was delivered unasked") \
	XX(EXPECT_DELIVERED_AFTER, "expect/delivered/after", \
	   "the mail was delivered too early or too late") \
	XX(EXPECT_DELIVERED_COUNT, "expect/delivered/count", \
	   "the mail was delivered more or less often than expected") \
	XX(EXPECT_FAILOVER, "expect/failover", \
	   "a round did not go from server to server in the expected order") \
	XX(EXPECT_DUPLICATES, "expect/duplicates", \
	   "a delivered mail came again more or less often than expected") \
	XX(DOC_RETRY, "documented/retry", \
	   "rounds are closer together or further apart than documented") \
	XX(DOC_GAVE_UP, "documented/gave-up-early", \
	   "mail that might still arrive came back long before its time") \
	XX(DOC_STILL_QUEUED, "documented/still-queued", \
	   "mail is still in the queue long after its time") \
	XX(LAW_LOST, "law/lost", \
	   "an accepted mail is neither delivered, nor bounced, nor queued") \
	XX(LAW_TWO_OUTCOMES, "law/two-outcomes", \
	   "a recipient's mail was delivered and then bounced as well") \
	XX(LAW_NDR_NULL_SENDER, "law/ndr-for-null-sender", \
	   "an NDR was sent for a mail with a null reverse-path") \
	XX(LAW_NDR_WRONG_ADDRESS, "law/ndr-to-wrong-address", \
	   "an NDR went to somebody else than the envelope sender") \
	XX(LAW_ATTEMPT_AFTER_NDR, "law/attempt-after-ndr", \
	   "a delivery was tried after the final NDR") \
	XX(LAW_DELIVERY_AFTER_NDR, "law/delivery-after-ndr", \
	   "the mail was delivered after an NDR had said it failed") \
	XX(LAW_NDR_TWICE, "law/ndr-twice", \
	   "a second final NDR came for the same mail and recipient") \
	XX(LAW_DUPLICATE, "law/duplicate-delivery", \
	   "the same mail was delivered more than once") \
	XX(LAW_QUEUED_AFTER_NDR, "law/queued-after-ndr", \
	   "mail whose sender was told it failed is still in the queue") \
	XX(LAW_NDR_IN_VAIN, "law/ndr-undeliverable", \
	   "the sender's own server did not take the NDR") \
	XX(LAW_NDR_UNKNOWN, "law/ndr-about-nobody", \
	   "an NDR is about an address to which no mail was sent") \
	XX(LAW_UNEXPECTED, "law/unexpected-message", \
	   "a message that is neither a mail of the scenario nor a bounce") \
	XX(NDR_MISSING, "rfc5321/6.1/ndr-missing", \
	   "the sender of an undelivered mail was not told") \
	XX(RETRY_DELAY, "rfc5321/4.5.4.1/retry-delay", \
	   "the MTA retries without a pause") \
	XX(RETRY_INTERVAL, "rfc5321/4.5.4.1/retry-interval", \
	   "attempts come less than 30 min after one another") \
	XX(GIVE_UP_TIME, "rfc5321/4.5.4.1/give-up-time", \
	   "mail comes back after less than 4 days") \
	XX(REPEATED_5YZ, "rfc5321/4.2.1/repeated-after-5yz", \
	   "what a server had refused for good was tried again") \
	XX(BOUNCED_BOUNCE, "rfc5321/6.1/bounced-bounce", \
	   "a bounce that could not be delivered was bounced in its turn") \
	XX(MX_ORDER, "rfc5321/5.1/mx-order", \
	   "the servers were not tried by rising preference") \
	XX(SECOND_ADDRESS, "rfc5321/5.1/second-address", \
	   "the first server was down, and no other was ever tried") \
	XX(ADDRESS_DESPITE_MX, "rfc5321/5.1/address-despite-mx", \
	   "the domain's own address was tried although it has an MX") \
	XX(DNS_TEMPORARY, "rfc5321/5.1/dns-temporary", \
	   "DNS failed for now, and the mail came back") \
	XX(NULL_MX, "rfc7505/1/null-mx", \
	   "mail to a domain that takes none was tried again") \
	XX(DELIVER_BY, "rfc2852/4/deliver-by", \
	   "the time that the sender had set with BY= had no effect") \
	XX(TIMEOUT_BANNER, "rfc5321/4.5.3.2.1/greeting-timeout", \
	   "the client waits less than 5 min for the greeting") \
	XX(TIMEOUT_MAIL, "rfc5321/4.5.3.2.2/mail-timeout", \
	   "the client waits less than 5 min for the reply to MAIL") \
	XX(TIMEOUT_RCPT, "rfc5321/4.5.3.2.3/rcpt-timeout", \
	   "the client waits less than 5 min for the reply to RCPT") \
	XX(TIMEOUT_DATA, "rfc5321/4.5.3.2.4/data-timeout", \
	   "the client waits less than 2 min for the reply to DATA") \
	XX(TIMEOUT_DOT, "rfc5321/4.5.3.2.6/dot-timeout", \
	   "the client waits less than 10 min for the reply to the final dot") \
	XX(EXTENSION_UNASKED, "rfc5321/2.2.1/extension-not-offered", \
	   "a parameter of an extension that the server does not offer") \
	XX(DSN_LOST, "rfc3461/5.2.1/parameter-lost", \
	   "a DSN parameter was not passed on to a server that does DSNs") \
	XX(DSN_INVENTED, "rfc3461/5.2.1/parameter-invented", \
	   "a DSN parameter was passed on that the sender did not give") \
	XX(NULL_REVERSE_PATH, "rfc5321/6.1/null-reverse-path", \
	   "a bounce was sent with a reverse-path that is not null") \
	XX(NOT_A_DSN, "rfc3464/2/not-a-dsn", \
	   "a bounce holds no delivery status that a program can read") \
	XX(REPORTING_MTA, "rfc3464/2.2.2/reporting-mta", \
	   "Reporting-MTA is missing or malformed") \
	XX(ENVELOPE_ID, "rfc3464/2.2.1/original-envelope-id", \
	   "the sender's envelope id is missing, changed or invented") \
	XX(ARRIVAL_DATE, "rfc3464/2.2.5/arrival-date", \
	   "Arrival-Date is no date with a numeric zone") \
	XX(STATUS_ENCODING, "rfc3464/2.1/encoding", \
	   "the delivery status is not in the 7bit encoding") \
	XX(STATUS_LINES, "rfc3464/2.1.1/field-syntax", \
	   "the delivery status has lines that are no fields") \
	XX(FIELD_REPEATED, "rfc3464/2.3/field-repeated", \
	   "a per-recipient field that may stand once stands twice") \
	XX(FIELD_ORDER, "rfc3464/2.3/field-order", \
	   "per-recipient fields are not in the order of the grammar") \
	XX(ORIGINAL_RECIPIENT, "rfc3464/2.3.1/original-recipient", \
	   "the sender's ORCPT is missing, changed or invented") \
	XX(NO_RECIPIENT, "rfc3464/2.3/recipient-fields", \
	   "the delivery status has no per-recipient fields") \
	XX(FINAL_RECIPIENT, "rfc3464/2.3.2/final-recipient", \
	   "Final-Recipient is missing or malformed") \
	XX(ACTION, "rfc3464/2.3.3/action", \
	   "Action is missing or not one of the five words") \
	XX(DELAYED_FOR_GOOD, "rfc3464/2.3.3/delayed-for-good", \
	   "the last report says delayed, and the mail was not tried again") \
	XX(STATUS, "rfc3464/2.3.4/status", \
	   "Status is missing or malformed") \
	XX(STATUS_CLASS, "rfc3464/2.3.4/status-class", \
	   "the class of Status contradicts Action") \
	XX(REMOTE_MTA, "rfc3464/2.3.5/remote-mta", \
	   "Remote-MTA is malformed") \
	XX(DIAGNOSTIC_CODE, "rfc3464/2.3.6/diagnostic-code", \
	   "Diagnostic-Code is malformed, or missing although a server replied") \
	XX(LAST_ATTEMPT_DATE, "rfc3464/2.3.7/last-attempt-date", \
	   "Last-Attempt-Date is no date with a numeric zone") \
	XX(RETRY_DATE, "rfc3464/2.3.9/retry-date", \
	   "Will-Retry-Until is no date with a numeric zone") \
	XX(BETTER_STATUS, "rfc3463/3.5/better-code", \
	   "X.4.7 although the code of the actual problem is known") \
	XX(WILL_RETRY_UNTIL, "rfc3464/2.3.9/will-retry-until", \
	   "Will-Retry-Until stands where nothing is retried") \
	XX(DSN_ADDRESS, "rfc3464/2/to", \
	   "the To header is not the address the bounce was sent to") \
	XX(REPORT_TYPE, "rfc6522/3/report-type", \
	   "not multipart/report with report-type=delivery-status") \
	XX(REPORT_TEXT, "rfc6522/3/text-part", \
	   "the report does not begin with a part for people") \
	XX(REPORT_ORDER, "rfc6522/3/part-order", \
	   "the delivery status is not the second part of the report") \
	XX(STATUS_UTF8, "rfc6533/3/utf8-status", \
	   "UTF-8 in a delivery status that is not message/global-delivery-status") \
	XX(AUTO_SUBMITTED, "rfc3834/5.2/auto-submitted", \
	   "a DSN is labelled auto-generated") \
	XX(AUTO_SUBMITTED_TWICE, "rfc3834/5/auto-submitted-twice", \
	   "Auto-Submitted stands more than once") \
	XX(MIME_VERSION, "rfc2045/4/mime-version", \
	   "a MIME message without MIME-Version") \
	XX(MESSAGE_HEADER, "rfc5322/3.6/header", \
	   "the bounce's own header lacks Date or From") \
	XX(MESSAGE_ID, "rfc5322/3.6.4/message-id", \
	   "the bounce has no Message-ID") \
	XX(ORIGINAL_MISSING, "rfc3461/6.2/original-missing", \
	   "nothing of the original message is returned") \
	XX(RET, "rfc3461/4.3/ret", \
	   "RET is not followed: too much or too little is returned") \
	XX(NDR_NOT_WANTED, "rfc3461/5.2.6/ndr-not-wanted", \
	   "a failed NDR came although NOTIFY does not ask for FAILURE") \
	XX(DELAY_NOT_WANTED, "rfc3461/5.2.5/delay-not-wanted", \
	   "a delay notice came although NOTIFY does not ask for DELAY") \
	XX(RUN_UNSUPPORTED, "run/unsupported", \
	   "the target cannot do what the scenario asks") \
	XX(RUN_CLOCK, "run/clock-unhandled", \
	   "the MTA made a timed call that ran in host time") \
	XX(RUN_ERROR, "run/error", \
	   "deadmx or the machine failed during the run") \
	XX(RUN_TARGET_DIED, "run/target-died", \
	   "the MTA ended before it was told to stop") \
	XX(RUN_NO_FAULT, "run/no-fault-fired", \
	   "no fault of the scenario ever fired: nothing was tested") \
	XX(RUN_NOTHING_INJECTED, "run/nothing-injected", \
	   "no mail was handed to the MTA: nothing was tested") \
	XX(RUN_INJECTION_FAILED, "run/injection-failed", \
	   "the MTA did not accept a mail of the scenario") \
	XX(RUN_INCOMPLETE, "run/incomplete", \
	   "the event log ends before the run's end") \
	XX(RUN_LOG_DAMAGED, "run/log-damaged", \
	   "the event log has lines that are no events, or lost some") \
	XX(RUN_MESSAGE_UNREADABLE, "run/message-unreadable", \
	   "a received message's file is missing or too large")
/* clang-format on */

enum finding_id {
#define XX(uc, id, doc) FINDING_##uc,
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

/* FIND(v, LAW_LOST, severity, where, expected, observed, …) */
#define FIND(v, id, ...) verdict_find(v, finding_id(FINDING_##id), __VA_ARGS__)

#endif
