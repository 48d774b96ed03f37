/*
 * Rules of nftables. Apart because it is the one place that changes what the machine's network lets
 * pass; a rule set is a file given to nft, which applies it in one step or not at all.
 */
#include "firewall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "process_launch.h"
#include "str.h"

#define NFT       "/usr/sbin/nft"
#define NFT_S     20
#define RULES_MAX 8192

static const char lxc_rules[] = "table inet sett_lxc\n"
                                "delete table inet sett_lxc\n"
                                "table inet sett_lxc {\n"
                                "  chain forward {\n"
                                "    type filter hook forward priority -5; policy accept;\n"
                                "    iifname \"settb*\" oifname \"settb*\" drop\n"
                                "    iifname \"settb*\" ip saddr != %s drop\n"
                                "    oifname \"settb*\" ct state established,related accept\n"
                                "    oifname \"settb*\" drop\n"
                                "  }\n"
                                "  chain nat {\n"
                                "    type nat hook postrouting priority 100; policy accept;\n"
                                "    ip saddr %s oifname != \"settb*\" masquerade\n"
                                "  }\n"
                                "}\n";

/* Before any other rule sees a packet: the engine's own rules turn published ports round later.
 * Only what begins a connection: an answer to one of ours may have any of the ports. */
static const char swarm_rules[] = "table inet sett_swarm\n"
                                  "delete table inet sett_swarm\n"
                                  "table inet sett_swarm {\n"
                                  "  chain guard {\n"
                                  "    type filter hook prerouting priority -310; policy accept;\n"
                                  "    iifname != \"lo\" fib daddr type local tcp dport { %s } "
                                  "tcp flags & (fin | syn | rst | ack) == syn drop\n"
                                  "  }\n"
                                  "}\n";

bool firewall_present(void)
{
    return access(NFT, X_OK) == 0;
}

static int apply(const char *folder, const char *name, const char *rules, struct err *err)
{
    struct process_plan *plan;
    char path[300];
    struct buf out;
    int result = -1, code = 0;

    if (!firewall_present()) {
        (void)err_set(err, ERR_INVALID, "nft_missing", "%s is not installed", NFT);
        return err_hint(err, "Install the package nftables.");
    }
    if (str_format(path, sizeof path, "%s/%s", folder, name) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", folder);
    if (file_write_soon(path, rules, strlen(rules), 0600, err) == -1)
        return -1;
    if ((plan = calloc(1, sizeof *plan)) == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory for nft");
    buf_init(&out, 4096);
    (void)str_copy(plan->name, sizeof plan->name, "nft");
    if (process_plan_arg(plan, NFT) == 0 && process_plan_arg(plan, "-f") == 0 &&
        process_plan_arg(plan, path) == 0 && process_run(plan, NFT_S, &out, &code, err) == 0)
        result = code == 0 ? 0
                           : err_set(err, ERR_UNAVAILABLE, "nft_refused", "nft refused %s: %.300s",
                                     path, buf_string(&out));
    buf_free(&out);
    free(plan);
    return result;
}

static int forward_packets(struct err *err)
{
    static const char path[] = "/proc/sys/net/ipv4/ip_forward";
    char now = '0';
    int fd = open(path, O_RDWR | O_CLOEXEC), rc = 0;

    if (fd == -1)
        return err_sys(err, "ip_forward", errno, path);
    if (read(fd, &now, 1) == 1 && now == '0' && pwrite(fd, "1", 1, 0) != 1)
        rc = err_sys(err, "ip_forward", errno, path);
    (void)close(fd);
    return rc;
}

int firewall_lxc(const char *folder, const char *pool, struct err *err)
{
    char rules[RULES_MAX];

    if (str_format(rules, sizeof rules, lxc_rules, pool, pool) == -1)
        return err_set(err, ERR_INVALID, "lxc_pool", "%s is too long", pool);
    if (apply(folder, "lxc.nft", rules, err) == -1) /* closed first, then opened */
        return -1;
    return forward_packets(err);
}

int firewall_swarm(const char *folder, const char *ports, struct err *err)
{
    char rules[RULES_MAX];

    if (ports[strspn(ports, "0123456789-, ")] != '\0' || ports[0] == '\0' ||
        str_format(rules, sizeof rules, swarm_rules, ports) == -1)
        return err_set(err, ERR_INVALID, "swarm_ports", "\"%s\" are no ports such as 20000-20999",
                       ports);
    return apply(folder, "swarm.nft", rules, err);
}
