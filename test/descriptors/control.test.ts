import fc from "fast-check";
import { expect, test } from "vitest";
import { parseControl } from "../../src/descriptors/sockets/control.ts";
import { controlMessage, ints } from "./raw-message.ts";

function parse(bytes: Uint8Array, length = bytes.length) {
  return parseControl(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), length);
}

test("controlDescriptors returns the descriptors of all control messages in order", () => {
  const bytes = Buffer.concat([controlMessage(ints(3)), controlMessage(ints(5, 4, 9)), controlMessage(ints())]);
  expect(parse(bytes)).toEqual({ descriptors: [3, 5, 4, 9], foreign: false });
});

test("a length that runs past the end is clamped and reported", () => {
  expect(parse(controlMessage(ints(3, 4), { length: 1000 }))).toEqual({ descriptors: [3, 4], foreign: true });
});

test("a length of 2^63 neither overflows nor hangs", () => {
  const bytes = controlMessage(ints(3));
  new DataView(bytes.buffer).setBigUint64(0, 1n << 63n, true);
  expect(parse(bytes)).toEqual({ descriptors: [3, 0], foreign: true });
});

test.each([0, 1, 15])("a length of %i, shorter than its header, ends the walk", (length) => {
  const bytes = Buffer.concat([controlMessage(ints(3), { length }), controlMessage(ints(4))]);
  expect(parse(bytes)).toEqual({ descriptors: [], foreign: true });
});

test.each([
  ["another level", { level: 41 }],
  ["credentials", { type: 2 }],
])("%s is foreign, and its bytes are not read as descriptors", (_, header) => {
  const bytes = Buffer.concat([controlMessage(ints(7, 8, 9), header), controlMessage(ints(4))]);
  expect(parse(bytes)).toEqual({ descriptors: [4], foreign: true });
});

test("the pidfd of SCM_PIDFD is foreign but installed, so it must be closed", () => {
  expect(parse(controlMessage(ints(7), { type: 4 }))).toEqual({ descriptors: [7], foreign: true });
});

test("a negative number is not a descriptor", () => {
  expect(parse(controlMessage(ints(-1, 6)))).toEqual({ descriptors: [6], foreign: true });
});

test("only the first bytes of the buffer are read", () => {
  const bytes = Buffer.concat([controlMessage(ints(3)), controlMessage(ints(4))]);
  expect(parse(bytes, 24)).toEqual({ descriptors: [3], foreign: false });
  expect(parse(bytes, 0)).toEqual({ descriptors: [], foreign: false });
});

test("any bytes are read without an overrun, and give at most as many descriptors as fit", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const { descriptors } = parse(bytes);
      expect(descriptors.length).toBeLessThanOrEqual(bytes.length / 4);
      for (const fd of descriptors) expect(fd).toBeGreaterThanOrEqual(0);
    }),
  );
});
