import type { Command } from "commander";
import { end, examples } from "./shared.ts";

/** Commands about agents. */
export function addManaging(root: Command): void {
  root
    .command("agents")
    .summary("list the agents that live")
    .description("List the agents that live: what they serve, by which route, for how many clients.")
    .option("--json", "one JSON object a line")
    .addHelpText("after", examples("porthole agents", "porthole agents --json"))
    .action(async (options) => end((await import("../commands/agents.ts")).agents(options)));

  root
    .command("detach")
    .argument("[name]", "container name or id, or pid:N")
    .summary("end agents and remove what they left")
    .description("End a target's agents; with --all every agent, sidecar, socket and image of porthole's.")
    .option("--all", "everything")
    .option("--engine <address>", "container engine: unix:///PATH, a docker context, or all")
    .addHelpText("after", examples("porthole detach web", "porthole detach --all"))
    .action(async (name: string | undefined, options) =>
      end((await import("../commands/detach.ts")).detach(name, options)),
    );

  root
    .command("docker-args")
    .summary("print the docker run arguments that prepare a container for the mount route")
    .description("Print the arguments that mount porthole's directory into a new container, for the mount route.")
    .addHelpText(
      "after",
      examples("docker run $(porthole docker-args) IMAGE", "docker create --read-only $(porthole docker-args) IMAGE"),
    )
    .action(async () => end((await import("../commands/docker-args.ts")).dockerArgs()));
}
