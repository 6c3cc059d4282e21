#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The tarball, what make install puts where, and the packages of Debian, RPM and
# Arch that are made of it. Runs outside of guests; packages are installed in a
# copy of this system that ends with the test, so that the host is left as it was.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

HERE=$(dirname "$(realpath "$0")")
ROOT=$(realpath "$HERE/..")
VERSION=$(cat "$ROOT/VERSION")
NAME=vfiopolicy-$VERSION
TMP=$(mktemp -d)
for tool in git dpkg-buildpackage dh dh_dkms lintian rpmbuild rpmlint makepkg; do
	command -v $tool > /dev/null || skip "needs $tool"
done
git -C "$ROOT" rev-parse --verify -q HEAD > /dev/null 2>&1 || skip "needs git's own tree"
# One time for all that is made here, which is not that of the last commit.
export SOURCE_DATE_EPOCH=1700000000

TESTS="tarball_is_the_same_twice
	tarball_is_what_git_knows
	tarball_is_of_git_or_not_at_all
	install_and_uninstall_leave_nothing
	every_command_has_a_page
	pages_tell_every_option
	versions_agree
	libraries_agree
	debian_packages_build_from_the_tarball
	lintian_has_nothing_to_say
	packages_leave_rules_and_devices_alone
	rpm_builds_and_rpmlint_has_nothing_to_say
	arch_says_the_same_twice"

# The other one is of files that are newer, in a tree of somebody who lets nobody
# read, and somewhere else on earth.
tarball_is_the_same_twice() {
	quietly "make dist" make -s -C "$ROOT" dist BUILD="$TMP/one" || return 1
	mkdir "$TMP/copy"
	(
		umask 077
		cd "$ROOT" && git ls-files -z | xargs -0 cp --parents -t "$TMP/copy" &&
			cd "$TMP/copy" && git init -q && git add -A &&
			TZ=Asia/Tokyo LC_ALL=C.UTF-8 quietly "make dist of a copy" \
				make -s dist BUILD="$TMP/two"
	) || return 1
	expect "the modes of the copy differ" [ "$(stat -c %a "$TMP/copy/VERSION")" = 600 ] &&
		expect "the same bytes" cmp "$TMP/one/dist/$NAME.tar.xz" "$TMP/two/dist/$NAME.tar.xz"
}

tarball_is_what_git_knows() {
	same "files" "$(tar tf "$TMP/one/dist/$NAME.tar.xz" | sed "s|^$NAME/||" | sort)" \
		"$(git -C "$ROOT" ls-files | sort)" &&
		same "owners" "$(tar tvf "$TMP/one/dist/$NAME.tar.xz" --numeric-owner |
			awk '{print $2}' | sort -u)" 0/0
}

tarball_is_of_git_or_not_at_all() {
	mkdir "$TMP/unpacked" &&
		tar xf "$TMP/one/dist/$NAME.tar.xz" -C "$TMP/unpacked" || return 1
	! GIT_CEILING_DIRECTORIES=$TMP make -s -C "$TMP/unpacked/$NAME" dist \
		BUILD="$TMP/none" > /dev/null 2>&1 &&
		expect "nothing was made" [ ! -e "$TMP/none/dist/$NAME.tar.xz" ]
}

installed() {
	(cd "$TMP/root" && find . -type f | sort)
}

install_and_uninstall_leave_nothing() {
	local where=(DESTDIR="$TMP/root" prefix=/usr ynldir=/usr/share/ynl/specs)

	mkdir "$TMP/root"
	quietly "make install" make -s -C "$ROOT" install "${where[@]}" || return 1
	for file in usr/sbin/vfiopolicy usr/share/man/man8/vfiopolicy.8 \
		usr/share/man/man5/vfiopolicy.rules.5 usr/share/man/man4/vfiopolicy.4 \
		usr/share/bash-completion/completions/vfiopolicy \
		usr/share/zsh/site-functions/_vfiopolicy \
		usr/share/fish/vendor_completions.d/vfiopolicy.fish \
		usr/lib/udev/rules.d/70-vfiopolicy.rules usr/share/ynl/specs/vfiopolicy.yaml \
		usr/lib/systemd/system/vfiopolicy.service \
		usr/lib/vfiopolicy/early usr/lib/vfiopolicy/fallback \
		usr/lib/vfiopolicy/give-back usr/lib/vfiopolicy/while-waiting \
		usr/lib/vfiopolicy/vfiopolicy-early.service \
		usr/lib/vfiopolicy/vfiopolicy-waiting.service \
		usr/lib/vfiopolicy/vfiopolicy-waiting.timer \
		usr/share/initramfs-tools/hooks/vfiopolicy \
		usr/share/initramfs-tools/scripts/init-top/00-vfiopolicy \
		usr/share/initramfs-tools/scripts/local-block/vfiopolicy \
		usr/lib/dracut/modules.d/50vfiopolicy/module-setup.sh \
		usr/lib/dracut/modules.d/50vfiopolicy/vfiopolicy-early.sh \
		usr/lib/dracut/modules.d/50vfiopolicy/vfiopolicy-give-back.sh \
		usr/lib/initcpio/install/vfiopolicy usr/lib/initcpio/hooks/vfiopolicy \
		usr/share/vfiopolicy/vfiopolicy.schema.json; do
		expect "it is installed" [ -s "$TMP/root/$file" ] || return 1
	done
	expect "udev is told where the command is" grep -q '"/usr/sbin/vfiopolicy owner ' \
		"$TMP/root/usr/lib/udev/rules.d/70-vfiopolicy.rules" &&
		quietly "make uninstall" make -s -C "$ROOT" uninstall "${where[@]}" &&
		same "files that are left" "$(installed)" ""
}

