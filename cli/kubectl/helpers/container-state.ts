/** The state of a container in the status of its pod. */
export interface ContainerState {
  isRunning: boolean;
  /** It has ended, or it cannot be created. */
  hasFailed: boolean;
  /** Why it does not run, such as ErrImagePull; empty if unknown. */
  reason: string;
}

interface Reason {
  reason?: string;
  message?: string;
}

/** An element of `status.containerStatuses`. */
export interface StatusJson {
  name: string;
  state?: { running?: object; waiting?: Reason; terminated?: Reason };
}

/** The kubelet's reasons for a container that cannot start. */
const STUCK = /ErrImage|ImagePull|InvalidImage|^CreateContainer.*Error/;

/** Returns the state of a container; without a status it has not been created. */
export function containerState(status: StatusJson | undefined): ContainerState {
  const { running, waiting, terminated } = status?.state ?? {};
  const reason = reasonText(waiting ?? terminated ?? {});
  return {
    isRunning: running !== undefined,
    hasFailed: terminated !== undefined || STUCK.test(waiting?.reason ?? ""),
    reason,
  };
}

/** Formats a reason of the kubelet and its message. */
export function reasonText({ reason = "", message = "" }: Reason): string {
  return [reason, message.trim().replace(/\s+/g, " ")].filter((part) => part !== "").join(": ");
}

/**
 * Returns the remedy for a container that does not start.
 * @param more where to find more about it
 */
export function remedyFor(reason: string, image: string, more: string): string {
  if (/exec format error/.test(reason)) return `${image} is for another processor than that of the node`;
  const isOfImage = reason === "" || /ErrImage|ImagePull|InvalidImage/.test(reason);
  return isOfImage ? `the node must have the image ${image} for its architecture, or be able to pull it` : more;
}
