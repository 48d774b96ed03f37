/*
 * Making a recovery identity in front of a person: the secret is shown once, asked back in part,
 * and forgotten. Apart from the operations on its public half, which anybody may see.
 */
#include "recovery.h"

#include <sodium.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "file.h"
#include "identity.h"
#include "qr.h"
#include "sign.h"
#include "str.h"

#define GROUP 6 /* characters between two blanks */
#define ASKED 2 /* groups that are asked back */
#define TRIES 3
#define USAGE                                                                                      \
    "usage: sett recovery init [--name N] [--shares 3-of-5] [--secret-file FILE] [--no-quiz]"

struct init {
    const char *name, *file;
    unsigned needed, count; /* shares; 0: none */
    bool quiz;
};

/* "3-of-5" */
static int read_shares(const char *text, struct init *o, struct err *err)
{
    const char *of = strstr(text, "-of-");
    uint64_t needed, count;
    char first[8];

    if (of == NULL || str_copy_n(first, sizeof first, text, (size_t)(of - text)) == -1 ||
        str_u64(first, 2, IDENTITY_SHARES_MOST, &needed) == -1 ||
        str_u64(of + 4, 2, IDENTITY_SHARES_MOST, &count) == -1 || needed > count)
        return err_field(err, "shares", "option_value",
                         "--shares is like 3-of-5, at most %d shares", IDENTITY_SHARES_MOST);
    o->needed = (unsigned)needed;
    o->count = (unsigned)count;
    return 0;
}

static int read_options(int argc, char **argv, struct init *o, struct err *err)
{
    *o = (struct init){.name = "recovery", .quiz = true};
    for (int i = 0; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;
        if (str_equal(argv[i], "--no-quiz")) {
            o->quiz = false;
        } else if (next != NULL && str_equal(argv[i], "--name")) {
            o->name = argv[++i];
        } else if (next != NULL && str_equal(argv[i], "--secret-file")) {
            o->file = argv[++i];
        } else if (next != NULL && str_equal(argv[i], "--shares")) {
            if (read_shares(argv[++i], o, err) == -1)
                return -1;
        } else {
            return err_field(err, "argument", "usage", USAGE);
        }
    }
    return 0;
}

/* "SETT-RECOVERY-1" and groups of what follows; blanks are of no meaning when it is typed in. */
static void grouped(const char *text, char *out, size_t size)
{
    size_t head = (size_t)(strchr(text, '1') - text) + 1, len = head;

    (void)str_copy_n(out, size, text, head);
    for (size_t i = 0; text[head + i] != '\0' && len + 2 < size; i++) {
        if (i % GROUP == 0)
            out[len++] = ' ';
        out[len++] = text[head + i];
    }
    out[len] = '\0';
}

static void show(const char *title, const char *text)
{
    char spaced[2 * IDENTITY_TEXT];

    grouped(text, spaced, sizeof spaced);
    printf("\n%s\n\n  %s\n\n", title, spaced);
    if (isatty(STDOUT_FILENO))
        qr_print(stdout, text);
    sodium_memzero(spaced, sizeof spaced);
}

/* The ${n}th group of it, from 1. */
static void group_of(const char *text, unsigned n, char out[GROUP + 1])
{
    const char *at = strchr(text, '1') + 1 + (size_t)(n - 1) * GROUP;

    (void)str_copy_n(out, GROUP + 1, at, strnlen(at, GROUP));
}

static bool ask_group(const char *text, unsigned n)
{
    char wanted[GROUP + 1], typed[64];

    group_of(text, n, wanted);
    printf("Group %u of what you wrote down: ", n);
    (void)fflush(stdout);
    return fgets(typed, sizeof typed, stdin) != NULL && str_equal_nocase(str_trim(typed), wanted);
}

/* Proof that it is on paper, or wherever it is to be. */
static int quiz(const char *text, struct err *err)
{
    unsigned groups = (unsigned)(strlen(strchr(text, '1') + 1) / GROUP);
    unsigned first = 1 + randombytes_uniform(groups), second;

    do
        second = 1 + randombytes_uniform(groups);
    while (second == first);
    printf(
        "Write it down now: it is shown this once, and nothing on this box can tell it again.\n");
    for (unsigned i = 0; i < ASKED; i++) {
        unsigned tries = 0;
        while (!ask_group(text, i == 0 ? first : second))
            if (++tries == TRIES || feof(stdin))
                return err_field(err, "secret", "not_written_down",
                                 "that is not it: nothing was kept, begin anew");
            else
                printf("That is not it.\n");
    }
    return 0;
}

static int show_shares(const uint8_t secret[32], const struct init *o, struct err *err)
{
    struct identity_share shares[IDENTITY_SHARES_MOST];
    char text[IDENTITY_TEXT], title[128];
    int rc = identity_split(secret, o->needed, o->count, shares, err);

    for (unsigned i = 0; rc == 0 && i < o->count; i++) {
        identity_share_text(&shares[i], text);
        (void)str_format(title, sizeof title, "Share %u of %u (any %u open the snapshots):", i + 1,
                         o->count, o->needed);
        show(title, text);
        if (o->quiz)
            rc = quiz(text, err);
    }
    sodium_memzero(shares, sizeof shares);
    sodium_memzero(text, sizeof text);
    return rc;
}

