import { readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { engineGet } from "../engines/api/engine.ts";
import { PortholeError, readOr } from "../errors.ts";
import { ENGINE_SOCKET } from "./in-helper.ts";

/**
 * Finds the socket of the engine that runs this helper, and links to it from {@link ENGINE_SOCKET}.
 * Queries each engine of the machine for the helper's id.
 * @throws PortholeError TARGET if no engine knows the id
 */
export async function linkOwnEngine(id: string): Promise<void> {
  for (const socketPath of candidates()) {
    const isOwn = await engineGet({ socketPath, source: "default", name: "" }, `/containers/${id}/json`, {
      timeoutMs: 2_000,
    }).then(
      ({ status }) => status === 200,
      () => false,
    );
    if (!isOwn) continue;
    rmSync(ENGINE_SOCKET, { force: true });
    symlinkSync(socketPath, ENGINE_SOCKET);
    return;
  }
  throw new PortholeError("TARGET", "no engine socket of the machine knows this helper", {
    hint: "the engine must listen on a Unix socket there too",
  });
}

/** Yields the usual sockets first, because their path stays valid when the engine restarts. */
function* candidates(): Generator<string> {
  const root = "/proc/1/root";
  yield* ["docker.sock", "podman/podman.sock"].map((name) => `${root}/run/${name}`);
  for (const user of entries(`${root}/run/user`))
    yield* ["docker.sock", "podman/podman.sock"].map((name) => `${root}/run/user/${user}/${name}`);
  for (const pid of entries("/proc").filter((name) => /^\d+$/.test(name)))
    if (/^(dockerd|podman|systemd)$/.test(text(`/proc/${pid}/comm`).trim())) yield* socketsOf(pid);
}

/** Paths of the sockets on which a process listens (proc_pid_net(5), `unix`). */
function socketsOf(pid: string): string[] {
  const open = new Set(entries(`/proc/${pid}/fd`).map((fd) => readOr("", () => readlinkSync(`/proc/${pid}/fd/${fd}`))));
  return text(`/proc/${pid}/net/unix`)
    .split("\n")
    .flatMap((line) => {
      const [, , , flags, , , inode, path] = line.trim().split(/\s+/);
      const isOurs = flags === LISTENING && path?.startsWith("/") && open.has(`socket:[${inode}]`);
      return isOurs ? [`/proc/${pid}/root${path}`] : [];
    });
}

const LISTENING = "00010000";

function text(path: string): string {
  return readOr("", () => readFileSync(path, "utf8"));
}

function entries(directory: string): string[] {
  return readOr([], () => readdirSync(directory));
}
