/*
 * An operation from the command line: words become its parameters by the same field table that the
 * API uses, dangerous ones ask for the name of what dies, those that start a job are watched.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "file.h"
#include "help.h"
#include "interrupt.h"
#include "json_in.h"
#include "params.h"
#include "qr.h"
#include "str.h"

#define ANSWER_MAX   (8u << 20)
#define PARTIAL_EXIT 7
#define SECRET_MAX   4096
#define TEXT_MAX     65536
#define WORDS_SIZE   64

/* "--starting-after" names the field starting_after. */
static int option_name(char *out, size_t size, const char *word, size_t len)
{
    if (str_copy_n(out, size, word, len) == -1)
        return -1;
    for (char *p = out; *p != '\0'; p++)
        if (*p == '-')
            *p = '_';
    return 0;
}

/* The value of a secret parameter: from a file that others cannot read, or "-": standard input. */
static int secret_read(const char *path, char *out, size_t size, struct err *err)
{
    struct buf b;
    int rc = -1;

    buf_init(&b, SECRET_MAX);
    if (str_equal(path, "-")) {
        char chunk[512];
        size_t n;
        while ((n = fread(chunk, 1, sizeof chunk, stdin)) > 0)
            (void)buf_add(&b, chunk, n);
    } else if (file_private(path, err) == -1 || file_read(path, &b, err) == -1)
        goto done;
    while (b.len > 0 && (b.data[b.len - 1] == '\n' || b.data[b.len - 1] == '\r'))
        b.data[--b.len] = '\0';
    if (b.failed || str_copy(out, size, buf_string(&b)) == -1)
        err_field(err, "value", "too_long", "the secret in %s is too long", path);
    else
        rc = 0;
done:
    buf_free(&b);
    return rc;
}

/* The value of a parameter of many lines, from a file or "-". It is to be freed. NULL on error. */
static char *text_read(const char *path, struct err *err)
{
    struct buf b;

    buf_init(&b, TEXT_MAX);
    if (str_equal(path, "-")) {
        char chunk[4096];
        size_t n;
        while ((n = fread(chunk, 1, sizeof chunk, stdin)) > 0)
            (void)buf_add(&b, chunk, n);
    } else if (file_read(path, &b, err) == -1) {
        buf_free(&b);
        return NULL;
    }
    if (!b.failed && buf_add(&b, "", 0) == 0 && b.data != NULL)
        return b.data;
    buf_free(&b);
    err_field(err, "file", "file_content", "%s is empty or longer than %u bytes", path, TEXT_MAX);
    return NULL;
}

/* The field for the next bare word: those of the URL's path first, then what is required; where
 * there are two parameters in all, the other one as well ("setting set NAME VALUE"). */
static const struct field *positional(const struct fields *f, uint64_t given)
{
    for (unsigned round = 0; round < (f->count == 2 ? 3 : 2); round++)
        for (size_t i = 0; i < f->count; i++) {
            const struct field *field = &f->at[i];
            unsigned want = round == 0 ? FIELD_PATH : FIELD_REQUIRED | FIELD_WORD;
            if ((round == 2 || (field->flags & want)) && !(given & UINT64_C(1) << i) &&
                !(field->flags & (FIELD_SECRET | FIELD_INTERNAL)))
                return field;
        }
    return NULL;
}

