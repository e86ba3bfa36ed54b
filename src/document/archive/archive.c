/* Archives as folders of documents: each member of a zip or tar file, and what a packed file holds, is partitioned like a document of its own.
 * Names are only data, wherever they lead; folders, links and devices are passed over, and so is what macOS adds to its zips.
 * A member that cannot be read does not keep the others away: the first such is told of in the end. Source: spec/reliability.md F26, F29. */
#include "document/archive/tar.h"
#include "document/archive/unpack.h"
#include "document/builder.h"
#include "document/zip_reader.h"

#define PATH_BYTES_MAX (64 * KIB)
#define UNPACKED_BYTES_MAX ((uint64_t)512 * MIB) /* what expansion_take grants one member */

typedef struct Archive {
    Str filetype;
    const PartitionOptions *options;
    const PartitionWatch *watch;
    Builder builder;
    Error *first_error; /* of a member */
} Archive;

static void archive_done(Archive *archive)
{
    error_free(archive->first_error);
}

static Str base_name(Str path)
{
    size_t slash = str_rfind_char(path, '/');
    return slash == SIZE_MAX ? path : str_slice(path, slash + 1, path.len);
}

/* No budget that is common to all members is used up. */
static bool others_may_be_read(const Archive *archive, const Error *error)
{
    const Expansion *expansion = archive->options->expansion;
    if (error_code(error) == ERR_LIMIT)
        return expansion->members_left > 0 && expansion->bytes_left > 0 && archive->builder.text_left > 0;
    return error_code(error) != ERR_NO_MEMORY;
}

/* Keeps the first error of a member and goes on, or gives it back when there is no point in that. */
MUST_USE static Error *after_member(Archive *archive, Str path, Error *take_error)
{
    if (!take_error)
        return NULL;
    bool go_on = others_may_be_read(archive, take_error);
    Error *error = error_wrap(take_error, "member '" STR_FMT "'", STR_ARG(str_slice(path, 0, 500)));
    if (!go_on)
        return error;
    if (archive->first_error)
        error_free(error);
    else
        archive->first_error = error;
    return NULL;
}

/* Members of an archive in an archive have the inner one's path before their own. */
MUST_USE static Error *keep_path(Archive *archive, Str path, Str *ret_path)
{
    Arena *arena = archive->builder.elements->arena;
    Str outer = archive->options->path;
    if (outer.len == 0) {
        *ret_path = arena_str(arena, path);
        return ret_path->data ? NULL : arena_error(arena);
    }
    if (outer.len > PATH_BYTES_MAX || path.len > PATH_BYTES_MAX - outer.len)
        return FAIL(LIMIT, "its path and those of the archives around it are longer than %d bytes",
                    (int)PATH_BYTES_MAX);
    *ret_path = str_of(arena_format(arena, STR_FMT "/" STR_FMT, STR_ARG(outer), STR_ARG(path)));
    return ret_path->len > 0 ? NULL : arena_error(arena);
}

/* Each member is a sign of life: the silence limit is for one of them, not for all. */
MUST_USE static Error *add_member(Archive *archive, Str path, Bytes content)
{
    Elements *elements = archive->builder.elements;
    ElementPart *part = ARENA_NEW(elements->arena, ElementPart);
    if (!part)
        return arena_error(elements->arena);
    *part = (ElementPart){0};
    TRY(keep_path(archive, path, &part->path));
    part->filename = base_name(part->path);
    archive->builder.units++;
    if (archive->watch)
        archive->watch->progress(archive->watch->context, archive->builder.units);
    return partition_child(content, part, archive->options, archive->watch, elements, &archive->builder.text_left);
}

static bool is_passed_over(Str path)
{
    return path.len == 0 || str_ends_with(path, STR("/")) || str_starts_with(path, STR("__MACOSX/"));
}

MUST_USE static Error *add_zip_member(Archive *archive, ZipReader *zip, size_t index)
{
    CLEANUP(buffer_done) Buffer content = {0};
    TRY(zip_reader_read(zip, index, &content));
    return add_member(archive, zip_reader_name(zip, index), buffer_bytes(&content));
}

MUST_USE static Error *add_zip(Archive *archive, Bytes input)
{
    CLEANUP(zip_reader_freep) ZipReader *zip = NULL;
    TRY(zip_reader_new(input, archive->options->expansion, &zip));
    for (size_t i = 0; i < zip_reader_count(zip); i++) {
        Str path = zip_reader_name(zip, i);
        if (!is_passed_over(path))
            TRY(after_member(archive, path, add_zip_member(archive, zip, i)));
    }
    return NULL;
}

