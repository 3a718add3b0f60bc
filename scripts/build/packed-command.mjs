import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { transformSync } from "esbuild";
import { runOnTerminal } from "./run-on-terminal.mjs";

/**
 * Joins the command's chunks into packs with V8's compile caches (docs/decisions.md). porthole.js
 * becomes the loader (loader.cjs). The kinds of commands with much code of their own have a pack
 * each: the modules that a run of the command loads.
 */
export async function packCommand(folder, outputs, version) {
  const modules = modulesOf(folder, outputs);
  const inkPack = `${folder}/ink-pack.js`;
  writeFileSync(inkPack, `(${wrapped(readFileSync(inkPack, "utf8"))})`);
  const packs = [`${folder}/pack.js`];
  const writePack = (file, names) =>
    writeFileSync(file, `({${names.map((name) => `${JSON.stringify(name)}:${modules.get(name)}`).join(",\n")}})`);
  const all = [...modules.keys()];
  writePack(packs[0], all);
  writeLoaders(folder, version, "");
  const stage = await setStage();
  await runKinds(folder, { ...stage.env, PORTHOLE_RECORD_MODULES: "1" });
  const recorded = readdirSync(folder).filter((name) => name.endsWith(".modules"));
  const modulesIn = (file) => readFileSync(`${folder}/${file}`, "utf8").split("\n");
  for (const file of recorded) {
    const kind = file.replace(".modules", "");
    // Only a cat without options starts an agent here.
    const loaded = new Set([file, ...(kind === "cat" ? ["plain.modules"] : [])].flatMap(modulesIn));
    // The viewer is read after the first page.
    if (kind === "open" && recorded.includes("local.modules"))
      for (const name of modulesIn("local.modules")) loaded.delete(name);
    packs.push(`${folder}/pack-${kind}.js`);
    writePack(
      packs.at(-1),
      all.filter((name) => loaded.has(name)),
    );
    // Each command without a pack of its own reads that of cat first.
    if (kind === "cat")
      writePack(
        packs[0],
        all.filter((name) => !loaded.has(name)),
      );
  }
  for (const file of recorded) rmSync(`${folder}/${file}`);
  // One hash, because a loader removes the caches that have another one.
  const hash = createHash("sha256");
  for (const file of [...packs.sort(), inkPack]) hash.update(readFileSync(file));
  writeLoaders(folder, version, hash.digest("hex").slice(0, 16));
  await runKinds(folder, { ...stage.env, PORTHOLE_FILL_CACHE: "1" });
  await stage.close(folder);
}

