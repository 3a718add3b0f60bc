import { PortholeError } from "../../errors.ts";

/** Fields of a message to send, by number: strings, integers, booleans, and nested messages. */
export type Fields = readonly (readonly [field: number, value: string | number | boolean | Fields])[];

/**
 * Encodes a message (protobuf.dev, "Encoding"). Omits zero, false and empty values, as proto3 does.
 */
export function encodeMessage(fields: Fields): Buffer {
  return Buffer.concat(
    fields.flatMap(([field, value]) => {
      if (typeof value === "number" || typeof value === "boolean")
        return Number(value) === 0 ? [] : [varint(field * 8 + VARINT), varint(Number(value))];
      const bytes = typeof value === "string" ? Buffer.from(value) : encodeMessage(value);
      if (typeof value === "string" && bytes.length === 0) return [];
      return [varint(field * 8 + BYTES), varint(bytes.length), bytes];
    }),
  );
}

const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5];

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left]);
    bytes.push((left % 128) + 128);
  }
}

/** A received message. A missing field is empty, zero or undefined, as in proto3. */
export class ProtobufMessage {
  readonly #fields = new Map<number, (bigint | Buffer)[]>();

  /** @throws PortholeError TARGET if the bytes are not a valid message */
  constructor(bytes: Buffer) {
    for (let at = 0; at < bytes.length; ) {
      const [tag, begin] = readVarint(bytes, at);
      const kind = Number(tag & 7n);
      let value: bigint | Buffer;
      if (kind === VARINT) [value, at] = readVarint(bytes, begin);
      else {
        const [length, from] = kind === BYTES ? readVarint(bytes, begin) : [fixedLength(kind), begin];
        at = from + Number(length);
        if (at > bytes.length) throw invalid();
        value = bytes.subarray(from, at);
      }
      const field = Number(tag >> 3n);
      const before = this.#fields.get(field);
      if (before === undefined) this.#fields.set(field, [value]);
      else before.push(value);
    }
  }

  text(field: number): string {
    return this.#bytes(field).at(-1)?.toString() ?? "";
  }

  texts(field: number): string[] {
    return this.#bytes(field).map(String);
  }

  /** Decodes a varint as Go's int64 and enums. */
  whole(field: number): bigint {
    const value = this.#fields.get(field)?.at(-1) ?? 0n;
    if (typeof value !== "bigint") throw invalid();
    return BigInt.asIntN(64, value);
  }

  message(field: number): ProtobufMessage {
    return new ProtobufMessage(this.#bytes(field).at(-1) ?? Buffer.alloc(0));
  }

  messages(field: number): ProtobufMessage[] {
    return this.#bytes(field).map((bytes) => new ProtobufMessage(bytes));
  }

  /** Decodes a map of strings. */
  map(field: number): Map<string, string> {
    return new Map(this.messages(field).map((entry) => [entry.text(1), entry.text(2)]));
  }

  #bytes(field: number): Buffer[] {
    return (this.#fields.get(field) ?? []).map((value) => {
      if (typeof value === "bigint") throw invalid();
      return value;
    });
  }
}

function fixedLength(kind: number): bigint {
  if (kind === FIXED64) return 8n;
  if (kind === FIXED32) return 4n;
  throw invalid();
}

/** A varint has at most ten bytes with seven bits each, lowest first. */
function readVarint(bytes: Buffer, from: number): [value: bigint, end: number] {
  let value = 0n;
  for (let at = from; at < from + 10; at++) {
    const byte = bytes[at];
    if (byte === undefined) throw invalid();
    value |= BigInt(byte & 0x7f) << BigInt(7 * (at - from));
    if (byte < 0x80) return [BigInt.asUintN(64, value), at + 1];
  }
  throw invalid();
}

function invalid(): PortholeError {
  return new PortholeError("TARGET", "invalid response: not a protobuf message");
}