MUST_USE static Error *add_tar_member(Archive *archive, const TarMember *member)
{
    TRY(expansion_take(archive->options->expansion, member->name, 0));
    if (member->kind == TAR_SPARSE)
        return FAIL(UNSUPPORTED, "a file with holes");
    return add_member(archive, member->name, member->content);
}

MUST_USE static Error *add_tar(Archive *archive, Bytes input)
{
    TarReader tar = {reader_of(input), archive->builder.elements->arena};
    TarMember member;
    bool more;
    for (;;) {
        TRY(tar_next(&tar, &member, &more));
        if (!more)
            return NULL;
        if (member.kind != TAR_OTHER && !is_passed_over(member.name))
            TRY(after_member(archive, member.name, add_tar_member(archive, &member)));
    }
}

/* Without the ending that says how it is packed: `a.tar` for `a.tgz`, `a.txt` for `a.txt.gz`. */
MUST_USE static Error *inner_name(Arena *arena, Str filename, Str *ret_name)
{
    static const struct {
        const char *ending, *instead;
    } endings[] = {{".tgz", ".tar"}, {".tbz", ".tar"}, {".tbz2", ".tar"}, {".tzst", ".tar"},
                   {".gz", ""},      {".bz2", ""},     {".zst", ""},      {".zstd", ""}};
    *ret_name = filename.len > 0 ? filename : STR_EMPTY;
    for (size_t i = 0; i < ARRAY_COUNT(endings); i++) {
        Str ending = str_of(endings[i].ending);
        if (filename.len <= ending.len
            || !str_equal_nocase(str_slice(filename, filename.len - ending.len, filename.len), ending))
            continue;
        *ret_name = str_of(arena_format(arena, STR_FMT "%s", STR_ARG(str_slice(filename, 0, filename.len - ending.len)),
                                        endings[i].instead));
        return ret_name->len > 0 ? NULL : arena_error(arena);
    }
    return NULL;
}

/* A packed tar file is the archive itself, anything else its one member. What was unpacked before an error is read. */
MUST_USE static Error *add_packed(Archive *archive, Bytes input, Unpacker *unpack)
{
    Str name;
    Expansion *expansion = archive->options->expansion;
    TRY(inner_name(archive->builder.elements->arena, archive->options->filename, &name));
    CLEANUP(buffer_done) Buffer content = {.limit = (size_t)MIN(MAX(expansion->bytes_left, 1U), UNPACKED_BYTES_MAX)};
    CLEANUP(error_freep) Error *unpack_error = unpack(input, &content);
    if (error_code(unpack_error) == ERR_LIMIT)
        return expansion_take(expansion, name, content.limit + 1);
    TRY(expansion_take(expansion, name, content.len));
    bool is_tar = tar_begins(buffer_bytes(&content));
    Error *error = is_tar ? add_tar(archive, buffer_bytes(&content))
                          : after_member(archive, name, add_member(archive, name, buffer_bytes(&content)));
    if (error || !unpack_error)
        return error;
    error = unpack_error;
    unpack_error = NULL;
    return error;
}

MUST_USE static Error *add_members(Archive *archive, Bytes input)
{
    if (str_equal(archive->filetype, STR("application/zip")))
        return add_zip(archive, input);
    if (str_equal(archive->filetype, STR("application/x-tar")))
        return add_tar(archive, input);
    if (str_equal(archive->filetype, STR("application/gzip")))
        return add_packed(archive, input, unpack_gzip);
    if (str_equal(archive->filetype, STR("application/x-bzip2")))
        return add_packed(archive, input, unpack_bzip2);
    return add_packed(archive, input, unpack_zstd);
}

Error *partition_archive(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                         Elements *elements)
{
    ASSERT(options->expansion);
    if (!options->uncompress)
        return FAIL(UNSUPPORTED, "unsupported type: " STR_FMT "; the documents in it are read with --uncompress",
                    STR_ARG(filetype));
    CLEANUP(archive_done) Archive archive = {.filetype = filetype, .options = options, .watch = watch};
    builder_init(&archive.builder, options, watch, elements);
    TRY_CTX(add_members(&archive, input), "archive");
    Error *error = archive.first_error;
    archive.first_error = NULL;
    return error ? error_wrap(error, "archive") : NULL;
}
