// SPDX-License-Identifier: GPL-2.0-only
/* Several rules deleted from the files at once: all of them, or none. */
#include <stdarg.h>

#include "rules.h"
#include "tap.h"
#include "tree.h"

#define ETC	"etc/vfiopolicy/rules.d"

static const char *const three[] = {
	"vfio 10de:1b39", "hold 0001:0001", "leave 8086:1572",
};

static struct vp_rules_change changes[3];
static struct vp_rules_error error;
static int refuses;

static const char *get(const char *name)
{
	static char text[512];
	char path[PATH_MAX];
	size_t len = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/" ETC "/%s", tree_root, name);
	f = fopen(path, "r");
	if (f) {
		len = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[len] = '\0';
	return text;
}

/* What stands beside it must be whole before anything is done. */
static int between(void *arg)
{
	int *calls = arg;

	++*calls;
	return refuses;
}

static int del(size_t count, int *calls)
{
	struct vp_rules_lock lock;
	int ret;

	*calls = 0;
	ret = vp_rules_lock(&lock, false, &error);
	if (!ret)
		ret = vp_rules_del_all(&lock, three, count, between, calls,
				       changes, &error);
	vp_rules_unlock(&lock);
	return ret;
}

static void make(void)
{
	tree_text(ETC, "50-local.rules",
		  "# mine\n#: a GPU\nvfio 10de:1b39\n#: kept\nhold 1:2\n#: b\nhold 1:1\n");
	tree_text(ETC, "60-mine.rules", "leave 8086:1572\nhold 1:1 # too\n");
}

int main(void)
{
	int calls;

	tree_make();
	setenv("VFIOPOLICY_ROOT", tree_root, 1);
	tree_dir(ETC);
	make();
	refuses = -EBUSY;
	ok(del(3, &calls) == -EBUSY && calls == 1, "it is called off");
	is(get("50-local.rules"),
	   "# mine\n#: a GPU\nvfio 10de:1b39\n#: kept\nhold 1:2\n#: b\nhold 1:1\n",
	   "the first file is as it was");
	is(get("60-mine.rules"), "leave 8086:1572\nhold 1:1 # too\n",
	   "so is the second");
	ok(!changes[0].changed && !changes[1].changed && !changes[2].changed,
	   "nothing is said to have changed");

	refuses = 0;
	ok(!del(3, &calls) && calls == 1, "all three, in one go");
	is(get("50-local.rules"), "# mine\n#: kept\nhold 1:2\n",
	   "with what stood above them, and nothing else");
	is(get("60-mine.rules"), "", "from the other file as well");
	ok(changes[0].changed == 1 && changes[0].place.line == 3,
	   "where the first was");
	ok(changes[1].changed == 2 && changes[1].place.line == 7,
	   "where the second was, which stood twice");
	ok(changes[2].changed == 1 && changes[2].place.line == 1 &&
	   strstr(changes[2].place.path, "60-mine.rules"), "and the third");

	tree_text(ETC, "50-local.rules", "hold 1:1\n");
	ok(!del(2, &calls) && !changes[0].changed && changes[1].changed == 1,
	   "what the module alone has keeps no other in its file");
	ok(del(2, &calls) == -ENOENT && strstr(error.text, "10de:1b39"),
	   "none of them is there");
	tree_remove();
	return done();
}
