/* tokenizer_cli [--repeat N] TOKENIZER FILE... - prints the ids of each file on a line of its own; with --repeat the best time of N for each instead. For
 * comparisons and measurements, not installed. */
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "tokenizer/tokenizer.h"

MUST_USE static Error *show_ids(Tokenizer *tokenizer, Str text)
{
    TokenIds ids = {0};
    Error *error = tokenizer_encode(tokenizer, text, &ids);
    for (size_t i = 0; !error && i < ids.count; i++)
        printf("%s%u", i > 0 ? " " : "", ids.items[i]);
    puts("");
    token_ids_done(&ids);
    return error;
}

MUST_USE static Error *measure(Tokenizer *tokenizer, Str text, uint64_t repeats)
{
    double best = 0;
    TokenIds ids = {0};
    Error *error = NULL;
    for (uint64_t i = 0; !error && i < repeats; i++) {
        int64_t start = clock_monotonic_us(clock_system());
        ids.count = 0;
        error = tokenizer_encode(tokenizer, text, &ids);
        double seconds = (double)(clock_monotonic_us(clock_system()) - start) / 1e6;
        best = i == 0 || seconds < best ? seconds : best;
    }
    printf("%zu bytes, %zu ids, %.4f s, %.1f MB/s\n", text.len, ids.count, best, (double)text.len / 1e6 / best);
    token_ids_done(&ids);
    return error;
}

MUST_USE static Error *run(char **arguments, uint64_t repeats)
{
    CLEANUP(tokenizer_freep) Tokenizer *tokenizer = NULL;
    CLEANUP(buffer_done) Buffer text = {0};
    TRY(file_read(arguments[0], GIB, &text));
    TRY_CTX(tokenizer_read(buffer_bytes(&text), &tokenizer), "read tokenizer '%s'", arguments[0]);
    for (char **path = arguments + 1; *path; path++) {
        buffer_clear(&text);
        TRY(file_read(*path, GIB, &text));
        TRY_CTX(repeats ? measure(tokenizer, buffer_str(&text), repeats) : show_ids(tokenizer, buffer_str(&text)),
                "'%s'", *path);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    uint64_t repeats = 0;
    int first = 1;
    if (argc > 2 && str_equal(str_of(argv[1]), STR("--repeat")) && str_to_u64(str_of(argv[2]), &repeats))
        first = 3;
    if (first >= argc) {
        fputs("usage: tokenizer_cli [--repeat N] TOKENIZER FILE...\n", stderr);
        return 2;
    }
    CLEANUP(error_freep) Error *error = run(argv + first, repeats);
    if (error)
        fprintf(stderr, "tokenizer_cli: %s\n", error_message_view(error));
    return error_code_exit_status(error_code(error));
}
