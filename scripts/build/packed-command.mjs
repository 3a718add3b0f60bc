import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { runOnTerminal } from "./run-on-terminal.mjs";

/**
 * Joins the command's chunks into one file with a V8 compile cache. This starts a small cat a
 * seventh faster, and shows the first text of a screen a fifth earlier. porthole.js becomes the
 * loader (loader.cjs).
 */
export async function packCommand(folder, outputs) {
  const names = new Set();
  const add = (path) => {
    const name = path.split("/").at(-1);
    if (names.has(name) || !existsSync(`${folder}/${name}`)) return;
    names.add(name);
    for (const { path: next, external } of outputs[path].imports) if (!external) add(next);
  };
  add(`${folder}/porthole.js`);
  const table = [...names].map((name) => {
    const code = readFileSync(`${folder}/${name}`, "utf8").replace(/^#!.*/, "");
    return `${JSON.stringify(`./${name}`)}:${wrapped(code)}`;
  });
  const code = `({${table.join(",\n")}})`;
  writeFileSync(`${folder}/pack.js`, code);
  const ink = `(${wrapped(readFileSync(`${folder}/ink-pack.js`, "utf8"))})`;
  writeFileSync(`${folder}/ink-pack.js`, ink);
  // One hash, because a loader removes the caches that have another one.
  const hash = createHash("sha256").update(code).update(ink).digest("hex").slice(0, 16);
  const loader = (name) => readFileSync(new URL(name, import.meta.url), "utf8").replaceAll("PACK_HASH", hash);
  writeFileSync(`${folder}/porthole.js`, loader("loader.cjs"), { mode: 0o755 });
  writeFileSync(`${folder}/ink-surfaces.js`, loader("ink-loader.cjs"));
  await fillCaches(folder);
}

/** Returns a function expression that evaluates a CommonJS module. */
function wrapped(code) {
  return `function(exports,require,module,__filename,__dirname){${code}\n}`;
}

/**
 * Creates V8's caches for this version of Node, each by runs of a command on a container. The
 * container is a process of this build, which a stand-in for an engine reports. A user who may not
 * enter it gets the cache of a local cat. The viewer and commands whose own code costs 6 to 25 ms
 * of processor time have a cache each.
 */
async function fillCaches(folder) {
  const state = mkdtempSync(`${tmpdir()}/porthole-build-`);
  const stopEngine = await startEngine(`${state}/engine.sock`);
  const address = `unix://${state}/engine.sock`;
  const env = { ...process.env, XDG_STATE_HOME: state, XDG_CONFIG_HOME: state, DOCKER_HOST: address };
  const filling = { ...env, PORTHOLE_FILL_CACHE: "1" };
  const command = `${folder}/porthole.js`;
  const run = async (...args) => {
    const running = spawn(process.execPath, [command, ...args], { env: filling, stdio: "ignore" });
    const [status] = await once(running, "exit");
    return status;
  };
  const file = "build:/proc/version";
  // The second run uses the agent that the first one starts.
  if ((await run("cat", file)) !== 0 || (await run("cat", file)) !== 0) await run("cat", "/proc/version");
  await run("ls", "-l", "build:/proc/sys/kernel");
  // Follows until a process ends: it has ended.
  await run("tail", "-F", `--pid=${spawnSync("true").pid}`, file);
  await run("grep", "version", file, `build:${state}`);
  await run("__complete", "bash", "--", "porthole cat ", "");
  await run("__complete", "bash", "--", `porthole cat ${file}`, file);
  await run("with", `build:${state}`, file, "--", "true");
  // If no terminal is available, the user's first use of the viewer creates that cache.
  const open = [command, "open", `${folder}/pack.js`, "+G"];
  await runOnTerminal(open, { env: filling, keys: "Q" }).catch(() => undefined);
  const fillingInk = { ...env, PORTHOLE_FILL_INK_CACHE: "1" };
  await runOnTerminal(open, { env: fillingInk, keys: "Q", shown: "palette" }).catch(() => undefined);
  await once(
    spawn(process.execPath, [command, "detach", "--all", "--engine", "/nowhere"], { env, stdio: "ignore" }),
    "exit",
  );
  stopEngine();
  rmSync(state, { recursive: true, force: true });
}

/**
 * Starts a process as that of a container, and answers the requests of the runs above as its
 * engine. A parent with the container's id in its arguments identifies the process: see
 * isFirstProcess() in src/routes/kernel.ts.
 */
async function startEngine(socketPath) {
  const Id = "b".repeat(64);
  const shim = spawn("sh", ["-c", "sleep 600 & echo $!; wait", Id], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [pid] = await once(shim.stdout, "data");
  const State = { Running: true, Status: "running", Pid: Number(pid), StartedAt: new Date().toISOString() };
  const listed = { Id, Names: ["/build"], Image: "build", ImageID: Id, Labels: {}, State: "running", Status: "Up" };
  const answers = [
    [/\/containers\/json/, [listed]],
    [/\/containers\/(build|b{64})\/json/, { Id, Name: "/build", State }],
  ];
  const server = createServer(({ url }, response) => {
    const [, body] = answers.find(([path]) => path.test(url)) ?? [];
    response.writeHead(body === undefined ? 404 : 200, { "Content-Type": "application/json" });
    response.end(JSON.stringify(body ?? { message: "unknown to the build" }));
  });
  await once(server.listen(socketPath), "listening");
  return () => {
    server.close();
    process.kill(-shim.pid, "SIGKILL");
  };
}
