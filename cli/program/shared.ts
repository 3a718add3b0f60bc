import { type Command, Help, InvalidArgumentError, Option } from "commander";
import { type Label, parseLabel } from "../targets/container-pattern.ts";

/** Formats the examples of a command for its help text. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

/** Adds the options of every command that connects to a target. Their group comes last. */
export function connectionOptions(command: Command): Command {
  return [
    new Option("--route <route>", "route to the target; auto uses a running agent, else the first route that works")
      .choices(["auto", "direct", "mount", "sidecar"])
      .default("auto"),
    new Option(
      "--engine <address>",
      "container engine: unix:///PATH, ssh://[USER@]HOST, tcp://HOST:PORT, a docker context, cri:PATH for pods, or all, with every docker context (default: DOCKER_HOST, the current docker context, the default sockets)",
    ),
    new Option("--image <name>", "for an engine on another machine: run porthole there from this image"),
    new Option("--user <user>", "user inside the container, for the mount route (default: root)"),
    new Option("--idle <seconds>", "stop the agent after this many seconds without a client")
      .argParser(seconds)
      .env("PORTHOLE_IDLE")
      .default(60),
  ].reduce((all, option) => all.addOption(option.helpGroup(CONNECTION)), command);
}

/** Adds the same options for commands that accept several containers by a pattern. */
export function selectionOptions(command: Command): Command {
  return connectionOptions(command).addOption(
    new Option(
      "--label <key[=value]>",
      "with a pattern of containers, such as '*:/path': match only containers with this label",
    )
      .argParser((text: string, before: readonly Label[] | undefined) => [...(before ?? []), parseLabel(text)])
      .helpGroup(CONNECTION),
  );
}

const CONNECTION = "Connection options:";

/** Shows a command's own options before those of the connection. */
export const ownOptionsFirst: Pick<Help, "groupItems"> = {
  groupItems(unsorted, visible, groupOf) {
    const groups = Help.prototype.groupItems(unsorted, visible, groupOf);
    const last = groups.get(CONNECTION);
    if (last !== undefined && groups.delete(CONNECTION)) groups.set(CONNECTION, last);
    return groups;
  },
};

/** Adds the option of commands that read timestamps in lines. */
export function timeZoneOption(command: Command): Command {
  return command.option(
    "--tz <zone>",
    "time zone of timestamps without a zone: Europe/Berlin, +02:00, UTC, local (default: the target's)",
  );
}

/** Adds the option of commands that read file data. */
export function consumeOption(command: Command): Command {
  return command.option(
    "--consume",
    "also read files where reading removes the data: pipes, FIFOs, terminals, most devices; never for globs",
  );
}

/** Parses a number of seconds from 1 to 86400. */
export function seconds(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 86_400)
    throw new InvalidArgumentError("Use a number of seconds from 1 to 86400.");
  return value;
}

/** Sets the exit status of the process, which ends when no work is pending. */
export async function end(status: Promise<number>): Promise<void> {
  process.exitCode = await status;
}
