#include "cli/terminal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LINE_EVERY_S = 30, LINE_MAX_BYTES = 320 };

static double seconds_since(const struct timespec *then)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

/* Bytes of the UTF-8 sequence at `p`, 0 when there is none. RFC 3629. */
static size_t sequence_len(const unsigned char *p)
{
    size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (len > 1 && (p[0] < 0xc2 || p[0] > 0xf4))
        return 0;
    if (len > 2
        && ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90)
            || (p[0] == 0xf4 && p[1] > 0x8f)))
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80) /* the NUL at the end is none either */
            return 0;
    return len;
}

void print_json_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        size_t len = sequence_len(p);
        if (len == 0) {
            fputs("\xef\xbf\xbd", out);
            p++;
            continue;
        }
        if (*p == '"' || *p == '\\')
            fprintf(out, "\\%c", *p);
        else if (*p < 0x20)
            fprintf(out, "\\u%04x", *p);
        else
            fwrite(p, 1, len, out);
        p += len;
    }
    fputc('"', out);
}

/* A C0 or C1 control character, or DEL, at `p`, a sequence of `len` bytes. */
static bool is_control(const unsigned char *p, size_t len)
{
    return *p < 0x20 || *p == 0x7f || (len == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

/* U+061C, U+200E, U+200F, U+202A-U+202E, U+2066-U+2069: they change the order in which a terminal shows what stands around them, so that a
 * name can look like another. Unicode TR36, 3.5. */
static bool is_bidi_control(const unsigned char *p, size_t len)
{
    if (len == 2)
        return p[0] == 0xd8 && p[1] == 0x9c;
    if (len != 3 || p[0] != 0xe2)
        return false;
    return (p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xaa && p[2] <= 0xae)))
           || (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);
}

static void print_escaped(FILE *out, const char *text, bool keep_lines)
{
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        size_t len = sequence_len(p);
        bool control = is_control(p, len) && !(*p == '\n' && keep_lines);
        if (len == 0 || control || (is_bidi_control(p, len) && isatty(fileno(out)))) {
            fprintf(out, "\\x%02x", *p);
            for (p++; len > 1; len--)
                fprintf(out, "\\x%02x", *p++);
            continue;
        }
        fwrite(p, 1, len, out);
        p += len;
    }
}

void print_safe(FILE *out, const char *text)
{
    print_escaped(out, text, false);
}

void terminal_clear(Terminal *terminal)
{
    if (terminal->scrolled)
        terminal->block_lines = 0;
    terminal->scrolled = 0;
    for (; terminal->block_lines; terminal->block_lines--)
        fputs("\x1b[1A\x1b[2K", terminal->talk);
}

static const char *level_name(QuernLogLevel level)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    return names[level];
}

static void print_time(FILE *out)
{
    char text[32];
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    fputs(text, out);
}

void print_event_head(FILE *out, const char *type, const char *run)
{
    fprintf(out, "{\"type\": \"%s\", \"time\": \"", type);
    print_time(out);
    fputs("\", \"run\": ", out);
    print_json_string(out, run);
}

/* The beginning of a message of fetch that its original shows in colour; `message` without it. */
static const char *print_colored_word(const Terminal *terminal, FILE *out, const char *message)
{
    static const struct {
        const char *word, *color;
    } words[] = {{"Cache Hit", "\x1b[32m"}, {"Cache Miss", "\x1b[31m"}, {"Force Cache Refresh", "\x1b[33m"}};
    if (out == terminal->log_file || !(terminal->color || terminal->original_colors))
        return message;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t len = strlen(words[i].word);
        if (strncmp(message, words[i].word, len) == 0 && message[len] == ':') {
            fprintf(out, "%s%s\x1b[0m", words[i].color, words[i].word);
            return message + len;
        }
    }
    return message;
}

