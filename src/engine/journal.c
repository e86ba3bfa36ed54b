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

enum { VERSION = 1, SIZE_MAX_BYTES = 64 << 20 };

struct Journal {
    int fd;
    const Clock *clock;
    Buffer line;
    char *path;
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

static Error *read_all(Journal *journal, Buffer *out)
{
    for (;;) {
        TRY(buffer_reserve(out, 64 * KIB));
        ssize_t got = pread(journal->fd, out->data + out->len, 64 * KIB, (off_t)out->len);
        if (got < 0)
            return FAIL_ERRNO("read '%s'", journal->path);
        if (got == 0)
            return NULL;
        buffer_grown(out, (size_t)got);
    }
}

static Error *read_line(const Journal *journal, Str line, bool first, JournalLast *last)
{
    CLEANUP(cleanup_json) json_t *record = NULL;
    Error *error = json_read(str_bytes(line), &record);
    if (error && !first) {
        error_free(error); /* a line that a kill cut short */
        return NULL;
    }
    if (error || !json_is_object(record)) {
        error_free(error);
        return FAIL(STATE, "'%s' is not a journal of quern: move it away, or name another with --journal",
                    journal->path);
    }
    Str type = json_get_str(record, "type", STR_EMPTY);
    if (first) {
        int64_t version = json_get_int(record, "version", -1);
        if (version != VERSION)
            return FAIL(
                STATE,
                "'%s' has version %lld, this program knows version %d: use the newer program or move the file away",
                journal->path, (long long)version, VERSION);
        last->exists = true;
        last->began_us = json_get_int(record, "began_us", 0);
    }
    last->failures += str_equal(type, STR("failure"));
    last->ended = last->ended || str_equal(type, STR("end"));
    return NULL;
}

static Error *read_last(Journal *journal, JournalLast *ret_last)
{
    CLEANUP(buffer_done) Buffer text = {.limit = SIZE_MAX_BYTES};
    TRY(read_all(journal, &text));
    JournalLast last = {0};
    Str rest = buffer_str(&text), line;
    bool first = true;
    while (str_next_piece(&rest, '\n', &line)) {
        if (line.len == 0 || !rest.data) /* the last line of a whole file is empty; one without its end was cut */
            continue;
        TRY(read_line(journal, line, first, &last));
        first = false;
    }
    *ret_last = last;
    return NULL;
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

/* One write for the whole line: what a kill leaves behind is a line or the beginning of one. */
static Error *append_line(Journal *journal)
{
    TRY(buffer_append_byte(&journal->line, '\n'));
    ssize_t put = write(journal->fd, journal->line.data, journal->line.len);
    if (put == (ssize_t)journal->line.len)
        return NULL;
    if (put >= 0)
        errno = ENOSPC;
    return FAIL_ERRNO("write '%s'", journal->path);
}

static void begin_line(Journal *journal, JsonWriter *w, const char *type)
{
    buffer_clear(&journal->line);
    json_begin(w, &journal->line, -1);
    json_open_object(w);
    json_member(w, "type", str, str_of(type));
}

static Error *end_line(Journal *journal, JsonWriter *w)
{
    json_close_object(w);
    TRY(json_finish(w));
    return append_line(journal);
}

Error *journal_begin(Journal *journal, Str about_json)
{
    if (ftruncate(journal->fd, 0) != 0 || lseek(journal->fd, 0, SEEK_SET) != 0)
        return FAIL_ERRNO("begin '%s' anew", journal->path);
    JsonWriter w;
    begin_line(journal, &w, "begin");
    json_member(&w, "version", int, VERSION);
    json_member(&w, "process", int, (int64_t)getpid());
    json_member(&w, "began_us", int, clock_wall_us(journal->clock));
    json_member(&w, "about", raw, about_json);
    return end_line(journal, &w);
}

Error *journal_failure(Journal *journal, Str key, bool redact_key, const Error *error)
{
    CLEANUP(buffer_done) Buffer shown = {0}, reason = {0};
    TRY(report_append_key(&shown, key, redact_key));
    TRY(report_append_reason(&reason, key, error, redact_key));
    JsonWriter w;
    begin_line(journal, &w, "failure");
    json_member(&w, "key", str, buffer_str(&shown));
    json_member(&w, "code", str, str_of(error_code_name(error_code(error))));
    json_member(&w, "reason", str, buffer_str(&reason));
    return end_line(journal, &w);
}

Error *journal_end(Journal *journal, const char *status)
{
    JsonWriter w;
    begin_line(journal, &w, "end");
    json_member(&w, "ended_us", int, clock_wall_us(journal->clock));
    json_member(&w, "status", str, str_of(status));
    return end_line(journal, &w);
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
