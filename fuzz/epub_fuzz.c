/* A zip as EPUB, or text as the parts of one: container, package, two chapters. */
#include "partition_fuzz.h"
#include "zip_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"META-INF/container.xml", "o/p.opf", "o/1.xhtml", "o/2.xhtml"};
    CLEANUP(fuzz_zip_done) FuzzZip zip = {0};
    Bytes input = bytes_from(data, size);
    if (!str_starts_with(bytes_str(input), STR("PK"))) {
        fuzz_zip_parts(&zip, bytes_str(input), names, ARRAY_COUNT(names));
        input = fuzz_zip_end(&zip);
    }
    fuzz_partition(partition_epub, STR("application/epub"), input.data, input.len);
    return 0;
}
