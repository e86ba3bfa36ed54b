#include "document/wire.h"

#include <assert.h>
#include <math.h>

#include "base/json.h"
#include "base/reader.h"

enum {
    FRAME_REQUEST = 0x11,
    FRAME_ELEMENTS = 0x21,
    /* An element without any text, list or box: what one costs at least; and its ElementRare. */
    ELEMENT_MIN_BYTES = 1 + 4 + 4 + 4 + 1 + 1 + 2 * 4 + 4,
    RARE_MIN_BYTES = 4 * 4 + 3 * 4 + 4,
    PART_MIN_BYTES = 8 * 4 + 4 * 4,
    BOX_BYTES = 6 * 8,
    FLAG_BOX = 1,
    FLAG_CHECKED = 2,
    FLAG_PART = 4,     /* of a part: the last element's */
    FLAG_NEW_PART = 8, /* or one that follows */
    FLAG_RARE = 16,
    FLAGS = FLAG_BOX | FLAG_CHECKED | FLAG_PART | FLAG_NEW_PART | FLAG_RARE
};

/* Encoding: the first error sticks in `error`, so that calls can stand in a row. */
typedef struct Encoder {
    Buffer *out;
    Error *error;
} Encoder;

static void put_bytes(Encoder *e, const void *data, size_t len)
{
    if (!e->error)
        e->error = buffer_append(e->out, data, len);
}

static void put_u8(Encoder *e, uint8_t value)
{
    put_bytes(e, &value, 1);
}

static void put_u32(Encoder *e, uint32_t value)
{
    if (!e->error)
        e->error = buffer_append_u32le(e->out, value);
}

static void put_u64(Encoder *e, uint64_t value)
{
    if (!e->error)
        e->error = buffer_append_u64le(e->out, value);
}

static void put_count(Encoder *e, size_t count)
{
    if (count > UINT32_MAX && !e->error)
        e->error = FAIL(LIMIT, "wire: a count or length of %zu does not fit in 32 bits", count);
    put_u32(e, (uint32_t)count);
}

static void put_str(Encoder *e, Str text)
{
    put_count(e, text.len);
    put_bytes(e, text.data, text.len);
}

static void put_double(Encoder *e, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_u64(e, bits);
}

static void put_box(Encoder *e, const ElementBox *box)
{
    const double numbers[] = {box->left, box->top, box->right, box->bottom, box->layout_width, box->layout_height};
    static_assert(sizeof numbers == BOX_BYTES, "a box is six numbers");
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++)
        put_double(e, numbers[i]);
}

static void put_list(Encoder *e, const StrList *list)
{
    put_count(e, list->count);
    for (size_t i = 0; i < list->count; i++)
        put_str(e, list->items[i]);
}

/* Two lists of the same count, interleaved. */
static void put_pairs(Encoder *e, const StrList *first, const StrList *second)
{
    ASSERT(first->count == second->count);
    put_count(e, first->count);
    for (size_t i = 0; i < first->count; i++) {
        put_str(e, first->items[i]);
        put_str(e, second->items[i]);
    }
}

static void put_links(Encoder *e, const ElementRare *rare)
{
    put_count(e, rare->link_count);
    for (size_t i = 0; i < rare->link_count; i++) {
        put_str(e, rare->links[i].text);
        put_str(e, rare->links[i].url);
        put_u64(e, (uint64_t)rare->links[i].start_index);
    }
}

static void put_rare(Encoder *e, const ElementRare *rare)
{
    put_str(e, rare->page_name);
    put_str(e, rare->image_url);
    put_str(e, rare->image_base64);
    put_str(e, rare->image_mime_type);
    put_pairs(e, &rare->extra_keys, &rare->extra_values);
    put_pairs(e, &rare->emphasized_contents, &rare->emphasized_tags);
    put_pairs(e, &rare->link_texts, &rare->link_urls);
    put_links(e, rare);
}

/* The texts and the lists of a part, in the order in which they travel. */
enum { PART_TEXTS = 8, PART_LISTS = 4 };

