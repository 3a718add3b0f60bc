import { spawn } from "node:child_process";
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { ReadStream } from "node:tty";
import koffi from "koffi";

/** Milliseconds until a running program is killed. */
const PATIENCE_MS = 10_000;

/**
 * Runs a Node program on a new terminal, types `keys` after its first output, or after it has shown
 * `shown`, and waits for its end. Resolves with its exit status, null if it was killed at the
 * timeout.
 * @throws if no terminal can be created
 */
export async function runOnTerminal(args, { env, keys, shown = "" }) {
  const { master, slave } = openTerminal();
  const child = spawn(process.execPath, args, {
    env: { ...env, TERM: "xterm-256color" },
    stdio: [slave, slave, slave],
  });
  closeSync(slave);
  const screen = new ReadStream(master);
  let output = "";
  screen.on("data", function type(bytes) {
    output += bytes;
    if (!output.includes(shown)) return;
    screen.off("data", type);
    writeSync(master, keys);
  });
  // EIO: the other end is closed.
  screen.on("error", () => undefined).resume();
  const patience = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  try {
    return await new Promise((resolve, reject) => child.once("error", reject).once("exit", resolve));
  } finally {
    clearTimeout(patience);
    screen.destroy();
  }
}

/** Requests of ioctl_tty(2): the number and the lock of the other end, the size. */
const TIOCGPTN = 0x80045430;
const TIOCSPTLCK = 0x40045431;
const TIOCSWINSZ = 0x5414;

/** Opens both ends of a pseudo-terminal (pty(7)) of 80x24. The caller closes them. */
function openTerminal() {
  const ioctl = koffi.load(null).func("int ioctl(int, ulong, void *)");
  const flags = constants.O_RDWR | constants.O_NOCTTY;
  const master = openSync("/dev/ptmx", flags);
  const number = new Uint32Array(1);
  const done =
    ioctl(master, TIOCSPTLCK, new Uint32Array([0])) === 0 &&
    ioctl(master, TIOCGPTN, number) === 0 &&
    ioctl(master, TIOCSWINSZ, new Uint16Array([24, 80, 0, 0])) === 0;
  if (!done) throw new Error("no pseudo-terminal");
  return { master, slave: openSync(`/dev/pts/${number[0]}`, flags) };
}
