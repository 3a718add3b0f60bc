import { type Command, InvalidArgumentError } from "commander";
import { parseStart } from "../tui/viewer/start-position.ts";
import type { ViewerStart } from "../tui/viewer/viewer-view.ts";
import { rewriting } from "./rewriting.ts";
import { consuming, end, examples, reaching, seconds, timeZone } from "./shared.ts";

/** Commands that show something on the terminal. */
export function addLooking(root: Command): void {
  const opening = rewriting(root.command("open"), startsLast)
    .argument("<target>", "what to look at")
    .argument("[start...]", "where: +G the end, +123 a line, +50%, +0x1f, +/regex, +F follow", position);
  timeZone(consuming(reaching(opening)))
    .summary("look at a file in the terminal: scroll, search, follow")
    .description("Open a file in the terminal. ? shows the keys.")
    .option("-f, --follow", "start at the end and follow what is appended")
    .option("--hex", "start with the bytes in hexadecimal")
    .addHelpText(
      "after",
      examples(
        "porthole open web:/var/log/app.log",
        "porthole open web:/var/log/app.log +G",
        "porthole open --follow web:/var/log/app.log",
        "porthole open web:/var/log/app.log '+/time(d )?out'",
        "porthole open --hex web:/usr/bin/app +0x1000",
      ),
    )
    .action(async (target: string, starts, options) =>
      end((await import("../commands/open.ts")).open(target, starts ?? [], options)),
    );

  timeZone(
    reaching(
      root
        .command("browse")
        .argument("[target]", "where to begin: CONTAINER, CONTAINER:PATH, pid:N (default: the list of containers)"),
    ),
  )
    .summary("look around in the terminal: containers, files, open files; what `porthole` alone does")
    .description("Show the containers, their files and what they have open in the terminal. ? shows the keys.")
    .addHelpText("after", examples("porthole", "porthole browse web:/var/log", "porthole browse pid:4242"))
    .action(async (target: string | undefined, options) =>
      end((await import("../commands/browse.ts")).browse(target, options)),
    );

  root
    .command("demo")
    .summary("follow a live log in a namespace sandbox made for the purpose; needs no engine")
    .description(
      "Make a sandbox with namespaces and a private tmpfs of its own, and follow a live log in it through the agent.",
    )
    .option("--seconds <number>", "how long, when there is no terminal", seconds, 4)
    .addHelpText("after", examples("porthole demo"))
    .action(async (options) => end((await import("../commands/demo.ts")).demo(options)));
}

function position(text: string, before: Partial<ViewerStart>[] = []): Partial<ViewerStart>[] {
  const start = parseStart(text);
  if (!start) throw new InvalidArgumentError("It is none of +G, +123, +50%, +0x1f, +/regex, +F.");
  return [...before, start];
}

/** less(1) and vi(1) have these before the file. */
function startsLast(args: string[]): string[] {
  if (args.includes("--")) return args;
  const isStart = (arg: string) => parseStart(arg) !== undefined;
  return [...args.filter((arg) => !isStart(arg)), ...args.filter(isStart)];
}
