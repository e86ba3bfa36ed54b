/* rules.h - the text rules that give a paragraph its type. Source: spec/unstructured.md 3.1, 3.2. Pure functions of one text. */
#ifndef DOCUMENT_RULES_H
#define DOCUMENT_RULES_H

#include "document/element.h"

bool text_is_bulleted(Str text);
/* Without its bullet, trimmed; points into `text`. */
Str text_without_bullet(Str text);
bool text_is_numbered(Str text);
bool text_is_email_address(Str text);
bool text_is_us_city_state_zip(Str text);
bool text_is_possible_narrative(Str text);
bool text_is_possible_title(Str text);
bool text_contains_verb(Str text);

/* element_from_text of 3.1 without the positional Header and Footer rules: `*ret_text` is the element's text (bullet removed). */
ElementType text_classify(Str text, Str *ret_text);

#endif
