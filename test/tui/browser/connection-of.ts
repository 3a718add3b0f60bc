import type { Connection } from "../../../cli/tui/connection/connection.ts";
import { PortholeError } from "../../../src/errors.ts";

/** Makes a connection whose session has only the given operations. */
export function connectionOf(session: object): Connection {
  const missing = () => Promise.reject(new PortholeError("FILE", "no such file"));
  const all = { open: missing, mounts: missing, readlink: missing, ...session };
  const connection = {
    session: () => Promise.resolve(all),
    use: (ask: (of: object) => unknown) => ask(all),
    text: String,
    reconnection: { keep: () => () => undefined, message: () => "", isOver: false },
  };
  return connection as unknown as Connection;
}
