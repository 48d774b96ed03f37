/*
 * Files over SSH by libcurl. Apart from transfer.c because nothing of HTTP is here: a host that is
 * known by its key, a path, and commands before and after.
 */
#include "sftp.h"

#include <curl/curl.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "enc.h"
#include "file.h"
#include "str.h"

#define CONNECT_S 15
#define SILENCE_S 60
#define LIST_MAX  (8u * 1024u * 1024u)

struct sftp {
    CURL *curl;
    char url[600];  /* sftp://host:port/path/ */
    char path[500]; /* the same for commands: "/path/", or "path/" below the user's home */
    char user[100], host_key[64], secret[1024];
    int key; /* a private key, as a file that only this process can open; -1: it is a password */
    uint64_t bytes_per_s;
    uint32_t connect_s, silence_s;
};

/* One call under way. */
struct passage {
    int fd;
    uint64_t at, length;
    transfer_told *told;
    transfer_take *take;
    void *arg;
    bool stopped;
    struct err *err;
};

/* ---- what it is set up with ---- */

int sftp_host_key(const char *text, char out[64])
{
    const char *at = str_starts(text, "SHA256:") || str_starts(text, "sha256:") ? text + 7 : text;
    uint8_t raw[32];
    char padded[64];

    if (strlen(at) == 64 && enc_unhex(raw, sizeof raw, at) == 0)
        (void)enc_base64(padded, sizeof padded, raw, sizeof raw);
    else if (str_copy(padded, sizeof padded, at) == -1)
        return -1;
    padded[strcspn(padded, "=")] = '\0';
    return strlen(padded) == 43 ? str_copy(out, 64, padded) : -1;
}

static bool path_plain(const char *s)
{
    return s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/~")] ==
               '\0' &&
           strstr(s, "//") == NULL && strstr(s, "/..") == NULL;
}

static int take_address(struct sftp *s, const char *address, struct err *err)
{
    const char *at = address + strlen("sftp://"), *host, *path;
    bool home;

    if (!str_starts(address, "sftp://") || (host = strchr(at, '@')) == NULL || host == at ||
        strpbrk(at, " ?#%\"'\\{}") != NULL || strchr(host + 1, '@') != NULL ||
        str_copy_n(s->user, sizeof s->user, at, (size_t)(host - at)) == -1 ||
        strpbrk(s->user, ":/") != NULL)
        return err_field(err, "address", "sftp_address",
                         "\"%.200s\" is not of the form sftp://user@host:port/path", address);
    host++;
    path = host + strcspn(host, "/");
    if (path == host || path[0] == '\0' || !path_plain(path))
        return err_field(err, "address", "sftp_address",
                         "\"%.200s\" has no path, as in sftp://user@host/path", address);
    home = str_starts(path, "/~/");
    return str_format(s->url, sizeof s->url, "sftp://%s%s", host, str_ends(path, "/") ? "" : "/") ==
                       -1 ||
                   str_format(s->path, sizeof s->path, "%s%s", path + (home ? 3 : 0),
                              str_ends(path, "/") ? "" : "/") == -1
               ? err_field(err, "address", "sftp_address", "the address is too long")
               : 0;
}

/* libssh2 wants a private key as a file. */
static int take_secret(struct sftp *s, const char *secret, struct err *err)
{
    if (!str_starts(secret, "-----BEGIN"))
        return str_copy(s->secret, sizeof s->secret, secret) == -1
                   ? err_set(err, ERR_INVALID, "sftp_secret", "the password is too long")
                   : 0;
    if ((s->key = memfd_create("key", MFD_CLOEXEC)) == -1 ||
        file_write_all(s->key, secret, strlen(secret)) == -1 ||
        (!str_ends(secret, "\n") && file_write_all(s->key, "\n", 1) == -1))
        return err_sys(err, "sftp_secret", errno, "a place for the private key");
    return 0;
}

