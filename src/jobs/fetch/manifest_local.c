#include "jobs/fetch/manifest_local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "jobs/fetch/json_walk.h"

enum { WRITE_BYTES = 65536, NEW_MODE = 0666 };

/* ---- reading ---- */

typedef struct FileInput {
    int fd;
    const char *path;
} FileInput;

static Error *read_piece(void *context, uint8_t *out, size_t room, size_t *ret_len)
{
    const FileInput *input = context;
    ssize_t got;
    do
        got = read(input->fd, out, room);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return FAIL_ERRNO("read '%s'", input->path);
    *ret_len = (size_t)got;
    return NULL;
}

/* What one entry has said so far. Texts are copies: the walk has room for one. */
typedef struct EntryRead {
    Buffer name, hash;
    bool has_name, has_size, has_hash;
    uint64_t size_bytes;
} EntryRead;

static Error *keep_text(Buffer *out, const JsonWalk *walk)
{
    buffer_clear(out);
    return buffer_append_str(out, json_walk_text(walk));
}

static Error *read_field(JsonWalk *walk, EntryRead *entry)
{
    JsonToken token;
    Str key = json_walk_text(walk);
    bool is_name = str_equal(key, STR("name")), is_size = str_equal(key, STR("size")),
         is_hash = str_equal(key, STR("hash"));
    if (!is_name && !is_size && !is_hash)
        return FAIL(CORRUPT, "LocalFileEntry.__init__() got an unexpected keyword argument '" STR_FMT "'",
                    STR_ARG(key));
    TRY(json_walk_next(walk, &token));
    if (is_name && token != TOKEN_STRING)
        return FAIL(CORRUPT, "a file's name is no text");
    if (is_name)
        TRY(keep_text(&entry->name, walk));
    if (is_hash && token == TOKEN_STRING)
        TRY(keep_text(&entry->hash, walk));
    if (is_size && !(token == TOKEN_NUMBER && str_to_u64(json_walk_text(walk), &entry->size_bytes)))
        entry->size_bytes = 0; /* nobody decides by it */
    entry->has_name = entry->has_name || is_name;
    entry->has_size = entry->has_size || is_size;
    if (is_hash)
        entry->has_hash = token == TOKEN_STRING;
    return json_walk_skip(walk, token);
}

static Error *read_entry(JsonWalk *walk, EntryRead *entry)
{
    JsonToken token;
    entry->has_name = entry->has_size = entry->has_hash = false;
    buffer_clear(&entry->name);
    buffer_clear(&entry->hash);
    for (;;) {
        TRY(json_walk_next(walk, &token));
        if (token == TOKEN_OBJECT_END)
            break;
        TRY(read_field(walk, entry));
    }
    if (!entry->has_name || !entry->has_size)
        return FAIL(CORRUPT, "LocalFileEntry.__init__() missing 1 required positional argument: '%s'",
                    entry->has_name ? "size" : "name");
    return NULL;
}

static Error *read_files(JsonWalk *walk, EntryRead *entry, LocalEntryFn *each, void *context)
{
    JsonToken token;
    TRY(json_walk_next(walk, &token));
    if (token != TOKEN_ARRAY)
        return FAIL(CORRUPT, "'files' is no list");
    for (;;) {
        TRY(json_walk_next(walk, &token));
        if (token == TOKEN_ARRAY_END)
            return NULL;
        if (token != TOKEN_OBJECT)
            return FAIL(CORRUPT, "an entry of 'files' is no object");
        TRY(read_entry(walk, entry));
        if (!each)
            continue;
        LocalEntry shown = {buffer_str(&entry->name), entry->size_bytes, buffer_str(&entry->hash), entry->has_hash};
        TRY(each(context, &shown));
    }
}

