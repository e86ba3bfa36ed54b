#include <string.h>

#include "cli/program.h"

/* The snippet with its marked words; "**" becomes bold where there is colour. */
static void print_snippet(const char *snippet, bool color)
{
    bool bold = false;
    for (const char *p = snippet; *p;) {
        const char *mark = strstr(p, "**");
        char piece[512];
        size_t len = mark ? (size_t)(mark - p) : strlen(p);
        if (len >= sizeof piece)
            len = sizeof piece - 1, mark = NULL;
        memcpy(piece, p, len);
        piece[len] = 0;
        print_safe(stdout, piece);
        p += len;
        if (mark) {
            bold = !bold;
            fputs(color ? (bold ? "\x1b[1m" : "\x1b[0m") : "**", stdout);
            p += 2;
        }
    }
}

static void print_hit(const Program *program, size_t rank, const QuernHit *hit)
{
    if (program->terminal.json) {
        print_event_head(stdout, "hit", quern_control_run_view(program->control));
        printf(", \"rank\": %zu, \"score\": %.6f, \"key\": ", rank, hit->score);
        print_json_string(stdout, hit->key);
        fputs(", \"document\": ", stdout);
        print_json_string(stdout, hit->document);
        if (hit->page)
            printf(", \"page\": %lld", hit->page);
        fputs(", \"snippet\": ", stdout);
        print_json_string(stdout, hit->snippet);
        printf(", \"row\": %s}\n", hit->explain_json);
        return;
    }
    printf("%2zu  %8.3f  ", rank, hit->score);
    print_safe(stdout, *hit->document ? hit->document : hit->key);
    if (hit->page)
        printf(", page %lld", hit->page);
    fputs("\n              ", stdout);
    print_snippet(hit->snippet, program->terminal.color_results);
    putchar('\n');
}

static void print_summary(const Program *program, size_t hits)
{
    print_event_head(stdout, "summary", quern_control_run_view(program->control));
    printf(", \"command\": \"search\", \"status\": \"ok\", \"hits\": %zu}\n", hits);
}

int command_search(Program *program)
{
    QuernSearch *search = NULL;
    QuernHits *hits = NULL;
    const QuernHit *hit;
    size_t count = 0;
    if (program->arguments.count != 1)
        return program_fail(
            program, quern_error_new(QUERN_INVALID, "search takes one query: quote it when it has several words"));
    QuernError *e = quern_search_new(NULL, program->options, &search);
    if (!e)
        e = quern_search_query(search, program->arguments.values[0], program->options, program->control, &hits);
    for (; !e && (hit = quern_hits_at(hits, count)); count++)
        print_hit(program, count + 1, hit);
    if (!e && program->terminal.json)
        print_summary(program, count);
    else if (!e && count == 0)
        fputs("no hits\n", program->terminal.talk);
    quern_hits_free(hits);
    quern_search_free(search);
    return program_flush(program, program_fail(program, e));
}
