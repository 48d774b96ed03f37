/*
 * The command line: global options, then a noun and a verb, found first among the commands about
 * the box and then among the operations. Shared by sett and by sett-send. Everything it prints for
 * programs goes to standard output, everything for people's patience to standard error.
 */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "cli.h"
#include "command.h"
#include "interrupt.h"
#include "log.h"
#include "str.h"

#define USAGE_EXIT 2

static const struct option options[] = {
    {"root", required_argument, NULL, 'r'},    {"json", no_argument, NULL, 'j'},
    {"output", required_argument, NULL, 'o'},  {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},          {"version", no_argument, NULL, 'V'},
    {"wait", no_argument, NULL, 'w'},          {"no-wait", no_argument, NULL, 'W'},
    {"timeout", required_argument, NULL, 't'}, {"dry-run", no_argument, NULL, 'n'},
    {"confirm", required_argument, NULL, 'c'}, {"no-input", no_argument, NULL, 'I'},
    {"no-color", no_argument, NULL, 'C'},      {NULL, 0, NULL, 0},
};

/* Take a global option wherever it stands; what is not one stays for the command. Return 1 if the
 * word at argv[i] was one (and *used words are spent), 0 if not, -1 on error. */
static int global_option(struct cli *cli, int argc, char **argv, int i, int *used, bool *help,
                         struct err *err)
{
    const char *word = argv[i], *value = NULL;
    const struct option *o;
    size_t len;
    uint64_t n;

    if (str_equal(word, "-o") || str_equal(word, "-q") || str_equal(word, "-h"))
        word = word[1] == 'o' ? "--output" : word[1] == 'q' ? "--quiet" : "--help";
    if (!str_starts(word, "--"))
        return 0;
    word += 2;
    len = strcspn(word, "=");
    for (o = options; o->name != NULL; o++)
        if (strlen(o->name) == len && strncmp(o->name, word, len) == 0)
            break;
    if (o->name == NULL)
        return 0;
    *used = 1;
    if (o->has_arg == required_argument) {
        if (word[len] == '=')
            value = word + len + 1;
        else if (i + 1 < argc) {
            value = argv[i + 1];
            *used = 2;
        } else
            return err_field(err, o->name, "option_value", "--%s needs a value", o->name);
    }
    switch (o->val) {
    case 'r':
        cli->root = value;
        break;
    case 'j':
        cli->output = CLI_JSON;
        break;
    case 'q':
        cli->quiet = true;
        break;
    case 'h':
        *help = true;
        break;
    case 'V':
        printf("sett %s\n", SETT_VERSION);
        exit(0);
    case 'w':
        cli->wait = true;
        break;
    case 'W':
        cli->no_wait = true;
        break;
    case 'n':
        cli->dry_run = true;
        break;
    case 'c':
        cli->confirm = value;
        break;
    case 'I':
        cli->no_input = true;
        break;
    case 'C':
        cli->colour = false;
        break;
    case 't':
        if (str_u64(value, 1, 86400, &n) == -1)
            return err_field(err, "timeout", "option_value", "--timeout takes 1 to 86400 seconds");
        cli->wait_s = (uint32_t)n;
        break;
    default:
        if (str_equal(value, "json"))
            cli->output = CLI_JSON;
        else if (str_equal(value, "plain"))
            cli->output = CLI_PLAIN;
        else if (str_equal(value, "table"))
            cli->output = CLI_TABLE;
        else
            return err_field(err, "output", "option_value", "--output is table, json or plain");
    }
    return 1;
}

static void print_error(const struct cli *cli, const struct err *e)
{
    if (cli->output == CLI_JSON) {
        struct buf b;
        struct json_out j;
        buf_init(&b, 4096);
        json_out_init(&j, &b);
        json_out_object(&j);
        json_out_key_text(&j, "code", e->code);
        json_out_key_text(&j, "detail", e->text);
        if (e->field[0] != '\0')
            json_out_key_text(&j, "field", e->field);
        if (e->hint[0] != '\0')
            json_out_key_text(&j, "hint", e->hint);
        json_out_key_u64(&j, "status", (uint64_t)err_http_status(e->kind));
        json_out_end_object(&j);
        fprintf(stderr, "%s\n", buf_string(&b));
        buf_free(&b);
        return;
    }
    fprintf(stderr, "sett: %s\n", e->text);
    if (e->hint[0] != '\0')
        fprintf(stderr, "      %s\n", e->hint);
}

static const struct cli_command *command_find(const struct cli *cli, const char *noun,
                                              const char *verb)
{
    for (const struct cli_command *c = cli->commands; c->noun != NULL; c++)
        if (str_equal(c->noun, noun) &&
            (c->verb == NULL || (verb != NULL && str_equal(c->verb, verb))))
            return c;
    return NULL;
}

/* A command's options with what they mean, as an operation's help shows its own. */
static void options_help(const struct help_command *own)
{
    struct command_slot *slots = calloc(COMMAND_SLOTS, sizeof *slots);
    struct command c = {.own = own, .help = own->help};
    size_t n = 0;

    if (slots != NULL && str_copy(c.words, sizeof c.words, own->words) == 0)
        n = command_slots(&c, slots);
    for (size_t i = 0; i < n; i++)
        if (slots[i].option && slots[i].help[0] != '\0')
            printf("  %-22s %-13s %s\n", slots[i].name, slots[i].value, slots[i].help);
    free(slots);
}

