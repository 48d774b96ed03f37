/*
 * Putting a certificate and its key in place: beside the old pair, switched by one rename, proven
 * by the web server's own test, taken back when that fails. Apart from the commands, which get a
 * pair from here or there.
 */
#include "tls_pair.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dirent.h>
#include <sodium.h>

#include "blueprint.h"
#include "clock.h"
#include "conf.h"
#include "file.h"
#include "process_launch.h"
#include "str.h"
#include "web_note.h"

#define COMMAND_S 60

void tls_pair_init(struct tls_pair *p, const char *kind)
{
    memset(p, 0, sizeof *p);
    buf_init(&p->cert, TLS_PEM_MAX);
    buf_init(&p->key, TLS_PEM_MAX);
    (void)str_copy(p->kind, sizeof p->kind, kind);
}

void tls_pair_free(struct tls_pair *p)
{
    if (p->key.data != NULL)
        sodium_memzero(p->key.data, p->key.len);
    buf_free(&p->key);
    buf_free(&p->cert);
}

static int below(char out[TLS_PATH_SIZE], const char *folder, const char *name, struct err *err)
{
    if (str_format(out, TLS_PATH_SIZE, "%s/%s", folder, name) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", folder);
    return 0;
}

/* "letsencrypt /etc/letsencrypt/live/sett"; nothing: somebody put the files there by hand. */
static void kind_read(struct tls_pair *p, const char *folder)
{
    char path[TLS_PATH_SIZE], *line, *space;
    struct err ignored;
    struct buf b;

    buf_init(&b, 512);
    (void)str_copy(p->kind, sizeof p->kind, TLS_IMPORTED);
    if (below(path, folder, "now/kind", &ignored) == 0 && file_read(path, &b, &ignored) == 0 &&
        b.len > 0) {
        line = str_trim(b.data);
        if ((space = strchr(line, ' ')) != NULL) {
            *space = '\0';
            (void)str_copy(p->lineage, sizeof p->lineage, space + 1);
        }
        (void)str_copy(p->kind, sizeof p->kind, line);
    }
    buf_free(&b);
}

int tls_pair_read(struct tls_pair *p, const char *folder, struct err *err)
{
    char cert[TLS_PATH_SIZE], key[TLS_PATH_SIZE];
    struct err ignored;

    tls_pair_init(p, TLS_IMPORTED);
    if (below(cert, folder, "cert.pem", err) == -1 || below(key, folder, "key.pem", err) == -1)
        return -1;
    if (access(cert, F_OK) == -1) {
        (void)err_set(err, ERR_NOT_FOUND, "no_certificate", "there is no certificate at %s", cert);
        return err_hint(err, "sett certificate self-signed, import or letsencrypt");
    }
    if (file_read(cert, &p->cert, err) == -1)
        return -1;
    if (file_read(key, &p->key, &ignored) == -1)
        buf_reset(&p->key);
    kind_read(p, folder);
    return 0;
}

int tls_pair_check(const struct tls_pair *p, const char *what, const char *key_what,
                   struct x509 **x, struct err *err)
{
    if (x509_open(x, &p->cert, what, err) == -1)
        return -1;
    if (x509_usable(*x, clock_wall_ms(), what, err) == 0 &&
        x509_key(*x, &p->key, key_what, err) == 0)
        return 0;
    x509_free(*x);
    *x = NULL;
    return -1;
}

int tls_web_read(struct tls_web *web, const char *note, const char *conf_path, struct err *err)
{
    struct conf *conf = calloc(1, sizeof *conf);
    struct web_note read;
    int rc = 0;

    memset(web, 0, sizeof *web);
    if (conf == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for %s", conf_path);
    if ((conf_read(conf, conf_path, err) == -1 && err->kind != ERR_NOT_FOUND) ||
        web_note_read(&read, note, conf, err) == -1)
        rc = -1;
    free(conf);
    if (rc == -1)
        return -1;
    (void)str_copy(web->test, sizeof web->test, read.test);
    (void)str_copy(web->reload, sizeof web->reload, read.reload);
    (void)str_copy(web->pid, sizeof web->pid, read.pid);
    (void)str_copy(web->key_group, sizeof web->key_group, read.key_group);
    return 0;
}

/* A command of sett.conf. 0, or -1 with its own words. */
static int run(const char *line, const char *what, struct err *err)
{
    struct process_plan *plan = calloc(1, sizeof *plan);
    struct blueprint_command *command = calloc(1, sizeof *command);
    struct buf out;
    int code = 0, rc = -1;

    buf_init(&out, 2048);
    if (plan == NULL || command == NULL)
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the web server's %s", what);
    else if ((rc = blueprint_split(command, line, err)) == 0) {
        (void)str_copy(plan->name, sizeof plan->name, "web");
        plan->inherit = true;
        for (uint32_t i = 0; i < command->count && rc == 0; i++)
            rc = process_plan_arg(plan, command->args[i]);
        if (rc == 0 && (rc = process_run(plan, COMMAND_S, &out, &code, err)) == 0 && code != 0)
            rc = err_set(err, ERR_UNAVAILABLE, "web_server", "the web server's %s failed: %.300s",
                         what, buf_string(&out));
    }
    buf_free(&out);
    free(command);
    free(plan);
    return rc;
}

static int tell(const struct tls_web *web, struct err *err)
{
    struct buf b;
    uint64_t pid;
    int rc = 0;

    if (web->reload[0] != '\0')
        return run(web->reload, "reload", err);
    if (web->pid[0] == '\0')
        return err_set(err, ERR_NOT_FOUND, "no_web_server",
                       "sett.conf names no web server ([web] reload or pid)");
    buf_init(&b, 64);
    if (file_read(web->pid, &b, NULL) == -1 || b.len == 0 ||
        str_u64(str_trim(b.data), 2, INT32_MAX, &pid) == -1 || kill((pid_t)pid, SIGHUP) == -1)
        rc = err_set(err, ERR_UNAVAILABLE, "web_server_down",
                     "the web server of %s does not run: it reads the certificate when it starts",
                     web->pid);
    buf_free(&b);
    return rc;
}

/* Point the link ${name} at ${target} in one step. */
static int point(const char *folder, const char *name, const char *target, struct err *err)
{
    char path[TLS_PATH_SIZE], fresh[TLS_PATH_SIZE];

    if (below(path, folder, name, err) == -1 ||
        str_format(fresh, sizeof fresh, "%s.new", path) == -1)
        return -1;
    (void)unlink(fresh);
    if (symlink(target, fresh) == -1 || rename(fresh, path) == -1)
        return err_sys(err, "tls_link", errno, path);
    return file_sync_folder(folder, err);
}

/* What the link ${name} points at, or "". */
static void pointed(const char *folder, const char *name, char out[64])
{
    char path[TLS_PATH_SIZE];
    ssize_t len = -1;

    if (below(path, folder, name, NULL) == 0)
        len = readlink(path, out, 63);
    out[len > 0 && len < 63 ? len : 0] = '\0';
}

static int key_open_to(const char *path, const char *group, struct err *err)
{
    struct group *g;

    if (group[0] == '\0')
        return 0;
    if ((g = getgrnam(group)) == NULL)
        return err_set(err, ERR_INVALID, "no_group",
                       "[web] key_group of sett.conf: there is no group \"%s\"", group);
    if (chown(path, (uid_t)-1, g->gr_gid) == -1 || chmod(path, 0640) == -1)
        return err_sys(err, "key_group", errno, path);
    return 0;
}

/* The pair's own folder, whole on disk. ${name} is its name. */
static int folder_write(const struct tls_pair *p, const char *folder, const char *group,
                        char name[64], struct err *err)
{
    char own[TLS_PATH_SIZE], cert[TLS_PATH_SIZE], key[TLS_PATH_SIZE], kind[TLS_PATH_SIZE],
        line[320];

    (void)str_format(name, 64, "pair-%lld", (long long)clock_wall_ms());
    if (below(own, folder, name, err) == -1 || below(cert, own, "cert.pem", err) == -1 ||
        below(key, own, "key.pem", err) == -1 || below(kind, own, "kind", err) == -1)
        return -1;
    (void)str_format(line, sizeof line, "%s%s%s\n", p->kind, p->lineage[0] == '\0' ? "" : " ",
                     p->lineage);
    if (mkdir(own, 0755) == -1)
        return err_sys(err, "tls_folder", errno, own);
    (void)chmod(own, 0755); /* whatever the umask */
    if (file_write(key, p->key.data, p->key.len, 0600, err) == 0 &&
        key_open_to(key, group, err) == 0 &&
        file_write(cert, p->cert.data, p->cert.len, 0644, err) == 0 &&
        file_write(kind, line, strlen(line), 0644, err) == 0)
        return 0;
    (void)file_remove_tree(own, NULL);
    return -1;
}

/* Files that somebody put there by hand become a pair like others, so that they can come back. */
static int adopt(const char *folder, const struct tls_web *web, struct err *err)
{
    char cert[TLS_PATH_SIZE], name[64];
    struct tls_pair found;
    struct stat st;
    int rc = -1;

    if (below(cert, folder, "cert.pem", err) == -1)
        return -1;
    if (lstat(cert, &st) == -1 || S_ISLNK(st.st_mode))
        return 0;
    if (tls_pair_read(&found, folder, err) == 0 &&
        folder_write(&found, folder, web->key_group, name, err) == 0 &&
        point(folder, "now", name, err) == 0 && point(folder, "key.pem", "now/key.pem", err) == 0 &&
        point(folder, "cert.pem", "now/cert.pem", err) == 0)
        rc = 0;
    tls_pair_free(&found);
    return rc;
}

/* All pairs but these two. */
static void tidy(const char *folder, const char *now, const char *before)
{
    char path[TLS_PATH_SIZE];
    struct dirent *entry;
    DIR *dir = opendir(folder);

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (str_starts(entry->d_name, "pair-") && !str_equal(entry->d_name, now) &&
            !str_equal(entry->d_name, before) && below(path, folder, entry->d_name, NULL) == 0)
            (void)file_remove_tree(path, NULL);
    if (dir != NULL)
        (void)closedir(dir);
}

static int no_right(const char *folder, struct err *err)
{
    (void)err_set(err, ERR_FORBIDDEN, "needs_root", "%s is not yours to change", folder);
    return err_hint(err, "try it as root: sudo sett certificate …");
}

/* Have the server test what is in place. Where it fails and would fail with the pair before, too,
 * the pair is not what is wrong. Return 0, 1 (it fails anyway) or -1 (back to the pair before). */
static int prove(const char *folder, const char *name, const char *before,
                 const struct tls_web *web, struct err *err)
{
    struct err why;

    if (web->test[0] == '\0' || run(web->test, "test", err) == 0)
        return 0;
    if (before[0] == '\0')
        return 1;
    if (point(folder, "now", before, &why) == 0 && run(web->test, "test", &why) == 0)
        return -1;
    return point(folder, "now", name, &why) == 0 ? 1 : -1;
}

int tls_pair_put(const struct tls_pair *p, const char *folder, const struct tls_web *web,
                 struct err *err)
{
    char name[64], before[64], path[TLS_PATH_SIZE];
    int proven;

    if (file_mkdirs(folder, 0755, err) == -1)
        return access(folder, F_OK) == -1 && geteuid() != 0 ? no_right(folder, err) : -1;
    if (access(folder, W_OK) == -1)
        return no_right(folder, err);
    if (adopt(folder, web, err) == -1 || folder_write(p, folder, web->key_group, name, err) == -1)
        return -1;
    pointed(folder, "now", before);
    if (point(folder, "now", name, err) == -1 ||
        point(folder, "key.pem", "now/key.pem", err) == -1 ||
        point(folder, "cert.pem", "now/cert.pem", err) == -1)
        return -1;
    if ((proven = prove(folder, name, before, web, err)) == -1) {
        if (below(path, folder, name, NULL) == 0)
            (void)file_remove_tree(path, NULL);
        return err_hint(err, "The certificate before is in place again; nothing was loaded.");
    }
    if (before[0] != '\0')
        (void)point(folder, "before", before, NULL);
    tidy(folder, name, before);
    return proven == 1 || tell(web, err) == -1 ? 1 : 0;
}
