#include "jobs/ingest/parser.h"

#include <dlfcn.h>
#include <iconv.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "document/image/languages.h"
#include "document/partition.h"
#include "document/wire.h"

struct DocumentParser {
    Sandbox *sandbox;
};

/* Behind the directory of the library: as installed in PREFIX/lib, in PREFIX/lib/TRIPLET, and in the build tree. */
static const char *const program_places[] = {
    "../libexec/quern/quern-parse",
    "../../libexec/quern/quern-parse",
    "../parse/quern-parse",
};

/* The directory this code was loaded from, with its slash. */
static Error *own_directory(Buffer *out)
{
    Dl_info about;
    void (*here)(DocumentParser *) = document_parser_free;
    void *address;
    _Static_assert(sizeof address == sizeof here, "POSIX: a function's address fits in a pointer");
    memcpy(&address, &here, sizeof address);
    if (!dladdr(address, &about) || !about.dli_fname)
        return FAIL(UNSUPPORTED, "find quern-parse: this program does not know where it is; give --parse-program");
    CLEANUP(cleanup_free) char *real = realpath(about.dli_fname, NULL);
    Str path = str_of(real ? real : about.dli_fname);
    return buffer_append_str(out, str_slice(path, 0, str_rfind_char(path, '/') + 1));
}

Error *document_parser_program(const Config *config, Buffer *out)
{
    if (config_has(config, "parse-program")) {
        TRY(buffer_append_str(out, config_str(config, "parse-program")));
        return buffer_cstr(out) ? NULL : FAIL(NO_MEMORY, "out of memory");
    }
    CLEANUP(buffer_done) Buffer directory = {0};
    TRY(own_directory(&directory));
    for (size_t i = 0; i < ARRAY_COUNT(program_places); i++) {
        buffer_clear(out);
        TRY(buffer_append_format(out, STR_FMT "%s", STR_ARG(buffer_str(&directory)), program_places[i]));
        const char *path = buffer_cstr(out);
        if (!path)
            return FAIL(NO_MEMORY, "out of memory");
        if (access(path, X_OK) == 0)
            return NULL;
    }
    return FAIL(UNSUPPORTED,
                "the parser quern-parse is not in '" STR_FMT "../libexec/quern/': install it, or give --parse-program",
                STR_ARG(buffer_str(&directory)));
}

Error *document_parser_append_identity(const Config *config, Buffer *out)
{
    CLEANUP(buffer_done) Buffer program = {0};
    struct stat about = {0};
    TRY(document_parser_program(config, &program));
    (void)stat((const char *)program.data, &about); /* what is not there is not started either */
    return buffer_append_format(out, " %lld %lld.%09ld %016" PRIx64, (long long)about.st_size,
                                (long long)about.st_mtim.tv_sec, about.st_mtim.tv_nsec, ocr_languages_hash());
}

SandboxOptions document_parser_sandbox_options(const Config *config, const char *program, unsigned workers_max,
                                               Log *log)
{
    static const SandboxMode modes[] = {SANDBOX_AUTO, SANDBOX_REQUIRE, SANDBOX_OFF}; /* as the option's choices */
    size_t mode = config_choice(config, "sandbox");
    ASSERT(mode < ARRAY_COUNT(modes));
    return (SandboxOptions){
        .mode = modes[mode],
        .program = program,
        .workers_max = workers_max,
        .silence_max_us = config_duration_us(config, "parse-silence"),
        .total_max_us = config_duration_us(config, "parse-timeout"),
        .log = log,
    };
}

/* ISO 639-3, or "auto": so that a misspelt code does not end in every element. */
static bool is_language(Str code)
{
    if (str_equal(code, STR("auto")) || code.len == 0)
        return true;
    for (size_t i = 0; i < code.len; i++)
        if (code.data[i] < 'a' || code.data[i] > 'z')
            return false;
    return code.len == 3;
}

/* Where Tesseract is there and a language is not: no picture could be read. Where it is not, documents without pictures can be. */
static Error *check_ocr_languages(const Config *config)
{
    CLEANUP(buffer_done) Buffer package = {0};
    StrList names = config_list(config, "ocr-languages");
    bool wanted = config_is_set(config, "ocr-languages") && !str_equal(config_str(config, "strategy"), STR("fast"));
    for (size_t i = 0; wanted && i < names.count; i++) {
        Str missing = ocr_languages_missing(names.items[i]);
        if (missing.len == 0)
            continue;
        TRY(ocr_languages_package(missing, &package));
        return FAIL(INVALID, "--ocr-languages '" STR_FMT "': Tesseract has no such language here%s" STR_FMT,
                    STR_ARG(missing), package.len ? "; apt install " : "", STR_ARG(buffer_str(&package)));
    }
    return NULL;
}

