/**
 * Sorts numbers in place; equal ones stay in their order. Needs one array of the same size, where
 * sort() of a typed array with a comparison copies it to an array of V8's heap.
 */
export function mergeSort(numbers: Uint32Array, compare: (a: number, b: number) => number): void {
  let from = numbers;
  let to: Uint32Array = new Uint32Array(numbers.length);
  for (let size = 1; size < numbers.length; size *= 2) {
    for (let start = 0; start < numbers.length; start += 2 * size) mergeRuns(from, to, start, size, compare);
    [from, to] = [to, from];
  }
  if (from !== numbers) numbers.set(from);
}

/** Merges two sorted runs of `from` that follow each other. */
function mergeRuns(
  from: Uint32Array,
  to: Uint32Array,
  start: number,
  size: number,
  compare: (a: number, b: number) => number,
): void {
  const middle = Math.min(start + size, from.length);
  const end = Math.min(start + 2 * size, from.length);
  let [i, j] = [start, middle];
  for (let at = start; at < end; at++) {
    const isFirst = j >= end || (i < middle && compare(from[i] ?? 0, from[j] ?? 0) <= 0);
    to[at] = (isFirst ? from[i++] : from[j++]) ?? 0;
  }
}
