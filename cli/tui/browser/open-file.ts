import { followSource, type OpenFile } from "../../../src/index.ts";
import type { Host } from "../view.ts";
import { type ViewerOptions, ViewerView } from "../viewer-view.ts";
import type { Place } from "./place.ts";

/** The viewer on a file that was opened at a place; the file is closed with it. */
export function viewFile(
  place: Place,
  file: OpenFile,
  options: { title: string; path: string } & Pick<ViewerOptions, "startAtEnd" | "follow">,
  host: Host,
): ViewerView {
  const { path, ...rest } = options;
  return new ViewerView(
    {
      ...rest,
      file,
      subtitle: `${place.route}, ${file.kind}`,
      followSource: file.isSeekable ? followSource(() => place.session(), path, file) : undefined,
      location: { place, path },
      lend: async () => (await import("../../../src/tools.ts")).copyOpenFile(file),
      closed: () => file.close(),
    },
    host,
  );
}
