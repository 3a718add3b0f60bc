import fc from "fast-check";
import { expect, it } from "vitest";
import { mergeSort } from "../../../cli/tui/browser/files/merge-sort.ts";

it("sorts any numbers, and keeps equal ones in their order", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(99)), (values) => {
      const sorted = Uint32Array.from(values);
      const byTens = (a: number, b: number) => Math.floor(a / 10) - Math.floor(b / 10);
      mergeSort(sorted, byTens);
      expect([...sorted]).toEqual([...values].sort(byTens));
    }),
  );
});
