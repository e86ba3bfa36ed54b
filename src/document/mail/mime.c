#include "document/mail/mime.h"

#include "document/mail/transfer.h"
#include "document/text/charset.h"

enum { LEVELS_MAX = 64, PARTS_MAX = 10 * 1000, START_LOOKED_AT_BYTES = 4 * 1024 };

/* What is counted while a mail is read. */
typedef struct MimeReader {
    Arena *arena;
    size_t parts;
} MimeReader;

MUST_USE static Error *read_part(MimeReader *reader, Bytes input, unsigned levels_left, const char *default_type,
                                 MimePart **ret_part);

bool mime_is_multipart(const MimePart *part)
{
    return str_starts_with(part->type, STR("multipart/"));
}

bool mime_is_text(const MimePart *part)
{
    return str_starts_with(part->type, STR("text/"));
}

/* A type has one slash, with something on both sides; what has not is text. */
static bool type_is_valid(Str type)
{
    size_t slash = str_find_char(type, '/');
    return slash != SIZE_MAX && slash > 0 && slash + 1 < type.len && str_rfind_char(type, '/') == slash
           && str_find_char(type, ' ') == SIZE_MAX;
}

MUST_USE static Error *read_type(MimePart *part, Arena *arena, const char *default_type)
{
    Str value;
    part->type = str_of(default_type);
    if (!mail_header_find(&part->headers, STR("Content-Type"), &value))
        return NULL;
    TRY(mail_header_word(value, arena, &part->type));
    if (!type_is_valid(part->type))
        part->type = STR("text/plain");
    return NULL;
}

MUST_USE static Error *read_disposition(MimePart *part, Arena *arena)
{
    Str value, word;
    if (!mail_header_find(&part->headers, STR("Content-Disposition"), &value))
        return NULL;
    TRY(mail_header_word(value, arena, &word));
    part->is_attachment = str_equal(word, STR("attachment"));
    return NULL;
}

/* A line `--boundary` or `--boundary--`. */
typedef struct BoundaryLine {
    size_t start, end; /* of the line; the end is behind its line feed */
    bool closes;
} BoundaryLine;

static bool is_boundary(Str line, Str boundary, bool *ret_closes)
{
    if (!str_starts_with(line, STR("--")))
        return false;
    line = str_slice(line, 2, line.len);
    if (!str_starts_with(line, boundary))
        return false;
    line = str_slice(line, boundary.len, line.len);
    *ret_closes = str_starts_with(line, STR("--"));
    return str_trim(str_slice(line, *ret_closes ? 2 : 0, line.len)).len == 0;
}

/* The next line from `at` on, the start of a line, that is a boundary. */
static bool find_boundary(Str text, size_t at, Str boundary, BoundaryLine *ret_line)
{
    while (at < text.len) {
        Str rest = str_slice(text, at, text.len);
        size_t end = str_find_char(rest, '\n');
        end = end == SIZE_MAX ? rest.len : end + 1;
        if (rest.data[0] == '-' && is_boundary(str_slice(rest, 0, end), boundary, &ret_line->closes)) {
            ret_line->start = at;
            ret_line->end = at + end;
            return true;
        }
        /* from here on only lines that begin with two hyphens matter */
        size_t next = str_find(str_slice(rest, end - 1, rest.len), STR("\n--"));
        if (next == SIZE_MAX)
            return false;
        at += end - 1 + next + 1;
    }
    return false;
}

/* The line end in front of a boundary belongs to it. */
static Bytes without_line_end(Bytes content)
{
    if (content.len > 0 && content.data[content.len - 1] == '\n')
        content.len--;
    if (content.len > 0 && content.data[content.len - 1] == '\r')
        content.len--;
    return content;
}

MUST_USE static Error *read_children(MimeReader *reader, MimePart *part, Str boundary, unsigned levels_left)
{
    Str text = bytes_str(part->body);
    const char *child_type = mime_is(part, "multipart/digest") ? "message/rfc822" : "text/plain";
    MimePart **last = &part->first_child;
    BoundaryLine line, next;
    bool more = find_boundary(text, 0, boundary, &line);
    while (more && !line.closes && line.end < text.len) {
        more = find_boundary(text, line.end, boundary, &next);
        Bytes content = str_bytes(str_slice(text, line.end, more ? next.start : text.len));
        TRY(read_part(reader, more ? without_line_end(content) : content, levels_left, child_type, last));
        last = &(*last)->next;
        line = next;
    }
    return NULL;
}

MUST_USE static Error *read_part(MimeReader *reader, Bytes input, unsigned levels_left, const char *default_type,
                                 MimePart **ret_part)
{
    Str content_type, boundary = STR_EMPTY;
    if (++reader->parts > PARTS_MAX)
        return FAIL(LIMIT, "mail: more than %d parts", PARTS_MAX);
    MimePart *part = ARENA_NEW(reader->arena, MimePart);
    if (!part)
        return arena_error(reader->arena);
    TRY(mail_headers_read(&input, reader->arena, &part->headers));
    part->body = input;
    TRY(read_type(part, reader->arena, default_type));
    TRY(read_disposition(part, reader->arena));
    *ret_part = part;
    if (!mime_is_multipart(part))
        return NULL;
    if (mail_header_find(&part->headers, STR("Content-Type"), &content_type))
        TRY(mail_header_parameter(content_type, STR("boundary"), reader->arena, &boundary));
    if (boundary.len == 0)
        return NULL;
    if (levels_left == 0)
        return FAIL(LIMIT, "mail: parts are more than %d levels deep in one another", LEVELS_MAX);
    return read_children(reader, part, boundary, levels_left - 1);
}

