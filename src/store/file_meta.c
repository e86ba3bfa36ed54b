#include "store/file_meta.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/json.h"
#include "store/file_path.h"

#define ATTRIBUTE "user.quern."
#define ATTRIBUTE_META ATTRIBUTE "meta."
#define ATTRIBUTE_PROBE ATTRIBUTE "content_type"
enum { SIDECAR_MAX_BYTES = 256 * 1024 };

/* The headers that a file keeps: names of attributes and, beside it, of members. */
static const struct {
    const char *name;
    size_t offset;
} kept_headers[] = {
    {"content_type", offsetof(ObjectHeaders, content_type)},
    {"cache_control", offsetof(ObjectHeaders, cache_control)},
    {"content_disposition", offsetof(ObjectHeaders, content_disposition)},
    {"content_encoding", offsetof(ObjectHeaders, content_encoding)},
    {"content_language", offsetof(ObjectHeaders, content_language)},
    {"expires", offsetof(ObjectHeaders, expires)},
};

static Str kept_header(const ObjectHeaders *headers, size_t i)
{
    return *(const Str *)(const void *)((const char *)headers + kept_headers[i].offset);
}

static Str *kept_header_place(ObjectHeaders *headers, size_t i)
{
    return (Str *)(void *)((char *)headers + kept_headers[i].offset);
}

static bool says_anything(const PutOptions *options)
{
    for (size_t i = 0; i < ARRAY_COUNT(kept_headers); i++) {
        if (kept_header(&options->headers, i).len > 0)
            return true;
    }
    return options->metadata.count > 0;
}

/* ---- extended attributes ---- */

MUST_USE static Error *attribute_error(const FileMetaPlace *place, Str name)
{
    int number = errno;
    if (number == ERANGE || number == E2BIG || number == ENOSPC)
        return FAIL(INVALID,
                    "keep the metadata '" STR_FMT "' of '%s': it does not fit into this file system's attributes",
                    STR_ARG(name), place->name);
    errno = number;
    return FAIL_ERRNO("keep the metadata '" STR_FMT "' of '%s'", STR_ARG(name), place->name);
}

MUST_USE static Error *write_attribute(const FileMetaPlace *place, int fd, const char *prefix, Str name, Str value,
                                       bool *ret_supported)
{
    char attribute[XATTR_NAME_MAX + 1];
    int len = snprintf(attribute, sizeof(attribute), "%s" STR_FMT, prefix, STR_ARG(name));
    if (len < 0 || (size_t)len >= sizeof(attribute))
        return FAIL(INVALID, "keep the metadata of '%s': the name '" STR_FMT "' is too long", place->name,
                    STR_ARG(name));
    *ret_supported = true;
    if (fsetxattr(fd, attribute, value.data, value.len, 0) == 0)
        return NULL;
    if (errno == ENOTSUP) {
        *ret_supported = false;
        return NULL;
    }
    return attribute_error(place, name);
}

MUST_USE static Error *write_attributes(const FileMetaPlace *place, int fd, const PutOptions *options,
                                        bool *ret_supported)
{
    *ret_supported = true;
    for (size_t i = 0; i < ARRAY_COUNT(kept_headers) && *ret_supported; i++) {
        Str value = kept_header(&options->headers, i);
        if (value.len > 0)
            TRY(write_attribute(place, fd, ATTRIBUTE, str_of(kept_headers[i].name), value, ret_supported));
    }
    for (size_t i = 0; i < options->metadata.count && *ret_supported; i++) {
        const MetadataEntry *entry = &options->metadata.entries[i];
        if (entry->name.len == 0 || memchr(entry->name.data, '\0', entry->name.len))
            return FAIL(INVALID, "keep the metadata of '%s': a name is empty or holds a NUL byte", place->name);
        TRY(write_attribute(place, fd, ATTRIBUTE_META, entry->name, entry->value, ret_supported));
    }
    return NULL;
}

