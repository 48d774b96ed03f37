/*
 * Calls to Proxmox VE. Apart from what is called because here is what all calls share: the token,
 * where parameters go, and errors, whose words stand in the status line and mostly nowhere else.
 */
#include "proxmox.h"

#include <ctype.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "json_in.h"
#include "str.h"

#define CALL_S   40 /* a node passes a call on to another for 30 s at most */
#define LOCKED_S 1
#define BASE     "/api2/json"

/* USER@REALM!NAME. */
static bool is_token_id(const char *s)
{
    const char *realm = strchr(s, '@'), *name = strchr(s, '!');

    if (realm == NULL || name == NULL || realm == s || name < realm + 2 || name[1] == '\0')
        return false;
    for (; *s != '\0'; s++)
        if (!isalnum((unsigned char)*s) && strchr("@!._-", *s) == NULL)
            return false;
    return true;
}

static bool is_secret(const char *s)
{
    return s[0] != '\0' && s[strspn(s, "0123456789abcdefABCDEF-")] == '\0';
}

int proxmox_init(struct proxmox *p, const char *url, const char *token_id, const char *token,
                 struct http_client *client, struct err *err)
{
    memset(p, 0, sizeof *p);
    p->client = client;
    if (!str_starts(url, "https://") || str_copy(p->url, sizeof p->url, url) == -1)
        return err_field(err, "proxmox.url", "proxmox_url", "not an https address: %s", url);
    for (size_t len = strlen(p->url); len > 0 && p->url[len - 1] == '/'; len--)
        p->url[len - 1] = '\0';
    if (!is_token_id(token_id) || str_copy(p->who, sizeof p->who, token_id) == -1)
        return err_field(err, "proxmox.token_id", "proxmox_token_id",
                         "\"%s\" is not USER@REALM!NAME", token_id);
    if (!is_secret(token) || str_format(p->token, sizeof p->token, "%s=%s", token_id, token) == -1)
        return err_field(err, "proxmox.token", "proxmox_token", "that is no token's secret");
    return 0;
}

void proxmox_free(struct proxmox *p)
{
    if (p != NULL)
        sodium_memzero(p, sizeof *p);
}

/* ---- errors ---- */

enum hint { HINT_NONE, HINT_TOKEN, HINT_PERMISSION, HINT_WAITS, HINT_NODE, HINT_OLD };

/* What words mean, whatever status they come with; the first row that fits. */
static const struct {
    long status; /* 0: any */
    const char *words, *code;
    enum err_kind kind;
    enum hint hint;
} rows[] = {
    {401, "", "proxmox_token_wrong", ERR_UNAUTHENTICATED, HINT_TOKEN},
    {403, "", "proxmox_permission", ERR_FORBIDDEN, HINT_PERMISSION},
    {595, "", "proxmox_node_silent", ERR_NETWORK, HINT_NODE},
    {596, "", "proxmox_node_silent", ERR_NETWORK, HINT_NODE},
    {501, "", "proxmox_too_old", ERR_INVALID, HINT_OLD},
    {400, "", "proxmox_refused", ERR_INVALID, HINT_NONE},
    {404, "", "proxmox_too_old", ERR_INVALID, HINT_OLD},
    {0, "Permission check failed", "proxmox_permission", ERR_FORBIDDEN, HINT_PERMISSION},
    {0, "got timeout", "proxmox_locked", ERR_UNAVAILABLE, HINT_WAITS},
    {0, "is locked", "proxmox_locked", ERR_UNAVAILABLE, HINT_WAITS},
    {0, "already exists", "proxmox_vmid_taken", ERR_CONFLICT, HINT_NONE},
    {0, "Configuration file", "proxmox_no_guest", ERR_NOT_FOUND, HINT_NONE},
    {0, "already running", "proxmox_running", ERR_CONFLICT, HINT_NONE},
    {0, "not running", "proxmox_stopped", ERR_CONFLICT, HINT_NONE},
    {0, "no quorum", "proxmox_no_quorum", ERR_UNAVAILABLE, HINT_WAITS},
};

static void add_hint(const struct proxmox *p, enum hint hint, struct err *err)
{
    static const char *const texts[] = {
        [HINT_NONE] = "",
        [HINT_TOKEN] = "Set proxmox.token_id and the secret proxmox.token as Proxmox showed them.",
        [HINT_WAITS] = "It goes on by itself when whatever holds the lock has ended.",
        [HINT_NODE] = "The node that was asked cannot reach the other one: is it on?",
        [HINT_OLD] = "This version of Proxmox VE does not have that; 8 or newer is needed.",
    };

    if (hint == HINT_PERMISSION)
        (void)err_hint(err,
                       "The token %s lacks that privilege there. One made with privilege "
                       "separation has none until it is given some: sett proxmox check",
                       p == NULL ? "" : p->who);
    else
        (void)err_hint(err, "%s", texts[hint]);
}

