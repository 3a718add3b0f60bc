import { PortholeError } from "../../../src/errors.ts";
import { reasonIn } from "./kubectl.ts";

/**
 * Returns the error for a connection that ended before the command.
 * @param helper `NAMESPACE/POD` of the helper pod
 */
export function lostNode(node: string, helper: string, reason: string): PortholeError {
  const why = reasonIn(reason) || "the connection ended";
  if (/forbidden/i.test(why))
    return new PortholeError("TARGET", `cannot run porthole in the helper pod of the node ${node}: ${why}`, {
      hint: "bind the role of docker/kubernetes/role.yaml to your user",
    });
  if (/container not found|CONTAINER_\w+ state|completed pod|pods? .*not found|is not running/.test(why))
    return new PortholeError("SESSION", `lost the helper pod ${helper} on the node ${node}: ${why}`, {
      hint: `kubectl describe pod -n ${helper.replace("/", " ")} shows its state`,
    });
  return new PortholeError("SESSION", `lost the node ${node}: ${why}`, {
    hint: `kubectl get node ${node} shows its state`,
  });
}
