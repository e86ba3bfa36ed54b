#include "document/pdf/pdf.h"

#include "document/pdf/content.h"
#include "document/pdf/page.h"
#include "document/pdf/scan.h"

/* One page with a word in a standard font: enough for poppler to set up what all documents share. */
static const char warm_up_document[] =
    "%PDF-1.4\n"
    "1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    "2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n"
    "3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 4 0 R "
    "/Resources << /Font << /F 5 0 R >> >> >>\nendobj\n"
    "4 0 obj\n<< /Length 32 >>\nstream\nBT /F 9 Tf 9 50 Td (quern) Tj ET\nendstream\nendobj\n"
    "5 0 obj\n<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>\nendobj\n"
    "xref\n0 6\n0000000000 65535 f \n0000000009 00000 n \n0000000058 00000 n \n0000000115 00000 n \n"
    "0000000238 00000 n \n0000000320 00000 n \n"
    "trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n390\n%%EOF\n";

static void free_document(PopplerDocument **document)
{
    g_clear_object(document);
}

static void free_page(PopplerPage **page)
{
    g_clear_object(page);
}

static void free_text(char **text)
{
    g_free(*text);
}

static void free_gerror(GError **error)
{
    g_clear_error(error);
}

MUST_USE static Error *open_document(Bytes input, PopplerDocument **ret_document)
{
    CLEANUP(free_gerror) GError *reason = NULL;
    GBytes *bytes = g_bytes_new_static(input.data, input.len);
    PopplerDocument *document = poppler_document_new_from_bytes(bytes, NULL, &reason);
    g_bytes_unref(bytes); /* the document has its own reference */
    if (document) {
        *ret_document = document;
        return NULL;
    }
    if (g_error_matches(reason, POPPLER_ERROR, POPPLER_ERROR_ENCRYPTED))
        return FAIL(UNSUPPORTED, "PDF is encrypted and needs a password");
    return FAIL(CORRUPT, "PDF cannot be read: %s", reason ? reason->message : "no reason given");
}

/* ---- pages to elements ---- */

/* Pages with something the matter. */
typedef struct PageTally {
    size_t count;
    int first; /* page number, from 1 */
} PageTally;

/* What goes from page to page. */
typedef struct Partition {
    Elements *elements;
    Arena *page_arena;           /* of the page at hand */
    size_t text_max, text_bytes; /* the limit, and what the elements have so far */
    size_t first;                /* where this document's elements begin */
    PageTally broken;
    PageTally drawn; /* for OCR: neither a picture nor to be rendered */
    const PartitionOptions *options;
    const PartitionWatch *watch;
} Partition;

static void tally(PageTally *pages, int page_number)
{
    if (!pages->count++)
        pages->first = page_number;
}

MUST_USE static Error *copy_links(const PageItem *item, Arena *arena, Element *element)
{
    if (!item->link_count)
        return NULL;
    element->links = ARENA_ARRAY(arena, ElementLink, item->link_count);
    if (!element->links)
        return arena_error(arena);
    for (size_t i = 0; i < item->link_count; i++) {
        ElementLink *link = &element->links[i];
        *link = item->links[i];
        link->text = arena_str(arena, link->text);
        link->url = arena_str(arena, link->url);
        if (!link->text.data || !link->url.data)
            return arena_error(arena);
        element->link_count = i + 1;
    }
    return NULL;
}

MUST_USE static Error *add_item(Partition *partition, const PageItem *item, const PageContent *content, int page_number)
{
    if (item->text.len > partition->text_max - partition->text_bytes)
        return FAIL(LIMIT, "PDF page %d: text of all elements is larger than the limit of %zu bytes", page_number,
                    partition->text_max);
    partition->text_bytes += item->text.len;
    Element *element;
    TRY(elements_add(partition->elements, item->type, item->text, &element));
    element->page_number = (uint32_t)page_number;
    element->box = (ElementBox){item->rect.left,   item->rect.top, item->rect.right,
                                item->rect.bottom, content->width, content->height};
    return copy_links(item, partition->elements->arena, element);
}

MUST_USE static Error *partition_page(Partition *partition, PopplerDocument *document, int page_number)
{
    CLEANUP(free_page) PopplerPage *page = poppler_document_get_page(document, page_number - 1);
    if (!page) {
        tally(&partition->broken, page_number);
        return NULL;
    }
    PageContent content;
    PageItems items;
    arena_reset(partition->page_arena);
    TRY_CTX(content_read(page, partition->page_arena, &content), "PDF page %d", page_number);
    TRY_CTX(page_items(&content, partition->page_arena, &items), "PDF page %d", page_number);
    for (size_t i = 0; i < items.count; i++)
        TRY(add_item(partition, &items.items[i], &content, page_number));
    return NULL;
}

