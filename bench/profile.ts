import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

/** The used part of the output of V8's sampling profiler. */
interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  /** Microseconds between the samples. */
  timeDeltas: number[];
}

/**
 * Runs a Node program once under V8's profiler and discards its output. Returns the functions with
 * the most self time, in lines such as "31 % node:internal/modules/cjs/loader". The time of native
 * code and system calls counts for the calling function.
 */
export function profileOf(args: readonly string[], env: NodeJS.ProcessEnv): string[] {
  const directory = mkdtempSync(`${tmpdir()}/porthole-profile-`);
  try {
    const flags = ["--cpu-prof", "--cpu-prof-interval", "100", "--cpu-prof-dir", directory];
    // Through a pipe that is read, as in the measurement.
    spawnSync("sh", ["-c", '"$@" | cat > /dev/null', "sh", process.execPath, ...flags, ...args], { env });
    const [file] = readdirSync(directory);
    if (file === undefined) return ["no profile was written"];
    return summary(JSON.parse(readFileSync(`${directory}/${file}`, "utf8")) as CpuProfile);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Returns at most eight lines, largest first. */
function summary({ nodes, samples, timeDeltas }: CpuProfile): string[] {
  const places = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
  const times = new Map<string, number>();
  samples.forEach((id, index) => {
    const place = places.get(id) ?? "unknown";
    times.set(place, (times.get(place) ?? 0) + Math.max(0, timeDeltas[index] ?? 0));
  });
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  const largest = [...times].sort(([, a], [, b]) => b - a).slice(0, 8);
  const lines = largest.map(([place, time]) => `${Math.round((100 * time) / total)} % ${place}`);
  return [`${(total / 1000).toFixed(0)} ms in all`, ...lines];
}

/**
 * Returns a module of Node, a chunk of porthole with the function, or V8's own names: (program),
 * (idle), (garbage collector).
 */
function placeOf({ functionName, url, lineNumber }: CpuProfile["nodes"][number]["callFrame"]): string {
  if (url === "") return functionName.startsWith("(") ? functionName : `native ${functionName}`;
  if (url.startsWith("node:")) return url;
  return `${url.replace(/^.*\//, "")}:${lineNumber + 1} ${functionName || "(module)"}`;
}
