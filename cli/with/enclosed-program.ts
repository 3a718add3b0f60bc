import { spawnSync } from "node:child_process";
import { accessSync, closeSync, constants, openSync, readSync, realpathSync, statSync } from "node:fs";
import { constants as numbers } from "node:os";
import { basename, delimiter, join } from "node:path";
import { errnoText } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { CannotRun } from "./run-tool.ts";

/**
 * A program of this machine that runs in a container's root directory: its files, and how to start
 * it.
 */
export interface EnclosedProgram {
  /** Its files on this machine, and their names in {@link PROGRAM_DIRECTORY}. */
  files: { path: string; as: string }[];
  /** The words that start the program, before its arguments. */
  args: string[];
}

/** The directory of the program in the container's root. Only the command sees it. */
const PROGRAM_DIRECTORY = "/.porthole";

/**
 * Finds a program and the files that the kernel and its dynamic loader need to start it. Nothing
 * else of this machine appears in the root directory.
 * @throws CannotRun with ENOENT or EACCES; PortholeError USAGE for a script
 */
export function enclosedProgram(command: string): EnclosedProgram {
  const path = realpathSync(findProgram(command));
  const name = basename(command).replace(/^\.+/, "") || "program";
  const program = { path, as: `run-${name}` };
  const interpreter = interpreterOf(path);
  if (interpreter === undefined) return { files: [{ path, as: name }], args: [`${PROGRAM_DIRECTORY}/${name}`] };
  const isMusl = basename(interpreter).startsWith("ld-musl");
  const libraries = librariesOf(interpreter, path);
  const loader = { path: realpathSync(interpreter), as: "loader" };
  return {
    files: [program, loader, ...libraries.map((library) => ({ path: realpathSync(library), as: basename(library) }))],
    // Keeps the loader from using the container's cache or libraries.
    args: [
      ...[`${PROGRAM_DIRECTORY}/loader`, ...(isMusl ? [] : ["--inhibit-cache"]), "--library-path", PROGRAM_DIRECTORY],
      ...["--argv0", command, `${PROGRAM_DIRECTORY}/${program.as}`],
    ],
  };
}

/** Finds a program as execvp(3) does. */
function findProgram(command: string): string {
  const candidates = command.includes("/")
    ? [command]
    : (process.env.PATH ?? "").split(delimiter).map((directory) => join(directory || ".", command));
  let errno: "ENOENT" | "EACCES" = "ENOENT";
  for (const candidate of candidates) {
    try {
      accessSync(candidate, constants.X_OK);
      if (statSync(candidate).isFile()) return candidate;
      errno = "EACCES";
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EACCES") errno = "EACCES";
    }
  }
  throw new CannotRun("FILE", `cannot run '${command}': ${errnoText(numbers.errno[errno])}`, { errno });
}

/** ELF types, and offsets of the fields that are read (elf(5)). */
const ELF_MAGIC = "\x7fELF";
const PT_INTERP = 3;

/**
 * Returns the path in the segment PT_INTERP of an ELF file (elf(5)); undefined for a static
 * program.
 * @throws PortholeError USAGE if it is not a 64-bit ELF file, such as a script
 */
function interpreterOf(path: string): string | undefined {
  const fd = openSync(path, "r");
  try {
    const read = (position: number, length: number) => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(fd, bytes, 0, length, position));
    };
    const header = read(0, 64);
    if (header.length < 64 || header.toString("latin1", 0, 4) !== ELF_MAGIC || header[4] !== 2)
      throw notEnclosable(path);
    const [size, count] = [header.readUInt16LE(54), header.readUInt16LE(56)];
    const table = read(Number(header.readBigUInt64LE(32)), size * count);
    for (let at = 0; at + size <= table.length && size >= 56; at += size)
      if (table.readUInt32LE(at) === PT_INTERP) {
        const [offset, length] = [table.readBigUInt64LE(at + 8), table.readBigUInt64LE(at + 32)];
        return read(Number(offset), Math.min(Number(length), 4096))
          .toString("latin1")
          .replace(/\0.*$/s, "");
      }
    return undefined;
  } finally {
    closeSync(fd);
  }
}

function notEnclosable(path: string): PortholeError {
  return new PortholeError(
    "USAGE",
    `cannot run ${path} with --follow-links: it is a script, and its interpreter would be searched for in the container`,
    {
      hint: "run the interpreter on a copy of the script, or leave out --follow-links",
    },
  );
}

/**
 * Returns the libraries that the loader maps for a program, by the paths at which it finds them.
 */
function librariesOf(interpreter: string, path: string): string[] {
  const { status, stdout, stderr } = spawnSync(interpreter, ["--list", path], { encoding: "utf8" });
  if (status !== 0 || /not found/.test(stdout))
    throw new PortholeError(
      "FILE",
      `cannot find the libraries of ${path}: ${(stderr || stdout).trim().split("\n")[0] ?? ""}`,
    );
  return [...stdout.matchAll(/=> (\/\S.*) \(0x[0-9a-f]+\)$/gm)].map(([, library = ""]) => library);
}
