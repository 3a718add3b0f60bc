/**
 * How a program sees the control groups: as they are, v1 alone, or v2 alone. crun takes no mixture of the two. With v2 the
 * device rules are a BPF program of the container's group, and the controllers that v1 holds are missing.
 */
export type CgroupView = "as it is" | "v1" | "v2";

const views: Record<CgroupView, string> = {
  "as it is": 'exec "$@"',
  v1: 'if [ -d /sys/fs/cgroup/unified ]; then umount /sys/fs/cgroup/unified; fi; exec "$@"',
  v2: 'umount -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"',
};

/** Put before a command line: it runs in a mount namespace of its own, which shows the control groups so. */
export function inView(view: CgroupView): string[] {
  return view === "as it is" ? [] : ["unshare", "--mount", "--propagation", "private", "sh", "-c", views[view], "sh"];
}
