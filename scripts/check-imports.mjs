// Part of `npm run lint`. Checks the arrows between rooms (docs/architecture.md, "The map"),
// forbids circles of files and of folders, and checks that the page names every folder, and no file
// that is gone.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const BELOW_ALL = ["src/errors.ts", "src/target.ts", "src/text/", "src/times/"];
const KERNEL = [...BELOW_ALL, "src/descriptors/", "src/protocol/"];
const ROUTES = [...KERNEL, "src/engines/", "src/routes/"];
const INDEXES = /^src\/(errors|target|\w+\/index)\.ts$/;

/**
 * Each room: the folders that it may import besides its own, and the alternative to other imports.
 */
const ROOMS = [
  ["src/errors.ts", [], "it is below everything: pass in what it needs"],
  ["src/times/", ["src/errors.ts"], "pass in what it needs, as ZoneFiles does"],
  ["src/text/", ["src/errors.ts", "src/times/"], "pass in bytes or a ByteSource"],
  ["src/target.ts", ["src/errors.ts", "src/text/"], "it only parses: let the caller look up what a target means"],
  ["src/descriptors/", ["src/errors.ts"], "pass in what it needs"],
  ["src/protocol/", ["src/errors.ts"], "it is pure: pass in the transport (see channel.ts)"],
  ["src/engines/", KERNEL, "it finds containers and does not enter them: join the two in src/routes"],
  ["src/routes/", ROUTES, "it gets an agent to a target: what the agent is asked afterwards belongs to src/sessions"],
  ["src/sessions/", ROUTES, "it serves src/files and src/follow: move what both need down into it"],
  ["src/files/", [...ROUTES, "src/sessions/"], "move what it needs into src/sessions or src/text"],
  ["src/follow/", [...ROUTES, "src/sessions/"], "move what it needs into src/sessions or src/text"],
  ["src/elsewhere/", [...ROUTES, "src/sessions/", "src/files/", "src/follow/"], "the command line belongs to cli"],
  ["src/index.ts", ["src/"], "it publishes src alone"],
  [
    "cli/",
    INDEXES,
    "import a room of src by its index.ts, and export there what cli needs (src/index.ts is for users)",
  ],
];

/** Packages that only one room loads, and their replacement in other rooms. */
const PACKAGES = [
  ["koffi", "src/descriptors/", "use OwnedFd, FdSocket, Reactor or file.ts of src/descriptors"],
  ["dockerode", "src/engines/api/docker-client.ts", "use ask() of src/engines/api/engine.ts, or operate()"],
];

/** Node's functions that start a program without waiting for it. */
const STARTS = /^import \{[^}]*\b(spawn|exec|execFile|fork)\b[^}]*\} from "node:child_process"/m;
const STARTS_HOME = "src/descriptors/processes/child-process.ts";

const root = process.argv[2] ?? join(import.meta.dirname, "..");
const imports = new Map(sources().map((file) => [file, importsOf(file)]));
const problems = [...imports].flatMap(([file, found]) => found.flatMap((one) => complaint(file, one) ?? []));
problems.push(...starts(), ...circlesOfFiles(), ...circlesOfFolders(), ...onThePage());
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;

function sources() {
  const folders = ["src", "cli", "test", "bench", "examples", "scripts"].filter((name) => existsSync(join(root, name)));
  const files = folders.flatMap((name) =>
    readdirSync(join(root, name), { recursive: true }).map((at) => join(name, at)),
  );
  return files.filter((file) => /\.(tsx?|mjs)$/.test(file) && !file.includes("node_modules/"));
}

/**
 * Returns the modules that a file imports, including types: a path below the root, or a package.
 */
