// Makes docs/pictures/recording.svg, the recording of README.md. It types commands into a shell in
// a real terminal (tmux) and keeps each screen. It draws them as one animated SVG (SMIL), which
// browsers play without a script. It needs tmux, root, ripgrep, and an engine on which
// docker/demo/images.sh has run. It creates three containers on that engine and removes them.
//
//     node scripts/record.mjs
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { document, drawnRows, THEMES } from "./terminal-picture.mjs";

process.chdir(fileURLToPath(new URL("../", import.meta.url)));
const COLUMNS = 110;
const ROWS = 28;
const FRAME_MS = 100;
/** A screen without a change is shown for at most this time. */
const MAX_STILL_MS = 3000;
const theme = THEMES.dark;
const IMAGE = "porthole-demo/shell";
/**
 * Shell programs of busybox: a log of a line each 0.7 s, and a service that exits with an error.
 */
const containers = {
  "shop-web": served("INFO GET /cart 200", "0.7"),
  "shop-worker": served("INFO mail 4711 sent", "1.1"),
  "shop-api": `for i in 1 2 3; do ${line("INFO POST /pay 200")}; done | tee /log/app.log
    { ${line("ERROR payment: cannot connect to db:5432: Connection refused")}
      echo "    at Payment.charge (payment.js:42:11)"; echo "    at Order.close (order.js:118:7)"
      ${line("FATAL 3 payments are lost")}; } | tee -a /log/app.log; exit 70`,
};
const steps = [
  { say: "# The api has crashed. Its files and its output are still there:" },
  { say: "porthole", shows: /shop-api.*exited/ },
  { keys: ["/", ..."api"], shows: /FATAL/, holdMs: 1000 },
  { keys: ["Enter"], shows: /FATAL/, holdMs: 2000 },
  { keys: ["L"], shows: /FATAL/, holdMs: 3500 },
  { keys: ["q"], shows: /shop-api/ },
  { keys: ["Q"], shows: /\$ $/m },
  { say: "clear" },
  { say: "# Two logs as one, in the order of their times:" },
  {
    say: "porthole tail -n 2 -F --merge --prefix shop-web:/log/app.log shop-worker:/log/app.log",
    shows: /mail/,
    holdMs: 6000,
  },
  { keys: ["C-c"], shows: /\$ $/m },
  { say: "clear" },
  { say: "# Any tool of this machine on the container's files:" },
  {
    say: "porthole with shop-web:/ shop-api:/ -- rg 'ERROR|FATAL' shop-web:/log shop-api:/log",
    shows: /FATAL.*\n.*\$ /,
    holdMs: 3000,
  },
  { say: "porthole with shop-api:/log/app.log -- tail -n 1", shows: /FATAL.*\n.*\$ /, holdMs: 3500 },
];

const directory = mkdtempSync(`${tmpdir()}/porthole-recording-`);
const terminal = (...args) =>
  spawnSync("tmux", ["-S", `${directory}/socket`, "-f", `${directory}/conf`, ...args], { encoding: "utf8" });
const docker = (...args) => {
  const { status, stderr } = spawnSync("docker", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`docker ${args[0]}: ${stderr}`);
};
const frames = [];
/** Milliseconds since the beginning of the recording. */
let clock = 0;
try {
  for (const [name, program] of Object.entries(containers))
    docker("run", "-d", "--name", name, "--network", "none", "--entrypoint", "/bin/sh", IMAGE, "-c", program);
  prepareShell();
  await shown(/\$ $/m);
  for (const step of steps) await perform(step);
  writeFileSync("docs/pictures/recording.svg", animation());
} finally {
  terminal("kill-server");
  spawnSync("docker", ["rm", "-f", ...Object.keys(containers)]);
  rmSync(directory, { recursive: true, force: true });
}

function line(text) {
  return `echo "$(busybox date +%FT%TZ) ${text}"`;
}

