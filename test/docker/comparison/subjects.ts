import { mkdtempSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { inject } from "vitest";
import {
  type Container,
  type ContainerOptions,
  container,
  type Engine,
  firstProcess,
  image,
} from "../../helpers/engine.ts";
import { workloadReady } from "../../helpers/processes.ts";
import type { TarEntry } from "../../helpers/tar.ts";

/** A container on which the tests try the tools. */
export interface Subject {
  engine: Engine;
  container: Container;
  /** Pid of its first process on the host. */
  pid: number;
  /** The options that it was created with. */
  options: ContainerOptions;
  /** An image of the same engine with a shell, cat and tail. */
  toolkit: string;
}

/**
 * The containers of one engine. One is from an image with only its program, the other from an image
 * with a shell, cat and tail.
 */
export interface Subjects {
  bare: Subject;
  tooled: Subject;
  /** The same two, read-only, not root, without a capability. */
  sealedBare: Subject;
  sealedTooled: Subject;
}

/** Contents of the files that the rows read. */
export const texts = {
  "/data/greeting": "hello from the image",
  "/log/app.log": "began",
  "/cache/state.log": "kept in memory",
  "/volume/kept.log": "kept in a volume",
  "/log/gone.log": "gone and open",
} as const;

/** A container has this device only by option. runc permits /dev/net/tun for all containers. */
export const DEVICE = "/dev/loop-control";

const FILES: TarEntry[] = [
  ...["log", "data", "bin"].map((name): TarEntry => ({ name, type: "directory" })),
  { name: "data/greeting", content: `${texts["/data/greeting"]}\n` },
  // The script's text and its output differ, so that reading it is distinguishable from running it.
  { name: "bin/mark", content: "#!/bin/sh\necho inside $((40 + 2))\n", mode: 0o755 },
];
const STEPS = [
  ...["write", "/log/app.log", texts["/log/app.log"], "write", "/cache/state.log", texts["/cache/state.log"]],
  ...["write", "/log/gone.log", texts["/log/gone.log"], "hold", "/log/gone.log", "remove", "/log/gone.log"],
];

/** Starts the containers; they are removed at the end of the test file. */
export async function subjects(engine: Engine): Promise<Subjects> {
  const directory = mkdtempSync(`${inject("machine").directory}/volume-`);
  writeFileSync(`${directory}/kept.log`, `${texts["/volume/kept.log"]}\n`);
  const device = { PathOnHost: DEVICE, PathInContainer: DEVICE, CgroupPermissions: "rwm" };
  const open = { steps: STEPS, host: { Binds: [`${directory}:/volume`], Tmpfs: { "/cache": "" }, Devices: [device] } };
  const sealed = { user: "1000", host: { ReadonlyRootfs: true, CapDrop: ["ALL"] } };
  return {
    bare: await subject(engine, "bare", open),
    tooled: await subject(engine, "tooled", open),
    sealedBare: await subject(engine, "bare", sealed),
    sealedTooled: await subject(engine, "tooled", sealed),
  };
}

/**
 * Starts a container that a rootless engine can start: without the volume, the tmpfs and the
 * device.
 */
export async function plainSubject(engine: Engine): Promise<Subject> {
  return subject(engine, "tooled", {});
}

async function subject(engine: Engine, from: "bare" | "tooled", options: ContainerOptions): Promise<Subject> {
  const toolkit = await image(engine, [...FILES, ...tools()]);
  const made = { image: from === "tooled" ? toolkit : await image(engine, FILES), ...options };
  const started = await container(engine, made);
  return { engine, container: started, pid: started.pid, options: made, toolkit };
}

/** Restarts a container, and waits until its program has repeated its steps. */
export async function restart(subject: Subject): Promise<void> {
  await subject.container.handle.restart({ t: 1 });
  await ready(subject);
}

/** Removes a container, and starts another with the same name and options. */
export async function makeAnew(subject: Subject): Promise<void> {
  const { name, handle } = subject.container;
  // Otherwise Podman would wait for its end.
  await handle.kill();
  await subject.container.remove();
  subject.container = await container(subject.engine, { ...subject.options, name });
  subject.pid = subject.container.pid;
}

/** Waits for a restarted container, which now has another process. */
export async function ready(subject: Subject): Promise<void> {
  subject.pid = await firstProcess(subject.container.handle);
  await workloadReady(subject.pid);
}

/** Returns the container's path of the deleted file that its first process has open. */
export function heldPath({ pid }: Subject): string {
  const folder = `/proc/${pid}/fd`;
  const found = readdirSync(folder).find((fd) => readlinkSync(`${folder}/${fd}`).startsWith("/log/gone.log"));
  if (found === undefined) throw new Error("the program does not hold /log/gone.log");
  return `/proc/1/fd/${found}`;
}

function tools(): TarEntry[] {
  const links = ["sh", "cat", "tail", "ln", "chroot"].map(
    (name): TarEntry => ({ name: `bin/${name}`, type: "symlink", target: "busybox" }),
  );
  return [{ name: "bin/busybox", content: readFileSync("/bin/busybox"), mode: 0o755 }, ...links];
}
