import { existsSync, lstatSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { kernelFeatures, openDirectory, statusField, statx } from "../../src/descriptors/index.ts";
import { readOr } from "../../src/errors.ts";
import { VERSION } from "../../src/protocol/index.ts";
import { agentHash, agentProgram, ensureRunDirectory } from "../../src/routes/index.ts";
import type { Finding } from "./finding.ts";

export function checkKernel(): Finding {
  const features = kernelFeatures();
  const detail = `Linux ${release()} ${process.arch}`;
  if (!features.openat2) {
    return {
      status: "fail",
      what: "kernel",
      detail: `${detail}: openat2(2) is not available`,
      remedy: "use Linux 5.8 or newer; inside a container, allow openat2 in its seccomp profile",
    };
  }
  if (!features.mountId) {
    return {
      status: "fail",
      what: "kernel",
      detail: `${detail}: statx(2) returns no mount id, which tells whether a read can block`,
      remedy: "use Linux 5.8 or newer",
    };
  }
  const lacks = [
    ...(features.peerPidfd ? [] : ["SO_PEERPIDFD (Linux 6.5)"]),
    ...(features.passRights ? [] : ["SO_PASSRIGHTS (Linux 6.16)"]),
  ];
  if (lacks.length === 0)
    return { status: "ok", what: "kernel", detail: `${detail}: openat2, statx, SO_PEERPIDFD, SO_PASSRIGHTS` };
  // Both are extra protection.
  return { status: "ok", what: "kernel", detail: `${detail}: openat2, statx; works without ${lacks.join(", ")}` };
}

/** Checks the calls of the mount API that trees need (open_tree(2)). */
export function checkMountApi(): Finding {
  const what = "trees";
  const features = kernelFeatures();
  const missing = [
    ...(features.openTree ? [] : ["open_tree(2) (Linux 5.2)"]),
    ...(features.moveMount ? [] : ["move_mount(2) (Linux 5.2)"]),
    ...(features.mountSetattr ? [] : ["mount_setattr(2) (Linux 5.12)"]),
  ];
  if (missing.length === 0)
    return {
      status: "ok",
      what,
      detail: "open_tree, move_mount, mount_setattr: with, shell and mount take directories",
    };
  return {
    status: "warn",
    what,
    detail: `this kernel has no ${missing.join(", no ")}: with, shell and mount do not work on directories`,
    remedy: "use Linux 5.14 or newer; inside a container, allow these calls in its seccomp profile",
  };
}

/** The seccomp actions of the agent's filter (agent/filter.c). */
const SECCOMP_ACTIONS = ["allow", "errno", "kill_process"] as const;

/**
 * Checks the filter that the agent installs before it serves (seccomp(2)). The agent does not start
 * without it.
 */
export function checkSeccomp(): Finding {
  const what = "seccomp";
  const path = "/proc/sys/kernel/seccomp/actions_avail";
  const means = "the agent cannot filter its system calls and does not start, on any route";
  const actions = read(path)?.split(/\s+/);
  if (actions === undefined) {
    if (!existsSync("/proc/sys/kernel/osrelease"))
      return { status: "warn", what, detail: `not checked: ${path} and the other kernel settings are hidden` };
    return {
      status: "fail",
      what,
      detail: `${path} does not exist: ${means}`,
      remedy: "use a kernel with CONFIG_SECCOMP_FILTER, as all distributions have",
    };
  }
  const lacks = SECCOMP_ACTIONS.filter((action) => !actions.includes(action));
  if (lacks.length > 0) {
    return {
      status: "fail",
      what,
      detail: `seccomp does not support ${lacks.join(", ")} (${path}): ${means}`,
      remedy: "use Linux 4.14 or newer",
    };
  }
  return { status: "ok", what, detail: `${SECCOMP_ACTIONS.join(", ")}: the agent filters its system calls` };
}

export function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isEnough = major > 20 || (major === 20 && minor >= 19);
  return {
    status: isEnough ? "ok" : "fail",
    what: "Node.js",
    detail: `${process.versions.node} (${process.execPath})`,
    remedy: isEnough ? undefined : "install Node 20.19 or newer",
  };
}