Error *document_parser_check(const Config *config)
{
    if (str_equal(config_str(config, "strategy"), STR("hi_res")))
        return FAIL(INVALID,
                    "--strategy hi_res: there is no layout model here; auto and fast read the text of a document");
    if (config_has(config, "encoding")) {
        iconv_t converter = iconv_open("UTF-8", config_cstr(config, "encoding"));
        if (converter == (iconv_t)-1)
            return FAIL(INVALID, "--encoding '%s': no such character set is known here",
                        config_cstr(config, "encoding"));
        iconv_close(converter);
    }
    TRY(check_ocr_languages(config));
    StrList languages = config_list(config, "languages");
    for (size_t i = 0; i < languages.count; i++) {
        if (!is_language(languages.items[i]))
            return FAIL(INVALID, "--languages '" STR_FMT "': wants codes of ISO 639-3 such as eng, or auto",
                        STR_ARG(languages.items[i]));
    }
    return NULL;
}

Error *document_parser_new(const Config *config, unsigned workers_max, Log *log, DocumentParser **ret_parser)
{
    CLEANUP(buffer_done) Buffer program = {0};
    TRY(document_parser_program(config, &program));
    CLEANUP(document_parser_freep) DocumentParser *parser = calloc(1, sizeof *parser);
    if (!parser)
        return FAIL(NO_MEMORY, "out of memory");
    SandboxOptions options = document_parser_sandbox_options(config, (const char *)program.data, workers_max, log);
    TRY_CTX(sandbox_new(&options, &parser->sandbox), "start the parser");
    *ret_parser = parser;
    parser = NULL;
    return NULL;
}

void document_parser_free(DocumentParser *parser)
{
    if (!parser)
        return;
    sandbox_free(parser->sandbox);
    free(parser);
}

const char *document_parser_layers_view(const DocumentParser *parser)
{
    return sandbox_layers_view(parser->sandbox);
}

uint64_t document_parser_peak_bytes(DocumentParser *parser)
{
    return sandbox_counters(parser->sandbox).worker_peak_bytes;
}

typedef struct Answer {
    Elements *elements;
    Str filetype;
} Answer;

static Error *take_frame(void *context, Bytes frame)
{
    Answer *answer = context;
    return wire_decode_elements(frame, answer->elements, &answer->filetype);
}

static Error *join(StrList list, char separator, Buffer *out)
{
    for (size_t i = 0; i < list.count; i++) {
        if (i > 0)
            TRY(buffer_append_byte(out, (uint8_t)separator));
        TRY(buffer_append_str(out, list.items[i]));
    }
    return NULL;
}

static Error *encode_request(const Config *config, Str filename, Buffer *out)
{
    CLEANUP(buffer_done) Buffer languages = {0}, ocr_languages = {0};
    static const PartitionStrategy strategies[] = {STRATEGY_AUTO, STRATEGY_FAST, STRATEGY_AUTO, STRATEGY_OCR_ONLY};
    static const HtmlParser html_parsers[] = {HTML_PARSER_MODERN, HTML_PARSER_ONTOLOGY, HTML_PARSER_TREE,
                                              HTML_PARSER_SEED,   HTML_PARSER_MODERN,   HTML_PARSER_ONTOLOGY};
    size_t html_parser = config_choice(config, "html-parser"); /* the last two are other names of the first */
    size_t strategy = config_choice(config, "strategy");       /* the third, hi_res, is refused before this */
    ASSERT(strategy < ARRAY_COUNT(strategies) && html_parser < ARRAY_COUNT(html_parsers));
    TRY(join(config_list(config, "languages"), ',', &languages));
    TRY(join(config_list(config, "ocr-languages"), '+', &ocr_languages));
    PartitionOptions options = {
        .filename = filename,
        .encoding = config_str(config, "encoding"),
        .languages = buffer_str(&languages),
        .strategy = strategies[strategy],
        .ocr_languages = buffer_str(&ocr_languages),
        .uncompress = config_bool(config, "uncompress"),
        .titles_from_text = config_bool(config, "titles-from-text"),
        .txt_lines = str_equal(config_str(config, "txt-mode"), STR("lines")),
        .html_parser = html_parsers[html_parser],
        .table_cells = config_bool(config, "table-as-cells"),
    };
    return wire_encode_request(&options, out);
}

Error *document_parser_run(DocumentParser *parser, const Config *config, const Shape *shape, const Cancel *cancel,
                           Bytes document, Str filename, DocumentInfo *info, Elements *elements, SandboxEnd *ret_end)
{
    CLEANUP(buffer_done) Buffer request = {0};
    Answer answer = {elements, STR_EMPTY};
    *ret_end = SANDBOX_OK;
    TRY(encode_request(config, filename, &request));
    Error *error = sandbox_run(parser->sandbox, cancel, buffer_bytes(&request), document, take_frame, &answer, ret_end);
    info->filename = filename;
    info->filetype = answer.filetype;
    if (error && *ret_end != SANDBOX_PARTIAL)
        return error;
    Error *late = shape_apply(shape, info, elements);
    if (!error)
        return late;
    if (late)
        *ret_end = SANDBOX_ABANDONED; /* what was found cannot be kept */
    error_free(late);
    return error;
}
