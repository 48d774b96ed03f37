#ifndef SETT_QUIET_H
#define SETT_QUIET_H
/*
 * Keeping a tenant quiet while its files are read, from the asking side. It is quiet for as long as
 * the connection stands: an asker that dies lets it go on.
 */
#include "hands.h"

/** quiet_begin(sock, request, fd, reply, err): ask the hands at ${sock} for it; ${request} is as of
 * RUNTIME_INIT, its verb is set here. Takes as long as the blueprint's commands do. Return 1 with
 * *${fd}, to be given to quiet_end; 0 when the blueprint says nothing about it or the tenant does
 * not run; or -1, when it goes on as before: reply->flag then says whether that is to fail the
 * snapshot. */
int quiet_begin(const char *sock, struct hands_request *request, int *fd, struct hands_reply *reply,
                struct err *err);

/** quiet_end(fd, reply, err): the tenant goes on; back when what is to be done after is done.
 * Closes ${fd}. Return 0, or -1 as above: the time was over before, or what came after failed. */
int quiet_end(int fd, struct hands_reply *reply, struct err *err);

#endif
