import { decodeText, INVALID_BYTE } from "../encoding/decode.ts";

/**
 * Maximum characters of a cluster. A longer cluster is not a character of any script, and its code
 * points are shown one by one.
 */
const MAX_CLUSTER = 32;

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

const CACHE_SIZE = 4096;
const safeClusters = new Map<string, boolean>();

/**
 * Number of characters that are segmented at once: V8's time for each segment grows with the whole
 * text.
 */
const SEGMENTED = 512;

/**
 * Characters that are each one cluster: Latin-1 except line ends, ellipsis, arrows, box drawing,
 * blocks, Braille.
 */
const SINGLE = /^[\0-\t\v\f\x0e-\xac\xae-\xff\u2026\u2190-\u2193\u2500-\u259f\u2800-\u28ff]*$/;

let segmenter: Intl.Segmenter | undefined;

/**
 * Makes text of a container safe for a terminal: names, link targets, error texts. Shows control
 * characters, escape sequences, bidi overrides and invalid bytes (`^[`, `<9B>`, `<U+202E>`), also
 * newline and tab (`^J`, `^I`). The result has no control byte. File contents go through
 * `layoutRow`, which has the same rules and passes colours.
 */
export function sanitiseText(text: string | Uint8Array): string {
  const decoded = typeof text === "string" ? text : decodeText(text);
  if (PRINTABLE_ASCII.test(decoded)) return decoded;
  let safe = "";
  for (const cluster of clusters(decoded)) safe += isSafe(cluster) ? cluster : showCluster(cluster);
  return safe;
}

/** Splits text into grapheme clusters. */
export function* clusters(text: string): Generator<string> {
  if (SINGLE.test(text)) {
    yield* text;
    return;
  }
  // Created on first use, because its data takes 7 ms to load.
  segmenter ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  for (let at = 0, size = SEGMENTED; at < text.length; ) {
    // Half a surrogate pair would end the cluster before it too early.
    const isHalved = (text.charCodeAt(at + size - 1) & 0xfc00) === 0xd800;
    const part = text.slice(at, at + size - (isHalved ? 1 : 0));
    const isLast = at + part.length === text.length;
    const begin = at;
    for (const { segment } of segmenter.segment(part)) {
      // The last segment may continue.
      if (!isLast && at + segment.length === begin + part.length) break;
      yield segment;
      at += segment.length;
    }
    size = at === begin ? size * 2 : SEGMENTED;
  }
}

/**
 * True if the cluster can be sent unchanged: it is visible, has no side effect, and does not
 * combine with preceding text.
 */
export function isSafe(cluster: string): boolean {
  if (cluster.length === 1 && cluster >= " " && cluster <= "~") return true;
  const known = safeClusters.get(cluster);
  if (known !== undefined) return known;
  const safe = cluster.length <= MAX_CLUSTER && !hasUnsafe(cluster) && hasVisible(cluster);
  if (safeClusters.size >= CACHE_SIZE) safeClusters.clear();
  safeClusters.set(cluster, safe);
  return safe;
}

// The two expressions are in functions, because V8 takes 1.3 ms to build their sets of characters.

/**
 * True for format characters (bidi overrides and isolates, byte order mark, soft hyphen, tags),
 * line separators, surrogates and unassigned code points. The joiners U+200C and U+200D belong to
 * words and emoji and have no effect outside of their cluster.
 */
function hasUnsafe(cluster: string): boolean {
  return /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]/u.test(cluster);
}

/** A cluster without a visible character would combine with the one before. */
function hasVisible(cluster: string): boolean {
  return /[^\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Cs}\p{Mn}\p{Me}]/u.test(cluster);
}

/** Returns printable ASCII for an unsafe cluster, code point by code point. */
export function showCluster(cluster: string): string {
  let shown = "";
  for (const character of cluster) shown += showCodePoint(character.codePointAt(0) ?? 0);
  return shown;
}

/**
 * Uses less's notation: `^X` for C0 and DEL, `<XX>` for C1 and invalid bytes, `<U+XXXX>` for the
 * rest.
 */
function showCodePoint(code: number): string {
  if (code < 0x20 || code === 0x7f) return `^${String.fromCharCode(code ^ 0x40)}`;
  if (code < 0x7f) return String.fromCharCode(code);
  if (code < 0xa0) return `<${hex(code, 2)}>`;
  if (code >= INVALID_BYTE + 0x80 && code <= INVALID_BYTE + 0xff) return `<${hex(code - INVALID_BYTE, 2)}>`;
  return `<U+${hex(code, 4)}>`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, "0");
}