export function checkAgentProgram(): Finding {
  const program = agentProgram();
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { stdout, error, status } = spawnSync(program, ["--version"], { encoding: "utf8", env: {}, timeout: 10_000 });
  const version = /protocol (\d+) build (\w+)/.exec(stdout ?? "");
  const remedy = "run npm run build in the source directory, or reinstall porthole";
  const what = "agent program";
  if (version === null) {
    const reason = error?.message ?? `status ${status}, ${JSON.stringify(stdout)}`;
    return { status: "fail", what, detail: `${program} does not run: ${reason}`, remedy };
  }
  if (Number(version[1]) !== VERSION)
    return { status: "fail", what, detail: `${program} has protocol ${version[1]}, this porthole ${VERSION}`, remedy };
  const elf = readFileSync(program);
  const detail = `${program}: protocol ${VERSION}, build ${version[2]}, sha256 ${agentHash()}, ${elf.length} bytes`;
  if (!isStatic(elf))
    return { status: "fail", what, detail: `${detail}, not static: most containers cannot run it`, remedy };
  return { status: "ok", what, detail: `${detail}, static` };
}

/** True for a 64-bit ELF file whose program headers have no interpreter (elf(5)). */
function isStatic(elf: Buffer): boolean {
  const start = Number(elf.readBigUInt64LE(32));
  const size = elf.readUInt16LE(54);
  const count = elf.readUInt16LE(56);
  const PT_INTERP = 3;
  return Array.from({ length: count }, (_, index) => elf.readUInt32LE(start + index * size)).every(
    (type) => type !== PT_INTERP,
  );
}

export function checkRunDirectory(): Finding {
  const run = ensureRunDirectory();
  const modes = [run.root, run.agents, run.mount].map((path) => (lstatSync(path).mode & 0o777).toString(8));
  const detail = `${run.root}: owned by this user, modes 0${modes.join(", 0")}`;
  if (!isNoexec(run.mount)) return { status: "ok", what: "run directory", detail };
  return {
    status: "warn",
    what: "run directory",
    detail: `${detail}, on a noexec mount: the mount route cannot start the agent from it`,
    remedy: "set XDG_STATE_HOME to a directory on a mount without noexec",
  };
}

/** True if the directory is on a noexec mount (proc_pid_mountinfo(5)). */
function isNoexec(path: string): boolean {
  using directory = openDirectory(path);
  const { mountId } = statx(directory);
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const line = lines.find((text) => text.startsWith(`${mountId} `));
  return line?.split(" ")[5]?.split(",").includes("noexec") === true;
}

/** Checks what this user may do without an engine. */
export function checkPermissions(): Finding {
  const uid = process.geteuid?.() ?? -1;
  const capabilities = BigInt(`0x${statusField("self", "CapEff") ?? "0"}`);
  const may = (number: bigint) => (capabilities & (1n << number)) !== 0n;
  const [sysPtrace, sysAdmin] = [may(19n), may(21n)];
  if (sysPtrace && sysAdmin)
    return {
      status: "ok",
      what: "permissions",
      detail: `uid ${uid} with CAP_SYS_PTRACE and CAP_SYS_ADMIN: the direct route works for all containers of this machine`,
    };
  return {
    status: "ok",
    what: "permissions",
    detail: `uid ${uid}: the direct route works for your own processes and user namespaces; other targets need an engine`,
  };
}

export function checkSecurityModules(): Finding {
  const enforce = read("/sys/fs/selinux/enforce");
  if (enforce === "1") {
    return {
      status: "warn",
      what: "security modules",
      detail: "SELinux is enforcing: containers may not connect to the mount route's socket",
      remedy: "none needed: porthole uses the sidecar route instead (label=disable)",
    };
  }
  const appArmor = read("/sys/module/apparmor/parameters/enabled") === "Y" ? "AppArmor is on" : "no AppArmor";
  const seLinux = enforce === "0" ? "SELinux is permissive" : "no SELinux";
  return { status: "ok", what: "security modules", detail: `${seLinux}, ${appArmor}` };
}

/** Runs unshare(1), because kernels and distributions restrict user namespaces in many ways. */
export function checkUserNamespaces(): Finding {
  const what = "user namespaces";
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { status, error, stderr } = spawnSync("unshare", ["--user", "--map-root-user", "true"], {
    encoding: "utf8",
    timeout: 10_000,
  });
  if (status === 0) return { status: "ok", what, detail: "this user may create them" };
  if (error && "code" in error && error.code === "ENOENT")
    return { status: "warn", what, detail: "not checked: no unshare(1) on the PATH", remedy: "install util-linux" };
  const switches = [
    ["/proc/sys/user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=10000"],
    ["/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"],
    [
      "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
      "1",
      "sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ],
  ] as const;
  const remedy = switches.find(([path, off]) => existsSync(path) && read(path) === off)?.[2];
  const reason = error?.message ?? stderr.trim();
  return {
    status: "warn",
    what,
    detail: `this user may not create them (porthole demo needs them): ${reason}`,
    remedy,
  };
}

function read(path: string): string | undefined {
  return readOr(undefined, () => readFileSync(path, "latin1").trim());
}