commands() {
	"$VP_BIN/vfiopolicy" --help | sed -n 's/^  \([a-z]\+\) .*/\1/p'
}

# page_of COMMAND; two that are of no use without one another have one
page_of() {
	echo "$ROOT/Documentation/man/vfiopolicy-${1/#confirm/apply}.8"
}

every_command_has_a_page() {
	local page name

	expect "there are commands" [ "$(commands | wc -l)" -ge 8 ] || return 1
	for name in $(commands); do
		page=$(page_of "$name")
		expect "$name has a page" [ -e "$page" ] &&
			expect "it is of this command" grep -qx ".Cm $name" "$page" &&
			expect "vfiopolicy(8) names it" grep -qx ".Xr $(basename "$page" .8) 8" \
				"$ROOT/Documentation/man/vfiopolicy.8" || return 1
	done
}

# Those that its own help tells; what goes with every command is in vfiopolicy(8).
pages_tell_every_option() {
	local name option ok=0

	for name in $(commands); do
		for option in $("$VP_BIN/vfiopolicy" "$name" --help |
			sed -n 's/^  \(-[a-z], \)\?--\([a-z-]*\).*/\2/p'); do
			grep -qE "Fl ([a-z] , )?-$option( |$)" "$(page_of "$name")" \
				"$ROOT/Documentation/man/vfiopolicy.8" && continue
			say "failed: vfiopolicy-$name(8) does not tell of --$option"
			ok=1
		done
	done
	return $ok
}

versions_agree() {
	same "Debian's" "$(dpkg-parsechangelog -l "$ROOT/debian/changelog" -S Version)" "$VERSION" &&
		same "RPM's" "$(sed -n 's/^Version: *//p' "$ROOT/packaging/rpm/vfiopolicy.spec")" "$VERSION" &&
		same "Arch's" "$(sed -n 's/^pkgver=//p' "$ROOT/packaging/arch/PKGBUILD")" "$VERSION"
}

# What the command is linked with, each package says it needs to be built.
libraries_agree() {
	local name deb

	# shellcheck disable=SC2016 # for make to expand
	for name in $(make -s -C "$ROOT/user" --eval 'names: ; @echo $(packages)' names); do
		deb=$(dpkg -S "*/pkgconfig/$name.pc" | cut -d : -f 1)
		expect "Debian's has what brings $name" grep -qE "^(Build-Depends:)? *$deb,?\$" \
			"$ROOT/debian/control" &&
			expect "RPM's has $name" grep -qxE "BuildRequires: *pkgconfig\($name\)" \
				"$ROOT/packaging/rpm/vfiopolicy.spec" || return 1
	done
	[ -n "$name" ]
}

# Its own tests are run by others here, so not once more.
debian_packages_build_from_the_tarball() {
	mkdir "$TMP/deb" && tar xf "$TMP/one/dist/$NAME.tar.xz" -C "$TMP/deb" &&
		cd "$TMP/deb/$NAME" &&
		quietly "dpkg-buildpackage" env DEB_BUILD_OPTIONS="nocheck parallel=2" \
			dpkg-buildpackage -us -uc &&
		expect "no warning of a compiler" test -z "$(grep 'warning:' "$TMP/log")" &&
		same "files of the source package" \
			"$(tar tf "$TMP/deb/vfiopolicy_$VERSION.tar.xz" | grep -v '/$' | sed 's|^[^/]*/||' | sort)" \
			"$(cd "$ROOT" && git ls-files | grep -v '\(^\|/\)\.gitignore$' | sort)"
}

lintian_has_nothing_to_say() {
	quietly "lintian" lintian --fail-on error,warning \
		"$TMP/deb/vfiopolicy_${VERSION}_amd64.changes"
}

