const CACHE_SIZE = 4096;
const cache = new Map<string, number>();

let measure = estimate;
let loading: Promise<void> | undefined;

/** Returns the columns of a grapheme cluster, usually 1 or 2. Caches all clusters except ASCII. */
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
 * Loads the exact widths. string-width's ICU data takes 10 ms, and the first text does not wait for
 * it. Until then widths are estimates, so rows must be laid out again afterwards.
 */
export function loadWidths(): Promise<void> {
  loading ??= import("string-width").then(({ default: stringWidth }) => {
    measure = stringWidth;
    cache.clear();
  });
  return loading;
}

/**
 * Estimates a width for the first frame: two columns for East Asian Wide and Fullwidth,
 * Emoji_Presentation, and emoji selectors.
 */
function estimate(cluster: string): number {
  const wide =
    /[\u1100-\u115f\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\p{Emoji_Presentation}]|\ufe0f/u;
  return wide.test(cluster) ? 2 : 1;
}
