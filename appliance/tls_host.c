/*
 * What a certificate of this box has to name. Root opens no store, since whoever faces the internet
 * has it open, too: so what is in it is asked of a `sett` of its own, which gives up root first.
 */
#include "tls_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "file.h"
#include "json_in.h"
#include "process_launch.h"
#include "str.h"

#define ANSWER_MAX (1u << 20)
#define ANSWER_S   30

/* This program with the words behind it, as whoever it likes to be. */
static int sett(struct cli *cli, const char *const *words, struct buf *out, struct err *err)
{
    struct process_plan *plan = calloc(1, sizeof *plan);
    char self[PATHS_SIZE + 32];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    int code = 0, rc = 0;

    if (plan == NULL || len <= 0) {
        free(plan);
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "sett cannot be asked for its settings");
    }
    self[len] = '\0';
    (void)str_copy(plan->name, sizeof plan->name, "sett");
    plan->inherit = true;
    rc |= process_plan_arg(plan, self);
    if (cli->paths.root[0] != '\0')
        rc |= process_plan_arg(plan, "--root") | process_plan_arg(plan, cli->paths.root);
    for (; *words != NULL; words++)
        rc |= process_plan_arg(plan, *words);
    if (rc != 0)
        rc = err_set(err, ERR_INVALID, "path_too_long", "%s is too long", cli->paths.root);
    else if ((rc = process_run(plan, ANSWER_S, out, &code, err)) == 0 && code != 0)
        rc = err_set(err, code == err_exit_code(ERR_NOT_FOUND) ? ERR_NOT_FOUND : ERR_UNAVAILABLE,
                     "settings_unread", "the box's settings cannot be read: %.250s",
                     buf_string(out));
    free(plan);
    return rc;
}

/* The host of an address, without port and brackets. */
static void host_of(char *out, size_t size, const char *url)
{
    const char *at = strstr(url, "://");
    size_t len;

    at = at == NULL ? url : at + 3;
    if (*at == '[') {
        at++;
        len = strcspn(at, "]");
    } else
        len = strcspn(at, ":/?#");
    out[0] = '\0';
    (void)str_copy_n(out, size, at, len);
}

static int from_store(struct cli *cli, struct tls_host *h, struct err *err)
{
    static const char *const words[] = {"--json", "setting", "list", NULL};
    const struct cJSON *data, *at = NULL;
    struct cJSON *json;
    struct buf out;
    int rc = -1;

    buf_init(&out, ANSWER_MAX);
    if (sett(cli, words, &out, err) == 0 &&
        (json = json_parse(out.data, out.len, &json_limits_provider, err)) != NULL) {
        data = json_at(json, "data");
        while ((at = json_next(data, at)) != NULL) {
            const char *name = json_text(at, "name", ""), *value = json_text(at, "value", "");
            if (str_equal(name, "box.url"))
                (void)str_copy(h->url, sizeof h->url, value);
            else if (str_equal(name, "box.domain"))
                (void)str_copy(h->domain, sizeof h->domain, value);
        }
        json_free(json);
        rc = 0;
    }
    buf_free(&out);
    return rc;
}

static int from_conf(struct cli *cli, struct tls_host *h, struct err *err)
{
    struct conf *conf = calloc(1, sizeof *conf);
    const char *url, *domain;
    int rc = 0;

    if (conf == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for sett.conf");
    if (conf_read(conf, cli->paths.conf, err) == -1 && err->kind != ERR_NOT_FOUND)
        rc = -1;
    else {
        err_clear(err);
        if ((url = conf_get(conf, "box", "url")) != NULL)
            (void)str_copy(h->url, sizeof h->url, url);
        if ((domain = conf_get(conf, "box", "domain")) != NULL)
            (void)str_copy(h->domain, sizeof h->domain, domain);
    }
    free(conf);
    return rc;
}

int tls_host_read(struct cli *cli, struct tls_host *h, struct err *err)
{
    memset(h, 0, sizeof *h);
    if (file_exists(cli->paths.db) ? from_store(cli, h, err) == -1 : from_conf(cli, h, err) == -1)
        return -1;
    host_of(h->host, sizeof h->host, h->url);
    if (str_equal(h->domain, "localhost"))
        h->domain[0] = '\0';
    if (h->host[0] != '\0' && !str_equal(h->host, "localhost"))
        return 0;
    /* Nobody has said under which name the box is reached: then its domain, or the machine's. */
    if (h->domain[0] != '\0')
        (void)str_copy(h->host, sizeof h->host, h->domain);
    else if (cli->paths.root[0] != '\0' || gethostname(h->host, sizeof h->host - 1) == -1 ||
             h->host[0] == '\0')
        (void)str_copy(h->host, sizeof h->host, "localhost");
    str_lower(h->host);
    return 0;
}

int tls_host_token(struct cli *cli, struct buf *out, struct err *err)
{
    static const char *const words[] = {"certificate", "token", NULL};

    return sett(cli, words, out, err);
}

bool tls_host_public(const char *name)
{
    static const char *const private[] = {".localhost", ".local", ".lan",    ".internal",
                                          ".home.arpa", ".test",  ".invalid"};
    struct in6_addr address;

    if (strchr(name, '.') == NULL || inet_pton(AF_INET, name, &address) == 1 ||
        inet_pton(AF_INET6, name, &address) == 1)
        return false;
    for (size_t i = 0; i < sizeof private / sizeof *private; i++)
        if (str_ends(name, private[i]))
            return false;
    return true;
}

unsigned tls_host_addresses(char out[][48], unsigned most)
{
    struct ifaddrs *all = NULL;
    unsigned count = 0;

    (void)getifaddrs(&all);
    for (const struct ifaddrs *i = all; i != NULL && count + 2 < most; i = i->ifa_next) {
        const struct sockaddr *a = i->ifa_addr;
        const void *bytes = NULL;

        if (a == NULL || (i->ifa_flags & IFF_LOOPBACK) != 0 || (i->ifa_flags & IFF_UP) == 0)
            continue;
        if (a->sa_family == AF_INET)
            bytes = &((const struct sockaddr_in *)(const void *)a)->sin_addr;
        else if (a->sa_family == AF_INET6 &&
                 !IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr))
            bytes = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
        if (bytes != NULL && inet_ntop(a->sa_family, bytes, out[count], 48) != NULL)
            count++;
    }
    freeifaddrs(all);
    (void)str_copy(out[count++], 48, "127.0.0.1");
    (void)str_copy(out[count++], 48, "::1");
    return count;
}
