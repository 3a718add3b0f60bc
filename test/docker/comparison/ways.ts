import type { ChildProcess } from "node:child_process";
import { dirname } from "node:path";
import { type Actor, start } from "./actor.ts";
import { cdebug, cdebugAs, cdebugPrivileged } from "./cdebug.ts";
import type { Subject } from "./subjects.ts";

type Start = (by: Actor, of: Subject, what: string) => ChildProcess;

/** A condition for the same tool, and the tool's message if the condition does not apply. */
interface Condition {
  read: Start;
  refused?: RegExp;
}

/** A column of the comparison: the command lines of a tool for the rows' actions. */
export interface Way {
  /** Prints a file of the container, `what`. */
  read: Start;
  /** Prints a file's lines as they arrive. */
  follow: Start;
  /** Runs the shell command line `what` inside the container, or the tool's nearest equivalent. */
  shell: Start;
  /** Counts the lines of a log with SQL, or prints the tool's capability. */
  sql: (by: Actor, log: string) => ChildProcess;
  /** The tool needs root on the host. A row about that sets it itself. */
  asRoot?: boolean;
  /** Verdicts of the tool under a condition, by the words of the cell. */
  conditions?: Record<string, Condition>;
}

const porthole: Way = {
  read: (by, of, path) =>
    run(by, ["cat", "--trace", ...(path.startsWith("/dev/") ? ["--consume"] : []), `${of.container.name}:${path}`]),
  follow: (by, of, path) => run(by, ["tail", "-F", `${of.container.name}:${path}`]),
  shell: (by, of, line) => run(by, ["shell", of.container.name, "--", "sh", "-c", line]),
  sql: (by) => run(by, ["--help"]),
};

function run({ user, env, before }: Actor, args: string[]): ChildProcess {
  return user.start(args, { ...(env && { env }), ...(before && { before }) }).child;
}

const dockerExec: Way = {
  read: (by, of, path) => start(by, ["docker", "exec", of.container.name, "cat", path]),
  follow: (by, of, path) => start(by, ["docker", "exec", of.container.name, "tail", "-F", path]),
  shell: (by, of, line) => start(by, ["docker", "exec", of.container.name, "sh", "-c", line]),
  sql: (by) => start(by, ["docker", "exec", "--help"]),
};

const copy: Start = (by, of, path) => start(by, ["docker", "cp", `${of.container.name}:${path}`, "-"]);
const dockerCp: Way = {
  read: copy,
  follow: copy,
  shell: (by, of) => copy(by, of, "/bin/mark"),
  sql: (by) => start(by, ["docker", "cp", "--help"]),
};

const podmanMount: Way = {
  asRoot: true,
  read: (by, of, path) => mounted(by, of, `cat "$(podman ${where(of)} mount "$NAME")$1"`, path),
  follow: (by, of, path) => mounted(by, of, `exec tail -F "$(podman ${where(of)} mount "$NAME")$1"`, path),
  shell: (by, of) => mounted(by, of, `cat "$(podman ${where(of)} mount "$NAME")/bin/mark"`, ""),
  sql: (by) => start(by, ["podman", "mount", "--help"]),
  conditions: {
    "in `podman unshare`": {
      read: (by, of, path) => mounted(by, of, `podman unshare sh -c 'cat "$(podman mount "$NAME")$1"' sh "$1"`, path),
      refused: /please use unshare with rootless/,
    },
  },
};

/**
 * Runs a shell command line that opens the path in a mount of the container. `set -e` ignores a
 * failing substitution in an argument. After a failed mount the path begins at the root and does
 * not exist.
 */
function mounted(by: Actor, of: Subject, line: string, path: string): ChildProcess {
  const state = stateOf(of);
  const home = of.engine.name === "podman" ? {} : { HOME: state, XDG_RUNTIME_DIR: `${state}/run` };
  const env = { ...by.env, ...home, NAME: of.container.name, CONTAINERS_CONF: `${state}/containers.conf` };
  return start({ ...by, env }, ["sh", "-c", line, "sh", path]);
}

/**
 * Returns options for the storage of the tests' own Podman. A rootless Podman uses the default
 * directories of its user.
 */
function where(of: Subject): string {
  if (of.engine.name !== "podman") return "";
  return `--root ${stateOf(of)}/root --runroot ${stateOf(of)}/run --tmpdir ${stateOf(of)}/tmp`;
}

function stateOf({ engine }: Subject): string {
  return engine.name === "podman" ? dirname(engine.socket) : engine.socket.replace(/\/run\/podman\/podman\.sock$/, "");
}

const podmanCopy: Start = (by, of, path) => mounted(by, of, `exec podman ${where(of)} cp "$NAME:$1" -`, path);
const podmanCp: Way = {
  asRoot: true,
  read: podmanCopy,
  follow: podmanCopy,
  shell: (by, of) => podmanCopy(by, of, "/bin/mark"),
  sql: (by) => start(by, ["podman", "cp", "--help"]),
};

const enter = (of: Subject) => ["nsenter", "--target", String(of.pid), "--mount", "--root"];
const nsenter: Way = {
  asRoot: true,
  read: (by, of, path) => start(by, [...enter(of), ...ownNamespace(by), "cat", path]),
  follow: (by, of, path) => start(by, [...enter(of), "tail", "-F", path]),
  shell: (by, of, line) => start(by, [...enter(of), "sh", "-c", line]),
  sql: (by) => start(by, ["nsenter", "--help"]),
};

/**
 * Returns options to enter the user namespace as well. Its owner gets the capabilities that are
 * needed to enter the other namespaces.
 */
function ownNamespace({ user, inEngineGroup }: Actor): string[] {
  return user.uid === 0 || inEngineGroup ? [] : ["--user", "--preserve-credentials"];
}

/**
 * The command of lnav 0.12 and later for docker://CONTAINER/PATH (docker-url-handler.lnav). Debian
 * 12 has an older version.
 */
const tailed: Start = (by, of, path) =>
  start(by, ["docker", "exec", of.container.name, "tail", "-n", "+0", "-F", path]);
const lnav: Way = {
  read: tailed,
  follow: tailed,
  shell: (by, of) => tailed(by, of, "/bin/mark"),
  sql: (by, log) => start(by, ["lnav", "-n", "-c", ";SELECT 'lines: ' || count(*) AS counted FROM all_logs", log]),
};

/** Columns by their names in docs/comparison.md. */
export const ways: Record<string, Way> = {
  porthole,
  "docker exec": dockerExec,
  "docker cp": dockerCp,
  "podman mount": podmanMount,
  "podman cp": podmanCp,
  nsenter,
  "cdebug exec": {
    read: (by, of, path) => cdebug(by, of, `cat ${path}`),
    follow: (by, of, path) => cdebug(by, of, `tail -F ${path}`),
    shell: (by, of, line) => cdebug(by, of, line),
    sql: () => {
      throw new Error("cdebug is not here to be asked");
    },
    conditions: {
      "with `--privileged`": {
        read: (by, of, path) => cdebugPrivileged(by, of, `cat ${path}`),
        // A root user without all capabilities cannot grant them.
        refused: /unable to apply caps/,
      },
      "with `--user`": { read: (by, of, path) => cdebugAs(by, of, "1000", `cat /proc/1/root${path}`) },
    },
  },
  lnav,
};
