/* Outlook messages: properties in the streams of a compound file. Sources: [MS-OXMSG] 2, [MS-OXPROPS], [MS-OXCMSG] 2.2; spec/unstructured.md 3.7
 * for what becomes of them. */
#include <stdio.h>
#include <stdlib.h>

#include "base/reader.h"
#include "base/time_text.h"
#include "document/mail/attach.h"
#include "document/mail/mime.h"
#include "document/mail/rtf_packed.h"
#include "document/ole_reader.h"
#include "document/text/charset.h"

enum {
    PROPERTY_SUBJECT = 0x0037,
    PROPERTY_SUBMITTED = 0x0039,
    PROPERTY_HEADERS = 0x007D,
    PROPERTY_SENDER_NAME = 0x0C1A,
    PROPERTY_SENDER_ADDRESS = 0x0C1F,
    PROPERTY_BODY = 0x1000,
    PROPERTY_RTF = 0x1009,
    PROPERTY_HTML = 0x1013,
    PROPERTY_ADDRESS = 0x3003,
    PROPERTY_MODIFIED = 0x3008,
    PROPERTY_SMTP_ADDRESS = 0x39FE,
    PROPERTY_DATA = 0x3701,
    PROPERTY_SHORT_NAME = 0x3704,
    PROPERTY_LONG_NAME = 0x3707,
    PROPERTY_BODY_CODEPAGE = 0x3FDE,
    PROPERTY_CODEPAGE = 0x3FFD,
    PROPERTY_SENDER_SMTP = 0x5D01,
    TYPE_INTEGER = 0x0003,
    TYPE_OBJECT = 0x000D,
    TYPE_STRING8 = 0x001E,
    TYPE_STRING = 0x001F,
    TYPE_TIME = 0x0040,
    TYPE_BINARY = 0x0102,
    /* What stands before the properties in their stream. */
    HEADER_BYTES_TOP = 32,
    HEADER_BYTES_EMBEDDED = 24,
    HEADER_BYTES_OTHER = 8
};

/* Between 1601 and 1970, in steps of 100 ns. */
#define FILETIME_OF_UNIX_EPOCH INT64_C(116444736000000000)

/* A message, an attachment or a recipient. */
typedef struct MsgObject {
    OleReader *ole;
    Arena *arena;
    uint32_t storage;
    size_t header_bytes;
    uint32_t codepage, body_codepage; /* 0: not said */
} MsgObject;

MUST_USE static Error *add_message(MailSink *sink, const MsgObject *object, Str filetype);

/* The value of a property that stands in the row itself; false when there is none. */
static bool fixed_property(const MsgObject *object, unsigned property, unsigned type, uint64_t *ret_value)
{
    Bytes rows;
    Error *error = ole_reader_stream_at(object->ole, object->storage, STR("__properties_version1.0"), &rows);
    error_free(error); /* without rows a property is not there */
    if (error || rows.len < object->header_bytes)
        return false;
    Reader in = reader_of(rows);
    uint16_t row_type, row_property;
    uint32_t flags;
    uint64_t value;
    bool found = false;
    reader_skip(&in, object->header_bytes);
    while (!found && reader_u16le(&in, &row_type) && reader_u16le(&in, &row_property) && reader_u32le(&in, &flags)
           && reader_u64le(&in, &value)) {
        found = row_property == property && row_type == type;
        if (found)
            *ret_value = value;
    }
    return found;
}

static bool find_property(const MsgObject *object, unsigned property, unsigned type, uint32_t *ret_index)
{
    char name[32];
    int len = snprintf(name, sizeof name, "__substg1.0_%04X%04X", property, type);
    return ole_reader_find(object->ole, object->storage, str_from(name, (size_t)len), ret_index);
}

/* `BYTES_EMPTY` when there is none. Errors: CORRUPT. */
MUST_USE static Error *binary_property(const MsgObject *object, unsigned property, unsigned type, Bytes *ret_bytes)
{
    uint32_t index;
    *ret_bytes = BYTES_EMPTY;
    return find_property(object, property, type, &index) ? ole_reader_stream(object->ole, index, ret_bytes) : NULL;
}

