#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/program.h"

enum { PIECE_BYTES = 256 * 1024 };

/* A whole file in memory. */
typedef struct Document {
    unsigned char *data;
    size_t len, capacity;
} Document;

static QuernError *unreadable(const char *name, int number)
{
    QuernCode code = number == ENOENT ? QUERN_NOT_FOUND : number == EACCES ? QUERN_DENIED : QUERN_INVALID;
    return quern_error_new(code, "read '%s': %s", name, strerror(number));
}

/* The same error with the document's name in front, where the error of reading it has it already. */
static QuernError *of_document(const char *name, QuernError *take_error)
{
    QuernError *e = quern_error_new(quern_error_code(take_error), "'%s': %s", name, quern_error_message(take_error));
    quern_error_free(take_error);
    return e;
}

static QuernError *read_stream(FILE *file, const char *name, Document *document)
{
    size_t got;
    do {
        if (document->capacity - document->len < PIECE_BYTES) {
            size_t capacity = document->capacity * 2 + PIECE_BYTES;
            unsigned char *data = realloc(document->data, capacity);
            if (!data)
                return quern_error_new(QUERN_NO_MEMORY, "read '%s': out of memory", name);
            document->data = data;
            document->capacity = capacity;
        }
        got = fread(document->data + document->len, 1, document->capacity - document->len, file);
        document->len += got;
    } while (got > 0);
    return ferror(file) ? unreadable(name, errno) : NULL;
}

static QuernError *read_document(const char *name, Document *document)
{
    if (strcmp(name, "-") == 0)
        return read_stream(stdin, "standard input", document);
    FILE *file = fopen(name, "rb");
    if (!file)
        return unreadable(name, errno);
    QuernError *e = read_stream(file, name, document);
    fclose(file);
    return e;
}

static QuernError *print_elements(const Program *program, const QuernElements *elements)
{
    char *json = NULL;
    QuernError *e = quern_elements_to_json(elements, program->options, &json);
    if (!e)
        fputs(json, stdout);
    if (!e && json[0] == '[')
        putchar('\n');
    quern_free(json);
    return e;
}

/* What was found before an error is printed too. */
static QuernError *partition_file(Program *program, QuernClient *client, const char *name)
{
    Document document = {0};
    QuernElements *elements = NULL;
    QuernError *e = read_document(name, &document);
    if (!e) {
        const char *filename = strcmp(name, "-") == 0 ? NULL : name;
        e = quern_partition_bytes(client, (QuernBytes){document.data, document.len}, filename, program->options,
                                  program->control, &elements);
        e = e ? of_document(name, e) : NULL;
    }
    free(document.data);
    QuernError *unprinted = elements ? print_elements(program, elements) : NULL;
    quern_elements_free(elements);
    if (!e)
        return unprinted;
    quern_error_free(unprinted);
    return e;
}

/* A document that nobody here reads has failed, like one that is damaged; that the command cannot work at all was found before. */
static int document_status(const QuernError *error)
{
    return quern_error_code(error) == QUERN_UNSUPPORTED ? 1 : quern_exit_status(error, NULL);
}

/* Each file is a case of its own: one that fails does not keep the others from being printed. */
int command_partition(Program *program)
{
    QuernClient *client = NULL;
    QuernError *e = quern_client_new(NULL, &client);
    if (!e)
        e = quern_partition_prepare(client, program->options, program->control);
    bool ready = !e;
    int status = program_fail(program, e);
    for (size_t i = 0; ready && i < program->arguments.count; i++) {
        e = partition_file(program, client, program->arguments.values[i]);
        int own = program_fail_with(program, e, document_status(e));
        if (status == 0)
            status = own;
        if (own == 130 || own == 143)
            break;
    }
    quern_client_free(client);
    return program_flush(program, status);
}
