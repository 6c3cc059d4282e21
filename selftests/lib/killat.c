// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kills the process, as kill -9 does, right before the call of a number among
 * those that change something outside of it: files, and what is sent to the
 * kernel. To be loaded before a program, that of the environment's KILL_AT.
 *
 *	LD_PRELOAD=killat.so KILL_AT=3 vfiopolicy add 10de:1b39
 *
 * Where KILL_ERRNO is set too, the call fails with that, as on a full disk; then
 * calls on files are counted alone.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is this call the one? Then either there is no coming back, or errno is set. */
static bool it_is(bool file)
{
	static int calls;
	const char *at = getenv("KILL_AT"), *fails = getenv("KILL_ERRNO");

	if (!at || (fails && !file) || ++calls != atoi(at))
		return false;
	if (!fails)
		kill(getpid(), SIGKILL);
	errno = fails ? atoi(fails) : 0;
	return true;
}

/* The function of the C library. */
static void *next(const char *name)
{
	void *fn = dlsym(RTLD_NEXT, name);

	if (!fn)
		abort();
	return fn;
}

ssize_t write(int fd, const void *buf, size_t len)
{
	ssize_t (*fn)(int fd, const void *buf, size_t len) = next("write");

	return it_is(true) ? -1 : fn(fd, buf, len);
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	ssize_t (*fn)(int fd, const struct msghdr *msg, int flags) = next("sendmsg");

	return it_is(false) ? -1 : fn(fd, msg, flags);
}

int openat(int dir, const char *path, int flags, ...)
{
	int (*fn)(int dir, const char *path, int flags, mode_t mode) = next("openat");
	mode_t mode = 0;
	va_list ap;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
		if (it_is(true))
			return -1;
	}
	return fn(dir, path, flags, mode);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	int (*fn)(int from_dir, const char *from, int to_dir, const char *to) = next("renameat");

	return it_is(true) ? -1 : fn(from_dir, from, to_dir, to);
}

int unlinkat(int dir, const char *path, int flags)
{
	int (*fn)(int dir, const char *path, int flags) = next("unlinkat");

	return it_is(true) ? -1 : fn(dir, path, flags);
}

int mkdirat(int dir, const char *path, mode_t mode)
{
	int (*fn)(int dir, const char *path, mode_t mode) = next("mkdirat");

	return it_is(true) ? -1 : fn(dir, path, mode);
}

int fchmod(int fd, mode_t mode)
{
	int (*fn)(int fd, mode_t mode) = next("fchmod");

	return it_is(true) ? -1 : fn(fd, mode);
}

int fsync(int fd)
{
	int (*fn)(int fd) = next("fsync");

	return it_is(true) ? -1 : fn(fd);
}