static void part_fields(ElementPart *part, Str *texts[PART_TEXTS], StrList *lists[PART_LISTS])
{
    Str *const all_texts[] = {
        &part->filename, &part->filetype,         &part->last_modified, &part->path,
        &part->subject,  &part->email_message_id, &part->signature,     &part->attached_to_filename};
    StrList *const all_lists[] = {&part->sent_from, &part->sent_to, &part->cc_recipient, &part->bcc_recipient};
    static_assert(ARRAY_COUNT(all_texts) == PART_TEXTS && ARRAY_COUNT(all_lists) == PART_LISTS, "all travel");
    memcpy(texts, all_texts, sizeof all_texts);
    memcpy(lists, all_lists, sizeof all_lists);
}

static void put_part(Encoder *e, const ElementPart *part)
{
    ElementPart copy = *part;
    Str *texts[PART_TEXTS];
    StrList *lists[PART_LISTS];
    part_fields(&copy, texts, lists);
    for (size_t i = 0; i < PART_TEXTS; i++)
        put_str(e, *texts[i]);
    for (size_t i = 0; i < PART_LISTS; i++)
        put_list(e, lists[i]);
}

/* `part_before` is the part of the element that went before, in whichever frame. */
static unsigned element_flags(const Element *element, const ElementPart *part_before)
{
    unsigned flags =
        (element->box ? FLAG_BOX : 0) | (element->rare ? FLAG_RARE : 0) | (element->checked ? FLAG_CHECKED : 0);
    if (element->part)
        flags |= element->part == part_before ? FLAG_PART : FLAG_NEW_PART;
    return flags;
}

static void put_element(Encoder *e, const Element *element, const ElementPart *part_before)
{
    unsigned flags = element_flags(element, part_before);
    put_u8(e, (uint8_t)element->type);
    put_u32(e, element->page_number);
    put_u32(e, (uint32_t)element->category_depth);
    put_u32(e, element->parent);
    put_u8(e, (uint8_t)flags);
    if (flags & FLAG_BOX)
        put_box(e, element->box);
    if (flags & FLAG_NEW_PART)
        put_part(e, element->part);
    put_u8(e, (uint8_t)element->header_footer);
    put_str(e, element->text);
    put_str(e, element->text_as_html);
    put_list(e, &element->languages);
    if (flags & FLAG_RARE)
        put_rare(e, element->rare);
}

static size_t list_bytes(const StrList *list)
{
    size_t sum = 4 * list->count;
    for (size_t i = 0; i < list->count; i++)
        sum += list->items[i].len;
    return sum;
}

static size_t part_bytes(const ElementPart *part)
{
    ElementPart copy = *part;
    Str *texts[PART_TEXTS];
    StrList *lists[PART_LISTS];
    size_t sum = PART_MIN_BYTES;
    part_fields(&copy, texts, lists);
    for (size_t i = 0; i < PART_TEXTS; i++)
        sum += texts[i]->len;
    for (size_t i = 0; i < PART_LISTS; i++)
        sum += list_bytes(lists[i]);
    return sum;
}

static size_t rare_bytes(const ElementRare *rare)
{
    size_t sum = (size_t)RARE_MIN_BYTES + rare->page_name.len + rare->image_url.len + rare->image_base64.len
                 + rare->image_mime_type.len + list_bytes(&rare->extra_keys) + list_bytes(&rare->extra_values)
                 + list_bytes(&rare->emphasized_contents) + list_bytes(&rare->emphasized_tags)
                 + list_bytes(&rare->link_texts) + list_bytes(&rare->link_urls) + 16 * rare->link_count;
    for (size_t i = 0; i < rare->link_count; i++)
        sum += rare->links[i].text.len + rare->links[i].url.len;
    return sum;
}

static size_t element_bytes(const Element *element, const ElementPart *part_before)
{
    size_t sum = (size_t)ELEMENT_MIN_BYTES + (element->box ? (size_t)BOX_BYTES : 0) + element->text.len
                 + element->text_as_html.len + list_bytes(&element->languages);
    if (element->part && element->part != part_before)
        sum += part_bytes(element->part);
    if (element->rare)
        sum += rare_bytes(element->rare);
    return sum;
}

