#include "jobs/ingest/verdicts.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/json.h"

enum {
    VERSION = 1,
    ID_BYTES = 16, /* of the SHA-256 of judge, key and ETag */
    ID_DIGITS = 2 * ID_BYTES,
    FILE_MAX_BYTES = 512 << 20,
    REASONS_MAX = 1000, /* different ones; what has yet another is read again by every run */
    REASONS_ARENA_BYTES = 64 << 20,
    REASON_MAX_BYTES = 4096,
};

typedef struct VerdictId {
    char digits[ID_DIGITS + 1];
} VerdictId;

typedef struct Entry {
    char id[ID_DIGITS]; /* id[0] == 0: an empty place */
    uint32_t reason;    /* index into `reasons`; 0: it can be read after all */
} Entry;

struct Verdicts {
    /* fixed */
    char *path; /* NULL: nothing is kept */
    char *judge;
    /* under `lock` */
    pthread_mutex_t lock;
    Entry *entries; /* [capacity], a power of two: open addressing, at most three quarters full */
    size_t count, capacity;
    Arena *texts;
    Str reasons[REASONS_MAX + 1]; /* [0] is "" */
    size_t reason_count;
    int file; /* appended to; -1 until there is something to say */
    Buffer line;
};

/* Each part with its length before it: no two documents have one text. */
static Error *append_part(Buffer *text, Str part)
{
    TRY(buffer_append_u64le(text, part.len));
    return buffer_append_str(text, part);
}

static Error *id_of(const Verdicts *verdicts, const ObjectInfo *document, VerdictId *ret_id)
{
    uint8_t digest[SHA256_BYTES];
    CLEANUP(buffer_done) Buffer text = {0};
    TRY(append_part(&text, str_of(verdicts->judge)));
    TRY(append_part(&text, document->key));
    TRY(append_part(&text, document->etag));
    sha256(buffer_bytes(&text), digest);
    hex_encode(digest, ID_BYTES, ret_id->digits);
    return NULL;
}

/* ---- in memory ---- */

/* Where it is, or the empty place where it belongs; there is always one. The digits are a hash already. */
static Entry *entry_place(const Verdicts *verdicts, const char id[ID_DIGITS])
{
    uint64_t hash;
    memcpy(&hash, id, sizeof hash);
    hash *= UINT64_C(0x9E3779B97F4A7C15); /* hexadecimal digits have four bits in each byte */
    size_t at = (size_t)(hash >> 20) & (verdicts->capacity - 1);
    while (verdicts->entries[at].id[0] && memcmp(verdicts->entries[at].id, id, ID_DIGITS) != 0)
        at = (at + 1) & (verdicts->capacity - 1);
    return &verdicts->entries[at];
}

static Error *grow_entries(Verdicts *verdicts)
{
    Verdicts larger = {.capacity = verdicts->capacity ? 2 * verdicts->capacity : 256};
    larger.entries = calloc(larger.capacity, sizeof *larger.entries);
    if (!larger.entries)
        return FAIL(NO_MEMORY, "out of memory");
    for (size_t i = 0; i < verdicts->capacity; i++)
        if (verdicts->entries[i].id[0])
            *entry_place(&larger, verdicts->entries[i].id) = verdicts->entries[i];
    free(verdicts->entries);
    verdicts->entries = larger.entries;
    verdicts->capacity = larger.capacity;
    return NULL;
}

/* `*ret_reason` 0 also when there is no room for another. The newest first: neighbours tend to have the same. */
static Error *reason_index(Verdicts *verdicts, Str text, uint32_t *ret_reason)
{
    *ret_reason = 0;
    for (size_t i = verdicts->reason_count; i-- > 0;) {
        if (str_equal(verdicts->reasons[i], text)) {
            *ret_reason = (uint32_t)i;
            return NULL;
        }
    }
    if (verdicts->reason_count > REASONS_MAX)
        return NULL;
    Str copy = arena_str(verdicts->texts, text);
    if (!copy.data)
        return arena_error(verdicts->texts);
    *ret_reason = (uint32_t)verdicts->reason_count;
    verdicts->reasons[verdicts->reason_count++] = copy;
    return NULL;
}

static Error *entry_put(Verdicts *verdicts, const char id[ID_DIGITS], Str reason)
{
    uint32_t index;
    TRY(reason_index(verdicts, reason, &index));
    if (4 * (verdicts->count + 1) > 3 * verdicts->capacity)
        TRY(grow_entries(verdicts));
    Entry *entry = entry_place(verdicts, id);
    verdicts->count += !entry->id[0];
    memcpy(entry->id, id, ID_DIGITS);
    entry->reason = index;
    return NULL;
}

/* ---- the file ---- */

static Error *take_line(Verdicts *verdicts, Str line)
{
    CLEANUP(cleanup_json) json_t *record = NULL;
    error_free(json_read(str_bytes(line), &record)); /* one that a kill cut short */
    Str id = json_get_str(record, "id", STR_EMPTY), reason = json_get_str(record, "reason", STR_EMPTY);
    if (json_get_int(record, "version", -1) != VERSION || id.len != ID_DIGITS || reason.len > REASON_MAX_BYTES)
        return NULL;
    return entry_put(verdicts, id.data, reason);
}

