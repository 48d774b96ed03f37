/* Whether something new may begin. Apart because it is a rule about disks and people, not about
 * LMDB: what exists must stay changeable and removable, so room is kept for that. */
#include "db.h"

int db_room(struct db *db, struct err *err)
{
    struct db_figures figures;

    if (db_figures(db, &figures, err) == -1)
        return -1;
    if (figures.disk_free_bytes < DB_ROOM_DISK_BYTES) {
        (void)err_set(
            err, ERR_FULL, "disk_nearly_full",
            "only %llu MiB are free on the store's disk, and nothing new begins below %llu",
            (unsigned long long)(figures.disk_free_bytes >> 20),
            (unsigned long long)(DB_ROOM_DISK_BYTES >> 20));
        return err_hint(err, "make room on the disk; what exists keeps working");
    }
    if (figures.used_bytes > figures.map_bytes / 100 * DB_ROOM_MAP_PERCENT) {
        (void)err_set(err, ERR_FULL, "store_nearly_full",
                      "more than %d %% of the store's map is in use, and nothing new begins",
                      DB_ROOM_MAP_PERCENT);
        return err_hint(err, "remove what is not needed any more");
    }
    return 0;
}
