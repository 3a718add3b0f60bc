/**
 * The view of the control groups for a program: unchanged, v1 only, or v2 only. crun does not
 * support both at the same time. With v2 the device rules are a BPF program of the container's
 * group, and v2 lacks the controllers that v1 has.
 */
export type CgroupView = "as it is" | "v1" | "v2";

const views: Record<CgroupView, string> = {
  "as it is": 'exec "$@"',
  v1: 'if [ -d /sys/fs/cgroup/unified ]; then umount /sys/fs/cgroup/unified; fi; exec "$@"',
  v2: 'umount -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"',
};

/**
 * Returns a command prefix that runs a program in a new mount namespace with this view of the
 * control groups.
 */
export function inView(view: CgroupView): string[] {
  return view === "as it is" ? [] : ["unshare", "--mount", "--propagation", "private", "sh", "-c", views[view], "sh"];
}