/* Fill ${err} from the words of an answer or of a task's end. */
static int understand(const struct proxmox *p, long status, const char *words,
                      enum err_kind otherwise, const char *code, struct err *err)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if ((rows[i].status != 0 && rows[i].status != status) ||
            strstr(words, rows[i].words) == NULL)
            continue;
        (void)err_set(err, rows[i].kind, rows[i].code, "Proxmox VE: %s", words);
        add_hint(p, rows[i].hint, err);
        if (rows[i].hint == HINT_WAITS && err != NULL)
            err->retry_after_s = LOCKED_S;
        return -1;
    }
    return err_set(err, otherwise, code, "Proxmox VE: %s", words);
}

/* The words: of the parameters that were refused, of the body, else of the status line. */
static void words_of(const struct cJSON *json, long status, const char *reason, char *out,
                     size_t size)
{
    const struct cJSON *errors = json_at(json, "errors"), *at = json_next(errors, NULL);
    const char *message = json_text(json, "message", reason);

    if (at != NULL)
        (void)snprintf(out, size, "%.60s %s: %.200s", reason, json_name(at),
                       json_text(at, "", "not acceptable"));
    else if (message[0] != '\0')
        (void)snprintf(out, size, "%.300s", message);
    else
        (void)snprintf(out, size, "answered %ld without a word", status);
}

/* It may be null, but it is there. */
static bool has_data(const struct cJSON *json)
{
    const struct cJSON *at = NULL;

    if (json_type(json) != JSON_OBJECT)
        return false;
    while ((at = json_next(json, at)) != NULL)
        if (str_equal(json_name(at), "data"))
            return true;
    return false;
}

/* The environment of a container is a list that zero bytes part, which no text of ours may hold:
 * they are read as another control character. NULL: no memory, or not JSON. */
static struct cJSON *read_json(const char *text, size_t len)
{
    static const char zero[] = "\\u0000";
    struct cJSON *json;
    char *copy, *at;

    if (memmem(text, len, zero, strlen(zero)) == NULL)
        return json_parse(text, len, &json_limits_provider, NULL);
    if ((copy = malloc(len + 1)) == NULL)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    for (at = copy; (at = strstr(at, zero)) != NULL; at += strlen(zero)) {
        size_t slashes = 0;

        while (at - slashes > copy && at[-1 - (ptrdiff_t)slashes] == '\\')
            slashes++;
        if (slashes % 2 == 0)
            at[5] = '1';
    }
    json = json_parse(copy, len, &json_limits_provider, NULL);
    explicit_bzero(copy, len);
    free(copy);
    return json;
}

int proxmox_answer(const struct proxmox *p, long status, const char *reason, const char *text,
                   size_t len, struct cJSON **json, struct err *err)
{
    struct cJSON *got = read_json(text, len);
    char words[340];

    *json = NULL;
    if (status >= 200 && status < 300) {
        if (has_data(got)) {
            *json = got;
            return 0;
        }
        json_free(got);
        return err_set(err, ERR_NETWORK, "proxmox_garbled",
                       "what answered is not the API of Proxmox VE");
    }
    words_of(got, status, reason, words, sizeof words);
    json_free(got);
    return understand(p, status, str_trim(words), ERR_UNAVAILABLE, "proxmox_failed", err);
}

int proxmox_task_end(const char *exitstatus, struct err *err)
{
    if (str_equal(exitstatus, "OK") || str_starts(exitstatus, "WARNINGS:"))
        return 0;
    if (exitstatus[0] == '\0' || str_equal(exitstatus, "unexpected status") ||
        strstr(exitstatus, "interrupted by signal") != NULL)
        return err_set(err, ERR_UNAVAILABLE, "proxmox_task_lost",
                       "Proxmox VE does not know how a task has ended");
    return understand(NULL, 0, exitstatus, ERR_INVALID, "proxmox_task_failed", err);
}

/* ---- requests ---- */

int proxmox_call(struct proxmox *p, const char *method, const char *path, const struct buf *form,
                 struct cJSON **json, struct err *err)
{
    bool query = str_equal(method, "GET") || str_equal(method, "DELETE");
    char url[sizeof p->url + 2048], authorization[sizeof p->token + 40];
    const char *const headers[] = {authorization, NULL};
    struct http_request r = {.profile = HTTP_PROVIDER,
                             .method = method,
                             .url = url,
                             .headers = headers,
                             .timeout_s = CALL_S};
    struct http_answer a;
    struct cJSON *got = NULL;
    int result = -1;

    if (json != NULL)
        *json = NULL;
    (void)str_format(authorization, sizeof authorization, "Authorization: PVEAPIToken=%s",
                     p->token);
    if ((form != NULL && form->failed) ||
        str_format(url, sizeof url, "%s" BASE "%s%s%s", p->url, path,
                   query && form != NULL && form->len > 0 ? "?" : "",
                   query && form != NULL ? buf_string(form) : "") == -1)
        return err_set(err, ERR_INVALID, "proxmox_request", "the request is too long");
    if (!query && form != NULL) {
        r.body = buf_string(form);
        r.body_len = form->len;
        r.content_type = "application/x-www-form-urlencoded";
    }
    http_answer_init(&a, 0);
    if (http_call(p->client, &r, &a, err) == 0)
        result = proxmox_answer(p, a.status, a.reason, buf_string(&a.body), a.body.len, &got, err);
    sodium_memzero(authorization, sizeof authorization);
    http_answer_free(&a);
    if (json != NULL && result == 0)
        *json = got;
    else
        json_free(got);
    return result;
}