/* "2026-04-23 12:00:00,123 __main__     INFO     ", local time: impresso-essentials' own form (spec/impresso.md 4.6). */
static void print_original_head(FILE *out, QuernLogLevel level)
{
    static const char *const names[] = {"DEBUG", "INFO", "WARNING", "ERROR"};
    char text[32];
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &parts);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
    fprintf(out, "%s,%03d %-12s %-8s ", text, (int)(now.tv_nsec / 1000000), "__main__", names[level]);
}

static void print_log_line(const Terminal *terminal, FILE *out, QuernLogLevel level, const char *message)
{
    if (terminal->json_log) {
        print_event_head(out, level_name(level), quern_control_run_view(terminal->control));
        fputs(", \"message\": ", out);
        print_json_string(out, message);
        fputs("}\n", out);
        return;
    }
    if (out == terminal->log_file && terminal->original_log) {
        print_original_head(out, level);
    } else if (out == terminal->log_file) {
        print_time(out);
        fprintf(out, " %-7s ", level_name(level));
    } else if (level >= QUERN_LOG_WARNING) {
        const char *color = terminal->color ? (level == QUERN_LOG_ERROR ? "\x1b[31m" : "\x1b[33m") : "";
        fprintf(out, "%s%s%s: ", color, level_name(level), *color ? "\x1b[0m" : "");
    }
    print_safe(out, print_colored_word(terminal, out, message));
    fputc('\n', out);
}

void terminal_log_file(Terminal *terminal, QuernLogLevel level, const char *message)
{
    if (!terminal->log_file || level < terminal->least)
        return;
    print_log_line(terminal, terminal->log_file, level, message);
    fflush(terminal->log_file);
}

void terminal_log(void *context, QuernLogLevel level, const char *message)
{
    Terminal *terminal = context;
    terminal_log_file(terminal, level, message);
    if (terminal->json || level < terminal->least || (terminal->quiet && level < QUERN_LOG_WARNING))
        return; /* with --json it is an event */
    terminal_clear(terminal);
    print_log_line(terminal, terminal->talk, level, message);
}

void terminal_error(Terminal *terminal, const char *message)
{
    terminal_clear(terminal);
    if (terminal->log_file)
        print_log_line(terminal, terminal->log_file, QUERN_LOG_ERROR, message);
    fputs(terminal->color ? "\x1b[31mquern:\x1b[0m " : "quern: ", terminal->talk);
    print_safe(terminal->talk, message);
    fputc('\n', terminal->talk);
}

/* In the log file as an object, or line by line. */
static void log_summary(const Terminal *terminal, const QuernReport *report, QuernLogLevel level)
{
    if (terminal->json_log) {
        fprintf(terminal->log_file, "%s\n", quern_report_json_view(report));
        return;
    }
    char *text = strdup(quern_report_text_view(report)), *rest = text, *line;
    while (rest && (line = strsep(&rest, "\n")))
        if (*line)
            print_log_line(terminal, terminal->log_file, level, line);
    free(text); /* without memory: without summary */
}

void terminal_summary(Terminal *terminal, const QuernReport *report, int status)
{
    QuernLogLevel level = status ? QUERN_LOG_ERROR : QUERN_LOG_INFO;
    terminal_clear(terminal);
    if (!terminal->quiet || status)
        print_escaped(terminal->talk, quern_report_text_view(report), true);
    if (terminal->log_file && level >= terminal->least)
        log_summary(terminal, report, level);
}

void terminal_say_draining(Terminal *terminal)
{
    static const char line[] = "finishing what is in flight; again to stop at once\n";
    if (terminal->quiet)
        return;
    terminal->scrolled = 1;
    ssize_t written = write(STDERR_FILENO, line, sizeof line - 1);
    (void)written; /* nobody to tell */
}

typedef struct Amount {
    char text[24];
} Amount;

