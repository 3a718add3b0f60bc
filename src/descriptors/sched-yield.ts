import { libc } from "./libc.ts";

/**
 * sched_yield(2): lets other runnable threads of this processor run first. Returns at once if there
 * are none.
 */
export function schedYield(): void {
  libc.sched_yield();
}
