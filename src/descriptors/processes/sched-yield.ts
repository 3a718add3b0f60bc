import { libc } from "../libc.ts";

/**
 * sched_yield(2): lets other runnable threads of this processor run first. Returns at once if no
 * other thread is runnable.
 */
export function schedYield(): void {
  libc.sched_yield();
}
