/**
 * Stops this process as the kernel's own SIGTSTP would: without our listener the default action
 * comes back, which also does nothing where nobody could continue the process (an orphaned process
 * group). With `group`, the whole job stops, as the terminal's Ctrl-Z does. `after` runs when the
 * process goes on, or at once when it was not stopped.
 */
export function stopProcess(listener: () => void, group: boolean, after: () => void): void {
  process.off("SIGTSTP", listener);
  process.kill(group ? 0 : process.pid, "SIGTSTP");
  setTimeout(() => {
    process.on("SIGTSTP", listener);
    after();
  }, 0);
}
