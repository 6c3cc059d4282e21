// SPDX-License-Identifier: GPL-2.0-only
/*
 * A command of whose allocations in the kernel one fails:
 *
 *	failnth FILE N COMMAND [ARGUMENT...]
 *
 * It is the Nth of those that failslab looks at. FILE then has how many were
 * still to come before it: 0 when it has failed. Exit status: the command's;
 * 125 when it could not be tried.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAILED_TO_TRY	125

static int die(const char *what)
{
	perror(what);
	return FAILED_TO_TRY;
}

/* Nothing is asked for between here and the command. */
static void become(char **argv)
{
	int fd = open("/proc/self/fail-nth", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || dprintf(fd, "%s", argv[2]) < 0)
		_exit(die("fail-nth"));
	execvp(argv[3], argv + 3);
	_exit(die(argv[3]));
}

/* Of one that has ended and is still known. Return: 0 or -1. */
static int note_left(pid_t pid, const char *to)
{
	char path[64], left[16];
	FILE *in, *out;
	int ret = -1;

	snprintf(path, sizeof(path), "/proc/%d/fail-nth", pid);
	in = fopen(path, "r");
	if (!in)
		return -1;
	out = fopen(to, "w");
	if (out && fgets(left, sizeof(left), in) && fputs(left, out) >= 0)
		ret = 0;
	if (out && fclose(out))
		ret = -1;
	fclose(in);
	return ret;
}

int main(int argc, char **argv)
{
	siginfo_t info = {};
	int status;
	pid_t pid;

	if (argc < 4) {
		fprintf(stderr, "failnth: usage is at the top of failnth.c\n");
		return FAILED_TO_TRY;
	}
	pid = fork();
	if (pid < 0)
		return die("fork");
	if (!pid)
		become(argv);
	if (waitid(P_PID, pid, &info, WEXITED | WNOWAIT))
		return die("waitid");
	if (note_left(pid, argv[1]))
		return die(argv[1]);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return die("waitpid");
	return WEXITSTATUS(status);
}