static Error *read_manifest(JsonWalk *walk, EntryRead *entry, LocalEntryFn *each, void *context)
{
    JsonToken token;
    TRY(json_walk_next(walk, &token));
    if (token != TOKEN_OBJECT)
        return FAIL(CORRUPT, "it is no object");
    for (;;) {
        TRY(json_walk_next(walk, &token));
        if (token == TOKEN_OBJECT_END)
            return json_walk_next(walk, &token); /* nothing may follow */
        if (str_equal(json_walk_text(walk), STR("files"))) {
            TRY(read_files(walk, entry, each, context));
            continue;
        }
        TRY(json_walk_next(walk, &token));
        TRY(json_walk_skip(walk, token));
    }
}

static Error *read_once(FileInput *input, LocalEntryFn *each, void *context)
{
    CLEANUP(json_walk_freep) JsonWalk *walk = json_walk_new(read_piece, input);
    EntryRead entry = {0};
    if (!walk)
        return FAIL(NO_MEMORY, "out of memory");
    Error *error = read_manifest(walk, &entry, each, context);
    buffer_done(&entry.name);
    buffer_done(&entry.hash);
    return error;
}

Error *manifest_local_read(const char *path, LocalEntryFn *each, void *context)
{
    CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return NULL;
    if (fd < 0)
        return FAIL_ERRNO("open '%s'", path);
    FileInput input = {fd, path};
    TRY(read_once(&input, NULL, NULL));
    if (lseek(fd, 0, SEEK_SET) != 0)
        return FAIL_ERRNO("read '%s'", path);
    return read_once(&input, each, context);
}

bool manifest_local_name_is_safe(Str name, bool nested)
{
    Str rest = name, part;
    if (str_find_char(name, 0) != SIZE_MAX || (!nested && str_find_char(name, '/') != SIZE_MAX))
        return false;
    while (str_next_piece(&rest, '/', &part))
        if (part.len == 0 || str_equal(part, STR(".")) || str_equal(part, STR("..")))
            return false;
    return true;
}

/* ---- its text ---- */

/* As Python's json.dumps with ensure_ascii. */
static Error *append_ascii_string(Buffer *out, Str text)
{
    TRY(buffer_append_byte(out, '"'));
    for (size_t at = 0; at < text.len;) {
        size_t start = at;
        uint8_t byte = (uint8_t)text.data[at];
        if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\') {
            while (at < text.len && (byte = (uint8_t)text.data[at]) >= 0x20 && byte < 0x7f && byte != '"'
                   && byte != '\\')
                at++;
            TRY(buffer_append(out, text.data + start, at - start));
            continue;
        }
        uint32_t c = str_next_code_point(text, &at);
        static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf";
        const char *known = c && c < 0x80 ? strchr(from, (int)c) : NULL;
        if (known)
            TRY(buffer_append_format(out, "\\%c", to[known - from]));
        else if (c == 0xfffd && at == start + 1)
            TRY(buffer_append_format(out, "\\u%04x", 0xdc00U + byte));
        else if (c >= 0x10000)
            TRY(buffer_append_format(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
                                     0xdc00 + ((c - 0x10000) & 0x3ff)));
        else
            TRY(buffer_append_format(out, "\\u%04x", c));
    }
    return buffer_append_byte(out, '"');
}

static Error *append_entry(Buffer *out, size_t index, const LocalEntry *entry)
{
    TRY(buffer_append_str(out, index ? STR(",\n    {\n      \"name\": ") : STR("\n    {\n      \"name\": ")));
    TRY(append_ascii_string(out, entry->name));
    TRY(buffer_append_format(out, ",\n      \"size\": %llu,\n      \"hash\": ", (unsigned long long)entry->size_bytes));
    TRY(entry->has_hash ? append_ascii_string(out, entry->hash) : buffer_append_str(out, STR("null")));
    return buffer_append_str(out, STR("\n    }"));
}

/* Where the text goes: `*ret_more` false ends it early. */
typedef Error *TextFn(void *context, Bytes text, bool *ret_more);

