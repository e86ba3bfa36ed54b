#include "document/detect.h"

#include <magic.h>

#include "base/json.h"
#include "document/archive/tar.h"
#include "document/csv/sniff.h"
#include "document/ole_reader.h"
#include "document/zip_reader.h"

enum { SAMPLE_BYTES = 8 * 1024, JSON_TRIED_BYTES = 1024 * 1024 };

/* Written by detect_warm_up alone, before there is a second thread or a lock on the process. */
static magic_t magic_table;

Error *detect_warm_up(void)
{
    if (magic_table)
        return NULL;
    magic_t table = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_TAR | MAGIC_NO_CHECK_ELF);
    if (!table)
        return FAIL(NO_MEMORY, "open libmagic: no memory");
    if (magic_load(table, NULL) != 0) {
        Error *error = FAIL(UNAVAILABLE, "load libmagic's table of file types: %s", magic_error(table));
        magic_close(table);
        return error;
    }
    magic_table = table;
    return NULL;
}

typedef struct NamedType {
    const char *name, *filetype;
} NamedType;

/* Only the extensions; which of them decide over text is said in detect_text. */
static const NamedType extensions[] = {
    {"bmp", "image/bmp"},
    {"csv", "text/csv"},
    {"doc", "application/msword"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"eml", "message/rfc822"},
    {"epub", "application/epub"},
    {"heic", "image/heic"},
    {"htm", "text/html"},
    {"html", "text/html"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"json", "application/json"},
    {"log", "text/plain"},
    {"markdown", "text/markdown"},
    {"md", "text/markdown"},
    {"msg", "application/vnd.ms-outlook"},
    {"ndjson", "application/x-ndjson"},
    {"odt", "application/vnd.oasis.opendocument.text"},
    {"org", "text/org"},
    {"p7s", "message/rfc822"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"ppt", "application/vnd.ms-powerpoint"},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"rst", "text/x-rst"},
    {"rtf", "text/rtf"},
    {"tab", "text/tsv"},
    {"text", "text/plain"},
    {"tiff", "image/tiff"},
    {"tsv", "text/tsv"},
    {"txt", "text/plain"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"xml", "application/xml"},
    {"yaml", "text/plain"},
    {"yml", "text/plain"},
    {"zip", "application/zip"},
};

static Str extension_of(Str filename)
{
    size_t dot = str_rfind_char(filename, '.');
    return dot == SIZE_MAX ? STR_EMPTY : str_slice(filename, dot + 1, filename.len);
}

/* "" when the extension is unknown. */
static Str type_by_extension(Str extension)
{
    for (size_t i = 0; i < ARRAY_COUNT(extensions); i++) {
        if (str_equal_nocase(extension, str_of(extensions[i].name)))
            return str_of(extensions[i].filetype);
    }
    return STR_EMPTY;
}

static bool is_one_of(Str extension, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal_nocase(extension, str_of(names[i])))
            return true;
    }
    return false;
}

static bool begins(Bytes input, Str mark)
{
    return str_starts_with(bytes_str(input), mark);
}

/* The streams of the root say whose file it is; of one that is damaged, its name. */
static Str type_of_ole(Bytes input, Str extension)
{
    static const struct {
        const char *stream, *filetype;
    } streams[] = {
        {"WordDocument", "application/msword"},
        {"PowerPoint Document", "application/vnd.ms-powerpoint"},
        {"Workbook", "application/vnd.ms-excel"},
        {"Book", "application/vnd.ms-excel"},
        {"__properties_version1.0", "application/vnd.ms-outlook"},
        {"EncryptedPackage", "application/encrypted"}, /* any Office file of today with a password */
    };
    CLEANUP(ole_reader_freep) OleReader *reader = NULL;
    Error *error = ole_reader_new(input, &reader);
    bool damaged = error != NULL;
    error_free(error); /* its partitioner says it again, to who wants to know */
    for (size_t i = 0; i < ARRAY_COUNT(streams); i++) {
        uint32_t index;
        Str filetype = str_of(streams[i].filetype);
        if (damaged ? str_equal(type_by_extension(extension), filetype)
                    : ole_reader_find(reader, OLE_ROOT, str_of(streams[i].stream), &index))
            return filetype;
    }
    return STR("application/x-ole-storage");
}

