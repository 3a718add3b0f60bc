import type Docker from "dockerode";
import { beforeAll, describe, expect, test } from "vitest";
import { describeWithDocker } from "../helpers/availability.ts";
import { type Container, container, engine, image, logs, startInside } from "../helpers/engine.ts";
import { mountBinds, type User, user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";

const docker = engine("docker");

/** Prints numbered lines until SIGUSR1 arrives. Has links to its own output and root. */
const PRINTER = `
trap 'stop=1' USR1
cd /tmp
ln -s /dev/stdout access.log; ln -s /dev/fd/2 error.log; ln -s /proc/1/fd/1 first.log; ln -s /proc/1/root all
echo content > file; mkfifo fifo; umask 077; echo mine > private
i=0
while [ -z "$stop" ]; do i=$((i+1)); echo "line $i"; usleep 1000; done
echo end
exec sleep 1000`;

describeWithDocker("a container that prints", () => {
  describe.each(["direct", "sidecar"])("over route %s", (route) => {
    let someone: User;
    let target: Container;
    const at = (path: string) => `${target.name}:${path}`;
    const run = (command: string, ...args: string[]) => someone.run([command, "--route", route, ...args]);

    beforeAll(async () => {
      someone = user({ uid: 0, engine: docker });
      target = await printer();
    });

    test("keeps every line in docker logs for all names of its output", async () => {
      const pipe = at("/proc/1/fd/1");
      const kept = `reading would consume the pipe's data (${target.name}:@stdout shows the container's output; --consume reads it anyway)`;
      const refused = `porthole: cannot open ${pipe}: ${kept}\n`;
      expect(await run("cat", pipe)).toMatchObject({ code: 1, text: "", stderr: refused });
      expect(await run("hexdump", pipe)).toMatchObject({ code: 1, text: "", stderr: refused });
      expect(await run("with", pipe, "--", "cat")).toMatchObject({ code: 125, text: "", stderr: refused });
      const { stderr, code } = await run("grep", "line", pipe);
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: refused.replace("--consume reads it anyway", `use porthole cat --consume ${pipe} | grep PATTERN`),
      });
      for (const args of [["head"], ["tail"], ["tail", "-f"], ["head", "-c", "5"]])
        expect(await run(args[0] as string, ...args.slice(1), pipe)).toMatchObject({ code: 1, text: "" });
      expect((await run("stat", pipe)).text).toContain("fifo");
      expect(await run("cat", at("/proc/1/fd/*"))).toMatchObject({ code: 1 });
      expect((await run("cat", "--consume", at("/proc/1/fd/*"))).stderr).toContain(
        "--consume needs the full name, not a glob",
      );
      expect(await run("grep", "line", at("/tmp"))).toMatchObject({ code: 1, stderr: "" });
      expect(await run("cat", at("/tmp/fifo"))).toMatchObject({ code: 1, text: "" });
      await target.handle.kill({ signal: "SIGUSR1" });
      const lines = await waitFor("the container's last line", async () => {
        const now = await printed(target);
        return now.at(-1) === "end" && now;
      });
      expect(lines.slice(0, -1)).toEqual(lines.slice(0, -1).map((_, index) => `line ${index + 1}`));
    });

    test("reports the storage of the output for a log that is a link to it", async () => {
      const says = async (path: string) => (await run("cat", at(path))).stderr;
      expect(await says("/tmp/access.log")).toBe(
        `porthole: cannot open ${at("/tmp/access.log")}: it leads to /dev/stdout, the container's own output (${at("@stdout")} shows it)\n`,
      );
      expect(await says("/tmp/error.log")).toContain(
        `it leads to /dev/stderr, the container's own output (${at("@stderr")} shows it)`,
      );
      expect(await says("/tmp/first.log")).toContain(`(${at("@stdout")} shows the container's output`);
      expect(await says("/proc/1/fd/2")).toContain(`(${at("@stderr")} shows the container's output`);
      expect((await run("head", "-n", "1", at("@stdout"))).text).toBe("line 1\n");
      if (route === "direct") expect(await says("/proc/self/status")).toContain("name a process, such as /proc/1");
    });

    test("is readable through the root, the working directory and the program of its processes", async () => {
      for (const path of ["/proc/1/root/tmp/file", "/proc/1/cwd/file", "/proc/1/cwd/../tmp/file", "/tmp/all/tmp/file"])
        expect(await run("cat", at(path))).toMatchObject({ code: 0, stderr: "", text: "content\n" });
      expect((await run("head", "-c", "4", at("/proc/1/exe"))).text).toBe("\x7fELF");
      expect((await run("ls", at("/proc/1/root/tmp"))).text).toContain("access.log");
      expect((await run("stat", at("/proc/1/cwd/file"))).text).toContain("regular file");
      expect(await run("cat", at("/proc/1/cwd/*ile"))).toMatchObject({ code: 0, text: "content\n" });
    });

    test("gives the content of a FIFO with --consume", async () => {
      await startInside(target, "echo given > /tmp/fifo");
      expect(await run("cat", "--consume", at("/tmp/fifo"))).toMatchObject({ code: 0, stderr: "", text: "given\n" });
    });
  });

  test("an ended container, its image, and a container with a terminal report the storage of the output that a log links to", async () => {
    const someone = user({ uid: 0, engine: docker });
    const says = async (target: string) => (await someone.run(["cat", target])).stderr;
    const own = (target: string, stream: string, hint: string) =>
      `porthole: cannot open ${target}: it leads to /dev/${stream}, the container's own output (${hint})\n`;
    const logs = [
      { name: "var/log", type: "directory" as const },
      { name: "var/log/access.log", type: "symlink" as const, target: "/dev/stdout" },
      { name: "var/log/error.log", type: "symlink" as const, target: "/dev/fd/2" },
    ];
    const linked = await image(docker, logs);
    const target = await container(docker, { image: linked });
    await target.handle.stop({ t: 0 });
    const at = (path: string) => `${target.name}:${path}`;
    expect(await says(at("/var/log/access.log"))).toBe(
      own(at("/var/log/access.log"), "stdout", `${at("@stdout")} shows it`),
    );
    expect(await says(at("/var/log/error.log"))).toBe(
      own(at("/var/log/error.log"), "stderr", `${at("@stderr")} shows it`),
    );
    const inImage = `image:${linked}:/var/log/access.log`;
    expect(await says(inImage)).toBe(
      own(inImage, "stdout", "only a container of the image has output: CONTAINER:@logs shows it"),
    );
    const terminal = await container(docker, { image: linked, tty: true });
    const error = `${terminal.name}:/var/log/error.log`;
    expect(await says(error)).toBe(own(error, "stderr", `${terminal.name}:@logs shows it`));
    expect(await says(`${terminal.name}:/dev/console`)).toContain(
      `${terminal.name}:@logs shows the container's output`,
    );
  });

  test("is refused over the mount route without permission, and another route is suggested", async () => {
    const someone = user({ uid: 0, engine: docker });
    const target = await printer({ Binds: await mountBinds(someone), CapDrop: ["ALL"] }, "1000");
    const says = async (path: string) =>
      (await someone.run(["cat", "--route", "mount", `${target.name}:${path}`])).stderr;
    const denied = "Permission denied on the mount route, where the container's own rules apply to porthole";
    for (const path of ["/proc/1/fd/1", "/proc/1/root/tmp/file"])
      expect(await says(path)).toBe(
        `porthole: cannot open ${target.name}:${path}: ${denied} (--route direct and --route sidecar can read its processes)\n`,
      );
    expect(await says("/tmp/private")).toBe(
      `porthole: cannot open ${target.name}:/tmp/private: ${denied} (--user 1000 reads as the file's owner; --route direct and --route sidecar bypass them)\n`,
    );
    expect(
      await someone.run(["cat", "--route", "mount", "--user", "1000", `${target.name}:/tmp/private`]),
    ).toMatchObject({
      code: 0,
      text: "mine\n",
    });
  });
});

/** Starts a container, and waits until it has begun to print. */
async function printer(host: Docker.HostConfig = {}, as = "0"): Promise<Container> {
  const target = await container(docker, { script: PRINTER, host, user: as });
  await waitFor("the container to print", async () => (await printed(target)).length > 3);
  return target;
}

/** Returns the lines that the engine has stored. */
async function printed({ handle }: Container): Promise<string[]> {
  return (await logs(handle)).split("\n");
}
