import type { RunningContainer } from "../engines/containers/container-state.ts";
import type { Session } from "./interface/session.ts";

/**
 * The running container of a session, as its engine described it when the session was made. Does
 * not load the sessions with agents, which alone have one.
 */
export function containerOf(session: Session & { readonly container?: RunningContainer | undefined }) {
  return session.container;
}
