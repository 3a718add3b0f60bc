import { type Command, InvalidArgumentError } from "commander";
import { parseStart } from "../tui/viewer/start-position.ts";
import type { ViewerStart } from "../tui/viewer/viewer-view.ts";
import { rewriteArguments } from "./rewrite-arguments.ts";
import { connectionOptions, consumeOption, end, examples, seconds, timeZoneOption } from "./shared.ts";

/** Commands that open the screen. */
export function addViewCommands(root: Command): void {
  const opening = rewriteArguments(root.command("open"), startsLast)
    .argument("<target>", "file to open")
    .argument(
      "[start...]",
      "where to start: +G the end, +123 a line, +50%, +0x1f an offset, +/regex, +F follow",
      position,
    );
  timeZoneOption(consumeOption(connectionOptions(opening)))
    .summary("view a file in the terminal: scroll, search, follow")
    .description("Open a file in the terminal. Press ? for the keys.")
    .option("-f, --follow", "start at the end and follow appended data")
    .option("--hex", "start in the hexadecimal view")
    .option("--rotated", "show the earlier files of a rotated log before it, as one text")
    .addHelpText(
      "after",
      examples(
        "porthole open web:/var/log/app.log",
        "porthole open web:/var/log/app.log +G",
        "porthole open --follow web:/var/log/app.log",
        "porthole open web:/var/log/app.log '+/time(d )?out'",
        "porthole open --hex web:/usr/bin/app +0x1000",
        "porthole open --rotated web:/var/log/app.log +G",
      ),
    )
    .action(async (target: string, starts, options) =>
      end((await import("../commands/open.ts")).open(target, starts ?? [], options)),
    );

  timeZoneOption(
    connectionOptions(
      root
        .command("browse")
        .argument("[target]", "where to start: CONTAINER, CONTAINER:PATH, pid:N (default: the list of containers)"),
    ),
  )
    .summary("browse containers, files and open files in the terminal (same as `porthole` alone)")
    .description("Browse containers, their files and their open files in the terminal. Press ? for the keys.")
    .addHelpText("after", examples("porthole", "porthole browse web:/var/log", "porthole browse pid:4242"))
    .action(async (target: string | undefined, options) =>
      end((await import("../commands/browse.ts")).browse(target, options)),
    );

  root
    .command("demo")
    .summary("follow a live log in a temporary namespace sandbox; needs no engine")
    .description(
      "Create a sandbox with its own namespaces and a private tmpfs, and follow a live log in it through the agent.",
    )
    .option("--seconds <number>", "duration without a terminal", seconds, 4)
    .addHelpText("after", examples("porthole demo"))
    .action(async (options) => end((await import("../commands/demo.ts")).demo(options)));
}

function position(text: string, before: Partial<ViewerStart>[] = []): Partial<ViewerStart>[] {
  const start = parseStart(text);
  if (!start) throw new InvalidArgumentError("Use +G, +123, +50%, +0x1f, +/regex or +F.");
  return [...before, start];
}

/** Moves start positions behind the target: less(1) and vi(1) take them before the file. */
function startsLast(args: string[]): string[] {
  if (args.includes("--")) return args;
  const isStart = (arg: string) => parseStart(arg) !== undefined;
  return [...args.filter((arg) => !isStart(arg)), ...args.filter(isStart)];
}
