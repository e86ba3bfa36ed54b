/* A line of somebody's JSONL: a time stamp is found, or a problem inside the line is named. The name of the member stands before the first zero
 * byte. */
#include "jobs/timestamp/record.h"
#include "jobs/timestamp/when.h"

/* Years 1 to 9999. */
#define SECONDS_MIN INT64_C(-62135683200)
#define SECONDS_MAX INT64_C(253402387200)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t seconds;
    Str all = str_from(data, size);
    size_t end = MIN(str_find_char(all, '\0'), all.len);
    Str line = str_slice(all, MIN(end + 1, all.len), all.len);
    Record record = record_read(line, str_slice(all, 0, end));
    if (record.outcome == RECORD_FOUND)
        ASSERT(record.seconds >= SECONDS_MIN && record.seconds <= SECONDS_MAX);
    if (record.outcome == RECORD_INVALID)
        ASSERT(record.problem && record.problem_at <= line.len);
    if (when_parse(line, &seconds))
        ASSERT(seconds >= SECONDS_MIN && seconds <= SECONDS_MAX);
    return 0;
}
