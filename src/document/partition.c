#include "document/partition.h"

#include <jansson.h>

#include "document/detect.h"
#include "document/html/cells.h"
#include "document/html/tree.h"
#include "document/image/ocr.h"
#include "document/language.h"
#include "document/text/charset.h"

/* The types that are read. partition_pdf lives in pdf/, the library that links poppler: who links partition() links it too, who only wants
 * another partitioner, a fuzz target say, does not. */
static const struct {
    const char *filetype;
    Partitioner *partitioner;
} partitioners[] = {
    {"text/plain", partition_text},
    {"text/html", partition_html},
    {"text/markdown", partition_markdown},
    {"text/csv", partition_csv},
    {"text/tsv", partition_csv},
    {"application/pdf", partition_pdf},
    {"application/json", partition_json},
    {"application/x-ndjson", partition_json},
    {"message/rfc822", partition_mail},
    {"application/vnd.ms-outlook", partition_msg},
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", partition_xlsx},
    {"application/vnd.ms-excel", partition_xls},
    {"application/vnd.ms-powerpoint", partition_ppt},
    {"application/vnd.openxmlformats-officedocument.presentationml.presentation", partition_pptx},
    {"application/epub", partition_epub},
    {"text/org", partition_org},
    {"text/x-rst", partition_rst},
    {"application/zip", partition_archive},
    {"application/x-tar", partition_archive},
    {"application/gzip", partition_archive},
    {"application/x-bzip2", partition_archive},
    {"application/zstd", partition_archive},
    {"text/rtf", partition_rtf},
    {"application/xml", partition_xml},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", partition_docx},
    {"application/msword", partition_doc},
    {"application/vnd.oasis.opendocument.text", partition_odt},
    {"application/encrypted", partition_encrypted},
    {"image/png", partition_image},
    {"image/jpeg", partition_image},
    {"image/tiff", partition_image},
    {"image/bmp", partition_image},
    {"image/heic", partition_image},
};

static Partitioner *find_partitioner(Str filetype)
{
    for (size_t i = 0; i < ARRAY_COUNT(partitioners); i++) {
        if (str_equal(filetype, str_of(partitioners[i].filetype)))
            return partitioners[i].partitioner;
    }
    return NULL;
}

Error *partition_warm_up(void)
{
    TRY(charset_warm_up());
    TRY(detect_warm_up());
    html_warm_up();
    TRY(ocr_warm_up(OCR_LIBRARY));
    json_object_seed(0); /* jansson would open /dev/urandom at its first object */
    return NULL;
}

/* The elements that `input` adds, their languages too. `*ret_filetype` is what is known of its type before, or "". */
MUST_USE static Error *add_elements(Bytes input, const PartitionOptions *options, const PartitionWatch *watch,
                                    Elements *elements, Str *ret_filetype)
{
    size_t first = elements->count;
    if (ret_filetype->len == 0)
        *ret_filetype = detect_filetype(input, options->filename);
    if (input.len == 0)
        return NULL;
    Partitioner *partitioner = find_partitioner(*ret_filetype);
    if (!partitioner)
        return FAIL(UNSUPPORTED, "unsupported type: " STR_FMT, STR_ARG(*ret_filetype));
    Error *error = partitioner(input, *ret_filetype, options, watch, elements);
    if (partitioner == partition_json || partitioner == partition_archive)
        return error; /* elements that say themselves what language they are in, or do not; documents that were asked each */
    ErrorCode code = error_code(error);
    if (code == ERR_OK || code == ERR_LIMIT || code == ERR_CORRUPT || code == ERR_UNSUPPORTED) {
        Error *language_error = languages_set(elements, first, options->languages);
        if (!error)
            return language_error;
        error_free(language_error); /* what went wrong first is the news */
    }
    return error;
}

Error *partition(Bytes input, const PartitionOptions *options, const PartitionWatch *watch, Elements *elements,
                 Str *ret_filetype)
{
    Expansion expansion = expansion_for(input);
    PartitionOptions own = *options;
    own.expansion = &expansion;
    *ret_filetype = STR_EMPTY;
    size_t first = elements->count;
    Error *error = add_elements(input, &own, watch, elements, ret_filetype);
    Error *cells_error = options->table_cells ? cells_set_all(elements, first) : NULL;
    if (!error)
        return cells_error;
    error_free(cells_error); /* as above */
    return error;
}

static size_t text_bytes(const Elements *elements, size_t first)
{
    size_t sum = 0;
    for (size_t i = first; i < elements->count; i++)
        sum += elements->items[i].text.len;
    return sum;
}

Error *partition_child(Bytes input, ElementPart *part, const PartitionOptions *options, const PartitionWatch *watch,
                       Elements *outer_elements, size_t *text_left)
{
    size_t first = outer_elements->count;
    PartitionOptions own = *options;
    ASSERT(own.expansion);
    if (own.expansion->levels_left == 0)
        return FAIL(LIMIT, "documents are more than %d levels deep in one another", EXPANSION_LEVELS_MAX);
    own.filename = part->filename;
    own.path = part->path.len > 0 ? part->path : options->path;
    own.encoding = STR_EMPTY; /* was said of the outer document */
    own.text_max_bytes = MAX(*text_left, (size_t)1);
    own.expansion->levels_left--;
    Error *error = add_elements(input, &own, watch, outer_elements, &part->filetype);
    part->filetype =
        arena_str(outer_elements->arena, part->filetype); /* libmagic's word is gone when it is asked again */
    if (!part->filetype.data && !error)
        error = arena_error(outer_elements->arena);
    own.expansion->levels_left++;
    *text_left -= MIN(*text_left, text_bytes(outer_elements, first));
    for (size_t i = first; i < outer_elements->count; i++) {
        Element *element = &outer_elements->items[i];
        element->part = element->part ? element->part : part;
    }
    return error;
}
