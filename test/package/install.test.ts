import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { buildSync } from "esbuild";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { NODES } from "../../scripts/nodes.mjs";
import { describeWith } from "../helpers/availability.ts";
import { repository } from "../helpers/paths.ts";
import { nodes, npmInstall, packed, type Tarball } from "./packed.ts";

describeWith(["registry", "bwrap", "musl", "arm64", "root"], "the package", () => {
  let tarball: Tarball;
  let programs: Record<string, string>;
  beforeAll(() => {
    tarball = packed();
    programs = nodes();
  });

  test("is small and contains the files that users need, and no development files", () => {
    expect(tarball.size).toBeLessThanOrEqual(3_000_000);
    const paths = tarball.files.map(({ path }) => path);
    const programsInside = [
      "dist/porthole.js",
      "dist/kubectl-porthole.js",
      "agent/prebuilt/x64/porthole-agent",
      "agent/prebuilt/arm64/porthole-agent",
    ];
    expect(paths).toEqual(
      expect.arrayContaining([
        ...programsInside,
        ...[
          "dist/porthole.1",
          "dist/completions/porthole",
          "dist/completions/_porthole",
          "dist/completions/porthole.fish",
        ],
        ...["dist/types/index.d.ts", "LICENSE", "README.md", "CHANGELOG.md", "dist/third-party-notices.txt"],
      ]),
    );
    const workshop = paths.filter((path) => /bench|strange|\.test\.|\.tsx?$/.test(path) && !path.endsWith(".d.ts"));
    expect(workshop.filter((path) => !path.startsWith("examples/"))).toEqual([]);
    const modes = tarball.files.filter(({ path }) => programsInside.includes(path)).map(({ mode }) => mode & 0o111);
    expect(modes).toEqual(modes.map(() => 0o111));
    expect(modes).toHaveLength(programsInside.length);
  });

  test("contains everything that its documents link to, except files of the repository", () => {
    const paths = tarball.files.map(({ path }) => path);
    const documents = ["README.md", "docs/api.md", "docs/performance.md", "docs/screen.md", "docs/with.md"];
    const links = documents.flatMap((name) =>
      [...readFileSync(`${repository}${name}`, "utf8").matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path]) =>
        join(dirname(name), path ?? ""),
      ),
    );
    expect(links).toContain("docs/pictures/containers-dark.svg");
    const missing = links.filter((link) => !paths.some((path) => path === link || path.startsWith(join(link, "/"))));
    expect([...new Set(missing)]).toEqual(["CONTRIBUTING.md"]);
  });

  describe.each(Object.keys(NODES))("installed on a machine with Node (%s) and no compiler", (name) => {
    const machine = () => new Machine(programs[name] as string, tarball.path);
    let installed: Machine;
    beforeAll(() => {
      installed = machine();
      const { status, output } = installed.run(
        "node",
        "/npm/bin/npm-cli.js",
        "install",
        "-g",
        "--prefix",
        "/opt",
        "/porthole.tgz",
      );
      expect([status, output]).toEqual([0, expect.stringMatching(/^added [1-3] packages/m)]);
    });

    test("has no package with an install script", () => {
      const packages = installed.manifests();
      expect(packages.map((each) => each.name)).toContain("porthole");
      for (const { name: of, scripts = {} } of packages)
        expect([of, Object.keys(scripts).filter((key) => /^(pre|post)?install$|^prepare$/.test(key))]).toEqual([
          of,
          [],
        ]);
    });

    test("runs the command, has its manual page, and an agent passes a descriptor", () => {
      expect(installed.run("porthole", "--version")).toMatchObject({ status: 0, output: `${version()}\n` });
      expect(installed.files().filter((file) => file.endsWith("man1/porthole.1"))).toHaveLength(1);
      // The target is the shell's own process, in this sandbox.
      const cat = installed.run("sh", "-c", "porthole cat --route direct --trace pid:$$:/etc/motd");
      expect(cat).toMatchObject({
        status: 0,
        output: expect.stringMatching(/route direct, new agent, .*\nwelcome\n$/s),
      });
    });

    test("uses a compile cache for this version of Node that only the user can write", () => {
      const caches = `${installed.home}/.cache/porthole`;
      const cat = () => {
        expect(installed.run("porthole", "cat", "/etc/motd")).toMatchObject({ status: 0, output: "welcome\n" });
      };
      cat();
      const names = readdirSync(caches);
      const version = `-v${NODES[name as keyof typeof NODES]}-`;
      expect(names.filter((cache) => !cache.includes(version))).toEqual([]);
      const cache = names.find((each) => each.includes("-pack-plain-"));
      const before = statSync(`${caches}/${cache}`);
      expect([before.mode & 0o777, statSync(caches).mode & 0o777]).toEqual([0o600, 0o700]);
      // A cache that others may write is not used, and the user's own cache replaces it.
      writeFileSync(`${caches}/${cache}`, "not code", { mode: 0o666 });
      chmodSync(`${caches}/${cache}`, 0o666);
      cat();
      expect(statSync(`${caches}/${cache}`)).toMatchObject({ mode: before.mode });
    });

    test("runs every command", () => {
      const commands = [...installed.run("porthole", "--help").output.matchAll(/^ {2}(\w[\w-]*) .* {2,}\S/gm)];
      expect(Object.keys(SMOKE).sort()).toEqual(commands.map(([, command]) => command).sort());
      const script = Object.entries(SMOKE).map(
        ([command, [args]]) => `> /root/${command}.out 2>&1 < /dev/null porthole ${command} ${args}
          echo $? > /root/${command}.status`,
      );
      expect(installed.run("sh", "-c", script.join("\n"))).toEqual({ status: 0, output: "" });
      const read = (name: string) => readFileSync(`${installed.home}/${name}`, "utf8");
      for (const [command, [, status, shows]] of Object.entries(SMOKE))
        expect([command, read(`${command}.status`), read(`${command}.out`)]).toEqual([
          ...[command, `${status}\n`, expect.stringMatching(shows)],
        ]);
    });
  });

  describe("a project that uses the library", () => {
    let project: string;
    beforeAll(() => {
      project = mkdtempSync(`${inject("machine").directory}/project-`);
      writeFileSync(`${project}/package.json`, '{ "name": "consumer", "private": true, "type": "module" }\n');
      npmInstall(project, tarball.path);
      mkdirSync(`${project}/node_modules/@types`);
      for (const name of ["@types/node", "undici-types"])
        symlinkSync(`${repository}node_modules/${name}`, `${project}/node_modules/${name}`);
      writeFileSync(`${project}/use.ts`, CONSUMER);
      writeFileSync(`${project}/required.cts`, REQUIRED);
      writeFileSync(
        `${project}/wrong.ts`,
        'import { connect } from "porthole";\nconst session: number = await connect(7);\n',
      );
      writeFileSync(`${project}/note`, "one\ntwo\n");
    });

    const compile = (resolution: string, ...files: string[]) => {
      // Omit --types: by default, TypeScript 6 includes no package's global types.
      const options = ["--strict", "--target", "es2023", "--module", resolution, "--noEmit"];
      const tsc = `${repository}node_modules/.bin/tsc`;
      const { stdout } = spawnSync(tsc, [...options, ...files], { cwd: project, encoding: "utf8" });
      return stdout;
    };

    test.each(["nodenext", "node20"])(
      "compiles with strict TypeScript and checked declarations, with --module %s",
      (resolution) => {
        expect(compile(resolution, "use.ts", "required.cts")).toBe("");
      },
    );

    test("compiles with the module resolution of a bundler", () => {
      expect(compile("esnext", "--moduleResolution", "bundler", "use.ts")).toBe("");
    });

    test("gets a type error for a wrong use", () => {
      const said = compile("nodenext", "wrong.ts");
      expect(said).toMatch(/Type 'Session' is not assignable to type 'number'/);
      expect(said).toMatch(/Argument of type 'number' is not assignable/);
    });

    test("can import and require every entry, with the names of its types", () => {
      const program = `
        import { createRequire } from "node:module";
        const require = createRequire(import.meta.url);
        const { exports } = require("porthole/package.json");
        for (const entry of Object.keys(exports).filter((entry) => entry !== "./package.json")) {
          const name = entry.replace(/^\\./, "porthole");
          const [imported, required] = [await import(name), require(name)];
          const names = Object.keys(required).filter((key) => imported[key] === required[key]);
          console.log(name, Object.keys(required).length > 0 && names.length === Object.keys(required).length);
        }`;
      const { stdout, stderr } = node("--input-type=module", "-e", program);
      expect([stdout, stderr]).toEqual(["porthole true\n", ""]);
    });

    test("prints an uncaught error with a short source line of the library", () => {
      const program = `import { connect } from "porthole"; await (await connect("/")).open("/nothing");`;
      const { stderr, status } = node("--input-type=module", "-e", program);
      expect([status, stderr]).toEqual([1, expect.stringContaining("/nothing: No such file or directory")]);
      expect(stderr.split("\n").filter((line) => line.length > 300)).toEqual([]);
    });

    test("opens, searches and passes a file", () => {
      const built = buildSync({ entryPoints: [`${project}/use.ts`], format: "esm", target: "node20", write: false });
      writeFileSync(`${project}/use.js`, built.outputFiles[0]?.contents ?? "");
      const { stdout, stderr, status } = node("use.js");
      expect([status, stderr, stdout]).toEqual([0, "", "2:two\n8\nFILE ENOENT\n"]);
    });

    function node(...args: string[]) {
      return spawnSync(process.execPath, args, { cwd: project, encoding: "utf8" });
    }
  });
});