/* An empty value when the attribute is gone meanwhile. */
MUST_USE static Error *read_attribute(int fd, const char *name, Arena *arena, Str *ret_value)
{
    ssize_t size = fgetxattr(fd, name, NULL, 0);
    *ret_value = STR_EMPTY;
    if (size <= 0)
        return NULL;
    char *value = arena_alloc(arena, (size_t)size);
    if (!value)
        return arena_error(arena);
    size = fgetxattr(fd, name, value, (size_t)size);
    if (size > 0)
        *ret_value = str_from(value, (size_t)size);
    return NULL;
}

MUST_USE static Error *read_header(int fd, const char *name, Arena *arena, ObjectHeaders *headers)
{
    for (size_t i = 0; i < ARRAY_COUNT(kept_headers); i++) {
        if (strcmp(name + strlen(ATTRIBUTE), kept_headers[i].name) == 0)
            return read_attribute(fd, name, arena, kept_header_place(headers, i));
    }
    return NULL;
}

/* `names` is what the kernel gave: strings one after the other, each with its NUL. */
MUST_USE static Error *read_attributes(int fd, Str names, Arena *arena, ObjectInfo *info)
{
    size_t count = 0, prefix = strlen(ATTRIBUTE_META);
    for (size_t at = 0; at < names.len; at += strlen(names.data + at) + 1)
        count += str_starts_with(str_of(names.data + at), STR(ATTRIBUTE_META));
    MetadataEntry *entries = ARENA_ARRAY(arena, MetadataEntry, count);
    if (!entries)
        return arena_error(arena);

    size_t filled = 0;
    for (size_t at = 0; at < names.len; at += strlen(names.data + at) + 1) {
        const char *name = names.data + at;
        if (!str_starts_with(str_of(name), STR(ATTRIBUTE)))
            continue;
        if (!str_starts_with(str_of(name), STR(ATTRIBUTE_META))) {
            TRY(read_header(fd, name, arena, &info->headers));
            continue;
        }
        MetadataEntry *entry = &entries[filled++];
        entry->name = arena_str(arena, str_of(name + prefix));
        if (!entry->name.data)
            return arena_error(arena);
        TRY(read_attribute(fd, name, arena, &entry->value));
    }
    info->metadata = (Metadata){entries, filled};
    return NULL;
}

/* ---- the file beside it ---- */

static void sidecar_name(const FileMetaPlace *place, char out[NAME_MAX + 1])
{
    file_name_private(out, place->name, place->inode, FILE_META_DIGITS, FILE_META_SUFFIX);
}

void file_meta_remove(const FileMetaPlace *place)
{
    char name[NAME_MAX + 1];
    sidecar_name(place, name);
    (void)unlinkat(place->dir_fd, name, 0); /* most have none */
}

MUST_USE static Error *sidecar_format(const PutOptions *options, Buffer *out)
{
    JsonWriter w;
    json_begin(&w, out, 0);
    json_open_object(&w);
    for (size_t i = 0; i < ARRAY_COUNT(kept_headers); i++) {
        Str value = kept_header(&options->headers, i);
        if (value.len == 0)
            continue;
        json_put_key(&w, str_of(kept_headers[i].name));
        json_put_str(&w, value);
    }
    json_put_key(&w, STR("metadata"));
    json_open_object(&w);
    for (size_t i = 0; i < options->metadata.count; i++) {
        json_put_key(&w, options->metadata.entries[i].name);
        json_put_str(&w, options->metadata.entries[i].value);
    }
    json_close_object(&w);
    json_close_object(&w);
    return json_finish(&w);
}

/* No reader believes it before the file it describes has its name, so it needs no temporary name itself. */
MUST_USE static Error *sidecar_write(const FileMetaPlace *place, const PutOptions *options)
{
    CLEANUP(buffer_done) Buffer text = {.limit = SIDECAR_MAX_BYTES};
    char name[NAME_MAX + 1];

    TRY_CTX(sidecar_format(options, &text), "keep the metadata of '%s'", place->name);
    sidecar_name(place, name);
    (void)unlinkat(place->dir_fd, name, 0); /* of a file that had this inode before */
    CLEANUP(cleanup_close)
    int fd = openat(place->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0)
        return FAIL_ERRNO("keep the metadata of '%s' in '%s'", place->name, name);
    ssize_t written = write(fd, text.data, text.len);
    if (written == (ssize_t)text.len && fdatasync(fd) == 0)
        return NULL;
    Error *err = written < 0 || written == (ssize_t)text.len
                     ? FAIL_ERRNO("keep the metadata of '%s' in '%s'", place->name, name)
                     : FAIL(NO_SPACE, "keep the metadata of '%s' in '%s': no space left", place->name, name);
    (void)unlinkat(place->dir_fd, name, 0);
    return err;
}

