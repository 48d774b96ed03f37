#ifndef SETT_VOLUMES_H
#define SETT_VOLUMES_H
/*
 * The files of a tenant's volumes, as the hands hand them on: described, opened for reading, in the
 * order of a walk that sorts each folder's names as bytes. What both sides of that conversation
 * share: the form of an entry. Nothing outside the tenant's folder can be reached by it.
 */
#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "err.h"

#define VOLUMES_NAME_MAX 4096
#define VOLUMES_DEPTH    100 /* folders within folders */

struct volume_entry {
    char type; /* 'f' 'd' 'l'; 's': left out, and target says why. Only on the way back, to the
                  hands: 'h': one more name for the file target; 'm': the folder as it is to be,
                  once all that is in it is there */
    uint32_t mode, uid, gid, links;
    int64_t mtime_s, ctime_s;
    uint32_t mtime_ns, ctime_ns;
    uint64_t size, device, inode;
    char name[VOLUMES_NAME_MAX + 1]; /* below the tenant's folder */
    char target[VOLUMES_NAME_MAX + 1];
};

/** volume_entry_write(e, out): append it. Return 0, or -1 if ${out} failed. */
int volume_entry_write(const struct volume_entry *e, struct buf *out);

/** volume_entry_read(at, end, e): the entry at *${at}, which moves behind it. Return 1, 0 at
 * ${end}, or -1: not an entry. */
int volume_entry_read(const char **at, const char *end, struct volume_entry *e);

/** volumes_walk(folder, send, arg, err): the walk itself: ${folder} is opened and nothing above or
 * beside it is; links are never followed. ${send} gets each entry with a descriptor for 'f' (else
 * -1), which it must not keep; it returns 0, or -1 having filled err to stop. A missing folder has
 * no entries. Return 0 or -1. */
int volumes_walk(const char *folder,
                 int (*send)(void *arg, const struct volume_entry *e, int fd, struct err *err),
                 void *arg, struct err *err);

/** volumes_walk_fd(folder, send, arg, err): the same for a folder that is open, and stays so. */
int volumes_walk_fd(int folder,
                    int (*send)(void *arg, const struct volume_entry *e, int fd, struct err *err),
                    void *arg, struct err *err);

/** volumes_walk_but(folder, leave, leave_arg, send, arg, err): as volumes_walk; what ${leave} says
 * of a path is left out, of a folder what is in it. */
int volumes_walk_but(const char *folder, bool (*leave)(const void *arg, const char *path),
                     const void *leave_arg,
                     int (*send)(void *arg, const struct volume_entry *e, int fd, struct err *err),
                     void *arg, struct err *err);

/** volumes_walk_top(folder, send, arg, err): likewise, of the names in it alone, none of which is
 * opened: type is 's' for each. For those who remove. Return 0 or -1. */
int volumes_walk_top(int folder,
                     int (*send)(void *arg, const struct volume_entry *e, int fd, struct err *err),
                     void *arg, struct err *err);

/** volumes_fetch(sock, number, blueprint, take, arg, err): ask the hands at ${sock} for the volumes
 * of tenant ${number} without what its blueprint leaves out ("": nothing), or for their own folder:
 * number 0. ${take} gets each entry, with a descriptor for 'f'
 * that is closed after it returns; 0, or -1 having filled err to stop. Return 0 or -1. */
int volumes_fetch(const char *sock, uint64_t number, const char *blueprint,
                  int (*take)(void *arg, const struct volume_entry *e, int fd, struct err *err),
                  void *arg, struct err *err);

#endif
