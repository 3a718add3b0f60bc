import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { busyboxImage, container, type Engine, engine } from "../helpers/engine.ts";
import { type User, user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";
import type { TmuxScreen } from "../tui/screen.ts";
import { lastRow, startScreen } from "./porthole-screen.ts";

describeWith(["docker", "tmux", "root"], "the layer of a file", () => {
  let docker: Engine;
  let root: User;
  let screen: TmuxScreen | undefined;
  beforeAll(() => {
    docker = engine("docker");
    root = user({ engine: docker });
  });
  afterAll(() => {
    screen?.close();
    return root.close();
  });

  test("is named in the status of the selected file: a layer of the image, or the container's own", async () => {
    const web = await container(docker, {
      image: await busyboxImage(docker),
      command: ["/bin/busybox", "sh", "-c", "echo mine > /own; exec /bin/busybox sleep 100000"],
    });
    await waitFor("its file", async () => (await root.run(["stat", `${web.name}:/own`])).code === 0);
    screen = startScreen(root, [`${web.name}:/`], { size: { columns: 120, rows: 24 } });
    const status = () => lastRow(screen?.text() ?? "");
    await expect.poll(status).toMatch(/^ layer 1 of 1 of the image \([0-9a-f]{12}\), modified /);
    screen.keys("/");
    screen.type("own");
    screen.keys("Enter");
    await expect.poll(status).toContain("in the container's own layer, removed with the container, modified ");
  });
});
