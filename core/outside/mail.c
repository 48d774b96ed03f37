/*
 * How a mail is written down. Apart from its sending because this is the part that a hostile name
 * or subject would aim at, and it can be tested without a server.
 */
#include "mail.h"

#include <string.h>
#include <time.h>

#include "enc.h"
#include "str.h"

#define ADDRESS_MAX  254
#define WORD_BYTES   45 /* of text in one encoded word: 60 characters, 72 with what is around */
#define PLAIN_MAX    60 /* a header's text that needs no encoding and no folding */
#define QP_LINE      73
#define BOUNDARY_MAX 80

bool mail_address(const char *address)
{
    const char *at = strrchr(address, '@');
    size_t len = strlen(address);

    if (at == NULL || at == address || at[1] == '\0' || len > ADDRESS_MAX)
        return false;
    for (const char *p = address; *p != '\0'; p++)
        if (*p <= ' ' || *p > '~' || strchr("<>()[]\\,;:\"", *p) != NULL)
            return false;
    return memchr(address, '@', (size_t)(at - address)) == NULL && at[1] != '.' &&
           address[len - 1] != '.';
}

/* Printable ASCII that stands as it is, and cannot be taken for an encoded word. */
static bool plain(const char *s)
{
    if (strlen(s) > PLAIN_MAX || strstr(s, "=?") != NULL || s[0] == ' ')
        return false;
    for (; *s != '\0'; s++)
        if (*s < ' ' || *s > '~')
            return false;
    return true;
}

/* How much of the text goes into one encoded word: whole characters. */
static size_t word_len(const char *s)
{
    size_t n = strlen(s);

    if (n <= WORD_BYTES)
        return n;
    for (n = WORD_BYTES; n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80; n--)
        ;
    return n == 0 ? WORD_BYTES : n;
}

/* RFC 2047: words in base 64, folded between them. Line breaks in the text are encoded with it. */
static void encoded(struct buf *out, const char *s)
{
    char word[96];

    for (bool first = true; *s != '\0' || first; first = false) {
        size_t n = word_len(s);

        if (enc_base64(word, sizeof word, s, n) < 0)
            return;
        (void)buf_format(out, "%s=?UTF-8?B?%s?=", first ? "" : "\r\n ", word);
        s += n;
    }
}

static void phrase(struct buf *out, const char *name)
{
    if (!plain(name)) {
        encoded(out, name);
        return;
    }
    (void)buf_byte(out, '"');
    for (; *name != '\0'; name++) {
        if (*name == '"' || *name == '\\')
            (void)buf_byte(out, '\\');
        (void)buf_byte(out, *name);
    }
    (void)buf_byte(out, '"');
}

static void date_header(struct buf *out, int64_t at_ms)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t at = (time_t)(at_ms / 1000);
    struct tm tm;

    (void)gmtime_r(&at, &tm);
    (void)buf_format(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday],
                     tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                     tm.tm_sec);
}

/* Quoted-printable (RFC 2045, 6.7): text in lines of at most 76 characters. */
static void quoted(struct buf *out, const char *s)
{
    size_t column = 0;

    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        bool last = s[1] == '\n' || s[1] == '\0';

        if (c == '\r' && s[1] == '\n')
            continue;
        if (c == '\n') {
            (void)buf_text(out, "\r\n");
            column = 0;
            continue;
        }
        if (column >= QP_LINE) {
            (void)buf_text(out, "=\r\n");
            column = 0;
        }
        if ((c >= '!' && c <= '~' && c != '=') || ((c == ' ' || c == '\t') && !last)) {
            (void)buf_byte(out, (char)c);
            column++;
        } else {
            (void)buf_format(out, "=%02X", c);
            column += 3;
        }
    }
    (void)buf_text(out, "\r\n");
}

static void part(struct buf *out, const char *boundary, const char *type, const char *body)
{
    (void)buf_format(out,
                     "--%s\r\nContent-Type: text/%s; charset=UTF-8\r\n"
                     "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
                     boundary, type);
    quoted(out, body);
}

static bool token(const char *s)
{
    return s[0] != '\0' && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789-_.") == strlen(s);
}

static int check(const struct mail *m, struct err *err)
{
    if (!mail_address(m->from) || (m->reply_to != NULL && !mail_address(m->reply_to)))
        return err_set(err, ERR_INVALID, "mail_from", "mails need a sender's address: mail.from");
    if (!mail_address(m->to))
        return err_set(err, ERR_INVALID, "mail_to", "\"%.100s\" is not an e-mail address", m->to);
    if (!token(m->id) || !token(m->domain) || (m->language != NULL && !token(m->language)) ||
        strlen(m->id) > BOUNDARY_MAX - 16)
        return err_set(err, ERR_INVALID, "mail_id", "a mail has no sound Message-ID");
    if (!str_utf8(m->subject, strlen(m->subject)) || !str_utf8(m->text, strlen(m->text)) ||
        !str_utf8(m->from_name, strlen(m->from_name)) ||
        (m->html != NULL && !str_utf8(m->html, strlen(m->html))))
        return err_set(err, ERR_INVALID, "mail_text", "a mail's text is not UTF-8");
    return 0;
}

static void headers(const struct mail *m, struct buf *out)
{
    (void)buf_text(out, "From: ");
    if (m->from_name[0] != '\0') {
        phrase(out, m->from_name);
        (void)buf_format(out, "\r\n <%s>\r\n", m->from);
    } else {
        (void)buf_format(out, "%s\r\n", m->from);
    }
    (void)buf_format(out, "To: %s\r\n", m->to);
    if (m->reply_to != NULL)
        (void)buf_format(out, "Reply-To: %s\r\n", m->reply_to);
    (void)buf_text(out, "Subject: ");
    if (plain(m->subject))
        (void)buf_text(out, m->subject);
    else
        encoded(out, m->subject);
    (void)buf_text(out, "\r\n");
    date_header(out, m->at_ms);
    (void)buf_format(out, "Message-ID: <%s@%s>\r\n", m->id, m->domain);
    (void)buf_text(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n");
    if (m->language != NULL)
        (void)buf_format(out, "Content-Language: %s\r\n", m->language);
}

int mail_compose(const struct mail *m, struct buf *out, struct err *err)
{
    char boundary[BOUNDARY_MAX];

    if (check(m, err) != 0)
        return -1;
    (void)str_format(boundary, sizeof boundary, "=_sett_%s",
                     m->id); /* "=_": never in either part */
    headers(m, out);
    if (m->html == NULL) {
        (void)buf_text(out, "Content-Type: text/plain; charset=UTF-8\r\n"
                            "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
        quoted(out, m->text);
    } else {
        (void)buf_format(out, "Content-Type: multipart/alternative;\r\n boundary=\"%s\"\r\n\r\n",
                         boundary);
        part(out, boundary, "plain", m->text);
        part(out, boundary, "html", m->html);
        (void)buf_format(out, "--%s--\r\n", boundary);
    }
    if (out->failed)
        return err_set(err, ERR_TOO_LARGE, "mail_too_large", "the mail is too large");
    return 0;
}
