import { build } from "esbuild";

const BEGIN = "<!-- Made from the table of keys by `npm run docs`; do not edit from here -->";
const END = "<!-- to here -->";

/**
 * Regenerates the tables of keys in docs/screen.md from the table that also defines the input and
 * the help.
 */
export async function screenDocs(text) {
  const [before, rest] = split(text, BEGIN);
  const [, after] = split(rest, END);
  return `${before}${BEGIN}\n\n${await tables()}\n${END}${after}`;
}

function split(text, mark) {
  const at = text.indexOf(mark);
  if (at === -1) throw new Error(`docs/screen.md has no line '${mark}'`);
  return [text.slice(0, at), text.slice(at + mark.length)];
}

async function tables() {
  const { KEYMAP, CONTEXT_NAMES, keyLabel } = await keymap();
  return Object.entries(KEYMAP)
    .filter(([, bindings]) => bindings.length > 0)
    .map(([context, bindings]) => {
      const rows = bindings.map(
        ({ action, keys, help }) =>
          `| ${keys.map((key) => code(keyLabel(key))).join(" ")} | ${action} | ${cell(help)} |`,
      );
      return `### ${CONTEXT_NAMES[context]}: \`${context}\`\n\n| keys | name | |\n|---|---|---|\n${rows.join("\n")}\n`;
    })
    .join("\n");
}

async function keymap() {
  const options = { bundle: true, write: false, format: "esm", platform: "node", logLevel: "warning" };
  const { outputFiles } = await build({ ...options, entryPoints: ["cli/tui/keymap/keymap.ts"] });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}

function code(key) {
  return `\`${key.replaceAll("|", "\\|")}\``;
}

/** Escapes bars, which end the cell of a table even in code. */
function cell(text) {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll("*", "\\*");
}
