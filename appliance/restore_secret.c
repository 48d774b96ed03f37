/*
 * The recovery secret, from paper to bytes. Apart from the restore because it is about people: kits
 * are printed, typed off, folded, given to several.
 */
#include "restore_secret.h"

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "file.h"
#include "identity.h"
#include "str.h"

#define KIT_MAX   65536
#define LINE_MOST 512
#define SECRET    "sett-recovery-1"
#define SHARE     "sett-share-1"

static const char *find_nocase(const char *text, const char *word)
{
    return strcasestr(text, word);
}

/* From ${at}: what may belong to a text in bech32, blanks within it left out. */
static void take_code(char out[LINE_MOST], const char *at)
{
    size_t n = 0;

    for (; *at != '\0' && *at != '\n' && n + 1 < LINE_MOST; at++)
        if (isalnum((unsigned char)*at) || *at == '-')
            out[n++] = *at;
        else if (*at != ' ' && *at != '\t' && *at != '\r')
            break;
    out[n] = '\0';
}

/* Sixty-four hex digits after the word "signer" or "signing key". */
static void take_signer(const char *text, char signer[65])
{
    const char *at = find_nocase(text, "sign");

    for (; at != NULL && *at != '\0'; at++)
        if (strspn(at, "0123456789abcdef") == 64 && !isalnum((unsigned char)at[-1])) {
            (void)str_copy_n(signer, 65, at, 64);
            return;
        }
}

struct gathered {
    struct identity_share shares[SECRET_SHARES];
    size_t count;
};

/* Whatever ${text} has of secrets. 0 or -1. */
static int take_text(const char *text, struct gathered *g, struct restore_secret *secret,
                     struct err *err)
{
    char code[LINE_MOST];
    const char *at = find_nocase(text, SECRET);
    int rc = 0;

    if (at != NULL) {
        take_code(code, at);
        rc = identity_secret_parse(code, secret->key, err);
        secret->has_key = rc == 0;
    }
    for (at = find_nocase(text, SHARE); rc == 0 && at != NULL && g->count < SECRET_SHARES;
         at = find_nocase(at + 1, SHARE)) {
        take_code(code, at);
        if ((rc = identity_share_parse(code, &g->shares[g->count], err)) == 0)
            g->count++;
    }
    sodium_memzero(code, sizeof code);
    return rc;
}

static int read_text(const char *path, struct buf *text, struct err *err)
{
    buf_init(text, KIT_MAX);
    return file_read(path, text, err);
}

static void forget_text(struct buf *text)
{
    if (text->data != NULL)
        sodium_memzero(text->data, text->cap);
    buf_free(text);
}

static int take_file(const char *path, struct gathered *g, struct restore_secret *secret,
                     char signer[65], struct err *err)
{
    struct buf text;
    int rc = read_text(path, &text, err);

    if (rc == 0) {
        rc = take_text(buf_string(&text), g, secret, err);
        take_signer(buf_string(&text), signer);
    }
    if (rc == 0 && !secret->has_key && g->count == 0)
        rc = err_field(err, "recovery-file", "no_secret", "%s holds no recovery secret", path);
    forget_text(&text);
    return rc;
}

static int take_passphrase(const char *path, struct restore_secret *secret, struct err *err)
{
    struct buf text;
    int rc = read_text(path, &text, err);
    size_t len;

    if (rc == 0 && text.data != NULL) {
        len = strcspn(text.data, "\r\n");
        if (str_copy_n(secret->passphrase, sizeof secret->passphrase, text.data, len) == -1)
            rc = err_field(err, "passphrase-file", "passphrase", "the passphrase is too long");
    }
    forget_text(&text);
    return rc;
}

/* A line that is not shown while it is typed. */
static int ask_line(const char *question, char out[LINE_MOST], struct err *err)
{
    struct termios was, hidden;
    bool terminal = tcgetattr(STDIN_FILENO, &was) == 0;
    char *got;

    (void)fprintf(stderr, "%s: ", question);
    (void)fflush(stderr);
    if (terminal) {
        hidden = was;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    }
    got = fgets(out, LINE_MOST, stdin);
    if (terminal) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
        (void)fputc('\n', stderr);
    }
    if (got == NULL)
        return err_set(err, ERR_INVALID, "no_secret", "no recovery secret was given");
    out[strcspn(out, "\r\n")] = '\0';
    return 0;
}

static int ask_person(const struct restore_source *source, struct gathered *g,
                      struct restore_secret *secret, struct err *err)
{
    char line[LINE_MOST];
    int rc;

    if (source->files[0].header.recipients[0].kind == SEAL_TO_PASSPHRASE) {
        if ((rc = ask_line("Passphrase", line, err)) == 0)
            rc = str_copy(secret->passphrase, sizeof secret->passphrase, line) == 0
                     ? 0
                     : err_set(err, ERR_INVALID, "passphrase", "the passphrase is too long");
        sodium_memzero(line, sizeof line);
        return rc;
    }
    do {
        rc = ask_line(g->count == 0 ? "Recovery secret, or the first share" : "The next share",
                      line, err);
        if (rc == 0)
            rc = find_nocase(line, SECRET) == NULL && find_nocase(line, SHARE) == NULL
                     ? err_set(err, ERR_INVALID, "no_secret",
                               "that is neither a recovery secret nor a share of one")
                     : take_text(line, g, secret, err);
        sodium_memzero(line, sizeof line);
    } while (rc == 0 && !secret->has_key && g->count < g->shares[0].needed);
    return rc;
}

static int gather(const struct restore_given *given, const struct restore_source *source,
                  struct gathered *g, struct restore_secret *secret, char signer[65],
                  struct err *err)
{
    if (given->passphrase_file != NULL)
        return take_passphrase(given->passphrase_file, secret, err);
    if (given->recovery_file != NULL &&
        take_file(given->recovery_file, g, secret, signer, err) == -1)
        return -1;
    for (size_t i = 0; i < given->share_count; i++)
        if ((file_exists(given->shares[i]) ? take_file(given->shares[i], g, secret, signer, err)
                                           : take_text(given->shares[i], g, secret, err)) == -1)
            return -1;
    if (secret->has_key || g->count > 0)
        return 0;
    if (given->ask)
        return ask_person(source, g, secret, err);
    (void)err_set(err, ERR_INVALID, "no_secret", "without the recovery secret nothing can be read");
    return err_hint(err, "--recovery-file KIT, --share TEXT for each share, or --passphrase-file");
}

int restore_secret_find(const struct restore_given *given, const struct restore_source *source,
                        struct restore_secret *secret, char signer[65], struct err *err)
{
    struct gathered g = {.count = 0};
    int rc;

    memset(secret, 0, sizeof *secret);
    signer[0] = '\0';
    rc = gather(given, source, &g, secret, signer, err);
    if (rc == 0 && !secret->has_key && g.count > 0) {
        rc = identity_join(g.shares, (unsigned)g.count, secret->key, err);
        secret->has_key = rc == 0;
    }
    sodium_memzero(&g, sizeof g);
    return rc;
}

int restore_secret_signer(const char *keys, char out[65])
{
    char path[PATHS_SIZE + 16];
    struct buf text;
    struct err err;
    int rc = -1;

    (void)str_format(path, sizeof path, "%s/sign.pub", keys);
    buf_init(&text, 256);
    if (file_read(path, &text, &err) == 0 && text.data != NULL)
        rc = str_copy(out, 65, str_trim(text.data));
    buf_free(&text);
    return rc;
}
