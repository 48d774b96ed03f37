/*
 * Making a recovery identity in front of a person: the secret is shown once, asked back in part,
 * and forgotten. Apart from the operations on its public half, which anybody may see.
 */
#include "recovery.h"

#include <sodium.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "enc.h"
#include "file.h"
#include "identity.h"
#include "qr.h"
#include "seal.h"
#include "sign.h"
#include "str.h"

#define GROUP 6 /* characters between two blanks */
#define ASKED 2 /* groups that are asked back */
#define TRIES 3
#define USAGE                                                                                      \
    "usage: sett recovery init|rotate [--name N] [--shares 3-of-5] [--secret-file FILE] "          \
    "[--passphrase-file FILE] [--no-quiz]"
/* What a passphrase costs whoever tries them all: half a second and a quarter of a gigabyte each.
 */
#define PASSES     3
#define MEMORY_KIB (256u * 1024u)
#define LEAST      12 /* characters of a passphrase */

struct init {
    const char *name, *file, *passphrase;
    unsigned needed, count; /* shares; 0: none */
    bool quiz, replace;
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
        } else if (next != NULL && str_equal(argv[i], "--passphrase-file")) {
            o->passphrase = argv[++i];
        } else if (next != NULL && str_equal(argv[i], "--shares")) {
            if (read_shares(argv[++i], o, err) == -1)
                return -1;
        } else {
            return err_field(err, "argument", "usage", USAGE);
        }
    }
    if (o->passphrase != NULL && (o->file != NULL || o->count > 0))
        return err_field(err, "passphrase-file", "usage",
                         "a passphrase is the secret: there is none to write down or to share");
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
    printf("Write it down now: it is shown this once, and nothing on this box can tell it again.\n"
           "Two groups of it are asked for; what begins with SETT is not counted.\n");
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

/* What was written is what opens: read back as a restore would. */
static int read_back(const struct init *o, const uint8_t public_key[32], struct err *err)
{
    uint8_t secret[32], again[32];

    if (recovery_read(o->file, secret, err) == -1)
        return -1;
    identity_public(secret, again);
    sodium_memzero(secret, sizeof secret);
    return memcmp(again, public_key, sizeof again) == 0
               ? 0
               : err_set(err, ERR_CORRUPT, "secret_differs", "%s is not what was written", o->file);
}

/* Its public half to the box. */
static int add(struct cli *cli, const struct init *o, const struct seal_recipient *r,
               struct err *err)
{
    char key[IDENTITY_TEXT], count[12], needed[12], salt[33] = "", passes[12], memory[12];

    identity_public_text(r->public_key, key);
    (void)str_format(count, sizeof count, "%u", o->count);
    (void)str_format(needed, sizeof needed, "%u", o->needed);
    (void)str_format(passes, sizeof passes, "%u", r->passes);
    (void)str_format(memory, sizeof memory, "%u", r->memory_kib);
    if (r->passes != 0)
        enc_hex(salt, r->salt, sizeof r->salt);
    return recovery_call(cli, "recovery.add",
                         (const char *const[]){"name", o->name, "key", key, "shares", count,
                                               "needed", needed, "salt", salt, "passes", passes,
                                               "memory_kib", memory, "replace",
                                               o->replace ? "true" : "false", NULL},
                         err);
}

/* A secret that follows from what somebody already knows. */
static int from_passphrase(const struct init *o, struct seal_recipient *r, struct err *err)
{
    char text[256];
    int rc = recovery_passphrase(o->passphrase, text, sizeof text, err);

    if (rc == 0 && strlen(text) < LEAST)
        rc = err_field(err, "passphrase-file", "passphrase_short",
                       "a passphrase for snapshots has at least %d characters: who has a snapshot "
                       "can try as long as they like",
                       LEAST);
    if (rc == 0)
        rc = seal_to_passphrase(r, text, MEMORY_KIB, PASSES, err);
    sodium_memzero(text, sizeof text);
    return rc;
}

static int from_chance(const struct init *o, struct seal_recipient *r, struct err *err)
{
    uint8_t secret[32];
    int rc;

    identity_new(secret, r->public_key);
    rc = hand_out(secret, o, err);
    sodium_memzero(secret, sizeof secret);
    if (rc == 0 && o->file != NULL && (rc = read_back(o, r->public_key, err)) == -1)
        (void)unlink(o->file);
    return rc;
}

static int make(struct cli *cli, const struct init *o, struct err *err)
{
    struct seal_recipient r = {.kind = SEAL_TO_KEY};
    char key[IDENTITY_TEXT];
    uint8_t sign[64];
    bool proven = o->passphrase != NULL || (o->file == NULL && o->quiz) || o->replace;
    int rc = o->passphrase != NULL ? from_passphrase(o, &r, err) : from_chance(o, &r, err);

    if (rc == 0)
        rc = add(cli, o, &r, err);
    if (rc == -1)
        return -1;
    identity_public_text(r.public_key, key);
    if (proven &&
        recovery_call(cli, "recovery.proven", (const char *const[]){"id", key, NULL}, err) == -1)
        return -1;
    if (sign_key_load(cli->paths.keys, sign, err) == -1)
        return -1;
    sodium_memzero(sign, sizeof sign);
    if (!cli->quiet)
        printf("Snapshots are sealed to %s (%s) from now on.%s%s\n"
               "What to keep beside the secret: sett recovery kit\n",
               o->name, key, o->file == NULL ? "" : " The secret is in ",
               o->file == NULL ? "" : o->file);
    if (!cli->quiet && o->replace)
        printf("The former secret still opens the snapshots that were made before.\n");
    return 0;
}

static int begin(struct cli *cli, struct init *o, struct err *err)
{
    if (cli_open(cli, err) == -1)
        return -1;
    if (o->file == NULL && o->passphrase == NULL && o->quiz &&
        (cli->no_input || !isatty(STDIN_FILENO))) {
        (void)err_set(err, ERR_CONFLICT, "no_terminal",
                      "nobody is there to write the secret down and be asked for it");
        return err_hint(err, o->replace ? "--secret-file FILE, or --passphrase-file FILE"
                                        : "--secret-file FILE, --passphrase-file FILE, or "
                                          "--no-quiz and later sett recovery prove");
    }
    /* Before the secret is shown: one that nobody can use would be written down for nothing. */
    if (o->replace) {
        if (!o->quiz)
            return err_field(err, "no-quiz", "usage",
                             "the former secret goes only when the new one is proven");
        return recovery_call(cli, "recovery.show", (const char *const[]){"id", o->name, NULL}, err);
    }
    if (recovery_call(cli, "recovery.show", (const char *const[]){"id", o->name, NULL}, err) == 0) {
        (void)err_set(err, ERR_CONFLICT, "recipient_exists", "there is a recovery key %s already",
                      o->name);
        return err_hint(err, "one more: --name ANOTHER; in its place: sett recovery rotate");
    }
    if (err->kind != ERR_NOT_FOUND)
        return -1;
    err_clear(err);
    return 0;
}

static int init(struct cli *cli, int argc, char **argv, bool replace, struct err *err)
{
    struct init o;

    if (read_options(argc, argv, &o, err) == -1)
        return -1;
    o.replace = replace;
    return begin(cli, &o, err) == -1 ? -1 : make(cli, &o, err);
}

int cli_recovery_init(struct cli *cli, int argc, char **argv, struct err *err)
{
    return init(cli, argc, argv, false, err);
}

int cli_recovery_rotate(struct cli *cli, int argc, char **argv, struct err *err)
{
    return init(cli, argc, argv, true, err);
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
