// SPDX-License-Identifier: GPL-2.0-only
/*
 * What goes over the network interfaces of a device, and over what is stacked
 * upon them (bonds, bridges, teams, VLANs and so on, by the links that the
 * kernel keeps): logins, routes, addresses, and file systems and disks of other
 * hosts.
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>

#include <libmount/libmount.h>

#include "peek.h"
#include "safety.h"

/* Interfaces of one device, with all that is stacked upon them. */
#define LINKS_MAX	1024
/* Routes that are looked at. */
#define ROUTES_MAX	65536
#define LINE_LEN	512

/**
 * struct address - an address of the host
 * @name: the interface
 * @text: the address
 * @local: it never leaves the host or the link: nothing, but for a login
 */
struct address {
	char name[IF_NAMESIZE];
	char text[INET6_ADDRSTRLEN];
	bool local;
};

/**
 * struct route - a route of the host
 * @name: the interface
 * @family: AF_INET or AF_INET6
 * @bits: length of the prefix
 * @metric: the smaller one of two counts
 * @to: the prefix
 */
struct route {
	char name[IF_NAMESIZE];
	int family;
	unsigned int bits;
	unsigned int metric;
	unsigned char to[16];
};

/**
 * struct vp_net - addresses and routes
 * @addresses: the addresses
 * @address_count: number of @addresses
 * @routes: the routes, but for those that never leave the host or the link
 * @route_count: number of @routes
 */
struct vp_net {
	struct address *addresses;
	size_t address_count;
	struct route *routes;
	size_t route_count;
};

/**
 * struct link - an interface on the way up
 * @name: what it is called
 * @kind: bond, bridge, vlan and so on; empty for one that is real
 * @below: number of the link that it stands on, or -1
 * @up: it is up
 * @master: what it stands on is a port of it: a bond, a bridge, Open vSwitch
 * @usb: it hangs off USB
 * @topped: something stands on it
 * @told: it has an address or a route, which was told
 */
struct link {
	char name[IF_NAMESIZE];
	char kind[16];
	int below;
	bool up;
	bool master;
	bool usb;
	bool topped;
	bool told;
};

/**
 * struct links - all interfaces of one device
 * @safety: what the host is up to
 * @uses: what is known of the device so far
 * @links: the interfaces, each behind the one that it stands on
 * @count: number of @links
 */
struct links {
	struct vp_safety *safety;
	struct vp_uses *uses;
	struct link links[LINKS_MAX];
	size_t count;
};

/* Makes room in steps of powers of two. Return: false when there is none. */
static bool make_room(void **list, size_t count, size_t size)
{
	size_t room = 16;
	void *more;

	if (*list && (count < room || (count & (count - 1))))
		return true;
	while (room <= count)
		room *= 2;
	more = realloc(*list, room * size);
	if (!more)
		return false;
	*list = more;
	return true;
}

/* Every interface that is up has those of the link: they say nothing. */
static bool is_local(int family, const unsigned char *addr)
{
	if (family == AF_INET)
		return addr[0] == 127 || (addr[0] == 169 && addr[1] == 254);
	return (addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80) ||
	       addr[0] == 0xff || IN6_IS_ADDR_LOOPBACK((struct in6_addr *)addr);
}

/* Return: 0 or -ENOMEM. */
static int keep_address(struct vp_net *net, const char *name, int family,
			const void *addr)
{
	struct address *address;

	if (!make_room((void **)&net->addresses, net->address_count,
		       sizeof(*net->addresses)))
		return -ENOMEM;
	address = &net->addresses[net->address_count++];
	/* Some addresses have a label, eth0:1. */
	snprintf(address->name, sizeof(address->name), "%.*s",
		 (int)strcspn(name, ":"), name);
	inet_ntop(family, addr, address->text, sizeof(address->text));
	address->local = is_local(family, addr);
	return 0;
}

/* A file that ends too early has not told all. Return: 0 or -errno. */
static int end_file(FILE *file, int ret)
{
	if (!file)
		return errno == ENOENT ? 0 : -errno;
	if (!ret && ferror(file))
		ret = -EIO;
	fclose(file);
	return ret;
}

