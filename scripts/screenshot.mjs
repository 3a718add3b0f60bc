// Takes the pictures of README.md and docs/screen.md. It runs the built command in a real terminal
// (tmux), dark and light, on containers of the demo, and draws the screen as SVG. It needs tmux,
// root, and an engine on which docker/demo/up.sh has run. DOCKER_HOST names the engine; its name is
// in the pictures.
//
//     node scripts/screenshot.mjs
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { svg, THEMES } from "./terminal-picture.mjs";

process.chdir(fileURLToPath(new URL("../", import.meta.url)));
const COLUMNS = 120;
const ROWS = 36;
const pictures = {
  // The sparklines need some seconds.
  containers: { args: [], keys: ["G", "k"], until: /rotating/, settleMs: 20_000 },
  files: { args: ["rotating:/log"], keys: ["j"], until: /app\.log/ },
  log: { args: ["demo"], keys: ["/", "request [0-9]*[05] ", "Enter"], until: /request 2[5-9]/ },
  levels: { args: ["demo"], keys: ["H"], until: /request 3\d/, settleMs: 20_000 },
  palette: { args: ["rotating:/log"], keys: [":", "o"], until: /app\.log/ },
  help: { args: ["open", "README.md"], keys: ["?"], until: /porthole/ },
};

// Each picture uses its own server: a server that is about to end would still accept the next
// session.
let socket = "";
mkdirSync("docs/pictures", { recursive: true });
const directory = mkdtempSync(`${tmpdir()}/porthole-screen-`);
const terminal = (...args) =>
  spawnSync("tmux", ["-S", socket, "-f", `${directory}/conf`, ...args], { encoding: "utf8" });
try {
  for (const [name, { args, keys = [], until, settleMs = 8000 }] of Object.entries(pictures)) {
    for (const [look, theme] of Object.entries(THEMES)) {
      socket = `${directory}/${name}-${look}`;
      // The response to OSC 11, which determines porthole's colours.
      writeFileSync(`${directory}/conf`, `set -g window-style fg=${theme.foreground},bg=${theme.background}\n`);
      const command = ["node", `${process.cwd()}/dist/porthole.js`, ...args].map((word) => `'${word}'`).join(" ");
      const environment = ["-e", "COLORTERM=truecolor", "-e", `DOCKER_HOST=${process.env.DOCKER_HOST ?? ""}`];
      terminal("new-session", "-d", "-x", String(COLUMNS), "-y", String(ROWS), ...environment, command);
      await shown(until);
      for (const key of keys) terminal("send-keys", key);
      await pause(settleMs);
      writeFileSync(
        `docs/pictures/${name}-${look}.svg`,
        svg(terminal("capture-pane", "-e", "-N", "-p").stdout, theme, COLUMNS),
      );
      terminal("kill-server");
    }
  }
} finally {
  terminal("kill-server");
  rmSync(directory, { recursive: true, force: true });
}

/** Waits until the screen contains the text. */
async function shown(pattern) {
  const end = Date.now() + 30_000;
  while (!pattern.test(terminal("capture-pane", "-p").stdout)) {
    if (Date.now() > end)
      throw new Error(`the screen never showed ${pattern}:\n${terminal("capture-pane", "-p").stdout}`);
    await pause(100);
  }
}
