import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { JOURNALD } from "./journal.ts";
import { repository } from "./paths.ts";

/** Requirements of tests on the machine: see availability.ts. */
export type Need = (typeof needs)[number];
export const needs = [
  "root",
  "userNamespaces",
  "docker",
  "remappedDocker",
  "podman",
  "currentEngines",
  "rootlessDocker",
  "rootlessPodman",
  "cri",
  "kubectl",
  "dockerCommand",
  "strace",
  "tmux",
  "ripgrep",
  "hexdump",
  "bwrap",
  "git",
  "history",
  "jq",
  "sqlite3",
  "diff",
  "less",
  "lnav",
  "nano",
  "vi",
  "zsh",
  "fish",
  "man",
  "mandoc",
  "musl",
  "libfuzzer",
  "arm64",
  "arm64Node",
  "registry",
  "logrotate",
  "btrfs",
  "journald",
  "runc",
  "crun",
  "ctr",
  "gvisor",
  "sshd",
  "compose",
  "faketime",
  "cgroups",
  "cgroupDevices",
] as const;

/** The ordinary user for tests that run as root; needs no name and no files. */
export const ORDINARY_USER = 64_901;
/** A second ordinary user, with no group or file in common with the first. */
export const OTHER_USER = 64_902;
/** The group that may use the private engines' sockets. */
export const ENGINE_GROUP = 64_900;

/** This directory is not in the PATH of an ordinary user. */
export const LOGROTATE = "/usr/sbin/logrotate";
/** Runs programs for arm64. */
export const EMULATOR = "qemu-aarch64-static";
/** This directory is not in the PATH of an ordinary user. */
export const MKFS_BTRFS = "/usr/sbin/mkfs.btrfs";
/** sshd must be started by its full path. */
export const SSHD = "/usr/sbin/sshd";
/** The cgroup v1 hierarchy with device rules. */
export const CGROUP_DEVICES = "/sys/fs/cgroup/devices";

/**
 * Returns the mount point of the cgroup v2 hierarchy, with or without v1; `undefined` if it is not
 * mounted.
 */
export function unifiedCgroups(): string | undefined {
  return ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].find((path) => existsSync(`${path}/cgroup.controllers`));
}

/**
 * True for a requirement that this kind of machine cannot meet. Its tests are skipped with a
 * reason, even if everything is required. With cgroup v2 alone there is no v1 hierarchy of device
 * rules; its own rules are tested on every machine (test/situations/processes.test.ts). A kernel
 * may have no btrfs, a copy of the sources no history, and a mirror no Node.js for arm64.
 */
export function isOfAnotherKind(need: Need): boolean {
  if (need === "btrfs") return whyNoBtrfs() !== undefined;
  if (need === "history" || need === "arm64Node") return true;
  return need === "cgroupDevices" && unifiedCgroups() === "/sys/fs/cgroup";
}

/**
 * Returns why `need` is not available, as a message, or `undefined` if it is available. All
 * processes that it starts have ended.
 */
export function whyMissing(need: Need): string | undefined {
  switch (need) {
    case "root":
      return isRoot() ? undefined : "not root";
    case "userNamespaces":
      return whyNoUserNamespaces();
    case "docker":
      return process.env.PORTHOLE_TEST_DOCKER_HOST ? whyNoSocket() : whyNoDaemon(["dockerd", "containerd", "runc"]);
    case "remappedDocker":
      return (
        whyNoDaemon(["dockerd", "containerd", "runc"]) ??
        (/^dockremap:/m.test(readText("/etc/subuid"))
          ? undefined
          : "no range for dockremap in /etc/subuid and /etc/subgid (useradd --system dockremap, then usermod --add-subuids)")
      );
    case "podman":
      return whyNoDaemon(["podman", "conmon", "runc"]);
    case "currentEngines":
      return process.env.PORTHOLE_CURRENT_ENGINES
        ? undefined
        : "PORTHOLE_CURRENT_ENGINES is not set (scripts/current-engines.sh DIRECTORY prints its value)";
    case "cri":
      return whyNoDaemon(["containerd", "ctr", "runc", "busybox"]);
    case "dockerCommand":
      return whyNoCommand("docker");
    case "rootlessDocker":
      return whyNoDaemon(["dockerd", "rootlesskit", "newuidmap", "runc"]) ?? whyNoRootlessUser();
    case "rootlessPodman":
      return whyNoDaemon(["podman", "conmon", "runc", "newuidmap"]) ?? whyNoRootlessUser();
    case "runc":
      return isRoot() ? whyNoCommand("runc") : "not root";
    case "crun":
      return isRoot() ? whyNoCommand("crun") : "not root";
    case "ctr":
      return whyMissing("docker") ?? whyNoCommand("ctr");
    case "gvisor":
      return isRoot() ? whyNoCommand("runsc") : "not root";
    case "compose":
      return whyNoCommand("docker-compose");
    case "sshd":
      if (!isRoot()) return "not root";
      return existsSync(SSHD) ? whyNoCommand("ssh") : `no ${SSHD}`;
    case "ripgrep":
      return whyNoCommand("rg");
    case "musl":
      return whyNoCommand("musl-gcc");
    case "arm64":
      return whyNoCommand("aarch64-linux-gnu-gcc") ?? whyNoCommand(EMULATOR);
    case "arm64Node":
      return process.env.PORTHOLE_ARM64_NODE
        ? whyNoCommand(EMULATOR)
        : "PORTHOLE_ARM64_NODE is not set (scripts/arm64-node.sh DIRECTORY prints its value)";
    case "libfuzzer":
      return whyNoLibFuzzer();
    case "registry":
      return whyNoRegistry();
    case "history":
      return commitOfFirstRelease() === undefined
        ? "no commit of version 0.1.0 in this copy of the sources"
        : undefined;
    case "logrotate":
      return existsSync(LOGROTATE) ? undefined : `no ${LOGROTATE}`;
    case "btrfs":
      if (!isRoot()) return "not root";
      return whyNoBtrfs() ?? (existsSync(MKFS_BTRFS) ? undefined : `no ${MKFS_BTRFS}`);
    case "journald":
      return existsSync(JOURNALD) ? undefined : `no ${JOURNALD}`;
    case "cgroups":
      return unifiedCgroups() ? whyNotWritable(`${unifiedCgroups()}/cgroup.procs`) : "no cgroup v2 at /sys/fs/cgroup";
    case "cgroupDevices":
      return whyNotWritable(`${CGROUP_DEVICES}/cgroup.procs`);
    default:
      return whyNoCommand(need);
  }
}