static const ElementPart *part_before(const Elements *elements, size_t index)
{
    return index > 0 ? elements->items[index - 1].part : NULL;
}

size_t wire_elements_fitting(const Elements *elements, size_t first, size_t frame_max_bytes)
{
    size_t used = 256; /* the head: kind, type, count */
    size_t count = 0;
    while (first + count < elements->count) {
        size_t more = element_bytes(&elements->items[first + count], part_before(elements, first + count));
        if (count > 0 && (used >= frame_max_bytes || more > frame_max_bytes - used))
            break;
        used += more;
        count++;
    }
    return count;
}

Error *wire_encode_elements(const Elements *elements, size_t first, size_t count, Str filetype, Buffer *out)
{
    ASSERT(first <= elements->count && count <= elements->count - first);
    Encoder e = {.out = out};
    put_u8(&e, FRAME_ELEMENTS);
    put_str(&e, filetype);
    put_count(&e, count);
    for (size_t i = 0; i < count && !e.error; i++)
        put_element(&e, &elements->items[first + i], part_before(elements, first + i));
    return e.error;
}

Error *wire_encode_request(const PartitionOptions *options, Buffer *out)
{
    Encoder e = {.out = out};
    put_u8(&e, FRAME_REQUEST);
    put_str(&e, options->filename);
    put_str(&e, options->encoding);
    put_str(&e, options->languages);
    put_u8(&e, options->titles_from_text);
    put_u8(&e, options->txt_lines);
    put_u64(&e, options->text_max_bytes);
    put_u32(&e, options->depth_max);
    put_u8(&e, (uint8_t)options->strategy);
    put_str(&e, options->ocr_languages);
    put_u8(&e, options->uncompress);
    put_u8(&e, (uint8_t)options->html_parser);
    put_u8(&e, options->table_cells);
    return e.error;
}

static bool take_str(Reader *in, Str *ret_text)
{
    Reader start = *in;
    uint32_t len;
    Bytes bytes;
    if (reader_u32le(in, &len) && reader_take(in, len, &bytes) && str_is_utf8(bytes_str(bytes))) {
        *ret_text = bytes_str(bytes);
        return true;
    }
    *in = start;
    return false;
}

static bool take_bool(Reader *in, bool *ret_value)
{
    uint8_t value;
    if (!reader_u8(in, &value) || value > 1)
        return false;
    *ret_value = value == 1;
    return true;
}

Error *wire_decode_request(Bytes frame, PartitionOptions *ret_options)
{
    Reader in = reader_of(frame);
    PartitionOptions options = {0};
    uint8_t kind, strategy, html_parser;
    uint64_t text_max;
    uint32_t depth_max;
    bool ok = reader_u8(&in, &kind) && kind == FRAME_REQUEST && take_str(&in, &options.filename)
              && take_str(&in, &options.encoding) && take_str(&in, &options.languages)
              && take_bool(&in, &options.titles_from_text) && take_bool(&in, &options.txt_lines)
              && reader_u64le(&in, &text_max) && text_max <= SIZE_MAX && reader_u32le(&in, &depth_max)
              && reader_u8(&in, &strategy) && strategy < PARTITION_STRATEGIES && take_str(&in, &options.ocr_languages)
              && take_bool(&in, &options.uncompress) && reader_u8(&in, &html_parser) && html_parser < HTML_PARSERS
              && take_bool(&in, &options.table_cells) && reader_left(&in) == 0;
    if (!ok)
        return error_at(FAIL(CORRUPT, "request of %zu bytes is malformed at byte %zu", frame.len, reader_offset(&in)),
                        reader_offset(&in));
    options.text_max_bytes = (size_t)text_max;
    options.depth_max = depth_max;
    options.strategy = (PartitionStrategy)strategy;
    options.html_parser = (HtmlParser)html_parser;
    *ret_options = options;
    return NULL;
}

/* Decoding: false means malformed, unless `error` says that the arena or the count of elements gave out. */
typedef struct Decoder {
    Reader in;
    Arena *arena;
    Error *error;
} Decoder;

