import stringWidth from "string-width";

const CACHE_SIZE = 4096;
const cache = new Map<string, number>();

/** Columns that one grapheme cluster takes on the terminal: 0, 1 or 2 usually. ASCII costs nothing, the rest is measured once. */
export function clusterWidth(cluster: string): number {
  if (cluster.length === 1 && cluster >= " " && cluster <= "~") return 1;
  const known = cache.get(cluster);
  if (known !== undefined) return known;
  const width = stringWidth(cluster);
  if (cache.size >= CACHE_SIZE) cache.clear();
  cache.set(cluster, width);
  return width;
}
