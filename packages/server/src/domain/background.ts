/**
 * Work that must not delay an answer and must not be lost silently either: counted events and the refusal ring. Bounded;
 * what does not fit is counted and said, never queued without end (I13).
 */

export const backgroundTasksMax = 1024

export interface Background {
  /** Starts the task now; its failure is reported, never thrown. False when too many are under way: it was not started. */
  readonly run: (task: () => Promise<void>) => boolean
  /** Resolves when everything started so far has ended. */
  readonly drain: () => Promise<void>
}

export function background(report: (error: unknown) => void): Background {
  const underWay = new Set<Promise<void>>()
  return {
    run: task => {
      if (underWay.size >= backgroundTasksMax) return false
      const running = task()
        .catch(report)
        .finally(() => underWay.delete(running))
      underWay.add(running)
      return true
    },
    drain: async () => {
      while (underWay.size > 0) await Promise.all(underWay)
    },
  }
}
