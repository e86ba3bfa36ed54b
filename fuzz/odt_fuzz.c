/* A zip as ODT, or text as the parts of one: the content, the styles, the manifest. */
#include "partition_fuzz.h"
#include "zip_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"content.xml", "styles.xml", "META-INF/manifest.xml"};
    CLEANUP(fuzz_zip_done) FuzzZip zip = {0};
    Bytes input = bytes_from(data, size);
    if (!str_starts_with(bytes_str(input), STR("PK"))) {
        fuzz_zip_parts(&zip, bytes_str(input), names, ARRAY_COUNT(names));
        input = fuzz_zip_end(&zip);
    }
    fuzz_partition(partition_odt, STR("odt"), input.data, input.len);
    return 0;
}
