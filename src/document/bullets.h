/* bullets.h - the characters that begin the items of lists. Sources: spec/unstructured.md 3.1; unstructured 0.27.32, nlp/patterns.py. */
#ifndef DOCUMENT_BULLETS_H
#define DOCUMENT_BULLETS_H

#include "base/str.h"

/* What a hyphen is. */
typedef enum BulletRules {
    BULLETS_AND_HYPHENS, /* a bullet wherever it stands, as up to 0.16: what documents are partitioned by */
    BULLETS_SPACED_DASHES /* it and the en dash: one at the start of a line, with white space behind it, as since 0.27: no minus sign is lost */
} BulletRules;

/* A bullet wherever it stands. */
bool char_is_bullet(uint32_t code_point, BulletRules rules);
/* At byte `at`, the start of a line, stands a dash with white space or nothing behind it. */
bool text_spaced_dash_at(Str text, size_t at);
/* `text` begins with a bullet that no other bullet follows; `*ret_next` is behind it. */
bool text_begins_with_bullet(Str text, BulletRules rules, size_t *ret_next);

#endif
