/* partition.h - bytes of a document to its elements. Used by quern-parse alone, inside the sandbox: nothing here opens a file, a
 * socket or a process; tables are loaded by partition_warm_up before the door closes. One document at a time, one thread. */
#ifndef DOCUMENT_PARTITION_H
#define DOCUMENT_PARTITION_H

#include "document/element.h"

/* To be raised with every change after which the same document has other elements (their texts, types, order, metadata or ids), or can be read
 * where it could not: outputs of older rules are then made anew. */
enum { PARTITION_RULES_VERSION = 2 };

/* How OCR may be used. The names are those of the originals. */
typedef enum PartitionStrategy {
    STRATEGY_AUTO,
    STRATEGY_FAST,
    STRATEGY_OCR_ONLY,
    PARTITION_STRATEGIES
} PartitionStrategy;

/* Whose rules HTML is read by. The names are those of --html-parser. */
typedef enum HtmlParser {
    HTML_PARSER_MODERN, /* since 0.15 */
    HTML_PARSER_ONTOLOGY, /* HTML whose classes say what its elements are; what becomes HTML on the way is read by the modern rules */
    HTML_PARSER_TREE, /* 0.14.10 */
    HTML_PARSER_SEED, /* 0.4.10 */
    HTML_PARSERS
} HtmlParser;

/* What containers (archives, Office files, mail with attachments) may unpack to, one budget for all that are in one another: a hundred times
 * the input's bytes, at most 2 GiB; 10,000 members; ten levels (spec/security.md 4.3). partition() begins one where there is none. */
typedef struct Expansion {
    uint64_t bytes_left;
    size_t members_left;
    unsigned levels_left;
} Expansion;

enum { EXPANSION_LEVELS_MAX = 10 };

/* The budget of a document. In expansion.c, with the next. */
Expansion expansion_for(Bytes input);
/* Takes `bytes` for one member out of the budget. Errors: LIMIT naming which, and `member`. */
MUST_USE Error *expansion_take(Expansion *expansion, Str member, uint64_t bytes);

typedef struct PartitionOptions {
    Str filename;          /* base name, for the extension; may be "" */
    Str encoding;          /* declared charset; "": detect */
    Str languages;         /* comma list of ISO 639-3 or "auto"; "": auto */
    bool titles_from_text; /* older rules: is_possible_title for HTML too */
    bool txt_lines;        /* every line an element, instead of the paragraph grouper */
    HtmlParser html_parser;
    bool table_cells;      /* metadata.table_as_cells of tables */
    size_t text_max_bytes; /* of all elements; 0: 256 MiB */
    unsigned depth_max;    /* nesting of HTML and XML; 0: 256 */
    PartitionStrategy strategy;
    Str ocr_languages;    /* Tesseract's names, `+` between; "": eng */
    bool uncompress;      /* archives are documents too: their members are partitioned */
    Expansion *expansion; /* does not travel; NULL: begun by partition() */
    Str path; /* the same: from the root of the outermost archive, what is read being a member of one; "": it is none */
} PartitionOptions;

/* Still alive: called between pages and other units, so that the silence limit does not fire. */
typedef struct PartitionWatch {
    void (*progress)(void *context, uint64_t units_done);
    void *context;
} PartitionWatch;

/* Loads what parsing needs from disk (libmagic's table, charset converters, one PDF). Once, before the sandbox locks. */
MUST_USE Error *partition_warm_up(void);

/* Detects the type by content first, then by name, and fills `elements` and `*ret_filetype` (a static MIME type; set as soon as it is
 * known, also on failure, "" when it is not). Elements have no ids yet. Errors: UNSUPPORTED (message "unsupported type: application/zip", ...),
 * CORRUPT with what and where, LIMIT naming the limit; elements found before stay: a partial result. */
MUST_USE Error *partition(Bytes input, const PartitionOptions *options, const PartitionWatch *watch, Elements *elements,
                          Str *ret_filetype);

/* A document inside the one being read: detects its type by content and by `part->filename`, unless `part->filetype` says it, adds its elements
 * to those of `outer_elements`, and says of each that has no part yet that it is of `part`, whose filetype is then set. `options` are those of the
 * outer document; `text_left` is what the two may still add. Errors: as partition; what was found before stays. LIMIT also when containers are nested too deep. */
MUST_USE Error *partition_child(Bytes input, ElementPart *part, const PartitionOptions *options,
                                const PartitionWatch *watch, Elements *outer_elements, size_t *text_left);

/* The face of one family; the table in partition.c names one for each type. `filetype` is what detection said. */
typedef Error *Partitioner(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                           Elements *elements);

Partitioner partition_text;      /* text/text.c */
Partitioner partition_html;      /* html/html.c */
Partitioner partition_markdown;  /* markdown/markdown.c */
Partitioner partition_csv;       /* csv/csv.c */
Partitioner partition_mail;      /* mail/mail.c */
Partitioner partition_msg;       /* mail/msg.c */
Partitioner partition_archive;   /* archive/archive.c */
Partitioner partition_doc;       /* legacy/doc.c */
Partitioner partition_json;      /* json/json.c */
Partitioner partition_epub;      /* epub/epub.c */
Partitioner partition_org;       /* org/org.c */
Partitioner partition_rst;       /* rst/rst.c */
Partitioner partition_rtf;       /* rtf/rtf.c */
Partitioner partition_xml;       /* xml/xml.c */
Partitioner partition_xlsx;      /* sheets/xlsx.c */
Partitioner partition_xls;       /* sheets/xls.c */
Partitioner partition_pptx;      /* slides/pptx.c */
Partitioner partition_docx;      /* office/word.c */
Partitioner partition_odt;       /* office/odt.c */
Partitioner partition_encrypted; /* office/encrypted.c */
Partitioner partition_ppt;       /* slides/ppt.c */
Partitioner partition_image;     /* image/image.c */
Partitioner partition_pdf;       /* pdf/pdf.c, the one that links poppler */

#endif
