#include "jobs/ingest/quarantine.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "engine/report.h"
#include "sandbox/sandbox.h"

enum {
    VERSION = 1,
    ID_DIGITS = 32,             /* of the SHA-256 of key, NUL and ETag */
    SLOT_BYTES = ID_DIGITS + 1, /* and a line feed */
    SLOTS_MAX = 1 << 16,        /* read back; no run has more workers */
    FILE_MAX_BYTES = 64 << 20,
    DEATHS_QUARANTINE = 2,
};

static const char FREE_SLOT[SLOT_BYTES + 1] = "                                \n";

typedef struct DocumentId {
    char digits[ID_DIGITS + 1];
} DocumentId;

typedef struct Entry {
    DocumentId id;
    uint64_t key_hash; /* of the key as people see it; 0: not known */
    const char *end;   /* constant text */
    unsigned deaths;   /* 0: good again */
} Entry;

struct Quarantine {
    /* fixed */
    char *path, *inflight_path; /* NULL: nothing is kept */
    bool redact_keys;
    int inflight; /* each slot belongs to the thread that entered it; -1: none */
    /* under `lock` */
    pthread_mutex_t lock;
    int file;       /* appended to; -1 until there is something to say */
    Entry *entries; /* [count], ascending by id */
    size_t count, capacity;
    Buffer line;
};

static DocumentId id_of(const ObjectInfo *document)
{
    DocumentId id;
    uint8_t digest[SHA256_BYTES];
    CLEANUP(buffer_done) Buffer text = {0};
    Error *error = buffer_append_str(&text, document->key);
    if (!error)
        error = buffer_append_byte(&text, 0);
    if (!error)
        error = buffer_append_str(&text, document->etag);
    error_free(error); /* without memory the id is nobody's, or its key's alone */
    sha256(buffer_bytes(&text), digest);
    hex_encode(digest, ID_DIGITS / 2, id.digits);
    return id;
}

/* ---- entries ---- */

/* Where it is, or belongs. */
static size_t entry_place(const Quarantine *quarantine, const DocumentId *id, bool *ret_there)
{
    size_t low = 0, high = quarantine->count;
    *ret_there = false;
    while (low < high && !*ret_there) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(quarantine->entries[middle].id.digits, id->digits, ID_DIGITS);
        *ret_there = order == 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return high;
}

static Entry *entry_find(const Quarantine *quarantine, const DocumentId *id)
{
    bool there;
    size_t at = entry_place(quarantine, id, &there);
    return there ? &quarantine->entries[at] : NULL;
}

static Error *entry_put(Quarantine *quarantine, const Entry *entry)
{
    bool there;
    size_t at = entry_place(quarantine, &entry->id, &there);
    if (there) {
        quarantine->entries[at] = *entry;
        return NULL;
    }
    if (quarantine->count == quarantine->capacity) {
        size_t capacity = quarantine->capacity ? 2 * quarantine->capacity : 64;
        Entry *grown = reallocarray(quarantine->entries, capacity, sizeof *grown);
        if (!grown)
            return FAIL(NO_MEMORY, "out of memory");
        quarantine->entries = grown;
        quarantine->capacity = capacity;
    }
    memmove(&quarantine->entries[at + 1], &quarantine->entries[at],
            (quarantine->count - at) * sizeof *quarantine->entries);
    quarantine->entries[at] = *entry;
    quarantine->count++;
    return NULL;
}

static Standing standing_of(const Entry *entry)
{
    if (!entry || entry->deaths == 0)
        return STANDING_GOOD;
    return entry->deaths < DEATHS_QUARANTINE ? STANDING_SUSPECT : STANDING_QUARANTINED;
}

/* ---- the file of deaths ---- */

/* The constant text of a word that was read; "abandoned" says that nobody knows. */
static const char *end_word(Str word)
{
    for (int end = 0; end < SANDBOX_ENDS; end++)
        if (str_equal(word, str_of(sandbox_end_name((SandboxEnd)end))))
            return sandbox_end_name((SandboxEnd)end);
    return sandbox_end_name(SANDBOX_ABANDONED);
}

