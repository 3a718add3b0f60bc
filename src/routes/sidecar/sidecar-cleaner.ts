import { recordedEngine } from "../../engines/api/engine-address.ts";

/**
 * The program `sidecar-cleaner SOCKET START`. Reads its standard input to the end, which arrives
 * when the command that started the program was killed. Then removes that command's sidecar.
 */
const [, , socketPath = "", start = ""] = process.argv;
process.stdin.resume().once("close", async () => {
  const { removeStarted } = await import("./remove-sidecars.ts");
  await removeStarted(recordedEngine(socketPath), start).catch(() => undefined);
});
