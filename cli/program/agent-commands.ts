import type { Command } from "commander";
import { end, examples } from "./shared.ts";

/** Commands that manage agents. */
export function addAgentCommands(root: Command): void {
  root
    .command("agents")
    .summary("list the running agents")
    .description("List the running agents: their target, route and number of clients.")
    .option("--json", "print one JSON object per line")
    .addHelpText("after", examples("porthole agents", "porthole agents --json"))
    .action(async (options) => end((await import("../commands/agents.ts")).agents(options)));

  root
    .command("detach")
    .argument("[name]", "container name or id, or pid:N")
    .summary("stop agents and remove their sockets and sidecars")
    .description("Stop a target's agents; with --all, remove every agent, sidecar, socket and image of porthole.")
    .option("--all", "stop all agents and remove everything that porthole created")
    .option("--engine <address>", "container engine: unix:///PATH, a docker context, or all")
    .addHelpText("after", examples("porthole detach web", "porthole detach --all"))
    .action(async (name: string | undefined, options) =>
      end((await import("../commands/detach.ts")).detach(name, options)),
    );

  root
    .command("docker-args")
    .summary("print the docker run arguments that prepare a container for the mount route")
    .description("Print the docker run arguments that mount porthole's directory into a new container.")
    .addHelpText(
      "after",
      examples("docker run $(porthole docker-args) IMAGE", "docker create --read-only $(porthole docker-args) IMAGE"),
    )
    .action(async () => end((await import("../commands/docker-args.ts")).dockerArgs()));
}
