import { mkdtempSync, writeFileSync } from "node:fs";
import { expect, inject, test } from "vitest";
import { describeWithDocker } from "../helpers/availability.ts";
import { type Container, container, engine, newVolume } from "../helpers/engine.ts";
import { user } from "../helpers/porthole.ts";

const docker = engine("docker");

const script = `
mkdir -p /srv/a/b /srv/.h; cd /srv; for i in 1 2 3; do echo line $i > a/$i.log; done; echo x > a/b/4.log; echo y > .h/5.log
ln -s a to-a; ln -s nowhere broken; mkfifo fifo; printf x > "$(printf 'new\\nline')"; chown 1000:7 a/1.log; chmod 4711 a/2.log
: > ready; exec sleep 1000000`;

describeWithDocker("ls, stat and find in a container", () => {
  test("print the same as the container's busybox", async () => {
    const someone = user({ engine: docker });
    const target = await container(docker, { script });
    await ready(target);
    const busybox = (...args: string[]) => inside(target, ["/bin/busybox", ...args]);
    for (const route of ["direct", "sidecar"]) {
      const ours = async (...args: string[]) => {
        const { code, stdout, stderr } = await someone.run([args[0] ?? "", "--route", route, ...args.slice(1)]);
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        return stdout.toString();
      };
      const names = await ours("ls", "-A", `${target.name}:/srv`);
      // busybox writes a question mark for an unprintable character.
      expect(names.replace("new\nline", "new?line")).toBe(
        await busybox("env", "LC_ALL=C", "/bin/busybox", "ls", "-1A", "/srv"),
      );
      const found = await ours("find", "--bare", `${target.name}:/srv`, "-name", "*.log");
      expect(found.split("\n").sort()).toEqual((await busybox("find", "/srv", "-name", "*.log")).split("\n").sort());
      // The fields are the same, but the column widths are GNU's.
      const fields = (text: string) => text.split("\n").map((line) => line.trim().split(/ +/));
      const long = await busybox("ls", "-ln", "/srv/a");
      expect(fields(await ours("ls", "-l", `${target.name}:/srv/a`))).toEqual(fields(long));
      expect(await ours("cat", `${target.name}:/srv/**/[1-4].log`)).toBe("line 1\nline 2\nline 3\nx\n");
    }
  });

  test("stat shows that a file is stored in a layer, a volume, a bind mount or memory", async () => {
    const someone = user({ engine: docker });
    const outside = mkdtempSync(`${inject("machine").directory}/bound-`);
    writeFileSync(`${outside}/f`, "bound");
    const volume = await newVolume(docker);
    const target = await container(docker, {
      steps: ["dir", "/layer", "write", "/layer/f", "x", "write", "/volume/f", "x", "write", "/memory/f", "x"],
      host: { Binds: [`${volume}:/volume`, `${outside}:/bound:ro`], Tmpfs: { "/memory": "" } },
    });
    for (const route of ["direct", "sidecar"]) {
      const backing = async (path: string) =>
        JSON.parse((await someone.run(["stat", "--route", route, "--json", `${target.name}:${path}`])).text).backing;
      expect(await backing("/layer/f")).toMatchObject({
        kind: "container layer",
        fileSystem: "overlay",
        mountPoint: "/",
      });
      expect(await backing("/volume/f")).toMatchObject({
        kind: "volume",
        volume,
        readOnly: false,
        mountPoint: "/volume",
      });
      expect(await backing("/bound/f")).toMatchObject({ kind: "bind", readOnly: true, mountPoint: "/bound" });
      expect((await backing("/bound/f")).root.endsWith(outside.split("/").at(-1))).toBe(true);
      expect(await backing("/memory/f")).toMatchObject({ kind: "memory", fileSystem: "tmpfs" });
      expect(await backing("/proc/1/stat")).toMatchObject({ kind: "kernel" });
    }
  });
});

async function inside({ handle }: Container, command: string[]): Promise<string> {
  const exec = await handle.exec({ Cmd: command, AttachStdout: true, Tty: false });
  const stream = await exec.start({});
  const out: Buffer[] = [];
  for await (const chunk of stream) out.push(chunk as Buffer);
  const framed = Buffer.concat(out);
  const pieces: Buffer[] = [];
  for (let at = 0; at + 8 <= framed.length; at += 8 + framed.readUInt32BE(at + 4))
    pieces.push(framed.subarray(at + 8, at + 8 + framed.readUInt32BE(at + 4)));
  return Buffer.concat(pieces).toString();
}

async function ready(target: Container): Promise<void> {
  const { waitFor } = await import("../helpers/wait-for.ts");
  await waitFor("the container's script", async () =>
    (await inside(target, ["/bin/busybox", "ls", "/srv"])).includes("ready"),
  );
}