/** True if the tests run as root and can become other users and start engines. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * Returns the command prefix that runs a program as another user, with only the given groups. It is
 * empty for uid 0.
 */
export function asUser(uid: number, groups: number[] = []): string[] {
  if (uid === 0) return [];
  return [
    "setpriv",
    `--reuid=${uid}`,
    `--regid=${uid}`,
    groups.length > 0 ? `--groups=${groups.join(",")}` : "--clear-groups",
    "--",
  ];
}

/** An ordinary user with a range of subordinate ids, who runs rootless engines. */
const ROOTLESS_USER = "porthole-rootless";

/** Returns the uid of {@link ROOTLESS_USER}. */
export function rootlessUid(): number | undefined {
  const uid = new RegExp(`^${ROOTLESS_USER}:[^:]*:(\\d+):`, "m").exec(readText("/etc/passwd"))?.[1];
  return uid === undefined ? undefined : Number(uid);
}

function whyNoRootlessUser(): string | undefined {
  if (rootlessUid() === undefined) return `no user ${ROOTLESS_USER} (useradd ${ROOTLESS_USER})`;
  const hasRange = ["/etc/subuid", "/etc/subgid"].every((path) =>
    new RegExp(`^${ROOTLESS_USER}:`, "m").test(readText(path)),
  );
  return hasRange ? undefined : `no range for ${ROOTLESS_USER} in /etc/subuid and /etc/subgid`;
}

function whyNoUserNamespaces(): string | undefined {
  const [command = "", ...args] = [
    ...asUser(isRoot() ? ORDINARY_USER : 0),
    ...["unshare", "-Urmpf", "--mount-proc", "true"],
  ];
  const { status, error, stderr } = spawnSync(command, args, { encoding: "utf8", cwd: "/" });
  if (status === 0) return undefined;
  return `an ordinary user may not make a user namespace here: ${error?.message ?? stderr.trim()}`;
}

/**
 * Returns why libFuzzer is not available. clang may be installed without its runtime libraries
 * (Debian: clang and libclang-rt-14-dev).
 */
function whyNoLibFuzzer(): string | undefined {
  const source = "int LLVMFuzzerTestOneInput(const char *data, unsigned long size) { return data && size ? 0 : 0; }";
  const flags = ["-fsanitize=fuzzer,address,undefined", "-x", "c", "-o", "/dev/null", "-"];
  const { status, error, stderr } = spawnSync("clang", flags, { encoding: "utf8", input: source });
  if (status === 0) return undefined;
  return error ? "no command clang" : `clang cannot link libFuzzer: ${stderr.trim().split("\n")[0]}`;
}

function whyNoSocket(): string | undefined {
  const host = process.env.PORTHOLE_TEST_DOCKER_HOST ?? "";
  const path = host.replace(/^unix:\/\//, "");
  if (!host.startsWith("unix://")) return `PORTHOLE_TEST_DOCKER_HOST must be unix://..., not ${host}`;
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    return `PORTHOLE_TEST_DOCKER_HOST: ${(error as Error).message}`;
  }
}

function whyNoDaemon(commands: string[]): string | undefined {
  if (process.env.PORTHOLE_TEST_ENGINES === "none") return "PORTHOLE_TEST_ENGINES=none";
  if (!isRoot()) return "not root, and a private engine needs it";
  return commands.map(whyNoCommand).find((reason) => reason !== undefined);
}

/** Requests one package that the tests install from npm's registry. npm has its own timeout. */
function whyNoRegistry(): string | undefined {
  const { status } = spawnSync("npm", ["view", "@koromix/koffi-linux-x64", "name", "--fetch-retries=0"], {
    timeout: 30_000,
  });
  return status === 0 ? undefined : "npm reaches no registry";
}

/**
 * Returns the commit of version 0.1.0: its tag, or the commit that gave CHANGELOG.md its heading.
 * Undefined without git or without that history.
 */
export function commitOfFirstRelease(): string | undefined {
  const lastLine = (...args: string[]) =>
    spawnSync("git", args, { cwd: repository, encoding: "utf8" }).stdout?.trim().split("\n").at(-1) || undefined;
  return (
    lastLine("rev-parse", "--quiet", "--verify", "v0.1.0^{commit}") ??
    lastLine("log", "--format=%H", "-S## 0.1.0", "--", "CHANGELOG.md")
  );
}

function whyNoCommand(name: string): string | undefined {
  const found = (process.env.PATH ?? "").split(":").some((directory) => existsSync(`${directory}/${name}`));
  return found ? undefined : `no command ${name}`;
}

function whyNoBtrfs(): string | undefined {
  if (!/\tbtrfs$/m.test(readText("/proc/filesystems"))) return "the kernel has no btrfs";
  return existsSync("/dev/loop-control") ? undefined : "no loop devices";
}

function whyNotWritable(path: string): string | undefined {
  try {
    accessSync(path, constants.W_OK);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