/* A count of things that take at least `each_min_bytes`, so that it can be believed before memory is taken for it. */
static bool take_count(Decoder *d, size_t each_min_bytes, size_t *ret_count)
{
    uint32_t count;
    if (!reader_u32le(&d->in, &count) || count > reader_left(&d->in) / each_min_bytes)
        return false;
    *ret_count = count;
    return true;
}

static bool take_copy(Decoder *d, Str *ret_text)
{
    Str text;
    if (!take_str(&d->in, &text))
        return false;
    *ret_text = text.len ? arena_str(d->arena, text) : STR_EMPTY;
    if (!ret_text->data)
        d->error = arena_error(d->arena);
    return !d->error;
}

static void *take_memory(Decoder *d, size_t count, size_t size_bytes)
{
    void *memory = arena_alloc_array(d->arena, count, size_bytes);
    if (!memory)
        d->error = arena_error(d->arena);
    return memory;
}

static bool take_list(Decoder *d, StrList *ret_list)
{
    size_t count;
    if (!take_count(d, 4, &count))
        return false;
    *ret_list = (StrList){NULL, count};
    if (count == 0)
        return true;
    ret_list->items = take_memory(d, count, sizeof(Str));
    if (!ret_list->items)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!take_copy(d, &ret_list->items[i]))
            return false;
    }
    return true;
}

static bool take_pairs(Decoder *d, StrList *ret_first, StrList *ret_second)
{
    size_t count;
    if (!take_count(d, 8, &count))
        return false;
    *ret_first = *ret_second = (StrList){NULL, count};
    if (count == 0)
        return true;
    ret_first->items = take_memory(d, count, sizeof(Str));
    if (!ret_first->items)
        return false;
    ret_second->items = take_memory(d, count, sizeof(Str));
    if (!ret_second->items)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!take_copy(d, &ret_first->items[i]) || !take_copy(d, &ret_second->items[i]))
            return false;
    }
    return true;
}

static bool take_links(Decoder *d, ElementRare *rare)
{
    size_t count;
    if (!take_count(d, 16, &count))
        return false;
    if (count == 0)
        return true;
    rare->links = take_memory(d, count, sizeof(ElementLink));
    if (!rare->links)
        return false;
    rare->link_count = count;
    for (size_t i = 0; i < count; i++) {
        ElementLink *link = &rare->links[i];
        uint64_t start;
        if (!take_copy(d, &link->text) || !take_copy(d, &link->url) || !reader_u64le(&d->in, &start))
            return false;
        link->start_index = (int64_t)start;
        if (link->start_index < -1)
            return false;
    }
    return true;
}

static bool take_double(Decoder *d, double *ret_value)
{
    uint64_t bits;
    if (!reader_u64le(&d->in, &bits))
        return false;
    memcpy(ret_value, &bits, sizeof bits);
    return isfinite(*ret_value);
}

static bool take_box(Decoder *d, const ElementBox **ret_box)
{
    ElementBox *box = take_memory(d, 1, sizeof *box);
    *ret_box = box;
    return box && take_double(d, &box->left) && take_double(d, &box->top) && take_double(d, &box->right)
           && take_double(d, &box->bottom) && take_double(d, &box->layout_width) && take_double(d, &box->layout_height)
           && box->layout_width > 0 && box->layout_height >= 0;
}

static bool take_new_part(Decoder *d, const ElementPart **ret_part)
{
    ElementPart *part = take_memory(d, 1, sizeof *part);
    Str *texts[PART_TEXTS];
    StrList *lists[PART_LISTS];
    if (!part)
        return false;
    part_fields(part, texts, lists);
    for (size_t i = 0; i < PART_TEXTS; i++) {
        if (!take_copy(d, texts[i]))
            return false;
    }
    for (size_t i = 0; i < PART_LISTS; i++) {
        if (!take_list(d, lists[i]))
            return false;
    }
    *ret_part = part;
    return true;
}

