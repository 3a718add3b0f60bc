import { readdirSync, readlinkSync } from "node:fs";

const LOOK_MS = 5000;

/**
 * `porthole __keep [SECONDS]`: the first process of a helper pod. Waits for a signal. With
 * `seconds` it also ends when no other process has used the pod's files for so long: a client that
 * was killed cannot remove its pod.
 */
export function keep(seconds: number | undefined): Promise<number> {
  return new Promise((resolve) => {
    let used = performance.now();
    const look = () => {
      if (seconds === undefined || isUsed()) used = performance.now();
      else if (performance.now() - used >= seconds * 1000) end();
    };
    const timer = setInterval(look, seconds === undefined ? 2 ** 30 : Math.min(LOOK_MS, seconds * 1000));
    const end = () => {
      clearInterval(timer);
      resolve(0);
    };
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, end);
  });
}

/** True if another process has this one's mount namespace. */
function isUsed(): boolean {
  const own = readlinkSync("/proc/self/ns/mnt");
  return readdirSync("/proc").some((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return false;
    try {
      return readlinkSync(`/proc/${name}/ns/mnt`) === own;
    } catch {
      return false;
    }
  });
}
