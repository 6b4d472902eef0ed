/** What an operator wants to read in a log: said once when it begins, and once when it is over. */

export interface GuardEvent {
  readonly kind: 'lost' | 'back'
  readonly what: 'metadata' | 'keys' | 'feed' | 'status list'
  /** Of what was lost: a sentence, without a secret in it. Null of what is back. */
  readonly reason: string | null
}

export type Report = (event: GuardEvent) => void

export interface Condition {
  readonly isGood: () => void
  readonly isBad: (error: unknown) => void
  /** What it failed by the last time; null where it did not. */
  readonly failure: () => string | null
}

/** Whether something of the server's can be had; changes are reported, what goes on is not. */
export function condition(what: GuardEvent['what'], report: Report): Condition {
  let failure: string | null = null

  function tell(event: GuardEvent): void {
    try {
      report(event)
    } catch {
      // A log that fails must neither close an API nor stop it from following what is revoked.
    }
  }

  return {
    failure: () => failure,
    isGood: () => {
      const wasBad = failure !== null
      failure = null
      if (wasBad) tell({ kind: 'back', what, reason: null })
    },
    isBad: error => {
      const wasGood = failure === null
      const reason = error instanceof Error ? error.message : 'it could not be had'
      failure = reason
      if (wasGood) tell({ kind: 'lost', what, reason })
    },
  }
}
