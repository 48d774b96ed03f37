/*
 * The yardstick of the bench: a libfcgi program that reads the request and answers with a constant
 * body of the size given. What sett needs more than this is sett's own.
 * usage: constant SOCKET BYTES THREADS
 */
#include <fcgiapp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int listener;
static char *body;
static size_t body_len;

static void *serve(void *arg)
{
    FCGX_Request request;
    char in[65536];

    (void)arg;
    FCGX_InitRequest(&request, listener, 0);
    while (FCGX_Accept_r(&request) == 0) {
        while (FCGX_GetStr(in, sizeof in, request.in) == (int)sizeof in)
            ;
        FCGX_FPrintF(request.out, "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n",
                     (int)body_len);
        FCGX_PutStr(body, (int)body_len, request.out);
        FCGX_Finish_r(&request);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    long threads;

    if (argc != 4)
        return 2;
    body_len = strtoul(argv[2], NULL, 10);
    threads = strtol(argv[3], NULL, 10);
    if ((body = malloc(body_len + 1)) == NULL)
        return 1;
    memset(body, 'x', body_len);
    FCGX_Init();
    if ((listener = FCGX_OpenSocket(argv[1], 1024)) == -1)
        return 1;
    (void)chmod(argv[1], 0666);
    while (--threads > 0)
        if (pthread_create(&thread, NULL, serve, NULL) != 0)
            return 1;
    serve(NULL);
    return 0;
}