/* The shares or the secret into a file, for who will look after it by other means. */
static int write_file(const uint8_t secret[32], const struct init *o, struct err *err)
{
    struct identity_share shares[IDENTITY_SHARES_MOST];
    char text[IDENTITY_TEXT];
    struct buf out;
    int rc = 0;

    if (file_exists(o->file))
        return err_set(err, ERR_CONFLICT, "file_there", "%s is there already", o->file);
    buf_init(&out, IDENTITY_TEXT * (IDENTITY_SHARES_MOST + 1));
    if (o->count == 0) {
        identity_secret_text(secret, text);
        (void)buf_format(&out, "%s\n", text);
    } else if ((rc = identity_split(secret, o->needed, o->count, shares, err)) == 0) {
        for (unsigned i = 0; i < o->count; i++) {
            identity_share_text(&shares[i], text);
            (void)buf_format(&out, "%s\n", text);
        }
    }
    if (rc == 0)
        rc = file_write(o->file, out.data, out.len, 0600, err);
    sodium_memzero(shares, sizeof shares);
    sodium_memzero(text, sizeof text);
    if (out.data != NULL)
        sodium_memzero(out.data, out.cap);
    buf_free(&out);
    return rc;
}

static int hand_out(const uint8_t secret[32], const struct init *o, struct err *err)
{
    char text[IDENTITY_TEXT];
    int rc = 0;

    if (o->file != NULL)
        return write_file(secret, o, err);
    if (o->count > 0)
        return show_shares(secret, o, err);
    identity_secret_text(secret, text);
    show("The recovery secret. Who has it can read this box's snapshots; nobody else can:", text);
    if (o->quiz)
        rc = quiz(text, err);
    sodium_memzero(text, sizeof text);
    return rc;
}

int cli_recovery_init(struct cli *cli, int argc, char **argv, struct err *err)
{
    uint8_t secret[32], public_key[32], sign[64];
    char key[IDENTITY_TEXT], count[12], needed[12];
    struct init o;
    int rc;

    if (read_options(argc, argv, &o, err) == -1 || cli_open(cli, err) == -1)
        return -1;
    if (o.file == NULL && o.quiz && (cli->no_input || !isatty(STDIN_FILENO))) {
        (void)err_set(err, ERR_CONFLICT, "no_terminal",
                      "nobody is there to write the secret down and be asked for it");
        return err_hint(err, "--secret-file FILE, or --no-quiz and later sett recovery prove");
    }
    identity_new(secret, public_key);
    identity_public_text(public_key, key);
    (void)str_format(count, sizeof count, "%u", o.count);
    (void)str_format(needed, sizeof needed, "%u", o.needed);
    rc = hand_out(secret, &o, err);
    sodium_memzero(secret, sizeof secret);
    if (rc == 0)
        rc = recovery_call(cli, "recovery.add",
                           (const char *const[]){"name", o.name, "key", key, "shares", count,
                                                 "needed", needed, NULL},
                           err);
    if (rc == 0 && o.file == NULL && o.quiz)
        rc = recovery_call(cli, "recovery.proven", (const char *const[]){"id", o.name, NULL}, err);
    if (rc == 0 && (rc = sign_key_load(cli->paths.keys, sign, err)) == 0)
        sodium_memzero(sign, sizeof sign);
    if (rc == -1)
        return -1;
    if (!cli->quiet)
        printf("Snapshots are sealed to %s (%s) from now on.%s%s\n"
               "What to keep beside the secret: sett recovery kit\n",
               o.name, key, o.file == NULL ? "" : " The secret is in ",
               o.file == NULL ? "" : o.file);
    return 0;
}

/* ---- prove ---- */

/* A line without its echo. */
static int read_hidden(char *out, size_t size, struct err *err)
{
    struct termios was, quiet;
    bool terminal = tcgetattr(STDIN_FILENO, &was) == 0;
    char *got;

    if (terminal) {
        quiet = was;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
        printf("The recovery secret: ");
        (void)fflush(stdout);
    }
    got = fgets(out, (int)size, stdin);
    if (terminal) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
        printf("\n");
    }
    return got != NULL ? 0 : err_field(err, "secret", "nothing_typed", "nothing was typed");
}

int cli_recovery_prove(struct cli *cli, int argc, char **argv, struct err *err)
{
    const char *file = NULL;
    char line[2 * IDENTITY_TEXT], key[IDENTITY_TEXT];
    uint8_t secret[32], public_key[32];
    int rc;

    if (argc == 2 && str_equal(argv[0], "--recovery-file"))
        file = argv[1];
    else if (argc != 0)
        return err_field(err, "argument", "usage",
                         "usage: sett recovery prove [--recovery-file FILE]");
    if (file != NULL)
        rc = recovery_read(file, secret, err);
    else if ((rc = read_hidden(line, sizeof line, err)) == 0)
        rc = identity_secret_parse(line, secret, err);
    sodium_memzero(line, sizeof line);
    if (rc == -1)
        return -1;
    identity_public(secret, public_key);
    sodium_memzero(secret, sizeof secret);
    identity_public_text(public_key, key);
    if (recovery_call(cli, "recovery.proven", (const char *const[]){"id", key, NULL}, err) == -1) {
        if (err->kind == ERR_NOT_FOUND)
            (void)err_field(err, "secret", "other_secret",
                            "that is a recovery secret, but none that this box seals to");
        return -1;
    }
    printf("That is it: it opens this box's snapshots.\n");
    return 0;
}
