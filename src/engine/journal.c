#include "engine/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/time_text.h"
#include "engine/report.h"

enum {
    VERSION = 1,
    PIECE_BYTES = 64 * 1024,
    LINE_MAX_BYTES = 16 << 20,
    FAILURES_MAX_BYTES = 64 << 20, /* of a journal whose failures are wanted, which are all in memory then */
};

struct Journal {
    int fd;
    const Clock *clock;
    Buffer line;
    char *path;
    bool again; /* it began with the failures of the last run */
};

/* Makes the directories above `path`, as mkdir -p does. */
static Error *make_parents(const char *path)
{
    CLEANUP(cleanup_free) char *copy = strdup(path);
    if (!copy)
        return FAIL(NO_MEMORY, "out of memory");
    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            return FAIL_ERRNO("make the directory '%s' (--state-dir names another)", copy);
        *slash = '/';
    }
    return NULL;
}

static Error *take_lock(Journal *journal)
{
    if (flock(journal->fd, LOCK_EX | LOCK_NB) == 0)
        return NULL;
    if (errno == EWOULDBLOCK)
        return FAIL(LOCKED, "another run on the same source and target holds '%s'; wait for it to end", journal->path);
    return FAIL_ERRNO("lock '%s'", journal->path);
}

static Error *check_first_line(const char *path, const json_t *record)
{
    if (!json_is_object(record))
        return FAIL(STATE, "'%s' is not a journal of quern: move it away, or name another with --journal", path);
    int64_t version = json_get_int(record, "version", -1);
    if (version == VERSION)
        return NULL;
    return FAIL(STATE,
                "'%s' has version %lld, this program knows version %d: use the newer program or move the file away",
                path, (long long)version, VERSION);
}

typedef Error *LineFn(void *context, json_t *record);

/* A journal on its way from the file, line by line: of many failures it is large. */
typedef struct Lines {
    const char *path;
    LineFn *each;
    void *context;
    uint64_t bytes, bytes_max; /* of lines that are looked at */
    bool began;                /* the first line was there */
} Lines;

#define REWRITE_BEGINS "{\"type\":\"rewrite\","

static Error *take_line(Lines *lines, Str line)
{
    CLEANUP(cleanup_json) json_t *record = NULL;
    if (line.len == 0 || (lines->began && str_starts_with(line, STR(REWRITE_BEGINS))))
        return NULL;
    lines->bytes += line.len;
    if (lines->bytes > lines->bytes_max)
        return FAIL(LIMIT, "'%s' tells of more failures than are looked at: they have more than %llu bytes",
                    lines->path, (unsigned long long)lines->bytes_max);
    error_free(json_read(str_bytes(line), &record)); /* one that a kill cut short, or no journal's */
    if (!lines->began)
        TRY(check_first_line(lines->path, record));
    lines->began = true;
    return record ? lines->each(lines->context, record) : NULL;
}

/* Hands on the whole lines in `text`; what is left is the beginning of another. */
static Error *take_lines(Lines *lines, Buffer *text)
{
    Str rest = buffer_str(text);
    size_t end;
    while ((end = str_find_char(rest, '\n')) != SIZE_MAX) {
        TRY(take_line(lines, str_slice(rest, 0, end)));
        rest = str_slice(rest, end + 1, rest.len);
    }
    if (rest.len)
        memmove(text->data, rest.data, rest.len);
    text->len = rest.len;
    return NULL;
}

/* Calls `each` for every whole line, the first of which is proven to be a journal's; the last one without its end was cut. Errors: LIMIT. */
static Error *read_lines(int fd, const char *path, uint64_t bytes_max, LineFn *each, void *context)
{
    CLEANUP(buffer_done) Buffer text = {.limit = LINE_MAX_BYTES};
    Lines lines = {.path = path, .each = each, .context = context, .bytes_max = bytes_max};
    for (uint64_t at = 0;;) {
        TRY(buffer_reserve(&text, PIECE_BYTES));
        ssize_t got = pread(fd, text.data + text.len, PIECE_BYTES, (off_t)at);
        if (got < 0)
            return FAIL_ERRNO("read '%s'", path);
        if (got == 0)
            return NULL;
        at += (uint64_t)got;
        buffer_grown(&text, (size_t)got);
        TRY(take_lines(&lines, &text));
    }
}

