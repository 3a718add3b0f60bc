import { type Command, Option } from "commander";
import { openWords, startsLast } from "./open-words.ts";
import { rewriteArguments } from "./rewrite-arguments.ts";
import {
  connectionOptions,
  consumeOption,
  end,
  examples,
  seconds,
  selectionOptions,
  timeZoneOption,
} from "./shared.ts";

/** Commands that open the screen. */
export function addViewCommands(root: Command): void {
  const opening = rewriteArguments(root.command("open"), startsLast)
    .argument("<target>", "file to open")
    .argument(
      "[start...]",
      "where to start: +G the end, +123 a line, +50%, +0x1f an offset, +/regex, +F follow; more targets with --merge",
    );
  timeZoneOption(consumeOption(selectionOptions(opening)))
    .summary("view a file in the terminal: scroll, search, follow")
    .description("Open a file in the terminal. Press ? for the keys.")
    .option("-f, --follow", "start at the end and follow appended data")
    .option("--hex", "start in the hexadecimal view")
    .addOption(
      new Option(
        "--merge",
        "follow several files and outputs in one text, ordered by time; adds later matches of patterns",
      ).conflicts("rotated"),
    )
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
        "porthole open --merge web:@logs web:/var/log/app.log 'shop/*:@logs'",
      ),
    )
    .action(async (target: string, words: string[], options) => end(openWords([target, ...words], options)));

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
    .summary("follow live logs in a temporary namespace sandbox; needs no engine")
    .description(
      "Create a sandbox with its own namespaces and a private tmpfs, and follow the logs of two services in it. One crashes now and then.",
    )
    .option("--seconds <number>", "duration without a terminal", seconds, 4)
    .addHelpText("after", examples("porthole demo"))
    .action(async (options) => end((await import("../commands/demo.ts")).demo(options)));
}
