/* What the command line writes of itself for others to read: pages of the manual, scripts for
 * shells and the names that these complete. Apart from cli_usage.c, which people see. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "command.h"
#include "completion.h"
#include "file.h"
#include "json_in.h"
#include "manual.h"
#include "noun.h"
#include "params.h"
#include "str.h"

#define COMMANDS_MAX 128
#define WORDS_SIZE   64
#define PAGE_MAX     (1u << 20)
#define ANSWER_MAX   (1u << 20)
#define NAMES_MS     300 /* who waits for a completion waits no longer */

struct own {
    struct help_command rows[COMMANDS_MAX + 1];
    char words[COMMANDS_MAX][WORDS_SIZE];
};

/* This program's own commands, as help, completions and manual take them. */
static void own_list(const struct cli *cli, struct own *own)
{
    memset(own, 0, sizeof *own);
    for (size_t i = 0; i < COMMANDS_MAX && cli->commands[i].noun != NULL; i++) {
        const struct cli_command *c = &cli->commands[i];
        (void)str_format(own->words[i], WORDS_SIZE, "%s%s%s", c->noun, c->verb ? " " : "",
                         c->verb ? c->verb : "");
        own->rows[i] =
            (struct help_command){own->words[i], c->help, c->usage, c->example, cli_options};
    }
}

/* The day on which the pages are said to be made: that of the sources, where a build says it. */
static void date_set(char *out, size_t size)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    struct tm tm;
    uint64_t n;
    time_t at;

    out[0] = '\0';
    if (epoch == NULL || str_u64(epoch, 0, INT32_MAX, &n) == -1)
        return;
    at = (time_t)n;
    if (gmtime_r(&at, &tm) == NULL || strftime(out, size, "%Y-%m-%d", &tm) == 0)
        out[0] = '\0';
}

static int page_write(const char *folder, const char *name, struct buf *page, struct err *err)
{
    char path[2 * PATHS_SIZE];

    if (page->failed || str_format(path, sizeof path, "%s/%s", folder, name) == -1)
        return err_set(err, ERR_TOO_LARGE, "too_large", "the page %s is too long", name);
    return file_write(path, page->data, page->len, 0644, err);
}

/* All pages that follow from tables, into ${folder}. */
static int pages_write(const char *folder, const struct help_command *more, const char *date,
                       struct err *err)
{
    struct command c;
    struct buf page;
    char name[80];
    int rc;

    if (file_mkdirs(folder, 0755, err) == -1)
        return -1;
    buf_init(&page, PAGE_MAX);
    manual_main(more, date, &page);
    rc = page_write(folder, "sett.1", &page, err);
    buf_reset(&page);
    manual_conf(date, &page);
    if (rc == 0)
        rc = page_write(folder, "sett.conf.5", &page, err);
    for (size_t i = 0; rc == 0 && command_at(more, i, &c); i++) {
        if (!command_first(more, i))
            continue;
        buf_reset(&page);
        (void)manual_noun(c.noun, more, date, &page);
        (void)str_format(name, sizeof name, "sett-%s.1", c.noun);
        rc = page_write(folder, name, &page, err);
    }
    buf_free(&page);
    return rc;
}

int cli_manual(struct cli *cli, int argc, char **argv, struct err *err)
{
    char date[16];
    struct own own;
    struct buf b;

    if (argc > 1)
        return err_field(err, "argument", "extra_argument", "manual takes a folder or nothing");
    own_list(cli, &own);
    date_set(date, sizeof date);
    if (argc == 1)
        return pages_write(argv[0], own.rows, date, err);
    buf_init(&b, PAGE_MAX);
    manual_main(own.rows, date, &b);
    (void)fputs(buf_string(&b), stdout);
    buf_free(&b);
    return 0;
}

/* Too late to be of use. */
static void give_up(int signal)
{
    (void)signal;
    _exit(0);
}

/* One is called by the member that its noun says; by its id when that is what is being typed. */
static void name_print(const struct cJSON *item, const struct noun_row *row, const char *typed)
{
    const char *id = json_text(item, "id", ""), *name = json_text(item, row->shown, id);
    char number[32];

    if (str_equal(row->shown, "number") &&
        str_format(number, sizeof number, "%lld", (long long)json_i64(item, "number", 0)) == 0)
        name = number;
    if (!str_starts(name, typed))
        name = id;
    if (name[0] != '\0' && str_starts(name, typed))
        printf("%s\t%s\n", name, row->more == NULL ? "" : json_text(item, row->more, ""));
}

