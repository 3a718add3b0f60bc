import { type FollowSource, followSource, type SessionFile } from "../../src/follow/index.ts";
import type { OpenFile } from "../../src/sessions/index.ts";
import type { TailTarget } from "./tail-target.ts";

/**
 * Returns a source for the follow engine. After a restart of the container, it uses the new
 * session.
 */
export function tailSource(
  tailTarget: TailTarget,
  path: string,
  file: OpenFile | undefined,
): FollowSource<SessionFile> {
  const source = followSource(tailTarget.session, path, file);
  const { onChange } = source;
  return {
    ...source,
    onChange: (listener) => {
      tailTarget.keep(() => listener("name"));
      return onChange?.(listener) ?? (() => undefined);
    },
  };
}
