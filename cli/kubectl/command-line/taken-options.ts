import { PortholeError } from "../../../src/errors.ts";

/** kubectl's options with a value: long names and letters. */
const KUBECTL: ReadonlySet<string> = new Set([
  ...["--context", "--kubeconfig", "--cluster", "--user", "--as", "--as-group", "--as-uid", "--server", "-s"],
  ...["--token", "--request-timeout", "--tls-server-name", "--certificate-authority", "--client-certificate"],
  ...["--client-key", "--username", "--password"],
]);
const KUBECTL_SWITCHES: ReadonlySet<string> = new Set(["--insecure-skip-tls-verify"]);

/** The plugin's options with a value, by their long names. */
type Value = "namespace" | "selector" | "container" | "helper-namespace" | "image" | "profile";
const VALUES: Readonly<Record<string, Value>> = {
  ...{ "-n": "namespace", "--namespace": "namespace", "-l": "selector", "--selector": "selector" },
  ...{ "-c": "container", "--container": "container", "--helper-namespace": "helper-namespace" },
  ...{ "--image": "image", "--profile": "profile" },
};
const SWITCHES: Readonly<Record<string, "allNamespaces" | "allContainers" | "isEphemeral">> = {
  ...{ "-A": "allNamespaces", "--all-namespaces": "allNamespaces" },
  ...{ "--all-containers": "allContainers", "--ephemeral": "isEphemeral" },
};

/** The long options of the plugin and the most used ones of kubectl, for completion. */
export const OWN_OPTIONS: readonly string[] = [...Object.keys(VALUES), ...Object.keys(SWITCHES), "--context"].filter(
  (name) => name.startsWith("--"),
);

/** The options of kubectl and of the plugin on a command line. */
export class TakenOptions {
  /** Options for every call of kubectl. */
  readonly kubectl: string[] = [];
  allNamespaces = false;
  isEphemeral = false;
  allContainers = false;
  readonly #values = new Map<Value, string>();

  /** True for an option whose value is the next word. */
  static takesValue(word: string): boolean {
    return KUBECTL.has(word) || VALUES[word] !== undefined;
  }

  get(name: Value): string | undefined {
    return this.#values.get(name);
  }

  /**
   * Removes an option of kubectl or of the plugin from the front. Returns false if there is none.
   */
  take(args: string[]): boolean {
    const [word = ""] = args;
    const [, long, joined] = /^(--[^=]+)=(.*)$/s.exec(word) ?? [];
    const [, short, attached] = /^(-[nlc])=?(.+)$/s.exec(long === undefined ? word : "") ?? [];
    const name = long ?? short ?? word;
    if (KUBECTL_SWITCHES.has(name)) {
      this.kubectl.push(args.shift() ?? "");
      return true;
    }
    const toggle = SWITCHES[name];
    if (toggle !== undefined) {
      args.shift();
      this[toggle] = joined !== "false";
      return true;
    }
    const own = VALUES[name];
    if (!KUBECTL.has(name) && own === undefined) return false;
    args.shift();
    const value = joined ?? attached ?? args.shift();
    if (value === undefined)
      throw new PortholeError("USAGE", `option ${name} needs a value`, { hint: `write ${name} VALUE` });
    if (own !== undefined) this.#values.set(own, value);
    else this.kubectl.push(name === "-s" ? "--server" : name, value);
    return true;
  }
}
