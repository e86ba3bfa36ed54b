/* Any bytes as a PDF: an answer or an error, and what is answered has text, a page and a place. */
#include <math.h>

#include "document/pdf/pdf.h"

static void check_element(const Element *element)
{
    const ElementBox *box = element->box;
    ASSERT(element->text.len > 0 && str_is_utf8(element->text));
    ASSERT(element->page_number >= 1);
    ASSERT(box && isfinite(box->left) && isfinite(box->top) && isfinite(box->right) && isfinite(box->bottom));
    ASSERT(box->left <= box->right && box->top <= box->bottom);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Error *error = pdf_warm_up();
    ASSERT(!error);
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    ASSERT(arena);
    PartitionOptions options = {.text_max_bytes = 16 * MIB};
    Elements elements = {.arena = arena, .count_max = 100000};
    error_free(partition_pdf(bytes_from(data, size), STR("application/pdf"), &options, NULL,
                             &elements)); /* a refusal is fine */
    for (size_t i = 0; i < elements.count; i++)
        check_element(&elements.items[i]);
    return 0;
}
