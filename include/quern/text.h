/* quern/text.h - texts of elements: cleaned, and what is found in them, as unstructured.cleaners does. Needs no client; texts are UTF-8.
 * Errors, besides those named: INVALID (a text that is no UTF-8, a pattern that is none), LIMIT (a pattern that tries too much). */
#ifndef QUERN_TEXT_H
#define QUERN_TEXT_H

#include <quern/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What option clean of `ingest` makes of an element's text: "bullets,lowercase" is a list, gone through in this order; `quern help ingest` has the
 * names. Behind the text, `*ret_text_bytes` long, stands a NUL. Errors: INVALID (no cleaner has this name). */
QUERN_API QuernError *quern_text_clean(QuernBytes text, const char *cleaners, char **ret_text,
                                       size_t *ret_text_bytes) QUERN_MUST_USE;

/* All that there is of it in the text, in order, then NULL; one array, freed in one call. `what`:
 *   "email-address"         in lower case
 *   "ip-address"            version 4, or version 6 of the form 1234::1234:1234:1234:1234
 *   "ip-address-name"       names with two dots in them: mail.example.org
 *   "mapi-id"               four numbers with dots between and a `;` behind, which is left out
 *   "datetimetz"            the first "Fri, 26 Mar 2021 11:04:09 +1200" as 2021-03-26T11:04:09+12:00; none if there is no such time
 *   "us-phone-number"       the one at the end of the text
 *   "ordered-bullets"       the parts of what the text begins with: of "1.1 Aims" 1 and 1
 *   "image-urls-from-html"
 * Errors: INVALID (nothing of this name can be found). */
QUERN_API QuernError *quern_text_extract(QuernBytes text, const char *what, char ***ret_found) QUERN_MUST_USE;

/* The text before and behind a match of `pattern`, without the white space next to it. Of matches that do not overlap it is the one with `index`,
 * from 0. A pattern is a regular expression in the syntax of Perl (PCRE2). Errors: NOT_FOUND (there are fewer matches). */
QUERN_API QuernError *quern_text_around(QuernBytes text, const char *pattern, size_t index, char **ret_before,
                                        char **ret_after) QUERN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
