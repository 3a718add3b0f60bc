import { PortholeError } from "../../src/errors.ts";
import { reasonIn } from "./kubectl.ts";

/** Returns the error for a connection that ended before the command. */
export function lostNode(node: string, reason: string): PortholeError {
  const why = reasonIn(reason) || "the connection ended";
  if (/forbidden/i.test(why))
    return new PortholeError("TARGET", `cannot run porthole in the helper pod of the node ${node}: ${why}`, {
      hint: "bind the role of docker/kubernetes/role.yaml to your user",
    });
  return new PortholeError("SESSION", `lost the node ${node}: ${why}`, {
    hint: `kubectl get node ${node} shows its state`,
  });
}