int sftp_new(struct sftp **out, const struct sftp_setup *setup, struct err *err)
{
    struct sftp *s = calloc(1, sizeof *s);

    *out = NULL;
    if (s == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a connection");
    s->key = -1;
    s->bytes_per_s = setup->bytes_per_s;
    s->connect_s = setup->connect_s == 0 ? CONNECT_S : setup->connect_s;
    s->silence_s = setup->silence_s == 0 ? SILENCE_S : setup->silence_s;
    if (sftp_host_key(setup->host_key, s->host_key) == -1) {
        (void)err_field(err, "host_key", "sftp_host_key",
                        "\"%.100s\" is no host key, as in SHA256:… of 43 characters",
                        setup->host_key);
        (void)err_hint(err, "on that host: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub");
    } else if ((s->curl = curl_easy_init()) == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a connection");
    } else if (take_address(s, setup->address, err) == 0 &&
               take_secret(s, setup->secret, err) == 0) {
        *out = s;
        return 0;
    }
    sftp_free(s);
    return -1;
}

void sftp_free(struct sftp *s)
{
    if (s == NULL)
        return;
    if (s->curl != NULL)
        curl_easy_cleanup(s->curl);
    if (s->key != -1)
        (void)close(s->key);
    sodium_memzero(s, sizeof *s);
    free(s);
}

/* ---- what libcurl calls ---- */

static size_t on_read(char *out, size_t size, size_t count, void *arg)
{
    struct passage *p = arg;
    size_t want = size * count;
    ssize_t n;

    if (want > p->length - p->at)
        want = (size_t)(p->length - p->at);
    if (want == 0)
        return 0;
    n = pread(p->fd, out, want, (off_t)p->at);
    if (n <= 0)
        (void)(n == 0 ? err_set(p->err, ERR_CORRUPT, "file_short", "the file became shorter")
                      : err_sys(p->err, "file_read", errno, "the file to send"));
    if (n <= 0 || (p->told != NULL && p->told(p->arg, (uint64_t)n, p->err) == -1)) {
        p->stopped = true;
        return CURL_READFUNC_ABORT;
    }
    p->at += (uint64_t)n;
    return (size_t)n;
}

static int on_seek(void *arg, curl_off_t offset, int origin)
{
    struct passage *p = arg;

    if (origin != SEEK_SET || offset < 0)
        return CURL_SEEKFUNC_CANTSEEK;
    p->at = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static size_t on_data(char *data, size_t size, size_t count, void *arg)
{
    struct passage *p = arg;

    if (p->take == NULL || p->take(p->arg, data, size * count, p->err) == 0)
        return size * count;
    p->stopped = true;
    return 0;
}

/* ---- one call ---- */

static int set_options(struct sftp *s, struct passage *p, char *detail, struct err *err)
{
    CURL *curl = s->curl;
    char key[64];

    curl_easy_reset(curl);
    if (curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "sftp") != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_PROXY, "") != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_NOPROXY, "*") != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_SSH_HOST_PUBLIC_KEY_SHA256, s->host_key) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_SSH_AUTH_TYPES,
                         (long)(s->key != -1 ? CURLSSH_AUTH_PUBLICKEY
                                             : CURLSSH_AUTH_PASSWORD | CURLSSH_AUTH_KEYBOARD)) !=
            CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_USERNAME, s->user) != CURLE_OK)
        return err_set(err, ERR_INTERNAL, "curl_option", "libcurl lacks an option that is needed");
    if (s->key != -1) {
        (void)str_format(key, sizeof key, "/proc/self/fd/%d", s->key);
        (void)curl_easy_setopt(curl, CURLOPT_SSH_PRIVATE_KEYFILE, key);
    } else {
        (void)curl_easy_setopt(curl, CURLOPT_PASSWORD, s->secret);
    }
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_NEW_FILE_PERMS, 0600L);
    (void)curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    (void)curl_easy_setopt(curl, CURLOPT_READDATA, p);
    (void)curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, on_seek);
    (void)curl_easy_setopt(curl, CURLOPT_SEEKDATA, p);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, p);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)s->connect_s);
    (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)s->silence_s);
    (void)curl_easy_setopt(curl, CURLOPT_MAX_SEND_SPEED_LARGE, (curl_off_t)s->bytes_per_s);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    return 0;
}

static const struct {
    CURLcode code;
    enum err_kind kind;
    const char *name, *hint;
} refusals[] = {
    {CURLE_PEER_FAILED_VERIFICATION, ERR_FORBIDDEN, "sftp_host_key",
     "is that the right host? its key may have been changed, or it is another machine"},
    {CURLE_LOGIN_DENIED, ERR_FORBIDDEN, "sftp_login",
     "are user and key or password right? RSA keys cannot be used here: make one with "
     "ssh-keygen -t ed25519"},
    {CURLE_REMOTE_ACCESS_DENIED, ERR_FORBIDDEN, "sftp_denied", "may that user write there?"},
    {CURLE_REMOTE_FILE_NOT_FOUND, ERR_NOT_FOUND, "sftp_missing", "make the folder there first"},
    {CURLE_REMOTE_DISK_FULL, ERR_FULL, "sftp_full", "make room there"},
    {CURLE_REMOTE_FILE_EXISTS, ERR_CONFLICT, "sftp_there", NULL},
    {CURLE_QUOTE_ERROR, ERR_FORBIDDEN, "sftp_refused", NULL},
    {CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT, "no_answer_in_time", NULL},
};

static int explain(const struct sftp *s, const struct passage *p, CURLcode code, const char *detail,
                   struct err *err)
{
    const char *why = detail[0] != '\0' ? detail : curl_easy_strerror(code);

    if (p->stopped)
        return -1; /* whoever stopped it has said why */
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (refusals[i].code == code) {
            (void)err_set(err, refusals[i].kind, refusals[i].name, "%s: %s", s->url, why);
            return refusals[i].hint == NULL ? -1 : err_hint(err, "%s", refusals[i].hint);
        }
    return err_set(err, ERR_NETWORK, "network", "%s: %s", s->url, why);
}

static int perform(struct sftp *s, struct passage *p, const char *name, char *detail,
                   struct err *err)
{
    char url[900];
    CURLcode code;

