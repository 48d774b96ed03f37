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
#include "recovery.h"
#include "str.h"

#define KIT_MAX   65536
#define LINE_MOST 512

/* Sixty-four hex digits after the word "signer" or "signing key". */
static void take_signer(const char *text, char signer[65])
{
    const char *at = strcasestr(text, "sign");

    for (; at != NULL && *at != '\0'; at++)
        if (strspn(at, "0123456789abcdef") == 64 && !isalnum((unsigned char)at[-1])) {
            (void)str_copy_n(signer, 65, at, 64);
            return;
        }
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

static int take_file(const char *path, struct recovery_found *found, char signer[65],
                     struct err *err)
{
    struct buf text;
    int rc = read_text(path, &text, err);

    if (rc == 0) {
        rc = recovery_take(buf_string(&text), found, err);
        take_signer(buf_string(&text), signer);
    }
    if (rc == 0 && !found->whole && found->count == 0)
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

static int ask_person(const struct chain *source, struct recovery_found *found,
                      struct restore_secret *secret, struct err *err)
{
    char line[LINE_MOST];
    unsigned before;
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
        before = found->count;
        rc = ask_line(before == 0 ? "Recovery secret, or the first share" : "The next share", line,
                      err);
        if (rc == 0)
            rc = recovery_take(line, found, err);
        if (rc == 0 && !found->whole && found->count == before)
            rc = err_set(err, ERR_INVALID, "no_secret",
                         "that is neither a recovery secret nor a share of one");
        sodium_memzero(line, sizeof line);
    } while (rc == 0 && !found->whole && found->count < found->shares[0].needed);
    return rc;
}

static int gather(const struct restore_given *given, const struct chain *source,
                  struct recovery_found *found, struct restore_secret *secret, char signer[65],
                  struct err *err)
{
    if (given->recovery_file != NULL && take_file(given->recovery_file, found, signer, err) == -1)
        return -1;
    for (size_t i = 0; i < given->share_count; i++)
        if ((file_exists(given->shares[i]) ? take_file(given->shares[i], found, signer, err)
                                           : recovery_take(given->shares[i], found, err)) == -1)
            return -1;
    if (found->whole || found->count > 0)
        return 0;
    if (given->ask)
        return ask_person(source, found, secret, err);
    (void)err_set(err, ERR_INVALID, "no_secret", "without the recovery secret nothing can be read");
    return err_hint(err, "--recovery-file KIT, --share TEXT for each share, or --passphrase-file");
}

int restore_secret_find(const struct restore_given *given, const struct chain *source,
                        struct restore_secret *secret, char signer[65], struct err *err)
{
    struct recovery_found found = {.count = 0};
    int rc;

    memset(secret, 0, sizeof *secret);
    signer[0] = '\0';
    if (given->passphrase_file != NULL)
        return take_passphrase(given->passphrase_file, secret, err);
    rc = gather(given, source, &found, secret, signer, err);
    if (rc == 0 && (found.whole || found.count > 0) && (rc = recovery_join(&found, err)) == 0) {
        memcpy(secret->key, found.secret, sizeof secret->key);
        secret->has_key = true;
    }
    sodium_memzero(&found, sizeof found);
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
