import { type ChildProcess, spawn } from "node:child_process";
import { PortholeError } from "../errors.ts";
import { AGENT_NAME, installAgent } from "../routes/agent-program.ts";
import { parentOf, startTime } from "../routes/process.ts";
import { removeAgentFiles } from "../routes/registry.ts";
import { openRendezvous } from "../routes/rendezvous.ts";
import { ensureRunDirectory } from "../routes/run-dir.ts";
import { startAgent } from "../routes/start.ts";
import { connectTo } from "./connect.ts";
import type { Session } from "./session.ts";

/** A container-like target made of namespaces alone: own user, mount and PID namespace, own tmpfs, the rendezvous bind-mounted into it. */
export interface Sandbox {
  /** A session with the agent that runs in it (route `mount`). */
  session: Session;
  /** A log in its private tmpfs that grows by a few lines a second. */
  log: string;
  /** Ends every process in it. */
  stop(): Promise<void>;
}

/** Covered by the sandbox's own tmpfs, there and nowhere else. */
const ROOM = "/mnt";
const LOG = `${ROOM}/app.log`;

/**
 * Starts a sandbox with unshare(1), a writer in it, and the agent, which meets us on the bind-mounted rendezvous exactly as
 * in a container that was started with `porthole docker-args`. It ends with this process, however that ends.
 * @throws PortholeError ATTACH when this user may not make namespaces; CANCELLED through the signal
 */
export async function startSandbox(options: { signal?: AbortSignal } = {}): Promise<Sandbox> {
  const run = ensureRunDirectory();
  installAgent(run);
  const rendezvous = openRendezvous(run);
  const child = spawn(
    "unshare",
    [
      ...["--user", "--map-root-user", "--mount", "--pid"],
      "--fork",
      "--kill-child",
      "--mount-proc",
      "/bin/sh",
      "-euc",
      SCRIPT,
      "sandbox",
      run.mount,
      rendezvous.insidePath,
    ],
    { stdio: ["pipe", "ignore", "pipe"], detached: true },
  );
  let words = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    if (words.length < 4096) words += chunk.toString();
  });
  const over = new AbortController();
  const signal = options.signal === undefined ? over.signal : AbortSignal.any([options.signal, over.signal]);
  const gone = new Promise<void>((resolve) => {
    child.on("error", (error) => {
      words = error.message;
      over.abort();
      resolve();
    });
    child.on("close", () => {
      over.abort();
      resolve();
    });
  });
  let agentFile: string | undefined;
  const stop = async () => {
    child.kill("SIGKILL");
    await gone;
    if (agentFile !== undefined) removeAgentFiles(run, agentFile);
  };
  try {
    child.stdin?.on("error", () => undefined);
    child.stdin?.write(rendezvous.tokenLine);
    const pid = child.pid ?? 0;
    const origin = {
      identity: `pid-${pid}`,
      generation: `sandbox ${startTime(pid)}`,
      route: "mount" as const,
      user: "",
      name: "sandbox",
      engine: "",
      targetPid: pid,
    };
    const attached = await startAgent(run, origin, { signal }, (listen, wait) =>
      rendezvous.accept(listen(), async (peer) => descendsFrom(peer, child), wait),
    );
    agentFile = attached.file;
    return { session: await connectTo("sandbox", attached), log: LOG, stop };
  } catch (error) {
    rendezvous.close();
    await stop();
    if (options.signal?.aborted) throw error;
    const reason = words.trim().split("\n").at(-1) || (error instanceof Error ? error.message : String(error));
    throw new PortholeError("ATTACH", `the sandbox did not start: ${reason}`, {
      hint: "it needs unshare(1), mount(8) and the right to make user namespaces; run as root, or use a container",
      cause: error,
    });
  }
}

/**
 * The sandbox's first process; its end is the end of all of them, for it is pid 1 there. $1: the rendezvous directory, $2: the socket in it.
 * Standard input brings the token and is held open by our process from then on: its end is ours. The agent is told, for nothing kills a pid 1 from inside.
 * A read-only remount may be refused where the directory lies on a mount with locked flags (mount_namespaces(7)); the sandbox is our own.
 */
const SCRIPT = `
IFS= read -r token
exec 3<&0
mount -t tmpfs -o mode=755 tmpfs ${ROOM}
mkdir ${ROOM}/porthole
mount --bind "$1" ${ROOM}/porthole
mount -o remount,bind,ro ${ROOM}/porthole 2>/dev/null || :
{
  n=0
  while :; do
    n=$((n + 1))
    echo "$(date +%H:%M:%S) INFO request $n served in $((n * 37 % 90 + 3)) ms" >> ${LOG}
    [ $((n % 12)) -ne 0 ] || mv ${LOG} ${LOG}.1
    sleep 0.25
  done
} &
printf '%s\\n' "$token" |
  "${ROOM}/porthole/${AGENT_NAME}" mount --socket "${ROOM}/porthole/\${2##*/}" --token-stdin --idle 86400 >/dev/null &
agent=$!
{ read -r end <&3 || kill "$agent"; } &
wait "$agent"
`;

/** True when the process is the child or below it: the sandbox's own, not somebody else's who saw the socket. */
function descendsFrom(pid: number, child: ChildProcess): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = parentOf(at)) {
    if (at === child.pid) return true;
  }
  return false;
}