/* Names of charsets by Windows' numbers of them; "": unknown. */
static Str charset_of_codepage(uint32_t codepage, char out[24])
{
    static const struct {
        uint32_t codepage;
        const char *charset;
    } names[] = {{932, "shift_jis"},     {936, "gbk"},      {949, "euc-kr"},   {950, "big5"},
                 {1200, "utf-16le"},     {20866, "koi8-r"}, {21866, "koi8-u"}, {50220, "iso-2022-jp"},
                 {50221, "iso-2022-jp"}, {51932, "euc-jp"}, {51949, "euc-kr"}, {52936, "hz-gb-2312"},
                 {54936, "gb18030"},     {65001, "utf-8"}};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (names[i].codepage == codepage)
            return str_of(names[i].charset);
    }
    int len = codepage >= 28591 && codepage <= 28606 ? snprintf(out, 24, "iso-8859-%u", codepage - 28590)
                                                     : snprintf(out, 24, "windows-%u", codepage);
    return mail_charset(str_from(out, (size_t)len));
}

MUST_USE static Error *decode_codepage(const MsgObject *object, Bytes bytes, uint32_t codepage, Str *ret_text)
{
    char name[24];
    return charset_decode(bytes, charset_of_codepage(codepage, name), object->arena, ret_text);
}

/* "" when there is none. Errors: CORRUPT, LIMIT, NO_MEMORY. */
MUST_USE static Error *string_property(const MsgObject *object, unsigned property, Str *ret_text)
{
    Bytes bytes;
    uint32_t index;
    *ret_text = STR_EMPTY;
    if (find_property(object, property, TYPE_STRING, &index)) {
        TRY(ole_reader_stream(object->ole, index, &bytes));
        TRY(charset_decode(bytes, STR("utf-16le"), object->arena, ret_text));
    } else if (find_property(object, property, TYPE_STRING8, &index)) {
        TRY(ole_reader_stream(object->ole, index, &bytes));
        bool body = property == PROPERTY_BODY || property == PROPERTY_HTML;
        TRY(decode_codepage(object, bytes, body ? object->body_codepage : object->codepage, ret_text));
    }
    while (ret_text->len > 0 && ret_text->data[ret_text->len - 1] == '\0')
        ret_text->len--;
    return NULL;
}

/* The first of two properties that is there. */
MUST_USE static Error *string_of_two(const MsgObject *object, unsigned first, unsigned second, Str *ret_text)
{
    TRY(string_property(object, first, ret_text));
    return ret_text->len == 0 ? string_property(object, second, ret_text) : NULL;
}

/* A moment as mail's dates are written; "" when there is none. */
MUST_USE static Error *time_property(const MsgObject *object, unsigned property, Str *ret_text)
{
    uint64_t filetime;
    char iso[TIME_TEXT_BYTES];
    *ret_text = STR_EMPTY;
    if (!fixed_property(object, property, TYPE_TIME, &filetime) || filetime > INT64_MAX)
        return NULL;
    int64_t seconds = ((int64_t)filetime - FILETIME_OF_UNIX_EPOCH) / 10000000;
    if (seconds < INT64_C(-62135596800) || seconds >= INT64_C(253402300800)) /* years 1 to 9999 */
        return NULL;
    Str utc = str_slice(time_iso8601(seconds * 1000000, iso), 0, sizeof "YYYY-MM-DDThh:mm:ss" - 1);
    ret_text->data = arena_format(object->arena, STR_FMT "+00:00", STR_ARG(utc));
    ret_text->len = utc.len + sizeof "+00:00" - 1;
    return ret_text->data ? NULL : arena_error(object->arena);
}

static MsgObject object_in(const MsgObject *outer, uint32_t storage, size_t header_bytes)
{
    MsgObject object = *outer;
    object.storage = storage;
    object.header_bytes = header_bytes;
    return object;
}

static MsgObject message_in(const MsgObject *outer, uint32_t storage, size_t header_bytes)
{
    MsgObject object = object_in(outer, storage, header_bytes);
    uint64_t value;
    object.codepage = fixed_property(&object, PROPERTY_CODEPAGE, TYPE_INTEGER, &value) ? (uint32_t)value : 0;
    bool said = fixed_property(&object, PROPERTY_BODY_CODEPAGE, TYPE_INTEGER, &value);
    object.body_codepage = said ? (uint32_t)value : object.codepage;
    return object;
}

typedef struct NamedStorage {
    Str name;
    uint32_t index;
} NamedStorage;

static int compare_names(const void *a, const void *b)
{
    return str_compare(((const NamedStorage *)a)->name, ((const NamedStorage *)b)->name);
}

