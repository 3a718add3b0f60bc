import { Command } from "commander";
import { complain, Exit } from "./fail.ts";
import { addListing } from "./program/listing.ts";
import { addLooking } from "./program/looking.ts";
import { addManaging } from "./program/managing.ts";
import { addReading } from "./program/reading.ts";
import { addSearching } from "./program/searching.ts";
import { addTools } from "./program/tools.ts";

/**
 * The command line as data: each command names its options and loads its action when it runs, so that no command pays for another's
 * dependencies.
 */
export function program(version: string): Command {
  const root = new Command("porthole")
    .description(
      "Open, read and follow files inside containers from the host: descriptors cross, nothing is copied out.",
    )
    // What follows a command is the command's, `--` included.
    .enablePositionalOptions()
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

  addReading(root);
  addListing(root);
  addSearching(root);
  addLooking(root);
  addTools(root);
  addManaging(root);
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
