import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KeyParser, type TerminalEvent } from "../../cli/tui/keymap/keys.ts";

function parse(...chunks: (string | Buffer)[]): string[] {
  const parser = new KeyParser();
  const events = chunks.flatMap((chunk) => parser.push(Buffer.from(chunk)));
  return [...events, ...parser.flush()].map(name);
}

function name(event: TerminalEvent): string {
  if (event.kind === "mouse") return `${event.what}@${event.column},${event.row}`;
  if (event.kind === "background") return `background:${[event.red, event.green, event.blue].join(",")}`;
  return event.kind === "key" ? event.key : `paste:${event.text}`;
}

describe("KeyParser", () => {
  it("splits repeated keys that arrive together", () => {
    expect(parse("jjj")).toEqual(["j", "j", "j"]);
    expect(parse("\x1b[B\x1b[B\x1bOAq")).toEqual(["down", "down", "up", "q"]);
  });

  it("recognises arrows, pages, Home and End of all common terminals", () => {
    expect(parse("\x1b[A\x1b[B\x1b[C\x1b[D\x1b[H\x1b[F")).toEqual(["up", "down", "right", "left", "home", "end"]);
    expect(parse("\x1bOH\x1bOF\x1b[1~\x1b[4~\x1b[7~\x1b[8~")).toEqual(["home", "end", "home", "end", "home", "end"]);
    expect(parse("\x1b[5~\x1b[6~\x1b[3~\x1b[1;5C\x1b[5;2~")).toEqual([
      "pageup",
      "pagedown",
      "delete",
      "right",
      "pageup",
    ]);
  });

  it("names control keys", () => {
    expect(parse("\x03\x1a\r\n\t\x7f\x08\x00\x0c")).toEqual([
      "ctrl-c",
      "ctrl-z",
      "enter",
      "enter",
      "tab",
      "backspace",
      "backspace",
      "ctrl-space",
      "ctrl-l",
    ]);
  });

  it("never names a key by a control character or returns one as text", () => {
    expect(parse("\x1c\x1d\x1e\x1f")).toEqual(["ctrl-\\", "ctrl-]", "ctrl-^", "ctrl-_"]);
    expect(parse("a\u009b2Jb\u0085")).toEqual(["a", "2", "J", "b"]);
    expect(parse("\u00a0")).toEqual(["\u00a0"]);
  });

  it("recognises a single Escape after a delay, and Alt with a key", () => {
    const parser = new KeyParser();
    expect(parser.push(Buffer.from("\x1b"))).toEqual([]);
    expect(parser.waiting).toBe(true);
    expect(parser.flush().map(name)).toEqual(["escape"]);
    expect(parser.waiting).toBe(false);
    expect(parse("\x1bv", "\x1b\x1b", "\x1b[")).toEqual(
      ["alt-v", "escape", "escape", "alt-["].slice(0, 2).concat("escape", "alt-["),
    );
  });

  it("returns pasted text as a whole, without keys", () => {
    expect(parse("a\x1b[200~q\n\x1b[A/\x1b[201~b")).toEqual(["a", "paste:q\n\x1b[A/", "b"]);
  });

  it("recognises Alt with a named key, F1, and Shift-Tab", () => {
    expect(parse("\x1b[1;3D\x1b[1;3C\x1b[1;5C\x1b[Z\x1bOP\x1b[15~")).toEqual([
      ...["alt-left", "alt-right", "right", "backtab", "f1", "f5"],
    ]);
  });

  it("names F1 to F12 as xterm, VT220, rxvt and the Linux console send them", () => {
    const all = Array.from({ length: 12 }, (_, index) => `f${index + 1}`);
    const tilde = (numbers: number[]) => numbers.map((number) => `\x1b[${number}~`).join("");
    expect(parse(tilde([11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 23, 24]))).toEqual(all);
    expect(parse("\x1bOP\x1bOQ\x1bOR\x1bOS")).toEqual(all.slice(0, 4));
    expect(parse("\x1b[[A\x1b[[B\x1b[[C\x1b[[D\x1b[[E")).toEqual(all.slice(0, 5));
    expect(parse("\x1b[[", "A", "j")).toEqual(["f1", "j"]);
    expect(parse("\x1b[1;5Q\x1b[1;3R\x1b[17;2~")).toEqual(["f2", "alt-f3", "f6"]);
  });

  it("reads only the wheel and the left button of the mouse", () => {
    expect(parse("\x1b[<64;10;5M\x1b[<65;1;1M\x1b[<0;3;4M\x1b[<32;4;4M\x1b[<0;3;4m\x1b[<35;9;9M\x1b[<2;1;1M")).toEqual([
      ...["wheel-up@9,4", "wheel-down@0,0", "press@2,3", "drag@3,3", "release@2,3"],
    ]);
  });

  it("skips unknown function keys, answers and focus reports", () => {
    expect(parse("\x1b[25~\x1b[I\x1b[O\x1b[<;M\x1b[?62;c\x1b]10;rgb:0/0/0\x07\x1bP1$r\x1b\\x")).toEqual(["x"]);
    expect(parse("\x1b[12\x07j")).toEqual(["ctrl-g", "j"]);
  });

  it("reads the terminal's answer for its background with either terminator and in any chunks, and returns no keys for it", () => {
    expect(parse("\x1b]11;rgb:0000/8080/ffff\x07j")).toEqual([`background:0,${0x8080 / 0xffff},1`, "j"]);
    expect(parse("\x1b]11;rgb:f/0/8\x1b\\")).toEqual([`background:1,0,${8 / 15}`]);
    expect(parse("\x1b]11;rgb:00/", "00/ff", "\x1b", "\\q")).toEqual(["background:0,0,1", "q"]);
    expect(parse("\x1b]11;#ffffff\x07")).toEqual([]);
    const parser = new KeyParser();
    parser.push(Buffer.from("\x1b]11;rg"));
    expect(parser.isInAnswer).toBe(true);
    parser.push(Buffer.from("b:0/0/0\x07"));
    expect(parser.isInAnswer).toBe(false);
  });

  it("reads UTF-8, and drops invalid bytes", () => {
    expect(parse("zażółć😀")).toEqual([..."zażółć😀"]);
    expect(parse(Buffer.from([0xff, 0x6a, 0xc5, 0x6a, 0x80]))).toEqual(["j", "j"]);
  });

  it("reads the same keys for any chunks of the bytes", () => {
    const input = Buffer.from("jé\x1b[B\x1b[200~pa\x1bste\x1b[201~😀\x1bOF\x1b[1;5C\x1bx\x1b]0;t\x1b\\\x03");
    const whole = parse(input);
    expect(whole).toEqual(["j", "é", "down", "paste:pa\x1bste", "😀", "end", "right", "alt-x", "ctrl-c"]);
    fc.assert(
      fc.property(fc.array(fc.nat(input.length), { maxLength: 12 }), (cuts) => {
        const borders = [0, ...cuts.sort((a, b) => a - b), input.length];
        const pieces = borders.slice(1).map((end, index) => input.subarray(borders[index], end));
        expect(parse(...pieces)).toEqual(whole);
      }),
    );
  });

  it("drops the rest of a paste of more than 1 MiB, and takes no part of it for keys", () => {
    const text = "q".repeat(1024 * 1024);
    const parts = [`\x1b[200~${text}`, "qq", "q\x1b[20", "1~", "j"];
    const events = parse(...parts);
    expect(events.map((one) => one.length)).toEqual([text.length + "paste:".length, 1]);
    expect(events.at(-1)).toBe("j");
    expect(parse(parts.join(""))).toEqual(events);
  });

  it("ends an unterminated paste at a single ^C", () => {
    expect(parse("\x1b[200~lost", "end", "\x03", "j")).toEqual(["ctrl-c", "j"]);
    expect(parse("\x1b[200~a\x03", "b\x1b[201~")).toEqual(["paste:a\x03b"]);
  });

  it("keeps a bounded part of an endless sequence", () => {
    const parser = new KeyParser();
    for (let i = 0; i < 10; i++) parser.push(Buffer.from(`${i === 0 ? "\x1b]" : ""}${"x".repeat(1000)}`));
    expect(parser.push(Buffer.from("j")).map(name)).toContain("j");
  });
});
