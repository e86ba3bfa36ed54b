/* A tokenizer.json and, behind a NUL, a text for it: counting and encoding agree, and no id is made without a byte. */
#include "tokenizer/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(tokenizer_freep) Tokenizer *tokenizer = NULL;
    TokenIds ids = {0};
    size_t count = 0;
    Str input = str_from(data, size);
    size_t nul = str_find_char(input, '\0');
    Str text = nul == SIZE_MAX ? STR("It's 12  o'clock\n\n") : str_slice(input, nul + 1, size);
    Error *error = tokenizer_read(str_bytes(str_slice(input, 0, nul)), &tokenizer);
    if (!error)
        error = tokenizer_encode(tokenizer, text, &ids);
    if (!error) {
        error = tokenizer_count(tokenizer, text, &count);
        ASSERT(count == ids.count);
    }
    error_free(error);
    token_ids_done(&ids);
    return 0;
}
