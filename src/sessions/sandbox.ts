import type { ChildProcess } from "node:child_process";
import { parentOf, startTime } from "../descriptors/process.ts";
import { spawnChild } from "../descriptors/processes/child-process.ts";
import { messageOf, PortholeError } from "../errors.ts";
import { AGENT_NAME, installAgent } from "../routes/agents/agent-program.ts";
import { removeAgentFiles } from "../routes/agents/registry.ts";
import { openRendezvous } from "../routes/rendezvous/rendezvous.ts";
import { ensureRunDirectory } from "../routes/run-directory/run-dir.ts";
import { startAgent } from "../routes/start/start.ts";
import { connectTo } from "./agent/connect-agent.ts";
import type { Session } from "./interface/session.ts";

/**
 * A target that consists of namespaces only: its own user, mount and PID namespaces, its own tmpfs,
 * and the bind-mounted rendezvous.
 */
export interface Sandbox {
  /** A session with the agent inside (route `mount`). */
  session: Session;
  /**
   * The log of the sandbox's web service, in its private tmpfs. It grows by a few lines per second.
   */
  log: string;
  /** {@link log}, the JSON lines of its worker, and the log of the worker's supervisor. */
  logs: readonly string[];
  /** Ends all of its processes. */
  stop(): Promise<void>;
}

/** The directory that the sandbox's tmpfs covers, in the sandbox only. */
const ROOM = "/mnt";
const WEB = `${ROOM}/web`;
const WORKER = `${ROOM}/worker`;
const LOG = `${WEB}/app.log`;
const LOGS = [LOG, `${WORKER}/worker.json`, `${WORKER}/supervisor.log`];

/**
 * Starts a sandbox with unshare(1), two small services, and the agent. The web service writes a log
 * and rotates it. The worker writes JSON lines, crashes and restarts; meanwhile the web service
 * logs errors. The agent connects to the bind-mounted rendezvous, as in a container started with
 * `porthole docker-args`. The sandbox always ends with this process.
 * @throws PortholeError ATTACH if this user may not create namespaces
 */
export async function startSandbox(): Promise<Sandbox> {
  const run = ensureRunDirectory();
  installAgent(run);
  const rendezvous = openRendezvous(run);
  const child = spawnChild(
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
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    if (stderr.length < 4096) stderr += chunk.toString();
  });
  const over = new AbortController();
  const gone = new Promise<void>((resolve) => {
    child.on("error", (error) => {
      stderr = error.message;
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
    const attached = await startAgent(run, origin, { signal: over.signal }, (listen, wait) =>
      rendezvous.accept(listen(), async (peer) => descendsFrom(peer, child), wait),
    );
    agentFile = attached.file;
    return { session: await connectTo("sandbox", attached), log: LOG, logs: LOGS, stop };
  } catch (error) {
    rendezvous.close();
    await stop();
    const reason = stderr.trim().split("\n").at(-1) || messageOf(error);
    throw new PortholeError("ATTACH", `cannot start the sandbox: ${reason}`, {
      hint: "install unshare(1) and mount(8), and run as root or allow user namespaces; or use a container",
      cause: error,
    });
  }
}

/**
 * The sandbox's first process: as pid 1, its end ends all others. $1: the rendezvous directory, $2:
 * the socket in it. Standard input delivers the token and then stays open in our process: its end
 * ends the sandbox. The script signals the agent, because no signal from inside kills pid 1. The
 * read-only remount may be refused where the directory is on a mount with locked flags
 * (mount_namespaces(7)).
 */
const SCRIPT = `
IFS= read -r token
exec 3<&0
mount -t tmpfs -o mode=755 tmpfs ${ROOM}
mkdir ${ROOM}/porthole
mount --bind "$1" ${ROOM}/porthole
mount -o remount,bind,ro ${ROOM}/porthole 2>/dev/null || :
mkdir ${WEB} ${WORKER}
: > ${WORKER}/ready
: > ${LOG}
: > ${WORKER}/worker.json
: > ${WORKER}/supervisor.log
now() { date -u +%Y-%m-%dT%H:%M:%SZ; }
log() {
  format=$1
  shift
  printf "$format\\n" "$(now)" "$@" >> ${WORKER}/worker.json
}
worker() {
  job=0
  while [ $job -lt "$1" ]; do
    job=$((job + 1))
    sleep 0.5
    log '{"time":"%s","level":"info","msg":"job done","job":%d,"left":%d}' $job $(($1 - job))
  done
  log '{"time":"%s","level":"fatal","msg":"cannot read the queue","job":%d,"error":"wrong checksum"}' $job
  rm ${WORKER}/ready
  exit 1
}
{
  jobs=5
  while :; do
    (worker $jobs) || echo "$(now) ERROR worker exited with status $?" >> ${WORKER}/supervisor.log
    sleep 2
    echo "$(now) INFO worker restarted" >> ${WORKER}/supervisor.log
    : > ${WORKER}/ready
    jobs=40
  done
} &
{
  n=0
  while :; do
    n=$((n + 1))
    if [ -e ${WORKER}/ready ]; then said="INFO request $n served in $((n * 37 % 90 + 3)) ms"
    else said="ERROR request $n failed: connect to worker: connection refused"; fi
    echo "$(now) $said" >> ${LOG}
    [ $n -ne 12 -a $((n % 100)) -ne 0 ] || mv ${LOG} ${LOG}.1
    sleep 0.25
  done
} &
printf '%s\\n' "$token" |
  "${ROOM}/porthole/${AGENT_NAME}" mount --socket "${ROOM}/porthole/\${2##*/}" --token-stdin --idle 86400 >/dev/null &
agent=$!
{ read -r end <&3 || kill "$agent"; } &
wait "$agent"
`;

/** True if the process is the child or a descendant: another process may have seen the socket. */
function descendsFrom(pid: number, child: ChildProcess): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = parentOf(at)) {
    if (at === child.pid) return true;
  }
  return false;
}
