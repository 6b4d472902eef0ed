/**
 * A document of the server's that is fetched seldom and used with every request: by its age it is used as it is, used
 * while a newer one is fetched, or not used any more. However many ask, one fetch is under way, and after each attempt,
 * good or bad, there is a pause.
 */

import { ServerUnavailable } from './fault.ts'
import type { Condition } from './report.ts'
import type { World } from './world.ts'

export interface KeptDocument<T> {
  /** Rejects with `ServerUnavailable` where there is none that is young enough. */
  readonly read: () => Promise<T>
  /** A newer one, because the one at hand lacks something; null in the pause after an attempt. Rejects where it fails. */
  readonly readAgain: () => Promise<T | null>
  /** Of the one at hand; null where there is none. */
  readonly ageMs: () => number | null
  /** What the last attempt failed by; null where it did not. */
  readonly failure: () => string | null
}

export interface KeptRules {
  /** So long it is used and nothing else happens. */
  readonly freshSeconds: number
  /** So long it is used while it cannot be fetched. */
  readonly staleSecondsMax: number
  /** Between an attempt and the next one that somebody asks for by what they send. */
  readonly pauseSeconds: number
}

/** After a fetch that failed: whoever waits for the first document is not made to wait for long. */
export const failedFetchPauseSeconds = 1

export interface KeptParts<T> {
  readonly world: World
  readonly rules: KeptRules
  readonly condition: Condition
  readonly load: () => Promise<T>
}

export function keptDocument<T>(parts: KeptParts<T>): KeptDocument<T> {
  const { rules } = parts
  const attempts = attemptsOf(parts)
  const { kept, ageMs, failure, hasPaused } = attempts

  return {
    ageMs,
    failure,
    read: async () => {
      const known = kept()
      const age = ageMs()
      if (known === null || age === null || age > rules.staleSecondsMax * 1000) {
        if (hasPaused(failedFetchPauseSeconds)) return attempts.make()
        throw new ServerUnavailable(`it is asked again in a moment; before: ${failure() ?? 'nothing'}`)
      }
      if (age >= rules.freshSeconds * 1000 && hasPaused(failedFetchPauseSeconds)) {
        // Nobody waits for it: its failure is told by `failure` and by the age.
        attempts.make().catch(() => undefined)
      }
      return known
    },
    readAgain: async () => {
      if (hasPaused(rules.pauseSeconds)) return attempts.make()
      const before = failure()
      if (before !== null) throw new ServerUnavailable(before)
      return null
    },
  }
}

interface Attempts<T> extends Pick<KeptDocument<T>, 'ageMs' | 'failure'> {
  readonly kept: () => T | null
  /** True where the last attempt was so long ago, or one is under way that anybody may join. */
  readonly hasPaused: (seconds: number) => boolean
  readonly make: () => Promise<T>
}

function attemptsOf<T>({ world, condition, load }: KeptParts<T>): Attempts<T> {
  let kept: { readonly value: T; readonly atMs: number } | null = null
  let attemptedAtMs = Number.NEGATIVE_INFINITY
  let loading: Promise<T> | null = null

  async function attempt(): Promise<T> {
    attemptedAtMs = world.nowMs()
    try {
      const value = await load()
      kept = { value, atMs: world.nowMs() }
      condition.isGood()
      return value
    } catch (error) {
      condition.isBad(error)
      throw error
    } finally {
      loading = null
    }
  }

  return {
    kept: () => kept?.value ?? null,
    ageMs: () => (kept === null ? null : Math.max(0, world.nowMs() - kept.atMs)),
    failure: condition.failure,
    hasPaused: seconds => loading !== null || Math.abs(world.nowMs() - attemptedAtMs) >= seconds * 1000,
    make: () => (loading ??= attempt()),
  }
}
