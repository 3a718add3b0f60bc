import { basename, join } from "node:path";

/** Describes the start of a shell whose prompt shows the target. */
export interface PromptedShell {
  command: readonly string[];
  environment: NodeJS.ProcessEnv;
  /** Content of the launcher's script; see {@link Launch.script}. */
  script: string | undefined;
}

/**
 * Prepares an interactive shell whose prompt begins with `(name)`, after the user's own settings.
 * `at` is the launcher's directory. `name` must not contain characters that prompts or shells
 * expand.
 */
export function promptedShell(shell: string, name: string, at: string, environment: NodeJS.ProcessEnv): PromptedShell {
  const mark = `(${name}) `;
  switch (basename(shell)) {
    case "bash": {
      const script = `[ ! -f ~/.bashrc ] || . ~/.bashrc\nPS1='${mark}'"$PS1"\n`;
      return { command: [shell, "--rcfile", join(at, SCRIPT)], environment, script };
    }
    case "zsh": {
      const own = environment.ZDOTDIR ?? environment.HOME ?? "/";
      const script =
        'ZDOTDIR=$PORTHOLE_ZDOTDIR; unset PORTHOLE_ZDOTDIR\nfor one in zshenv zshrc; do [ ! -f "$ZDOTDIR/.$one" ] || . "$ZDOTDIR/.$one"; done\n' +
        `PROMPT='${mark}'"$PROMPT"\n`;
      const ZDOTDIR = join(at, SCRIPT, "..");
      return { command: [shell], environment: { ...environment, ZDOTDIR, PORTHOLE_ZDOTDIR: own }, script };
    }
    case "fish": {
      const prompt = `functions -c fish_prompt porthole_prompt; function fish_prompt; echo -n '${mark}'; porthole_prompt; end`;
      return { command: [shell, "--init-command", prompt], environment, script: undefined };
    }
    default:
      return {
        command: [shell],
        environment: { ...environment, PS1: `${mark}${environment.PS1 ?? "$ "}` },
        script: undefined,
      };
  }
}

const SCRIPT = ".shell/.zshrc";
