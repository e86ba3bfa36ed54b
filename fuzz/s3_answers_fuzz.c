/* What an S3 server sends as XML: a page of a listing, an error. Nothing is read outside, a page that is accepted is whole. */
#include "store/s3/list_page.h"
#include "store/s3/s3_error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(8 * MIB);
    Str text = str_from(size ? (const char *)data : "", size);
    S3Error answer = {.status = 400};
    ListPage page;

    Error *error = list_page_parse(text, arena, &page);
    if (!error) {
        ASSERT(!s3_answer_is_error(text));
        ASSERT(!page.truncated || page.next_token.len > 0);
        for (size_t i = 0; i < page.count; i++)
            ASSERT(page.entries[i].key.len > 0);
    }
    error_free(error);

    s3_error_parse(text, arena, &answer);
    S3Class class = s3_classify(answer.status, answer.code);
    ASSERT(class.code != ERR_OK);
    error_free(s3_error_tell(&answer, class.code));
    return 0;
}
