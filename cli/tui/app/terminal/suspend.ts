/**
 * Stops this process as the kernel's own SIGTSTP would. Without our listener the default action
 * applies. It has no effect in an orphaned process group, where no shell could continue the
 * process. With `group`, the whole job stops, as after the terminal's Ctrl-Z. `after` runs when the
 * process continues, or at once if it was not stopped.
 */
export function stopProcess(listener: () => void, group: boolean, after: () => void): void {
  process.off("SIGTSTP", listener);
  process.kill(group ? 0 : process.pid, "SIGTSTP");
  setTimeout(() => {
    process.on("SIGTSTP", listener);
    after();
  }, 0);
}
