import { describe, expect, test } from "vitest";
import { parseRequest, type Request } from "../../cli/kubectl/command-line/arguments.ts";
import { optionTable } from "../../cli/kubectl/command-line/option-table.ts";
import {
  checkTargets,
  isReadable,
  isWanted,
  type PodRow,
  parseEvent,
  parseRows,
  planNodes,
  queries,
} from "../../cli/kubectl/pods/plan.ts";
import { addsPods } from "../../cli/kubectl/pods/pod-follow.ts";
import { PodTable } from "../../cli/kubectl/pods/pod-table.ts";
import { selectorText } from "../../cli/kubectl/pods/workloads.ts";

const parse = (line: string): Request =>
  parseRequest(
    line.split(" ").filter((word) => word !== ""),
    optionTable,
  );
const row = (name: string, node: string, namespace = "shop") => ({
  namespace,
  name,
  node,
  phase: "Running",
  owner: "",
});
const rows = [row("web-0", "n1"), row("web-1", "n2"), row("db-0", "n1")];
/** Returns the command lines for the nodes, if all pods of `shop` exist. */
const plan = (line: string) => planNodes(parse(line), [rows]).map(({ node, args }) => [node, args.join(" ")]);

describe("the options of kubectl porthole", () => {
  test("before the command are kubectl's, and after it too unless the command has an option of that name", () => {
    expect(parse("-n shop tail -n 5 web-0:/a")).toMatchObject({ namespace: "shop", command: "tail" });
    expect(plan("tail -n 5 -n shop web-0:/a")).toEqual([["n1", "tail -n 5 -- pod:shop/web-0:/a"]]);
    expect(plan("tail -n5 -nshop web-0:/a")).toEqual([["n1", "tail -n 5 -- pod:shop/web-0:/a"]]);
    expect(plan("tail -n +5 web-0:/a")).toEqual([["n1", "tail -n +5 -- pod:shop/web-0:/a"]]);
    expect(plan("grep -n -l x web-0:/a")).toEqual([["n1", "grep -n -l -- x pod:shop/web-0:/a"]]);
    expect(plan("grep -nA3 --context 2 x web-0:/a")).toEqual([
      ["n1", "grep -n -A 3 --context 2 -- x pod:shop/web-0:/a"],
    ]);
    expect(parse("grep --namespace shop x web-0:/a").namespace).toBe("shop");
    expect(plan("ls -l web-0:/a")).toEqual([["n1", "ls -l -- pod:shop/web-0:/a"]]);
    expect(plan("ls -n shop --numeric-uid-gid web-0:/a")).toEqual([
      ["n1", "ls --numeric-uid-gid -- pod:shop/web-0:/a"],
    ]);
    expect(parse("--context=prod --as bob cat web-0:/a").kubectl).toEqual(["--context", "prod", "--as", "bob"]);
    expect(parse("cat --context prod web-0:/a").kubectl).toEqual(["--context", "prod"]);
  });

  test("select a container of the targets that name none; tail -c and head -c also take a number of bytes", () => {
    expect(plan("tail -c app -c 5 -c proxy web-0:/a")).toEqual([["n1", "tail -c 5 -- pod:shop/web-0/proxy:/a"]]);
    expect(plan("cat --container=app web-0:/a web-0/proxy:/b")).toEqual([
      ["n1", "cat -- pod:shop/web-0/app:/a pod:shop/web-0/proxy:/b"],
    ]);
    expect(plan("-c app grep -c x web-0:/a")).toEqual([["n1", "grep -c -- x pod:shop/web-0/app:/a"]]);
    expect(plan("tail --all-containers web-0:@logs")).toEqual([["n1", "tail -- pod:shop/web-0/*:@logs"]]);
  });

  test("-A selects pods of all namespaces, unless a target names one", () => {
    const every = [[row("web-0", "n1"), row("web-0", "n2", "other")]];
    const planned = planNodes(parse("tail -A -n 5 web-0:@logs"), every);
    expect(planned.map(({ args }) => args.join(" "))).toEqual([
      "tail -n 5 -- pod:shop/web-0:@logs",
      "tail -n 5 -- pod:other/web-0:@logs",
    ]);
    // kubectl finds no pod by its name in all namespaces.
    expect(queries(parse("-A cat web-0:/a shop/web-1/app:/a"))).toEqual([
      { namespace: undefined, allNamespaces: true, names: [], selector: undefined },
      { namespace: "shop", allNamespaces: false, names: ["web-1"], selector: undefined },
    ]);
    expect(plan("grep -A 2 x web-0:/a")).toEqual([["n1", "grep -A 2 -- x pod:shop/web-0:/a"]]);
    expect(() => checkTargets(parse("cat -A none:/x"), [rows])).toThrow("no such pod: 'none' in any namespace");
    expect(() => parse("cat -A deploy/web:/x")).toThrow("-A: deploy/web is in one namespace");
  });

  test("that the command does not have are an error, with the name that it has for kubectl's and stern's", () => {
    const refused = (line: string, hint: string) =>
      expect(() => parse(line)).toThrow(
        expect.objectContaining({ code: "USAGE", hint: expect.stringContaining(hint) }),
      );
    refused("tail --tail 5 web-0:@logs", "use -n N");
    refused("tail --tail=5 web-0:@logs", "use -n N");
    refused("cat --previous web-0:@logs", "use kubectl logs --previous");
    refused("ls -l app=web :/x", "-l is an option of ls: write --selector app=web");
    refused("grep x -l app=web", "-l is an option of grep: write --selector app=web");
    refused("ls --tail 5 web-0:/x", "kubectl porthole --help list them");
    refused("logs web-0", "use kubectl porthole tail -F POD:@logs");
    expect(plan("tail -20 web-0:/a")).toEqual([["n1", "tail -20 -- pod:shop/web-0:/a"]]);
    expect(plan("grep --stats x web-0:/a")).toEqual([["n1", "grep --stats -- x pod:shop/web-0:/a"]]);
  });

  test("have a value", () => {
    expect(() => parse("cat web-0:/a --context")).toThrow("option --context needs a value");
  });
});

