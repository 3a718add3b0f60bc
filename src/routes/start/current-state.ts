import { type LateSignal, signalOf } from "../../descriptors/poll.ts";
import { type ContainerState, describeContainer } from "../../engines/lookup/resolve.ts";
import { PortholeError } from "../../errors.ts";
import { MOUNT_POINT } from "../run-directory/run-dir.ts";

/**
 * Calls `attempt` with the state of a container. If that fails and the container was started,
 * restarted or has ended meanwhile, calls it once more with the new state.
 * @throws what `attempt` throws; PortholeError TARGET if the container is gone; CANCELLED
 */
export async function inCurrentState<Result>(
  state: ContainerState,
  signal: LateSignal | undefined,
  attempt: (state: ContainerState) => Promise<Result>,
): Promise<Result> {
  try {
    return await attempt(state);
  } catch (error) {
    if (!(error instanceof PortholeError) || !(error.code === "ATTACH" || error.errno === "ESRCH")) throw error;
    const now = await stateNow(state, signal);
    if (now === undefined || isSameRun(now, state)) throw error;
    return attempt(now);
  }
}

/** Returns undefined if the engine does not respond. */
async function stateNow(
  { running, stopped }: ContainerState,
  signal: LateSignal | undefined,
): Promise<ContainerState | undefined> {
  const { engine, id, name } = running ?? stopped;
  try {
    return await describeContainer(engine, id, MOUNT_POINT, signal, name);
  } catch (error) {
    if (signalOf(signal)?.aborted || (error instanceof PortholeError && error.errno === "ESRCH")) throw error;
    return undefined;
  }
}

function isSameRun(one: ContainerState, other: ContainerState): boolean {
  return one.running?.startedAt === other.running?.startedAt && one.stopped?.finishedAt === other.stopped?.finishedAt;
}