    if (str_format(url, sizeof url, "%s%s", s->url, name) == -1)
        return err_set(err, ERR_TOO_LARGE, "sftp_name", "the name of a file is too long");
    (void)curl_easy_setopt(s->curl, CURLOPT_URL, url);
    code = curl_easy_perform(s->curl);
    (void)curl_easy_setopt(s->curl, CURLOPT_ERRORBUFFER, NULL);
    return code == CURLE_OK ? 0 : explain(s, p, code, detail, err);
}

int sftp_put(struct sftp *s, const char *name, int fd, uint64_t from, uint64_t length,
             transfer_told *told, void *arg, struct err *err)
{
    struct passage p = {
        .fd = fd, .at = from, .length = length, .told = told, .arg = arg, .err = err};
    char detail[CURL_ERROR_SIZE] = "";

    if (set_options(s, &p, detail, err) == -1)
        return -1;
    (void)curl_easy_setopt(s->curl, CURLOPT_UPLOAD, 1L);
    (void)curl_easy_setopt(s->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)length);
    (void)curl_easy_setopt(s->curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)from);
    return perform(s, &p, name, detail, err);
}

int sftp_get(struct sftp *s, const char *name, uint64_t from, transfer_take *take, void *arg,
             struct err *err)
{
    struct passage p = {.fd = -1, .take = take, .arg = arg, .err = err};
    char detail[CURL_ERROR_SIZE] = "";

    if (set_options(s, &p, detail, err) == -1)
        return -1;
    (void)curl_easy_setopt(s->curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)from);
    return perform(s, &p, name, detail, err);
}

/* ---- the folder ---- */

static int keep(void *arg, const void *data, size_t len, struct err *err)
{
    return buf_add(arg, data, len) == 0
               ? 0
               : err_set(err, ERR_TOO_LARGE, "sftp_list", "the folder has too many files");
}

/* "-rw------- 1 user group 1234 Nov 26 18:00 name", as OpenSSH writes it. */
static int take_line(char *line,
                     int (*each)(void *arg, const struct sftp_file *file, struct err *err),
                     void *arg, struct err *err)
{
    struct sftp_file file = {0};
    char *at = line, *word = NULL;

    if (line[0] != '-')
        return 0;
    for (unsigned i = 0; i < 8; i++) { /* the name is what follows the eighth */
        at += strspn(at, " ");
        word = at;
        at += strcspn(at, " ");
        if (*at == '\0')
            return 0;
        *at++ = '\0';
        if (i == 4 && str_u64(word, 0, UINT64_MAX, &file.bytes) == -1)
            return 0;
    }
    return str_copy(file.name, sizeof file.name, at) == -1 ? 0 : each(arg, &file, err);
}

int sftp_list(struct sftp *s, int (*each)(void *arg, const struct sftp_file *file, struct err *err),
              void *arg, struct err *err)
{
    char detail[CURL_ERROR_SIZE] = "", *line;
    struct buf list;
    struct passage p = {.fd = -1, .take = keep, .arg = &list, .err = err};
    int rc = -1;

    buf_init(&list, LIST_MAX);
    if (set_options(s, &p, detail, err) == 0)
        rc = perform(s, &p, "", detail, err);
    line = rc == 0 ? list.data : NULL;
    while (rc == 0 && line != NULL && *line != '\0') {
        char *end = line + strcspn(line, "\n");
        char *next = *end == '\0' ? end : end + 1;
        *end = '\0';
        rc = take_line(line, each, arg, err);
        line = next;
    }
    buf_free(&list);
    return rc;
}

/* A command that is no transfer: the listing that comes with it is passed over. */
static int command(struct sftp *s, const char *text, struct err *err)
{
    struct curl_slist *list = curl_slist_append(NULL, text);
    struct passage p = {.fd = -1, .err = err};
    char detail[CURL_ERROR_SIZE] = "";
    int rc = -1;

    if (list == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a request");
    if (set_options(s, &p, detail, err) == 0) {
        (void)curl_easy_setopt(s->curl, CURLOPT_NOBODY, 1L);
        (void)curl_easy_setopt(s->curl, CURLOPT_QUOTE, list);
        rc = perform(s, &p, "", detail, err);
        (void)curl_easy_setopt(s->curl, CURLOPT_QUOTE, NULL);
    }
    curl_slist_free_all(list);
    return rc;
}

int sftp_rename(struct sftp *s, const char *from, const char *to, struct err *err)
{
    char text[1400];

    (void)str_format(text, sizeof text, "rename \"%s%s\" \"%s%s\"", s->path, from, s->path, to);
    if (command(s, text, err) == 0)
        return 0;
    if (str_equal(err->code, "sftp_refused"))
        err->kind = ERR_CONFLICT;
    return -1;
}

int sftp_remove(struct sftp *s, const char *name, struct err *err)
{
    char text[900];

    (void)str_format(text, sizeof text, "rm \"%s%s\"", s->path, name);
    return command(s, text, err);
}
