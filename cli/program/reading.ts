import type { Command } from "commander";
import { end, examples, reaching } from "./shared.ts";

/** Commands that write a file's content to standard output. */
export function addReading(root: Command): void {
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
    .action(async (list: string[], options) => end((await import("../commands/cat.ts")).cat(list, options)));
}
