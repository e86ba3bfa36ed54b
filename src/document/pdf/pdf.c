#include "document/pdf/pdf.h"

#include <stdio.h>

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

enum { PAGES_NAMED_MAX = 10, PAGES_TEXT_BYTES = 160 };

/* Pages with something the matter, as many of them by number as a message names. */
typedef struct PageTally {
    size_t count;
    int numbers[PAGES_NAMED_MAX]; /* from 1 */
} PageTally;

/* What goes from page to page. */
typedef struct Partition {
    Elements *elements;
    Arena *page_arena;           /* of the page at hand */
    size_t text_max, text_bytes; /* the limit, and what the elements have so far */
    PageTally broken;
    PageTally drawn;  /* for OCR: neither a picture nor to be rendered */
    PageTally unread; /* scanned, and not recognised; why the first is not: */
    Error *unread_reason;
    bool has_text; /* some page has a text layer */
    bool ocr_asked;
    Error *no_ocr; /* asked, and not there */
    const PartitionOptions *options;
    const PartitionWatch *watch;
} Partition;

static void tally(PageTally *pages, int page_number)
{
    if (pages->count < PAGES_NAMED_MAX)
        pages->numbers[pages->count] = page_number;
    pages->count++;
}

/* "page 3", "pages 3, 7", "25 pages, the first are 1, 2, ...". */
static void name_pages(const PageTally *pages, char out[PAGES_TEXT_BYTES])
{
    int len = pages->count > PAGES_NAMED_MAX
                  ? snprintf(out, PAGES_TEXT_BYTES, "%zu pages, the first are ", pages->count)
                  : snprintf(out, PAGES_TEXT_BYTES, pages->count == 1 ? "page " : "pages ");
    for (size_t i = 0; i < MIN(pages->count, (size_t)PAGES_NAMED_MAX); i++)
        len += snprintf(out + len, (size_t)(PAGES_TEXT_BYTES - len), "%s%d", i > 0 ? ", " : "", pages->numbers[i]);
}

MUST_USE static Error *copy_links(const PageItem *item, Arena *arena, Element *element)
{
    if (!item->link_count)
        return NULL;
    ElementRare *rare;
    TRY(element_add_rare(element, arena, &rare));
    rare->links = ARENA_ARRAY(arena, ElementLink, item->link_count);
    if (!rare->links)
        return arena_error(arena);
    for (size_t i = 0; i < item->link_count; i++) {
        ElementLink *link = &rare->links[i];
        *link = item->links[i];
        link->text = arena_str(arena, link->text);
        link->url = arena_str(arena, link->url);
        if (!link->text.data || !link->url.data)
            return arena_error(arena);
        rare->link_count = i + 1;
    }
    return NULL;
}

MUST_USE static Error *add_item(Partition *partition, const PageItem *item, const PageContent *content, int page_number)
{
    if (item->text.len > partition->text_max - partition->text_bytes)
        return FAIL(LIMIT, "PDF page %d: text of all elements is larger than the limit of %zu bytes", page_number,
                    partition->text_max);
    partition->text_bytes += item->text.len;
    Arena *arena = partition->elements->arena;
    Element *element;
    TRY(elements_add(partition->elements, item->type, item->text, &element));
    element->page_number = (uint32_t)page_number;
    TRY(element_set_box(element, arena,
                        (ElementBox){item->rect.left, item->rect.top, item->rect.right, item->rect.bottom,
                                     content->width, content->height}));
    return copy_links(item, arena, element);
}

/* Adds what OCR sees in the page's picture, if that is all there is. */
MUST_USE static Error *recognize(Partition *partition, PopplerPage *page, int page_number, bool *ret_is_scan)
{
    Builder builder;
    arena_reset(partition->page_arena);
    builder_init(&builder, partition->options, partition->watch, partition->elements);
    builder.text_left = partition->text_max - partition->text_bytes;
    Error *error = scan_add_page(&builder, page, (uint32_t)page_number, partition->page_arena, ret_is_scan);
    partition->text_bytes = partition->text_max - builder.text_left;
    return error ? error_wrap(error, "PDF page %d", page_number) : NULL;
}