/* Of a made-up host: a line "INTERFACE ADDRESS" for each. */
static int read_addresses(struct vp_net *net, const char *path)
{
	char line[LINE_LEN], name[IF_NAMESIZE], text[INET6_ADDRSTRLEN];
	FILE *file = fopen(path, "re");
	unsigned char addr[16];
	int family, ret = 0;

	while (file && !ret && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%15s %45s", name, text) != 2)
			continue;
		family = strchr(text, ':') ? AF_INET6 : AF_INET;
		if (inet_pton(family, text, addr) == 1)
			ret = keep_address(net, name, family, addr);
	}
	return end_file(file, ret);
}

static int ask_addresses(struct vp_net *net)
{
	struct ifaddrs *list, *at;
	int ret = 0;

	if (getifaddrs(&list))
		return errno ? -errno : -EIO;
	for (at = list; at && !ret; at = at->ifa_next) {
		if (!at->ifa_addr)
			continue;
		if (at->ifa_addr->sa_family == AF_INET)
			ret = keep_address(net, at->ifa_name, AF_INET,
					   &((struct sockaddr_in *)at->ifa_addr)->sin_addr);
		else if (at->ifa_addr->sa_family == AF_INET6)
			ret = keep_address(net, at->ifa_name, AF_INET6,
					   &((struct sockaddr_in6 *)at->ifa_addr)->sin6_addr);
	}
	freeifaddrs(list);
	return ret;
}

static int keep_route(struct vp_net *net, const struct route *route)
{
	if (!strcmp(route->name, "lo") || net->route_count == ROUTES_MAX ||
	    (route->bits && is_local(route->family, route->to)))
		return 0;
	if (!make_room((void **)&net->routes, net->route_count,
		       sizeof(*net->routes)))
		return -ENOMEM;
	net->routes[net->route_count++] = *route;
	return 0;
}

/* Interface, destination, gateway, flags, two counts, metric, mask. */
static int read_route4(struct vp_net *net, const char *line)
{
	struct route route = { .family = AF_INET };
	unsigned int to, flags, mask;

	if (sscanf(line, "%15s %x %*x %x %*d %*d %u %x", route.name, &to, &flags,
		   &route.metric, &mask) != 5 || !(flags & 1) || (flags & 0x200))
		return 0;
	memcpy(route.to, &to, sizeof(to));
	route.bits = (unsigned int)__builtin_popcount(mask);
	return keep_route(net, &route);
}

/* Destination, length, source, length, next hop, metric, counts, flags, name. */
static int read_route6(struct vp_net *net, const char *line)
{
	struct route route = { .family = AF_INET6 };
	unsigned int flags, i;
	char to[33];

	if (sscanf(line, "%32[0-9a-f] %x %*s %*x %*s %x %*x %*x %x %15s", to,
		   &route.bits, &route.metric, &flags, route.name) != 5 ||
	    strlen(to) != 32 || route.bits > 128 || !(flags & 1) ||
	    (flags & 0x200))
		return 0;
	for (i = 0; i < 16; i++)
		if (sscanf(to + (size_t)i * 2, "%2hhx", &route.to[i]) != 1)
			return 0;
	return keep_route(net, &route);
}

static int read_routes(struct vp_net *net, const char *proc, const char *name,
		       int (*take)(struct vp_net *net, const char *line))
{
	char path[VP_PEEK_LEN], line[LINE_LEN];
	int ret = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/net/%s", proc, name);
	file = fopen(path, "re");
	while (file && !ret && fgets(line, sizeof(line), file))
		ret = take(net, line);
	return end_file(file, ret);
}

/*
 * Addresses and routes, once; what could not be read is taken down. Return: NULL
 * when there is nothing of them.
 */
