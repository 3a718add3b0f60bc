import { PortholeError } from "../../../src/errors.ts";
import type { DebuggedPod } from "./debugged-pod.ts";

/** One call of `kubectl debug`. */
export interface DebugAttempt {
  /** The value of `--profile`. */
  profile: string;
  /** A partial container for `--custom`; undefined if the profile is sufficient. */
  custom?: { securityContext: { runAsUser: number; runAsGroup?: number | undefined } };
}

/**
 * Returns the calls of `kubectl debug` for a container, the preferred one first. Each further call
 * is for namespaces whose Pod Security level refuses the previous one.
 *
 * The kernel lets a process open the root directory of another process if it has CAP_SYS_PTRACE, or
 * if it has the same user and every capability of that process (ptrace(2)). For a container that
 * does not run as root, the same user without capabilities is sufficient. For any other container
 * the profile `general` adds CAP_SYS_PTRACE. With `baseline` the ephemeral container has the
 * default capabilities, like a target that runs as root.
 * @param asked the profile that the user selects
 * @throws PortholeError TARGET if the pod forbids root and the container's user is unknown
 */
export function debugAttempts(pod: DebuggedPod, container: string, asked: string | undefined): DebugAttempt[] {
  const { uid, gid } = pod.userOf(container);
  const isOrdinary = uid !== undefined && uid !== 0;
  if (pod.forbidsRoot && !isOrdinary)
    throw new PortholeError(
      "TARGET",
      `${pod.name} forbids containers that run as root, and the user of its container is unknown`,
      {
        hint: "use a helper pod: omit --ephemeral",
      },
    );
  const isDefault = pod.defaultUser.uid === uid && pod.defaultUser.gid === gid;
  const user = { runAsUser: uid ?? 0, runAsGroup: gid };
  const asSameUser = isOrdinary && !isDefault ? { custom: { securityContext: user } } : {};
  const profiles = asked === undefined ? (isOrdinary ? ["restricted"] : ["general", "baseline"]) : [asked];
  return profiles.map((profile) => ({ profile, ...(pod.forbidsRoot || !FOR_ROOT.has(profile) ? asSameUser : {}) }));
}

/** Profiles whose capabilities have an effect only for root. */
const FOR_ROOT: ReadonlySet<string> = new Set(["general", "netadmin", "sysadmin"]);
