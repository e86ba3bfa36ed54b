/* What an S3 server sends as XML: a page of a listing, an error. Nothing is read outside, a page that is accepted is whole. */
#include "store/s3/list_page.h"
#include "store/s3/list_rows.h"
#include "store/s3/list_split.h"
#include "store/s3/s3_error.h"

static Error *pass(void *context, const ListEntry *entry)
{
    size_t *left = context;
    ASSERT(entry->key.len > 0 && *left > 0);
    --*left;
    return NULL;
}

/* The page as the first and the second of a listing: an order that is wrong is refused; what is taken can be kept and shown again. */
static void list(const ListPage *page, bool versions)
{
    CLEANUP(list_split_done) ListSplit split = {0};
    CLEANUP(buffer_done) Buffer scratch = {0};
    ListRange *probe = NULL;
    uint64_t bytes = 0;
    size_t from = 0, to = 0;
    Error *error =
        list_split_init(&split, STR_EMPTY, STR_EMPTY, (ListSplitOptions){.parts_max = 8, .versions = versions});
    if (!error)
        error = list_split_page(&split, split.first, page, &from, &to);
    ASSERT(from <= to && to <= page->count);
    size_t left = to - from;
    if (!error && left > 0)
        error = list_rows_append(&split.first->rows, page->entries + from, left, &scratch, &bytes);
    if (!error && left > 0)
        error = list_rows_show_block(&split.first->rows, pass, &left, &bytes);
    ASSERT(error || (left == 0 && bytes == 0));
    if (!error && split.first->state == LIST_RANGE_OPEN)
        error =
            list_split_page(&split, split.first, page, &from, &to); /* the same again: nothing but versions may pass */
    if (!error)
        error = list_split_probe(&split, &probe);
    error_free(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(8 * MIB);
    Str text = str_from(size ? (const char *)data : "", size);
    S3Error answer = {.status = 400};
    ListPage page;

    Error *error = list_page_parse(text, arena, &page);
    if (!error) {
        ASSERT(!s3_answer_is_error(text));
        for (size_t i = 0; i < page.count; i++)
            ASSERT(page.entries[i].key.len > 0);
    }
    if (!error)
        list(&page, data[0] & 1);
    error_free(error);
    (void)list_page_peek_token(text);

    s3_error_parse(text, arena, &answer);
    S3Class class = s3_classify(answer.status, answer.code);
    ASSERT(class.code != ERR_OK);
    error_free(s3_error_tell(&answer, class.code));
    return 0;
}