static Error *produce(const LocalEntries *entries, TextFn *put, void *context)
{
    CLEANUP(buffer_done) Buffer text = {0};
    LocalEntry entry;
    size_t index = 0;
    bool more = true;
    TRY(buffer_append_str(&text, STR("{\n  \"files\": [")));
    for (; entries->next(entries->context, index, &entry); index++) {
        TRY(append_entry(&text, index, &entry));
        if (text.len < WRITE_BYTES)
            continue;
        TRY(put(context, buffer_bytes(&text), &more));
        if (!more)
            return NULL;
        buffer_clear(&text);
    }
    TRY(buffer_append_str(&text, index ? STR("\n  ]\n}") : STR("]\n}")));
    return put(context, buffer_bytes(&text), &more);
}

/* ---- comparing and writing ---- */

typedef struct Comparison {
    FileInput input;
    bool same;
} Comparison;

/* The next `len` bytes of the file, or fewer at its end. */
static Error *read_fully(FileInput *input, uint8_t *out, size_t len, size_t *ret_len)
{
    size_t got;
    for (*ret_len = 0; *ret_len < len; *ret_len += got) {
        TRY(read_piece(input, out + *ret_len, len - *ret_len, &got));
        if (got == 0)
            break;
    }
    return NULL;
}

static Error *compare(void *context, Bytes text, bool *ret_more)
{
    Comparison *comparison = context;
    uint8_t piece[4096];
    for (size_t at = 0; at < text.len && comparison->same;) {
        size_t wanted = MIN(sizeof piece, text.len - at), got;
        TRY(read_fully(&comparison->input, piece, wanted, &got));
        comparison->same = got == wanted && memcmp(piece, text.data + at, got) == 0;
        at += got;
    }
    *ret_more = comparison->same;
    return NULL;
}

Error *manifest_local_is(const char *path, const LocalEntries *entries, bool *ret_is)
{
    CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    *ret_is = false;
    if (fd < 0)
        return NULL; /* whoever reads or writes it says why */
    Comparison comparison = {{fd, path}, true};
    uint8_t behind;
    size_t more = 0;
    TRY(produce(entries, compare, &comparison));
    if (comparison.same)
        TRY(read_piece(&comparison.input, &behind, 1, &more));
    *ret_is = comparison.same && more == 0;
    return NULL;
}

typedef struct FileOutput {
    int fd;
    const char *path;
} FileOutput;

static Error *write_text(void *context, Bytes text, bool *ret_more)
{
    const FileOutput *output = context;
    *ret_more = true;
    for (size_t at = 0; at < text.len;) {
        ssize_t written = write(output->fd, text.data + at, text.len - at);
        if (written < 0 && errno != EINTR)
            return FAIL_ERRNO("write '%s'", output->path);
        at += written > 0 ? (size_t)written : 0;
    }
    return NULL;
}

static Error *sync_directory_of(const char *path)
{
    Str whole = str_of(path);
    size_t slash = str_rfind_char(whole, '/');
    CLEANUP(cleanup_free) char *directory = slash == SIZE_MAX ? strdup(".") : strndup(path, slash ? slash : 1);
    if (!directory)
        return FAIL(NO_MEMORY, "out of memory");
    CLEANUP(cleanup_close) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return FAIL_ERRNO("flush '%s'", directory);
    return NULL;
}

static Error *write_file(const char *part, const LocalEntries *entries)
{
    CLEANUP(cleanup_close) int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, NEW_MODE);
    if (fd < 0)
        return FAIL_ERRNO("write '%s'", part);
    FileOutput output = {fd, part};
    TRY(produce(entries, write_text, &output));
    return fsync(fd) == 0 ? NULL : FAIL_ERRNO("flush '%s'", part);
}

Error *manifest_local_write(const char *path, const LocalEntries *entries)
{
    CLEANUP(buffer_done) Buffer part = {0};
    TRY(buffer_append_format(&part, "%s.part", path));
    const char *part_path = buffer_cstr(&part);
    if (!part_path)
        return FAIL(NO_MEMORY, "out of memory");
    Error *error = write_file(part_path, entries);
    if (!error && rename(part_path, path) != 0)
        error = FAIL_ERRNO("rename '%s' to '%s'", part_path, path);
    if (!error)
        return sync_directory_of(path);
    unlink(part_path);
    return error;
}
