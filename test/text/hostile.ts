/** Byte sequences that affect a terminal, each with the output that must appear instead. */
export const HOSTILE: readonly { name: string; bytes: Buffer; shown: string }[] = [
  hostile("OSC 0 (title)", "\x1b]0;pwned\x07", "^[]0;pwned^G"),
  hostile("OSC 8 (link)", "\x1b]8;;http://evil\x1b\\here\x1b]8;;\x1b\\", "^[]8;;http://evil^[\\here^[]8;;^[\\"),
  hostile("OSC 52 (clipboard)", "\x1b]52;c;cm0gLXJmIC8=\x07", "^[]52;c;cm0gLXJmIC8=^G"),
  hostile("OSC without an end", "\x1b]0;open", "^[]0;open"),
  hostile("DCS", "\x1bP+q544e\x1b\\", "^[P+q544e^[\\"),
  hostile("APC and PM", "\x1b_G\x1b\\\x1b^x\x1b\\", "^[_G^[\\^[^x^[\\"),
  hostile("CSI: clear, home, mode", "\x1b[2J\x1b[H\x1b[?1049l", "^[[2J^[[H^[[?1049l"),
  hostile("CSI without a final byte", "\x1b[", "^[["),
  hostile("SGR with a private parameter", "\x1b[?4m", "^[[?4m"),
  hostile("SGR that is far too long", `\x1b[${"1;".repeat(80)}m`, `^[[${"1;".repeat(80)}m`),
  hostile("reset", "\x1bc", "^[c"),
  hostile("answerback and device attributes", "\x05\x1b[c\x1bZ", "^E^[[c^[Z"),
  hostile("carriage return and backspace", "safe\rfake\b\b", "safe^Mfake^H^H"),
  hostile("NUL, BEL, DEL, shift", "\x00\x07\x7f\x0e\x0f", "^@^G^?^N^O"),
  hostile("vertical tab and form feed", "\x0b\x0c", "^K^L"),
  hostile("C1 as UTF-8", "\u009b2J\u009d0;x\u009c\u0090q\u0085", "<9B>2J<9D>0;x<9C><90>q<85>"),
  hostile("C1 as bytes", Buffer.from([0x9b, 0x32, 0x4a, 0x9d]), "<9B>2J<9D>"),
  hostile("bidi override and isolate", "\u202egpj.exe\u2066x\u2069", "<U+202E>gpj.exe<U+2066>x<U+2069>"),
  hostile("marks, byte order mark, soft hyphen", "\u200e\u200f\ufeff\u00ad", "<U+200E><U+200F><U+FEFF><U+00AD>"),
  hostile("line and paragraph separator", "a\u2028b\u2029", "a<U+2028>b<U+2029>"),
  hostile("overlong ESC", Buffer.from([0xc0, 0x9b, 0x5b, 0x32, 0x4a]), "<C0><9B>[2J"),
  hostile("overlong ESC in three bytes", Buffer.from([0xe0, 0x80, 0x9b, 0x5b]), "<E0><80><9B>["),
  hostile("encoded surrogate", Buffer.from([0xed, 0xa0, 0x80]), "<ED><A0><80>"),
  hostile("above Unicode", Buffer.from([0xf4, 0x90, 0x80, 0x80]), "<F4><90><80><80>"),
  hostile("cut UTF-8", Buffer.from([0xe2, 0x82]), "<E2><82>"),
  hostile("a mark without a base", "\u0301", "<U+0301>"),
  hostile("a tower of marks", `a${"\u0300".repeat(40)}`, `a${"<U+0300>".repeat(40)}`),
  hostile("noncharacter and tag", "\uffff\u{e0041}", "<U+FFFF><U+E0041>"),
];

/** Every control byte that a row must not contain, and C1 as code points. */
export const CONTROL = /[\x00-\x1f\x7f-\x9f]/;

function hostile(name: string, bytes: string | Buffer, shown: string) {
  return { name, bytes: Buffer.from(bytes), shown };
}
