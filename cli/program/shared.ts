import { type Command, InvalidArgumentError, Option } from "commander";

/** Help text that shows how the command is called. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

/** Adds the options of every command that reaches into a target: see {@link ReachOptions}. */
export function reaching(command: Command): Command {
  return command
    .addOption(
      new Option("--route <route>", "how to get there; auto takes a live agent, else the first that goes")
        .choices(["auto", "direct", "mount", "sidecar"])
        .default("auto"),
    )
    .option(
      "--engine <address>",
      "container engine: unix:///PATH, a docker context, or all (default: DOCKER_HOST, docker's context, the usual sockets)",
    )
    .option("--user <user>", "user inside the container, for the mount route (default: root)")
    .addOption(
      new Option("--idle <seconds>", "seconds without a client after which an agent ends")
        .argParser(seconds)
        .env("PORTHOLE_IDLE")
        .default(60),
    );
}

/** The option of commands that read times in lines. */
export function timeZone(command: Command): Command {
  return command.option(
    "--tz <zone>",
    "what a time without a zone means: Europe/Berlin, +02:00, UTC, local (default: as in the target)",
  );
}

/** Adds the option of the commands that read a file's data. */
export function consuming(command: Command): Command {
  return command.option(
    "--consume",
    "read also what loses what is read, where it is named in full: pipes, FIFOs, terminals, most devices",
  );
}

/** Parses a number of seconds from 1 to 86400. */
export function seconds(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 86_400)
    throw new InvalidArgumentError("It is not a number of seconds from 1 to 86400.");
  return value;
}

/** Makes what a command resolved with the exit status of the process, which ends when nothing is left to do. */
export async function end(status: Promise<number>): Promise<void> {
  process.exitCode = await status;
}
