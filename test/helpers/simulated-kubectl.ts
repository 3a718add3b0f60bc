import { writeFileSync } from "node:fs";

/**
 * Writes a program `kubectl` that simulates kubectl and the nodes behind it: no machine of the tests
 * and benchmarks has room for 50. The environment has the numbers: NODES, FILES of a node and LINES
 * of a node. Line I of node K has the time I * NODES + K microseconds, and belongs to the node's
 * pod I modulo FILES. The lines are sent as fast as possible.
 */
export function writeSimulatedKubectl(directory: string): void {
  writeFileSync(`${directory}/kubectl`, KUBECTL, { mode: 0o755 });
}

const KUBECTL = `#!/bin/sh
case " $* " in
*" exec "*)
  for word; do case $word in porthole-*) node=\${word#porthole-} ;; esac; done
  awk -v k="$node" -v nodes="$NODES" -v lines="$LINES" -v files="$FILES" 'BEGIN {
    for (i = 0; i < lines; i++) {
      time = i * nodes + k
      printf "{\\"target\\":\\"pod:shop/web-%d-%d:@logs\\",\\"line\\":\\"%d %d\\",\\"time\\":\\"2026-01-02T03:04:%02d.%06d000Z\\"}\\n", k, i % files, i, k, time / 1000000, time % 1000000
    }
  }'
  printf '\\0porthole-end exit 0\\n' >&2 ;;
*" porthole "*) for k in $(seq 0 $((NODES - 1))); do echo "porthole porthole-$k n$k Running <none> app <none> <none> <none>"; done ;;
*) for k in $(seq 0 $((NODES - 1))); do echo "shop web-$k n$k Running <none> app <none> <none> <none>"; done ;;
esac
`;
