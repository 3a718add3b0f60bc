import { Command } from "commander";
import { complain, Exit } from "../io/fail.ts";
import { addListing } from "./listing.ts";
import { addLooking } from "./looking.ts";
import { addManaging } from "./managing.ts";
import { addReading } from "./reading.ts";
import { addSearching } from "./searching.ts";
import { addTools } from "./tools.ts";

/** The commands by kind, and who defines them. */
const kinds: readonly (readonly [names: readonly string[], add: (root: Command) => void])[] = [
  [["cat", "head", "tail"], addReading],
  [["ls", "stat", "find", "diff"], addListing],
  [["grep", "hexdump"], addSearching],
  [["open", "browse", "demo"], addLooking],
  // Without names: __complete needs all commands.
  [[], addTools],
  [["agents", "detach", "docker-args"], addManaging],
];

/**
 * The command line as data: each command names its options and loads its action when it runs, so that no command pays for another's
 * dependencies. Given the arguments, only commands of the kind that they call are defined: all of them take as long as a small cat has.
 */
export function program(version: string, args: readonly string[] = []): Command {
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

  const called = kinds.filter(([names]) => args[0] !== undefined && names.includes(args[0]));
  for (const [, add] of called.length > 0 ? called : kinds) add(root);
  return root;
}

const targets = `Targets:
  web:/var/log/app.log   in a container: its name, id or Compose service
                         (one that has stopped: its layers and volumes, read-only)
  web:@logs              what a container prints, as its engine keeps it;
                         also web:@stdout and web:@stderr
  image:nginx:1.25:/etc  in an image; nothing of it runs or is pulled
  volume:data:/app.db    in a volume
  pid:4242:/etc/hosts    as process 4242 sees it
  /path, ./path          on this machine`;

const statuses = `Exit status:
  0  fine
  1  a file could not be opened, read or written
  2  wrong usage
  3  no such target, it has no processes, or there is no engine
  4  the target is there, but no agent could be brought to it
  5  the session with the agent was lost
  130  interrupted`;