describe("a target of kubectl porthole", () => {
  test("is a pod of the namespace, with or without a container, and each form names it on its node", () => {
    expect(plan("cat web-0:/a web-0/app:/b")).toEqual([["n1", "cat -- pod:shop/web-0:/a pod:shop/web-0/app:/b"]]);
    expect(plan("cat pod:shop/web-0/app:@logs")).toEqual([["n1", "cat -- pod:shop/web-0/app:@logs"]]);
    expect(plan("ps web-0")).toEqual([["n1", "ps -- pod:shop/web-0"]]);
  });

  test("without a command is opened, with start positions after it", () => {
    expect(plan("web-0:/a +G")).toEqual([["n1", "open pod:shop/web-0:/a +G"]]);
    expect(plan("open +123 web-0:/a")).toEqual([["n1", "open +123 pod:shop/web-0:/a"]]);
  });

  test("may be one of several that open --merge shows as one text", () => {
    expect(plan("open --merge web-0:/a db-0:/b +F")).toEqual([
      ["n1", "open --merge pod:shop/web-0:/a pod:shop/db-0:/b +F"],
    ]);
  });

  test("is distinguished from grep's pattern and find's expression", () => {
    expect(plan("grep http://x web-0:/a")).toEqual([["n1", "grep -- http://x pod:shop/web-0:/a"]]);
    expect(plan("grep -e x web-0:/a")).toEqual([["n1", "grep -e x -- pod:shop/web-0:/a"]]);
    expect(plan("find web-0:/a -name a:/b -print")).toEqual([["n1", "find pod:shop/web-0:/a -name a:/b -print"]]);
  });

  test("may be a glob of pods on several nodes, each of which gets its own pods", () => {
    expect(plan("tail -F web-*:/a db-0:/b")).toEqual([
      ["n1", "tail -F -- pod:shop/web-0:/a pod:shop/db-0:/b"],
      ["n2", "tail -F -- pod:shop/web-1:/a"],
    ]);
  });

  test("with a selector is the container and the path, or only the output", () => {
    expect(plan("cat -l app=web app:/a")).toEqual([
      ["n1", "cat -- pod:shop/web-0/app:/a pod:shop/db-0/app:/a"],
      ["n2", "cat -- pod:shop/web-1/app:/a"],
    ]);
    expect(plan("tail -F -l app=web")[1]).toEqual(["n2", "tail -F -- pod:shop/web-1:@logs"]);
    expect(plan("cat -l app=web /a")[1]).toEqual(["n2", "cat -- pod:shop/web-1:/a"]);
    expect(() => parse("ls -l")).toThrow("missing pod");
    expect(() => parse("-l app=web cat a/b:/c")).toThrow("names a pod, which --selector excludes");
  });

  test("without a path, with a bad name, or of an unknown command is an error", () => {
    expect(() => parse("cat web-0")).toThrow("'web-0' has no path");
    for (const path of ["", "tmp/a", "@previous", "@logs/a"])
      expect(() => parse(`cat web-0:${path}`)).toThrow(`'web-0:${path}' has no path that begins with a slash`);
    expect(() => parse("cat /etc/hosts")).toThrow("'/etc/hosts' has no pod");
    expect(() => parse("cat -")).toThrow("'-' has no pod");
    expect(() => parse("cat a/b/c/d:/x")).toThrow("has no pod");
    expect(() => parse("rm web-0:/a .")).toThrow("unknown command or option 'rm'");
    expect(() => parse("")).toThrow("no command");
  });
});

