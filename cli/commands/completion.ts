import { write } from "../io/output.ts";

/** Shells that `porthole completion` supports. */
export type Shell = "bash" | "zsh" | "fish";

/**
 * `porthole completion SHELL`: prints the script that makes the shell call `porthole __complete`.
 */
export async function completion(shell: Shell): Promise<number> {
  write(scripts[shell]);
  return 0;
}

/**
 * The scripts. Exit statuses of `__complete`: 0 candidates, 10 files of this machine, 11 programs.
 * No space follows a candidate that ends in `/`, `:` or `=`.
 */
const scripts: Record<Shell, string> = {
  bash: `# porthole's completion for bash 4.4 or newer. In ~/.bashrc: source <(porthole completion bash)
_porthole() {
  local found
  found=$("$1" __complete bash -- "\${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null)
  case $? in
  0) [ -z "$found" ] || mapfile -t COMPREPLY <<<"$found" ;;
  11) mapfile -t COMPREPLY < <(compgen -c -- "$2") ;;
  *) compopt -o default -o bashdefault ;;
  esac
  if [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *[:/=] ]]; then compopt -o nospace; fi
}
complete -F _porthole porthole
`,
  zsh: `#compdef porthole
# porthole's completion for zsh. In ~/.zshrc, after compinit: source <(porthole completion zsh); or as _porthole in a folder of $fpath.
_porthole() {
  local found line value text
  local -a ended ended_shown open open_shown
  found=$(porthole __complete zsh -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)
  case $? in
    0) ;;
    11) _command_names -e; return ;;
    *) _files; return ;;
  esac
  for line in "\${(@f)found}"; do
    value=\${line%%$'\\t'*}
    text=\${line#*$'\\t'}
    [[ -n $value ]] || continue
    [[ -z $text ]] || text="  $text"
    if [[ $value == *[:/=] ]]; then
      open+=("$value")
      open_shown+=("$value$text")
    else
      ended+=("$value")
      ended_shown+=("$value$text")
    fi
  done
  compadd -S '' -l -d open_shown -a open
  compadd -l -d ended_shown -a ended
}
if [[ $funcstack[1] == _porthole ]]; then _porthole "$@"; else compdef _porthole porthole; fi
`,
  fish: `# porthole's completion for fish. In ~/.config/fish/config.fish: porthole completion fish | source
function __porthole_complete
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -e words[1]
    set -l typed (commandline --cut-at-cursor --current-token)
    set -l found (porthole __complete fish -- $words "$typed" 2>/dev/null)
    switch $status
        case 0
            string join -- \\n $found
        case 11
            complete --do-complete "$typed"
        case '*'
            __fish_complete_path "$typed"
    end
end
complete --command porthole --no-files --arguments '(__porthole_complete)'
`,
};
