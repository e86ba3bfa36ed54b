/* normalize.h - the normalization forms of Unicode (UAX #15), fast where a text is already what it should become. */
#ifndef TOKENIZER_NORMALIZE_H
#define TOKENIZER_NORMALIZE_H

#include "base/buffer.h"

typedef enum NormalForm { FORM_NONE, FORM_NFC, FORM_NFD, FORM_NFKC, FORM_NFKD } NormalForm;

enum { NORMALIZER_TABLE_BITS = 0x3000 };

/* Constant once made. */
typedef struct Normalizer {
    NormalForm form;
    uint64_t
        settled[NORMALIZER_TABLE_BITS / 64]; /* a bit each: this character stays as it is, whatever stands around it */
} Normalizer;

void normalizer_init(Normalizer *ret_normalizer, NormalForm form);

/* `text`, which is UTF-8, in the form: `text` itself when nothing changes, else what `out` (emptied first) holds, until that changes. Errors: LIMIT,
 * NO_MEMORY. */
MUST_USE Error *normalizer_apply(const Normalizer *normalizer, Str text, Buffer *out, Str *ret_text);

#endif