static Amount amount(double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    Amount out;
    size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        bytes /= 1024;
    snprintf(out.text, sizeof out.text, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return out;
}

/* Exponential average over about ten seconds. */
static void update_rate(Terminal *terminal, const QuernProgress *progress, double elapsed)
{
    double step = elapsed - terminal->rate_at;
    if (step < 0.5)
        return;
    double weight = terminal->rate_at == 0 || step > 10 ? 1 : step / 10;
    double items = (double)(progress->items_ended - terminal->rate_items);
    double bytes = (double)progress->bytes - (double)terminal->rate_bytes;
    terminal->rate += (items / step - terminal->rate) * weight;
    terminal->byte_rate +=
        ((bytes > 0 ? bytes : 0) / step - terminal->byte_rate) * weight; /* they may be less: engine.h */
    terminal->rate_at = elapsed;
    terminal->rate_items = progress->items_ended;
    terminal->rate_bytes = progress->bytes;
}

/* By bytes where their sum is known: items differ more. 0: nobody can tell. */
static double seconds_left(const Terminal *terminal, const QuernProgress *progress)
{
    if (progress->bytes_total > progress->bytes && terminal->byte_rate >= 1)
        return (double)(progress->bytes_total - progress->bytes) / terminal->byte_rate;
    if (progress->items_total > progress->items_ended && terminal->rate > 0)
        return (double)(progress->items_total - progress->items_ended) / terminal->rate;
    return 0;
}

/* " of N", or nothing where nobody knows. */
typedef struct Phrase {
    char text[48];
} Phrase;

static Phrase phrase(bool known, const char *format, ...) QUERN_PRINTF(2, 3);

static Phrase phrase(bool known, const char *format, ...)
{
    Phrase out = {""};
    va_list arguments;
    va_start(arguments, format);
    if (known)
        vsnprintf(out.text, sizeof out.text, format, arguments);
    va_end(arguments);
    return out;
}

/* What matters most comes first: a terminal may be too narrow for the whole. */
static void print_progress(const Terminal *terminal, const QuernProgress *progress, double elapsed)
{
    char line[LINE_MAX_BYTES];
    double left = seconds_left(terminal, progress);
    int len = snprintf(
        line, sizeof line, "%" PRIu64 "%s ended, %s%s%s, %" PRIu64 " failed, %" PRIu64 " skipped, %.0f/s, %s/s, %.0f s",
        progress->items_ended, phrase(progress->items_total > 0, "/%" PRIu64, progress->items_total).text,
        amount((double)progress->bytes).text,
        phrase(progress->bytes_total > 0, " of %s", amount((double)progress->bytes_total).text).text,
        phrase(left > 0, ", about %.0f s left", left).text, progress->items_failed, progress->items_skipped,
        terminal->rate, amount(terminal->byte_rate).text, elapsed);
    struct winsize size;
    bool narrow = terminal->live && ioctl(fileno(terminal->talk), TIOCGWINSZ, &size) == 0 && size.ws_col > 1
                  && len >= size.ws_col;
    fprintf(terminal->talk, "%.*s\n", narrow ? size.ws_col - 1 : len, line);
}

void terminal_progress(void *context, const QuernProgress *progress)
{
    Terminal *terminal = context;
    double elapsed = seconds_since(&terminal->began);
    update_rate(terminal, progress, elapsed);
    if (terminal->live) {
        terminal_clear(terminal);
        print_progress(terminal, progress, elapsed);
        terminal->block_lines = 1;
    } else if (seconds_since(&terminal->last_line) >= LINE_EVERY_S) {
        clock_gettime(CLOCK_MONOTONIC, &terminal->last_line);
        print_progress(terminal, progress, elapsed);
    }
    fflush(terminal->talk);
}

void terminal_event(void *context, const char *json)
{
    static const char *const prompt[] = {"{\"type\": \"plan\"", "{\"type\": \"progress\""};
    (void)context;
    puts(json);
    for (size_t i = 0; i < sizeof prompt / sizeof prompt[0]; i++)
        if (strncmp(json, prompt[i], strlen(prompt[i])) == 0)
            fflush(stdout); /* so that a reader is at most a second behind */
}
