import { Command, InvalidArgumentError, Option } from "commander";
import { complain, Exit } from "./fail.ts";

/** Options of every command that reaches into a target. */
export interface ReachOptions {
  engine?: string;
  route?: "auto" | "direct" | "mount" | "sidecar";
  user?: string;
  idle?: number;
}

/**
 * The command line as data: each command names its options and loads its action when it runs, so that no command pays for another's
 * dependencies.
 */
export function program(version: string): Command {
  const root = new Command("porthole")
    .description(
      "Open, read and follow files inside containers from the host: descriptors cross, nothing is copied out.",
    )
    .version(version, "-V, --version")
    .exitOverride((error) => {
      throw Object.assign(error, { exitCode: error.exitCode === 0 ? Exit.ok : Exit.usage });
    })
    .configureOutput({
      outputError: (text) =>
        complain(
          text
            .trim()
            .replace(/^error: /, "")
            .replace(/\n/g, " "),
        ),
    })
    .showSuggestionAfterError()
    .addHelpText("after", `\n${targets}\n\n${statuses}`);

  reaching(root.command("cat").argument("<target...>", "what to read"))
    .summary("write files of containers to standard output")
    .description("Write files to standard output: byte for byte to files and pipes, made safe on a terminal.")
    .option("--trace", "say on standard error which descriptor came, by which route, how fast")
    .addHelpText(
      "after",
      examples(
        "porthole cat web:/var/log/app.log",
        "porthole cat web:/proc/1/status pid:4242:/etc/hosts",
        "porthole cat --trace web:/etc/hostname",
      ),
    )
    .action(async (list: string[], options) => end((await import("./commands/cat.ts")).cat(list, options)));

  reaching(
    root.command("open").argument("<target>", "what to look at").argument("[start]", "+G: start at the end", position),
  )
    .summary("look at a file in the terminal: scroll, search, follow")
    .description("Open a file in the terminal. ? shows the keys.")
    .option("-f, --follow", "start at the end and follow what is appended")
    .addHelpText(
      "after",
      examples(
        "porthole open web:/var/log/app.log",
        "porthole open web:/var/log/app.log +G",
        "porthole open --follow web:/var/log/app.log",
      ),
    )
    .action(async (target: string, start, options) =>
      end((await import("./commands/open.ts")).open(target, start, options)),
    );

  root
    .command("agents")
    .summary("list the agents that live")
    .description("List the agents that live: what they serve, by which route, for how many clients.")
    .option("--json", "one JSON object a line")
    .addHelpText("after", examples("porthole agents", "porthole agents --json"))
    .action(async (options) => end((await import("./commands/agents.ts")).agents(options)));

  root
    .command("detach")
    .argument("[name]", "container name or id, or pid:N")
    .summary("end agents and remove what they left")
    .description("End a target's agents; with --all every agent, sidecar, socket and image of porthole's.")
    .option("--all", "everything")
    .option("--engine <address>", "container engine, as unix:///PATH")
    .addHelpText("after", examples("porthole detach web", "porthole detach --all"))
    .action(async (name: string | undefined, options) =>
      end((await import("./commands/detach.ts")).detach(name, options)),
    );

  root
    .command("docker-args")
    .summary("print the docker run arguments that prepare a container for the mount route")
    .description("Print the arguments that mount porthole's directory into a new container, for the mount route.")
    .addHelpText(
      "after",
      examples("docker run $(porthole docker-args) IMAGE", "docker create --read-only $(porthole docker-args) IMAGE"),
    )
    .action(async () => end((await import("./commands/docker-args.ts")).dockerArgs()));

  root
    .command("demo")
    .summary("follow a live log in a namespace sandbox made for the purpose; needs no engine")
    .description(
      "Make a sandbox with namespaces and a private tmpfs of its own, and follow a live log in it through the agent.",
    )
    .option("--seconds <number>", "how long, when there is no terminal", seconds, 4)
    .addHelpText("after", examples("porthole demo"))
    .action(async (options) => end((await import("./commands/demo.ts")).demo(options)));

  return root;
}

const targets = `Targets:
  web:/var/log/app.log   in a container: its name, id or Compose service
  pid:4242:/etc/hosts    as process 4242 sees it
  /path, ./path          on this machine`;

const statuses = `Exit status:
  0  fine
  1  a file could not be opened, read or written
  2  wrong usage
  3  no such target, it is not running, or there is no engine
  4  the target is there, but no agent could be brought to it
  5  the session with the agent was lost
  130  interrupted`;

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

function reaching(command: Command): Command {
  return command
    .addOption(
      new Option("--route <route>", "how to get there; auto takes a live agent, else the first that goes")
        .choices(["auto", "direct", "mount", "sidecar"])
        .default("auto"),
    )
    .option(
      "--engine <address>",
      "container engine, as unix:///PATH (default: DOCKER_HOST, docker's context, the usual sockets)",
    )
    .option("--user <user>", "user inside the container, for the mount route (default: root)")
    .addOption(
      new Option("--idle <seconds>", "seconds without a client after which an agent ends")
        .argParser(seconds)
        .env("PORTHOLE_IDLE")
        .default(60),
    );
}

function seconds(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 86_400)
    throw new InvalidArgumentError("It is not a number of seconds from 1 to 86400.");
  return value;
}

function position(text: string): "end" {
  if (text !== "+G") throw new InvalidArgumentError("It is not +G.");
  return "end";
}

async function end(status: Promise<number>): Promise<void> {
  process.exitCode = await status;
}
