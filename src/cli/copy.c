#include <string.h>

#include "cli/program.h"

/* The table of --differences: a line for each object that would change, its columns parted by tabs. */
typedef struct Table {
    bool head_printed;
} Table;

/* Of "would be copied (dry run): its size differs" only what is behind the colon says something new. */
static void print_row(void *user, const QuernItem *item)
{
    static const char dry_run[] = "(dry run): ";
    Table *table = user;
    const char *change = strstr(item->reason, dry_run);
    if (item->outcome != QUERN_SKIPPED || !change)
        return;
    if (!table->head_printed)
        puts("KEY\tCHANGE\tBEFORE -> AFTER");
    table->head_printed = true;
    print_safe(stdout, item->key);
    putchar('\t');
    print_safe(stdout, change + strlen(dry_run));
    if (*item->details) {
        putchar('\t');
        print_safe(stdout, item->details);
    }
    putchar('\n');
}

int command_copy(Program *program)
{
    QuernReport *report = NULL;
    Table table = {0};
    if (program_flag(program, "differences") && !program->terminal.json)
        quern_control_on_item(program->control, print_row, &table);
    QuernError *e = quern_copy(NULL, program->options, program->control, &report);
    return program_finish(program, e, report);
}