const CURRENT = { namespace: undefined, allNamespaces: false, selector: undefined };

describe("a workload", () => {
  test("is a resource that selects pods, with or without a container", () => {
    const target = (line: string) => parse(line).parts.find((part) => "target" in part);
    expect(target("cat deploy/web:/a")).toMatchObject({ target: { workload: "deploy/web", container: undefined } });
    expect(target("cat statefulset/web/app:/a")).toMatchObject({
      target: { workload: "statefulset/web", container: "app" },
    });
    expect(target("cat pod/web-0/app:/a")).toMatchObject({ target: { pod: "web-0", container: "app" } });
    // As porthole prints it, the first part is a namespace.
    expect(target("cat pod:deploy/web/app:/a")).toMatchObject({ target: { namespace: "deploy", pod: "web" } });
  });

  test("has its selector in the form of kubectl, also that of a service", () => {
    const matchExpressions = [
      { key: "tier", operator: "In" as const, values: ["a", "b"] },
      { key: "old", operator: "DoesNotExist" as const },
      { key: "zone", operator: "NotIn" as const, values: ["c"] },
      { key: "new", operator: "Exists" as const },
    ];
    expect(selectorText({ matchLabels: { app: "web" }, matchExpressions })).toBe(
      "app=web,tier in (a,b),!old,zone notin (c),new",
    );
    expect(selectorText({ app: "web", tier: "a" })).toBe("app=web,tier=a");
  });
});