/* Of several reasons the first is kept. */
static void note_unread(Partition *partition, int page_number, Error *take_reason)
{
    tally(&partition->unread, page_number);
    if (partition->unread_reason)
        error_free(take_reason);
    else
        partition->unread_reason = take_reason;
}

/* A page without text may be a scan among others that have some. One that cannot be recognised does not end the document. */
MUST_USE static Error *page_without_text(Partition *partition, PopplerPage *page, int page_number)
{
    bool is_scan;
    if (!scan_covers(page)) {
        tally(&partition->drawn, page_number);
        return NULL;
    }
    if (!partition->ocr_asked) {
        partition->ocr_asked = true;
        partition->no_ocr = ocr_start(partition->options->ocr_languages);
    }
    if (partition->no_ocr) {
        note_unread(partition, page_number, NULL);
        return NULL;
    }
    Error *error = recognize(partition, page, page_number, &is_scan);
    if (error && error_code(error) == ERR_NO_MEMORY)
        return error;
    if (error)
        note_unread(partition, page_number, error);
    return NULL;
}

/* By its text layer; with strategy auto by OCR where it is a scan without one. */
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
    partition->has_text |= items.count > 0;
    if (items.count > 0 || partition->options->strategy == STRATEGY_FAST)
        return NULL;
    return page_without_text(partition, page, page_number);
}

/* By OCR alone. */
MUST_USE static Error *recognize_page(Partition *partition, PopplerDocument *document, int page_number)
{
    CLEANUP(free_page) PopplerPage *page = poppler_document_get_page(document, page_number - 1);
    bool is_scan;
    if (!page) {
        tally(&partition->broken, page_number);
        return NULL;
    }
    TRY(recognize(partition, page, page_number, &is_scan));
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
                    pages, partition->broken.numbers[0]);
    return NULL;
}

/* Of a document that only OCR can read: pages that it cannot. */
MUST_USE static Error *check_drawn(const Partition *partition, PopplerDocument *document)
{
    if (partition->drawn.count == 0)
        return NULL;
    return FAIL(UNSUPPORTED,
                "PDF needs OCR of rendered pages: %zu of %d pages are not one picture, the first is page %d",
                partition->drawn.count, poppler_document_get_n_pages(document), partition->drawn.numbers[0]);
}

/* Scanned pages that nobody has read: what was asked for is not all there. */
MUST_USE static Error *check_unread(Partition *partition)
{
    char pages[PAGES_TEXT_BYTES];
    if (partition->unread.count == 0)
        return NULL;
    Error **reason = partition->no_ocr ? &partition->no_ocr : &partition->unread_reason;
    Error *error = *reason;
    *reason = NULL;
    if (!partition->has_text)
        return error_wrap(error, "PDF has no text layer");
    name_pages(&partition->unread, pages);
    return error_wrap(error, "PDF: no text of %s", pages);
}

/* By the strategy: text where a page has some, else OCR; ocr_only is the other way round. */
MUST_USE static Error *partition_pages(Partition *partition, PopplerDocument *document)
{
    PartitionStrategy strategy = partition->options->strategy;
    if (strategy == STRATEGY_OCR_ONLY) {
        partition->ocr_asked = true;
        partition->no_ocr = ocr_start(partition->options->ocr_languages);
        if (!partition->no_ocr) {
            TRY(for_each_page(partition, document, recognize_page));
            return check_drawn(partition, document);
        }
    }
    TRY(for_each_page(partition, document, partition_page));
    TRY(check_unread(partition));
    if (partition->has_text)
        return NULL;
    if (strategy == STRATEGY_FAST)
        return FAIL(UNSUPPORTED,
                    "PDF has no text layer: needs OCR, which --strategy fast leaves out: use auto or ocr_only");
    TRY_CTX(ocr_start(partition->options->ocr_languages), "PDF has no text layer");
    return check_drawn(partition, document);
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
        .options = known,
        .watch = watch,
    };
    Error *error = partition_document(input, &partition);
    error_free(partition.unread_reason);
    error_free(partition.no_ocr);
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