static int option_set(const struct op *op, const char *word, const char *next, int *used,
                      void *params, uint64_t *given, struct err *err)
{
    const struct field *field;
    const char *value = strchr(word, '=');
    char name[64], words[WORDS_SIZE], secret[SECRET_MAX];
    size_t len = value == NULL ? strlen(word) : (size_t)(value - word);
    bool file = false;

    *used = 1;
    if (option_name(name, sizeof name, word, len) == -1)
        return err_field(err, "option", "unknown_option", "unknown option --%.60s", word);
    field = op->params == NULL ? NULL : fields_find(op->params, name);
    if (field == NULL && str_ends(name, "_file") && op->params != NULL) {
        name[strlen(name) - 5] = '\0';
        field = fields_find(op->params, name);
        file = field != NULL && (field->flags & (FIELD_SECRET | FIELD_FREE));
        if (!file)
            field = NULL;
    }
    if (field == NULL || (field->flags & FIELD_INTERNAL)) {
        help_words(op, words, sizeof words);
        return err_field(err, name, "unknown_option", "sett %s has no option --%.*s", words,
                         (int)len, word);
    }
    if ((field->flags & FIELD_SECRET) && !file) {
        err_field(err, name, "secret_in_argv",
                  "a secret on the command line is visible to every user of this machine");
        return err_hint(err,
                        "put it into a file and give --%.*s-file FILE, or - for standard input",
                        (int)len, word);
    }
    if (value != NULL)
        value++;
    else if (field->type == FIELD_BOOL) {
        bool spelt = next != NULL && (str_equal(next, "true") || str_equal(next, "false"));
        value = spelt ? next : "true";
        *used = spelt ? 2 : 1;
    } else if (next == NULL)
        return err_field(err, name, "option_value", "--%s needs a value", word);
    else {
        value = next;
        *used = 2;
    }
    if (file && !(field->flags & FIELD_SECRET)) {
        char *text = text_read(value, err);
        int result = text == NULL ? -1 : params_one(op->params, name, text, params, given, err);
        free(text);
        return result;
    }
    if (file) {
        if (secret_read(value, secret, sizeof secret, err) == -1)
            return -1;
        value = secret;
    }
    return params_one(op->params, name, value, params, given, err);
}

/* Where a text is wanted, the name of a file that is there is a slip. Return 0 or -1. */
static int not_a_file(const struct field *field, const char *word, struct err *err)
{
    if ((field->flags & FIELD_FREE) == 0 || word[0] == '\0' || access(word, F_OK) != 0)
        return 0;
    (void)err_field(err, field->name, "is_a_file", "\"%.100s\" is a file, and its text is wanted",
                    word);
    return err_hint(err, "give it as --%s-file %.200s", field->name, word);
}

static int arguments(const struct op *op, int argc, char **argv, void *params, uint64_t *given,
                     struct err *err)
{
    const struct field *field;
    char words[WORDS_SIZE];
    int used;

    help_words(op, words, sizeof words);
    for (int i = 0; i < argc; i += used) {
        used = 1;
        if (str_starts(argv[i], "--") && argv[i][2] != '\0') {
            if (option_set(op, argv[i] + 2, i + 1 < argc ? argv[i + 1] : NULL, &used, params, given,
                           err) == -1)
                return -1;
            continue;
        }
        if (op->params == NULL || (field = positional(op->params, *given)) == NULL)
            return err_field(err, "argument", "extra_argument", "sett %s does not take \"%.60s\"",
                             words, argv[i]);
        if (not_a_file(field, argv[i], err) == -1 ||
            params_one(op->params, field->name, argv[i], params, given, err) == -1)
            return -1;
    }
    return op->params == NULL ? 0 : params_done(op->params, *given, err);
}

/* What the object calls itself, asked of the noun's show operation: what has to be typed to
 * confirm. */
static int object_name(struct cli *cli, const struct op *op, const void *params, char *out,
                       size_t size, struct err *err)
{
    static const char *const shown[] = {"subdomain", "hostname", "unicode", "name", "id"};
    char name[64];
    struct op_call call = {0};
    struct json_out j;
    struct buf b;
    struct cJSON *tree;
    const struct op *show;
    const struct field *from = fields_find(op->params, "id");
    void *copy = NULL;
    int rc = -1;

    (void)str_copy_n(name, sizeof name, op->name, strcspn(op->name, "."));
    if (strlen(name) + sizeof ".show" > sizeof name || from == NULL)
        return err_set(err, ERR_INTERNAL, "no_show", "%s cannot be confirmed", op->name);
    memcpy(name + strlen(name), ".show", sizeof ".show");
    buf_init(&b, ANSWER_MAX);
    json_out_init(&j, &b);
    if ((show = op_find(name)) == NULL || fields_find(show->params, "id") == NULL ||
        (copy = calloc(1, show->params->struct_size)) == NULL) {
        err_set(err, ERR_INTERNAL, "no_show", "%s cannot be confirmed", op->name);
        goto done;
    }
    if (params_one(show->params, "id", (const char *)params + from->offset, copy, &call.given,
                   err) == -1)
        goto done;
    call.op = show;
    call.params = copy;
    call.out = &j;
    if (cli_call(cli, &call, err) == -1 ||
        (tree = json_parse(buf_string(&b), b.len, &json_limits_provider, err)) == NULL)
        goto done;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof shown / sizeof *shown && out[0] == '\0'; i++)
        (void)str_copy(out, size, json_text(tree, shown[i], ""));
    json_free(tree);
    rc = 0;
