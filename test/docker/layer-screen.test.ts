import { expect, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { container, engine } from "../helpers/engine.ts";
import { user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { lastRow, startScreen } from "./porthole-screen.ts";

describeWith(["docker", "tmux", "root"], "the layer of a file", () => {
  const docker = engine("docker");
  const root = user({ engine: docker });

  test("is named in the status of the selected file: a layer of the image, or the container's own", async () => {
    const web = await container(docker, { script: "echo mine > /own; exec /bin/busybox sleep 100000" });
    await waitFor("its file", async () => (await root.run(["stat", `${web.name}:/own`])).code === 0);
    const screen = startScreen(root, [`${web.name}:/`], { size: { columns: 120, rows: 24 } });
    const status = () => lastRow(screen.text());
    await expect.poll(status).toMatch(/^ layer 1 of 1 of the image \([0-9a-f]{12}\), modified /);
    screen.answer("/", "own");
    await expect.poll(status).toContain("in the container's own layer, removed with the container, modified ");
  });
});
