import { mkdirSync, writeFileSync } from "node:fs";

/** The journal daemon, the only program of systemd that the tests run. */
export const JOURNALD = "/usr/lib/systemd/systemd-journald";

/**
 * Returns a prefix of a daemon's command line that gives the daemon its own journal in a mount
 * namespace. A journal of the machine is unaffected. journald ends with the daemon.
 */
export function withJournal(directory: string): string[] {
  const place = `${directory}/journal`;
  mkdirSync(place);
  writeFileSync(`${place}/machine-id`, "0123456789abcdef0123456789abcdef\n");
  writeFileSync(`${place}/own.conf`, "[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\n");
  const script = `
    mkdir -p /run/systemd /run/log
    mount -t tmpfs tmpfs /run/systemd && mount -t tmpfs tmpfs /run/log
    mkdir -p /run/systemd/journal /run/systemd/journald.conf.d /run/log/journal
    cp ${place}/own.conf /run/systemd/journald.conf.d
    mount --bind ${place}/machine-id /etc/machine-id
    setpriv --pdeathsig KILL -- ${JOURNALD} >${place}/log 2>&1 &
    until [ -S /run/systemd/journal/socket ]; do kill -0 $!; sleep 0.05; done
    exec "$@"`;
  return ["unshare", "--mount", "sh", "-ec", script, "sh"];
}
