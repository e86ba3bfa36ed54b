#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/program.h"

enum { WIDTH_DEFAULT = 100, WIDTH_LEAST = 60, WIDTH_MOST = 140 };

static const struct {
    const char *name;
    int (*run)(Program *program);
} commands[] = {
    {"fetch", command_fetch},
    {"ingest", command_ingest},
    {"partition", command_partition},
    {"load", command_load},
    {"set-timestamp", command_set_timestamp},
    {"add-provider", command_add_provider},
    {"copy", command_copy},
    {"search", command_search},
    {"ls", command_ls},
    {"parquet schema", command_parquet_schema},
    {"parquet meta", command_parquet_meta},
    {"parquet cat", command_parquet_cat},
    {"parquet head", command_parquet_head},
    {"uploads list", command_uploads_list},
    {"uploads abort", command_uploads_abort},
    {"status", command_status},
    {"why", command_why},
    {"retry", command_retry},
    {"doctor", command_doctor},
    {"config show", command_config_show},
    {"config init", command_config_init},
    {"completion", command_completion},
    {"help", command_help},
    {"version", command_version},
};

/* ---- signals: a run's first lets what is in flight finish, its second ends it; what only asks ends at the first ---- */

static QuernControl *_Atomic signalled_control; /* NULL: there is nothing to end */
static Terminal *signalled_terminal;            /* constant while there is a control */
static volatile sig_atomic_t signal_seen, signal_drains;

static void on_signal(int number)
{
    int saved = errno;
    QuernControl *control = signalled_control;
    bool first = signal_seen == 0;
    signal_seen = number;
    if (control)
        quern_control_cancel(control);
    if (control && !signal_drains)
        quern_control_cancel(control);
    if (control && signal_drains && first)
        terminal_say_draining(signalled_terminal);
    errno = saved;
}

static bool is_run(const char *command)
{
    static const char *const runs[] = {"fetch", "ingest", "load", "set-timestamp", "add-provider", "copy", "retry"};
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++)
        if (strcmp(command, runs[i]) == 0)
            return true;
    return false;
}

static void listen_to_signals(Program *program)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    signal_drains = is_run(program->arguments.command);
    signalled_terminal = &program->terminal;
    signalled_control = program->control;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* a write that fails says so, */
    signal(SIGXFSZ, SIG_IGN); /* also one past the limit of file sizes */
}

/* ---- what commands use ---- */

char *program_value(const Program *program, const char *name)
{
    char *text = NULL;
    QuernError *e = quern_options_value(program->options, program->arguments.command, name, &text);
    quern_error_free(e); /* main has checked the options; a name that the command lacks has no value */
    return text;
}

bool program_flag(const Program *program, const char *name)
{
    char *text = program_value(program, name);
    bool set = text && strcmp(text, "true") == 0;
    quern_free(text);
    return set;
}

long long program_number(const Program *program, const char *name, long long missing)
{
    char *text = program_value(program, name);
    long long number = text ? strtoll(text, NULL, 10) : missing;
    quern_free(text);
    return number;
}

/* The last line of --json when there is no report to make it from. */
static void print_stopped(const Program *program, const QuernError *error, int status)
{
    print_event_head(stdout, "summary", quern_control_run_view(program->control));
    if (program->arguments.command)
        printf(", \"command\": \"%s\"", program->arguments.command);
    printf(", \"status\": \"stopped\", \"exit_status\": %d, \"code\": \"%s\", \"error\": ", status,
           quern_code_name(quern_error_code(error)));
    print_json_string(stdout, quern_error_message(error));
    puts("}");
}

/* Why the run ended: on standard error, and for --json the object before the summary. */
static void say_error(Program *program, const QuernError *error)
{
    if (program->terminal.json) {
        print_event_head(stdout, "error", quern_control_run_view(program->control));
        printf(", \"code\": \"%s\", \"message\": ", quern_code_name(quern_error_code(error)));
        print_json_string(stdout, quern_error_message(error));
        puts("}");
    }
    terminal_error(&program->terminal, quern_error_message(error));
}

int program_fail(Program *program, QuernError *take_error)
{
    return program_fail_with(program, take_error, quern_exit_status(take_error, NULL));
}

int program_fail_with(Program *program, QuernError *take_error, int status)
{
    if (take_error) {
        say_error(program, take_error);
        if (program->terminal.json)
            print_stopped(program, take_error, status);
    }
    quern_error_free(take_error);
    return status == 130 && signal_seen == SIGTERM ? 143 : status;
}