/* Office files by the names of their parts, EPUB and ODT by what their member `mimetype` says; the rest are archives. */
static Str type_of_members(ZipReader *zip)
{
    static const struct {
        const char *begins, *filetype;
    } parts[] = {
        {"word/document", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
        {"xl/workbook", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
        {"ppt/presentation", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    };
    for (size_t i = 0; i < zip_reader_count(zip); i++) {
        Str name = zip_reader_name(zip, i);
        for (size_t p = 0; p < ARRAY_COUNT(parts) && str_ends_with(name, STR(".xml")); p++) {
            if (str_starts_with(name, str_of(parts[p].begins)))
                return str_of(parts[p].filetype);
        }
    }
    CLEANUP(buffer_done) Buffer mimetype = {.limit = KIB};
    Error *error = zip_reader_read_name(zip, STR("mimetype"), &mimetype);
    error_free(error); /* there need not be one */
    Str type = str_trim(buffer_str(&mimetype));
    if (str_equal(type, STR("application/epub+zip")))
        return STR("application/epub");
    return str_equal(type, STR("application/vnd.oasis.opendocument.text"))
               ? STR("application/vnd.oasis.opendocument.text")
               : STR("application/zip");
}

/* A zip that cannot be read is what its name says, so that the reader of that type says what is wrong with it. */
static Str type_of_zip(Bytes input, Str extension)
{
    static const char *const zips[] = {"docx", "epub", "odt", "pptx", "xlsx"};
    CLEANUP(zip_reader_freep) ZipReader *zip = NULL;
    Expansion expansion = expansion_for(input);
    Error *error = zip_reader_new(input, &expansion, &zip);
    bool readable = !error;
    error_free(error);
    if (readable)
        return type_of_members(zip);
    return is_one_of(extension, zips, ARRAY_COUNT(zips)) ? type_by_extension(extension) : STR("application/zip");
}

static bool is_text_byte(uint8_t c)
{
    return c >= 0x20 || (c >= '\a' && c <= '\r') || c == 0x1B;
}

/* Text in some encoding: a byte order mark, zeros in one place of two or four, or no control characters. */
static bool looks_like_text(Bytes sample)
{
    if (begins(sample, STR("\xFF\xFE")) || begins(sample, STR("\xFE\xFF")) || begins(sample, STR("\0\0\xFE\xFF")))
        return true;
    size_t zeros[2] = {0}, controls = 0;
    for (size_t i = 0; i < sample.len; i++) {
        zeros[i % 2] += sample.data[i] == 0;
        controls += sample.data[i] != 0 && !is_text_byte(sample.data[i]);
    }
    if (controls > 0)
        return false;
    size_t fewer = MIN(zeros[0], zeros[1]), more = MAX(zeros[0], zeros[1]);
    return more == 0 || (fewer == 0 && more * 4 > sample.len);
}

/* What stands first, past marks, white space, comments and declarations of XML, is one of the tags that begin a page. */
static bool looks_like_html(Str text)
{
    static const char *const starts[] = {"<!doctype html", "<html",  "<head",   "<body", "<title", "<script",
                                         "<style",         "<table", "<div",    "<h1",   "<meta",  "<link",
                                         "<a href",        "<img",   "<iframe", "<br>",  "<p>"};
    text = str_trim(str_starts_with(text, STR("\xEF\xBB\xBF")) ? str_slice(text, 3, text.len) : text);
    while (str_starts_with(text, STR("<!--")) || str_starts_with(text, STR("<?xml"))) {
        size_t end = str_find(text, text.data[1] == '?' ? STR("?>") : STR("-->"));
        if (end == SIZE_MAX)
            return false;
        text = str_trim(str_slice(text, end + (text.data[1] == '?' ? 2 : 3), text.len));
    }
    for (size_t i = 0; i < ARRAY_COUNT(starts); i++) {
        Str start = str_of(starts[i]);
        if (str_equal_nocase(str_slice(text, 0, start.len), start))
            return true;
    }
    return false;
}

/* Whole lines at the start of `text`, one JSON value each: how many; 0 when one is none. */
static size_t json_lines(Str text)
{
    size_t count = 0;
    Str rest = text, line;
    if (text.len > JSON_TRIED_BYTES) {
        size_t end = str_rfind_char(str_slice(text, 0, JSON_TRIED_BYTES), '\n');
        rest = str_slice(text, 0, end == SIZE_MAX ? 0 : end);
    }
    while (str_next_piece(&rest, '\n', &line)) {
        CLEANUP(cleanup_json) json_t *root = NULL;
        line = str_trim(line);
        if (line.len == 0)
            continue;
        Error *error = json_read(str_bytes(line), &root);
        error_free(error); /* no JSON is an answer, not a failure */
        if (!root)
            return 0;
        count++;
    }
    return count;
}

/* JSON in one piece, or a value a line? */
static Str type_of_json(Str text, Str extension)
{
    bool named = str_equal_nocase(extension, STR("ndjson")), cut = text.len > JSON_TRIED_BYTES;
    size_t lines = json_lines(text);
    return lines > 1 || (lines == 1 && (named || cut)) ? STR("application/x-ndjson") : STR("application/json");
}

static bool looks_like_json(Str text)
{
    Str trimmed = str_trim(text);
    if (trimmed.len < 2 || (trimmed.data[0] != '[' && trimmed.data[0] != '{'))
        return false;
    if (trimmed.len > JSON_TRIED_BYTES && trimmed.data[trimmed.len - 1] == (trimmed.data[0] == '[' ? ']' : '}'))
        return true;
    CLEANUP(cleanup_json) json_t *root = NULL;
    Error *error = trimmed.len > JSON_TRIED_BYTES ? NULL : json_read(str_bytes(trimmed), &root);
    error_free(error); /* no JSON is an answer, not a failure */
    return root || json_lines(trimmed) > 1;
}

/* The headers that mail begins with, in the order in which they are wanted. */
static bool looks_like_mail(Str text)
{
    static const char *const headers[] = {"Date:", "Message-ID:", "Subject:", "From:", "To:"};
    Str line;
    bool more = str_next_piece(&text, '\n', &line);
    if (more && str_starts_with(line, STR("MIME-Version: 1.0")))
        more = str_next_piece(&text, '\n', &line);
    for (size_t i = 0; i < ARRAY_COUNT(headers); i++) {
        if (!more || !str_starts_with(line, str_of(headers[i])))
            return false;
        more = str_next_piece(&text, '\n', &line);
    }
    return true;
}

static Str type_of_text(Bytes input, Bytes sample, Str extension)
{
    static const char *const deciding[] = {"csv", "eml", "html", "htm", "markdown", "md",
                                           "org", "p7s", "rst",  "rtf", "tab",      "tsv"};
    static const char *const plain[] = {"txt", "text"};
    Str text = bytes_str(input);
    if (str_equal_nocase(extension, STR("json")) || str_equal_nocase(extension, STR("ndjson")))
        return type_of_json(text, extension);
    if (is_one_of(extension, deciding, ARRAY_COUNT(deciding)))
        return type_by_extension(extension);
    if (begins(sample, STR("{\\rtf")))
        return STR("text/rtf");
    if (begins(sample, STR("<?xml")) || begins(sample, STR("\xEF\xBB\xBF<?xml"))
        || str_equal_nocase(extension, STR("xml")))
        return looks_like_html(text) ? STR("text/html") : STR("application/xml");
    if (looks_like_json(text))
        return type_of_json(text, extension);
    if (csv_is_likely(text))
        return STR("text/csv");
    if (looks_like_mail(text))
        return STR("message/rfc822");
    if (is_one_of(extension, plain, ARRAY_COUNT(plain)))
        return STR("text/plain");
    return looks_like_html(text) ? STR("text/html") : STR("text/plain");
}

/* libmagic's word for it; its own memory, good until it is asked again. */
static Str type_by_magic(Bytes sample)
{
    ASSERT(magic_table);
    Str type = str_of(magic_buffer(magic_table, sample.data, sample.len));
    return type.len > 0 ? type : STR("application/octet-stream");
}

Str detect_filetype(Bytes input, Str filename)
{
    Bytes sample = {input.data, MIN(input.len, (size_t)SAMPLE_BYTES)};
    Str extension = extension_of(filename);
    if (input.len == 0)
        return STR("inode/x-empty");
    if (begins(input, STR("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")))
        return type_of_ole(input, extension);
    if (begins(input, STR("PK\x03\x04")) || begins(input, STR("PK\x05\x06")))
        return type_of_zip(input, extension);
    if (tar_begins(input))
        return STR("application/x-tar");
    if (str_find(str_slice(bytes_str(sample), 0, KIB), STR("%PDF-")) != SIZE_MAX)
        return STR("application/pdf");
    if (looks_like_text(sample))
        return type_of_text(input, sample, extension);
    Str type = type_by_magic(sample);
    bool unknown = str_equal(type, STR("application/octet-stream")) || str_starts_with(type, STR("text/"));
    Str by_name = unknown ? type_by_extension(extension) : STR_EMPTY;
    return by_name.len > 0 ? by_name : type;
}
