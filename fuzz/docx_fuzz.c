/* A zip as DOCX, or text as the parts of one: the document, its relations, styles, settings, a header. */
#include "partition_fuzz.h"
#include "zip_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"word/document.xml", "word/_rels/document.xml.rels", "word/styles.xml",
                                        "word/settings.xml", "word/header1.xml"};
    CLEANUP(fuzz_zip_done) FuzzZip zip = {0};
    Bytes input = bytes_from(data, size);
    if (!str_starts_with(bytes_str(input), STR("PK"))) {
        fuzz_zip_parts(&zip, bytes_str(input), names, ARRAY_COUNT(names));
        input = fuzz_zip_end(&zip);
    }
    fuzz_partition(partition_docx, STR("docx"), input.data, input.len);
    return 0;
}
