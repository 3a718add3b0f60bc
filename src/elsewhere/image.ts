import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { dirname } from "node:path";
import { PortholeError } from "../errors.ts";
import { type TarMember, tarEnd, tarHeader, tarPadding } from "../routes/agents/tar.ts";
import { COMMAND_IN_IMAGE, type InstalledFile, NODE_IN_IMAGE, RIPGREP_IN_IMAGE } from "./installation.ts";

/**
 * An image of the installation in the format that `docker save` writes and that Docker, Podman and
 * containerd read. Equal files give equal bytes.
 */
export interface InstallationImage {
  /** SHA-256 of the image's configuration, in hexadecimal. Docker's own store uses it as the id. */
  id: string;
  /** Size of {@link imagePieces} in bytes. */
  size: number;
  files: readonly InstalledFile[];
  configuration: Buffer;
}

/**
 * Reads every file once to compute the id.
 * @throws PortholeError FILE if a file cannot be read
 */
export function describeImage(files: readonly InstalledFile[], version: string): InstallationImage {
  const layer = createHash("sha256");
  for (const piece of layerPieces(files)) layer.update(piece);
  const configuration = Buffer.from(JSON.stringify(configurationOf(layer.digest("hex"), version)));
  const id = createHash("sha256").update(configuration).digest("hex");
  const parts = [layerSize(files), configuration.length, manifest("").length + MAX_TAG];
  const size = parts.reduce((sum, part) => sum + 512 + part + tarPadding(part).length, tarEnd().length);
  return { id, size, files, configuration };
}

/** Maximum length of an image name in bytes. */
const MAX_TAG = 255;

/**
 * The image as a tar archive, in pieces of up to 1 MiB. The next piece reuses the buffer of the
 * previous one.
 * @throws PortholeError FILE if a file has changed since {@link describeImage}
 */
export function* imagePieces(image: InstallationImage, tag: string): Generator<Buffer, void, void> {
  const size = layerSize(image.files);
  yield tarHeader({ name: LAYER, mode: 0o644, kind: "file", size });
  yield* layerPieces(image.files);
  yield tarPadding(size);
  // Padding with spaces makes the archive's size independent of the name.
  yield* wholeFile(MANIFEST, Buffer.from(manifest(tag).padEnd(manifest("").length + MAX_TAG)));
  yield* wholeFile(CONFIGURATION, image.configuration);
  yield tarEnd();
}

const [LAYER, CONFIGURATION, MANIFEST] = ["layer.tar", "config.json", "manifest.json"];

function manifest(tag: string): string {
  return JSON.stringify([{ Config: CONFIGURATION, RepoTags: [tag], Layers: [LAYER] }]);
}

function configurationOf(layer: string, version: string): object {
  return {
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    created: "1970-01-01T00:00:00Z",
    config: {
      Entrypoint: [NODE_IN_IMAGE, COMMAND_IN_IMAGE],
      Env: ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/root", "LANG=C.UTF-8"],
      WorkingDir: "/",
      Labels: { "org.opencontainers.image.title": "porthole", "org.opencontainers.image.version": version },
    },
    rootfs: { type: "layers", diff_ids: [`sha256:${layer}`] },
    history: [{ created: "1970-01-01T00:00:00Z", created_by: "porthole image" }],
  };
}

/**
 * Members besides the installed files: directories for writing, the default directory of sockets,
 * and ripgrep in PATH, for `with`.
 */
const EXTRAS: readonly TarMember[] = [
  { name: "root/", mode: 0o700, kind: "directory" },
  { name: "run/", mode: 0o755, kind: "directory" },
  { name: "tmp/", mode: 0o1777, kind: "directory" },
  { name: "var/", mode: 0o755, kind: "directory" },
  { name: "usr/local/bin/rg", mode: 0o777, kind: "link", to: RIPGREP_IN_IMAGE },
  { name: "var/run", mode: 0o777, kind: "link", to: "../run" },
];

function* layerPieces(files: readonly InstalledFile[]): Generator<Buffer, void, void> {
  for (const member of directoriesOf(files)) yield tarHeader(member);
  for (const member of EXTRAS) yield tarHeader(member);
  const scratch = Buffer.allocUnsafe(1024 * 1024);
  for (const file of files) {
    yield tarHeader({ name: file.path.slice(1), mode: file.mode, kind: "file", size: file.size });
    yield* contentOf(file, scratch);
    yield tarPadding(file.size);
  }
  yield tarEnd();
}

function layerSize(files: readonly InstalledFile[]): number {
  const headers = directoriesOf(files).length + EXTRAS.length + files.length;
  const contents = files.reduce((sum, { size }) => sum + size + tarPadding(size).length, 0);
  return headers * 512 + contents + tarEnd().length;
}

/** The directories above the files, parents first. */
function directoriesOf(files: readonly InstalledFile[]): TarMember[] {
  const paths = new Set<string>();
  for (const { path } of files) for (let at = dirname(path); at !== "/"; at = dirname(at)) paths.add(at);
  return [...paths].sort().map((path) => ({ name: `${path.slice(1)}/`, mode: 0o755, kind: "directory" }));
}

function* contentOf({ source, size }: InstalledFile, scratch: Buffer): Generator<Buffer, void, void> {
  const fd = openSync(source, "r");
  try {
    let left = size;
    for (;;) {
      const length = readSync(fd, scratch, 0, scratch.length, null);
      left -= length;
      if (left < 0 || (length === 0 && left > 0)) throw changed(source);
      if (length === 0) return;
      yield scratch.subarray(0, length);
    }
  } finally {
    closeSync(fd);
  }
}

function changed(source: string): PortholeError {
  return new PortholeError("FILE", `${source} changed while it was read`, { hint: "run the command again" });
}

function* wholeFile(name: string, content: Buffer): Generator<Buffer, void, void> {
  yield tarHeader({ name, mode: 0o644, kind: "file", size: content.length });
  yield content;
  yield tarPadding(content.length);
}
