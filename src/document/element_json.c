#include "document/element_json.h"

#include <assert.h>
#include <stdio.h>

#include "base/json.h"

enum { PIECE_BYTES = 256 * 1024 };

/* The originals write metadata in the order in which their partitioners set it: HTML ones learn the file's name last. */
static bool filetype_is_html_family(Str filetype)
{
    return str_equal(filetype, STR("text/html")) || str_equal(filetype, STR("text/markdown"));
}

static void put_str_member(JsonWriter *w, Str key, Str value)
{
    if (value.len == 0)
        return;
    json_put_key(w, key);
    json_put_str(w, value);
}

static void put_list_member(JsonWriter *w, Str key, const StrList *list)
{
    if (list->count == 0)
        return;
    json_put_key(w, key);
    json_open_array(w);
    for (size_t i = 0; i < list->count; i++)
        json_put_str(w, list->items[i]);
    json_close_array(w);
}

static void put_point(JsonWriter *w, double x, double y)
{
    json_open_array(w);
    json_put_double(w, x);
    json_put_double(w, y);
    json_close_array(w);
}

static void put_coordinates(JsonWriter *w, const ElementBox *box)
{
    if (!box)
        return;
    json_put_key(w, STR("coordinates"));
    json_open_object(w);
    json_put_key(w, STR("points"));
    json_open_array(w);
    put_point(w, box->left, box->top);
    put_point(w, box->left, box->bottom);
    put_point(w, box->right, box->bottom);
    put_point(w, box->right, box->top);
    json_close_array(w);
    json_member(w, "system", str, STR("PixelSpace"));
    json_member(w, "layout_width", double, box->layout_width);
    json_member(w, "layout_height", double, box->layout_height);
    json_close_object(w);
}

static void put_links(JsonWriter *w, const ElementRare *rare)
{
    if (rare->link_count == 0)
        return;
    json_put_key(w, STR("links"));
    json_open_array(w);
    for (size_t i = 0; i < rare->link_count; i++) {
        const ElementLink *link = &rare->links[i];
        json_open_object(w);
        json_member(w, "text", str, link->text);
        json_member(w, "url", str, link->url);
        if (link->start_index >= 0)
            json_member(w, "start_index", int, link->start_index);
        json_close_object(w);
    }
    json_close_array(w);
}

/* Of a member of an archive: two of one name are told apart by it. */
static Str directory_of(Str path)
{
    size_t slash = str_rfind_char(path, '/');
    return str_slice(path, 0, slash == SIZE_MAX ? 0 : MAX(slash, (size_t)1));
}

/* Which file the element is of: the document, or a document in it. */
static DocumentInfo file_of(const Element *element, const DocumentInfo *info)
{
    const ElementPart *part = element->part;
    DocumentInfo file = *info;
    file.filename = element_filename(element, info);
    if (part && part->filetype.len > 0)
        file.filetype = part->filetype;
    if (part && part->last_modified.len > 0)
        file.last_modified = part->last_modified;
    if (part && part->path.len > 0)
        file.file_directory = directory_of(part->path);
    return file;
}

static void put_file(JsonWriter *w, const DocumentInfo *info)
{
    put_str_member(w, STR("file_directory"), info->file_directory);
    put_str_member(w, STR("filename"), info->filename);
}

static void put_part(JsonWriter *w, const ElementPart *part)
{
    if (!part)
        return;
    put_str_member(w, STR("attached_to_filename"), part->attached_to_filename);
    put_list_member(w, STR("bcc_recipient"), &part->bcc_recipient);
    put_list_member(w, STR("cc_recipient"), &part->cc_recipient);
    put_str_member(w, STR("email_message_id"), part->email_message_id);
    put_list_member(w, STR("sent_from"), &part->sent_from);
    put_list_member(w, STR("sent_to"), &part->sent_to);
    put_str_member(w, STR("signature"), part->signature);
    put_str_member(w, STR("subject"), part->subject);
}

static void put_header_footer(JsonWriter *w, HeaderFooterType type)
{
    static const char *const names[] = {"", "primary", "first_page", "even_page"};
    static_assert(ARRAY_COUNT(names) == HEADER_FOOTER_TYPES, "every type has a name");
    put_str_member(w, STR("header_footer_type"), str_of(names[type]));
}

static void put_chunk(JsonWriter *w, const ElementChunk *chunk)
{
    if (!chunk)
        return;
    if (chunk->is_continuation)
        json_member(w, "is_continuation", bool, true);
    put_str_member(w, STR("orig_elements"), chunk->orig_elements);
    if (chunk->table_id.len == 0)
        return;
    json_member(w, "table_id", str, chunk->table_id);
    json_member(w, "chunk_index", uint, chunk->chunk_index);
    if (chunk->header_rows_carried > 0)
        json_member(w, "num_carried_over_header_rows", uint, chunk->header_rows_carried);
}

