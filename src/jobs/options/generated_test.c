/* What is made from the table: complete, and accepted by those who read it. */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/testing.h"
#include "jobs/options/table.h"

static bool contains(const Buffer *text, const char *what)
{
    return str_find(buffer_str(text), str_of(what)) != SIZE_MAX;
}

/* Every flag of the table with its aliases and its letter. `escaped`: hyphens as roff wants them. */
static void assert_flags(const Buffer *text, CommandId command, const char *dash, const char *end)
{
    const OptionDef *row;
    for (size_t i = 0; (row = option_at(i)); i++) {
        if (!option_in(row, command) || !option_is_flag(row))
            continue;
        for (size_t n = 0; n <= OPTION_ALIASES_MAX; n++) {
            const char *name = n == 0 ? row->name : row->aliases[n - 1].name;
            if (!name)
                break;
            CLEANUP(buffer_done) Buffer flag = {0};
            assert_ok(buffer_append_format(&flag, "%s%s", dash, dash));
            for (const char *c = name; *c; c++)
                assert_ok(buffer_append_str(&flag, *c == '-' ? str_of(dash) : str_from(c, 1)));
            assert_ok(buffer_append_str(&flag, str_of(end)));
            if (!contains(text, buffer_cstr(&flag)))
                fail_msg("'%s': --%s is missing", command_def(command)->name, name);
        }
    }
}

static void help(void **state)
{
    (void)state;
    for (CommandId id = 0; id < COMMANDS; id++) {
        CLEANUP(buffer_done) Buffer text = {0};
        if (command_def(id)->library_only)
            continue;
        assert_ok(options_write_help(id, 80, &text));
        assert_flags(&text, id, "-", "");
        size_t examples = str_find(buffer_str(&text), STR("Examples:")),
               options = str_find(buffer_str(&text), STR("Options:"));
        assert_true(examples < options || options == SIZE_MAX);
    }
}

/* Lines are as wide as asked, but for what cannot be broken: the left column, and examples. */
static void help_is_wrapped(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer text = {0};
    assert_ok(options_write_help(COMMAND_INGEST, 80, &text));
    Str rest = buffer_str(&text), line;
    while (str_next_piece(&rest, '\n', &line)) {
        bool whole =
            str_starts_with(line, STR("  quern ")) || str_find(line, STR("|")) != SIZE_MAX || line.data[0] == 'q';
        if (line.len > 80 && !whole)
            fail_msg("too wide: '" STR_FMT "'", STR_ARG(line));
        assert_false(line.len > 0 && line.data[line.len - 1] == ' ');
    }
}

static void program_help(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer text = {0}, group = {0};
    assert_ok(options_write_help(COMMANDS, 80, &text));
    assert_ok(options_write_group_help(STR("parquet"), 80, &group));
    for (CommandId id = 0; id < COMMANDS; id++) {
        const CommandDef *def = command_def(id);
        CLEANUP(buffer_done) Buffer name = {0};
        assert_ok(buffer_append_format(&name, "\n  %s ", def->name));
        assert_int_equal(contains(&text, buffer_cstr(&name)), !def->library_only);
        assert_int_equal(contains(&group, buffer_cstr(&name)), strncmp(def->name, "parquet ", 8) == 0);
    }
}

/* The exit status of a line of shell. */
static int run_shell(const char *line)
{
    const char *argv[] = {"sh", "-c", line, NULL};
    pid_t child;
    int status = -1;
    /* posix_spawn takes char *const * for old times' sake and changes nothing */
    assert_int_equal(posix_spawn(&child, "/bin/sh", NULL, NULL, (char *const *)(uintptr_t)argv, environ), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Runs `command` with `text` as its standard input: does it succeed and say nothing? */
static bool reader_accepts(const char *command, const Buffer *text)
{
    char path[] = "/tmp/quern-generated-XXXXXX", line[512];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text->data, text->len), (ssize_t)text->len);
    assert_int_equal(close(fd), 0);
    snprintf(line, sizeof line, "out=$(%s < %s 2>&1) && test -z \"$out\" || { echo \"$out\" | head -5 >&2; false; }",
             command, path);
    int status = run_shell(line);
    assert_int_equal(unlink(path), 0);
    return status == 0;
}

