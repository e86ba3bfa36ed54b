/* A zip as PPTX, or text as the parts of a presentation: a slide, its layout, the presentation and its relations. */
#include "partition_fuzz.h"
#include "zip_fuzz.h"

#define NAMESPACE "xmlns:r='http://purl.oclc.org/ooxml/officeDocument/relationships'"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"ppt/slides/slide1.xml", "ppt/slideLayouts/slideLayout1.xml",
                                        "ppt/presentation.xml", "ppt/_rels/presentation.xml.rels"};
    CLEANUP(fuzz_zip_done) FuzzZip zip = {0};
    Bytes input = bytes_from(data, size);
    if (!str_starts_with(bytes_str(input), STR("PK"))) {
        fuzz_zip_parts(&zip, bytes_str(input), names, ARRAY_COUNT(names));
        fuzz_zip_add(
            &zip, STR("ppt/slides/_rels/slide1.xml.rels"),
            STR("<r><Relationship Id='l' Type='/slideLayout' Target='../slideLayouts/slideLayout1.xml'/></r>"));
        if (zip.count < 5) { /* what leads to the slide, where the input does not say it */
            fuzz_zip_add(&zip, STR("ppt/presentation.xml"), STR("<p " NAMESPACE "><sldId r:id='a'/></p>"));
            fuzz_zip_add(&zip, STR("ppt/_rels/presentation.xml.rels"),
                         STR("<r><Relationship Id='a' Type='/slide' Target='slides/slide1.xml'/></r>"));
        }
        input = fuzz_zip_end(&zip);
    }
    fuzz_partition(partition_pptx, STR("pptx"), input.data, input.len);
    return 0;
}