/* Both dates are when the object was last modified, in seconds with one decimal, as text: so does the original. */
static void put_data_source(JsonWriter *w, const DataSource *source)
{
    char seconds[48];
    if (source->url.len == 0)
        return;
    snprintf(seconds, sizeof seconds, "%lld.%lld", (long long)(source->modified_us / 1000000),
             (long long)(source->modified_us % 1000000 / 100000));
    json_put_key(w, STR("data_source"));
    json_open_object(w);
    json_member(w, "url", str, source->url);
    json_member(w, "version", str, source->version);
    json_put_key(w, STR("record_locator"));
    json_open_object(w);
    json_member(w, "protocol", str, source->protocol);
    json_member(w, "remote_file_path", str, source->remote_file_path);
    json_close_object(w);
    json_member(w, "date_created", str, str_of(seconds));
    json_member(w, "date_modified", str, str_of(seconds));
    json_member(w, "filesize_bytes", uint, source->size_bytes);
    json_close_object(w);
}

/* One member after another, in the order in which the originals' partitioners set them. */
static void put_content(JsonWriter *w, const Element *element)
{
    const ElementRare *rare = element_rare(element);
    put_str_member(w, STR("image_url"), rare->image_url);
    put_str_member(w, STR("image_base64"), rare->image_base64);
    put_str_member(w, STR("image_mime_type"), rare->image_mime_type);
    put_list_member(w, STR("link_texts"), &rare->link_texts);
    put_list_member(w, STR("link_urls"), &rare->link_urls);
    put_links(w, rare);
    put_str_member(w, STR("page_name"), rare->page_name);
    if (element->page_number > 0)
        json_member(w, "page_number", uint, element->page_number);
    put_str_member(w, STR("text_as_html"), element->text_as_html);
    put_header_footer(w, element->header_footer);
    put_list_member(w, STR("languages"), &element->languages);
}

static void put_extra(JsonWriter *w, const ElementRare *rare)
{
    ASSERT(rare->extra_keys.count == rare->extra_values.count);
    for (size_t i = 0; i < rare->extra_keys.count; i++) {
        json_put_key(w, rare->extra_keys.items[i]);
        json_put_raw(w, rare->extra_values.items[i]);
    }
}

static void put_metadata(JsonWriter *w, const Elements *elements, const Element *element, const DocumentInfo *info)
{
    DocumentInfo file = file_of(element, info);
    const ElementRare *rare = element_rare(element);
    bool html = filetype_is_html_family(file.filetype);
    json_open_object(w);
    if (element->category_depth >= 0)
        json_member(w, "category_depth", int, element->category_depth);
    put_coordinates(w, element->box);
    put_list_member(w, STR("emphasized_text_contents"), &rare->emphasized_contents);
    put_list_member(w, STR("emphasized_text_tags"), &rare->emphasized_tags);
    if (!html) {
        put_file(w, &file);
        put_str_member(w, STR("last_modified"), file.last_modified);
    }
    put_content(w, element);
    if (html)
        put_file(w, &file);
    put_str_member(w, STR("filetype"), file.filetype);
    if (html)
        put_str_member(w, STR("last_modified"), file.last_modified);
    put_part(w, element->part);
    put_chunk(w, element->chunk);
    if (element->parent > 0)
        json_member(w, "parent_id", str, str_of(elements->items[element->parent - 1].id));
    put_extra(w, rare);
    put_data_source(w, &info->source);
    json_close_object(w);
}

static void put_element(JsonWriter *w, const Elements *elements, const Element *element, const DocumentInfo *info)
{
    json_open_object(w);
    json_member(w, "type", str, element_type_name(element->type));
    json_member(w, "element_id", str, str_of(element->id));
    json_member(w, "text", str, element->text);
    if (element->type == ELEMENT_CHECK_BOX)
        json_member(w, "checked", bool, element->checked);
    json_put_key(w, STR("metadata"));
    put_metadata(w, elements, element, info);
    json_close_object(w);
}

/* As much of the element as is selected: its JSON read again. Only who asks for less pays for that. */
MUST_USE static Error *put_part_of_element(JsonWriter *w, const Elements *elements, size_t index,
                                           const DocumentInfo *info, const ElementSelection *selection)
{
    CLEANUP(buffer_done) Buffer whole = {0};
    CLEANUP(cleanup_json) json_t *root = NULL;
    TRY(element_write_json(elements, index, info, &whole));
    TRY(json_read(buffer_bytes(&whole), &root));
    element_put_selected(w, root, selection);
    return NULL;
}

