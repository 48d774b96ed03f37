/* The keys that programs read of sett.conf by themselves. Apart from those programs because the
 * page that an operator reads is made of them. */
#include "conf_key.h"

#include <stddef.h>

#include "str.h"

const struct conf_key conf_keys[] = {
    {"front", "group", "www-data", "group of the sockets, of which the web server must be"},
    {"front", "allow", "www-data, caddy",
     "users and groups, parted by commas, whose programs may connect to them"},
    {"front", "threads", "64", "requests that are under way at once, 1 to 128"},
    {"front", "hosts", "",
     "names, parted by commas, by which the box may be called besides "
     "box.url and localhost"},
    {"hands", "supervisor", "systemd",
     "who looks after connectors: systemd, or child, the hands themselves"},
    {"hands", "docker_socket", "/var/run/docker.sock",
     "socket of Docker, or of Podman, as /run/podman/podman.sock"},
    {"hands", "docker_pool", "10.201.0.0/16", "addresses for the networks of Docker's tenants"},
    {"hands", "swarm_ports", "3100-3999", "ports of a Docker Swarm that are kept off the outside"},
    {"hands", "lxc_pool", "10.202.0.0/16", "addresses for the tenants of lxc"},
    {"hands", "lxc_idmap", "yes",
     "whether files of lxc's tenants keep their owners on disk by "
     "idmapped mounts; no: where the file system cannot"},
    {"hands", "cloudflared", "/usr/bin/cloudflared", "the program of connectors"},
    {"hands", "metrics_port", "21000", "first of the local ports on which connectors tell figures"},
    {"hands", "worker_user", "sett", "user whose requests the hands obey"},
    {"hands", "share", "/usr/share/sett", "folder of the files that blueprints bring along"},
    {"outside", "front_door", "",
     "ADDRESS:PORT that is asked in place of what a tenant's name "
     "resolves to, for boxes whose names lead elsewhere"},
    {"web", "pid", "/run/nginx.pid",
     "file with the number of the web server's process, which is "
     "told of new addresses by SIGHUP"},
    {"web", "test", "", "command that says whether its configuration is in order; asked before"},
    {"web", "reload", "", "command that tells it, in place of the signal"},
    {"web", "key_group", "",
     "group that may read the certificate's key, where the web server does not begin as root"},
    {"web", "error_log", "/var/log/nginx/error.log", "its log, for sett log"},
    {NULL, NULL, NULL, NULL},
};

const struct conf_row *conf_key_unknown(const struct conf *conf, const char *section, uint32_t *at)
{
    while (*at < conf->count) {
        const struct conf_row *row = &conf->rows[(*at)++];
        const struct conf_key *key = conf_keys;
        if (!str_equal(row->section, section))
            continue;
        while (key->section != NULL &&
               !(str_equal(key->section, section) && str_equal(key->name, row->name)))
            key++;
        if (key->section == NULL)
            return row;
    }
    return NULL;
}