function served(text, seconds) {
  return `while :; do ${line(text)} >> /log/app.log; busybox sleep ${seconds}; done`;
}

function prepareShell() {
  writeFileSync(`${directory}/porthole`, `#!/bin/sh\nexec node '${process.cwd()}/dist/porthole.js' "$@"\n`);
  chmodSync(`${directory}/porthole`, 0o755);
  writeFileSync(`${directory}/conf`, `set -g window-style fg=${theme.foreground},bg=${theme.background}\n`);
  // tmux replaces a PATH that is set with -e by its own.
  writeFileSync(`${directory}/shell`, `PS1='$ '\nPATH='${directory}':$PATH\n`);
  const environment = {
    COLORTERM: "truecolor",
    DOCKER_HOST: process.env.DOCKER_HOST ?? "",
  };
  const options = Object.entries(environment).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
  terminal("new-session", "-d", "-x", `${COLUMNS}`, "-y", `${ROWS}`, ...options, `bash --rcfile ${directory}/shell`);
}

/**
 * Types a line, or presses keys, and waits for the expected text. Then pauses, so that the reader
 * can read.
 */
async function perform({ say, keys = [...say, "Enter"], shows = /\$ $/m, holdMs = 800 }) {
  for (const key of keys) {
    terminal("send-keys", ...(key.length === 1 ? ["-l", key] : [key]));
    await keep(30);
  }
  await keep(FRAME_MS);
  await shown(shows);
  await keep(holdMs);
}

async function shown(pattern) {
  const end = Date.now() + 30_000;
  while (!pattern.test(terminal("capture-pane", "-p").stdout.trimEnd().concat(" "))) {
    if (Date.now() > end)
      throw new Error(`the screen never showed ${pattern}:\n${terminal("capture-pane", "-p").stdout}`);
    await keep(FRAME_MS);
  }
}

/**
 * Keeps the frames of this many milliseconds. The clock of the recording counts frames, so a slow
 * machine makes the same recording.
 */
async function keep(milliseconds) {
  for (let left = milliseconds; left > 0; left -= FRAME_MS) {
    const text = terminal("capture-pane", "-e", "-N", "-p").stdout;
    if (text !== frames.at(-1)?.text) frames.push({ text, at: clock });
    const step = Math.min(FRAME_MS, left);
    clock += step;
    await new Promise((resolve) => setTimeout(resolve, step));
  }
}

/** Draws each distinct row once, and makes it visible while it is on the screen. */
function animation() {
  const times = frames.map(() => 0);
  for (let index = 1; index < frames.length; index++)
    times[index] = times[index - 1] + Math.min(frames[index].at - frames[index - 1].at, MAX_STILL_MS);
  const total = times.at(-1) + 2 * MAX_STILL_MS;
  const rows = new Map();
  frames.forEach(({ text }, index) => {
    for (const parts of drawnRows(text, theme)) {
      const drawing = parts.join("");
      if (drawing === "") continue;
      if (!rows.has(drawing)) rows.set(drawing, []);
      rows.get(drawing).push(index);
    }
  });
  const parts = [...rows].map(([drawing, visible]) => {
    const isVisible = new Set(visible);
    const changes = frames.flatMap((_, index) =>
      index > 0 && isVisible.has(index) === isVisible.has(index - 1) ? [] : [index],
    );
    const values = changes.map((index) => (isVisible.has(index) ? "visible" : "hidden")).join(";");
    const keyTimes = changes.map((index) => Number((times[index] / total).toFixed(5))).join(";");
    // A program that does not animate shows the last frame.
    const still = isVisible.has(frames.length - 1) ? "visible" : "hidden";
    return `<g visibility="${still}"><animate attributeName="visibility" calcMode="discrete" dur="${total}ms" repeatCount="indefinite" values="${values}" keyTimes="${keyTimes}"/>${drawing}</g>`;
  });
  return document(parts, theme, [COLUMNS, ROWS]);
}