MUST_USE static Error *put_as_wanted(JsonWriter *w, const Elements *elements, size_t index, const DocumentInfo *info,
                                     ElementJsonOptions options)
{
    if (element_selection_is_wanted(options.selection))
        return put_part_of_element(w, elements, index, info, options.selection);
    put_element(w, elements, &elements->items[index], info);
    return NULL;
}

/* Where JSON goes: `out`, handed to `sink` and cleared whenever it holds a piece; all stays in `out` without a sink. */
typedef struct Output {
    Buffer *out;
    ElementJsonSink sink;
} Output;

MUST_USE static Error *pass_on(const Output *output, size_t from_bytes)
{
    if (!output->sink.write || output->out->len < from_bytes)
        return NULL;
    TRY(output->sink.write(output->sink.context, buffer_bytes(output->out)));
    buffer_clear(output->out);
    return NULL;
}

MUST_USE static Error *write_array(const Elements *elements, const DocumentInfo *info, ElementJsonOptions options,
                                   const Output *output)
{
    JsonWriter w;
    Error *error = NULL;
    json_begin(&w, output->out, 2);
    json_open_array(&w);
    for (size_t i = 0; i < elements->count && !error; i++) {
        error = put_as_wanted(&w, elements, i, info, options);
        if (!error)
            error = pass_on(output, PIECE_BYTES);
    }
    json_close_array(&w);
    Error *unwritten = json_finish(&w); /* what failed first is the news, and a failed writer writes no more */
    if (!unwritten)
        return error;
    error_free(error);
    return unwritten;
}

MUST_USE static Error *write_lines(const Elements *elements, const DocumentInfo *info, ElementJsonOptions options,
                                   const Output *output)
{
    for (size_t i = 0; i < elements->count; i++) {
        JsonWriter w;
        json_begin(&w, output->out, 0);
        TRY(put_as_wanted(&w, elements, i, info, options)); /* fails before it writes, or not at all */
        TRY(json_finish(&w));
        TRY(buffer_append_byte(output->out, '\n'));
        TRY(pass_on(output, PIECE_BYTES));
    }
    return NULL;
}

MUST_USE static Error *write_all(const Elements *elements, const DocumentInfo *info, ElementJsonOptions options,
                                 const Output *output)
{
    TRY(options.form == ELEMENT_JSON_ARRAY ? write_array(elements, info, options, output)
                                           : write_lines(elements, info, options, output));
    return pass_on(output, 1);
}

Error *elements_write_json(const Elements *elements, const DocumentInfo *info, ElementJsonOptions options, Buffer *out)
{
    size_t len_before = out->len;
    Error *error = write_all(elements, info, options, &(Output){.out = out});
    if (error)
        out->len = len_before;
    return error;
}

Error *elements_stream_json(const Elements *elements, const DocumentInfo *info, ElementJsonOptions options,
                            ElementJsonSink sink)
{
    CLEANUP(buffer_done) Buffer piece = {0};
    return write_all(elements, info, options, &(Output){&piece, sink});
}

MUST_USE static Error *whole_metadata(const Elements *elements, size_t index, const DocumentInfo *info, Buffer *out)
{
    JsonWriter w;
    json_begin(&w, out, 0);
    put_metadata(&w, elements, &elements->items[index], info);
    return json_finish(&w);
}

MUST_USE static Error *selected_metadata(const Elements *elements, size_t index, const DocumentInfo *info,
                                         const ElementSelection *selection, Buffer *out)
{
    CLEANUP(buffer_done) Buffer whole = {0};
    CLEANUP(cleanup_json) json_t *root = NULL;
    JsonWriter w;
    TRY(whole_metadata(elements, index, info, &whole));
    TRY(json_read(buffer_bytes(&whole), &root));
    json_begin(&w, out, 0);
    metadata_put_selected(&w, root, selection);
    return json_finish(&w);
}

Error *element_metadata_json(const Elements *elements, size_t index, const DocumentInfo *info,
                             const ElementSelection *selection, Buffer *out)
{
    ASSERT(index < elements->count);
    size_t len_before = out->len;
    Error *error = element_selection_is_wanted(selection) ? selected_metadata(elements, index, info, selection, out)
                                                          : whole_metadata(elements, index, info, out);
    if (error)
        out->len = len_before;
    return error;
}

Error *element_write_json(const Elements *elements, size_t index, const DocumentInfo *info, Buffer *out)
{
    ASSERT(index < elements->count);
    size_t len_before = out->len;
    JsonWriter w;
    json_begin(&w, out, 0);
    put_element(&w, elements, &elements->items[index], info);
    Error *error = json_finish(&w);
    if (error)
        out->len = len_before;
    return error;
}
