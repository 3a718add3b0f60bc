import { ripgrepPath } from "../../../grep/program-file.ts";
import { failureLine } from "../../connection/failure-lines.ts";
import type { BrowserContext } from "../common/context.ts";
import type { GrepScope } from "./grep-results.ts";

export interface GrepQuestion {
  /** Describes the searched files. */
  in: string;
  /** Proposed directory for the prompt; undefined if the scope is known. */
  directory?: string;
  scopes(directory: string): readonly GrepScope[];
}

/** Asks for a regular expression and shows the matching lines. */
export function askGrep(browser: BrowserContext, question: GrepQuestion): void {
  const { host } = browser;
  let program: string;
  try {
    program = ripgrepPath();
  } catch (error) {
    host.say(failureLine(error));
    return;
  }
  const show = (pattern: string, directory: string) => {
    import("./grep-view.ts").then(
      ({ grepView }) => host.open(grepView(browser, { program, pattern, scopes: question.scopes(directory) })),
      (error: unknown) => host.fail(error),
    );
  };
  host.ask({
    label: `grep ${question.in}: `,
    enter: question.directory === undefined ? "search" : "next",
    done: (pattern) => {
      const { directory } = question;
      if (pattern === "") return;
      if (directory === undefined) show(pattern, "/");
      else
        host.ask({
          label: "in the directory: ",
          enter: "search",
          text: directory,
          check: (text) => (text.startsWith("/") ? undefined : "write an absolute path, such as /var/log"),
          done: (text) => show(pattern, text.replace(/\/+$/, "") || "/"),
        });
    },
  });
}