static void cleanup_file(FILE **file)
{
    if (*file)
        fclose(*file);
}

static Error *read_lines(Verdicts *verdicts)
{
    struct stat about;
    CLEANUP(cleanup_free) char *line = NULL;
    CLEANUP(cleanup_file) FILE *file = fopen(verdicts->path, "re");
    size_t capacity = 0;
    ssize_t len;
    if (!file)
        return errno == ENOENT ? NULL : FAIL_ERRNO("open '%s'", verdicts->path);
    if (fstat(fileno(file), &about) != 0 || about.st_size > FILE_MAX_BYTES)
        return unlink(verdicts->path) == 0 ? NULL : FAIL_ERRNO("begin '%s' anew", verdicts->path);
    while ((len = getline(&line, &capacity, file)) > 0)
        TRY(take_line(verdicts, str_from(line, (size_t)len)));
    return ferror(file) ? FAIL_ERRNO("read '%s'", verdicts->path) : NULL;
}

/* One write: what a kill leaves is a line or the beginning of one, behind which the next begins anew. */
static Error *say_locked(Verdicts *verdicts, const VerdictId *id, Str reason)
{
    JsonWriter w;
    buffer_clear(&verdicts->line);
    TRY(buffer_append_byte(&verdicts->line, '\n'));
    json_begin(&w, &verdicts->line, -1);
    json_open_object(&w);
    json_member(&w, "version", int, VERSION);
    json_member(&w, "id", str, str_from(id->digits, ID_DIGITS));
    if (reason.len)
        json_member(&w, "reason", str, reason);
    json_close_object(&w);
    TRY(json_finish(&w));
    TRY(buffer_append_byte(&verdicts->line, '\n'));
    if (verdicts->file < 0)
        verdicts->file = open(verdicts->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (verdicts->file < 0)
        return FAIL_ERRNO("open '%s'", verdicts->path);
    ssize_t put = write(verdicts->file, verdicts->line.data, verdicts->line.len);
    if (put == (ssize_t)verdicts->line.len)
        return NULL;
    if (put >= 0)
        errno = ENOSPC;
    return FAIL_ERRNO("write '%s'", verdicts->path);
}

/* ---- the whole ---- */

Error *verdicts_new(const char *journal_path, Str judge, Verdicts **ret_verdicts)
{
    CLEANUP(verdicts_freep) Verdicts *verdicts = calloc(1, sizeof *verdicts);
    if (!verdicts)
        return FAIL(NO_MEMORY, "out of memory");
    pthread_mutex_init(&verdicts->lock, NULL);
    verdicts->file = -1;
    verdicts->reasons[verdicts->reason_count++] = STR_EMPTY;
    verdicts->texts = arena_new(REASONS_ARENA_BYTES);
    verdicts->judge = strndup(judge.data, judge.len);
    if (*journal_path && asprintf(&verdicts->path, "%s.verdicts", journal_path) < 0)
        verdicts->path = NULL;
    if (!verdicts->texts || !verdicts->judge || (*journal_path && !verdicts->path))
        return FAIL(NO_MEMORY, "out of memory");
    if (verdicts->path)
        TRY(read_lines(verdicts));
    *ret_verdicts = verdicts;
    verdicts = NULL;
    return NULL;
}

void verdicts_free(Verdicts *verdicts)
{
    if (!verdicts)
        return;
    if (verdicts->file >= 0)
        close(verdicts->file);
    pthread_mutex_destroy(&verdicts->lock);
    buffer_done(&verdicts->line);
    arena_free(verdicts->texts);
    free(verdicts->entries);
    free(verdicts->judge);
    free(verdicts->path);
    free(verdicts);
}

static Str find_locked(const Verdicts *verdicts, const VerdictId *id)
{
    return verdicts->count ? verdicts->reasons[entry_place(verdicts, id->digits)->reason] : STR_EMPTY;
}

Str verdicts_find_view(Verdicts *verdicts, const ObjectInfo *document)
{
    VerdictId id;
    if (!verdicts->path || document->etag.len == 0)
        return STR_EMPTY;
    Error *error = id_of(verdicts, document, &id);
    if (error) {
        error_free(error); /* it is read again, which says so where it matters */
        return STR_EMPTY;
    }
    pthread_mutex_lock(&verdicts->lock);
    Str reason = find_locked(verdicts, &id);
    pthread_mutex_unlock(&verdicts->lock);
    return reason;
}

Error *verdicts_put(Verdicts *verdicts, const ObjectInfo *document, Str reason)
{
    VerdictId id;
    if (!verdicts->path || document->etag.len == 0 || reason.len > REASON_MAX_BYTES)
        return NULL;
    TRY(id_of(verdicts, document, &id));
    pthread_mutex_lock(&verdicts->lock);
    Error *error = NULL;
    if (!str_equal(find_locked(verdicts, &id), reason)) {
        error = entry_put(verdicts, id.digits, reason);
        if (!error)
            error = say_locked(verdicts, &id, reason);
    }
    pthread_mutex_unlock(&verdicts->lock);
    return error;
}
