import type { OpenFile } from "../../../src/sessions/index.ts";
import { tailSource } from "../../tail/tail-source.ts";
import type { TailTarget } from "../../tail/tail-target.ts";
import type { Host } from "../view.ts";
import { type ViewerOptions, ViewerView } from "../viewer/viewer-view.ts";
import type { BrowserTarget } from "./browser-target.ts";

/** The viewer on a file that was opened at a place; the file is closed with it. */
export function viewFile(
  place: BrowserTarget,
  file: OpenFile,
  options: { title: string; path: string } & Pick<ViewerOptions, "startAtEnd" | "follow">,
  host: Host,
): ViewerView {
  const { path, ...rest } = options;
  let followed: TailTarget | undefined;
  const follow: ViewerOptions["followSource"] = (tell) => {
    followed = place.followed(tell);
    return tailSource(followed, path, file);
  };
  return new ViewerView(
    {
      ...rest,
      file,
      subtitle: `${place.route}, ${file.kind}`,
      followSource: file.isSeekable ? follow : undefined,
      location: { place, path },
      ended: () => place.isEnded,
      zone: () => place.zone(),
      lend: async () => (await import("../../../src/sessions/index.ts")).copyOpenFile(file),
      closed: () => {
        followed?.end();
        file.close();
      },
    },
    host,
  );
}