static const struct vp_net *get_net(struct vp_safety *safety)
{
	const char *proc = safety->paths.proc;
	int ret;

	if (safety->net)
		return safety->net;
	safety->net = calloc(1, sizeof(*safety->net));
	if (!safety->net) {
		vp_safety_fail(safety, "network addresses", -ENOMEM);
		return NULL;
	}
	ret = safety->paths.addresses ?
	      read_addresses(safety->net, safety->paths.addresses) :
	      ask_addresses(safety->net);
	if (ret)
		vp_safety_fail(safety, "network addresses", ret);
	ret = read_routes(safety->net, proc, "route", read_route4);
	if (!ret)
		ret = read_routes(safety->net, proc, "ipv6_route", read_route6);
	if (ret)
		vp_safety_fail(safety, "routes", ret);
	return safety->net;
}

/**
 * vp_use_nets_free() - forget addresses and routes
 * @net: them, or NULL
 */
void vp_use_nets_free(struct vp_net *net)
{
	if (!net)
		return;
	free(net->addresses);
	free(net->routes);
	free(net);
}

static void add_link(struct links *all, const char *name, int below, bool usb)
{
	const char *sysfs = all->safety->host->sysfs;
	struct link *link;
	char text[64];
	size_t i;

	for (i = 0; i < all->count; i++)
		if (!strcmp(all->links[i].name, name))
			return;
	if (all->count == LINKS_MAX || strlen(name) >= sizeof(link->name)) {
		vp_safety_fail(all->safety, "network interfaces", -E2BIG);
		return;
	}
	link = &all->links[all->count++];
	memset(link, 0, sizeof(*link));
	snprintf(link->name, sizeof(link->name), "%s", name);
	link->below = below;
	link->usb = usb;
	vp_peek_text(text, sizeof(text), "%s/class/net/%s/flags", sysfs, name);
	link->up = strtoul(text, NULL, 16) & IFF_UP;
	if (below < 0)
		return;
	vp_peek_key(link->kind, sizeof(link->kind), "DEVTYPE=",
		    "%s/class/net/%s/uevent", sysfs, name);
	link->master = vp_peek_link(text, sizeof(text), "%s/class/net/%s/master",
				    sysfs, all->links[below].name) &&
		       !strcmp(vp_peek_base(text), name);
}

static void find_links(struct links *all, const struct vp_host_dev *dev)
{
	const struct vp_links *nets = vp_use_links(all->safety, VP_LINK_NET);
	const struct vp_host *host = all->safety->host;
	struct dirent **names;
	int count, i;
	size_t at;

	for (at = 0; at < nets->count; at++)
		if (vp_use_is_behind(&nets->links[at], dev))
			add_link(all, nets->links[at].name, -1,
				 vp_use_is_usb(&nets->links[at]));
	/* What is added is looked at in its turn. */
	for (at = 0; at < all->count; at++) {
		count = vp_peek_list(&names, "%s/class/net/%s", host->sysfs,
				     all->links[at].name);
		for (i = 0; i < count; i++) {
			if (strncmp(names[i]->d_name, "upper_", 6) != 0)
				continue;
			all->links[at].topped = true;
			add_link(all, names[i]->d_name + 6, (int)at,
				 all->links[at].usb);
		}
		vp_peek_free(names, count);
	}
}

/* "bridge br0 on bond bond0 on eth0" */
static void chain(const struct links *all, const struct link *link, char *buf,
		  size_t size)
{
	buf[0] = '\0';
	for (;;) {
		vp_peek_append(buf, size, "%s%s%s", link->kind,
			       link->kind[0] ? " " : "", link->name);
		if (link->below < 0)
			return;
		link = &all->links[link->below];
		vp_peek_append(buf, size, " on ");
	}
}

/*
 * The address that this login came to, third in SSH_CONNECTION. That of a link
 * says which one, behind a '%': other links may have the same. One of which the
 * name is not known is a number, and may be any.
 */
