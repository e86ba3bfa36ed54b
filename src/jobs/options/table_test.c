/* Properties that every row must have. */
#include "jobs/options/table.h"

#include "base/testing.h"
#include "jobs/options/value.h"

static void each_default_is_good(void **state)
{
    (void)state;
    const OptionDef *row;
    for (size_t i = 0; (row = option_at(i)); i++) {
        OptionValue value;
        if (row->fallback)
            assert_ok(value_parse(row, str_of(row->fallback), &value));
        else if (!row->fallback_help)
            fail_msg("--%s has no default and does not say what happens", row->name);
    }
}

static void each_row_is_whole(void **state)
{
    (void)state;
    const OptionDef *row;
    for (size_t i = 0; (row = option_at(i)); i++) {
        size_t help_len = row->help ? strlen(row->help) : 0;
        bool ok = row->commands != 0 && row->commands < COMMAND_BIT(COMMANDS) && help_len > 0
                  && row->help[help_len - 1] != '.' && (row->type == OPTION_CHOICE) == (row->choices != NULL)
                  && (row->type == OPTION_BOOL || row->type == OPTION_CHOICE || row->value_name)
                  && (row->type != OPTION_CHOICE || row->fallback)
                  && (!(row->traits & OPTION_LIST) || row->type == OPTION_STRING)
                  && (!(row->traits & OPTION_SECRET) || row->traits & OPTION_NO_FLAG) && row->minimum <= row->maximum;
        for (size_t a = 0; a < OPTION_ALIASES_MAX && row->aliases[a].name; a++) {
            OptionValue value;
            if (row->aliases[a].value)
                assert_ok(value_parse(row, str_of(row->aliases[a].value), &value));
        }
        if (!ok)
            fail_msg("--%s: its row is not whole", row->name);
    }
}

/* All names of a row in one list, with their letter. */
static size_t names_of(const OptionDef *row, const char *names[8])
{
    size_t count = 0;
    names[count++] = row->name;
    for (size_t a = 0; a < OPTION_ALIASES_MAX && row->aliases[a].name; a++)
        names[count++] = row->aliases[a].name;
    return count;
}

static void names_are_unique_in_a_command(void **state)
{
    (void)state;
    const OptionDef *row, *other;
    for (size_t i = 0; (row = option_at(i)); i++) {
        for (size_t k = i + 1; (other = option_at(k)); k++) {
            if (!(row->commands & other->commands))
                continue;
            const char *ours[8], *theirs[8];
            size_t ours_count = names_of(row, ours), theirs_count = names_of(other, theirs);
            for (size_t a = 0; a < ours_count; a++) {
                for (size_t b = 0; b < theirs_count; b++) {
                    if (strcmp(ours[a], theirs[b]) == 0)
                        fail_msg("--%s stands in two rows of one command", ours[a]);
                }
            }
            if (row->letter && row->letter == other->letter)
                fail_msg("-%c is --%s and --%s", row->letter, row->name, other->name);
        }
    }
}

static void keys_find_their_row(void **state)
{
    (void)state;
    const OptionDef *row;
    for (size_t i = 0; (row = option_at(i)); i++) {
        for (CommandId id = 0; id < COMMANDS; id++) {
            if (!option_in(row, id) || row->traits & (OPTION_ACTION | OPTION_NO_KEY))
                continue;
            char key[OPTION_KEY_BYTES];
            OptionMatch match;
            Str shown = option_key(row, id, key);
            if (!option_match_key(row, id, shown, &match)
                || !(command_def(id)->library_only || option_key_known(shown)))
                fail_msg("'" STR_FMT "' does not find --%s", STR_ARG(shown), row->name);
        }
    }
}

static void variables_are_known(void **state)
{
    (void)state;
    const OptionDef *row;
    for (size_t i = 0; (row = option_at(i)); i++) {
        Variable variable;
        size_t v = 0;
        for (; option_variable(row, v, &variable); v++)
            assert_true(option_variable_known(str_of(variable.name)));
        if (row->traits & OPTION_ACTION)
            assert_int_equal(v, 0);
    }
    assert_true(option_variable_known(STR("QUERN_MAX_FILE_SIZE")));
    assert_true(option_variable_known(STR("AWS_REGION")));
    assert_true(option_variable_known(STR("SLURM_ARRAY_TASK_ID")));
    assert_false(option_variable_known(STR("QUERN_S3")));
    assert_false(option_variable_known(STR("PATH")));
}

static void commands(void **state)
{
    (void)state;
    CommandId id;
    assert_ok(command_find(STR("parquet_schema"), &id));
    assert_int_equal(id, COMMAND_PARQUET_SCHEMA);
    assert_ok(command_find(STR("parquet schema"), &id));
    assert_int_equal(id, COMMAND_PARQUET_SCHEMA);
    assert_fails_saying(command_find(STR("ingset"), &id), ERR_INVALID, "the nearest is 'ingest'");
    assert_fails_saying(command_find(STR("elephant"), &id), ERR_INVALID, "`quern help` lists them");
    for (id = 0; id < COMMANDS; id++) {
        const CommandDef *def = command_def(id);
        assert_true(def->name && def->section && def->summary);
        assert_true(def->library_only || def->examples[0].line);
        for (size_t a = 0; def->arguments[a].name; a++) {
            if (def->arguments[a].option)
                assert_non_null(option_find(id, str_of(def->arguments[a].option)));
        }
    }
}

static void rows_by_name(void **state)
{
    (void)state;
    const OptionDef *workers = option_find(COMMAND_INGEST, STR("num-processes"));
    assert_non_null(workers);
    assert_string_equal(workers->name, "workers");
    assert_null(option_find(COMMAND_LOAD, STR("num-processes")));
    assert_ptr_not_equal(option_find(COMMAND_LOAD, STR("mode")), option_find(COMMAND_SEARCH, STR("mode")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_default_is_good),
        cmocka_unit_test(each_row_is_whole),
        cmocka_unit_test(names_are_unique_in_a_command),
        cmocka_unit_test(keys_find_their_row),
        cmocka_unit_test(variables_are_known),
        cmocka_unit_test(commands),
        cmocka_unit_test(rows_by_name),
    };
    return cmocka_run_group_tests_name("options table", tests, NULL, NULL);
}