/* Storages of a message whose names begin with `prefix`, in the order of their names, which end in a number. */
MUST_USE static Error *find_storages(const MsgObject *object, Str prefix, NamedStorage **ret_items, size_t *ret_count)
{
    size_t count = 0, room = 0;
    const OleEntry *entry = ole_reader_entry(object->ole, object->storage);
    for (uint32_t at = entry->first_child; at != OLE_NONE; at = ole_reader_entry(object->ole, at)->next_sibling)
        room++;
    NamedStorage *items = ARENA_ARRAY(object->arena, NamedStorage, room);
    if (!items)
        return arena_error(object->arena);
    for (uint32_t at = entry->first_child; at != OLE_NONE; at = ole_reader_entry(object->ole, at)->next_sibling) {
        const OleEntry *child = ole_reader_entry(object->ole, at);
        if (child->is_storage && str_starts_with(child->name, prefix))
            items[count++] = (NamedStorage){child->name, at};
    }
    if (count > 0)
        qsort(items, count, sizeof *items, compare_names);
    *ret_items = items;
    *ret_count = count;
    return NULL;
}

/* Addresses of all recipients, whatever kind they are of. */
MUST_USE static Error *read_recipients(const MsgObject *message, StrList *ret_list)
{
    NamedStorage *storages;
    size_t count;
    TRY(find_storages(message, STR("__recip_version1.0_#"), &storages, &count));
    Str *items = ARENA_ARRAY(message->arena, Str, count);
    if (!items)
        return arena_error(message->arena);
    for (size_t i = 0; i < count; i++) {
        MsgObject recipient = object_in(message, storages[i].index, HEADER_BYTES_OTHER);
        TRY(string_of_two(&recipient, PROPERTY_SMTP_ADDRESS, PROPERTY_ADDRESS, &items[i]));
    }
    *ret_list = (StrList){items, count};
    return NULL;
}

/* Without a From header: `"name" <address>`, from two properties. */
MUST_USE static Error *read_sender(const MsgObject *message, StrList *ret_list)
{
    Str name, address, *item = ARENA_NEW(message->arena, Str);
    if (!item)
        return arena_error(message->arena);
    TRY(string_property(message, PROPERTY_SENDER_NAME, &name));
    TRY(string_of_two(message, PROPERTY_SENDER_ADDRESS, PROPERTY_SENDER_SMTP, &address));
    name = str_trim(name);
    if (address.len == 0)
        *item = name;
    else if (name.len == 0)
        item->data = arena_format(message->arena, "<" STR_FMT ">", STR_ARG(address));
    else
        item->data = arena_format(message->arena, "\"" STR_FMT "\" <" STR_FMT ">", STR_ARG(name), STR_ARG(address));
    if (!item->data)
        return arena_error(message->arena);
    item->len = strlen(item->data);
    *ret_list = (StrList){item, item->len > 0};
    return NULL;
}

MUST_USE static Error *read_metadata(const MsgObject *message, const MailHeaders *headers, ElementPart *part)
{
    Arena *arena = message->arena;
    TRY(string_property(message, PROPERTY_SUBJECT, &part->subject));
    TRY(time_property(message, PROPERTY_SUBMITTED, &part->last_modified));
    TRY(mail_header_addresses(headers, STR("From"), MAIL_ADDRESS_AS_IT_STANDS, arena, &part->sent_from));
    if (part->sent_from.count == 0)
        TRY(read_sender(message, &part->sent_from));
    TRY(read_recipients(message, &part->sent_to));
    TRY(mail_header_addresses(headers, STR("Cc"), MAIL_ADDRESS_AS_IT_STANDS, arena, &part->cc_recipient));
    TRY(mail_header_addresses(headers, STR("Bcc"), MAIL_ADDRESS_AS_IT_STANDS, arena, &part->bcc_recipient));
    return mail_header_message_id(headers, arena, &part->email_message_id);
}

/* Outlook's own form of a body, read when there is no other. */
MUST_USE static Error *add_rtf_body(MailSink *sink, Bytes packed, const ElementPart *part)
{
    Elements *elements = sink->builder.elements;
    size_t first = elements->count;
    Bytes rtf;
    PartitionOptions own = *sink->options;
    own.encoding = STR_EMPTY;
    own.text_max_bytes = MAX(sink->builder.text_left, (size_t)1);
    TRY(rtf_unpack(packed, sink->options->expansion, elements->arena, &rtf));
    Error *error = partition_rtf(rtf, STR("text/rtf"), &own, sink->builder.watch, elements);
    for (size_t i = first; i < elements->count; i++) {
        elements->items[i].part = part;
        sink->builder.text_left -= MIN(sink->builder.text_left, elements->items[i].text.len);
    }
    return error;
}

