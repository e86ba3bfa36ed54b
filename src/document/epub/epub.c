/* EPUB: the chapters in the order of the spine, each an HTML document. Sources: EPUB 3.3, Open Container Format and Package Document;
 * spec/unstructured.md 3.5. Nothing but the package and its chapters is read: no style, script, picture or font. Links between chapters become
 * `#chapter_place`, as pandoc writes them. Left out: the title page and notes that pandoc would make of the metadata and of `noteref`. */
#include <stdlib.h>

#include "document/html/html.h"
#include "document/text/charset.h"
#include "document/xml_reader.h"
#include "document/zip_reader.h"

enum { ITEMS_MAX = 10 * 1000, PATH_MAX_BYTES = 4096 };

typedef struct Item {
    Str id, href, media_type;
} Item;

typedef struct Package {
    Arena *arena;
    Str folder;  /* of the package's file, with its slash; "": the root */
    Item *items; /* the manifest, by id */
    Str *spine;  /* ids in reading order */
    size_t item_count, item_capacity, spine_count, spine_capacity;
    Str cover; /* id of a picture; "": none */
} Package;

MUST_USE static Error *keep(Arena *arena, const XmlReader *reader, const char *name, Str *ret_value)
{
    Str value;
    *ret_value = xml_reader_attribute(reader, name, &value) ? arena_str(arena, value) : STR_EMPTY;
    return ret_value->data ? NULL : arena_error(arena);
}

/* Calls `each` for every element that begins. */
typedef Error *OnStart(void *context, XmlReader *reader);
MUST_USE static Error *for_each_start(Bytes xml, OnStart *each, void *context)
{
    CLEANUP(xml_reader_freep) XmlReader *reader = NULL;
    TRY(xml_reader_new(xml, 0, &reader));
    XmlEvent event;
    do {
        TRY(xml_reader_next(reader, &event));
        if (event == XML_EVENT_START)
            TRY(each(context, reader));
    } while (event != XML_EVENT_DONE);
    return NULL;
}

/* Of several packages the first counts. */
typedef struct Container {
    Arena *arena;
    Str package_path; /* "": not yet seen */
} Container;

static Error *on_container(void *context, XmlReader *reader)
{
    Container *container = context;
    if (container->package_path.len > 0 || !str_equal(xml_reader_name(reader), STR("rootfile")))
        return NULL;
    return keep(container->arena, reader, "full-path", &container->package_path);
}

MUST_USE static Error *add_item(Package *package, const Item *item)
{
    if (package->item_count >= ITEMS_MAX)
        return FAIL(LIMIT, "more than %d items in the manifest", ITEMS_MAX);
    if (package->item_count == package->item_capacity) {
        size_t capacity = MAX(2 * package->item_capacity, (size_t)64);
        Item *items = arena_grow(package->arena, package->items, package->item_capacity * sizeof *items,
                                 capacity * sizeof *items);
        if (!items)
            return arena_error(package->arena);
        package->items = items;
        package->item_capacity = capacity;
    }
    package->items[package->item_count++] = *item;
    return NULL;
}

MUST_USE static Error *add_to_spine(Package *package, Str id)
{
    if (package->spine_count >= ITEMS_MAX)
        return FAIL(LIMIT, "more than %d items in the spine", ITEMS_MAX);
    if (package->spine_count == package->spine_capacity) {
        size_t capacity = MAX(2 * package->spine_capacity, (size_t)64);
        Str *spine = arena_grow(package->arena, package->spine, package->spine_capacity * sizeof *spine,
                                capacity * sizeof *spine);
        if (!spine)
            return arena_error(package->arena);
        package->spine = spine;
        package->spine_capacity = capacity;
    }
    package->spine[package->spine_count++] = id;
    return NULL;
}

static Error *on_package(void *context, XmlReader *reader)
{
    Package *package = context;
    Str name = xml_reader_name(reader), id;
    if (str_equal(name, STR("item"))) {
        Item item;
        TRY(keep(package->arena, reader, "id", &item.id));
        TRY(keep(package->arena, reader, "href", &item.href));
        TRY(keep(package->arena, reader, "media-type", &item.media_type));
        if (xml_reader_attribute(reader, "properties", &id) && str_find(id, STR("cover-image")) != SIZE_MAX)
            package->cover = item.id;
        return add_item(package, &item);
    }
    if (str_equal(name, STR("meta")) && xml_reader_attribute(reader, "name", &id) && str_equal(id, STR("cover")))
        return keep(package->arena, reader, "content", &package->cover);
    if (!str_equal(name, STR("itemref")))
        return NULL;
    TRY(keep(package->arena, reader, "idref", &id));
    return add_to_spine(package, id);
}

