import { type Command, InvalidArgumentError, Option } from "commander";
import { end, examples } from "./shared.ts";

/** Commands that manage agents. */
export function addAgentCommands(root: Command): void {
  root
    .command("agents")
    .summary("list the running agents")
    .description("List the running agents: their target, route and number of clients; and what porthole has mounted.")
    .option("--json", "print one JSON object per line")
    .addHelpText("after", examples("porthole agents", "porthole agents --json"))
    .action(async (options) => end((await import("../commands/agents.ts")).agents(options)));

  root
    .command("detach")
    .argument("[name]", "container name or id, or pid:N")
    .summary("stop agents and remove their sockets and sidecars")
    .description(
      "Stop a target's agents; with --all, remove every agent, sidecar, socket, image and mount of porthole.",
    )
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

  root
    .command("image")
    .summary("write an image of this installation, or load it into an engine")
    .description(
      "Write a container image of this installation to standard output: Node.js with its libraries, porthole, its agent and ripgrep. " +
        "The same installation gives the same bytes. Nothing is pulled. docker load, podman load and ctr image import read it.",
    )
    .option("--load", "load the image into the engine and print its name")
    .option("--engine <address>", "with --load: unix:///PATH or a docker context")
    .addOption(new Option("--tag <name>", "name of the image").argParser(imageName).default("porthole:latest"))
    .addHelpText(
      "after",
      examples(
        "porthole image --load",
        "porthole image | docker load",
        "porthole image | ctr image import -",
        "docker run --rm -it --pid host --privileged -v /run/docker.sock:/run/docker.sock porthole",
        "docker run --rm --pid host --privileged -v /run/docker.sock:/run/docker.sock porthole ps web",
      ),
    )
    .action(async (options) => end((await import("../commands/image.ts")).image(options)));

  root
    .command("__engine-socket", { hidden: true })
    .argument("<helper>")
    .action(async (id: string) => end((await import("../commands/engine-socket.ts")).engineSocket(id)));
}

/** Adds the tag `latest` if it is missing: engines require a repository and a tag. */
function imageName(text: string): string {
  const [, repository, tag = "latest"] =
    /^([a-z0-9]+(?:[._/:-]+[a-z0-9]+)*?)(?::([\w][\w.-]{0,127}))?$/.exec(text) ?? [];
  if (repository === undefined || text.length > 255)
    throw new InvalidArgumentError("Use a name such as porthole:latest or registry.example/team/porthole:1.0.");
  return `${repository}:${tag}`;
}