/* A log that is not whole is a failure, where nothing else was. */
static int flush_log(Program *program, int status)
{
    FILE *file = program->terminal.log_file;
    if (!file || (fflush(file) == 0 && !ferror(file)))
        return status;
    program->terminal.log_file = NULL; /* takes no more */
    fclose(file);
    terminal_error(&program->terminal,
                   "the log file of --log-file is not whole: it cannot be written to; is the disk full?");
    return status ? status : 8;
}

int program_flush(Program *program, int status)
{
    status = flush_log(program, status);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    if (errno == EPIPE)
        return status; /* the reader has seen enough */
    terminal_error(&program->terminal, "standard output cannot be written to; is the disk full?");
    return status ? status : 8;
}

int program_finish(Program *program, QuernError *take_error, QuernReport *take_report)
{
    Terminal *terminal = &program->terminal;
    int status = quern_exit_status(take_error, take_report);
    bool work = quern_report_count(take_report, QUERN_DONE) || quern_report_count(take_report, QUERN_FAILED);
    bool rehearsal = program_flag(program, "dry-run"); /* does nothing, whatever there is to do */
    if (status == 0 && take_report && !work && !rehearsal && program_flag(program, "error-on-no-work"))
        status = 9;
    if (take_report)
        terminal_summary(terminal, take_report, status);
    if (take_error)
        say_error(program, take_error);
    if (terminal->json && take_report)
        puts(quern_report_json_view(take_report));
    else if (terminal->json && take_error)
        print_stopped(program, take_error, status);
    quern_error_free(take_error);
    quern_report_free(take_report);
    status = program_flush(program, status);
    return status == 130 && signal_seen == SIGTERM ? 143 : status;
}

/* ---- start ---- */

static unsigned terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return WIDTH_DEFAULT;
    return size.ws_col < WIDTH_LEAST ? WIDTH_LEAST : size.ws_col > WIDTH_MOST ? WIDTH_MOST : size.ws_col;
}

static QuernError *print_text(const Program *program, const char *command, QuernText kind)
{
    char *text = NULL;
    QuernError *e = quern_options_text(program->options, command, kind, terminal_width(), &text);
    if (text)
        fputs(text, stdout);
    quern_free(text);
    return e;
}

/* The manual page through man(1), when there is a terminal to read it on. */
static bool show_manual(const Program *program, const char *topic)
{
    char *page = NULL;
    if (!isatty(STDOUT_FILENO))
        return false;
    QuernError *e = quern_options_text(program->options, topic, QUERN_TEXT_MANUAL, 0, &page);
    /* NOLINTNEXTLINE(cert-env33-c): a constant command, which is man(1) on the user's own PATH and pager */
    FILE *man = e ? NULL : popen("man -l - 2>/dev/null", "w");
    quern_error_free(e); /* a group has no page of its own; whatever else it is, the help says it too */
    if (man)
        fputs(page, man);
    quern_free(page);
    return man && pclose(man) == 0;
}

int command_help(Program *program)
{
    const char *topic = program->arguments.count ? program->arguments.values[0] : NULL;
    char joined[64];
    if (program->arguments.count > 1) {
        snprintf(joined, sizeof joined, "%s %s", topic, program->arguments.values[1]);
        topic = joined;
    }
    if (show_manual(program, topic))
        return 0;
    return program_flush(program, program_fail(program, print_text(program, topic, QUERN_TEXT_HELP)));
}

int command_version(Program *program)
{
    if (program->terminal.json) {
        print_event_head(stdout, "version", quern_control_run_view(program->control));
        fputs(", \"version\": ", stdout);
        print_json_string(stdout, quern_version());
        puts("}");
    } else {
        printf("quern %s\n", quern_version());
    }
    return program_flush(program, 0);
}

/* A terminal that understands escapes. */
static bool is_terminal(int descriptor)
{
    const char *term = getenv("TERM");
    return isatty(descriptor) && !(term && strcmp(term, "dumb") == 0);
}

static bool wants_color(const Program *program, int descriptor)
{
    char *when = program_value(program, "color");
    const char *none = getenv("NO_COLOR"), *force = getenv("FORCE_COLOR");
    bool color = is_terminal(descriptor);
    if (none && *none)
        color = false;
    else if (force && *force)
        color = true;
    if (when && strcmp(when, "always") == 0)
        color = true;
    else if (when && strcmp(when, "never") == 0)
        color = false;
    quern_free(when);
    return color;
}

