#ifndef SETT_PROCESS_FIND_H
#define SETT_PROCESS_FIND_H
/* What /proc says about processes (proc(5)): who is who, what they use, who holds a port. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process_seen {
    pid_t pid, group, session;
    char state; /* 'R', 'S', 'Z', … */
    char name[32];
    uint64_t start;     /* clock ticks since boot: with the pid and the boot, unique */
    uint64_t cpu_ticks; /* user and system */
    uint64_t resident_pages;
};

/** process_see(pid, out): what the system tells of it. Return 0, or -1 when there is no such
 * process. */
int process_see(pid_t pid, struct process_seen *out);

#define PROCESS_BOOT_SIZE 40

/** process_boot(out): which boot of the machine this is. Return 0 or -1. */
int process_boot(char out[PROCESS_BOOT_SIZE]);

/** process_all(on_process, arg): call for each process that can be seen; ends early when it returns
 * other than 0, with that value. Return 0, or -1 when /proc cannot be read. */
int process_all(int (*on_process)(void *arg, const struct process_seen *seen), void *arg);

/** process_environment(pid, name, out, size): the value a process was started with. Return 0, or
 * -1: not there, not ours to read, or too long. */
int process_environment(pid_t pid, const char *name, char *out, size_t size);

#define PROCESS_PORT_BYTES 8192 /* a bit for each port */

/** process_listening(set): the TCP ports of this machine that somebody listens on, as bits. Return
 * 0, or -1 when /proc cannot be read. */
int process_listening(uint8_t set[PROCESS_PORT_BYTES]);

/** process_port_owner(port, out): which process listens on TCP ${port} of this machine (IPv4 or
 * IPv6, any address). Return 1 with ${out} filled (pid 0 when somebody listens whose process cannot
 * be seen), 0 when nobody listens, -1 when /proc cannot be read. */
int process_port_owner(uint32_t port, struct process_seen *out);

#endif
