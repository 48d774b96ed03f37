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

/* Whatever has sixty-four hex digits after the word "signer" or "signing key": the present key and
 * those before it. */
static void take_signers(const char *text, char signers[SIGNER_LIST])
{
    const char *at = strcasestr(text, "sign");
    size_t len = strlen(signers);

    for (; at != NULL && *at != '\0'; at++)
        if (strspn(at, "0123456789abcdef") == 64 && !isalnum((unsigned char)at[-1])) {
            if (str_format(signers + len, SIGNER_LIST - len, "%s%.64s", len == 0 ? "" : " ", at) ==
                -1)
                break;
            len += strlen(signers + len);
            at += 63;
        }
    signers[len] = '\0';
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

static int take_file(const char *path, struct recovery_found *found, char signers[SIGNER_LIST],
                     struct err *err)
{
    struct buf text;
    int rc = read_text(path, &text, err);

    if (rc == 0) {
        rc = recovery_take(buf_string(&text), found, err);
        take_signers(buf_string(&text), signers);
    }
    if (rc == 0 && !found->whole && found->count == 0)
        rc = err_field(err, "recovery-file", "no_secret", "%s holds no recovery secret", path);
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

static bool opens_by_phrase(const struct chain *source)
{
    const struct seal_header *h = &source->files[0].header;

    for (uint32_t i = 0; i < h->recipient_count; i++)
        if (h->recipients[i].kind == SEAL_TO_PASSPHRASE)
            return true;
    return false;
}

static int ask_person(const struct chain *source, struct recovery_found *found,
                      struct restore_secret *secret, struct err *err)
{
    bool phrase = opens_by_phrase(source);
    char line[LINE_MOST];
    unsigned before;
    int rc;

    do {
        before = found->count;
        rc = ask_line(before > 0 ? "The next share"
                      : phrase   ? "Passphrase, recovery secret, or the first share"
                                 : "Recovery secret, or the first share",
                      line, err);
        if (rc == 0)
            rc = recovery_take(line, found, err);
        if (rc == 0 && !found->whole && found->count == before) {
            if (phrase && before == 0 &&
                str_copy(secret->passphrase, sizeof secret->passphrase, line) == 0)
                break;
            rc = err_set(err, ERR_INVALID, "no_secret",
                         "that is neither a recovery secret nor a share of one");
        }
        sodium_memzero(line, sizeof line);
    } while (rc == 0 && !found->whole && found->count < found->shares[0].needed);
    sodium_memzero(line, sizeof line);
    return rc;
}

/* What somebody sent: whatever secret and shares stand in it; else it is a passphrase. */
static int take_text(const char *text, const struct chain *source, struct recovery_found *found,
                     struct restore_secret *secret, char signers[SIGNER_LIST], struct err *err)
{
    if (recovery_take(text, found, err) == -1)
        return -1;
    take_signers(text, signers);
    if (found->whole || found->count > 0)
        return 0;
    if (opens_by_phrase(source) &&
        str_copy_n(secret->passphrase, sizeof secret->passphrase, text, strcspn(text, "\r\n")) == 0)
        return 0;
    return err_field(err, "recovery", "no_secret",
                     "that is neither a recovery secret nor shares of one");
}

static int gather(const struct restore_given *given, const struct chain *source,
                  struct recovery_found *found, struct restore_secret *secret,
                  char signers[SIGNER_LIST], struct err *err)
{
    if (given->text != NULL)
        return take_text(given->text, source, found, secret, signers, err);
    if (given->recovery_file != NULL && take_file(given->recovery_file, found, signers, err) == -1)
        return -1;
    for (size_t i = 0; i < given->share_count; i++)
        if ((file_exists(given->shares[i]) ? take_file(given->shares[i], found, signers, err)
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
                        struct restore_secret *secret, char signers[SIGNER_LIST], struct err *err)
{
    struct recovery_found found = {.count = 0};
    int rc;

    memset(secret, 0, sizeof *secret);
    signers[0] = '\0';
    rc = given->passphrase_file != NULL
             ? recovery_passphrase(given->passphrase_file, secret->passphrase,
                                   sizeof secret->passphrase, err)
             : gather(given, source, &found, secret, signers, err);
    if (rc == 0 && (found.whole || found.count > 0) && (rc = recovery_join(&found, err)) == 0) {
        memcpy(secret->key, found.secret, sizeof secret->key);
        secret->has_key = true;
    }
    if (rc == 0 && !secret->has_key) {
        rc = seal_passphrase_secret(&source->files[0].header, secret->passphrase, secret->key, err);
        secret->has_key = rc == 0;
    }
    sodium_memzero(secret->passphrase, sizeof secret->passphrase);
    sodium_memzero(&found, sizeof found);
    return rc;
}