describe("the plan of kubectl porthole", () => {
  test("requests each namespace once, by name if no glob requires all pods", () => {
    expect(queries(parse("cat a:/x b:/x other/c/app:/x"))).toEqual([
      { ...CURRENT, names: ["a", "b"] },
      { ...CURRENT, namespace: "other", names: ["c"] },
    ]);
    expect(queries(parse("cat a:/x b*:/x c:/x"))).toEqual([{ ...CURRENT, names: [] }]);
  });

  test("reports pods that do not exist or have no node", () => {
    expect(() => checkTargets(parse("cat none:/x"), [rows])).toThrow("no such pod: 'none' in the current namespace");
    const pending = [{ ...row("web-0", ""), phase: "Pending" }];
    expect(() => checkTargets(parse("cat web-0:/x"), [pending])).toThrow(
      "the pod shop/web-0 is not scheduled: Pending",
    );
    const starting = { ...row("web-0", "n1"), phase: "Pending" };
    expect(() => checkTargets(parse("cat web-0:/x"), [[starting]])).toThrow(
      "the pod shop/web-0 has not started: Pending",
    );
    expect(() => checkTargets(parse("cat web-0/init:/x"), [[{ ...starting, hasContainers: true }]])).not.toThrow();
    expect(planNodes(parse("cat -l app=web"), [[starting, row("web-1", "n1")]])).toMatchObject([
      { args: ["cat", "--", "pod:shop/web-1:@logs"] },
    ]);
  });

  test("reads kubectl's columns, in which <none> is empty", () => {
    expect(
      parseRows("shop   web-0   <none>   Pending   <none>   app   <none>   <none>   <none>\nNo resources found\n"),
    ).toEqual([{ namespace: "shop", name: "web-0", node: "", phase: "Pending", owner: "" }]);
    const [starting, waiting] = parseRows(
      "shop a n1 Pending <none> app init <none> containerd://1\nshop b n1 Pending <none> app <none> <none> <none>\n",
    );
    expect([starting && isReadable(starting), waiting && isReadable(waiting)]).toEqual([true, false]);
  });

  test("names the only container of a pod with init containers, which its runtime cannot distinguish", () => {
    const pods = parseRows(
      "shop web-0 n1 Running <none> app first,second c1 i1,i2\nshop db-0 n1 Running <none> a,b first <none> <none>\n",
    );
    const [{ args } = { args: [] }] = planNodes(parse("cat web-0:/a web-0/first:/a db-0:/a"), [pods]);
    expect(args.join(" ")).toBe("cat -- pod:shop/web-0/app:/a pod:shop/web-0/first:/a pod:shop/db-0:/a");
  });

  test("reads the events of a watch", () => {
    expect(parseEvent("DELETED   shop   web-0   n1   Running   <none>   app,db   init   c1   i1")).toEqual({
      pod: row("web-0", "n1"),
      isGone: true,
    });
    expect(parseEvent("MODIFIED  shop   web-0   n1   Running   <none>   app   <none>   c1   <none>")?.isGone).toBe(
      false,
    );
    expect(parseEvent("error: it ended")).toBeUndefined();
  });
});

describe("the pods of a running follow", () => {
  const table = (line: string) => new PodTable([rows], (query, pod) => isWanted(parse(line), query, pod));
  const names = (pods: readonly PodRow[]) => pods.map(({ name, node }) => `${name} ${node}`);

  test("are those of a selector or a glob, and with -F those of a name", () => {
    expect(
      ["tail -f web-*:/a", "tail -f -l app=web", "tail -F web-0:/a", "tail --retry -f web-0:/a"].map((line) =>
        addsPods(parse(line)),
      ),
    ).toEqual([true, true, true, true]);
    expect(
      ["tail -f web-0:/a", "tail web-*:/a", "head web-*:/a", "grep x web-*:/a"].map((line) => addsPods(parse(line))),
    ).toEqual([false, false, false, false]);
  });

  test("join when they have started on a node, and are removed when they have ended or moved", () => {
    const pods = table("tail -F web-*:/a");
    const change = (pod: PodRow, isGone = false) => pods.change(0, { pod, isGone });
    change({ ...row("web-2", ""), phase: "Pending" });
    change({ ...row("web-3", "n1"), phase: "Pending" });
    change(row("other-1", "n1"));
    expect(pods.changes()).toEqual({ joined: [], left: [] });
    change(row("web-2", "n2"));
    expect(names(pods.changes().joined)).toEqual(["web-2 n2"]);
    change(row("web-2", "n2"), true);
    change(row("web-0", "n2"));
    const { joined, left } = pods.changes();
    expect([names(joined), names(left)]).toEqual([["web-0 n2"], ["web-0 n1", "web-2 n2"]]);
    pods.replace(0, [row("web-0", "n2")]);
    expect(names(pods.changes().left)).toEqual(["web-1 n2"]);
  });
});