/* "names NOUN [BEGINNING]", for the scripts: what there is of a noun, a line each, a tab and what
 * it is behind it. Nobody reads its errors, and a box that does not answer at once has none. */
static int names(struct cli *cli, int argc, char **argv, struct err *err)
{
    const struct noun_row *row = argc > 0 ? noun_find(argv[0]) : NULL;
    const char *typed = argc > 1 ? argv[1] : "";
    const struct itimerval late = {.it_value = {.tv_usec = NAMES_MS * 1000}};
    char list[WORDS_SIZE];
    struct op_call call = {0};
    struct json_out j;
    const struct cJSON *data, *item = NULL;
    struct cJSON *tree = NULL;
    struct buf b;
    void *params = NULL;
    int rc = -1;

    (void)signal(SIGALRM, give_up);
    (void)setitimer(ITIMER_REAL, &late, NULL);
    if (row == NULL || row->shown == NULL ||
        str_format(list, sizeof list, "%s.list", row->noun) == -1 ||
        (call.op = op_find(list)) == NULL)
        return err_field(err, "noun", "unknown_word", "nothing of that kind can be listed");
    buf_init(&b, ANSWER_MAX);
    json_out_init(&j, &b);
    call.out = &j;
    if (call.op->params != NULL && (params = calloc(1, call.op->params->struct_size)) == NULL)
        goto done;
    call.params = params;
    if (params != NULL && fields_find(call.op->params, "limit") != NULL &&
        params_one(call.op->params, "limit", "100", params, &call.given, err) == -1)
        goto done;
    /* A search knows beginnings of words, and no beginnings of ids. */
    if (params != NULL && typed[0] != '\0' && strchr(typed, '_') == NULL &&
        fields_find(call.op->params, "q") != NULL &&
        params_one(call.op->params, "q", typed, params, &call.given, err) == -1)
        goto done;
    if (cli_call(cli, &call, err) == -1 ||
        (tree = json_parse(buf_string(&b), b.len, &json_limits_provider, err)) == NULL)
        goto done;
    data = json_at(tree, "data");
    while ((item = json_next(data, item)) != NULL)
        name_print(item, row, typed);
    rc = 0;
done:
    json_free(tree);
    free(params);
    buf_free(&b);
    return rc;
}

/* The script for a shell: a file of ours in which a line @PART@ stands for rows. */
static int script(const struct cli *cli, const char *shell, const struct help_command *more,
                  struct buf *out, struct err *err)
{
    char path[2 * PATHS_SIZE], part[16];
    struct buf in;
    int rc = -1;

    if (!str_equal(shell, "bash") && !str_equal(shell, "zsh") && !str_equal(shell, "fish"))
        return err_field(err, "shell", "unknown_word", "the shell must be one of: bash, zsh, fish");
    buf_init(&in, PAGE_MAX);
    (void)str_format(path, sizeof path, "%s/completions/sett.%s", cli->share, shell);
    if (file_read(path, &in, err) == -1)
        goto done;
    for (const char *p = buf_string(&in); *p != '\0';) {
        size_t len = strcspn(p, "\n") + 1;
        if (p[0] == '@' && len > 2 && p[len - 2] == '@' &&
            str_copy_n(part, sizeof part, p + 1, len - 3) == 0) {
            if (completion_rows(shell, part, more, out, err) == -1)
                goto done;
        } else
            (void)buf_add(out, p, len);
        p += len;
    }
    rc = out->failed ? err_set(err, ERR_TOO_LARGE, "too_large", "the script is too long") : 0;
done:
    buf_free(&in);
    return rc;
}

int cli_completion(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct own own;
    struct buf b;
    int rc;

    if (argc > 1 && str_equal(argv[0], "names"))
        return names(cli, argc - 1, argv + 1, err);
    if (argc != 1)
        return err_field(err, "shell", "required", "completion takes one shell: bash, zsh or fish");
    own_list(cli, &own);
    buf_init(&b, PAGE_MAX);
    if ((rc = script(cli, argv[0], own.rows, &b, err)) == 0)
        (void)fputs(buf_string(&b), stdout);
    buf_free(&b);
    return rc;
}
