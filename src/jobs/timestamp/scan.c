#include "jobs/timestamp/scan.h"

#include <stdlib.h>

#include "base/buffer.h"

#define LINE_MAX_BYTES ((size_t)1 * GIB)

typedef struct Skip {
    uint64_t line; /* within the piece, from 0: its first whole line */
    const char *problem;
    size_t len;
    char content[SCAN_SHOWN_BYTES];
} Skip;

/* What is known of some lines. */
typedef struct Tally {
    bool found, has_ts;
    int64_t first, latest;
    uint64_t lines, skipped;
} Tally;

/* The result of a piece. Its whole lines are read; what is in front of the first line end and behind the last belongs to lines that other
 * pieces share. */
typedef struct PieceScan {
    Tally tally;
    bool has_line_end;
    Buffer head, tail;
    Skip shown[SCAN_SHOWN_MAX];
    size_t shown_count;
} PieceScan;

static void clear_piece(void *result)
{
    PieceScan *piece = result;
    buffer_done(&piece->head);
    buffer_done(&piece->tail);
}

static void tally_record(Tally *tally, const Record *record)
{
    tally->lines++;
    if (record->outcome == RECORD_INVALID)
        tally->skipped++;
    tally->has_ts |= record->has_ts;
    if (record->outcome != RECORD_FOUND)
        return;
    if (!tally->found)
        tally->first = tally->latest = record->seconds;
    tally->latest = MAX(tally->latest, record->seconds);
    tally->found = true;
}

/* ---- on the pool's threads ---- */

static void note_skip(PieceScan *piece, const Record *record, Str line)
{
    if (record->outcome != RECORD_INVALID || piece->shown_count == SCAN_SHOWN_MAX)
        return;
    Skip *skip = &piece->shown[piece->shown_count++];
    skip->line = piece->tally.lines;
    skip->problem = record->problem;
    skip->len = MIN(line.len, (size_t)SCAN_SHOWN_BYTES);
    memcpy(skip->content, line.data, skip->len);
}

static Error *scan_piece(void *context, Bytes text, void *result)
{
    const ScanOptions *options = context;
    PieceScan *piece = result;
    Str rest = bytes_str(text);
    size_t end = str_find_char(rest, '\n');
    piece->has_line_end = end != SIZE_MAX;
    if (!piece->has_line_end)
        return buffer_append_str(&piece->tail, rest);
    TRY(buffer_append_str(&piece->head, str_slice(rest, 0, end)));
    for (;;) {
        rest = str_slice(rest, end + 1, rest.len);
        end = str_find_char(rest, '\n');
        if (end == SIZE_MAX)
            break;
        Str line = str_slice(rest, 0, end);
        Record record = record_read(line, options->ts_key);
        note_skip(piece, &record, line);
        tally_record(&piece->tally, &record);
        if (piece->tally.found && !options->all_lines)
            return NULL; /* nobody asks for what comes behind it */
    }
    return buffer_append_str(&piece->tail, rest);
}

/* ---- on the calling thread: pieces in order ---- */

typedef struct Scan {
    const ScanOptions *options;
    Tally tally;
    Buffer line; /* the beginning of one that goes on in the next piece */
} Scan;

static void scan_done(Scan *scan)
{
    buffer_done(&scan->line);
}

static void tell_skip(const Scan *scan, uint64_t line, const char *problem, Str content)
{
    ScanSkip skip = {line, problem, str_slice(content, 0, MIN(content.len, (size_t)SCAN_SHOWN_BYTES))};
    if (scan->options->skipped)
        scan->options->skipped(scan->options->context, &skip);
}

/* The line that is now complete in `scan->line`. */
static void end_line(Scan *scan)
{
    Str line = buffer_str(&scan->line);
    Record record = record_read(line, scan->options->ts_key);
    tally_record(&scan->tally, &record);
    if (record.outcome == RECORD_INVALID)
        tell_skip(scan, scan->tally.lines, record.problem, line);
    buffer_clear(&scan->line);
}

static bool is_decided(const Scan *scan)
{
    return scan->tally.found && !scan->options->all_lines;
}

static void add_tally(Tally *all, const Tally *more)
{
    if (more->found) {
        all->first = all->found ? all->first : more->first;
        all->latest = all->found ? MAX(all->latest, more->latest) : more->latest;
        all->found = true;
    }
    all->has_ts |= more->has_ts;
    all->lines += more->lines;
    all->skipped += more->skipped;
}

MUST_USE static Error *take_piece(Scan *scan, const PieceScan *piece)
{
    if (piece->has_line_end) {
        TRY(buffer_append_str(&scan->line, buffer_str(&piece->head)));
        end_line(scan);
        if (is_decided(scan))
            return NULL;
        for (size_t i = 0; i < piece->shown_count; i++) {
            const Skip *skip = &piece->shown[i];
            tell_skip(scan, scan->tally.lines + skip->line + 1, skip->problem, str_from(skip->content, skip->len));
        }
        add_tally(&scan->tally, &piece->tally);
    }
    return buffer_append_str(&scan->line, buffer_str(&piece->tail));
}

MUST_USE static Error *take_pieces(Scan *scan, TextReader *reader)
{
    void *result;
    for (;;) {
        TRY(text_reader_next(reader, &result));
        if (!result)
            break;
        TRY(take_piece(scan, result));
        if (is_decided(scan))
            return NULL;
    }
    if (scan->line.len > 0)
        end_line(scan);
    return NULL;
}

Error *scan_text(TextPool *pool, const TextSource *source, const ScanOptions *options, ScanResult *ret_result)
{
    CLEANUP(text_reader_freep) TextReader *reader = NULL;
    CLEANUP(scan_done) Scan scan = {.options = options, .line.limit = LINE_MAX_BYTES};
    TextMap map = {.map = scan_piece,
                   .clear = clear_piece,
                   .context = (void *)(uintptr_t)options,
                   .result_bytes = sizeof(PieceScan)};
    TRY(text_reader_new(pool, options->format, source, &map, options->ahead, &reader));
    TRY(take_pieces(&scan, reader));
    *ret_result = (ScanResult){
        .found = scan.tally.found,
        .has_ts = scan.tally.has_ts,
        .seconds = options->all_lines ? scan.tally.latest : scan.tally.first,
        .lines = scan.tally.lines,
        .lines_skipped = scan.tally.skipped,
    };
    return NULL;
}