static void command_help(const struct cli_command *c)
{
    char words[64];

    (void)str_format(words, sizeof words, "%s%s%s", c->noun, c->verb == NULL ? "" : " ",
                     c->verb == NULL ? "" : c->verb);
    printf("%s\n\nUsage: sett %s%s%s\n", c->help, words, c->usage[0] == '\0' ? "" : " ", c->usage);
    options_help(&(struct help_command){words, c->help, c->usage, c->example, cli_options});
    printf("\nExample:\n  sett %s%s%s\n", words, c->example[0] == '\0' ? "" : " ", c->example);
}

/* --dry-run is kept to, or refused: never is something done in spite of it. */
static int check_dry(const struct cli *cli, const struct cli_command *c, struct err *err)
{
    static const char *const planning[][2] = {
        {"restore", NULL},         {"box", "import"},      {"db", "migrate"},  {"upgrade", NULL},
        {"certificate", "import"}, {"firewall", "enable"}, {"downgrade", NULL}};
    bool plans = false;

    for (size_t i = 0; i < sizeof planning / sizeof planning[0]; i++)
        plans =
            plans ||
            (str_equal(c->noun, planning[i][0]) &&
             (planning[i][1] == NULL || (c->verb != NULL && str_equal(c->verb, planning[i][1]))));

    if (!cli->dry_run || plans)
        return 0;
    return err_field(err, "dry-run", "no_plan", "sett %s%s%s has no plan to show", c->noun,
                     c->verb == NULL ? "" : " ", c->verb == NULL ? "" : c->verb);
}

/* Words without the global options: rest[0] is the noun. */
static int dispatch(struct cli *cli, int count, char **rest, bool help, struct err *err)
{
    const char *noun = rest[0], *verb = count > 1 ? rest[1] : NULL;
    const struct cli_command *c = command_find(cli, noun, verb);
    const struct op *op = NULL;
    char name[64], like[128];

    if (verb != NULL && str_format(name, sizeof name, "%s.%s", noun, verb) == 0)
        op = op_find(name);
    if (c != NULL && !help) {
        int skip = c->verb == NULL ? 1 : 2;
        return check_dry(cli, c, err) == -1 ? -1 : c->run(cli, count - skip, rest + skip, err);
    }
    if (c != NULL && (c->verb != NULL || op == NULL)) {
        command_help(c);
        return 0;
    }
    if (op != NULL && help) {
        cli_help(op);
        if (c != NULL) /* "sett restore create", beside "sett restore FILE" */
            printf("\n%s: sett %s --help\n", c->help, noun);
        return 0;
    }
    if (op != NULL)
        return cli_operation(cli, op, count - 2, rest + 2, err);
    if (verb == NULL && !help && str_format(name, sizeof name, "%s.list", noun) == 0 &&
        (op = op_find(name)) != NULL && (op->flags & OP_BARE) != 0)
        return cli_operation(cli, op, 0, rest + 1, err);
    if ((verb == NULL || help) && cli_noun(cli, noun)) {
        cli_usage(cli, help ? stdout : stderr, noun);
        if (help)
            return 0;
    }
    if (verb == NULL && cli_noun(cli, noun)) {
        err_set(err, ERR_INVALID, "verb_missing", "%s: which of these?", noun);
        return err_hint(err, "one command in full: sett %s VERB --help", noun);
    }
    cli_suggest(cli, like, sizeof like, noun, verb);
    err_set(err, ERR_INVALID, "unknown_command", "there is no command \"%s%s%s\"", noun,
            verb == NULL ? "" : " ", verb == NULL ? "" : verb);
    return err_hint(
        err, like[0] == '\0' ? "sett --help lists the commands%s" : "did you mean: sett %s", like);
}

int cli_main(int argc, char **argv, const struct cli_command *commands)
{
    static struct cli cli; /* large: it holds the box's configuration */
    struct err err = {0};
    char **rest;
    int count = 0, used = 1, got, code;
    bool help = false, literal = false;

    if (sodium_init() == -1 || (rest = calloc((size_t)argc + 1, sizeof(char *))) == NULL)
        return 1;
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    log_open("sett", LOG_LEVEL_WARNING);
    cli.commands = commands;
    cli.root = getenv("SETT_ROOT");
    cli.colour = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL &&
                 !(getenv("TERM") != NULL && str_equal(getenv("TERM"), "dumb"));
    for (int i = 1; i < argc; i += used) {
        used = 1;
        if (!literal && str_equal(argv[i], "--")) {
            literal = true;
            continue;
        }
        got = literal ? 0 : global_option(&cli, argc, argv, i, &used, &help, &err);
        if (got == -1)
            goto fail;
        if (got == 0)
            rest[count++] = argv[i];
    }
    if (cli.root == NULL)
        cli.root = "";
    if (count > 0 && str_equal(rest[0], "help")) { /* "sett help tenant list" */
        help = true;
        memmove(rest, rest + 1, (size_t)count-- * sizeof *rest);
    }
    if (count == 0) {
        cli_usage(&cli, help ? stdout : stderr, NULL);
        free(rest);
        return help ? 0 : USAGE_EXIT;
    }
    if (paths_set(&cli.paths, cli.root, &err) == -1 || cli_find_files(&cli, &err) == -1 ||
        (code = dispatch(&cli, count, rest, help, &err)) == -1)
        goto fail;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        err_sys(&err, "write", errno, "standard output");
        goto fail;
    }
    free(rest);
    return code;
fail:
    print_error(&cli, &err);
    free(rest);
    if (str_equal(err.code, "interrupted"))
        return INTERRUPT_EXIT;
    /* What an option names and is not there is not found, though the request is what was wrong. */
    if (err.kind == ERR_INVALID && str_ends(err.code, "_not_found"))
        err.kind = ERR_NOT_FOUND;
    return err.kind == ERR_NONE ? 1 : err_exit_code(err.kind);
}