function importsOf(file) {
  const text = readFileSync(join(root, file), "utf8");
  const statement = /^(?:import|export)\b[^;"=]*?\bfrom "([^"]+)"|^import "([^"]+)"|\bimport\("([^"]+)"\)/gm;
  return Array.from(text.matchAll(statement), ([, ...groups]) => {
    const name = groups.find((group) => group !== undefined);
    return { name, path: name.startsWith(".") ? join(dirname(file), name) : undefined };
  });
}

function complaint(file, { name, path }) {
  const [, home, use] = PACKAGES.find(([known]) => name === known || name.startsWith(`${known}/`)) ?? [];
  if (home !== undefined && /^(src|cli)\//.test(file) && !file.startsWith(home))
    return `${file}: only ${home} loads ${name}: ${use}`;
  const [room, allowed, instead] = ROOMS.find(([prefix]) => file.startsWith(prefix)) ?? [];
  if (room === undefined || path === undefined || path.startsWith(room)) return undefined;
  const isAllowed = Array.isArray(allowed) ? allowed.some((prefix) => path.startsWith(prefix)) : allowed.test(path);
  return isAllowed ? undefined : `${file}: ${room} must not import ${path}: ${instead}`;
}

/** Returns the files that start programs in a way that may signal other processes. */
function starts() {
  return [...imports.keys()].flatMap((file) => {
    if (!/^(src|cli)\//.test(file) || file === STARTS_HOME) return [];
    const [, name] = STARTS.exec(readFileSync(join(root, file), "utf8")) ?? [];
    return name === undefined
      ? []
      : `${file}: only ${STARTS_HOME} imports ${name}: use spawnChild(), whose kill() is safe`;
  });
}

function circlesOfFiles() {
  const next = (file) => (imports.get(file) ?? []).flatMap(({ path }) => path ?? []);
  return circles(imports.keys(), next).map(
    (circle) => `circle of files: ${circle}: move what both use, often types only, into a file below both`,
  );
}

function circlesOfFolders() {
  const arrows = new Map();
  for (const [file, found] of imports) {
    // The library's entry, and the doors of rooms: only other rooms import them.
    if (!/^(src|cli)\//.test(file) || file.endsWith("/index.ts")) continue;
    const paths = found.flatMap(({ path }) => path ?? []);
    const from = folderOf(file);
    const others = paths.map(folderOf).filter((folder) => folder !== from);
    arrows.set(from, new Set([...(arrows.get(from) ?? []), ...others]));
  }
  return circles(arrows.keys(), (folder) => arrows.get(folder) ?? []).map(
    (circle) => `circle of folders: ${circle}: move what both use into a folder below both`,
  );
}

/** Returns the folder of a file. `src` has two files that belong to no room: each is a folder here. */
function folderOf(file) {
  return BELOW_ALL.includes(file) ? file : dirname(file);
}

/** Returns each circle once, found from its first node. */
function circles(nodes, next) {
  const state = new Map();
  const found = [];
  const visit = (node, path) => {
    if (state.get(node) === "done") return;
    if (state.get(node) === "open") {
      found.push([...path.slice(path.indexOf(node)), node].join(" -> "));
      return;
    }
    state.set(node, "open");
    for (const to of next(node)) visit(to, [...path, node]);
    state.set(node, "done");
  };
  for (const node of nodes) visit(node, []);
  return found;
}

/** Returns the rooms that docs/architecture.md does not name, and the files that it should not. */
function onThePage() {
  const page = join(root, "docs/architecture.md");
  if (!existsSync(page)) return [];
  const text = readFileSync(page, "utf8");
  const files = ["agent", "src", "cli", "scripts", "test"].flatMap((name) =>
    readdirSync(join(root, name), { recursive: true }).map((at) => `/${name}/${at}`),
  );
  const named = Array.from(text.matchAll(/`([\w./-]+\.(?:[cm]?[jt]s|tsx|c|h|sh))`/g), ([, file]) => file);
  const gone = named.filter((file) => !files.some((path) => path.endsWith(`/${file}`)));
  const rooms = new Set([...imports.keys()].filter((file) => /^(src|cli)\//.test(file)).map(dirname));
  const unnamed = [...rooms].filter((room) => !new RegExp(`\\b${basename(room)}(/|$)`, "m").test(text));
  return [
    ...gone.map((file) => `docs/architecture.md: there is no ${file}: name the file that took its place`),
    ...unnamed.map((room) => `docs/architecture.md does not name ${room}/: say there what happens in it`),
  ];
}
