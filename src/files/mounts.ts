import type { FileStat } from "../protocol/file-stat.ts";
import { pathText } from "../target.ts";

/**
 * One line of proc_pid_mountinfo(5). Paths are text; lone surrogates stand for bytes that are not
 * UTF-8.
 */
export interface Mount {
  id: number;
  parent: number;
  /** `st_dev` of most of its files; overlay and btrfs may report others. */
  device: { major: number; minor: number };
  /** The mounted part of the file system, as a path in it: `/` for all of it. */
  root: string;
  /** True if the root was unlinked or replaced after mounting, so that its path is stale. */
  isReplaced: boolean;
  /** Mount point, as the target's first process sees it. */
  point: string;
  options: string[];
  /** File system type: `ext4`, `overlay`, `fuse.sshfs`. */
  type: string;
  source: string;
  superOptions: string[];
  /** True for a mount of an image without a container. */
  isOfImage?: boolean;
}

/**
 * Where a file's content is stored. `container layer`: removed with the container; `image layer`:
 * removed with the image; `volume`: a named volume of Docker or Podman; `bind`: part of a file
 * system mounted here, usually from outside of the container; `disk`: a whole file system;
 * `memory`: lost at unmount; `network`: another machine or a program (FUSE); `kernel`: generated on
 * read.
 */
export type BackingKind =
  | "container layer"
  | "image layer"
  | "volume"
  | "bind"
  | "disk"
  | "memory"
  | "network"
  | "kernel";

/** The storage of a file. */
export interface Backing {
  kind: BackingKind;
  mount: Mount;
  /** Name of the volume, for `volume`. */
  volume: string | undefined;
  readOnly: boolean;
}

/** Parses a mount table. Skips malformed lines: a newer kernel may add some. */
export function parseMounts(table: string | Uint8Array): Mount[] {
  const text = typeof table === "string" ? table : pathText(table);
  return text.split("\n").flatMap((line) => {
    // Fields after the sixth are optional and end with a dash.
    const match = /^(\d+) (\d+) (\d+):(\d+) (\S+) (\S+) (\S+)(?: \S+)*? - (\S+) (\S*) (\S*)$/.exec(line);
    if (match === null) return [];
    const [, id, parent, major, minor, root = "", point = "", options = "", type = "", source = "", superOptions = ""] =
      match;
    const mount: Mount = {
      id: Number(id),
      parent: Number(parent),
      device: { major: Number(major), minor: Number(minor) },
      root: unescapeField(root).replace(UNLINKED, ""),
      isReplaced: UNLINKED.test(unescapeField(root)),
      point: unescapeField(point),
      options: options.split(","),
      type: unescapeField(type),
      source: unescapeField(source),
      superOptions: superOptions.split(",").map(unescapeField),
    };
    return [mount];
  });
}

/** The kernel's suffix for an unlinked path (d_path). */
const UNLINKED = /\/\/deleted$/;

/**
 * Finds the mount of a file, by the mount id of statx(2); undefined if the table lacks the mount.
 */
export function mountOf(mounts: readonly Mount[], stat: Pick<FileStat, "mountId">): Mount | undefined {
  return mounts.find((mount) => BigInt(mount.id) === stat.mountId);
}

/** Returns the storage of a mount's files. */
export function backingOf(mount: Mount): Backing {
  const volume = /\/volumes\/([^/]+)\/_data(?:\/|$)/.exec(mount.root)?.[1];
  const readOnly = mount.options.includes("ro") || mount.superOptions.includes("ro");
  return { kind: kindOfMount(mount, volume), mount, volume, readOnly };
}

/** True for file systems whose content the kernel generates; their sizes occupy no storage. */
export function isPseudo(mount: Mount): boolean {
  return pseudo.has(mount.type);
}

function kindOfMount(mount: Mount, volume: string | undefined): BackingKind {
  if (pseudo.has(mount.type)) return "kernel";
  if (memory.has(mount.type)) return "memory";
  const layer = mount.isOfImage ? "image layer" : "container layer";
  if (mount.type === "overlay" || mount.type === "aufs") return mount.point === "/" ? layer : "disk";
  if (mount.point === "/" && LAYER_DIRECTORY.test(mount.root)) return layer;
  if (volume !== undefined) return "volume";
  if (/^(fuse|nfs|cifs|smb|9p|virtiofs|ceph|glusterfs|afs|lustre|coda)/.test(mount.type) && mount.type !== "fuseblk")
    return "network";
  return mount.root === "/" ? "disk" : "bind";
}

/**
 * Matches directories of layers. Engines mount a single directory at `/` with Docker's and Podman's
 * drivers vfs and btrfs, and for an image of one layer.
 */
const LAYER_DIRECTORY =
  /\/((vfs\/dir|btrfs\/subvolumes)\/[0-9a-f]{64}(-init)?|overlay2?\/[0-9a-z]+\/diff|io\.containerd\.snapshotter\.v1\.\w+\/snapshots\/\d+(\/fs)?)$/;

const memory = new Set(["tmpfs", "devtmpfs", "ramfs", "hugetlbfs"]);
const pseudo = new Set(
  "proc sysfs cgroup cgroup2 devpts mqueue debugfs tracefs securityfs pstore bpf configfs binfmt_misc efivarfs fusectl selinuxfs nsfs rpc_pipefs autofs".split(
    " ",
  ),
);

/** Space, tab, newline, backslash and `#` are octal escapes. */
function unescapeField(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
