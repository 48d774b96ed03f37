#ifndef SETT_CRASH_H
#define SETT_CRASH_H
/*
 * Crash points: named places at which a test may kill the program, in builds with
 * -DSETT_CRASH_POINTS. There, SETT_CRASH=name (or name:n for its n-th pass, from 1) in the
 * environment makes the process kill itself with SIGKILL on reaching the place, and each place
 * reached is appended as a line to the file that SETT_CRASH_LOG names. In all other builds a crash
 * point is nothing.
 */
#ifdef SETT_CRASH_POINTS

/** crash_point(name): log the place, then die here if the environment says so. Threads may share
 * it. */
void crash_point(const char *name);

#define CP(name_) crash_point(name_)

#else

#define CP(name_) ((void)0)

#endif
#endif
