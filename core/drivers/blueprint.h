#ifndef SETT_BLUEPRINT_H
#define SETT_BLUEPRINT_H
/*
 * How a tenant is made: /etc/sett/blueprints/NAME.conf, an INI file that belongs to root. The hands
 * read it themselves; what it says never crosses a socket.
 *
 *   [blueprint]   title, runtime (process | docker | lxc | swarm | proxmox), image, command,
 *                 engine, inner_port, health_path, health_timeout_s, read_only, user, database; yes or
 *                 no, true or false
 *   [limits]      memory, storage (bytes, or with K, M, G: times 1024), cpu_millis, pids, nofile,
 *                 max_users
 *   [env]         NAME = value       given to every tenant
 *   [variables]   NAME = default     what an order may set; an order naming another is refused
 *   [generated]   NAME = 12 to 64    a variable too: a random password of that length, made once
 *                 for each tenant
 *   [credentials] name = value       what the customer is shown once; ${NAME} is replaced
 *   [volumes]     name = /inside     the folder tenants/N/name; process: only made, /inside unused
 *   [placement]   constraint = …     swarm: which nodes may run it, "node.labels.disk==ssd"; all
 *                 of them must hold
 *   [init]        command = …        once each, in order, inside
 *   [backup]      what is done for a snapshot, see below
 *
 * engine (docker): the name of an engine on another machine (sett engine list) that tenants live on,
 * unless their plan names another; without one it is this box's own.
 *
 * image is a container image (docker, swarm), or a file or folder of /var/lib/sett/images (lxc): a
 * root file system, NAME.tar, .tar.gz, .tar.xz or .tar.zst. An lxc blueprint with a command runs
 * that alone; without one the image's own /sbin/init is booted (systemd, say).
 *
 * swarm: a blueprint that says ${DB_PASSWORD_FILE} in [env] or its command has the database's
 * password in that file (a secret of the swarm's), and no DB_PASSWORD in its environment.
 *
 * [backup]: before and after are commands run inside around the reading of the tenant's files, at
 * most four each, in order; pause = yes lets all its processes stand still between them; command_s
 * (60) is how long each command may take, hold_s (600) the longest from the first of them to after,
 * which is run when that is over, whoever died meanwhile, and also when before failed: so it may be
 * run twice, and must bear that. if_fails = anyway (default): the files are read nonetheless, and
 * that is told with the snapshot and by an alert; fail: the snapshot fails. exclude = PATTERN, at
 * most 16: what is left out: a shell pattern (fnmatch) for one name anywhere ("*.tmp") or, with a
 * slash, for a path below the tenant's folder ("data/cache"); a
 * folder that matches stays, without what is in it. A tenant that does not run is quiet as it is.
 *
 * A command is split at blanks; "double quotes" keep blanks in one argument; no shell reads it.
 * ${NAME} is then replaced within each argument, and in the values of [env]; runtime.h says which
 * names there are. A name of an environment variable is [A-Z_][A-Z0-9_]*.
 */
#include <stdbool.h>
#include <stdint.h>
#include "conf.h"
#include "err.h"
#include "kv.h"
#include "resource_limits.h"

#define BLUEPRINT_ARGS        32
#define BLUEPRINT_VOLUMES     8
#define BLUEPRINT_COMMANDS    8
#define BLUEPRINT_CONSTRAINTS 8
#define BLUEPRINT_BACKUP      4 /* commands before, and after */
#define BLUEPRINT_EXCLUDES    16

#define BLUEPRINT_GENERATED_MIN     12
#define BLUEPRINT_GENERATED_MAX     64
#define BLUEPRINT_CREDENTIAL_NAME   31
#define BLUEPRINT_CREDENTIALS_BYTES 512 /* of all names and values */

struct blueprint_command {
    uint32_t count;
    char args[BLUEPRINT_ARGS][256]; /* argv; ${NAME} is replaced by a variable, never by a shell */
};

struct blueprint {
    char name[32], title[96];
    char runtime[16];                 /* "process", "docker", "lxc", "swarm" */
    char image[200];                  /* all but process */
    char engine[32];                  /* docker: one on another machine; "": this box's */
    struct blueprint_command command; /* process: required; else optional */
    uint32_t inner_port;       /* port inside the container; process: the reserved port itself */
    char health_path[128];     /* "/" */
    uint32_t health_timeout_s; /* until it must first answer */
    bool read_only;
    char user[32];
    char folder[256]; /* ${folder}/${name}: files that came with the blueprint; may not exist */
    struct limits limits;
    struct kv env;         /* set for every tenant; ${NAME} is replaced */
    struct kv variables;   /* declared names that a request may set -> default */
    struct kv generated;   /* names of variables whose values are made once -> their length */
    struct kv credentials; /* what is shown once; ${NAME} is replaced */
    uint32_t volume_count;
    struct {
        char name[32], target[128];
    } volumes[BLUEPRINT_VOLUMES]; /* below tenants/N/NAME */
    bool database; /* a PostgreSQL role and database, given as DB_HOST, DB_PORT, DB_NAME, DB_USER,
                      DB_PASSWORD */
    uint32_t constraint_count;
    char constraints[BLUEPRINT_CONSTRAINTS][128]; /* swarm: of the node, all of them */
    uint32_t init_count;
    struct blueprint_command init[BLUEPRINT_COMMANDS]; /* run once, in order */
    struct blueprint_backup {
        uint32_t before_count, after_count, exclude_count, command_s, hold_s;
        bool pause, must; /* must: what fails fails the snapshot */
        struct blueprint_command before[BLUEPRINT_BACKUP], after[BLUEPRINT_BACKUP];
        char exclude[BLUEPRINT_EXCLUDES][128];
    } backup;
};

/** blueprint_excludes(b, path): whether a pattern of [backup] leaves out ${path}, which is below
 * the tenant's folder. */
bool blueprint_excludes(const struct blueprint *b, const char *path);

/** blueprint_is_quieted(b): whether [backup] says more than what to leave out. */
bool blueprint_is_quieted(const struct blueprint *b);

/** blueprint_load(b, folder, name, err): read and check ${folder}/${name}.conf. A name that is not
 * a slug, an unknown key, a value out of bounds: ERR_INVALID with file and line. 0 or -1. */
int blueprint_load(struct blueprint *b, const char *folder, const char *name, struct err *err);

/** blueprint_expand(out, size, text, vars, err): replace ${NAME} by the variable's value ("$$" is a
 * dollar). An unknown name is ERR_INVALID. Return 0 or -1. */
int blueprint_expand(char *out, size_t size, const char *text, const struct kv *vars,
                     struct err *err);

/** blueprint_split(out, text, err): a command line into its arguments. ERR_INVALID: too many, too
 * long, a quote that does not end, or nothing. Return 0 or -1. */
int blueprint_split(struct blueprint_command *out, const char *text, struct err *err);

/** blueprint_variable_name(name): whether ${name} may name an environment variable. */
bool blueprint_variable_name(const char *name);

#endif