/* `key` as people may see it; "": not known. */
static Error *append_entry(Buffer *out, const Entry *entry, Str key)
{
    JsonWriter w;
    json_begin(&w, out, -1);
    json_open_object(&w);
    json_member(&w, "version", int, VERSION);
    json_member(&w, "id", str, str_from(entry->id.digits, ID_DIGITS));
    json_member(&w, "key", str, key);
    json_member(&w, "end", str, str_of(entry->end));
    json_member(&w, "deaths", uint, entry->deaths);
    json_close_object(&w);
    TRY(json_finish(&w));
    return buffer_append_byte(out, '\n');
}

typedef Error *RecordFn(void *context, json_t *record, const Entry *entry);

static Error *read_record(const char *path, Str line, RecordFn *each, void *context)
{
    CLEANUP(cleanup_json) json_t *record = NULL;
    Error *cut = json_read(str_bytes(line), &record);
    if (cut) {
        error_free(cut); /* a kill in the middle of writing it */
        return NULL;
    }
    int64_t version = json_get_int(record, "version", -1);
    if (version != VERSION)
        return FAIL(STATE,
                    "'%s' has version %lld, this program knows version %d: use the newer program or move the file away",
                    path, (long long)version, VERSION);
    Entry entry = {.end = end_word(json_get_str(record, "end", STR_EMPTY))};
    Str id = json_get_str(record, "id", STR_EMPTY);
    int64_t deaths = json_get_int(record, "deaths", 0);
    if (id.len != ID_DIGITS)
        return FAIL(STATE, "'%s' holds no documents in quarantine: move it away", path);
    memcpy(entry.id.digits, id.data, ID_DIGITS);
    Str key = json_get_str(record, "key", STR_EMPTY);
    entry.key_hash = key.len ? xxh64(str_bytes(key)) : 0;
    entry.deaths = deaths < 0 ? 0 : deaths > DEATHS_QUARANTINE ? DEATHS_QUARANTINE : (unsigned)deaths;
    return each(context, record, &entry);
}

/* One that is not there is empty. */
static Error *read_file(const char *path, size_t max_bytes, Buffer *out)
{
    CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? NULL : FAIL_ERRNO("open '%s'", path);
    TRY_CTX(file_read_rest(fd, max_bytes, out), "'%s'", path);
    return NULL;
}

static Error *read_records(const char *path, RecordFn *each, void *context)
{
    CLEANUP(buffer_done) Buffer text = {0};
    TRY(read_file(path, FILE_MAX_BYTES, &text));
    Str rest = buffer_str(&text), line;
    while (str_next_piece(&rest, '\n', &line))
        if (line.len)
            TRY(read_record(path, line, each, context));
    return NULL;
}

static Error *take_record(void *context, json_t *record, const Entry *entry)
{
    (void)record;
    return entry_put(context, entry);
}

