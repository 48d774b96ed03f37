/*
 * The audit as a file: written on the box without its worker, and checked anywhere, with no box at
 * all. Apart from the operations, whose answers are one value each.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audit_export.h"
#include "cli.h"
#include "json_out.h"
#include "params.h"
#include "str.h"

#define AT_ONCE   512
#define BLOCK_MAX (8u << 20)

struct export_words {
    uint32_t format;
    int64_t from, until;
};
static const struct field export_rows[] = {
    FIELD(struct export_words, format, FIELD_ENUM, .names = audit_format_names),
    FIELD(struct export_words, from, FIELD_TIME),
    FIELD(struct export_words, until, FIELD_TIME),
};

/* --name value, or --name=value. */
static int read_words(int argc, char **argv, struct export_words *words, struct err *err)
{
    uint64_t given = 0;

    for (int i = 0; i < argc; i++) {
        const char *word = argv[i], *value = strchr(word, '=');
        char name[32];

        if (!str_starts(word, "--") ||
            str_copy_n(name, sizeof name, word + 2,
                       value == NULL ? strlen(word + 2) : (size_t)(value - word - 2)) == -1 ||
            (value == NULL && ++i == argc))
            return err_field(err, "argument", "usage", "it takes --format, --from and --until");
        if (params_one(PARAMS(export_rows, struct export_words), name,
                       value == NULL ? argv[i] : value + 1, words, &given, err) == -1)
            return -1;
    }
    return 0;
}

static int write_block(const struct buf *block, struct err *err)
{
    return block->len == 0 || fwrite(block->data, 1, block->len, stdout) == block->len
               ? 0
               : err_sys(err, "write", errno, "standard output");
}

/* No transaction is open while standard output makes us wait. */
static int write_all(struct cli *cli, enum audit_format format, struct audit_span *span,
                     struct buf *block, struct err *err)
{
    audit_export_head(format, block);
    if (write_block(block, err) == -1)
        return -1;
    while (span->next <= span->last) {
        struct txn *txn;
        int rc;
        buf_reset(block);
        if (db_read(&txn, cli->box.db, err) == -1)
            return -1;
        rc = audit_export_some(txn, format, span, AT_ONCE, block, err);
        db_read_end(txn);
        if (rc == -1 || write_block(block, err) == -1)
            return -1;
    }
    return fflush(stdout) == 0 ? 0 : err_sys(err, "write", errno, "standard output");
}

int cli_audit_export(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct export_words words = {0};
    struct audit_span span;
    struct buf block;
    struct txn *txn;
    int rc;

    if (read_words(argc, argv, &words, err) == -1 || cli_open(cli, err) == -1 ||
        db_read(&txn, cli->box.db, err) == -1)
        return -1;
    rc = audit_span_find(txn, words.from, words.until, &span, err);
    db_read_end(txn);
    if (rc == -1)
        return -1;
    buf_init(&block, BLOCK_MAX);
    rc = write_all(cli, (enum audit_format)words.format, &span, &block, err);
    buf_free(&block);
    return rc;
}

/* ---- checking ---- */

static int check_lines(FILE *file, struct audit_check *check, struct err *err)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    int rc = 0;

    while (rc == 0 && (len = getline(&line, &room, file)) > 0)
        rc = audit_check_line(check, line, (size_t)len, err);
    free(line);
    if (rc == 0 && ferror(file))
        return err_sys(err, "read", errno, "the export");
    return rc;
}

int cli_audit_check(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct audit_check check = {0};
    FILE *file;
    int rc;

    if (argc != 1)
        return err_field(err, "argument", "usage", "sett audit check FILE");
    if ((file = str_equal(argv[0], "-") ? stdin : fopen(argv[0], "re")) == NULL)
        return err_sys(err, "open", errno, argv[0]);
    rc = check_lines(file, &check, err);
    if (file != stdin)
        (void)fclose(file);
    if (rc == -1)
        return -1;
    if (check.count == 0)
        return err_set(err, ERR_INVALID, "export_empty", "%s has no entries", argv[0]);
    if (cli->output == CLI_JSON)
        printf("{\"object\":\"audit_check\",\"intact\":true,\"entries\":%llu,\"first\":%llu,"
               "\"last\":%llu,\"hash\":\"%s\"}\n",
               (unsigned long long)check.count, (unsigned long long)check.first,
               (unsigned long long)check.last, check.hash);
    else
        printf("intact: entries %llu to %llu; the last has the hash %s\n",
               (unsigned long long)check.first, (unsigned long long)check.last, check.hash);
    return 0;
}
