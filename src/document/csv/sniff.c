#include "document/csv/sniff.h"

enum { SAMPLE_BYTES = 64 * 1024, COUNT_MAX = 256, LINES_LOOKED_AT = 10 };

/* A line may hold line ends inside quotes. False at the end; blank lines are passed over. */
static bool next_line(Str *rest, Str *ret_line)
{
    while (rest->len > 0) {
        bool quoted = false;
        size_t end = 0;
        for (; end < rest->len && (quoted || rest->data[end] != '\n'); end++)
            quoted ^= rest->data[end] == '"';
        *ret_line = str_slice(*rest, 0, end);
        *rest = str_slice(*rest, MIN(end + 1, rest->len), rest->len);
        if (str_trim(*ret_line).len > 0)
            return true;
    }
    return false;
}

static unsigned count_outside_quotes(Str line, char c)
{
    unsigned count = 0;
    bool quoted = false;
    for (size_t i = 0; i < line.len; i++) {
        quoted ^= line.data[i] == '"';
        count += !quoted && line.data[i] == c;
    }
    return count;
}

/* The share of lines, in thousandths, with the commonest count of `c` above zero. */
static unsigned consistency(Str sample, char c)
{
    unsigned with_count[COUNT_MAX] = {0}, lines = 0, best = 0;
    Str line;
    while (next_line(&sample, &line)) {
        lines++;
        with_count[MIN(count_outside_quotes(line, c), (unsigned)COUNT_MAX - 1)]++;
    }
    for (unsigned i = 1; i < COUNT_MAX; i++)
        best = MAX(best, with_count[i]);
    return lines ? best * 1000 / lines : 0;
}

/* A quoted field between two of `c`, or between one and an end of line, is the surest sign. */
static bool surrounds_quotes(Str sample, char c)
{
    for (size_t i = 0; i + 1 < sample.len; i++) {
        if (sample.data[i] != '"')
            continue;
        bool before = i == 0 || sample.data[i - 1] == '\n' || sample.data[i - 1] == c;
        const char *close = memchr(sample.data + i + 1, '"', sample.len - i - 1);
        if (!close)
            return false;
        size_t after = (size_t)(close - sample.data) + 1;
        bool behind = after == sample.len || sample.data[after] == c || strchr("\r\n", sample.data[after]);
        if (before && behind && (sample.data[MIN(after, sample.len - 1)] == c || (i > 0 && sample.data[i - 1] == c)))
            return true;
        i = after - 1;
    }
    return false;
}

static Str whole_lines(Str text)
{
    if (text.len <= SAMPLE_BYTES)
        return text;
    Str sample = str_slice(text, 0, SAMPLE_BYTES);
    size_t end = str_rfind_char(sample, '\n');
    return end == SIZE_MAX ? sample : str_slice(sample, 0, end + 1);
}

char csv_sniff_delimiter(Str text)
{
    static const char delimiters[] = {',', ';', '|'};
    Str sample = whole_lines(text);
    char best = '\0';
    unsigned best_share = 899; /* below nine lines in ten nothing is certain */
    for (size_t i = 0; i < sizeof delimiters; i++) {
        if (surrounds_quotes(sample, delimiters[i]))
            return delimiters[i];
        unsigned share = consistency(sample, delimiters[i]);
        if (share > best_share) {
            best = delimiters[i];
            best_share = share;
        }
    }
    return best;
}

bool csv_is_likely(Str text)
{
    unsigned commas = 0, lines = 0;
    Str line;
    while (lines < LINES_LOOKED_AT && str_next_piece(&text, '\n', &line)) {
        if (!text.data && line.len == 0)
            break; /* nothing behind the last line end */
        unsigned count = count_outside_quotes(line, ',');
        if (count == 0 || (lines > 0 && count != commas))
            return false;
        commas = count;
        lines++;
    }
    return lines >= 2;
}