static Error *count_line(void *context, json_t *record)
{
    JournalLast *last = context;
    Str type = json_get_str(record, "type", STR_EMPTY);
    if (!last->exists)
        last->began_us = json_get_int(record, "began_us", 0);
    last->exists = true;
    last->failures += str_equal(type, STR("failure"));
    last->failures -= str_equal(type, STR("no failure")) && last->failures > 0;
    last->ended = last->ended || str_equal(type, STR("end"));
    return NULL;
}

static Error *read_last(const Journal *journal, JournalLast *ret_last)
{
    JournalLast last = {0};
    TRY(read_lines(journal->fd, journal->path, UINT64_MAX, count_line, &last));
    *ret_last = last;
    return NULL;
}

static Error *keep_line(void *context, json_t *record)
{
    JournalRun *run = context;
    Str type = json_get_str(record, "type", STR_EMPTY);
    Str key = json_get_str(record, "key", STR_EMPTY);
    if (!run->about && !(run->about = json_incref(json_object_get(record, "about"))))
        run->about = json_object();
    if (!run->about)
        return FAIL(NO_MEMORY, "out of memory");
    if (run->began_us == 0)
        run->began_us = json_get_int(record, "began_us", 0);
    if (str_equal(type, STR("end"))) {
        run->ended_us = json_get_int(record, "ended_us", 0);
        snprintf(run->status, sizeof run->status, STR_FMT, STR_ARG(json_get_str(record, "status", STR_EMPTY)));
    } else if (str_equal(type, STR("no failure"))) {
        json_object_deln(run->failures, key.data, key.len);
    } else if (str_equal(type, STR("failure")) || str_equal(type, STR("again"))) {
        if (json_object_setn(run->failures, key.data, key.len, record) != 0)
            return FAIL(NO_MEMORY, "out of memory");
    }
    return NULL;
}

Error *journal_read(const char *path, JournalRun *ret_run)
{
    CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return FAIL_ERRNO("open the journal '%s'", path);
    CLEANUP(journal_run_done) JournalRun run = {.failures = json_object()};
    if (!run.failures)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(read_lines(fd, path, FAILURES_MAX_BYTES, keep_line, &run));
    if (!run.about)
        return FAIL(STATE, "'%s' is empty: its run had not begun", path);
    run.running = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    *ret_run = run;
    run = (JournalRun){0};
    return NULL;
}

void journal_run_done(JournalRun *run)
{
    json_decref(run->about);
    json_decref(run->failures);
    *run = (JournalRun){0};
}

Error *journal_open(const char *path, const Clock *clock, Journal **ret_journal, JournalLast *ret_last)
{
    CLEANUP(journal_freep) Journal *journal = calloc(1, sizeof *journal);
    if (!journal)
        return FAIL(NO_MEMORY, "out of memory");
    journal->fd = -1;
    journal->clock = clock;
    journal->path = strdup(path);
    if (!journal->path)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(make_parents(path));
    journal->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (journal->fd < 0)
        return FAIL_ERRNO("open the journal '%s'", path);
    TRY(take_lock(journal));
    TRY(read_last(journal, ret_last));
    *ret_journal = journal;
    journal = NULL;
    return NULL;
}

void journal_free(Journal *journal)
{
    if (!journal)
        return;
    if (journal->fd >= 0)
        close(journal->fd); /* and with it the lock */
    buffer_done(&journal->line);
    free(journal->path);
    free(journal);
}

const char *journal_path_view(const Journal *journal)
{
    return journal ? journal->path : "";
}

/* One write for all of it: what a kill leaves behind is whole lines and the beginning of one. */
static Error *append_lines(Journal *journal)
{
    ssize_t put = write(journal->fd, journal->line.data, journal->line.len);
    if (put == (ssize_t)journal->line.len)
        return NULL;
    if (put >= 0)
        errno = ENOSPC;
    return FAIL_ERRNO("write '%s'", journal->path);
}

static void begin_line(Journal *journal, JsonWriter *w, const char *type)
{
    json_begin(w, &journal->line, -1);
    json_open_object(w);
    json_member(w, "type", str, str_of(type));
}

static Error *end_line(Journal *journal, JsonWriter *w)
{
    json_close_object(w);
    TRY(json_finish(w));
    return buffer_append_byte(&journal->line, '\n');
}

