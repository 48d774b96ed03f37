/*
 * The line of a box's signing keys. Apart from the key itself because it is public: it goes onto
 * paper and into files that strangers read, and who reads it need not be the box.
 */
#include "succession.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "enc.h"
#include "file.h"
#include "str.h"

#define LABEL     "sett signer 1"
#define FILE_NAME "signers"
#define SAID      (sizeof LABEL - 1 + 8 + 64)
#define PATH_MOST 512
#define LINE_MOST 320
#define FILE_MOST ((size_t)SUCCESSION_MOST * LINE_MOST)

/* What is signed. */
static void said(const struct succession_link *link, uint8_t out[SAID])
{
    size_t at = sizeof LABEL - 1;

    memcpy(out, LABEL, at);
    enc_put64(out + at, (uint64_t)link->at);
    memcpy(out + at + 8, link->before, 32);
    memcpy(out + at + 40, link->after, 32);
}

void succession_vouch(struct succession_link *link, const uint8_t secret_key[64])
{
    uint8_t message[SAID];

    said(link, message);
    (void)crypto_sign_detached(link->signature, NULL, message, sizeof message, secret_key);
    link->vouched = true;
}

static bool good(const struct succession_link *link)
{
    uint8_t message[SAID];

    said(link, message);
    return crypto_sign_verify_detached(link->signature, message, sizeof message, link->before) == 0;
}

void succession_add(struct succession *s, const struct succession_link *link)
{
    if (s->count == SUCCESSION_MOST)
        memmove(s->links, s->links + 1, --s->count * sizeof s->links[0]);
    s->links[s->count++] = *link;
}

bool succession_leads(const struct succession *s, const uint8_t from[32], const uint8_t to[32])
{
    uint8_t at[32];

    memcpy(at, from, sizeof at);
    for (unsigned i = 0; i < s->count && memcmp(at, to, sizeof at) != 0; i++)
        if (s->links[i].vouched && memcmp(s->links[i].before, at, sizeof at) == 0)
            memcpy(at, s->links[i].after, sizeof at);
    return memcmp(at, to, sizeof at) == 0;
}

/* ---- in a header ---- */

void succession_put(const struct succession_link *link, uint8_t out[SUCCESSION_LINK])
{
    enc_put64(out, (uint64_t)link->at);
    memcpy(out + 8, link->before, 32);
    memcpy(out + 40, link->after, 32);
    memcpy(out + 72, link->signature, 64);
}

void succession_take(const uint8_t data[SUCCESSION_LINK], struct succession_link *link)
{
    link->at = (int64_t)enc_get64(data);
    memcpy(link->before, data + 8, 32);
    memcpy(link->after, data + 40, 32);
    memcpy(link->signature, data + 72, 64);
    link->vouched = good(link);
}

/* ---- on the disk: a line each: time, former key, key after it, signature or "-" ---- */

static int read_line(char *line, struct succession_link *link)
{
    char *words[4] = {line};
    uint64_t at;

    for (int i = 1; i < 4; i++) {
        if ((words[i] = strchr(words[i - 1], ' ')) == NULL)
            return -1;
        *words[i]++ = '\0';
    }
    memset(link, 0, sizeof *link);
    if (str_u64(words[0], 0, INT64_MAX, &at) == -1 || enc_unhex(link->before, 32, words[1]) == -1 ||
        enc_unhex(link->after, 32, words[2]) == -1)
        return -1;
    link->at = (int64_t)at;
    if (str_equal(words[3], "-"))
        return 0;
    if (enc_unhex(link->signature, 64, words[3]) == -1 || !good(link))
        return -1;
    link->vouched = true;
    return 0;
}

int succession_load(const char *folder, struct succession *s, struct err *err)
{
    char path[PATH_MOST], *line, *rest;
    struct succession_link link;
    struct buf text;
    int rc;

    s->count = 0;
    if (str_format(path, sizeof path, "%s/" FILE_NAME, folder) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", folder);
    if (!file_exists(path))
        return 0;
    buf_init(&text, FILE_MOST + 1);
    rc = file_read(path, &text, err);
    rest = text.data;
    while (rc == 0 && rest != NULL && (line = strsep(&rest, "\n")) != NULL && line[0] != '\0') {
        if (read_line(line, &link) == -1)
            rc = err_set(err, ERR_CORRUPT, "signers_damaged",
                         "%s is damaged: it says which keys signed this box's snapshots", path);
        else
            succession_add(s, &link);
    }
    buf_free(&text);
    return rc;
}

int succession_save(const char *folder, const struct succession *s, struct err *err)
{
    char path[PATH_MOST], before[65], after[65], signature[129];
    struct buf text;
    int rc;

    if (str_format(path, sizeof path, "%s/" FILE_NAME, folder) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", folder);
    buf_init(&text, FILE_MOST + 1);
    for (unsigned i = 0; i < s->count; i++) {
        enc_hex(before, s->links[i].before, 32);
        enc_hex(after, s->links[i].after, 32);
        enc_hex(signature, s->links[i].signature, 64);
        (void)buf_format(&text, "%" PRId64 " %s %s %s\n", s->links[i].at, before, after,
                         s->links[i].vouched ? signature : "-");
    }
    rc = text.failed ? err_set(err, ERR_TOO_LARGE, "signers", "too many signers")
                     : file_write(path, text.data, text.len, 0444, err);
    buf_free(&text);
    return rc;
}