done:
    free(copy);
    buf_free(&b);
    return rc;
}

/* Whether a secret is to be removed: set to nothing at all, which may be a forgotten option. */
static bool forgets(const struct op *op, uint64_t given)
{
    const struct field *value = op->params == NULL ? NULL : fields_find(op->params, "value");

    return value != NULL && (value->flags & FIELD_SECRET) &&
           !(given & UINT64_C(1) << (value - op->params->at));
}

/* Deleting asks for the name of what dies. Return 0 to go on, -1 otherwise. */
static int confirm(struct cli *cli, const struct op *op, const void *params, uint64_t given,
                   struct err *err)
{
    char name[256], typed[256], words[WORDS_SIZE];

    if (cli->dry_run)
        return 0;
    if (forgets(op, given))
        (void)str_copy(name, sizeof name,
                       (const char *)params + fields_find(op->params, "name")->offset);
    else if (!str_ends(op->name, ".delete") && !str_ends(op->name, ".remove"))
        return 0;
    else if (object_name(cli, op, params, name, sizeof name, err) == -1)
        return -1;
    if (cli->confirm != NULL) {
        if (str_equal(cli->confirm, name))
            return 0;
        return err_field(err, "confirm", "not_confirmed", "--confirm=%.60s is not its name, %s",
                         cli->confirm, name);
    }
    if (cli->no_input || !isatty(STDIN_FILENO)) {
        help_words(op, words, sizeof words);
        err_field(err, "confirm", "not_confirmed", "%s %s cannot be taken back",
                  forgets(op, given) ? "removing a secret with sett" : "sett", words);
        return err_hint(err, "add --confirm=%s to do it without being asked", name);
    }
    fprintf(stderr, "%s. Type its name, %s, to go on: ", op->help, name);
    if (fgets(typed, sizeof typed, stdin) == NULL || !str_equal(str_trim(typed), name))
        return err_field(err, "confirm", "not_confirmed", "nothing was done");
    return 0;
}

/* The object again, as it is now that its job has ended: its noun's show operation by the id in
 * ${answer}, whose text is replaced. What cannot be shown stays as it was. */
static void shown_again(struct cli *cli, const struct op *op, struct buf *answer)
{
    char name[64], id[ID_SIZE];
    struct op_call call = {0};
    struct json_out j;
    struct buf fresh;
    struct err ignored = {0};
    struct cJSON *tree =
        json_parse(buf_string(answer), answer->len, &json_limits_provider, &ignored);
    void *params = NULL;

    if (str_copy(id, sizeof id, json_text(tree, "id", json_text(tree, "tenant_id", ""))) == -1)
        id[0] = '\0';
    (void)str_format(name, sizeof name, "%.40s.show", json_text(tree, "object", ""));
    if (op_find(name) == NULL) /* the thing is called otherwise than its noun */
        (void)str_format(name, sizeof name, "%.*s.show", (int)strcspn(op->name, "."), op->name);
    json_free(tree);
    buf_init(&fresh, ANSWER_MAX);
    json_out_init(&j, &fresh);
    if (id[0] != '\0' && (call.op = op_find(name)) != NULL &&
        (params = calloc(1, call.op->params->struct_size)) != NULL &&
        params_one(call.op->params, "id", id, params, &call.given, &ignored) == 0) {
        call.params = params;
        call.out = &j;
        if (cli_call(cli, &call, &ignored) == 0) {
            buf_reset(answer);
            (void)buf_add(answer, buf_string(&fresh), fresh.len);
        }
    }
    free(params);
    buf_free(&fresh);
}

/* How a question goes, line by line, while it is answered. */
static void show_progress(void *arg, const char *line)
{
    struct cli *cli = arg;

    cli->told = true;
    printf("%s\n", line);
    (void)fflush(stdout);
}

/* A question whose answer is a verdict has failed when that is a fault: scripts ask so. */
static int verdict_code(const struct buf *answer)
{
    struct json_limits limits = json_limits_provider;
    struct err err = {0};
    struct cJSON *tree = json_parse(buf_string(answer), answer->len, &limits, &err);
    bool fine = tree != NULL && json_bool(tree, "fine", false);

    json_free(tree);
    return fine ? 0 : 1;
}

