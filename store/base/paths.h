#ifndef SETT_PATHS_H
#define SETT_PATHS_H
/* Where a box keeps its things. The same tree stands at / or below a folder given with --root. */
#include "err.h"

#define PATHS_SIZE 256

struct paths {
    char root[PATHS_SIZE];        /* "" for the system's own */
    char conf[PATHS_SIZE];        /* etc/sett/sett.conf */
    char blueprints[PATHS_SIZE];  /* etc/sett/blueprints */
    char mail[PATHS_SIZE];        /* etc/sett/mail: texts that replace the program's own */
    char ballast[PATHS_SIZE];     /* var/lib/sett/ballast: to be thrown overboard on a full disk */
    char live[PATHS_SIZE];        /* var/lib/sett/live: all that a restore replaces */
    char db[PATHS_SIZE];          /* live/db */
    char keys[PATHS_SIZE];        /* live/keys: web.key, vault.key, vault.pub */
    char hands[PATHS_SIZE];       /* live/hands */
    char tenants[PATHS_SIZE];     /* live/tenants */
    char databases[PATHS_SIZE];   /* live/databases: dumps of a restore that wait to be put back */
    char backups[PATHS_SIZE];     /* var/backups/sett */
    char run[PATHS_SIZE];         /* run/sett: sockets, pids */
    char front_sock[PATHS_SIZE];  /* run/sett/front.sock: FastCGI requests */
    char events_sock[PATHS_SIZE]; /* run/sett/events.sock: FastCGI event streams */
    char hands_sock[PATHS_SIZE];  /* run/sett/hands.sock */
    char ask_sock[PATHS_SIZE];    /* run/sett/ask.sock */
    char wake_sock[PATHS_SIZE];   /* run/sett/wake.sock: datagrams that wake the worker */
    char web_map[PATHS_SIZE];  /* var/lib/sett/web/tenants.map: hostname -> port, for the web server
                                */
    char web_note[PATHS_SIZE]; /* var/lib/sett/web/server.conf: which web server that is */
    char web_pages[PATHS_SIZE];   /* var/lib/sett/web/pages: those of a box below a path */
    char web_request[PATHS_SIZE]; /* run/sett/web-request: that its configuration be made anew */
    char history[PATHS_SIZE];     /* var/lib/sett/history: how it was; may be lost */
    char status[PATHS_SIZE];      /* var/lib/sett/status: public pages, for the web server */
    char images[PATHS_SIZE];      /* var/lib/sett/images: templates of the lxc runtime */
    char snapshots[PATHS_SIZE];   /* var/lib/sett/snapshots: those being written */
    char catalog[PATHS_SIZE];     /* var/lib/sett/catalog: what the newest one holds; may be lost */
    char tls[PATHS_SIZE];         /* etc/sett/tls: cert.pem and key.pem of the box's web server */
    char acme[PATHS_SIZE]; /* var/lib/sett/acme: what proves to an issuer that a name is ours */
    char lxc[PATHS_SIZE];  /* var/lib/sett/lxc: the lxc tenants' roots, made anew from those */
};

/** paths_set(p, root, err): ${root} NULL or "": the system's. A root is made absolute. ERR_INVALID
 * when a socket's path would exceed what the kernel takes (107 bytes). Return 0 or -1. */
int paths_set(struct paths *p, const char *root, struct err *err);

#endif
