const CACHE_SIZE = 4096;
const cache = new Map<string, number>();

/** Characters of two columns (East Asian Wide and Fullwidth, Emoji_Presentation, an emoji by its selector), near enough for one frame. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\p{Emoji_Presentation}]|\ufe0f/u;

let measure = (cluster: string): number => (WIDE.test(cluster) ? 2 : 1);
let loading: Promise<void> | undefined;

/** Columns that one grapheme cluster takes on the terminal, 1 or 2 usually. ASCII costs nothing, the rest is measured once. */
export function clusterWidth(cluster: string): number {
  if (cluster.length === 1 && cluster >= " " && cluster <= "~") return 1;
  const known = cache.get(cluster);
  if (known !== undefined) return known;
  const width = measure(cluster);
  if (cache.size >= CACHE_SIZE) cache.clear();
  cache.set(cluster, width);
  return width;
}

/**
 * Loads the exact widths (string-width, whose ICU data takes 10 ms to load: the first text does not wait for that). Until then widths are estimated;
 * what was laid out before has to be laid out again.
 */
export function loadWidths(): Promise<void> {
  loading ??= import("string-width").then(({ default: stringWidth }) => {
    measure = stringWidth;
    cache.clear();
  });
  return loading;
}