/* What a telephone is to take in is shown to people as a picture, too. */
static void picture(const struct cli *cli, const struct buf *answer)
{
    struct err err = {0};
    struct cJSON *tree;

    if (cli->output != CLI_TABLE || cli->quiet || !isatty(STDOUT_FILENO))
        return;
    tree = json_parse(buf_string(answer), answer->len, &json_limits_provider, &err);
    if (str_starts(json_text(tree, "uri", ""), "otpauth://")) {
        printf("\n");
        qr_print(stdout, json_text(tree, "uri", ""));
    }
    json_free(tree);
}

/* Of an act on many some could not be done. */
static int partial_code(const struct buf *answer)
{
    struct err err = {0};
    struct cJSON *tree = json_parse(buf_string(answer), answer->len, &json_limits_provider, &err);
    int64_t refused = json_i64(tree, "refused", 0);

    json_free(tree);
    return refused == 0 ? 0 : PARTIAL_EXIT;
}

/* Where an operation itself wants the word that confirms it. Return 0 or -1. */
static int pass_confirm(const struct cli *cli, const struct op *op, void *params, uint64_t *given,
                        struct err *err)
{
    if (cli->confirm == NULL || op->params == NULL || fields_find(op->params, "confirm") == NULL)
        return 0;
    return params_one(op->params, "confirm", cli->confirm, params, given, err);
}

int cli_operation(struct cli *cli, const struct op *op, int argc, char **argv, struct err *err)
{
    struct op_call call = {0};
    struct json_out j;
    struct buf b;
    void *params = NULL;
    char words[WORDS_SIZE];
    int code = -1;

    help_words(op, words, sizeof words);
    if (argc > 0 && str_equal(argv[0], "--help")) {
        cli_help(op);
        return 0;
    }
    buf_init(&b, ANSWER_MAX);
    json_out_init(&j, &b);
    if (op->params != NULL && (params = calloc(1, op->params->struct_size)) == NULL)
        return err_set(err, ERR_INTERNAL, "no_memory", "out of memory");
    call.op = op;
    call.params = params;
    call.out = &j;
    call.plan = cli->dry_run;
    call.progress = cli->output == CLI_TABLE && !cli->quiet ? show_progress : NULL;
    call.progress_arg = cli;
    if (cli->dry_run && !(op->flags & (OP_JOB | OP_PREVIEW))) {
        err_field(err, "dry-run", "no_plan", "sett %s starts no job, so there is no plan to show",
                  words);
        goto done;
    }
    if (arguments(op, argc, argv, params, &call.given, err) == -1 ||
        pass_confirm(cli, op, params, &call.given, err) == -1) {
        if (err->kind == ERR_INVALID && err->hint[0] == '\0')
            err_hint(err, "what it takes: sett %s --help", words);
        goto done;
    }
    if (cli_open(cli, err) == -1 || confirm(cli, op, params, call.given, err) == -1 ||
        cli_call(cli, &call, err) == -1)
        goto done;
    if (call.job_id[0] != '\0' && !cli->dry_run &&
        (cli->wait || (!cli->no_wait && isatty(STDOUT_FILENO)))) {
        if (cli->output != CLI_JSON && !cli->quiet)
            fprintf(stderr, "%s  (%s; Ctrl-C leaves it running: sett job watch %s)\n", op->help,
                    call.job_id, call.job_id);
        cli->undo_wanted = str_equal(op->name, "job.resolve");
        code = cli_watch(cli, call.job_id, 0, err);
        if (cli->output == CLI_JSON || code == -1 || code == INTERRUPT_EXIT)
            goto done;
        shown_again(cli, op, &b);
    } else
        code = 0;
    if (code != -1 && cli_print(cli, op, buf_string(&b), b.len, err) == -1)
        code = -1;
    if (code == 0)
        picture(cli, &b);
    if (code == 0 && (op->flags & OP_VERDICT) != 0)
        code = verdict_code(&b);
    if (code == 0 && (op->flags & OP_PARTIAL) != 0)
        code = partial_code(&b);
done:
    free(params);
    buf_free(&b);
    return code;
}
