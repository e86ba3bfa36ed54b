/* Any bytes as text/html, by each of the parsers that are not the default, tables as cells. */
#include "partition_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int parser = HTML_PARSER_MODERN + 1; parser < HTML_PARSERS; parser++) {
        PartitionOptions options = {.html_parser = (HtmlParser)parser, .table_cells = true};
        fuzz_partition_with(partition_html, STR("text/html"), options, data, size);
    }
    return 0;
}