# Within the copy of this system; $1 is the folder with the packages.
life_of_packages() {
	local rules=/etc/vfiopolicy/rules.d/50-local.rules
	local deb=$1/vfiopolicy_${VERSION}_amd64.deb dkms=$1/vfiopolicy-dkms_${VERSION}_all.deb

	export DEBIAN_FRONTEND=noninteractive
	# DKMS is another test's business. Nobody is to unload anything.
	mkdir -p /etc/dkms && touch /etc/dkms/no-autoinstall
	for tool in rmmod modprobe insmod; do
		printf '#!/bin/sh\necho "%s $*" >> /was-run\n' $tool > /usr/local/sbin/$tool
		chmod +x /usr/local/sbin/$tool
	done
	dpkg --no-triggers -i "$deb" "$dkms" &&
		[ "$(stat -c '%U %a' /etc/vfiopolicy/rules.d)" = "root 755" ] || return 1
	echo 'vfio 10de:1b39' > $rules
	for newer in "$deb" "$dkms"; do
		rm -rf /repack && dpkg-deb -R "$newer" /repack &&
			sed -i "s/^Version: .*/Version: $VERSION+1/" /repack/DEBIAN/control &&
			dpkg-deb -b /repack "/newer-${newer##*/}" || return 1
	done
	dpkg --no-triggers -i /newer-*.deb && echo "after the upgrade:" && cat $rules &&
		[ "$(dpkg-query -W -f '${Version}' vfiopolicy)" = "$VERSION+1" ] &&
		dpkg --no-triggers -r vfiopolicy vfiopolicy-dkms &&
		echo "after the removal:" && cat $rules &&
		[ ! -e /usr/sbin/vfiopolicy ] &&
		mkdir /etc/vfiopolicy/replaced &&
		dpkg --no-triggers -P vfiopolicy vfiopolicy-dkms &&
		echo "after the purge:" && rmdir /etc/vfiopolicy/replaced /etc/vfiopolicy &&
		[ ! -e /usr/src/vfiopolicy-"$VERSION" ] && [ ! -e /was-run ]
}

in_copy() {
	local copy=$TMP/system

	mkdir "$copy" && mount -t tmpfs none "$copy" &&
		mkdir "$copy/upper" "$copy/work" "$copy/root" &&
		mount -t overlay none "$copy/root" \
			-o "lowerdir=/,upperdir=$copy/upper,workdir=$copy/work" &&
		mount --bind /dev "$copy/root/dev" &&
		mount -t proc none "$copy/root/proc" &&
		mkdir -p "$copy/root/mnt" && mount --bind "$TMP/deb" "$copy/root/mnt" &&
		chroot "$copy/root" env PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin \
			VERSION="$VERSION" bash -c "$(declare -f life_of_packages); life_of_packages /mnt"
}

packages_leave_rules_and_devices_alone() {
	export TMP VERSION
	quietly "install, upgrade, remove, purge" "$HERE/vm/own_mounts" \
		bash -c "$(declare -f in_copy life_of_packages); in_copy" || return 1
	same "rules after the upgrade and the removal" \
		"$(grep -A 1 '^after the [ur]' "$TMP/log" | grep -c '^vfio 10de:1b39$')" 2 &&
		expect "the purge was passed" grep -q '^after the purge:' "$TMP/log" &&
		same "the host's own" "$(dpkg-query -W -f '${Status}' vfiopolicy 2> /dev/null)" ""
}

# Where there are no packages of RPM, what it builds with cannot be asked for.
rpm_builds_and_rpmlint_has_nothing_to_say() {
	local spec=$ROOT/packaging/rpm/vfiopolicy.spec

	mkdir -p "$TMP/rpm/SOURCES" &&
		cp "$TMP/one/dist/$NAME.tar.xz" "$TMP/rpm/SOURCES/" &&
		quietly "rpmbuild" rpmbuild -ba --nodeps --nocheck \
			--define "_topdir $TMP/rpm" \
			--define "_udevrulesdir /usr/lib/udev/rules.d" \
			--define "_unitdir /usr/lib/systemd/system" "$spec" || return 1
	mapfile -t rpms < <(find "$TMP/rpm" -name '*.rpm' ! -name '*-debug*')
	same "packages" ${#rpms[@]} 3 &&
		quietly "rpmlint" rpmlint -c "${spec%/*}/rpmlint.toml" "$spec" "${rpms[@]}" &&
		expect "no word of it" grep -q ' 0 errors, 0 warnings' "$TMP/log"
}

# .SRCINFO is what others read instead of PKGBUILD. makepkg does not run as root,
# and wants to know of a pacman.
arch_says_the_same_twice() {
	mkdir "$TMP/arch" && cp "$ROOT/packaging/arch/PKGBUILD" "$TMP/arch/" &&
		chmod 755 "$TMP" && chown -R nobody "$TMP/arch" && cd "$TMP/arch" || return 1
	same "what makepkg reads" "$(setpriv --reuid=nobody --regid=nogroup --clear-groups \
		env HOME="$TMP/arch" PACMAN=true makepkg --printsrcinfo 2>&1)" \
		"$(cat "$ROOT/packaging/arch/.SRCINFO")"
}

at_end() {
	rm -rf "$TMP"
}

run_tests