const CONSUMER = `
import { connect, LineSplitter, listProcesses, PortholeError, type Session } from "porthole";

await using session: Session = await connect(process.cwd());
const file = await session.open(process.cwd() + "/note");
const lines = new LineSplitter(10);
let number = 0;
for await (const chunk of file.stream()) {
  for (const line of lines.push(chunk)) {
    number += 1;
    if (/two/.test(Buffer.from(line).toString())) process.stdout.write(number + ":" + Buffer.from(line).toString());
  }
}
console.log(file.size());
file.close();
try {
  await session.open(process.cwd() + "/nothing");
} catch (error) {
  if (!(error instanceof PortholeError)) throw error;
  console.log(error.code, error.errno);
}
export type Unused = typeof listProcesses;
`;

const REQUIRED = `
import porthole = require("porthole");
export const connecting: Promise<porthole.Session> = porthole.connect("web");
`;

/**
 * Arguments, exit status and output of each command on a machine without an engine. The target is
 * the shell's own process.
 */
const SMOKE: Record<string, [args: string, status: number, shows: RegExp]> = {
  cat: ["pid:$$:/etc/motd", 0, /^welcome\n$/],
  head: ["-c 3 pid:$$:/etc/motd", 0, /^wel$/],
  tail: ["-n 1 pid:$$:/etc/motd", 0, /^welcome\n$/],
  cp: ["pid:$$:/etc/motd /tmp/copy", 0, /^$/],
  ls: ["pid:$$:/etc", 0, /^motd$/m],
  stat: ["pid:$$:/etc/motd", 0, /\b8\b/],
  find: ["pid:$$:/etc -name motd", 0, /\/etc\/motd$/m],
  diff: ["web", 3, /^porthole: .*engine/],
  grep: ["-c wel pid:$$:/etc/motd", 0, /1$/m],
  hexdump: ["pid:$$:/etc/motd", 0, /77 65 6c 63/],
  open: ["pid:$$:/etc/motd", 2, /^porthole: open needs a terminal .*\n$/],
  browse: ["", 2, /^porthole: the screen needs a terminal .*\n$/],
  // The machine has no unshare(1).
  demo: ["", 4, /^porthole: .*\(install unshare\(1\) .*\n$/],
  ps: ["pid:$$", 0, /^ *PID USER/],
  with: ["pid:$$:/etc -- node -e 'console.log(fs.readdirSync(`.`).join())'", 0, /motd/],
  shell: ["pid:$$ -- node -e 'console.log(1)'", 0, /^1\n$/m],
  mount: ["pid:$$:/etc $(node -p 'fs.mkdirSync(`/tmp/mounted`, { recursive: true })')", 0, /^$/],
  umount: ["/tmp/mounted", 0, /^$/],
  doctor: ["", 0, /^ok +agent program/m],
  completion: ["bash", 0, /complete/],
  agents: ["", 0, /^TARGET .*\npid:/],
  detach: ["--all", 0, /^$/],
  "docker-args": ["", 0, /^--volume /],
  image: ["> /dev/null", 0, /^$/],
  help: ["cat", 0, /^Usage: porthole cat/],
};

/**
 * A root directory with only Node, npm, a shell and their libraries. bubblewrap runs programs in
 * it, with the host's network.
 */
class Machine {
  readonly prefix: string;
  readonly home: string;
  readonly #mounts: string[];

  constructor(node: string, tarball: string) {
    const directory = mkdtempSync(`${inject("machine").directory}/machine-`);
    this.prefix = `${directory}/opt`;
    this.home = `${directory}/home`;
    for (const folder of [this.prefix, this.home]) mkdirSync(folder);
    const npm = dirname(dirname(realpathSync(which("npm"))));
    const sh = realpathSync("/bin/sh");
    const libraries = [node, sh, "/usr/bin/env"].flatMap((program) =>
      (spawnSync("ldd", [program], { encoding: "utf8" }).stdout.match(/\/\S+/g) ?? []).filter(
        (path) => path !== `${program}:`,
      ),
    );
    const certificates = "/etc/ssl/certs/ca-certificates.crt";
    const networking = ["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", certificates, "/usr/etc/npmrc"];
    const resolvers = ["libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2"].map(
      (name) => `/lib/x86_64-linux-gnu/${name}`,
    );
    const bind = (from: string, to = from) => (existsSync(from) ? ["--ro-bind", realpathSync(from), to] : []);
    this.#mounts = [
      ...["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"],
      ...[...new Set([...libraries, ...networking, ...resolvers])].flatMap((path) => bind(path)),
      ...bind(node, "/bin/node"),
      ...bind(sh, "/bin/sh"),
      ...bind("/usr/bin/env"),
      ...bind(npm, "/npm"),
      ...bind(tarball, "/porthole.tgz"),
      ...bind(motd(directory), "/etc/motd"),
      ...["--bind", this.prefix, "/opt", "--bind", this.home, "/root"],
    ];
  }

  run(...command: string[]): { status: number | null; output: string } {
    const environment = {
      PATH: "/opt/bin:/bin",
      HOME: "/root",
      NODE_EXTRA_CA_CERTS: "/etc/ssl/certs/ca-certificates.crt",
    };
    const { status, stdout, stderr } = spawnSync(
      "bwrap",
      [
        ...["--unshare-pid", "--die-with-parent", "--clearenv", "--cap-add", "ALL"],
        ...Object.entries(environment).flatMap(([key, value]) => ["--setenv", key, value]),
        ...[...this.#mounts, "--chdir", "/", "--", ...command],
      ],
      { encoding: "utf8" },
    );
    return { status, output: stderr + stdout };
  }

  /** Returns package.json of every package below the prefix. */
  manifests(): { name: string; scripts?: Record<string, string> }[] {
    return this.files()
      .filter((file) => /node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/.test(file))
      .map((file) => JSON.parse(readFileSync(`${this.prefix}/${file}`, "utf8")));
  }

  files(): string[] {
    return readdirSync(this.prefix, { recursive: true, encoding: "utf8" });
  }
}
function motd(directory: string): string {
  const path = `${directory}/motd`;
  writeFileSync(path, "welcome\n");
  return path;
}

function version(): string {
  return JSON.parse(readFileSync(`${repository}package.json`, "utf8")).version;
}

function which(name: string): string {
  return spawnSync("sh", ["-c", 'command -v "$0"', name], { encoding: "utf8" }).stdout.trim();
}