static bool is_ssh(const struct vp_safety *safety,
		   const struct address *address)
{
	char text[INET6_ADDRSTRLEN + IF_NAMESIZE], *scope;

	if (sscanf(safety->ssh, "%*s %*s %61s", text) != 1)
		return false;
	scope = strchr(text, '%');
	if (scope)
		*scope++ = '\0';
	if (scope && strspn(scope, "0123456789") != strlen(scope) &&
	    strcmp(scope, address->name) != 0)
		return false;
	/* An IPv4 address may come in the clothes of an IPv6 one. */
	return !strcmp(!strncmp(text, "::ffff:", 7) ? text + 7 : text,
		       address->text);
}

static void tell_addresses(struct links *all, struct link *link,
			   const struct vp_net *net, const char *where)
{
	char first[INET6_ADDRSTRLEN] = "", more[48] = "";
	size_t i, count = 0;

	for (i = 0; i < net->address_count; i++) {
		if (strcmp(net->addresses[i].name, link->name) != 0)
			continue;
		if (is_ssh(all->safety, &net->addresses[i])) {
			vp_safety_add(all->uses, VP_USE_SSH, link->usb,
				      "your ssh login comes in over it (%s on %s)",
				      net->addresses[i].text, where);
			link->told = true;
		}
		if (!net->addresses[i].local && !count++)
			memcpy(first, net->addresses[i].text, sizeof(first));
	}
	if (!count)
		return;
	link->told = true;
	if (count > 1)
		snprintf(more, sizeof(more), " and %zu more", count - 1);
	vp_safety_add(all->uses, VP_USE_ADDRESS, link->usb,
		      "the host's address%s %s%s %s on it (%s)",
		      count > 1 ? "es" : "", first, more,
		      count > 1 ? "are" : "is", where);
}

static void tell_routes(struct links *all, struct link *link,
			const struct vp_net *net, const char *where)
{
	const struct route *route, *other = NULL;
	char text[INET6_ADDRSTRLEN];
	bool by_default = false;
	size_t i;

	for (i = 0; i < net->route_count; i++) {
		route = &net->routes[i];
		if (strcmp(route->name, link->name) != 0)
			continue;
		if (!route->bits)
			by_default = true;
		else
			other = route;
	}
	if (by_default)
		vp_safety_add(all->uses, VP_USE_DEFAULT_ROUTE, link->usb,
			      "the default route goes over it (%s)", where);
	/* Each address has a route: that is one thing. */
	else if (other && !link->told)
		vp_safety_add(all->uses, VP_USE_ROUTE, link->usb,
			      "the route to %s/%u goes over it (%s)",
			      inet_ntop(other->family, other->to, text,
					sizeof(text)), other->bits, where);
	link->told |= by_default || other;
}

/* What carries nothing of the host's own may carry that of its guests. */
static void tell_member(struct links *all, const struct link *link)
{
	const struct link *below;
	char where[VP_USE_LEN / 2];

	if (link->below < 0 || link->told || link->topped)
		return;
	below = &all->links[link->below];
	/* A master has all that comes in; others take nothing while down. */
	if (!link->up && !link->master)
		return;
	chain(all, below, where, sizeof(where));
	vp_safety_add(all->uses, VP_USE_MEMBER, link->usb, "%s%s%s is on it (%s)",
		      link->kind, link->kind[0] ? " " : "", link->name, where);
}

static bool is_below(const struct route *route, int family,
		     const unsigned char *addr)
{
	unsigned int whole = route->bits / 8, rest = route->bits % 8;

	return route->family == family && !memcmp(route->to, addr, whole) &&
	       (!rest || !((route->to[whole] ^ addr[whole]) >> (8 - rest)));
}

/* The interface that leads to an address, if it is one of the device's. */
static const struct link *find_way(const struct links *all,
				   const struct vp_net *net, const char *text)
{
	const struct route *best = NULL, *route;
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;
	unsigned char addr[16];
	size_t i;

	if (inet_pton(family, text, addr) != 1)
		return NULL;
	for (i = 0; i < net->route_count; i++) {
		route = &net->routes[i];
		if (is_below(route, family, addr) &&
		    (!best || route->bits > best->bits ||
		     (route->bits == best->bits &&
		      route->metric < best->metric)))
			best = route;
	}
	for (i = 0; best && i < all->count; i++)
		if (!strcmp(all->links[i].name, best->name))
			return &all->links[i];
	return NULL;
}

