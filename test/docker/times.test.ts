import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { describeWithDocker } from "../helpers/availability.ts";
import { type ContainerOptions, container, engine, image } from "../helpers/engine.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { user } from "../helpers/porthole.ts";
import type { TarEntry } from "../helpers/tar.ts";

const docker = engine("docker");
const LINE = "2026-07-31 14:05:06 started";
const BERLIN = "2026-07-31T12:05:06.000Z";
const UTC = "2026-07-31T14:05:06.000Z";

const TMP: TarEntry = { name: "tmp", type: "directory", mode: 0o1777 };

async function timeIn(options: ContainerOptions, uid = 0, ...more: string[]): Promise<string | null> {
  const made = { image: await image(docker, [TMP]), ...options, steps: ["write", "/tmp/log", LINE] };
  const target = await container(docker, made);
  const someone = user({ uid, engine: docker });
  const { text, stderr } = await someone.run(["tail", "--json", ...more, `${target.name}:/tmp/log`]);
  expect(stderr).toBe("");
  await target.remove();
  return (JSON.parse(text) as { time: string | null }).time;
}

describeWithDocker("a timestamp without a zone in a container", () => {
  test.for([
    { title: "TZ of its first process", options: { env: ["TZ=Europe/Berlin"] }, time: BERLIN },
    { title: "TZ with a colon", options: { env: ["TZ=:Europe/Berlin"] }, time: BERLIN },
    { title: "TZ as POSIX has it", options: { env: ["TZ=CET-1CEST,M3.5.0,M10.5.0/3"] }, time: BERLIN },
    { title: "TZ that means nothing: UTC", options: { env: ["TZ=Nowhere/Else"] }, time: UTC },
    { title: "nothing: UTC", options: {}, time: UTC },
  ] satisfies { title: string; options: ContainerOptions; time: string }[])(
    "is in the container's zone: $title",
    async ({ options, time }) => {
      expect(await timeIn(options)).toBe(time);
    },
  );

  test("is in the zone of /etc/localtime, as a link and as a file, else of /etc/timezone", async () => {
    const etc: TarEntry = { name: "etc", type: "directory" };
    const berlin = readFileSync("/usr/share/zoneinfo/Europe/Berlin");
    const images: TarEntry[][] = [
      [etc, { name: "etc/localtime", type: "symlink", target: "/usr/share/zoneinfo/Europe/Berlin" }],
      [etc, { name: "etc/localtime", content: berlin }],
      [etc, { name: "etc/timezone", content: Buffer.from("Europe/Berlin\n") }],
    ];
    for (const files of images) expect(await timeIn({ image: await image(docker, [TMP, ...files]) })).toBe(BERLIN);
    // The variable wins, as in a C library.
    const [files = []] = images;
    expect(await timeIn({ image: await image(docker, [TMP, ...files]), env: ["TZ=UTC"] })).toBe(UTC);
  });

  test.for([
    { uid: 0, route: "direct" },
    { uid: ORDINARY_USER, route: "sidecar" },
  ])("is in the zone of another user's process, over the route $route", async ({ uid, route }) => {
    const env = ["TZ=Europe/Berlin"];
    expect(await timeIn({ env, user: "1234:1234" }, uid, "--route", route)).toBe(BERLIN);
    expect(await timeIn({ env, host: { CapDrop: ["ALL"] } }, uid, "--route", route)).toBe(BERLIN);
  });

  test("is in the zone of --tz, also in --since", async () => {
    expect(await timeIn({ env: ["TZ=Europe/Berlin"] }, 0, "--tz", "America/New_York")).toBe("2026-07-31T18:05:06.000Z");
    const target = await container(docker, {
      env: ["TZ=Europe/Berlin"],
      steps: ["write", "/log", LINE, "write", "/log", "2026-07-31 15:00:00 later"],
    });
    const tail = (...args: string[]) => user({ engine: docker }).run(["tail", ...args, `${target.name}:/log`]);
    expect(await tail("--since", "2026-07-31T12:30Z")).toMatchObject({ text: "2026-07-31 15:00:00 later\n" });
    expect(await tail("--since", "2026-07-31 14:30", "--tz", "+09")).toMatchObject({
      text: "2026-07-31 15:00:00 later\n",
    });
    expect(await tail("--tz", "Mars/Olympus")).toMatchObject({
      code: 2,
      text: "",
      stderr:
        "porthole: invalid time zone 'Mars/Olympus' (use a name such as Europe/Berlin, an offset such as +02:00, UTC or local)\n",
    });
  });

  test("is ordered correctly across containers in several zones", async () => {
    const berlin = await container(docker, {
      env: ["TZ=Europe/Berlin"],
      steps: ["write", "/log", "2026-07-31 14:05:06 first", "write", "/log", "2026-07-31 16:30:00 fourth"],
    });
    const tokyo = await container(docker, {
      env: ["TZ=Asia/Tokyo"],
      steps: ["write", "/log", "2026-07-31 21:30:00 second", "write", "/log", "2026-07-31 22:00:00 third"],
    });
    const { text } = await user({ engine: docker }).run([
      ...["tail", "-q", "--merge", `${berlin.name}:/log`, `${tokyo.name}:/log`],
    ]);
    expect(text.match(/\w+(?=\n)/g)).toEqual(["first", "second", "third", "fourth"]);
  });
});