/* `*ret_part` is NULL for the document itself. */
static bool take_part(Decoder *d, unsigned flags, const Elements *before, const ElementPart **ret_part)
{
    *ret_part = NULL;
    if ((flags & FLAG_PART) && (flags & FLAG_NEW_PART))
        return false;
    if (flags & FLAG_NEW_PART)
        return take_new_part(d, ret_part);
    if (flags & FLAG_PART)
        *ret_part = before->count > 0 ? before->items[before->count - 1].part : NULL;
    return !(flags & FLAG_PART) || *ret_part;
}

/* They go into JSON as they are, so they must be JSON, and on one line. */
static bool extra_values_are_json(const ElementRare *rare)
{
    for (size_t i = 0; i < rare->extra_values.count; i++) {
        CLEANUP(cleanup_json) json_t *root = NULL;
        Str value = rare->extra_values.items[i];
        Error *error = str_find_char(value, '\n') == SIZE_MAX ? json_read(str_bytes(value), &root) : NULL;
        error_free(error); /* the caller says where */
        if (!root)
            return false;
    }
    return true;
}

static bool take_rare(Decoder *d, ElementRare **ret_rare)
{
    ElementRare *rare = take_memory(d, 1, sizeof *rare);
    *ret_rare = rare;
    return rare && take_copy(d, &rare->page_name) && take_copy(d, &rare->image_url) && take_copy(d, &rare->image_base64)
           && take_copy(d, &rare->image_mime_type) && take_pairs(d, &rare->extra_keys, &rare->extra_values)
           && extra_values_are_json(rare) && take_pairs(d, &rare->emphasized_contents, &rare->emphasized_tags)
           && take_pairs(d, &rare->link_texts, &rare->link_urls) && take_links(d, rare);
}

static bool take_element(Decoder *d, Elements *append_to)
{
    uint8_t type, flags, header_footer;
    uint32_t page_number, depth, parent;
    Str text;
    bool ok = reader_u8(&d->in, &type) && type < ELEMENT_TYPES && reader_u32le(&d->in, &page_number)
              && reader_u32le(&d->in, &depth) && (int32_t)depth >= -1 && reader_u32le(&d->in, &parent)
              && reader_u8(&d->in, &flags) && flags <= FLAGS;
    if (!ok)
        return false;
    const ElementBox *box = NULL;
    const ElementPart *part;
    if ((flags & FLAG_BOX) && !take_box(d, &box))
        return false;
    if (!take_part(d, flags, append_to, &part) || !reader_u8(&d->in, &header_footer)
        || header_footer >= HEADER_FOOTER_TYPES || !take_str(&d->in, &text))
        return false;
    Element *element;
    d->error = elements_add(append_to, (ElementType)type, text, &element);
    if (d->error)
        return false;
    element->page_number = page_number;
    element->category_depth = (int32_t)depth;
    element->parent = parent;
    element->box = box;
    element->part = part;
    element->checked = flags & FLAG_CHECKED;
    element->header_footer = (HeaderFooterType)header_footer;
    return take_copy(d, &element->text_as_html) && take_list(d, &element->languages)
           && (!(flags & FLAG_RARE) || take_rare(d, &element->rare));
}

static bool take_elements(Decoder *d, Elements *append_to, Str *ret_filetype)
{
    uint8_t kind;
    size_t count;
    if (!reader_u8(&d->in, &kind) || kind != FRAME_ELEMENTS || !take_copy(d, ret_filetype)
        || !take_count(d, ELEMENT_MIN_BYTES, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!take_element(d, append_to))
            return false;
    }
    return reader_left(&d->in) == 0;
}

Error *wire_decode_elements(Bytes frame, Elements *append_to, Str *ret_filetype)
{
    Decoder d = {.in = reader_of(frame), .arena = append_to->arena};
    size_t count_before = append_to->count;
    Str filetype;
    if (take_elements(&d, append_to, &filetype)) {
        *ret_filetype = filetype;
        return NULL;
    }
    append_to->count = count_before;
    if (d.error)
        return d.error;
    size_t at = reader_offset(&d.in);
    return error_at(FAIL(CORRUPT, "answer of %zu bytes is malformed at byte %zu", frame.len, at), at);
}
