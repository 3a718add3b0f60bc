import type { ChildProcess } from "node:child_process";
import { uniqueName } from "../../helpers/engine.ts";
import { type Actor, start } from "./actor.ts";
import type { Subject } from "./subjects.ts";

/*
 * Neither Debian nor npm has a package of cdebug. So these tests send the requests of its `exec`
 * themselves, field by field as in cmd/exec/exec_docker.go and exec.go of its commit fdfdf9a. The
 * tests use their own image instead of busybox:musl.
 */

/** Runs `cdebug exec --rm CONTAINER LINE`. */
export function cdebug(by: Actor, of: Subject, line: string): ChildProcess {
  return debuggerOf(by, of, [], chrooted(line));
}

/** Runs `cdebug exec --rm --privileged CONTAINER LINE`. */
export function cdebugPrivileged(by: Actor, of: Subject, line: string): ChildProcess {
  return debuggerOf(by, of, ["--privileged"], chrooted(line));
}

/**
 * Runs `cdebug exec --rm --user USER CONTAINER LINE`. Without root, it makes no link in the
 * container and does not change its root.
 */
export function cdebugAs(by: Actor, of: Subject, user: string, line: string): ChildProcess {
  return debuggerOf(by, of, ["--user", user], `set -eu\nexport CDEBUG_ROOTFS=/\nexec sh -c "${line}"\n`);
}

function debuggerOf(by: Actor, of: Subject, options: string[], entrypoint: string): ChildProcess {
  const target = `container:${of.container.id}`;
  return start(by, [
    ...["docker", "run", "--rm", "--network", target, "--pid", target, ...options],
    ...(of.options.host?.CapDrop ?? []).flatMap((name: string) => ["--cap-drop", name]),
    ...["--entrypoint", "sh", of.toolkit, "-c", entrypoint],
  ]);
}

/** Returns the tool's `chrootEntrypoint`, for an image that is not Nixery's. */
function chrooted(line: string): string {
  const id = uniqueName();
  return `
set -eu
CURRENT_PID=$(sh -c 'echo $PPID')
ln -s /proc/\${CURRENT_PID}/root/ /proc/1/root/.cdebug-${id}
export CDEBUG_ROOTFS=/.cdebug-${id}
cat > /.cdebug-entrypoint.sh <<EOF
#!/bin/sh
export PATH=$PATH:$CDEBUG_ROOTFS/bin:$CDEBUG_ROOTFS/usr/bin:$CDEBUG_ROOTFS/sbin:$CDEBUG_ROOTFS/usr/sbin:$CDEBUG_ROOTFS/usr/local/bin:$CDEBUG_ROOTFS/usr/local/sbin

chroot /proc/1/root sh -c '${line}'
EOF
exec sh /.cdebug-entrypoint.sh
`;
}
