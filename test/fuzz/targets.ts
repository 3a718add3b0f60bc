import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { repository } from "../helpers/paths.ts";

const here = `${repository}test/fuzz/`;

/** The fuzz targets. Each is linked with these other sources of the agent. */
export const targets = {
  session: [
    "encode",
    "origin",
    "procfs",
    "consuming",
    "mounts",
    "device",
    "records",
    "fdpass",
    "log",
    "processes",
    "target",
    "confine",
  ],
  texts: [
    "layers",
    "procfs",
    "records",
    "fdpass",
    "confine",
    "filter",
    "tree",
    "attach",
    "run",
    "launch",
    "enclose",
    "join",
    "keep",
    "remote",
    "helper",
    "mountinfo",
  ],
} as const;
export type Target = keyof typeof targets;

/** Returns the kept inputs. Each reaches code that the others do not reach. */
export function corpus(target: Target): string[] {
  const folder = `${here}corpus/${target}`;
  return readdirSync(folder).map((name) => `${folder}/${name}`);
}

/**
 * Compiles a target with AddressSanitizer and UndefinedBehaviorSanitizer: with clang and libFuzzer,
 * or with cc as a program that runs the files in its arguments.
 * @returns the program's path
 */
export function compileTarget(target: Target, compiler: "clang" | "cc", directory: string): string {
  const product = `${directory}/fuzz-${target}-${compiler}`;
  const fuzzer = compiler === "clang" ? "fuzzer," : "";
  execFileSync(
    compiler,
    [
      ...["-std=gnu11", "-D_GNU_SOURCE", "-DPORTHOLE_SANITISED", '-DBUILD_NAME="fuzz"', "-g", "-O1"],
      ...[
        "-Wall",
        "-Wextra",
        "-Wno-unused-function",
        "-Werror",
        "-Wno-clobbered",
        "-Wno-nonnull",
        "-Wno-unknown-warning-option",
      ],
      ...[`-fsanitize=${fuzzer}address,undefined`, "-fno-sanitize-recover=all"],
      ...(compiler === "cc" ? ["-DSTANDALONE"] : []),
      ...["-o", product, `${here}${target}.c`, ...targets[target].map((name) => `${repository}agent/${name}.c`)],
    ],
    { stdio: ["ignore", "inherit", "inherit"] },
  );
  return product;
}

/**
 * Makes the file system for the targets: a root, and files like those of a process's directory in
 * /proc. It is in memory if possible.
 */
export function makeFuzzRoot(): { path: string; remove(): void } {
  const path = mkdtempSync("/dev/shm/porthole-fuzz-");
  for (const name of ["root/dir/sub", "process/fdinfo", "process/fd"])
    mkdirSync(`${path}/${name}`, { recursive: true });
  writeFileSync(`${path}/root/file`, "content\n");
  writeFileSync(`${path}/root/dir/a`, "");
  const links = { link: "file", loop: "loop", out: "../../../../etc/passwd" };
  for (const [name, to] of Object.entries(links)) symlinkSync(to, `${path}/root/${name}`);
  execFileSync("mkfifo", [`${path}/root/fifo`]);
  for (const name of ["cwd", "root", "fd/3"]) symlinkSync("/", `${path}/process/${name}`);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/**
 * Runs libFuzzer for a number of seconds, starting with the kept inputs.
 * @param found directory for new inputs, and for the input that ended the run
 * @returns its exit status and the end of its output
 */
export async function fuzz(
  program: string,
  target: Target,
  { seconds, found, root }: { seconds: number; found: string; root: string },
): Promise<{ status: number | null; said: string }> {
  const inputs = `${found}/${target}`;
  cpSync(`${here}corpus/${target}`, inputs, { recursive: true });
  const limits = [`-max_total_time=${seconds}`, "-max_len=2048", "-timeout=20", "-rss_limit_mb=1024", "-print_funcs=0"];
  const child = spawn(program, [...limits, `-artifact_prefix=${found}/${target}-`, inputs], {
    stdio: ["ignore", "ignore", "pipe"],
    // The leak check would attach to its own process, which a confined process forbids.
    env: { ...process.env, FUZZ_ROOT: root, ASAN_OPTIONS: "detect_leaks=0" },
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-20_000);
  });
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { status, said };
}
