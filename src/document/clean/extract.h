/* extract.h - what can be found in a text: addresses, dates, numbers. Sources: spec/unstructured.md 5; unstructured 0.27.32,
 * cleaners/extract.py and nlp/patterns.py, whose regular expressions are matched here by hand. Pure functions, linear. */
#ifndef DOCUMENT_CLEAN_EXTRACT_H
#define DOCUMENT_CLEAN_EXTRACT_H

#include "base/arena.h"

/* All `what` in `text`, in order; in `text` or in the arena. `what` is one of
 *   email-address          in lower case
 *   ip-address             version 4, or version 6 of the form 1234::1234:1234:1234:1234
 *   ip-address-name        names with two dots in them: mail.example.org
 *   mapi-id                four numbers with dots between and a `;` behind, which is left out
 *   datetimetz             the first "Fri, 26 Mar 2021 11:04:09 +1200", as 2021-03-26T11:04:09+12:00; nothing if there is no such time
 *   us-phone-number        the one at the end of the text
 *   ordered-bullets        the parts of what the text begins with: 1.1 gives 1 and 1
 *   image-urls-from-html
 * Errors: INVALID (nothing of this name can be found), LIMIT (of the arena), NO_MEMORY. */
MUST_USE Error *extract(Str what, Str text, Arena *arena, StrList *ret_found);

#endif