/* One write: what a kill leaves is a line or the beginning of one, behind which the next begins anew. */
static Error *say_shown_locked(Quarantine *quarantine, Entry *entry, Str shown_key)
{
    entry->key_hash = shown_key.len ? xxh64(str_bytes(shown_key)) : 0;
    TRY(entry_put(quarantine, entry));
    if (!quarantine->path)
        return NULL;
    buffer_clear(&quarantine->line);
    TRY(buffer_append_byte(&quarantine->line, '\n'));
    TRY(append_entry(&quarantine->line, entry, shown_key));
    if (quarantine->file < 0)
        quarantine->file = open(quarantine->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (quarantine->file < 0)
        return FAIL_ERRNO("open '%s'", quarantine->path);
    ssize_t put = write(quarantine->file, quarantine->line.data, quarantine->line.len);
    if (put == (ssize_t)quarantine->line.len)
        return NULL;
    if (put >= 0)
        errno = ENOSPC;
    return FAIL_ERRNO("write '%s'", quarantine->path);
}

static Error *say_locked(Quarantine *quarantine, Entry *entry, Str key)
{
    CLEANUP(buffer_done) Buffer shown = {0};
    TRY(report_append_key(&shown, key, quarantine->redact_keys));
    return say_shown_locked(quarantine, entry, buffer_str(&shown));
}

/* ---- what is in flight ---- */

static bool is_id(const char *slot)
{
    for (size_t i = 0; i < ID_DIGITS; i++)
        if (!((slot[i] >= '0' && slot[i] <= '9') || (slot[i] >= 'a' && slot[i] <= 'f')))
            return false;
    return true;
}

/* What the last run was at when it was killed. */
static Error *take_inflight(Quarantine *quarantine)
{
    CLEANUP(buffer_done) Buffer text = {0};
    TRY(read_file(quarantine->inflight_path, (size_t)SLOTS_MAX * SLOT_BYTES, &text));
    for (size_t at = 0; at + SLOT_BYTES <= text.len; at += SLOT_BYTES) {
        Entry entry = {.end = sandbox_end_name(SANDBOX_ABANDONED), .deaths = 1};
        const char *slot = (const char *)text.data + at;
        if (!is_id(slot))
            continue;
        memcpy(entry.id.digits, slot, ID_DIGITS);
        if (standing_of(entry_find(quarantine, &entry.id)) == STANDING_GOOD)
            TRY(say_shown_locked(quarantine, &entry, STR_EMPTY));
    }
    return NULL;
}

static Error *write_slot(const Quarantine *quarantine, unsigned slot, const char text[SLOT_BYTES])
{
    if (quarantine->inflight < 0)
        return NULL;
    if (pwrite(quarantine->inflight, text, SLOT_BYTES, (off_t)slot * SLOT_BYTES) == SLOT_BYTES)
        return NULL;
    return FAIL_ERRNO("write '%s'", quarantine->inflight_path);
}

static Error *open_inflight(Quarantine *quarantine, unsigned slots)
{
    quarantine->inflight = open(quarantine->inflight_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (quarantine->inflight < 0)
        return FAIL_ERRNO("open '%s'", quarantine->inflight_path);
    for (unsigned slot = 0; slot < slots; slot++)
        TRY(write_slot(quarantine, slot, FREE_SLOT));
    return NULL;
}

/* ---- the whole ---- */

static Error *read_state(Quarantine *quarantine, const char *journal_path, unsigned slots)
{
    if (asprintf(&quarantine->path, "%s.quarantine", journal_path) < 0)
        quarantine->path = NULL;
    if (asprintf(&quarantine->inflight_path, "%s.inflight", journal_path) < 0)
        quarantine->inflight_path = NULL;
    if (!quarantine->path || !quarantine->inflight_path)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(read_records(quarantine->path, take_record, quarantine));
    TRY(take_inflight(quarantine));
    return open_inflight(quarantine, slots);
}

Error *quarantine_new(const char *journal_path, unsigned slots, bool redact_keys, Quarantine **ret_quarantine)
{
    CLEANUP(quarantine_freep) Quarantine *quarantine = calloc(1, sizeof *quarantine);
    if (!quarantine)
        return FAIL(NO_MEMORY, "out of memory");
    quarantine->inflight = quarantine->file = -1;
    quarantine->redact_keys = redact_keys;
    pthread_mutex_init(&quarantine->lock, NULL);
    if (*journal_path)
        TRY(read_state(quarantine, journal_path, slots));
    *ret_quarantine = quarantine;
    quarantine = NULL;
    return NULL;
}

void quarantine_free(Quarantine *quarantine)
{
    if (!quarantine)
        return;
    if (quarantine->inflight >= 0) {
        close(quarantine->inflight);
        unlink(quarantine->inflight_path);
    }
    if (quarantine->file >= 0)
        close(quarantine->file);
    pthread_mutex_destroy(&quarantine->lock);
    buffer_done(&quarantine->line);
    free(quarantine->entries);
    free(quarantine->path);
    free(quarantine->inflight_path);
    free(quarantine);
}

Standing quarantine_standing(Quarantine *quarantine, const ObjectInfo *document, const char **ret_end)
{
    Standing standing = STANDING_GOOD;
    DocumentId id = id_of(document);
    pthread_mutex_lock(&quarantine->lock);
    const Entry *entry = entry_find(quarantine, &id);
    standing = standing_of(entry);
    if (ret_end)
        *ret_end = entry ? entry->end : "";
    pthread_mutex_unlock(&quarantine->lock);
    return standing;
}

Error *quarantine_enter(Quarantine *quarantine, unsigned slot, const ObjectInfo *document)
{
    char text[SLOT_BYTES];
    DocumentId id = id_of(document);
    memcpy(text, id.digits, ID_DIGITS);
    text[ID_DIGITS] = '\n';
    return write_slot(quarantine, slot, text);
}

Error *quarantine_leave(Quarantine *quarantine, unsigned slot)
{
    return write_slot(quarantine, slot, FREE_SLOT);
}

Error *quarantine_died(Quarantine *quarantine, const ObjectInfo *document, const char *end, Standing *ret_standing)
{
    Entry entry = {.id = id_of(document), .end = end};
    pthread_mutex_lock(&quarantine->lock);
    const Entry *before = entry_find(quarantine, &entry.id);
    entry.deaths = MIN((before ? before->deaths : 0) + 1, (unsigned)DEATHS_QUARANTINE);
    Error *error = say_locked(quarantine, &entry, document->key);
    pthread_mutex_unlock(&quarantine->lock);
    if (!error)
        *ret_standing = standing_of(&entry);
    return error;
}

Error *quarantine_lift(Quarantine *quarantine, const ObjectInfo *document)
{
    Entry entry = {.id = id_of(document)};
    Error *error = NULL;
    pthread_mutex_lock(&quarantine->lock);
    const Entry *before = entry_find(quarantine, &entry.id);
    if (standing_of(before) != STANDING_GOOD) {
        entry.end = before->end;
        error = say_locked(quarantine, &entry, document->key);
    }
    pthread_mutex_unlock(&quarantine->lock);
    return error;
}

Error *quarantine_lift_key(Quarantine *quarantine, Str shown_key)
{
    Error *error = NULL;
    uint64_t hash = xxh64(str_bytes(shown_key));
    pthread_mutex_lock(&quarantine->lock);
    for (size_t i = 0; i < quarantine->count && !error; i++) {
        Entry entry = quarantine->entries[i];
        if (entry.key_hash != hash || entry.deaths == 0)
            continue;
        entry.deaths = 0;
        error = say_shown_locked(quarantine, &entry, shown_key);
    }
    pthread_mutex_unlock(&quarantine->lock);
    return error;
}

/* ---- looking ---- */

/* id to key and end, of those quarantined. */
static Error *gather(void *context, json_t *record, const Entry *entry)
{
    json_t *found = context;
    if (standing_of(entry) != STANDING_QUARANTINED) {
        json_object_deln(found, entry->id.digits, ID_DIGITS);
        return NULL;
    }
    if (json_object_setn(found, entry->id.digits, ID_DIGITS, record) != 0)
        return FAIL(NO_MEMORY, "out of memory");
    return NULL;
}

Error *quarantine_add_failures(const char *journal_path, json_t *failures)
{
    CLEANUP(cleanup_free) char *path = NULL;
    CLEANUP(cleanup_json) json_t *found = json_object();
    const char *id;
    json_t *record;
    if (asprintf(&path, "%s.quarantine", journal_path) < 0)
        path = NULL;
    if (!path || !found)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(read_records(path, gather, found));
    json_object_foreach(found, id, record)
    {
        Str key = json_get_str(record, "key", STR_EMPTY), end = json_get_str(record, "end", STR_EMPTY);
        const json_t *known = key.len ? json_object_getn(failures, key.data, key.len) : NULL;
        if (key.len == 0 || (known && !str_equal(json_get_str(known, "status", STR_EMPTY), STR("quarantined"))))
            continue;
        json_t *failure =
            json_pack("{s:s, s:s%, s:s, s:s%, s:s}", "type", "failure", "key", key.data, key.len, "code", "corrupt",
                      "status", end.data, end.len, "reason", "quarantined: it killed its parser twice");
        if (!failure || json_object_setn_new(failures, key.data, key.len, failure) != 0)
            return FAIL(NO_MEMORY, "out of memory");
    }
    return NULL;
}