MUST_USE static Error *sidecar_parse(Bytes text, Arena *arena, ObjectInfo *info)
{
    CLEANUP(cleanup_json) json_t *root = NULL;
    TRY(json_read(text, &root));

    const char *name;
    json_t *value;
    json_t *metadata = json_object_get(root, "metadata");
    MetadataEntry *entries = ARENA_ARRAY(arena, MetadataEntry, json_object_size(metadata));
    size_t filled = 0;
    if (!entries)
        return arena_error(arena);
    json_object_foreach(metadata, name, value)
    {
        MetadataEntry *entry = &entries[filled++];
        entry->name = arena_str(arena, str_of(name));
        entry->value = arena_str(arena, str_from(json_string_value(value), json_string_length(value)));
        if (!entry->name.data || !entry->value.data)
            return arena_error(arena);
    }
    for (size_t i = 0; i < ARRAY_COUNT(kept_headers); i++) {
        Str *header = kept_header_place(&info->headers, i);
        *header = arena_str(arena, json_get_str(root, kept_headers[i].name, STR_EMPTY));
        if (!header->data)
            return arena_error(arena);
    }
    info->metadata = (Metadata){entries, filled};
    return NULL;
}

MUST_USE static Error *sidecar_read(const FileMetaPlace *place, Arena *arena, ObjectInfo *info)
{
    char name[NAME_MAX + 1];
    sidecar_name(place, name);
    CLEANUP(cleanup_close) int fd = openat(place->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return NULL;
    if (fd < 0)
        return FAIL_ERRNO("read the metadata of '%s' in '%s'", place->name, name);

    CLEANUP(buffer_done) Buffer text = {.limit = SIDECAR_MAX_BYTES};
    TRY(buffer_reserve(&text, SIDECAR_MAX_BYTES));
    ssize_t got = read(fd, text.data, SIDECAR_MAX_BYTES);
    if (got < 0)
        return FAIL_ERRNO("read the metadata of '%s' in '%s'", place->name, name);
    TRY_CTX(sidecar_parse(bytes_from(text.data, (size_t)got), arena, info), "read the metadata of '%s' in '%s'",
            place->name, name);
    return NULL;
}

/* ---- both ---- */

MUST_USE static Error *write_beside(FileMetaPlace *place, int fd, const PutOptions *options)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return FAIL_ERRNO("keep the metadata of '%s'", place->name);
    place->inode = st.st_ino;
    if (says_anything(options))
        return sidecar_write(place, options);
    file_meta_remove(place); /* of a file that had this inode before */
    return NULL;
}

Error *file_meta_write(FileMetaPlace *place, int fd, const PutOptions *options, bool *ret_beside)
{
    bool supported = true;
    if (!says_anything(options))
        supported = fgetxattr(fd, ATTRIBUTE_PROBE, NULL, 0) >= 0 || errno != ENOTSUP;
    else
        TRY(write_attributes(place, fd, options, &supported));
    *ret_beside = !supported;
    return supported || options->hints_only ? NULL : write_beside(place, fd, options);
}

Error *file_meta_read(const FileMetaPlace *place, int fd, Arena *arena, ObjectInfo *info)
{
    info->headers = (ObjectHeaders){0};
    info->metadata = (Metadata){0};

    ssize_t size = flistxattr(fd, NULL, 0);
    if (size < 0 && errno != ENOTSUP)
        return FAIL_ERRNO("read the metadata of '%s'", place->name);
    if (size < 0)
        return sidecar_read(place, arena, info);
    if (size == 0)
        return NULL;
    char *names = arena_alloc(arena, (size_t)size);
    if (!names)
        return arena_error(arena);
    size = flistxattr(fd, names, (size_t)size);
    if (size < 0)
        return FAIL_ERRNO("read the metadata of '%s'", place->name);
    return read_attributes(fd, str_from(names, (size_t)size), arena, info);
}
