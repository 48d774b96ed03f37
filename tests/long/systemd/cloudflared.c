/* A stand-in for cloudflared below systemd: it reads the token that it is pointed at, says READY=1
 * by itself (the unit has NotifyAccess=main, so no child could say it) and stays until SIGTERM. */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int say_ready(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    size_t len = path == NULL ? 0 : strlen(path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (len == 0 || len >= sizeof to.sun_path || fd == -1)
        return -1;
    memcpy(to.sun_path, path, len);
    if (to.sun_path[0] == '@')
        to.sun_path[0] = '\0';
    return sendto(fd, "READY=1", 7, 0, (const struct sockaddr *)&to,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 7
               ? 0
               : -1;
}

int main(int argc, char **argv)
{
    char token[64] = "";
    sigset_t end;
    FILE *file;
    int got = 0;

    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigprocmask(SIG_BLOCK, &end, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++)
        printf("argument %s\n", argv[i]);
    file = argc < 2 ? NULL : fopen(argv[argc - 1], "re");
    if (file == NULL || fgets(token, sizeof token, file) == NULL) {
        printf("no token\n");
        return 3;
    }
    fclose(file);
    printf("token of %zu characters, user %s\n", strcspn(token, "\n"),
           getuid() == 0 ? "root" : "of its own");
    if (say_ready() == -1) {
        printf("nobody to tell\n");
        return 4;
    }
    sigwait(&end, &got);
    printf("ended by SIGTERM\n");
    return 0;
}