Error *mime_read(Bytes input, Arena *arena, MimePart **ret_root)
{
    MimeReader reader = {.arena = arena};
    return read_part(&reader, input, LEVELS_MAX, "text/plain", ret_root);
}

/* The part that a multipart/related is about: the one its `start` names, else the first. */
static const MimePart *related_root(const MimePart *part)
{
    Str content_type;
    if (!mail_header_find(&part->headers, STR("Content-Type"), &content_type))
        return part->first_child;
    content_type = str_slice(content_type, 0, START_LOOKED_AT_BYTES);
    for (const MimePart *child = part->first_child; child; child = child->next) {
        Str id;
        if (mail_header_find(&child->headers, STR("Content-ID"), &id) && str_trim(id).len > 2
            && str_find(content_type, str_trim(id)) != SIZE_MAX)
            return child;
    }
    return part->first_child;
}

/* The best body below `part`: html before plain, the first of each. `*plain` and `*html` are set when they are not yet. */
static void find_body(const MimePart *part, const MimePart **plain, const MimePart **html)
{
    if (part->is_attachment || *html)
        return;
    if (mime_is(part, "text/html"))
        *html = part;
    else if (mime_is(part, "text/plain") && !*plain)
        *plain = part;
    else if (mime_is(part, "multipart/related") && part->first_child)
        find_body(related_root(part), plain, html);
    else if (mime_is_multipart(part)) {
        for (const MimePart *child = part->first_child; child; child = child->next)
            find_body(child, plain, html);
    }
}

const MimePart *mime_body(const MimePart *root)
{
    const MimePart *plain = NULL, *html = NULL;
    find_body(root, &plain, &html);
    return html ? html : plain;
}

MimeAttachments mime_attachments(const MimePart *root)
{
    MimeAttachments walk = {.root = root};
    if (mime_is_multipart(root) && !mime_is(root, "multipart/alternative"))
        walk.next = root->first_child;
    if (mime_is(root, "multipart/related"))
        walk.related_root = related_root(root);
    return walk;
}

/* Whether `part` may be a body and is the first of its kind. */
static bool take_body_kind(MimeAttachments *walk, const MimePart *part)
{
    const struct {
        const char *type;
        bool *seen;
    } kinds[] = {{"text/plain", &walk->seen_plain},
                 {"text/html", &walk->seen_html},
                 {"multipart/related", &walk->seen_related},
                 {"multipart/alternative", &walk->seen_alternative}};
    for (size_t i = 0; !part->is_attachment && i < ARRAY_COUNT(kinds); i++) {
        if (mime_is(part, kinds[i].type) && !*kinds[i].seen)
            return *kinds[i].seen = true;
    }
    return false;
}

const MimePart *mime_attachments_next(MimeAttachments *walk)
{
    while (walk->next) {
        const MimePart *part = walk->next;
        walk->next = part->next;
        if (walk->related_root ? part != walk->related_root : !take_body_kind(walk, part))
            return part;
    }
    return NULL;
}

Error *mime_decode_body(const MimePart *part, Arena *arena, Bytes *ret_bytes)
{
    Str value, encoding = STR_EMPTY;
    if (mail_header_find(&part->headers, STR("Content-Transfer-Encoding"), &value))
        TRY(mail_header_word(value, arena, &encoding));
    if (str_equal(encoding, STR("base64")))
        return transfer_decode_base64(part->body, arena, ret_bytes);
    if (str_equal(encoding, STR("quoted-printable")))
        return transfer_decode_quoted_printable(part->body, TRANSFER_BODY, arena, ret_bytes);
    *ret_bytes = part->body;
    return NULL;
}

Error *mime_decode_text(const MimePart *part, Arena *arena, Str *ret_text)
{
    Str content_type, charset = STR_EMPTY;
    Bytes bytes;
    if (mail_header_find(&part->headers, STR("Content-Type"), &content_type))
        TRY(mail_header_parameter(content_type, STR("charset"), arena, &charset));
    TRY(mime_decode_body(part, arena, &bytes));
    return charset_decode(bytes, mail_charset(charset), arena, ret_text);
}

Error *mime_filename(const MimePart *part, Arena *arena, Str *ret_name)
{
    Str value, name = STR_EMPTY;
    if (mail_header_find(&part->headers, STR("Content-Disposition"), &value))
        TRY(mail_header_parameter(value, STR("filename"), arena, &name));
    if (name.len == 0 && mail_header_find(&part->headers, STR("Content-Type"), &value))
        TRY(mail_header_parameter(value, STR("name"), arena, &name));
    return mail_base_name(name, arena, ret_name);
}

Error *mail_base_name(Str path, Arena *arena, Str *ret_name)
{
    size_t slash = str_rfind_char(path, '/'), backslash = str_rfind_char(path, '\\');
    slash = slash == SIZE_MAX ? 0 : slash + 1;
    backslash = backslash == SIZE_MAX ? 0 : backslash + 1;
    Str base = str_slice(path, MAX(slash, backslash), path.len);
    char *out = arena_alloc(arena, base.len + 1);
    if (!out)
        return arena_error(arena);
    size_t len = 0;
    for (size_t i = 0; i < base.len; i++) {
        if ((unsigned char)base.data[i] >= ' ' && base.data[i] != 0x7F)
            out[len++] = base.data[i];
    }
    Str name = str_trim(str_from(out, len));
    bool no_name = str_equal(name, STR(".")) || str_equal(name, STR(".."));
    *ret_name = no_name ? STR_EMPTY : name;
    return NULL;
}