static int append_piece(const char *piece, size_t len, void *line)
{
    Error *error = buffer_append(line, piece, len);
    bool ok = !error;
    error_free(error); /* the caller says NO_MEMORY */
    return ok ? 0 : -1;
}

/* Failures of the run before, each a "failure" whatever it was there. */
static Error *carry(Journal *journal, const JournalRun *again)
{
    const char *key;
    json_t *record;
    json_object_foreach(again->failures, key, record)
    {
        if (json_object_set_new(record, "type", json_string("failure")) != 0
            || json_dump_callback(record, append_piece, &journal->line, JSON_COMPACT) != 0)
            return FAIL(NO_MEMORY, "out of memory");
        TRY(buffer_append_byte(&journal->line, '\n'));
    }
    return NULL;
}

Error *journal_begin(Journal *journal, Str about_json, const JournalRun *again)
{
    if (ftruncate(journal->fd, 0) != 0 || lseek(journal->fd, 0, SEEK_SET) != 0)
        return FAIL_ERRNO("begin '%s' anew", journal->path);
    JsonWriter w;
    buffer_clear(&journal->line);
    begin_line(journal, &w, "begin");
    json_member(&w, "version", int, VERSION);
    json_member(&w, "process", int, (int64_t)getpid());
    json_member(&w, "began_us", int, clock_wall_us(journal->clock));
    json_member(&w, "about", raw, about_json);
    TRY(end_line(journal, &w));
    journal->again = again != NULL;
    if (again)
        TRY(carry(journal, again));
    return append_lines(journal);
}

Error *journal_failure(Journal *journal, const Item *item, bool redact_key)
{
    CLEANUP(buffer_done) Buffer shown = {0}, reason = {0};
    TRY(report_append_key(&shown, item->key, redact_key));
    TRY(report_append_reason(&reason, item->key, item->error, redact_key));
    JsonWriter w;
    buffer_clear(&journal->line);
    begin_line(journal, &w, journal->again ? "again" : "failure");
    json_member(&w, "key", str, buffer_str(&shown));
    json_member(&w, "code", str, str_of(error_code_name(error_code(item->error))));
    if (item->status)
        json_member(&w, "status", str, str_of(item->status));
    json_member(&w, "reason", str, buffer_str(&reason));
    TRY(end_line(journal, &w));
    return append_lines(journal);
}

Error *journal_no_failure(Journal *journal, const Item *item, bool redact_key)
{
    CLEANUP(buffer_done) Buffer shown = {0};
    JsonWriter w;
    if (!journal->again)
        return NULL;
    TRY(report_append_key(&shown, item->key, redact_key));
    buffer_clear(&journal->line);
    begin_line(journal, &w, "no failure");
    json_member(&w, "key", str, buffer_str(&shown));
    TRY(end_line(journal, &w));
    return append_lines(journal);
}

/* Its type stands first: by that the line is passed over. */
Error *journal_rewrite(Journal *journal, const Item *item, bool redact_key)
{
    CLEANUP(buffer_done) Buffer shown = {0};
    TRY(report_append_key(&shown, item->key, redact_key));
    JsonWriter w;
    buffer_clear(&journal->line);
    begin_line(journal, &w, "rewrite");
    json_member(&w, "key", str, buffer_str(&shown));
    json_member(&w, "etag_before", str, str_of(item->etag_before));
    json_member(&w, "result", str, str_of(outcome_name(item->outcome)));
    TRY(end_line(journal, &w));
    return append_lines(journal);
}

Error *journal_end(Journal *journal, const char *status)
{
    JsonWriter w;
    buffer_clear(&journal->line);
    begin_line(journal, &w, "end");
    json_member(&w, "ended_us", int, clock_wall_us(journal->clock));
    json_member(&w, "status", str, str_of(status));
    TRY(end_line(journal, &w));
    return append_lines(journal);
}

Error *journal_path(Str state_dir, Str command, Str source, Str target, Buffer *out)
{
    CLEANUP(buffer_done) Buffer places = {0};
    TRY(buffer_append_str(&places, source));
    TRY(buffer_append_byte(&places, 0));
    TRY(buffer_append_str(&places, target));
    return buffer_append_format(out, STR_FMT "/" STR_FMT "-%016" PRIx64 ".journal", STR_ARG(state_dir),
                                STR_ARG(command), xxh64(buffer_bytes(&places)));
}
