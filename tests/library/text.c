/* text clean|extract LIST-OR-WHAT TEXT, text around PATTERN INDEX TEXT - what quern/text.h makes of a text, a line each. */
#include <quern/quern.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static QuernBytes bytes_of(const char *text)
{
    return (QuernBytes){text, strlen(text)};
}

static QuernError *clean(const char *list, const char *text)
{
    char *cleaned = NULL;
    size_t bytes = 0;
    QuernError *error = quern_text_clean(bytes_of(text), list, &cleaned, &bytes);
    if (!error)
        printf("%s|%zu\n", cleaned, bytes);
    quern_free(cleaned);
    return error ? error : quern_text_clean(bytes_of(text), list, NULL, NULL);
}

static QuernError *extract(const char *what, const char *text)
{
    char **found = NULL;
    QuernError *error = quern_text_extract(bytes_of(text), what, &found);
    for (size_t i = 0; found && found[i]; i++)
        puts(found[i]);
    quern_free(found);
    return error ? error : quern_text_extract(bytes_of(text), what, NULL);
}

static QuernError *around(const char *pattern, const char *index, const char *text)
{
    char *before = NULL, *after = NULL;
    QuernError *error = quern_text_around(bytes_of(text), pattern, (size_t)strtoul(index, NULL, 10), &before, &after);
    if (!error)
        printf("%s\n%s\n", before, after);
    quern_free(before);
    quern_free(after);
    return error;
}

int main(int argc, char **argv)
{
    QuernError *error = NULL;
    if (argc == 4 && strcmp(argv[1], "clean") == 0)
        error = clean(argv[2], argv[3]);
    else if (argc == 4 && strcmp(argv[1], "extract") == 0)
        error = extract(argv[2], argv[3]);
    else if (argc == 5 && strcmp(argv[1], "around") == 0)
        error = around(argv[2], argv[3], argv[4]);
    else
        return 64;
    fputs(quern_error_message(error), stderr);
    int status = quern_exit_status(error, NULL);
    quern_error_free(error);
    return status;
}
