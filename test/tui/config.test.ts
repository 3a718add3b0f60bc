import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { themeFor, withoutColours } from "../../cli/tui/canvas/theme.ts";
import { DEFAULT_CONFIG, decodeConfig, readConfig } from "../../cli/tui/config.ts";
import { actionFor, KEYMAP } from "../../cli/tui/keymap/keymap.ts";

const decode = (value: unknown) => decodeConfig(JSON.stringify(value));

describe("the config file", () => {
  it("replaces the keys of an action, and removes them from other actions of its context", () => {
    const { keymap } = decode({ keys: { viewer: { "page-down": ["j", "ctrl-x"], follow: [] } } });
    expect(actionFor("j", ["viewer"], keymap)).toBe("page-down");
    expect(actionFor("ctrl-x", ["viewer"], keymap)).toBe("page-down");
    expect(actionFor(" ", ["viewer"], keymap)).toBeUndefined();
    expect(actionFor("down", ["viewer"], keymap)).toBe("line-down");
    expect(actionFor("F", ["viewer"], keymap)).toBeUndefined();
    expect(actionFor("j", ["list"], keymap)).toBe("item-down");
    expect(actionFor("j", ["viewer"], KEYMAP)).toBe("line-down");
  });

  it("binds F1 to F12 and no other function key", () => {
    for (let number = 1; number <= 12; number++) {
      const { keymap } = decode({ keys: { viewer: { follow: [`f${number}`] } } });
      expect(actionFor(`f${number}`, ["viewer"], keymap)).toBe("follow");
    }
    for (const key of ["f0", "f13", "f01"])
      expect(() => decode({ keys: { viewer: { follow: [key] } } })).toThrow(`'${key}' is not a key`);
  });

  it("sets styles and switches", () => {
    const config = decode({
      theme: { selection: "bold on-blue", dim: "", bad: "bright-red", title: "#ff8000" },
      hidden: true,
      preview: false,
    });
    const terminal = { depth: "all", isPlain: false, isLight: undefined } as const;
    const theme = themeFor({ ...config.theme, name: "terminal" }, terminal);
    expect(theme).toMatchObject({ selection: "1;44", dim: "", bad: "91", title: "38;2;255;128;0", good: "32" });
    expect([config.hidden, config.preview, config.mouse]).toEqual([true, false, true]);
    expect(decode({ mouse: false }).mouse).toBe(false);
    expect(withoutColours(theme)).toMatchObject({ selection: "1", bad: "1", title: "" });
  });

  it.each([
    ["{", /^invalid JSON: /],
    ["[]", /^the file must be an object/],
    ['{"colours": 1}', /^colours is unknown; known are keys, theme/],
    ['{"keys": 1}', /^keys must be an object/],
    ['{"keys": {"view": {}}}', /^keys\.view is unknown; known are global, viewer/],
    ['{"keys": {"constructor": {}}}', /^keys\.constructor is unknown; known are global, viewer/],
    ['{"theme": {"selection": "toString"}}', /^theme\.selection: 'toString' must be one of bold,/],
    ['{"keys": {"viewer": {"fly": ["f"]}}}', /^keys\.viewer\.fly is unknown; known are line-down/],
    ['{"keys": {"viewer": {"follow": "F"}}}', /^keys\.viewer\.follow must be an array of keys/],
    ['{"keys": {"viewer": {"follow": ["control-f"]}}}', /^keys\.viewer\.follow: 'control-f' is not a key/],
    [
      '{"keys": {"list": {"open": ["ctrl-m"]}}}',
      /^keys\.list\.open: 'ctrl-m' is not a key of its own: terminals send enter/,
    ],
    ['{"keys": {"viewer": {"end": ["9"]}}}', /^keys\.viewer\.end: '9' is not a key there: digits are counts/],
    ['{"theme": {"selection": "bold mauve"}}', /^theme\.selection: 'mauve' must be one of bold/],
    ['{"theme": {"sel": "bold"}}', /^theme\.sel is unknown; known are name, selection/],
    ['{"theme": "pink"}', /^theme must be one of auto, dark, light, terminal, plain$/],
    ['{"theme": {"name": 1}}', /^theme\.name must be one of auto/],
    ['{"theme": {"dim": 2}}', /^theme\.dim must be a string/],
    ['{"mouse": "yes"}', /^mouse must be true or false/],
  ])("is refused with %s and the reason", (text, message) => {
    expect(() => decodeConfig(text)).toThrow(message);
  });

  it("never causes another error, and its errors contain no control characters", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        try {
          const { theme } = decodeConfig(text);
          for (const style of Object.values(theme.parts)) expect(style).toMatch(/^[0-9;]*$/);
        } catch (error) {
          expect((error as Error).message).toMatch(/ (must be|is unknown|is not a key)|^invalid JSON/);
        }
      }),
    );
  });

  it("is found by the base directory specification; without a file the defaults apply, and an error names an invalid file", () => {
    const home = mkdtempSync(`${tmpdir()}/porthole-config-`);
    onTestFinished(() => rmSync(home, { recursive: true }));
    expect(readConfig({ HOME: home })).toBe(DEFAULT_CONFIG);
    mkdirSync(`${home}/.config/porthole`, { recursive: true });
    writeFileSync(`${home}/.config/porthole/config.json`, '{"hidden": true}');
    expect(readConfig({ HOME: home, XDG_CONFIG_HOME: "relative" }).hidden).toBe(true);
    writeFileSync(`${home}/.config/porthole/config.json`, '{"hidden": 1}');
    expect(() => readConfig({ HOME: home })).toThrow(
      `${home}/.config/porthole/config.json: hidden must be true or false`,
    );
    expect(readConfig({ HOME: home, XDG_CONFIG_HOME: `${home}/other` })).toBe(DEFAULT_CONFIG);
  });
});
