/** What others do is waited for, but not for ever. */

import type { HolderClock } from '../holder/clock.ts'

/**
 * What `doing` answers, or `null` once `seconds` are over. Then, and when it is done, its signal is aborted; what it still
 * answers or throws afterwards is nobody's any more.
 */
export async function within<Answer>(
  seconds: number,
  clock: HolderClock,
  doing: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer | null> {
  const over = new AbortController()
  const late = clock.wait(seconds * 1000, over.signal).then(() => null)
  try {
    return await Promise.race([late, doing(over.signal)])
  } finally {
    over.abort()
  }
}
