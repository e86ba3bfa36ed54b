#include "document/html/ontology_class.h"

#include "document/chars.h"

#define NAME(text)                                                                                                     \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }

/* In byte order, for the binary search. */
static const OntologyClass CLASSES[] = {
    {NAME("Abstract"), {NAME("section")}, ELEMENT_NARRATIVE_TEXT, ONTOLOGY_INLINE},
    {NAME("Address"), {NAME("address")}, ELEMENT_ADDRESS, ONTOLOGY_INLINE},
    {NAME("Audio"), {NAME("audio")}, ELEMENT_UNCATEGORIZED_TEXT, 0},
    {NAME("Author"), {NAME("meta")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_INLINE},
    {NAME("Barcode"), {NAME("img")}, ELEMENT_IMAGE, 0},
    {NAME("Bibliography"), {NAME("ul")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_INLINE},
    {NAME("Button"), {NAME("button")}, ELEMENT_UNCATEGORIZED_TEXT, 0},
    {NAME("CalendarDate"), {NAME("time")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_INLINE},
    {NAME("Caption"), {NAME("figcaption")}, ELEMENT_FIGURE_CAPTION, 0},
    {NAME("Checkbox"), {NAME("input")}, ELEMENT_UNCATEGORIZED_TEXT, 0},
    {NAME("Citation"), {NAME("cite")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_INLINE},
    {NAME("CodeBlock"), {NAME("pre"), NAME("code")}, ELEMENT_CODE_SNIPPET, 0},
    {NAME("Column"), {NAME("div")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_LAYOUT},
    {NAME("Comment"), {NAME("span")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_INLINE},
    {NAME("Currency"), {NAME("span")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_INLINE},
    {NAME("DefinitionList"), {NAME("dl")}, ELEMENT_UNCATEGORIZED_TEXT, 0},
    {NAME("Document"), {NAME("body")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_LAYOUT | ONTOLOGY_DOCUMENT},
    {NAME("EmailAddress"), {NAME("a")}, ELEMENT_EMAIL_ADDRESS, ONTOLOGY_INLINE},
    {NAME("Equation"), {NAME("math")}, ELEMENT_FORMULA, 0},
    {NAME("Figure"), {NAME("figure")}, ELEMENT_IMAGE, 0},
    {NAME("Footer"), {NAME("footer")}, ELEMENT_FOOTER, 0},
    {NAME("Footnote"), {NAME("div")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_INLINE},
    {NAME("FootnoteReference"), {NAME("sub")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_INLINE},
    {NAME("Form"), {NAME("form")}, ELEMENT_UNCATEGORIZED_TEXT, 0},
    {NAME("FormField"), {NAME("label")}, ELEMENT_UNCATEGORIZED_TEXT, 0},
    {NAME("FormFieldValue"), {NAME("input")}, ELEMENT_UNCATEGORIZED_TEXT, 0},
    {NAME("Formula"), {NAME("math")}, ELEMENT_FORMULA, 0},
    {NAME("Glossary"), {NAME("dl")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_INLINE},
    {NAME("Header"), {NAME("header")}, ELEMENT_HEADER, 0},
    {NAME("Heading"), {NAME("h1"), NAME("h2"), NAME("h3"), NAME("h4"), NAME("h5"), NAME("h6")}, ELEMENT_TITLE, 0},
    {NAME("Highlight"), {NAME("mark")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_INLINE},
    {NAME("Hyperlink"), {NAME("a")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_INLINE},
    {NAME("Image"), {NAME("img")}, ELEMENT_IMAGE, 0},
    {NAME("Index"), {NAME("nav")}, ELEMENT_UNCATEGORIZED_TEXT, 0},
    {NAME("InlineCode"), {NAME("code")}, ELEMENT_CODE_SNIPPET, 0},
    {NAME("Keywords"), {NAME("meta")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_INLINE},
    {NAME("Letterhead"), {NAME("header")}, ELEMENT_HEADER, 0},
    {NAME("ListItem"), {NAME("li")}, ELEMENT_LIST_ITEM, 0},
    {NAME("Logo"), {NAME("img")}, ELEMENT_IMAGE, 0},
    {NAME("Measurement"), {NAME("span")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_INLINE},
    {NAME("MetaDate"), {NAME("meta")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_INLINE},
    {NAME("NarrativeText"), {NAME("p")}, ELEMENT_NARRATIVE_TEXT, ONTOLOGY_INLINE},
    {NAME("OrderedList"), {NAME("ol")}, ELEMENT_UNCATEGORIZED_TEXT, 0},
    {NAME("Page"), {NAME("div")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_LAYOUT},
    {NAME("PageBreak"), {NAME("hr")}, ELEMENT_PAGE_BREAK, ONTOLOGY_LAYOUT},
    {NAME("PageNumber"), {NAME("span")}, ELEMENT_PAGE_NUMBER, 0},
    {NAME("Paragraph"), {NAME("p")}, ELEMENT_NARRATIVE_TEXT, ONTOLOGY_INLINE},
    {NAME("PhoneNumber"), {NAME("span")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_INLINE},
    {NAME("QRCode"), {NAME("img")}, ELEMENT_IMAGE, 0},
    {NAME("Quote"), {NAME("blockquote")}, ELEMENT_NARRATIVE_TEXT, ONTOLOGY_INLINE},
    {NAME("RadioButton"), {NAME("input")}, ELEMENT_UNCATEGORIZED_TEXT, 0},
    {NAME("RevisionDeletion"), {NAME("del")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_INLINE},
    {NAME("RevisionInsertion"), {NAME("ins")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_INLINE},
    {NAME("Section"), {NAME("section")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_LAYOUT},
    {NAME("Sidebar"), {NAME("aside")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_LAYOUT},
    {NAME("Signature"), {NAME("img"), NAME("svg")}, ELEMENT_UNCATEGORIZED_TEXT, 0},
    {NAME("Stamp"), {NAME("img"), NAME("svg")}, ELEMENT_UNCATEGORIZED_TEXT, 0},
    {NAME("Subtitle"), {NAME("h2")}, ELEMENT_TITLE, 0},
    {NAME("Table"), {NAME("table")}, ELEMENT_TABLE, ONTOLOGY_TABLE},
    {NAME("TableBody"), {NAME("tbody")}, ELEMENT_TABLE, 0},
    {NAME("TableCell"), {NAME("td")}, ELEMENT_TABLE, 0},
    {NAME("TableCellHeader"), {NAME("th")}, ELEMENT_TABLE, 0},
    {NAME("TableHeader"), {NAME("thead")}, ELEMENT_TABLE, 0},
    {NAME("TableOfContents"), {NAME("table")}, ELEMENT_TABLE, ONTOLOGY_TABLE},
    {NAME("TableRow"), {NAME("tr")}, ELEMENT_TABLE, 0},
    {NAME("Time"), {NAME("time")}, ELEMENT_UNCATEGORIZED_TEXT, ONTOLOGY_INLINE},
    {NAME("Title"), {NAME("h1")}, ELEMENT_TITLE, 0},
    {NAME("UncategorizedText"), {NAME("span")}, ELEMENT_UNCATEGORIZED_TEXT, 0},
    {NAME("UnorderedList"), {NAME("ul")}, ELEMENT_UNCATEGORIZED_TEXT, 0},
    {NAME("Video"), {NAME("video")}, ELEMENT_UNCATEGORIZED_TEXT, 0},
    {NAME("Watermark"), {NAME("div")}, ELEMENT_UNCATEGORIZED_TEXT, 0},
};

/* What a tag without such a class is; in byte order. */
typedef struct TagClass {
    Str tag, class;
} TagClass;

static const TagClass TAGS[] = {
    {NAME("a"), NAME("Hyperlink")},
    {NAME("address"), NAME("Address")},
    {NAME("aside"), NAME("Sidebar")},
    {NAME("audio"), NAME("Audio")},
    {NAME("blockquote"), NAME("Quote")},
    {NAME("body"), NAME("Document")},
    {NAME("button"), NAME("Button")},
    {NAME("cite"), NAME("Citation")},
    {NAME("code"), NAME("CodeBlock")},
    {NAME("del"), NAME("RevisionDeletion")},
    {NAME("div"), NAME("UncategorizedText")},
    {NAME("dl"), NAME("DefinitionList")},
    {NAME("figcaption"), NAME("Caption")},
    {NAME("figure"), NAME("Figure")},
    {NAME("footer"), NAME("Footer")},
    {NAME("form"), NAME("Form")},
    {NAME("h1"), NAME("Title")},
    {NAME("h2"), NAME("Subtitle")},
    {NAME("h3"), NAME("Heading")},
    {NAME("h4"), NAME("Heading")},
    {NAME("h5"), NAME("Heading")},
    {NAME("h6"), NAME("Heading")},
    {NAME("header"), NAME("Header")},
    {NAME("hr"), NAME("PageBreak")},
    {NAME("img"), NAME("Image")},
    {NAME("ins"), NAME("RevisionInsertion")},
    {NAME("label"), NAME("FormField")},
    {NAME("li"), NAME("ListItem")},
    {NAME("mark"), NAME("Highlight")},
    {NAME("math"), NAME("Equation")},
    {NAME("meta"), NAME("Keywords")},
    {NAME("nav"), NAME("Index")},
    {NAME("ol"), NAME("OrderedList")},
    {NAME("p"), NAME("Paragraph")},
    {NAME("pre"), NAME("CodeBlock")},
    {NAME("section"), NAME("Section")},
    {NAME("span"), NAME("UncategorizedText")},
    {NAME("sub"), NAME("FootnoteReference")},
    {NAME("svg"), NAME("Signature")},
    {NAME("table"), NAME("Table")},
    {NAME("tbody"), NAME("TableBody")},
    {NAME("td"), NAME("TableCell")},
    {NAME("th"), NAME("TableCellHeader")},
    {NAME("thead"), NAME("TableHeader")},
    {NAME("time"), NAME("Time")},
    {NAME("tr"), NAME("TableRow")},
    {NAME("ul"), NAME("UnorderedList")},
    {NAME("video"), NAME("Video")},
};

static const OntologyClass *find_class(Str name)
{
    size_t low = 0, high = ARRAY_COUNT(CLASSES);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_compare(name, CLASSES[middle].name);
        if (order == 0)
            return &CLASSES[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* One of those above. */
static const OntologyClass *known_class(Str name)
{
    const OntologyClass *class = find_class(name);
    ASSERT(class != NULL);
    return class;
}

static const OntologyClass *class_of_tag(Str tag)
{
    size_t low = 0, high = ARRAY_COUNT(TAGS);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_compare(tag, TAGS[middle].tag);
        if (order == 0)
            return known_class(TAGS[middle].class);
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static bool next_word(Str *rest, Str *ret_word)
{
    size_t from = 0, to;
    while (from < rest->len && strchr(" \t\n\r\f", rest->data[from]))
        from++;
    for (to = from; to < rest->len && !strchr(" \t\n\r\f", rest->data[to]);)
        to++;
    *ret_word = str_slice(*rest, from, to);
    *rest = str_slice(*rest, to, rest->len);
    return ret_word->len > 0;
}

bool ontology_has_class(const HtmlNode *node, Str name)
{
    Str rest = html_attribute(node, STR("class")), word;
    while (next_word(&rest, &word)) {
        if (str_equal(word, name))
            return true;
    }
    return false;
}

static const OntologyClass *class_of_input(const HtmlNode *node)
{
    Str type = html_attribute(node, STR("type"));
    if (str_equal_nocase(type, STR("checkbox")))
        return known_class(STR("Checkbox"));
    if (str_equal_nocase(type, STR("radio")))
        return known_class(STR("RadioButton"));
    return known_class(STR("FormFieldValue"));
}

/* A tag that the class does not have becomes its first. */
static Str tag_of_class(const OntologyClass *class, Str tag)
{
    for (size_t i = 0; i < ARRAY_COUNT(class->tags); i++) {
        if (str_equal(class->tags[i], tag))
            return class->tags[i];
    }
    return class->tags[0];
}

static void choose(const HtmlNode *node, OntologyItem *item)
{
    Str rest = html_attribute(node, STR("class")), word;
    item->class = next_word(&rest, &word) ? find_class(word) : NULL;
    if (item->class) {
        item->tag = tag_of_class(item->class, node->name);
        return;
    }
    item->tag = node->name;
    item->class = str_equal(node->name, STR("input")) ? class_of_input(node) : class_of_tag(node->name);
    if (item->class)
        return;
    item->tag = STR("span");
    item->class = known_class(STR("UncategorizedText"));
}

/* There is an image in it and no text. */
static bool holds_only_image(const HtmlNode *node)
{
    bool image = false;
    for (const HtmlNode *n = html_next_inside(node, node); n; n = html_next_inside(n, node)) {
        image |= n->tag.kind == TAG_IMAGE;
        if (n->is_text && chars_trim(n->text).len > 0)
            return false;
    }
    return image;
}

static bool has_element(const HtmlNode *node)
{
    for (const HtmlNode *child = node->first_child; child; child = child->next) {
        if (!child->is_text)
            return true;
    }
    return false;
}

OntologyItem ontology_text_item(void)
{
    const OntologyClass *class = known_class(STR("Paragraph"));
    return (OntologyItem){.class = class, .tag = class->tags[0]};
}

OntologyItem ontology_item(const HtmlNode *node, unsigned level)
{
    OntologyItem item = ontology_text_item();
    if (node->tag.kind == TAG_LINE_BREAK) {
        item.tag = STR("br");
        item.unnamed = true;
        return item;
    }
    choose(node, &item);
    const OntologyClass *nothing_known = known_class(STR("UncategorizedText"));
    if (item.class == nothing_known && holds_only_image(node))
        item.class = known_class(STR("Image"));
    bool has_children = (item.class->flags & ONTOLOGY_LAYOUT) || (item.class != nothing_known && has_element(node));
    item.unwrapped = has_children && level <= ONTOLOGY_LEVELS_MAX;
    return item;
}
