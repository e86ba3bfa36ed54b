/* terminal.h - talk on standard error: log lines, a progress block on a terminal, a line now and then elsewhere. Called by library
 * threads, one at a time. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <quern/run.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

typedef struct Terminal {
    FILE *talk;                /* standard error */
    QuernControl *control;     /* for the run's name; NULL before there is one */
    FILE *log_file;            /* NULL: none */
    bool live;                 /* a progress block that is drawn again and again */
    bool color, color_results; /* on standard error, on standard output */
    bool original_log;         /* the log file has the form of add-provider's original, which also begins anew */
    bool original_colors;      /* those of the original of fetch, on a terminal or not */
    bool quiet, json, json_log;
    bool progress; /* shown at all */
    QuernLogLevel least;
    unsigned block_lines;           /* drawn and not yet wiped */
    volatile sig_atomic_t scrolled; /* a line of a signal handler stands below the block, which stays */
    struct timespec began, last_line;
    double rate, byte_rate; /* items and bytes a second, smoothed */
    uint64_t rate_items, rate_bytes;
    double rate_at;
} Terminal;

void terminal_log(void *terminal, QuernLogLevel level, const char *message);
/* To the log file alone. */
void terminal_log_file(Terminal *terminal, QuernLogLevel level, const char *message);
void terminal_progress(void *terminal, const QuernProgress *progress);
/* --json: one object of the library's, on standard output. */
void terminal_event(void *terminal, const char *json);
/* Begins one of the command line's own: {"type", "time", "run"; members and the closing brace are the caller's. */
void print_event_head(FILE *out, const char *type, const char *run);
/* Wipes the block, so that what is printed next stays. */
void terminal_clear(Terminal *terminal);
/* "quern: message", in red where there is colour. */
void terminal_error(Terminal *terminal, const char *message);
/* The end of a run. With `quiet` only when `status` is not 0; in the log file always, as its level allows. */
void terminal_summary(Terminal *terminal, const QuernReport *report, int status);
/* What a first signal does. For signal handlers. */
void terminal_say_draining(Terminal *terminal);

/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void print_json_string(FILE *out, const char *text);
/* A text for people: control characters as \xNN, and where `out` is a terminal those that turn the direction of writing, too. */
void print_safe(FILE *out, const char *text);

#endif
