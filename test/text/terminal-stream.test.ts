import { expect, test } from "vitest";
import { TerminalStream } from "../../src/text/rows/terminal-stream.ts";

test("a run of one control character across chunks is shown once with its length", () => {
  const stream = new TerminalStream({ colours: false });
  const nul = Buffer.alloc(1000);
  const shown =
    stream.push(Buffer.concat([Buffer.from("a"), nul])) + stream.push(nul) + stream.push(Buffer.from("b\n"));
  expect(shown + stream.end()).toBe("a^@[2000 times]b\n");
  expect(stream.push(Buffer.from("\x01\x01\x02\n")) + stream.end()).toBe("^A^A^B\n");
});

test("with `returns`, a single carriage return starts a line, and a carriage return before a newline belongs to it", () => {
  const stream = new TerminalStream({ colours: false, returns: true });
  const shown = ["10%\r", "20%\r", "\nnext\r\n"].map((piece) => stream.push(Buffer.from(piece)));
  expect(shown.join("") + stream.end()).toBe("10%\n20%\nnext\n");
});