static QuernLogLevel least_level(const Program *program)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    char *text = program_flag(program, "verbose") ? NULL : program_value(program, "log-level");
    QuernLogLevel level = program_flag(program, "verbose") ? QUERN_LOG_DEBUG : QUERN_LOG_INFO;
    for (size_t i = 0; text && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(text, names[i]) == 0)
            level = (QuernLogLevel)i;
    quern_free(text);
    return level;
}

/* `load` keeps its original's habit of a log file a day; "" means that none is wanted. */
static char *log_file_path(const Program *program)
{
    char *path = program_value(program, "log-file");
    char daily[32];
    time_t now = time(NULL);
    struct tm parts;
    if (path || strcmp(program->arguments.command, "load") != 0)
        return path;
    localtime_r(&now, &parts);
    strftime(daily, sizeof daily, "pipeline_%Y%m%d.log", &parts);
    return strdup(daily);
}

static QuernError *open_log_file(Program *program)
{
    char *path = log_file_path(program);
    program->terminal.original_log = strcmp(program->arguments.command, "add-provider") == 0;
    if (path && *path) {
        program->terminal.log_file = fopen(path, program->terminal.original_log ? "we" : "ae");
        if (!program->terminal.log_file) {
            QuernError *e = quern_error_new(QUERN_INVALID, "--log-file: open '%s': %s", path, strerror(errno));
            quern_free(path);
            return e;
        }
    }
    quern_free(path);
    return NULL;
}

static QuernError *set_up(Program *program)
{
    Terminal *terminal = &program->terminal;
    char *format = program_value(program, "log-format"), *progress = program_value(program, "progress");
    terminal->json = program_flag(program, "json");
    terminal->quiet = program_flag(program, "quiet");
    terminal->color = wants_color(program, STDERR_FILENO);
    terminal->color_results = wants_color(program, STDOUT_FILENO);
    terminal->least = least_level(program);
    terminal->json_log = format && strcmp(format, "json") == 0;
    terminal->progress = progress ? strcmp(progress, "true") == 0 : !terminal->quiet;
    terminal->live = terminal->progress && is_terminal(STDERR_FILENO);
    quern_free(format);
    quern_free(progress);
    clock_gettime(CLOCK_MONOTONIC, &terminal->began);
    terminal->last_line = terminal->began;

    QuernError *e = open_log_file(program);
    if (e)
        return e;
    quern_control_on_log(program->control, terminal->least, terminal_log, terminal);
    if (terminal->progress)
        quern_control_on_progress(program->control, terminal_progress, terminal);
    if (terminal->json)
        quern_control_on_event(program->control, terminal->quiet ? QUERN_LOG_WARNING : terminal->least, terminal_event,
                               terminal);
    listen_to_signals(program);
    return NULL;
}

static int dispatch(Program *program)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(program->arguments.command, commands[i].name) == 0)
            return commands[i].run(program);
    return program_fail(program, quern_error_new(QUERN_INTERNAL, "no command '%s'", program->arguments.command));
}

/* For what is said before the options can be asked. */
static bool asks_for_json(int argc, const char *const *argv)
{
    bool json = false;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        json = (json || strcmp(argv[i], "--json") == 0) && strcmp(argv[i], "--no-json") != 0;
    return json;
}

static int run(Program *program, int argc, const char *const *argv)
{
    program->terminal.json = asks_for_json(argc, argv);
    QuernError *e = quern_control_new(&program->control);
    program->terminal.control = program->control;
    if (!e)
        e = quern_options_parse(program->options, argc, argv, &program->arguments);
    if (!e && program->arguments.version)
        return command_version(program);
    if (!e && (program->arguments.help || !program->arguments.command)) {
        e = print_text(program, program->arguments.command, QUERN_TEXT_HELP);
        int status = program_fail(program, e);
        return program_flush(program, status ? status : program->arguments.help ? 0 : 2);
    }
    if (!e)
        e = quern_options_check(program->options, program->arguments.command, NULL);
    if (!e && program->arguments.print_config)
        return program_flush(program,
                             program_fail(program, print_text(program, program->arguments.command, QUERN_TEXT_VALUES)));
    if (!e)
        e = set_up(program);
    if (e)
        return program_finish(program, e, NULL);
    return dispatch(program);
}

int main(int argc, char **argv)
{
    Program program = {
        .options = quern_options_new(),
        .arguments = {.struct_bytes = sizeof(QuernArguments)},
        .terminal = {.talk = stderr},
    };
    int status = run(&program, argc, (const char *const *)argv);
    signalled_control = NULL; /* a signal from now on finds nothing to end */
    quern_control_free(program.control);
    quern_options_free(program.options);
    if (program.terminal.log_file)
        fclose(program.terminal.log_file);
    return status;
}
