import type { FollowSource } from "../../../src/follow/index.ts";
import type { FillingListener, OpenFile } from "../../../src/sessions/index.ts";
import type { Zone } from "../../../src/times/index.ts";
import type { Location } from "../view/view.ts";
import type { ScreenFile } from "./document/content.ts";
import type { EarlierFiles } from "./document/earlier-files.ts";
import type { LineSource } from "./document/sources.ts";
import type { ScreenGeneration } from "./follow/follower.ts";
import type { ViewerStart } from "./positions/start-position.ts";

/** The file of a {@link ViewerView}, and the sources of its data. */
export interface ViewerViewOptions extends ViewerStart {
  /**
   * The displayed file. The caller keeps it open until {@link ViewerView.close} has resolved. If a
   * followed file is deleted, it may be closed earlier.
   */
  file: ScreenFile;
  /** The target as the user wrote it. */
  title: string;
  /** Route and kind of the file. A function if it may change. */
  subtitle: string | (() => string);
  /** Calls `changed` when the subtitle has changed. */
  watchSubtitle?: ((changed: () => void) => void) | undefined;
  /** The zone of times without a zone, requested by the first search for a time; default UTC. */
  zone?: (() => Promise<Zone>) | undefined;
  /**
   * The source of a follow, or a function that creates it. Its `file` is the same open file.
   * Undefined for a file that cannot seek. The source reports events of its container to `tell`.
   */
  followSource?:
    | FollowSource<ScreenGeneration>
    | ((tell: (text: string) => void) => FollowSource<ScreenGeneration>)
    | undefined;
  /** True for a preview beside a list, which counts nothing in the background. */
  isPreview?: boolean | undefined;
  /** Earlier files of a rotated log. The caller closes them after the view. */
  earlier?: Pick<EarlierFiles, "files" | "omitted"> | undefined;
  /**
   * The sources of a merged text, an array that may grow. `mute` and `solo` hide the lines of some
   * sources.
   */
  sources?: readonly LineSource[] | undefined;
  /**
   * Returns the offset after the content that existed before the view; infinity while it is still
   * being read. Default: the end of the file when the view is opened.
   */
  newFrom?: (() => number) | undefined;
  /** Location of the file. */
  location?: Location | undefined;
  /**
   * Returns a new descriptor of the same file, for programs of this machine: see {@link View.lend}.
   */
  lend?: (() => Promise<OpenFile>) | undefined;
  /** Returns whether the session that opened the file has ended. */
  ended?: (() => boolean) | undefined;
  /** Notifies of growth and of the end; set while the file is being decompressed. */
  filling?: { watch(listener: FillingListener): void } | undefined;
  /** Called once the view is closed and nothing reads the file. */
  closed?: (() => void | Promise<void>) | undefined;
}
