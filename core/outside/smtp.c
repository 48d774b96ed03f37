/*
 * Mail by libcurl. Apart from http.c because here one mail is one connection, and what matters is
 * whether the server took it, may have taken it, or never will.
 */
#include "smtp.h"

#include <curl/curl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "http_doors.h"
#include "mail.h"
#include "str.h"

#define CONNECT_S 10L
#define TOTAL_S   60L

/* One mail under way. */
struct passage {
    const char *data;
    size_t len, at;
    struct smtp_answer *answer;
    bool content; /* the server has asked for the content */
};

static size_t on_read(char *out, size_t size, size_t count, void *arg)
{
    struct passage *p = arg;
    size_t n = p->len - p->at;

    if (n > size * count)
        n = size * count;
    memcpy(out, p->data + p->at, n);
    p->at += n;
    return n;
}

/* Each line that the server says; the last one stays, but for its good-bye. */
static size_t on_line(char *data, size_t size, size_t count, void *arg)
{
    struct passage *p = arg;
    size_t len = size * count, n = len;

    if (n >= 3 && strncmp(data, "221", 3) == 0)
        return len;
    while (n > 0 && (data[n - 1] == '\n' || data[n - 1] == '\r'))
        n--;
    if (n >= sizeof p->answer->text)
        n = sizeof p->answer->text - 1;
    for (size_t i = 0; i < n; i++)
        p->answer->text[i] = data[i] < ' ' || data[i] > '~' ? '?' : data[i];
    p->answer->text[n] = '\0';
    if (n >= 3 && strncmp(data, "354", 3) == 0)
        p->content = true;
    return len;
}

static size_t no_body(char *data, size_t size, size_t count, void *arg)
{
    (void)data;
    (void)arg;
    return size * count;
}

/* Whether the server is this very machine, whatever it is called by. */
static bool is_here(const char *url)
{
    const char *host = strstr(url, "://");
    size_t len;

    if (host == NULL)
        return false;
    host += 3;
    if (str_starts(host, "[::1]"))
        return true;
    len = strcspn(host, ":/");
    return (len == 9 && strncmp(host, "localhost", 9) == 0) ||
           (len >= 7 && len <= 15 && strncmp(host, "127.", 4) == 0 &&
            strspn(host, "0123456789.") >= len);
}

static int set_doors(CURL *curl, const struct smtp_server *s, struct err *err)
{
    long tls = s->tls == SMTP_TLS_REQUIRED     ? (long)CURLUSESSL_ALL
               : s->tls == SMTP_TLS_IF_OFFERED ? (long)CURLUSESSL_TRY
                                               : (long)CURLUSESSL_NONE;

    if (http_close_doors(curl, "smtp,smtps", err) == -1)
        return -1;
    if (curl_easy_setopt(curl, CURLOPT_USE_SSL, tls) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_URL, s->url) != CURLE_OK)
        return err_set(err, ERR_INTERNAL, "curl_option", "libcurl lacks an option that is needed");
    http_trust(curl, s->ca_file, true);
    if (s->user[0] != '\0') {
        (void)curl_easy_setopt(curl, CURLOPT_USERNAME, s->user);
        (void)curl_easy_setopt(curl, CURLOPT_PASSWORD, s->password);
    }
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, s->timeout_s ? (long)s->timeout_s : TOTAL_S);
    return 0;
}

/* What the last line says is a no for good: to the sender, the recipient or the content, and not to
 * us as a client, which may be mended. */
static bool for_good(const struct passage *p, CURLcode code, long status)
{
    return status >= 500 && (code == CURLE_SEND_ERROR || p->content);
}

static int explain(const struct smtp_server *s, struct passage *p, CURLcode code, long status,
                   const char *detail, struct err *err)
{
    const char *said = p->answer->text;
    const char *why = detail[0] != '\0' ? detail : curl_easy_strerror(code);

    p->answer->final_no = for_good(p, code, status);
    p->answer->maybe_sent = p->content && p->at == p->len && status < 400;
    if (p->answer->final_no)
        return err_set(err, ERR_CONFLICT, "mail_refused", "%s refuses the mail: %s", s->url, said);
    if (code == CURLE_LOGIN_DENIED) {
        (void)err_set(err, ERR_UNAUTHENTICATED, "smtp_login", "%s: %s", s->url, said);
        return err_hint(err, "are smtp.user and the secret smtp.password right?");
    }
    if (code == CURLE_USE_SSL_FAILED) {
        (void)err_set(err, ERR_FORBIDDEN, "smtp_no_tls", "%s offers no TLS", s->url);
        return err_hint(err, "smtps:// or another port; smtp.tls says whether it must be");
    }
    if (code == CURLE_OPERATION_TIMEDOUT)
        return err_set(err, ERR_TIMEOUT, "no_answer_in_time", "no answer from %s in time", s->url);
    if (status >= 400 && status < 600)
        return err_set(err, ERR_UNAVAILABLE, "mail_not_now", "%s does not take the mail now: %s",
                       s->url, said);
    (void)err_set(err, ERR_NETWORK, "network", "%s: %s", s->url, why);
    return err_hint(err, "Can this machine reach that mail server? smtp.url names it.");
}

static int perform(CURL *curl, const struct smtp_server *s, const char *from, const char *to,
                   struct passage *p, struct err *err)
{
    char sender[300], recipient[300], detail[CURL_ERROR_SIZE] = "";
    struct curl_slist *recipients = NULL;
    long status = 0;
    CURLcode code;

    if (str_format(sender, sizeof sender, "<%s>", from) != 0 ||
        str_format(recipient, sizeof recipient, "<%s>", to) != 0 ||
        (recipients = curl_slist_append(NULL, recipient)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "memory", "no memory for a mail");
    (void)curl_easy_setopt(curl, CURLOPT_MAIL_FROM, sender);
    (void)curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
    (void)curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    (void)curl_easy_setopt(curl, CURLOPT_READDATA, p);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_line);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, p);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, no_body);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    code = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
    curl_slist_free_all(recipients);
    return code == CURLE_OK ? 0 : explain(s, p, code, status, detail, err);
}

int smtp_send(const struct smtp_server *s, const char *from, const char *to, const void *data,
              size_t len, struct smtp_answer *answer, struct err *err)
{
    struct passage p = {.data = data, .len = len, .answer = answer};
    CURL *curl;
    int result;

    memset(answer, 0, sizeof *answer);
    if (smtp_url(s->url, err) != 0)
        return -1;
    if (!mail_address(from) || !mail_address(to))
        return err_set(err, ERR_INVALID, "mail_to", "\"%.100s\" is not an e-mail address",
                       mail_address(from) ? to : from);
    if (s->user[0] != '\0' && s->tls != SMTP_TLS_REQUIRED && !str_starts(s->url, "smtps://") &&
        !is_here(s->url)) {
        (void)err_set(err, ERR_FORBIDDEN, "smtp_password_in_clear",
                      "the password of %s would go without TLS", s->url);
        return err_hint(err, "sett setting set smtp.tls --value required");
    }
    if ((curl = curl_easy_init()) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "memory", "no memory for a mail");
    result = set_doors(curl, s, err) != 0 ? -1 : perform(curl, s, from, to, &p, err);
    curl_easy_cleanup(curl);
    return result;
}
