/*
 * What the doctor says of the certificate that the box's web server shows: whether there is one,
 * for whom and for how long, and whether what should renew it is in place. The file is looked at,
 * so that it is seen before a server has loaded it, and where the front door is somebody else's.
 */
#include "doctor.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "setting.h"
#include "str.h"
#include "x509.h"

#define DAY_MS    INT64_C(86400000)
#define SOON_DAYS 14
#define PEM_MAX   (64u << 10)

/* Under which name the box is reached over TLS; "" where it is not. */
static void host_of(const struct look *l, char *host, size_t size)
{
    char url[512] = "";
    struct err ignored;
    struct txn *txn;
    const char *at;

    host[0] = '\0';
    if (db_read(&txn, l->box->db, &ignored) == -1)
        return;
    (void)setting_text(txn, &l->box->conf, "box.url", url, sizeof url, &ignored);
    db_read_end(txn);
    if (!str_starts(url, "https://"))
        return;
    at = url + strlen("https://");
    if (*at == '[')
        at++;
    (void)str_copy_n(host, size, at, strcspn(at, url[8] == '[' ? "]" : ":/?#"));
}

/* "letsencrypt /etc/letsencrypt/live/sett", as sett certificate leaves it. */
static void kind_of(const struct look *l, char *kind, size_t size)
{
    char path[PATHS_SIZE + 16];
    struct err ignored;
    struct buf b;

    (void)str_copy(kind, size, "imported");
    (void)str_format(path, sizeof path, "%s/now/kind", l->box->paths.tls);
    buf_init(&b, 512);
    if (file_read(path, &b, &ignored) == 0 && b.len > 0)
        (void)str_copy(kind, size, str_trim(b.data));
    buf_free(&b);
}

static bool is_there(const struct look *l, const char *path)
{
    char whole[PATHS_SIZE + 128];

    return str_format(whole, sizeof whole, "%s%s", l->box->paths.root, path) == 0 &&
           access(whole, F_OK) == 0;
}

/* What must be there for a renewal to come by itself: 0, or the finding with what is missing. */
static bool renews(struct look *l, const char *kind, enum finding *f)
{
    static const struct {
        const char *kind, *path, *fix, *what;
        bool installed; /* asked only of an installed box: a box below a folder has no timers */
    } needs[] = {
        {"letsencrypt", "/etc/letsencrypt/renewal-hooks/deploy/sett",
         "sett certificate letsencrypt, as the first time",
         "certbot would renew it, and nobody would put it in place", false},
        {"letsencrypt", "/etc/systemd/system/timers.target.wants/certbot.timer",
         "systemctl enable --now certbot.timer", "certbot's timer is off: nothing renews it", true},
        {"self-signed", "/etc/systemd/system/timers.target.wants/sett-certificate.timer",
         "systemctl enable --now sett-certificate.timer", "nothing makes it anew in time", true},
    };

    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
        if (!str_starts(kind, needs[i].kind) || is_there(l, needs[i].path) ||
            (needs[i].installed &&
             (l->box->paths.root[0] != '\0' || !is_there(l, "/run/systemd/system"))))
            continue;
        *f = doctor_say(l, WARNING, needs[i].fix, "%s", needs[i].what);
        return false;
    }
    return true;
}

static const char *next_of(const char *kind)
{
    return str_equal(kind, "imported") ? "sett certificate import FILE --key FILE"
                                       : "sett certificate renew";
}

static enum finding judge(struct look *l, const struct x509 *x, const char *host)
{
    char kind[300], day[CLOCK_TEXT_SIZE], key[PATHS_SIZE + 16];
    int64_t now_ms = clock_wall_ms();
    struct x509_facts c;
    struct stat st;
    enum finding f;

    x509_tell(x, &c);
    kind_of(l, kind, sizeof kind);
    clock_text(day, c.until_ms);
    (void)str_format(key, sizeof key, "%s/key.pem", l->box->paths.tls);
    if (stat(key, &st) == 0 && (st.st_mode & 007) != 0)
        return doctor_say(l, BROKEN, "have it issued anew, with a new key; chmod o= on that one",
                          "%s can be read by everybody", key);
    if (c.until_ms <= now_ms)
        return doctor_say(l, BROKEN, next_of(kind), "the certificate ended on %.10s", day);
    if (c.from_ms > now_ms)
        return doctor_say(l, BROKEN, "is the clock right? timedatectl",
                          "the certificate is not good yet");
    if (c.until_ms < now_ms + SOON_DAYS * DAY_MS)
        return doctor_say(l, WARNING, next_of(kind), "the certificate ends on %.10s%s", day,
                          str_starts(kind, "letsencrypt")
                              ? ": certbot should have renewed it (journalctl -u certbot)"
                              : "");
    if (host[0] != '\0' && !x509_names(x, host))
        return doctor_say(l, WARNING,
                          str_equal(kind, "imported") ? next_of(kind)
                                                      : "sett certificate letsencrypt, or "
                                                        "self-signed",
                          "the certificate does not name %.100s, where box.url leads", host);
    if (!renews(l, kind, &f))
        return f;
    return doctor_say(l, FINE, "", "%.*s, until %.10s, %.120s", (int)strcspn(kind, " "), kind, day,
                      c.names);
}

enum finding doctor_certificate(struct look *l)
{
    char path[PATHS_SIZE + 16], host[300];
    struct x509 *x = NULL;
    struct err err = {0};
    enum finding f;
    struct buf pem;

    host_of(l, host, sizeof host);
    (void)str_format(path, sizeof path, "%s/cert.pem", l->box->paths.tls);
    if (access(path, F_OK) == -1)
        return host[0] == '\0' || l->box->paths.root[0] != '\0'
                   ? doctor_say(l, FINE, "", "none here: TLS is somebody else's")
                   : doctor_say(l, WARNING, "sett certificate self-signed, or letsencrypt",
                                "there is none at %s", path);
    buf_init(&pem, PEM_MAX);
    if (file_read(path, &pem, &err) == -1 || x509_open(&x, &pem, path, &err) == -1)
        f = doctor_say(l, BROKEN, "sett certificate self-signed, or import it again", "%s",
                       err.text);
    else
        f = judge(l, x, host);
    x509_free(x);
    buf_free(&pem);
    return f;
}
