import { type FollowSource, followSource, type SessionFile } from "../../src/follow/index.ts";
import type { OpenFile } from "../../src/sessions/index.ts";
import type { TailTarget } from "./tail-target.ts";

/** What the follow engine needs of a file in a place that comes back: a restarted container has a new session, which is asked from then on. */
export function tailSource(place: TailTarget, path: string, file: OpenFile | undefined): FollowSource<SessionFile> {
  const source = followSource(place.session, path, file);
  const { onChange } = source;
  return {
    ...source,
    onChange: (listener) => {
      place.keep(() => listener("name"));
      return onChange?.(listener) ?? (() => undefined);
    },
  };
}