/** Maps the name of each chunk that the command may load to a function that evaluates it. */
function modulesOf(folder, outputs) {
  const modules = new Map();
  const add = (path) => {
    const name = path.split("/").at(-1);
    if (modules.has(`./${name}`) || !existsSync(`${folder}/${name}`)) return;
    modules.set(`./${name}`, wrapped(readFileSync(`${folder}/${name}`, "utf8").replace(/^#!.*/, "")));
    for (const { path: next, external } of outputs[path].imports) if (!external) add(next);
  };
  add(`${folder}/porthole.js`);
  return modules;
}

/** Returns a function expression that evaluates a CommonJS module. */
function wrapped(code) {
  return `function(exports,require,module,__filename,__dirname){${code}\n}`;
}

function writeLoaders(folder, version, hash) {
  const loader = (name) => {
    const code = readFileSync(new URL(name, import.meta.url), "utf8");
    const filled = code.replaceAll("PACK_HASH", hash).replaceAll("PORTHOLE_VERSION", version);
    // V8 has no cache of the loader, so each start parses it.
    return transformSync(filled, { minify: true, format: "cjs", platform: "node", target: "node20.19" }).code;
  };
  writeFileSync(`${folder}/porthole.js`, loader("loader.cjs"), { mode: 0o755 });
  writeFileSync(`${folder}/ink-surfaces.js`, loader("ink-loader.cjs"));
}

/**
 * Starts what the runs need: a container, which is a process of this build, and a stand-in for the
 * engine that reports it. A user who may not enter it gets the pack and the cache of a local cat.
 */
async function setStage() {
  const state = mkdtempSync(`${tmpdir()}/porthole-build-`);
  mkdirSync(`${state}/searched`);
  mkdirSync(`${state}/bin`);
  writeFileSync(`${state}/bin/ssh`, "#!/bin/sh\nexit 255\n", { mode: 0o755 });
  writeFileSync(`${state}/searched/plain`, "version\n");
  writeFileSync(`${state}/searched/coloured`, "\x1b[1mversion\x1b[0m\n");
  const stopEngine = await startEngine(`${state}/engine.sock`);
  const address = `unix://${state}/engine.sock`;
  const env = { ...process.env, XDG_STATE_HOME: state, XDG_CONFIG_HOME: state, DOCKER_HOST: address };
  return {
    env,
    async close(folder) {
      const detach = [`${folder}/porthole.js`, "detach", "--all", "--engine", "/nowhere"];
      await once(spawn(process.execPath, detach, { env, stdio: "ignore" }), "exit");
      stopEngine();
      rmSync(state, { recursive: true, force: true });
    },
  };
}

/**
 * Runs a command of each kind on the container, so that the loader records its modules or fills its
 * cache. A later run adds its functions to the cache.
 */
async function runKinds(folder, env) {
  const command = `${folder}/porthole.js`;
  const runWith = async (variables, ...args) => {
    const running = spawn(process.execPath, [command, ...args], { env: { ...env, ...variables }, stdio: "ignore" });
    const [status] = await once(running, "exit");
    return status;
  };
  const run = (...args) => runWith({}, ...args);
  const file = "build:/proc/version";
  // The first run of all starts the agent that the others use.
  const isEntered = (await run("cat", file)) === 0 && (await run("cat", file)) === 0;
  if (!isEntered) await run("cat", "/proc/version");
  await run("cat", "--idle=60", isEntered ? file : "/proc/version");
  // Any command without a pack of its own.
  if (env.PORTHOLE_FILL_CACHE) await run("stat", file);
  // An engine on another machine: this ssh does not reach it.
  const far = { DOCKER_HOST: "ssh://build", PATH: `${env.XDG_STATE_HOME}/bin:${env.PATH}` };
  for (const line of [["cat", file], ["open", file], []]) await runWith(far, ...line);
  await run("ls", "-l", "build:/proc/sys/kernel");
  // Follows until a process ends: it has ended.
  await run("tail", "-F", `--pid=${spawnSync("true").pid}`, file);
  // Searches on a tree, then by links, because a matching line has colours.
  await run("grep", "version", `build:${env.XDG_STATE_HOME}/searched`);
  await run("__complete", "bash", "--", `porthole cat ${file}`, file);
  await run("__complete", "bash", "--", "porthole cat ", "");
  await run("__complete", "bash", "--", `porthole cat --idle 60 ${file}`, file);
  await run("__complete", "bash", "--", "porthole cat --", "--");
  await run("with", `build:${env.XDG_STATE_HOME}`, file, "--", "true");
  await run("cp", "-f", file, `${env.XDG_STATE_HOME}/copy`);
  // If no terminal is available, the user's first use of the viewer creates that cache.
  const open = [command, "open", `${folder}/pack.js`, "+G"];
  // Without an engine in the environment, a file of this machine needs none of its modules.
  const here = { ...env, DOCKER_HOST: undefined };
  await runOnTerminal(open, { env: here, keys: "Q" }).catch(() => undefined);
  await runOnTerminal([command, "open", `build:${env.XDG_STATE_HOME}/searched/plain`], { env, keys: "Q" }).catch(
    () => undefined,
  );
  await runOnTerminal([command], { env, keys: "Q", shown: "build" }).catch(() => undefined);
  const inkEnv = { ...here, PORTHOLE_FILL_CACHE: undefined, PORTHOLE_FILL_INK_CACHE: env.PORTHOLE_FILL_CACHE };
  await runOnTerminal(open, { env: inkEnv, keys: "Q", shown: "palette" }).catch(() => undefined);
}

/**
 * Starts a process as that of a container, and answers the requests of the runs above as its
 * engine. A parent with the container's id in its arguments identifies the process: see
 * isFirstProcess() in src/routes/agents/kernel.ts.
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
    [/\/(events|version)/, {}],
    [/\/containers\/json/, [listed]],
    [/\/containers\/(build|b{64})\/json/, { Id, Name: "/build", State }],
  ];
  const server = createServer(({ url }, response) => {
    const [, body] = answers.find(([path]) => path.test(url)) ?? [];
    response.writeHead(body === undefined ? 404 : 200, { "Content-Type": "application/json" });
    // The end of the events would be the end of the engine.
    if (url.startsWith("/events")) response.flushHeaders();
    else response.end(JSON.stringify(body ?? { message: "unknown to the build" }));
  });
  await once(server.listen(socketPath), "listening");
  return () => {
    server.close().closeAllConnections();
    process.kill(-shim.pid, "SIGKILL");
  };
}
