/* A preload that makes every sync of a file take 5 ms more: a disk of the slower kind. */
#include <dlfcn.h>
#include <errno.h>
#include <time.h>

static void wait_ms(long ms)
{
    struct timespec t = {0, ms * 1000000L};

    while (nanosleep(&t, &t) == -1 && errno == EINTR)
        ;
}

int fdatasync(int fd);
int fdatasync(int fd)
{
    static int (*real)(int);

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
    wait_ms(5);
    return real(fd);
}

int fsync(int fd);
int fsync(int fd)
{
    static int (*real)(int);

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "fsync");
    wait_ms(5);
    return real(fd);
}
