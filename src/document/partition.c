#include "document/partition.h"

#include <jansson.h>

#include "document/detect.h"
#include "document/html/tree.h"
#include "document/language.h"
#include "document/text/charset.h"

/* The types that are read. partition_pdf lives in pdf/, the library that links poppler: who links partition() links it too, who only wants
 * another partitioner, a fuzz target say, does not. */
static const struct {
    const char *filetype;
    Partitioner *partitioner;
} partitioners[] = {
    {"text/plain", partition_text}, {"text/html", partition_html}, {"text/markdown", partition_markdown},
    {"text/csv", partition_csv},    {"text/tsv", partition_csv},   {"application/pdf", partition_pdf},
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
    json_object_seed(0); /* jansson would open /dev/urandom at its first object */
    return NULL;
}

Error *partition(Bytes input, const PartitionOptions *options, const PartitionWatch *watch, Elements *elements,
                 Str *ret_filetype)
{
    *ret_filetype = detect_filetype(input, options->filename);
    if (input.len == 0)
        return NULL;
    Partitioner *partitioner = find_partitioner(*ret_filetype);
    if (!partitioner)
        return FAIL(UNSUPPORTED, "unsupported type: " STR_FMT, STR_ARG(*ret_filetype));
    Error *error = partitioner(input, *ret_filetype, options, watch, elements);
    if (error_code(error) == ERR_OK || error_code(error) == ERR_LIMIT || error_code(error) == ERR_CORRUPT) {
        Error *language_error = languages_set(elements, options->languages);
        if (!error)
            return language_error;
        error_free(language_error); /* what went wrong first is the news */
    }
    return error;
}