static bool has_program(const char *name)
{
    char line[128];
    snprintf(line, sizeof line, "command -v %s > /dev/null 2>&1", name);
    bool found = run_shell(line) == 0;
    if (!found)
        print_message("%s is not here: what is made for it was not tried\n", name);
    return found;
}

static void manual(void **state)
{
    (void)state;
    bool groff = has_program("groff");
    for (CommandId id = 0; id <= COMMANDS; id++) {
        CLEANUP(buffer_done) Buffer text = {0};
        if (id < COMMANDS && command_def(id)->library_only)
            continue;
        assert_ok(options_write_man(id, &text));
        assert_true(contains(&text, ".SH NAME\nquern"));
        assert_true(contains(&text, ".SH EXIT STATUS\n"));
        assert_true(contains(&text, ".SH ENVIRONMENT\n"));
        assert_true(contains(&text, ".SH FILES\n"));
        if (id < COMMANDS)
            assert_flags(&text, id, "\\-", "\\fR");
        if (groff)
            assert_true(reader_accepts("groff -ww -man -Tutf8 -z", &text));
    }
}

static void completion(void **state)
{
    (void)state;
    static const struct {
        ShellKind shell;
        const char *check, *program, *flag_end;
    } ROWS[] = {
        {SHELL_BASH, "bash -n", "bash", " "},
        {SHELL_ZSH, "zsh -n", "zsh", ""},
        {SHELL_FISH, "fish -n", "fish", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(ROWS); i++) {
        CLEANUP(buffer_done) Buffer text = {0};
        assert_ok(options_write_completion(ROWS[i].shell, &text));
        for (CommandId id = 0; id < COMMANDS && ROWS[i].shell != SHELL_FISH; id++) {
            if (!command_def(id)->library_only)
                assert_flags(&text, id, "-", ROWS[i].flag_end);
        }
        if (has_program(ROWS[i].program))
            assert_true(reader_accepts(ROWS[i].check, &text));
    }
}

/* fish writes "-l name". */
static void fish_flags(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer text = {0};
    const OptionDef *row;
    assert_ok(options_write_completion(SHELL_FISH, &text));
    for (size_t i = 0; (row = option_at(i)); i++) {
        char flag[128];
        snprintf(flag, sizeof flag, " -l %s ", row->name);
        if (option_is_flag(row))
            assert_true(contains(&text, flag));
    }
}

/* What bash offers for a line, by running the script. */
static void bash_completes(void **state)
{
    (void)state;
    static const struct {
        const char *words, *offered;
    } ROWS[] = {
        {"quern in", "ingest"},
        {"quern parquet sch", "schema"},
        {"quern ingest --output-form", "--output-format"},
        {"quern ingest --output-format pa", "parquet"},
        {"quern parquet cat --colu", "--columns"},
        {"quern completion f", "fish"},
        {"quern ingest --no-ver", "--no-verify-ssl"},
        {"quern help sea", "search"},
        {"quern ingest --output-format = nd", "ndjson"},
        {"quern ingest --output-format =", "json ndjson parquet"},
        {"quern ls /usr/inc", "/usr/include"},
    };
    CLEANUP(buffer_done) Buffer script = {0};
    assert_ok(options_write_completion(SHELL_BASH, &script));
    for (size_t i = 0; i < ARRAY_COUNT(ROWS); i++) {
        CLEANUP(buffer_done) Buffer run = {0};
        assert_ok(buffer_append_str(&run, buffer_str(&script)));
        assert_ok(buffer_append_format(&run,
                                       "COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _quern\n"
                                       "[[ ${COMPREPLY[*]} == '%s' ]] || echo \"${COMPREPLY[*]}\"\n",
                                       ROWS[i].words, ROWS[i].offered));
        assert_true(reader_accepts("bash", &run));
    }
}

/* A template changes nothing as it is, and everything in it is known once it is taken out of its comment. */
static void templates(void **state)
{
    (void)state;
    static const CommandId WHICH[] = {COMMANDS, COMMAND_INGEST, COMMAND_LOAD};
    for (size_t i = 0; i < ARRAY_COUNT(WHICH); i++) {
        CLEANUP(buffer_done) Buffer json = {0}, env = {0};
        CLEANUP(cleanup_json) json_t *root = NULL;
        assert_ok(options_write_template(WHICH[i], TEMPLATE_JSON, &json));
        assert_ok(options_write_template(WHICH[i], TEMPLATE_ENV, &env));
        assert_ok(json_read(buffer_bytes(&json), &root));
        const char *section, *name;
        json_t *keys, *value;
        json_object_foreach(root, section, keys)
        {
            if (!json_is_object(keys))
                continue;
            json_object_foreach(keys, name, value)
            {
                char key[128];
                assert_int_equal(strncmp(name, "//", 2), 0);
                snprintf(key, sizeof key, "%s.%s", section, name + (name[2] == ' ' ? 3 : 2));
                if (!option_key_known(str_of(key)))
                    fail_msg("'%s' is not known", key);
            }
        }
        Str rest = buffer_str(&env), line;
        while (str_next_piece(&rest, '\n', &line)) {
            assert_true(line.len == 0 || line.data[0] == '#');
            size_t equals = str_find_char(line, '=');
            if (str_starts_with(line, STR("#QUERN_")))
                assert_true(option_variable_known(str_slice(line, 1, equals)));
        }
    }
}

static void table_as_json(void **state)
{
    (void)state;
    for (CommandId id = 0; id < COMMANDS; id++) {
        CLEANUP(buffer_done) Buffer text = {0};
        CLEANUP(cleanup_json) json_t *root = NULL;
        assert_ok(options_write_table(id, &text));
        assert_ok(json_read(buffer_bytes(&text), &root));
        assert_str(json_get_str(root, "command", STR("")), command_def(id)->name);
        size_t i;
        json_t *row;
        json_array_foreach(json_object_get(root, "options"), i, row)
        {
            char name[128];
            Str shown = json_get_str(row, "name", STR(""));
            assert_true(shown.len > 0 && shown.len < sizeof name);
            for (size_t c = 0; c < shown.len; c++)
                name[c] = shown.data[c] == '_' ? '-' : shown.data[c];
            assert_non_null(option_find(id, str_from(name, shown.len)));
        }
    }
}

/* Every writer fails cleanly at any point where memory ends. */
static void limits(void **state)
{
    (void)state;
    for (size_t limit = 1; limit < 4000; limit += 97) {
        CLEANUP(buffer_done)
        Buffer help_out = {.limit = limit}, man_out = {.limit = limit}, bash_out = {.limit = limit},
               json_out = {.limit = limit}, table_out = {.limit = limit};
        assert_fails(options_write_help(COMMAND_INGEST, 80, &help_out), ERR_LIMIT);
        assert_fails(options_write_man(COMMAND_INGEST, &man_out), ERR_LIMIT);
        assert_fails(options_write_completion(SHELL_BASH, &bash_out), ERR_LIMIT);
        assert_fails(options_write_template(COMMANDS, TEMPLATE_JSON, &json_out), ERR_LIMIT);
        assert_fails(options_write_table(COMMAND_INGEST, &table_out), ERR_LIMIT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help),           cmocka_unit_test(help_is_wrapped), cmocka_unit_test(program_help),
        cmocka_unit_test(manual),         cmocka_unit_test(completion),      cmocka_unit_test(fish_flags),
        cmocka_unit_test(bash_completes), cmocka_unit_test(templates),       cmocka_unit_test(table_as_json),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests_name("options generated", tests, NULL, NULL);
}
