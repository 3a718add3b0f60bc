import type { Place } from "../../../src/elsewhere/index.ts";
import { PartVariable } from "../../io/part-of-several.ts";
import { PodNames } from "../pods/pod-names.ts";
import type { DebuggedPod } from "./debugged-pod.ts";

/** Wraps an ephemeral container as a place. A target of its pod is process 1 there. */
export function inPod(place: Place, pod: DebuggedPod): Place {
  const names = new PodNames(pod.name);
  return {
    name: place.name,
    start: async (command, signal) => {
      const process = await place.start(there(command, names, pod), signal);
      return { ...process, stderr: process.stderr.pipe(names.shown()) };
    },
  };
}

/**
 * Returns the command line of `agent/remote.c` in an ephemeral container. Agents end with the
 * command (`-r`), because the first process of the container may not reap them.
 */
function there(command: readonly string[], names: PodNames, pod: DebuggedPod): string[] {
  const variables = {
    [PartVariable.name]: `pod:${pod.name}`,
    ...(pod.hasOnlyRuntimeMounts && { [PartVariable.mounts]: "runtime" }),
    PORTHOLE_IDLE: "1",
    XDG_STATE_HOME: "/tmp/porthole",
  };
  const [agent = "", mode = "", ...rest] = command;
  const options = rest.slice(0, rest.indexOf("--"));
  const words = rest.slice(options.length).map((word) => names.there(word));
  const added = Object.entries(variables).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
  return [agent, mode, "-r", ...added, ...options, ...words];
}