/* The same with what OCR sees. */
MUST_USE static Error *recognize_page(Partition *partition, PopplerDocument *document, int page_number)
{
    CLEANUP(free_page) PopplerPage *page = poppler_document_get_page(document, page_number - 1);
    Builder builder;
    bool is_scan;
    if (!page) {
        tally(&partition->broken, page_number);
        return NULL;
    }
    arena_reset(partition->page_arena);
    builder_init(&builder, partition->options, partition->watch, partition->elements);
    builder.text_left = partition->text_max - partition->text_bytes;
    TRY_CTX(scan_add_page(&builder, page, (uint32_t)page_number, partition->page_arena, &is_scan), "PDF page %d",
            page_number);
    partition->text_bytes = partition->text_max - builder.text_left;
    if (!is_scan)
        tally(&partition->drawn, page_number);
    return NULL;
}

typedef Error *PageFn(Partition *partition, PopplerDocument *document, int page_number);

MUST_USE static Error *for_each_page(Partition *partition, PopplerDocument *document, PageFn *each)
{
    int pages = poppler_document_get_n_pages(document);
    const PartitionWatch *watch = partition->watch;
    for (int page = 1; page <= MIN(pages, PDF_PAGES_MAX); page++) {
        TRY(each(partition, document, page));
        if (watch && watch->progress)
            watch->progress(watch->context, (uint64_t)page);
    }
    if (pages > PDF_PAGES_MAX)
        return FAIL(LIMIT, "PDF has %d pages: the limit is %d", pages, PDF_PAGES_MAX);
    if (pages <= 0)
        return FAIL(CORRUPT, "PDF has no pages");
    if (partition->broken.count)
        return FAIL(CORRUPT, "PDF: %zu of %d pages cannot be read, the first is page %d", partition->broken.count,
                    pages, partition->broken.first);
    if (partition->drawn.count)
        return FAIL(UNSUPPORTED,
                    "PDF needs OCR of rendered pages: %zu of %d pages are not one picture, the first is page %d",
                    partition->drawn.count, pages, partition->drawn.first);
    return NULL;
}

static bool has_elements(const Partition *partition)
{
    return partition->elements->count > partition->first;
}

/* By the strategy: text where there is some, else OCR; ocr_only is the other way round. */
MUST_USE static Error *partition_pages(Partition *partition, PopplerDocument *document)
{
    PartitionStrategy strategy = partition->options->strategy;
    CLEANUP(error_freep) Error *no_ocr = NULL;
    if (strategy == STRATEGY_OCR_ONLY) {
        no_ocr = ocr_start(partition->options->ocr_languages);
        if (!no_ocr)
            return for_each_page(partition, document, recognize_page);
    }
    TRY(for_each_page(partition, document, partition_page));
    if (has_elements(partition))
        return NULL;
    if (strategy == STRATEGY_FAST)
        return FAIL(UNSUPPORTED,
                    "PDF has no text layer: needs OCR, which --strategy fast leaves out: use auto or ocr_only");
    TRY_CTX(ocr_start(partition->options->ocr_languages), "PDF has no text layer");
    return for_each_page(partition, document, recognize_page);
}

/* The mark that ends a PDF stands in its last kilobyte. */
static bool end_is_missing(Bytes input)
{
    Str tail = bytes_str(bytes_from(input.data + input.len - MIN(input.len, KIB), MIN(input.len, KIB)));
    return str_find(tail, STR("%%EOF")) == SIZE_MAX;
}

MUST_USE static Error *partition_document(Bytes input, Partition *partition)
{
    CLEANUP(free_document) PopplerDocument *document = NULL;
    TRY(open_document(input, &document));
    return partition_pages(partition, document);
}

Error *partition_pdf(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                     Elements *elements)
{
    (void)filetype; /* there is one kind */
    CLEANUP(arena_freep) Arena *page_arena = arena_new(PDF_PAGE_MEMORY_MAX);
    if (!page_arena)
        return FAIL(NO_MEMORY, "PDF: no memory for a page");
    const PartitionOptions *known = options ? options : &(PartitionOptions){0};
    Partition partition = {
        .elements = elements,
        .page_arena = page_arena,
        .text_max = known->text_max_bytes ? known->text_max_bytes : PDF_TEXT_MAX,
        .first = elements->count,
        .options = known,
        .watch = watch,
    };
    Error *error = partition_document(input, &partition);
    if (error_code(error) == ERR_CORRUPT && end_is_missing(input))
        error = error_wrap(error, "the end is missing, the file may be cut short");
    return error;
}

/* ---- warm-up ---- */

Error *pdf_warm_up(void)
{
    static PopplerDocument *kept; /* the one object that lives as long as the process */
    if (kept)
        return NULL;
    Bytes input = bytes_from(warm_up_document, sizeof(warm_up_document) - 1);
    TRY_CTX(open_document(input, &kept), "warm-up");
    CLEANUP(free_page) PopplerPage *page = poppler_document_get_page(kept, 0);
    if (!page)
        return FAIL(INTERNAL, "warm-up: the built-in PDF has no page");
    CLEANUP(free_text) char *text = poppler_page_get_text(page);
    if (!text || !*text)
        return FAIL(INTERNAL, "warm-up: the built-in PDF has no text");
    return NULL;
}
