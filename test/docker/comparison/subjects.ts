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

/** A container that is looked into. */
export interface Subject {
  engine: Engine;
  container: Container;
  /** Of its first process, as the host sees it. */
  pid: number;
  /** What it was made of. */
  options: ContainerOptions;
  /** An image of the same engine with a shell, cat and tail. */
  toolkit: string;
}

/**
 * The containers of one engine: from an image with nothing but its program, and from one with a
 * shell, cat and tail.
 */
export interface Subjects {
  bare: Subject;
  tooled: Subject;
  /** The same two, read-only, not root, without a capability. */
  sealedBare: Subject;
  sealedTooled: Subject;
}

/** What the files hold that the rows look for. */
export const texts = {
  "/data/greeting": "hello from the image",
  "/log/app.log": "began",
  "/cache/state.log": "kept in memory",
  "/volume/kept.log": "kept in a volume",
  "/log/gone.log": "gone and open",
} as const;

/** A device that no container has unless it is given; runc allows /dev/net/tun to all. */
export const DEVICE = "/dev/loop-control";

const FILES: TarEntry[] = [
  ...["log", "data", "bin"].map((name): TarEntry => ({ name, type: "directory" })),
  { name: "data/greeting", content: `${texts["/data/greeting"]}\n` },
  // Its text and what it prints differ: whoever reads it has not run it.
  { name: "bin/mark", content: "#!/bin/sh\necho inside $((40 + 2))\n", mode: 0o755 },
];
const STEPS = [
  ...["write", "/log/app.log", texts["/log/app.log"], "write", "/cache/state.log", texts["/cache/state.log"]],
  ...["write", "/log/gone.log", texts["/log/gone.log"], "hold", "/log/gone.log", "remove", "/log/gone.log"],
];

/** Starts them; they are removed at the end of the test file. */
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
 * One, as an engine of a user who is not root can start it: without the volume, the tmpfs and the
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

/** Restarts it, and waits until its program has done its steps again. */
export async function restart(subject: Subject): Promise<void> {
  await subject.container.handle.restart({ t: 1 });
  await ready(subject);
}

/** Removes it, and starts another one of its name and options. */
export async function makeAnew(subject: Subject): Promise<void> {
  const { name, handle } = subject.container;
  // Or Podman waits for it to end by itself, mounted as it may be.
  await handle.kill();
  await subject.container.remove();
  subject.container = await container(subject.engine, { ...subject.options, name });
  subject.pid = subject.container.pid;
}

/** Waits for a container that was started again, whose process is another one now. */
export async function ready(subject: Subject): Promise<void> {
  subject.pid = await firstProcess(subject.container.handle);
  await workloadReady(subject.pid);
}

/** The container's path of the deleted file that its first process has open. */
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