static int by_id(const void *a, const void *b)
{
    return str_compare(((const Item *)a)->id, ((const Item *)b)->id);
}

static const Item *find_item(const Package *package, Str id)
{
    Item wanted = {.id = id};
    return package->item_count == 0 ? NULL
                                    : bsearch(&wanted, package->items, package->item_count, sizeof wanted, by_id);
}

/* Fonts may be masked with a key that stands in the book; whatever else is encrypted is a book that cannot be read. */
static Error *on_encryption(void *context, XmlReader *reader)
{
    static const char *const masks[] = {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"};
    (void)context;
    Str algorithm = STR_EMPTY;
    if (!str_equal(xml_reader_name(reader), STR("EncryptionMethod"))
        || !xml_reader_attribute(reader, "Algorithm", &algorithm))
        return NULL;
    for (size_t i = 0; i < ARRAY_COUNT(masks); i++) {
        if (str_equal(algorithm, str_of(masks[i])))
            return NULL;
    }
    return FAIL(UNSUPPORTED, "encrypted: the book is protected by '" STR_FMT "'",
                STR_ARG(str_slice(algorithm, 0, 200)));
}

MUST_USE static Error *refuse_encrypted(ZipReader *zip)
{
    size_t index;
    CLEANUP(buffer_done) Buffer xml = {0};
    if (!zip_reader_find(zip, STR("META-INF/encryption.xml"), &index))
        return NULL;
    TRY(zip_reader_read(zip, index, &xml));
    return for_each_start(buffer_bytes(&xml), on_encryption, NULL);
}

MUST_USE static Error *read_member(ZipReader *zip, Str name, Buffer *out)
{
    size_t index;
    if (!zip_reader_find(zip, name, &index))
        return FAIL(CORRUPT, "it is missing");
    return zip_reader_read(zip, index, out);
}

MUST_USE static Error *read_package(ZipReader *zip, Package *package)
{
    CLEANUP(buffer_done) Buffer xml = {0};
    Container container = {package->arena, STR_EMPTY};
    TRY_CTX(read_member(zip, STR("META-INF/container.xml"), &xml), "META-INF/container.xml");
    TRY_CTX(for_each_start(buffer_bytes(&xml), on_container, &container), "META-INF/container.xml");
    Str path = container.package_path;
    if (path.len == 0)
        return FAIL(CORRUPT, "META-INF/container.xml names no package");
    buffer_clear(&xml);
    TRY_CTX(read_member(zip, path, &xml), "package '" STR_FMT "'", STR_ARG(path));
    TRY_CTX(for_each_start(buffer_bytes(&xml), on_package, package), "package '" STR_FMT "'", STR_ARG(path));
    size_t slash = str_rfind_char(path, '/');
    package->folder = slash == SIZE_MAX ? STR_EMPTY : str_slice(path, 0, slash + 1);
    if (package->item_count > 0)
        qsort(package->items, package->item_count, sizeof *package->items, by_id);
    return NULL;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The member that `href` means, seen from `folder`: %20 decoded, "." and ".." resolved, nothing above the root. `out` has room for both. */
static Str resolve(Str folder, Str href, char *out)
{
    size_t len = 0, decoded = 0;
    char *joined = out + folder.len + href.len + 1;
    memcpy(joined, folder.data, folder.len);
    decoded = folder.len;
    href = str_slice(href, 0, str_find_char(href, '#'));
    for (size_t i = 0; i < href.len; i++) {
        bool escape = href.data[i] == '%' && i + 2 < href.len && hex_digit(href.data[i + 1]) >= 0
                      && hex_digit(href.data[i + 2]) >= 0;
        joined[decoded++] =
            escape ? (char)(hex_digit(href.data[i + 1]) * 16 + hex_digit(href.data[i + 2])) : href.data[i];
        i += escape ? 2 : 0;
    }
    Str rest = {joined, decoded}, segment;
    while (str_next_piece(&rest, '/', &segment)) {
        if (segment.len == 0 || str_equal(segment, STR(".")))
            continue;
        if (str_equal(segment, STR(".."))) {
            size_t slash = str_rfind_char((Str){out, len}, '/');
            len = slash == SIZE_MAX ? 0 : slash;
            continue;
        }
        if (len > 0)
            out[len++] = '/';
        memmove(out + len, segment.data, segment.len);
        len += segment.len;
    }
    return (Str){out, len};
}

static Str file_name(Str path)
{
    size_t slash = str_rfind_char(path, '/');
    return slash == SIZE_MAX ? path : str_slice(path, slash + 1, path.len);
}

/* `#place` and `chapter#place` are places in the book; `http:...` is not. */
MUST_USE static Error *fix_link(Arena *arena, Str chapter, Str *url)
{
    size_t hash = str_find_char(*url, '#');
    if (hash == SIZE_MAX || str_find_char(*url, ':') != SIZE_MAX)
        return NULL;
    Str file = hash == 0 ? chapter : file_name(str_slice(*url, 0, hash)), place = str_slice(*url, hash + 1, url->len);
    char *fixed = arena_format(arena, "#" STR_FMT "_" STR_FMT, STR_ARG(file), STR_ARG(place));
    *url = str_of(fixed);
    return fixed ? NULL : arena_error(arena);
}

MUST_USE static Error *fix_links(Elements *elements, size_t first, Str chapter)
{
    for (size_t i = first; i < elements->count; i++) {
        ElementRare *rare = elements->items[i].rare;
        StrList *urls = rare ? &rare->link_urls : NULL;
        for (size_t j = 0; urls && j < urls->count; j++)
            TRY(fix_link(elements->arena, chapter, &urls->items[j]));
    }
    return NULL;
}

MUST_USE static Error *add_chapter(ZipReader *zip, const Package *package, Str href, const PartitionOptions *options,
                                   Builder *builder)
{
    Elements *elements = builder->elements;
    size_t first = elements->count;
    Str text;
    if (href.len > PATH_MAX_BYTES)
        return FAIL(CORRUPT, "the path of a chapter has %zu bytes", href.len);
    char *path_room = arena_alloc(elements->arena, 2 * (package->folder.len + href.len + 1));
    if (!path_room)
        return arena_error(elements->arena);
    Str path = resolve(package->folder, href, path_room);
    CLEANUP(buffer_done) Buffer xhtml = {0};
    TRY_CTX(read_member(zip, path, &xhtml), "chapter '" STR_FMT "'", STR_ARG(path));
    TRY(charset_decode(buffer_bytes(&xhtml), options->encoding, elements->arena, &text));
    TRY_CTX(html_add_elements(builder, text, options), "chapter '" STR_FMT "'", STR_ARG(path));
    return fix_links(elements, first, file_name(path));
}

static bool is_chapter(const Item *item)
{
    return str_equal(item->media_type, STR("application/xhtml+xml")) || str_equal(item->media_type, STR("text/html"))
           || str_equal(item->media_type, STR("application/x-dtbook+xml"));
}

/* The picture on the cover comes first, as in pandoc's HTML. */
MUST_USE static Error *add_cover(const Package *package, Builder *builder)
{
    Element *element;
    ElementRare *rare;
    const Item *item = package->cover.len > 0 ? find_item(package, package->cover) : NULL;
    if (!item || !str_starts_with(item->media_type, STR("image/")))
        return NULL;
    TRY(builder_add(builder, ELEMENT_IMAGE, STR_EMPTY, &element));
    TRY(element_add_rare(element, builder->elements->arena, &rare));
    rare->image_url = item->href;
    return NULL;
}

/* A chapter that cannot be read does not keep the others away; the first such is told of in the end. */
MUST_USE static Error *add_chapters(ZipReader *zip, const Package *package, const PartitionOptions *options,
                                    Builder *builder)
{
    CLEANUP(error_freep) Error *first_error = NULL;
    for (size_t i = 0; i < package->spine_count; i++) {
        const Item *item = find_item(package, package->spine[i]);
        Error *error = NULL;
        if (!item)
            error =
                FAIL(CORRUPT, "chapter '" STR_FMT "' of the spine is not in the manifest", STR_ARG(package->spine[i]));
        else if (is_chapter(item))
            error = add_chapter(zip, package, item->href, options, builder);
        if (error && error_code(error) != ERR_CORRUPT)
            return error;
        if (first_error)
            error_free(error);
        else
            first_error = error;
    }
    Error *error = first_error;
    first_error = NULL;
    return error;
}

MUST_USE static Error *read_book(Bytes input, const PartitionOptions *options, Builder *builder)
{
    CLEANUP(zip_reader_freep) ZipReader *zip = NULL;
    Package package = {.arena = builder->elements->arena, .cover = STR_EMPTY};
    TRY(zip_reader_new(input, options->expansion, &zip));
    TRY(refuse_encrypted(zip));
    TRY(read_package(zip, &package));
    TRY(add_cover(&package, builder));
    return add_chapters(zip, &package, options, builder);
}

Error *partition_epub(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                      Elements *elements)
{
    (void)filetype;
    Builder builder;
    builder_init(&builder, options, watch, elements);
    ASSERT(options->expansion);
    TRY_CTX(read_book(input, options, &builder), "epub");
    return NULL;
}