static void tell_remote(struct links *all, const struct vp_net *net,
			const char *what, const char *from, const char *address)
{
	const struct link *link = find_way(all, net, address);
	char where[VP_USE_LEN / 2];

	if (!link)
		return;
	chain(all, link, where, sizeof(where));
	vp_safety_add(all->uses, VP_USE_REMOTE, link->usb,
		      "%s from %.64s is reached over it (%s)", what, from, where);
}

/* NFS, CIFS and others say the address of their server. */
static void tell_remote_mounts(struct links *all, const struct vp_net *net)
{
	struct libmnt_iter *iter = all->safety->iter;
	char address[INET6_ADDRSTRLEN], what[VP_USE_LEN / 2];
	struct libmnt_fs *fs;
	char *value;
	size_t len;

	mnt_reset_iter(iter, MNT_ITER_FORWARD);
	while (!mnt_table_next_fs(all->safety->mounts, iter, &fs)) {
		if (mnt_fs_get_option(fs, "addr", &value, &len) || !value)
			continue;
		snprintf(address, sizeof(address), "%.*s",
			 (int)(len < sizeof(address) ? len : 0), value);
		snprintf(what, sizeof(what), "%.80s (%.16s)",
			 mnt_fs_get_target(fs) ? mnt_fs_get_target(fs) : "?",
			 mnt_fs_get_fstype(fs) ? mnt_fs_get_fstype(fs) : "?");
		tell_remote(all, net, what, mnt_fs_get_source(fs) ?
			    mnt_fs_get_source(fs) : address, address);
	}
}

/* Disks of other hosts: iSCSI, and NVMe over TCP or RDMA. */
static void tell_remote_disks(struct links *all, const struct vp_net *net)
{
	const char *sysfs = all->safety->host->sysfs;
	char text[128], *end, *address;
	struct dirent **names;
	int count, i;

	count = vp_peek_list(&names, "%s/class/iscsi_connection", sysfs);
	for (i = 0; i < count; i++)
		if (vp_peek_text(text, sizeof(text),
				 "%s/class/iscsi_connection/%s/address", sysfs,
				 names[i]->d_name))
			tell_remote(all, net, "a disk by iSCSI", text, text);
	vp_peek_free(names, count);

	count = vp_peek_list(&names, "%s/class/nvme", sysfs);
	for (i = 0; i < count; i++) {
		vp_peek_text(text, sizeof(text), "%s/class/nvme/%s/address",
			     sysfs, names[i]->d_name);
		address = strstr(text, "traddr=");
		if (!address)
			continue;
		address += strlen("traddr=");
		end = address + strcspn(address, ",");
		*end = '\0';
		tell_remote(all, net, "a disk by NVMe over fabrics", address,
			    address);
	}
	vp_peek_free(names, count);
}

/**
 * vp_use_nets() - how the network interfaces of a device are used
 * @safety: what the host is up to
 * @dev: the device
 * @uses: what is found is added to it
 */
void vp_use_nets(struct vp_safety *safety, const struct vp_host_dev *dev,
		 struct vp_uses *uses)
{
	struct links *all = calloc(1, sizeof(*all));
	char where[VP_USE_LEN / 2];
	const struct vp_net *net;
	size_t i;

	if (!all) {
		vp_safety_fail(safety, "network interfaces", -ENOMEM);
		return;
	}
	all->safety = safety;
	all->uses = uses;
	find_links(all, dev);
	net = all->count ? get_net(safety) : NULL;
	for (i = 0; net && i < all->count; i++) {
		chain(all, &all->links[i], where, sizeof(where));
		tell_addresses(all, &all->links[i], net, where);
		tell_routes(all, &all->links[i], net, where);
		tell_member(all, &all->links[i]);
	}
	if (net) {
		tell_remote_mounts(all, net);
		tell_remote_disks(all, net);
	}
	free(all);
}
