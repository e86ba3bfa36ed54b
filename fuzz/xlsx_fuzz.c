/* A zip as XLSX, or text as the parts of a workbook: a sheet, shared strings, styles, the workbook, its relations. */
#include "partition_fuzz.h"
#include "zip_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml",
                                        "xl/workbook.xml", "xl/_rels/workbook.xml.rels"};
    CLEANUP(fuzz_zip_done) FuzzZip zip = {0};
    Bytes input = bytes_from(data, size);
    if (!str_starts_with(bytes_str(input), STR("PK"))) {
        fuzz_zip_parts(&zip, bytes_str(input), names, ARRAY_COUNT(names));
        if (zip.count < 5) { /* what leads to the sheet, where the input does not say it */
            fuzz_zip_add(&zip, STR("xl/workbook.xml"), STR("<w><sheet name='s' id='a'/></w>"));
            fuzz_zip_add(&zip, STR("xl/_rels/workbook.xml.rels"),
                         STR("<r><Relationship Id='a' Type='/worksheet' Target='worksheets/sheet1.xml'/>"
                             "<Relationship Id='b' Type='/sharedStrings' Target='sharedStrings.xml'/>"
                             "<Relationship Id='c' Type='/styles' Target='styles.xml'/></r>"));
        }
        input = fuzz_zip_end(&zip);
    }
    fuzz_partition(partition_xlsx, STR("xlsx"), input.data, input.len);
    return 0;
}
