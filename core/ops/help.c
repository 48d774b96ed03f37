/* What `--help` says of an operation. Apart from the command line because it is a view of the table
 * of operations, as the OpenAPI document is. */
#include "help.h"

#include "command.h"
#include "str.h"

#include <string.h>

void help_words(const struct op *op, char *out, size_t size)
{
    out[0] = '\0';
    if ((op->flags & OP_RAW) || strchr(op->name, '.') == NULL || str_starts(op->name, "auth."))
        return;
    (void)str_copy(out, size, op->name);
    for (char *p = out; *p != '\0'; p++)
        if (*p == '.')
            *p = ' ';
}

const char *help_option(const struct help_option *options, const char *words, const char *name)
{
    const char *common = "";

    for (; options != NULL && options->name != NULL; options++) {
        if (!str_equal(options->name, name))
            continue;
        if (options->words != NULL && str_equal(options->words, words))
            return options->help;
        if (options->words == NULL)
            common = options->help;
    }
    return common;
}

void help_usage(const struct op *op, struct buf *out)
{
    char words[64];
    bool options = false;

    help_words(op, words, sizeof words);
    (void)buf_format(out, "sett %s", words);
    for (size_t i = 0; op->params != NULL && i < op->params->count; i++) {
        const struct field *f = &op->params->at[i];
        if (command_place(f))
            (void)buf_format(out, " %s", f->name);
        else if (!(f->flags & FIELD_INTERNAL))
            options = true;
    }
    if (options)
        (void)buf_text(out, " [options]");
}

static void names(const struct field *f, struct buf *out)
{
    for (size_t i = 0; f->names != NULL && f->names[i] != NULL; i++)
        (void)buf_format(out, "%s%s", i == 0 ? ": " : ", ", f->names[i]);
}

void help_text(const struct op *op, struct buf *out)
{
    char words[64], option[96];

    help_words(op, words, sizeof words);
    (void)buf_format(out, "%s.\n\nUsage: ", op->help);
    help_usage(op, out);
    (void)buf_text(out, "\n");
    for (size_t i = 0; op->params != NULL && i < op->params->count; i++) {
        const struct field *f = &op->params->at[i];
        if (f->flags & FIELD_INTERNAL)
            continue;
        command_option(f, option, sizeof option);
        if (command_place(f))
            (void)str_copy(option, sizeof option, f->name);
        (void)buf_format(out, "  %-22s %-13s %s", option, command_place(f) ? "" : command_value(f),
                         f->help);
        names(f, out);
        (void)buf_text(out, "\n");
    }
    if (op->example[0] != '\0')
        (void)buf_format(out, "\nExample:\n  sett %s %s\n", words, op->example);
    (void)buf_format(out, "\nOver the API it needs the role %s.", role_names[op->role]);
    if (op->flags & OP_JOB)
        (void)buf_text(out, " It starts a job: --dry-run shows its steps and changes nothing, "
                            "--wait watches them.");
    if (op->flags & OP_PREVIEW)
        (void)buf_text(out, " --dry-run says what it would do and changes nothing.");
    (void)buf_text(out, "\n");
}