MUST_USE static Error *add_body(MailSink *sink, const MsgObject *message, const ElementPart *part)
{
    Bytes html, rtf;
    Str text;
    TRY(binary_property(message, PROPERTY_HTML, TYPE_BINARY, &html));
    if (html.len > 0)
        TRY(decode_codepage(message, html, message->body_codepage, &text));
    else
        TRY(string_property(message, PROPERTY_HTML, &text));
    if (text.len > 0)
        return mail_add_body(sink, text, MAIL_BODY_HTML, part);
    TRY(string_property(message, PROPERTY_BODY, &text));
    if (text.len > 0)
        return mail_add_body(sink, text, MAIL_BODY_PLAIN, part);
    TRY(binary_property(message, PROPERTY_RTF, TYPE_BINARY, &rtf));
    return rtf.len > 0 ? add_rtf_body(sink, rtf, part) : NULL;
}

/* A message that stands in the file of the one it is attached to. */
MUST_USE static Error *add_embedded(MailSink *sink, const MsgObject *message, uint32_t storage, Str filename)
{
    MailSink inner = *sink;
    Expansion *expansion = sink->options->expansion;
    size_t first = sink->builder.elements->count;
    if (expansion->levels_left == 0)
        return FAIL(LIMIT, "documents are more than %d levels deep in one another", EXPANSION_LEVELS_MAX);
    inner.filename = filename;
    MsgObject object = message_in(message, storage, HEADER_BYTES_EMBEDDED);
    expansion->levels_left--;
    Error *error = add_message(&inner, &object, STR("application/vnd.ms-outlook"));
    expansion->levels_left++;
    sink->builder = inner.builder;
    Error *mark_error = mail_mark_attached(sink, first, sink->last_modified);
    if (!error)
        return mark_error;
    error_free(mark_error); /* the news is the first */
    return error;
}

MUST_USE static Error *add_attachment(MailSink *sink, const MsgObject *message, uint32_t storage)
{
    MsgObject object = object_in(message, storage, HEADER_BYTES_OTHER);
    MailAttachment attachment = {0};
    uint32_t embedded;
    Str name;
    TRY(string_of_two(&object, PROPERTY_LONG_NAME, PROPERTY_SHORT_NAME, &name));
    TRY(mail_base_name(name, object.arena, &attachment.filename));
    if (attachment.filename.len == 0)
        attachment.filename = STR("unknown");
    if (find_property(&object, PROPERTY_DATA, TYPE_OBJECT, &embedded)
        && ole_reader_entry(object.ole, embedded)->is_storage)
        return add_embedded(sink, message, embedded, attachment.filename);
    TRY(time_property(&object, PROPERTY_MODIFIED, &attachment.last_modified));
    TRY(binary_property(&object, PROPERTY_DATA, TYPE_BINARY, &attachment.content));
    return mail_add_attachment(sink, &attachment);
}

MUST_USE static Error *add_message(MailSink *sink, const MsgObject *message, Str filetype)
{
    NamedStorage *attachments;
    size_t count;
    Str text, content_type = STR_EMPTY;
    MailHeaders headers;
    ElementPart *part = ARENA_NEW(message->arena, ElementPart);
    if (!part)
        return arena_error(message->arena);
    TRY(string_property(message, PROPERTY_HEADERS, &text));
    Bytes header_bytes = str_bytes(text);
    TRY(mail_headers_read(&header_bytes, message->arena, &headers));
    mail_header_find(&headers, STR("Content-Type"), &content_type);
    if (str_find(content_type, STR("encrypted")) != SIZE_MAX)
        return NULL;
    TRY(read_metadata(message, &headers, part));
    part->filename = sink->filename;
    part->filetype = filetype;
    sink->last_modified = part->last_modified;
    TRY(add_body(sink, message, part));
    TRY(find_storages(message, STR("__attach_version1.0_#"), &attachments, &count));
    for (size_t i = 0; i < count; i++)
        TRY(add_attachment(sink, message, attachments[i].index));
    return NULL;
}

Error *partition_msg(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                     Elements *elements)
{
    MailSink sink = {.options = options, .filename = options->filename};
    CLEANUP(ole_reader_freep) OleReader *ole = NULL;
    TRY(ole_reader_new(input, &ole));
    MsgObject file = {.ole = ole, .arena = elements->arena};
    builder_init(&sink.builder, options, watch, elements);
    MsgObject message = message_in(&file, OLE_ROOT, HEADER_BYTES_TOP);
    return add_message(&sink, &message, filetype);
}
