/*
 * What must not be read in a log. Ours have no secrets; other programs' may. Apart from the taking
 * apart because it is as much for a support bundle, which leaves the box.
 */
#include "log_line.h"

#include <ctype.h>
#include <string.h>

/* A secret by how it begins: what follows of these characters goes, if there are at least so many.
 */
static const struct {
    const char *begin;
    unsigned least;
} keys[] = {
    {"sk_live_", 8},        {"sk_test_", 8},       {"rk_live_", 8},
    {"rk_test_", 8},        {"whsec_", 8},         {"sett_key_", 8},
    {"Bearer ", 8},         {"Basic ", 8},         {"eyJ", 24},
    {"ghp_", 16},           {"xoxb-", 10},         {"AKIA", 12},
    {"AGE-SECRET-KEY-", 8}, {"SETT-RECOVERY-", 8}, {"sett-recovery-", 8},
    {"SETT-SHARE-", 8},     {"sett-share-", 8},
};

/* And by its name: "password=…", "token: …", "\"secret\":\"…\"". */
static const char *const words[] = {"password", "passwd", "secret",  "token",
                                    "api_key",  "apikey", "api-key", "authorization"};

static bool is_key_char(char c)
{
    return isalnum((unsigned char)c) || strchr("-_.+/=~:", c) != NULL;
}

static size_t run_of(const char *s, size_t len)
{
    size_t n = 0;

    while (n < len && is_key_char(s[n]))
        n++;
    return n;
}

/* Length of a secret that begins here, its first ${keep} characters being harmless; 0: none. */
static size_t key_here(const char *s, size_t len, size_t *keep)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        size_t begin = strlen(keys[i].begin), rest;
        if (len < begin || strncmp(s, keys[i].begin, begin) != 0)
            continue;
        rest = run_of(s + begin, len - begin);
        if (rest >= keys[i].least) {
            *keep = begin;
            return begin + rest;
        }
    }
    return 0;
}

/* Likewise of a name with its value. */
static size_t named_here(const char *s, size_t len, size_t *keep)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t at = strlen(words[i]), value;
        char quote = '\0';
        if (len <= at || strncasecmp(s, words[i], at) != 0)
            continue;
        while (at < len && (s[at] == '"' || s[at] == '\''))
            at++;
        if (at == len || (s[at] != '=' && s[at] != ':'))
            continue;
        at++;
        while (at < len && s[at] == ' ')
            at++;
        if (at < len && (s[at] == '"' || s[at] == '\''))
            quote = s[at++];
        if (len - at > 7 && strncasecmp(s + at, "Bearer ", 7) == 0)
            at += 7;
        else if (len - at > 6 && strncasecmp(s + at, "Basic ", 6) == 0)
            at += 6;
        for (value = 0; at + value < len; value++)
            if (quote != '\0' ? s[at + value] == quote : !is_key_char(s[at + value]))
                break;
        if (value >= 4) {
            *keep = at;
            return at + value;
        }
    }
    return 0;
}

/* Credentials within an address: "://user:password@". */
static size_t login_here(const char *s, size_t len, size_t *keep)
{
    size_t colon = 0;

    if (len < 6 || strncmp(s, "://", 3) != 0)
        return 0;
    for (size_t i = 3; i < len && strchr("/ \"'<>?#", s[i]) == NULL; i++) {
        if (s[i] == ':' && colon == 0)
            colon = i;
        if (s[i] == '@' && colon > 0) {
            *keep = colon + 1;
            return i;
        }
    }
    return 0;
}

static bool is_mail_char(char c)
{
    return isalnum((unsigned char)c) || strchr("._%+-", c) != NULL;
}

/* An e-mail address that begins here. */
static size_t mail_here(const char *s, size_t len)
{
    size_t local = 0, at, host = 0;
    bool dot = false;

    while (local < len && is_mail_char(s[local]))
        local++;
    if (local == 0 || local == len || s[local] != '@')
        return 0;
    at = local + 1;
    while (at + host < len &&
           (isalnum((unsigned char)s[at + host]) || s[at + host] == '-' || s[at + host] == '.')) {
        dot = dot || (s[at + host] == '.' && host > 0);
        host++;
    }
    return dot ? at + host : 0;
}

void log_redact(struct buf *out, const char *text, size_t len, bool addresses)
{
    size_t i = 0;

    while (i < len) {
        bool begins = i == 0 || !isalnum((unsigned char)text[i - 1]);
        size_t keep = 0, n = 0;

        if (begins && (n = key_here(text + i, len - i, &keep)) == 0)
            n = named_here(text + i, len - i, &keep);
        if (n == 0)
            n = login_here(text + i, len - i, &keep);
        if (n == 0 && addresses && begins && (n = mail_here(text + i, len - i)) > 0)
            keep = 0;
        if (n == 0) {
            (void)buf_byte(out, (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? ' ' : text[i]);
            i++;
            continue;
        }
        (void)buf_add(out, text + i, keep);
        (void)buf_text(out, "[…]");
        i += n;
    }
}
